//! Statistics over axes of tables, and between tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use super::arithmetic::joined;
use super::general::{AnyNumber, wanted_number};
use crate::Error;
use crate::entropy::{Derivation, Measured, Statistic, derive};
use crate::output::Point;
use crate::script::join::Lacking;
use crate::script::lazy::{Curve, Number};
use crate::script::options::{Key, Spec, describe, number};
use crate::script::session::{Native, Session};
use crate::script::table::{Axis, Row, Table, point_in_words};
use crate::work::Described;

const INTERVAL: Spec = Spec {
    function: "interval_over",
    keys: &[
        Key::number("level", 0.95, "probability with which the interval contains the mean"),
        Key::count("seed", 0, "seed of the resampling"),
        Key::count("resamples", 1000, "number of times that the values are drawn with replacement"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[INTERVAL];

/// The points that differ only in some axes, at every point of the others.
struct Groups<'a> {
    axes: Arc<[Axis]>,
    groups: Vec<(Point, Vec<&'a Row>)>,
    /// The names of the axes that are gone, and whether one of them has several values.
    over: (Vec<String>, bool),
}

/// The name of an axis, or an array of names. The reference shows it so.
type AxisNames = Dynamic;

fn axis_names(names: &AxisNames) -> Result<Vec<String>, Error> {
    let text = |name: &Dynamic| {
        let wrong = || Error::new(format!("an axis is named by a text, got {}", describe(name)));
        name.clone().into_string().map_err(|_| wrong())
    };
    match names.read_lock::<Array>() {
        Some(names) => names.iter().map(text).collect(),
        None => Ok(vec![text(names)?]),
    }
}

impl<'a> Groups<'a> {
    fn over(table: &'a Table, names: &AxisNames) -> Result<Self, Error> {
        let names = axis_names(names)?;
        let over: BTreeSet<usize> = names.iter().map(|name| table.axis(name)).collect::<Result<_, _>>()?;
        let varies = over.iter().any(|&axis| table.axes[axis].values().len() > 1);
        let left: Vec<usize> = (0..table.axes.len()).filter(|axis| !over.contains(axis)).collect();
        let mut groups: Vec<(Point, Vec<&Row>)> = Vec::new();
        let mut known = BTreeMap::new();
        for row in &*table.rows {
            let point: Point = left.iter().map(|&axis| row.point[axis]).collect();
            let group = *known.entry(point.clone()).or_insert(groups.len());
            match groups.get_mut(group) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((point, vec![row])),
            }
        }
        Ok(Self { axes: left.iter().map(|&axis| table.axes[axis].clone()).collect(), groups, over: (names, varies) })
    }

    /// A table of what `f` makes of the values of every group. A group with a hole is one: over fewer points its statistic
    /// would not compare with the others.
    fn reduced(&self, f: impl Fn(&[&Dynamic]) -> Result<Dynamic, Error>) -> Result<Table, Error> {
        let row = |(point, rows): &(Point, Vec<&Row>)| {
            let values = rows.iter().map(|row| row.value.as_ref()).collect::<Result<Vec<&Dynamic>, _>>();
            let value = match values {
                Ok(values) => Ok(f(&values)?),
                Err(error) => Err(error.clone()),
            };
            Ok(Row { point: point.clone(), value })
        };
        let rows: Vec<Row> = self.groups.iter().map(row).collect::<Result<_, Error>>()?;
        Ok(Table { axes: self.axes.clone(), rows: rows.into(), column: None })
    }

    /// Says which groups are holes or have fewer values than others.
    fn say_gaps(&self, context: &NativeCallContext<'_>) -> Native<()> {
        let session = Session::from_context(context)?;
        let holes = || self.groups.iter().filter(|(_, rows)| rows.iter().any(|row| row.value.is_err()));
        let at = |point: &Point| {
            if point.is_empty() { String::new() } else { format!(" at {}", point_in_words(&self.axes, point)) }
        };
        if let Some((point, rows)) = holes().next() {
            let (n, all) = (holes().count(), self.groups.len());
            let missing = rows.iter().filter(|row| row.value.is_err()).count();
            let are = if n == 1 { "statistics is a hole" } else { "statistics are holes" };
            let has = if missing == 1 { "has" } else { "have" };
            let message = format!("{n} of {all} {are}: {missing} of {} points{} {has} no value", rows.len(), at(point));
            session.warn_at(context, Error::new(message).hint("`.without_holes()` leaves such points out of a table"));
        }
        if self.over.1 && self.groups.iter().all(|(_, rows)| rows.len() == 1) {
            let names = self.over.0.join("\", \"");
            let message = format!("every statistic is of one value: no two points differ only in \"{names}\"");
            session
                .warn_at(context, Error::new(message).hint("take all axes that advance together: `.mean_over([…])`"));
        }
        let sizes = || self.groups.iter().map(|(_, rows)| rows.len());
        if let (Some(least), Some(most)) = (sizes().min(), sizes().max())
            && least < most
            && let Some((point, _)) = self.groups.iter().find(|(_, rows)| rows.len() == least)
        {
            let message = format!("there are {least} to {most} values for each statistic, {least}{}", at(point));
            session.warn_at(context, Error::new(message).hint("`count_over` counts them"));
        }
        Ok(())
    }
}

/// A statistic of numbers, of curves depth by depth, or of maps key by key.
fn reduced(statistic: Statistic, values: &[&Dynamic]) -> Result<Dynamic, Error> {
    if let Some(numbers) = values.iter().map(|value| number(value)).collect::<Option<Vec<f64>>>() {
        return Ok(Dynamic::from_float(statistic.of(&numbers)));
    }
    let derivation = match statistic {
        Statistic::Mean => Derivation::Mean,
        statistic => Derivation::Statistic { statistic },
    };
    let is_spread = statistic == Statistic::StandardDeviation;
    let curves: Option<Vec<Curve>> = values.iter().map(|value| Some(value.read_lock::<Curve>()?.clone())).collect();
    if let Some(curves) = curves {
        let first = &curves[0];
        if let Some(other) = curves.iter().find(|curve| curve.length != first.length) {
            let over = first.measured.over;
            let message = format!("a statistic of curves with {} and {} {over}s", first.length, other.length);
            return Err(Error::new(message));
        }
        let source = derive(derivation, curves.iter().map(|curve| curve.source.clone()).collect());
        let is_one = curves.iter().all(|curve| curve.measured == first.measured);
        let measured = match if is_one { first.measured } else { first.measured.changed() } {
            measured if is_spread => Measured { quantity: SPREAD, ..measured.changed() },
            measured => measured,
        };
        return Ok(Dynamic::from(Curve { source, measured, length: first.length }));
    }
    if let Some(maps) = values.iter().map(|value| value.read_lock::<Map>()).collect::<Option<Vec<_>>>() {
        let of_key = |name: &rhai::Identifier| {
            let values: Option<Vec<&Dynamic>> = maps.iter().map(|map| map.get(name)).collect();
            let values = values.ok_or_else(|| Error::new(format!("no \"{name}\" at some of the points")))?;
            Ok((name.clone(), reduced(statistic, &values)?))
        };
        return Ok(maps[0].keys().map(of_key).collect::<Result<Map, Error>>()?.into());
    }
    let mut quantities = values.iter().map(|value| value.read_lock::<Number>().map_or("", |number| number.quantity));
    let quantity = quantities.next().filter(|first| quantities.all(|other| other == *first)).unwrap_or_default();
    let sources = values.iter().map(|value| source(value)).collect::<Result<_, Error>>()?;
    Ok(Dynamic::from(Number {
        source: derive(derivation, sources),
        quantity: if is_spread { SPREAD } else { quantity },
    }))
}

const SPREAD: &str = "standard deviation";

/// The description of one number, known or computed later.
fn source(value: &Dynamic) -> Result<Described, Error> {
    match (value.read_lock::<Number>(), number(value)) {
        (Some(number), _) => Ok(number.source.clone()),
        (None, Some(value)) => Ok(derive(Derivation::Constant { value }, Vec::new())),
        _ => Err(Error::new(format!(
            "no statistic of {}; it needs a number at every point, or a curve at every point",
            describe(value)
        ))
        .hint("take a number of each value: `.map(|value| …)`")),
    }
}

fn over(context: &NativeCallContext<'_>, table: &Table, axis: &AxisNames, statistic: Statistic) -> Native<Table> {
    let groups = Groups::over(table, axis)?;
    groups.say_gaps(context)?;
    // The spread of a column is not what the column is.
    let column = if statistic == Statistic::StandardDeviation { Some(SPREAD.into()) } else { table.column.clone() };
    Ok(Table { column, ..groups.reduced(|values| reduced(statistic, values))? })
}

/// The numbers of two tables at the points that both have, those of the first before those of the second. Says which points are
/// left out.
pub(super) fn paired(context: &NativeCallContext<'_>, what: &str, a: &Table, b: &Table) -> Native<Vec<Dynamic>> {
    let joined = joined(context, a, b, Lacking::LeftOut)?;
    let both: Vec<(Dynamic, Dynamic)> = joined.values(a, b).filter_map(|(_, both)| both.ok()).collect();
    let session = Session::from_context(context)?;
    let matched = joined.rows.len();
    if both.len() < matched {
        let (left, failed) = (matched - both.len(), if matched - both.len() == 1 { "has" } else { "have" });
        session.warn_at(
            context,
            Error::new(format!("`{what}` leaves out {left} of {matched} points, which {failed} no value")),
        );
    }
    if both.len() < 2 {
        return Err(Error::new(format!(
            "`{what}` needs at least two points, and the tables have {} together",
            both.len()
        ))
        .into());
    }
    let (of_a, of_b): (Vec<_>, Vec<_>) = both.into_iter().unzip();
    let all = [of_a, of_b].concat();
    match all.iter().find(|value| value.is_map() || value.is::<Curve>()) {
        None => Ok(all),
        Some(value) => {
            let found = describe(value);
            Err(Error::new(format!("`{what}` goes with one number of every point, and the tables hold {found}"))
                .hint("choose a column, `.column(\"…\")`, or a number of every curve, `.map(|curve| curve.last)`")
                .into())
        }
    }
}

/// A number that is derived from others. If all are known, so is it: thousands of descriptions would say no more.
pub(super) fn derived(
    context: &NativeCallContext<'_>,
    derivation: Derivation,
    values: &[Dynamic],
    quantity: &'static str,
) -> Native<Number> {
    let source = match values.iter().map(number).collect::<Option<Vec<f64>>>() {
        Some(numbers) => {
            let session = Session::from_context(context)?;
            derivation.one_class(&numbers).into_iter().for_each(|warning| session.warn_at(context, warning));
            derive(Derivation::Constant { value: derivation.of_numbers(&numbers) }, Vec::new())
        }
        None => derive(derivation, values.iter().map(source).collect::<Result<_, Error>>()?),
    };
    Ok(Number { source, quantity })
}

/// The two ends of an interval that is derived from numbers; if these are known, so are the ends.
pub(super) fn derived_interval(derivation: Derivation, values: &[Dynamic]) -> Native<[Number; 2]> {
    let ends = match values.iter().map(number).collect::<Option<Vec<f64>>>() {
        Some(numbers) => {
            derivation.interval_of(&numbers).map(|value| derive(Derivation::Constant { value }, Vec::new()))
        }
        None => {
            let both = derive(derivation, values.iter().map(source).collect::<Result<_, Error>>()?);
            [1, 2].map(|depth| derive(Derivation::At { depth }, vec![both.clone()]))
        }
    };
    Ok(ends.map(|source| Number { source, quantity: "" }))
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// The means over the points that differ in one axis only, such as a seed, or in several, named in an array. These axes are gone
    /// from the result.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2]), axis("seed", [0, 1])]).map(|p| p.x + p.seed);
    /// print(grid.mean_over("seed").values());    // [1.5, 2.5]
    /// print(grid.mean_over(["x", "seed"]).values());    // [2.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn mean_over(context: NativeCallContext, table: Table, axis: AxisNames) -> Native<Table> {
        over(&context, &table, &axis, Statistic::Mean)
    }

    /// The standard deviations over an axis, by n − 1; NaN of a single value.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2]), axis("seed", [0, 1, 2])]).map(|p| p.x * p.seed);
    /// print(grid.std_over("seed").values());    // [1.0, 2.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn std_over(context: NativeCallContext, table: Table, axis: AxisNames) -> Native<Table> {
        over(&context, &table, &axis, Statistic::StandardDeviation)
    }

    /// The medians over an axis: the middle value, or the mean of the two middle ones.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2]), axis("seed", [0, 1, 5])]).map(|p| p.x * p.seed);
    /// print(grid.median_over("seed").values());    // [1.0, 2.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn median_over(context: NativeCallContext, table: Table, axis: AxisNames) -> Native<Table> {
        over(&context, &table, &axis, Statistic::Median)
    }

    /// The quantiles over an axis: the value below which a share of the values lies, 0 for the least and 1 for the greatest,
    /// interpolated between two values as NumPy does.
    ///
    /// ```
    /// let grid = sweep([axis("seed", [0, 1, 2, 3])]).map(|p| p.seed);
    /// print(grid.quantile_over("seed", 0.25).values());    // [0.75]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn quantile_over(context: NativeCallContext, table: Table, axis: AxisNames, share: AnyNumber) -> Native<Table> {
        let share = wanted_number(&share, "the share")?;
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::new(format!("`quantile_over`: the share is {share}; it lies between 0 and 1")).into());
        }
        over(&context, &table, &axis, Statistic::Quantile { share })
    }

    /// The least values over an axis.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2]), axis("seed", [3, 4])]).map(|p| p.x * p.seed);
    /// print(grid.min_over("seed").values());    // [3.0, 6.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn min_over(context: NativeCallContext, table: Table, axis: AxisNames) -> Native<Table> {
        over(&context, &table, &axis, Statistic::Min)
    }

    /// The greatest values over an axis.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2]), axis("seed", [3, 4])]).map(|p| p.x * p.seed);
    /// print(grid.max_over("seed").values());    // [4.0, 8.0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn max_over(context: NativeCallContext, table: Table, axis: AxisNames) -> Native<Table> {
        over(&context, &table, &axis, Statistic::Max)
    }

    /// How many points over an axis have a value, holes left out.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2]), axis("seed", [0, 1, 2])]).where(|p| p.seed < p.x).map(|p| p.x);
    /// print(grid.count_over("seed").values());    // [1, 2]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn count_over(table: Table, axis: AxisNames) -> Native<Table> {
        let groups = Groups::over(&table, &axis)?;
        let count = |(point, rows): &(Point, Vec<&Row>)| {
            let count = rows.iter().filter(|row| row.value.is_ok()).count();
            Row { point: point.clone(), value: Ok(Dynamic::from_int(count as INT)) }
        };
        Ok(Table { rows: groups.groups.iter().map(count).collect(), axes: groups.axes, column: Some("count".into()) })
    }

    /// Confidence intervals of the means over an axis, by the bootstrap: the values are drawn with replacement, and the interval
    /// contains the middle `level` of the means. The table has the columns `low` and `high`; NaN of a single value.
    ///
    /// ```
    /// let grid = sweep([axis("seed", range(0, 20))]).map(|p| p.seed);
    /// let interval = grid.interval_over("seed");
    /// print(interval.column("low").values()[0] < 9.5);    // true
    /// ```
    #[rhai_fn(name = "interval_over", return_raw)]
    pub fn interval_over(context: NativeCallContext, table: Table, axis: AxisNames) -> Native<Table> {
        interval_over_with(context, table, axis, Map::new())
    }

    #[rhai_fn(name = "interval_over", return_raw)]
    pub fn interval_over_with(
        context: NativeCallContext,
        table: Table,
        axis: AxisNames,
        options: Map,
    ) -> Native<Table> {
        let options = INTERVAL.read(&options)?;
        let (level, seed, resamples) =
            (options.number("level")?, options.count("seed")? as u64, options.count("resamples")?);
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::new(format!("`interval_over`: level is {level}; it lies between 0 and 1")).into());
        }
        // More would only take time, which no step of the computation could interrupt.
        if !(1..=100_000).contains(&resamples) {
            return Err(
                Error::new(format!("`interval_over`: resamples is {resamples}; it lies between 1 and 100000")).into()
            );
        }
        let groups = Groups::over(&table, &axis)?;
        groups.say_gaps(&context)?;
        let end = |share: f64, values: &[&Dynamic]| reduced(Statistic::bootstrapped(share, resamples, seed), values);
        let outside = (1.0 - level) / 2.0;
        Ok(groups.reduced(|values| {
            if values[0].is_map() {
                return Err(
                    Error::new("`interval_over`: the values are maps").hint("choose a column: `.column(\"…\")`")
                );
            }
            let ends = [("low", outside), ("high", 1.0 - outside)];
            let ends = ends.map(|(name, share)| end(share, values).map(|value| (name.into(), value)));
            Ok(ends.into_iter().collect::<Result<Map, Error>>()?.into())
        })?)
    }

    /// Spearman's rank correlation ρ between the numbers of two tables at the points that both have: 1 if they order the points
    /// alike, −1 if the opposite way. Equal values share their mean rank. NaN if all values of a table are equal, or one is NaN.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2, 3])]);
    /// print(spearman(grid.map(|p| p.x), grid.map(|p| p.x * p.x)));    // 1.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn spearman(context: NativeCallContext, a: Table, b: Table) -> Native<Number> {
        derived(&context, Derivation::Spearman, &paired(&context, "spearman", &a, &b)?, "Spearman's ρ")
    }

    /// The area under the ROC curve: how well the numbers of a table, `scores`, predict where those of another, `outcomes`, reach
    /// `threshold`. It is the probability that the score of a point that does is greater than the score of one that does not;
    /// equal scores count half. NaN if all points do or none, or a number is NaN.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2, 3])]);
    /// print(auc(grid.map(|p| p.x), grid.map(|p| 0.3 * p.x), 0.5));    // 1.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn auc(context: NativeCallContext, scores: Table, outcomes: Table, threshold: AnyNumber) -> Native<Number> {
        let mut values = paired(&context, "auc", &scores, &outcomes)?;
        values.push(threshold);
        derived(&context, Derivation::Auc, &values, "AUC")
    }
}
