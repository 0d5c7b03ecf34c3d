//! Initial weights, drawn from the host's own generator. The published ones (arXiv:2406.12916) are W ~ N(0, σ_w²/fan_in) and
//! b ~ N(0, σ_b²).

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::{Architecture, Block, ParamKind, ParamSpec, Scheme};
use crate::random::{GENERATOR, Random};
use crate::{Error, Result};

/// The rule for initial weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Init {
    pub weights: Schemes,
    pub biases: Schemes,
    pub seed: u64,
}

/// The schemes of a network's blocks.
#[derive(Debug, Clone, PartialEq)]
pub enum Schemes {
    /// One for all.
    All(Scheme),
    /// One for each block, the first block's first.
    Each(Arc<[Scheme]>),
}

/// Schemes of a layer's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct OwnSchemes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Scheme>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub biases: Option<Scheme>,
}

impl Schemes {
    /// One for each block; a single one where all are alike.
    pub fn by_block(schemes: Vec<Scheme>) -> Self {
        match schemes[..] {
            [first, ref others @ ..] if others.iter().all(|other| *other == first) => Self::All(first),
            _ => Self::Each(schemes.into()),
        }
    }

    /// That of block `l` (from 1).
    fn of(&self, l: usize) -> Scheme {
        match self {
            Self::All(scheme) => *scheme,
            Self::Each(schemes) => schemes[l - 1],
        }
    }

    /// The one that all blocks share, if they do.
    pub fn shared(&self) -> Option<Scheme> {
        match self {
            Self::All(scheme) => Some(*scheme),
            Self::Each(_) => None,
        }
    }

    fn all(&self) -> &[Scheme] {
        match self {
            Self::All(scheme) => std::slice::from_ref(scheme),
            Self::Each(schemes) => schemes,
        }
    }

    /// In words; `variance` is the option that a variance alone belongs to, `scheme` that of other schemes.
    fn in_words(&self, variance: &str, scheme: &str) -> String {
        match self {
            Self::All(one) => match one.plain_variance() {
                Some(number) => format!("{variance} {number}"),
                None => format!("{scheme} {one}"),
            },
            Self::Each(each) => {
                let ends = each.first().into_iter().chain(each.last());
                let ends: Vec<String> = ends.map(ToString::to_string).collect();
                format!("{scheme} by block, {}", ends.join(" to "))
            }
        }
    }
}

impl Init {
    /// The published rule: σ_w² is the variance of a weight times its fan-in, σ_b² that of a bias.
    pub fn gaussian(weight_var: f64, bias_var: f64, seed: u64) -> Self {
        let [weights, biases] = [weight_var, bias_var].map(|variance| Schemes::All(Scheme::gaussian(variance)));
        Self { weights, biases, seed }
    }

    /// Checks that the arrays of a network can be drawn like this.
    ///
    /// # Errors
    /// When a variance or a gain is out of its range, or a scheme does not fit an array; block and layer are named.
    pub(crate) fn check(&self, architecture: &Architecture) -> Result<()> {
        for (schemes, option, of) in [(&self.weights, "weight_var", "weights"), (&self.biases, "bias_var", "biases")] {
            for scheme in schemes.all() {
                let of = if scheme.plain_variance().is_some() {
                    option.to_owned()
                } else {
                    format!("the number of `{scheme}` for {of}")
                };
                scheme.check(&of)?;
            }
            if let Schemes::Each(each) = schemes
                && each.len() != architecture.depth()
            {
                let (found, depth) = (each.len(), architecture.depth());
                return Err(Error::new(format!("schemes for {found} blocks; the network has {depth}")));
            }
        }
        for (l, block) in (1..).zip(architecture.blocks()) {
            for spec in block.param_specs() {
                let Some(scheme) = self.scheme(l, &spec) else { continue };
                scheme.check_array(&spec).map_err(|error| {
                    let layer = spec.name.split('.').next().and_then(|i| block.layers().get(i.parse::<usize>().ok()?));
                    let layer = layer.map_or_else(String::new, |layer| format!(", {layer}"));
                    Error { message: format!("block {l}{layer}: {}", error.message), ..error }
                })?;
            }
        }
        Ok(())
    }

