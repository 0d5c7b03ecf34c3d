//! The layers that blocks are made of. A family's file holds everything about its layers: shapes, arrays, cost, the
//! forward pass on the host and in Burn's operations, gradients written by hand, the rule that inverts it, how it is
//! written. A new layer is a file with a type that implements [`LayerKind`], a line in [`Layer`], and a function for scripts.

mod activation;
mod conv_transpose;
mod convolution;
mod dropout;
mod image;
mod initialised;
mod inverse;
mod kind;
mod linear;
mod normalisation;
mod normalisation_steps;
mod params;
mod patches;
mod permute;
mod pool;
mod residual;
mod scale;
pub(crate) mod sequence;
mod shape;
mod softmax;

use serde::Serialize;

pub use activation::ActivationLayer;
pub use conv_transpose::ConvTranspose2d;
pub use convolution::Conv2d;
pub use dropout::Dropout;
pub(super) use dropout::dropout_random;
pub use initialised::Initialised;
pub(crate) use inverse::{InverseBuilder, derive_inverse};
pub(crate) use kind::{BackwardPass, ForwardStep, LayerKind, LinearMap};
pub use linear::Linear;
pub use normalisation::{BatchNorm, GroupNorm, LayerNorm, RmsNorm};
pub use params::{ParamKind, ParamSpec};
pub use patches::PatchEmbedding;
pub use permute::Permute;
pub use pool::{AdaptiveAvgPool, AvgPool, MaxPool, Pool};
pub use residual::Residual;
pub use scale::Scale;
pub use shape::{CircularPad, Crop, Flatten, Reshape};
pub use softmax::Softmax;

use crate::Result;

/// Declares the enum of all layers, and what every layer's type shares.
macro_rules! layers {
    ($($name:ident($layer:ty),)*) => {
        /// One layer, as a description. Images are `[channels, height, width]`.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(rename_all = "snake_case", tag = "layer")]
        pub enum Layer {
            $($name($layer),)*
            /// A layer with initial weights of its own.
            Initialised(Initialised),
        }

        impl Layer {
            /// What the layer's family knows about it.
            pub(crate) fn kind(&self) -> &dyn LayerKind {
                match self {
                    $(Self::$name(layer) => layer,)*
                    Self::Initialised(own) => own.layer.kind(),
                }
            }
        }

        $(impl From<$layer> for Layer {
            fn from(layer: $layer) -> Self {
                Self::$name(layer)
            }
        })*
    };
}

// Descriptions hold a layer by its name here: renaming one gives its results other fingerprints.
layers! {
    Linear(Linear),
    Activation(ActivationLayer),
    Conv2d(Conv2d),
    ConvTranspose2d(ConvTranspose2d),
    MaxPool(MaxPool),
    AvgPool(AvgPool),
    AdaptiveAvgPool(AdaptiveAvgPool),
    Flatten(Flatten),
    Reshape(Reshape),
    CircularPad(CircularPad),
    Crop(Crop),
    Residual(Residual),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    Dropout(Dropout),
    Softmax(Softmax),
    Scale(Scale),
    GroupNorm(GroupNorm),
    RmsNorm(RmsNorm),
    Permute(Permute),
    PatchEmbedding(PatchEmbedding),
}

impl Layer {
    /// The shape of the output, without the batch.
    ///
    /// # Errors
    /// When `input` does not fit; the message says what was expected and what was found.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.kind().output_shape(input)
    }

    /// The layer's arrays, in the order in which they are kept.
    pub fn param_specs(&self) -> Vec<ParamSpec> {
        match self {
            Self::Initialised(own) => own.param_specs(),
            layer => layer.kind().param_specs(),
        }
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> usize {
        self.param_specs().iter().filter(|spec| spec.kind.is_trained()).map(ParamSpec::len).sum()
    }

    /// Whether mean-field theory takes it into account: weights and biases, an activation, or another order of the numbers.
    pub fn has_mean_field(&self) -> bool {
        match self {
            Self::Initialised(own) => own.layer.has_mean_field(),
            Self::Linear(_)
            | Self::Activation(_)
            | Self::Conv2d(_)
            | Self::Flatten(_)
            | Self::Reshape(_)
            | Self::Permute(_)
            | Self::PatchEmbedding(_) => true,
            _ => false,
        }
    }

    /// Floating-point operations for one sample of shape `input`; elementwise ones do not count.
    pub fn operations(&self, input: &[usize]) -> f64 {
        self.kind().operations(input)
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.kind().fmt(f)?;
        match self {
            Self::Initialised(own) => write!(f, " with {}", own.schemes),
            _ => Ok(()),
        }
    }
}
