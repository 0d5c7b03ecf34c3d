use super::*;
use crate::kernels::Activation;
use Function::{Abs, Cos, Elu, Erf, Exp, Ln, Sigmoid, Sin, Softplus, Sqrt, Tanh};
use Operator::{Add, Divide, Max, Min, Multiply, Subtract};

type Form = fn(&mut Nodes) -> usize;

fn made(make: impl FnOnce(&mut Nodes) -> usize) -> Result<Expression> {
    let mut nodes = Nodes::default();
    let root = make(&mut nodes);
    Expression::new(&nodes, root)
}

/// x σ(1.702 x).
fn quick_gelu(nodes: &mut Nodes) -> usize {
    let factor = nodes.constant(1.702);
    let scaled = nodes.operator(Multiply, Nodes::X, factor);
    let sigmoid = nodes.function(Sigmoid, scaled);
    nodes.operator(Multiply, sigmoid, Nodes::X)
}

fn inputs() -> Vec<f32> {
    (-2400..2405).map(|i| i as f32 / 300.0 + 0.001).collect()
}

/// Each built-in activation written as an expression: values and losses within 1e-6 of the built-in loops, slopes within 4e-6 (both lose digits of 1 − tanh²).
#[test]
fn built_in_activations_written_as_expressions_agree_with_them() {
    let forms: [(Activation, Form); 7] = [
        (Activation::Identity, |_| Nodes::X),
        (Activation::Tanh, |nodes| nodes.function(Tanh, Nodes::X)),
        (Activation::Erf, |nodes| nodes.function(Erf, Nodes::X)),
        (Activation::Relu, |nodes| nodes.relu(Nodes::X)),
        (Activation::Gelu, |nodes| nodes.gelu(Nodes::X)),
        (Activation::Silu, |nodes| nodes.silu(Nodes::X)),
        (Activation::Sigmoid, |nodes| nodes.function(Sigmoid, Nodes::X)),
    ];
    for (activation, form) in forms {
        let expression = made(form).unwrap();
        let z = inputs();
        let [mut ours, mut theirs] = [z.clone(), z.clone()];
        expression.apply(&mut ours);
        activation.apply(&mut theirs);
        let [mut slopes, mut their_slopes] = [vec![1.0; z.len()], vec![1.0; z.len()]];
        expression.pass_gradient(&mut slopes, &z);
        activation.pass_gradient(&mut their_slopes, &z);
        for (i, &z) in z.iter().enumerate() {
            assert!((ours[i] - theirs[i]).abs() < 1e-6 * ours[i].abs().max(1.0), "{activation:?}({z})");
            assert!(
                (slopes[i] - their_slopes[i]).abs() < 4e-6,
                "{activation:?}'({z}) {} {}",
                slopes[i],
                their_slopes[i]
            );
        }
        let target: Vec<f32> = z.iter().map(|z| libm::sinf(*z)).collect();
        let [mut ours, mut theirs] = [z.clone(), z];
        let losses = [
            expression.squared_error_gradient(&mut ours, &target, 0.5),
            activation.squared_error_gradient(&mut theirs, &target, 0.5),
        ];
        assert!((losses[0] / losses[1] - 1.0).abs() < 1e-6, "{activation:?} {losses:?}");
        for (a, b) in ours.iter().zip(theirs) {
            assert!((a - b).abs() < 1e-5 * a.abs().max(1.0), "{activation:?} {a} {b}");
        }
        // A formula that is a built-in activation is that activation.
        assert_eq!(Activation::from(expression), activation);
    }
}

/// Slopes against differences of the values, in double precision; single precision against double.
#[test]
fn slopes_are_exact_and_single_precision_follows_double() {
    let forms: [Form; 12] = [
        quick_gelu,
        // tanh(x)³ / (2 + cos x)
        |nodes| {
            let (tanh, cos, two) = (nodes.function(Tanh, 0), nodes.function(Cos, 0), nodes.constant(2.0));
            let (cube, sum) = (nodes.power(tanh, 3.0), nodes.operator(Add, two, cos));
            nodes.operator(Divide, cube, sum)
        },
        // x − sin(x) exp(−x²)
        |nodes| {
            let square = nodes.power(0, 2.0);
            let negated = nodes.function(Function::Negate, square);
            let (bell, sine) = (nodes.function(Exp, negated), nodes.function(Sin, 0));
            let product = nodes.operator(Multiply, sine, bell);
            nodes.operator(Subtract, 0, product)
        },
        // ln(1 + |x|) sign, as |x| is
        |nodes| {
            let (abs, one) = (nodes.function(Abs, 0), nodes.constant(1.0));
            let sum = nodes.operator(Add, abs, one);
            nodes.function(Ln, sum)
        },
        // x / √(1 + x²)
        |nodes| {
            let (square, one) = (nodes.power(0, 2.0), nodes.constant(1.0));
            let sum = nodes.operator(Add, square, one);
            let root = nodes.function(Sqrt, sum);
            nodes.operator(Divide, 0, root)
        },
        // x tanh(ln(1 + eˣ)), written plainly
        |nodes| {
            let (exp, one) = (nodes.function(Exp, 0), nodes.constant(1.0));
            let sum = nodes.operator(Add, exp, one);
            let ln = nodes.function(Ln, sum);
            let tanh = nodes.function(Tanh, ln);
            nodes.operator(Multiply, 0, tanh)
        },
        |nodes| nodes.function(Softplus, 0),
        |nodes| nodes.function(Elu, 0),
        |nodes| nodes.hardtanh(0),
        |nodes| nodes.leaky_relu(0, 0.1),
        |nodes| nodes.gelu(0),
        // min(x², 2 + x) ** 1.5 of a sum above 0, and erf
        |nodes| {
            let (square, three) = (nodes.power(0, 2.0), nodes.constant(3.0));
            let sum = nodes.operator(Add, three, 0);
            let least = nodes.operator(Min, square, sum);
            let half = nodes.constant(0.5);
            let (erf, above) = (nodes.function(Erf, least), nodes.operator(Max, half, 0));
            let power = nodes.power(above, 1.5);
            nodes.operator(Add, erf, power)
        },
    ];
    for form in forms {
        let expression = made(form).unwrap();
        let z = inputs();
        let [mut values, mut slopes] = [z.clone(), vec![1.0; z.len()]];
        expression.apply(&mut values);
        expression.pass_gradient(&mut slopes, &z);
        for (i, &z) in z.iter().enumerate() {
            let z = f64::from(z);
            let ((value, slope), h) = (expression.at(z), 1e-5);
            let [above, below] = [expression.at(z + h), expression.at(z - h)];
            // Not where a kink lies between.
            if (above.1 - below.1).abs() < 0.1 {
                let difference = (above.0 - below.0) / (2.0 * h);
                assert!((difference - slope).abs() < 1e-7 * slope.abs().max(1.0), "{expression} at {z}");
            }
            assert!((f64::from(values[i]) - value).abs() < 2e-6 * value.abs().max(1.0), "{expression} at {z}");
            assert!((f64::from(slopes[i]) - slope).abs() < 1e-5 * slope.abs().max(1.0), "{expression}' at {z}");
        }
    }
}

