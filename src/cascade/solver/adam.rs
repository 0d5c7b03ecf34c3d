//! Reconstruction networks trained with Adam, as published.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::super::on_device::{self, TrainJob, Trained};
use super::super::{ReconstructionNet, output_panels};
use super::{Cascade, Solver};
use crate::data::Split;
use crate::kernels::Adam;
use crate::network::{Block, Network, sequence};
use crate::random::GENERATOR;
use crate::work::{Context, Cost, Described, Fingerprint, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

const NAME: &str = "cascade.adam";
const VERSION: u32 = 2;

/// How reconstruction networks are trained with Adam.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamSolver {
    /// Passes over the data.
    pub epochs: u32,
    /// Samples per step.
    pub batch: usize,
    pub adam: Adam,
    /// Decides the initial weights and the order of the data.
    pub seed: u64,
    /// Whether every epoch has an order of its own; otherwise all have the data's.
    pub shuffle: bool,
    /// Whether the first block's derived inverse keeps a relu at its end, as published, although normalised pixels may be
    /// negative.
    pub relu_at_input: bool,
}

impl AdamSolver {
    /// Passes over the data, as published (arXiv:2406.12916).
    pub const EPOCHS: u32 = 1;
    /// Samples per step for networks of linear blocks, and for those with convolutions, as published.
    pub const BATCH: usize = 64;
    pub const BATCH_OF_IMAGES: usize = 100;

    /// The published settings for a network of linear blocks.
    pub fn new(seed: u64) -> Self {
        let adam = Adam::default();
        Self { epochs: Self::EPOCHS, batch: Self::BATCH, adam, seed, shuffle: true, relu_at_input: false }
    }

    /// The published settings for a network, with the network's seed.
    pub fn for_network(network: &Network) -> Self {
        let mut layers = network.architecture().blocks().iter().flat_map(Block::layers);
        let images = layers.any(|layer| layer.kind().wants_image_batches());
        let batch = if images { Self::BATCH_OF_IMAGES } else { Self::BATCH };
        Self { batch, ..Self::new(network.seed()) }
    }
}

impl Solver for AdamSolver {
    fn check(&self) -> Result<()> {
        let (epochs, batch, rate) = (self.epochs, self.batch, self.adam.learning_rate);
        if epochs == 0 || batch == 0 {
            return Err(Error::new(format!("epochs is {epochs} and batch is {batch}; both are at least 1")));
        }
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(Error::new(format!("learning_rate is {rate}; it is a positive number")));
        }
        Ok(())
    }

    fn keeps_relu_at_input(&self) -> bool {
        self.relu_at_input
    }

    fn solve(&self, cascade: &Cascade, l: usize) -> Described {
        Described::new(TrainBlock { cascade: cascade.clone(), solver: self.clone(), l })
    }

    fn description(&self, split: &Split, _: usize) -> serde_json::Value {
        let Self { epochs, batch, adam, seed, shuffle, .. } = *self;
        json!({
            "data": split.description(),
            "solver": { "name": NAME, "version": VERSION, "generator": GENERATOR },
            "epochs": epochs,
            "batch": batch,
            "learning_rate": adam.learning_rate,
            "betas": [adam.beta_1, adam.beta_2],
            "epsilon": adam.epsilon,
            "seed": seed,
            "shuffle": shuffle,
        })
    }

    fn steps(&self, samples: usize) -> usize {
        samples.div_ceil(self.batch) * self.epochs as usize
    }

    fn provenance(&self) -> Provenance {
        let plural = if self.epochs == 1 { "" } else { "s" };
        let words = format!("Adam, {} epoch{plural}", self.epochs);
        Provenance { solvers: vec![words], seeds: vec![self.seed], ..Provenance::default() }
    }
}

/// Trains the reconstruction network of block `l` of a cascade.
#[derive(Debug)]
struct TrainBlock {
    cascade: Cascade,
    solver: AdamSolver,
    l: usize,
}

impl TrainBlock {
    /// The reconstruction network before the first step.
    fn initial(&self) -> ReconstructionNet {
        let input = self.cascade.network.architecture().shape(self.l);
        ReconstructionNet::initial(self.cascade.inverse(self.l), input, self.solver.seed, self.l)
    }

    fn value(&self, Trained { arrays, losses }: Trained) -> Value {
        let value = Value::default().with("loss", &[losses.len()], losses);
        let named = self.cascade.param_specs(self.l).into_iter().zip(arrays);
        named.fold(value, |value, (spec, array)| value.with(&spec.name, &spec.shape, array))
    }

