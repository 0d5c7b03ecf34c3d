//! Activation functions: by name, with parameters, and as closures of x.

use std::sync::{Arc, Mutex};

use rhai::plugin::*;
use rhai::{Dynamic, Engine, EvalAltResult, FLOAT, FnPtr, FuncRegistration, INT, Module};

use super::general::{AnyNumber, wanted_number};
use crate::Error;
use crate::kernels::{Activation, Expression, Function, MOST_NODES, Nodes, Operator};
use crate::lock::lock;
use crate::network::Layer;
use crate::script::options::describe;
use crate::script::session::{Native, Session};

/// What a closure for `activation` is called with, and what it makes of that: a node of an expression.
#[derive(Debug, Clone)]
pub struct Symbol {
    nodes: Arc<Mutex<Nodes>>,
    at: usize,
}

/// Pages of the operators that `register` adds.
pub(super) const OPERATORS: &str = r"
## formulas: + - * / ** exp ln tanh …
## Symbol + Symbol -> Symbol
## Symbol + number -> Symbol
## max(Symbol, number) -> Symbol
## tanh(Symbol) -> Symbol
What a closure given to `activation` may do with its `x`: `+ - * / **`, unary minus, `max` and `min` of two, `abs`, `sqrt`,
`exp`, `ln`, `sin`, `cos`, `tanh`, `sigmoid`, `erf`, `softplus`, `elu`, `relu`, `gelu`, `silu`, `hardtanh`. An exponent is a number.

```
let bump = activation(|x| x * exp(-(x ** 2) / 2) + max(0, x - 1));
print(bump);    // max(0, x - 1) + x * exp(-(x * x) / 2)
```
";

/// `OPERATORS` is the page of these functions.
const HIDDEN: [&str; 1] = ["/// (hidden)"];

/// What may be done with a symbol, for errors.
const ALLOWED: &str = "a closure for `activation` takes `+ - * / **`, `max`, `min`, `abs`, `sqrt`, `exp`, `ln`, `sin`, `cos`, `tanh`, \
                       `sigmoid`, `erf`, `softplus`, `elu`, `relu`, `gelu`, `silu` and `hardtanh` of its x; for a choice by size, \
                       `max` and `min`";

impl Symbol {
    fn new(nodes: &Arc<Mutex<Nodes>>, at: usize) -> Self {
        Self { nodes: nodes.clone(), at }
    }

    /// A node made of this one.
    fn then(&self, make: impl FnOnce(&mut Nodes, usize) -> usize) -> Native<Self> {
        let mut nodes = lock(&self.nodes);
        let at = make(&mut nodes, self.at);
        if nodes.len() > MOST_NODES {
            return Err(Error::new(format!("an activation of more than {MOST_NODES} operations")).into());
        }
        Ok(Self::new(&self.nodes, at))
    }
}

/// An operation on two symbols, or a symbol and a number in any order.
fn mixed(name: &str, operator: Operator, a: &Dynamic, b: &Dynamic) -> Native<Symbol> {
    let number = |value: &Dynamic| -> Native<f64> {
        let number = wanted_number(value, &format!("the other operand of `{name}`"))?;
        if !number.is_finite() {
            return Err(Error::new(format!("`{name}` of x and {number}; a formula has finite numbers")).into());
        }
        Ok(number)
    };
    match (a.read_lock::<Symbol>(), b.read_lock::<Symbol>()) {
        (Some(a), Some(b)) => {
            if !Arc::ptr_eq(&a.nodes, &b.nodes) {
                return Err(Error::new(format!("`{name}` of the x of two activations"))
                    .hint("make one formula in one closure")
                    .into());
            }
            a.then(|nodes, at| nodes.operator(operator, at, b.at))
        }
        (Some(a), None) => {
            let number = number(b)?;
            a.then(|nodes, at| {
                let number = nodes.constant(number);
                nodes.operator(operator, at, number)
            })
        }
        (None, Some(b)) => {
            let number = number(a)?;
            b.then(|nodes, at| {
                let number = nodes.constant(number);
                nodes.operator(operator, number, at)
            })
        }
        (None, None) => Err(Error::new(format!("`{name}` without an x")).into()),
    }
}

/// `base ** exponent`, one of them a number.
fn power(base: &Dynamic, exponent: &Dynamic) -> Native<Symbol> {
    match (base.read_lock::<Symbol>(), exponent.read_lock::<Symbol>()) {
        (Some(base), None) => {
            let exponent = wanted_number(exponent, "the exponent")?;
            base.then(|nodes, at| nodes.power(at, exponent))
        }
        (None, Some(exponent)) => {
            let base = wanted_number(base, "the base")?;
            if !(base > 0.0 && base.is_finite()) {
                return Err(Error::new(format!("{base} ** x: the base of a power of x is above 0")).into());
            }
            exponent.then(|nodes, at| {
                let ln = nodes.constant(libm::log(base));
                let product = nodes.operator(Operator::Multiply, ln, at);
                nodes.function(Function::Exp, product)
            })
        }
        _ => Err(Error::new("x ** x: the base or the exponent of a power is a number")
            .hint("u ** v is `exp(v * ln(u))` where u is above 0")
            .into()),
    }
}

