//! Tensors from numbers, at random, and from data.

use burn::tensor::{DType, Tensor};
use rhai::plugin::*;
use rhai::{Array, Engine, INT};

use super::wanted_shape;
use crate::data::Split;
use crate::output::Pictures;
use crate::random::Random;
use crate::script::api::curve::now;
use crate::script::api::general::{AnyNumber, wanted_count, wanted_number};
use crate::script::options::{describe, number, settled};
use crate::script::session::{Native, Session};
use crate::script::tensor::{MOST, ScriptTensor, padded};
use crate::script::tensor_budget::RANKS;
use crate::{Error, Result};

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

/// `[1][0]`, as a script would reach it.
fn at(path: &[usize]) -> String {
    path.iter().fold(String::new(), |text, i| text + format!("[{i}]").as_str())
}

/// The sizes of nested arrays, taken from the first element at every depth.
fn sizes(array: &Array) -> Result<Vec<usize>> {
    let mut sizes = vec![array.len()];
    let mut first = array.first().cloned();
    while let Some(value) = first {
        let Some(inner) = value.read_lock::<Array>() else { return Ok(sizes) };
        sizes.push(inner.len());
        if sizes.len() > MOST {
            return Err(Error::new(format!("lists inside one another to a depth of {} or more", sizes.len()))
                .hint(format!("a tensor has {} to {MOST} axes", RANKS.start())));
        }
        first = inner.first().cloned();
    }
    let place = at(&vec![0; sizes.len() - 1]);
    let list = if place.is_empty() { "the list".to_owned() } else { format!("element {place}") };
    Err(Error::new(format!("{list} is empty; a tensor has at least one number")))
}

/// Appends the numbers of `array`, which is at `path` and has the sizes `shape`.
fn flatten(array: &Array, shape: &[usize], path: &mut Vec<usize>, numbers: &mut Vec<f32>) -> Result<()> {
    for (i, value) in array.iter().enumerate() {
        path.push(i);
        let ragged = |found: String, wanted: String| {
            let first = at(&[&vec![0; path.len() - 1], &[0][..]].concat());
            Err(Error::new(format!("element {} is {found}, where element {first} is {wanted}", at(path))))
        };
        match (value.read_lock::<Array>(), &shape[1..]) {
            (Some(inner), [size, ..]) if inner.len() == *size => flatten(&inner, &shape[1..], path, numbers)?,
            (Some(inner), [size, ..]) => {
                return ragged(format!("a list of {}", inner.len()), format!("a list of {size}"));
            }
            (Some(inner), []) => return ragged(format!("a list of {}", inner.len()), "a number".to_owned()),
            (None, [size, ..]) => return ragged(describe(value), format!("a list of {size}")),
            (None, []) => match number(&*settled(value)?) {
                Some(x) => numbers.push(x as f32),
                None => {
                    let error =
                        Error::new(format!("element {} is {}; it should be a number", at(path), describe(value)));
                    return Err(if value.is::<ScriptTensor>() {
                        error.hint("put tensors together with `stack`")
                    } else {
                        error
                    });
                }
            },
        }
        path.pop();
    }
    Ok(())
}

fn full_of(context: &NativeCallContext<'_>, shape: Array, number: f64) -> Native<ScriptTensor> {
    let (session, shape) = (Session::from_context(context)?, wanted_shape(shape)?);
    let options = (session.device.device(), DType::F32);
    Ok(ScriptTensor::computed(&session.tensors, &shape, || Tensor::full(padded(&shape), number, options))?)
}

/// Random numbers: `fill` gets the stream of a seed.
fn drawn(
    context: &NativeCallContext<'_>,
    shape: Array,
    seed: INT,
    fill: fn(&mut Random, &mut [f32]),
) -> Native<ScriptTensor> {
    let (session, shape) = (Session::from_context(context)?, wanted_shape(shape)?);
    let seed = wanted_count(seed, "the seed")? as u64;
    let numbers = || {
        let mut numbers = vec![0.0; shape.iter().product()];
        fill(&mut Random::new(seed, &["tensor"]), &mut numbers);
        Ok(numbers)
    };
    Ok(ScriptTensor::new(&session, &shape, numbers)?)
}

