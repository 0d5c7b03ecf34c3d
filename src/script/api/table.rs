//! Tables in scripts.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, FnPtr, INT, Map};

use super::sweep::for_each_row;
use crate::Error;
use crate::entropy::{Derivation, derive};
use crate::output::Point;
use crate::output::run_folder::output_path;
use crate::output::table::SavedTable;
use crate::script::lazy::{Curve, Number};
use crate::script::options::{describe, number};
use crate::script::session::{Native, Session};
use crate::script::table::{Axis, Row, Table, point_map};
use crate::work::Described;

/// The mean of numbers, or of curves depth by depth.
fn mean(values: &[&Dynamic]) -> Result<Dynamic, Error> {
    if let Some(numbers) = values.iter().map(|value| number(value)).collect::<Option<Vec<f64>>>() {
        return Ok(Dynamic::from_float(numbers.iter().sum::<f64>() / numbers.len() as f64));
    }
    let curves: Option<Vec<Curve>> = values.iter().map(|value| Some(value.read_lock::<Curve>()?.clone())).collect();
    if let Some(curves) = curves {
        let first = &curves[0];
        if let Some(other) = curves.iter().find(|curve| curve.length != first.length) {
            let over = first.measured.over;
            let message = format!("the mean of curves with {} and {} {over}s", first.length, other.length);
            return Err(Error::new(message));
        }
        let source = derive(Derivation::Mean, curves.iter().map(|curve| curve.source.clone()).collect());
        let is_one = curves.iter().all(|curve| curve.measured == first.measured);
        let measured = if is_one { first.measured } else { first.measured.changed() };
        return Ok(Dynamic::from(Curve { source, measured, length: first.length }));
    }
    let mut quantities = values.iter().map(|value| value.read_lock::<Number>().map_or("", |number| number.quantity));
    let quantity = quantities.next().filter(|first| quantities.all(|other| other == *first)).unwrap_or_default();
    let sources: Option<Vec<Described>> = values
        .iter()
        .map(|value| match (value.read_lock::<Number>(), number(value)) {
            (Some(number), _) => Some(number.source.clone()),
            (None, Some(value)) => Some(derive(Derivation::Constant { value }, Vec::new())),
            _ => None,
        })
        .collect();
    match sources {
        Some(sources) => Ok(Dynamic::from(Number { source: derive(Derivation::Mean, sources), quantity })),
        None => Err(Error::new(format!("no mean of {}; it needs numbers or curves", describe(values[0])))),
    }
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Table>("Table").register_global_module(rhai::exported_module!(functions).into());
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The number of points.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn len(table: &mut Table) -> INT {
        table.rows.len() as INT
    }

    /// A table of the closure's results: it is called with every value.
    ///
    /// ```
    /// let table = sweep([axis("x", [1, 2])]).map(|p| p.x);
    /// print(table.map(|value| 10 * value).values());    // [10, 20]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn map(context: NativeCallContext, table: Table, closure: FnPtr) -> Native<Table> {
        let rows = table.rows.iter().map(|row| (row.point.clone(), row.value.clone().map(|value| (value,))));
        for_each_row(&context, &closure, table.axes.clone(), rows)
    }

    /// One column of a table whose values are maps: the values of one name.
    ///
    /// ```
    /// let table = sweep([axis("x", [1, 2])]).map(|p| #{ double: 2 * p.x, square: p.x * p.x });
    /// print(table.column("square").values());    // [1, 4]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn column(table: Table, name: &str) -> Native<Table> {
        table.results().column(name)?;
        let cell = |value: &Dynamic| {
            let map = value.read_lock::<Map>().ok_or_else(|| Error::new("the value of this point is not a map"))?;
            map.get(name).cloned().ok_or_else(|| Error::new(format!("no \"{name}\" at this point")))
        };
        let rows = table.rows.iter().map(|row| Row {
            point: row.point.clone(),
            value: row.value.as_ref().map_err(Clone::clone).and_then(cell),
        });
        Ok(Table { rows: rows.collect(), axes: table.axes.clone() })
    }

    /// The means over the points that differ in one axis only, such as a seed. The axis is gone from the result.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2]), axis("seed", [0, 1])]).map(|p| p.x + p.seed);
    /// print(grid.mean_over("seed").values());    // [1.5, 2.5]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn mean_over(table: Table, axis: &str) -> Native<Table> {
        let over = table.axis(axis)?;
        let axes: Arc<[Axis]> =
            table.axes.iter().enumerate().filter(|(i, _)| *i != over).map(|(_, axis)| axis.clone()).collect();
        let mut groups: Vec<(Point, Vec<&Row>)> = Vec::new();
        let mut known = BTreeMap::new();
        for row in &*table.rows {
            let mut point = row.point.clone();
            point.remove(over);
            let group = *known.entry(point.clone()).or_insert(groups.len());
            match groups.get_mut(group) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((point, vec![row])),
            }
        }
        let rows: Result<Vec<Row>, Error> = groups
            .into_iter()
            .map(|(point, rows)| {
                let values: Result<Vec<&Dynamic>, Error> =
                    rows.iter().map(|row| row.value.as_ref().map_err(Clone::clone)).collect();
                // With a failed point the mean is a hole: over fewer points it would not compare with the others.
                let values = match values {
                    Ok(values) => values,
                    Err(error) => return Ok(Row { point, value: Err(error) }),
                };
                Ok(Row { point, value: Ok(mean(&values)?) })
            })
            .collect();
        Ok(Table { axes, rows: rows?.into() })
    }

    /// The rows for whose point the closure is true; it gets a map of the axes' values. The axes keep the values that these
    /// rows have: one value of an axis leaves a table that no longer varies over it.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2, 3])]).map(|p| p.x);
    /// print(grid.where(|p| p.x > 1).values());    // [2, 3]
    /// ```
    #[rhai_fn(name = "where", return_raw)]
    pub fn rows_where(context: NativeCallContext, table: Table, closure: FnPtr) -> Native<Table> {
        let mut rows = Vec::new();
        for row in &*table.rows {
            if closure.call_within_context::<bool>(&context, (point_map(&table.axes, &row.point),))? {
                rows.push(row.clone());
            }
        }
        if rows.is_empty() {
            return Err(Error::new("`where`: the closure is true for no point").into());
        }
        Ok(Table { rows: rows.into(), axes: table.axes.clone() }.narrowed())
    }

    /// The values as an array, in the order of the points. Numbers and curves are computed now; a failed point is `()`.
    ///
    /// ```
    /// print(sweep([axis("x", [1, 2])]).map(|p| p.x * p.x).values());    // [1, 4]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn values(context: NativeCallContext, table: Table) -> Native<Array> {
        let session = Session::from_context(&context)?;
        Ok(table.values(&session.computed(table.results().targets())?))
    }

    /// Saves a table in the run folder as .csv or .json: a row per point, or per point and depth if the values are curves.
    ///
    /// ```
    /// sweep([axis("x", [1, 2])]).map(|p| p.x * p.x).save("squares.csv");
    /// ```
    #[rhai_fn(name = "save", return_raw)]
    pub fn save_table(context: NativeCallContext, table: Table, path: &str) -> Native<Table> {
        let saved = SavedTable::new(table.results(), output_path(path)?)?;
        Session::from_context(&context)?.show(&context, saved)?;
        Ok(table)
    }

    /// As `print` shows it: computed now. Under the name `print` as well, for Rhai's own hides that it failed.
    #[rhai_fn(name = "print", name = "debug", name = "to_string", name = "to_debug", return_raw)]
    pub fn table_to_string(context: NativeCallContext, table: &mut Table) -> Native<String> {
        let session = Session::from_context(&context)?;
        let results = table.results();
        let computed = session.computed(results.targets());
        Session::printed(computed.map(|computed| results.records(&computed).to_string()).map_err(Into::into))
    }
}
