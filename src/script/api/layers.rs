//! Layers.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use super::general::{AnyNumber, wanted_count, wanted_number};
use super::network::elements;
use crate::Error;
use crate::kernels;
use crate::network::{
    AdaptiveAvgPool, AvgPool, BatchNorm, CircularPad, Conv2d, ConvTranspose2d, Crop, Dropout, Flatten, GroupNorm,
    Layer, LayerNorm, Linear, MaxPool, PatchEmbedding, Permute, Pool, Reshape, Residual, RmsNorm, Scale, Softmax,
};
use crate::script::options::{Key, Options, Preset, Spec, Takes, describe};
use crate::script::session::Native;

/// Added to the variance or the mean square by every normalisation; PyTorch's default for batch, layer and group norm.
const EPSILON: f64 = 1e-5;

const BIAS: Key = Key::flag("bias", true, "whether the layer has a bias");
const STRIDE: Key = Key::count("stride", 1, "pixels from one window to the next");
const DILATION: Key = Key::count("dilation", 1, "pixels from one pixel of a window to the next");
const GROUPS: Key =
    Key::count("groups", 1, "number of groups that the channels are split into, each with its own convolution");

const LINEAR: Spec = Spec { function: "linear", keys: &[BIAS] };
const CONV2D: Spec = Spec {
    function: "conv2d",
    keys: &[
        STRIDE,
        Key {
            name: "padding",
            takes: Takes::Other("a whole number, or `\"valid\"`, `\"same\"` or `\"circular\"`"),
            default: Preset::Count(0),
            about: "pixels of zeros on each side; \"valid\" is none, \"same\" keeps the size, \"circular\" keeps it with \
                    pixels from the opposite side",
        },
        DILATION,
        GROUPS,
        BIAS,
    ],
};
const CONV_TRANSPOSE2D: Spec = Spec {
    function: "conv_transpose2d",
    keys: &[
        STRIDE,
        Key {
            name: "cut",
            takes: Takes::Other("a whole number, or `[before, after]`"),
            default: Preset::Count(0),
            about: "pixels that are cut off on each side",
        },
        DILATION,
        GROUPS,
        BIAS,
    ],
};
const MAX_POOL: Spec = Spec {
    function: "max_pool",
    keys: &[POOL_STRIDE, Key::count("padding", 0, "pixels around the image, which no maximum counts")],
};
const AVG_POOL: Spec =
    Spec { function: "avg_pool", keys: &[POOL_STRIDE, Key::count("padding", 0, "pixels of zeros around the image")] };
const POOL_STRIDE: Key =
    Key::open("stride", Takes::Count, "the size of a window", "pixels from one window to the next");

pub(super) const OPTIONS: &[Spec] = &[LINEAR, CONV2D, CONV_TRANSPOSE2D, MAX_POOL, AVG_POOL];

pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Layer>("Layer").register_global_module(rhai::exported_module!(functions).into());
}

/// A size of at least 1.
fn size(value: INT, what: &str) -> Result<usize, Error> {
    match wanted_count(value, what)? {
        0 => Err(Error::new(format!("{what}: 0; it must be at least 1"))),
        size => Ok(size),
    }
}

/// An array of sizes.
fn sizes(array: Array, what: &str) -> Result<Vec<usize>, Error> {
    let sizes: Result<Vec<usize>, Error> =
        elements::<INT>(array, what, "a whole number")?.into_iter().map(|value| size(value, "a size")).collect();
    match sizes? {
        sizes if sizes.is_empty() => Err(Error::new(format!("{what} is empty; it has at least one size"))),
        sizes => Ok(sizes),
    }
}

fn convolution(inputs: INT, outputs: INT, kernel: INT, options: &Options<'_>) -> Result<Conv2d, Error> {
    let sizes = [(inputs, "the channels that go in"), (outputs, "the channels that come out"), (kernel, "the kernel")];
    let [inputs, outputs, kernel] = sizes.map(|(value, what)| size(value, what));
    let conv = Conv2d {
        stride: options.count("stride")?,
        dilation: options.count("dilation")?,
        groups: options.count("groups")?,
        bias: options.flag("bias")?,
        ..Conv2d::new(inputs?, outputs?, kernel?)
    };
    conv.check()?;
    Ok(conv)
}

