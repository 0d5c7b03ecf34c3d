//! Sweeps: axes and their combinations.

use std::collections::BTreeSet;
use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, INT};

use super::general::wanted_count;
use super::points;
use crate::Error;
use crate::output::Point;
use crate::script::options::{describe, settled};
use crate::script::session::{Native, Session};
use crate::script::table::{Axis, PointList, Row, Table, narrow, point_in_words, point_map};
use crate::words::counted;

/// The combinations of the points of its parts; the last part varies fastest.
#[derive(Debug, Clone)]
pub struct Sweep {
    parts: Arc<[PointList]>,
    /// Those of the parts, one after the other.
    axes: Arc<[Axis]>,
}

impl From<Vec<PointList>> for Sweep {
    fn from(parts: Vec<PointList>) -> Self {
        let axes = parts.iter().flat_map(|part| part.axes.iter().cloned()).collect();
        Self { parts: parts.into(), axes }
    }
}

impl Sweep {
    /// A sweep of these parts; `--only` and the limit of points are observed.
    fn new(context: &NativeCallContext<'_>, parts: Vec<PointList>) -> Native<Self> {
        let session = Session::from_context(context)?;
        let parts: Vec<PointList> = parts.into_iter().map(|part| session.only(part)).collect::<Result<_, _>>()?;
        let sweep = Self::from(parts);
        if sweep.axes.is_empty() {
            return Err(Error::new("a sweep needs at least one axis")
                .hint("`sweep([axis(\"weight_var\", [1, 2])])`")
                .into());
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = sweep.axes.iter().find(|axis| !names.insert(axis.name())) {
            return Err(Error::new(format!("the sweep has two axes \"{}\"", twice.name())).into());
        }
        let most = session.settings.limits.points;
        match sweep.points() {
            Some(points) if points <= most => Ok(sweep),
            points => {
                let points =
                    points.map_or_else(|| "more points than can be counted".to_owned(), |n| format!("{n} points"));
                let message = format!("the sweep has {points} ({}); at most {most}", sweep.sizes(" "));
                Err(Error::new(message).hint("take fewer values, or raise the limit: --max-points N").into())
            }
        }
    }

    /// The number of points; `None` if it exceeds the address space.
    fn points(&self) -> Option<usize> {
        self.parts.iter().try_fold(1_usize, |product, part| product.checked_mul(part.points.len()))
    }

    fn point(&self, mut index: usize) -> Point {
        let mut of_parts: Vec<&Point> = Vec::new();
        for part in self.parts.iter().rev() {
            of_parts.push(&part.points[index % part.points.len()]);
            index /= part.points.len();
        }
        of_parts.into_iter().rev().flatten().copied().collect()
    }

    /// The size and the axes of every part, such as "40 weight_var and bias_var × 3 seed".
    fn sizes(&self, of: &str) -> String {
        let part = |part: &PointList| {
            let names: Vec<&str> = part.axes.iter().map(Axis::name).collect();
            format!("{}{of}{}", part.points.len(), names.join(" and "))
        };
        self.parts.iter().map(part).collect::<Vec<_>>().join(if of == " " { " × " } else { ", " })
    }
}

/// A part of a sweep: an axis, or axes that advance together.
pub(super) fn part(context: &NativeCallContext<'_>, value: Dynamic, list: &str, i: usize) -> Native<PointList> {
    match value.try_cast_result::<Axis>() {
        Ok(axis) => {
            let repeated = axis.repeated();
            if !repeated.is_empty() {
                let message =
                    format!("axis \"{}\" holds equal values: {}; each counts once", axis.name(), repeated.join(", "));
                Session::from_context(context)?.warn_at(context, Error::new(message));
            }
            Ok(axis.into())
        }
        Err(value) => value.try_cast_result::<PointList>().map_err(|value| {
            let found = describe(&value);
            Error::new(format!("element {i} of {list} is {found}; it should be an axis")).into()
        }),
    }
}

/// Calls a closure for every row. An error that a native function or the script throws is the failure of that point, which
/// is recorded with its place. Any other error, such as an unknown variable, ends the script, and so does the failure of
/// every point.
pub(super) fn for_each_row<A>(
    context: &NativeCallContext<'_>,
    axes: Arc<[Axis]>,
    rows: impl Iterator<Item = (Point, Result<A, Error>)>,
    mut closure: impl FnMut(&Point, A) -> Native<Dynamic>,
) -> Native<Table> {
    let session = Session::from_context(context)?;
    let mut first = None;
    let mut done: Vec<Row> = Vec::new();
    for (point, arguments) in rows {
        let value = match arguments.map(|arguments| closure(&point, arguments)) {
            Err(failed_before) => Err(failed_before),
            Ok(Ok(value)) if value.is_unit() => {
                let error = Error::new("the closure returns nothing");
                return Err(error.hint("end it with the value, without a semicolon").into());
            }
            Ok(Ok(value)) => Ok(value),
            Ok(Err(mut error)) => {
                let failure = thrown(&error).filter(|failure| !failure.interrupted);
                let Some(failure) = failure else { return Err(error) };
                if error.position().is_none() {
                    error.set_position(context.call_position());
                }
                session.point_failed(&point_in_words(&axes, &point), &error);
                first.get_or_insert(error);
                Err(failure)
            }
        };
        done.push(Row { point, value });
    }
    match first {
        Some(error) if done.iter().all(|row| row.value.is_err()) => Err(error),
        _ => Ok(Table { axes, rows: done.into(), column: None }),
    }
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

/// The error of a `where` that leaves nothing, with the values that there are.
pub(super) fn nothing_left(axes: &[Axis]) -> Error {
    const LISTED: usize = 8;
    let axis = |axis: &Axis| {
        let values: Vec<String> = axis.given().iter().take(LISTED).map(describe).collect();
        let more = if axis.given().len() > LISTED { ", …" } else { "" };
        format!("{} is {}{more}", axis.name(), values.join(", "))
    };
    let axes: Vec<String> = axes.iter().map(axis).collect();
    Error::new("`where`: the closure is true for no point").hint(axes.join("; "))
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Axis>("Axis")
        .register_type_with_name::<Sweep>("Sweep")
        .register_type_with_name::<PointList>("Points")
        .register_global_module(rhai::exported_module!(functions).into());
    points::register(engine);
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// An axis of a sweep: a name and its values, which are numbers, texts or truth values, or anything else that the closure
    /// of the sweep makes something of. Rounding errors are dropped: `17 * 0.1` is the value 1.7. Equal values are one value,
    /// with a warning where a sweep takes the axis.
    ///
    /// ```
    /// let a = axis("weight_var", linspace(0.5, 4.0, 15));
    /// let b = axis("solver", ["adam", "ridge"]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn axis(name: &str, values: Array) -> Native<Axis> {
        if values.is_empty() {
            return Err(Error::new(format!("axis \"{name}\" has no values")).into());
        }
        let values = values.iter().map(|value| Ok(settled(value)?.into_owned()));
        Ok(Axis::listing(name, values.collect::<Native<_>>()?))
    }

    /// The axis "seed" with the values 0 to `n` − 1: every point of a sweep is repeated with networks drawn anew. At finite width the
    /// boundary of what trains is ragged: one seed is no curve. `mean_over("seed")` and the figures' option `over: "seed"` put the
    /// repetitions together again, with a band in `lines`.
    ///
    /// ```
    /// let grid = sweep([axis("weight_var", [1.0, 2.0]), over_seeds(3)]);
    /// print(grid.len);    // 6
    /// lines(grid.map(|p| p.weight_var + 0.1 * p.seed), #{ over: "seed" }).save("band.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn over_seeds(context: NativeCallContext, n: INT) -> Native<Axis> {
        let most = Session::from_context(&context)?.settings.limits.points;
        let count = wanted_count(n, "the number of seeds")?;
        if !(1..=most).contains(&count) {
            return Err(Error::new(format!("`over_seeds({n})`: there is at least one seed, and at most {most}")).into());
        }
        axis("seed", (0..n).map(Dynamic::from_int).collect())
    }

