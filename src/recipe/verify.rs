//! Verifying: a sample of a recipe's points, drawn on the spot, is computed here from nothing and compared with its numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::band::Deadline;
use super::compare::{Bands, Finding, TOLERANCE, distance_in_words, place};
use super::{Opened, by_point, counterparts};
use crate::executor::Computed;
use crate::lock::lock;
use crate::random::Random;
use crate::script::frozen::{DataUse, FrozenResult};
use crate::script::{Diagnostic, Evaluated, Recipe, Settings};
use crate::words::counted;
use crate::work::{Fingerprint, Target, Value};
use crate::{Error, Result};

/// How much is verified.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Time for computing; `None` for as long as it takes.
    pub time: Option<Duration>,
    /// The share of the points, from 0 to 1.
    pub share: f64,
}

/// What a verification found, for a point or as a whole; the worst one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Identical,
    WithinRounding,
    Drifted,
    NotComparable,
}

impl Verdict {
    /// The program's exit status.
    pub fn code(self) -> u8 {
        match self {
            Self::Identical | Self::WithinRounding => 0,
            Self::Drifted => 1,
            Self::NotComparable => 3,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Identical => "identical",
            Self::WithinRounding => "within rounding",
            Self::Drifted => "drifted",
            Self::NotComparable => "not comparable",
        })
    }
}

/// What was found of one point.
#[derive(Debug, Clone)]
pub struct PointChecked {
    pub point: String,
    pub verdict: Verdict,
    /// Results of it that were compared.
    pub results: usize,
    /// By how much it differs, and where.
    pub words: String,
}

/// What came of a verification.
#[derive(Debug, Clone)]
pub struct Verified {
    pub verdict: Verdict,
    pub points: Vec<PointChecked>,
    /// Points of the recipe.
    pub all_points: usize,
    /// Verdicts of the script that are others with the numbers from here, before and after.
    pub moved: Vec<(String, String)>,
    /// Why it is not comparable, or what else there is to say.
    pub reasons: Vec<String>,
    pub seconds: f64,
}

/// Receives how many points are computed, of how many at most, and the time since the beginning.
pub type PointProgress = dyn Fn(usize, usize, Duration) + Send + Sync;

/// What the script's thread gives back.
struct Sample {
    results: Vec<FrozenResult>,
    moved: Vec<(String, String)>,
}

/// Computes a sample of a recipe's points from nothing, in a store of its own, and compares them with its numbers. No number
/// of the recipe gets into the user's store.
///
/// # Errors
/// The program has no room to compute in. A script that does not run is a finding, not an error.
#[expect(
    clippy::disallowed_methods,
    reason = "a budget of time: it decides how many points are computed, and no number"
)]
pub fn verify(opened: &Opened, settings: Settings, budget: Budget, progress: Arc<PointProgress>) -> Result<Verified> {
    let started = Instant::now();
    let recipe = Arc::new(opened.recipe.clone());
    let place = tempfile::tempdir().map_err(|error| Error::new(format!("no room for a store: {error}")))?;
    let (out, store_dir) = (Some(place.path().join("out")), place.path().join("store"));
    let host = opened.host(Settings { store_dir, out, ..settings });
    let all_points = by_point(&recipe.results).len();
    let stopped = Arc::new(Mutex::new(None));
    let (own, why) = (recipe.clone(), stopped.clone());
    let deadline = Deadline::start(&host.handle().cancel, budget.time.unwrap_or(Duration::MAX / 4));
    let act = move |evaluated: &Evaluated| {
        *lock(&why) = other_data(&own, &evaluated.data());
        if lock(&why).is_none() {
            sample(&own, evaluated, budget, started, &deadline, &*progress)
        } else {
            Sample { results: Vec::new(), moved: Vec::new() }
        }
    };
    let mut verified = Verified {
        verdict: Verdict::NotComparable,
        points: Vec::new(),
        all_points,
        moved: Vec::new(),
        reasons: Vec::new(),
        seconds: 0.0,
    };
    if !recipe.is_unchanged() {
        verified.reasons.push("its numbers were changed since it was packed: their hash is another one".to_owned());
    }
    match host.evaluated(&opened.script(), act) {
        Ok(Sample { results, moved }) => {
            verified.moved = moved;
            if let Some(why) = lock(&stopped).take() {
                verified.reasons.extend(why);
            } else {
                compare(&recipe, &results, &mut verified);
            }
        }
        Err(_) if host.handle().cancel.is_cancelled() => {
            verified.reasons.push(
                "the time was over before the script had what it computes on its way: give more, --budget".to_owned(),
            );
        }
        Err(diagnostics) => verified.reasons.extend(diagnostics.iter().map(in_words)),
    }
    verified.seconds = started.elapsed().as_secs_f64();
    Ok(verified)
}

