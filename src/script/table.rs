//! Axes and tables as scripts hold them, with any value for every point. Outputs show the [results](ResultTable) of a
//! table, which do not depend on Rhai.

use std::sync::Arc;

use rhai::{Array, Dynamic, Map};

use super::lazy::{Curve, Number};
use super::options::describe;
use crate::Error;
use crate::executor::Computed;
use crate::output::results::point_name;
use crate::output::scalar::Other;
use crate::output::{Entry, Point, ResultRow, ResultTable, Scalar, SweepAxis};

/// One parameter and its values, in the script's order.
#[derive(Debug, Clone)]
pub struct Axis {
    typed: Arc<SweepAxis>,
    /// The values as the script gave them; closures get these.
    given: Arc<[Dynamic]>,
}

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

impl Axis {
    /// An axis of these values.
    pub fn new(name: &str, given: impl Into<Arc<[Dynamic]>>) -> Self {
        let given = given.into();
        Self { typed: Arc::new(SweepAxis::new(name, given.iter().map(scalar).collect())), given }
    }

    /// The parameter's name.
    pub fn name(&self) -> &str {
        &self.typed.name
    }

    /// The values as the script gave them.
    pub fn given(&self) -> &[Dynamic] {
        &self.given
    }

    /// The values by type.
    pub fn values(&self) -> &[Scalar] {
        &self.typed.values
    }

    /// The axis with those of its values alone for which `is_wanted` holds.
    pub(super) fn filtered(&self, is_wanted: impl Fn(&Scalar) -> bool) -> Self {
        let kept = self.given.iter().zip(self.values()).filter(|(_, value)| is_wanted(value));
        Self::new(self.name(), kept.map(|(given, _)| given.clone()).collect::<Vec<_>>())
    }
}

/// A point as closures get it: a map of the axes' values.
pub(super) fn point_map(axes: &[Axis], point: &Point) -> Map {
    axes.iter().zip(point).map(|(axis, &i)| (axis.name().into(), axis.given[i].clone())).collect()
}

/// A point in words: "weight_var = 1.5, seed = 0".
pub(super) fn point_in_words(axes: &[Axis], point: &Point) -> String {
    point_name(&axes.iter().map(|axis| axis.typed.clone()).collect::<Vec<_>>(), point)
}

impl Table {
    /// The place of an axis among the axes.
    ///
    /// # Errors
    /// When there is none of this name.
    pub(super) fn axis(&self, name: &str) -> Result<usize, Error> {
        let axes: Arc<[_]> = self.axes.iter().map(|axis| axis.typed.clone()).collect();
        ResultTable { axes, columns: Arc::new([]), rows: Arc::new([]) }.axis(name)
    }

    /// The same table with the values of its axes that its rows have.
    pub(super) fn narrowed(self) -> Self {
        let mut axes = Vec::new();
        let mut rows = self.rows.to_vec();
        for (at, axis) in self.axes.iter().enumerate() {
            let mut places = vec![None; axis.values().len()];
            self.rows.iter().for_each(|row| places[row.point[at]] = Some(0));
            let mut kept = 0;
            for place in places.iter_mut().flatten() {
                *place = kept;
                kept += 1;
            }
            if kept == axis.values().len() {
                axes.push(axis.clone());
                continue;
            }
            let given = axis.given().iter().zip(&places).filter(|(_, place)| place.is_some());
            axes.push(Axis::new(axis.name(), given.map(|(value, _)| value.clone()).collect::<Vec<_>>()));
            rows.iter_mut().for_each(|row| row.point[at] = places[row.point[at]].unwrap_or_default());
        }
        Self { axes: axes.into(), rows: rows.into() }
    }

    /// What the table shows: one column "value", or a column for every key where values are maps.
    pub(super) fn results(&self) -> ResultTable {
        let maps = || self.rows.iter().filter_map(|row| row.value.as_ref().ok()?.read_lock::<Map>());
        let keys: Option<Vec<String>> = maps().next().map(|map| map.keys().map(ToString::to_string).collect());
        let entries = |value: &Dynamic| match (&keys, value.read_lock::<Map>()) {
            (None, _) => vec![entry(value)],
            (Some(keys), map) => {
                let of_key = |key: &String| map.as_ref().and_then(|map| map.get(key.as_str()));
                keys.iter().map(|key| of_key(key).map_or(Entry::Failed, entry)).collect()
            }
        };
        let failed = || vec![Entry::Failed; keys.as_ref().map_or(1, Vec::len)];
        let row = |row: &Row| ResultRow {
            point: row.point.clone(),
            entries: row.value.as_ref().map_or_else(|_| failed(), entries),
        };
        ResultTable {
            axes: self.axes.iter().map(|axis| axis.typed.clone()).collect(),
            rows: self.rows.iter().map(row).collect(),
            columns: keys.unwrap_or_else(|| vec!["value".to_owned()]).into(),
        }
    }

    /// The values as a script sees them: numbers and curves as they were computed, () where there is none.
    pub(super) fn values(&self, computed: &Computed) -> Array {
        let value = |row: &Row| match &row.value {
            Err(_) => Dynamic::UNIT,
            Ok(value) => match (entry(value), value.is::<Curve>()) {
                (Entry::Known(_) | Entry::List(_) | Entry::Failed, _) => value.clone(),
                (entry, is_curve) => match entry.numbers(computed) {
                    None => Dynamic::UNIT,
                    Some(numbers) if is_curve => numbers.into_iter().map(Dynamic::from_float).collect::<Array>().into(),
                    Some(numbers) => numbers.first().copied().map_or(Dynamic::UNIT, Dynamic::from_float),
                },
            },
        };
        self.rows.iter().map(value).collect()
    }
}

/// What a table shows of a value.
fn entry(value: &Dynamic) -> Entry {
    if let Some(curve) = value.read_lock::<Curve>() {
        return Entry::Curve { source: curve.source.clone(), length: curve.length, measured: curve.measured };
    }
    if let Some(number) = value.read_lock::<Number>() {
        return Entry::Number { source: number.source.clone(), quantity: number.quantity };
    }
    match value.read_lock::<Array>() {
        Some(list) => Entry::List(list.iter().map(scalar).collect()),
        None => Entry::Known(scalar(value)),
    }
}

/// A script's value by its type.
fn scalar(value: &Dynamic) -> Scalar {
    if let Ok(x) = value.as_float() {
        return Scalar::Number(x);
    }
    if let Ok(i) = value.as_int() {
        return Scalar::Integer(i);
    }
    if let Ok(b) = value.as_bool() {
        return Scalar::Bool(b);
    }
    if value.is_unit() {
        return Scalar::Empty;
    }
    match value.clone().into_string() {
        Ok(text) => Scalar::Text(text.into()),
        Err(_) => {
            let text = value.to_string();
            let json = serde_json::to_value(value).unwrap_or_else(|_| text.clone().into());
            Scalar::Other(Arc::new(Other { text, json, description: describe(value) }))
        }
    }
}
