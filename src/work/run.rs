//! Running a plan: a few threads, one operation each, in the plan's order.
//!
//! Threads without an operation may help a running one ([`IdleThreads`]); no number depends on how many there are. A result
//! in memory is dropped after its last use. A failed operation fails only the targets that depend on it.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use burn::tensor::Device;

use super::batching::BATCHED;
use super::checkpoints::{Checkpoints, EVERY};
use super::in_flight::Claim;
use super::plan::Node;
use super::rounding::moved;
use super::store::ReadOutcome;
use super::storing::Storing;
use super::throughput::{Calls, add_calls};
use super::{Cancel, Context, Event, EventObserver, IdleThreads, InFlight, Keep, Plan, Report, Store, Target, Value};
use crate::error::panic_message;
use crate::lock::{Guard, into_inner, lock, wait};
use crate::{Error, Result};

/// What a run may use.
#[derive(Debug, Clone)]
pub struct Resources {
    /// The device to compute on; `None` means the host's own loops.
    pub device: Option<Device>,
    /// How many operations may run at the same time.
    pub threads: usize,
    /// Bytes that results in memory and running operations may take together.
    pub memory: f64,
    /// Stops everything at its next step.
    pub cancel: Cancel,
    /// Stops this run from starting anything more. Running operations go on for the run that follows, unless it does not
    /// need them ([`InFlight::keep_only`]).
    pub superseded: Cancel,
    /// What this run and others are computing.
    pub in_flight: Arc<InFlight>,
    /// Time between two states of a long operation that are kept in the store.
    pub checkpoint_every: Duration,
    /// Moves every number of every result by one unit in the last place, up or down as this seed says: what comes of it shows
    /// how much of a result is rounding. Results so moved belong into a store of their own.
    pub rounding: Option<u64>,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            device: None,
            threads: 0,
            memory: 0.0,
            cancel: Cancel::default(),
            superseded: Cancel::default(),
            in_flight: Arc::default(),
            checkpoint_every: EVERY,
            rounding: None,
        }
    }
}

impl Resources {
    fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.superseded.is_cancelled()
    }
}

struct State {
    /// Whether each node is needed, as far as is known. Inputs of a node that takes them in turn become so one by one.
    wanted: Vec<bool>,
    /// For each node that takes its inputs in turn, those that it asked for. It sees no others, though a target may have
    /// computed them: what it yields must not depend on what else runs.
    asked: Vec<BTreeSet<usize>>,
    /// For each node, how many inputs it still waits for; at most one where it takes them in turn.
    waiting: Vec<usize>,
    /// For each node, how many nodes and targets still need its result.
    users: Vec<usize>,
    results: Vec<Option<Result<Arc<Value>>>>,
    /// Nodes whose inputs are computed, in the plan's order; first those that another run computes, since they
    /// occupy its threads already.
    ready: BinaryHeap<Reverse<(bool, usize)>>,
    running: usize,
    /// Idle threads that help running operations.
    helping: usize,
    /// Wanted nodes that are not done.
    left: usize,
    live_bytes: f64,
    report: Report,
    /// A stored result was missing or damaged, so the failed targets have to be planned again.
    stale: bool,
}

/// What is reported once the state is unlocked.
enum Said {
    Tries {
        target: usize,
        what: String,
    },
    /// Floating-point operations that turned out not to be needed.
    LeftOut(f64),
}

struct Runner<'a> {
    plan: &'a Plan,
    store: &'a Store,
    resources: &'a Resources,
    observer: &'a EventObserver<'a>,
    dependents: Vec<Vec<usize>>,
    /// The number by which the observer knows each target of the plan.
    origin: &'a [usize],
    /// The targets that are each node's result.
    targets_of: Vec<Vec<usize>>,
    state: Mutex<State>,
    changed: Condvar,
    storing: Storing<'a>,
}

/// Runs a plan and returns the targets' results in order, each with its own error.
pub fn run(
    plan: &Plan,
    store: &Store,
    resources: &Resources,
    observer: &EventObserver<'_>,
) -> (Vec<Result<Arc<Value>>>, Report) {
    let origin: Vec<usize> = (0..plan.targets.len()).collect();
    let (mut results, mut report, mut stale) = Runner::new(plan, &origin, store, resources, observer).run();
    // The store denies a result that turned out to be unusable, or that another process removed: plan those targets again.
    // Every round finds more such results, so this ends.
    while stale && !resources.is_over() {
        let failed: Vec<usize> = (0..results.len()).filter(|&i| results[i].is_err()).collect();
        let targets: Vec<Target> = failed.iter().map(|&i| plan.targets[i].clone()).collect();
        let again = Plan::new(targets, store, &resources.in_flight, &plan.numerics);
        let (more, added, still) = Runner::new(&again, &failed, store, resources, observer).run();
        failed.into_iter().zip(more).for_each(|(i, result)| results[i] = result);
        report.add(&added);
        report.recomputed.extend(again.nodes.iter().filter(|node| node.is_work).map(|node| node.key));
        stale = still;
    }
    for (target, result) in results.iter().enumerate().filter(|(_, result)| result.is_err()) {
        observer(plan.done(target, target, result));
    }
    (results, report)
}

