//! Running a plan: a few threads, one operation each, the earliest of the plan first.
//!
//! An operation runs on one thread, so no number depends on how many there are. A result in memory is dropped after
//! its last use. What fails takes only those targets with it that rest on it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use burn::tensor::Device;

use super::flights::Turn;
use super::plan::Node;
use super::store::Found;
use super::{Cancel, Context, Fingerprint, Flights, Keep, Plan, Store, Target, Value};
use crate::kernels::Crew;
use crate::{Error, Result};

/// What a run may use.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// What computes in place of the host's own loops.
    pub device: Option<Device>,
    /// Operations at the same time.
    pub threads: usize,
    /// Bytes that results in memory and running operations may take together.
    pub memory: f64,
    /// Stops everything at its next step.
    pub cancel: Cancel,
    /// Stops this run: it begins nothing more. What it has begun goes on for the run that follows, unless that has no
    /// use for it ([`Flights::keep_only`]).
    pub superseded: Cancel,
    /// What this run and others have under way.
    pub flights: Arc<Flights>,
}

impl Resources {
    fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.superseded.is_cancelled()
    }
}

/// What happens while a plan runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// An operation starts, for the first point that needs it.
    Started { operation: &'static str, point: &'a str },
    /// So many floating-point operations are done.
    Advanced(f64),
    /// A target is there, or has failed; `fingerprint` names what it is.
    Done { target: usize, point: &'a str, fingerprint: Fingerprint, result: &'a Result<Arc<Value>> },
    /// Something that the user should know, and that stops nothing.
    Warning(&'a Error),
}

/// Hears the events of a run, from several threads.
pub type Listener<'a> = dyn Fn(Event<'_>) + Sync + 'a;

/// What was done, by name of operation.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How often each operation ran.
    pub ran: BTreeMap<&'static str, usize>,
    /// How often its result was read from the store.
    pub reused: BTreeMap<&'static str, usize>,
    /// Floating-point operations and seconds on one thread.
    pub spent: BTreeMap<&'static str, (f64, f64)>,
}

impl Report {
    /// Adds what another run did.
    pub fn add(&mut self, other: &Self) {
        let add = |to: &mut BTreeMap<_, usize>, from: &BTreeMap<_, usize>| {
            from.iter().for_each(|(name, count)| *to.entry(*name).or_default() += count);
        };
        add(&mut self.ran, &other.ran);
        add(&mut self.reused, &other.reused);
        for (name, (operations, seconds)) in &other.spent {
            let spent = self.spent.entry(name).or_default();
            *spent = (spent.0 + operations, spent.1 + seconds);
        }
    }
}

struct State {
    /// Inputs that each node still waits for.
    waiting: Vec<usize>,
    /// Those that still need a node's result; a target counts as one.
    users: Vec<usize>,
    results: Vec<Option<Result<Arc<Value>>>>,
    /// Those that others have under way first: their threads are taken already.
    ready: BinaryHeap<Reverse<(bool, usize)>>,
    running: usize,
    /// Threads that help with running operations.
    helping: usize,
    left: usize,
    live_bytes: f64,
    report: Report,
    /// A stored result was missing or damaged: the plan has to be made again.
    stale: bool,
}

struct Runner<'a> {
    plan: &'a Plan,
    store: &'a Store,
    resources: &'a Resources,
    listener: &'a Listener<'a>,
    dependents: Vec<Vec<usize>>,
    /// What each target of the plan is called outside, and the targets that are a node's result.
    origin: &'a [usize],
    targets_of: Vec<Vec<usize>>,
    state: Mutex<State>,
    changed: Condvar,
    /// Storing failed once: said once, and results stay in memory alone.
    store_failed: AtomicBool,
}

