//! Numbers of a recipe beside numbers computed here.

use std::collections::BTreeMap;

use crate::figure::number;
use crate::script::Recipe;
use crate::script::frozen::{FrozenResult, Numbers};

/// How many bands a number may lie off and still count as rounding. A band is the largest of a few moves by one unit in the
/// last place; sums in another order move by more. `docs/recipes.md` has what was measured.
pub(super) const TOLERANCE: f64 = 16.0;

/// What a comparison of two results found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Finding {
    Identical,
    /// The largest distance, and the band at that number.
    Within {
        distance: f64,
        band: f64,
    },
    /// The same where the number is farthest outside its band; and the number's place. Without a band it is NaN.
    Drifted {
        distance: f64,
        band: f64,
        at: usize,
    },
    /// One of them has other arrays, or failed.
    Other,
}

/// The bands of a recipe's results: each one's own, and for those without one the wider of the two nearest of their kind.
pub(super) struct Bands<'a> {
    recipe: &'a Recipe,
    /// Results that have bands, by operation.
    banded: BTreeMap<&'a str, Vec<&'a FrozenResult>>,
    /// The least and the largest number of every axis.
    ranges: BTreeMap<&'a str, (f64, f64)>,
}

/// Points whose bands count for one that has none.
const NEAREST: usize = 2;

impl<'a> Bands<'a> {
    pub fn of(recipe: &'a Recipe) -> Self {
        let mut banded = BTreeMap::<_, Vec<&FrozenResult>>::new();
        let mut ranges = BTreeMap::new();
        for result in &recipe.results {
            if result.arrays.values().any(|numbers| !numbers.band.is_empty()) {
                banded.entry(result.operation.as_str()).or_default().push(result);
            }
            for (axis, x) in axes(&result.point).filter_map(|(axis, x)| Some((axis, x.parse::<f64>().ok()?))) {
                let (least, largest) = ranges.entry(axis).or_insert((x, x));
                (*least, *largest) = (least.min(x), largest.max(x));
            }
        }
        Self { recipe, banded, ranges }
    }

    /// How far two points lie apart: on every axis of numbers the share of its range, 1 where a text differs.
    fn apart(&self, a: &str, b: &str) -> f64 {
        let b: BTreeMap<&str, &str> = axes(b).collect();
        let on_axis = |(axis, x): (&str, &str)| match (b.get(axis), x.parse::<f64>(), self.ranges.get(axis)) {
            (Some(y), Ok(x), Some((least, largest))) if largest > least => {
                y.parse::<f64>().map_or(1.0, |y| (x - y).abs() / (largest - least))
            }
            (Some(y), ..) if *y == x => 0.0,
            _ => 1.0,
        };
        axes(a).map(on_axis).sum()
    }

    /// The band of an array of the recipe's result `i`.
    fn band(&self, i: usize, name: &str, numbers: &Numbers) -> Option<Vec<f64>> {
        if !numbers.band.is_empty() {
            return Some(numbers.band.clone());
        }
        let result = &self.recipe.results[i];
        let others = self.banded.get(result.operation.as_str())?.iter();
        let of_kind = |other: &&&'a FrozenResult| {
            other.arrays.get(name).is_some_and(|other| other.shape == numbers.shape && !other.band.is_empty())
        };
        let mut others: Vec<_> =
            others.filter(of_kind).map(|other| (self.apart(&result.point, &other.point), other)).collect();
        others.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let bands = others.iter().take(NEAREST).map(|(_, other)| other.arrays[name].band.clone());
        bands.reduce(|wide, band| wide.iter().zip(&band).map(|(a, b)| a.max(*b)).collect())
    }

    /// The recipe's result `i` beside one that was computed here.
    pub fn compare(&self, i: usize, here: &FrozenResult) -> (Finding, String) {
        let theirs = &self.recipe.results[i];
        let is_alike = theirs.arrays.keys().eq(here.arrays.keys()) && theirs.error.is_some() == here.error.is_some();
        if !is_alike {
            return (Finding::Other, String::new());
        }
        let mut worst = (Finding::Identical, String::new());
        for (name, numbers) in &theirs.arrays {
            let found = match here.arrays.get(name) {
                Some(here) if here.is_identical(numbers) => Finding::Identical,
                Some(here) => beside(numbers, here, self.band(i, name, numbers).as_deref()),
                None => Finding::Other,
            };
            if rank(found) > rank(worst.0) {
                worst = (found, name.clone());
            }
        }
        worst
    }
}

/// The axes of a point and their values: "weight_var = 1.5, seed = 0".
fn axes(point: &str) -> impl Iterator<Item = (&str, &str)> {
    point.split(", ").filter_map(|part| part.split_once(" = "))
}

