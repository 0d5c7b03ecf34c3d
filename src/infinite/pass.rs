//! The pass through a network and back: kernels of all depths, then reconstructions from all depths at once, the deepest
//! first, as with drawn networks.

use std::ops::Range;

use super::back::Back;
use super::block::{BlockSteps, WayBack};
use super::samples::{Activate, Rules, Samples};
use super::step::Step;
use crate::work::{IdleThreads, for_each};
use crate::{Error, Result};

/// Kernels that are kept at a time, in numbers: half a gigabyte. Of a deeper stack every few depths are kept, and those
/// between are computed again on the way back.
const STACK: usize = 1 << 26;

/// A network's blocks, and λ.
pub(super) struct Pass<'a> {
    pub blocks: &'a [BlockSteps],
    pub lambda: f64,
    pub threads: &'a dyn IdleThreads,
}

/// What is kept of one depth.
#[derive(Debug, Clone)]
struct Depth {
    training: Samples,
    others: Samples,
    /// The preactivations of the training samples, where the block ends in an invertible activation.
    before: Option<(Samples, Activate)>,
}

impl Depth {
    /// What the reconstruction network of the next block gives back, and the activations that are made of it.
    fn target(&self) -> (&Samples, Option<&Activate>) {
        match &self.before {
            Some((before, activate)) => (before, Some(activate)),
            None => (&self.training, None),
        }
    }
}

/// Numbers that one depth has at a time, for `n` training samples and `others` more: kernels behind and before the activation,
/// and a reconstruction network.
fn of_one(n: usize, others: usize) -> usize {
    (n * (4 * n + others)).max(1)
}

/// Depths between those that are kept.
fn stride(depths: usize, n: usize, others: usize) -> usize {
    let of_one = of_one(n, others);
    if depths * of_one <= STACK {
        return depths.max(1);
    }
    let least = depths.isqrt().max(1);
    let fits = |stride: &usize| (stride + depths.div_ceil(*stride)) * of_one <= STACK;
    (least..=depths).rev().find(fits).unwrap_or(least)
}

/// Numbers of the kernels that are kept at a time.
pub(super) fn kept_numbers(depths: usize, n: usize, others: usize) -> f64 {
    let stride = stride(depths, n, others);
    ((stride + depths.div_ceil(stride)) as f64) * of_one(n, others) as f64
}

/// Adds the number of a block, from 1, to an error.
fn in_block(l: usize) -> impl Fn(Error) -> Error {
    move |error| Error { message: format!("block {l}: {}", error.message), ..error }
}