/// Computes what a plan lacks and returns the targets' results, in their order, each with its own failure.
pub fn run(
    plan: &Plan,
    store: &Store,
    resources: &Resources,
    listener: &Listener<'_>,
) -> (Vec<Result<Arc<Value>>>, Report) {
    let origin: Vec<usize> = (0..plan.targets.len()).collect();
    let (mut results, mut report, mut stale) = Runner::new(plan, &origin, store, resources, listener).run();
    // A result that was damaged, or removed by another process, is set aside by now: plan those targets again. Every
    // round sets files aside, so that this ends; the bound is for a store that cannot even be renamed in.
    for _ in 0..8 {
        if !stale || resources.is_over() {
            break;
        }
        let failed: Vec<usize> = (0..results.len()).filter(|&i| results[i].is_err()).collect();
        let targets: Vec<Target> = failed.iter().map(|&i| plan.targets[i].clone()).collect();
        let again = Plan::new(targets, store, &resources.flights, &plan.numerics);
        let (more, added, still) = Runner::new(&again, &failed, store, resources, listener).run();
        failed.into_iter().zip(more).for_each(|(i, result)| results[i] = result);
        report.add(&added);
        stale = still;
    }
    for (target, result) in results.iter().enumerate().filter(|(_, result)| result.is_err()) {
        listener(plan.done(target, target, result));
    }
    (results, report)
}

