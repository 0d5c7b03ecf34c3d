//! Photographs of a folder.

use rhai::plugin::*;
use rhai::{Engine, Map};

use super::general::wanted_number;
use crate::Error;
use crate::data::{Dataset, FolderAccess, FolderOptions, LABEL_COLUMN, Normalisation, Split};
use crate::output::run_folder::RunFolder;
use crate::script::options::{Key, Options, Spec, Takes, describe};
use crate::script::session::{Native, Session};

pub(super) const FOLDER: Spec = Spec {
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
    engine.register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
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
        session.note_data(&format!("folder(\"{path}\")"), format!("the folder {path}"), &photos);
        photos.warnings().iter().for_each(|warning| session.warn(Error::new(warning)));
        Ok(photos.train())
    }
}
