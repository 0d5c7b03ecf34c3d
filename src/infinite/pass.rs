//! The pass through a network and back: kernels of all depths, then reconstructions from all depths at once, the deepest
//! first, as with drawn networks.

use super::back::Back;
use super::block::{BlockSteps, WayBack};
use super::picture::Picture;
use super::rooms::Rooms;
use super::samples::{Activate, Rules, Samples};
use super::step::Step;
use crate::work::{IdleThreads, for_each};
use crate::{Error, Result};

/// Numbers of the stack that are kept at a time: half a gigabyte. Of a deeper stack every few depths are kept, and those between
/// are computed again on the way back.
pub(super) const STACK: usize = 1 << 26;
/// Depths whose reconstruction networks are found side by side, at most; their kernels are kept for so long.
const SIDE_BY_SIDE: usize = 8;

/// A network's blocks, and λ.
pub(super) struct Pass<'a> {
    pub blocks: &'a [BlockSteps],
    pub lambda: f64,
    pub threads: &'a dyn IdleThreads,
    /// Numbers of the stack that are kept at a time.
    pub stack: usize,
}

/// Samples at one depth.
#[derive(Debug)]
struct Depth {
    training: Samples,
    others: Samples,
    /// The preactivations of the training samples, where the block ends in an invertible activation.
    before: Option<(Samples, Activate)>,
}

impl Depth {
    /// What the reconstruction network of the next block gives back.
    fn target(&self) -> &Samples {
        self.before.as_ref().map_or(&self.training, |(before, _)| before)
    }

    /// The activations that are made of it.
    fn activate(&self) -> Option<&Activate> {
        self.before.as_ref().map(|(_, activate)| activate)
    }

    fn leave(self, rooms: &Rooms) {
        rooms.leave(self.training.apart);
        if let Some((before, _)) = self.before {
            rooms.leave(before.apart);
        }
    }
}

/// What the way back needs of one depth.
struct Stage {
    /// Distances of the samples to be reconstructed.
    others: Vec<f64>,
    /// The reconstruction network of the block before; `None` where it has none.
    back: Option<Back>,
    /// See [`Depth::activate`].
    activate: Option<Activate>,
}

/// Numbers that the stack keeps of one depth, for `n` training samples and `others` more: a reconstruction network, or two kernels
/// from which it goes on.
fn of_one(n: usize, others: usize) -> usize {
    (n * (2 * n + others)).max(1)
}

/// Depths between those from which the stack goes on: all of them where `most` numbers hold it.
fn stride(depths: usize, n: usize, others: usize, most: usize) -> usize {
    let of_one = of_one(n, others);
    if (depths + 1) * of_one <= most {
        return depths.max(1);
    }
    let least = depths.isqrt().max(1);
    let fits = |stride: &usize| (stride + depths.div_ceil(*stride)) * of_one <= most;
    (least..=depths).rev().find(fits).unwrap_or(least)
}

/// Depths whose reconstruction networks are found side by side.
fn side_by_side(n: usize) -> usize {
    (STACK / (8 * n * n).max(1)).clamp(1, SIDE_BY_SIDE)
}

/// Numbers of the stack that are kept at a time.
pub(super) fn kept_numbers(depths: usize, n: usize, others: usize) -> f64 {
    let stride = stride(depths, n, others, STACK);
    ((stride + depths.div_ceil(stride)) * of_one(n, others) + side_by_side(n) * 2 * n * n) as f64
}

/// How often the kernels of a stack are computed.
pub(super) fn passes(depths: usize, n: usize, others: usize) -> usize {
    if stride(depths, n, others, STACK) < depths { 2 } else { 1 }
}

/// Adds the number of a block, from 1, to an error.
fn in_block(l: usize) -> impl Fn(Error) -> Error {
    move |error| Error { message: format!("block {l}: {}", error.message), ..error }
}

