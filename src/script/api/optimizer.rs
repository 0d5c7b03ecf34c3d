//! Optimizers of trainings.

use rhai::plugin::*;
use rhai::{Engine, Map};

use super::general::{AnyNumber, wanted_number};
use crate::Error;
use crate::kernels::Adam;
use crate::network::{DECOUPLED_DECAY, Optimizer};
use crate::script::options::{Key, Options, Spec};
use crate::script::session::Native;

const WEIGHT_DECAY: Key = Key::number("weight_decay", 0.0, "this times the parameter is added to its gradient");
const BETA_1: Key =
    Key::number("beta_1", Adam::DEFAULT.beta_1, "share of the gradients' running mean that a step keeps");
const BETA_2: Key =
    Key::number("beta_2", Adam::DEFAULT.beta_2, "share of the running mean of their squares that a step keeps");
const EPSILON: Key = Key::number("epsilon", Adam::DEFAULT.epsilon, "added to the root of the mean square");

pub(super) const SGD: Spec = Spec {
    function: "sgd",
    keys: &[
        Key::number("momentum", 0.0, "share of the last step that the next one keeps"),
        Key::flag("nesterov", false, "whether the gradient counts as if the momentum's step had been taken"),
        WEIGHT_DECAY,
    ],
};

pub(super) const ADAMW: Spec = Spec {
    function: "adamw",
    keys: &[
        BETA_1,
        BETA_2,
        EPSILON,
        Key::number(
            "weight_decay",
            DECOUPLED_DECAY,
            "this times the rate is the share of a parameter that a step takes off",
        ),
    ],
};

pub(super) const ADAM: Spec = Spec { function: "adam", keys: &[BETA_1, BETA_2, EPSILON, WEIGHT_DECAY] };

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Optimizer>("Optimizer")
        .register_global_module(rhai::exported_module!(functions).into());
}

fn checked(optimizer: Optimizer) -> Native<Optimizer> {
    optimizer.check()?;
    Ok(optimizer)
}

fn adam_of(rate: &AnyNumber, options: &Options<'_>) -> Result<Adam, Error> {
    Ok(Adam {
        learning_rate: wanted_number(rate, "the rate")?,
        beta_1: options.number("beta_1")?,
        beta_2: options.number("beta_2")?,
        epsilon: options.number("epsilon")?,
    })
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// Stochastic gradient descent: at every step, a parameter changes by `rate` times its gradient.
    #[rhai_fn(name = "sgd", return_raw)]
    pub fn sgd(rate: AnyNumber) -> Native<Optimizer> {
        sgd_with(rate, Map::new())
    }

    /// ```
    /// print(sgd(0.1, #{ momentum: 0.9 }));    // sgd(0.1, momentum 0.9)
    /// ```
    #[rhai_fn(name = "sgd", return_raw)]
    pub fn sgd_with(rate: AnyNumber, options: Map) -> Native<Optimizer> {
        let options = SGD.read(&options)?;
        checked(Optimizer::Sgd {
            rate: wanted_number(&rate, "the rate")?,
            momentum: options.number("momentum")?,
            weight_decay: options.number("weight_decay")?,
            nesterov: options.flag("nesterov")?,
        })
    }

    /// The optimizer Adam (Kingma & Ba 2015) with step size `rate`.
    #[rhai_fn(name = "adam", return_raw)]
    pub fn adam(rate: AnyNumber) -> Native<Optimizer> {
        adam_with(rate, Map::new())
    }

    /// ```
    /// print(adam(1e-3, #{ weight_decay: 0.01 }));    // adam(0.001, weight_decay 0.01)
    /// ```
    #[rhai_fn(name = "adam", return_raw)]
    pub fn adam_with(rate: AnyNumber, options: Map) -> Native<Optimizer> {
        let options = ADAM.read(&options)?;
        let adam = adam_of(&rate, &options)?;
        checked(Optimizer::Adam { adam, weight_decay: options.number("weight_decay")? })
    }

    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019) and step size `rate`.
    #[rhai_fn(name = "adamw", return_raw)]
    pub fn adamw(rate: AnyNumber) -> Native<Optimizer> {
        adamw_with(rate, Map::new())
    }

    /// ```
    /// print(adamw(1e-3, #{ weight_decay: 0.1 }));    // adamw(0.001, weight_decay 0.1)
    /// ```
    #[rhai_fn(name = "adamw", return_raw)]
    pub fn adamw_with(rate: AnyNumber, options: Map) -> Native<Optimizer> {
        let options = ADAMW.read(&options)?;
        let adam = adam_of(&rate, &options)?;
        checked(Optimizer::AdamW { adam, weight_decay: options.number("weight_decay")? })
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn to_string(optimizer: &mut Optimizer) -> String {
        optimizer.to_string()
    }
}
