//! Recipes: a run as one page that everybody can read, run, verify and build on. What a recipe is, and reading one from
//! strangers, is in [`crate::script::frozen`]; here are packing, opening, verifying, comparing and unpacking.

mod band;
mod cite;
mod compare;
mod diff;
mod gallery;
mod lock;
mod open;
mod pack;
mod page;
mod unpack;
mod verify;

pub use cite::citation;
pub use diff::{Difference, diff};
pub use gallery::{Shelf, shelf};
pub use lock::{differences_from_here, lock};
pub use open::Opened;
pub use pack::{PackOptions, Packed, pack};
pub use unpack::unpack;
pub use verify::{Budget, PointChecked, PointProgress, Verdict, Verified, verify};

use std::path::{Path, PathBuf};

use crate::script::Recipe;
use crate::script::frozen::FrozenResult;

/// The end of a packed recipe's name.
pub const ENDING: &str = ".recipe.html";

/// The name of a packed recipe for a script: "cone.recipe.html" for "cone.rhai".
pub fn packed_name(script: &str) -> PathBuf {
    let stem = Path::new(script).file_stem().unwrap_or_default().to_string_lossy();
    PathBuf::from(format!("{stem}{ENDING}"))
}

/// The numbers of results by their points, in order.
fn by_point(results: &[FrozenResult]) -> Vec<(&str, Vec<usize>)> {
    let mut points: Vec<(&str, Vec<usize>)> = Vec::new();
    let mut known = std::collections::BTreeMap::new();
    for (i, result) in results.iter().enumerate() {
        let at = *known.entry(result.point.as_str()).or_insert_with(|| {
            points.push((&result.point, Vec::new()));
            points.len() - 1
        });
        points[at].1.push(i);
    }
    points
}

/// For each of `results`, the result of a recipe that it repeats: the one with its fingerprint, or, where an operation has
/// changed since, the one at its place among those of the same point and operation.
fn counterparts(recipe: &Recipe, results: &[FrozenResult]) -> Vec<Option<usize>> {
    let mut by_name = std::collections::BTreeMap::new();
    let mut by_place = std::collections::BTreeMap::new();
    let mut count = std::collections::BTreeMap::<(&str, &str), usize>::new();
    for (i, result) in recipe.results.iter().enumerate() {
        by_name.insert((result.point.as_str(), result.fingerprint.as_str()), i);
        let nth = count.entry((&result.point, &result.operation)).or_default();
        by_place.insert((result.point.as_str(), result.operation.as_str(), *nth), i);
        *nth += 1;
    }
    let mut count = std::collections::BTreeMap::<(&str, &str), usize>::new();
    let counterpart = |result: &'_ FrozenResult, nth: usize| {
        let named = by_name.get(&(result.point.as_str(), result.fingerprint.as_str()));
        named.or_else(|| by_place.get(&(result.point.as_str(), result.operation.as_str(), nth))).copied()
    };
    results
        .iter()
        .map(|result| {
            let nth = count.entry((&result.point, &result.operation)).or_default();
            *nth += 1;
            counterpart(result, *nth - 1)
        })
        .collect()
}
