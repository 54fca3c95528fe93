//! Shards: which runs of a campaign this machine makes.
//!
//! Run k belongs to shard k mod n, and its plan depends on the campaign and on k only. So any number of shards makes the same
//! runs, and a shard that was lost can be made again alone.

use anyhow::Result;

use crate::exit::usage;

/// One of several that share a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Shard {
    /// Which, from 1.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

/// The whole campaign in one.
impl Default for Shard {
    fn default() -> Self {
        Self { number: 1, of: 1 }
    }
}

/// Environments that say which shard this is: the variable of the number, the least number there is (itself a variable, where
/// it can differ), the variable of how many there are, and whose they are.
struct Engine {
    whose: &'static str,
    number: &'static str,
    least: Least,
    of: &'static [&'static str],
}

enum Least {
    Is(u64),
    Variable(&'static str),
}

const ENGINES: &[Engine] = &[
    Engine { whose: "GitLab", number: "CI_NODE_INDEX", least: Least::Is(1), of: &["CI_NODE_TOTAL"] },
    Engine {
        whose: "a Kubernetes indexed Job",
        number: "JOB_COMPLETION_INDEX",
        least: Least::Is(0),
        of: &["SHARD_TOTAL"],
    },
    Engine {
        whose: "a Slurm array job",
        number: "SLURM_ARRAY_TASK_ID",
        least: Least::Variable("SLURM_ARRAY_TASK_MIN"),
        of: &["SLURM_ARRAY_TASK_COUNT"],
    },
    Engine { whose: "GNU parallel", number: "PARALLEL_SEQ", least: Least::Is(1), of: &["SHARD_TOTAL"] },
];

impl Shard {
    /// Reads `2/7`, or `auto`: what the environment says.
    ///
    /// # Errors
    /// It is neither, or the environment says nothing, or nonsense.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        if text == "auto" {
            return Self::of_environment(variable);
        }
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            Some((number, of)) => {
                Err(usage(format!("--shard {number}/{of}: shards are numbered from 1 to how many there are")))
            }
            None => Err(usage(format!("--shard {text}: write i/n, such as 2/7, or auto"))),
        }
    }

    fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let Some(engine) = ENGINES.iter().find(|engine| variable(engine.number).is_some()) else {
            let known: Vec<&str> = ENGINES.iter().map(|engine| engine.number).collect();
            return Err(usage(format!(
                "--shard auto found none of {} in the environment; say --shard i/n",
                known.join(", ")
            )));
        };
        let number_of = |name: &str| -> Result<u64> {
            let text = variable(name).ok_or_else(|| {
                usage(format!("--shard auto: {} gives {}, but {name} is not set", engine.whose, engine.number))
            })?;
            text.parse().map_err(|_| usage(format!("--shard auto: {name} is {text:?}, which is no number")))
        };
        let least = match engine.least {
            Least::Is(least) => least,
            Least::Variable(name) => number_of(name)?,
        };
        let (index, of) = (number_of(engine.number)?, number_of(engine.of[0])?);
        let number = index.checked_sub(least).map(|number| number + 1);
        match number {
            Some(number) if number <= of => Ok(Self { number, of }),
            _ => Err(usage(format!(
                "--shard auto: {} is {index} and {} is {of}, which fits no shard; numbers begin at {least}",
                engine.number, engine.of[0]
            ))),
        }
    }

    /// Whether run `k` (from 0) is made here.
    pub fn has(self, k: u64) -> bool {
        k % self.of == self.number - 1
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;

    fn auto(variables: &[(&str, &str)]) -> Result<(u64, u64), String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Shard::parse("auto", variable).map(|shard| (shard.number, shard.of)).map_err(|error| error.to_string())
    }

    #[test]
    fn each_engine_counts_in_its_own_way() {
        assert_eq!(auto(&[("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "3")]), Ok((3, 3)));
        assert_eq!(auto(&[("JOB_COMPLETION_INDEX", "0"), ("SHARD_TOTAL", "4")]), Ok((1, 4)));
        let slurm = |id, min| {
            auto(&[("SLURM_ARRAY_TASK_ID", id), ("SLURM_ARRAY_TASK_MIN", min), ("SLURM_ARRAY_TASK_COUNT", "3")])
        };
        assert_eq!((slurm("0", "0"), slurm("7", "5")), (Ok((1, 3)), Ok((3, 3))));
        assert_eq!(auto(&[("PARALLEL_SEQ", "2"), ("SHARD_TOTAL", "2")]), Ok((2, 2)));
    }

    #[test]
    fn an_environment_that_makes_no_sense_is_refused_by_name() {
        assert!(auto(&[]).unwrap_err().contains("CI_NODE_INDEX"));
        assert!(auto(&[("CI_NODE_INDEX", "1")]).unwrap_err().contains("CI_NODE_TOTAL is not set"));
        assert!(auto(&[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "3")]).unwrap_err().contains("fits no shard"));
        assert!(auto(&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "3")]).unwrap_err().contains("fits no shard"));
        assert!(auto(&[("PARALLEL_SEQ", "x"), ("SHARD_TOTAL", "3")]).unwrap_err().contains("no number"));
    }

    #[test]
    fn every_run_is_of_one_shard() {
        for of in 1..8 {
            for k in 0..50 {
                let owners = (1..=of).filter(|number| Shard { number: *number, of }.has(k));
                assert_eq!(owners.count(), 1);
            }
        }
        for text in ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"] {
            assert!(Shard::parse(text, |_| None).is_err(), "{text}");
        }
    }
}
