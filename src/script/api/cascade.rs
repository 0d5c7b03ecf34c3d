//! Cascades and their reconstructions.

use rhai::plugin::*;
use rhai::{Engine, INT, Map};

use super::general::wanted_count;
use super::network::say_identity_norms;
use super::weights::open;
use crate::Error;
use crate::cascade::{AdamSolver, Cascade, Ridge, ideal, reconstruct};
use crate::data::Split;
use crate::entropy::{Measure, curve_of};
use crate::infinite::{self, InfiniteCascade};
use crate::kernels::Adam;
use crate::network::{Architecture, Network};
use crate::output::Pictures;
use crate::script::lazy::Curve;
use crate::script::options::{Key, Spec, Takes};
use crate::script::session::{Native, Session};
use crate::work::Described;

const IDEAL: Spec = Spec {
    function: "ideal",
    keys: &[Key::number("others", 0.0, "output of all other classes; published, of a network that ends in tanh: −1")],
};

pub(super) const CASCADE: Spec = Spec {
    function: "cascade",
    keys: &[
        Key::one_of(
            "solver",
            &["adam", "ridge"],
            "how each reconstruction network is found: \"adam\" trains it step by step, as published; \"ridge\" solves for it \
             at once by ridge regression, as one linear map: that of all layers of a derived inverse together, or, if they are \
             no such map, from all numbers of the block's output to all of its input",
        ),
        Key::number(
            "lambda",
            Ridge::LAMBDA,
            "strength of ridge regression, relative to the scale of the activations; a smaller value finds information \
             deeper. At infinite width it is for layers as wide as the architecture's, and 0.3 if left out",
        ),
        Key::flag(
            "shrink",
            true,
            "of ridge regression: whether reconstructions are shrunk towards the mean for what the map leaves unexplained; \
             those of infinitely wide networks are not, so `false` makes a drawn network comparable with them",
        ),
        Key::count("epochs", AdamSolver::EPOCHS as usize, "passes over the data"),
        Key::computed(
            "batch",
            Takes::Count,
            || format!("`{}`, or `{}` if the network has convolutions", AdamSolver::BATCH, AdamSolver::BATCH_OF_IMAGES),
            "samples per training step",
        ),
        Key::number("learning_rate", Adam::DEFAULT.learning_rate, "Adam's step size"),
        Key::open(
            "seed",
            Takes::Count,
            "the network's seed",
            "seed of the initial weights of the reconstruction networks and of the order of the data",
        ),
        Key::flag("shuffle", true, "whether every epoch has its own random order of the data"),
        Key::flag(
            "relu_at_input",
            false,
            "whether the first block's reconstruction network keeps its final relu, as published, although a relu cannot \
             give the negative numbers of normalised pixels",
        ),
        Key::open(
            "weights",
            Takes::Text,
            "the cascade is trained",
            "a .safetensors file with a saved cascade, which is read in place of training",
        ),
    ],
};
/// The options of `cascade` that describe its training.
const OF_TRAINING: [&str; 5] = ["epochs", "batch", "learning_rate", "seed", "shuffle"];
const RELATIVE: Spec = Spec {
    function: "relative_entropy",
    keys: &[Key::one_of(
        "batch",
        &["median", "mean"],
        "how the samples of the batch are combined into one number per depth",
    )],
};
const DIFFERENTIAL: Spec = Spec {
    function: "differential_entropy",
    keys: &[Key::flag("shift", true, "whether each sample's minimum is subtracted first, as published")],
};

pub(super) const OPTIONS: &[Spec] = &[IDEAL, CASCADE, RELATIVE, DIFFERENTIAL];

/// Samples reconstructed by a cascade, from every depth.
#[derive(Debug, Clone)]
pub struct Reconstruction {
    by: Cascades,
    split: Split,
}

/// The cascade of a drawn or trained network, or of an infinitely wide one.
#[derive(Debug, Clone)]
enum Cascades {
    Drawn(Cascade),
    Infinite(InfiniteCascade),
}