/// Adds a function for every pair of a symbol and what may stand beside it.
macro_rules! pairs {
    ($module:expr, $name:expr, $value:ty, $with:expr) => {
        pairs!(@ $module, $name, $value, $with, Symbol, Symbol; Symbol, FLOAT; Symbol, INT; FLOAT, Symbol; INT, Symbol;)
    };
    (@ $module:expr, $name:expr, $value:ty, $with:expr, $($a:ty, $b:ty;)*) => {$(
        FuncRegistration::new($name).in_global_namespace().with_comments(HIDDEN).set_into_module(
            $module,
            move |a: $a, b: $b| -> Native<$value> { $with(&Dynamic::from(a), &Dynamic::from(b)) },
        );
    )*};
}

pub(super) fn register(engine: &mut Engine) {
    let mut module: Module = rhai::exported_module!(functions);
    let operators = [
        ("+", Operator::Add),
        ("-", Operator::Subtract),
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("max", Operator::Max),
        ("min", Operator::Min),
    ];
    for (name, operator) in operators {
        pairs!(&mut module, name, Symbol, move |a: &Dynamic, b: &Dynamic| mixed(name, operator, a, b));
    }
    pairs!(&mut module, "**", Symbol, power);
    for name in ["==", "!=", "<", "<=", ">", ">="] {
        pairs!(&mut module, name, bool, move |_: &Dynamic, _: &Dynamic| {
            Err(Error::new(format!("`{name}`: x is no number yet, so nothing can be compared with it"))
                .hint(ALLOWED)
                .into())
        });
    }
    type Make = fn(&mut Nodes, usize) -> usize;
    let functions: [(&str, Make); 17] = [
        ("-", |nodes, at| nodes.function(Function::Negate, at)),
        ("+", |_, at| at),
        ("abs", |nodes, at| nodes.function(Function::Abs, at)),
        ("sqrt", |nodes, at| nodes.function(Function::Sqrt, at)),
        ("exp", |nodes, at| nodes.function(Function::Exp, at)),
        ("ln", |nodes, at| nodes.function(Function::Ln, at)),
        ("sin", |nodes, at| nodes.function(Function::Sin, at)),
        ("cos", |nodes, at| nodes.function(Function::Cos, at)),
        ("tanh", |nodes, at| nodes.function(Function::Tanh, at)),
        ("sigmoid", |nodes, at| nodes.function(Function::Sigmoid, at)),
        ("erf", |nodes, at| nodes.function(Function::Erf, at)),
        ("softplus", |nodes, at| nodes.function(Function::Softplus, at)),
        ("elu", |nodes, at| nodes.function(Function::Elu, at)),
        ("relu", Nodes::relu),
        ("gelu", Nodes::gelu),
        ("silu", Nodes::silu),
        ("hardtanh", Nodes::hardtanh),
    ];
    for (name, make) in functions {
        FuncRegistration::new(name)
            .in_global_namespace()
            .with_comments(HIDDEN)
            .set_into_module(&mut module, move |symbol: Symbol| -> Native<Symbol> { symbol.then(make) });
    }
    engine.register_type_with_name::<Symbol>("Symbol").register_global_module(module.into());
}

/// A layer of an expression in x.
fn layer(make: impl FnOnce(&mut Nodes) -> usize) -> Native<Layer> {
    let mut nodes = Nodes::default();
    let root = make(&mut nodes);
    Ok(Activation::from(Expression::new(&nodes, root)?).into())
}

