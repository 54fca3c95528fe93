//! `temblor serve`: runs and campaigns in a browser, on this machine alone.

use anyhow::Result;

use super::{answer, note};
use crate::cli::ServeArgs;
use crate::exit::{Exit, usage};
use crate::serve::Site;

/// Answers until it is interrupted.
pub fn serve(args: &ServeArgs) -> Result<Exit> {
    if !args.results.is_dir() {
        let folder = args.results.display();
        return Err(usage(format!("there is no folder {folder}; `temblor run` leaves runs in results")));
    }
    let site = Site::open(&args.results, args.port)?;
    answer(&format!("{}\n", site.url()))?;
    note("Ctrl-C ends it; nothing is changed, and nobody else on the network sees it.");
    site.answer_all();
    Ok(Exit::Clean)
}
