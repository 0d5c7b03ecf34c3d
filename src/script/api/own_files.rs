//! Files of one's own as data sets: `dataset("digits.npz")`.

use std::path::Path;

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::arrays::{OF_ARRAYS, array_options, refused};
use super::data::DATASET;
use super::network::elements;
use super::tensor::files::named_tensors;
use crate::data::{Columns, Dataset, LABELS, OwnLabels, OwnPart, read_table};
use crate::files::kind::Kind;
use crate::script::options::{Options, describe};
use crate::script::session::Session;
use crate::script::tensor::ScriptTensor;
use crate::words::nearest;
use crate::{Error, Result};

/// Options of files of one's own.
pub(super) const OF_FILES: [&str; 2] = ["x", "y"];
/// Names of arrays that are known to hold samples, in lower case.
const SAMPLES: [&str; 6] = ["x", "images", "image", "data", "inputs", "features"];
/// The two parts as files call them.
const PARTS: [&str; 2] = ["train", "test"];

/// Whether a script means a file, not a data set by its name.
pub(super) fn is_file(name: &str) -> bool {
    name.contains(['.', '/', '\\'])
}

/// Whether an option belongs to one's own arrays or files.
pub(super) fn is_own(option: &str) -> bool {
    OF_ARRAYS.contains(&option) || OF_FILES.contains(&option)
}

/// The data set in a file of arrays (.npy, .npz, .safetensors) or a table (CSV).
pub(super) fn open(session: &Session, name: &str, options: &Map) -> Result<Dataset> {
    let read = DATASET.read(options)?;
    if let Some(option) = options.keys().find(|key| !is_own(key)) {
        return Err(refused(option, "files of one's own"));
    }
    let file = session.readable_file(name)?;
    let in_file = |error: Error| {
        let message = if error.message.contains(name) { error.message } else { format!("{name}: {}", error.message) };
        Error { message, ..error }
    };
    let parts = match Kind::of_file(&file) {
        Some(Kind { what: "a text" | "empty", .. }) => vec![table(session, name, &file, &read)?],
        _ => {
            let arrays = named_tensors(session, name, &file)
                .map_err(|error| error.hint("data sets are read from .npy, .npz, .safetensors and CSV"))?;
            parts(name, arrays, &read)?
        }
    };
    Dataset::of_arrays(&format!("dataset(\"{name}\")"), parts, &array_options(&read)?).map_err(in_file)
}

fn text_of(value: &Dynamic, what: &str, also: &str) -> Result<String> {
    match (value.as_int(), value.clone().into_string()) {
        (Ok(number), _) => Ok(number.to_string()),
        (_, Ok(text)) => Ok(text),
        (_, Err(_)) => {
            Err(Error::new(format!("`dataset`: option `{what}` must be a text{also}, got {}", describe(value))))
        }
    }
}

fn table(session: &Session, name: &str, file: &Path, options: &Options<'_>) -> Result<OwnPart> {
    let x = options.value("x").map(|x| match x.clone().try_cast::<Array>() {
        Some(list) if list.iter().all(Dynamic::is_int) => Ok(list.iter().map(ToString::to_string).collect()),
        Some(list) => {
            let names = elements::<ImmutableString>(list, "`x`", "a column's name")?;
            Ok(names.iter().map(ToString::to_string).collect())
        }
        None => Ok(vec![text_of(x, "x", " or an array of columns")?]),
    });
    let y = options.value("y").map(|y| text_of(y, "y", " or a column's number")).transpose()?;
    let columns = Columns { x: x.transpose()?, y };
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    let _held = session.tensors.reserve_bytes(3 * bytes, || format!("reading {name}"))?;
    let (part, warnings) = read_table(file, name, &columns)?;
    warnings.into_iter().for_each(|warning| session.warn(Error::new(warning)));
    Ok(part)
}

/// The arrays of a file as one part, or as two if their names say so.
fn parts(name: &str, arrays: Vec<(String, ScriptTensor)>, options: &Options<'_>) -> Result<Vec<OwnPart>> {
    let [x, y] = OF_FILES.map(|key| options.value(key).map(|value| text_of(value, key, "")).transpose());
    let (x, y) = (x?, y?);
    let names: Vec<String> = arrays.iter().map(|(name, _)| name.clone()).collect();
    let tensor = |at: usize| arrays[at].1.clone();
    let part = |x: usize, y: Option<usize>| {
        let (x, y) = (tensor(x), y.map(tensor));
        let labels = match y {
            None => OwnLabels::None,
            Some(y) => OwnLabels::Numbers { shape: y.shape(), numbers: y.numbers()? },
        };
        Ok(OwnPart { shape: x.shape(), numbers: x.numbers()?, labels })
    };
    if x.is_none() && y.is_none() {
        let [train, test] = PARTS.map(|part| of_part(&names, part));
        if let (Some(train), Some(test)) = (train, test) {
            return Ok(vec![part(train.0, train.1)?, part(test.0, test.1)?]);
        }
    }
    let labels = match &y {
        Some(y) => Some(wanted(name, &names, y, "y")?),
        None => known(name, &names, &LABELS, "y")?,
    };
    let samples = match &x {
        Some(x) => wanted(name, &names, x, "x")?,
        None => match (known(name, &names, &SAMPLES, "x")?, &names[..]) {
            (Some(known), _) => known,
            (None, [_]) if labels.is_none() => 0,
            (None, _) => {
                return Err(Error::new(format!("{name} has no array called x; it has {}", names.join(", ")))
                    .hint("name the arrays of samples and labels: `#{ x: \"…\", y: \"…\" }`")
                    .hint(format!(
                        "without that, samples are called {}, labels {}",
                        SAMPLES.join(", "),
                        LABELS.join(", ")
                    )));
            }
        },
    };
    Ok(vec![part(samples, labels)?])
}

/// The array that an option names.
fn wanted(file: &str, names: &[String], name: &str, option: &str) -> Result<usize> {
    names.iter().position(|known| known == name).ok_or_else(|| {
        let error =
            Error::new(format!("{file} has no array \"{name}\" for option `{option}`; it has {}", names.join(", ")));
        match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean \"{near}\"?")),
            None => error,
        }
    })
}

/// The array with a name that is known, if there is one.
fn known(file: &str, names: &[String], known: &[&str], option: &str) -> Result<Option<usize>> {
    let found: Vec<usize> = (0..names.len()).filter(|&i| known.contains(&names[i].to_lowercase().as_str())).collect();
    match found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [first, second, ..] => {
            let message = format!("{file} has the arrays \"{}\" and \"{}\"", names[first], names[second]);
            Err(Error::new(message).hint(format!("say which it is: `{option}: \"{}\"`", names[first])))
        }
    }
}

/// The samples and labels of a part: `x_train` and `y_train`, `train_images` and `train_labels`.
fn of_part(names: &[String], part: &str) -> Option<(usize, Option<usize>)> {
    let find = |known: &[&str]| {
        names.iter().position(|name| {
            let name = name.to_lowercase();
            known.iter().any(|known| name == format!("{known}_{part}") || name == format!("{part}_{known}"))
        })
    };
    Some((find(&SAMPLES)?, find(&LABELS)))
}
