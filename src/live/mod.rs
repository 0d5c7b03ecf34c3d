//! `entroscope watch`: the script is run again at every save, and a page shows what it shows.
//!
//! An edit is checked and described before anything that runs is stopped. From then on it takes over: the one before begins
//! nothing more, what it has under way goes on if the new one wants it too, and ends at its next step if not.

mod board;
mod details;
mod edit;
mod files;
mod guard;
mod page;
mod server;
mod watch;

pub use edit::Stage;
pub use watch::{Heard, Options, watch};

/// What the watch waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happened {
    /// A file that matters may have changed.
    Files,
    /// Somebody pressed a button on the page.
    Pause,
    Resume,
    /// An edit was described, or is over: what it reads is known.
    Reads(usize),
    Ended(usize),
}
