//! What is missing: the operations behind what is shown, without those in the store, in the order to run them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::in_flight::Pending;
use super::points::{self, PlannedPoint, RestsOn};
use super::throughput::add_calls;
use super::{Calls, CallsBySize, Cost, Described, Event, Fingerprint, InFlight, Keep, Store, Value};
use crate::{Error, Result, words};

/// A wanted result, and the sweep point that it belongs to, in words.
#[derive(Debug, Clone)]
pub struct Target {
    pub point: String,
    pub result: Described,
}

/// The operations that some targets need, each after its inputs.
#[derive(Debug)]
pub struct Plan {
    pub(super) targets: Vec<Target>,
    pub(super) nodes: Vec<Node>,
    /// The node of each target.
    pub(super) wanted: Vec<usize>,
    pub(super) numerics: String,
    /// What each target rests on.
    pub(super) rest_on: Vec<RestsOn>,
    pub(super) points: Vec<PlannedPoint>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub described: Described,
    pub key: Fingerprint,
    /// Read from the store, not computed.
    pub stored: bool,
    /// Set if another run computes it or has it in memory.
    pub pending: Option<Pending>,
    pub inputs: Vec<usize>,
    pub cost: Cost,
    /// The first target that needs it.
    pub target: usize,
    /// Whether it runs in any case, whatever operations that take their inputs in turn ask for.
    pub is_certain: bool,
    /// True if this node or a dependency has a persistent result that is missing.
    pub is_work: bool,
}

impl Node {
    /// The working bytes that it cannot do without.
    pub fn least_working_bytes(&self) -> f64 {
        self.cost.working_bytes - self.described.operation().spare_bytes().min(self.cost.working_bytes)
    }

    /// Whether its inputs are computed one after another, as it asks for them.
    pub fn is_in_turn(&self) -> bool {
        !self.inputs.is_empty() && self.described.operation().takes_inputs_in_turn()
    }
}

impl Plan {
    /// Expands `targets` down to what `store` has for these numerics (device family and number type) and what other runs
    /// are computing already.
    pub fn new(targets: Vec<Target>, store: &Store, in_flight: &InFlight, numerics: &str) -> Self {
        Self::expanded(targets, &|key| store.contains(key), in_flight, numerics)
    }

    /// Expands `targets` as if nothing was stored: what they cost.
    pub fn from_nothing(targets: Vec<Target>, numerics: &str) -> Self {
        Self::expanded(targets, &|_| false, &InFlight::default(), numerics)
    }

    fn expanded(
        targets: Vec<Target>,
        is_stored: &dyn Fn(Fingerprint) -> bool,
        in_flight: &InFlight,
        numerics: &str,
    ) -> Self {
        let mut plan = Self {
            wanted: Vec::new(),
            nodes: Vec::new(),
            numerics: numerics.to_owned(),
            targets,
            rest_on: Vec::new(),
            points: Vec::new(),
        };
        let mut known = BTreeMap::new();
        for target in 0..plan.targets.len() {
            let node = plan.expand(target, is_stored, in_flight, &mut known);
            plan.wanted.push(node);
        }
        plan.mark_certain();
        plan.rest_on = plan.wanted.iter().map(|&node| plan.rests_on(node)).collect();
        plan.points = points::planned(&plan.targets, &plan.rest_on);
        plan
    }

    /// The results that a node rests on: those that it follows from at once, or itself.
    fn rests_on(&self, node: usize) -> RestsOn {
        let mut found = RestsOn::new();
        let (mut open, mut seen) = (vec![node], BTreeSet::new());
        while let Some(i) = open.pop() {
            let node = &self.nodes[i];
            let takes_work = node.cost.operations > 0.0 || node.described.operation().keep() != Keep::InMemory;
            if takes_work || node.stored || node.pending.is_some() {
                found.insert(node.key, node.is_work);
            } else {
                open.extend(node.inputs.iter().copied().filter(|&input| seen.insert(input)));
            }
        }
        if found.is_empty() {
            found.insert(self.nodes[node].key, false);
        }
        found
    }

    /// Marks the nodes that run in any case.
    fn mark_certain(&mut self) {
        let mut open = self.wanted.clone();
        while let Some(i) = open.pop() {
            let node = &mut self.nodes[i];
            if !std::mem::replace(&mut node.is_certain, true) && !node.is_in_turn() {
                open.extend(node.inputs.iter().copied());
            }
        }
    }

    /// Whether some of its operations may turn out not to be needed, so that its cost is an upper bound.
    pub fn is_bound(&self) -> bool {
        self.nodes.iter().any(|node| !node.is_certain && !node.stored)
    }

    /// What each target rests on.
    pub(crate) fn rest_on(&self) -> &[RestsOn] {
        &self.rest_on
    }

    /// Its points, each once.
    pub fn points(&self) -> &[PlannedPoint] {
        &self.points
    }

