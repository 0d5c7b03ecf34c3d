//! Elements of tensors by their places, and the places in order of size.

use burn::tensor::{Int, Tensor, TensorData};
use rhai::plugin::*;
use rhai::{Array, INT};

use super::TensorOrNumber;
use crate::script::options::describe;
use crate::script::session::Native;
use crate::script::tensor::{MOST, ScriptTensor, compact, on_device, place};
use crate::{Error, Result};

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

/// A parameter that takes a tensor or an array of whole numbers. The reference shows it so.
type TensorOrArray = Dynamic;

/// Whole numbers from here on are not exact in single precision.
const EXACT: usize = 1 << 24;

/// Whole numbers, from an array or from a tensor with one axis.
pub(in crate::script::api) fn wanted_places(indices: &Dynamic) -> Result<Vec<INT>> {
    let whole = |i: usize, x: f64| {
        let is_whole = x.trunc() == x && x.abs() <= EXACT as f64;
        is_whole
            .then_some(x as INT)
            .ok_or_else(|| Error::new(format!("element {i} of the indices is {x}; an index is a whole number")))
    };
    if let Some(tensor) = indices.read_lock::<ScriptTensor>() {
        if tensor.rank != 1 {
            let error = Error::new(format!("indices of shape {:?}: they have one axis", tensor.shape()));
            return Err(error.hint("`t.flatten()` has one axis; `t[0]` takes the first row"));
        }
        return tensor.numbers()?.into_iter().enumerate().map(|(i, x)| whole(i, x.into())).collect();
    }
    let Some(array) = indices.read_lock::<Array>() else {
        let found = describe(indices);
        return Err(Error::new(format!("the indices are {found}; they are a tensor or an array of whole numbers")));
    };
    let element = |(i, value): (usize, &Dynamic)| match (value.as_int(), value.as_float()) {
        (Ok(index), _) => Ok(index),
        (_, Ok(x)) => whole(i, x),
        _ => Err(Error::new(format!("element {i} of the indices is {}; an index is a whole number", describe(value)))),
    };
    array.iter().enumerate().map(element).collect()
}

/// Elements along Burn's `axis`.
fn picked(tensor: &ScriptTensor, axis: usize, indices: &Dynamic) -> Native<ScriptTensor> {
    let (places, mut shape) = (wanted_places(indices)?, tensor.numbers.dims());
    let size = shape[axis];
    if places.is_empty() {
        return Err(Error::new("an empty list of indices; a tensor has at least one element").into());
    }
    let found = places.iter().map(|&at| {
        place(at, size).map(|at| at as i32).ok_or_else(|| {
            let along = axis + tensor.rank - MOST;
            Error::new(format!("a tensor of shape {:?} has no element {at} along axis {along}", tensor.shape()))
                .hint(format!("its elements are 0 to {}, or -1 to -{size} from the end", size - 1))
        })
    });
    let found: Vec<i32> = found.collect::<Result<_>>()?;
    shape[axis] = found.len();
    let compute = || {
        let count = found.len();
        let places = Tensor::<1, Int>::from_data(TensorData::new(found, [count]), &tensor.numbers.device());
        compact(tensor.numbers.clone().select(axis, places))
    };
    Ok(ScriptTensor::computed(tensor.budget(), &shape[MOST - tensor.rank..], compute)?)
}

fn sorted_places(tensor: &ScriptTensor, descending: bool) -> Native<ScriptTensor> {
    let (shape, numbers) = (tensor.shape(), tensor.numbers()?);
    let length = shape[shape.len() - 1];
    if length > EXACT {
        return Err(Error::new(format!("`argsort` of shape {shape:?}: at most {EXACT} numbers along an axis")).into());
    }
    let order = |row: &[f32]| {
        let mut places: Vec<usize> = (0..row.len()).collect();
        places.sort_by(|&a, &b| {
            let (a, b) = (row[a], row[b]);
            let by_size = if descending { b.partial_cmp(&a) } else { a.partial_cmp(&b) };
            by_size.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        });
        places.into_iter().map(|at| at as f32)
    };
    let compute = || on_device(numbers.chunks(length).flat_map(order).collect(), &shape, &tensor.numbers.device());
    Ok(ScriptTensor::computed(tensor.budget(), &shape, compute)?)
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The places of the numbers in order of their size along the last axis, the smallest first, or with `descending` the
    /// largest. Equal numbers keep their order; NaN comes last either way. `tensor.select` takes the result.
    ///
    /// ```
    /// let t = tensor([3, 1, 2]);
    /// print(t.argsort().to_array());                // [1.0, 2.0, 0.0]
    /// print(t.select(t.argsort()).to_array());      // [1.0, 2.0, 3.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn argsort(tensor: ScriptTensor) -> Native<ScriptTensor> {
        sorted_places(&tensor, false)
    }

    /// ```
    /// print(tensor([3, 1, 2]).argsort(true).to_array());    // [0.0, 2.0, 1.0]
    /// ```
    #[rhai_fn(name = "argsort", return_raw)]
    pub fn argsort_in_order(tensor: ScriptTensor, descending: bool) -> Native<ScriptTensor> {
        sorted_places(&tensor, descending)
    }

    /// Some elements along the first axis, or along `axis`, in the order of `indices`: an array or a tensor of whole numbers.
    /// Negative ones count from the end, and an index may occur several times. `t[indices]` is the same as `t.select(indices)`.
    ///
    /// ```
    /// let t = tensor([[1, 2], [3, 4], [5, 6]]);
    /// print(t.select([2, 0]).to_array());       // [[5.0, 6.0], [1.0, 2.0]]
    /// print(t.select(1, [-1]).to_array());      // [[2.0], [4.0], [6.0]]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn select(tensor: ScriptTensor, indices: TensorOrArray) -> Native<ScriptTensor> {
        picked(&tensor, MOST - tensor.rank, &indices)
    }

    /// ```
    /// print(zeros([4, 3]).select(-1, [0, 2]).shape);    // [4, 2]
    /// ```
    #[rhai_fn(name = "select", return_raw)]
    pub fn select_along(tensor: ScriptTensor, axis: INT, indices: TensorOrArray) -> Native<ScriptTensor> {
        picked(&tensor, tensor.axis(axis)?, &indices)
    }

    /// ```
    /// print(tensor([5, 6, 7])[[0, 2]].to_array());    // [5.0, 7.0]
    /// ```
    #[rhai_fn(index_get, return_raw)]
    pub fn elements_at(tensor: &mut ScriptTensor, indices: Array) -> Native<TensorOrNumber> {
        Ok(Dynamic::from(picked(tensor, MOST - tensor.rank, &Dynamic::from(indices))?))
    }

    #[rhai_fn(index_get, return_raw)]
    pub fn elements_by(tensor: &mut ScriptTensor, indices: ScriptTensor) -> Native<TensorOrNumber> {
        Ok(Dynamic::from(picked(tensor, MOST - tensor.rank, &Dynamic::from(indices))?))
    }
}
