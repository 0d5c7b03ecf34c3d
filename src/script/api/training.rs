//! Training of a whole network on labels, and its accuracy.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, FnPtr, INT, Map};

use super::curve::now;
use super::general::{AnyNumber, wanted_number};
use super::network::say_identity_norms;
use crate::Error;
use crate::data::Split;
use crate::entropy::{Derivation, Measured, derive};
use crate::kernels::Adam;
use crate::network::{
    self, Architecture, Augmentation, DECOUPLED_DECAY, Loss, Network, Optimizer, Schedule, Stop, Target, Training,
    TrainingRun,
};
use crate::script::lazy::{Curve, Number};
use crate::script::options::{Key, Options, Spec, Takes, describe, number};
use crate::script::session::Native;

const TRAINED: Spec = Spec {
    function: "trained",
    keys: &[
        Key::count("epochs", Training::EPOCHS as usize, "passes over the data"),
        Key::count("batch", Training::BATCH, "samples per training step"),
        Key::computed(
            "optimizer",
            Takes::Other("an `Optimizer`: `sgd(…)`, `adam(…)` or `adamw(…)`"),
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
        Key::open(
            "schedule",
            Takes::Other("a `Schedule` such as `cosine()`, or a closure of the step's number, from 1"),
            "the same rate at every step",
            "factors of the optimizer's rate: the closure is called for every step when the training is described",
        ),
        Key::open(
            "clip",
            Takes::Number,
            "any length",
            "the largest norm of the gradient by all weights together; a longer one is scaled",
        ),
        Key::number("label_smoothing", 0.0, "the share of a label's probability that is spread over all classes"),
        Key::open(
            "augment",
            Takes::Other("a map with `flip: true`, `shift: pixels` and `crop: pixels`, or some of these"),
            "the pictures as they are",
            "random changes of every picture before a step: mirrored, left to right; moved by up to so many pixels, beside which it is 0; a window so many pixels smaller, enlarged",
        ),
        Key::open(
            "validation",
            Takes::Other("a `Split` with labels"),
            "none",
            "samples whose loss and accuracy are measured after every epoch",
        ),
        Key::open(
            "target",
            Takes::Other("a map with `accuracy: share`, `loss: number` or both"),
            "all epochs",
            "ends the training after the epoch that reaches this, on the validation or else on the samples as they were seen",
        ),
        Key::open(
            "patience",
            Takes::Count,
            "all epochs",
            "ends the training after so many epochs without a lower loss, of the validation or else of the samples as they were seen",
        ),
        Key::open("steps", Takes::Count, "all of all epochs", "ends the training after so many steps"),
        Key::open(
            "seconds",
            Takes::Number,
            "no budget of time",
            "refused: numbers that depend on a machine's speed are not those of another run; `steps` ends a training at the same step everywhere",
        ),
    ],
};
const AUGMENT: Spec = Spec {
    function: "augment",
    keys: &[
        Key::flag("flip", false, "whether every second picture is mirrored"),
        Key::count("shift", 0, "most pixels by which a picture moves"),
        Key::count("crop", 0, "pixels by which a window is smaller"),
    ],
};
const TARGET: Spec = Spec {
    function: "target",
    keys: &[
        Key::open("accuracy", Takes::Number, "any", "the least share of right answers, from 0 to 1"),
        Key::open("loss", Takes::Number, "any", "the largest mean loss"),
    ],
};
const WEIGHT_DECAY: Key = Key::number("weight_decay", 0.0, "this times the parameter is added to its gradient");
const BETA_1: Key =
    Key::number("beta_1", Adam::DEFAULT.beta_1, "share of the gradients' running mean that a step keeps");
const BETA_2: Key =
    Key::number("beta_2", Adam::DEFAULT.beta_2, "share of the running mean of their squares that a step keeps");
const EPSILON: Key = Key::number("epsilon", Adam::DEFAULT.epsilon, "added to the root of the mean square");
const SGD: Spec = Spec {
    function: "sgd",
    keys: &[
        Key::number("momentum", 0.0, "share of the last step that the next one keeps"),
        Key::flag("nesterov", false, "whether the gradient counts as if the momentum's step had been taken"),
        WEIGHT_DECAY,
    ],
};
const ADAMW: Spec = Spec {
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
const ADAM: Spec = Spec { function: "adam", keys: &[BETA_1, BETA_2, EPSILON, WEIGHT_DECAY] };

pub(super) const OPTIONS: &[Spec] = &[TRAINED, SGD, ADAM, ADAMW];

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Optimizer>("Optimizer")
        .register_type_with_name::<Schedule>("Schedule")
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

fn loss_named(name: &str) -> Result<Loss, Error> {
    Loss::ALL.iter().find(|(known, _)| *known == name).map(|(_, loss)| *loss).ok_or_else(|| {
        let names: Vec<String> = Loss::ALL.iter().map(|(name, _)| format!("{name:?}")).collect();
        Error::new(format!("there is no loss {name:?}; there are {}", names.join(" and ")))
    })
}

/// The value of an option that is of type `T`; `example` shows one.
fn of_type<T: Clone + 'static>(
    options: &Options<'_>,
    key: &str,
    what: &str,
    example: &str,
) -> Result<Option<T>, Error> {
    let Some(value) = options.value(key) else { return Ok(None) };
    value.clone().try_cast::<T>().map(Some).ok_or_else(|| {
        Error::new(format!("`trained`: option `{key}` must be {what}, got {}", describe(value)))
            .hint(format!("for example `{example}`"))
    })
}

/// The schedule of the options, for a training of so many steps.
fn schedule_of(context: &NativeCallContext<'_>, options: &Options<'_>, steps: usize) -> Native<Schedule> {
    let closure = options.value("schedule").and_then(|value| value.read_lock::<FnPtr>().map(|closure| closure.clone()));
    let Some(closure) = closure else {
        let what = "a `Schedule` or a closure of the step";
        return Ok(of_type(options, "schedule", what, "cosine().warm_up(100)")?.unwrap_or_default());
    };
    let factor = |step: usize| -> Native<f64> {
        let value = closure.call_within_context::<Dynamic>(context, (step as INT,))?;
        Ok(number(&value).ok_or_else(|| {
            Error::new(format!("the schedule's factor of step {step} must be a number, got {}", describe(&value)))
        })?)
    };
    Ok(Schedule::factors((1..=steps).map(factor).collect::<Native<_>>()?)?)
}

fn augmentation_of(options: &Options<'_>) -> Result<Augmentation, Error> {
    let Some(map) = of_type::<Map>(options, "augment", "a map", "augment: #{ flip: true, shift: 2 }")? else {
        return Ok(Augmentation::default());
    };
    let options = AUGMENT.read(&map)?;
    Ok(Augmentation { flip: options.flag("flip")?, shift: options.count("shift")?, crop: options.count("crop")? })
}

fn target_of(options: &Options<'_>) -> Result<Option<Target>, Error> {
    let Some(map) = of_type::<Map>(options, "target", "a map", "target: #{ accuracy: 0.4 }")? else { return Ok(None) };
    let options = TARGET.read(&map)?;
    Ok(Some(Target { accuracy: options.optional_number("accuracy")?, loss: options.optional_number("loss")? }))
}

/// A batch that the script asks for, of a training on so many samples.
fn check_batch(options: &Options<'_>, batch: usize, samples: usize) -> Result<(), Error> {
    if options.value("batch").is_some() && batch > samples {
        return Err(Error::new(format!("`trained`: batch is {batch}, the data has {samples} samples"))
            .hint("without the option, a batch holds all samples where there are fewer than 100"));
    }
    Ok(())
}

/// What `trained` gives.
pub(super) fn trained_as(
    context: &NativeCallContext<'_>,
    network: &Network,
    data: &Split,
    options: &Map,
) -> Native<Network> {
    let options = TRAINED.read(options)?;
    if options.value("seconds").is_some() {
        let message =
            "`trained` takes no `seconds`: numbers that depend on a machine's speed are not those of another run";
        let hint = "`steps: 2000` or `epochs: 5` ends a training at the same step everywhere";
        return Err(Error::new(message).hint(hint).into());
    }
    let usual = Training::for_network(network);
    let epochs = options.count("epochs")?;
    let epochs = u32::try_from(epochs).map_err(|_| Error::new(format!("{epochs} epochs: at most {}", u32::MAX)))?;
    let mut training = Training {
        epochs,
        batch: options.count("batch")?,
        optimizer: of_type(&options, "optimizer", "an optimizer", "sgd(0.1)` or `adam(1e-3)")?
            .unwrap_or(usual.optimizer),
        loss: loss_named(options.choice("loss")?)?,
        seed: options.optional_seed("seed")?.unwrap_or(usual.seed),
        shuffle: options.flag("shuffle")?,
        label_smoothing: options.number("label_smoothing")?,
        clip: options.optional_number("clip")?,
        augment: augmentation_of(&options)?,
        validation: of_type(&options, "validation", "a split", "validation: data.test.take(500)")?,
        target: target_of(&options)?,
        patience: options.optional_count("patience")?,
        steps: options.optional_count("steps")?,
        schedule: Schedule::constant(),
    };
    check_batch(&options, training.batch, data.len())?;
    training.check()?;
    training.schedule = schedule_of(context, &options, training.steps_and_epochs(data.len()).0)?;
    Ok(network::train(network, data, training)?)
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
    /// least one output per class; the largest output is its answer.
    ///
    /// A training has diverged if its loss or gradient is no finite number any more, if its gradient is almost 0 in a whole epoch
    /// whose loss is no lower than at first, or if the loss of an epoch is more than 1000 times that at first. It ends with a
    /// warning, and all that follows from the network is NaN, which figures mark as such. `training_end` says so, too.
    ///
    /// A training that is killed goes on from its last checkpoint, at most a minute old, when the script is run again, with the
    /// same numbers.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let trained = net.trained(data.train.take(500), #{ epochs: 2, optimizer: adam(1e-3) });
    /// print(trained.accuracy(data.test.take(100)) > net.accuracy(data.test.take(100)));    // true
    /// ```
    #[rhai_fn(name = "trained", return_raw)]
    pub fn trained(context: NativeCallContext, network: Network, data: Split) -> Native<Network> {
        trained_with(context, network, data, Map::new())
    }

    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let options = #{ epochs: 1, batch: 64, optimizer: sgd(0.1, #{ momentum: 0.9 }), loss: "softmax_twice", seed: 1 };
    /// let probe = cascade(net.trained(data.train.take(300), options), data.train.take(300));
    /// print(probe.reconstruct(data.test.take(20)).explained_variance());
    /// ```
    #[rhai_fn(name = "trained", return_raw)]
    pub fn trained_with(context: NativeCallContext, network: Network, data: Split, options: Map) -> Native<Network> {
        trained_as(&context, &network, &data, &options)
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

    /// The share of samples, from 0 to 1, whose largest output is that of their class; NaN for a network whose training diverged.
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

    /// What a training recorded, for a network that `trained` returned: a map of curves. Over steps: `loss`, `rate`, and
    /// `gradient_norm`, before it is clipped; over epochs: `epoch_loss` and `accuracy` of the samples as they were seen, and with
    /// a validation `validation_loss` and `validation_accuracy`. Numbers of steps that were not taken are NaN.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let options = #{ epochs: 2, batch: 50, schedule: one_cycle(), validation: data.test.take(100) };
    /// let history = net.trained(data.train.take(300), options).training_history();
    /// print(history.rate.len);    // 12
    /// lines(history.validation_accuracy, #{ title: "Accuracy" }).save("accuracy.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn training_history(network: Network) -> Native<Map> {
        let TrainingRun { result, steps, epochs, has_validation } = training_of(&network)?;
        let curves = [
            ("loss", "loss", Measured::LOSS, *steps),
            ("rate", "rate", Measured::RATE, *steps),
            ("gradient_norm", "gradient_norm", Measured::GRADIENT_NORM, *steps),
            ("epoch_loss", "epoch_loss", Measured::EPOCH_LOSS, *epochs),
            ("accuracy", "epoch_accuracy", Measured::ACCURACY, *epochs),
            ("validation_loss", "validation_loss", Measured::EPOCH_LOSS, *epochs),
            ("validation_accuracy", "validation_accuracy", Measured::ACCURACY, *epochs),
        ];
        let curves = curves.into_iter().take(if *has_validation { 7 } else { 5 });
        let curve = |(name, array, measured, length): (&str, &'static str, Measured, usize)| {
            let derivation = Derivation::History { array };
            (name.into(), Dynamic::from(Curve::of(measured, derive(derivation, vec![result.clone()]), length)))
        };
        Ok(curves.map(curve).collect())
    }

    /// Why and when a training ended, for a network that `trained` returned. It is trained for this at once.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let options = #{ epochs: 9, optimizer: adam(1e-2), target: #{ accuracy: 0.5 } };
    /// print(net.trained(data.train.take(1000), options).training_end());
    /// ```
    #[rhai_fn(return_raw)]
    pub fn training_end(context: NativeCallContext, network: Network) -> Native<String> {
        let TrainingRun { result, .. } = training_of(&network)?;
        let (stop, steps) = Stop::of(&*now(&context, "the end of a training", result)?)?;
        Ok(stop.in_words(steps))
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

    /// The optimizer's rate at every step: the schedule of a training that has none.
    ///
    /// ```
    /// print(constant().warm_up(100));    // constant().warm_up(100)
    /// ```
    #[rhai_fn(name = "constant")]
    pub fn constant() -> Schedule {
        Schedule::constant()
    }

    /// A schedule that multiplies the rate by `factor` after every `epochs` epochs.
    ///
    /// ```
    /// print(step_decay(30, 0.1));    // step_decay(30, 0.1)
    /// ```
    #[rhai_fn(name = "step_decay", return_raw)]
    pub fn step_decay(epochs: INT, factor: AnyNumber) -> Native<Schedule> {
        let epochs = usize::try_from(epochs).unwrap_or(0);
        Ok(Schedule::steps(epochs, wanted_number(&factor, "the factor")?)?)
    }

    /// A schedule along half a cosine, from the optimizer's rate to 0 (Loshchilov & Hutter 2017).
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let options = #{ epochs: 2, optimizer: adam(1e-2), schedule: cosine().warm_up(4) };
    /// print(net.trained(data.train.take(500), options).training_losses().last < 2.3);    // true
    /// ```
    #[rhai_fn(name = "cosine", return_raw)]
    pub fn cosine() -> Native<Schedule> {
        Ok(Schedule::cosine(0.0)?)
    }

    /// The same to the factor `to`.
    #[rhai_fn(name = "cosine", return_raw)]
    pub fn cosine_to(to: AnyNumber) -> Native<Schedule> {
        Ok(Schedule::cosine(wanted_number(&to, "the last factor")?)?)
    }

    /// A schedule of one cycle (Smith & Topin 2018): from a 25th of the optimizer's rate up to it over the first 30% of the
    /// steps, then down to a 250,000th, along half cosines. These are PyTorch's defaults, without its cycle of the momentum.
    ///
    /// ```
    /// print(one_cycle());    // one_cycle()
    /// ```
    #[rhai_fn(name = "one_cycle")]
    pub fn one_cycle() -> Schedule {
        Schedule::one_cycle()
    }

    /// The schedule behind so many steps in which the rate rises in equal parts to the schedule's first one.
    ///
    /// ```
    /// print(cosine().warm_up(100));    // cosine().warm_up(100)
    /// ```
    #[rhai_fn(name = "warm_up", return_raw)]
    pub fn warm_up(schedule: Schedule, steps: INT) -> Native<Schedule> {
        let steps = usize::try_from(steps).map_err(|_| Error::new(format!("a warm-up of {steps} steps")))?;
        Ok(schedule.warm_up(steps))
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn schedule_to_string(schedule: &mut Schedule) -> String {
        schedule.to_string()
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn optimizer_to_string(optimizer: &mut Optimizer) -> String {
        optimizer.to_string()
    }
}
