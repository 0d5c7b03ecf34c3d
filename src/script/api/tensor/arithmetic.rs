//! Arithmetic, comparisons, functions and products of tensors.

use burn::tensor::{Tensor, activation};
use rhai::plugin::*;
use rhai::{Dynamic, Engine, FLOAT, FuncRegistration, INT, Module};

use super::TensorOrNumber;
use crate::script::api::general::wanted_number;
use crate::script::session::Native;
use crate::script::tensor::{MOST, ScriptTensor, compact};
use crate::{Error, Result};

type Binary = fn(Tensor<MOST>, Tensor<MOST>) -> Tensor<MOST>;

/// The shape that two tensors are broadcast to: counted from the last axis, sizes are equal, or one of them is 1.
fn together(what: &str, a: &ScriptTensor, b: &ScriptTensor, kept: usize) -> Result<[usize; MOST]> {
    let (left, right) = (a.numbers.dims(), b.numbers.dims());
    let mut shape = left;
    for axis in 0..MOST - kept {
        shape[axis] = match (left[axis], right[axis]) {
            (size, other) if size == other || other == 1 => size,
            (1, size) => size,
            (size, other) => {
                let message = format!(
                    "{what} of shapes {:?} and {:?}: sizes {size} and {other} do not fit",
                    a.shape(),
                    b.shape()
                );
                return Err(
                    Error::new(message).hint("counted from the last axis, sizes must be equal, or one of them 1")
                );
            }
        };
    }
    Ok(shape)
}

fn elementwise(what: &str, a: &ScriptTensor, b: &ScriptTensor, apply: Binary) -> Native<ScriptTensor> {
    let shape = together(what, a, b, 0)?;
    let compute = || apply(a.numbers.clone().expand(shape), b.numbers.clone().expand(shape));
    Ok(ScriptTensor::computed(a.budget(), &shape[MOST - a.rank.max(b.rank)..], compute)?)
}

/// An operation on two tensors, or a tensor and a number in any order.
fn mixed(what: &str, a: &Dynamic, b: &Dynamic, apply: Binary) -> Native<ScriptTensor> {
    let number = |value: &Dynamic| wanted_number(value, &format!("the other operand of {what}"));
    match (a.read_lock::<ScriptTensor>(), b.read_lock::<ScriptTensor>()) {
        (Some(a), Some(b)) => elementwise(what, &a, &b, apply),
        (Some(a), None) => elementwise(what, &a, &a.beside(number(b)?), apply),
        (None, Some(b)) => elementwise(what, &b.beside(number(a)?), &b, apply),
        (None, None) => Err(Error::new(format!("{what} without a tensor")).into()),
    }
}

fn each(tensor: &ScriptTensor, apply: impl FnOnce(Tensor<MOST>) -> Tensor<MOST>) -> Native<ScriptTensor> {
    Ok(ScriptTensor::computed(tensor.budget(), &tensor.shape(), || apply(tensor.numbers.clone()))?)
}

fn same(a: &ScriptTensor, b: &ScriptTensor) -> Native<bool> {
    Ok(a.shape() == b.shape() && a.numbers()? == b.numbers()?)
}

