//! Progress on a terminal: one bar for all the work, the point that it is at, the time left. Elsewhere, a line now and then.

#![expect(clippy::disallowed_methods, reason = "progress is timed; no number depends on it")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::say;
use crate::Error;
use crate::executor::Estimate;
use crate::lock::lock;
use crate::print::{err, out};
use crate::script::{Diagnostic, HostEvent};
use crate::words;
use crate::work::{Event, Plan};

/// Warnings shown in full; the rest is counted.
pub(super) const SHOWN_WARNINGS: usize = 8;
/// Without a terminal, a line is printed this often in place of a bar.
const QUIET_INTERVAL: Duration = Duration::from_secs(30);
/// The bar counts in millions of floating-point operations.
const UNIT: f64 = 1e6;

/// Shows progress on standard error, and prints on standard output what the script prints.
pub(super) struct Terminal {
    state: Mutex<State>,
}

struct State {
    bar: ProgressBar,
    is_terminal: bool,
    done: f64,
    total: f64,
    started: Instant,
    said: Instant,
    /// Messages of the warnings that were shown.
    warned: BTreeSet<String>,
    /// The targets of each point to compute that are not done yet.
    open: Vec<BTreeSet<usize>>,
    /// The point of each such target.
    point_of: BTreeMap<usize, usize>,
    points_done: usize,
    /// What the points go on with whose work depends on what it finds.
    tries: BTreeMap<String, String>,
}

impl Terminal {
    pub fn new() -> Self {
        let now = Instant::now();
        let state = State {
            bar: ProgressBar::hidden(),
            is_terminal: std::io::stderr().is_terminal(),
            done: 0.0,
            total: 0.0,
            started: now,
            said: now,
            warned: BTreeSet::new(),
            open: Vec::new(),
            point_of: BTreeMap::new(),
            points_done: 0,
            tries: BTreeMap::new(),
        };
        Self { state: Mutex::new(state) }
    }

    /// Prints beside the bar.
    #[cfg(feature = "watch")]
    pub fn beside(&self, print: impl FnOnce()) {
        lock(&self.state).bar.suspend(print);
    }

    /// Messages of the warnings that were shown as they came. The others are left for the end.
    pub fn warned(&self) -> BTreeSet<String> {
        lock(&self.state).warned.clone()
    }

    /// Shows an event of a run.
    pub fn on_event(&self, event: HostEvent<'_>) {
        let mut state = lock(&self.state);
        match event {
            HostEvent::Printed(text) => state.bar.suspend(|| out!("{text}")),
            HostEvent::Planned(plan, _) if plan.missing_and_reused().0 == 0 => {}
            HostEvent::Planned(plan, estimate) => state.begin(plan, estimate),
            HostEvent::Work(Event::Advanced(operations)) => state.advance(operations),
            HostEvent::Work(Event::Started { point, .. }) => {
                let tries = state.tries.get(point).map(|what| format!(": {what}")).unwrap_or_default();
                state.bar.set_message(words::visible(&format!("{point}{tries}")).into_owned());
            }
            HostEvent::Work(Event::Tries { point, what }) => {
                state.tries.insert(point.to_owned(), what.to_owned());
            }
            HostEvent::Work(Event::Done { target, .. }) => {
                state.done(target);
                state.bar.set_prefix(state.points());
            }
            HostEvent::Work(Event::Warning(error)) => state.warn(error),
            HostEvent::Loaded => state.warned.clear(),
            HostEvent::Checked | HostEvent::Described(_) => {}
            HostEvent::Finished => state.bar.finish_and_clear(),
        }
    }
}

/// What a plan would do, in words.
pub(super) fn plan_in_words(plan: &Plan, estimate: Estimate) -> String {
    let (missing, reused) = plan.missing_and_reused();
    if missing == 0 {
        return match reused {
            0 => "nothing to compute".to_owned(),
            1 => "nothing to compute: the one point is in the store".to_owned(),
            _ => format!("nothing to compute: all {reused} points are in the store"),
        };
    }
    let takes_time = plan.floating_point_operations();
    let operations: Vec<String> = plan
        .operations()
        .into_iter()
        .filter(|(name, _)| takes_time.get(name).is_some_and(|&count| count > 0.0))
        .map(|(name, count)| format!("{count} × {name}"))
        .collect();
    format!(
        "{missing} of {} points to compute, {reused} reused: {}{}\n{}, {:.2} TFLOP, up to {} of memory a point",
        missing + reused,
        if plan.is_bound() { "at most " } else { "" },
        operations.join(", "),
        estimate,
        estimate.operations / 1e12,
        words::size(estimate.memory),
    )
}

impl State {
    fn warn(&mut self, error: &Error) {
        if self.warned.len() < SHOWN_WARNINGS && self.warned.insert(error.message.clone()) {
            self.bar.suspend(|| say(&Diagnostic::from(error.clone()).as_warning()));
        }
    }

    /// How many of the points to compute are done, in words.
    fn points(&self) -> String {
        format!("{} of {} points", self.points_done, self.open.len())
    }

    fn done(&mut self, target: usize) {
        let Some(&point) = self.point_of.get(&target) else { return };
        if self.open[point].remove(&target) && self.open[point].is_empty() {
            self.points_done += 1;
        }
    }

    fn begin(&mut self, plan: &Plan, estimate: Estimate) {
        err!("{}", plan_in_words(plan, estimate));
        self.done = 0.0;
        self.total = estimate.operations.max(1.0);
        self.started = Instant::now();
        self.said = self.started;
        let to_compute = plan.points().iter().filter(|point| point.is_work);
        self.open = to_compute.map(|point| point.targets.iter().copied().collect()).collect();
        self.point_of = self
            .open
            .iter()
            .enumerate()
            .flat_map(|(i, targets)| targets.iter().map(move |&target| (target, i)))
            .collect();
        self.points_done = 0;
        self.tries.clear();
        if self.is_terminal {
            self.bar = ProgressBar::new((self.total / UNIT) as u64);
            let template = "{bar:30} {percent:>3}%  {prefix}  {eta} left  {wide_msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
    }

    fn advance(&mut self, operations: f64) {
        self.done += operations;
        self.bar.set_position((self.done / UNIT) as u64);
        if !self.is_terminal && self.said.elapsed() > QUIET_INTERVAL {
            self.said = Instant::now();
            let share = (self.done / self.total).min(1.0);
            let left = self.started.elapsed().as_secs_f64() * (1.0 - share) / share.max(1e-9);
            let tries: Vec<String> = self.tries.iter().map(|(point, what)| format!("\n  {point}: {what}")).collect();
            err!("{:.0}%, {}, {} left{}", share * 100.0, self.points(), words::time(left), tries.concat());
        }
    }
}
