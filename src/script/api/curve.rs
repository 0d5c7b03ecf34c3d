//! Curves over depth and numbers derived from them. Both are descriptions, computed when they are shown.

use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, FLOAT, INT, Map};

use super::arithmetic;
use super::general::{AnyNumber, wanted_count, wanted_number};
use crate::Error;
use crate::cascade::Cascade;
use crate::entropy::{CUTOFF_TOLERANCE, Derivation, Measured, derive, numbers};
use crate::script::lazy::{self, Curve, Number};
use crate::script::options::{Key, Spec};
use crate::script::session::{Native, Session};
use crate::work::{Described, Value};

const CUTOFF: Spec = Spec {
    function: "cutoff",
    keys: &[
        Key::number(
            "tolerance",
            CUTOFF_TOLERANCE,
            "relative distance from the last value that still counts as equal to it; published for convolutions: 0.01",
        ),
        Key::flag(
            "published",
            false,
            "whether to count as the published program does: depths from 0, and the length for a constant curve",
        ),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[CUTOFF];

impl Curve {
    /// A curve from an operation whose result holds an array "curve", `[length]`, in double precision.
    pub fn new(source: Described, length: usize) -> Self {
        Self::of(Measured::UNNAMED, source, length)
    }

    pub(super) fn of(measured: Measured, source: Described, length: usize) -> Self {
        Self { source, length, measured }
    }

    pub(super) fn losses(cascade: &Cascade, l: usize) -> Self {
        let steps = cascade.steps();
        Self::of(Measured::LOSS, derive(Derivation::Losses, vec![cascade.block(l)]), steps)
    }

    pub(super) fn batch_mean(self) -> Self {
        Self { source: derive(Derivation::BatchMean, vec![self.source]), ..self }
    }

    fn number(&self, derivation: Derivation) -> Number {
        let quantity = match derivation {
            Derivation::Cutoff { .. } | Derivation::FallsBelow { .. } => self.measured.over,
            _ => self.measured.quantity,
        };
        Number { source: derive(derivation, vec![self.source.clone()]), quantity }
    }

    fn at(&self, depth: INT) -> Native<Number> {
        let depth = wanted_count(depth, "the depth")?;
        if !(1..=self.length).contains(&depth) {
            let over = self.measured.over;
            return Err(Error::new(format!(
                "{over} {depth} is not on the curve; it has the {over}s 1 to {}",
                self.length
            ))
            .into());
        }
        Ok(self.number(Derivation::At { depth }))
    }
}

/// Computes one result now.
pub(super) fn now(context: &NativeCallContext<'_>, what: &str, source: &Described) -> Native<Arc<Value>> {
    Ok(lazy::now(&*Session::from_context(context)?, what, source)?)
}

pub(super) fn value_of(context: &NativeCallContext<'_>, number: &Number) -> Native<f64> {
    let value = now(context, "a number", &number.source)?;
    Ok(numbers(&value)?[0])
}

fn values_of(context: &NativeCallContext<'_>, curve: &Curve) -> Native<Vec<f64>> {
    let value = now(context, "a curve", &curve.source)?;
    Ok(numbers(&value)?.to_vec())
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Curve>("Curve")
        .register_type_with_name::<Number>("Number")
        .register_global_module(rhai::exported_module!(functions).into());
    arithmetic::register(engine);
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The values of a curve as an array, depth 1 first, computed now.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let curve = cascade(net, data.train.take(200)).reconstruct(data.test.take(20)).mse();
    /// print(curve.values().len);    // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn values(context: NativeCallContext, curve: Curve) -> Native<Array> {
        Ok(values_of(&context, &curve)?.into_iter().map(Dynamic::from_float).collect())
    }

    /// The number of depths.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn len(curve: &mut Curve) -> INT {
        curve.length as INT
    }

    /// The value at a depth, counted from 1.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let curve = cascade(net, data.train.take(200)).reconstruct(data.test.take(20)).mse();
    /// print(curve.at(2) == curve.last);    // true
    /// ```
    #[rhai_fn(name = "at", return_raw)]
    pub fn curve_at(curve: Curve, depth: INT) -> Native<Number> {
        curve.at(depth)
    }

    /// The value at the largest depth.
    #[rhai_fn(get = "last", return_raw)]
    pub fn last(curve: &mut Curve) -> Native<Number> {
        curve.at(curve.length as INT)
    }

    /// The cutoff of a curve: the depth, counted from 1, of the last value that differs from the final one by more than the
    /// tolerance; 0 for a constant curve. Below it nothing changes any more: the information is lost, or all of it is kept.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 6).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let curve = cascade(net, data.train.take(200)).reconstruct(data.test.take(20)).relative_entropy();
    /// print(curve.cutoff(#{ tolerance: 0.01 }) <= 4);    // true
    /// ```
    #[rhai_fn(name = "cutoff")]
    pub fn cutoff(curve: Curve) -> Number {
        curve.number(Derivation::Cutoff { tolerance: CUTOFF_TOLERANCE, published: false })
    }

    #[rhai_fn(name = "cutoff", return_raw)]
    pub fn cutoff_with(curve: Curve, options: Map) -> Native<Number> {
        let options = CUTOFF.read(&options)?;
        let tolerance = options.number("tolerance")?;
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            return Err(Error::new(format!("`cutoff`: tolerance is {tolerance}; it is at least 0")).into());
        }
        Ok(curve.number(Derivation::Cutoff { tolerance, published: options.flag("published")? }))
    }

    /// The depth from which on a curve stays below `level`, interpolated between two depths; infinite if there is none. The level is
    /// a number, or one that is computed later, such as `curve.at(1) - 1.5`.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 6).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let curve = cascade(net, data.train.take(200)).reconstruct(data.test.take(20)).differential_entropy();
    /// print(curve.falls_below(-100));    // inf
    /// ```
    #[rhai_fn(return_raw)]
    pub fn falls_below(curve: Curve, level: AnyNumber) -> Native<Number> {
        if let Some(level) = level.read_lock::<Number>() {
            let source = derive(Derivation::FallsBelowNumber, vec![curve.source, level.source.clone()]);
            return Ok(Number { source, quantity: curve.measured.over });
        }
        Ok(curve.number(Derivation::FallsBelow { level: wanted_number(&level, "the level")? }))
    }

    /// The number as a plain one, computed now.
    #[rhai_fn(get = "value", return_raw)]
    pub fn value(context: NativeCallContext, number: &mut Number) -> Native<FLOAT> {
        value_of(&context, number)
    }

    /// The fingerprint: the name under which the result is stored.
    #[rhai_fn(get = "fingerprint", name = "fingerprint", pure)]
    pub fn curve_fingerprint(curve: &mut Curve) -> String {
        curve.source.fingerprint().to_string()
    }

    /// The fingerprint: the name under which the result is stored.
    #[rhai_fn(get = "fingerprint", name = "fingerprint", pure)]
    pub fn number_fingerprint(number: &mut Number) -> String {
        number.source.fingerprint().to_string()
    }

    /// As `print` shows it: computed now. Under the name `print` as well, for Rhai's own hides that it failed.
    #[rhai_fn(name = "print", name = "debug", name = "to_string", name = "to_debug", return_raw)]
    pub fn number_to_string(context: NativeCallContext, number: &mut Number) -> Native<String> {
        let text = value_of(&context, number).map(|value| Dynamic::from_float(value).to_string());
        Session::printed(text)
    }

    /// As `print` shows it: computed now. Under the name `print` as well, for Rhai's own hides that it failed.
    #[rhai_fn(name = "print", name = "debug", name = "to_string", name = "to_debug", return_raw)]
    pub fn curve_to_string(context: NativeCallContext, curve: &mut Curve) -> Native<String> {
        let text = |values: Vec<f64>| {
            let values: Vec<String> = values.iter().map(|value| format!("{value:.6}")).collect();
            format!("[{}]", values.join(", "))
        };
        Session::printed(values_of(&context, curve).map(text))
    }
}
