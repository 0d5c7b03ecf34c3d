//! Arrays of one's own as data sets: tensors, arrays of numbers, pictures, and their labels.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use super::curve::now;
use super::data::DATASET;
use super::network::elements;
use crate::data::{ArrayOptions, Classes, Dataset, OwnLabels, OwnPart, Split};
use crate::output::Pictures;
use crate::script::options::{Options, describe, number, settled};
use crate::script::session::{Native, Session};
use crate::script::tensor::ScriptTensor;
use crate::{Error, Result};

/// Options of `dataset` for arrays of one's own, of tensors and of files.
pub(super) const OF_ARRAYS: [&str; 3] = ["classes", "shape", "channels_last"];

/// A parameter that takes samples as numbers. The reference shows it so.
type AnySamples = Dynamic;
/// A parameter that takes labels. The reference shows it so.
type TensorOrArray = Dynamic;

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

/// The options for arrays among those of a script.
pub(super) fn array_options(options: &Options<'_>) -> Result<ArrayOptions> {
    let shape = options.value("shape").map(|shape| {
        let sizes = shape.clone().try_cast::<Array>().and_then(|sizes| elements::<INT>(sizes, "shape", "a size").ok());
        let sizes: Option<Vec<usize>> =
            sizes.and_then(|sizes| sizes.into_iter().map(|size| usize::try_from(size).ok()).collect());
        sizes.filter(|sizes| matches!(sizes.len(), 1 | 3) && !sizes.contains(&0)).ok_or_else(|| {
            Error::new(
                "`dataset`: option `shape` must be the shape of one sample, [numbers] or [channels, height, width]",
            )
        })
    });
    let classes =
        options.value("classes").map(|classes| match (classes.as_int(), classes.clone().try_cast::<Array>()) {
            (Ok(count), _) if count > 0 => Ok(Classes::Count(count as usize)),
            (_, Some(names)) => {
                let names = elements::<ImmutableString>(names, "`classes`", "a text")?;
                Ok(Classes::Names(names.iter().map(ToString::to_string).collect()))
            }
            _ => Err(Error::new(format!(
                "`dataset`: option `classes` must be an array of texts or a number of at least 1, got {}",
                describe(classes)
            ))),
        });
    Ok(ArrayOptions {
        shape: shape.transpose()?,
        channels_last: options.optional_flag("channels_last")?,
        classes: classes.transpose()?,
    })
}

/// The error for an option that a kind of data does not have.
pub(super) fn refused(option: &str, about: &str) -> Error {
    let error = Error::new(format!("`{option}` is no option of {about}"));
    match option {
        "size" => error.hint("the shape of a sample is what x says; `shape` gives the same numbers another one"),
        "train" | "test" | "seed" => error.hint("in two parts: `data.split(0.8, 1)` makes `fit` and `held`"),
        "x" | "y" => error.hint("of tensors, x is the first argument and y the second: `dataset(x, y)`"),
        _ => error,
    }
}

/// Numbers that a script gives as samples, computed now if they are a result.
fn samples(context: &NativeCallContext<'_>, x: &Dynamic) -> Native<(Vec<usize>, Vec<f32>)> {
    if let Some(tensor) = x.read_lock::<ScriptTensor>() {
        return Ok((tensor.shape(), tensor.numbers()?));
    }
    if let Some(pictures) = x.read_lock::<Pictures>() {
        let value = now(context, "pictures", pictures.source())?;
        return Ok((pictures.shape().to_vec(), pictures.pixels(&value)?.to_vec()));
    }
    let error = Error::new(format!("a data set of {}: samples are a tensor or pictures", describe(x)));
    Err(if x.is_array() {
        error.hint("make a tensor of the numbers: `tensor([[0.1, 0.2], [0.3, 0.4]])`")
    } else if x.is::<Split>() {
        error.hint("a split is data already; with other labels: `dataset(split.images, labels)`")
    } else if x.is_map() {
        error.hint("of `load_tensors`, name the arrays: `dataset(arrays.x, arrays.y)`")
    } else {
        error.hint("a file or a known data set by its name: `dataset(\"digits.npz\")`")
    }
    .into())
}

