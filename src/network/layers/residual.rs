//! Residual layers.

use burn::tensor::Tensor;
use serde::Serialize;

use super::inverse::no_rule;
use super::kind::LayerKind;
use super::{InverseBuilder, Layer, ParamSpec, sequence};
use crate::kernels::{Activation, Scratch};
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::{Error, Result};

/// y = x + body(x), or projection(x) + body(x).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Residual {
    pub body: Vec<Layer>,
    /// Empty where x is added as it is.
    pub projection: Vec<Layer>,
}

/// Most residual layers inside one another: whatever is asked of a layer is asked of those inside it.
const DEEPEST: usize = 32;

impl Residual {
    /// # Errors
    /// When the body is empty, or too many layers are inside one another.
    pub fn new(body: Vec<Layer>, projection: Vec<Layer>) -> Result<Self> {
        if body.is_empty() {
            return Err(Error::new("the body of `residual` is empty; it has at least one layer"));
        }
        let residual = Self { body, projection };
        if residual.nesting() > DEEPEST {
            return Err(Error::new(format!("more than {DEEPEST} residual layers are inside one another")));
        }
        Ok(residual)
    }
}

impl std::fmt::Display for Residual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "residual({}", sequence::in_words(&self.body))?;
        if !self.projection.is_empty() {
            write!(f, "; {}", sequence::in_words(&self.projection))?;
        }
        f.write_str(")")
    }
}

impl LayerKind for Residual {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let added = sequence::output_shape(&self.projection, input)?;
        let output = sequence::output_shape(&self.body, input)?;
        if added == output {
            return Ok(output);
        }
        let message = format!("its body gives {output:?}, which cannot be added to {added:?}");
        Err(Error::new(message).hint("`residual(body, projection)` brings the input to the body's shape"))
    }

    fn param_specs(&self) -> Vec<ParamSpec> {
        [sequence::param_specs(&self.body, ""), sequence::param_specs(&self.projection, "projection.")].concat()
    }

    fn operations(&self, input: &[usize]) -> f64 {
        sequence::operations(&self.body, input) + sequence::operations(&self.projection, input)
    }

    fn nesting(&self) -> usize {
        let inside = self.body.iter().chain(&self.projection).map(|layer| layer.kind().nesting());
        inside.max().unwrap_or(0) + 1
    }

    fn inner_numbers(&self, input: &[usize]) -> usize {
        sequence::numbers(&self.body, input) + sequence::numbers(&self.projection, input)
    }

    fn forward(&self, x: Batch, _: Vec<usize>, arrays: &[&[f32]], scratch: &mut Scratch) -> Result<Batch> {
        let (of_body, of_projection) = arrays.split_at(sequence::param_specs(&self.body, "").len());
        let added = x.clone().forward(&self.projection, of_projection, scratch)?;
        let mut sum = x.forward(&self.body, of_body, scratch)?;
        sum.data.iter_mut().zip(&added.data).for_each(|(sum, x)| *sum += x);
        Ok(sum)
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let output = pass.forward(&self.body, x.clone())?;
        Ok(output.numbers + pass.forward(&self.projection, x)?.numbers)
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], _: bool) -> Result<()> {
        if sequence::parameters(&self.body) == 0 {
            return Err(no_rule(self, "its body has no weights"));
        }
        inverse.invert_body(&self.body, input)
    }

    fn branches(&self) -> Option<[&[Layer]; 2]> {
        Some([&self.body, &self.projection])
    }

    fn activations(&self) -> Vec<Activation> {
        self.body.iter().chain(&self.projection).flat_map(|layer| layer.kind().activations()).collect()
    }

    fn wants_image_batches(&self) -> bool {
        true
    }
}