fn padded(conv: Conv2d, padding: Option<&Dynamic>) -> Result<Conv2d, Error> {
    let Some(padding) = padding else { return Ok(conv) };
    let total = conv.span() - 1;
    let whole = Conv2d { before: total / 2, after: total - total / 2, ..conv.clone() };
    let text = padding.read_lock::<ImmutableString>().map(|text| text.to_string());
    match (padding.as_int().ok().and_then(|pixels| usize::try_from(pixels).ok()), text.as_deref()) {
        (Some(pixels), _) => Ok(Conv2d { before: pixels, after: pixels, ..conv }),
        (_, Some("valid")) => Ok(conv),
        (_, Some("circular")) => Ok(Conv2d { circular: true, ..whole }),
        (_, Some("same")) if conv.stride == 1 => Ok(whole),
        (_, Some("same")) => {
            Err(Error::new(format!("padding \"same\" with stride {}: it keeps the size at stride 1 only", conv.stride))
                .hint("give a number of pixels: `padding: 1`"))
        }
        _ => Err(Error::new(format!(
            "option `padding` must be a number of pixels, \"same\", \"valid\" or \"circular\", got {}",
            describe(padding)
        ))),
    }
}

fn pool(kernel: INT, options: &Options<'_>) -> Result<Pool, Error> {
    let kernel = size(kernel, "the pool")?;
    let stride = options.optional_count("stride")?.unwrap_or(kernel);
    Ok(Pool { kernel, stride, padding: options.count("padding")? })
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// A linear layer, y = W x + b, from `inputs` to `outputs` numbers.
    ///
    /// ```
    /// let layer = linear(784, 100);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn linear(inputs: INT, outputs: INT) -> Native<Layer> {
        linear_with(inputs, outputs, Map::new())
    }

    /// ```
    /// let layer = linear(784, 100, #{ bias: false });
    /// ```
    #[rhai_fn(name = "linear", return_raw)]
    pub fn linear_with(inputs: INT, outputs: INT, options: Map) -> Native<Layer> {
        let bias = LINEAR.read(&options)?.flag("bias")?;
        Ok(Linear { inputs: size(inputs, "the inputs")?, outputs: size(outputs, "the outputs")?, bias }.into())
    }

    /// A convolution from `inputs` to `outputs` channels with a kernel of `kernel` × `kernel` pixels.
    ///
    /// ```
    /// let net = network([1, 28, 28], [block([conv2d(1, 16, 3), tanh()])]);
    /// print(net.output);    // [16, 26, 26]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn conv2d(inputs: INT, outputs: INT, kernel: INT) -> Native<Layer> {
        conv2d_with(inputs, outputs, kernel, Map::new())
    }

    /// ```
    /// let layer = conv2d(16, 32, 3, #{ stride: 2, padding: 1 });
    /// let torus = conv2d(16, 16, 3, #{ padding: "circular" });
    /// ```
    #[rhai_fn(name = "conv2d", return_raw)]
    pub fn conv2d_with(inputs: INT, outputs: INT, kernel: INT, options: Map) -> Native<Layer> {
        let options = CONV2D.read(&options)?;
        let conv = convolution(inputs, outputs, kernel, &options)?;
        Ok(padded(conv, options.value("padding"))?.into())
    }

    /// A transposed convolution from `inputs` to `outputs` channels: every input pixel adds a kernel of `kernel` × `kernel`
    /// pixels to the output.
    ///
    /// ```
    /// let inverse = [conv_transpose2d(32, 16, 3, #{ stride: 2, cut: [0, 1] }), tanh()];
    /// ```
    #[rhai_fn(return_raw)]
    pub fn conv_transpose2d(inputs: INT, outputs: INT, kernel: INT) -> Native<Layer> {
        conv_transpose2d_with(inputs, outputs, kernel, Map::new())
    }

    #[rhai_fn(name = "conv_transpose2d", return_raw)]
    pub fn conv_transpose2d_with(inputs: INT, outputs: INT, kernel: INT, options: Map) -> Native<Layer> {
        let options = CONV_TRANSPOSE2D.read(&options)?;
        let conv = convolution(inputs, outputs, kernel, &options)?;
        let (before, after) = match options.value("cut") {
            None => (0, 0),
            Some(cut) if cut.is_array() => {
                let cut = elements::<INT>(cut.clone().cast(), "the cut", "a whole number")?;
                let [before, after] = cut[..] else {
                    return Err(Error::new(format!(
                        "option `cut` must be a number or [before, after], got {} numbers",
                        cut.len()
                    ))
                    .into());
                };
                (wanted_count(before, "a cut")?, wanted_count(after, "a cut")?)
            }
            Some(_) => options.count("cut").map(|cut| (cut, cut))?,
        };
        Ok(ConvTranspose2d(Conv2d { before, after, ..conv }).into())
    }

    /// The largest number of each window of `kernel` × `kernel` pixels, channel by channel.
    ///
    /// ```
    /// let layer = max_pool(2);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn max_pool(kernel: INT) -> Native<Layer> {
        max_pool_with(kernel, Map::new())
    }

    #[rhai_fn(name = "max_pool", return_raw)]
    pub fn max_pool_with(kernel: INT, options: Map) -> Native<Layer> {
        Ok(MaxPool(pool(kernel, &MAX_POOL.read(&options)?)?).into())
    }

    /// The mean of each window of `kernel` × `kernel` pixels, channel by channel.
    ///
    /// ```
    /// let layer = avg_pool(3, #{ stride: 2, padding: 1 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn avg_pool(kernel: INT) -> Native<Layer> {
        avg_pool_with(kernel, Map::new())
    }

    #[rhai_fn(name = "avg_pool", return_raw)]
    pub fn avg_pool_with(kernel: INT, options: Map) -> Native<Layer> {
        Ok(AvgPool(pool(kernel, &AVG_POOL.read(&options)?)?).into())
    }

    /// Means over windows that divide an image of any size into `size` × `size` parts.
    ///
    /// ```
    /// print(network([8, 30, 30], [block([adaptive_avg_pool(4)])]).output);    // [8, 4, 4]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn adaptive_avg_pool(size: INT) -> Native<Layer> {
        let side = super::size(size, "the size")?;
        Ok(AdaptiveAvgPool { size: [side, side] }.into())
    }

    /// Turns an image into one row of numbers, channel by channel.
    ///
    /// ```
    /// print(network([8, 4, 4], [block([flatten(), linear(128, 10)])]).output);    // [10]
    /// ```
    pub fn flatten() -> Layer {
        Flatten.into()
    }

    /// Gives the numbers of a sample another shape: [channels, height, width], or one size.
    ///
    /// ```
    /// print(network([784], [block([reshape([1, 28, 28]), conv2d(1, 8, 3)])]).output);    // [8, 26, 26]
    /// ```
    #[rhai_fn(name = "reshape", return_raw)]
    pub fn reshape_layer(shape: Array) -> Native<Layer> {
        let shape = sizes(shape, "the shape")?;
        match shape.len() {
            1 | 3 => Ok(Reshape { shape }.into()),
            n => {
                Err(Error::new(format!("a shape of {n} sizes; samples have one size, or [channels, height, width]"))
                    .into())
            }
        }
    }

    /// Adds `pad` pixels on every side, copied from the opposite side, as if the image were a torus.
    ///
    /// ```
    /// let b = block([conv2d(8, 8, 3), tanh(), circular_pad(1)]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn circular_pad(pad: INT) -> Native<Layer> {
        Ok(CircularPad { pad: size(pad, "the pad")? }.into())
    }

    /// Cuts `pixels` pixels off every side.
    ///
    /// ```
    /// print(network([8, 10, 10], [block([crop(1)])]).output);    // [8, 8, 8]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn crop(pixels: INT) -> Native<Layer> {
        let pixels = size(pixels, "the crop")?;
        Ok(Crop { before: pixels, after: pixels }.into())
    }

    /// A residual connection, x + body(x): the output of the layers is added to their input.
    ///
    /// ```
    /// let b = block([residual([conv2d(16, 16, 3, #{ padding: "circular" })]), tanh()]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn residual(body: Array) -> Native<Layer> {
        residual_with(body, Array::new())
    }

    /// With a `projection`, projection(x) + body(x): if the body changes the shape, the projection changes it in the same way.
    ///
    /// ```
    /// let b = block([residual([conv2d(16, 32, 3, #{ stride: 2, padding: 1 })], [conv2d(16, 32, 1, #{ stride: 2 })]), tanh()]);
    /// ```
    #[rhai_fn(name = "residual", return_raw)]
    pub fn residual_with(body: Array, projection: Array) -> Native<Layer> {
        let body = elements(body, "the body", "a layer")?;
        Ok(Residual::new(body, elements(projection, "the projection", "a layer")?)?.into())
    }

    /// Batch normalisation of `features` channels: each is shifted by its mean and divided by its standard deviation, then
    /// scaled and shifted by trained numbers. The mean and the deviation are those of the batch while the network is
    /// trained, otherwise running averages, which begin at 0 and 1 and which `calibrated` sets from data.
    ///
    /// ```
    /// let b = block([conv2d(3, 16, 3), batch_norm(16), relu()]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn batch_norm(features: INT) -> Native<Layer> {
        Ok(BatchNorm { features: size(features, "the number of channels")?, epsilon: EPSILON }.into())
    }

    /// Layer normalisation of samples of shape `shape`: each is shifted by its mean and divided by its standard deviation, then
    /// every number is scaled and shifted by trained numbers.
    ///
    /// ```
    /// let b = block([linear(784, 100), layer_norm([100]), tanh()]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn layer_norm(shape: Array) -> Native<Layer> {
        Ok(LayerNorm { shape: sizes(shape, "the shape")?, epsilon: EPSILON }.into())
    }

    /// For samples that are one row of numbers, their number serves as the shape.
    ///
    /// ```
    /// let b = block([linear(784, 100), layer_norm(100), tanh()]);
    /// ```
    #[rhai_fn(name = "layer_norm", return_raw)]
    pub fn layer_norm_of(features: INT) -> Native<Layer> {
        layer_norm(vec![features.into()])
    }

    /// Group normalisation (Wu & He 2018) of `features` channels: in each sample, each of `groups` groups of channels is shifted
    /// by its mean and divided by its standard deviation, then every channel is scaled and shifted by trained numbers. The
    /// groups divide the channels; in a row of numbers each is a channel.
    ///
    /// ```
    /// let b = block([conv2d(3, 16, 3), group_norm(4, 16), relu()]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn group_norm(groups: INT, features: INT) -> Native<Layer> {
        let (groups, features) = (size(groups, "the number of groups")?, size(features, "the number of channels")?);
        Ok(GroupNorm::new(groups, features, EPSILON)?.into())
    }

    /// RMS normalisation (Zhang & Sennrich 2019) of samples of shape `shape`: each is divided by the root of its mean square,
    /// then every number is scaled by a trained number.
    ///
    /// ```
    /// let b = block([linear(784, 100), rms_norm([100]), tanh()]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn rms_norm(shape: Array) -> Native<Layer> {
        Ok(RmsNorm { shape: sizes(shape, "the shape")?, epsilon: EPSILON }.into())
    }

    /// For samples that are one row of numbers, their number serves as the shape.
    ///
    /// ```
    /// let b = block([linear(784, 100), rms_norm(100), tanh()]);
    /// ```
    #[rhai_fn(name = "rms_norm", return_raw)]
    pub fn rms_norm_of(features: INT) -> Native<Layer> {
        rms_norm(vec![features.into()])
    }

    /// Every number times `factor`, which is not trained.
    ///
    /// ```
    /// let b = block([residual([tanh(), linear(100, 100), scale(0.1)])]);    // x + 0.1 (W tanh(x) + b)
    /// ```
    #[rhai_fn(return_raw)]
    pub fn scale(factor: AnyNumber) -> Native<Layer> {
        Ok(Scale::new(wanted_number(&factor, "the factor")?)?.into())
    }

    /// The axes of images in another order: axis i of the output is axis `axes[i]` of the input, where 0 is channels, 1
    /// height, 2 width. `permute([1, 0, 2])` exchanges channels and height: of tokens and their numbers, a convolution of one
    /// pixel then mixes the tokens.
    ///
    /// ```
    /// let mix = residual([permute([1, 0, 2]), conv2d(16, 32, 1), gelu(), conv2d(32, 16, 1), permute([1, 0, 2])]);
    /// print(network([8, 16, 1], [block([mix])]).output);    // [8, 16, 1]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn permute(axes: Array) -> Native<Layer> {
        let axes = elements::<INT>(axes, "the axes", "a whole number")?;
        let axes: Result<Vec<usize>, Error> = axes.into_iter().map(|axis| wanted_count(axis, "an axis")).collect();
        Ok(Permute::new(&axes?)?.into())
    }

    /// Patches as tokens: every patch of `size` × `size` pixels of an image of `inputs` channels becomes a token of `outputs`
    /// numbers, by one linear map for all. The output has the shape [outputs, tokens, 1], with the patches row by row.
    ///
    /// ```
    /// print(network([1, 28, 28], [block([patches(7, 1, 32)])]).output);    // [32, 16, 1]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn patches(size: INT, inputs: INT, outputs: INT) -> Native<Layer> {
        let sizes = [(size, "the patch"), (inputs, "the channels that go in"), (outputs, "the numbers of a token")];
        let [size, inputs, outputs] = sizes.map(|(value, what)| super::size(value, what));
        Ok(PatchEmbedding { size: size?, inputs: inputs?, outputs: outputs? }.into())
    }

    /// Dropout: while the network is trained, numbers become 0 with probability `rate`, and the others are scaled up to keep
    /// the mean. Otherwise it does nothing.
    ///
    /// ```
    /// let b = block([linear(4096, 4096), relu(), dropout(0.5)]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn dropout(rate: AnyNumber) -> Native<Layer> {
        let rate = wanted_number(&rate, "the rate")?;
        if !(0.0..1.0).contains(&rate) {
            return Err(Error::new(format!("the rate is {rate}; it must be at least 0 and below 1")).into());
        }
        Ok(Dropout { rate }.into())
    }

    /// The hyperbolic tangent of every number.
    ///
    /// ```
    /// let b = block([linear(784, 100), tanh()]);
    /// ```
    pub fn tanh() -> Layer {
        kernels::Activation::Tanh.into()
    }

    /// The error function of every number.
    ///
    /// ```
    /// let b = block([linear(784, 100), erf()]);
    /// ```
    pub fn erf() -> Layer {
        kernels::Activation::Erf.into()
    }

    /// max(0, x) of every number.
    ///
    /// ```
    /// let b = block([linear(784, 100), relu()]);
    /// ```
    pub fn relu() -> Layer {
        kernels::Activation::Relu.into()
    }

    /// x Φ(x) of every number, where Φ is the normal distribution function.
    ///
    /// ```
    /// let b = block([linear(784, 100), gelu()]);
    /// ```
    pub fn gelu() -> Layer {
        kernels::Activation::Gelu.into()
    }

    /// x / (1 + e⁻ˣ) of every number.
    ///
    /// ```
    /// let b = block([linear(784, 100), silu()]);
    /// ```
    pub fn silu() -> Layer {
        kernels::Activation::Silu.into()
    }

    /// 1 / (1 + e⁻ˣ) of every number.
    ///
    /// ```
    /// let b = block([linear(784, 100), sigmoid()]);
    /// ```
    pub fn sigmoid() -> Layer {
        kernels::Activation::Sigmoid.into()
    }

    /// Probabilities: eˣ divided by its sum over the channels, or over all numbers of a sample without channels.
    ///
    /// ```
    /// let b = block([linear(100, 10), softmax()]);
    /// ```
    #[rhai_fn(name = "softmax")]
    pub fn softmax_layer() -> Layer {
        Softmax.into()
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn layer_to_string(layer: &mut Layer) -> String {
        layer.to_string()
    }
}