    /// Its schemes in words.
    pub fn schemes_in_words(&self) -> String {
        let [weights, biases] =
            [self.weights.in_words("weight_var", "weights"), self.biases.in_words("bias_var", "biases")];
        format!("{weights}, {biases}")
    }

    /// σ_w² of a weight of block `l` (from 1), or σ_b² of a bias; 0 for an array that is not drawn.
    pub(crate) fn variance(&self, l: usize, spec: &ParamSpec) -> f64 {
        self.scheme(l, spec).map_or(0.0, |scheme| scheme.scaled_variance(spec))
    }

    /// The scheme of an array of block `l` (from 1), if it is drawn.
    pub(super) fn scheme(&self, l: usize, spec: &ParamSpec) -> Option<Scheme> {
        match spec.kind {
            ParamKind::Weight { .. } => Some(spec.scheme.unwrap_or_else(|| self.weights.of(l))),
            ParamKind::Bias => Some(spec.scheme.unwrap_or_else(|| self.biases.of(l))),
            _ => None,
        }
    }

    /// What of it decides the numbers of all blocks.
    pub(crate) fn description(&self) -> serde_json::Value {
        let Self { weights, biases, seed } = self;
        let [weights, biases] = [weights, biases].map(|schemes| schemes.shared().map(|scheme| scheme.description()));
        match [&weights, &biases].map(|scheme| scheme.as_ref().and_then(|scheme| scheme.get("gaussian"))) {
            [Some(weight_var), Some(bias_var)] if weight_var.is_number() && bias_var.is_number() => {
                json!({ "gaussian": GENERATOR, "weight_var": weight_var, "bias_var": bias_var, "seed": seed })
            }
            _ => json!({ "generator": GENERATOR, "weights": weights, "biases": biases, "seed": seed }),
        }
    }

    /// What of it decides the numbers of block `l` (from 1) alone: where blocks have schemes of their own.
    pub(crate) fn of_block(&self, l: usize) -> Option<OwnSchemes> {
        let own = |schemes: &Schemes| matches!(schemes, Schemes::Each(_)).then(|| schemes.of(l));
        let own = OwnSchemes { weights: own(&self.weights), biases: own(&self.biases) };
        (own != OwnSchemes::default()).then_some(own)
    }

    /// The arrays of a block, each in PyTorch's layout. Random numbers are keyed by seed, block, layer and array: a block's
    /// weights are the same at every depth and on every device.
    pub(super) fn arrays(&self, block_number: usize, block: &Block) -> Vec<Vec<f32>> {
        let array = |spec: ParamSpec| match (self.scheme(block_number, &spec), spec.kind) {
            (Some(scheme), _) => {
                let (layer, array) = spec.name.rsplit_once('.').unwrap_or(("", &spec.name));
                let random = Random::new(self.seed, &["network", &block_number.to_string(), layer, array]);
                scheme.draw(random, &spec)
            }
            (None, ParamKind::Scale | ParamKind::RunningVariance) => vec![1.0; spec.len()],
            (None, _) => vec![0.0; spec.len()],
        };
        block.param_specs().into_iter().map(array).collect()
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, seed {}", self.schemes_in_words(), self.seed)
    }
}

impl OwnSchemes {
    /// These, and the others where there are none.
    #[must_use]
    pub(crate) fn or(self, others: Self) -> Self {
        Self { weights: self.weights.or(others.weights), biases: self.biases.or(others.biases) }
    }

    /// That of an array, if it has one.
    pub(crate) fn of(self, kind: ParamKind) -> Option<Scheme> {
        match kind {
            ParamKind::Weight { .. } => self.weights,
            ParamKind::Bias => self.biases,
            _ => None,
        }
    }

    /// Checks that an array can be drawn like this, if it has no scheme of its own.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn check(self, spec: &ParamSpec) -> Result<()> {
        match (spec.scheme, self.of(spec.kind)) {
            (None, Some(scheme)) => scheme.check_array(spec),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for OwnSchemes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("weights", self.weights), ("biases", self.biases)];
        let parts: Vec<String> =
            parts.iter().filter_map(|(name, scheme)| scheme.map(|scheme| format!("{name} {scheme}"))).collect();
        f.write_str(&parts.join(", "))
    }
}
