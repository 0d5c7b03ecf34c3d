//! What a network takes samples and reconstructions for.

use rhai::plugin::*;
use rhai::{Array, Engine, INT};

use super::cascade::Reconstruction;
use super::curve::now;
use super::network::say_identity_norms;
use crate::Error;
use crate::cascade::answers;
use crate::data::Split;
use crate::entropy::Measured;
use crate::network::{Network, outputs, predicted};
use crate::script::lazy::Curve;
use crate::script::session::Native;
use crate::words::counted;

/// The class that the network takes each reconstruction for: by depth, then by sample. `None` where an output is NaN.
fn classes(
    context: &NativeCallContext<'_>,
    network: &Network,
    found: &Reconstruction,
) -> Native<Vec<Vec<Option<usize>>>> {
    say_identity_norms(context, network)?;
    let source = answers(network, found.cascade()?, found.split(), found.deepest())?;
    let value = now(context, "the classes of reconstructions", &source)?;
    let (shape, y) = value.f32s("y")?;
    let of_depth = |y: &[f32]| y.chunks(shape[2].max(1)).map(predicted).collect();
    Ok(y.chunks((shape[1] * shape[2]).max(1)).map(of_depth).collect())
}

/// A class as a script gets it; −1 for none.
fn class(class: Option<usize>) -> Dynamic {
    class.map_or(-1, |class| class as INT).into()
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// The share of a cascade's reconstructions, at every depth of the trunk, that the network takes for their sample's class. The network
    /// can be the one that the cascade inverts, or another.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 5).init(#{ weight_var: 1.76, bias_var: 0.05 })
    ///     .trained(data.train.take(500), #{ epochs: 2, optimizer: adam(1e-3) });
    /// let found = cascade(net, data.train.take(500)).reconstruct(data.test.take(20));
    /// print(net.accuracy(found).len);    // 3
    /// ```
    #[rhai_fn(name = "accuracy", return_raw)]
    pub fn accuracy_of_reconstruction(
        context: NativeCallContext,
        network: Network,
        found: Reconstruction,
    ) -> Native<Curve> {
        say_identity_norms(&context, &network)?;
        if found.split().classes() == 0 {
            return Err(found.split().no_labels().into());
        }
        let source = answers(&network, found.cascade()?, found.split(), found.trunk())?;
        let measured = Measured { quantity: "accuracy", ..Measured::UNNAMED };
        Ok(Curve::of(measured, source, found.trunk()))
    }

    /// The class that the network takes each of a cascade's reconstructions for, computed now: for every depth, the head included, an array with the
    /// class of every sample; −1 where an output is NaN. See `turns`.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 5).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let found = cascade(net, data.train.take(200)).reconstruct(data.test.take(4));
    /// print([net.classes(found).len, net.classes(found)[0].len]);    // [5, 4]
    /// ```
    #[rhai_fn(name = "classes", return_raw)]
    pub fn classes_of_reconstruction(
        context: NativeCallContext,
        network: Network,
        found: Reconstruction,
    ) -> Native<Array> {
        let by_depth = classes(&context, &network, &found)?;
        Ok(by_depth.into_iter().map(|depth| depth.into_iter().map(class).collect::<Array>().into()).collect())
    }

    /// The depth at which the reconstruction of each sample turns into what it ends as, computed now: from this depth on, the network takes
    /// it for the class that it takes the deepest for; 1 if it never changes.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 5).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let found = cascade(net, data.train.take(200)).reconstruct(data.test.take(4));
    /// print(net.turns(found).len);    // 4
    /// ```
    #[rhai_fn(return_raw)]
    pub fn turns(context: NativeCallContext, network: Network, found: Reconstruction) -> Native<Array> {
        let by_depth = classes(&context, &network, &found)?;
        let samples = by_depth.first().map_or(0, Vec::len);
        let turn = |sample: usize| {
            let of_sample: Vec<_> = by_depth.iter().map(|depth| depth[sample]).collect();
            let other = of_sample.iter().rposition(|class| Some(class) != of_sample.last());
            (other.map_or(1, |other| other + 2) as INT).into()
        };
        Ok((0..samples).map(turn).collect())
    }

    /// The samples that the network takes for another class than theirs, computed now.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let wrong = net.misclassified(data.test.take(50));
    /// print(net.accuracy(wrong).value);    // 0.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn misclassified(context: NativeCallContext, network: Network, data: Split) -> Native<Split> {
        say_identity_norms(&context, &network)?;
        if data.classes() == 0 {
            return Err(data.no_labels().into());
        }
        let value = now(&context, "the outputs", &outputs(&network, &data)?)?;
        let (shape, y) = value.f32s("y")?;
        let labels = data.labels()?;
        let is_wrong = |(row, &label): (&[f32], &u32)| predicted(row) != Some(label as usize);
        let pairs = y.chunks(shape[1].max(1)).zip(&labels);
        let wrong: Vec<usize> = pairs.enumerate().filter(|(_, pair)| is_wrong(*pair)).map(|(i, _)| i).collect();
        if wrong.is_empty() {
            let message =
                format!("the network classifies {} correctly: none is misclassified", counted(data.len(), "sample"));
            return Err(Error::new(message).hint("take more samples").into());
        }
        Ok(data.pick(&wrong)?)
    }
}
