//! Tensors: 1 to 4 axes of numbers in single precision. Unlike everything else that a script holds they are not
//! descriptions: what is asked of them is done at once, on the session's device.

mod print;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor, TensorData};
use rhai::INT;

use super::session::Session;
use super::tensor_budget::{RANKS, Reservation, TensorBudget};
use crate::error::panic_message;
use crate::{Error, Result};

/// The most axes that a tensor can have.
pub(super) const MOST: usize = *RANKS.end();

/// A tensor that a script holds. Clones share their numbers.
#[derive(Debug, Clone)]
pub struct ScriptTensor {
    /// A lower rank has leading sizes of 1: numpy's own rule for putting tensors of different rank together. Nothing
    /// lies behind it but these numbers: a part of a tensor is a copy, lest a small one keep a large one alive.
    pub(super) numbers: Tensor<MOST>,
    /// 0 only for a number beside a tensor, within one operation.
    pub(super) rank: usize,
    claim: Arc<Reservation>,
}

/// With leading sizes of 1.
pub(super) fn padded(shape: &[usize]) -> [usize; MOST] {
    let mut padded = [1; MOST];
    padded[MOST - shape.len()..].copy_from_slice(shape);
    padded
}

/// Numbers on a device, nothing else behind them.
pub(super) fn on_device(numbers: Vec<f32>, shape: &[usize], device: &Device) -> Tensor<MOST> {
    Tensor::from_data(TensorData::new(numbers, padded(shape)), (device, DType::F32))
}

/// The same numbers, and nothing else behind them.
pub(super) fn compact(view: Tensor<MOST>) -> Tensor<MOST> {
    let device = view.device();
    Tensor::from_data(view.into_data(), (&device, DType::F32))
}

impl ScriptTensor {
    /// A tensor of `shape` whose numbers, row-major, are made once it is known that there is memory for them.
    ///
    /// # Errors
    /// When no tensor has such a shape, the script's tensors take too much memory, or `numbers` says so.
    pub fn new(session: &Session, shape: &[usize], numbers: impl FnOnce() -> Result<Vec<f32>>) -> Result<Self> {
        let claim = session.tensors.reserve(shape)?;
        let numbers = numbers()?;
        if numbers.len() != shape.iter().product::<usize>() {
            return Err(Error::new(format!("{} numbers do not fill a tensor of shape {shape:?}", numbers.len())));
        }
        Ok(Self {
            numbers: on_device(numbers, shape, session.device.device()),
            rank: shape.len(),
            claim: Arc::new(claim),
        })
    }

    /// A tensor of `shape` that Burn computes. What Burn would refuse is refused before, in better words; should it
    /// panic for another reason, the script ends with that reason.
    pub(super) fn computed(
        budget: &Arc<TensorBudget>,
        shape: &[usize],
        compute: impl FnOnce() -> Tensor<MOST>,
    ) -> Result<Self> {
        let claim = Arc::new(budget.reserve(shape)?);
        let numbers = catch_unwind(AssertUnwindSafe(compute)).map_err(|panic| {
            let words = panic_message(panic.as_ref());
            Error::new(format!("the device could not compute a tensor of shape {shape:?}: {words}"))
        })?;
        Ok(Self { numbers, rank: shape.len(), claim })
    }

    /// The same numbers in another shape of the same size.
    pub(super) fn shaped(&self, shape: &[usize]) -> Self {
        Self { numbers: self.numbers.clone().reshape(padded(shape)), rank: shape.len(), claim: self.claim.clone() }
    }

    /// A number as a tensor beside this one.
    pub(super) fn beside(&self, number: f64) -> Self {
        let device = self.numbers.device();
        Self { numbers: on_device(vec![number as f32], &[], &device), rank: 0, claim: self.claim.clone() }
    }

    pub(super) fn budget(&self) -> &Arc<TensorBudget> {
        self.claim.budget()
    }

    /// One to four sizes, each at least 1.
    pub fn shape(&self) -> Vec<usize> {
        self.numbers.dims()[MOST - self.rank..].to_vec()
    }

    /// All numbers, row-major.
    ///
    /// # Errors
    /// When the device does not give them.
    pub fn numbers(&self) -> Result<Vec<f32>> {
        self.numbers
            .to_data()
            .try_into_vec()
            .map_err(|error| Error::new(format!("the device does not give a tensor's numbers: {error:?}")))
    }

    /// As `print` shows it.
    pub(super) fn in_words(&self) -> Result<String> {
        Ok(print::in_words(&self.shape(), &self.numbers()?))
    }

    /// Burn's number of an axis, which a script counts from 0, or backward from -1.
    pub(super) fn axis(&self, axis: INT) -> Result<usize> {
        Ok(MOST - self.rank
            + place(axis, self.rank).ok_or_else(|| {
                let (shape, last) = (self.shape(), self.rank - 1);
                Error::new(format!("a tensor of shape {shape:?} has no axis {axis}"))
                    .hint(format!("its axes are 0 to {last}, or -1 to -{} from the end", self.rank))
            })?)
    }
}

/// A place in `0..len`; negative ones count from the end.
pub(super) fn place(at: INT, len: usize) -> Option<usize> {
    let at = if at < 0 { at.checked_add(INT::try_from(len).ok()?)? } else { at };
    usize::try_from(at).ok().filter(|&at| at < len)
}