impl Reconstruction {
    /// By the cascade of an infinitely wide network.
    pub fn infinite(cascade: InfiniteCascade, split: Split) -> Self {
        Self { by: Cascades::Infinite(cascade), split }
    }

    /// The reconstructions of an infinitely wide network.
    pub fn of_infinite(&self) -> Result<Described, Error> {
        match &self.by {
            Cascades::Infinite(_) => self.source(self.trunk()),
            Cascades::Drawn(_) => {
                Err(Error::new("only the reconstructions of an infinitely wide network have `trusted`")
                    .hint("`cascade(architecture.infinite(#{ weight_var: 1.76 }), data).reconstruct(data)` makes them"))
            }
        }
    }

    /// The number of depths of a curve.
    pub(super) fn trunk(&self) -> usize {
        match &self.by {
            Cascades::Drawn(cascade) => cascade.network().architecture().trunk(),
            Cascades::Infinite(cascade) => cascade.network().architecture().trunk(),
        }
    }

    /// The greatest depth that is reconstructed from.
    pub(super) fn deepest(&self) -> usize {
        match &self.by {
            Cascades::Drawn(cascade) => cascade.deepest(),
            Cascades::Infinite(_) => self.trunk(),
        }
    }

    fn check_depth(&self, depth: usize) -> Result<(), Error> {
        match &self.by {
            Cascades::Drawn(cascade) => cascade.check_depth(depth),
            Cascades::Infinite(cascade) => cascade.check_depth(depth),
        }
    }

    /// The reconstructions from the depths 1 to `depth`.
    fn source(&self, depth: usize) -> Result<Described, Error> {
        match &self.by {
            Cascades::Drawn(cascade) => reconstruct(cascade, &self.split, depth),
            Cascades::Infinite(cascade) => infinite::reconstruct(cascade, &self.split, depth),
        }
    }

    /// The cascade that reconstructs, for what a network makes of its reconstructions.
    ///
    /// # Errors
    /// When the cascade's network is infinitely wide.
    pub(super) fn cascade(&self) -> Result<&Cascade, Error> {
        match &self.by {
            Cascades::Drawn(cascade) => Ok(cascade),
            Cascades::Infinite(_) => Err(Error::new(
                "`accuracy`, `classes` and `turns` take reconstructions of a drawn or trained network; these are of an \
                 infinitely wide one",
            )
            .hint("draw the network of the cascade: `.init(#{ weight_var: 1.76 })` in place of `.infinite(…)`")),
        }
    }

    /// What is reconstructed.
    pub(super) fn split(&self) -> &Split {
        &self.split
    }

    fn measure(&self, measure: Measure) -> Native<Curve> {
        let trunk = self.trunk();
        Ok(Curve::of(measure.into(), curve_of(self.source(trunk)?, &self.split, trunk, measure), trunk))
    }

    fn pictures(&self, depth: usize, only: bool) -> Native<Pictures> {
        self.check_depth(depth)?;
        // The way back leads through the head only if its depths are asked for.
        let source = self.source(depth.max(self.trunk()))?;
        let depths = if only { depth..=depth } else { 1..=depth };
        Ok(Pictures::reconstructions(source, depths, &self.split))
    }
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Cascade>("Cascade")
        .register_type_with_name::<Reconstruction>("Reconstruction")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// The cascade of a network: a reconstruction network for every block, trained on `data`. Nothing is trained until a
    /// result is shown.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let probe = cascade(net, data.train.take(500));
    /// print(probe.reconstruct(data.test.take(20)).explained_variance());
    /// ```
    #[rhai_fn(return_raw)]
    pub fn cascade(context: NativeCallContext, network: Network, data: Split) -> Native<Cascade> {
        cascade_with(context, network, data, Map::new())
    }