    /// Floating-point operations for one sample: those that compute it, if it is not kept; forward, and the weights'
    /// gradients; behind the first layer with weights also the gradients that are passed on.
    fn operations_per_sample(&self) -> f64 {
        let layers = self.cascade.inverse(self.l).layers();
        let with_weights = layers.iter().filter(|layer| layer.parameters() > 0).count();
        let part = if with_weights > 1 { 3.0 } else { 2.0 };
        let train = part * sequence::operations(layers, self.cascade.network.architecture().shape(self.l));
        train + self.cascade.training_data_operations(self.l)
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
        let mut description = self.solver.description(&self.cascade.split, self.l);
        description["blocks"] = json!(self.cascade.network.prefix(self.l));
        // Blocks are trained alone: other blocks' inverses do not matter.
        description["inverses"] = json!(self.cascade.inverse(self.l));
        description["block"] = json!(self.l);
        description
    }

    fn inputs(&self) -> Vec<Described> {
        self.cascade.training_sources(self.l)
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.cascade.provenance())
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let (architecture, solver) = (self.cascade.network.architecture(), &self.solver);
        let parameters = self.cascade.inverse(self.l).parameters() as f64;
        let samples = self.cascade.split.len() as f64 * f64::from(solver.epochs);
        let widths = architecture.width(self.l - 1) + architecture.width(self.l);
        Cost {
            operations: samples * self.operations_per_sample(),
            result_bytes: 4.0 * parameters + 8.0 * samples / solver.batch as f64,
            // Gradient, two moments, and the weights in panels; the batches of a turn.
            working_bytes: 16.0 * parameters + 4.0 * (widths * solver.batch * output_panels::BATCHES) as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        if context.device().is_some() {
            let alone = self.run_batched(&[(self, inputs)], context)?.pop();
            return alone.ok_or_else(|| Error::new("nothing was trained"));
        }
        let [target, x] = self.cascade.training_data(self.l, inputs)?;
        let mut net = self.initial();
        let per_sample = self.operations_per_sample();
        let advance = |samples: f64| context.advance(samples * per_sample);
        let threads = context.idle_threads();
        let losses = match (x.all(), target.all()) {
            (Some(x), Some(target)) => net.train(x, target, &self.solver, threads, advance)?,
            _ => {
                let pairs = |rows: &[u32]| Ok((x.select(rows)?, target.select(rows)?));
                net.train_recomputed(x.samples(), &self.solver, pairs, threads, advance)?
            }
        };
        Ok(self.value(Trained { arrays: net.arrays().map(|(_, array)| array).collect(), losses }))
    }

    /// Blocks with one linear layer are trained side by side, if no operation computes the network's weights: then either
    /// all of a batch fail, or none.
    fn batch_key(&self) -> Option<Fingerprint> {
        let (network, inverse) = (&self.cascade.network, self.cascade.inverse(self.l));
        let is_drawn = (1..=self.l).all(|l| network.weights_op(l).is_none());
        let shared = json!({
            "inverse": inverse,
            "from": network.architecture().shape(self.l),
            "samples": self.cascade.split.len(),
            "training": self.solver.description(&self.cascade.split, self.l),
        });
        (is_drawn && on_device::can_be_batched(inverse)).then(|| Fingerprint::from_json(&shared))
    }

    fn run_batched(&self, batch: &[(&dyn Operation, &[Arc<Value>])], context: &Context<'_>) -> Result<Vec<Value>> {
        let device = context.device().ok_or_else(|| Error::new("only a device computes several as one"))?;
        let (mut blocks, mut jobs): (Vec<&Self>, _) = (Vec::new(), Vec::new());
        // Blocks of one number have the same initial weights.
        let mut initial = BTreeMap::<usize, ReconstructionNet>::new();
        for (operation, inputs) in batch {
            let block = (*operation as &dyn Any).downcast_ref::<Self>();
            let block = block.ok_or_else(|| Error::new("two kinds of operations in one batch"))?;
            let net = initial.entry(block.l).or_insert_with(|| block.initial()).clone();
            let [target, x] = block.cascade.training_data_on(block.l, inputs, device)?;
            jobs.push(TrainJob { net, x, target });
            blocks.push(block);
        }
        let per_sample: f64 = blocks.iter().map(|block| block.operations_per_sample()).sum();
        let advance = |samples: usize| context.advance(samples as f64 * per_sample);
        let trained = on_device::train(&jobs, &self.solver, device, advance)?;
        Ok(blocks.into_iter().zip(trained).map(|(block, trained)| block.value(trained)).collect())
    }
}
