//! Parameters, and arrays of numbers.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, FLOAT, INT};

use crate::Error;
use crate::script::options::{describe, number};
use crate::script::session::{Native, Session};

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

/// A parameter that takes an integer or a number. The reference shows it as "number".
pub(super) type AnyNumber = Dynamic;

/// A number from a script, `1` as well as `1.0`; `what` names it in the error.
pub(super) fn wanted_number(value: &Dynamic, what: &str) -> Result<f64, Error> {
    number(value).ok_or_else(|| Error::new(format!("{what} must be a number, got {}", describe(value))))
}

/// A count from a script; `what` names it in the error.
pub(super) fn wanted_count(value: INT, what: &str) -> Result<usize, Error> {
    usize::try_from(value)
        .map_err(|_| Error::new(format!("{what} is {value}; it must be a whole number of at least 0")))
}

/// `count` numbers from `start` on; refused if that is more than an array may hold.
fn stepped(start: f64, step: f64, count: f64, context: &NativeCallContext<'_>) -> Native<Vec<f64>> {
    let most = Session::from_context(context)?.settings.limits.size;
    if !(count.is_finite() && count <= most as f64) {
        return Err(Error::new(format!("an array of {count} numbers; at most {most}"))
            .hint("raise the limit: --max-size N")
            .into());
    }
    Ok((0..count.max(0.0) as usize).map(|i| start + i as f64 * step).collect())
}

#[export_module]
mod functions {
    /// A parameter of the script: `default`, or the value that the command line gives it with `--set name=value`. The value
    /// has the type of the default.
    ///
    /// ```
    /// let depth = param("depth", 60);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn param(context: NativeCallContext, name: &str, default: Dynamic) -> Native<Dynamic> {
        Ok(Session::from_context(&context)?.param(name, &default)?)
    }

    /// `count` evenly spaced numbers from `start` to `stop`, both included.
    ///
    /// ```
    /// print(linspace(0, 1, 5));    // [0.0, 0.25, 0.5, 0.75, 1.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn linspace(context: NativeCallContext, start: AnyNumber, stop: AnyNumber, count: INT) -> Native<Array> {
        let (start, stop) = (wanted_number(&start, "start")?, wanted_number(&stop, "stop")?);
        let count = wanted_count(count, "count")?;
        let step = (stop - start) / count.saturating_sub(1).max(1) as f64;
        let mut numbers = stepped(start, step, count as f64, &context)?;
        if let [_, .., last] = &mut numbers[..] {
            *last = stop;
        }
        Ok(numbers.into_iter().map(Dynamic::from_float).collect())
    }

    /// The integers from `start` up to but not including `stop`.
    ///
    /// ```
    /// print(range(1, 4));    // [1, 2, 3]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn range(context: NativeCallContext, start: INT, stop: INT) -> Native<Array> {
        stepped(0.0, 1.0, stop.saturating_sub(start) as f64, &context)?;
        Ok((start..stop).map(Dynamic::from_int).collect())
    }

    /// With a `step`: numbers from `start` up to but not including `stop`; integers if all three are.
    ///
    /// ```
    /// print(range(0.5, 2.0, 0.5));    // [0.5, 1.0, 1.5]
    /// print(range(0, 10, 5));         // [0, 5]
    /// ```
    #[rhai_fn(name = "range", return_raw)]
    pub fn range_of_integers(context: NativeCallContext, start: INT, stop: INT, step: INT) -> Native<Array> {
        range_with_step(context, start.into(), stop.into(), step.into())
    }

    // Rhai has ranges of its own for three integers and for three numbers. It would prefer them to `range_with_step`, so
    // both are registered as well.
    #[rhai_fn(name = "range", return_raw)]
    pub fn range_of_numbers(context: NativeCallContext, start: FLOAT, stop: FLOAT, step: FLOAT) -> Native<Array> {
        range_with_step(context, start.into(), stop.into(), step.into())
    }

    #[rhai_fn(name = "range", return_raw)]
    pub fn range_with_step(
        context: NativeCallContext,
        start: AnyNumber,
        stop: AnyNumber,
        step: AnyNumber,
    ) -> Native<Array> {
        let whole = [&start, &stop, &step].iter().all(|value| value.is_int());
        let (start, stop, step) =
            (wanted_number(&start, "start")?, wanted_number(&stop, "stop")?, wanted_number(&step, "step")?);
        if step == 0.0 {
            return Err(Error::new("`range` with a step of 0 never ends").into());
        }
        // A last number that only rounding keeps below `stop` is left out.
        let count = ((stop - start) / step - 1e-9).ceil();
        let numbers = stepped(start, step, count, &context)?;
        let value = |x: f64| if whole { Dynamic::from_int(x as INT) } else { Dynamic::from_float(x) };
        Ok(numbers.into_iter().map(value).collect())
    }

    /// `count` numbers from `start` to `stop`, both included and positive, with the same factor from each to the next.
    ///
    /// ```
    /// print(logspace(0.01, 1, 3));    // [0.01, 0.1, 1.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn logspace(context: NativeCallContext, start: AnyNumber, stop: AnyNumber, count: INT) -> Native<Array> {
        let (first, last) = (wanted_number(&start, "start")?, wanted_number(&stop, "stop")?);
        if !(first > 0.0 && last > 0.0) {
            return Err(Error::new(format!("`logspace` from {first} to {last}: both must be positive")).into());
        }
        let count = wanted_count(count, "count")?;
        let step = 1.0 / count.saturating_sub(1).max(1) as f64;
        let mut numbers: Vec<f64> = stepped(0.0, step, count as f64, &context)?
            .into_iter()
            .map(|x| first * libm::pow(last / first, x))
            .collect();
        if let [_, .., end] = &mut numbers[..] {
            *end = last;
        }
        Ok(numbers.into_iter().map(Dynamic::from_float).collect())
    }
}
