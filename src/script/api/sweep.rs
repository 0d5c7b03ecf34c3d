//! Sweeps: axes and their combinations.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, INT};

use super::network::elements;
use crate::Error;
use crate::output::Point;
use crate::script::decimal;
use crate::script::options::{describe, number};
use crate::script::session::{Native, Session};
use crate::script::table::{Axis, Row, Table, point_in_words, point_map};

/// Axes whose combinations are points; the last axis varies fastest.
#[derive(Debug, Clone)]
pub struct Sweep {
    pub axes: Arc<[Axis]>,
}

impl Sweep {
    /// The number of points; `None` if it exceeds the address space.
    fn points(&self) -> Option<usize> {
        self.axes.iter().try_fold(1_usize, |product, axis| product.checked_mul(axis.values().len()))
    }

    fn point(&self, mut index: usize) -> Point {
        let mut point: Point = Vec::new();
        for axis in self.axes.iter().rev() {
            point.push(index % axis.values().len());
            index /= axis.values().len();
        }
        point.reverse();
        point
    }
}

/// Calls a closure for every row. An error that a native function or the script throws is the failure of that point, which
/// is recorded with its place. Any other error, such as an unknown variable, ends the script, and so does the failure of
/// every point.
pub(super) fn for_each_row<A: rhai::FuncArgs>(
    context: &NativeCallContext<'_>,
    closure: &FnPtr,
    axes: Arc<[Axis]>,
    rows: impl Iterator<Item = (Point, Result<A, Error>)>,
) -> Native<Table> {
    let session = Session::from_context(context)?;
    let mut first = None;
    let mut done: Vec<Row> = Vec::new();
    for (point, arguments) in rows {
        let value = match arguments.map(|arguments| closure.call_within_context::<Dynamic>(context, arguments)) {
            Err(failed_before) => Err(failed_before),
            Ok(Ok(value)) if value.is_unit() => {
                let error = Error::new("the closure returns nothing");
                return Err(error.hint("end it with the value, without a semicolon").into());
            }
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                let failure = thrown(&error).filter(|failure| !failure.interrupted);
                let Some(failure) = failure else { return Err(error) };
                session.point_failed(&point_in_words(&axes, &point), &error);
                first.get_or_insert(error);
                Err(failure)
            }
        };
        done.push(Row { point, value });
    }
    match first {
        Some(error) if done.iter().all(|row| row.value.is_err()) => Err(error),
        _ => Ok(Table { axes, rows: done.into() }),
    }
}

/// Equal values of an axis that its warning lists; more are counted.
const LISTED: usize = 6;

/// The values of an axis, without rounding errors, each once; and in words those that were there several times.
fn distinct(values: Array) -> (Array, Vec<String>) {
    let mut kept: Vec<(Dynamic, usize)> = Vec::new();
    let mut known = BTreeMap::<String, usize>::new();
    for value in values {
        let value = value.as_float().map_or(value, |x| Dynamic::from_float(decimal::meant(x)));
        // 1 and 1.0 have one place on a figure's axis. Other values than numbers, truth values and texts may differ in
        // what their words do not say.
        let key = match number(&value) {
            Some(x) => Some(format!("{:?}", x + 0.0)),
            None if value.is_string() || value.is_bool() => Some(format!("{} {value}", value.type_name())),
            None => None,
        };
        match key.as_ref().and_then(|key| known.get(key)) {
            Some(&at) => kept[at].1 += 1,
            None => {
                known.extend(key.map(|key| (key, kept.len())));
                kept.push((value, 1));
            }
        }
    }
    let mut merged: Vec<String> = kept
        .iter()
        .filter(|(_, times)| *times > 1)
        .map(|(value, times)| format!("{} {times} times", describe(value)))
        .collect();
    if merged.len() > LISTED {
        let rest = merged.split_off(LISTED).len();
        merged.push(format!("and {rest} more"));
    }
    (kept.into_iter().map(|(value, _)| value).collect(), merged)
}

