//! Tables: a value for every point of a sweep.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, FnPtr, INT, Map};

use super::curve::{Curve, Number};
use super::sweep::{Axis, Point, for_each_row, point_name};
use crate::Error;
use crate::entropy::{Step, derive, numbers};
use crate::figure::Band;
use crate::script::options::{describe, number};
use crate::script::session::{Native, Session};
use crate::script::shown::{Shown, output_path};
use crate::work::{Described, Target, Value};

/// A value for every point of a sweep, or why there is none.
#[derive(Debug, Clone)]
pub struct Table {
    pub axes: Arc<[Axis]>,
    pub rows: Arc<[Row]>,
}

/// One point and what the script made of it.
#[derive(Debug, Clone)]
pub struct Row {
    pub point: Point,
    pub value: Result<Dynamic, Error>,
}

/// One cell, known now or later.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Later(Described),
    Now(Dynamic),
    Failed,
}

impl Content {
    fn of(value: &Dynamic) -> Self {
        if let Some(curve) = value.read_lock::<Curve>() {
            return Self::Later(curve.source.clone());
        }
        if let Some(number) = value.read_lock::<Number>() {
            return Self::Later(number.source.clone());
        }
        Self::Now(value.clone())
    }

    /// The value of a row with one column.
    pub(crate) fn of_row(row: &Row) -> Self {
        row.value.as_ref().map_or(Self::Failed, Self::of)
    }

    /// The quartiles over the batch at every depth, of a measure per sample.
    pub(crate) fn quartiles(&self, computed: &Computed) -> Option<Band> {
        let Self::Later(described) = self else { return None };
        let value = computed.get(&described.fingerprint())?.as_ref().ok()?;
        let (shape, samples) = value.f64s("samples").ok()?;
        let quantile = |share: f64| -> Vec<f64> {
            samples
                .chunks(shape[1].max(1))
                .map(|batch| {
                    let mut batch = batch.to_vec();
                    batch.sort_by(f64::total_cmp);
                    batch[((batch.len() - 1) as f64 * share).round() as usize]
                })
                .collect()
        };
        Some(Band { lo: quantile(0.25), hi: quantile(0.75) })
    }

    /// Its numbers, once `computed` knows them; none where it failed or is no number.
    pub(crate) fn numbers(&self, computed: &Computed) -> Option<Vec<f64>> {
        match self {
            Self::Later(described) => {
                let value = computed.get(&described.fingerprint())?.as_ref().ok()?;
                numbers(value).ok().map(<[f64]>::to_vec)
            }
            Self::Now(value) => number(value).map(|x| vec![x]),
            Self::Failed => None,
        }
    }
}

/// Results by fingerprint; absent ones are not computed yet.
pub(crate) type Computed = BTreeMap<crate::work::Fingerprint, crate::Result<Arc<Value>>>;

impl Table {
    /// A row's point in words.
    pub fn point_name(&self, row: &Row) -> String {
        point_name(&self.axes, &row.point)
    }

    /// The place of an axis.
    pub(crate) fn axis(&self, name: &str) -> Result<usize, Error> {
        self.axes.iter().position(|axis| axis.name == name).ok_or_else(|| {
            let names: Vec<_> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
            Error::new(format!("the sweep has no axis \"{name}\"")).hint(format!("its axes are {}", names.join(", ")))
        })
    }

    /// The columns behind the axes, and every row's cells: one column "value", or a map's keys.
    pub(crate) fn columns(&self) -> (Vec<String>, Vec<Vec<Content>>) {
        let map_of = |row: &Row| row.value.as_ref().ok().and_then(|value| value.read_lock::<Map>().map(|map| map.clone()));
        let keys: Option<Vec<String>> =
            self.rows.iter().find_map(map_of).map(|map| map.keys().map(ToString::to_string).collect());
        let cells = self.rows.iter().map(|row| match (&row.value, &keys) {
            (Err(_), keys) => vec![Content::Failed; keys.as_ref().map_or(1, Vec::len)],
            (Ok(value), None) => vec![Content::of(value)],
            (Ok(_), Some(keys)) => {
                let map = map_of(row).unwrap_or_default();
                keys.iter().map(|key| map.get(key.as_str()).map_or(Content::Failed, Content::of)).collect()
            }
        });
        let cells = cells.collect();
        (keys.unwrap_or_else(|| vec!["value".to_owned()]), cells)
    }

