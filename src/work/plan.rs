//! What is missing: the operations behind what is shown, less those in the store, in the order to run them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::flights::Held;
use super::{Cost, Described, Event, Fingerprint, Flights, Keep, Store, Value};
use crate::{Error, Result, words};

/// A result that is wanted, and the sweep point that it belongs to, in words.
#[derive(Debug, Clone)]
pub struct Target {
    pub point: String,
    pub result: Described,
}

/// The operations that lead to some targets; every one stands behind its inputs.
#[derive(Debug)]
pub struct Plan {
    pub(super) targets: Vec<Target>,
    pub(super) nodes: Vec<Node>,
    /// The node of each target.
    pub(super) wanted: Vec<usize>,
    pub(super) numerics: String,
}

#[derive(Debug)]
pub(super) struct Node {
    pub described: Described,
    pub key: Fingerprint,
    /// Read from the store, not computed.
    pub stored: bool,
    /// Another run computes it, or has it in memory.
    pub held: Option<Held>,
    pub inputs: Vec<usize>,
    pub cost: Cost,
    /// The first target that needs it.
    pub target: usize,
    /// It, or something that it rests on, is worth keeping and not in the store.
    pub is_work: bool,
}

impl Plan {
    /// Expands `targets` and drops what `store` holds for these numerics (device family and number type), and what
    /// other runs have under way.
    pub fn new(targets: Vec<Target>, store: &Store, flights: &Flights, numerics: &str) -> Self {
        let mut plan = Self { wanted: Vec::new(), nodes: Vec::new(), numerics: numerics.to_owned(), targets };
        let mut known = BTreeMap::new();
        for target in 0..plan.targets.len() {
            let node = plan.expand(target, store, flights, &mut known);
            plan.wanted.push(node);
        }
        plan
    }

    /// Depth first, inputs in order, so that in-memory results are used up soon after they are made. The stack is
    /// explicit: a chain of a hundred thousand blocks is only slow.
    fn expand(
        &mut self,
        target: usize,
        store: &Store,
        flights: &Flights,
        known: &mut BTreeMap<Fingerprint, usize>,
    ) -> usize {
        struct Open {
            described: Described,
            key: Fingerprint,
            stored: bool,
            held: Option<Held>,
            inputs: std::vec::IntoIter<Described>,
            done: Vec<usize>,
        }
        let open = |described: Described, key: Fingerprint| {
            let stored = described.operation().keep() != Keep::InMemory && store.contains(key);
            let held = if stored { None } else { flights.held(key) };
            let inputs = if stored || held.is_some() { Vec::new() } else { described.operation().inputs() };
            Open { described, key, stored, held, inputs: inputs.into_iter(), done: Vec::new() }
        };
        let root = self.targets[target].result.clone();
        let root_key = root.fingerprint().with(&self.numerics);
        if let Some(&node) = known.get(&root_key) {
            return node;
        }
        let mut stack = vec![open(root, root_key)];
        loop {
            let top = stack.len() - 1;
            if let Some(input) = stack[top].inputs.next() {
                let key = input.fingerprint().with(&self.numerics);
                match known.get(&key) {
                    Some(&node) => stack[top].done.push(node),
                    None => stack.push(open(input, key)),
                }
                continue;
            }
            let Open { described, key, stored, held, done: inputs, .. } = stack.swap_remove(top);
            let operation = described.operation();
            let cost = match &held {
                _ if stored => Cost::default(),
                None => operation.cost(),
                // It takes room here as well; its work is counted where it was begun.
                Some(_) => Cost { operations: 0.0, ..operation.cost() },
            };
            let is_work = !stored
                && (operation.keep() != Keep::InMemory || inputs.iter().any(|&input| self.nodes[input].is_work));
            let node = self.nodes.len();
            self.nodes.push(Node { described, key, stored, held, inputs, cost, target, is_work });
            known.insert(key, node);
            match stack.last_mut() {
                Some(parent) => parent.done.push(node),
                None => return node,
            }
        }
    }

    /// The event of target `target` being there, or having failed; outside it is called `called`.
    pub(super) fn done<'a>(&'a self, target: usize, called: usize, result: &'a Result<Arc<Value>>) -> Event<'a> {
        let Target { point, result: described } = &self.targets[target];
        Event::Done { target: called, point, fingerprint: described.fingerprint(), result }
    }

    /// What is wanted, in order.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// How many points need work, and how many are in the store or follow from it at once.
    pub fn missing_and_reused(&self) -> (usize, usize) {
        let mut points = BTreeMap::<&str, bool>::new();
        for (target, &node) in self.targets.iter().zip(&self.wanted) {
            *points.entry(&target.point).or_default() |= self.nodes[node].is_work;
        }
        let missing = points.values().filter(|&&is_work| is_work).count();
        (missing, points.len() - missing)
    }

    /// How often each operation will run, by name.
    pub fn operations(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| !node.stored) {
            *counts.entry(node.described.operation().name()).or_default() += 1;
        }
        counts
    }

    /// Floating-point operations by name of operation.
    pub fn floating_point_operations(&self) -> BTreeMap<&'static str, f64> {
        let mut sums = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| !node.stored) {
            *sums.entry(node.described.operation().name()).or_default() += node.cost.operations;
        }
        sums
    }

    /// Floating-point operations that each target adds to those before it.
    pub fn work_per_target(&self) -> Vec<f64> {
        let mut work = vec![0.0; self.targets.len()];
        for node in &self.nodes {
            work[node.target] += node.cost.operations;
        }
        work
    }

    /// The most memory, in bytes, that each target needs while it is computed alone, on one thread.
    pub fn memory_per_target(&self) -> Vec<f64> {
        let mut last_use: Vec<usize> = (0..self.nodes.len()).collect();
        for (i, node) in self.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&input| last_use[input] = i);
        }
        let mut peaks = vec![0.0_f64; self.targets.len()];
        let mut live = 0.0;
        for (i, node) in self.nodes.iter().enumerate() {
            live += node.cost.result_bytes;
            peaks[node.target] = peaks[node.target].max(live + node.cost.working_bytes);
            for &input in node.inputs.iter().filter(|&&input| last_use[input] == i) {
                live -= self.nodes[input].cost.result_bytes;
            }
        }
        peaks
    }

    /// # Errors
    /// When a point cannot fit into `memory` bytes; it is named.
    pub fn check_memory(&self, memory: f64) -> Result<()> {
        match self.memory_per_target().into_iter().zip(&self.targets).find(|(bytes, _)| *bytes > memory) {
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