/// An error and the way out, in one sentence.
fn in_words(diagnostic: &Diagnostic) -> String {
    let parts = std::iter::once(&diagnostic.message).chain(&diagnostic.hints);
    format!("the script does not run here: {}", parts.map(String::as_str).collect::<Vec<_>>().join("; "))
}

/// Data sets that are others here under the same names, in words; `None` if all are the same.
fn other_data(recipe: &Recipe, here: &BTreeMap<String, DataUse>) -> Option<Vec<String>> {
    let other = here.iter().filter_map(|(name, own)| {
        let theirs = recipe.data.get(name)?;
        (theirs.blake3 != own.blake3).then(|| {
            let digits = |hash: &str| hash.get(..16).unwrap_or(hash).to_owned();
            format!(
                "{name} has another content here (BLAKE3 {}…, in the recipe {}…); the recipe's: {}",
                digits(&own.blake3),
                digits(&theirs.blake3),
                theirs.from
            )
        })
    });
    let other: Vec<String> = other.collect();
    (!other.is_empty()).then_some(other)
}

/// Computes points in random order until the time is over.
fn sample(
    recipe: &Recipe,
    evaluated: &Evaluated,
    budget: Budget,
    started: Instant,
    deadline: &Deadline,
    progress: &PointProgress,
) -> Sample {
    let mut points: Vec<String> = Vec::new();
    let mut of_point = BTreeMap::<String, Vec<Target>>::new();
    for target in evaluated.targets() {
        if !of_point.contains_key(&target.point) {
            points.push(target.point.clone());
        }
        of_point.entry(target.point.clone()).or_default().push(target);
    }
    // Chosen here and now: not even its author knows which ones.
    let seed = RandomState::new().hash_one(points.len());
    Random::new(seed, &["verify"]).shuffle(&mut points);
    let wanted = (budget.share * points.len() as f64).ceil().max(1.0) as usize;
    let mut ours = Computed::new();
    let mut longest = Duration::ZERO;
    for (n, point) in points.iter().take(wanted).enumerate() {
        let begun = started.elapsed();
        let is_too_late = budget.time.is_some_and(|time| n > 0 && begun + longest > time);
        if deadline.is_over() || is_too_late {
            break;
        }
        if let Ok(computed) = evaluated.compute(of_point.remove(point).unwrap_or_default()) {
            ours.extend(
                computed.into_iter().filter(|(_, result)| !result.as_ref().is_err_and(|error| error.interrupted)),
            );
        }
        progress(n + 1, wanted.min(points.len()), started.elapsed());
        longest = longest.max(started.elapsed().saturating_sub(begun));
    }
    let moved = moved_verdicts(recipe, evaluated, &ours);
    Sample { results: evaluated.results(), moved }
}

/// The script's verdicts that are others with the numbers from here in place of the recipe's.
fn moved_verdicts(recipe: &Recipe, evaluated: &Evaluated, ours: &Computed) -> Vec<(String, String)> {
    let targets = evaluated.targets();
    let here: Vec<FrozenResult> = targets.iter().map(FrozenResult::named).collect();
    let found = counterparts(recipe, &here);
    let theirs: Computed = targets
        .iter()
        .zip(found)
        .filter_map(|(target, i)| Some((target.result.fingerprint(), value(&recipe.results[i?])?)))
        .collect();
    let mut mixed = theirs.clone();
    mixed.extend(ours.iter().map(|(name, result): (&Fingerprint, _)| (*name, result.clone())));
    let words = |computed: &Computed| -> Vec<Option<String>> {
        let verdicts = evaluated.outputs().iter().filter(|shown| shown.output.is_words());
        verdicts.map(|shown| shown.output.fill(computed).ok().and_then(|filled| filled.words)).collect()
    };
    let pairs = words(&theirs).into_iter().zip(words(&mixed));
    pairs.filter_map(|(before, after)| Some((before?, after?))).filter(|(before, after)| before != after).collect()
}

