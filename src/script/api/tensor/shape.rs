//! Tensors in another shape, parts of them, and tensors put together.

use burn::tensor::Tensor;
use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT};

use super::TensorOrNumber;
use crate::script::api::network::elements;
use crate::script::session::Native;
use crate::script::tensor::{MOST, ScriptTensor, compact, place};
use crate::script::tensor_budget::RANKS;
use crate::{Error, Result};

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

/// Numbers `start` to before `stop` along Burn's `axis`.
fn part(tensor: &ScriptTensor, axis: usize, start: usize, stop: usize) -> Result<ScriptTensor> {
    let mut shape = tensor.numbers.dims();
    shape[axis] = stop - start;
    let compute = || compact(tensor.numbers.clone().narrow(axis, start, stop - start));
    ScriptTensor::computed(tensor.budget(), &shape[MOST - tensor.rank..], compute)
}

/// Along an existing axis, counted by Burn; shapes agree in all others.
fn joined(what: &str, tensors: &[ScriptTensor], axis: usize) -> Result<ScriptTensor> {
    let Some(first) = tensors.first() else {
        return Err(Error::new(format!("{what} of an empty list")));
    };
    let mut shape = first.numbers.dims();
    for (i, tensor) in tensors.iter().enumerate().skip(1) {
        let other = tensor.numbers.dims();
        if tensor.rank != first.rank || (0..MOST).any(|k| k != axis && shape[k] != other[k]) {
            let message = format!("{what} of shapes {:?} and {:?}", first.shape(), tensor.shape());
            return Err(Error::new(format!("{message} (elements 0 and {i})")).hint(
                "they have to have as many axes, and the same sizes along all but the one that they are joined along",
            ));
        }
        shape[axis] = shape[axis].saturating_add(other[axis]);
    }
    let compute = || Tensor::cat(tensors.iter().map(|tensor| tensor.numbers.clone()).collect(), axis);
    ScriptTensor::computed(first.budget(), &shape[MOST - first.rank..], compute)
}

