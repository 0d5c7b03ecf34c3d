//! Points: the rows of tables that results belong to, each counted once however many outputs show it.
//!
//! Rows are known by their names and by the results that they rest on. The same row of a table, of one of its columns, or
//! of what follows from it is one point; rows of different tables are different points, even if they are named alike. What
//! only sums up other rows, such as a mean over seeds, is no further point.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fingerprint, Target};

/// The results that a row rests on, and whether each has to be computed.
pub(crate) type RestsOn = BTreeMap<Fingerprint, bool>;

/// A row: its name and what it rests on.
pub(crate) type RowKey<'a> = (&'a str, &'a RestsOn);

/// The rows of each point, in order of its first row.
pub(crate) fn points(rows: &[RowKey<'_>]) -> Vec<Vec<usize>> {
    let groups = same_rows(rows);
    let results = |group: &[usize]| -> BTreeSet<Fingerprint> {
        group.iter().flat_map(|&row| rows[row].1.keys().copied()).collect()
    };
    let mut sized: Vec<(BTreeSet<Fingerprint>, Vec<usize>)> =
        groups.into_iter().map(|group| (results(&group), group)).collect();
    // Few results first; of as many, rows of a sweep before what has no row.
    let order = |(results, group): &(BTreeSet<Fingerprint>, Vec<usize>)| (results.len(), !is_row(rows[group[0]].0));
    sized.sort_by_key(order);
    let mut covered = BTreeSet::new();
    let mut found = Vec::new();
    for same in sized.chunk_by(|a, b| order(a) == order(b)) {
        found.extend(same.iter().filter(|(results, _)| !results.is_subset(&covered)).map(|(_, group)| group.clone()));
        same.iter().for_each(|(results, _)| covered.extend(results));
    }
    found.sort_by_key(|group| group[0]);
    found
}

/// Whether a name is that of a sweep's point, such as "weight_var = 1.5".
fn is_row(name: &str) -> bool {
    name.contains(" = ")
}

/// Groups of rows with one name of which each shares a result with another.
fn same_rows(rows: &[RowKey<'_>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut group_of = BTreeMap::<(&str, Fingerprint), usize>::new();
    for (row, (name, results)) in rows.iter().enumerate() {
        let known: BTreeSet<usize> =
            results.keys().filter_map(|result| group_of.get(&(*name, *result)).copied()).collect();
        let mut known = known.into_iter();
        let first = known.next().unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        for other in known {
            let moved = std::mem::take(&mut groups[other]);
            for &row in &moved {
                rows[row].1.keys().for_each(|result| _ = group_of.insert((name, *result), first));
            }
            groups[first].extend(moved);
        }
        groups[first].push(row);
        results.keys().for_each(|result| _ = group_of.insert((name, *result), first));
    }
    groups.retain(|group| !group.is_empty());
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups
}

/// A point of a plan.
#[derive(Debug, Clone)]
pub struct PlannedPoint {
    /// The name of its row: "weight_var = 1.5, seed = 0".
    pub name: String,
    /// Its targets, by their numbers in the plan.
    pub targets: Vec<usize>,
    /// Whether any of it has to be computed.
    pub is_work: bool,
}

/// The points of some targets, from what each rests on.
pub(super) fn planned(targets: &[Target], rest_on: &[RestsOn]) -> Vec<PlannedPoint> {
    let rows: Vec<RowKey<'_>> =
        targets.iter().zip(rest_on).map(|(target, rests_on)| (target.point.as_str(), rests_on)).collect();
    let point = |targets_of: Vec<usize>| PlannedPoint {
        name: targets[targets_of[0]].point.clone(),
        is_work: targets_of.iter().any(|&target| rest_on[target].values().any(|&is_work| is_work)),
        targets: targets_of,
    };
    points(&rows).into_iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_row_and_is_counted_once() {
        let result = |n: u32| Fingerprint::from_json(&n.into());
        let counted = |rows: &[(&str, &[u32])]| {
            let sets: Vec<RestsOn> =
                rows.iter().map(|(_, results)| results.iter().map(|&n| (result(n), true)).collect()).collect();
            let keys: Vec<RowKey<'_>> = rows.iter().zip(&sets).map(|((name, _), set)| (*name, set)).collect();
            points(&keys).len()
        };
        // A table and a column of it.
        assert_eq!(counted(&[("x = 1", &[1, 2]), ("x = 2", &[3, 4]), ("x = 1", &[1]), ("x = 2", &[4])]), 2);
        // Rows that share their results, since an axis changes nothing.
        assert_eq!(counted(&[("x = 1, k = 0", &[1]), ("x = 1, k = 1", &[1])]), 2);
        // Tables whose rows are named alike.
        assert_eq!(counted(&[("x = 1", &[1]), ("x = 1", &[2]), ("x = 1", &[3])]), 3);
        // A mean over seeds beside the rows, and alone.
        assert_eq!(counted(&[("x = 1", &[1, 2]), ("x = 1, seed = 0", &[1]), ("x = 1, seed = 1", &[2])]), 2);
        assert_eq!(counted(&[("x = 1", &[1, 2]), ("x = 2", &[3, 4])]), 2);
        // A number that a script prints, of a row and alone.
        assert_eq!(counted(&[("a number", &[1]), ("x = 1", &[1])]), 1);
        assert_eq!(counted(&[("a number", &[1]), ("a number", &[2])]), 2);
        // Two columns that become one row by a third.
        assert_eq!(counted(&[("x = 1", &[1]), ("x = 1", &[2]), ("x = 1", &[1, 2])]), 1);
    }
}
