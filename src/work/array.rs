//! Arrays: shape and numbers, in the host's memory, on a device, or both.

use std::sync::OnceLock;

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::{Error, Result};

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
    pub(super) fn len(&self) -> usize {
        match self {
            Self::F32(data) => data.len(),
            Self::F64(data) => data.len(),
            Self::U32(data) => data.len(),
        }
    }

    fn bytes(&self) -> usize {
        self.len() * if matches!(self, Self::F64(_)) { 8 } else { 4 }
    }
}

/// An array of a result, in the host's memory, on a device, or both. It is copied to the other side once, when it is first
/// used there. At least one side is set.
#[derive(Debug, Clone)]
pub(super) struct ArrayBuf {
    shape: Vec<usize>,
    host: OnceLock<Array>,
    /// Flat, in single precision.
    device: OnceLock<Tensor<1>>,
}

impl ArrayBuf {
    pub fn on_host(array: Array) -> Self {
        Self { shape: array.shape.clone(), host: OnceLock::from(array), device: OnceLock::new() }
    }

    pub fn on_device(shape: &[usize], numbers: Tensor<1>) -> Self {
        Self { shape: shape.to_vec(), host: OnceLock::new(), device: OnceLock::from(numbers) }
    }

    /// The array in the host's memory.
    ///
    /// # Errors
    /// When it cannot be copied from the device.
    pub fn array(&self) -> Result<&Array> {
        let Some(tensor) = self.device.get().filter(|_| self.host.get().is_none()) else {
            return self.host.get().ok_or_else(|| Error::new("this array has no numbers"));
        };
        let numbers = tensor.clone().try_into_vec_as::<f32>();
        let numbers = numbers.map_err(|error| Error::new(format!("cannot copy an array from the device: {error}")))?;
        Ok(self.host.get_or_init(|| Array { shape: self.shape.clone(), data: Data::F32(numbers) }))
    }

    /// The numbers on `device`, flat; `None` if they are not in single precision.
    pub fn tensor(&self, device: &Device) -> Option<Tensor<1>> {
        if let Some(tensor) = self.device.get().filter(|tensor| tensor.device() == *device) {
            return Some(tensor.clone());
        }
        let Ok(Array { data: Data::F32(numbers), .. }) = self.array() else { return None };
        let copy = Tensor::from_data(TensorData::new(numbers.clone(), [numbers.len()]), (device, DType::F32));
        Some(self.device.get_or_init(|| copy.clone()).clone()).filter(|kept| kept.device() == *device).or(Some(copy))
    }

    /// Bytes of one copy.
    pub fn bytes(&self) -> usize {
        self.host.get().map_or_else(|| 4 * self.shape.iter().product::<usize>(), |array| array.data.bytes())
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
}

impl PartialEq for ArrayBuf {
    fn eq(&self, other: &Self) -> bool {
        matches!((self.array(), other.array()), (Ok(a), Ok(b)) if a == b)
    }
}
