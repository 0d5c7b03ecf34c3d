//! Batching: a device that needs large launches computes the same operation of many sweep points as one. The plan replaces
//! these operations by one [`Batched`] that computes them all, and one [`Unbatch`] for each that picks its own result.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use serde_json::json;

use super::plan::Node;
use super::{Context, Cost, Described, Keep, Operation, Plan, Value};
use crate::{Error, Result};

/// The name of an operation that computes several as one.
pub(super) const BATCHED: &str = "batched";

/// The share of the memory that one batch may use. The rest is for the inputs of the next.
const SHARE: f64 = 0.5;

/// Operations with the same key, computed as one. Its result has the arrays of each member, prefixed with the member's
/// number.
#[derive(Debug)]
struct Batched {
    /// Each member and the number of its inputs.
    members: Vec<(Described, usize)>,
}

impl Operation for Batched {
    fn name(&self) -> &'static str {
        BATCHED
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        json!(self.members.iter().map(|(member, _)| member.fingerprint()).collect::<Vec<_>>())
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        self.members.iter().map(|(member, _)| member.operation().cost()).fold(Cost::default(), |sum, cost| Cost {
            operations: sum.operations + cost.operations,
            result_bytes: sum.result_bytes + cost.result_bytes,
            working_bytes: sum.working_bytes + cost.working_bytes,
        })
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let mut rest = inputs;
        let mut batch = Vec::new();
        for (member, count) in &self.members {
            let (own, others) = rest.split_at(*count);
            batch.push((member.operation(), own));
            rest = others;
        }
        let Some((first, _)) = batch.first() else { return Ok(Value::default()) };
        let values = first.run_batched(&batch, context)?;
        let values = values.into_iter().zip(&batch).map(|(value, (_, inputs))| value.after(inputs));
        Ok(values.enumerate().fold(Value::default(), |all, (i, value)| all.with_part(i, value)))
    }
}

/// Takes one member's result out of a [`Batched`] result. It has the member's own name and fingerprint.
#[derive(Debug)]
struct Unbatch {
    member: Described,
    number: usize,
}

impl Operation for Unbatch {
    fn name(&self) -> &'static str {
        self.member.operation().name()
    }

    fn version(&self) -> u32 {
        self.member.operation().version()
    }

    fn parameters(&self) -> serde_json::Value {
        self.member.operation().parameters()
    }

    fn keep(&self) -> Keep {
        self.member.operation().keep()
    }

    fn cost(&self) -> Cost {
        Cost { operations: 0.0, working_bytes: 0.0, ..self.member.operation().cost() }
    }

    fn run(&self, inputs: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        inputs[0].part(self.number).ok_or_else(|| Error::new("the batch has no result for this operation"))
    }
}

impl Plan {
    /// The plan with batches of up to `most` operations, as many as fit into `memory` bytes. Sweep points are computed
    /// group by group; the points of a group advance together.
    #[must_use]
    pub fn batched(self, most: usize, memory: f64) -> Self {
        let size = self.batch_size(most, memory);
        if size < 2 {
            return self;
        }
        let units = self.units(size);
        let mut unit_of = vec![0; self.nodes.len()];
        for (unit, members) in units.iter().enumerate() {
            members.iter().for_each(|&node| unit_of[node] = unit);
        }
        let mut waiting = vec![0; units.len()];
        let mut dependents = vec![Vec::new(); units.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            for &input in &node.inputs {
                waiting[unit_of[i]] += 1;
                dependents[unit_of[input]].push(unit_of[i]);
            }
        }
        // Units are numbered by priority. A topological sort keeps each behind its inputs.
        let mut ready: BinaryHeap<_> = (0..units.len()).filter(|&unit| waiting[unit] == 0).map(Reverse).collect();
        let mut order = Vec::new();
        while let Some(Reverse(unit)) = ready.pop() {
            order.push(unit);
            for &dependent in &dependents[unit] {
                waiting[dependent] -= 1;
                if waiting[dependent] == 0 {
                    ready.push(Reverse(dependent));
                }
            }
        }
        self.rearranged(order.into_iter().map(|unit| units[unit].clone()).collect())
    }

