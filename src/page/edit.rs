//! One edit of the script: what it shows, how far it is, what it printed.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value as Json, json};

use crate::error::panicked;
use crate::executor::{Computed, Estimate};
use crate::figure::Palette;
use crate::script::{Diagnostic, HostEvent, Outcome, Outputs, Place, Severity, Shown, Status};
use crate::words;
use crate::work::{Event, Fingerprint, Plan, PlannedPoint, Value};

/// How far an edit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is being compiled, checked and described.
    Checking,
    /// It waits for approval of a long run.
    Waiting,
    Running,
    Done,
    /// The script is wrong.
    Broken,
    /// A later edit took over.
    Superseded,
    /// The user stopped it.
    Interrupted,
    /// Made while the watch was paused; not run.
    Noted,
}

impl Stage {
    /// Whether nothing more happens in it.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Checking | Self::Waiting | Self::Running)
    }
}

/// See the module.
pub struct Edit {
    pub number: usize,
    /// Milliseconds since 1970.
    pub at: u64,
    pub changed: String,
    pub stage: Stage,
    /// The edit whose figures are shown with it: its own number, or the last good one's while it has none.
    pub figures_of: usize,
    pub outputs: Option<Outputs>,
    pub computed: Computed,
    pub parameters: BTreeMap<String, String>,
    /// The state of each output.
    items: Vec<Item>,
    plan: Option<Planned>,
    progress: Option<Progress>,
    counts: [usize; 3],
    pub seconds: f64,
    printed: Vec<String>,
    /// Of all that it printed.
    printed_bytes: usize,
    pub diagnostics: Vec<Diagnostic>,
    is_kept: bool,
    is_named: bool,
    /// Milliseconds from the save to each stage, for benchmarks.
    pub timings: BTreeMap<&'static str, f64>,
}

struct Item {
    needs: BTreeSet<Fingerprint>,
    points: BTreeMap<String, BTreeSet<Fingerprint>>,
    revision: u64,
    /// Floating-point operations that it takes, by the plan.
    work: f64,
}

#[derive(Debug, Clone)]
struct Planned {
    missing: usize,
    reused: usize,
    estimate: Estimate,
    /// The results of each point.
    points: Arc<[BTreeSet<Fingerprint>]>,
}

#[derive(Debug, Clone)]
struct Progress {
    done: f64,
    started: Instant,
    at: String,
}

impl Edit {
    pub fn new(number: usize, at: u64, changed: String, stage: Stage, figures_of: usize) -> Self {
        Self {
            number,
            at,
            changed,
            stage,
            figures_of,
            outputs: None,
            computed: Computed::new(),
            parameters: BTreeMap::new(),
            items: Vec::new(),
            plan: None,
            progress: None,
            counts: [0; 3],
            seconds: 0.0,
            printed: Vec::new(),
            printed_bytes: 0,
            diagnostics: Vec::new(),
            is_kept: true,
            is_named: false,
            timings: BTreeMap::new(),
        }
    }

    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Drops its figures and their results.
    pub fn forget(&mut self) {
        self.is_kept = false;
        self.outputs = None;
        self.computed.clear();
        self.items = Vec::new();
    }

    /// Bytes of its results that are not in `known`, by address; adds them there.
    pub fn bytes(&self, known: &mut BTreeSet<usize>) -> usize {
        let values = self.computed.values().filter_map(|result| result.as_ref().ok());
        values.filter(|value| known.insert(Arc::as_ptr(value) as usize)).map(|value| value.bytes()).sum()
    }

    /// Its outputs, if it is over and they still have their descriptions.
    pub fn whole(&self) -> Option<Outputs> {
        self.outputs.clone().filter(|_| !self.is_named && self.stage.is_over())
    }

    /// Replaces its outputs by those that have only the names of results.
    pub fn name(&mut self, outputs: Outputs) {
        if self.outputs.is_some() {
            self.outputs = Some(outputs);
            self.is_named = true;
        }
    }

    pub fn print(&mut self, text: &str) {
        /// Bytes that are kept of what an edit prints.
        const KEPT: usize = 1 << 20;
        if self.printed_bytes + text.len() <= KEPT {
            self.printed.push(text.to_owned());
        } else if self.printed_bytes <= KEPT {
            self.printed.push(format!("… it prints more than {}; the rest is not kept", words::size(KEPT as f64)));
        }
        self.printed_bytes = self.printed_bytes.saturating_add(text.len() + 1);
    }

