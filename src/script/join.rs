//! Tables joined by the axes that they share: points go together that have equal values of all of these.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::Dynamic;

use super::table::{Axis, Table, narrow, point_in_words};
use crate::Error;
use crate::output::{Point, Scalar};

/// Two tables side by side.
pub(super) struct Joined {
    /// The axes of the first table, with the values of the second as well, and those that only the second has.
    pub axes: Arc<[Axis]>,
    pub rows: Vec<JoinedRow>,
    /// Says which points only one of the tables has.
    pub holes: Option<Error>,
}

/// What becomes of points that only one of two tables has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Lacking {
    Holes,
    LeftOut,
}

/// A point, and the row of each table there; `None` where a table lacks it.
pub(super) struct JoinedRow {
    pub point: Point,
    pub rows: [Option<usize>; 2],
}

/// An axis of both tables.
struct Shared {
    /// Its place among the axes of each table.
    at: [usize; 2],
    /// With the values of both.
    axis: Axis,
    /// Where the values of each table are on it.
    places: [Vec<usize>; 2],
}

impl Joined {
    /// Joins two tables. A point that only one of them has can be a row where its place is known, that is, where the other table
    /// has no axis of its own; `holes` says where there are such points. An axis that has one value in each table, and not the
    /// same one, is left out: `adam - ridge`, of which each has one value of the axis "solver".
    ///
    /// # Errors
    /// When the tables share no axis or no point, or have more than `most` points together.
    pub fn new(a: &Table, b: &Table, lacking_are: Lacking, most: usize) -> Result<Self, Error> {
        let (shared, fixed) = shared_axes(a, b)?;
        if shared.is_empty() && fixed.is_empty() && !a.axes.is_empty() && !b.axes.is_empty() {
            let names = |table: &Table| table.axes.iter().map(Axis::name).collect::<Vec<_>>().join(", ");
            let message = format!("the tables share no axis: one has {}, the other {}", names(a), names(b));
            return Err(Error::new(message)
                .hint("tables are joined by the values of axes of the same name: make both with such an axis"));
        }
        let places = |table: &Table, side: usize| -> Vec<Vec<usize>> {
            let at = |point: &Point| shared.iter().map(|s| s.places[side][point[s.at[side]]]).collect();
            table.rows.iter().map(|row| at(&row.point)).collect()
        };
        let (of_a, of_b) = (places(a, 0), places(b, 1));
        let pairs = Pairs::new(&of_a, &of_b, most)?;
        if pairs.rows.is_empty() && !a.rows.is_empty() && !b.rows.is_empty() {
            return Err(no_point_in_common(&shared));
        }
        let own = |table: &Table, side: usize| -> Vec<usize> {
            let taken: BTreeSet<usize> =
                shared.iter().map(|s| s.at[side]).chain(fixed.iter().map(|f| f[side])).collect();
            (0..table.axes.len()).filter(|axis| !taken.contains(axis)).collect()
        };
        let own = [own(a, 0), own(b, 1)];
        let kept = [1, 0].map(|other: usize| lacking_are == Lacking::Holes && own[other].is_empty());
        let row = |rows: [Option<usize>; 2]| {
            let [at_a, at_b] = rows.map(Option::unwrap_or_default);
            let mut point = if rows[0].is_some() { of_a[at_a].clone() } else { of_b[at_b].clone() };
            point.extend(rows[0].iter().flat_map(|_| own[0].iter().map(|&axis| a.rows[at_a].point[axis])));
            point.extend(rows[1].iter().flat_map(|_| own[1].iter().map(|&axis| b.rows[at_b].point[axis])));
            JoinedRow { point, rows }
        };
        let lacks = |side: usize| pairs.alone[side].iter().filter(move |_| kept[side]);
        let rows = pairs.rows.iter().map(|&[i, j]| [Some(i), Some(j)]);
        let rows = rows.chain(lacks(0).map(|&i| [Some(i), None])).chain(lacks(1).map(|&j| [None, Some(j)]));
        let axes = shared.iter().map(|s| s.axis.clone());
        let axes =
            axes.chain(own[0].iter().map(|&i| a.axes[i].clone())).chain(own[1].iter().map(|&i| b.axes[i].clone()));
        let mut rows: Vec<JoinedRow> = rows.map(row).collect();
        // In the order of the first table, whose holes stand at the end so far.
        rows.sort_by_key(|row| row.rows[0].unwrap_or(usize::MAX));
        let mut joined = Self { axes: axes.collect(), rows, holes: holes([a, b], &pairs.alone, kept) }.in_order(a);
        // Without the values of points that are left out.
        joined.axes = narrow(&joined.axes, joined.rows.iter_mut().map(|row| &mut row.point).collect());
        Ok(joined)
    }

