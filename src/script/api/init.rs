//! Initial weights: schemes, and networks, blocks and layers that are drawn by them.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, FnPtr, INT, Map};

use super::general::{AnyNumber, wanted_number};
use crate::Error;
use crate::network::{Architecture, Block, Distribution, Init, Layer, Network, OwnSchemes, Scheme, Schemes, Variance};
use crate::script::options::{Key, Options, Spec, Takes, describe, number, settled};
use crate::script::session::Native;

const WEIGHT_VAR: Key = Key::open(
    "weight_var",
    Takes::Other("a number, or a closure of the block's number"),
    "required, unless `weights` is given",
    "σ_w²: weights are normal with variance σ_w² / fan-in. Critical for tanh at bias_var 0.05: 1.76",
);
const BIAS_VAR: Key = Key::open(
    "bias_var",
    Takes::Other("a number, or a closure of the block's number"),
    "`0`",
    "σ_b²: biases are normal with this variance",
);
const WEIGHTS: Key = Key::open(
    "weights",
    Takes::Other("a scheme, or a closure of the block's number"),
    "normal weights of `weight_var`",
    "what weights are drawn from, such as `orthogonal(1)` or `he()`",
);
const BIASES: Key = Key::open(
    "biases",
    Takes::Other("a scheme, or a closure of the block's number"),
    "normal biases of `bias_var`",
    "what biases are drawn from: `gaussian(v)`, `uniform(v)` or `truncated(v)` of variance v",
);
const SEED: Key = Key::count("seed", 0, "seed of the weights and biases; of a network only");
const INIT: Spec = Spec { function: "init", keys: &[WEIGHT_VAR, BIAS_VAR, WEIGHTS, BIASES, SEED] };
pub(super) const INFINITE: Spec = Spec { function: "infinite", keys: &[WEIGHT_VAR, BIAS_VAR, WEIGHTS, BIASES] };

pub(super) const OPTIONS: &[Spec] = &[INIT];

pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Scheme>("Scheme").register_global_module(rhai::exported_module!(functions).into());
}

/// What an `init` draws the weights of.
enum Place<'a> {
    /// A network of so many blocks, whose closures are called here.
    Network(&'a NativeCallContext<'a>, usize),
    /// A block or a layer.
    Part,
}

impl Place<'_> {
    /// The schemes that an option gives: one value, or a closure's for every block.
    fn schemes(
        &self,
        options: &Options<'_>,
        key: &str,
        read: impl Fn(&Dynamic, &str) -> Result<Scheme, Error>,
    ) -> Native<Option<Schemes>> {
        let Some(value) = options.value(key) else { return Ok(None) };
        let Some(closure) = value.read_lock::<FnPtr>() else { return Ok(Some(Schemes::All(read(value, key)?))) };
        let Self::Network(context, depth) = self else {
            let error = Error::new(format!("`init`: option `{key}` of a layer or a block is a value, got a closure"));
            return Err(error.hint("a closure of the block's number is for a whole network: `net.init(…)`").into());
        };
        let of_block = |l: usize| {
            let value = closure.call_within_context::<Dynamic>(context, (l as INT,))?;
            Ok(read(&value, &format!("{key} of block {l}"))?)
        };
        Ok(Some(Schemes::by_block((1..=*depth).map(of_block).collect::<Native<_>>()?)))
    }

    /// The schemes of weights or of biases, from the option of their variance or from that of their scheme.
    fn either(&self, options: &Options<'_>, variance: &str, scheme: &str) -> Native<Option<Schemes>> {
        if options.value(variance).is_some() && options.value(scheme).is_some() {
            let error =
                Error::new(format!("`init`: `{variance}` and `{scheme}` both say what {scheme} are drawn from"));
            return Err(error
                .hint(format!("leave one of them out; `{variance}: v` is `{scheme}: gaussian(v)`"))
                .into());
        }
        let by_variance = self.schemes(options, variance, |value, what| {
            let value = settled(value)?;
            let variance = number(&value).ok_or_else(|| not_a("a number", what, &value))?;
            let scheme = Scheme::gaussian(variance);
            scheme.check(what)?;
            Ok(scheme)
        })?;
        let by_scheme = self.schemes(options, scheme, |value, what| {
            value.clone().try_cast::<Scheme>().ok_or_else(|| {
                let error = not_a("a scheme", what, value);
                match number(value) {
                    Some(_) => error.hint(format!("a variance is given by `{variance}`")),
                    None => error.hint("such as `orthogonal(1)`, `he()` or `gaussian(1.76)`"),
                }
            })
        })?;
        Ok(by_variance.or(by_scheme))
    }
}