    /// With the option `weights`, `data` only gives the pictures' shape.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let probe = cascade(net, data.train.take(500), #{ solver: "ridge", lambda: 0.1 });
    /// print(probe.reconstruct(data.test.take(20)).explained_variance());
    /// ```
    #[rhai_fn(name = "cascade", return_raw)]
    pub fn cascade_with(context: NativeCallContext, network: Network, data: Split, options: Map) -> Native<Cascade> {
        let options = CASCADE.read(&options)?;
        say_identity_norms(&context, &network)?;
        let usual = AdamSolver::for_network(&network);
        let relu_at_input = options.flag("relu_at_input")?;
        if let Some(path) = options.optional_text("weights")? {
            if let Some(key) = OF_TRAINING.iter().find(|key| options.value(key).is_some()) {
                let error = Error::new(format!("a cascade with `weights` is not trained: `{key}` has no effect"));
                return Err(error.hint(format!("leave out `weights` or `{key}`")).into());
            }
            let file = open(&*Session::from_context(&context)?, &path)?;
            return Ok(Cascade::loaded(network, data, file, relu_at_input)?);
        }
        if options.choice("solver")? == "ridge" {
            if let Some(key) = OF_TRAINING.iter().find(|key| options.value(key).is_some()) {
                let error = Error::new(format!("ridge regression takes no steps: `{key}` has no effect"));
                return Err(error.hint(format!("leave out `{key}`, or `solver`")).into());
            }
            let ridge = Ridge { lambda: options.number("lambda")?, shrink: options.flag("shrink")? };
            return Ok(Cascade::new(network, data, ridge)?);
        }
        if let Some(key) = ["lambda", "shrink"].iter().find(|key| options.value(key).is_some()) {
            let error = Error::new(format!("`{key}` is an option of ridge regression"));
            return Err(error.hint("add `solver: \"ridge\"`").into());
        }
        let epochs = options.count("epochs")?;
        let epochs = u32::try_from(epochs).map_err(|_| Error::new(format!("{epochs} epochs: at most {}", u32::MAX)))?;
        let solver = AdamSolver {
            epochs,
            batch: options.optional_count("batch")?.unwrap_or(usual.batch),
            adam: Adam { learning_rate: options.number("learning_rate")?, ..usual.adam },
            seed: options.optional_seed("seed")?.unwrap_or(usual.seed),
            shuffle: options.flag("shuffle")?,
            relu_at_input,
        };
        Ok(Cascade::new(network, data, solver)?)
    }

    /// (hidden) Explains that the network needs weights first.
    #[rhai_fn(name = "cascade", return_raw)]
    pub fn cascade_without_weights(_network: Architecture, _data: Split) -> Native<Cascade> {
        Err(Error::new("the network has no weights yet").hint("give it some: `.init(#{ weight_var: 1.76 })`").into())
    }

    /// Reconstructs samples from every depth: they go through the network to that depth, and back through the cascade.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let found = cascade(net, data.train.take(500)).reconstruct(data.test.take(20));
    /// images(found.all(), #{ labels: "depth" }).save("digits.png");
    /// ```
    #[rhai_fn(name = "reconstruct", return_raw)]
    pub fn reconstruct_split(cascade: Cascade, data: Split) -> Native<Reconstruction> {
        // Fails here, where the script calls it, if there is nothing to reconstruct.
        reconstruct(&cascade, &data, 1)?;
        Ok(Reconstruction { by: Cascades::Drawn(cascade), split: data })
    }

    /// The input that the cascade reconstructs from the ideal answer for a class: output 1 for the class, 0 for all others.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let probe = cascade(net, data.train.take(500));
    /// images(range(0, 10).map(|k| probe.ideal(k)), #{ columns: 5 }).save("ideals.png");
    /// ```
    #[rhai_fn(name = "ideal", return_raw)]
    pub fn ideal_of(cascade: Cascade, class: INT) -> Native<Pictures> {
        ideal_with(cascade, class, Map::new())
    }

    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let probe = cascade(net, data.train.take(500));
    /// images(range(0, 10).map(|k| probe.ideal(k, #{ others: -1 })), #{ columns: 5 }).save("ideals.png");
    /// ```
    #[rhai_fn(name = "ideal", return_raw)]
    pub fn ideal_with(cascade: Cascade, class: INT, options: Map) -> Native<Pictures> {
        let others = IDEAL.read(&options)?.number("others")?;
        if !(others as f32).is_finite() {
            return Err(Error::new(format!("`ideal`: others is {others}; it is a finite number")).into());
        }
        let source = ideal(&cascade, wanted_count(class, "a class")?, others)?;
        Ok(Pictures::single(source, cascade.split()))
    }

