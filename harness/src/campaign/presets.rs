//! The campaigns that are built in: a minute, half an hour, a night.

/// A built-in campaign.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for.
    pub what: &'static str,
    /// Its file.
    pub text: &'static str,
}

/// All of them.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "smoke",
        what: "a minute: does everything work here, real processes included?",
        text: include_str!("presets/smoke.toml"),
    },
    Preset {
        name: "nightly",
        what: "half an hour: every algorithm under every class of faults, in all three executors",
        text: include_str!("presets/nightly.toml"),
    },
    Preset {
        name: "soak",
        what: "eight hours, or as long as --for says: long runs with everything that each model allows",
        text: include_str!("presets/soak.toml"),
    },
];

/// The preset of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::PRESETS;
    use crate::campaign::definition::Definition;

    #[test]
    fn every_preset_is_a_campaign() {
        for preset in PRESETS {
            let defined = Definition::new(preset.name, preset.text, Path::new("."));
            let defined = defined.map_err(|mistake| mistake.show(preset.name, preset.text)).unwrap();
            assert_eq!(defined.name, preset.name);
        }
    }
}
