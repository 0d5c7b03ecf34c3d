//! Where the numbers of an array lie: here, on a device, or both. They are brought over when somebody asks, once.

use std::sync::OnceLock;

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::value::{Array, Data};
use crate::{Error, Result};

/// An array of a result.
#[derive(Debug, Clone)]
pub(super) struct Place {
    shape: Vec<usize>,
    here: OnceLock<Array>,
    /// Flat, in single precision.
    there: OnceLock<Tensor<1>>,
}

impl Place {
    pub fn here(array: Array) -> Self {
        Self { shape: array.shape.clone(), here: OnceLock::from(array), there: OnceLock::new() }
    }

    pub fn there(shape: &[usize], numbers: Tensor<1>) -> Self {
        Self { shape: shape.to_vec(), here: OnceLock::new(), there: OnceLock::from(numbers) }
    }

    /// The numbers as this program has them.
    ///
    /// # Errors
    /// When the device does not give them.
    pub fn array(&self) -> Result<&Array> {
        let Some(there) = self.there.get().filter(|_| self.here.get().is_none()) else {
            return self.here.get().ok_or_else(|| Error::new("an array that is nowhere"));
        };
        let numbers = there.clone().try_into_vec_as::<f32>();
        let numbers = numbers.map_err(|error| Error::new(format!("the device does not give its numbers: {error}")))?;
        Ok(self.here.get_or_init(|| Array { shape: self.shape.clone(), data: Data::F32(numbers) }))
    }

    /// The numbers as `device` has them, flat; none where they are not in single precision.
    pub fn tensor(&self, device: &Device) -> Option<Tensor<1>> {
        if let Some(there) = self.there.get().filter(|there| there.device() == *device) {
            return Some(there.clone());
        }
        let Ok(Array { data: Data::F32(numbers), .. }) = self.array() else { return None };
        let there = Tensor::from_data(TensorData::new(numbers.clone(), [numbers.len()]), (device, DType::F32));
        Some(self.there.get_or_init(|| there.clone()).clone()).filter(|kept| kept.device() == *device).or(Some(there))
    }

    /// Bytes of the numbers, wherever they are.
    pub fn bytes(&self) -> usize {
        self.here.get().map_or_else(|| 4 * self.shape.iter().product::<usize>(), |array| array.data.bytes())
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        matches!((self.array(), other.array()), (Ok(a), Ok(b)) if a == b)
    }
}