    /// Records what the evaluated script shows.
    pub fn describe(&mut self, outputs: Outputs) {
        let item = |shown: &Shown| {
            let mut points = BTreeMap::<String, BTreeSet<Fingerprint>>::new();
            for target in shown.output.targets() {
                points.entry(target.point).or_default().insert(target.result.fingerprint());
            }
            let needs = points.values().flatten().copied().collect();
            Item { needs, points, revision: 1, work: 0.0 }
        };
        self.items = outputs.iter().map(item).collect();
        self.outputs = Some(outputs);
        self.figures_of = self.number;
    }

    /// Records what an event says of its run, except its results and whether it waits.
    pub fn observe(&mut self, event: &HostEvent<'_>) {
        match event {
            HostEvent::Printed(text) => self.print(text),
            HostEvent::Described(outputs) => self.describe(Arc::clone(outputs)),
            HostEvent::Planned(plan, estimate) => self.plan(plan, *estimate),
            HostEvent::Work(Event::Started { point, .. }) => self.start(point),
            HostEvent::Work(Event::Advanced(operations)) => self.advance(*operations),
            HostEvent::Work(Event::Done { .. } | Event::Warning(_) | Event::Tries { .. })
            | HostEvent::Loaded
            | HostEvent::Checked
            | HostEvent::Finished => {}
        }
    }

    /// Records the plan.
    #[expect(clippy::disallowed_methods, reason = "the time left is reported")]
    fn plan(&mut self, plan: &Plan, estimate: Estimate) {
        let (missing, reused) = plan.missing_and_reused();
        let results = |point: &PlannedPoint| -> BTreeSet<Fingerprint> {
            point.targets.iter().map(|&target| plan.targets()[target].result.fingerprint()).collect()
        };
        let points = plan.points().iter().map(results).collect();
        self.plan = Some(Planned { missing, reused, estimate, points });
        self.progress = Some(Progress { done: 0.0, started: Instant::now(), at: String::new() });
        let work = plan.work_per_target();
        for item in &mut self.items {
            let of_target = plan.targets().iter().zip(&work);
            item.work = of_target
                .filter(|(target, _)| item.needs.contains(&target.result.fingerprint()))
                .map(|(_, work)| work)
                .sum();
        }
    }

    fn start(&mut self, point: &str) {
        if let Some(progress) = &mut self.progress
            && progress.at != point
        {
            point.clone_into(&mut progress.at);
        }
    }

    fn advance(&mut self, operations: f64) {
        if let Some(progress) = &mut self.progress {
            progress.done += operations;
        }
    }

    /// Records a result, if a figure shows it.
    pub fn done(&mut self, result: Fingerprint, value: &crate::Result<Arc<Value>>) {
        let Some(outputs) = &self.outputs else { return };
        if value.as_ref().is_err_and(|error| error.interrupted) {
            return;
        }
        let mut is_shown = false;
        for (item, shown) in self.items.iter_mut().zip(outputs.iter()) {
            if item.needs.contains(&result) && !self.computed.contains_key(&result) {
                item.revision += 1;
                is_shown |= shown.output.needs_results();
            }
        }
        if is_shown {
            self.computed.insert(result, value.clone());
        }
    }

    /// Records the end of its run.
    pub fn end(&mut self, outcome: &Outcome) {
        let points = outcome.points;
        self.counts = [points.computed, points.reused, points.failed];
        self.seconds = outcome.seconds;
        self.parameters.clone_from(&outcome.params);
        self.diagnostics.clone_from(&outcome.diagnostics);
        self.progress = None;
        self.stage = match outcome.status {
            Status::NotWritten if self.outputs.is_none() => Stage::Broken,
            Status::Done | Status::PointsFailed | Status::NotWritten => Stage::Done,
            Status::ScriptWrong => Stage::Broken,
            Status::Interrupted if self.stage == Stage::Superseded => Stage::Superseded,
            Status::Interrupted => Stage::Interrupted,
        };
    }

    /// How many of an item's points are done, and how many there are.
    fn points(&self, item: &Item) -> (usize, usize) {
        let is_done = |needs: &&BTreeSet<Fingerprint>| needs.iter().all(|result| self.computed.contains_key(result));
        (item.points.values().filter(is_done).count(), item.points.len())
    }

