//! The greatest depth that trains: what `stdlib/trainability.rhai` calls.

use rhai::plugin::*;
use rhai::{Engine, FnPtr, Map};

use super::training::trained_as;
use crate::Error;
use crate::data::Split;
use crate::figure::number::seven_digits;
use crate::network::{Architecture, Network, accuracy};
use crate::script::lazy::Number;
use crate::script::options::{Key, Options, Spec, Takes, describe};
use crate::script::session::{Native, Session};
use crate::trainability::{Found, Method, Trial, deepest, found};

const DEEPEST: Spec = Spec {
    function: "trainability::deepest",
    keys: &[
        Key::count("from", 150, "the greatest depth that is tried, as published"),
        Key::count("by", 5, "step between the depths, as published"),
        Key::count("to", 2, "the least depth, a candidate even if `by` steps over it"),
        Key::number("accuracy", 0.4, "least accuracy of a network that counts as trained, as published"),
        Key::one_of(
            "method",
            &Method::NAMES,
            "\"falling\" tries the greatest depth first, as published; \"bisect\" halves the depths that are left, which is right \
             if every depth below one that trains trains as well",
        ),
        Key::open(
            "training",
            Takes::Other("a map of `trained`'s options"),
            "`trained`'s defaults",
            "how the networks are trained",
        ),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[DEEPEST];

/// The depths to try, the greatest first, and the accuracy that counts.
fn depths(options: &Options<'_>) -> Result<(Vec<usize>, f64), Error> {
    let (from, by, to) = (options.count("from")?, options.count("by")?, options.count("to")?);
    let name = DEEPEST.function;
    if by == 0 || to == 0 || to > from {
        let message =
            format!("`{name}`: from depth {from} by {by} to {to}; it falls by at least 1 to a depth of at least 1");
        return Err(Error::new(message));
    }
    let threshold = options.number("accuracy")?;
    if !(threshold > 0.0 && threshold <= 1.0) {
        let error =
            Error::new(format!("`{name}`: accuracy is {threshold}; it is a share of samples, above 0 and at most 1"));
        return Err(if threshold > 1.0 && threshold <= 100.0 {
            error.hint(format!("{threshold} % is `accuracy: {}`", seven_digits(threshold / 100.0)))
        } else {
            error
        });
    }
    let mut depths: Vec<usize> = (to..=from).rev().step_by(by).collect();
    depths.extend((depths.last() != Some(&to)).then_some(to));
    Ok((depths, threshold))
}

/// The network that the script's closure makes for a depth.
fn made(context: &NativeCallContext<'_>, make: &FnPtr, depth: usize) -> Native<Network> {
    let network: Dynamic = make.call_within_context(context, (depth as rhai::INT,))?;
    let hint = "`|depth| mlp::shrinking(data.pixels, 10, depth).init(#{ weight_var: 1.7, bias_var: 0.05 })`";
    if network.is::<Architecture>() {
        let message = format!("`{}`: the network of depth {depth} has no weights", DEEPEST.function);
        return Err(Error::new(message).hint(hint).into());
    }
    let found = describe(&network);
    network.try_cast::<Network>().ok_or_else(|| {
        let message = format!("`{}`: the closure makes {found} for depth {depth}, not a network", DEEPEST.function);
        Error::new(message).hint(hint).into()
    })
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// (hidden) See `trainability::deepest`.
    #[rhai_fn(return_raw)]
    pub fn search_for_deepest(
        context: NativeCallContext,
        make: FnPtr,
        train: Split,
        test: Split,
        options: Map,
    ) -> Native<Map> {
        let options = DEEPEST.read(&options)?;
        let (depths, threshold) = depths(&options)?;
        let most = Session::from_context(&context)?.settings.limits.points;
        if depths.len() > most {
            let message = format!("`{}` tries {} depths; at most {most}", DEEPEST.function, depths.len());
            return Err(Error::new(message).hint("take a greater `by`, or raise the limit: --max-points N").into());
        }
        let method = options.choice("method")?;
        let method =
            Method::ALL.iter().find(|(name, _)| *name == method).map_or(Method::Falling, |(_, method)| *method);
        let training = match options.value("training") {
            None => Map::new(),
            Some(value) => value.clone().try_cast::<Map>().ok_or_else(|| {
                let found = describe(value);
                Error::new(format!("`{}`: option `training` must be a map, got {found}", DEEPEST.function))
                    .hint("such as `training: #{ epochs: 200, optimizer: sgd(1e-3) }`")
            })?,
        };
        let trial = |&depth: &usize| -> Native<Trial> {
            let trained = trained_as(&context, &made(&context, &make, depth)?, &train, &training)?;
            Ok(Trial { depth, accuracy: accuracy(&trained, &test)? })
        };
        let search = deepest(depths.iter().map(trial).collect::<Native<_>>()?, threshold, method);
        let number = |part: Found, quantity: &'static str| {
            Dynamic::from(Number { source: found(search.clone(), part, threshold), quantity })
        };
        let parts = [
            ("depth", number(Found::Depth, "depth")),
            ("accuracy", number(Found::Accuracy, "accuracy")),
            ("runs", number(Found::Runs, "networks trained")),
        ];
        Ok(parts.into_iter().map(|(name, number)| (name.into(), number)).collect())
    }
}
