//! Data sets and their parts.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, INT, Map};

use super::general::{AnyNumber, wanted_count, wanted_number};
use super::tensor::select::wanted_places;
use super::{own_files, photos};
use crate::Error;
use crate::data::{COUNTS, Dataset, DatasetOptions, EMNIST, Split, downloadable};
use crate::script::options::{Key, Spec, Takes};
use crate::script::session::{Native, Session};
use crate::script::tensor::{ScriptTensor, place};
use crate::words::counted;

pub(super) const DATASET: Spec = Spec {
    function: "dataset",
    keys: &[
        Key::open(
            "size",
            Takes::Count,
            "the data set's own",
            "pixels on a side. Images are averaged, so it divides the data set's own size: 28, or 32 for CIFAR; \
             \"noise\" takes any size",
        ),
        Key::computed(
            "train",
            Takes::Count,
            || format!("`{}`", COUNTS[0]),
            "number of training samples; generated data sets only",
        ),
        Key::computed(
            "test",
            Takes::Count,
            || format!("`{}`", COUNTS[1]),
            "number of test samples; generated data sets only",
        ),
        Key::count("seed", 0, "seed of the samples; generated data sets only"),
        Key::flag("grey", false, "whether the three channels become one, the luma of ITU-R BT.601; CIFAR only"),
        Key::flag(
            "coarse",
            false,
            "whether the classes are the twenty groups in place of the hundred; \"cifar-100\" only",
        ),
        Key::one_of("split", &EMNIST, "which of its six sets; \"emnist\" only"),
        Key::open(
            "classes",
            Takes::Other("an array of texts, or a number"),
            "what the labels say",
            "names of the classes in order, or how many there are; one's own arrays only",
        ),
        Key::open(
            "shape",
            Takes::Other("`[numbers]` or `[channels, height, width]`"),
            "what the array says",
            "shape of one sample; one's own arrays only",
        ),
        Key::open(
            "channels_last",
            Takes::Flag,
            "false, if the array's shape leaves no doubt",
            "whether pictures are [height, width, channels]; one's own arrays only",
        ),
        Key::open(
            "x",
            Takes::Other("an array's name; of a CSV, a column's name or an array of them"),
            "`\"x\"`, `\"images\"`, `\"data\"`, `\"inputs\"` or `\"features\"`; of a CSV, all columns but the labels'",
            "what holds the samples in one's own file",
        ),
        Key::open(
            "y",
            Takes::Other("an array's or a column's name; of a CSV without names, a column's number from 0"),
            "`\"y\"`, `\"labels\"`, `\"class\"` or `\"target\"`, if there is one",
            "what holds the labels in one's own file",
        ),
    ],
};

const SPLIT: Spec = Spec {
    function: "split",
    keys: &[Key::open(
        "by_class",
        Takes::Flag,
        "true if there are labels",
        "whether both parts have every class in the proportions of the whole",
    )],
};

pub(super) const OPTIONS: &[Spec] = &[DATASET, photos::FOLDER, SPLIT];

/// Pages of the operators of splits.
pub(super) const OPERATORS: &str = r#"
## joined: +
## Split + Split -> Split
The samples of one split, then those of another, with the same shape and the same classes.

```
let data = dataset("glyphs");
let both = data.train.take(100) + data.test.take(50);
print(both.len);    // 150
```
"#;

/// Places of samples from a script, which count from the end where they are negative.
fn places(split: &Split, places: &TensorOrArray) -> Result<Vec<usize>, Error> {
    let count = split.len();
    let place = |at: INT| {
        place(at, count).ok_or_else(|| {
            Error::new(format!("`pick`: {split} has no sample {at}"))
                .hint(format!("its samples are 0 to {}, or -1 to -{count} from the end", count - 1))
        })
    };
    wanted_places(places)?.into_iter().map(place).collect()
}

