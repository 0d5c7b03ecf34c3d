//! One edit's run, on a thread of its own: what it reports goes to the edit log, and it takes over from earlier edits once it
//! is described.

#![expect(clippy::disallowed_methods, reason = "edits carry the time; no number depends on it")]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use super::Signal;
use super::context::{ActiveEdit, WatchContext};
use super::edits::Urgency;
use super::event::WatchEvent;
use crate::executor::Estimate;
use crate::page::{Edit, Stage};
use crate::script::{HostEvent, Outcome, ReadLog, RunHandle, Status};
use crate::work::{Cancel, Event, Plan};

/// See the module.
pub(super) struct EditRun {
    watch: Arc<WatchContext>,
    number: usize,
    active: ActiveEdit,
    /// When its file was saved.
    saved: Instant,
}

impl EditRun {
    /// Starts the run of an edit that is in the log.
    pub fn start(watch: Arc<WatchContext>, number: usize, saved: Instant) {
        let active = ActiveEdit {
            superseded: Cancel::default(),
            reads: ReadLog::default(),
            began: SystemTime::now(),
            is_in_charge: Arc::default(),
        };
        {
            let mut others = watch.active();
            // An earlier edit that is not described yet is no longer needed.
            others
                .values()
                .filter(|other| !other.is_in_charge.load(Ordering::Relaxed))
                .for_each(|other| other.superseded.cancel());
            others.insert(number, active.clone());
        }
        let run = Arc::new(Self { watch, number, active, saved });
        std::thread::spawn(move || run.run());
    }

    fn run(self: Arc<Self>) {
        self.record_time("began");
        let ActiveEdit { superseded, reads, .. } = self.active.clone();
        let handle = RunHandle { superseded, reads, ..self.watch.handle.clone() };
        let observer = {
            let run = self.clone();
            Arc::new(move |event: HostEvent<'_>| run.on_event(event))
        };
        let outcome = self.watch.host.for_run(handle, observer).run(&self.watch.script);
        self.finish(&outcome);
    }

    fn change(&self, urgency: Urgency, change: impl FnOnce(&mut Edit)) {
        self.watch.edits.change(self.number, urgency, change);
    }

    /// Records how long after the save a stage was reached.
    fn record_time(&self, stage: &'static str) {
        let milliseconds = self.saved.elapsed().as_secs_f64() * 1e3;
        self.change(Urgency::Batched, |edit| _ = edit.timings.insert(stage, milliseconds));
    }

    fn on_event(&self, event: HostEvent<'_>) {
        // The work that a superseded edit has under way is reported by the edit that took over, when it is done.
        if !self.active.superseded.is_cancelled() {
            self.record(&event);
        }
        (self.watch.observer)(WatchEvent::Run { edit: self.number, event });
    }

    fn record(&self, event: &HostEvent<'_>) {
        match event {
            HostEvent::Loaded => self.record_time("loaded"),
            HostEvent::Checked => self.record_time("checked"),
            HostEvent::Printed(_) => self.change(Urgency::Now, |edit| edit.observe(event)),
            HostEvent::Described(_) => {
                self.take_over();
                self.change(Urgency::Batched, |edit| edit.observe(event));
                self.record_time("described");
                self.watch.signal(Signal::Reads(self.number));
            }
            HostEvent::Planned(plan, estimate) => self.on_planned(event, plan, *estimate),
            HostEvent::Work(Event::Started { .. } | Event::Advanced(_)) => {
                self.change(Urgency::Batched, |edit| edit.observe(event));
            }
            HostEvent::Work(Event::Done { fingerprint, result, .. }) => {
                self.watch.edits.done(self.number, *fingerprint, result);
            }
            HostEvent::Work(Event::Warning(_) | Event::Tries { .. }) => {}
            HostEvent::Finished => {
                self.record_time("computed");
                self.change(Urgency::Now, |edit| {
                    if edit.outputs.is_some() && edit.stage == Stage::Running {
                        edit.stage = Stage::Done;
                    }
                });
            }
        }
    }

    fn on_planned(&self, event: &HostEvent<'_>, plan: &Plan, estimate: Estimate) {
        let watch = &self.watch;
        let is_described = watch.edits.lock().edits.get(&self.number).is_some_and(|edit| edit.outputs.is_some());
        self.take_over();
        // Before that, the plan has only values that the script itself asks for: what else it needs is not known yet.
        if is_described {
            watch.handle.in_flight.keep_only(&plan.keys());
        }
        let (missing, _) = plan.missing_and_reused();
        let asks = missing > 0 && watch.ask_above.is_some_and(|limit| estimate.seconds > limit);
        // Where nothing is missing, the results arrive before a picture without them could be drawn.
        let urgency = if missing > 0 { Urgency::Now } else { Urgency::Batched };
        self.change(urgency, |edit| {
            edit.observe(event);
            edit.stage = if asks { Stage::Waiting } else { Stage::Running };
        });
        self.record_time("planned");
        if asks {
            self.wait_for_approval(estimate);
        }
    }

    fn wait_for_approval(&self, estimate: Estimate) {
        let watch = &self.watch;
        (watch.observer)(WatchEvent::Asks { edit: self.number, estimate });
        let is_over = || self.active.superseded.is_cancelled() || watch.handle.cancel.is_cancelled();
        watch.approval.wait_for(self.number, is_over);
        self.change(Urgency::Now, |edit| {
            if edit.stage == Stage::Waiting {
                edit.stage = Stage::Running;
            }
        });
    }

    /// Supersedes the earlier edits: they start nothing more.
    fn take_over(&self) {
        self.active.is_in_charge.store(true, Ordering::Relaxed);
        for (earlier, other) in self.watch.active().range(..self.number) {
            other.superseded.cancel();
            self.watch.edits.change(*earlier, Urgency::Batched, |edit| {
                if !edit.stage.is_over() {
                    edit.stage = Stage::Superseded;
                }
            });
        }
    }

    fn finish(&self, outcome: &Outcome) {
        let mut stage = Stage::Done;
        // A broken script may be mended by a file that it could not read, such as a missing module.
        self.watch.signal(Signal::Reads(self.number));
        let is_superseded = self.active.superseded.is_cancelled();
        self.change(Urgency::Now, |edit| {
            if is_superseded && outcome.status == Status::Interrupted {
                edit.stage = Stage::Superseded;
            }
            edit.end(outcome);
            stage = edit.stage;
        });
        (self.watch.observer)(WatchEvent::Ended { edit: self.number, stage, outcome });
        self.watch.signal(Signal::Ended(self.number));
        self.watch.edits.condense();
    }
}
