//! Finding a line of the table of algorithms by its name.

use crate::algorithms::{ALGORITHMS, Algorithm};

/// No such algorithm, or none over such a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSystem(pub String);

impl std::fmt::Display for UnknownSystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnknownSystem {}

/// The algorithm of this name over this layer, or over its default.
pub fn system(name: &str, over: Option<&str>) -> Result<&'static Algorithm, UnknownSystem> {
    let mut of_name = ALGORITHMS.iter().filter(|algorithm| algorithm.name == name).peekable();
    if of_name.peek().is_none() {
        let mut names: Vec<&str> = ALGORITHMS.iter().map(|algorithm| algorithm.name).collect();
        names.dedup();
        return Err(UnknownSystem(format!("there is no algorithm {name}; there are {}", names.join(", "))));
    }
    let layers: Vec<&str> = of_name.clone().filter_map(|algorithm| algorithm.over).collect();
    let fits = |algorithm: &&Algorithm| over.is_none() || algorithm.over == over;
    of_name.find(fits).ok_or_else(|| {
        let choice = if layers.is_empty() { "no layer to choose".to_owned() } else { layers.join(", ") };
        UnknownSystem(format!("{name} does not run over {}; it has: {choice}", over.unwrap_or_default()))
    })
}
