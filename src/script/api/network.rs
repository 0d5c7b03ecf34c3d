//! Blocks and networks.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use super::general::wanted_count;
use crate::Error;
use crate::cascade::summary;
use crate::network::{Architecture, Block, Init, Network};
use crate::script::options::{Key, Spec, Takes, describe};
use crate::script::session::{Native, Session};

const INIT: Spec = Spec {
    function: "init",
    keys: &[
        Key::required(
            "weight_var",
            Takes::Number,
            "σ_w²: weights are normal with variance σ_w² / fan-in. Critical for tanh at bias_var 0.05: 1.76",
        ),
        Key::number("bias_var", 0.0, "σ_b²: biases are normal with this variance"),
        Key::count("seed", 0, "seed of the weights and biases"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[INIT];

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Block>("Block")
        .register_type_with_name::<Architecture>("Architecture")
        .register_type_with_name::<Network>("Network")
        .register_global_module(rhai::exported_module!(functions).into());
}

/// The elements of an array that must all have one type; `list` and `what` name the array and the type in the error.
pub(super) fn elements<T: Clone + 'static + Send + Sync>(
    array: Array,
    list: &str,
    what: &str,
) -> Result<Vec<T>, Error> {
    let element = |(i, value): (usize, Dynamic)| {
        value
            .try_cast_result::<T>()
            .map_err(|value| Error::new(format!("element {i} of {list} is {}; it should be {what}", describe(&value))))
    };
    array.into_iter().enumerate().map(element).collect()
}

/// Says, once for a place, that a network's batch normalisation does nothing before training.
pub(super) fn say_identity_norms(context: &NativeCallContext<'_>, network: &Network) -> Native<()> {
    if !network.has_identity_norms() {
        return Ok(());
    }
    let session = Session::from_context(context)?;
    if session.is_first_at(context) {
        let message =
            "batch_norm does nothing in this network: before training, its running mean is 0 and its variance 1";
        let hint = "train the network, `net.trained(data.train)`, load weights, or normalise samples with `layer_norm`";
        session.warn_at(context, Error::new(message).hint(hint));
    }
    Ok(())
}

fn shape(sizes: &[usize]) -> Array {
    sizes.iter().map(|&size| (size as INT).into()).collect()
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// A block: layers that a cascade inverts together, usually one layer and its activation.
    ///
    /// ```
    /// let b = block([linear(784, 100), tanh()]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn block(layers: Array) -> Native<Block> {
        Ok(Block::new(elements(layers, "the block", "a layer")?)?)
    }

    /// The block with a reconstruction network of your own, from the block's output to its input, in place of the derived one.
    ///
    /// ```
    /// let b = block([linear(784, 100), tanh()]).inverse([linear(100, 784), relu()]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn inverse(block: Block, layers: Array) -> Native<Block> {
        Ok(block.with_inverse(elements(layers, "the inverse", "a layer")?))
    }

    /// The block with the names that files of weights use for its layers with weights, in their order. Without names, block
    /// and layer go by their numbers, from 0, as in PyTorch's `Sequential`.
    ///
    /// ```
    /// let b = block([conv2d(3, 64, 3, #{ padding: 1 }), relu()]).named(["features.0"]);
    /// ```
    #[rhai_fn(name = "named", return_raw)]
    pub fn named(block: Block, names: Array) -> Native<Block> {
        let names = elements::<ImmutableString>(names, "the names", "a text")?;
        Ok(block.with_names(names.iter().map(ToString::to_string).collect())?)
    }

    /// A network without weights: samples of shape `input` go through `blocks`, whose shapes must fit one another.
    ///
    /// ```
    /// let net = network([784], [block([linear(784, 100), tanh()]), block([linear(100, 10)])]);
    /// print(net.summary());
    /// ```
    #[rhai_fn(return_raw)]
    pub fn network(input: Array, blocks: Array) -> Native<Architecture> {
        let input = elements::<INT>(input, "the input's shape", "a whole number")?;
        let input: Result<Vec<usize>, Error> = input.into_iter().map(|size| wanted_count(size, "a size")).collect();
        Ok(Architecture::new(&input?, elements(blocks, "the network", "a block")?)?)
    }

    /// The network with its last `blocks` declared as the head, which reads the answer out. Curves over depth leave it out.
    ///
    /// ```
    /// let net = network([784], [block([linear(784, 100), tanh()]), block([linear(100, 10)])]).with_head(1);
    /// print(net.trunk);    // 1
    /// ```
    #[rhai_fn(return_raw)]
    pub fn with_head(architecture: Architecture, blocks: INT) -> Native<Architecture> {
        Ok(architecture.with_head(wanted_count(blocks, "the number of blocks")?)?)
    }

    /// The network with random initial weights: W ~ N(0, σ_w² / fan-in), b ~ N(0, σ_b²). They are drawn when they are needed.
    ///
    /// ```
    /// let net = mlp::wide(784, 10, 30).init(#{ weight_var: 1.76, bias_var: 0.05, seed: 0 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn init(architecture: Architecture, options: Map) -> Native<Network> {
        let options = INIT.read(&options)?;
        let init = Init {
            weight_var: options.number("weight_var")?,
            bias_var: options.number("bias_var")?,
            seed: options.seed("seed")?,
        };
        Ok(Network::new(architecture, init)?)
    }

    /// The number of blocks.
    #[rhai_fn(get = "depth", pure)]
    pub fn architecture_depth(architecture: &mut Architecture) -> INT {
        architecture.depth() as INT
    }

    /// The number of blocks.
    #[rhai_fn(get = "depth", pure)]
    pub fn network_depth(network: &mut Network) -> INT {
        network.architecture().depth() as INT
    }

    /// The number of blocks before the head: the depths of a curve.
    #[rhai_fn(get = "trunk", pure)]
    pub fn architecture_trunk(architecture: &mut Architecture) -> INT {
        architecture.trunk() as INT
    }

    /// The number of blocks before the head: the depths of a curve.
    #[rhai_fn(get = "trunk", pure)]
    pub fn network_trunk(network: &mut Network) -> INT {
        network.architecture().trunk() as INT
    }

    /// The shape of one sample at the input.
    #[rhai_fn(get = "input", pure)]
    pub fn architecture_input(architecture: &mut Architecture) -> Array {
        shape(architecture.shape(0))
    }

    /// The shape of one sample at the input.
    #[rhai_fn(get = "input", pure)]
    pub fn network_input(network: &mut Network) -> Array {
        shape(network.architecture().shape(0))
    }

    /// The shape of one sample at the output.
    #[rhai_fn(get = "output", pure)]
    pub fn architecture_output(architecture: &mut Architecture) -> Array {
        shape(architecture.shape(architecture.depth()))
    }

    /// The shape of one sample at the output.
    #[rhai_fn(get = "output", pure)]
    pub fn network_output(network: &mut Network) -> Array {
        architecture_output(&mut network.architecture().clone())
    }

    /// The number of trainable parameters.
    #[rhai_fn(get = "params", pure)]
    pub fn architecture_params(architecture: &mut Architecture) -> INT {
        architecture.parameters() as INT
    }

    /// The number of trainable parameters.
    #[rhai_fn(get = "params", pure)]
    pub fn network_params(network: &mut Network) -> INT {
        network.architecture().parameters() as INT
    }

    /// A table of the blocks: layers, output shapes, numbers of parameters, reconstruction networks.
    ///
    /// ```
    /// print(mlp::wide(784, 10, 5).summary());
    /// ```
    #[rhai_fn(name = "summary", pure)]
    pub fn architecture_summary(architecture: &mut Architecture) -> String {
        summary(architecture)
    }

    #[rhai_fn(name = "summary", pure)]
    pub fn network_summary(network: &mut Network) -> String {
        summary(network.architecture())
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn block_to_string(block: &mut Block) -> String {
        block.to_string()
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn architecture_to_string(architecture: &mut Architecture) -> String {
        summary(architecture)
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn network_to_string(network: &mut Network) -> String {
        format!("{}\n{}", summary(network.architecture()), network.weight_source().in_words())
    }
}