    /// How many operations of a batch fit into the memory.
    fn batch_size(&self, most: usize, memory: f64) -> usize {
        let batchable = self.nodes.iter().filter(|node| node.is_batchable());
        let inputs = |node: &Node| node.inputs.iter().map(|&input| self.nodes[input].cost.result_bytes).sum::<f64>();
        let bytes = batchable.map(|node| inputs(node) + node.cost.result_bytes + node.cost.working_bytes);
        let largest = bytes.fold(0.0, f64::max);
        if largest > 0.0 { ((SHARE * memory / largest) as usize).min(most) } else { 0 }
    }

    /// The nodes that run as one, sorted by priority: `size` points at a time, all at the same stage.
    fn units(&self, size: usize) -> Vec<Vec<usize>> {
        // For each point: its number, and how many of its nodes were seen so far.
        let mut points = BTreeMap::<&str, (usize, usize)>::new();
        let mut levels: Vec<usize> = Vec::new();
        let (mut batches, mut units) = (BTreeMap::new(), Vec::new());
        for (i, node) in self.nodes.iter().enumerate() {
            let count = points.len();
            let (point, position) = points.entry(&self.targets[node.target].point).or_insert((count, 0));
            *position += 1;
            let (points, position) = (*point / size, *position);
            // Nodes of one level do not depend on one another, so no batch waits for itself.
            levels.push(node.inputs.iter().map(|&input| levels[input] + 1).max().unwrap_or(0));
            let key = if node.is_batchable() { node.described.operation().batch_key() } else { None };
            let known = key.map(|key| batches.entry((points, levels[i], key)).or_insert(units.len()));
            match known {
                Some(&mut unit) if unit < units.len() => {
                    let (_, members): &mut (_, Vec<usize>) = &mut units[unit];
                    members.push(i);
                }
                _ => units.push(((points, position, i), vec![i])),
            }
        }
        units.sort();
        units.into_iter().map(|(_, members)| members).collect()
    }

    /// The plan with its nodes in the order of `units`; a unit of several nodes becomes a batch.
    fn rearranged(self, units: Vec<Vec<usize>>) -> Self {
        let Self { targets, nodes, wanted, numerics, rest_on, points } = self;
        let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
        let (mut arranged, mut new_index): (Vec<Node>, _) = (Vec::new(), vec![0; nodes.len()]);
        for unit in units {
            let mut members: Vec<Node> = Vec::new();
            for &i in &unit {
                if let Some(mut node) = nodes[i].take() {
                    node.inputs.iter_mut().for_each(|input| *input = new_index[*input]);
                    members.push(node);
                }
            }
            let batch = arranged.len();
            if members.len() > 1 {
                arranged.push(Node::batched(&members, &numerics));
            }
            for (number, (node, &i)) in members.drain(..).zip(&unit).enumerate() {
                new_index[i] = arranged.len();
                arranged.push(if unit.len() > 1 { node.unbatch(batch, number) } else { node });
            }
        }
        let wanted = wanted.into_iter().map(|node| new_index[node]).collect();
        Self { targets, nodes: arranged, wanted, numerics, rest_on, points }
    }
}

impl Node {
    fn is_batchable(&self) -> bool {
        // An operation that may not be needed is never computed with others.
        self.is_certain && !self.stored && self.pending.is_none() && self.described.operation().batch_key().is_some()
    }

    fn batched(members: &[Self], numerics: &str) -> Self {
        let described = members.iter().map(|node| (node.described.clone(), node.inputs.len())).collect();
        let described = Described::new(Batched { members: described });
        Self {
            key: described.fingerprint().with_numerics(numerics),
            stored: false,
            pending: None,
            inputs: members.iter().flat_map(|node| node.inputs.iter().copied()).collect(),
            cost: described.operation().cost(),
            target: members.iter().map(|node| node.target).min().unwrap_or(0),
            is_certain: true,
            is_work: true,
            described,
        }
    }

    fn unbatch(self, batch: usize, number: usize) -> Self {
        let described = self.described.replaced_by(Unbatch { member: self.described.clone(), number });
        Self { inputs: vec![batch], cost: described.operation().cost(), described, ..self }
    }
}