/// The error of a closure that does with its symbol what no formula can; others stay.
#[expect(clippy::boxed_local, clippy::unnecessary_box_returns, reason = "Rhai's errors are boxed")]
fn explained(error: Box<EvalAltResult>) -> Box<EvalAltResult> {
    let about_symbols = |text: &str| text.contains("Symbol");
    let no_formula = |what: String, position| {
        let error = Error::new(format!("`activation`: {what}")).hint(ALLOWED);
        Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(error), position))
    };
    match *error {
        EvalAltResult::ErrorInFunctionCall(name, source, inner, position) => {
            Box::new(EvalAltResult::ErrorInFunctionCall(name, source, explained(inner), position))
        }
        EvalAltResult::ErrorFunctionNotFound(call, position) if about_symbols(&call) => {
            let name = call.split(" (").next().unwrap_or(&call).to_owned();
            if name.starts_with("anon$") {
                let error = Error::new("`activation` calls its closure with one argument, x")
                    .hint("write `activation(|x| x * sigmoid(x))`");
                return Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(error), position));
            }
            no_formula(format!("a formula cannot have `{name}` of its x"), position)
        }
        EvalAltResult::ErrorMismatchDataType(wanted, found, position) if about_symbols(&found) => {
            no_formula(format!("x is no number yet, where a {wanted} is needed"), position)
        }
        error if about_symbols(&error.to_string()) => {
            let position = error.position();
            no_formula("x is a symbol in a formula, and has no parts or properties".to_owned(), position)
        }
        error => Box::new(error),
    }
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// An activation by its name: "tanh", "erf", "relu", "gelu", "silu", "sigmoid", "elu", "hardtanh", "softplus", "leaky_relu"
    /// (slope 0.01), "erf_unit_slope" (erf(√π x / 2)) or "linear". Or one of your own, given as a closure: it is called once, here,
    /// with a symbol, and what it makes of it is a formula, which is plain data. Networks, reconstruction networks and theory
    /// compute with it and with its exact derivative; the same formula has the same fingerprint, and one that is a built-in
    /// activation is that activation. Values are exact to about 1e-6, slopes to 1e-5.
    ///
    /// A formula is finite, with a finite slope, for all x from -16 to 16: `sin(x) / x` is an error, because it divides by zero
    /// at 0.
    ///
    /// ```
    /// let b = block([linear(784, 100), activation("gelu")]);
    /// ```
    #[rhai_fn(name = "activation", return_raw)]
    pub fn activation_by_name(name: &str) -> Native<Layer> {
        Ok(Activation::named(name)?.into())
    }

    /// ```
    /// let swish = activation(|x| x * sigmoid(1.702 * x));
    /// print(block([linear(784, 100), swish]));    // linear(784, 100) + x * sigmoid(1.702 * x)
    /// print(mean_field(swish, #{ weight_var: 2.0, bias_var: 0.05 }).phase);
    /// ```
    #[rhai_fn(name = "activation", return_raw)]
    pub fn activation_by_closure(context: NativeCallContext, formula: FnPtr) -> Native<Layer> {
        let nodes = Arc::new(Mutex::new(Nodes::default()));
        let x = Symbol::new(&nodes, Nodes::X);
        let value = formula.call_within_context::<Dynamic>(&context, (x,)).map_err(explained)?;
        let Some(root) = value.read_lock::<Symbol>().filter(|symbol| Arc::ptr_eq(&symbol.nodes, &nodes)) else {
            let found = describe(&value);
            let error = Error::new(format!("`activation`: the closure gives {found}, and not a formula in its x"));
            return Err(error.hint(ALLOWED).into());
        };
        let expression = Expression::new(&lock(&nodes), root.at)
            .map_err(|error| Error { message: format!("`activation`: {}", error.message), ..error })?;
        if let Some(from) = expression.is_nan_from() {
            let message =
                format!("the activation `{expression}` or its slope is NaN in single precision from |x| = {from} on");
            let hint = "functions that do not overflow: `tanh`, `sigmoid`, `softplus`";
            Session::from_context(&context)?.warn_at(&context, Error::new(message).hint(hint));
        }
        Ok(Activation::from(expression).into())
    }

    /// As `print` shows it: the formula so far.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn symbol_to_string(symbol: &mut Symbol) -> String {
        lock(&symbol.nodes).formula(symbol.at)
    }

    /// x above 0, `slope` times x below (Maas et al. 2013).
    ///
    /// ```
    /// let b = block([linear(784, 100), leaky_relu(0.01)]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn leaky_relu(slope: AnyNumber) -> Native<Layer> {
        let slope = wanted_number(&slope, "the slope")?;
        if !slope.is_finite() {
            return Err(Error::new(format!("the slope is {slope}; it must be a finite number")).into());
        }
        layer(|nodes| nodes.leaky_relu(Nodes::X, slope))
    }

    /// x above 0, eˣ − 1 below (Clevert et al. 2015).
    ///
    /// ```
    /// let b = block([linear(784, 100), elu()]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn elu() -> Native<Layer> {
        layer(|nodes| nodes.function(Function::Elu, Nodes::X))
    }

    /// x between −1 and 1, cut off there.
    ///
    /// ```
    /// let b = block([linear(784, 100), hardtanh()]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn hardtanh() -> Native<Layer> {
        layer(|nodes| nodes.hardtanh(Nodes::X))
    }

    /// ln(1 + eˣ).
    ///
    /// ```
    /// let b = block([linear(784, 100), softplus()]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn softplus() -> Native<Layer> {
        layer(|nodes| nodes.function(Function::Softplus, Nodes::X))
    }
}