    /// A sweep over every combination of the axes' values; the last axis varies fastest. Axes that advance together, made by
    /// `zip`, `random` or `sobol`, are one element of the array; alone, they need no array.
    ///
    /// ```
    /// let grid = sweep([axis("weight_var", [1.0, 2.0]), axis("seed", [0, 1, 2])]);
    /// print(grid.len);    // 6
    /// let found = sweep([random(40, 1, #{ weight_var: log_uniform(0.3, 4), bias_var: log_uniform(1e-3, 1) }), axis("seed", [0, 1])]);
    /// print(found.len);    // 80
    /// ```
    #[rhai_fn(return_raw)]
    pub fn sweep(context: NativeCallContext, axes: Array) -> Native<Sweep> {
        let parts = axes.into_iter().enumerate().map(|(i, value)| part(&context, value, "the sweep", i));
        let parts = parts.collect::<Native<_>>()?;
        Sweep::new(&context, parts)
    }

    #[rhai_fn(name = "sweep", return_raw)]
    pub fn sweep_of_axis(context: NativeCallContext, axis: Axis) -> Native<Sweep> {
        sweep(context, vec![Dynamic::from(axis)])
    }

    #[rhai_fn(name = "sweep", return_raw)]
    pub fn sweep_of_points(context: NativeCallContext, points: PointList) -> Native<Sweep> {
        sweep(context, vec![Dynamic::from(points)])
    }

