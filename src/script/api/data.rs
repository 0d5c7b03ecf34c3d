//! Data sets and parts of them.

use rhai::plugin::*;
use rhai::{Engine, INT, Map};

use super::general::wanted_count;
use crate::Error;
use crate::data::{Dataset, DatasetOptions, Split};
use crate::script::options::Spec;
use crate::script::session::{Native, Session};

const DATASET: Spec = Spec {
    function: "dataset",
    keys: &[
        ("size", "pixels on a side, images averaged: a divisor of 28 (28); of noise, any"),
        ("train", "samples to train on; generated sets only (60000)"),
        ("test", "samples to test with; generated sets only (10000)"),
        ("seed", "another seed draws other samples; generated sets only (0)"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[DATASET];

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Dataset>("Dataset")
        .register_type_with_name::<Split>("Split")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// A data set by name: "glyphs" (drawn digits, generated), "noise" (white, generated), "mnist", "fashion-mnist".
    ///
    /// ```
    /// let data = dataset("glyphs");
    /// print(data.train.len);    // 60000
    /// ```
    #[rhai_fn(return_raw)]
    pub fn dataset(context: NativeCallContext, name: &str) -> Native<Dataset> {
        dataset_with(context, name, Map::new())
    }

    /// The same with options.
    ///
    /// ```
    /// let small = dataset("glyphs", #{ size: 14, train: 1000, test: 100, seed: 1 });
    /// print(small.shape);    // [1, 14, 14]
    /// ```
    #[rhai_fn(name = "dataset", return_raw)]
    pub fn dataset_with(context: NativeCallContext, name: &str, options: Map) -> Native<Dataset> {
        let session = Session::of(&context)?;
        let options = DATASET.read(&options)?;
        let options = DatasetOptions {
            size: options.count("size")?,
            train: options.count("train")?,
            test: options.count("test")?,
            seed: options.seed("seed")?,
        };
        let dataset = Dataset::open(name, &options, &session.folders)?;
        dataset.warnings().iter().for_each(|warning| session.warn(Error::new(warning)));
        Ok(dataset)
    }

    /// The part to train on.
    #[rhai_fn(get = "train", pure)]
    pub fn train(dataset: &mut Dataset) -> Split {
        dataset.train()
    }

    /// The part to test with.
    #[rhai_fn(get = "test", pure)]
    pub fn test(dataset: &mut Dataset) -> Split {
        dataset.test()
    }

    /// The shape of one sample: [channels, height, width].
    #[rhai_fn(get = "shape", pure)]
    pub fn dataset_shape(dataset: &mut Dataset) -> rhai::Array {
        dataset.shape().iter().map(|&size| (size as INT).into()).collect()
    }

    /// How many numbers one sample has: the first size of an MLP.
    #[rhai_fn(get = "pixels", pure)]
    pub fn dataset_pixels(dataset: &mut Dataset) -> INT {
        dataset.shape().iter().product::<usize>() as INT
    }

    /// How many classes there are.
    #[rhai_fn(get = "classes", pure)]
    pub fn dataset_classes(dataset: &mut Dataset) -> INT {
        dataset.classes() as INT
    }

    /// The first `n` samples.
    ///
    /// ```
    /// let few = dataset("glyphs").test.take(100);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn take(split: Split, n: INT) -> Native<Split> {
        Ok(split.take(wanted_count(n, "the number of samples")?)?)
    }

    /// All but the first `n` samples.
    #[rhai_fn(return_raw)]
    pub fn skip(split: Split, n: INT) -> Native<Split> {
        Ok(split.skip(wanted_count(n, "the number of samples")?)?)
    }

    /// The samples of one class, in their order.
    ///
    /// ```
    /// let fives = dataset("glyphs").test.of_class(5).take(2);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn of_class(split: Split, class: INT) -> Native<Split> {
        Ok(split.of_class(wanted_count(class, "a class")?)?)
    }

    /// The samples in another order, the same for the same seed.
    #[rhai_fn(return_raw)]
    pub fn shuffle(split: Split, seed: INT) -> Native<Split> {
        Ok(split.shuffle(wanted_count(seed, "the seed")? as u64))
    }

    /// How many samples there are.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn split_len(split: &mut Split) -> INT {
        split.len() as INT
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn dataset_to_string(dataset: &mut Dataset) -> String {
        let (train, test) = (dataset.train().len(), dataset.test().len());
        format!("{}: {train} samples to train on, {test} to test with, each {:?}", dataset.name(), dataset.shape())
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn split_to_string(split: &mut Split) -> String {
        format!("{} samples of {}, each {:?}", split.len(), split.dataset().name(), split.shape())
    }
}