pub(super) fn register(engine: &mut Engine) {
    let mut module: Module = rhai::exported_module!(functions);
    let operators: [(&str, Binary); 5] =
        [("+", |a, b| a + b), ("-", |a, b| a - b), ("*", |a, b| a * b), ("/", |a, b| a / b), ("**", Tensor::powf)];
    macro_rules! pairs {
        ($name:expr, $with:expr, $($a:ty, $b:ty;)*) => {$(
            FuncRegistration::new($name).in_global_namespace().set_into_module(&mut module, move |a: $a, b: $b| {
                $with(&Dynamic::from(a), &Dynamic::from(b))
            });
        )*};
    }
    for (name, apply) in operators {
        let with = move |a: &Dynamic, b: &Dynamic| mixed(&format!("`{name}`"), a, b, apply);
        pairs! {
            name, with,
            ScriptTensor, ScriptTensor; ScriptTensor, FLOAT; ScriptTensor, INT; FLOAT, ScriptTensor; INT, ScriptTensor;
        }
    }
    FuncRegistration::new("-")
        .in_global_namespace()
        .set_into_module(&mut module, |tensor: ScriptTensor| each(&tensor, |numbers| -numbers));
    let equal = |name, wanted: bool| {
        let compare = move |a: ScriptTensor, b: ScriptTensor| -> Native<bool> { Ok(same(&a, &b)? == wanted) };
        (name, compare)
    };
    for (name, compare) in [equal("==", true), equal("!=", false)] {
        FuncRegistration::new(name).in_global_namespace().set_into_module(&mut module, compare);
    }
    // Without these, Rhai would return `false` for a comparison that is not registered.
    for name in ["==", "!=", "<", "<=", ">", ">="] {
        let with = move |_: &Dynamic, _: &Dynamic| -> Native<bool> {
            Err(Error::new(format!("`{name}` does not compare a tensor's numbers one by one"))
                .hint("ask `less_than`, `greater_than` or `equal_to`: 1 where it is so, 0 elsewhere")
                .into())
        };
        pairs! { name, with, ScriptTensor, FLOAT; ScriptTensor, INT; FLOAT, ScriptTensor; INT, ScriptTensor; }
        if !name.contains('=') || name.len() == 2 && !matches!(name, "==" | "!=") {
            pairs! { name, with, ScriptTensor, ScriptTensor; }
        }
    }
    engine.register_global_module(module.into());
}

