//! Activations: on the processor by the host's own loops, elsewhere by the device's.

use burn::tensor::{DType, Device, Tensor, TensorData, activation};

use crate::kernels::Activation;
use crate::{Error, Result};

/// φ(x), element by element.
///
/// # Errors
/// When the device fails.
pub(super) fn activate(function: Activation, x: Tensor<2>) -> Result<Tensor<2>> {
    let is_cheap = matches!(function, Activation::Identity | Activation::Relu);
    if !is_cheap && x.dtype() == DType::F32 && x.device() == Device::flex() {
        return by_own_loop(function, x);
    }
    Ok(match function {
        Activation::Identity => x,
        Activation::Tanh => x.tanh(),
        Activation::Erf => x.erf(),
        Activation::Relu => activation::relu(x),
        Activation::Gelu => activation::gelu(x),
        Activation::Silu => activation::silu(x),
        Activation::Sigmoid => activation::sigmoid(x),
    })
}

/// Burn's own on the processor call the platform's mathematics number by number: a third of a training step of a
/// convolutional network, and other last bits on every platform.
///
/// Autodiff knows nothing of these loops, so that it is told the slope: φ(c) + φ'(c) (x − c), where c is x as a constant,
/// is φ(x), and φ'(x) its derivative.
fn by_own_loop(function: Activation, x: Tensor<2>) -> Result<Tensor<2>> {
    let (shape, device) = (x.shape(), Device::flex());
    let back = |numbers: Vec<f32>| Tensor::from_data(TensorData::new(numbers, shape.clone()), (&device, DType::F32));
    let constant = x.clone().without_autodiff();
    let numbers = constant.clone().try_into_vec_as::<f32>();
    let mut numbers = numbers.map_err(|error| Error::new(format!("the device does not give its numbers: {error}")))?;
    if !x.is_tracked() {
        function.apply(&mut numbers);
        return Ok(back(numbers));
    }
    let mut slope = vec![1.0; numbers.len()];
    function.pass_gradient(&mut slope, &numbers);
    function.apply(&mut numbers);
    Ok((x - constant) * back(slope) + back(numbers))
}
