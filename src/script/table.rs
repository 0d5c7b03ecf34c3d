//! Tables: a value for every point of a sweep, computed later where it is a curve or a number.

use std::sync::Arc;

use rhai::{Array, Dynamic, INT, Map};

use super::Records;
use super::later::{Curve, Number};
use super::options::number;
use crate::Error;
use crate::entropy::numbers;
use crate::executor::Computed;
use crate::figure::Band;
use crate::work::{Described, Target, Value};

/// One parameter and its values, in the script's order.
#[derive(Debug, Clone)]
pub struct Axis {
    pub name: String,
    pub values: Arc<[Dynamic]>,
}

/// The values of the axes at one point, in the order of the axes.
pub type Point = Vec<Dynamic>;

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
    Curve(Described),
    Number(Described),
    Now(Dynamic),
    Failed,
}

impl Content {
    /// The value of a row with one column.
    pub(crate) fn of_row(row: &Row) -> Self {
        row.value.as_ref().map_or(Self::Failed, Self::of)
    }

    fn of(value: &Dynamic) -> Self {
        if let Some(curve) = value.read_lock::<Curve>() {
            return Self::Curve(curve.source.clone());
        }
        if let Some(number) = value.read_lock::<Number>() {
            return Self::Number(number.source.clone());
        }
        Self::Now(value.clone())
    }

    /// What has to be computed for it.
    pub(crate) fn source(&self) -> Option<&Described> {
        match self {
            Self::Curve(source) | Self::Number(source) => Some(source),
            Self::Now(_) | Self::Failed => None,
        }
    }

    /// What was computed for it, if it has been, successfully.
    fn computed<'a>(&self, computed: &'a Computed) -> Option<&'a Value> {
        computed.get(&self.source()?.fingerprint())?.as_deref().ok()
    }

    /// Its numbers, once `computed` knows them; none where it failed or is no number.
    pub(crate) fn numbers(&self, computed: &Computed) -> Option<Vec<f64>> {
        match self {
            Self::Now(value) => number(value).map(|x| vec![x]),
            _ => numbers(self.computed(computed)?).ok().map(<[f64]>::to_vec),
        }
    }

    /// The quartiles over the batch at every depth, of a measure per sample.
    pub(crate) fn quartiles(&self, computed: &Computed) -> Option<Band> {
        let (shape, samples) = self.computed(computed)?.f64s("samples").ok()?;
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

    /// What a script sees of it: numbers as arrays or numbers, () where there is none.
    pub(crate) fn value(&self, computed: &Computed) -> Dynamic {
        match (self, self.numbers(computed)) {
            (Self::Now(value), _) => value.clone(),
            (Self::Curve(_), Some(numbers)) => numbers.into_iter().map(Dynamic::from_float).collect::<Array>().into(),
            (_, numbers) => {
                numbers.and_then(|numbers| numbers.first().copied()).map_or(Dynamic::UNIT, Dynamic::from_float)
            }
        }
    }
}

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
        let map_of =
            |row: &Row| row.value.as_ref().ok().and_then(|value| value.read_lock::<Map>().map(|map| map.clone()));
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

    /// The same with other descriptions of what is computed later.
    pub(crate) fn renamed(&self, name: &mut dyn FnMut(&Described) -> Described) -> Self {
        let mut value = |value: &Dynamic| -> Dynamic {
            if let Some(curve) = value.read_lock::<Curve>() {
                return Dynamic::from(Curve { source: name(&curve.source), ..*curve });
            }
            if let Some(number) = value.read_lock::<Number>() {
                return Dynamic::from(Number { source: name(&number.source) });
            }
            value.clone()
        };
        let row = |row: &Row| Row {
            point: row.point.clone(),
            value: row.value.as_ref().map_err(Clone::clone).map(|held| match held.read_lock::<Map>() {
                Some(map) => map.iter().map(|(key, held)| (key.clone(), value(held))).collect::<Map>().into(),
                None => value(held),
            }),
        };
        Self { axes: self.axes.clone(), rows: self.rows.iter().map(row).collect() }
    }

    /// What has to be computed for it.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let (_, cells) = self.columns();
        self.rows
            .iter()
            .zip(cells)
            .flat_map(|(row, cells)| {
                let point = self.point_name(row);
                cells
                    .into_iter()
                    .filter_map(move |cell| Some(Target { point: point.clone(), result: cell.source()?.clone() }))
            })
            .collect()
    }

    /// As records: a row per point, and per depth where a cell is a curve.
    pub(crate) fn records(&self, computed: &Computed) -> Records {
        let (columns, cells) = self.columns();
        let with_depth = cells.iter().flatten().any(|cell| matches!(cell, Content::Curve(_)));
        let axes = self.axes.iter().map(|axis| axis.name.clone());
        let names = axes.chain(with_depth.then(|| "depth".to_owned())).chain(columns).collect();
        let mut records = Vec::new();
        for (row, cells) in self.rows.iter().zip(cells) {
            let values: Vec<Dynamic> = cells.iter().map(|cell| cell.value(computed)).collect();
            let length = |value: &Dynamic| value.read_lock::<Array>().map(|array| array.len());
            // A row whose curves are not there keeps one line, so that the hole is seen.
            for depth in 0..values.iter().filter_map(length).max().unwrap_or(1) {
                let at_depth = |value: &Dynamic| match value.read_lock::<Array>() {
                    Some(array) => array.get(depth).cloned().unwrap_or(Dynamic::UNIT),
                    None => value.clone(),
                };
                let depth = with_depth.then(|| Dynamic::from_int(depth as INT + 1));
                records.push(row.point.iter().cloned().chain(depth).chain(values.iter().map(at_depth)).collect());
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

/// A point in words: "weight_var = 1.5, seed = 0".
pub(crate) fn point_name(axes: &[Axis], point: &Point) -> String {
    let pairs: Vec<String> =
        axes.iter().zip(point).map(|(axis, value)| format!("{} = {}", axis.name, readable(value))).collect();
    pairs.join(", ")
}

/// A value for people: 1.8 where the number next to it, 1.7999999999999998, was meant.
pub(crate) fn readable(value: &Dynamic) -> String {
    const DIGITS: usize = 6;
    match value.as_float() {
        Ok(x) if x.is_finite() => {
            let rounded: f64 = format!("{x:.DIGITS$e}").parse().unwrap_or(x);
            Dynamic::from_float(rounded).to_string()
        }
        _ => value.to_string(),
    }
}