#[test]
fn one_formula_has_one_form() {
    let text = |expression: &Expression| serde_json::to_string(expression).unwrap();
    let expression = made(quick_gelu).unwrap();
    assert_eq!(text(&expression), r#"["x",1.702,["*",1,0],["sigmoid",2],["*",0,3]]"#);
    assert_eq!(expression.to_string(), "x * sigmoid(1.702 * x)");
    let other = made(|nodes| {
        // Operands the other way round, and something that is not used.
        nodes.function(Exp, 0);
        let factor = nodes.constant(1.702);
        let scaled = nodes.operator(Multiply, factor, 0);
        let sigmoid = nodes.function(Sigmoid, scaled);
        nodes.operator(Multiply, 0, sigmoid)
    });
    assert_eq!(other.unwrap(), expression);
    for (form, name) in [
        ((|nodes: &mut Nodes| nodes.leaky_relu(0, 0.01)) as Form, "leaky_relu(0.01)"),
        (|nodes| nodes.leaky_relu(0, 1.5), "leaky_relu(1.5)"),
        (|nodes| nodes.hardtanh(0), "hardtanh"),
        (|nodes| nodes.function(Softplus, 0), "softplus"),
        (|nodes| nodes.function(Elu, 0), "elu"),
        (|nodes| nodes.power(0, 3.0), "x * x * x"),
        (
            |nodes| {
                let (two, three) = (nodes.constant(2.0), nodes.constant(-3.0));
                let (sum, product) = (nodes.operator(Add, 0, two), nodes.operator(Multiply, three, 0));
                nodes.operator(Subtract, product, sum)
            },
            "-3 * x - (2 + x)",
        ),
    ] {
        assert_eq!(made(form).unwrap().to_string(), name);
    }
}

#[test]
fn what_is_not_finite_is_refused_by_name() {
    let refusal = |form: Form| made(form).unwrap_err().message;
    let sinc = refusal(|nodes| {
        let sine = nodes.function(Sin, 0);
        nodes.operator(Divide, sine, 0)
    });
    assert_eq!(sinc, "`sin(x) / x` divides by zero at x = 0");
    let abs = refusal(|nodes| {
        let abs = nodes.function(Abs, 0);
        let product = nodes.operator(Multiply, abs, 0);
        nodes.operator(Divide, product, 0)
    });
    assert_eq!(abs, "`x * abs(x) / x` divides by zero at x = 0");
    let pole = refusal(|nodes| {
        let third = nodes.constant(0.3);
        let difference = nodes.operator(Subtract, 0, third);
        nodes.operator(Divide, 0, difference)
    });
    assert_eq!(pole, "`x / (x - 0.3)` divides by zero between x = 0.25 and 0.375");
    assert!(refusal(|nodes| nodes.function(Ln, 0)).starts_with("it is -inf at x = 0: `ln(x)` takes ln of 0"));
    let root = refusal(|nodes| {
        let abs = nodes.function(Abs, 0);
        nodes.function(Sqrt, abs)
    });
    assert!(root.starts_with("its slope is NaN at x = 0"), "{root}");
    assert!(refusal(|nodes| nodes.constant(3.0)).contains("the same number for every x"));
    assert!(refusal(|nodes| nodes.power(0, 0.0)).contains("the same number for every x"));
    let plain_tanh = made(|nodes| {
        let negated = nodes.function(Function::Negate, 0);
        let (up, down) = (nodes.function(Exp, 0), nodes.function(Exp, negated));
        let (difference, sum) = (nodes.operator(Subtract, up, down), nodes.operator(Add, up, down));
        nodes.operator(Divide, difference, sum)
    });
    assert_eq!(plain_tanh.unwrap().is_nan_from(), Some(90.0));
    assert_eq!(made(quick_gelu).unwrap().is_nan_from(), None);
}