fn rank(finding: Finding) -> (u8, f64) {
    match finding {
        Finding::Identical => (0, 0.0),
        Finding::Within { distance, .. } => (1, distance),
        Finding::Drifted { distance, .. } => (2, distance),
        Finding::Other => (3, 0.0),
    }
}

/// Two arrays that are not identical.
fn beside(theirs: &Numbers, here: &Numbers, band: Option<&[f64]>) -> Finding {
    let Some(distances) = theirs.distances(here) else { return Finding::Other };
    let place_of_largest = |measure: &dyn Fn(usize) -> f64| {
        let places = 0..distances.len();
        places.max_by(|&a, &b| measure(a).total_cmp(&measure(b))).unwrap_or(0)
    };
    let at = place_of_largest(&|i| distances[i]);
    if distances.iter().all(|distance| *distance == 0.0) {
        // The kept numbers agree, and a hash says that others do not: there is no band to judge those by.
        return Finding::Drifted { distance: 0.0, band: f64::NAN, at };
    }
    let Some(band) = band else { return Finding::Drifted { distance: distances[at], band: f64::NAN, at } };
    let outside = |i: usize| distances[i] - TOLERANCE * band[i];
    if (0..distances.len()).all(|i| outside(i) <= 0.0) {
        return Finding::Within { distance: distances[at], band: band[at] };
    }
    let at = place_of_largest(&outside);
    Finding::Drifted { distance: distances[at], band: band[at], at }
}

/// Where in an array a number lies: "at depth 41" in a curve.
pub(super) fn place(numbers: &Numbers, name: &str, at: usize) -> String {
    let at = at * numbers.every;
    match numbers.shape[..] {
        [] | [1] => String::new(),
        [_] if name == "curve" => format!(" at depth {}", at + 1),
        _ => format!(" at number {} of \"{name}\"", at + 1),
    }
}

/// A distance in two digits.
pub(super) fn distance_in_words(distance: f64) -> String {
    if distance.is_infinite() { "one of the two is no number".to_owned() } else { number::pretty(round(distance)) }
}

fn round(x: f64) -> f64 {
    format!("{x:.1e}").parse().unwrap_or(x)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::work::{Array, Data};

    fn numbers(data: &[f64], band: &[f64]) -> Numbers {
        let array = Array { shape: vec![data.len()], data: Data::F64(data.to_vec()) };
        Numbers { band: band.to_vec(), ..Numbers::of(&array) }
    }

    fn result(point: &str, numbers: Numbers) -> FrozenResult {
        let arrays = [("curve".to_owned(), numbers)].into();
        FrozenResult { point: point.into(), operation: "entropy".into(), arrays, ..FrozenResult::default() }
    }

    #[test]
    fn a_point_without_a_band_has_the_wider_of_the_two_nearest() {
        let at = |w: f64, band: &[f64]| result(&format!("w = {w}, s = a"), numbers(&[0.0], band));
        let results = vec![at(0.0, &[1.0]), at(1.0, &[1e-3]), at(1.5, &[]), at(2.0, &[1e-6]), at(9.0, &[1.0])];
        let recipe = Recipe { results, ..Recipe::default() };
        let bands = Bands::of(&recipe);
        assert_eq!(bands.band(2, "curve", &recipe.results[2].arrays["curve"]), Some(vec![1e-3]));
        assert_eq!(bands.apart("w = 0, s = a", "w = 9, s = b"), 2.0);
    }

    #[test]
    fn a_number_is_identical_within_rounding_or_drifted_by_its_own_band() {
        let band = [1e-6, 1e-3];
        let recipe = Recipe {
            results: vec![result("a", numbers(&[1.0, 2.0], &band)), result("b", numbers(&[1.0, 2.0], &[]))],
            ..Recipe::default()
        };
        let bands = Bands::of(&recipe);
        let found = |i: usize, here: &[f64]| bands.compare(i, &result("", numbers(here, &[]))).0;
        for i in [0, 1] {
            assert_eq!(found(i, &[1.0, 2.0]), Finding::Identical);
            assert!(matches!(found(i, &[1.0 + 1e-5, 2.0 + 1e-2]), Finding::Within { .. }));
            // Little beside the other number's band, much beside its own.
            assert!(matches!(found(i, &[1.0 + 1e-4, 2.0]), Finding::Drifted { at: 0, band, .. } if band == 1e-6));
        }
        assert_eq!(found(0, &[1.0]), Finding::Other);
        assert!(matches!(found(0, &[f64::NAN, 2.0]), Finding::Drifted { at: 0, .. }));
        let without = Recipe { results: vec![result("a", numbers(&[1.0], &[]))], ..Recipe::default() };
        let (found, _) = Bands::of(&without).compare(0, &result("a", numbers(&[1.0 + 1e-15], &[])));
        assert!(matches!(found, Finding::Drifted { band, .. } if band.is_nan()));
    }
}
