//! Blocks and networks.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT};

use super::general::wanted_count;
use crate::Error;
use crate::cascade::summary;
use crate::data::Split;
use crate::network::{Architecture, Block, Layer, Network};
use crate::script::options::describe;
use crate::script::session::{Native, Session};

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
        let hint = "set them from data, `net.calibrated(data.train)`, train the network, `net.trained(data.train)`, or load \
                    weights";
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
        let layers = elements(layers, "the inverse", "a layer")?;
        match layers.iter().find(|layer| matches!(layer, Layer::Initialised(_))) {
            None => Ok(block.with_inverse(layers)),
            Some(layer) => {
                Err(Error::new(format!("the inverse has a {layer}: reconstruction networks begin as PyTorch's"))
                    .hint("leave out `init` in an inverse")
                    .into())
            }
        }
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

    /// The network with the running means and variances of its batch normalisations set from `data`, block by block. A network
    /// without batch normalisation is returned as it is.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = network([49], [block([linear(49, 49), batch_norm(49), tanh()]), block([linear(49, 10)])]);
    /// let ready = net.init(#{ weight_var: 3.0 }).calibrated(data.train.take(300));
    /// print(cascade(ready, data.train.take(300)).reconstruct(data.test.take(20)).explained_variance());
    /// ```
    #[rhai_fn(return_raw)]
    pub fn calibrated(network: Network, data: Split) -> Native<Network> {
        Ok(crate::network::calibrated(&network, &data)?)
    }

    /// (hidden) Explains that the network needs weights first.
    #[rhai_fn(name = "calibrated", return_raw)]
    pub fn calibrated_without_weights(_network: Architecture, _data: Split) -> Native<Network> {
        Err(Error::new("the network has no weights yet").hint("give it some: `.init(#{ weight_var: 1.76 })`").into())
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
        let mut text = summary(network.architecture());
        if network.has_identity_norms() {
            text += "\nbatch_norm is neither trained nor calibrated: its running mean is 0 and its variance 1";
        }
        text
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
        format!("{}\n{}", network_summary(network), network.weight_source().in_words())
    }
}
