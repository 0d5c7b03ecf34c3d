//! What differs between two recipes, or runs: sources, parameters, versions, data and numbers.

use std::collections::{BTreeMap, BTreeSet};

use similar::TextDiff;

use super::compare::{Bands, Finding, distance_in_words, place};
use super::counterparts;
use crate::figure::{Axis, Cell, Colouring, Figure, Heatmap, Kind};
use crate::script::Recipe;
use crate::script::frozen::Numbers;
use crate::words::counted;

/// Lines of context around a change of a source.
const CONTEXT: usize = 2;
/// Results that are listed one by one; more are counted.
const LISTED: usize = 12;

/// What differs between recipe A and recipe B.
#[derive(Debug)]
pub struct Difference {
    /// Headings and what differs under each; a heading without lines is not there.
    pub parts: Vec<(&'static str, Vec<String>)>,
    /// Results of one point and operation that both have, and how many of them are not identical.
    pub compared: usize,
    pub different: usize,
    /// The distances of curves, point by point; `None` where no curve differs.
    pub figure: Option<Figure>,
}

impl Difference {
    /// Whether nothing differs but when and where it was made.
    pub fn is_none(&self) -> bool {
        self.parts.is_empty()
    }
}

/// Compares two recipes.
pub fn diff(a: &Recipe, b: &Recipe) -> Difference {
    let mut parts = Vec::new();
    let mut part = |heading: &'static str, lines: Vec<String>| {
        if !lines.is_empty() {
            parts.push((heading, lines));
        }
    };
    part("sources", sources(&a.sources, &b.sources));
    part("built-in modules", sources(&a.built_in, &b.built_in));
    let values = |recipe: &Recipe| -> BTreeMap<String, String> {
        recipe.parameters.iter().map(|(name, parameter)| (name.clone(), parameter.value.clone())).collect()
    };
    part("parameters", entries(&values(a), &values(b)));
    part("only", if a.only == b.only { Vec::new() } else { vec![format!("{:?} and {:?}", a.only, b.only)] });
    part("versions and machine", entries(&made(a), &made(b)));
    let data = |recipe: &Recipe| -> BTreeMap<String, String> {
        let sets = recipe.data.iter().map(|(name, data)| (name.clone(), data.blake3.clone()));
        let files = recipe.files.iter().map(|(name, file)| (format!("file {name}"), file.blake3.clone()));
        sets.chain(files).collect()
    };
    part("data", entries(&data(a), &data(b)));
    part(
        "verdicts",
        if a.verdicts == b.verdicts { Vec::new() } else { text(&a.verdicts.join("\n"), &b.verdicts.join("\n")) },
    );
    let Compared { lines, compared, different, curves } = numbers(a, b);
    part("numbers", lines);
    Difference { parts, compared, different, figure: figure(&curves) }
}

fn made(recipe: &Recipe) -> BTreeMap<String, String> {
    let made = &recipe.made;
    let entries = [
        ("entroscope", &made.entroscope),
        ("burn", &made.burn),
        ("generator", &made.generator),
        ("numerics", &made.numerics),
        ("vectors", &made.vectors),
        ("processor", &made.processor),
    ];
    let own = entries.into_iter().map(|(name, text)| (name.to_owned(), text.clone()));
    own.chain(made.operations.iter().map(|(name, version)| (name.clone(), format!("version {version}")))).collect()
}

/// Entries that are not the same, one line each.
fn entries(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let line = |name: &String| match (a.get(name), b.get(name)) {
        (Some(a), Some(b)) if a == b => None,
        (Some(a), Some(b)) => Some(format!("{name}: {a} in A, {b} in B")),
        (Some(a), None) => Some(format!("{name}: {a} in A only")),
        (None, Some(b)) => Some(format!("{name}: {b} in B only")),
        (None, None) => None,
    };
    names.into_iter().filter_map(line).collect()
}

