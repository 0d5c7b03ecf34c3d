//! The operation that reads or draws samples.

use std::sync::Arc;

use super::Split;
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

/// Describes the samples of a split: "x", `[samples, channels, height, width]`.
pub fn samples(split: &Split) -> Described {
    Described::new(ReadSamples(split.clone()))
}

#[derive(Debug)]
struct ReadSamples(Split);

impl Operation for ReadSamples {
    fn name(&self) -> &'static str {
        "data.samples"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        self.0.description()
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.0.provenance())
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        let numbers = self.0.len() * self.0.shape().iter().product::<usize>();
        Cost { result_bytes: numbers as f64 * 4.0, working_bytes: self.0.working_bytes(), ..Cost::default() }
    }

    fn run(&self, _: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        let (shape, pixels) = (self.0.shape(), self.0.pixels()?);
        if let Some(i) = pixels.iter().position(|pixel| !pixel.is_finite()) {
            let size = shape.iter().product::<usize>().max(1);
            return Err(Error::new(format!("sample {} of the data set holds the pixel {}", i / size, pixels[i])));
        }
        let shape: Vec<usize> = std::iter::once(self.0.len()).chain(shape).collect();
        Ok(Value::default().with("x", &shape, pixels))
    }
}
