//! Training a whole network on labels, and how well it does then.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, Map};

use super::general::wanted_number;
use crate::Error;
use crate::data::Split;
use crate::entropy::{Step, derive};
use crate::kernels::Adam;
use crate::network::{self, Architecture, Loss, Network, Optimizer, Trained, Training};
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

fn training_of(network: &Network) -> Result<&Trained, Error> {
    network.trained().ok_or_else(|| {
        Error::new("the network was not trained in this script").hint("`net.trained(data.train)` gives one that was")
    })
}

fn without_weights<T>() -> Native<T> {
    Err(Error::new("the network has no weights yet").hint("give it some: `.init(#{ weight_var: 1.76 })`").into())
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The network trained on the labels of `data`, from the weights that it has: a network again, which has other
    /// weights, can be shown to a cascade, trained further. Nothing is trained until a result of it is shown. Its outputs
    /// are a row of one number for each class, at least; the largest is its answer. Where it does not train, for the loss
    /// is no finite number any more, it stays as it is, and the losses that would have followed are NaN.
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

    /// The same with options.
    ///
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
        let usual = Training::of(&network);
        let epochs = options.count("epochs")?;
        let epochs = u32::try_from(epochs).map_err(|_| Error::new(format!("{epochs} epochs: at most {}", u32::MAX)))?;
        let optimizer = match options.value("optimizer") {
            None => usual.optimizer,
            Some(value) => value.clone().try_cast::<Optimizer>().ok_or_else(|| {
                Error::new(format!("`trained`: option `optimizer` is an optimizer, got {}", describe(value)))
                    .hint("such as `sgd(0.1)` or `adam(1e-3)`")
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

    /// Says what is missing.
    #[rhai_fn(name = "trained", return_raw)]
    pub fn trained_without_weights(_network: Architecture, _data: Split) -> Native<Network> {
        without_weights()
    }

    /// Says what is missing.
    #[rhai_fn(name = "trained", return_raw)]
    pub fn trained_with_without_weights(_network: Architecture, _data: Split, _options: Map) -> Native<Network> {
        without_weights()
    }

    /// The share of `data` that the network is right about: from 0 to 1, where its largest output is that of the class.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(net.accuracy(data.test.take(200)) < 0.5);    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn accuracy(network: Network, data: Split) -> Native<Number> {
        Ok(Number { source: network::accuracy(&network, &data)? })
    }

    /// Says what is missing.
    #[rhai_fn(name = "accuracy", return_raw)]
    pub fn accuracy_without_weights(_network: Architecture, _data: Split) -> Native<Number> {
        without_weights()
    }

    /// The loss of every training step's batch, before the step, of a network that `trained` made.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let trained = net.trained(data.train.take(300), #{ epochs: 2 });
    /// print(trained.training_losses().len);    // 6
    /// ```
    #[rhai_fn(return_raw)]
    pub fn training_losses(network: Network) -> Native<Curve> {
        let Trained { result, steps, .. } = training_of(&network)?;
        Ok(Curve::new(derive(Step::Losses, vec![result.clone()]), *steps))
    }

    /// The accuracy of every epoch over the samples as they came by, of a network that `trained` made.
    #[rhai_fn(return_raw)]
    pub fn training_accuracy(network: Network) -> Native<Curve> {
        let Trained { result, epochs, .. } = training_of(&network)?;
        Ok(Curve::new(derive(Step::Accuracies, vec![result.clone()]), *epochs))
    }

    /// Stochastic gradient descent at a rate: each parameter goes that much along its gradient.
    #[rhai_fn(name = "sgd", return_raw)]
    pub fn sgd(rate: Dynamic) -> Native<Optimizer> {
        sgd_with(rate, Map::new())
    }

    /// The same with options.
    ///
    /// ```
    /// print(sgd(0.1, #{ momentum: 0.9 }));    // sgd(0.1, momentum 0.9)
    /// ```
    #[rhai_fn(name = "sgd", return_raw)]
    pub fn sgd_with(rate: Dynamic, options: Map) -> Native<Optimizer> {
        let options = SGD.read(&options)?;
        checked(Optimizer::Sgd {
            rate: wanted_number(&rate, "the rate")?,
            momentum: options.number("momentum")?,
            weight_decay: options.number("weight_decay")?,
        })
    }

    /// Adam (Kingma & Ba 2015) at a rate.
    #[rhai_fn(name = "adam", return_raw)]
    pub fn adam(rate: Dynamic) -> Native<Optimizer> {
        adam_with(rate, Map::new())
    }

    /// The same with options.
    ///
    /// ```
    /// print(adam(1e-3, #{ weight_decay: 0.01 }));    // adam(0.001, weight_decay 0.01)
    /// ```
    #[rhai_fn(name = "adam", return_raw)]
    pub fn adam_with(rate: Dynamic, options: Map) -> Native<Optimizer> {
        let options = ADAM.read(&options)?;
        checked(Optimizer::Adam {
            rate: wanted_number(&rate, "the rate")?,
            beta_1: options.number("beta_1")?,
            beta_2: options.number("beta_2")?,
            epsilon: options.number("epsilon")?,
            weight_decay: options.number("weight_decay")?,
        })
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn optimizer_to_string(optimizer: &mut Optimizer) -> String {
        optimizer.to_string()
    }
}