/// Labels that a script gives.
fn labels(y: &Dynamic) -> Result<OwnLabels> {
    if let Some(tensor) = y.read_lock::<ScriptTensor>() {
        return Ok(OwnLabels::Numbers { shape: tensor.shape(), numbers: tensor.numbers()? });
    }
    let Some(list) = y.read_lock::<Array>() else {
        return Err(Error::new(format!("labels are a tensor or an array, got {}", describe(y)))
            .hint("`dataset(x, y)`: y has the class of every sample, a whole number from 0 or a text"));
    };
    if list.iter().all(Dynamic::is_string) {
        return Ok(OwnLabels::Texts(list.iter().map(ToString::to_string).collect()));
    }
    let class = |(i, label): (usize, &Dynamic)| {
        let label = settled(label)?;
        number(&label).map(|label| label as f32).ok_or_else(|| {
            Error::new(format!("label {i} of y is {}", describe(&label)))
                .hint("labels are whole numbers from 0, or all of them are texts")
        })
    };
    let numbers = list.iter().enumerate().map(class).collect::<Result<Vec<_>>>()?;
    Ok(OwnLabels::Numbers { shape: vec![numbers.len()], numbers })
}

fn of_arrays(context: &NativeCallContext<'_>, x: &Dynamic, y: Option<&Dynamic>, options: &Map) -> Native<Dataset> {
    let read = DATASET.read(options)?;
    if let Some(option) = options.keys().find(|key| !OF_ARRAYS.contains(&key.as_str())) {
        return Err(refused(option, "arrays of one's own").into());
    }
    let labels = y.map_or(Ok(OwnLabels::None), labels)?;
    let (shape, numbers) = samples(context, x)?;
    let bytes = 4 * numbers.len() as u64;
    let _held = Session::from_context(context)?.tensors.reserve_bytes(bytes, || format!("data of shape {shape:?}"))?;
    let expression = if y.is_some() { "dataset(x, y)" } else { "dataset(x)" };
    Ok(Dataset::of_arrays(expression, vec![OwnPart { shape, numbers, labels }], &array_options(&read)?)?)
}

#[export_module]
mod functions {
    /// Arrays of one's own: `x` is a tensor [samples, numbers] or [samples, channels, height, width], or pictures, which are
    /// computed now; `y` has the class of every sample, as a tensor or an array of whole numbers from 0, or as an array of
    /// texts, which are numbered in sorted order. Without `y` there are no labels. Its samples are `train`; they are not divided
    /// into two parts before `split`. The same numbers are the same data, whatever they were read from.
    ///
    /// ```
    /// let data = dataset(randn([50, 3], 0), randn([50], 1).greater_than(0), #{ classes: ["low", "high"] });
    /// print(data.pixels);                     // 3
    /// print(data.split(0.8, 1).held.len);     // 10
    /// ```
    #[rhai_fn(name = "dataset", return_raw)]
    pub fn dataset_of_both(context: NativeCallContext, x: AnySamples, y: TensorOrArray) -> Native<Dataset> {
        match y.read_lock::<Map>() {
            Some(options) => of_arrays(&context, &x, None, &options),
            None => of_arrays(&context, &x, Some(&y), &Map::new()),
        }
    }

    #[rhai_fn(name = "dataset", return_raw)]
    pub fn dataset_of_samples(context: NativeCallContext, x: AnySamples) -> Native<Dataset> {
        of_arrays(&context, &x, None, &Map::new())
    }

    /// ```
    /// let grey = dataset(uniform([10, 8, 8], 0), #{ shape: [1, 8, 8] });
    /// print(grey.shape);    // [1, 8, 8]
    /// ```
    #[rhai_fn(name = "dataset", return_raw)]
    pub fn dataset_of_samples_with(context: NativeCallContext, x: AnySamples, options: Map) -> Native<Dataset> {
        of_arrays(&context, &x, None, &options)
    }

    #[rhai_fn(name = "dataset", return_raw)]
    pub fn dataset_of_arrays(
        context: NativeCallContext,
        x: AnySamples,
        y: TensorOrArray,
        options: Map,
    ) -> Native<Dataset> {
        of_arrays(&context, &x, Some(&y), &options)
    }
}