impl<'a> Runner<'a> {
    fn new(
        plan: &'a Plan,
        origin: &'a [usize],
        store: &'a Store,
        resources: &'a Resources,
        listener: &'a Listener<'a>,
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
        let ready =
            (0..nodes.len()).filter(|&i| waiting[i] == 0).map(|i| Reverse((nodes[i].held.is_none(), i))).collect();
        let state = State {
            waiting,
            users,
            results: vec![None; nodes.len()],
            ready,
            running: 0,
            helping: 0,
            left: nodes.len(),
            live_bytes: 0.0,
            report: Report::default(),
            stale: false,
        };
        Self {
            plan,
            store,
            resources,
            listener,
            dependents,
            origin,
            targets_of,
            state: Mutex::new(state),
            changed: Condvar::new(),
            store_failed: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(self) -> (Vec<Result<Arc<Value>>>, Report, bool) {
        std::thread::scope(|scope| {
            for _ in 0..self.resources.threads.clamp(1, self.plan.nodes.len().max(1)) {
                scope.spawn(|| self.work());
            }
        });
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let result = |&node: &usize| state.results[node].clone().unwrap_or_else(|| Err(Error::interrupted()));
        (self.plan.wanted.iter().map(result).collect(), state.report, state.stale)
    }

    #[expect(clippy::disallowed_methods, reason = "how long an operation took is told, and makes the next estimate")]
    fn work(&self) {
        let mut state = self.lock();
        while state.left > 0 {
            let next = state.ready.peek().map(|&Reverse((_, i))| i).filter(|&i| {
                let cost = &self.plan.nodes[i].cost;
                state.running == 0 || state.live_bytes + cost.result_bytes + cost.working_bytes <= self.resources.memory
            });
            let Some(i) = next else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.ready.pop();
            state.running += 1;
            let node = &self.plan.nodes[i];
            let bytes = node.cost.result_bytes + node.cost.working_bytes;
            state.live_bytes += bytes;
            let inputs = node
                .inputs
                .iter()
                .map(|&input| state.results[input].clone().unwrap_or_else(|| Err(Error::interrupted())));
            let inputs: Result<Vec<_>> = inputs.collect();
            drop(state);
            let started = Instant::now();
            let result = inputs.and_then(|inputs| self.compute(node, &inputs));
            let seconds = started.elapsed().as_secs_f64();
            if result.is_ok() {
                for &target in &self.targets_of[i] {
                    (self.listener)(self.plan.done(target, self.origin[target], &result));
                }
            }
            state = self.lock();
            self.finish(&mut state, i, result, seconds, bytes);
        }
        self.changed.notify_all();
    }

    fn finish(&self, state: &mut State, i: usize, result: Result<Arc<Value>>, seconds: f64, bytes: f64) {
        let node = &self.plan.nodes[i];
        state.running -= 1;
        state.left -= 1;
        state.live_bytes -= bytes;
        if let Ok(value) = &result {
            let name = node.described.operation().name();
            let reused = node.stored || node.held.is_some();
            let counts = if reused { &mut state.report.reused } else { &mut state.report.ran };
            *counts.entry(name).or_default() += 1;
            if !reused && node.cost.operations > 0.0 {
                let spent = state.report.spent.entry(name).or_default();
                *spent = (spent.0 + node.cost.operations, spent.1 + seconds);
            }
            state.live_bytes += value.bytes() as f64;
        }
        state.stale |= node.stored && result.as_ref().is_err_and(|error| !error.interrupted);
        state.results[i] = Some(result);
        for &input in &node.inputs {
            state.users[input] -= 1;
            if state.users[input] == 0
                && let Some(Ok(value)) = state.results[input].take()
            {
                state.live_bytes -= value.bytes() as f64;
            }
        }
        for &dependent in &self.dependents[i] {
            state.waiting[dependent] -= 1;
            if state.waiting[dependent] == 0 {
                state.ready.push(Reverse((true, dependent)));
            }
        }
        self.changed.notify_all();
    }

    fn compute(&self, node: &Node, inputs: &[Arc<Value>]) -> Result<Arc<Value>> {
        if self.resources.is_over() {
            return Err(Error::interrupted());
        }
        if node.stored {
            return match self.store.read(node.key) {
                Found::Whole(value) => Ok(Arc::new(value)),
                Found::Nothing => Err(Error::new("a stored result was removed while it was needed")),
                Found::Damaged(error) => {
                    (self.listener)(Event::Warning(&error));
                    Err(error)
                }
            };
        }
        let over = || self.resources.is_over();
        if let Some(held) = &node.held {
            return held.wait(over);
        }
        let flight = match self.resources.flights.begin(node.key) {
            Turn::Theirs(held) => return held.wait(over),
            Turn::Ours(flight) => flight,
        };
        // Whoever superseded this run has looked by now what is under way, or will find it superseded.
        let result = if over() {
            Err(Error::interrupted())
        } else {
            self.run_operation(node, inputs, &flight.cancel).map(Arc::new)
        };
        let in_memory = node.described.operation().keep() == Keep::InMemory;
        self.resources.flights.land(node.key, &flight, &result, in_memory);
        result
    }

    fn run_operation(&self, node: &Node, inputs: &[Arc<Value>], cancel: &Cancel) -> Result<Value> {
        let operation = node.described.operation();
        let point = &self.plan.targets[node.target].point;
        (self.listener)(Event::Started { operation: operation.name(), point });
        let told = Mutex::new(0.0);
        let advance = |operations: f64| {
            *told.lock().unwrap_or_else(PoisonError::into_inner) += operations;
            (self.listener)(Event::Advanced(operations));
        };
        let Resources { device, cancel: all, .. } = self.resources;
        let context = Context { device: device.as_ref(), cancel: [all, cancel], advance: &advance, crew: self };
        let value = catch_unwind(AssertUnwindSafe(|| operation.run(inputs, &context)))
            .unwrap_or_else(|panic| Err(panicked(operation.name(), panic.as_ref(), device.is_some())))?;
        let rest = node.cost.operations - *told.lock().unwrap_or_else(PoisonError::into_inner);
        (self.listener)(Event::Advanced(rest));
        if !self.store_failed.load(Ordering::Relaxed)
            && let Err(error) = self.store.write(node.key, &node.described, &value)
            && !self.store_failed.swap(true, Ordering::Relaxed)
        {
            (self.listener)(Event::Warning(&error));
        }
        Ok(value)
    }
}

/// The threads that have no operation of their own.
impl Crew for Runner<'_> {
    fn call(&self, most: usize) -> usize {
        let mut state = self.lock();
        let helpers = self.resources.threads.saturating_sub(state.running + state.helping).min(most);
        state.helping += helpers;
        helpers
    }

    fn stays(&self) -> bool {
        let state = self.lock();
        state.running + state.helping <= self.resources.threads
    }

    fn goes(&self) {
        self.lock().helping -= 1;
    }
}

/// A panic below the script is a fault of the program, and still only this one result's.
fn panicked(operation: &str, panic: &(dyn std::any::Any + Send), on_device: bool) -> Error {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let error = Error::new(format!("{operation} failed: {}", message.unwrap_or("it gave no reason")));
    // A device has limits of its own, and no other words for them.
    let error =
        if on_device { error.hint("give the device less at once: --memory GIB; or use --device flex") } else { error };
    error.hint("this is a fault of entroscope: please report it with the script")
}