fn not_a(wanted: &str, what: &str, value: &Dynamic) -> Error {
    Error::new(format!("`init`: option `{what}` must be {wanted}, got {}", describe(value)))
}

/// The rule for a network's initial weights, with seed 0.
fn init_of(
    context: &NativeCallContext<'_>,
    architecture: &Architecture,
    options: &Options<'_>,
    function: &str,
) -> Native<Init> {
    let place = Place::Network(context, architecture.depth());
    let Some(weights) = place.either(options, "weight_var", "weights")? else {
        return Err(Error::new(format!("`{function}` needs the option `weight_var` or `weights`"))
            .hint(
                "`weight_var`, a number: σ_w², the variance of the weights times the fan-in; or `weights`, a scheme such as \
                 `orthogonal(1)`",
            )
            .into());
    };
    let biases = place.either(options, "bias_var", "biases")?;
    Ok(Init { weights, biases: biases.unwrap_or(Schemes::All(Scheme::gaussian(0.0))), seed: 0 })
}

/// The rule for the weights of an infinitely wide network, of which only the variances count.
pub(super) fn infinite_init(
    context: &NativeCallContext<'_>,
    architecture: &Architecture,
    options: &Map,
) -> Native<Init> {
    init_of(context, architecture, &INFINITE.read(options)?, "infinite")
}

/// The schemes of a layer or a block.
fn own_schemes(options: &Map) -> Native<OwnSchemes> {
    let options = INIT.read(options)?;
    if options.value("seed").is_some() {
        let error = Error::new("`init`: a layer or a block has no seed of its own");
        return Err(error.hint("the seed is the network's: `net.init(#{ weight_var: 1.76, seed: 1 })`").into());
    }
    let of = |variance, scheme| Place::Part.either(&options, variance, scheme);
    let [weights, biases] = [of("weight_var", "weights")?, of("bias_var", "biases")?];
    let [weights, biases] = [weights, biases].map(|schemes| schemes.and_then(|schemes| schemes.shared()));
    let schemes = OwnSchemes { weights, biases };
    if schemes == OwnSchemes::default() {
        return Err(Error::new("`init` without an option changes nothing")
            .hint("say what to draw: `.init(#{ weights: orthogonal(1) })`")
            .into());
    }
    Ok(schemes)
}

fn checked(scheme: Scheme, what: &str) -> Native<Scheme> {
    scheme.check(&format!("the {what} of `{scheme}`"))?;
    Ok(scheme)
}

fn scaled(distribution: Distribution, variance: &Dynamic) -> Native<Scheme> {
    checked(Scheme::scaled(distribution, wanted_number(variance, "the variance")?), "variance")
}

