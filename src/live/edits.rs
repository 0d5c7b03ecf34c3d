//! The edits of a watch, as the page shows them. A reader asks for what changed since a revision, so a slow reader neither
//! blocks the watch nor makes it buffer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, Weak};

use serde_json::{Value as Json, json};
use tokio::sync::watch;

use crate::Result;
use crate::lock::{Guard, lock};
use crate::page::Edit;
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
    /// The names of the results of former edits.
    names: Mutex<BTreeMap<Fingerprint, Described>>,
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
            edit_revisions: BTreeMap::new(),
            status_revision: 1,
        };
        Self {
            entries: Mutex::new(entries),
            names: Mutex::default(),
            revision: watch::Sender::new(Revision { all: 1, urgent: 1 }),
        }
    }

    pub fn lock(&self) -> Guard<'_, Entries> {
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
        entries.forget(FIGURES, MEMORY);
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

    /// Drops the descriptions of edits that are over and not the newest; their figures need only names of results.
    pub fn condense(&self) {
        let former: Vec<(usize, Outputs)> = {
            let entries = self.lock();
            let newest = entries.current();
            entries.edits.range(..newest).filter_map(|(number, edit)| Some((*number, edit.whole()?))).collect()
        };
        if former.is_empty() {
            return;
        }
        // Edits that show the same result share its name.
        let mut names = lock(&self.names);
        let mut name_of = |described: &Described| {
            names.entry(described.fingerprint()).or_insert_with(|| Described::name_of(described)).clone()
        };
        for (number, outputs) in former {
            let named =
                |Shown { output, place }: &Shown| Shown { output: output.named(&mut name_of), place: place.clone() };
            let named = outputs.iter().map(named).collect();
            if let Some(edit) = self.lock().edits.get_mut(&number) {
                edit.name(named);
            }
        }
        names.retain(|_, name| name.is_shared());
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

    /// Drops the figures of the oldest edits, so that those of at most so many edits remain, with results of at most so many
    /// bytes.
    fn forget(&mut self, figures: usize, memory: usize) {
        self.results.retain(|_, value| value.strong_count() > 0);
        let shown: Vec<usize> = self.edits.values().map(|edit| edit.figures_of).collect();
        let mut known = BTreeSet::new();
        let mut bytes = 0;
        let (mut kept, newest) = (0, self.current());
        for (number, edit) in self.edits.iter_mut().rev().filter(|(_, edit)| edit.is_kept()) {
            bytes += edit.bytes(&mut known);
            kept += 1;
            // The edits on show stay, however large they are.
            let is_shown = *number == newest || shown.last() == Some(number);
            if !is_shown && (kept > figures || bytes > memory) {
                edit.forget();
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::executor::Computed;
    use crate::live::Stage;
    use crate::output::{Filled, Output};
    use crate::work::{Context, Cost, Keep, Operation, Target};

    /// An operation that is never run.
    #[derive(Debug)]
    struct Numbered(usize);

    impl Operation for Numbered {
        fn name(&self) -> &'static str {
            "numbered"
        }

        fn version(&self) -> u32 {
            1
        }

        fn parameters(&self) -> Json {
            json!(self.0)
        }

        fn keep(&self) -> Keep {
            Keep::InMemory
        }

        fn cost(&self) -> Cost {
            Cost::default()
        }

        fn run(&self, _: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
            Ok(Value::default())
        }
    }

    /// A figure of some results.
    #[derive(Debug)]
    struct Shows(Vec<Described>);

    impl Output for Shows {
        fn kind(&self) -> &'static str {
            "figure"
        }

        fn name(&self) -> String {
            "shows.svg".to_owned()
        }

        fn targets(&self) -> Vec<Target> {
            self.0.iter().map(|result| Target { point: String::new(), result: result.clone() }).collect()
        }

        fn fill(&self, _: &Computed) -> Result<Filled> {
            Ok(Filled::default())
        }

        fn write(&self, _: &Path, _: &Filled, _: &Computed) -> Result<Vec<PathBuf>> {
            Ok(Vec::new())
        }

        fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Output> {
            Arc::new(Self(self.0.iter().map(name).collect()))
        }
    }

    fn log() -> EditLog {
        EditLog::new("script.rhai".to_owned(), "program".to_owned(), None)
    }

    /// Adds an edit that shows these results, each of as many numbers as given.
    fn add(log: &EditLog, number: usize, results: &[usize], numbers: usize) {
        log.add(Edit::new(number, 0, String::new(), Stage::Checking, number));
        let results: Vec<Described> = results.iter().map(|&number| Described::new(Numbered(number))).collect();
        let shown = Shown { output: Arc::new(Shows(results.clone())), place: None };
        log.change(number, Urgency::Batched, |edit| {
            edit.describe([shown].into());
            edit.stage = Stage::Running;
        });
        for result in results {
            let value = Value::default().with("x", &[numbers], vec![0.0_f64; numbers]);
            log.done(number, result.fingerprint(), &Ok(Arc::new(value)));
        }
        log.change(number, Urgency::Now, |edit| edit.stage = Stage::Done);
    }

    fn results(log: &EditLog, edit: usize) -> Vec<Described> {
        let entries = log.lock();
        let outputs = entries.edits[&edit].outputs.as_ref().unwrap();
        outputs.iter().flat_map(|shown| shown.output.targets()).map(|target| target.result).collect()
    }

    #[test]
    fn former_edits_keep_the_names_of_their_results_alone() {
        let log = log();
        add(&log, 1, &[1, 2], 1);
        add(&log, 2, &[2], 1);
        let whole = results(&log, 1);
        log.condense();
        let names = results(&log, 1);
        assert!(names.iter().all(Described::is_name));
        assert!(names.iter().zip(&whole).all(|(name, whole)| name.fingerprint() == whole.fingerprint()));
        assert!(!results(&log, 2)[0].is_name());
        // Its figures are still there, and are condensed once.
        assert_eq!(log.lock().edits[&1].computed.len(), 2);
        assert!(log.lock().edits[&1].whole().is_none());
    }

    #[test]
    fn an_edit_that_runs_is_not_condensed() {
        let log = log();
        add(&log, 1, &[1], 1);
        log.change(1, Urgency::Now, |edit| edit.stage = Stage::Running);
        add(&log, 2, &[1], 1);
        log.condense();
        assert!(!results(&log, 1)[0].is_name());
    }

    #[test]
    fn edits_with_the_same_result_share_it() {
        let log = log();
        add(&log, 1, &[1], 1000);
        add(&log, 2, &[1], 1000);
        let entries = log.lock();
        let mut known = BTreeSet::new();
        assert_eq!(entries.edits[&1].bytes(&mut known), 8000);
        assert_eq!(entries.edits[&2].bytes(&mut known), 0);
    }

    #[test]
    fn the_oldest_figures_are_dropped_first_and_those_on_show_never() {
        let log = log();
        for number in 1..=5 {
            add(&log, number, &[number], 1000);
        }
        let kept = |log: &EditLog| {
            let entries = log.lock();
            entries.edits.values().filter(|edit| edit.is_kept()).map(|edit| edit.number).collect::<Vec<_>>()
        };
        log.lock().forget(4, usize::MAX);
        assert_eq!(kept(&log), [2, 3, 4, 5]);
        // Two edits' results fit.
        log.lock().forget(4, 16_000);
        assert_eq!(kept(&log), [4, 5]);
        assert!(log.lock().edits[&3].outputs.is_none() && log.lock().edits[&3].computed.is_empty());
        // A broken edit shows the figures of the last good one, which stay however large they are.
        log.add(Edit::new(6, 0, String::new(), Stage::Broken, 5));
        log.lock().forget(4, 0);
        assert_eq!(kept(&log), [5, 6]);
        // Results that no edit holds any more are not listed.
        log.lock().forget(4, 0);
        assert_eq!(log.lock().results.len(), 1);
    }

    #[test]
    fn what_an_edit_prints_is_kept_in_part() {
        let log = log();
        add(&log, 1, &[1], 1);
        for _ in 0..1000 {
            log.change(1, Urgency::Now, |edit| edit.print(&"x".repeat(300_000)));
        }
        let (news, _) = log.news(0);
        let printed = news[1].1["printed"].as_array().unwrap();
        assert_eq!(printed.len(), 4);
        assert_eq!(printed[3], "… it prints more than 1.0 MiB; the rest is not kept");
    }

    #[test]
    fn a_reader_gets_what_changed_since_its_revision() {
        let log = log();
        add(&log, 1, &[1], 1);
        add(&log, 2, &[2], 1);
        let (news, seen) = log.news(0);
        assert_eq!(news.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["status", "edit", "edit"]);
        assert_eq!(log.news(seen).0.len(), 0);
        for text in ["one", "two"] {
            log.change(1, Urgency::Batched, |edit| edit.print(text));
        }
        let (news, _) = log.news(seen);
        assert_eq!(news.len(), 1);
        assert_eq!(news[0].1["printed"], json!(["one", "two"]));
    }
}