impl<'a> Runner<'a> {
    fn new(
        plan: &'a Plan,
        origin: &'a [usize],
        store: &'a Store,
        resources: &'a Resources,
        observer: &'a EventObserver<'a>,
    ) -> Self {
        let nodes = &plan.nodes;
        let mut dependents = vec![Vec::new(); nodes.len()];
        let mut users = vec![0; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            for &input in &node.inputs {
                dependents[input].push(i);
                users[input] += 1;
            }
        }
        let mut targets_of = vec![Vec::new(); nodes.len()];
        for (target, &node) in plan.wanted.iter().enumerate() {
            users[node] += 1;
            targets_of[node].push(target);
        }
        let waiting: Vec<usize> = nodes.iter().map(|node| node.inputs.len()).collect();
        let state = State {
            wanted: vec![false; nodes.len()],
            asked: vec![BTreeSet::new(); nodes.len()],
            waiting,
            users,
            results: vec![None; nodes.len()],
            ready: BinaryHeap::new(),
            running: 0,
            helping: 0,
            left: 0,
            live_bytes: 0.0,
            report: Report::default(),
            stale: false,
        };
        Self {
            plan,
            store,
            resources,
            observer,
            dependents,
            origin,
            targets_of,
            state: Mutex::new(state),
            changed: Condvar::new(),
            storing: Storing::new(store),
        }
    }