/// A split in two, as a map.
fn in_two(split: &Split, share: &AnyNumber, seed: INT, options: &Map) -> Native<Map> {
    let options = SPLIT.read(options)?;
    let share = wanted_number(share, "the share")?;
    let [fit, held] =
        split.parted(share, wanted_count(seed, "the seed")? as u64, options.optional_flag("by_class")?)?;
    Ok(Map::from([("fit".into(), Dynamic::from(fit)), ("held".into(), Dynamic::from(held))]))
}

/// All samples of a data set that has only one part.
fn undivided(dataset: &Dataset) -> Result<Split, Error> {
    if dataset.is_split() {
        return Err(Error::new(format!("{} has two parts already, `train` and `test`", dataset.name()))
            .hint("split one of them: `data.train.split(0.8, 1)`"));
    }
    Ok(dataset.train())
}

/// A parameter that takes a tensor or an array of whole numbers. The reference shows it so.
type TensorOrArray = Dynamic;

pub(super) fn register(engine: &mut Engine) {
    super::arrays::register(engine);
    photos::register(engine);
    engine
        .register_type_with_name::<Dataset>("Dataset")
        .register_type_with_name::<Split>("Split")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// A data set by its name. "glyphs" (drawn digits) and "noise" (white noise) are generated; "mnist", "fashion-mnist", "kmnist",
    /// "emnist", "cifar-10" and "cifar-100" are read from files, which `entroscope data list` looks for.
    ///
    /// Or one's own file in the project folder or a data folder: arrays (.npy, .npz, .safetensors) or a table (CSV) with a row
    /// for each sample. Arrays called `x` or `images`, and `y` or `labels`, are its samples and their classes; `x_train`, `y_train`,
    /// `x_test` and `y_test`, or `train_images` and so on, are two parts.
    ///
    /// ```
    /// let data = dataset("glyphs");
    /// print(data.train.len);    // 60000
    /// ```
    /// ```
    /// fn digits() { dataset("digits.npz") }
    /// fn flowers() { dataset("iris.csv", #{ y: "species" }) }
    /// fn others() { dataset("others.npz", #{ x: "pixels", y: "kind", classes: ["cat", "dog"] }) }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn dataset(context: NativeCallContext, name: &str) -> Native<Dataset> {
        dataset_with(context, name, Map::new())
    }

    /// ```
    /// let small = dataset("glyphs", #{ size: 14, train: 1000, test: 100, seed: 1 });
    /// print(small.shape);    // [1, 14, 14]
    /// ```
    #[rhai_fn(name = "dataset", return_raw)]
    pub fn dataset_with(context: NativeCallContext, name: &str, options: Map) -> Native<Dataset> {
        let session = Session::from_context(&context)?;
        if own_files::is_file(name) {
            let dataset = own_files::open(&session, name, &options)?;
            session.note_data(&format!("dataset(\"{name}\")"), format!("the file {name}"), &dataset);
            return Ok(dataset);
        }
        if let Some(option) = options.keys().find(|key| own_files::is_own(key)) {
            let message = format!(
                "`{option}` is an option of one's own arrays and files; {name} has samples and labels of its own"
            );
            return Err(Error::new(message).into());
        }
        let options = DATASET.read(&options)?;
        let options = DatasetOptions {
            size: options.optional_count("size")?,
            train: options.optional_count("train")?,
            test: options.optional_count("test")?,
            seed: options.optional_seed("seed")?,
            grey: options.optional_flag("grey")?,
            coarse: options.optional_flag("coarse")?,
            split: options.value("split").map(|_| options.choice("split")).transpose()?,
        };
        Dataset::folders_of(name, &session.folders).iter().for_each(|folder| session.handle.reads.note(folder));
        let dataset = Dataset::open(name, &options, &session.folders)?;
        let from = if dataset.is_generated() {
            "drawn by this program".to_owned()
        } else if downloadable(name).is_ok() {
            format!("`entroscope data get {name}`")
        } else {
            "`entroscope data list` says where".to_owned()
        };
        session.note_data(&format!("dataset(\"{name}\")"), from, &dataset);
        dataset.warnings().iter().for_each(|warning| session.warn(Error::new(warning)));
        Ok(dataset)
    }

    /// The part for training; all samples of arrays of one's own.
    #[rhai_fn(get = "train", pure)]
    pub fn train(dataset: &mut Dataset) -> Split {
        dataset.train()
    }

    /// The part for testing.
    #[rhai_fn(get = "test", pure, return_raw)]
    pub fn test(dataset: &mut Dataset) -> Native<Split> {
        if dataset.is_split() {
            return Ok(dataset.test());
        }
        Err(Error::new(format!("{} has one part only, `train`", dataset.name()))
            .hint("divide it: `let parts = data.split(0.8, 1);` makes `parts.fit` and `parts.held`")
            .into())
    }

    /// The shape of one sample: [channels, height, width].
    #[rhai_fn(get = "shape", pure)]
    pub fn dataset_shape(dataset: &mut Dataset) -> rhai::Array {
        dataset.shape().iter().map(|&size| (size as INT).into()).collect()
    }

    /// The number of numbers in one sample: the input size of a multilayer perceptron.
    #[rhai_fn(get = "pixels", pure)]
    pub fn dataset_pixels(dataset: &mut Dataset) -> INT {
        dataset.shape().iter().product::<usize>() as INT
    }

    /// The number of classes; 0 for a folder without labels.
    #[rhai_fn(get = "classes", pure)]
    pub fn dataset_classes(dataset: &mut Dataset) -> INT {
        dataset.classes() as INT
    }

    /// The names of the classes in their order; an empty array if they only have numbers.
    #[rhai_fn(get = "class_names", pure)]
    pub fn dataset_class_names(dataset: &mut Dataset) -> rhai::Array {
        dataset.class_names().into_iter().map(Into::into).collect()
    }

    /// The shape of one sample: [channels, height, width].
    #[rhai_fn(get = "shape", pure)]
    pub fn split_shape(split: &mut Split) -> rhai::Array {
        split.shape().iter().map(|&size| (size as INT).into()).collect()
    }

    /// The number of numbers in one sample: the input size of a multilayer perceptron.
    #[rhai_fn(get = "pixels", pure)]
    pub fn split_pixels(split: &mut Split) -> INT {
        split.shape().iter().product::<usize>() as INT
    }

    /// The number of classes; 0 for a folder without labels.
    #[rhai_fn(get = "classes", pure)]
    pub fn split_classes(split: &mut Split) -> INT {
        split.classes() as INT
    }

    /// The names of the classes in their order; an empty array if they only have numbers.
    #[rhai_fn(get = "class_names", pure)]
    pub fn split_class_names(split: &mut Split) -> rhai::Array {
        split.dataset().class_names().into_iter().map(Into::into).collect()
    }

    /// The names of a folder's pictures in their order: the paths within the folder.
    #[rhai_fn(get = "names", pure, return_raw)]
    pub fn names(split: &mut Split) -> Native<rhai::Array> {
        Ok(split.names()?.into_iter().map(Into::into).collect())
    }

    /// One picture of a folder by its name: a split with one sample.
    ///
    /// ```
    /// fn both() { folder("photos").named("both.png") }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn named(split: Split, name: &str) -> Native<Split> {
        Ok(split.named(name)?)
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

    /// All samples but the first `n`.
    ///
    /// ```
    /// print(dataset("glyphs").test.skip(9000).len);    // 1000
    /// ```
    #[rhai_fn(return_raw)]
    pub fn skip(split: Split, n: INT) -> Native<Split> {
        Ok(split.skip(wanted_count(n, "the number of samples")?)?)
    }

    /// The samples of one class, in the same order.
    ///
    /// ```
    /// let fives = dataset("glyphs").test.of_class(5).take(2);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn of_class(split: Split, class: INT) -> Native<Split> {
        Ok(split.of_class(wanted_count(class, "a class")?)?)
    }

    /// The samples at some places, counted from 0, in this order. Negative places count from the end.
    ///
    /// ```
    /// let few = dataset("glyphs").test.pick([7, 0, -1]);
    /// print(few.len);    // 3
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pick(split: Split, places: TensorOrArray) -> Native<Split> {
        Ok(split.pick(&self::places(&split, &places)?)?)
    }

    /// Two splits as a map, in an order that the seed decides: `fit` has this share of the samples, `held` the others. Both have
    /// every class in the proportions of the whole, if there are labels.
    ///
    /// ```
    /// let parts = dataset("glyphs").train.take(1000).split(0.8, 1);
    /// print([parts.fit.len, parts.held.len]);    // [800, 200]
    /// ```
    #[rhai_fn(name = "split", return_raw)]
    pub fn split_in_two(split: Split, share: AnyNumber, seed: INT) -> Native<Map> {
        in_two(&split, &share, seed, &Map::new())
    }

    /// ```
    /// let parts = dataset("glyphs").train.take(1000).split(0.8, 1, #{ by_class: false });
    /// ```
    #[rhai_fn(name = "split", return_raw)]
    pub fn split_in_two_with(split: Split, share: AnyNumber, seed: INT, options: Map) -> Native<Map> {
        in_two(&split, &share, seed, &options)
    }

    #[rhai_fn(name = "split", return_raw)]
    pub fn split_dataset(dataset: Dataset, share: AnyNumber, seed: INT) -> Native<Map> {
        in_two(&undivided(&dataset)?, &share, seed, &Map::new())
    }

    #[rhai_fn(name = "split", return_raw)]
    pub fn split_dataset_with(dataset: Dataset, share: AnyNumber, seed: INT, options: Map) -> Native<Map> {
        in_two(&undivided(&dataset)?, &share, seed, &options)
    }

    /// See `OPERATORS`.
    #[rhai_fn(name = "+", return_raw)]
    pub fn joined(first: Split, second: Split) -> Native<Split> {
        Ok(first.joined(&second)?)
    }

    /// The class of every sample: a tensor [samples].
    ///
    /// ```
    /// print(dataset("glyphs").test.of_class(5).take(3).labels.to_array());    // [5.0, 5.0, 5.0]
    /// ```
    #[rhai_fn(get = "labels", pure, return_raw)]
    pub fn labels(context: NativeCallContext, split: &mut Split) -> Native<ScriptTensor> {
        let labels = || Ok(split.labels()?.into_iter().map(|label| label as f32).collect());
        Ok(ScriptTensor::new(&*Session::from_context(&context)?, &[split.len()], labels)?)
    }

    /// The pixels of the samples, read now: a tensor [samples, channels, height, width], as of `tensor(split)`.
    ///
    /// ```
    /// print(dataset("glyphs").test.take(10).images.shape);    // [10, 1, 28, 28]
    /// ```
    #[rhai_fn(get = "images", pure, return_raw)]
    pub fn images(context: NativeCallContext, split: &mut Split) -> Native<ScriptTensor> {
        let shape = [&[split.len()], &split.shape()[..]].concat();
        Ok(ScriptTensor::new(&*Session::from_context(&context)?, &shape, || split.pixels())?)
    }

    /// The samples in a random order, which the seed decides.
    ///
    /// ```
    /// let few = dataset("glyphs").train.shuffle(1).take(100);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn shuffle(split: Split, seed: INT) -> Native<Split> {
        Ok(split.shuffle(wanted_count(seed, "the seed")? as u64))
    }

    /// The number of samples.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn split_len(split: &mut Split) -> INT {
        split.len() as INT
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn dataset_to_string(dataset: &mut Dataset) -> String {
        let (train, test) = (dataset.train().len(), dataset.test().len());
        if !dataset.is_split() {
            return format!("{}: {}, each {:?}", dataset.name(), counted(train, "sample"), dataset.shape());
        }
        let (train, test) = (counted(train, "training sample"), counted(test, "test sample"));
        format!("{}: {train}, {test}, each {:?}", dataset.name(), dataset.shape())
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn split_to_string(split: &mut Split) -> String {
        let samples = counted(split.len(), "sample");
        format!("{samples} of {}, each {:?}", split.dataset().name(), split.shape())
    }
}
