//! Tensors in scripts.

mod arithmetic;
mod decompose;
pub(super) mod files;
mod make;
mod reduce;
pub(super) mod select;
mod shape;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT};

use super::general::wanted_count;
use super::network::elements;
use crate::script::session::{Native, Session};
use crate::script::tensor::{MOST, ScriptTensor};
use crate::{Error, Result};

/// A parameter that takes a tensor or a number. The reference shows it so.
type TensorOrNumber = Dynamic;

/// Pages of the operators that `register` adds.
pub(super) const OPERATORS: &str = r"
## arithmetic: + - * / **
## Tensor + Tensor -> Tensor
## Tensor + number -> Tensor
## - Tensor -> Tensor
Arithmetic with tensors and numbers, number by number, in any order; `-`, `*`, `/` and `**` (the power) likewise. Shapes go
together as in numpy: counted from the last axis, sizes are equal, or one of them is 1.

```
let t = 2 * tensor([[1, 2], [3, 4]]) - tensor([1, 2]);
print(t.to_array());    // [[1.0, 2.0], [5.0, 6.0]]
```

## comparison: == !=
## Tensor == Tensor -> bool
Whether two tensors have the same shape and the same numbers. To compare number by number, use `less_than`, `greater_than`
or `equal_to`.

```
print(zeros([2]) == tensor([0, 0]));    // true
```
";

/// A shape from a script.
fn wanted_shape(shape: Array) -> Result<Vec<usize>> {
    let sizes = elements::<INT>(shape, "the shape", "a whole number")?;
    sizes.into_iter().map(|size| wanted_count(size, "a size")).collect()
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<ScriptTensor>("Tensor")
        .register_global_module(rhai::exported_module!(functions).into());
    make::register(engine);
    arithmetic::register(engine);
    shape::register(engine);
    reduce::register(engine);
    select::register(engine);
    decompose::register(engine);
    files::register(engine);
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The size of each axis.
    ///
    /// ```
    /// print(zeros([2, 3]).shape);    // [2, 3]
    /// ```
    #[rhai_fn(get = "shape", pure)]
    pub fn tensor_shape(tensor: &mut ScriptTensor) -> Array {
        tensor.shape().into_iter().map(|size| Dynamic::from_int(size as INT)).collect()
    }

    /// The number of axes, 1 to 4.
    ///
    /// ```
    /// print(zeros([2, 3]).rank);    // 2
    /// ```
    #[rhai_fn(get = "rank", pure)]
    pub fn tensor_rank(tensor: &mut ScriptTensor) -> INT {
        tensor.rank as INT
    }

    /// The size of the first axis: the number of elements `tensor[i]`.
    ///
    /// ```
    /// print(zeros([2, 3]).len);    // 2
    /// ```
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn tensor_len(tensor: &mut ScriptTensor) -> INT {
        tensor.numbers.dims()[MOST - tensor.rank] as INT
    }

    /// The number of numbers in a tensor.
    ///
    /// ```
    /// print(zeros([2, 3]).size);    // 6
    /// ```
    #[rhai_fn(get = "size", pure)]
    pub fn tensor_size(tensor: &mut ScriptTensor) -> INT {
        tensor.numbers.dims().iter().product::<usize>() as INT
    }

    /// The numbers as nested arrays.
    ///
    /// ```
    /// print(eye(2).to_array());    // [[1.0, 0.0], [0.0, 1.0]]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn to_array(context: NativeCallContext, tensor: ScriptTensor) -> Native<Array> {
        let most = Session::from_context(&context)?.settings.limits.size;
        let (shape, numbers) = (tensor.shape(), tensor.numbers()?);
        if numbers.len() > most {
            let message = format!("a tensor of shape {shape:?} as an array: {} numbers; at most {most}", numbers.len());
            return Err(Error::new(message).hint("raise the limit: --max-size N").into());
        }
        let mut array: Array = numbers.into_iter().map(|x| Dynamic::from_float(x.into())).collect();
        for &size in shape[1..].iter().rev() {
            let mut rest = array.into_iter().peekable();
            array = Array::new();
            while rest.peek().is_some() {
                array.push(rest.by_ref().take(size).collect::<Array>().into());
            }
        }
        Ok(array)
    }

    /// The BLAKE3 hash of shape and numbers: equal for tensors that are equal to the bit.
    ///
    /// ```
    /// print(randn([2, 3], 0).fingerprint == randn([2, 3], 0).fingerprint);    // true
    /// ```
    #[rhai_fn(get = "fingerprint", name = "fingerprint", return_raw)]
    pub fn tensor_fingerprint(tensor: &mut ScriptTensor) -> Native<String> {
        let mut hash = blake3::Hasher::new();
        hash.update(format!("tensor {:?}\n", tensor.shape()).as_bytes());
        tensor.numbers()?.iter().for_each(|number| {
            hash.update(&number.to_le_bytes());
        });
        Ok(hash.finalize().to_string())
    }

    /// As `print` shows it: the shape, then the numbers to six digits; of a large one the first and last three along
    /// each axis.
    ///
    /// ```
    /// print(eye(2));
    /// ```
    #[rhai_fn(name = "to_string", name = "to_debug", return_raw)]
    pub fn tensor_to_string(tensor: &mut ScriptTensor) -> Native<String> {
        Ok(tensor.in_words()?)
    }
}
