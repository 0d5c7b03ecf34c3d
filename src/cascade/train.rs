//! Training one reconstruction network with Adam: gradients by hand, weights and moments in cache from the first step
//! to the last.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::chain::{Chain, tensors, untrained};
use super::on_device::{self, Pupil, Taught};
use super::step::Step;
use super::strips::{self, Strips};
use super::{Cascade, Training};
use crate::kernels::Scratch;
use crate::network::{Batch, list_operations};
use crate::random::Random;
use crate::work::{Context, Cost, Described, Fingerprint, IdleThreads, Keep, Operation, Value};
use crate::{Error, Result};

pub(super) const NAME: &str = "cascade.adam";
pub(super) const VERSION: u32 = 2;

/// Samples of what goes into a reconstruction network and of what should come out, `rows` of them wanted.
struct Pairs<'a> {
    x: Cow<'a, [f32]>,
    target: Cow<'a, [f32]>,
    rows: Cow<'a, [u32]>,
}

impl Chain {
    /// Minimises the mean of (chain(x) − target)² over `x`, samples of what goes in, and `target`, as many of what should
    /// come out, on this thread and on idle `threads`. Gives the loss of every step's batch, before the step; `advance` hears of
    /// the samples of every step, and of a part of a sample where a part of the outputs has taken it.
    ///
    /// # Errors
    /// When `advance` says so, or the numbers do not fit.
    pub fn train(
        &mut self,
        x: &[f32],
        target: &[f32],
        training: &Training,
        threads: &dyn IdleThreads,
        advance: impl Fn(f64) -> Result<()> + Sync,
    ) -> Result<Vec<f64>> {
        let (x, samples) = self.behind_untrained(x)?;
        let pairs = |rows: &[u32]| Ok(Pairs { x: (&*x).into(), target: target.into(), rows: rows.to_vec().into() });
        self.train_on(samples, training, pairs, threads, advance)
    }

    /// The same where the samples are too large to have them all: `pairs` makes some samples' x and target.
    fn train_by(
        &mut self,
        samples: usize,
        training: &Training,
        pairs: impl Fn(&[u32]) -> Result<(Vec<f32>, Vec<f32>)>,
        threads: &dyn IdleThreads,
        advance: impl Fn(f64) -> Result<()> + Sync,
    ) -> Result<Vec<f64>> {
        let untrained = self.clone();
        let pairs = |rows: &[u32]| {
            let (x, target) = pairs(rows)?;
            let x = untrained.behind_untrained(&x)?.0.into_owned();
            let rows: Vec<u32> = (0..rows.len() as u32).collect();
            Ok(Pairs { x: x.into(), target: target.into(), rows: rows.into() })
        };
        self.train_on(samples, training, pairs, threads, advance)
    }

    /// The order of the samples is the same for every block, as when all are trained batch by batch.
    fn train_on<'a>(
        &mut self,
        samples: usize,
        training: &Training,
        pairs: impl Fn(&[u32]) -> Result<Pairs<'a>>,
        threads: &dyn IdleThreads,
        advance: impl Fn(f64) -> Result<()> + Sync,
    ) -> Result<Vec<f64>> {
        let &Training { epochs, batch, adam, seed, shuffle, .. } = training;
        let mut losses = Vec::new();
        let orders = (0..epochs).map(|epoch| Random::order(seed, shuffle, epoch, samples));
        if let Some(mut strips) = Strips::of(self, adam) {
            for order in orders {
                for turn in order.chunks(batch * strips.batches(batch)) {
                    let Pairs { x, target, rows } = pairs(turn)?;
                    losses.extend(strips.take(&x, &target, &rows, batch, threads, &advance)?);
                }
            }
            strips.give(self);
        } else {
            let mut step = Step::new(self, adam)?;
            for order in orders {
                for turn in order.chunks(batch) {
                    let Pairs { x, target, rows } = pairs(turn)?;
                    losses.push(step.take(self, &x, &target, &rows));
                    advance(turn.len() as f64)?;
                }
            }
        }
        Ok(losses)
    }

    /// What comes out of the layers before the first with weights, and how many samples there are.
    fn behind_untrained<'a>(&self, x: &'a [f32]) -> Result<(Cow<'a, [f32]>, usize)> {
        let samples = x.len() / self.from.iter().product::<usize>().max(1);
        let before = &self.layers[..untrained(&self.layers)];
        if before.is_empty() {
            return Ok((x.into(), samples));
        }
        let through = Batch::new(x, &self.from).through(before, &[], &mut Scratch::default())?;
        Ok((through.into_rows().into(), samples))
    }
}

/// Block `l` of a cascade: its reconstruction network, trained.
#[derive(Debug)]
struct TrainBlock {
    cascade: Cascade,
    training: Training,
    l: usize,
}

pub(super) fn describe(cascade: &Cascade, training: &Training, l: usize) -> Described {
    Described::new(TrainBlock { cascade: cascade.clone(), training: training.clone(), l })
}

