//! Training of a whole network on labels, and its accuracy.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, FnPtr, INT, Map};

use super::curve::now;
use super::network::say_identity_norms;
use super::{optimizer, schedule};
use crate::Error;
use crate::data::Split;
use crate::entropy::{Derivation, Measured, derive};
use crate::network::{
    self, Architecture, Augmentation, Loss, Network, Optimizer, Schedule, Stop, Target, Training, TrainingRun,
};
use crate::script::lazy::{Curve, Number};
use crate::script::options::{Key, Options, Spec, Takes, describe, number};
use crate::script::session::Native;
use crate::words::counted;

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
            "seed of the order of the data, of what `dropout` leaves out and of `augment`",
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
            "random changes of every picture before a step: `flip` mirrors half of them, left to right; `shift` moves each by up to so many pixels and fills with 0; `crop` enlarges a window so many pixels smaller",
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
        Key::flag("flip", false, "whether half of the pictures, at random, are mirrored"),
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

pub(super) const OPTIONS: &[Spec] = &[TRAINED, optimizer::SGD, optimizer::ADAM, optimizer::ADAMW];

pub(super) fn register(engine: &mut Engine) {
    optimizer::register(engine);
    schedule::register(engine);
    engine.register_global_module(rhai::exported_module!(functions).into());
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

/// Refuses a batch of the script's own that is larger than the data.
fn check_batch(options: &Options<'_>, batch: usize, samples: usize) -> Result<(), Error> {
    if options.value("batch").is_some() && batch > samples {
        return Err(Error::new(format!("`trained`: batch is {batch}, the data has {}", counted(samples, "sample")))
            .hint(format!(
                "without the option, a batch holds all samples where there are fewer than {}",
                Training::BATCH
            )));
    }
    Ok(())
}

/// The network that `trained` returns.
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

#[export_module]
mod functions {
    /// The network after training on the labels of `data`, starting from its own weights. The result is a network like any
    /// other: it can be given to a cascade, or trained further. Nothing is trained until a result is shown. The network has at
    /// least one output per class; the largest output is its answer.
    ///
    /// A training has diverged if its loss or gradient is no finite number any more, if its gradient is almost 0 in a whole epoch
    /// whose loss is no lower than at first, or if the loss of an epoch is more than 1000 times that at first and that of chance. It
    /// ends with a warning, and all that follows from the network is NaN, which figures mark as such. `training_end` says so, too.
    ///
    /// A training that is killed goes on from its last checkpoint when the script is run again, with the same numbers. A checkpoint
    /// is at most a minute old unless `--checkpoint-every` is longer.
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
    /// a validation `validation_loss` and `validation_accuracy`. Numbers of steps that were not taken, and of epochs that were not
    /// finished, are NaN.
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
}