#[export_module]
mod functions {
    /// Every number to the power of `exponent`; `t ** 2` is the same.
    ///
    /// ```
    /// print(tensor([1, 2, 3]).pow(2).to_array());    // [1.0, 4.0, 9.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pow(tensor: ScriptTensor, exponent: TensorOrNumber) -> Native<ScriptTensor> {
        mixed("`pow`", &Dynamic::from(tensor), &exponent, Tensor::powf)
    }

    /// 1 where a number is less than `other`, 0 elsewhere and for NaN.
    ///
    /// ```
    /// print(randn([1000], 0).less_than(0).mean());    // 0.495
    /// ```
    #[rhai_fn(return_raw)]
    pub fn less_than(tensor: ScriptTensor, other: TensorOrNumber) -> Native<ScriptTensor> {
        mixed("`less_than`", &Dynamic::from(tensor), &other, |a, b| a.lower(b).float())
    }

    /// 1 where a number is greater than `other`, 0 elsewhere and for NaN.
    ///
    /// ```
    /// print(tensor([1, 2, 3]).greater_than(1.5).sum());    // 2.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn greater_than(tensor: ScriptTensor, other: TensorOrNumber) -> Native<ScriptTensor> {
        mixed("`greater_than`", &Dynamic::from(tensor), &other, |a, b| a.greater(b).float())
    }

    /// 1 where a number is equal to `other`, 0 elsewhere. To compare two tensors as a whole, write `a == b`.
    ///
    /// ```
    /// print(tensor([1, 2, 3]).equal_to([2, 2, 3].tensor()).sum());    // 2.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn equal_to(tensor: ScriptTensor, other: TensorOrNumber) -> Native<ScriptTensor> {
        mixed("`equal_to`", &Dynamic::from(tensor), &other, |a, b| a.equal(b).float())
    }

    /// The matrix product of [m, k] and [k, n]. Tensors with more axes are multiplied as matrices in their last two; the other
    /// axes are broadcast as in arithmetic.
    ///
    /// ```
    /// let x = randn([10, 3], 0);
    /// print(x.matmul(eye(3)) == x);    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn matmul(left: ScriptTensor, right: ScriptTensor) -> Native<ScriptTensor> {
        let shapes = || format!("`matmul` of shapes {:?} and {:?}", left.shape(), right.shape());
        if left.rank < 2 || right.rank < 2 {
            let error = Error::new(format!("{}: both need two axes or more", shapes()));
            return Err(error
                .hint("make a vector a matrix: `.reshape([1, -1])` a row, `.reshape([-1, 1])` a column")
                .into());
        }
        let [.., columns] = left.numbers.dims();
        let [.., rows, width] = right.numbers.dims();
        if columns != rows {
            return Err(Error::new(format!("{}: {columns} columns meet {rows} rows", shapes())).into());
        }
        let mut shape = together("`matmul`", &left, &right, 2)?;
        shape[MOST - 1] = width;
        let compute = || left.numbers.clone().matmul(right.numbers.clone());
        Ok(ScriptTensor::computed(left.budget(), &shape[MOST - left.rank.max(right.rank)..], compute)?)
    }

    /// The hyperbolic tangent of every number.
    ///
    /// ```
    /// print(tensor([0, 1]).tanh());
    /// ```
    #[rhai_fn(name = "tanh", return_raw)]
    pub fn tensor_tanh(tensor: ScriptTensor) -> Native<ScriptTensor> {
        each(&tensor, Tensor::tanh)
    }

    /// The error function of every number.
    ///
    /// ```
    /// print(tensor([0, 1]).erf());
    /// ```
    #[rhai_fn(name = "erf", return_raw)]
    pub fn tensor_erf(tensor: ScriptTensor) -> Native<ScriptTensor> {
        each(&tensor, Tensor::erf)
    }

    /// max(0, x) of every number.
    ///
    /// ```
    /// print(tensor([-1, 1]).relu().to_array());    // [0.0, 1.0]
    /// ```
    #[rhai_fn(name = "relu", return_raw)]
    pub fn tensor_relu(tensor: ScriptTensor) -> Native<ScriptTensor> {
        each(&tensor, activation::relu)
    }

    /// e to the power of every number.
    ///
    /// ```
    /// print(tensor([0, 1]).exp());
    /// ```
    #[rhai_fn(name = "exp", return_raw)]
    pub fn tensor_exp(tensor: ScriptTensor) -> Native<ScriptTensor> {
        each(&tensor, Tensor::exp)
    }

    /// The natural logarithm of every number.
    ///
    /// ```
    /// print(tensor([1, 10]).log());
    /// ```
    #[rhai_fn(name = "log", name = "ln", return_raw)]
    pub fn tensor_log(tensor: ScriptTensor) -> Native<ScriptTensor> {
        each(&tensor, Tensor::log)
    }

    /// The magnitude of every number.
    ///
    /// ```
    /// print(tensor([-1, 1]).abs().to_array());    // [1.0, 1.0]
    /// ```
    #[rhai_fn(name = "abs", return_raw)]
    pub fn tensor_abs(tensor: ScriptTensor) -> Native<ScriptTensor> {
        each(&tensor, Tensor::abs)
    }

    /// The square root of every number.
    ///
    /// ```
    /// print(tensor([4, 9]).sqrt().to_array());    // [2.0, 3.0]
    /// ```
    #[rhai_fn(name = "sqrt", return_raw)]
    pub fn tensor_sqrt(tensor: ScriptTensor) -> Native<ScriptTensor> {
        each(&tensor, Tensor::sqrt)
    }

    /// Probabilities along an axis: eˣ divided by its sum. A negative axis counts from the last.
    ///
    /// ```
    /// print(tensor([[0, 0], [0, 0]]).softmax(-1).to_array());    // [[0.5, 0.5], [0.5, 0.5]]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn softmax(tensor: ScriptTensor, axis: INT) -> Native<ScriptTensor> {
        let axis = tensor.axis(axis)?;
        each(&tensor, |numbers| compact(activation::softmax(numbers, axis)))
    }
}