/// The error that the script or a native function threw; `None` for any other.
fn thrown(mut error: &EvalAltResult) -> Option<Error> {
    while let EvalAltResult::ErrorInFunctionCall(_, _, inner, _) = error {
        error = inner;
    }
    match error {
        EvalAltResult::ErrorRuntime(thrown, _) => {
            Some(thrown.clone().try_cast::<Error>().unwrap_or_else(|| Error::new(thrown.to_string())))
        }
        _ => None,
    }
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Axis>("Axis")
        .register_type_with_name::<Sweep>("Sweep")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// An axis of a sweep: a name and its values. Rounding errors are dropped: `17 * 0.1` is the value 1.7. Equal values are
    /// one value, with a warning.
    ///
    /// ```
    /// let a = axis("weight_var", linspace(0.5, 4.0, 15));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn axis(context: NativeCallContext, name: &str, values: Array) -> Native<Axis> {
        if values.is_empty() {
            return Err(Error::new(format!("axis \"{name}\" has no values")).into());
        }
        let (values, merged) = distinct(values);
        if !merged.is_empty() {
            let session = Session::from_context(&context)?;
            let message = format!("axis \"{name}\" holds equal values: {}; each counts once", merged.join(", "));
            session.warn_at(&context, Error::new(message));
        }
        Ok(Axis::new(name, values))
    }

    /// A sweep over every combination of the axes' values; the last axis varies fastest.
    ///
    /// ```
    /// let grid = sweep([axis("weight_var", [1.0, 2.0]), axis("seed", [0, 1, 2])]);
    /// print(grid.len);    // 6
    /// ```
    #[rhai_fn(return_raw)]
    pub fn sweep(context: NativeCallContext, axes: Array) -> Native<Sweep> {
        let session = Session::from_context(&context)?;
        let axes = elements::<Axis>(axes, "the sweep", "an axis")?;
        let axes: Vec<Axis> = axes.into_iter().map(|axis| session.only(axis)).collect::<Result<_, _>>()?;
        if axes.is_empty() {
            return Err(Error::new("a sweep needs at least one axis")
                .hint("`sweep([axis(\"weight_var\", [1, 2])])`")
                .into());
        }
        if let Some(twice) = (1..axes.len()).find(|&i| axes[..i].iter().any(|axis| axis.name() == axes[i].name())) {
            return Err(Error::new(format!("the sweep has two axes \"{}\"", axes[twice].name())).into());
        }
        let sweep = Sweep { axes: axes.into() };
        let most = session.settings.limits.points;
        match sweep.points() {
            Some(points) if points <= most => Ok(sweep),
            points => {
                let points =
                    points.map_or_else(|| "more points than can be counted".to_owned(), |n| format!("{n} points"));
                let sizes: Vec<_> = sweep.axes.iter().map(|a| format!("{} {}", a.values().len(), a.name())).collect();
                Err(Error::new(format!("the sweep has {points} ({}); at most {most}", sizes.join(" × ")))
                    .hint("take fewer values, or raise the limit: --max-points N")
                    .into())
            }
        }
    }

    /// The number of points.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn len(sweep: &mut Sweep) -> INT {
        sweep.points().unwrap_or(0) as INT
    }

    /// A table of the closure's results: it is called for every point with a map of the axes' values. A point whose closure
    /// fails is a hole in figures and tables; the others go on.
    ///
    /// ```
    /// let theory = sweep([axis("weight_var", [1, 2])])
    ///     .map(|p| mean_field("tanh", #{ weight_var: p.weight_var, bias_var: 0.05 }).xi_c);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn map(context: NativeCallContext, sweep: Sweep, closure: FnPtr) -> Native<Table> {
        let rows = (0..sweep.points().unwrap_or(0)).map(|index| {
            let point = sweep.point(index);
            let named = point_map(&sweep.axes, &point);
            (point, Ok((named,)))
        });
        for_each_row(&context, &closure, sweep.axes.clone(), rows)
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn sweep_to_string(sweep: &mut Sweep) -> String {
        let axes: Vec<String> =
            sweep.axes.iter().map(|axis| format!("{} × {}", axis.values().len(), axis.name())).collect();
        format!("{} points: {}", sweep.points().unwrap_or(0), axes.join(", "))
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn axis_to_string(axis: &mut Axis) -> String {
        let values: Vec<String> = axis.given().iter().map(describe).collect();
        format!("{}: {}", axis.name(), values.join(", "))
    }
}
