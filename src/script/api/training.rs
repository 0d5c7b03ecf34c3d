//! Training of a whole network on labels, and its accuracy.

use rhai::plugin::*;
use rhai::{Engine, Map};

use super::general::{AnyNumber, wanted_number};
use super::network::say_identity_norms;
use crate::Error;
use crate::data::Split;
use crate::entropy::{Derivation, Measured, derive};
use crate::kernels::Adam;
use crate::network::{self, Architecture, Loss, Network, Optimizer, Training, TrainingRun};
use crate::script::lazy::{Curve, Number};
use crate::script::options::{Key, Spec, Takes, describe};
use crate::script::session::Native;

const TRAINED: Spec = Spec {
    function: "trained",
    keys: &[
        Key::count("epochs", Training::EPOCHS as usize, "passes over the data"),
        Key::count("batch", Training::BATCH, "samples per training step"),
        Key::computed(
            "optimizer",
            Takes::Other("an `Optimizer`: `sgd(…)` or `adam(…)`"),
            || format!("`{}`, as published", Optimizer::sgd(Training::RATE)),
            "how the gradient moves the weights",
        ),
        Key::one_of(
            "loss",
            &Loss::NAMES,
            "\"cross_entropy\" of the outputs, or \"softmax_twice\", the published loss: the cross-entropy of their softmax",
        ),
        Key::open(
            "seed",
            Takes::Count,
            "the network's seed",
            "seed of the order of the data and of what `dropout` leaves out",
        ),
        Key::flag("shuffle", true, "whether every epoch has its own random order of the data"),
    ],
};
const WEIGHT_DECAY: Key = Key::number("weight_decay", 0.0, "this times the parameter is added to its gradient");
const SGD: Spec = Spec {
    function: "sgd",
    keys: &[Key::number("momentum", 0.0, "share of the last step that the next one keeps"), WEIGHT_DECAY],
};
const ADAM: Spec = Spec {
    function: "adam",
    keys: &[
        Key::number("beta_1", Adam::DEFAULT.beta_1, "share of the gradients' running mean that a step keeps"),
        Key::number("beta_2", Adam::DEFAULT.beta_2, "share of the running mean of their squares that a step keeps"),
        Key::number("epsilon", Adam::DEFAULT.epsilon, "added to the root of the mean square"),
        WEIGHT_DECAY,
    ],
};

pub(super) const OPTIONS: &[Spec] = &[TRAINED, SGD, ADAM];

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Optimizer>("Optimizer")
        .register_global_module(rhai::exported_module!(functions).into());
}

fn checked(optimizer: Optimizer) -> Native<Optimizer> {
    optimizer.check()?;
    Ok(optimizer)
}

fn loss_named(name: &str) -> Result<Loss, Error> {
    Loss::ALL.iter().find(|(known, _)| *known == name).map(|(_, loss)| *loss).ok_or_else(|| {
        let names: Vec<String> = Loss::ALL.iter().map(|(name, _)| format!("{name:?}")).collect();
        Error::new(format!("there is no loss {name:?}; there are {}", names.join(" and ")))
    })
}

/// What `trained` gives.
pub(super) fn trained_as(network: Network, data: Split, options: Map) -> Native<Network> {
    functions::trained_with(network, data, options)
}

fn training_of(network: &Network) -> Result<&TrainingRun, Error> {
    network.training_run().ok_or_else(|| {
        Error::new("the network was not trained in this script").hint("`net.trained(data.train)` trains it")
    })
}

