//! The terminal: whether diagrams can be drawn with lines and colours.

use std::io::IsTerminal;

use super::Check;
use crate::diagram::text::{Charset, Colours};

/// What `explain` will do here.
pub fn terminal() -> Check {
    seen(|name| std::env::var(name).ok(), std::io::stdout().is_terminal())
}

fn seen(variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> Check {
    if Charset::of_locale(&variable) == Charset::Ascii {
        let found = "the locale is not UTF-8: diagrams are drawn in ASCII";
        return Check::limited("terminal", found).enabled_by("export LC_ALL=C.UTF-8");
    }
    if !Colours::are_welcome(&variable) {
        let dumb = variable("TERM").as_deref() == Some("dumb");
        let enable = if dumb { "export TERM=xterm-256color" } else { "unset NO_COLOR" };
        return Check::limited("terminal", "Unicode, without colours").enabled_by(enable);
    }
    let colours = if is_terminal { "and colours" } else { "; colours where stdout is a terminal" };
    Check::ok("terminal", format!("Unicode {colours}").replace(" ;", ";"))
}

#[cfg(test)]
mod tests {
    use super::seen;
    use crate::doctor::Check;

    fn with(variables: &[(&str, &str)], is_terminal: bool) -> Check {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        seen(value, is_terminal)
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let utf8 = ("LANG", "en_GB.UTF-8");
        for (variables, enable) in [
            (vec![], Some("export LC_ALL=C.UTF-8")),
            (vec![utf8, ("NO_COLOR", "1")], Some("unset NO_COLOR")),
            (vec![utf8, ("TERM", "dumb")], Some("export TERM=xterm-256color")),
            (vec![utf8], None),
        ] {
            assert_eq!(with(&variables, true).enable.as_deref(), enable, "{variables:?}");
        }
        assert_eq!(with(&[utf8], true).found, "Unicode and colours");
        assert_eq!(with(&[utf8], false).found, "Unicode; colours where stdout is a terminal");
    }
}
