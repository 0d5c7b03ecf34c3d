//! What scripts do with tensors.

mod arithmetic;
mod files;
mod make;
mod reduce;
mod shape;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT};

use super::general::wanted_count;
use super::network::elements;
use crate::script::session::{Native, Session};
use crate::script::tensor::{MOST, ScriptTensor};
use crate::{Error, Result};

/// A shape that a script gave.
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
    files::register(engine);
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The sizes of a tensor, one per axis.
    ///
    /// ```
    /// print(zeros([2, 3]).shape);    // [2, 3]
    /// ```
    #[rhai_fn(get = "shape", pure)]
    pub fn tensor_shape(tensor: &mut ScriptTensor) -> Array {
        tensor.shape().into_iter().map(|size| Dynamic::from_int(size as INT)).collect()
    }

    /// How many axes a tensor has, 1 to 4.
    ///
    /// ```
    /// print(zeros([2, 3]).rank);    // 2
    /// ```
    #[rhai_fn(get = "rank", pure)]
    pub fn tensor_rank(tensor: &mut ScriptTensor) -> INT {
        tensor.rank as INT
    }

    /// The size of a tensor's first axis: how many `tensor[i]` there are.
    ///
    /// ```
    /// print(zeros([2, 3]).len);    // 2
    /// ```
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn tensor_len(tensor: &mut ScriptTensor) -> INT {
        tensor.numbers.dims()[MOST - tensor.rank] as INT
    }

    /// How many numbers a tensor has.
    ///
    /// ```
    /// print(zeros([2, 3]).size);    // 6
    /// ```
    #[rhai_fn(get = "size", pure)]
    pub fn tensor_size(tensor: &mut ScriptTensor) -> INT {
        tensor.numbers.dims().iter().product::<usize>() as INT
    }

    /// A tensor as nested arrays of numbers.
    ///
    /// ```
    /// print(eye(2).to_array());    // [[1.0, 0.0], [0.0, 1.0]]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn to_array(context: NativeCallContext, tensor: ScriptTensor) -> Native<Array> {
        let most = Session::of(&context)?.settings.limits.size;
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

    /// The BLAKE3 hash of a tensor's shape and numbers: the same for tensors that are the same to the bit.
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
