//! Activations: what samples are at one depth of a network, channel by channel, and what leads back from there.

use rhai::plugin::*;
use rhai::{Array, Engine, INT};

use super::curve::now;
use super::general::wanted_count;
use super::network::elements;
use crate::Error;
use crate::cascade::{Cascade, back, check_channels};
use crate::data::Split;
use crate::network::{Network, check_data};
use crate::output::Pictures;
use crate::script::session::{Native, Session};
use crate::script::tensor::ScriptTensor;

/// What some samples are at one depth of a network, all channels or some.
#[derive(Debug, Clone)]
pub struct Activation {
    network: Network,
    /// What leads back, where it was asked of a cascade.
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
            return Err(Error::new(format!("depth {depth} is not in the network; its depths are 0 to {deepest}")));
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
    /// What the samples are at depth `depth` of the network that the cascade inverts; depth 0 is the samples themselves.
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

    /// What the samples are at depth `depth` of the network.
    ///
    /// ```
    /// let data = dataset("glyphs");
    /// let net = conv::plain(data.shape, 4, 10, 2).init(#{ weight_var: 1.05 });
    /// let at = net.activation(data.test.take(1), 2);
    /// print(at.shape);    // [4, 14, 14]
    /// images(at.channels(), #{ labels: "channel" }).save("channels.png");
    /// ```
    #[rhai_fn(name = "activation", return_raw)]
    pub fn activation_of_network(network: Network, samples: Split, depth: INT) -> Native<Activation> {
        Ok(Activation::new(network, None, samples, depth)?)
    }

    /// What the samples are at every depth of the network, the first block's output first.
    #[rhai_fn(return_raw)]
    pub fn activations(network: Network, samples: Split) -> Native<Array> {
        let depths = 1..=network.architecture().depth() as INT;
        let at = |depth| Ok(Dynamic::from(Activation::new(network.clone(), None, samples.clone(), depth)?));
        depths.map(at).collect()
    }

    /// The same with all channels but one set to zero.
    #[rhai_fn(return_raw)]
    pub fn only_channel(activation: Activation, channel: INT) -> Native<Activation> {
        only_channels(activation, vec![channel.into()])
    }

    /// The same with all channels but these set to zero.
    #[rhai_fn(return_raw)]
    pub fn only_channels(activation: Activation, channels: Array) -> Native<Activation> {
        let channels = elements::<INT>(channels, "the channels", "a whole number")?;
        let channels: Result<Vec<_>, Error> = channels.into_iter().map(|c| wanted_count(c, "a channel")).collect();
        let channels = channels?;
        check_channels(activation.shape(), &channels)?;
        Ok(Activation { only: Some(channels), ..activation })
    }

    /// What the cascade makes of it: one picture for each sample.
    #[rhai_fn(name = "back", return_raw)]
    pub fn back_to_input(activation: Activation) -> Native<Pictures> {
        let Activation { cascade, split, depth, only, .. } = &activation;
        let Some(cascade) = cascade else {
            return Err(Error::new("nothing leads back from here: a network without a cascade")
                .hint("ask the cascade: `cascade(net, data).activation(samples, depth)`")
                .into());
        };
        if *depth == 0 {
            return Err(Error::new("depth 0 is the samples themselves: nothing to lead back").into());
        }
        Ok(Pictures::reconstructions(back(cascade, split, *depth, only.as_deref())?, 1..=1, split))
    }

    /// A sheet of all channels, each a grey picture, sample by sample.
    #[rhai_fn(return_raw)]
    pub fn channels(activation: Activation) -> Native<Pictures> {
        let &[channels, height, width] = activation.shape() else {
            let message = format!("activations of shape {:?} are no pictures", activation.shape());
            return Err(Error::new(message).hint("choose a depth before `flatten`").into());
        };
        let source = crate::network::activations(&activation.network, &activation.split, activation.depth);
        Ok(Pictures::of_channels(source, [channels, height, width], &activation.split))
    }

    /// Its numbers: [samples, …]. They are computed at once.
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
        Ok(ScriptTensor::new(&*Session::of(&context)?, shape, || Ok(numbers.to_vec()))?)
    }

    /// The shape of one sample there.
    #[rhai_fn(get = "shape", pure)]
    pub fn activation_shape(activation: &mut Activation) -> Array {
        activation.shape().iter().map(|&size| (size as INT).into()).collect()
    }
}
