//! Activations: the values of samples at one depth of a network, channel by channel, and their reconstruction.

use rhai::plugin::*;
use rhai::{Array, Engine, INT};

use super::curve::now;
use super::general::wanted_count;
use super::network::elements;
use super::network::say_identity_norms;
use crate::Error;
use crate::cascade::{Cascade, check_channels, reconstruct_depth};
use crate::data::Split;
use crate::network::{Network, check_data};
use crate::output::Pictures;
use crate::script::session::{Native, Session};
use crate::script::tensor::ScriptTensor;

/// The activations of samples at one depth of a network, all channels or some.
#[derive(Debug, Clone)]
pub struct Activation {
    network: Network,
    /// The cascade that can reconstruct the input, if there is one.
    cascade: Option<Cascade>,
    split: Split,
    depth: usize,
    only: Option<Vec<usize>>,
}

impl Activation {
    fn new(network: Network, cascade: Option<Cascade>, split: Split, depth: INT) -> Result<Self, Error> {
        check_data(&network, &split)?;
        let (depth, deepest) = (wanted_count(depth, "the depth")?, network.architecture().depth());
        if depth > deepest {
            return Err(Error::new(format!("there is no depth {depth}; the network has the depths 0 to {deepest}")));
        }
        Ok(Self { network, cascade, split, depth, only: None })
    }

    fn shape(&self) -> &[usize] {
        self.network.architecture().shape(self.depth)
    }
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Activation>("Activation")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The activations of samples at a depth of the network, or of the network that a cascade inverts; depth 0 is the samples
    /// themselves. Those of a cascade can be led back to the input.
    ///
    /// ```
    /// let data = dataset("glyphs");
    /// let net = conv::plain(data.shape, 4, 10, 2).init(#{ weight_var: 1.05 });
    /// let probe = cascade(net, data.train.take(200));
    /// let at = probe.activation(data.test.take(1), 2);
    /// images([3, 1].map(|c| at.only_channel(c).back()), #{ columns: 2 }).save("channels.png");
    /// ```
    #[rhai_fn(name = "activation", return_raw)]
    pub fn activation_of_cascade(cascade: Cascade, samples: Split, depth: INT) -> Native<Activation> {
        Ok(Activation::new(cascade.network().clone(), Some(cascade), samples, depth)?)
    }

    /// ```
    /// let data = dataset("glyphs");
    /// let net = conv::plain(data.shape, 4, 10, 2).init(#{ weight_var: 1.05 });
    /// let at = net.activation(data.test.take(1), 2);
    /// print(at.shape);    // [4, 14, 14]
    /// images(at.channels(), #{ labels: "channel" }).save("channels.png");
    /// ```
    #[rhai_fn(name = "activation", return_raw)]
    pub fn activation_of_network(
        context: NativeCallContext,
        network: Network,
        samples: Split,
        depth: INT,
    ) -> Native<Activation> {
        say_identity_norms(&context, &network)?;
        Ok(Activation::new(network, None, samples, depth)?)
    }

    /// The activations of samples at every depth, from the first block's output on.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(net.activations(data.test.take(5)).map(|at| at.shape));    // [[49], [49], [400], [10]]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn activations(context: NativeCallContext, network: Network, samples: Split) -> Native<Array> {
        say_identity_norms(&context, &network)?;
        let depths = 1..=network.architecture().depth() as INT;
        let at = |depth| Ok(Dynamic::from(Activation::new(network.clone(), None, samples.clone(), depth)?));
        depths.map(at).collect()
    }

    /// The activations with all channels but one set to zero.
    ///
    /// ```
    /// let data = dataset("glyphs");
    /// let net = conv::plain(data.shape, 4, 10, 2).init(#{ weight_var: 1.05 });
    /// let at = cascade(net, data.train.take(200)).activation(data.test.take(1), 2);
    /// images(at.only_channel(3).back()).save("channel.png");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn only_channel(activation: Activation, channel: INT) -> Native<Activation> {
        only_channels(activation, vec![channel.into()])
    }

    /// The activations with all channels but these set to zero.
    ///
    /// ```
    /// let data = dataset("glyphs");
    /// let net = conv::plain(data.shape, 4, 10, 2).init(#{ weight_var: 1.05 });
    /// let at = cascade(net, data.train.take(200)).activation(data.test.take(1), 2);
    /// images(at.only_channels([0, 3]).back()).save("channels.png");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn only_channels(activation: Activation, channels: Array) -> Native<Activation> {
        let channels = elements::<INT>(channels, "the channels", "a whole number")?;
        let channels: Result<Vec<_>, Error> = channels.into_iter().map(|c| wanted_count(c, "a channel")).collect();
        let channels = channels?;
        check_channels(activation.shape(), &channels)?;
        Ok(Activation { only: Some(channels), ..activation })
    }

    /// The input that the cascade reconstructs from the activations: one picture per sample.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let probe = cascade(net, data.train.take(200));
    /// images(probe.activation(data.test.take(4), 2).back()).save("back.png");
    /// ```
    #[rhai_fn(name = "back", return_raw)]
    pub fn back_to_input(activation: Activation) -> Native<Pictures> {
        let Activation { cascade, split, depth, only, .. } = &activation;
        let Some(cascade) = cascade else {
            return Err(Error::new("these activations cannot be led back: they come from a network without a cascade")
                .hint("take them from a cascade: `cascade(net, data).activation(samples, depth)`")
                .into());
        };
        if *depth == 0 {
            return Err(Error::new("depth 0 is the samples themselves; there is nothing to reconstruct").into());
        }
        Ok(Pictures::reconstructions(reconstruct_depth(cascade, split, *depth, only.as_deref())?, 1..=1, split))
    }

    /// All channels as grey pictures, sample by sample.
    ///
    /// ```
    /// let data = dataset("glyphs");
    /// let net = conv::plain(data.shape, 4, 10, 2).init(#{ weight_var: 1.05 });
    /// images(net.activation(data.test.take(1), 2).channels(), #{ labels: "channel" }).save("channels.png");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn channels(activation: Activation) -> Native<Pictures> {
        let &[channels, height, width] = activation.shape() else {
            let message = format!("activations of shape {:?} are not pictures", activation.shape());
            return Err(Error::new(message).hint("choose a depth before `flatten`").into());
        };
        let source = crate::network::activations(&activation.network, &activation.split, activation.depth);
        Ok(Pictures::of_channels(source, [channels, height, width], &activation.split))
    }

    /// The activations as a tensor [samples, …], computed now.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(net.activation(data.test.take(20), 2).tensor().shape);    // [20, 49]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn tensor(context: NativeCallContext, activation: Activation) -> Native<ScriptTensor> {
        let source = crate::network::activations(&activation.network, &activation.split, activation.depth);
        let value = now(&context, "activations", &source)?;
        let (shape, numbers) = value.f32s("x")?;
        Ok(ScriptTensor::new(&*Session::from_context(&context)?, shape, || Ok(numbers.to_vec()))?)
    }

    /// The shape of one sample at this depth.
    #[rhai_fn(get = "shape", pure)]
    pub fn activation_shape(activation: &mut Activation) -> Array {
        activation.shape().iter().map(|&size| (size as INT).into()).collect()
    }
}