impl Pass<'_> {
    /// The next depth, through block `l` (from 1).
    fn next(&self, l: usize, last: &Depth, rules: &mut Rules) -> Result<Depth> {
        let block = &self.blocks[l - 1];
        let (mut training, mut others) = (last.training.clone(), last.others.clone());
        for step in &block.steps {
            [training, others] = step.apply(training, others, rules, self.threads).map_err(in_block(l))?;
        }
        if block.way_back == WayBack::Factor(1.0) {
            return Ok(Depth { training, others, before: last.before.clone() });
        }
        let Some(function) = &block.ends_in else { return Ok(Depth { training, others, before: None }) };
        let activate = Activate::new(function, &training, rules).map_err(in_block(l))?;
        let others = activate.samples(others, self.threads)?;
        let after = activate.samples(training.clone(), self.threads)?;
        Ok(Depth { training: after, others, before: Some((training, activate)) })
    }

    /// The samples `x` behind all blocks. `each` gets those before the activation of every block on the way.
    ///
    /// # Errors
    /// When `each` fails, or lengths grow beyond all numbers.
    pub fn kernel(&self, x: &[f64], pixels: usize, mut each: impl FnMut(&Samples) -> Result<()>) -> Result<Samples> {
        let mut training = Samples::of_inputs(x, x, pixels, self.threads)?;
        let mut rules = Rules::default();
        for (l, block) in (1..).zip(self.blocks) {
            let (steps, function) = match (&block.ends_in, &block.steps[..]) {
                (Some(function), steps) | (None, [steps @ .., Step::Activation(function)]) => (steps, Some(function)),
                (None, steps) => (steps, None),
            };
            for step in steps {
                let none = Samples::default();
                [training, _] = step.apply(training, none, &mut rules, self.threads).map_err(in_block(l))?;
            }
            each(&training)?;
            if let Some(function) = function {
                let activate = Activate::new(function, &training, &mut rules).map_err(in_block(l))?;
                training = activate.samples(training, self.threads)?;
            }
        }
        Ok(training)
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
        let mut rules = Rules::default();
        let stride = stride(depths, n, m);
        let mut kept = vec![input];
        for start in (0..depths).step_by(stride).skip(1) {
            let last = kept.len() - 1;
            let stack = self.stack(start - stride, start, &kept[last], &mut rules)?;
            kept.extend(stack.into_iter().last());
        }
        // The blocks before it only rearrange the pixels, or multiply them.
        let first = self.blocks.iter().position(|block| block.way_back == WayBack::Regression).unwrap_or(depths);
        let mut r = others.repeat(first);
        let mut rows: Vec<f64> = Vec::with_capacity((depths - first) * m * n);
        // Block l has the samples of the depths l to the last.
        let all = ((depths - first) * (depths - first + 1) / 2) as f64;
        for (i, start) in kept.iter().enumerate().rev() {
            let stack = self.stack(i * stride, ((i + 1) * stride).min(depths), start, &mut rules)?;
            let at = |depth: usize| if depth == i * stride { start } else { &stack[depth - i * stride - 1] };
            let depths_here = i * stride + 1..i * stride + stack.len() + 1;
            let backs = self.backs(depths_here.clone(), first, at, training)?;
            for (l, back) in depths_here.zip(backs).rev().filter(|(l, _)| *l > first) {
                rows.extend_from_slice(&at(l).others.apart);
                match (back, self.blocks[l - 1].way_back) {
                    (None, WayBack::Factor(factor)) => rows.iter_mut().for_each(|x| *x /= factor * factor),
                    (None, WayBack::Regression) => {}
                    (Some(back), _) if l == first + 1 => {
                        let found = back.inputs(&mut rows, self.threads)?;
                        r.extend(found.chunks(others.len().max(1)).rev().flatten());
                    }
                    (Some(back), _) => back.step(&mut rows, at(l - 1).target().1, self.threads)?,
                }
                advance((depths - l + 1) as f64 / all)?;
            }
        }
        Ok(r)
    }

    /// The reconstruction networks of these depths; `first` blocks need none, nor do those that only multiply their input.
    fn backs<'d>(
        &self,
        depths: Range<usize>,
        first: usize,
        at: impl Fn(usize) -> &'d Depth + Sync,
        training: &[f64],
    ) -> Result<Vec<Option<Back>>> {
        let mut backs: Vec<Option<Back>> = depths.clone().map(|_| None).collect();
        let parts: Vec<_> = depths.zip(&mut backs).collect();
        for_each(parts.into_iter(), self.threads, |(l, back)| {
            let block = &self.blocks[l - 1];
            if l <= first || block.way_back != WayBack::Regression {
                return Ok(());
            }
            let (x, width) = (&at(l).training, block.width as f64);
            let found = if l == first + 1 {
                Back::to_inputs(x, training, self.lambda, width)
            } else {
                Back::to_preactivations(x, at(l - 1).target().0, self.lambda, width)
            };
            *back = Some(found.map_err(in_block(l))?);
            Ok(())
        })?;
        Ok(backs)
    }

    /// The depths after `start` up to `end`.
    fn stack(&self, start: usize, end: usize, first: &Depth, rules: &mut Rules) -> Result<Vec<Depth>> {
        let mut stack: Vec<Depth> = Vec::with_capacity(end - start);
        for l in start + 1..=end {
            stack.push(self.next(l, stack.last().unwrap_or(first), rules)?);
        }
        Ok(stack)
    }
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
        let pass = Pass { blocks: &blocks, lambda: 0.3, threads: &1_usize };
        let done = std::cell::Cell::new(0.0);
        let advance = |share: f64| {
            done.set(done.get() + share);
            Ok(())
        };
        let found = pass.reconstruct(&[0.0, 0.1, 0.9, 0.2, 0.4, 0.8], &[0.5, 0.3], 2, advance).unwrap();
        assert_eq!(found.len(), 4 * 2);
        assert!((done.get() - 1.0_f64).abs() < 1e-12, "{}", done.get());
    }
}