    /// What has to be computed for it.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let (_, cells) = self.columns();
        self.rows
            .iter()
            .zip(cells)
            .flat_map(|(row, cells)| {
                let point = self.point_name(row);
                cells.into_iter().filter_map(move |cell| match cell {
                    Content::Later(result) => Some(Target { point: point.clone(), result }),
                    _ => None,
                })
            })
            .collect()
    }

    /// As records: a row per point, and per depth where a cell is a curve.
    pub(crate) fn records(&self, computed: &Computed) -> (Vec<String>, Vec<Vec<Dynamic>>) {
        let (columns, cells) = self.columns();
        let cells: Vec<Vec<Option<Vec<f64>>>> =
            cells.iter().map(|row| row.iter().map(|cell| cell.numbers(computed)).collect()).collect();
        let (_, contents) = self.columns();
        let is_curve = |i: usize, j: usize| match &contents[i][j] {
            Content::Later(described) => {
                computed.get(&described.fingerprint()).is_some_and(|v| v.as_ref().is_ok_and(|v| v.array("curve").is_ok()))
            }
            _ => false,
        };
        let any_curve = (0..contents.len()).any(|i| (0..columns.len()).any(|j| is_curve(i, j)));
        let mut names: Vec<String> = self.axes.iter().map(|axis| axis.name.clone()).collect();
        if any_curve {
            names.push("depth".to_owned());
        }
        names.extend(columns);
        let mut records = Vec::new();
        for (i, row) in self.rows.iter().enumerate() {
            let depths = cells[i].iter().enumerate().filter(|(j, _)| is_curve(i, *j)).filter_map(|(_, c)| c.as_ref().map(Vec::len));
            for depth in 0..depths.max().unwrap_or(1) {
                let mut record = row.point.clone();
                if any_curve {
                    record.push(Dynamic::from_int(depth as INT + 1));
                }
                for (j, numbers) in cells[i].iter().enumerate() {
                    record.push(match (&contents[i][j], numbers) {
                        (Content::Now(value), None) => value.clone(),
                        (_, Some(numbers)) => numbers.get(depth).or(numbers.first().filter(|_| !is_curve(i, j))).map_or(Dynamic::UNIT, |&x| Dynamic::from_float(x)),
                        _ => Dynamic::UNIT,
                    });
                }
                records.push(record);
            }
        }
        (names, records)
    }
}

/// A cell of a CSV file, as pandas reads it.
pub(crate) fn csv_cell(value: &Dynamic) -> String {
    match value.as_float() {
        Ok(x) if x.is_nan() => "nan".into(),
        Ok(x) if x.is_infinite() => if x > 0.0 { "inf" } else { "-inf" }.into(),
        Ok(x) => format!("{x:?}"),
        Err(_) if value.is_unit() => String::new(),
        Err(_) => value.to_string(),
    }
}