impl Pass<'_> {
    /// The next depth, through block `l` (from 1).
    fn next(&self, l: usize, last: &Depth, rules: &mut Rules, rooms: &Rooms) -> Result<Depth> {
        let block = &self.blocks[l - 1];
        let (mut training, mut others) = (last.training.copied(rooms), last.others.clone());
        for step in &block.steps {
            [training, others] = step.apply(training, others, rules, self.threads).map_err(in_block(l))?;
        }
        if block.way_back == WayBack::Factor(1.0) {
            let before = last.before.as_ref().map(|(before, activate)| (before.copied(rooms), activate.clone()));
            return Ok(Depth { training, others, before });
        }
        let Some(function) = &block.ends_in else { return Ok(Depth { training, others, before: None }) };
        let activate = Activate::new(function, &training, rules).map_err(in_block(l))?;
        let others = activate.samples(others, self.threads)?;
        let after = activate.samples(training.copied(rooms), self.threads)?;
        Ok(Depth { training: after, others, before: Some((training, activate)) })
    }

    /// The samples `x`, each of shape `shape`, behind all blocks; of pictures the mean over the pixels. `each` gets those before the activation of every block on the way.
    ///
    /// # Errors
    /// When `each` fails, or lengths grow beyond all numbers.
    pub fn kernel(&self, x: &[f64], shape: &[usize], mut each: impl FnMut(&Samples) -> Result<()>) -> Result<Samples> {
        let mut training = Picture::of_inputs(x, shape, self.threads)?;
        let mut rules = Rules::default();
        for (l, block) in (1..).zip(self.blocks) {
            let (steps, function) = match (&block.ends_in, &block.steps[..]) {
                (Some(function), steps) | (None, [steps @ .., Step::Activation(function)]) => (steps, Some(function)),
                (None, steps) => (steps, None),
            };
            for step in steps {
                training = training.through(step, &mut rules, self.threads).map_err(in_block(l))?;
            }
            each(&training.everywhere())?;
            if let Some(function) = function {
                training = training.activated(function, &mut rules, self.threads).map_err(in_block(l))?;
            }
        }
        Ok(training.everywhere().into_owned())
    }

    /// The reconstructions of `others` from every depth, `[depths, others, pixels]`. `advance` is called with the share of the
    /// work that was done since the last call.
    ///
    /// # Errors
    /// When `advance` fails, lengths grow beyond all numbers, or training samples cannot be told apart.
    pub fn reconstruct(
        &self,
        training: &[f64],
        others: &[f64],
        pixels: usize,
        advance: impl Fn(f64) -> Result<()>,
    ) -> Result<Vec<f64>> {
        let depths = self.blocks.len();
        let (n, m) = (training.len() / pixels, others.len() / pixels);
        let input = Depth {
            training: Samples::of_inputs(training, training, pixels, self.threads)?,
            others: Samples::of_inputs(others, training, pixels, self.threads)?,
            before: None,
        };
        let (mut rules, rooms) = (Rules::default(), Rooms::default());
        let stride = stride(depths, n, m, self.stack);
        let mut kept = vec![input];
        for start in (stride..depths).step_by(stride) {
            let found = self.forward(start - stride, start, &kept[kept.len() - 1], &mut rules, &rooms)?;
            kept.extend(found);
        }
        // The blocks before it only rearrange the pixels, or multiply them.
        let first = self.blocks.iter().position(|block| block.way_back == WayBack::Regression).unwrap_or(depths);
        let way = Way { first, training, rooms: &rooms };
        let mut r = others.repeat(first);
        r.reserve((depths - first) * others.len());
        let mut rows: Vec<f64> = Vec::with_capacity((depths - first) * m * n);
        // Block l has the samples of the depths l to the last.
        let all = ((depths - first) * (depths - first + 1) / 2) as f64;
        for (i, start) in kept.iter().enumerate().rev() {
            let before = i * stride;
            let mut stages = self.stages(before, (before + stride).min(depths), start, &mut rules, &way)?;
            while let Some(Stage { others: here, back, .. }) = stages.pop() {
                let l = before + stages.len() + 1;
                if l <= first {
                    continue;
                }
                rows.extend_from_slice(&here);
                match (back, self.blocks[l - 1].way_back) {
                    (None, WayBack::Factor(factor)) => rows.iter_mut().for_each(|x| *x /= factor * factor),
                    (None, WayBack::Regression) => {}
                    (Some(back), _) if l == first + 1 => {
                        let found = back.inputs(&mut rows, self.threads)?;
                        r.extend(found.chunks(others.len().max(1)).rev().flatten());
                    }
                    (Some(back), _) => {
                        let activate = stages.last().map_or(start.activate(), |stage| stage.activate.as_ref());
                        back.step(&mut rows, activate, self.threads, &rooms)?;
                    }
                }
                advance((depths - l + 1) as f64 / all)?;
            }
        }
        Ok(r)
    }

    /// The depth `end`, some blocks behind the depth `start`; `None` if it is the same.
    fn forward(
        &self,
        start: usize,
        end: usize,
        first: &Depth,
        rules: &mut Rules,
        rooms: &Rooms,
    ) -> Result<Option<Depth>> {
        let mut last: Option<Depth> = None;
        for l in start + 1..=end {
            let next = self.next(l, last.as_ref().unwrap_or(first), rules, rooms)?;
            if let Some(last) = last.replace(next) {
                last.leave(rooms);
            }
        }
        Ok(last)
    }

    /// The depths after `start`, at which the samples are `first`, up to `end`.
    fn stages(&self, start: usize, end: usize, first: &Depth, rules: &mut Rules, way: &Way<'_>) -> Result<Vec<Stage>> {
        let mut stages = Vec::with_capacity(end - start);
        let mut last: Option<Depth> = None;
        let at_a_time = side_by_side(first.training.width());
        for from in (start + 1..=end).step_by(at_a_time) {
            let mut depths: Vec<Depth> = Vec::with_capacity(at_a_time);
            for l in from..(from + at_a_time).min(end + 1) {
                let before = depths.last().or(last.as_ref()).unwrap_or(first);
                depths.push(self.next(l, before, rules, way.rooms)?);
            }
            let backs = self.backs(from, last.as_ref().unwrap_or(first), &depths, way)?;
            for (depth, back) in depths.into_iter().zip(backs) {
                let (others, activate) = (depth.others.apart.clone(), depth.activate().cloned());
                stages.push(Stage { others, back, activate });
                if let Some(last) = last.replace(depth) {
                    last.leave(way.rooms);
                }
            }
        }
        if let Some(last) = last {
            last.leave(way.rooms);
        }
        Ok(stages)
    }

    /// The reconstruction networks that lead back from `depths`, of which `from` is the first, and `before` the one before it.
    /// Blocks that only multiply their input have none, nor do the first ones.
    fn backs(&self, from: usize, before: &Depth, depths: &[Depth], way: &Way<'_>) -> Result<Vec<Option<Back>>> {
        let mut backs: Vec<Option<Back>> = depths.iter().map(|_| None).collect();
        for_each(backs.iter_mut().enumerate(), self.threads, |(i, back)| {
            let block = &self.blocks[from + i - 1];
            if from + i <= way.first || block.way_back != WayBack::Regression {
                return Ok(());
            }
            let (x, width) = (&depths[i].training, block.width as f64);
            let found = if from + i == way.first + 1 {
                Back::to_inputs(x, way.training, self.lambda, width, way.rooms)
            } else {
                let target = if i == 0 { before.target() } else { depths[i - 1].target() };
                Back::to_preactivations(x, target, self.lambda, width, way.rooms)
            };
            *back = Some(found.map_err(in_block(from + i))?);
            Ok(())
        })?;
        Ok(backs)
    }
}

