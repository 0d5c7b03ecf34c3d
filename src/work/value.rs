//! What an operation yields: a few named arrays.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};

use super::array::{Array, ArrayBuf, Data};
use crate::{Error, Result};

/// Named arrays, the result of one operation. Arrays that a device computed may still be there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Value {
    arrays: BTreeMap<String, ArrayBuf>,
}

/// The array that marks a result which rests on a training that diverged.
const DIVERGED: &str = "diverged";

impl Value {
    /// The same result, marked as one that rests on a training that diverged: numbers of it that are NaN are so for that reason.
    #[must_use]
    pub fn marked_diverged(self) -> Self {
        self.with(DIVERGED, &[1], vec![1.0_f64])
    }

    /// Whether it rests on a training that diverged.
    pub fn has_diverged(&self) -> bool {
        self.arrays.contains_key(DIVERGED)
    }

    /// Marked if one of the results that it was computed from is.
    pub(super) fn after(self, inputs: &[Arc<Self>]) -> Self {
        if inputs.iter().any(|input| input.has_diverged()) { self.marked_diverged() } else { self }
    }

    /// Adds an array; `data` has as many numbers as `shape` asks for.
    #[must_use]
    pub fn with(self, name: &str, shape: &[usize], data: impl Into<Data>) -> Self {
        self.with_array(name, Array { shape: shape.to_vec(), data: data.into() })
    }

    /// Adds an array.
    #[must_use]
    pub fn with_array(mut self, name: &str, array: Array) -> Self {
        debug_assert_eq!(array.shape.iter().product::<usize>(), array.data.len(), "{name} {:?}", array.shape);
        self.arrays.insert(name.to_owned(), ArrayBuf::on_host(array));
        self
    }

    /// Adds a single-precision array that is on a device; `numbers` is flat and has as many as `shape` asks for.
    #[must_use]
    pub fn with_tensor(mut self, name: &str, shape: &[usize], numbers: Tensor<1>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), numbers.dims()[0], "{name} {shape:?}");
        self.arrays.insert(name.to_owned(), ArrayBuf::on_device(shape, numbers));
        self
    }

    /// Adds all arrays of `part`, each name with the prefix `number`: one of the results of a batched operation.
    pub(crate) fn with_part(mut self, number: usize, part: Self) -> Self {
        self.arrays.extend(part.arrays.into_iter().map(|(name, array)| (format!("{number}.{name}"), array)));
        self
    }

    /// The result that [`Value::with_part`] added as `number`.
    pub(crate) fn part(&self, number: usize) -> Option<Self> {
        let own = |(name, array): (&String, &ArrayBuf)| {
            name.strip_prefix(&format!("{number}.")).map(|name| (name.to_owned(), array.clone()))
        };
        let arrays: BTreeMap<String, ArrayBuf> = self.arrays.iter().filter_map(own).collect();
        (!arrays.is_empty()).then_some(Self { arrays })
    }

    /// A single number, named "value".
    pub fn number(value: f64) -> Self {
        Self::default().with("value", &[], vec![value])
    }

    /// All arrays, sorted by name, without those that cannot be copied from their device.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.arrays.iter().filter_map(|(name, array)| Some((name.as_str(), array.array().ok()?)))
    }

    /// Bytes of all numbers.
    pub fn bytes(&self) -> usize {
        self.arrays.values().map(ArrayBuf::bytes).sum()
    }

    /// # Errors
    /// When there is no array of that name, or it cannot be copied from its device.
    pub fn array(&self, name: &str) -> Result<&Array> {
        self.find(name)?.array()
    }

    fn find(&self, name: &str) -> Result<&ArrayBuf> {
        self.arrays.get(name).ok_or_else(|| {
            let names: Vec<_> = self.arrays.keys().map(String::as_str).collect();
            Error::new(format!("no array {name:?} in this result; it holds {}", names.join(", ")))
        })
    }

    /// Shape and numbers of a single-precision array.
    ///
    /// # Errors
    /// When there is none of that name and type.
    pub fn f32s(&self, name: &str) -> Result<(&[usize], &[f32])> {
        match self.array(name)? {
            Array { shape, data: Data::F32(data) } => Ok((shape, data)),
            _ => Err(Error::new(format!("array {name:?} is not in single precision"))),
        }
    }

    /// Shape and numbers of an array in single precision, whatever it is kept in.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn as_f32s(&self, name: &str) -> Result<(&[usize], Cow<'_, [f32]>)> {
        let Array { shape, data } = self.array(name)?;
        Ok((
            shape,
            match data {
                Data::F32(data) => Cow::Borrowed(data),
                Data::F64(data) => data.iter().map(|&x| x as f32).collect(),
                Data::U32(data) => data.iter().map(|&x| x as f32).collect(),
            },
        ))
    }

    /// Shape and numbers of a double-precision array.
    ///
    /// # Errors
    /// When there is none of that name and type.
    pub fn f64s(&self, name: &str) -> Result<(&[usize], &[f64])> {
        match self.array(name)? {
            Array { shape, data: Data::F64(data) } => Ok((shape, data)),
            _ => Err(Error::new(format!("array {name:?} is not in double precision"))),
        }
    }

    /// Shape and numbers of a single-precision array on `device`, flat; they are copied there once.
    ///
    /// # Errors
    /// When there is none of that name and type.
    pub fn tensor(&self, name: &str, device: &Device) -> Result<(&[usize], Tensor<1>)> {
        let array = self.find(name)?;
        let numbers = array.tensor(device);
        numbers
            .map(|numbers| (array.shape(), numbers))
            .ok_or_else(|| Error::new(format!("array {name:?} is not in single precision")))
    }
}