/// The mean of numbers, or of curves depth by depth.
fn mean(values: &[&Dynamic]) -> Result<Dynamic, Error> {
    if let Some(numbers) = values.iter().map(|value| number(value)).collect::<Option<Vec<f64>>>() {
        return Ok(Dynamic::from_float(numbers.iter().sum::<f64>() / numbers.len() as f64));
    }
    let curves: Option<Vec<Curve>> = values.iter().map(|value| Some(value.read_lock::<Curve>()?.clone())).collect();
    if let Some(curves) = curves {
        if let Some(other) = curves.iter().find(|curve| curve.length != curves[0].length) {
            let message = format!("a mean over curves of {} and {} depths", curves[0].length, other.length);
            return Err(Error::new(message));
        }
        let source = derive(Step::Mean, curves.iter().map(|curve| curve.source.clone()).collect());
        return Ok(Dynamic::from(Curve { source, length: curves[0].length }));
    }
    let sources: Option<Vec<Described>> = values
        .iter()
        .map(|value| match (value.read_lock::<Number>(), number(value)) {
            (Some(number), _) => Some(number.source.clone()),
            (None, Some(value)) => Some(derive(Step::Constant { value }, Vec::new())),
            _ => None,
        })
        .collect();
    match sources {
        Some(sources) => Ok(Dynamic::from(Number { source: derive(Step::Mean, sources) })),
        None => Err(Error::new(format!("no mean of {}; it is taken over numbers or curves", describe(values[0])))),
    }
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Table>("Table").register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// How many points there are.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn len(table: &mut Table) -> INT {
        table.rows.len() as INT
    }

    /// Calls `closure` with every value, and makes a table of what it gives.
    #[rhai_fn(return_raw)]
    pub fn map(context: NativeCallContext, table: Table, closure: FnPtr) -> Native<Table> {
        let rows = table.rows.iter().map(|row| (row.point.clone(), row.value.clone().map(|value| (value,))));
        for_each_row(&context, &closure, table.axes.clone(), rows)
    }

    /// One column of a table whose values are maps.
    ///
    /// ```
    /// let table = sweep([axis("x", [1, 2])]).map(|p| #{ double: 2 * p.x, square: p.x * p.x });
    /// print(table.column("square").values());    // [1, 4]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn column(table: Table, name: &str) -> Native<Table> {
        let (columns, _) = table.columns();
        if !columns.iter().any(|column| column == name) {
            return Err(Error::new(format!("the table has no column \"{name}\""))
                .hint(format!("its columns are {}", columns.join(", ")))
                .into());
        }
        let cell = |value: &Dynamic| {
            let map = value.read_lock::<Map>().ok_or_else(|| Error::new("a row without columns"))?;
            map.get(name).cloned().ok_or_else(|| Error::new(format!("no \"{name}\" at this point")))
        };
        let rows = table.rows.iter().map(|row| Row {
            point: row.point.clone(),
            value: row.value.as_ref().map_err(Clone::clone).and_then(cell),
        });
        Ok(Table { rows: rows.collect(), axes: table.axes.clone() })
    }

    /// The mean over the points that differ in one axis alone, such as a seed.
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
        let mut groups: Vec<(String, Point, Vec<&Row>)> = Vec::new();
        for row in &*table.rows {
            let mut point = row.point.clone();
            drop(point.remove(over));
            let name = point_name(&axes, &point);
            match groups.iter_mut().find(|(known, ..)| *known == name) {
                Some((.., rows)) => rows.push(row),
                None => groups.push((name, point, vec![row])),
            }
        }
        let rows: Result<Vec<Row>, Error> = groups
            .into_iter()
            .map(|(_, point, rows)| {
                let values: Result<Vec<&Dynamic>, Error> =
                    rows.iter().map(|row| row.value.as_ref().map_err(Clone::clone)).collect();
                // A mean over fewer points than the others would look like theirs: a failed one is a hole.
                let values = match values {
                    Ok(values) => values,
                    Err(error) => return Ok(Row { point, value: Err(error) }),
                };
                Ok(Row { point, value: Ok(mean(&values)?) })
            })
            .collect();
        Ok(Table { axes, rows: rows?.into() })
    }

    /// The points for which `closure`, given the point, says true.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2, 3])]).map(|p| p.x);
    /// print(grid.where(|p| p.x > 1).values());    // [2, 3]
    /// ```
    #[rhai_fn(name = "where", return_raw)]
    pub fn rows_where(context: NativeCallContext, table: Table, closure: FnPtr) -> Native<Table> {
        let mut rows = Vec::new();
        for row in &*table.rows {
            let named: Map = table.axes.iter().zip(&row.point).map(|(a, v)| (a.name.as_str().into(), v.clone())).collect();
            if closure.call_within_context::<bool>(&context, (named,))? {
                rows.push(row.clone());
            }
        }
        if rows.is_empty() {
            return Err(Error::new("no point is left").into());
        }
        Ok(Table { rows: rows.into(), axes: table.axes.clone() })
    }

    /// The values as an array, in the order of the points; numbers and curves are computed now. A failed point is ().
    #[rhai_fn(return_raw)]
    pub fn values(context: NativeCallContext, table: Table) -> Native<Array> {
        let session = Session::of(&context)?;
        let computed = session.computed(table.targets())?;
        let value = |row: &Row| match row.value.as_ref().map(Content::of) {
            Ok(Content::Now(value)) => value,
            Ok(later) => {
                let is_curve = row.value.as_ref().is_ok_and(Dynamic::is::<Curve>);
                match later.numbers(&computed) {
                    Some(numbers) if is_curve => numbers.into_iter().map(Dynamic::from_float).collect::<Array>().into(),
                    Some(numbers) => Dynamic::from_float(numbers[0]),
                    None => Dynamic::UNIT,
                }
            }
            Err(_) => Dynamic::UNIT,
        };
        Ok(table.rows.iter().map(value).collect())
    }

    /// Writes a table into the run folder, as .csv or .json by its name: a row per point, and per depth where values are
    /// curves.
    ///
    /// ```
    /// sweep([axis("x", [1, 2])]).map(|p| p.x * p.x).save("squares.csv");
    /// ```
    #[rhai_fn(name = "save", return_raw)]
    pub fn save_table(context: NativeCallContext, table: Table, path: &str) -> Native<Table> {
        match Path::new(path).extension().and_then(|e| e.to_str()) {
            Some("csv" | "json") => {}
            _ => return Err(Error::new(format!("a table is saved as .csv or .json, not as \"{path}\"")).into()),
        }
        Session::of(&context)?.show(Shown::Table { table: table.clone(), path: output_path(path)? });
        Ok(table)
    }

    /// As `print` shows it: computed now.
    #[rhai_fn(name = "to_string", name = "to_debug", return_raw)]
    pub fn table_to_string(context: NativeCallContext, table: &mut Table) -> Native<String> {
        let session = Session::of(&context)?;
        let computed = session.computed(table.targets())?;
        let (names, records) = table.records(&computed);
        let rows: Vec<Vec<String>> = std::iter::once(names)
            .chain(records.iter().map(|record| record.iter().map(csv_cell).collect()))
            .collect();
        let widths: Vec<usize> = (0..rows[0].len()).map(|c| rows.iter().map(|row| row[c].len()).max().unwrap_or(0)).collect();
        let line = |row: &Vec<String>| {
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}")).collect::<Vec<_>>().join("  ")
        };
        Ok(rows.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}
