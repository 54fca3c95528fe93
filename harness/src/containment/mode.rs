//! Which containment is wanted: `TEMBLOR_CONTAINMENT=auto|namespace|guardian|none`.

use std::env;

/// The environment variable that overrides [`Mode::Auto`].
const VARIABLE: &str = "TEMBLOR_CONTAINMENT";

/// How the controller is contained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In a namespace if one can be had, else by a guardian, else not at all, which is said on stderr.
    Auto,
    /// In a PID namespace, or not run.
    Namespace,
    /// By a guardian process, or not run.
    Guardian,
    /// Not at all: the controller runs in this process. For debuggers.
    None,
}

impl Mode {
    /// The mode that the environment asks for, `Auto` if it asks for none.
    ///
    /// # Errors
    /// The text of a usage error, if the variable holds anything else than a mode.
    pub fn from_environment() -> Result<Self, String> {
        match env::var_os(VARIABLE) {
            None => Ok(Self::Auto),
            Some(value) => Self::named(&value.to_string_lossy()),
        }
    }

    fn named(name: &str) -> Result<Self, String> {
        match name {
            "" | "auto" => Ok(Self::Auto),
            "namespace" => Ok(Self::Namespace),
            "guardian" => Ok(Self::Guardian),
            "none" => Ok(Self::None),
            other => Err(format!("{VARIABLE} is '{other}'; it must be auto, namespace, guardian or none")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn an_empty_variable_asks_for_nothing() {
        assert_eq!(Mode::named(""), Ok(Mode::Auto));
    }

    #[test]
    fn an_unknown_mode_is_refused_with_those_that_exist() {
        let text = "TEMBLOR_CONTAINMENT is 'docker'; it must be auto, namespace, guardian or none";
        assert_eq!(Mode::named("docker"), Err(text.to_owned()));
    }
}