fn without_weights<T>() -> Native<T> {
    Err(Error::new("the network has no weights yet").hint("give it some: `.init(#{ weight_var: 1.76 })`").into())
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The network after training on the labels of `data`, starting from its own weights. The result is a network like any
    /// other: it can be given to a cascade, or trained further. Nothing is trained until a result is shown. The network has at
    /// least one output per class; the largest output is its answer. If the loss becomes non-finite, training stops; the
    /// remaining losses are NaN.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let trained = net.trained(data.train.take(500), #{ epochs: 2, optimizer: adam(1e-3) });
    /// print(trained.accuracy(data.test.take(100)) > net.accuracy(data.test.take(100)));    // true
    /// ```
    #[rhai_fn(name = "trained", return_raw)]
    pub fn trained(network: Network, data: Split) -> Native<Network> {
        trained_with(network, data, Map::new())
    }

    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let options = #{ epochs: 1, batch: 64, optimizer: sgd(0.1, #{ momentum: 0.9 }), loss: "softmax_twice", seed: 1 };
    /// let probe = cascade(net.trained(data.train.take(300), options), data.train.take(300));
    /// print(probe.reconstruct(data.test.take(20)).explained_variance());
    /// ```
    #[rhai_fn(name = "trained", return_raw)]
    pub fn trained_with(network: Network, data: Split, options: Map) -> Native<Network> {
        let options = TRAINED.read(&options)?;
        let usual = Training::for_network(&network);
        let epochs = options.count("epochs")?;
        let epochs = u32::try_from(epochs).map_err(|_| Error::new(format!("{epochs} epochs: at most {}", u32::MAX)))?;
        let optimizer = match options.value("optimizer") {
            None => usual.optimizer,
            Some(value) => value.clone().try_cast::<Optimizer>().ok_or_else(|| {
                Error::new(format!("`trained`: option `optimizer` must be an optimizer, got {}", describe(value)))
                    .hint("for example `sgd(0.1)` or `adam(1e-3)`")
            })?,
        };
        let training = Training {
            epochs,
            batch: options.count("batch")?,
            optimizer,
            loss: loss_named(options.choice("loss")?)?,
            seed: options.optional_seed("seed")?.unwrap_or(usual.seed),
            shuffle: options.flag("shuffle")?,
        };
        Ok(network::train(&network, &data, training)?)
    }

    /// (hidden) Explains that the network needs weights first.
    #[rhai_fn(name = "trained", return_raw)]
    pub fn trained_without_weights(_network: Architecture, _data: Split) -> Native<Network> {
        without_weights()
    }

    /// (hidden) Explains that the network needs weights first.
    #[rhai_fn(name = "trained", return_raw)]
    pub fn trained_with_without_weights(_network: Architecture, _data: Split, _options: Map) -> Native<Network> {
        without_weights()
    }

    /// The share of samples, from 0 to 1, whose largest output is that of their class.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(net.accuracy(data.test.take(200)) < 0.5);    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn accuracy(context: NativeCallContext, network: Network, data: Split) -> Native<Number> {
        say_identity_norms(&context, &network)?;
        Ok(Number { source: network::accuracy(&network, &data)?, quantity: "accuracy" })
    }

    /// (hidden) Explains that the network needs weights first.
    #[rhai_fn(name = "accuracy", return_raw)]
    pub fn accuracy_without_weights(_network: Architecture, _data: Split) -> Native<Number> {
        without_weights()
    }

    /// The loss of every training step's batch, before the step; for a network that `trained` returned.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let trained = net.trained(data.train.take(300), #{ epochs: 2 });
    /// print(trained.training_losses().len);    // 6
    /// ```
    #[rhai_fn(return_raw)]
    pub fn training_losses(network: Network) -> Native<Curve> {
        let TrainingRun { result, steps, .. } = training_of(&network)?;
        Ok(Curve::of(Measured::LOSS, derive(Derivation::Losses, vec![result.clone()]), *steps))
    }

    /// The accuracy of every epoch, each sample counted before its step; for a network that `trained` returned.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(net.trained(data.train.take(300), #{ epochs: 2 }).training_accuracy().len);    // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn training_accuracy(network: Network) -> Native<Curve> {
        let TrainingRun { result, epochs, .. } = training_of(&network)?;
        Ok(Curve::of(Measured::ACCURACY, derive(Derivation::Accuracies, vec![result.clone()]), *epochs))
    }

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
        let adam = Adam {
            learning_rate: wanted_number(&rate, "the rate")?,
            beta_1: options.number("beta_1")?,
            beta_2: options.number("beta_2")?,
            epsilon: options.number("epsilon")?,
        };
        checked(Optimizer::Adam { adam, weight_decay: options.number("weight_decay")? })
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn optimizer_to_string(optimizer: &mut Optimizer) -> String {
        optimizer.to_string()
    }
}
