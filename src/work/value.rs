//! What an operation yields: a few named arrays.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};

use super::place::Place;
use crate::{Error, Result};

/// Named arrays, the result of one operation. Where a device computes, they may lie there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Value {
    arrays: BTreeMap<String, Place>,
}

/// One array, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub data: Data,
}

/// The numbers of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    U32(Vec<u32>),
}

impl From<Vec<f32>> for Data {
    fn from(data: Vec<f32>) -> Self {
        Self::F32(data)
    }
}

impl From<Vec<f64>> for Data {
    fn from(data: Vec<f64>) -> Self {
        Self::F64(data)
    }
}

impl From<Vec<u32>> for Data {
    fn from(data: Vec<u32>) -> Self {
        Self::U32(data)
    }
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::F32(data) => data.len(),
            Self::F64(data) => data.len(),
            Self::U32(data) => data.len(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.len() * if matches!(self, Self::F64(_)) { 8 } else { 4 }
    }
}

impl Value {
    /// Adds an array; `data` holds as many numbers as `shape` says.
    #[must_use]
    pub fn with(self, name: &str, shape: &[usize], data: impl Into<Data>) -> Self {
        self.with_array(name, Array { shape: shape.to_vec(), data: data.into() })
    }

    /// Adds an array.
    #[must_use]
    pub fn with_array(mut self, name: &str, array: Array) -> Self {
        debug_assert_eq!(array.shape.iter().product::<usize>(), array.data.len(), "{name} {:?}", array.shape);
        self.arrays.insert(name.to_owned(), Place::here(array));
        self
    }

    /// Adds a single-precision array that lies on a device; `numbers` is flat, and holds as many as `shape` says.
    #[must_use]
    pub fn with_tensor(mut self, name: &str, shape: &[usize], numbers: Tensor<1>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), numbers.dims()[0], "{name} {shape:?}");
        self.arrays.insert(name.to_owned(), Place::there(shape, numbers));
        self
    }

    /// Adds all arrays of another result behind a number.
    pub(super) fn with_part(mut self, number: usize, part: Self) -> Self {
        self.arrays.extend(part.arrays.into_iter().map(|(name, place)| (format!("{number}.{name}"), place)));
        self
    }

    /// What was added behind a number.
    pub(super) fn part(&self, number: usize) -> Option<Self> {
        let own = |(name, place): (&String, &Place)| {
            name.strip_prefix(&format!("{number}.")).map(|name| (name.to_owned(), place.clone()))
        };
        let arrays: BTreeMap<String, Place> = self.arrays.iter().filter_map(own).collect();
        (!arrays.is_empty()).then_some(Self { arrays })
    }

    /// A single number, named "value".
    pub fn number(value: f64) -> Self {
        Self::default().with("value", &[], vec![value])
    }

    /// All arrays, sorted by name; without those that a device does not give.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.arrays.iter().filter_map(|(name, place)| Some((name.as_str(), place.array().ok()?)))
    }

    /// Bytes of all numbers.
    pub fn bytes(&self) -> usize {
        self.arrays.values().map(Place::bytes).sum()
    }

    /// # Errors
    /// When there is no array of that name, or the device that has it does not give it.
    pub fn array(&self, name: &str) -> Result<&Array> {
        self.place(name)?.array()
    }

    fn place(&self, name: &str) -> Result<&Place> {
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

    /// Shape and numbers, flat, of a single-precision array as `device` has it; it goes there once.
    ///
    /// # Errors
    /// When there is none of that name and type.
    pub fn tensor(&self, name: &str, device: &Device) -> Result<(&[usize], Tensor<1>)> {
        let place = self.place(name)?;
        let numbers = place.tensor(device);
        numbers
            .map(|numbers| (place.shape(), numbers))
            .ok_or_else(|| Error::new(format!("array {name:?} is not in single precision")))
    }
}
