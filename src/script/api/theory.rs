//! Mean-field theory.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, FLOAT, FnPtr, Map};

use super::general::{AnyNumber, wanted_number};
use crate::Error;
use crate::network::{Layer, Network};
use crate::script::options::{Key, Options, Spec, Takes};
use crate::script::session::{Native, Session};
use crate::theory::{self, MeanField, Nonlinearity};

const MEAN_FIELD: Spec = Spec {
    function: "mean_field",
    keys: &[
        Key::required("weight_var", Takes::Number, "σ_w², the variance of the weights times the fan-in"),
        Key::number("bias_var", 0.0, "σ_b², the variance of the biases"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[MEAN_FIELD];

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<MeanField>("Theory")
        .register_global_module(rhai::exported_module!(functions).into());
}

fn solve(activation: &Nonlinearity, options: &Options<'_>) -> Native<MeanField> {
    Ok(theory::mean_field(activation, options.number("weight_var")?, options.number("bias_var")?)?)
}

/// The activation that a layer is.
fn of_layer(layer: &Layer) -> Native<Nonlinearity> {
    let activation = layer.kind().as_activation().ok_or_else(|| {
        Error::new(format!("mean-field theory is about an activation, and {layer} is none"))
            .hint("give it `tanh()`, `activation(\"relu\")` or `activation(|x| x * sigmoid(x))`")
    })?;
    Ok(Nonlinearity::of(&activation)?)
}

/// What theory says of a network, with a warning where its weights are not those of theory.
fn of_network(context: &NativeCallContext<'_>, network: &Network) -> Native<MeanField> {
    let undescribed = |what: &str| {
        let error = Error::new(format!("mean-field theory does not describe this network: {what}"));
        Err(error
            .hint("for another one that is near to it: `mean_field(\"tanh\", #{ weight_var: …, bias_var: … })`")
            .into())
    };
    for (block, l) in network.architecture().hidden().iter().zip(1..) {
        if let Some(layer) = block.layers().iter().find(|layer| !layer.has_mean_field()) {
            return undescribed(&format!("block {l} has {layer}"));
        }
    }
    let provenance = network.provenance();
    let Some(origin) = provenance.networks.first() else { return undescribed("nothing is known of it") };
    let Some(activation) = &origin.activation else {
        return undescribed("its blocks have several activations or none");
    };
    let (Some(weight_var), Some(bias_var)) = (origin.weight_var, origin.bias_var) else {
        return undescribed("its weights are not drawn with one variance for all blocks");
    };
    if let Some(scheme) = &origin.scheme {
        let session = Session::from_context(context)?;
        session.warn_at(context, Error::new(theory::assumes_independent(scheme)));
    }
    Ok(theory::mean_field(&Nonlinearity::of(activation)?, weight_var, bias_var)?)
}

/// A closure of the script as an activation. It is sampled here and never called again.
fn custom(context: &NativeCallContext<'_>, closure: &FnPtr) -> Native<Nonlinearity> {
    let failed = std::cell::RefCell::new(None);
    let activation = Nonlinearity::custom("the script's function", |x| {
        match closure.call_within_context::<Dynamic>(context, (x,)).and_then(|y| Ok(wanted_number(&y, "its value")?)) {
            Ok(y) => y,
            Err(error) => {
                failed.borrow_mut().get_or_insert(error);
                f64::NAN
            }
        }
    });
    match failed.into_inner() {
        Some(error) => Err(error),
        None => Ok(activation?),
    }
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// Mean-field theory of a wide random network: the fixed points q* and c* of length and correlation, χ₁, the depth
    /// scales ξ_c and ξ_q, and the phase. `activation` is a name that `activation` takes, an activation of a network, or a
    /// closure: any function of one number.
    ///
    /// ```
    /// let theory = mean_field("tanh", #{ weight_var: 1.5, bias_var: 0.05 });
    /// print(theory.xi_c);     // 15.79…
    /// print(theory.phase);    // ordered
    /// ```
    #[rhai_fn(return_raw)]
    pub fn mean_field(activation: &str, options: Map) -> Native<MeanField> {
        solve(&Nonlinearity::named(activation)?, &MEAN_FIELD.read(&options)?)
    }

    /// ```
    /// let swish = activation(|x| x * sigmoid(1.702 * x));
    /// print(mean_field(swish, #{ weight_var: 2.0, bias_var: 0.05 }).chi);
    /// ```
    #[rhai_fn(name = "mean_field", return_raw)]
    pub fn mean_field_of_layer(activation: Layer, options: Map) -> Native<MeanField> {
        solve(&of_layer(&activation)?, &MEAN_FIELD.read(&options)?)
    }

    /// ```
    /// let theory = mean_field(|x| max(-1.0, min(1.0, x)), #{ weight_var: 1.5, bias_var: 0.05 });
    /// ```
    #[rhai_fn(name = "mean_field", return_raw)]
    pub fn mean_field_of(context: NativeCallContext, activation: FnPtr, options: Map) -> Native<MeanField> {
        let options = MEAN_FIELD.read(&options)?;
        solve(&custom(&context, &activation)?, &options)
    }

    /// Of a network as it is drawn: with its own activation and variances. A network that theory does not describe (with a norm,
    /// a residual block, weights from a file) is an error; orthogonal weights are a warning.
    ///
    /// ```
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.5, bias_var: 0.05 });
    /// print(mean_field(net).xi_c);     // 15.79…
    /// ```
    #[rhai_fn(name = "mean_field", return_raw)]
    pub fn mean_field_of_network(context: NativeCallContext, network: Network) -> Native<MeanField> {
        of_network(&context, &network)
    }

    /// The weight variance at which χ₁ = 1, on the line between the ordered and the chaotic phase. `activation` is what
    /// `mean_field` takes.
    ///
    /// ```
    /// print(critical_weight_var("tanh", 0.05));    // 1.7609546…
    /// ```
    #[rhai_fn(return_raw)]
    pub fn critical_weight_var(activation: &str, bias_var: AnyNumber) -> Native<FLOAT> {
        Ok(theory::critical_weight_var(&Nonlinearity::named(activation)?, wanted_number(&bias_var, "bias_var")?)?)
    }

    #[rhai_fn(name = "critical_weight_var", return_raw)]
    pub fn critical_weight_var_of_layer(activation: Layer, bias_var: AnyNumber) -> Native<FLOAT> {
        Ok(theory::critical_weight_var(&of_layer(&activation)?, wanted_number(&bias_var, "bias_var")?)?)
    }

    #[rhai_fn(name = "critical_weight_var", return_raw)]
    pub fn critical_weight_var_of(context: NativeCallContext, activation: FnPtr, bias_var: AnyNumber) -> Native<FLOAT> {
        let activation = custom(&context, &activation)?;
        Ok(theory::critical_weight_var(&activation, wanted_number(&bias_var, "bias_var")?)?)
    }

    /// The weight variance at which the activations of a wide network are most uniform: those of "tanh", "erf" or "sigmoid" then have the most
    /// differential entropy that they can (arXiv:2304.04784).
    ///
    /// ```
    /// print(uniform_weight_var("tanh", 0.05));    // 2.0649…
    /// ```
    #[rhai_fn(return_raw)]
    pub fn uniform_weight_var(activation: &str, bias_var: AnyNumber) -> Native<FLOAT> {
        Ok(theory::uniform_weight_var(&Nonlinearity::named(activation)?, wanted_number(&bias_var, "bias_var")?)?)
    }

    /// q*: the fixed point of the mean squared activation.
    #[rhai_fn(get = "q", pure)]
    pub fn q(theory: &mut MeanField) -> FLOAT {
        theory.q
    }

    /// χ₁: the factor by which a small difference between two inputs grows per layer; 1 is critical.
    #[rhai_fn(get = "chi", pure)]
    pub fn chi(theory: &mut MeanField) -> FLOAT {
        theory.chi
    }

    /// c*: the fixed point of the correlation of two inputs.
    #[rhai_fn(get = "c", pure)]
    pub fn c(theory: &mut MeanField) -> FLOAT {
        theory.c
    }

    /// ξ_c: the depth scale over which the correlation of two inputs approaches c*.
    #[rhai_fn(get = "xi_c", pure)]
    pub fn xi_c(theory: &mut MeanField) -> FLOAT {
        theory.xi_c
    }

    /// ξ_q: the depth scale over which the length approaches q*.
    #[rhai_fn(get = "xi_q", pure)]
    pub fn xi_q(theory: &mut MeanField) -> FLOAT {
        theory.xi_q
    }

    /// The phase: "ordered", "critical", "chaotic" or "unbounded".
    #[rhai_fn(get = "phase", pure)]
    pub fn phase(theory: &mut MeanField) -> String {
        theory.phase.to_string()
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn theory_to_string(theory: &mut MeanField) -> String {
        let MeanField { q, chi, c, xi_c, xi_q, phase, .. } = theory;
        format!("{phase}: q* {q:.6}, χ₁ {chi:.6}, c* {c:.6}, ξ_c {xi_c:.4}, ξ_q {xi_q:.4}")
    }
}
