//! What the edits of one watch share, and the edits that are not over.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use super::Signal;
use super::approval::Approval;
use super::edits::EditLog;
use super::event::WatchObserver;
use crate::lock::{Guard, lock};
use crate::script::{Host, ReadLog, RunHandle};
use crate::work::Cancel;

/// What the edits of one watch share.
pub(super) struct WatchContext {
    pub edits: Arc<EditLog>,
    pub host: Host,
    pub handle: RunHandle,
    pub script: PathBuf,
    /// Work with a longer estimate, in seconds, waits for approval.
    pub ask_above: Option<f64>,
    pub observer: Box<WatchObserver>,
    pub approval: Arc<Approval>,
    pub signals: Sender<Signal>,
    /// The edits that are not over, by number.
    pub active: Mutex<BTreeMap<usize, ActiveEdit>>,
}

impl WatchContext {
    pub fn active(&self) -> Guard<'_, BTreeMap<usize, ActiveEdit>> {
        lock(&self.active)
    }

    pub fn signal(&self, signal: Signal) {
        // The event loop may have ended.
        let _ = self.signals.send(signal);
    }
}

/// An edit that is not over.
#[derive(Clone)]
pub(super) struct ActiveEdit {
    pub superseded: Cancel,
    pub reads: ReadLog,
    pub began: SystemTime,
    /// Whether it has taken over from the edits before it.
    pub is_in_charge: Arc<AtomicBool>,
}