    /// Adds a target's nodes depth first, inputs in order: results in memory are used soon after they are computed. The
    /// stack is explicit, so a chain of a hundred thousand blocks does not overflow it.
    fn expand(
        &mut self,
        target: usize,
        is_stored: &dyn Fn(Fingerprint) -> bool,
        in_flight: &InFlight,
        known: &mut BTreeMap<Fingerprint, usize>,
    ) -> usize {
        struct Open {
            described: Described,
            key: Fingerprint,
            stored: bool,
            pending: Option<Pending>,
            inputs: std::vec::IntoIter<Described>,
            done: Vec<usize>,
        }
        let open = |described: Described, key: Fingerprint| {
            let stored = described.operation().keep() != Keep::InMemory && is_stored(key);
            let pending = if stored { None } else { in_flight.pending(key) };
            let inputs = if stored || pending.is_some() { Vec::new() } else { described.operation().inputs() };
            Open { described, key, stored, pending, inputs: inputs.into_iter(), done: Vec::new() }
        };
        let root = self.targets[target].result.clone();
        let root_key = root.fingerprint().with_numerics(&self.numerics);
        if let Some(&node) = known.get(&root_key) {
            return node;
        }
        let mut stack = vec![open(root, root_key)];
        loop {
            let top = stack.len() - 1;
            if let Some(input) = stack[top].inputs.next() {
                let key = input.fingerprint().with_numerics(&self.numerics);
                match known.get(&key) {
                    Some(&node) => stack[top].done.push(node),
                    None => stack.push(open(input, key)),
                }
                continue;
            }
            let Open { described, key, stored, pending, done: inputs, .. } = stack.swap_remove(top);
            let operation = described.operation();
            let cost = match &pending {
                _ if stored => Cost::default(),
                None => operation.cost(),
                // Its memory counts here as well, its work only in the run that began it.
                Some(_) => Cost { operations: 0.0, ..operation.cost() },
            };
            let is_work = !stored
                && (operation.keep() != Keep::InMemory || inputs.iter().any(|&input| self.nodes[input].is_work));
            let node = self.nodes.len();
            let is_certain = false;
            self.nodes.push(Node { described, key, stored, pending, inputs, cost, target, is_certain, is_work });
            known.insert(key, node);
            match stack.last_mut() {
                Some(parent) => parent.done.push(node),
                None => return node,
            }
        }
    }

    /// The event that target `target` is computed or has failed. The observer knows this target as number `origin`.
    pub(super) fn done<'a>(&'a self, target: usize, origin: usize, result: &'a Result<Arc<Value>>) -> Event<'a> {
        let Target { point, result: described } = &self.targets[target];
        Event::Done { target: origin, point, fingerprint: described.fingerprint(), result }
    }

    /// The keys of all its operations' results, for [`InFlight::keep_only`].
    pub fn keys(&self) -> BTreeSet<Fingerprint> {
        self.nodes.iter().map(|node| node.key).collect()
    }

    /// The targets, in order.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// How many points need work, and how many do not: they are in the store or follow from it at once.
    pub fn missing_and_reused(&self) -> (usize, usize) {
        let missing = self.points.iter().filter(|point| point.is_work).count();
        (missing, self.points.len() - missing)
    }

    /// How often each operation runs, by name.
    pub fn operations(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| !node.stored) {
            *counts.entry(node.described.operation().name()).or_default() += 1;
        }
        counts
    }

    /// Floating-point operations, by name of operation.
    pub fn floating_point_operations(&self) -> BTreeMap<&'static str, f64> {
        let mut sums = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| !node.stored) {
            *sums.entry(node.described.operation().name()).or_default() += node.cost.operations;
        }
        sums
    }

    /// The operations that run, by name and size, for an estimate of their time.
    pub fn calls(&self) -> CallsBySize {
        let mut calls = CallsBySize::new();
        for node in self.nodes.iter().filter(|node| !node.stored && node.cost.operations > 0.0) {
            let one = Calls { calls: 1.0, operations: node.cost.operations, seconds: 0.0 };
            add_calls(&mut calls, node.described.operation().name(), one);
        }
        calls
    }

    /// Floating-point operations that each target adds to those before it.
    pub fn work_per_target(&self) -> Vec<f64> {
        let mut work = vec![0.0; self.targets.len()];
        for node in &self.nodes {
            work[node.target] += node.cost.operations;
        }
        work
    }

    /// The peak memory in bytes of each target when it is computed alone on one thread, with all the memory that its operations ask
    /// for.
    pub fn memory_per_target(&self) -> Vec<f64> {
        self.peaks(|node| node.cost.working_bytes)
    }

    /// The peak memory of each target where its operations' working bytes are these.
    fn peaks(&self, working_bytes: impl Fn(&Node) -> f64) -> Vec<f64> {
        let mut last_use: Vec<usize> = (0..self.nodes.len()).collect();
        for (i, node) in self.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&input| last_use[input] = i);
        }
        let mut peaks = vec![0.0_f64; self.targets.len()];
        let mut live = 0.0;
        for (i, node) in self.nodes.iter().enumerate() {
            live += node.cost.result_bytes;
            peaks[node.target] = peaks[node.target].max(live + working_bytes(node));
            for &input in node.inputs.iter().filter(|&&input| last_use[input] == i) {
                live -= self.nodes[input].cost.result_bytes;
            }
        }
        peaks
    }

    /// `saves` is whether operations can do without their spare bytes, as they can on the host.
    ///
    /// # Errors
    /// When a point does not fit into `memory` bytes; the message names it.
    pub fn check_memory(&self, memory: f64, saves: bool) -> Result<()> {
        let least = self.peaks(|node| if saves { node.least_working_bytes() } else { node.cost.working_bytes });
        match least.into_iter().zip(&self.targets).find(|(bytes, _)| *bytes > memory) {
            None => Ok(()),
            Some((bytes, target)) => Err(Error::new(format!(
                "{} needs {} of memory, {} may be used",
                target.point,
                words::size(bytes),
                words::size(memory)
            ))
            .hint("take fewer samples or a narrower network, or raise the limit: --memory GIB")),
        }
    }
}
