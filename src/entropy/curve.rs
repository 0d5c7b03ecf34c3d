//! The entropy operation: a measure of a cascade's reconstructions, as a curve over depth.

use std::sync::Arc;

use serde_json::json;

use super::Measure;
use crate::cascade::{Cascade, reconstruct};
use crate::data::{Split, samples};
use crate::stats::{median, quartiles};
use crate::work::{Array, Context, Cost, Data, Described, Keep, Operation, Value};
use crate::{Error, Result};

/// A measure of the reconstructions of `split` at the depths 1 to `depth`. [`CurveResult`] reads the result.
///
/// # Errors
/// The data does not fit the network, or the network is not that deep.
pub fn curve(cascade: &Cascade, split: &Split, depth: usize, measure: Measure) -> Result<Described> {
    Ok(curve_of(reconstruct(cascade, split, depth)?, split, depth, measure))
}

/// A measure of `reconstruction`, which holds "r" `[depth, samples, …]`, in single or double precision: the reconstructions of
/// `split` from the depths 1 to `depth`.
pub fn curve_of(reconstruction: Described, split: &Split, depth: usize, measure: Measure) -> Described {
    Described::new(Entropy { reconstruction, original: samples(split), depth, measure })
}

#[derive(Debug)]
struct Entropy {
    reconstruction: Described,
    original: Described,
    depth: usize,
    measure: Measure,
}

impl Operation for Entropy {
    fn name(&self) -> &'static str {
        "entropy"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        json!({ "measure": self.measure, "of": self.reconstruction.fingerprint() })
    }

    fn inputs(&self) -> Vec<Described> {
        vec![self.reconstruction.clone(), self.original.clone()]
    }

    fn keep(&self) -> Keep {
        Keep::Always
    }

    fn cost(&self) -> Cost {
        let numbers = self.original.operation().cost().result_bytes / 4.0;
        // A logarithm and a few sums for every number at every depth: about fifty operations.
        Cost {
            operations: 50.0 * numbers * self.depth as f64,
            result_bytes: 8.0 * self.depth as f64,
            ..Cost::default()
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (_, p) = inputs[1].f32s("x")?;
        let Array { shape, data } = inputs[0].array("r")?;
        let (depths, samples) = (shape[0], shape[1]);
        let measured = match data {
            Data::F32(r) => self.measured(p, r, samples, context)?,
            Data::F64(r) => self.measured(p, r, samples, context)?,
            Data::U32(_) => return Err(Error::new("array \"r\" holds whole numbers, and reconstructions are real")),
        };
        let curve: Vec<f64> = measured.iter().map(|at| median(at.iter().copied())).collect();
        let mut value = Value::default().with(CURVE, &[depths], curve);
        if let Ok((_, trusted)) = inputs[0].f64s(TRUSTED) {
            value = value.with(TRUSTED, &[1], trusted.to_vec());
        }
        if !self.measure.is_per_sample() {
            return Ok(value);
        }
        let mean: Vec<f64> = measured.iter().map(|at| at.iter().sum::<f64>() / at.len() as f64).collect();
        Ok(value.with(MEAN, &[depths], mean).with(SAMPLES, &[depths, samples], measured.concat()))
    }
}

impl Entropy {
    /// The measure at every depth, one number or one per sample.
    fn measured<R: Copy + Into<f64>>(
        &self,
        p: &[f32],
        r: &[R],
        samples: usize,
        context: &Context<'_>,
    ) -> Result<Vec<Vec<f64>>> {
        let pixels = (p.len() / samples.max(1)).max(1);
        let per_depth = self.cost().operations / self.depth as f64;
        let at_depth = |r: &[R]| context.advance(per_depth).map(|()| self.measure.evaluate(p, r, pixels));
        r.chunks(p.len().max(1)).map(at_depth).collect()
    }
}

/// Names of the result's arrays: the curve, and for a measure per sample the mean over the batch and the single values.
const CURVE: &str = "curve";
const MEAN: &str = "mean";
const SAMPLES: &str = "samples";
/// Of reconstructions whose precision ends at some depth, and of curves that follow from them: the number of depths before.
pub const TRUSTED: &str = "trusted";

/// A curve over depth as an operation's result holds it.
#[derive(Debug, Clone, Copy)]
pub struct CurveResult<'a> {
    /// The value at every depth; the median over the batch for a measure per sample.
    pub curve: &'a [f64],
    /// The mean over the batch at every depth; only for a measure per sample.
    mean: Option<&'a [f64]>,
    /// `[depths, samples]`, and the number of samples; only for a measure per sample.
    pub samples: Option<(&'a [f64], usize)>,
    /// How many depths the precision of the numbers holds for; `None` where all.
    pub trusted: Option<usize>,
}

impl<'a> CurveResult<'a> {
    /// A view of a result.
    ///
    /// # Errors
    /// It holds no curve.
    pub fn read(value: &'a Value) -> Result<Self> {
        let optional = |name: &str| value.f64s(name).ok();
        let samples = optional(SAMPLES).and_then(|(shape, samples)| Some((samples, *shape.get(1)?)));
        let trusted = optional(TRUSTED).and_then(|(_, trusted)| Some(*trusted.first()? as usize));
        Ok(Self { curve: value.f64s(CURVE)?.1, mean: optional(MEAN).map(|(_, mean)| mean), samples, trusted })
    }

    /// The mean over the batch at every depth.
    ///
    /// # Errors
    /// The measure has no value per sample.
    pub fn batch_mean(&self) -> Result<&'a [f64]> {
        self.mean.ok_or_else(|| Error::new("a curve without values per sample has no mean over the batch"))
    }

    /// The lower and upper quartiles over the batch at every depth; `None` without values per sample.
    pub fn quartiles(&self) -> Option<[Vec<f64>; 2]> {
        let (samples, count) = self.samples?;
        Some(samples.chunks(count.max(1)).map(quartiles).map(|[low, high]| (low, high)).unzip().into())
    }
}
