//! What scripts can call: one file per thing that a script can hold. A function's doc comment is its page in the
//! reference, the example in it a test.

mod activation;
mod cascade;
mod classify;
mod curve;
mod data;
mod figure;
mod general;
mod layers;
mod network;
mod sweep;
mod table;
mod tensor;
mod theory;
mod training;
mod verdict;
mod weights;

pub use sweep::Sweep;

use rhai::Engine;

use super::options::Spec;

/// Adds every function and type to an engine.
pub(super) fn register(engine: &mut Engine) {
    general::register(engine);
    tensor::register(engine);
    data::register(engine);
    layers::register(engine);
    network::register(engine);
    weights::register(engine);
    classify::register(engine);
    cascade::register(engine);
    activation::register(engine);
    curve::register(engine);
    sweep::register(engine);
    table::register(engine);
    theory::register(engine);
    training::register(engine);
    figure::register(engine);
    verdict::register(engine);
}

/// The options of every function that takes some.
pub fn specs() -> impl Iterator<Item = &'static Spec> {
    [
        data::OPTIONS,
        layers::OPTIONS,
        network::OPTIONS,
        weights::OPTIONS,
        classify::OPTIONS,
        cascade::OPTIONS,
        curve::OPTIONS,
        theory::OPTIONS,
        training::OPTIONS,
        figure::OPTIONS,
        verdict::OPTIONS,
    ]
    .into_iter()
    .flatten()
}