/// What all of the way back shares.
struct Way<'a> {
    /// Blocks that need no reconstruction network, since they only rearrange the input or multiply it.
    first: usize,
    /// The training inputs.
    training: &'a [f64],
    rooms: &'a Rooms,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::theory::Nonlinearity;

    #[test]
    fn the_shares_of_the_work_add_up_to_1() {
        let tanh = BlockSteps {
            steps: vec![Step::Weights { weight_var: 1.5, bias_var: 0.05 }],
            ends_in: Some(Nonlinearity::named("tanh").unwrap()),
            way_back: WayBack::Regression,
            width: 2,
        };
        let scale =
            BlockSteps { steps: vec![Step::Scale(2.0)], ends_in: None, way_back: WayBack::Factor(2.0), width: 2 };
        let blocks = [scale, tanh.clone(), tanh.clone(), tanh];
        let pass = Pass { blocks: &blocks, lambda: 0.3, threads: &1_usize, stack: STACK };
        let done = std::cell::Cell::new(0.0);
        let advance = |share: f64| {
            done.set(done.get() + share);
            Ok(())
        };
        let found = pass.reconstruct(&[0.0, 0.1, 0.9, 0.2, 0.4, 0.8], &[0.5, 0.3], 2, advance).unwrap();
        assert_eq!(found.len(), 4 * 2);
        assert!((done.get() - 1.0_f64).abs() < 1e-12, "{}", done.get());
    }
    /// A stack of which every few depths are kept has the numbers of one that is kept as a whole.
    #[test]
    fn a_stack_in_little_memory_has_the_same_numbers() {
        let tanh = |weight_var: f64, ends: bool| {
            let tanh = Nonlinearity::named("tanh").unwrap();
            let mut steps = vec![Step::Weights { weight_var, bias_var: 0.05 }];
            steps.extend((!ends).then(|| Step::Activation(Nonlinearity::named("gelu").unwrap())));
            BlockSteps { steps, ends_in: ends.then_some(tanh), way_back: WayBack::Regression, width: 4 }
        };
        let scale = |by: f64| BlockSteps {
            steps: vec![Step::Scale(by)],
            ends_in: None,
            way_back: WayBack::Factor(by),
            width: 4,
        };
        // Blocks of every kind, so that each kind stands at the end of a part of the stack somewhere.
        let blocks: Vec<BlockSteps> =
            (0..23).map(|l| if l % 7 == 0 { scale(1.0 + f64::from(l)) } else { tanh(1.5, l % 5 != 3) }).collect();
        let (n, m) = (6, 3);
        let mut numbers = vec![0.0_f32; (n + m) * 4];
        crate::random::Random::new(0, &["stack"]).fill_uniform(&mut numbers, 0.0, 1.0);
        let numbers: Vec<f64> = numbers.into_iter().map(f64::from).collect();
        let (training, others) = numbers.split_at(n * 4);
        let found = |stack: usize| {
            let pass = Pass { blocks: &blocks, lambda: 0.3, threads: &2_usize, stack };
            pass.reconstruct(training, others, 4, |_| Ok(())).unwrap()
        };
        let whole = found(STACK);
        assert_eq!(whole.len(), 23 * m * 4);
        let mut strides = Vec::new();
        for depths in [14, 11, 10, 9, 1] {
            let stack = depths * of_one(n, m);
            strides.push(stride(23, n, m, stack));
            for (a, b) in found(stack).iter().zip(&whole) {
                assert!((a - b).abs() < 1e-10, "{depths}: {a} {b}");
            }
        }
        assert_eq!(strides, [12, 8, 6, 4, 4], "23 depths, and those from which they go on");
    }
}
