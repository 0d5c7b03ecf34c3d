//! What a network rests on, for people and for theory.

use super::{Architecture, Init, Layer, Network, WeightSource};
use crate::kernels::Activation;
use crate::work::{NetworkOrigin, Provenance};

impl Network {
    /// The network in words, and what its weights rest on.
    pub fn provenance(&self) -> Provenance {
        let architecture = &self.architecture;
        let (depth, activation) = (architecture.depth(), architecture.hidden_activation());
        let (input, output) = (architecture.shape(0), architecture.shape(depth));
        let plural = if depth == 1 { "" } else { "s" };
        let summary =
            format!("{depth} block{plural} from {input:?} to {output:?}, {}", self.weight_source().in_words());
        let origin = NetworkOrigin {
            summary,
            activation: activation.map(|function| Layer::from(function).to_string()),
            ..NetworkOrigin::default()
        };
        match self.weight_source() {
            WeightSource::Drawn(Init { weight_var, bias_var, seed }) => {
                let origin = NetworkOrigin { weight_var: Some(*weight_var), bias_var: Some(*bias_var), ..origin };
                Provenance { networks: vec![origin], seeds: vec![*seed], ..Provenance::default() }
            }
            WeightSource::Computed { blocks, .. } => {
                Provenance { networks: vec![origin], ..Provenance::from_inputs(blocks) }
            }
        }
    }
}

impl Network {
    /// Whether a batch normalisation of it does nothing: with averages as they are drawn, mean 0 and variance 1.
    pub fn has_identity_norms(&self) -> bool {
        let blocks = || self.architecture.blocks().chunk_by(|a, b| a == b).map(|alike| &alike[0]);
        matches!(self.weight_source(), WeightSource::Drawn(_)) && blocks().any(super::Block::has_running_averages)
    }
}

impl WeightSource {
    /// Where the weights come from, in words.
    pub fn in_words(&self) -> String {
        match self {
            Self::Drawn(Init { weight_var, bias_var, seed }) => {
                format!("weight_var {weight_var}, bias_var {bias_var}, seed {seed}")
            }
            Self::Computed { words, .. } => words.clone(),
        }
    }
}

impl Architecture {
    /// The activation of all hidden blocks, if they share one: of those before the head, or else before the last block.
    /// Blocks without weights have none.
    pub fn hidden_activation(&self) -> Option<Activation> {
        let hidden = &self.blocks[..self.trunk().min(self.depth() - 1).max(1)];
        let mut shared = None;
        for (l, block) in hidden.iter().enumerate() {
            // Most blocks of a deep network are alike.
            if l > 0 && *block == hidden[l - 1] {
                continue;
            }
            let activations: Vec<Activation> =
                block.layers().iter().flat_map(|layer| layer.kind().activations()).collect();
            if activations.is_empty() && block.parameters() > 0 {
                return None;
            }
            for function in activations {
                if *shared.get_or_insert(function) != function {
                    return None;
                }
            }
        }
        shared
    }
}