    /// The rows of both tables at the points that both have.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        self.rows.iter().filter_map(|row| Some((row.rows[0]?, row.rows[1]?)))
    }

    /// The values of both tables at every point.
    pub fn values(&self, a: &Table, b: &Table) -> impl Iterator<Item = (Point, Result<(Dynamic, Dynamic), Error>)> {
        let value = |table: &Table, row: Option<usize>, which: &str| match row {
            Some(row) => table.rows[row].value.clone(),
            None => Err(Error::new(format!("the {which} table lacks this point"))),
        };
        self.rows.iter().map(move |row| {
            let [of_a, of_b] = row.rows;
            let both = value(a, of_a, "first").and_then(|of_a| Ok((of_a, value(b, of_b, "second")?)));
            (row.point.clone(), both)
        })
    }

    /// The axes of the first table in its order, before those of the second.
    fn in_order(self, a: &Table) -> Self {
        let rank = |axis: &Axis| a.axes.iter().position(|of_a| of_a.name() == axis.name()).unwrap_or(usize::MAX);
        let mut order: Vec<usize> = (0..self.axes.len()).collect();
        order.sort_by_key(|&i| rank(&self.axes[i]));
        let axes = order.iter().map(|&i| self.axes[i].clone()).collect();
        let row = |row: JoinedRow| JoinedRow { point: order.iter().map(|&i| row.point[i]).collect(), ..row };
        Self { axes, rows: self.rows.into_iter().map(row).collect(), ..self }
    }
}

/// The rows of two tables that go together.
struct Pairs {
    rows: Vec<[usize; 2]>,
    /// Rows of each table without a partner.
    alone: [Vec<usize>; 2],
}

impl Pairs {
    /// Rows by their places on the shared axes.
    fn new(of_a: &[Vec<usize>], of_b: &[Vec<usize>], most: usize) -> Result<Self, Error> {
        let mut rows_of_b: BTreeMap<&[usize], Vec<usize>> = BTreeMap::new();
        of_b.iter().enumerate().for_each(|(row, at)| rows_of_b.entry(at).or_default().push(row));
        let partners = |at: &Vec<usize>| rows_of_b.get(&at[..]).map_or(&[][..], Vec::as_slice);
        let count: usize = of_a.iter().map(|at| partners(at).len()).sum();
        if count > most {
            return Err(Error::new(format!("the joined table has {count} points; at most {most}"))
                .hint("join tables that share more axes, or raise the limit: --max-points N"));
        }
        let rows = of_a.iter().enumerate().flat_map(|(i, at)| partners(at).iter().map(move |&j| [i, j])).collect();
        let of_a_alone = (0..of_a.len()).filter(|&i| partners(&of_a[i]).is_empty()).collect();
        let known: BTreeSet<&[usize]> = of_a.iter().map(Vec::as_slice).collect();
        let of_b_alone = (0..of_b.len()).filter(|&j| !known.contains(&of_b[j][..])).collect();
        Ok(Self { rows, alone: [of_a_alone, of_b_alone] })
    }
}

