//! Running averages of batch normalisations, set from data: the means and variances of what reaches them.

use std::borrow::Cow;
use std::sync::Arc;

use burn::tensor::Device;
use serde_json::json;

use super::forward::check_data;
use super::recompute::{activation_sources, recompute_operations};
use super::{ActivationsAt, DeviceBatch, Mode, Network, ParamKind, download, forward_pass, upload};
use crate::data::Split;
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

pub(super) const NAME: &str = "network.calibrate";
const VERSION: u32 = 1;

/// Numbers of samples that go through a block at a time.
const NUMBERS: usize = 1 << 22;

/// The network with the running averages of its batch normalisations set from `split`, block by block: what reaches one has
/// passed those before it as they are set. A network without batch normalisation is returned as it is.
///
/// # Errors
/// When the data does not fit the network, or is a single sample.
pub fn calibrated(network: &Network, split: &Split) -> Result<Network> {
    check_data(network, split)?;
    let architecture = network.architecture();
    let with_averages: Vec<usize> =
        (1..=architecture.depth()).filter(|&l| architecture.blocks()[l - 1].has_running_averages()).collect();
    if with_averages.is_empty() {
        return Ok(network.clone());
    }
    if split.len() < 2 {
        return Err(Error::new("a single sample has no variance; `calibrated` needs at least two"));
    }
    let words = format!("calibrated on {} samples of {}", split.len(), split.dataset().name());
    let mut blocks = vec![None; architecture.depth()];
    let mut so_far = network.clone();
    for l in with_averages {
        blocks[l - 1] = Some(Described::new(Calibrate { network: network.clone(), so_far, split: split.clone(), l }));
        so_far = Network::changed(network, blocks.clone(), words.clone());
    }
    Ok(so_far)
}

/// The arrays of block `l` (from 1) with the running averages that `split` gives.
#[derive(Debug)]
struct Calibrate {
    network: Network,
    /// The same network with the blocks before calibrated.
    so_far: Network,
    split: Split,
    l: usize,
}

impl Calibrate {
    /// How many batch normalisations the block has.
    fn norms(&self) -> usize {
        let specs = self.network.architecture().blocks()[self.l - 1].param_specs();
        specs.iter().filter(|spec| spec.kind == ParamKind::RunningMean).count()
    }

    /// Floating-point operations for a sample and one of the norms.
    fn operations(&self) -> f64 {
        self.network.architecture().operations(self.l) + recompute_operations(&self.so_far, &self.split, self.l - 1)
    }
}

impl Operation for Calibrate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        json!({
            "before": self.so_far.prefix(self.l - 1),
            "block": self.network.prefix(self.l),
            "names": self.network.architecture().names(self.l),
            "data": self.split.description(),
        })
    }

    fn inputs(&self) -> Vec<Described> {
        let mut inputs = activation_sources(&self.so_far, &self.split, self.l - 1);
        inputs.extend(self.network.weights_op(self.l));
        inputs
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.network.provenance_on(&self.split))
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let architecture = self.network.architecture();
        let numbers: usize = architecture.param_specs(self.l).iter().map(super::ParamSpec::len).sum();
        Cost {
            operations: (self.split.len() * self.norms()) as f64 * self.operations(),
            result_bytes: 4.0 * numbers as f64,
            working_bytes: 8.0 * numbers as f64 + 16.0 * NUMBERS as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (x, weights) = inputs.split_at(activation_sources(&self.so_far, &self.split, self.l - 1).len());
        let x = ActivationsAt::new(&self.so_far, &self.split, self.l - 1, x)?;
        let arrays = self.network.arrays(self.l, weights.first().map(Arc::as_ref))?;
        let mut arrays: Vec<Vec<f32>> = arrays.into_iter().map(Cow::into_owned).collect();
        let device = context.device().cloned().unwrap_or_else(Device::flex);
        let specs = self.network.architecture().param_specs(self.l);
        let means = (0..specs.len()).filter(|&i| specs[i].kind == ParamKind::RunningMean);
        for (norm, at) in means.enumerate() {
            // The running variance comes behind the running mean.
            [arrays[at], arrays[at + 1]] = self.averages(norm, &x, &arrays, &device, context)?;
        }
        let named = specs.iter().zip(arrays);
        Ok(named.fold(Value::default(), |value, (spec, array)| value.with(&spec.name, &spec.shape, array)))
    }
}

impl Calibrate {
    /// Mean and variance, channel by channel, of what reaches the batch normalisation number `norm` of the block; those
    /// before it are set in `arrays`.
    fn averages(
        &self,
        norm: usize,
        x: &ActivationsAt<'_>,
        arrays: &[Vec<f32>],
        device: &Device,
        context: &Context<'_>,
    ) -> Result<[Vec<f32>; 2]> {
        let architecture = self.network.architecture();
        let (layers, shape) = (architecture.blocks()[self.l - 1].layers(), architecture.shape(self.l - 1));
        let tensors: Vec<_> = arrays.iter().map(|array| upload(device, array.clone())).collect();
        let width = architecture.width(self.l - 1);
        let at_a_time = (NUMBERS / width.max(architecture.width(self.l)).max(1)).max(1);
        let all: Vec<u32> = (0..x.samples() as u32).collect();
        let mut channels: Vec<Moments> = Vec::new();
        for samples in all.chunks(at_a_time) {
            let numbers = upload(device, x.select(samples)?).reshape([samples.len(), width]);
            let batch = DeviceBatch { numbers, shape: shape.to_vec() };
            let passed = forward_pass(layers, &tensors, batch, Mode::Observing { norm })?;
            let observed = passed.observed.ok_or_else(|| Error::new(format!("block {} has no norm {norm}", self.l)))?;
            let features = observed.shape.first().copied().unwrap_or(1).max(1);
            channels.resize(features, Moments::default());
            let numbers = download(observed.numbers)?;
            let pixels = (numbers.len() / (samples.len() * features)).max(1);
            for (i, pixels) in numbers.chunks(pixels).enumerate() {
                channels[i % features].add(pixels);
            }
            context.advance(samples.len() as f64 * self.operations())?;
        }
        let both = channels.iter().map(Moments::mean_and_variance);
        let (means, variances) = both.map(|(mean, variance)| (mean as f32, variance as f32)).unzip();
        Ok([means, variances])
    }
}

/// Sums of numbers less the first one, so that no digits are lost where they lie far from 0.
#[derive(Clone, Default)]
struct Moments {
    first: Option<f64>,
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, numbers: &[f32]) {
        for &x in numbers {
            let less = f64::from(x) - *self.first.get_or_insert(f64::from(x));
            self.count += 1.0;
            self.sum += less;
            self.squares += less * less;
        }
    }

    /// The mean and the unbiased variance; PyTorch keeps this one as well.
    fn mean_and_variance(&self) -> (f64, f64) {
        let mean = self.sum / self.count;
        let variance = (self.squares - self.sum * mean) / (self.count - 1.0).max(1.0);
        (self.first.unwrap_or(0.0) + mean, variance.max(0.0))
    }
}
