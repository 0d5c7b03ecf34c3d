//! Tables in scripts.

use std::cmp::Ordering;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, INT, Map};

use super::arithmetic::joined;
use super::sweep::{for_each_row, nothing_left};
use crate::Error;
use crate::output::run_folder::output_path;
use crate::output::table::SavedTable;
use crate::script::join::{JoinedRow, Lacking};
use crate::script::options::{describe, number};
use crate::script::session::{Native, Session};
use crate::script::table::{Row, Table, point_map};

/// Whether a closure was called with another number of arguments than it takes.
fn is_without(error: &EvalAltResult, closure: &FnPtr) -> bool {
    matches!(error, EvalAltResult::ErrorFunctionNotFound(call, _) if call.starts_with(closure.fn_name()))
}

/// The numbers of a table, computed now; NaN for holes. Says for how many points there is none.
fn numbers_now(context: &NativeCallContext<'_>, table: &Table, what: &str) -> Native<Vec<f64>> {
    let session = Session::from_context(context)?;
    let results = table.results();
    results.has_one_column()?;
    let values = table.values(&session.computed(results.targets())?);
    let one = |value: &Dynamic| match number(value) {
        Some(x) => Ok(x),
        None if value.is_unit() => Ok(f64::NAN),
        None => Err(Error::new(format!("`{what}` goes with one number of every point, got {}", describe(value)))
            .hint("take a number of each value: `.map(|value| …)`")),
    };
    let numbers = values.iter().map(one).collect::<Result<Vec<f64>, Error>>()?;
    let without = numbers.iter().filter(|x| x.is_nan()).count();
    if without > 0 {
        let have = if without == 1 { "has" } else { "have" };
        let message = format!("`{what}`: {without} of {} points {have} no number", numbers.len());
        session.warn_at(context, Error::new(message));
    }
    Ok(numbers)
}

/// The point with the first of the best numbers.
fn best(context: &NativeCallContext<'_>, table: &Table, what: &str, is_better: fn(&f64, &f64) -> bool) -> Native<Map> {
    let numbers = numbers_now(context, table, what)?;
    let known = numbers.iter().enumerate().filter(|(_, x)| !x.is_nan());
    let best = known.reduce(|best, next| if is_better(next.1, best.1) { next } else { best });
    match best {
        Some((row, _)) => Ok(point_map(&table.axes, &table.rows[row].point)),
        None => Err(Error::new(format!("`{what}`: no point has a number")).into()),
    }
}

/// A table's rows in another order.
fn ordered(table: &Table, compare: impl Fn(usize, usize) -> Ordering) -> Table {
    let mut order: Vec<usize> = (0..table.rows.len()).collect();
    order.sort_by(|&i, &j| compare(i, j));
    Table {
        axes: table.axes.clone(),
        rows: order.into_iter().map(|i| table.rows[i].clone()).collect(),
        column: table.column.clone(),
    }
}

