//! Points of sweeps that are no grid: axes that advance together, drawn at random or spread evenly.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use super::general::{AnyNumber, wanted_count, wanted_number};
use super::sweep::part;
use crate::Error;
use crate::random::Random;
use crate::script::options::describe;
use crate::script::session::{Native, Session};
use crate::script::sobol::{self, Sobol};
use crate::script::table::{Axis, PointList};

/// How the values of an axis are distributed.
#[derive(Debug, Clone, Copy)]
pub enum Distribution {
    Uniform {
        low: f64,
        high: f64,
    },
    LogUniform {
        low: f64,
        high: f64,
    },
    /// Whole numbers, both ends included.
    Integers {
        low: INT,
        high: INT,
    },
}

impl Distribution {
    /// The value of which a share `u` in [0, 1) lies below.
    fn at(self, u: f64) -> Dynamic {
        match self {
            Self::Uniform { low, high } => rounded(low + (high - low) * u, low, high),
            Self::LogUniform { low, high } => {
                let (first, last) = (libm::log(low), libm::log(high));
                rounded(libm::exp(first + (last - first) * u), low, high)
            }
            Self::Integers { low, high } => {
                let count = high.abs_diff(low) as f64 + 1.0;
                Dynamic::from_int(low.saturating_add((count * u) as INT).min(high))
            }
        }
    }
}

/// A value of six significant digits, so that what is printed is the point.
fn rounded(value: f64, low: f64, high: f64) -> Dynamic {
    Dynamic::from_float(format!("{value:.5e}").parse().unwrap_or(value).clamp(low, high))
}

/// Both ends of a distribution; `name` is its function.
fn ends(name: &str, low: &Dynamic, high: &Dynamic) -> Result<(f64, f64), Error> {
    let (low, high) = (wanted_number(low, "the lower end")?, wanted_number(high, "the upper end")?);
    if !(high - low).is_finite() {
        return Err(Error::new(format!("`{name}({low}, {high})`: both numbers must be finite")));
    }
    if low >= high {
        let error = Error::new(format!("`{name}({low}, {high})`: the first number must be less than the second"));
        return Err(if low == high { error.hint(format!("a single value is an array, `[{low}]`")) } else { error });
    }
    Ok((low, high))
}

/// The value of an axis at a share `u` in [0, 1): of a distribution, or one of an array.
type Values<'a> = Box<dyn Fn(f64) -> Dynamic + 'a>;

/// What a script says of an axis: a distribution, or an array of choices.
fn values<'a>(function: &str, name: &str, given: &'a Dynamic) -> Result<Values<'a>, Error> {
    if let Some(distribution) = given.read_lock::<Distribution>().map(|distribution| *distribution) {
        return Ok(Box::new(move |u| distribution.at(u)));
    }
    match given.read_lock::<Array>().map(|choices| choices.to_vec()) {
        Some(choices) if choices.is_empty() => Err(Error::new(format!("`{function}`: axis \"{name}\" has no values"))),
        Some(choices) => {
            Ok(Box::new(move |u| choices[((choices.len() as f64 * u) as usize).min(choices.len() - 1)].clone()))
        }
        None => {
            let message = format!("`{function}`: axis \"{name}\" is {}; it should be a distribution", describe(given));
            Err(Error::new(message)
                .hint("such as `log_uniform(0.1, 4)`, `uniform(0, 1)`, `integers(1, 9)`, or an array of choices"))
        }
    }
}

/// `count` points; `share` gives the place of axis i within its distribution at the next point, in [0, 1).
fn drawn(
    context: &NativeCallContext<'_>,
    function: &str,
    count: INT,
    axes: &Map,
    mut share: impl FnMut(usize) -> Box<dyn FnMut() -> f64>,
) -> Native<PointList> {
    let most = Session::from_context(context)?.settings.limits.points;
    let count = wanted_count(count, "the number of points")?;
    if count > most {
        let error = Error::new(format!("`{function}` has {count} points; at most {most}"));
        return Err(error.hint("take fewer points, or raise the limit: --max-points N").into());
    }
    if count == 0 || axes.is_empty() {
        let lacks = if count == 0 { "point" } else { "axis" };
        let error = Error::new(format!("`{function}` needs at least one {lacks}"));
        return Err(error.hint(format!("`{function}(…, #{{ weight_var: log_uniform(0.3, 4) }})`")).into());
    }
    let mut listed = Vec::new();
    for (i, (name, given)) in axes.iter().enumerate() {
        let (value, mut share) = (values(function, name, given)?, share(i));
        listed.push(Axis::listing(name, (0..count).map(|_| value(share())).collect()));
    }
    let points = (0..count).map(|i| listed.iter().map(|axis| axis.listed()[i]).collect()).collect();
    together(context, function, listed, points)
}

/// Points over axes; says how many are left out since they are equal.
fn together(
    context: &NativeCallContext<'_>,
    function: &str,
    axes: Vec<Axis>,
    points: Vec<Vec<usize>>,
) -> Native<PointList> {
    let count = points.len();
    let (points, repeated) = PointList::together(axes, points.into_iter());
    if repeated > 0 {
        let message = format!("`{function}`: equal points count once, which leaves {} of {count}", count - repeated);
        Session::from_context(context)?.warn_at(context, Error::new(message));
    }
    Ok(points)
}