/// The axes of both tables; apart, the places of those that have one value in each, and not the same.
fn shared_axes(a: &Table, b: &Table) -> Result<(Vec<Shared>, Vec<[usize; 2]>), Error> {
    let (mut shared, mut fixed) = (Vec::new(), Vec::new());
    for (i, of_a) in a.axes.iter().enumerate() {
        let Some(j) = b.axes.iter().position(|of_b| of_b.name() == of_a.name()) else { continue };
        let one = united(of_a, &b.axes[j], [i, j])?;
        let is_fixed = of_a.values().len() == 1 && b.axes[j].values().len() == 1 && one.axis.values().len() == 2;
        if is_fixed { fixed.push([i, j]) } else { shared.push(one) }
    }
    Ok((shared, fixed))
}

/// One axis with the values of two of the same name: those of the first, then what only the second has.
fn united(a: &Axis, b: &Axis, at: [usize; 2]) -> Result<Shared, Error> {
    let whole = |axis: &Axis| (0..axis.values().len()).collect::<Vec<_>>();
    if a.is_same(b) {
        return Ok(Shared { at, axis: a.clone(), places: [whole(a), whole(b)] });
    }
    let keys = |axis: &Axis| -> Result<Vec<String>, Error> {
        let keys: Vec<String> = axis.values().iter().map(key).collect();
        if keys.iter().collect::<BTreeSet<_>>().len() < keys.len() {
            let message =
                format!("tables are not joined by the axis \"{}\": its values cannot be told apart", axis.name());
            return Err(Error::new(message).hint("give the axis names, and look the values up in a map"));
        }
        Ok(keys)
    };
    let keys = [keys(a)?, keys(b)?];
    let mut known: BTreeMap<&str, usize> = keys[0].iter().enumerate().map(|(i, key)| (key.as_str(), i)).collect();
    let mut given = a.given().to_vec();
    let of_b = keys[1].iter().zip(b.given()).map(|(key, value)| {
        *known.entry(key).or_insert_with(|| {
            given.push(value.clone());
            given.len() - 1
        })
    });
    let places = [whole(a), of_b.collect()];
    let axis = if given.len() == a.values().len() { a.clone() } else { Axis::new(a.name(), given) };
    Ok(Shared { at, axis, places })
}

/// Equal for equal values.
fn key(value: &Scalar) -> String {
    value.key().unwrap_or_else(|| format!("{value:?}"))
}

fn no_point_in_common(shared: &[Shared]) -> Error {
    const LISTED: usize = 4;
    let listed = |s: &Shared, side: usize| {
        let labels: Vec<String> = s.places[side].iter().take(LISTED).map(|&i| s.axis.values()[i].label()).collect();
        labels.join(", ") + if s.places[side].len() > LISTED { ", …" } else { "" }
    };
    let axis = |s: &Shared| format!("{} is {} in one and {} in the other", s.axis.name(), listed(s, 0), listed(s, 1));
    let axes: Vec<String> = shared.iter().map(axis).collect();
    Error::new(format!("the tables have no point in common: {}", axes.join("; ")))
        .hint("tables are joined by equal values of the axes that both have")
}

/// What one table has and the other lacks, in words. `kept` says whether these points are rows of the result.
fn holes(tables: [&Table; 2], lacking: &[Vec<usize>; 2], kept: [bool; 2]) -> Option<Error> {
    let side = |side: usize| {
        let first = *lacking[side].first()?;
        let table = tables[side];
        let (n, all) = (lacking[side].len(), table.rows.len());
        let (has, are, other) =
            (["first", "second"][side], if n == 1 { "is" } else { "are" }, ["second", "first"][side]);
        let what = if kept[side] { "holes" } else { "left out" };
        let what = if n == 1 && kept[side] { "a hole" } else { what };
        let point = point_in_words(&table.axes, &table.rows[first].point);
        let at = if n == 1 { "at" } else { "the first at" };
        Some(format!("{n} of {all} points of the {has} table {are} not in the {other} and {are} {what}, {at} {point}"))
    };
    let sides: Vec<String> = [side(0), side(1)].into_iter().flatten().collect();
    (!sides.is_empty()).then(|| Error::new(format!("joined tables: {}", sides.join("; "))))
}