/// Of a distribution by its name.
fn named(variance: Variance, distribution: &str) -> Native<Scheme> {
    let named = Distribution::ALL.into_iter().find(|known| known.name() == distribution);
    let distribution = named.ok_or_else(|| {
        let names = Distribution::ALL.map(|known| format!("\"{}\"", known.name())).join(", ");
        Error::new(format!("there is no distribution {distribution:?}")).hint(format!("the distributions are {names}"))
    })?;
    Ok(Scheme::Independent { distribution, variance })
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The network with random initial weights, by default W ~ N(0, σ_w² / fan-in), b ~ N(0, σ_b²); `weights` and `biases`
    /// name other schemes. They are drawn when they are needed, and are the same on every device.
    ///
    /// ```
    /// let net = mlp::wide(784, 10, 30).init(#{ weight_var: 1.76, bias_var: 0.05, seed: 0 });
    /// let other = mlp::wide(784, 10, 30).init(#{ weights: orthogonal(1.33), bias_var: 0.05 });
    /// let rising = mlp::wide(784, 10, 30).init(#{ weight_var: |l| 1.0 + 0.1 * l });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn init(context: NativeCallContext, architecture: Architecture, options: Map) -> Native<Network> {
        let options = INIT.read(&options)?;
        let init = init_of(&context, &architecture, &options, "init")?;
        Ok(Network::new(architecture, Init { seed: options.seed("seed")?, ..init })?)
    }

    /// The layer, or the block, with initial weights of its own, which win over those of the block or the network.
    ///
    /// ```
    /// let first = block([linear(49, 100).init(#{ weights: orthogonal(1) }), tanh()]);
    /// let second = block([linear(100, 10), tanh()]).init(#{ weight_var: 1.0 });
    /// let net = network([49], [first, second]).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// ```
    #[rhai_fn(name = "init", return_raw)]
    pub fn layer_init(layer: Layer, options: Map) -> Native<Layer> {
        let schemes = own_schemes(&options)?;
        if !layer.is_drawn() {
            return Err(Error::new(format!("{layer} has no initial weights to draw")).into());
        }
        Ok(layer.with_schemes(schemes, true)?)
    }

    #[rhai_fn(name = "init", return_raw)]
    pub fn block_init(block: Block, options: Map) -> Native<Block> {
        Ok(block.with_schemes(own_schemes(&options)?)?)
    }

    /// (hidden) Explains that a network has its weights already.
    #[rhai_fn(name = "init", return_raw)]
    pub fn init_again(_network: Network, _options: Map) -> Native<Network> {
        Err(Error::new("the network has its weights already")
            .hint("keep the network without weights, and give it each of them: `let net = mlp::wide(49, 10, 5); let a = net.init(…);`")
            .into())
    }

    /// A scheme for `init`: normal numbers of mean 0, weights of variance `variance` / fan-in, biases of variance `variance`.
    ///
    /// ```
    /// let net = mlp::wide(784, 10, 30).init(#{ weights: gaussian(1.76), biases: gaussian(0.05) });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn gaussian(variance: AnyNumber) -> Native<Scheme> {
        scaled(Distribution::Gaussian, &variance)
    }

    /// A scheme for `init`: uniform numbers of mean 0, weights of variance `variance` / fan-in, biases of variance `variance`.
    /// (`uniform(shape, seed)` is a tensor, `uniform(low, high)` a distribution for `random` and `sobol`.)
    ///
    /// ```
    /// let net = mlp::wide(784, 10, 30).init(#{ weights: uniform(1.76) });
    /// ```
    #[rhai_fn(name = "uniform", return_raw)]
    pub fn uniform_scheme(variance: AnyNumber) -> Native<Scheme> {
        scaled(Distribution::Uniform, &variance)
    }

    /// A scheme for `init`: normal numbers, drawn again beyond two standard deviations, and scaled so that weights have the
    /// variance `variance` / fan-in and biases `variance`.
    ///
    /// ```
    /// let net = mlp::wide(784, 10, 30).init(#{ weights: truncated(1.76) });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn truncated(variance: AnyNumber) -> Native<Scheme> {
        scaled(Distribution::Truncated, &variance)
    }

    /// A scheme for `init`: `gain` times a uniformly distributed orthogonal matrix (Saxe, McClelland & Ganguli 2014), Q of the
    /// QR decomposition of a normal matrix with the signs that make R's diagonal positive. A matrix that is not square has
    /// orthonormal rows or columns, whichever are fewer; all its singular values are `gain`. The kernel of a convolution is the
    /// matrix [outputs, inputs × pixels], one for each group.
    ///
    /// Wide square layers have the lengths and correlations of normal weights with σ_w² = gain², so mean-field theory holds
    /// for them; the singular values of a product of layers are others.
    ///
    /// ```
    /// let net = mlp::wide(784, 10, 30).init(#{ weights: orthogonal(1.33), bias_var: 0.05 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn orthogonal(gain: AnyNumber) -> Native<Scheme> {
        checked(Scheme::Orthogonal { gain: wanted_number(&gain, "the gain")? }, "gain")
    }

    /// A scheme for `init`: convolutions are `gain` times an orthogonal matrix at the central pixel of their kernel and 0
    /// elsewhere (Xiao et al. 2018, arXiv:1806.05393), so they keep the length of every input. A kernel of several
    /// pixels with fewer outputs than inputs cannot. Of an even kernel the pixel before the centre counts; linear layers and
    /// kernels of one pixel are `orthogonal`.
    ///
    /// ```
    /// let net = conv::plain([1, 28, 28], 16, 10, 20).init(#{ weights: delta_orthogonal(1.02), bias_var: 2e-5 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn delta_orthogonal(gain: AnyNumber) -> Native<Scheme> {
        checked(Scheme::DeltaOrthogonal { gain: wanted_number(&gain, "the gain")? }, "gain")
    }

    /// A scheme for `init`: weights of variance 2 / fan-in (He et al. 2015), for relu. `he()` draws the numbers of
    /// `gaussian(2)`; the `distribution` is "gaussian", "uniform" or "truncated".
    ///
    /// ```
    /// let net = mlp::wide_with(784, 10, 30, relu()).init(#{ weights: he() });
    /// let flat = mlp::wide_with(784, 10, 30, relu()).init(#{ weights: he("uniform") });
    /// ```
    #[rhai_fn(name = "he", return_raw)]
    pub fn he() -> Native<Scheme> {
        named(Variance::He, Distribution::Gaussian.name())
    }

    #[rhai_fn(name = "he", return_raw)]
    pub fn he_of(distribution: &str) -> Native<Scheme> {
        named(Variance::He, distribution)
    }

    /// A scheme for `init`: weights of variance 2 / (fan-in + fan-out) (Glorot & Bengio 2010); fan-out is the outputs of a
    /// linear layer, and of a convolution those of its group times the pixels of its kernel. The `distribution` is "gaussian",
    /// "uniform", as published, or "truncated".
    ///
    /// ```
    /// let net = mlp::wide(784, 10, 30).init(#{ weights: glorot("uniform") });
    /// ```
    #[rhai_fn(name = "glorot", return_raw)]
    pub fn glorot() -> Native<Scheme> {
        named(Variance::Glorot, Distribution::Gaussian.name())
    }

    #[rhai_fn(name = "glorot", return_raw)]
    pub fn glorot_of(distribution: &str) -> Native<Scheme> {
        named(Variance::Glorot, distribution)
    }

    /// A scheme for `init`: weights of variance 1 / fan-in (LeCun, Bottou, Orr & Müller 1998). The `distribution` is "gaussian",
    /// "uniform" or "truncated".
    ///
    /// ```
    /// let net = mlp::wide(784, 10, 30).init(#{ weights: lecun() });
    /// ```
    #[rhai_fn(name = "lecun", return_raw)]
    pub fn lecun() -> Native<Scheme> {
        named(Variance::Lecun, Distribution::Gaussian.name())
    }

    #[rhai_fn(name = "lecun", return_raw)]
    pub fn lecun_of(distribution: &str) -> Native<Scheme> {
        named(Variance::Lecun, distribution)
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn scheme_to_string(scheme: &mut Scheme) -> String {
        scheme.to_string()
    }
}
