//! The same operation of many sweep points as one: where a device wants large launches, a plan puts one operation in the
//! place of several, and takes from its result what each of them would have given.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use serde_json::json;

use super::plan::Node;
use super::{Context, Cost, Described, Keep, Operation, Plan, Value};
use crate::{Error, Result};

/// The part of the memory that a stack may take: the rest is for what the next one rests on.
const SHARE: f64 = 0.5;

/// Operations of one stack, computed together: a result with the arrays of each behind its number.
#[derive(Debug)]
struct Together {
    /// Each with how many inputs it takes.
    members: Vec<(Described, usize)>,
}

impl Operation for Together {
    fn name(&self) -> &'static str {
        "stacked"
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
        let mut stack = Vec::new();
        for (member, count) in &self.members {
            let (own, others) = rest.split_at(*count);
            stack.push((member.operation(), own));
            rest = others;
        }
        let Some((first, _)) = stack.first() else { return Ok(Value::default()) };
        let values = first.run_together(&stack, context)?;
        Ok(values.into_iter().enumerate().fold(Value::default(), |all, (i, value)| all.with_part(i, value)))
    }
}

/// One of them: what it would have given alone, under its own name.
#[derive(Debug)]
struct Part {
    member: Described,
    number: usize,
}

impl Operation for Part {
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
        inputs[0].part(self.number).ok_or_else(|| Error::new("an operation of a stack gave nothing"))
    }
}

impl Plan {
    /// The same with up to `most` operations of a stack as one, as many as find room in `memory` bytes. Points come one
    /// stack after another, and those of a stack go on together.
    #[must_use]
    pub fn stacked(self, most: usize, memory: f64) -> Self {
        let size = self.stack_size(most, memory);
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
        // Units are numbered in the order in which they should come; each comes behind what it rests on.
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

    /// How many points' operations of a stack find room.
    fn stack_size(&self, most: usize, memory: f64) -> usize {
        let stackable = self.nodes.iter().filter(|node| node.is_stackable());
        let inputs = |node: &Node| node.inputs.iter().map(|&input| self.nodes[input].cost.result_bytes).sum::<f64>();
        let bytes = stackable.map(|node| inputs(node) + node.cost.result_bytes + node.cost.working_bytes);
        let largest = bytes.fold(0.0, f64::max);
        if largest > 0.0 { ((SHARE * memory / largest) as usize).min(most) } else { 0 }
    }

    /// What is run at once, in the order in which it should come: some points at a time, each as far as the others.
    fn units(&self, size: usize) -> Vec<Vec<usize>> {
        // Of each point: its number, and how many of its nodes came so far.
        let mut points = BTreeMap::<&str, (usize, usize)>::new();
        let mut levels: Vec<usize> = Vec::new();
        let (mut stacks, mut units) = (BTreeMap::new(), Vec::new());
        for (i, node) in self.nodes.iter().enumerate() {
            let count = points.len();
            let (point, position) = points.entry(&self.targets[node.target].point).or_insert((count, 0));
            *position += 1;
            let (points, position) = (*point / size, *position);
            // Nothing rests on another of its own level, so that stacks never wait for one another.
            levels.push(node.inputs.iter().map(|&input| levels[input] + 1).max().unwrap_or(0));
            let stack = if node.is_stackable() { node.described.operation().stack() } else { None };
            let known = stack.map(|stack| stacks.entry((points, levels[i], stack)).or_insert(units.len()));
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

    /// The plan with its nodes in another order, several as one where they stand together.
    fn rearranged(self, units: Vec<Vec<usize>>) -> Self {
        let Self { targets, nodes, wanted, numerics } = self;
        let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
        let (mut arranged, mut now_at): (Vec<Node>, _) = (Vec::new(), vec![0; nodes.len()]);
        for unit in units {
            let mut members: Vec<Node> = Vec::new();
            for &i in &unit {
                if let Some(mut node) = nodes[i].take() {
                    node.inputs.iter_mut().for_each(|input| *input = now_at[*input]);
                    members.push(node);
                }
            }
            let together = arranged.len();
            if members.len() > 1 {
                arranged.push(Node::together(&members, &numerics));
            }
            for (number, (node, &i)) in members.drain(..).zip(&unit).enumerate() {
                now_at[i] = arranged.len();
                arranged.push(if unit.len() > 1 { node.part(together, number) } else { node });
            }
        }
        let wanted = wanted.into_iter().map(|node| now_at[node]).collect();
        Self { targets, nodes: arranged, wanted, numerics }
    }
}

impl Node {
    fn is_stackable(&self) -> bool {
        !self.stored && self.held.is_none() && self.described.operation().stack().is_some()
    }

    fn together(members: &[Self], numerics: &str) -> Self {
        let described = members.iter().map(|node| (node.described.clone(), node.inputs.len())).collect();
        let described = Described::new(Together { members: described });
        Self {
            key: described.fingerprint().with(numerics),
            stored: false,
            held: None,
            inputs: members.iter().flat_map(|node| node.inputs.iter().copied()).collect(),
            cost: described.operation().cost(),
            target: members.iter().map(|node| node.target).min().unwrap_or(0),
            is_work: true,
            described,
        }
    }

    fn part(self, together: usize, number: usize) -> Self {
        let described = self.described.replaced_by(Part { member: self.described.clone(), number });
        Self { inputs: vec![together], cost: described.operation().cost(), described, ..self }
    }
}