    /// Axes that advance together: the first values of all are one point, the second values another. In `sweep`, they are like
    /// one axis.
    ///
    /// ```
    /// let line = sweep(zip([axis("weight_var", [1.2, 1.76, 2.4]), axis("bias_var", [0.01, 0.05, 0.2])]));
    /// print(line.map(|p| p.weight_var + p.bias_var).values());    // [1.21, 1.81, 2.6]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn zip(context: NativeCallContext, axes: Array) -> Native<PointList> {
        points::zipped(&context, axes)
    }

    /// The points of the sweep for which the closure is true; it gets a map of the axes' values. The axes keep the values that
    /// these points have.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2, 3]), axis("y", [1, 2, 3])]).where(|p| p.x < p.y);
    /// print(grid.len);    // 3
    /// ```
    #[rhai_fn(name = "where", return_raw)]
    pub fn points_where(context: NativeCallContext, sweep: Sweep, closure: FnPtr) -> Native<Sweep> {
        let mut wanted: Vec<Point> = Vec::new();
        for point in (0..sweep.points().unwrap_or(0)).map(|index| sweep.point(index)) {
            if closure.call_within_context::<bool>(&context, (point_map(&sweep.axes, &point),))? {
                wanted.push(point);
            }
        }
        if wanted.is_empty() {
            return Err(nothing_left(&sweep.axes).into());
        }
        let axes = narrow(&sweep.axes, wanted.iter_mut().collect());
        Ok(vec![PointList { axes, points: wanted.into() }].into())
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
        let points = (0..sweep.points().unwrap_or(0)).map(|index| (sweep.point(index), Ok(())));
        for_each_row(&context, sweep.axes.clone(), points, |point, ()| {
            closure.call_within_context(&context, (point_map(&sweep.axes, point),))
        })
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn sweep_to_string(sweep: &mut Sweep) -> String {
        format!("{}: {}", counted(sweep.points().unwrap_or(0), "point"), sweep.sizes(" × "))
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn axis_to_string(axis: &mut Axis) -> String {
        let values: Vec<String> = axis.given().iter().map(describe).collect();
        format!("{}: {}", axis.name(), values.join(", "))
    }

    /// The number of points.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn points_len(points: &mut PointList) -> INT {
        points.points.len() as INT
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn points_to_string(points: &mut PointList) -> String {
        sweep_to_string(&mut vec![points.clone()].into())
    }
}