    /// The training losses of block `l`, counted from 1: the mean squared error of every step's batch, before the step.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// lines(cascade(net, data.train.take(640)).losses(1), #{ y: "loss" }).save("losses.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn losses(cascade: Cascade, l: INT) -> Native<Curve> {
        let l = wanted_count(l, "the block")?;
        cascade.check_losses(l)?;
        Ok(Curve::losses(&cascade, l))
    }

    /// The Kullback–Leibler divergence of the reconstructions from their inputs, in nats, at every depth: the median over the
    /// samples. It rises as information is lost.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let found = cascade(net, data.train.take(500)).reconstruct(data.test.take(20));
    /// print(found.relative_entropy(#{ batch: "mean" }).len);    // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn relative_entropy(reconstruction: Reconstruction) -> Native<Curve> {
        reconstruction.measure(Measure::Relative)
    }

    #[rhai_fn(name = "relative_entropy", return_raw)]
    pub fn relative_entropy_with(reconstruction: Reconstruction, options: Map) -> Native<Curve> {
        let curve = reconstruction.measure(Measure::Relative)?;
        Ok(if RELATIVE.read(&options)?.choice("batch")? == "mean" { curve.batch_mean() } else { curve })
    }

    /// The differential entropy of the reconstructions, in nats, at every depth: the mean over pixels of ½ ln 2πe + ln σ, with
    /// σ the standard deviation over the samples, after each sample is shifted to a minimum of 0 and divided by its sum. It
    /// falls as the reconstructions of different inputs become alike.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(cascade(net, data.train.take(500)).reconstruct(data.test.take(20)).differential_entropy().len);    // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn differential_entropy(reconstruction: Reconstruction) -> Native<Curve> {
        reconstruction.measure(Measure::Differential)
    }

    #[rhai_fn(name = "differential_entropy", return_raw)]
    pub fn differential_entropy_with(reconstruction: Reconstruction, options: Map) -> Native<Curve> {
        let shift = DIFFERENTIAL.read(&options)?.flag("shift")?;
        reconstruction.measure(if shift { Measure::Differential } else { Measure::DifferentialUnshifted })
    }

    /// The entropy of the normalised Gram matrix of the reconstructions at every depth, from 0 (all alike) to 1.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(cascade(net, data.train.take(500)).reconstruct(data.test.take(20)).gram_entropy().len);    // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn gram_entropy(reconstruction: Reconstruction) -> Native<Curve> {
        reconstruction.measure(Measure::Gram)
    }

    /// The share of the inputs' variance that the reconstructions explain at every depth: 1 is perfect, 0 is no better than
    /// the mean picture.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(cascade(net, data.train.take(500)).reconstruct(data.test.take(20)).explained_variance().len);    // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn explained_variance(reconstruction: Reconstruction) -> Native<Curve> {
        reconstruction.measure(Measure::ExplainedVariance)
    }

    /// The mean squared error per pixel at every depth: the median over the samples.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(cascade(net, data.train.take(500)).reconstruct(data.test.take(20)).mse().len);    // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn mse(reconstruction: Reconstruction) -> Native<Curve> {
        reconstruction.measure(Measure::SquaredError)
    }

    /// The pictures that are reconstructed from one depth.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// images(cascade(net, data.train.take(500)).reconstruct(data.test.take(9)).at(2), #{ columns: 3 }).save("at2.png");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn at(reconstruction: Reconstruction, depth: INT) -> Native<Pictures> {
        let depth = wanted_count(depth, "the depth")?;
        reconstruction.pictures(depth, true)
    }

    /// The pictures that are reconstructed from every depth, the shallowest first.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// images(cascade(net, data.train.take(500)).reconstruct(data.test.take(9)).all()).save("all.png");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn all(reconstruction: Reconstruction) -> Native<Pictures> {
        reconstruction.pictures(reconstruction.deepest(), false)
    }
}
