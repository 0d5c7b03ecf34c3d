//! Axes and tables as scripts hold them, with any value for every point. Outputs show the [results](ResultTable) of a
//! table, which do not depend on Rhai.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::decimal;
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
    /// The places of the values that the script listed, of which some may be equal.
    listed: Arc<[usize]>,
}

/// Axes that advance together: a list of points over them. A lone axis is one as well.
#[derive(Debug, Clone)]
pub struct PointList {
    pub axes: Arc<[Axis]>,
    pub points: Arc<[Point]>,
}

/// A value for every point of a sweep, or why there is none.
#[derive(Debug, Clone)]
pub struct Table {
    pub axes: Arc<[Axis]>,
    pub rows: Arc<[Row]>,
    /// The name that its values had as one of several columns.
    pub column: Option<ImmutableString>,
}

/// One point and what the script made of it.
#[derive(Debug, Clone)]
pub struct Row {
    pub point: Point,
    pub value: Result<Dynamic, Error>,
}

impl Axis {
    /// An axis of these values, which all differ.
    pub fn new(name: &str, given: impl Into<Arc<[Dynamic]>>) -> Self {
        let given = given.into();
        let typed = Arc::new(SweepAxis::new(name, given.iter().map(scalar).collect()));
        Self { typed, listed: (0..given.len()).collect(), given }
    }

    /// An axis of values that a script lists, without their rounding errors; equal ones are one value.
    pub fn listing(name: &str, values: Array) -> Self {
        let (mut given, mut listed) = (Vec::new(), Vec::with_capacity(values.len()));
        let mut known = BTreeMap::<String, usize>::new();
        for value in values {
            let value = value.as_float().map_or(value, |x| Dynamic::from_float(decimal::meant(x)));
            let key = scalar(&value).key();
            let place = key.as_ref().and_then(|key| known.get(key)).copied().unwrap_or(given.len());
            if place == given.len() {
                known.extend(key.map(|key| (key, place)));
                given.push(value);
            }
            listed.push(place);
        }
        Self { listed: listed.into(), ..Self::new(name, given) }
    }

    /// The places of the values in the order in which the script listed them.
    pub fn listed(&self) -> &[usize] {
        &self.listed
    }

    /// The values that the script listed several times, in words.
    pub fn repeated(&self) -> Vec<String> {
        /// More of them are counted.
        const LISTED: usize = 6;
        let mut times = vec![0; self.given.len()];
        self.listed.iter().for_each(|&place| times[place] += 1);
        let repeated = self.given.iter().zip(times).filter(|(_, times)| *times > 1);
        let mut words: Vec<String> =
            repeated.map(|(value, times)| format!("{} {times} times", describe(value))).collect();
        if words.len() > LISTED {
            let rest = words.split_off(LISTED).len();
            words.push(format!("and {rest} more"));
        }
        words
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

    /// Whether both are one axis, so that their values need no comparison.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.typed, &other.typed)
    }
}

impl From<Axis> for PointList {
    fn from(axis: Axis) -> Self {
        Self { points: (0..axis.values().len()).map(|i| vec![i]).collect(), axes: Arc::new([axis]) }
    }
}

impl PointList {
    /// Axes that advance together, each the points of one list. Equal points are one; the number of the others.
    pub fn together(axes: Vec<Axis>, points: impl Iterator<Item = Point>) -> (Self, usize) {
        let mut known = BTreeSet::new();
        let mut repeated = 0;
        let mut distinct: Vec<Point> = Vec::new();
        for point in points {
            if known.insert(point.clone()) {
                distinct.push(point);
            } else {
                repeated += 1;
            }
        }
        (Self { axes: axes.into(), points: distinct.into() }, repeated)
    }

    /// The points that are wanted, on axes with the values that these have; `None` if there are none.
    pub fn filtered(&self, mut is_wanted: impl FnMut(&Point) -> bool) -> Option<Self> {
        let mut points: Vec<Point> = self.points.iter().filter(|point| is_wanted(point)).cloned().collect();
        if points.is_empty() {
            return None;
        }
        let axes = narrow(&self.axes, points.iter_mut().collect());
        Some(Self { axes, points: points.into() })
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

/// The axes with the values alone that some points have; the points are places on these axes afterwards.
pub(super) fn narrow(axes: &[Axis], mut points: Vec<&mut Point>) -> Arc<[Axis]> {
    let narrow = |(at, axis): (usize, &Axis)| {
        let mut places = vec![None; axis.values().len()];
        points.iter().for_each(|point| places[point[at]] = Some(0));
        let mut kept = 0;
        for place in places.iter_mut().flatten() {
            *place = kept;
            kept += 1;
        }
        if kept == axis.values().len() {
            return axis.clone();
        }
        points.iter_mut().for_each(|point| point[at] = places[point[at]].unwrap_or_default());
        let given = axis.given().iter().zip(&places).filter(|(_, place)| place.is_some());
        Axis::new(axis.name(), given.map(|(value, _)| value.clone()).collect::<Vec<_>>())
    };
    axes.iter().enumerate().map(narrow).collect()
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

    /// A table of these rows, whose axes have the values that the rows have.
    pub(super) fn narrowed(&self, mut rows: Vec<Row>) -> Self {
        let axes = narrow(&self.axes, rows.iter_mut().map(|row| &mut row.point).collect());
        Self { axes, rows: rows.into(), column: self.column.clone() }
    }

    /// What the table shows: one column "value", or a column for every key where values are maps.
    pub(super) fn results(&self) -> ResultTable {
        let maps = self.rows.iter().filter_map(|row| row.value.as_ref().ok()?.read_lock::<Map>());
        // The keys of all maps: a point that lacks some of them has holes there.
        let mut keys: Option<BTreeSet<String>> = None;
        for map in maps {
            let known = keys.get_or_insert_default();
            let new = map.keys().filter(|key| !known.contains(key.as_str())).map(ToString::to_string);
            let new: Vec<String> = new.collect();
            known.extend(new);
        }
        let keys: Option<Vec<String>> = keys.map(|keys| keys.into_iter().collect());
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
            columns: keys.unwrap_or_else(|| vec![self.column.as_deref().unwrap_or("value").to_owned()]).into(),
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

/// The rows as a loop gets them: maps with `point` and `value`.
impl IntoIterator for Table {
    type Item = Map;
    type IntoIter = Box<dyn Iterator<Item = Map>>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new((0..self.rows.len()).map(move |i| {
            let row = &self.rows[i];
            let point = Dynamic::from(point_map(&self.axes, &row.point));
            let value = row.value.as_ref().map_or(Dynamic::UNIT, Clone::clone);
            [("point".into(), point), ("value".into(), value)].into_iter().collect()
        }))
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
pub(super) fn scalar(value: &Dynamic) -> Scalar {
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
