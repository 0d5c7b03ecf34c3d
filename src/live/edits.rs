//! The edits of a watch, as the page shows them. A reader asks for what changed since a revision, so a slow reader neither
//! blocks the watch nor makes it buffer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::edit::Edit;
use crate::Result;
use crate::lock::lock;
use crate::output::facts::Facts;
use crate::script::{Outputs, Shown};
use crate::words;
use crate::work::{Described, Fingerprint, Value};

/// Most bytes of results that are kept for the figures of former edits.
const MEMORY: usize = 512 << 20;
/// Most edits whose figures are kept.
const FIGURES: usize = 100;
/// Most edits that are listed.
const LISTED: usize = 1000;

/// See the module.
pub(super) struct EditLog {
    entries: Mutex<Entries>,
    revision: watch::Sender<Revision>,
}

/// A count of changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Revision {
    /// All changes.
    pub all: u64,
    /// Changes that a reader should see at once.
    pub urgent: u64,
}

/// How soon a reader should see a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    Now,
    /// With the next batch of progress.
    Batched,
}

/// What the log holds.
pub(super) struct Entries {
    pub script: String,
    /// Identifies this start of the program.
    pub program: String,
    pub paused: bool,
    pub ask_above: Option<f64>,
    pub edits: BTreeMap<usize, Edit>,
    /// The results that edits hold, so that edits with the same result share it.
    results: BTreeMap<Fingerprint, Weak<Value>>,
    /// Facts about results whose descriptions are no longer kept.
    facts: BTreeMap<Fingerprint, Facts>,
    /// The revision at which each edit last changed.
    edit_revisions: BTreeMap<usize, u64>,
    /// The revision at which anything else last changed.
    status_revision: u64,
}

impl EditLog {
    pub fn new(script: String, program: String, ask_above: Option<f64>) -> Self {
        let entries = Entries {
            script,
            program,
            paused: false,
            ask_above,
            edits: BTreeMap::new(),
            results: BTreeMap::new(),
            facts: BTreeMap::new(),
            edit_revisions: BTreeMap::new(),
            status_revision: 1,
        };
        Self { entries: Mutex::new(entries), revision: watch::Sender::new(Revision { all: 1, urgent: 1 }) }
    }

    pub fn lock(&self) -> MutexGuard<'_, Entries> {
        lock(&self.entries)
    }

    /// The revision, with notice of its changes.
    pub fn subscribe(&self) -> watch::Receiver<Revision> {
        self.revision.subscribe()
    }

    fn next_revision(&self, urgency: Urgency) -> u64 {
        let mut all = 0;
        self.revision.send_modify(|revision| {
            revision.all += 1;
            revision.urgent += u64::from(urgency == Urgency::Now);
            all = revision.all;
        });
        all
    }

    /// Adds an edit, the newest.
    pub fn add(&self, edit: Edit) {
        let mut entries = self.lock();
        let number = edit.number;
        entries.edits.insert(number, edit);
        entries.status_revision = self.next_revision(Urgency::Batched);
        entries.forget();
        let revision = self.next_revision(Urgency::Now);
        entries.edit_revisions.insert(number, revision);
        entries.edit_revisions.retain(|listed, _| listed + LISTED > number);
        entries.edits.retain(|listed, _| listed + LISTED > number);
    }

    /// Changes an edit.
    pub fn change(&self, number: usize, urgency: Urgency, change: impl FnOnce(&mut Edit)) {
        let mut entries = self.lock();
        let Some(edit) = entries.edits.get_mut(&number) else { return };
        change(edit);
        let revision = self.next_revision(urgency);
        entries.edit_revisions.insert(number, revision);
    }

    /// Records a result of an edit.
    pub fn done(&self, number: usize, name: Fingerprint, result: &Result<Arc<Value>>) {
        let known = self.lock().results.get(&name).and_then(Weak::upgrade);
        let shared = result.as_ref().map(|value| known.unwrap_or_else(|| value.clone())).map_err(Clone::clone);
        if let Ok(value) = &shared {
            self.lock().results.insert(name, Arc::downgrade(value));
        }
        self.change(number, Urgency::Batched, |edit| edit.done(name, &shared));
    }

    /// Facts about a result.
    pub fn facts(&self, result: &Described) -> Option<Facts> {
        if result.is_name() { self.lock().facts.get(&result.fingerprint()).cloned() } else { Some(Facts::of(result)) }
    }

    /// Drops the descriptions of edits that are over and not the newest; their figures need only names of results.
    pub fn condense(&self) {
        let (former, known): (Vec<(usize, Outputs)>, BTreeSet<Fingerprint>) = {
            let entries = self.lock();
            let newest = entries.current();
            let former = entries.edits.range(..newest).filter_map(|(number, edit)| Some((*number, edit.whole()?)));
            (former.collect(), entries.facts.keys().copied().collect())
        };
        for (number, outputs) in former {
            let mut facts = BTreeMap::new();
            let mut name = |result: &Described| {
                if !known.contains(&result.fingerprint()) {
                    facts.entry(result.fingerprint()).or_insert_with(|| Facts::of(result));
                }
                Described::name_of(result)
            };
            let named = outputs
                .iter()
                .map(|Shown { output, place }| Shown { output: output.named(&mut name), place: place.clone() })
                .collect();
            let mut entries = self.lock();
            entries.facts.extend(facts);
            if let Some(edit) = entries.edits.get_mut(&number) {
                edit.name(named);
            }
        }
    }

    /// Changes something other than an edit.
    pub fn set(&self, change: impl FnOnce(&mut Entries)) {
        let mut entries = self.lock();
        change(&mut entries);
        entries.status_revision = self.next_revision(Urgency::Now);
    }

    /// What changed after revision `since`, as events of the page's stream, and the revision now.
    pub fn news(&self, since: u64) -> (Vec<(&'static str, Json)>, u64) {
        let entries = self.lock();
        let now = self.revision.borrow().all;
        let mut news = Vec::new();
        if entries.status_revision > since {
            news.push(("status", entries.status()));
        }
        let edits = entries
            .edits
            .values()
            .filter(|edit| entries.edit_revisions.get(&edit.number).is_some_and(|&revision| revision > since));
        news.extend(edits.map(|edit| ("edit", edit.json())));
        (news, now)
    }
}

impl Entries {
    /// The number of the newest edit; 0 before the first.
    pub fn current(&self) -> usize {
        self.edits.last_key_value().map_or(0, |(number, _)| *number)
    }

    fn status(&self) -> Json {
        json!({
            "script": self.script,
            "program": self.program,
            "version": env!("CARGO_PKG_VERSION"),
            "paused": self.paused,
            "ask_above": self.ask_above.map(words::duration),
            "current": self.current(),
        })
    }

    /// Drops the figures of the oldest edits when there are too many of them or their results are too large.
    fn forget(&mut self) {
        self.results.retain(|_, value| value.strong_count() > 0);
        self.facts.retain(|result, _| self.results.contains_key(result));
        let shown: Vec<usize> = self.edits.values().map(|edit| edit.figures_of).collect();
        let mut known = BTreeSet::new();
        let mut bytes = 0;
        let (mut kept, newest) = (0, self.current());
        for (number, edit) in self.edits.iter_mut().rev().filter(|(_, edit)| edit.is_kept()) {
            bytes += edit.bytes(&mut known);
            kept += 1;
            // The edits on show stay, however large they are.
            let is_shown = *number == newest || shown.last() == Some(number);
            if !is_shown && (kept > FIGURES || bytes > MEMORY) {
                edit.forget();
            }
        }
    }
}
