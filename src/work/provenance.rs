//! What a result depends on, in words: networks, solvers, data, seeds. It is shown to people and used by theory; no fingerprint
//! contains it.

use serde::{Serialize, Serializer};

use super::Fingerprint;
use crate::kernels::Activation;

/// What a result depends on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Provenance {
    /// Each network once.
    pub networks: Vec<NetworkOrigin>,
    /// Each solver once, in words, such as "Adam, 1 epoch" or "ridge regression, λ = 0.7".
    pub solvers: Vec<String>,
    /// Each data set once, in words.
    pub data: Vec<String>,
    /// Sorted, each once.
    pub seeds: Vec<u64>,
    /// The reconstruction that the result was measured on.
    pub reconstruction: Option<Fingerprint>,
}

/// A network that a result depends on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NetworkOrigin {
    /// The network in words.
    pub summary: String,
    /// The activation that all hidden blocks share, if they share one.
    #[serde(serialize_with = "in_words")]
    pub activation: Option<Activation>,
    /// σ_w²: the variance times the fan-in that the weights of all hidden blocks were drawn with, if they share one.
    pub weight_var: Option<f64>,
    /// σ_b²: the variance that their biases were drawn with, if they share one.
    pub bias_var: Option<f64>,
    /// The scheme of hidden weights whose numbers are not independent, such as "orthogonal(1)".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

/// An activation by its name or formula.
#[expect(clippy::ref_option, reason = "serde passes a field by reference")]
fn in_words<S: Serializer>(activation: &Option<Activation>, serializer: S) -> Result<S::Ok, S::Error> {
    activation.as_ref().map(Activation::to_string).serialize(serializer)
}

impl Provenance {
    /// Adds what another result depends on. Of two reconstructions the first stays.
    pub fn merge(&mut self, other: &Self) {
        add_missing(&mut self.networks, &other.networks);
        add_missing(&mut self.solvers, &other.solvers);
        add_missing(&mut self.data, &other.data);
        for seed in &other.seeds {
            if let Err(place) = self.seeds.binary_search(seed) {
                self.seeds.insert(place, *seed);
            }
        }
        self.reconstruction = self.reconstruction.or(other.reconstruction);
    }
}

fn add_missing<T: Clone + PartialEq>(to: &mut Vec<T>, from: &[T]) {
    for item in from {
        if !to.contains(item) {
            to.push(item.clone());
        }
    }
}
