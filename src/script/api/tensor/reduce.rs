//! Reductions: sums, means, extremes. They run here rather than on the device, in double precision and in the order of the
//! elements, so a sum of a million numbers keeps its digits and is the same everywhere.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, FLOAT, INT};

use super::TensorOrNumber;
use crate::script::session::Native;
use crate::script::tensor::{MOST, ScriptTensor, on_device};

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

/// The numbers that are reduced to one; there is at least one.
#[derive(Clone, Copy)]
struct Lane<'a> {
    numbers: &'a [f32],
    step: usize,
}

type Reduction = fn(Lane<'_>) -> f64;

impl Lane<'_> {
    fn iter(&self) -> impl ExactSizeIterator<Item = f64> {
        self.numbers.iter().step_by(self.step).map(|&x| f64::from(x))
    }

    fn sum(self) -> f64 {
        self.iter().sum()
    }

    fn mean(self) -> f64 {
        self.sum() / self.iter().len() as f64
    }

    /// Divided by n − 1, as in PyTorch.
    fn variance(self) -> f64 {
        let mean = self.mean();
        self.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (self.iter().len() as f64 - 1.0)
    }

    fn std(self) -> f64 {
        self.variance().sqrt()
    }

    /// NaN if there is one, which `f64::min` would hide.
    fn min(self) -> f64 {
        self.iter().fold(f64::INFINITY, |least, x| if least <= x || least.is_nan() { least } else { x })
    }

    fn max(self) -> f64 {
        self.iter().fold(f64::NEG_INFINITY, |greatest, x| if greatest >= x || greatest.is_nan() { greatest } else { x })
    }

    /// The first place of the largest number, or of NaN if there is one.
    fn argmax(self) -> f64 {
        let greatest = self.max();
        self.iter().position(|x| x == greatest || x.is_nan()).unwrap_or(0) as f64
    }
}

fn all(tensor: &ScriptTensor, reduce: Reduction) -> Native<FLOAT> {
    Ok(reduce(Lane { numbers: &tensor.numbers()?, step: 1 }))
}

/// Reduces along an axis, which is gone from the result; a tensor with one axis gives a number.
fn along(tensor: &ScriptTensor, axis: INT, reduce: Reduction) -> Native<TensorOrNumber> {
    let axis = tensor.axis(axis)? + tensor.rank - MOST;
    let mut shape = tensor.shape();
    let numbers = tensor.numbers()?;
    if shape.len() == 1 {
        return Ok(Dynamic::from_float(reduce(Lane { numbers: &numbers, step: 1 })));
    }
    let step: usize = shape[axis + 1..].iter().product();
    let length = shape.remove(axis) * step;
    let reduced = || {
        let lanes = numbers
            .chunks(length)
            .flat_map(|outer| (0..step).map(move |inner| Lane { numbers: &outer[inner..], step }));
        on_device(lanes.map(|lane| reduce(lane) as f32).collect(), &shape, &tensor.numbers.device())
    };
    Ok(Dynamic::from(ScriptTensor::computed(tensor.budget(), &shape, reduced)?))
}