/// A result of a recipe as a value, to fill outputs in with; `None` if not all of its numbers are kept.
fn value(result: &FrozenResult) -> Option<Result<Arc<Value>>> {
    if let Some(error) = &result.error {
        return Some(Err(Error::new(error)));
    }
    let mut value = Value::default();
    for (name, numbers) in &result.arrays {
        value = value.with_array(name, numbers.array()?);
    }
    Some(Ok(Arc::new(value)))
}

/// Compares what was computed with the recipe's numbers.
fn compare(recipe: &Recipe, results: &[FrozenResult], verified: &mut Verified) {
    let bands = Bands::of(recipe);
    let found = counterparts(recipe, results);
    let mut versions = BTreeSet::new();
    for (point, of_point) in by_point(results) {
        let (mut verdict, mut words, mut compared) = (Verdict::Identical, Vec::new(), 0);
        for i in of_point {
            let here = &results[i];
            let Some(theirs) = found[i] else {
                verdict = Verdict::Drifted;
                words.push(format!("{} is not in the recipe", here.operation));
                continue;
            };
            let theirs_version = recipe.results[theirs].version;
            if theirs_version != here.version {
                let (name, own) = (&here.operation, here.version);
                versions.insert(format!(
                    "{name} is version {own} here, and was {theirs_version}: its numbers may be others"
                ));
            }
            compared += 1;
            let (finding, array) = bands.compare(theirs, here);
            let (found, said) = judge(recipe, theirs, &array, finding);
            verdict = verdict.max(found);
            words.extend(said.filter(|said| !words.contains(said)));
        }
        verified.points.push(PointChecked {
            point: point.to_owned(),
            verdict,
            results: compared,
            words: words.join("; "),
        });
    }
    verified.reasons.extend(versions);
    match verified.points.iter().map(|point| point.verdict).max() {
        Some(worst) => verified.verdict = worst,
        None => verified.reasons.push("no point was computed in the time: give more, --budget".to_owned()),
    }
}

/// The verdict on one result, and its words.
fn judge(recipe: &Recipe, i: usize, array: &str, finding: Finding) -> (Verdict, Option<String>) {
    let result = &recipe.results[i];
    let at = |at: usize| result.arrays.get(array).map(|numbers| place(numbers, array, at)).unwrap_or_default();
    let name = &result.operation;
    match finding {
        Finding::Identical => (Verdict::Identical, None),
        Finding::Within { distance, band } => {
            let (distance, band) = (distance_in_words(distance), distance_in_words(band));
            (Verdict::WithinRounding, Some(format!("{name} differs by {distance} at most (band {band})")))
        }
        Finding::Drifted { distance, band, at: place } if band.is_nan() => {
            let by = if distance > 0.0 { format!(" by {}", distance_in_words(distance)) } else { String::new() };
            (Verdict::Drifted, Some(format!("{name} differs{by}{}; it has no band of rounding", at(place))))
        }
        Finding::Drifted { distance, band, at: place } => {
            let (distance, band) = (distance_in_words(distance), distance_in_words(band));
            let words = format!("{name} differs by {distance}{}; rounding explains {TOLERANCE} × {band}", at(place));
            (Verdict::Drifted, Some(words))
        }
        Finding::Other => {
            let failed =
                if result.error.is_some() { "failed in the recipe" } else { "has other arrays, or failed here" };
            (Verdict::Drifted, Some(format!("{name} {failed}")))
        }
    }
}

impl Verified {
    /// The whole in a sentence.
    pub fn summary(&self) -> String {
        let of = format!("{} of {}", self.points.len(), counted(self.all_points, "point"));
        let count = |verdict: Verdict| self.points.iter().filter(|point| point.verdict == verdict).count();
        let conclusion = match self.moved.len() {
            0 => "the conclusions stay",
            1 => "a conclusion moves",
            _ => "conclusions move",
        };
        match self.verdict {
            Verdict::Identical => format!("identical: {of}, to the last bit"),
            Verdict::WithinRounding => {
                format!("within rounding: {of}, {} of them identical; {conclusion}", count(Verdict::Identical))
            }
            Verdict::Drifted => format!(
                "drifted: {} of the {} points that were computed, of {}; {conclusion}",
                count(Verdict::Drifted),
                self.points.len(),
                self.all_points
            ),
            Verdict::NotComparable => "not comparable".to_owned(),
        }
    }
}
