//! `entroscope watch`: runs the script again at every save, and shows its figures on a page.
//!
//! An edit is checked and described before anything that runs is stopped. Then it takes over: the edit before it starts
//! nothing more, and what that edit has under way goes on if the new one needs it too, or stops at its next step.

mod approval;
mod changes;
mod connection;
mod context;
mod edits;
mod event;
mod files;
#[cfg(all(any(test, fuzzing), feature = "pytorch"))]
pub(crate) mod fuzzing;
mod guard;
mod run;
mod server;
mod token;
mod watch;

pub use crate::page::Stage;
pub use event::{WatchEvent, WatchObserver};
pub use watch::{WatchOptions, watch};

/// What the watch waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    /// A followed file may have changed.
    Files,
    /// The page's buttons.
    Pause,
    Resume,
    /// The files that an edit reads are known: it was described, or is over.
    Reads(usize),
    /// An edit is over.
    Ended(usize),
}
