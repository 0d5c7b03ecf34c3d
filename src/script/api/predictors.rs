//! Predictors of how a network trains, from the untrained network, and statistics over depth.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, Map};

use super::network::say_identity_norms;
use crate::Error;
use crate::data::Split;
use crate::entropy::{DecayPart, Derivation, Measured, derive};
use crate::network::{Architecture, Network};
use crate::predictors::{
    CURVES, JacobianMeasure, Statistic, activity, activity_at_end, correlations, gradient_norm, gradients, jacobian,
    snip, synflow,
};
use crate::script::lazy::{Curve, Number};
use crate::script::session::Native;
use crate::words::nearest;
use crate::work::Described;

/// A predictor by its name in scripts.
type Known = (&'static str, fn(&Network, &Split) -> Result<Described, Error>);

/// All predictors.
const PREDICTORS: [Known; 14] = [
    ("gradient_norm", gradient_norm),
    ("snip", snip),
    ("synflow", |net, _| Ok(synflow(net))),
    ("jacobian_covariance", |net, data| jacobian(net, data, JacobianMeasure::Covariance)),
    ("partial_jacobian", |net, data| jacobian(net, data, JacobianMeasure::Partial)),
    ("susceptibility", |net, data| jacobian(net, data, JacobianMeasure::Susceptibility)),
    ("activation_entropy", |net, data| activity_at_end(net, data, Statistic::Entropy)),
    ("correlation", |net, data| activity_at_end(net, data, Statistic::Correlation)),
    ("correlation_length", |net, data| {
        Ok(derive(Derivation::Decay { part: DecayPart::Xi }, vec![correlations(net, data)?]))
    }),
    ("renyi_entropy", |net, data| activity_at_end(net, data, Statistic::RenyiEntropy)),
    ("mutual_information", |net, data| activity_at_end(net, data, Statistic::MutualInformation)),
    ("parameters", |net, _| Ok(known(net.architecture().parameters() as f64))),
    ("operations", |net, _| {
        let architecture = net.architecture();
        Ok(known((1..=architecture.depth()).map(|l| architecture.operations(l)).sum()))
    }),
    ("depth", |net, _| Ok(known(net.architecture().depth() as f64))),
];

fn known(value: f64) -> Described {
    derive(Derivation::Constant { value }, Vec::new())
}

fn curve_of(source: Described, name: &'static str) -> Described {
    derive(Derivation::Array { name, is_curve: true }, vec![source])
}

/// Curves over the network's depths, by name.
fn curves(names: &[(&'static str, &'static str)], source: &Described, length: usize) -> Map {
    let curve = |&(name, quantity): &(&'static str, &'static str)| {
        let measured = Measured { quantity, ..Measured::UNNAMED };
        let curve = Curve::of(measured, curve_of(source.clone(), name), length);
        (name.into(), Dynamic::from(curve))
    };
    names.iter().map(curve).collect()
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// A number that could predict, before training, how well a network trains, by its name. `data` is a small batch, with labels
    /// for the first two.
    ///
    /// | name | what it is |
    /// |---|---|
    /// | `"gradient_norm"` | ln of the norm of the gradient of the mean cross-entropy, over all weights |
    /// | `"snip"` | ln Σ \|g·θ\| over all weights, g that gradient (Lee et al. 2019) |
    /// | `"synflow"` | ln Σ θ·∂R/∂θ, R the sum of the outputs for an input of ones of the network without biases, activations and normalisations, its weights positive (Tanaka et al. 2020); it needs no data |
    /// | `"jacobian_covariance"` | −Σ ln(λ + k) + 1/(λ + k), λ the eigenvalues of the correlations of the samples' Jacobians of the summed outputs, k = 10⁻⁵ (Mellor et al. 2020) |
    /// | `"partial_jacobian"` | ln of the averaged partial Jacobian norm from depth 1 to the end of the trunk, by one random direction for each sample; 0 is critical (arXiv:2111.12143) |
    /// | `"susceptibility"` | ln of the mean over samples of the largest squared singular value of the Jacobian of the outputs: the largest growth of the square of a small change of the input |
    /// | `"activation_entropy"` | the entropy of the activations at the end of the trunk; 1 is uniform (arXiv:2304.04784); see `activation_statistics` |
    /// | `"correlation"` | the mean cosine between two samples there |
    /// | `"correlation_length"` | ξ of the exponential that fits the curve of these correlations; see `decay` |
    /// | `"renyi_entropy"` | the matrix-based Rényi entropy of order 2 there, in nats |
    /// | `"mutual_information"` | of input and activations there, by that entropy |
    /// | `"parameters"`, `"operations"`, `"depth"` | trainable numbers, floating-point operations for a sample, blocks |
    ///
    /// Logarithms are natural. Entropies of reconstructions come from a `cascade`, ξ_c from `mean_field`.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let grid = sweep([axis("weight_var", [1.0, 1.76, 3.0])]);
    /// let net = |p| mlp::wide(49, 10, 8).init(#{ weight_var: p.weight_var, bias_var: 0.05 });
    /// let found = grid.map(|p| net.call(p).predictor(data.train.take(20), "partial_jacobian")).values();
    /// print([found[0] < found[1], found[1] < found[2]]);    // [true, true]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn predictor(context: NativeCallContext, network: Network, data: Split, name: &str) -> Native<Number> {
        say_identity_norms(&context, &network)?;
        match PREDICTORS.iter().find(|(known, _)| *known == name) {
            Some((quantity, make)) => Ok(Number { source: make(&network, &data)?, quantity }),
            None => {
                let error = Error::new(format!("there is no predictor {name:?}"));
                let names = PREDICTORS.iter().map(|(name, _)| *name);
                Err(match nearest(name, names.clone()) {
                    Some(near) => error.hint(format!("did you mean {near:?}?")),
                    None => error.hint(format!("there are {}", names.collect::<Vec<_>>().join(", "))),
                }
                .into())
            }
        }
    }

    /// (hidden) Explains that the network needs weights first.
    #[rhai_fn(name = "predictor", return_raw)]
    pub fn predictor_without_weights(_network: Architecture, _data: Split, _name: &str) -> Native<Number> {
        Err(Error::new("the network has no weights yet").hint("give it some: `.init(#{ weight_var: 1.76 })`").into())
    }

    /// The names of all predictors, in the order of the table at `predictor`.
    ///
    /// ```
    /// print(predictors().len);    // 14
    /// ```
    pub fn predictors() -> Array {
        PREDICTORS.iter().map(|(name, _)| (*name).into()).collect()
    }

    /// Statistics of the activations of samples at every depth of the trunk, as a map of curves: `mean` and `rms`, the mean and the root mean
    /// square of all numbers; `entropy`, of their distribution over 64 equal ranges from −1 to 1 (farther, if a number lies outside),
    /// relative to ln 64, so that 1 is uniform; `correlation`, the mean cosine between two samples; `renyi_entropy`, −ln ‖K/n‖²
    /// of a Gaussian kernel K of the n samples, whose width is half their root mean square norm; `mutual_information`, that of the
    /// input and the activations, by that entropy.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 12).init(#{ weight_var: 1.0, bias_var: 0.05 });
    /// let found = net.activation_statistics(data.test.take(20));
    /// print(found.correlation.at(1) < found.correlation.last);    // true
    /// lines(found.entropy).save("entropy.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn activation_statistics(context: NativeCallContext, network: Network, data: Split) -> Native<Map> {
        say_identity_norms(&context, &network)?;
        let quantities = [
            "mean activation",
            "root mean square activation",
            "entropy of activations",
            "correlation",
            "Rényi entropy",
            "mutual information",
        ];
        let names: Vec<_> = CURVES.into_iter().zip(quantities).collect();
        Ok(curves(&names, &activity(&network, &data)?, network.architecture().trunk()))
    }

    /// Statistics of the gradient of the cross-entropy, as a map of curves over all blocks, the head included: `weights`, ln of
    /// its norm over the block's weights, for the mean over samples; `signal`, ln of the root mean square of a sample's own gradient with
    /// respect to the block's output.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 8).init(#{ weight_var: 0.5, bias_var: 0.05 });
    /// let found = net.gradient_statistics(data.train.take(20));
    /// print(found.weights.len);                               // 8
    /// print(found.signal.at(1) < found.signal.at(6) - 1);     // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn gradient_statistics(context: NativeCallContext, network: Network, data: Split) -> Native<Map> {
        say_identity_norms(&context, &network)?;
        let names = [("weights", "ln of the gradient's norm"), ("signal", "ln of the gradient of activations")];
        Ok(curves(&names, &gradients(&network, &data)?, network.architecture().depth()))
    }

    /// How fast a curve approaches its limit: the exponential limit + b e^(−l/ξ) that fits it best over the depths l, as a map of numbers:
    /// `xi`, in depths, 0 for a curve that is at its limit at once and infinite for one that does not bend; `error`, its standard error; `limit`.
    /// NaN, with a warning, for a curve with fewer than four depths or a number that is not finite.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 14 });
    /// let net = mlp::wide(196, 10, 30).init(#{ weight_var: 1.0, bias_var: 0.05 });
    /// let found = net.activation_statistics(data.test.take(20)).correlation.decay();
    /// let theory = mean_field("tanh", #{ weight_var: 1.0, bias_var: 0.05 }).xi_c;
    /// print([found.xi > theory / 2, found.xi < 2 * theory]);    // [true, true]
    /// ```
    pub fn decay(curve: Curve) -> Map {
        let part = |(name, part, quantity): (&str, DecayPart, &'static str)| {
            let source = derive(Derivation::Decay { part }, vec![curve.source.clone()]);
            (name.into(), Dynamic::from(Number { source, quantity }))
        };
        let parts = [
            ("xi", DecayPart::Xi, "ξ"),
            ("error", DecayPart::Error, "standard error"),
            ("limit", DecayPart::Limit, "limit"),
        ];
        parts.into_iter().map(part).collect()
    }
}
