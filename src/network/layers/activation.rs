//! Activations, element by element.

use burn::tensor::{DType, Device, Tensor, TensorData, activation};
use serde::Serialize;

use super::kind::{BackwardPass, LayerKind, Trainable};
use super::{InverseBuilder, Layer};
use crate::Result;
use crate::kernels::{Activation, Expression, Function, Node, Operator, Scratch};
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::network::on_device::download;

/// y = φ(x), element by element.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActivationLayer {
    pub function: Activation,
}

impl From<Activation> for Layer {
    fn from(function: Activation) -> Self {
        Self::Activation(ActivationLayer { function })
    }
}

impl std::fmt::Display for ActivationLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.function.fmt(f)
    }
}

impl LayerKind for ActivationLayer {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn forward(&self, mut x: Batch, _: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        self.function.apply(&mut x.data);
        Ok(x)
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        burn_activation(&self.function, x.numbers)
    }

    fn invert(&self, inverse: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        inverse.set_activation(self.function.clone());
        Ok(())
    }

    fn trainable(&self) -> Option<&dyn Trainable> {
        Some(self)
    }

    fn as_activation(&self) -> Option<Activation> {
        Some(self.function.clone())
    }
}

impl Trainable for ActivationLayer {
    fn forward_into(&self, y: &mut [f32], x: &[f32], _: [&[usize]; 2], _: &[&[f32]], _: &mut Scratch) {
        y.copy_from_slice(x);
        self.function.apply(y);
    }

    fn backward(&self, pass: &mut BackwardPass<'_>) {
        self.function.pass_gradient(pass.gradient, pass.x);
    }
}

/// φ(x): on the processor by the host's own loops, elsewhere by the device's operations.
fn burn_activation(function: &Activation, x: Tensor<2>) -> Result<Tensor<2>> {
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
        Activation::Expression(expression) => by_nodes(expression, x),
    })
}

/// Burn's own activations on the processor call the platform's mathematics number by number: a third of a training step
/// of a convolutional network, and other last bits on every platform.
///
/// Autodiff does not know these loops, so the slope is given to it: φ(c) + φ'(c) (x − c), where c is x as a constant, has
/// the value φ(x) and the derivative φ'(x).
fn by_own_loop(function: &Activation, x: Tensor<2>) -> Result<Tensor<2>> {
    let (shape, device) = (x.shape(), Device::flex());
    let tensor = |numbers: Vec<f32>| Tensor::from_data(TensorData::new(numbers, shape.clone()), (&device, DType::F32));
    let constant = x.clone().without_autodiff();
    let mut numbers = download(constant.clone())?;
    if !x.is_tracked() {
        function.apply(&mut numbers);
        return Ok(tensor(numbers));
    }
    let mut slope = vec![1.0; numbers.len()];
    function.pass_gradient(&mut slope, &numbers);
    function.apply(&mut numbers);
    Ok((x - constant) * tensor(slope) + tensor(numbers))
}

/// An expression, node by node in Burn's operations; its gradient is that of [`by_own_loop`], with φ' an expression too.
fn by_nodes(expression: &Expression, x: Tensor<2>) -> Tensor<2> {
    let constant = x.clone().without_autodiff();
    let nodes = expression.nodes();
    if !x.is_tracked() {
        return values(nodes, &constant).remove(nodes.len() - 1);
    }
    let (all, slope) = expression.with_slope();
    let values = values(all, &constant);
    (x - constant) * values[slope].clone() + values[nodes.len() - 1].clone()
}

/// The values of all nodes.
fn values(nodes: &[Node], x: &Tensor<2>) -> Vec<Tensor<2>> {
    let mut values: Vec<Tensor<2>> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let of = |at: usize| values[at].clone();
        values.push(match *node {
            Node::X => x.clone(),
            Node::Constant(number) => x.full_like(number),
            Node::Function(function, a) => burn_function(function, of(a)),
            Node::Operator(operator, a, b) => match operator {
                Operator::Add => of(a) + of(b),
                Operator::Subtract => of(a) - of(b),
                Operator::Multiply => of(a) * of(b),
                Operator::Divide => of(a) / of(b),
                // Not Burn's own, which may hide a NaN.
                Operator::Max => of(a).mask_where(of(b).greater(of(a)).bool_or(of(b).is_nan()), of(b)),
                Operator::Min => of(a).mask_where(of(b).lower(of(a)).bool_or(of(b).is_nan()), of(b)),
            },
            Node::Where { a, b, then, otherwise } => of(otherwise).mask_where(of(a).greater(of(b)), of(then)),
        });
    }
    values
}

fn burn_function(function: Function, x: Tensor<2>) -> Tensor<2> {
    match function {
        Function::Negate => -x,
        Function::Abs => x.abs(),
        Function::Sign => x.sign(),
        Function::Sqrt => x.sqrt(),
        Function::Exp => x.exp(),
        Function::Ln => x.log(),
        Function::Sin => x.sin(),
        Function::Cos => x.cos(),
        Function::Tanh => x.tanh(),
        Function::Sigmoid => activation::sigmoid(x),
        Function::Erf => x.erf(),
        // ln(1 + eˣ) without overflow.
        Function::Softplus => activation::relu(x.clone()) + (-x.abs()).exp().log1p(),
        Function::Elu => {
            let below = (x.clone() - activation::relu(x.clone())).exp() - 1.0;
            below.mask_where(x.clone().greater_elem(0.0), x)
        }
    }
}
