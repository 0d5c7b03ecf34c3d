//! Training a reconstruction network with Adam, sample by sample of the host's arrays.

use std::borrow::Cow;

use super::output_panels::OutputPanels;
use super::step::TrainingStep;
use super::{AdamSolver, ReconstructionNet};
use crate::Result;
use crate::random::Random;
use crate::work::IdleThreads;

/// Samples of a network's input and of its target, of which `rows` are wanted.
struct Pairs<'a> {
    x: Cow<'a, [f32]>,
    target: Cow<'a, [f32]>,
    rows: Cow<'a, [u32]>,
}

impl ReconstructionNet {
    /// Minimises the mean of (net(x) − target)² over all samples of `x` and `target`, on this thread and on idle `threads`.
    /// Returns the loss of every step's batch, before the step. `advance` is called with the samples of every step, or the
    /// part of them that some of the outputs are of all.
    ///
    /// # Errors
    /// When `advance` fails, or the numbers do not fit.
    pub fn train(
        &mut self,
        x: &[f32],
        target: &[f32],
        solver: &AdamSolver,
        threads: &dyn IdleThreads,
        advance: impl Fn(f64) -> Result<()> + Sync,
    ) -> Result<Vec<f64>> {
        let samples = self.samples(x);
        let x = self.forward_before_weights(x)?;
        let pairs = |rows: &[u32]| Ok(Pairs { x: (&*x).into(), target: target.into(), rows: rows.to_vec().into() });
        self.train_on(samples, solver, pairs, threads, advance)
    }

    /// The same for samples that are too large to keep all of them: `pairs` computes some samples' x and target.
    pub(super) fn train_recomputed(
        &mut self,
        samples: usize,
        solver: &AdamSolver,
        pairs: impl Fn(&[u32]) -> Result<(Vec<f32>, Vec<f32>)>,
        threads: &dyn IdleThreads,
        advance: impl Fn(f64) -> Result<()> + Sync,
    ) -> Result<Vec<f64>> {
        // Only its layers before the first with weights are used, which training does not change.
        let untrained = self.clone();
        let pairs = |rows: &[u32]| {
            let (x, target) = pairs(rows)?;
            let x = untrained.forward_before_weights(&x)?.into_owned();
            let rows: Vec<u32> = (0..rows.len() as u32).collect();
            Ok(Pairs { x: x.into(), target: target.into(), rows: rows.into() })
        };
        self.train_on(samples, solver, pairs, threads, advance)
    }

    /// The order of the samples is the same for every block, as if all were trained batch by batch.
    fn train_on<'a>(
        &mut self,
        samples: usize,
        solver: &AdamSolver,
        pairs: impl Fn(&[u32]) -> Result<Pairs<'a>>,
        threads: &dyn IdleThreads,
        advance: impl Fn(f64) -> Result<()> + Sync,
    ) -> Result<Vec<f64>> {
        let &AdamSolver { epochs, batch, adam, seed, shuffle, .. } = solver;
        let mut losses = Vec::new();
        let orders = (0..epochs).map(|epoch| Random::order(seed, shuffle, epoch, samples));
        if let Some(mut panels) = OutputPanels::new(self, adam) {
            for order in orders {
                for turn in order.chunks(batch * panels.batches_per_turn(batch)) {
                    let Pairs { x, target, rows } = pairs(turn)?;
                    losses.extend(panels.train(&x, &target, &rows, batch, threads, &advance)?);
                }
            }
            panels.store_into(self);
        } else {
            let mut step = TrainingStep::new(self, adam)?;
            for order in orders {
                for batch in order.chunks(batch) {
                    let Pairs { x, target, rows } = pairs(batch)?;
                    losses.push(step.take(self, &x, &target, &rows));
                    advance(batch.len() as f64)?;
                }
            }
        }
        Ok(losses)
    }
}
