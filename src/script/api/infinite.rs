//! Networks of infinite width in scripts.

use rhai::plugin::*;
use rhai::{Engine, INT, Map};

use super::cascade::{CASCADE, Reconstruction};
use super::curve::now;
use super::general::wanted_count;
use super::init::infinite_init;
use crate::Error;
use crate::cascade::{Ridge, summary};
use crate::data::Split;
use crate::entropy::Measured;
use crate::infinite::{self, InfiniteCascade, InfiniteNetwork, View, reconstruct};
use crate::network::{Architecture, Network};
use crate::script::lazy::Curve;
use crate::script::options::Spec;
use crate::script::session::{Native, Session};
use crate::script::tensor::ScriptTensor;

pub(super) const OPTIONS: &[Spec] = &[super::init::INFINITE];

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<InfiniteNetwork>("InfiniteNetwork")
        .register_type_with_name::<InfiniteCascade>("InfiniteCascade")
        .register_global_module(rhai::exported_module!(functions).into());
}

fn curve_of_kernel(network: &InfiniteNetwork, data: &Split, view: View, quantity: &'static str) -> Native<Curve> {
    let measured = Measured { quantity, ..Measured::UNNAMED };
    Ok(Curve::of(measured, infinite::view(network, data, view)?, network.architecture().trunk()))
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The network with infinitely wide hidden layers, where `init` would draw one of a finite width. Nothing is random: its
    /// cascade and entropies are those that drawn networks approach as they become wider. It takes a fraction of the time of
    /// one drawn network; its time and memory grow with the number of training samples: a few hundred to two thousand.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(data.pixels, 10, 12).infinite(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let found = cascade(net, data.train.take(100)).reconstruct(data.test.take(20));
    /// print(found.differential_entropy().len);    // 10
    /// ```
    #[rhai_fn(return_raw)]
    pub fn infinite(context: NativeCallContext, architecture: Architecture, options: Map) -> Native<InfiniteNetwork> {
        let init = infinite_init(&context, &architecture, &options)?;
        Ok(InfiniteNetwork::new(architecture, init)?)
    }

    /// The cascade of an infinitely wide network: its reconstruction networks are found at once, by ridge regression.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(data.pixels, 10, 12).infinite(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let probe = cascade(net, data.train.take(100), #{ lambda: 0.3 });
    /// print(probe.reconstruct(data.test.take(20)).explained_variance().len);    // 10
    /// ```
    #[rhai_fn(name = "cascade", return_raw)]
    pub fn cascade_of_infinite(network: InfiniteNetwork, data: Split) -> Native<InfiniteCascade> {
        cascade_of_infinite_with(network, data, Map::new())
    }

    #[rhai_fn(name = "cascade", return_raw)]
    pub fn cascade_of_infinite_with(network: InfiniteNetwork, data: Split, options: Map) -> Native<InfiniteCascade> {
        let options = CASCADE.read(&options)?;
        if let Some(key) = CASCADE.keys.iter().find(|key| key.name != "lambda" && options.value(key.name).is_some()) {
            let message = format!(
                "`{}` has no effect: an infinitely wide network is inverted by ridge regression that does not shrink",
                key.name
            );
            return Err(Error::new(message).hint("its only option is `lambda`").into());
        }
        let lambda = if options.value("lambda").is_some() { options.number("lambda")? } else { infinite::LAMBDA };
        Ok(InfiniteCascade::new(network, data, Ridge { lambda, shrink: false })?)
    }

    /// Reconstructs samples from every depth before the head.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(data.pixels, 10, 12).infinite(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let found = cascade(net, data.train.take(100)).reconstruct(data.test.take(2));
    /// images(found.all(), #{ labels: "depth" }).save("digits.png");
    /// ```
    #[rhai_fn(name = "reconstruct", return_raw)]
    pub fn reconstruct_by_infinite(cascade: InfiniteCascade, data: Split) -> Native<Reconstruction> {
        // Fails here, where the script calls it, if there is nothing to reconstruct.
        reconstruct(&cascade, &data, 1)?;
        Ok(Reconstruction::infinite(cascade, data))
    }

    /// The kernel of samples at a depth, computed now: a tensor `[n, n]` of the mean products E[x x′] over the units of the
    /// layer, and of a convolution over its pixels; at depth 0 over the input's. Mean-field theory's q and c are what its diagonal and its correlations tend to.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(data.pixels, 10, 12).infinite(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(net.kernel(data.train.take(3), 10).shape);    // [3, 3]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn kernel(
        context: NativeCallContext,
        network: InfiniteNetwork,
        data: Split,
        depth: INT,
    ) -> Native<ScriptTensor> {
        let source = infinite::kernel(&network, &data, wanted_count(depth, "the depth")?)?;
        let value = now(&context, "the kernel", &source)?;
        let (shape, numbers) = value.as_f32s("k")?;
        Ok(ScriptTensor::new(&*Session::from_context(&context)?, shape, || Ok(numbers.to_vec()))?)
    }

    /// The effective rank of the kernel before the activation of every block: how many directions the samples fill,
    /// exp(−Σ p ln p) with p the shares of the eigenvalues of the kernel of their differences from the mean (Roy & Vetterli
    /// 2007).
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(data.pixels, 10, 12).infinite(#{ weight_var: 3.0, bias_var: 0.05 });
    /// print(net.kernel_rank(data.train.take(20)).len);    // 10
    /// ```
    #[rhai_fn(return_raw)]
    pub fn kernel_rank(network: InfiniteNetwork, data: Split) -> Native<Curve> {
        curve_of_kernel(&network, &data, View::EffectiveRank, "effective rank")
    }

    /// The correlation c of samples `i` and `j`, counted from 0, before the activation of every block. It approaches mean-field
    /// theory's c*, which is the limit of any two inputs.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(data.pixels, 10, 102).infinite(#{ weight_var: 3.0, bias_var: 0.05 });
    /// print(net.correlation(data.train.take(2), 0, 1).last);
    /// print(mean_field("tanh", #{ weight_var: 3.0, bias_var: 0.05 }).c);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn correlation(network: InfiniteNetwork, data: Split, i: INT, j: INT) -> Native<Curve> {
        let [i, j] = [wanted_count(i, "a sample")?, wanted_count(j, "a sample")?];
        curve_of_kernel(&network, &data, View::Correlation(i, j), "correlation")
    }

    /// 1 − c for samples `i` and `j`, counted from 0, before the activation of every block, with all its digits: in the ordered
    /// phase it falls as exp(−depth/ξ_c), far below the precision of c.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(data.pixels, 10, 62).infinite(#{ weight_var: 1.0, bias_var: 0.05 });
    /// let gap = net.correlation_gap(data.train.take(2), 0, 1).values();
    /// print(1 / ln(gap[58] / gap[59]));                                         // 3.62…
    /// print(mean_field("tanh", #{ weight_var: 1.0, bias_var: 0.05 }).xi_c);    // 3.62…
    /// ```
    #[rhai_fn(return_raw)]
    pub fn correlation_gap(network: InfiniteNetwork, data: Split, i: INT, j: INT) -> Native<Curve> {
        let [i, j] = [wanted_count(i, "a sample")?, wanted_count(j, "a sample")?];
        curve_of_kernel(&network, &data, View::Gap(i, j), "1 − correlation")
    }

    /// How many depths the reconstructions of an infinitely wide network can be trusted to, computed now: beyond, in the ordered
    /// phase, they are so alike that rounding errors of double precision decide how they differ. Curves over depth go on
    /// beyond it.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(data.pixels, 10, 62).infinite(#{ weight_var: 0.5, bias_var: 0.05 });
    /// let found = cascade(net, data.train.take(100)).reconstruct(data.test.take(20));
    /// print(found.trusted < 60);    // true
    /// ```
    #[rhai_fn(get = "trusted", return_raw)]
    pub fn trusted_depths(context: NativeCallContext, reconstruction: &mut Reconstruction) -> Native<INT> {
        let source = reconstruction.of_infinite()?;
        Ok(infinite::trusted(&*now(&context, "the reconstructions", &source)?)? as INT)
    }

    /// The number of blocks.
    #[rhai_fn(get = "depth", pure)]
    pub fn infinite_depth(network: &mut InfiniteNetwork) -> INT {
        network.architecture().depth() as INT
    }

    /// The number of blocks before the head: the depths of a curve.
    #[rhai_fn(get = "trunk", pure)]
    pub fn infinite_trunk(network: &mut InfiniteNetwork) -> INT {
        network.architecture().trunk() as INT
    }

    /// (hidden) Explains that there are weights already.
    #[rhai_fn(name = "infinite", return_raw)]
    pub fn infinite_of_network(_network: Network, _options: Map) -> Native<InfiniteNetwork> {
        Err(Error::new("the network has weights, and an infinitely wide one has none, drawn or trained")
            .hint("`.infinite(…)` stands in place of `.init(…)`: `mlp::wide(784, 10, 60).infinite(#{ weight_var: 1.76 })`")
            .into())
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn infinite_to_string(network: &mut InfiniteNetwork) -> String {
        format!("{}\n{}", summary(network.architecture()), network.in_words())
    }
}
