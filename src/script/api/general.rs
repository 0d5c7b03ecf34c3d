//! Parameters, and arrays of numbers.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, FLOAT, INT};

use crate::Error;
use crate::script::decimal;
use crate::script::options::{describe, number, settled};
use crate::script::session::{Native, Session};

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

/// A parameter that takes an integer or a number. The reference shows it as "number".
pub(super) type AnyNumber = Dynamic;

/// A number from a script, `1` as well as `1.0`, and a late one, computed now; `what` names it in the error.
pub(super) fn wanted_number(value: &Dynamic, what: &str) -> Result<f64, Error> {
    let value = settled(value)?;
    number(&value).ok_or_else(|| Error::new(format!("{what} must be a number, got {}", describe(&value))))
}

/// A count from a script; `what` names it in the error.
pub(super) fn wanted_count(value: INT, what: &str) -> Result<usize, Error> {
    usize::try_from(value)
        .map_err(|_| Error::new(format!("{what} is {value}; it must be a whole number of at least 0")))
}

/// The number of an array's elements; refused if that is more than an array may hold.
fn length(count: f64, context: &NativeCallContext<'_>) -> Native<usize> {
    let most = Session::from_context(context)?.settings.limits.size;
    if !(count.is_finite() && count <= most as f64) {
        return Err(Error::new(format!("an array of {count} numbers; at most {most}"))
            .hint("raise the limit: --max-size N")
            .into());
    }
    Ok(count.max(0.0) as usize)
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

    /// (hidden) Explains why Rhai's own function is not there.
    #[rhai_fn(return_raw)]
    pub fn sleep(_seconds: INT) -> Native<()> {
        Err(Error::new("a script does not wait: `sleep` is switched off").into())
    }

    /// (hidden) Explains why Rhai's own function is not there.
    #[rhai_fn(name = "sleep", return_raw)]
    pub fn sleep_partly(_seconds: FLOAT) -> Native<()> {
        sleep(0)
    }

    /// `count` evenly spaced numbers from `start` to `stop`, both included.
    ///
    /// ```
    /// print(linspace(0, 1, 5));    // [0.0, 0.25, 0.5, 0.75, 1.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn linspace(context: NativeCallContext, start: AnyNumber, stop: AnyNumber, count: INT) -> Native<Array> {
        let (start, stop) = (wanted_number(&start, "start")?, wanted_number(&stop, "stop")?);
        let count = length(wanted_count(count, "count")? as f64, &context)?;
        let number = |i: usize| if i > 0 && i + 1 == count { stop } else { decimal::spaced(start, stop, count, i) };
        Ok((0..count).map(|i| Dynamic::from_float(number(i))).collect())
    }

    /// The integers from `start` up to but not including `stop`.
    ///
    /// ```
    /// print(range(1, 4));    // [1, 2, 3]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn range(context: NativeCallContext, start: INT, stop: INT) -> Native<Array> {
        length(stop.saturating_sub(start) as f64, &context)?;
        Ok((start..stop).map(Dynamic::from_int).collect())
    }

    /// With a `step`: numbers from `start` up to but not including `stop`; integers if all three are. Decimals are decimals:
    /// `range(0.8, 2.0, 0.1)` holds 1.7, as a script would write it.
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
        let whole = start.as_int().ok().zip(step.as_int().ok()).filter(|_| stop.is_int());
        let (start, stop, step) =
            (wanted_number(&start, "start")?, wanted_number(&stop, "stop")?, wanted_number(&step, "step")?);
        if step == 0.0 {
            return Err(Error::new("`range` with a step of 0 never ends").into());
        }
        let count = length(decimal::steps_before(start, stop, step), &context)?;
        let number = |i: usize| match whole {
            Some((start, step)) => Dynamic::from_int(start + i as INT * step),
            None => Dynamic::from_float(decimal::stepped(start, step, i)),
        };
        Ok((0..count).map(number).collect())
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
        let count = length(wanted_count(count, "count")? as f64, &context)?;
        let number = |i: usize| match i {
            0 => first,
            i if i + 1 == count => last,
            i => decimal::scaled(first, last, count, i),
        };
        Ok((0..count).map(|i| Dynamic::from_float(number(i))).collect())
    }
}