#[expect(clippy::redundant_closure_for_method_calls, reason = "a method has the lifetime of one lane, a reduction any")]
#[export_module]
mod functions {
    /// The sum of all numbers, or the sums along an axis, which is gone from the result. A negative axis counts from the last.
    ///
    /// ```
    /// print(tensor([[1, 2], [3, 4]]).sum());    // 10.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn sum(tensor: ScriptTensor) -> Native<FLOAT> {
        all(&tensor, |lane| lane.sum())
    }

    /// ```
    /// print(tensor([[1, 2], [3, 4]]).sum(0).to_array());    // [4.0, 6.0]
    /// ```
    #[rhai_fn(name = "sum", return_raw)]
    pub fn sum_along(tensor: ScriptTensor, axis: INT) -> Native<TensorOrNumber> {
        along(&tensor, axis, |lane| lane.sum())
    }

    /// The mean of all numbers, or the means along an axis, which is gone from the result. A negative axis counts from the last.
    ///
    /// ```
    /// print(tensor([[1, 2], [3, 4]]).mean());    // 2.5
    /// ```
    #[rhai_fn(return_raw)]
    pub fn mean(tensor: ScriptTensor) -> Native<FLOAT> {
        all(&tensor, |lane| lane.mean())
    }

    /// ```
    /// print(tensor([[1, 2], [3, 4]]).mean(0).to_array());    // [2.0, 3.0]
    /// ```
    #[rhai_fn(name = "mean", return_raw)]
    pub fn mean_along(tensor: ScriptTensor, axis: INT) -> Native<TensorOrNumber> {
        along(&tensor, axis, |lane| lane.mean())
    }

    /// The smallest number, or the smallest along an axis, which is gone from the result. A negative axis counts from the last.
    ///
    /// ```
    /// print(tensor([[1, 2], [3, 4]]).min());    // 1.0
    /// ```
    #[rhai_fn(name = "min", return_raw)]
    pub fn tensor_min(tensor: ScriptTensor) -> Native<FLOAT> {
        all(&tensor, |lane| lane.min())
    }

    /// ```
    /// print(tensor([[1, 2], [3, 4]]).min(0).to_array());    // [1.0, 2.0]
    /// ```
    #[rhai_fn(name = "min", return_raw)]
    pub fn min_along(tensor: ScriptTensor, axis: INT) -> Native<TensorOrNumber> {
        along(&tensor, axis, |lane| lane.min())
    }

    /// The largest number, or the largest along an axis, which is gone from the result. A negative axis counts from the last.
    ///
    /// ```
    /// print(tensor([[1, 2], [3, 4]]).max());    // 4.0
    /// ```
    #[rhai_fn(name = "max", return_raw)]
    pub fn tensor_max(tensor: ScriptTensor) -> Native<FLOAT> {
        all(&tensor, |lane| lane.max())
    }

    /// ```
    /// print(tensor([[1, 2], [3, 4]]).max(0).to_array());    // [3.0, 4.0]
    /// ```
    #[rhai_fn(name = "max", return_raw)]
    pub fn max_along(tensor: ScriptTensor, axis: INT) -> Native<TensorOrNumber> {
        along(&tensor, axis, |lane| lane.max())
    }

    /// The variance of all numbers, divided by n − 1, or the variances along an axis, which is gone from the result. A negative
    /// axis counts from the last.
    ///
    /// ```
    /// print(tensor([1, 2, 3]).variance());    // 1.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn variance(tensor: ScriptTensor) -> Native<FLOAT> {
        all(&tensor, |lane| lane.variance())
    }

    /// ```
    /// print(tensor([[1, 2], [3, 6]]).variance(0).to_array());    // [2.0, 8.0]
    /// ```
    #[rhai_fn(name = "variance", return_raw)]
    pub fn variance_along(tensor: ScriptTensor, axis: INT) -> Native<TensorOrNumber> {
        along(&tensor, axis, |lane| lane.variance())
    }

    /// The standard deviation of all numbers, with n − 1, or those along an axis, which is gone from the result. A negative axis
    /// counts from the last.
    ///
    /// ```
    /// print(tensor([1, 3, 5]).std());    // 2.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn std(tensor: ScriptTensor) -> Native<FLOAT> {
        all(&tensor, |lane| lane.std())
    }

    /// ```
    /// print(tensor([[1, 0], [3, 0], [5, 0]]).std(0).to_array());    // [2.0, 0.0]
    /// ```
    #[rhai_fn(name = "std", return_raw)]
    pub fn std_along(tensor: ScriptTensor, axis: INT) -> Native<TensorOrNumber> {
        along(&tensor, axis, |lane| lane.std())
    }

    /// The place of the largest number along an axis, which is gone from the result: the first if there are several. NaN counts
    /// as the largest. For a tensor with one axis it is an integer.
    ///
    /// ```
    /// print(tensor([[1, 9], [7, 2]]).argmax(1).to_array());    // [1.0, 0.0]
    /// print(tensor([1, 9]).argmax(0));                         // 1
    /// ```
    #[rhai_fn(return_raw)]
    pub fn argmax(tensor: ScriptTensor, axis: INT) -> Native<TensorOrNumber> {
        let places = along(&tensor, axis, |lane| lane.argmax())?;
        Ok(match places.as_float() {
            Ok(place) => Dynamic::from_int(place as INT),
            Err(_) => places,
        })
    }
}