fn swapped(tensor: &ScriptTensor, i: usize, j: usize) -> Native<ScriptTensor> {
    let mut shape = tensor.numbers.dims();
    shape.swap(i, j);
    let compute = || compact(tensor.numbers.clone().swap_dims(i, j));
    Ok(ScriptTensor::computed(tensor.budget(), &shape[MOST - tensor.rank..], compute)?)
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The tensor with its last two axes exchanged, or axes `i` and `j`. A negative axis counts from the last.
    ///
    /// ```
    /// print(zeros([2, 3]).transpose().shape);    // [3, 2]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn transpose(tensor: ScriptTensor) -> Native<ScriptTensor> {
        if tensor.rank < 2 {
            return Err(Error::new(format!("`transpose` of shape {:?}: there is only one axis", tensor.shape())).into());
        }
        swapped(&tensor, MOST - 2, MOST - 1)
    }

    /// ```
    /// print(zeros([2, 3, 4]).transpose(0, -1).shape);    // [4, 3, 2]
    /// ```
    #[rhai_fn(name = "transpose", return_raw)]
    pub fn transpose_axes(tensor: ScriptTensor, i: INT, j: INT) -> Native<ScriptTensor> {
        swapped(&tensor, tensor.axis(i)?, tensor.axis(j)?)
    }

    /// The numbers, row by row, in another shape. One size can be -1: it is computed from the others.
    ///
    /// ```
    /// print(zeros([4, 3]).reshape([2, -1]).shape);    // [2, 6]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn reshape(tensor: ScriptTensor, shape: Array) -> Native<ScriptTensor> {
        let sizes = elements::<INT>(shape, "the shape", "a whole number")?;
        let count: usize = tensor.shape().iter().product();
        let wrong = |why: String| Error::new(format!("`reshape` of shape {:?} to {sizes:?}: {why}", tensor.shape()));
        if !RANKS.contains(&sizes.len()) {
            return Err(wrong(format!("a tensor has 1 to {MOST} axes")).into());
        }
        if sizes.iter().any(|&size| size == 0 || size < -1) {
            return Err(wrong("every size is at least 1, or -1 for what is left".to_owned()).into());
        }
        let known =
            sizes.iter().filter(|&&size| size > 0).try_fold(1_usize, |all, &size| all.checked_mul(size as usize));
        let rest = match sizes.iter().filter(|&&size| size == -1).count() {
            0 if known == Some(count) => 1,
            1 if known.is_some_and(|known| count.is_multiple_of(known)) => count / known.unwrap_or(1),
            0 | 1 => return Err(wrong(format!("it does not hold {count} numbers")).into()),
            _ => return Err(wrong("only one size can be what is left, -1".to_owned()).into()),
        };
        let shape: Vec<usize> = sizes.iter().map(|&size| usize::try_from(size).unwrap_or(rest)).collect();
        Ok(tensor.shaped(&shape))
    }

    /// The numbers, row by row, along a single axis.
    ///
    /// ```
    /// print(zeros([4, 3]).flatten().shape);    // [12]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn flatten(tensor: ScriptTensor) -> Native<ScriptTensor> {
        Ok(tensor.shaped(&[tensor.shape().iter().product()]))
    }

    /// The part from `start` up to but not including `stop` along an axis. Negative numbers count from the end.
    ///
    /// ```
    /// let t = tensor([[1, 2, 3], [4, 5, 6]]);
    /// print(t.slice(1, 0, 2).to_array());      // [[1.0, 2.0], [4.0, 5.0]]
    /// print(t.slice(1, -2, 3).to_array());     // [[2.0, 3.0], [5.0, 6.0]]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn slice(tensor: ScriptTensor, axis: INT, start: INT, stop: INT) -> Native<ScriptTensor> {
        let along = tensor.axis(axis)?;
        let size = tensor.numbers.dims()[along];
        // `stop` is one past the last: as large as the size.
        match (place(start, size), if stop < 0 { place(stop, size) } else { place(stop, size + 1) }) {
            (Some(start), Some(stop)) if start < stop => Ok(part(&tensor, along, start, stop)?),
            _ => {
                let message = format!("`slice` from {start} to {stop} along axis {axis} of shape {:?}", tensor.shape());
                Err(Error::new(format!("{message}: it should lie in 0 to {size}, and hold something")).into())
            }
        }
    }

    /// Element `i` along the first axis: a tensor with one axis less, or a number if there is only one. Negative numbers count
    /// from the end.
    ///
    /// ```
    /// let t = tensor([[1, 2, 3], [4, 5, 6]]);
    /// print(t[0].to_array());    // [1.0, 2.0, 3.0]
    /// print(t[-1][0]);           // 4.0
    /// ```
    #[rhai_fn(index_get, return_raw)]
    pub fn element(tensor: &mut ScriptTensor, i: INT) -> Native<TensorOrNumber> {
        let axis = MOST - tensor.rank;
        let size = tensor.numbers.dims()[axis];
        let Some(at) = place(i, size) else {
            let message = format!("a tensor of shape {:?} has no element [{i}]", tensor.shape());
            return Err(Error::new(message)
                .hint(format!("its elements are [0] to [{}], or [-1] to [-{size}]", size - 1))
                .into());
        };
        let element = part(tensor, axis, at, at + 1)?;
        match &tensor.shape()[1..] {
            [] => Ok(Dynamic::from_float(element.numbers()?[0].into())),
            shape => Ok(Dynamic::from(element.shaped(shape))),
        }
    }

    /// Tensors joined one after another along an axis that they have. A negative axis counts from the last.
    ///
    /// ```
    /// print(concatenate([zeros([2, 3]), ones([1, 3])], 0).shape);    // [3, 3]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn concatenate(tensors: Array, axis: INT) -> Native<ScriptTensor> {
        let tensors = elements::<ScriptTensor>(tensors, "the list", "a tensor")?;
        let along = tensors.first().map_or(Ok(0), |first| first.axis(axis))?;
        Ok(joined("`concatenate`", &tensors, along)?)
    }

    /// Tensors of one shape, stacked along a new axis: the first, or axis `axis` of the result.
    ///
    /// ```
    /// print(stack([zeros([3]), ones([3])]).shape);    // [2, 3]
    /// ```
    #[rhai_fn(name = "stack", return_raw)]
    pub fn stack_first(tensors: Array) -> Native<ScriptTensor> {
        stack(tensors, 0)
    }

    /// ```
    /// print(stack([zeros([3]), ones([3])], -1).shape);    // [3, 2]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn stack(tensors: Array, axis: INT) -> Native<ScriptTensor> {
        let mut tensors = elements::<ScriptTensor>(tensors, "the list", "a tensor")?;
        if let Some(first) = tensors.first() {
            let (shape, rank) = (first.shape(), first.rank);
            if rank == MOST {
                return Err(Error::new(format!("`stack` of shape {shape:?}: a tensor has at most {MOST} axes")).into());
            }
            if let Some(other) = tensors.iter().find(|other| other.shape() != shape) {
                return Err(Error::new(format!(
                    "`stack` of shapes {shape:?} and {:?}: they have to be the same",
                    other.shape()
                ))
                .into());
            }
            let Some(new) = place(axis, rank + 1) else {
                let error = Error::new(format!("`stack` of shape {shape:?} along axis {axis}"));
                return Err(error
                    .hint(format!("the new axis is 0 to {rank}, or -1 to -{} from the end", rank + 1))
                    .into());
            };
            let mut shape = shape;
            shape.insert(new, 1);
            tensors.iter_mut().for_each(|tensor| *tensor = tensor.shaped(&shape));
            return Ok(joined("`stack`", &tensors, MOST - rank - 1 + new)?);
        }
        Ok(joined("`stack`", &tensors, 0)?)
    }
}