fn sources(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        match (a.get(name), b.get(name)) {
            (Some(a), Some(b)) if a != b => {
                lines.push(format!("{name}:"));
                lines.extend(text(a, b));
            }
            (Some(_), None) => lines.push(format!("{name}: in A only")),
            (None, Some(_)) => lines.push(format!("{name}: in B only")),
            _ => {}
        }
    }
    lines
}

/// Changed lines of a text, with − and + before them.
fn text(a: &str, b: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(a, b);
    let unified = diff.unified_diff().context_radius(CONTEXT).to_string();
    unified.lines().map(str::to_owned).collect()
}

/// The distances of one point's curve.
type CurveDistances = (String, Vec<f64>);

struct Compared {
    lines: Vec<String>,
    compared: usize,
    different: usize,
    curves: Vec<CurveDistances>,
}

fn numbers(a: &Recipe, b: &Recipe) -> Compared {
    let bands = Bands::of(a);
    let found = counterparts(a, &b.results);
    let mut compared = Compared { lines: Vec::new(), compared: 0, different: 0, curves: Vec::new() };
    let mut matched = BTreeSet::new();
    for (theirs, i) in b.results.iter().zip(found) {
        let Some(i) = i else { continue };
        matched.insert(i);
        compared.compared += 1;
        let (finding, array) = bands.compare(i, theirs);
        let own = &a.results[i];
        let numbers = own.arrays.get(&array);
        let at = |at: usize| numbers.map(|numbers| place(numbers, &array, at)).unwrap_or_default();
        let words = match finding {
            Finding::Identical => continue,
            Finding::Within { distance, .. } => format!("differs by {}, within rounding", distance_in_words(distance)),
            Finding::Drifted { distance, at: place, .. } => {
                format!("differs by {}{}", distance_in_words(distance), at(place))
            }
            Finding::Other => "has other arrays, or failed in one of them".to_owned(),
        };
        compared.different += 1;
        compared.lines.push(format!("{}: {} {words}", own.point, own.operation));
        let distances = numbers.zip(theirs.arrays.get(&array)).filter(|(own, _)| is_curve(own));
        if let Some(distances) = distances.and_then(|(own, theirs)| own.distances(theirs)) {
            compared.curves.push((own.point.clone(), distances));
        }
    }
    let rest = compared.lines.len().saturating_sub(LISTED);
    compared.lines.truncate(LISTED);
    if rest > 0 {
        compared.lines.push(format!("… and {}", counted(rest, "more result")));
    }
    let only = [a.results.len() - matched.len(), b.results.len() - compared.compared];
    for (count, name) in only.into_iter().zip(["A", "B"]).filter(|(count, _)| *count > 0) {
        compared.lines.push(format!("{} in {name} only", counted(count, "result")));
    }
    compared
}

fn is_curve(numbers: &Numbers) -> bool {
    numbers.shape.len() == 1 && numbers.numbers.len() > 1
}

/// The distances of all curves that differ: depth upward, a column for each point.
fn figure(curves: &[CurveDistances]) -> Option<Figure> {
    let depth = curves.iter().map(|(_, distances)| distances.len()).max()?;
    // The colours are logarithmic, and 0 has no place there.
    let cell =
        |distance: f64| if distance > 0.0 && distance.is_finite() { Cell::Value(distance) } else { Cell::Missing };
    let cells =
        curves.iter().map(|(_, distances)| distances.iter().map(|&distance| cell(distance)).collect()).collect();
    let words = curves.iter().map(|(point, _)| point.clone()).collect();
    let heatmap = Heatmap {
        x: Axis { name: "point".into(), words, ..Axis::default() },
        y: Axis { name: "depth".into(), ..Axis::default() },
        colour: Colouring { value: "distance".into(), log: true, ..Colouring::default() },
        xs: (0..curves.len()).map(|i| i as f64).collect(),
        ys: (1..=depth).map(|depth| depth as f64).collect(),
        cells,
        ..Heatmap::default()
    };
    Some(Figure {
        title: "How far the curves lie apart".into(),
        kind: Kind::Heatmap(heatmap),
        notes: Vec::new(),
        look: crate::figure::Look::default(),
    })
}