/// Axes, and axes that advance together already, side by side.
pub(super) fn zipped(context: &NativeCallContext<'_>, axes: Array) -> Native<PointList> {
    let listed = |(i, value): (usize, Dynamic)| -> Native<(Vec<Axis>, Vec<Vec<usize>>)> {
        match value.read_lock::<Axis>().map(|axis| axis.clone()) {
            Some(axis) => Ok((vec![axis.clone()], axis.listed().iter().map(|&place| vec![place]).collect())),
            None => part(context, value, "`zip`", i).map(|points| (points.axes.to_vec(), points.points.to_vec())),
        }
    };
    let parts = axes.into_iter().enumerate().map(listed).collect::<Native<Vec<_>>>()?;
    let Some((_, first)) = parts.first() else {
        return Err(Error::new("`zip` needs at least one axis").into());
    };
    let count = first.len();
    if parts.iter().any(|(_, points)| points.len() != count) {
        let size = |(axes, points): &(Vec<Axis>, Vec<Vec<usize>>)| {
            let names: Vec<&str> = axes.iter().map(Axis::name).collect();
            format!("{} of {}", points.len(), names.join(" and "))
        };
        let sizes: Vec<String> = parts.iter().map(size).collect();
        return Err(Error::new(format!("`zip` needs as many values of every axis; there are {}", sizes.join(", ")))
            .hint("for every combination, give the axes to `sweep` without `zip`")
            .into());
    }
    let points = (0..count).map(|i| parts.iter().flat_map(|(_, points)| points[i].clone()).collect()).collect();
    together(context, "zip", parts.into_iter().flat_map(|(axes, _)| axes).collect(), points)
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Distribution>("Distribution")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// `count` random points over the axes of a map, each with a distribution or an array of choices. The axes stand in the order
    /// of their names. The same seed gives the same points; more points begin with the fewer, and another axis leaves the values of
    /// the others as they are. Numbers have six significant digits, so that what is printed is the point.
    ///
    /// ```
    /// let points = random(40, 1, #{ weight_var: log_uniform(0.3, 4), bias_var: log_uniform(1e-3, 1), depth: [10, 20] });
    /// let found = sweep(points).map(|p| mean_field("tanh", #{ weight_var: p.weight_var, bias_var: p.bias_var }).xi_c);
    /// print(found.len);    // 40
    /// ```
    #[rhai_fn(return_raw)]
    pub fn random(context: NativeCallContext, count: INT, seed: INT, axes: Map) -> Native<PointList> {
        let seed = wanted_count(seed, "the seed")? as u64;
        let names: Vec<String> = axes.keys().map(ToString::to_string).collect();
        drawn(&context, "random", count, &axes, |i| {
            let mut stream = Random::new(seed, &["sweep", &names[i]]);
            Box::new(move || stream.uniform())
        })
    }

    /// `count` points spread evenly over the axes of a map, the first of Sobol's sequence: they fill the space with fewer gaps than
    /// random ones. Each axis has a distribution or an array of choices, as in `random`; there are at most 16. The first point
    /// has the lower end of every axis; powers of two are the best counts.
    ///
    /// ```
    /// let points = sobol(8, #{ weight_var: uniform(0, 4), bias_var: [0.05, 0.2] });
    /// print(sweep(points).map(|p| p.weight_var).values());    // [0.0, 2.0, 1.0, 3.0, 1.5, 3.5, 0.5, 2.5]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn sobol(context: NativeCallContext, count: INT, axes: Map) -> Native<PointList> {
        if axes.len() > sobol::MOST_AXES {
            let message = format!("`sobol` has {} axes; at most {}", axes.len(), sobol::MOST_AXES);
            return Err(Error::new(message).hint("`random` takes any number of axes").into());
        }
        drawn(&context, "sobol", count, &axes, |i| {
            let mut sequence = Sobol::new(i);
            Box::new(move || sequence.next())
        })
    }

    /// Numbers from `low` to `high`, all alike probable. For `random` and `sobol`.
    ///
    /// ```
    /// let points = random(10, 0, #{ dropout: uniform(0, 0.5) });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn uniform(low: AnyNumber, high: AnyNumber) -> Native<Distribution> {
        let (low, high) = ends("uniform", &low, &high)?;
        Ok(Distribution::Uniform { low, high })
    }

    /// Positive numbers from `low` to `high` whose logarithms are all alike probable: as many between 0.01 and 0.1 as between 0.1
    /// and 1. For `random` and `sobol`.
    ///
    /// ```
    /// let points = random(10, 0, #{ bias_var: log_uniform(1e-3, 1) });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn log_uniform(low: AnyNumber, high: AnyNumber) -> Native<Distribution> {
        let (low, high) = ends("log_uniform", &low, &high)?;
        if low <= 0.0 {
            let error = Error::new(format!("`log_uniform({low}, {high})`: both numbers must be positive"));
            let start = if high > 0.0 { 1e-3 * high } else { 1e-3 };
            let hint = format!("begin above 0, such as at {start}, or take `uniform({low}, {high})`");
            return Err(error.hint(hint).into());
        }
        Ok(Distribution::LogUniform { low, high })
    }

    /// Whole numbers from `low` to `high`, both included, all alike probable. For `random` and `sobol`.
    ///
    /// ```
    /// let points = random(10, 0, #{ depth: integers(5, 60) });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn integers(low: INT, high: INT) -> Native<Distribution> {
        if low > high {
            return Err(Error::new(format!("`integers({low}, {high})`: the first number must not be greater")).into());
        }
        Ok(Distribution::Integers { low, high })
    }
}
