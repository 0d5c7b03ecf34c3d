//! Data sets and their parts.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, INT, Map};

use super::general::{wanted_count, wanted_number};
use crate::Error;
use crate::data::{COUNTS, Dataset, DatasetOptions, FolderAccess, FolderOptions, LABEL_COLUMN, Normalisation, Split};
use crate::output::run_folder::RunFolder;
use crate::script::options::{Key, Options, Spec, Takes, describe};
use crate::script::session::{Native, Session};

const DATASET: Spec = Spec {
    function: "dataset",
    keys: &[
        Key::open(
            "size",
            Takes::Count,
            "the data set's own",
            "pixels on a side. Images are averaged, so it divides the data set's own size: 28, or 32 for \"cifar-10\"; \
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
        Key::flag("grey", false, "whether the three channels become one, the luma of ITU-R BT.601; \"cifar-10\" only"),
    ],
};

const FOLDER: Spec = Spec {
    function: "folder",
    keys: &[
        Key::open("resize", Takes::Count, "no resizing", "pixels of the shorter side"),
        Key::open("crop", Takes::Count, "no cropping", "pixels on a side of the central square that is kept"),
        Key::open(
            "normalize",
            Takes::Other("`\"imagenet\"` or `#{ mean: […], std: […] }`, one number per channel"),
            "pixels in [0, 1]",
            "mean that is subtracted and standard deviation to divide by",
        ),
        Key::flag("grey", false, "whether the three channels become one, the luma of ITU-R BT.601"),
        Key::open(
            "labels",
            Takes::Text,
            "the subfolders are the classes, if every picture is in one",
            "CSV table in the folder that holds the classes, separated by commas, semicolons or tabs; its column `file`, \
             or else its first, holds the pictures' names",
        ),
        Key::text(
            "label",
            LABEL_COLUMN,
            "column of the table that holds the classes: whole numbers, or texts, which are numbered in sorted order; a cell \
             that is empty, or NaN and the like, is no class",
        ),
    ],
};

/// The keys of the map that `normalize` takes.
const NORMALIZE: Spec = Spec {
    function: "normalize",
    keys: &[
        Key::required("mean", Takes::Other("an array of numbers"), "subtracted, one number per channel"),
        Key::required("std", Takes::Other("an array of numbers"), "then divided by, one number per channel"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[DATASET, FOLDER];

fn normalisation(options: &Options<'_>) -> Result<Option<Normalisation>, Error> {
    let Some(value) = options.value("normalize") else { return Ok(None) };
    let wanted = || {
        Error::new(format!(
            "`folder`: option `normalize` must be \"imagenet\" or #{{ mean: […], std: […] }}, got {}",
            describe(value)
        ))
    };
    if value.is_string() {
        return if value.to_string() == "imagenet" { Ok(Some(Normalisation::imagenet())) } else { Err(wanted()) };
    }
    let map = value.read_lock::<Map>().ok_or_else(wanted)?;
    let options = NORMALIZE.read(&map)?;
    let numbers = |key: &str| {
        let list = options.value(key).and_then(Dynamic::read_lock::<rhai::Array>);
        let list =
            list.ok_or_else(|| Error::new(format!("`normalize`: option `{key}` must be an array of numbers")))?;
        list.iter()
            .map(|value| Ok(wanted_number(value, &format!("`{key}`"))? as f32))
            .collect::<Result<Vec<_>, Error>>()
    };
    Ok(Some(Normalisation::new(numbers("mean")?, numbers("std")?)?))
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Dataset>("Dataset")
        .register_type_with_name::<Split>("Split")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// A data set by its name. "glyphs" (drawn digits) and "noise" (white noise) are generated; "mnist", "fashion-mnist" and
    /// "cifar-10" are read from files.
    ///
    /// ```
    /// let data = dataset("glyphs");
    /// print(data.train.len);    // 60000
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
        let options = DATASET.read(&options)?;
        let options = DatasetOptions {
            size: options.optional_count("size")?,
            train: options.optional_count("train")?,
            test: options.optional_count("test")?,
            seed: options.optional_seed("seed")?,
            grey: options.optional_flag("grey")?,
        };
        Dataset::folders_of(name, &session.folders).iter().for_each(|folder| session.handle.reads.note(folder));
        let dataset = Dataset::open(name, &options, &session.folders)?;
        dataset.warnings().iter().for_each(|warning| session.warn(Error::new(warning)));
        Ok(dataset)
    }

    /// The photographs (JPEG and PNG) in a folder and its subfolders, in colour and sorted by name. The folder is in the
    /// project folder or in a data folder. Broken pictures are skipped, with a warning that names them, and so are grey ones of
    /// 16 bits. Folders with outputs of runs are skipped as well.
    ///
    /// The options do what torchvision's Resize, CenterCrop and Normalize do with Pillow 13, in this order and to the same
    /// numbers.
    ///
    /// ```
    /// fn photos() { folder("photos") }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn folder(context: NativeCallContext, path: &str) -> Native<Split> {
        folder_with(context, path, Map::new())
    }

    /// ```
    /// fn photos() { folder("photos", #{ resize: 256, crop: 224, normalize: "imagenet" }) }
    /// fn grey() { folder("faces", #{ crop: 64, grey: true, normalize: #{ mean: [0.5], std: [0.5] } }) }
    /// fn classes() { folder("photos", #{ resize: 64, crop: 64, labels: "labels.csv", label: "animal" }) }
    /// ```
    #[rhai_fn(name = "folder", return_raw)]
    pub fn folder_with(context: NativeCallContext, path: &str, options: Map) -> Native<Split> {
        let session = Session::from_context(&context)?;
        let options = FOLDER.read(&options)?;
        let options = FolderOptions {
            resize: options.optional_count("resize")?,
            crop: options.optional_count("crop")?,
            normalize: normalisation(&options)?,
            grey: options.flag("grey")?,
            labels: options.optional_text("labels")?,
            label: options.optional_text("label")?,
        };
        let cancelled = || session.handle.is_over();
        let place = session.readable_folder(path)?;
        let outputs = session.run_folder().ok().map(RunFolder::root);
        let access = FolderAccess { memory: session.settings.memory, outputs, cancelled: &cancelled };
        let photos = Dataset::folder(&place, path, &options, &session.folders, access)?;
        photos.warnings().iter().for_each(|warning| session.warn(Error::new(warning)));
        Ok(photos.train())
    }

    /// The part for training.
    #[rhai_fn(get = "train", pure)]
    pub fn train(dataset: &mut Dataset) -> Split {
        dataset.train()
    }

    /// The part for testing.
    #[rhai_fn(get = "test", pure)]
    pub fn test(dataset: &mut Dataset) -> Split {
        dataset.test()
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
        format!("{}: {train} training samples, {test} test samples, each {:?}", dataset.name(), dataset.shape())
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn split_to_string(split: &mut Split) -> String {
        format!("{} samples of {}, each {:?}", split.len(), split.dataset().name(), split.shape())
    }
}