impl TrainBlock {
    /// Its reconstruction network before the first step.
    fn untaught(&self) -> Chain {
        let from = self.cascade.network.architecture().shape(self.l);
        Chain::initial(self.cascade.inverse(self.l), from, self.training.seed, self.l)
    }

    fn value(&self, Taught { arrays, losses }: Taught) -> Value {
        let value = Value::default().with("loss", &[losses.len()], losses);
        let named = tensors(self.cascade.inverse(self.l).layers()).into_iter().zip(arrays);
        named.fold(value, |value, (tensor, array)| value.with(&tensor.name, &tensor.shape, array))
    }

    /// Floating-point operations for one sample: to make it, where it is not kept; forward, and the weights' gradients;
    /// behind the first layer with weights also those that pass.
    fn operations_per_sample(&self) -> f64 {
        let layers = self.cascade.inverse(self.l).layers();
        let weighty = layers.iter().filter(|layer| layer.parameters() > 0).count();
        let part = if weighty > 1 { 3.0 } else { 2.0 };
        let train = part * list_operations(layers, self.cascade.network.architecture().shape(self.l));
        train + self.cascade.end_operations(self.l)
    }
}

impl Operation for TrainBlock {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        let mut description = self.cascade.training_description(&self.training);
        description["blocks"] = json!(self.cascade.network.prefix(self.l));
        // Blocks are trained alone: the inverses before this one do not matter to it.
        description["inverses"] = json!(self.cascade.inverse(self.l));
        description["block"] = json!(self.l);
        description
    }

    fn inputs(&self) -> Vec<Described> {
        self.cascade.end_sources(self.l)
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let parameters = self.cascade.inverse(self.l).parameters() as f64;
        let training = &self.training;
        let samples = self.cascade.split.len() as f64 * f64::from(training.epochs);
        let widths =
            self.cascade.network.architecture().width(self.l - 1) + self.cascade.network.architecture().width(self.l);
        Cost {
            operations: samples * self.operations_per_sample(),
            result_bytes: 4.0 * parameters + 8.0 * samples / training.batch as f64,
            // Gradient, two moments, and the weights in strips; the batches of a turn.
            working_bytes: 16.0 * parameters + 4.0 * (widths * training.batch * strips::BATCHES) as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        if context.device().is_some() {
            let alone = self.run_batched(&[(self, inputs)], context)?.pop();
            return alone.ok_or_else(|| Error::new("nothing was trained"));
        }
        let [target, x] = self.cascade.ends(self.l, inputs)?;
        let training = &self.training;
        let mut chain = self.untaught();
        let per_sample = self.operations_per_sample();
        let advance = |samples: f64| context.advance(samples * per_sample);
        let threads = context.idle_threads();
        let losses = match (x.all(), target.all()) {
            (Some(x), Some(target)) => chain.train(x, target, training, threads, advance)?,
            _ => chain.train_by(x.samples(), training, |rows| Ok((x.of(rows)?, target.of(rows)?)), threads, advance)?,
        };
        Ok(self.value(Taught { arrays: chain.arrays().map(|(_, array)| array).collect(), losses }))
    }

    /// Linear layers with weights that nothing has to make: then all of a stack fail, or none.
    fn batch_key(&self) -> Option<Fingerprint> {
        let inverse = self.cascade.inverse(self.l);
        let is_drawn = (1..=self.l).all(|l| self.cascade.network.maker(l).is_none());
        let shares = json!({
            "inverse": inverse,
            "from": self.cascade.network.architecture().shape(self.l),
            "samples": self.cascade.split.len(),
            "training": self.cascade.training_description(&self.training),
        });
        (is_drawn && on_device::can_be_batched(inverse.layers())).then(|| Fingerprint::from_json(&shares))
    }

    fn run_batched(&self, stack: &[(&dyn Operation, &[Arc<Value>])], context: &Context<'_>) -> Result<Vec<Value>> {
        let device = context.device().ok_or_else(|| Error::new("only a device computes several as one"))?;
        let (mut blocks, mut pupils): (Vec<&Self>, _) = (Vec::new(), Vec::new());
        // The inverses of a stack begin with the same weights where their blocks have the same number.
        let mut untaught = BTreeMap::<usize, Chain>::new();
        for (operation, inputs) in stack {
            let block = (*operation as &dyn Any).downcast_ref::<Self>();
            let block = block.ok_or_else(|| Error::new("two kinds of operations in one stack"))?;
            let chain = untaught.entry(block.l).or_insert_with(|| block.untaught()).clone();
            let [target, x] = block.cascade.ends_on(block.l, inputs, device)?;
            pupils.push(Pupil { chain, x, target });
            blocks.push(block);
        }
        let per_sample: f64 = blocks.iter().map(|block| block.operations_per_sample()).sum();
        let advance = |samples: usize| context.advance(samples as f64 * per_sample);
        let taught = on_device::train(&pupils, &self.training, device, advance)?;
        Ok(blocks.into_iter().zip(taught).map(|(block, taught)| block.value(taught)).collect())
    }
}
