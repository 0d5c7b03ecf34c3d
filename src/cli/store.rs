//! `entroscope store`.

use std::process::ExitCode;

use clap::Subcommand;

use super::{failed, say};
use crate::Result;
use crate::print::out;
use crate::words;
use crate::work::{Store, StoreSummary, Verified};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// What is stored, by operation.
    List,
    /// Remove large results (weights, reconstructions), longest unused first. Small ones, the curves, are always kept. Also
    /// remove what killed processes left half-written, checkpoints of trainings that have not finished, and damaged files that
    /// were set aside more than 30 days ago.
    Gc {
        /// Large results to keep, such as 5G.
        #[arg(long, value_name = "SIZE", value_parser = words::bytes)]
        keep: u64,
        /// Remove all damaged files that were set aside.
        #[arg(long)]
        damaged: bool,
    },
    /// Read every result and check its hash; damaged ones are set aside. Exit status: 0 all are whole, 1 some are damaged or
    /// cannot be read.
    Verify,
}

pub(super) fn store(command: &Command, store: &Store) -> ExitCode {
    done(command, store).unwrap_or_else(failed)
}

fn done(command: &Command, store: &Store) -> Result<ExitCode> {
    match command {
        Command::List => {
            for (name, results, bytes) in store.by_operation()? {
                out!("{name:24} {results:8} results  {:>12}", words::size(bytes as f64));
            }
            summary(store, &store.summary()?);
        }
        Command::Gc { keep, damaged } => summary(store, &store.gc(*keep, *damaged)?),
        Command::Verify => {
            let Verified { whole, damaged, unreadable, outdated } = store.verify()?;
            out!("{whole} results are whole, {} damaged", damaged.len());
            if outdated > 0 {
                out!("{outdated} are of an earlier version, and are computed again when they are needed");
            }
            if !unreadable.is_empty() {
                out!("{} cannot be read, and stay where they are", unreadable.len());
            }
            damaged.iter().chain(&unreadable).for_each(|error| say(&error.clone().into()));
            return Ok(ExitCode::from(u8::from(!damaged.is_empty() || !unreadable.is_empty())));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(store: &Store, summary: &StoreSummary) {
    let StoreSummary { results, bytes, large_results, large_bytes, damaged } = summary;
    out!(
        "{results} results, {}, of which {large_results} large, {}, in {}",
        words::size(*bytes as f64),
        words::size(*large_bytes as f64),
        store.root().display()
    );
    if *damaged > 0 {
        out!("{damaged} damaged files set aside in {}", store.root().join("damaged").display());
    }
}