#[export_module]
mod functions {
    /// A tensor from nested arrays of numbers, or of the pixels of samples or pictures, read or computed now. Arrays can be
    /// nested up to 4 deep; pixels have the shape [pictures, channels, height, width] and lie in [0, 1] unless a folder
    /// normalises them.
    ///
    /// ```
    /// let t = tensor([[1, 2, 3], [4, 5, 6]]);
    /// print(t.shape);    // [2, 3]
    /// ```
    #[rhai_fn(name = "tensor", return_raw)]
    pub fn tensor_of_lists(context: NativeCallContext, numbers: Array) -> Native<ScriptTensor> {
        let shape = sizes(&numbers)?;
        let mut flat = Vec::new();
        flatten(&numbers, &shape, &mut Vec::new(), &mut flat)?;
        Ok(ScriptTensor::new(&*Session::from_context(&context)?, &shape, || Ok(flat))?)
    }

    /// ```
    /// let pixels = dataset("glyphs").test.take(10).tensor();
    /// print(pixels.shape);    // [10, 1, 28, 28]
    /// ```
    #[rhai_fn(name = "tensor", return_raw)]
    pub fn tensor_of_samples(context: NativeCallContext, samples: Split) -> Native<ScriptTensor> {
        let shape = [&[samples.len()], &samples.shape()[..]].concat();
        Ok(ScriptTensor::new(&*Session::from_context(&context)?, &shape, || samples.pixels())?)
    }

    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let fives = data.test.of_class(5).take(2);
    /// let pixels = cascade(net, data.train.take(200)).reconstruct(fives).at(1).tensor();
    /// print(pixels.shape);    // [2, 1, 7, 7]
    /// ```
    #[rhai_fn(name = "tensor", return_raw)]
    pub fn tensor_of_pictures(context: NativeCallContext, pictures: Pictures) -> Native<ScriptTensor> {
        let value = now(&context, "pictures", pictures.source())?;
        let numbers = pictures.pixels(&value)?;
        Ok(ScriptTensor::new(&*Session::from_context(&context)?, &pictures.shape(), || Ok(numbers.to_vec()))?)
    }

    /// A tensor of zeros.
    ///
    /// ```
    /// print(zeros([2, 3]));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn zeros(context: NativeCallContext, shape: Array) -> Native<ScriptTensor> {
        full_of(&context, shape, 0.0)
    }

    /// A tensor of ones.
    ///
    /// ```
    /// print(ones([3]).to_array());    // [1.0, 1.0, 1.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn ones(context: NativeCallContext, shape: Array) -> Native<ScriptTensor> {
        full_of(&context, shape, 1.0)
    }

    /// A tensor filled with one number.
    ///
    /// ```
    /// print(full([2, 2], 0.5).sum());    // 2.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn full(context: NativeCallContext, shape: Array, value: AnyNumber) -> Native<ScriptTensor> {
        full_of(&context, shape, wanted_number(&value, "the value")?)
    }

    /// The identity matrix with `n` rows and columns.
    ///
    /// ```
    /// print(eye(2).to_array());    // [[1.0, 0.0], [0.0, 1.0]]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn eye(context: NativeCallContext, n: INT) -> Native<ScriptTensor> {
        let n = wanted_count(n, "n")?;
        let numbers = || {
            let mut numbers = vec![0.0; n * n];
            numbers.iter_mut().step_by(n + 1).for_each(|x| *x = 1.0);
            Ok(numbers)
        };
        Ok(ScriptTensor::new(&*Session::from_context(&context)?, &[n, n], numbers)?)
    }

    /// Independent standard normal numbers. The same seed gives the same numbers on every machine.
    ///
    /// ```
    /// let w = 1.3 * randn([100, 100], 0) / 10;    // weights of variance 1.69 / fan-in
    /// ```
    #[rhai_fn(return_raw)]
    pub fn randn(context: NativeCallContext, shape: Array, seed: INT) -> Native<ScriptTensor> {
        drawn(&context, shape, seed, |random, numbers| random.fill_normal(numbers, 1.0))
    }

    /// Independent uniform numbers in [0, 1). The same seed gives the same numbers on every machine.
    ///
    /// ```
    /// let noise = uniform([10, 1, 28, 28], 0);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn uniform(context: NativeCallContext, shape: Array, seed: INT) -> Native<ScriptTensor> {
        // 24 bits, the precision of a number near 1: more of them could round to 1.
        drawn(&context, shape, seed, |random, numbers| {
            numbers.fill_with(|| (random.bits() >> 8) as f32 / (1u32 << 24) as f32);
        })
    }
}
