//! What the page shows, kept while edits come and go. Readers ask for what changed since they last looked, so that nobody
//! who is slow makes anything wait or grow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::edit::Edit;
use crate::Result;
use crate::output::facts::Facts;
use crate::script::{Outputs, Shown};
use crate::work::{Described, Fingerprint, Value};

/// Bytes of results that are kept for the figures of former edits.
const MEMORY: usize = 512 << 20;
/// Edits whose figures are kept, and those that are listed at all.
const FIGURES: usize = 100;
const LISTED: usize = 1000;

/// See the module.
pub(super) struct Board {
    state: Mutex<State>,
    changed: watch::Sender<Turn>,
}

/// How often the board changed, and how often in a way that a reader should see at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub all: u64,
    pub urgent: u64,
}

pub(super) struct State {
    pub script: String,
    /// Another at each start of the program.
    pub program: String,
    pub paused: bool,
    pub ask_above: Option<f64>,
    pub edits: BTreeMap<usize, Edit>,
    /// Results that edits hold, so that those which show the same share it.
    results: BTreeMap<Fingerprint, Weak<Value>>,
    /// What is told of results whose descriptions are no longer kept.
    facts: BTreeMap<Fingerprint, Facts>,
    /// When each edit, and the rest, last changed.
    turns: BTreeMap<usize, u64>,
    board_turn: u64,
}

/// How soon readers should see a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Soon {
    AtOnce,
    InTime,
}

impl Board {
    pub fn new(script: String, program: String, ask_above: Option<f64>) -> Self {
        let state = State {
            script,
            program,
            paused: false,
            ask_above,
            edits: BTreeMap::new(),
            results: BTreeMap::new(),
            facts: BTreeMap::new(),
            turns: BTreeMap::new(),
            board_turn: 1,
        };
        Self { state: Mutex::new(state), changed: watch::Sender::new(Turn { all: 1, urgent: 1 }) }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells when it changes.
    pub fn watch(&self) -> watch::Receiver<Turn> {
        self.changed.subscribe()
    }

    fn turn(&self, soon: Soon) -> u64 {
        let mut all = 0;
        self.changed.send_modify(|turn| {
            turn.all += 1;
            turn.urgent += u64::from(soon == Soon::AtOnce);
            all = turn.all;
        });
        all
    }

    /// Adds an edit, the newest.
    pub fn add(&self, edit: Edit) {
        let mut state = self.lock();
        let number = edit.number;
        state.edits.insert(number, edit);
        state.board_turn = self.turn(Soon::InTime);
        state.forget();
        let turn = self.turn(Soon::AtOnce);
        state.turns.insert(number, turn);
        state.turns.retain(|listed, _| listed + LISTED > number);
        state.edits.retain(|listed, _| listed + LISTED > number);
    }

    /// Changes an edit.
    pub fn change(&self, number: usize, soon: Soon, change: impl FnOnce(&mut Edit)) {
        let mut state = self.lock();
        let Some(edit) = state.edits.get_mut(&number) else { return };
        change(edit);
        let turn = self.turn(soon);
        state.turns.insert(number, turn);
    }

    /// A result of an edit is there.
    pub fn done(&self, number: usize, name: Fingerprint, result: &Result<Arc<Value>>) {
        let known = self.lock().results.get(&name).and_then(Weak::upgrade);
        let shared = result.as_ref().map(|value| known.unwrap_or_else(|| value.clone())).map_err(Clone::clone);
        if let Ok(value) = &shared {
            self.lock().results.insert(name, Arc::downgrade(value));
        }
        self.change(number, Soon::InTime, |edit| edit.done(name, &shared));
    }

    /// What is told of a result.
    pub fn facts(&self, result: &Described) -> Option<Facts> {
        if result.is_name() { self.lock().facts.get(&result.fingerprint()).cloned() } else { Some(Facts::of(result)) }
    }

    /// Lets go of the descriptions of edits that are over and no longer the newest.
    pub fn condense(&self) {
        let (former, known): (Vec<(usize, Outputs)>, BTreeSet<Fingerprint>) = {
            let state = self.lock();
            let newest = state.current();
            let former = state.edits.range(..newest).filter_map(|(number, edit)| Some((*number, edit.whole()?)));
            (former.collect(), state.facts.keys().copied().collect())
        };
        for (number, exhibits) in former {
            let mut facts = BTreeMap::new();
            let mut hear = |result: &Described| {
                if !known.contains(&result.fingerprint()) {
                    facts.entry(result.fingerprint()).or_insert_with(|| Facts::of(result));
                }
            };
            let mut name = |result: &Described| {
                hear(result);
                Described::name_of(result)
            };
            let named = exhibits
                .iter()
                .map(|Shown { output, place }| Shown { output: output.named(&mut name), place: place.clone() });
            let named = named.collect();
            let mut state = self.lock();
            state.facts.extend(facts);
            if let Some(edit) = state.edits.get_mut(&number) {
                edit.name(named);
            }
        }
    }

    /// Changes what is not an edit.
    pub fn set(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        state.board_turn = self.turn(Soon::AtOnce);
    }

    /// What changed after turn `since`, as events of the page's stream, and the turn that this is.
    pub fn news(&self, since: u64) -> (Vec<(&'static str, Json)>, u64) {
        let state = self.lock();
        let now = self.changed.borrow().all;
        let mut news = Vec::new();
        if state.board_turn > since {
            news.push(("board", state.board()));
        }
        let edits = state.edits.values().filter(|edit| state.turns.get(&edit.number).is_some_and(|&turn| turn > since));
        news.extend(edits.map(|edit| ("edit", edit.json())));
        (news, now)
    }
}

impl State {
    /// The number of the newest edit; 0 before the first.
    pub fn current(&self) -> usize {
        self.edits.last_key_value().map_or(0, |(number, _)| *number)
    }

    fn board(&self) -> Json {
        json!({
            "script": self.script,
            "program": self.program,
            "version": env!("CARGO_PKG_VERSION"),
            "paused": self.paused,
            "ask_above": self.ask_above,
            "current": self.current(),
        })
    }

    /// Lets go of the oldest edits' figures, where there are too many, or their results take too much room.
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
            // The one that is looked at stays, whatever it takes.
            let is_shown = *number == newest || shown.last() == Some(number);
            if !is_shown && (kept > FIGURES || bytes > MEMORY) {
                edit.forget();
            }
        }
    }
}