    /// Seconds until the plan is done, from the pace so far; at the start, from the estimate.
    fn left(&self) -> Option<f64> {
        let (plan, progress) = (self.plan.as_ref()?, self.progress.as_ref()?);
        let rest = plan.estimate.operations - progress.done;
        if plan.missing == 0 || rest <= 0.0 {
            return Some(0.0);
        }
        let took = progress.started.elapsed().as_secs_f64();
        let early = progress.done < 0.01 * plan.estimate.operations || took < 1.0;
        match plan.estimate.interval {
            None if early => None,
            Some(_) if early => Some(plan.estimate.seconds),
            _ => Some(took * rest / progress.done),
        }
    }

    fn item_json(&self, i: usize) -> Option<Json> {
        let (item, shown) = (self.items.get(i)?, self.outputs.as_ref()?.get(i)?);
        let output = &shown.output;
        let (done, points) = self.points(item);
        let mut json = json!({
            "kind": output.kind(), "name": output.name(), "title": output.title(), "drawing": output.drawing(),
            "palettes": if output.has_colours() { &Palette::NAMES[..] } else { &[] },
            "rev": item.revision, "done": done, "points": points, "place": shown.place.as_ref().map(place_json),
            "error": null,
        });
        if done < points && self.stage == Stage::Running {
            // Its share of the work, at the plan's pace.
            let share = self.plan.as_ref().map_or(0.0, |plan| item.work / plan.estimate.operations.max(1.0));
            let left = self.left().map(|left| left * share.min(1.0)).filter(|left| *left > 0.0);
            json["left"] = left.map(words::time).into();
        }
        if output.is_words() {
            // A panic here would leave every reader of the page without its next message.
            let fill = AssertUnwindSafe(|| output.fill(&self.computed));
            let filled = catch_unwind(fill).unwrap_or_else(|panic| Err(panicked(output.kind(), panic.as_ref())));
            match filled {
                Ok(filled) => json["text"] = filled.words.into(),
                Err(error) => json["error"] = error.message.into(),
            }
        }
        Some(json)
    }

    /// As the page gets it.
    pub fn json(&self) -> Json {
        let [computed, reused, failed] = self.counts;
        let plan = self.plan.as_ref().filter(|plan| plan.missing > 0);
        let progress = plan.and(self.progress.as_ref()).filter(|_| self.stage == Stage::Running).map(|progress| {
            let plan = self.plan.as_ref().map_or(0.0, |plan| plan.estimate.operations.max(1.0));
            let (done, points) = self.points_done();
            json!({
                "share": (progress.done / plan).min(1.0), "done": done, "points": points,
                "left": self.left().map(words::time), "at": progress.at,
            })
        });
        json!({
            "number": self.number, "at": self.at, "changed": self.changed, "state": self.stage,
            "plan": plan.map(|plan| json!({
                "missing": plan.missing, "reused": plan.reused, "time": plan.estimate.time_of(1.0),
                "memory": (plan.estimate.memory > 0.0).then(|| words::size(plan.estimate.memory)),
            })),
            "progress": progress,
            "computed": computed, "reused": reused, "failed": failed, "took": words::duration(self.seconds),
            "printed": self.printed,
            "diagnostics": self.diagnostics.iter().map(diagnostic_json).collect::<Vec<_>>(),
            "figures_of": self.figures_of,
            "items": (0..self.items.len()).filter_map(|i| self.item_json(i)).collect::<Vec<_>>(),
            "parameters": self.parameters, "kept": self.is_kept, "timings": self.timings,
        })
    }

    /// How many points of the plan are done, and how many there are.
    fn points_done(&self) -> (usize, usize) {
        let Some(Planned { points, .. }) = &self.plan else { return (0, 0) };
        let is_done = |needs: &&BTreeSet<Fingerprint>| needs.iter().all(|result| self.computed.contains_key(result));
        (points.iter().filter(is_done).count(), points.len())
    }
}

pub(super) fn place_json(place: &Place) -> Json {
    json!({
        "file": place.file, "line": place.line, "column": place.column, "text": place.text(), "length": place.length(),
    })
}

fn diagnostic_json(diagnostic: &Diagnostic) -> Json {
    let place = |place: &Option<Place>| place.as_ref().map(place_json);
    json!({
        "severity": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": diagnostic.message,
        "place": place(&diagnostic.place),
        "trace": diagnostic.trace.iter().map(|frame| json!({ "what": frame.what, "place": place(&frame.place) }))
            .collect::<Vec<_>>(),
        "hints": diagnostic.hints,
    })
}
