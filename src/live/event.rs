//! What a watch reports to the program that started it.

use crate::executor::Estimate;
use crate::page::Stage;
use crate::script::{HostEvent, Outcome};

/// An event of a watch.
pub enum WatchEvent<'a> {
    /// The page's address.
    Serving(&'a str),
    /// An edit begins.
    Began { edit: usize, changed: &'a str },
    /// An event of an edit's run. A superseded edit still reports the work that it has under way.
    Run { edit: usize, event: HostEvent<'a> },
    /// The edit is listed but not run, because the watch is paused.
    Noted { edit: usize, changed: &'a str },
    /// The edit waits for approval: it is estimated to take this many seconds.
    Asks { edit: usize, estimate: Estimate },
    /// An edit is over.
    Ended { edit: usize, stage: Stage, outcome: &'a Outcome },
    /// A problem that does not stop the watch.
    Warning(crate::Error),
}

/// Is called with every event of a watch, from several threads.
pub type WatchObserver = dyn Fn(WatchEvent<'_>) + Send + Sync;
