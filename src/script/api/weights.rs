//! Reading, changing and saving weights.

use std::collections::BTreeMap;
use std::path::Path;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use super::curve::now;
use super::general::wanted_count;
use crate::Error;
use crate::cascade::Cascade;
use crate::network::{Architecture, BlockWeights, GivenArray, Network, with_arrays, with_block_weights};
use crate::output::run_folder::output_path;
use crate::output::weights::{SavedWeights, Weights};
use crate::script::options::{Key, Spec, describe};
use crate::script::session::{Native, Session};
use crate::script::tensor::ScriptTensor;
use crate::weights::{Naming, WeightFile};

const WEIGHTS: Spec = Spec {
    function: "weights",
    keys: &[
        Key::text(
            "prefix",
            "",
            "what comes before the arrays' names in the file, such as \"module.\"; arrays without it are skipped",
        ),
        Key::flag("ignore_surplus", false, "whether the file may hold arrays that the network does not have"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[WEIGHTS];

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<BlockWeights>("Weights")
        .register_global_module(rhai::exported_module!(functions).into());
}

/// The tensors of a map, by name.
fn given(map: Map) -> Result<BTreeMap<String, GivenArray>, Error> {
    if map.is_empty() {
        return Err(Error::new("`weights` of an empty map").hint("give it tensors by name: `#{ weight: tensor }`"));
    }
    let array = |(name, value): (rhai::Identifier, Dynamic)| {
        let Some(tensor) = value.read_lock::<ScriptTensor>() else {
            return Err(Error::new(format!("`{name}` is {}; it should be a tensor", describe(&value))));
        };
        Ok((name.to_string(), GivenArray { shape: tensor.shape(), numbers: tensor.numbers()?.into() }))
    };
    map.into_iter().map(array).collect()
}

/// Opens the file of weights that a script names.
pub(super) fn open(session: &Session, path: &str) -> Result<WeightFile, Error> {
    WeightFile::open(&session.readable_file(path)?, path, session.folders.digest_cache())
}

fn show(context: &NativeCallContext<'_>, weights: Weights, path: &str) -> Native<()> {
    let path = output_path(path)?;
    if path.extension() != Some("safetensors".as_ref()) {
        return Err(Error::new(format!("\"{}\": weights are saved as .safetensors", Path::new(&path).display()))
            .hint("PyTorch reads it with `safetensors.torch.load_file`")
            .into());
    }
    Session::from_context(context)?.show(context, SavedWeights { weights, path })?;
    Ok(())
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The network with the weights of a file, .safetensors or a checkpoint of PyTorch, in the project folder or in a data
    /// folder; content decides between the two, not the name. The file holds exactly the network's arrays. Their names are those that `named` gave the blocks (the
    /// built-in VGG networks have torchvision's names), otherwise the numbers of block and layer. Numbers of 16, 32 or 64
    /// bits become single precision. Counters of batch normalisation (`num_batches_tracked`) are skipped.
    ///
    /// ```
    /// fn trained() { vgg::vgg16().weights("vgg16.safetensors") }
    /// ```
    #[rhai_fn(name = "weights", return_raw)]
    pub fn weights(context: NativeCallContext, architecture: Architecture, path: &str) -> Native<Network> {
        weights_with(context, architecture, path, Map::new())
    }

    /// ```
    /// fn trained(net) { net.weights("checkpoint.pth", #{ prefix: "module.", ignore_surplus: true }) }
    /// ```
    #[rhai_fn(name = "weights", return_raw)]
    pub fn weights_with(
        context: NativeCallContext,
        architecture: Architecture,
        path: &str,
        options: Map,
    ) -> Native<Network> {
        let options = WEIGHTS.read(&options)?;
        let naming = Naming { prefix: options.text("prefix")?, ignore_surplus: options.flag("ignore_surplus")? };
        Ok(Network::loaded(architecture, open(&*Session::from_context(&context)?, path)?, &naming)?)
    }

    /// The network with other numbers for arrays of block `l`, counted from 1: tensors by the names that `weights_of` has, or the
    /// weights of another network's block of the same layers. Arrays that are not named stay. Numbers are finite, and shapes those
    /// of the layers. The same numbers are the same network, wherever they come from; a cascade computes anew from block `l` on.
    ///
    /// ```
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let doubled = net.weights(2, #{ weight: 2 * net.weights_of(2).weight });
    /// ```
    #[rhai_fn(name = "weights", return_raw)]
    pub fn weights_of_block(network: Network, l: INT, arrays: Map) -> Native<Network> {
        Ok(with_arrays(&network, wanted_count(l, "the block")?, given(arrays)?)?)
    }

    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let trained = net.trained(data.train.take(100), #{ epochs: 1 });
    /// let mixed = net.weights(4, trained.weights_of(4));    // nothing is trained yet
    /// ```
    #[rhai_fn(name = "weights", return_raw)]
    pub fn weights_of_other_block(network: Network, l: INT, weights: BlockWeights) -> Native<Network> {
        Ok(with_block_weights(&network, wanted_count(l, "the block")?, &weights)?)
    }

    /// Several blocks at once, by the names that `save` writes and `load_tensors` reads. For an architecture, the map has all of
    /// its arrays.
    ///
    /// ```
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let changed = net.weights(#{ "0.0.bias": zeros([49]), "1.0.bias": zeros([49]) });
    /// ```
    #[rhai_fn(name = "weights", return_raw)]
    pub fn weights_by_name(network: Network, arrays: Map) -> Native<Network> {
        Ok(network.with_named_arrays(given(arrays)?)?)
    }

    #[rhai_fn(name = "weights", return_raw)]
    pub fn all_weights_by_name(architecture: Architecture, arrays: Map) -> Native<Network> {
        Ok(architecture.with_named_arrays(given(arrays)?)?)
    }

    /// The weights of block `l`, counted from 1. Its arrays are called "weight" and "bias" where one layer of the block has arrays,
    /// else "0.weight" and so on, by the layer's number: `w.weight` and `w["0.weight"]` are tensors in PyTorch's shapes, [outputs,
    /// inputs] for a linear layer. Nothing is computed before that: a network is trained when a tensor of it is asked for.
    ///
    /// ```
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let w = net.weights_of(2);
    /// print(w.names);           // ["weight", "bias"]
    /// print(w.weight.shape);    // [49, 49]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn weights_of(network: Network, l: INT) -> Native<BlockWeights> {
        Ok(BlockWeights::new(&network, wanted_count(l, "the block")?)?)
    }

    /// The names of the arrays of a block's weights.
    #[rhai_fn(get = "names", pure)]
    pub fn names(weights: &mut BlockWeights) -> Array {
        weights.arrays().into_iter().map(|array| array.name.into()).collect()
    }

    /// An array of a block's weights by its name, computed now; `w.weight` is `w["weight"]`.
    ///
    /// ```
    /// let net = conv::plain([1, 14, 14], 4, 10, 2).init(#{ weight_var: 1.05 });
    /// print(net.weights_of(2)["weight"].shape);
    /// ```
    #[rhai_fn(index_get, return_raw)]
    pub fn array(context: NativeCallContext, weights: &mut BlockWeights, name: &str) -> Native<ScriptTensor> {
        let name = weights.result_name(name)?;
        let value = now(&context, "weights", &weights.described())?;
        let (shape, numbers) = value.f32s(&name)?;
        Ok(ScriptTensor::new(&*Session::from_context(&context)?, shape, || Ok(numbers.to_vec()))?)
    }

    /// As `print` shows it: names and shapes.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn weights_to_string(weights: &mut BlockWeights) -> String {
        weights.to_string()
    }

    /// Saves the weights of a network, or the reconstruction networks of a cascade, in the run folder as .safetensors. PyTorch
    /// reads the file; so do `network.weights(…)` and the option `weights` of `cascade`. Blocks of a cascade count from 0 there:
    /// "3.weight" belongs to the fourth.
    ///
    /// ```
    /// mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 }).save("net.safetensors");
    /// ```
    #[rhai_fn(name = "save", return_raw)]
    pub fn save_network(context: NativeCallContext, network: Network, path: &str) -> Native<Network> {
        show(&context, Weights::Network(network.clone()), path)?;
        Ok(network)
    }

    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// cascade(net, data.train.take(500)).save("cascade.safetensors");
    /// ```
    #[rhai_fn(name = "save", return_raw)]
    pub fn save_cascade(context: NativeCallContext, cascade: Cascade, path: &str) -> Native<Cascade> {
        show(&context, Weights::Cascade(cascade.clone().into()), path)?;
        Ok(cascade)
    }
}
