//! Layers with initial weights of their own.

use serde::Serialize;

use super::{Layer, ParamKind, ParamSpec};
use crate::Result;
use crate::network::OwnSchemes;

/// A layer whose weights or biases are drawn by other schemes than the rest of the network's. In all else it is the layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Initialised {
    // Not "layer", by which a description says what kind of layer this is.
    #[serde(rename = "of")]
    pub(super) layer: Box<Layer>,
    pub(super) schemes: OwnSchemes,
}

impl Layer {
    /// The layer with initial weights of its own; where it has some already, `schemes` win if `is_nearer`.
    ///
    /// # Errors
    /// When one of its arrays cannot be drawn like this.
    pub(crate) fn with_schemes(self, schemes: OwnSchemes, is_nearer: bool) -> Result<Self> {
        let layer = match self {
            Self::Initialised(Initialised { layer, schemes: own }) => {
                let schemes = if is_nearer { schemes.or(own) } else { own.or(schemes) };
                Initialised { layer, schemes }
            }
            layer => Initialised { layer: Box::new(layer), schemes },
        };
        layer
            .layer
            .param_specs()
            .iter()
            .try_for_each(|spec| layer.schemes.check(spec))
            .map_err(|error| crate::Error { message: format!("{}: {}", layer.layer, error.message), ..error })?;
        Ok(Self::Initialised(layer))
    }

    /// The layer without initial weights of its own.
    pub(crate) fn inner(&self) -> &Self {
        match self {
            Self::Initialised(own) => &own.layer,
            layer => layer,
        }
    }

    /// The layer itself, and its own initial weights.
    pub(crate) fn without_schemes(&self) -> (&Self, OwnSchemes) {
        match self {
            Self::Initialised(Initialised { layer, schemes }) => {
                let (layer, inner) = layer.without_schemes();
                (layer, inner.or(*schemes))
            }
            layer => (layer, OwnSchemes::default()),
        }
    }

    /// Whether it has weights or biases that are drawn.
    pub(crate) fn is_drawn(&self) -> bool {
        self.param_specs().iter().any(|spec| matches!(spec.kind, ParamKind::Weight { .. } | ParamKind::Bias))
    }
}

impl Initialised {
    /// The layer's arrays with their schemes; those of layers inside it win.
    pub(super) fn param_specs(&self) -> Vec<ParamSpec> {
        let with_scheme = |spec: ParamSpec| {
            let scheme = spec.scheme.or(self.schemes.of(spec.kind));
            ParamSpec { scheme, ..spec }
        };
        self.layer.param_specs().into_iter().map(with_scheme).collect()
    }
}