/// The tables of a map side by side: their values are maps, with the key of each table.
fn side_by_side(context: &NativeCallContext<'_>, columns: Map) -> Native<Table> {
    let mut all: Option<Table> = None;
    for (name, column) in columns {
        let wrong =
            |value: Dynamic| Error::new(format!("`table`: \"{name}\" is {}; it should be a table", describe(&value)));
        let column = column.try_cast_result::<Table>().map_err(wrong)?;
        let with = |map: Option<&Row>, value: Option<&Row>| {
            let known = map.and_then(|row| row.value.as_ref().ok()?.read_lock::<Map>().map(|map| map.clone()));
            let value = value.map_or_else(|| Err(Error::new("no table has this point")), |row| row.value.clone());
            match (known, value) {
                (None, Err(error)) => Err(error),
                (known, value) => {
                    let mut map = known.unwrap_or_default();
                    map.extend(value.ok().map(|value| (name.clone(), value)));
                    Ok(Dynamic::from(map))
                }
            }
        };
        all = Some(match all {
            None => {
                let row = |row: &Row| Row { point: row.point.clone(), value: with(None, Some(row)) };
                Table { rows: column.rows.iter().map(row).collect(), axes: column.axes, column: None }
            }
            Some(before) => {
                let joined = joined(context, &before, &column, Lacking::Holes)?;
                let row = |row: &JoinedRow| {
                    let [map, value] = row.rows;
                    let value = with(map.map(|row| &before.rows[row]), value.map(|row| &column.rows[row]));
                    Row { point: row.point.clone(), value }
                };
                Table { rows: joined.rows.iter().map(row).collect(), axes: joined.axes.clone(), column: None }
            }
        });
    }
    Ok(all.ok_or_else(|| Error::new("`table` needs at least one column").hint("`table(#{ mean: …, std: … })`"))?)
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Table>("Table")
        .register_iterator::<Table>()
        .register_global_module(rhai::exported_module!(functions).into());
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The number of points.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn len(table: &mut Table) -> INT {
        table.rows.len() as INT
    }

    /// A table of the closure's results: it is called with every value, and with a map of the axes' values if it takes two
    /// parameters.
    ///
    /// ```
    /// let table = sweep([axis("x", [1, 2])]).map(|p| p.x);
    /// print(table.map(|value| 10 * value).values());    // [10, 20]
    /// print(table.map(|value, p| value + 100 * p.x).values());    // [101, 202]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn map(context: NativeCallContext, table: Table, closure: FnPtr) -> Native<Table> {
        let rows = table.rows.iter().map(|row| (row.point.clone(), row.value.clone()));
        let mut takes_point = None;
        for_each_row(&context, table.axes.clone(), rows, |point, value| {
            let with_point = |value| closure.call_within_context(&context, (value, point_map(&table.axes, point)));
            match takes_point {
                Some(true) => with_point(value),
                Some(false) => closure.call_within_context(&context, (value,)),
                None => match closure.call_within_context(&context, (value.clone(),)) {
                    Err(error) if is_without(&error, &closure) => {
                        takes_point = Some(true);
                        with_point(value)
                    }
                    result => {
                        takes_point = Some(false);
                        result
                    }
                },
            }
        })
    }

    /// Tables as the columns of one, joined by the axes that they share.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2]), axis("seed", [0, 1])]).map(|p| p.x + p.seed);
    /// table(#{ mean: grid.mean_over("seed"), std: grid.std_over("seed") }).save("seeds.csv");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn table(context: NativeCallContext, columns: Map) -> Native<Table> {
        side_by_side(&context, columns)
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
        Ok(Table { rows: rows.collect(), axes: table.axes.clone(), column: Some(name.into()) })
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
            return Err(nothing_left(&table.axes).into());
        }
        Ok(table.narrowed(rows))
    }

    /// The points that have a value: without those whose closure failed, and those that a joined table lacks.
    ///
    /// ```
    /// let all = sweep([axis("x", [1, 2])]).map(|p| p.x);
    /// let some = sweep([axis("x", [2])]).map(|p| 10 * p.x);
    /// print((all + some).values());                    // [(), 22]
    /// print((all + some).without_holes().values());    // [22]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn without_holes(table: Table) -> Native<Table> {
        let rows: Vec<Row> = table.rows.iter().filter(|row| row.value.is_ok()).cloned().collect();
        if rows.is_empty() {
            return Err(Error::new("`without_holes`: no point has a value").into());
        }
        Ok(table.narrowed(rows))
    }

    /// The point with the greatest number, computed now: a map of the axes' values. The first of equal ones; points without a
    /// number are passed over, with a warning.
    ///
    /// ```
    /// print(sweep([axis("x", [1, 2, 3])]).map(|p| p.x * (4 - p.x)).argmax().x);    // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn argmax(context: NativeCallContext, table: Table) -> Native<Map> {
        best(&context, &table, "argmax", f64::gt)
    }

    /// The point with the least number; see `argmax`.
    ///
    /// ```
    /// print(sweep([axis("x", [1, 2, 3])]).map(|p| p.x * (4 - p.x)).argmin().x);    // 1
    /// ```
    #[rhai_fn(return_raw)]
    pub fn argmin(context: NativeCallContext, table: Table) -> Native<Map> {
        best(&context, &table, "argmin", f64::lt)
    }

    /// The rows in the order of their numbers, the least first, or the greatest first if `descending`; computed now. Points without
    /// a number come last. With the name of an axis, the rows in the order of its values.
    ///
    /// ```
    /// let table = sweep([axis("x", [3, 1, 2])]).map(|p| 10 * p.x);
    /// print(table.sort().values());        // [10, 20, 30]
    /// print(table.sort(true).values());    // [30, 20, 10]
    /// print(table.sort("x").values());     // [10, 20, 30]
    /// ```
    #[rhai_fn(name = "sort", return_raw)]
    pub fn sort(context: NativeCallContext, table: Table) -> Native<Table> {
        sort_with(context, table, false)
    }

    #[rhai_fn(name = "sort", return_raw)]
    pub fn sort_with(context: NativeCallContext, table: Table, descending: bool) -> Native<Table> {
        let numbers = numbers_now(&context, &table, "sort")?;
        Ok(ordered(&table, |i, j| {
            let (a, b) = if descending { (numbers[j], numbers[i]) } else { (numbers[i], numbers[j]) };
            numbers[i].is_nan().cmp(&numbers[j].is_nan()).then((a + 0.0).total_cmp(&(b + 0.0)))
        }))
    }

    #[rhai_fn(name = "sort", return_raw)]
    pub fn sort_by_axis(table: Table, axis: &str) -> Native<Table> {
        let axis = table.axis(axis)?;
        let values = table.axes[axis].values();
        let mut places: Vec<usize> = (0..values.len()).collect();
        places.sort_by(|&i, &j| values[i].order(&values[j]));
        let mut rank = vec![0; places.len()];
        places.iter().enumerate().for_each(|(i, &place)| rank[place] = i);
        let at = |row: usize| rank[table.rows[row].point[axis]];
        Ok(ordered(&table, |i, j| at(i).cmp(&at(j))))
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

    /// Saves a table in the run folder: a row per point, or per point and depth if the values are curves. The ending of the name
    /// is the format: `.csv`, `.json`, `.parquet`, `.tex` (a `tabular` of LaTeX) or `.md` (Markdown). The last two are for reading:
    /// numbers have seven digits, and known quantities their symbols.
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