    fn lock(&self) -> Guard<'_, State> {
        lock(&self.state)
    }

    fn run(self) -> (Vec<Result<Arc<Value>>>, Report, bool) {
        let asked = self.want(&mut self.lock(), self.plan.wanted.clone());
        self.say(&asked);
        std::thread::scope(|scope| {
            for _ in 0..self.resources.threads.clamp(1, self.plan.nodes.len().max(1)) {
                scope.spawn(|| self.work());
            }
        });
        self.storing.write_rest();
        let mut state = into_inner(self.state);
        state.report.unstored = self.storing.missing();
        let result = |&node: &usize| state.results[node].clone().unwrap_or_else(|| Err(Error::interrupted()));
        (self.plan.wanted.iter().map(result).collect(), state.report, state.stale)
    }

    #[expect(clippy::disallowed_methods, reason = "durations are reported and improve the next estimate")]
    fn work(&self) {
        let mut state = self.lock();
        while state.left > 0 {
            let next = state.ready.peek().map(|&Reverse((_, i))| i).filter(|&i| {
                let cost = &self.plan.nodes[i].cost;
                state.running == 0 || state.live_bytes + cost.result_bytes + cost.working_bytes <= self.resources.memory
            });
            let Some(i) = next else {
                state = wait(&self.changed, state);
                continue;
            };
            state.ready.pop();
            state.running += 1;
            let node = &self.plan.nodes[i];
            // What runs alone and does not fit gets less room, if it can do with less.
            let (result_bytes, working_bytes) = (node.cost.result_bytes, node.cost.working_bytes);
            let room = self.resources.memory - state.live_bytes - result_bytes;
            let working_bytes = if self.resources.device.is_some() {
                working_bytes
            } else {
                room.clamp(node.least_working_bytes(), working_bytes)
            };
            let bytes = result_bytes + working_bytes;
            state.live_bytes += bytes;
            let inputs = node.inputs.iter().map(|&input| match &state.results[input] {
                _ if node.is_in_turn() && !state.asked[i].contains(&input) => Ok(Arc::default()),
                Some(result) => result.clone(),
                None => Err(Error::interrupted()),
            });
            let inputs: Result<Vec<_>> = inputs.collect();
            drop(state);
            let started = Instant::now();
            let result = inputs.and_then(|inputs| self.compute(node, &inputs, working_bytes));
            let seconds = started.elapsed().as_secs_f64();
            if result.is_ok() {
                for &target in &self.targets_of[i] {
                    (self.observer)(self.plan.done(target, self.origin[target], &result));
                }
            }
            state = self.lock();
            let said = self.finish(&mut state, i, result, seconds, bytes);
            if !said.is_empty() {
                drop(state);
                self.say(&said);
                state = self.lock();
            }
        }
        self.changed.notify_all();
    }

    /// Marks nodes as needed, with what they need in turn, and queues those that are ready.
    fn want(&self, state: &mut State, mut open: Vec<usize>) -> Vec<Said> {
        let mut said = Vec::new();
        while let Some(i) = open.pop() {
            if std::mem::replace(&mut state.wanted[i], true) {
                continue;
            }
            state.left += 1;
            let node = &self.plan.nodes[i];
            if node.is_in_turn() {
                let next = self.next_input(state, i);
                state.waiting[i] = usize::from(next.is_some());
                if let Some((input, what)) = next {
                    open.push(input);
                    said.push(Said::Tries { target: node.target, what });
                }
            } else {
                open.extend(node.inputs.iter().copied());
            }
            if state.waiting[i] == 0 {
                state.ready.push(Reverse((node.pending.is_none(), i)));
            }
        }
        said
    }

    /// The input that a node which takes its inputs in turn waits for: its node, and the input in words. Inputs that are
    /// there already are handed over as the node asks for them.
    fn next_input(&self, state: &mut State, i: usize) -> Option<(usize, String)> {
        let node = &self.plan.nodes[i];
        loop {
            let known = node.inputs.iter().map(|input| match &state.results[*input] {
                Some(result) if state.asked[i].contains(input) => result.clone().map(Some),
                _ => Ok(None),
            });
            let known: Vec<Option<Arc<Value>>> = known.collect::<Result<_>>().ok()?;
            let (number, what) = node.described.operation().next_input(&known)?;
            let input = *node.inputs.get(number)?;
            let is_new = state.asked[i].insert(input);
            if state.results[input].is_none() {
                return Some((input, what));
            }
            if !is_new {
                return None;
            }
        }
    }

    /// Drops results of a node's inputs that are needed no more, and leaves out those that were never asked for, with all that
    /// only they need. Returns the floating-point operations of what is left out.
    fn release(&self, state: &mut State, i: usize) -> f64 {
        let (mut open, mut left_out) = (self.plan.nodes[i].inputs.clone(), 0.0);
        while let Some(input) = open.pop() {
            state.users[input] -= 1;
            if state.users[input] > 0 {
                continue;
            }
            match state.results[input].take() {
                Some(Ok(value)) => state.live_bytes -= value.bytes() as f64,
                Some(Err(_)) => {}
                None => {
                    left_out += self.plan.nodes[input].cost.operations;
                    open.extend(self.plan.nodes[input].inputs.iter().copied());
                }
            }
        }
        left_out
    }

    /// Reports what happened while the state was locked.
    fn say(&self, said: &[Said]) {
        for said in said {
            (self.observer)(match said {
                Said::Tries { target, what } => Event::Tries { point: &self.plan.targets[*target].point, what },
                Said::LeftOut(operations) => Event::Advanced(*operations),
            });
        }
    }

    fn finish(&self, state: &mut State, i: usize, result: Result<Arc<Value>>, seconds: f64, bytes: f64) -> Vec<Said> {
        let node = &self.plan.nodes[i];
        state.running -= 1;
        state.left -= 1;
        state.live_bytes -= bytes;
        if let Ok(value) = &result {
            let name = node.described.operation().name();
            let reused = node.stored || node.pending.is_some();
            let counts = if reused { &mut state.report.reused } else { &mut state.report.ran };
            *counts.entry(name).or_default() += 1;
            if !reused && node.cost.operations > 0.0 {
                let spent = state.report.spent.entry(name).or_default();
                *spent = (spent.0 + node.cost.operations, spent.1 + seconds);
                let (name, calls) = self.calls_of(i);
                let calls = Calls { calls: calls as f64, operations: node.cost.operations, seconds };
                add_calls(&mut state.report.calls, name, calls);
            }
            state.live_bytes += value.bytes() as f64;
        }
        state.stale |= node.stored && result.as_ref().is_err_and(|error| !error.interrupted);
        state.results[i] = Some(result);
        let left_out = self.release(state, i);
        let mut said = Vec::new();
        said.extend((left_out > 0.0).then_some(Said::LeftOut(left_out)));
        for &dependent in &self.dependents[i] {
            if self.plan.nodes[dependent].is_in_turn() {
                // It may wait for another input, or have begun without this one.
                if !state.wanted[dependent] || state.waiting[dependent] == 0 {
                    continue;
                }
                if let Some((input, what)) = self.next_input(state, dependent) {
                    if !state.wanted[input] {
                        said.push(Said::Tries { target: self.plan.nodes[dependent].target, what });
                        said.extend(self.want(state, vec![input]));
                    }
                    continue;
                }
            }
            state.waiting[dependent] -= 1;
            if state.waiting[dependent] == 0 && state.wanted[dependent] {
                state.ready.push(Reverse((true, dependent)));
            }
        }
        self.changed.notify_all();
        said
    }

    /// The name of an operation and how often it is called at once: a batch is calls of its members.
    fn calls_of(&self, i: usize) -> (&'static str, usize) {
        let name = |i: usize| self.plan.nodes[i].described.operation().name();
        match self.dependents[i].first() {
            Some(&member) if name(i) == BATCHED => (name(member), self.dependents[i].len()),
            _ => (name(i), 1),
        }
    }

    fn compute(&self, node: &Node, inputs: &[Arc<Value>], working_bytes: f64) -> Result<Arc<Value>> {
        if self.resources.is_over() {
            return Err(Error::interrupted());
        }
        if node.stored {
            return match self.store.read(node.key) {
                ReadOutcome::Whole(value) => Ok(Arc::new(value)),
                ReadOutcome::Absent => Err(Error::new("a stored result was removed while it was needed")),
                ReadOutcome::Unusable(error) => {
                    (self.observer)(Event::Warning(&error));
                    Err(error)
                }
            };
        }
        let over = || self.resources.is_over();
        if let Some(pending) = &node.pending {
            return pending.wait(over);
        }
        let running = match self.resources.in_flight.claim(node.key) {
            Claim::Theirs(pending) => return pending.wait(over),
            Claim::Ours(running) => running,
        };
        // Check again after the claim: a run that supersedes this one either saw the claim or set the flag before it.
        let every = self.resources.checkpoint_every;
        let checkpoints = Checkpoints::new(self.store, &node.described, node.key, every, self.observer);
        let result = if over() {
            Err(Error::interrupted())
        } else {
            self.run_operation(node, inputs, working_bytes, (&running.cancel, &checkpoints)).map(Arc::new)
        };
        if let Ok(value) = &result {
            match self.storing.write(node, value) {
                Ok(()) => checkpoints.remove(),
                Err(error) => (self.observer)(Event::Warning(&error)),
            }
        }
        let in_memory = node.described.operation().keep() == Keep::InMemory;
        self.resources.in_flight.publish(node.key, &running, &result, in_memory);
        result
    }

    fn run_operation(
        &self,
        node: &Node,
        inputs: &[Arc<Value>],
        working_bytes: f64,
        (cancel, checkpoints): (&Cancel, &Checkpoints<'_>),
    ) -> Result<Value> {
        let operation = node.described.operation();
        let point = &self.plan.targets[node.target].point;
        (self.observer)(Event::Started { operation: operation.name(), point });
        let reported = Mutex::new(0.0);
        let advance = |operations: f64| {
            *lock(&reported) += operations;
            (self.observer)(Event::Advanced(operations));
        };
        let Resources { device, cancel: all, .. } = self.resources;
        let warn = |warning: Error| {
            let message = if point.is_empty() { warning.message } else { format!("{point}: {}", warning.message) };
            (self.observer)(Event::Warning(&Error { message, ..warning }));
        };
        let context = Context {
            device: device.as_ref(),
            cancel: [all, cancel],
            advance: &advance,
            idle_threads: self,
            warn: &warn,
            checkpoints,
            working_bytes,
        };
        let value = catch_unwind(AssertUnwindSafe(|| operation.run(inputs, &context)))
            .unwrap_or_else(|panic| Err(panicked(operation.name(), panic.as_ref(), device.is_some())))?;
        // Of a batch, each member has inputs of its own.
        let value = if operation.name() == BATCHED { value } else { value.after(inputs) };
        let rest = node.cost.operations - *lock(&reported);
        (self.observer)(Event::Advanced(rest));
        Ok(match self.resources.rounding {
            Some(seed) => moved(&value, seed, node.key),
            None => value,
        })
    }
}

/// The threads that have no operation of their own.
impl IdleThreads for Runner<'_> {
    fn recruit(&self, most: usize) -> usize {
        let mut state = self.lock();
        let helpers = self.resources.threads.saturating_sub(state.running + state.helping).min(most);
        state.helping += helpers;
        helpers
    }

    fn keep_going(&self) -> bool {
        let state = self.lock();
        state.running + state.helping <= self.resources.threads
    }

    fn release(&self) {
        self.lock().helping -= 1;
    }
}

/// The error of an operation that panicked. It fails only its own result.
fn panicked(operation: &str, panic: &(dyn std::any::Any + Send), on_device: bool) -> Error {
    let error = Error::new(format!("{operation} failed: {}", panic_message(panic)));
    // Burn panics when the device's memory is exhausted.
    let error =
        if on_device { error.hint("give the device less at once: --memory GIB; or use --device flex") } else { error };
    error.hint("this is a fault of entroscope: please report it with the script")
}
