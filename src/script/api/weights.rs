//! Reading and saving weights.

use std::path::Path;

use rhai::plugin::*;
use rhai::{Engine, Map};

use crate::Error;
use crate::cascade::Cascade;
use crate::network::{Architecture, Network};
use crate::output::run_folder::output_path;
use crate::output::weights::{SavedWeights, Weights};
use crate::script::options::{Key, Spec};
use crate::script::session::{Native, Session};
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
    engine.register_global_module(rhai::exported_module!(functions).into());
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
