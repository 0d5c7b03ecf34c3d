//! The sentences of a verdict. Each follows from the judged curves alone; the test below checks that of random tables.

use crate::entropy::{Lost, falls_below};
use crate::figure::number::pretty;
use crate::theory::Phase;

/// Runs of values that a sentence lists; more are counted.
const LISTED: usize = 6;

/// One curve and the theory of its network.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub weight_var: f64,
    pub phase: Phase,
    pub xi_c: f64,
    /// Finite or infinite numbers, one per depth, at least one; every curve of a verdict has as many.
    pub curve: Vec<f64>,
}

/// What is judged, and by what level.
#[derive(Debug, Clone)]
pub(super) struct Judgement {
    /// What the curves measure, in words.
    pub quantity: String,
    pub lost: Lost,
    pub level: f64,
    /// In ascending order of the weight variance.
    pub judged: Vec<Judged>,
    /// Weight variances without a curve to judge, and why.
    pub left_out: Vec<(f64, &'static str)>,
    /// The critical weight variance by theory, if there is one.
    pub critical: Option<f64>,
}

/// A judged curve and the depth from which on its information is lost; `None` if it is not lost.
struct Reach<'a> {
    of: &'a Judged,
    depth: Option<f64>,
}

impl Judgement {
    /// The sentences, one a line.
    pub fn sentences(&self) -> Vec<String> {
        // A measure that rises as information is lost falls when its sign is changed.
        let depth = |curve: &[f64]| match self.lost {
            Lost::Falls => falls_below(curve, self.level),
            Lost::Rises => falls_below(&curve.iter().map(|x| -x).collect::<Vec<_>>(), -self.level),
        };
        let reaches: Vec<Reach<'_>> =
            self.judged.iter().map(|judged| Reach { of: judged, depth: depth(&judged.curve) }).collect();
        let stays = if self.lost == Lost::Falls { "below" } else { "above" };
        let level = pretty(self.level);
        let mut lines =
            vec![format!("Information counts as lost from where on the {} stays {stays} {level}.", self.quantity)];
        lines.extend(self.best(&reaches));
        lines.extend(self.critical.map(|critical| format!("Theory is critical at σ_w² {}.", pretty(critical))));
        let phases = [Phase::Ordered, Phase::Critical, Phase::Chaotic, Phase::Unbounded];
        lines.extend(phases.into_iter().filter_map(|phase| self.in_phase(phase, &reaches)));
        lines.extend(self.unjudged());
        lines
    }

    fn deepest(&self) -> usize {
        self.judged.first().map_or(0, |judged| judged.curve.len())
    }

    /// With which weight variance information reaches deepest.
    fn best(&self, reaches: &[Reach<'_>]) -> Option<String> {
        let deepest = self.deepest();
        let through: Vec<&Reach<'_>> = reaches.iter().filter(|reach| reach.depth.is_none()).collect();
        if through.is_empty() {
            let last = reaches.iter().filter_map(|reach| reach.depth).max_by(f64::total_cmp)?;
            let best: Vec<&Reach<'_>> = reaches.iter().filter(|reach| reach.depth == Some(last)).collect();
            return Some(match &best[..] {
                [only] if reaches.len() > 1 => {
                    format!("Best σ_w² is {}: its information is lost last, at depth {last:.1}.", value(only))
                }
                all => format!("Information is lost last at depth {last:.1}, with σ_w² {}.", self.ranges(all)),
            });
        }
        let depths = if deepest == 1 { "the one depth".to_owned() } else { format!("all {deepest} depths") };
        let survives = format!("Information survives {depths} with σ_w² {}", self.ranges(&through));
        // Better is what is farther from being lost.
        let sign = if self.lost == Lost::Falls { 1.0 } else { -1.0 };
        let end = |reach: &Reach<'_>| sign * reach.of.curve.last().copied().unwrap_or(f64::NAN);
        let highest = through.iter().map(|reach| end(reach)).max_by(f64::total_cmp)?;
        let best: Vec<&Reach<'_>> = through.iter().filter(|reach| end(reach) == highest).copied().collect();
        let word = if self.lost == Lost::Falls { "highest" } else { "lowest" };
        Some(match (&best[..], reaches.len()) {
            (_, 1) => format!("{survives}."),
            ([only], _) if through.len() == 1 => format!("Best σ_w² is {}: {}.", value(only), lower(&survives)),
            ([only], _) => {
                format!("{survives}. Best σ_w² is {}: it has the {word} value at the last depth.", value(only))
            }
            (all, _) => {
                format!("{survives}. None is best: σ_w² {} share the {word} value at the last depth.", self.ranges(all))
            }
        })
    }

    fn in_phase(&self, phase: Phase, reaches: &[Reach<'_>]) -> Option<String> {
        let within: Vec<&Reach<'_>> = reaches.iter().filter(|reach| reach.of.phase == phase).collect();
        if within.is_empty() {
            return None;
        }
        let name = phase.to_string();
        let name = name[..1].to_uppercase() + &name[1..];
        let mut parts = Vec::new();
        let mut lost: Vec<(f64, &Reach<'_>)> = within.iter().filter_map(|reach| Some((reach.depth?, *reach))).collect();
        lost.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let (Some((low, first)), Some((high, last))) = (lost.first(), lost.last()) {
            parts.push(if low == high {
                let all: Vec<&Reach<'_>> = within.iter().filter(|reach| reach.depth.is_some()).copied().collect();
                format!("lost at depth {low:.1} with σ_w² {}", self.ranges(&all))
            } else {
                format!(
                    "lost at depth {low:.1} with σ_w² {} at the earliest, at {high:.1} with {} at the latest",
                    value(first),
                    value(last)
                )
            });
        }
        let kept: Vec<&Reach<'_>> = within.iter().filter(|reach| reach.depth.is_none()).copied().collect();
        if !kept.is_empty() {
            parts.push(format!("not lost by depth {} with σ_w² {}", self.deepest(), self.ranges(&kept)));
        }
        parts.extend(in_units_of_theory(&lost));
        Some(format!("{name} phase: {}.", parts.join("; ")))
    }

    fn unjudged(&self) -> Option<String> {
        if self.left_out.is_empty() {
            return None;
        }
        let listed = self.left_out.iter().take(LISTED).map(|(at, why)| format!("{} ({why})", pretty(*at)));
        let rest = self.left_out.len().saturating_sub(LISTED);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        Some(format!("Not judged: σ_w² {}{more}.", listed.collect::<Vec<_>>().join(", ")))
    }

    /// Weight variances in words: "0.5, 1.8 to 3.6". A range holds every value of the table between its ends.
    fn ranges(&self, reaches: &[&Reach<'_>]) -> String {
        let mut all: Vec<f64> = self.judged.iter().map(|judged| judged.weight_var).collect();
        all.extend(self.left_out.iter().map(|(at, _)| *at));
        all.sort_by(f64::total_cmp);
        let is_meant = |at: &f64| reaches.iter().any(|reach| reach.of.weight_var == *at);
        let mut runs: Vec<String> = Vec::new();
        for run in all.chunk_by(|a, b| is_meant(a) == is_meant(b)).filter(|run| is_meant(&run[0])) {
            match run {
                [first, _, .., last] => runs.push(format!("{} to {}", pretty(*first), pretty(*last))),
                short => runs.extend(short.iter().map(|at| pretty(*at))),
            }
        }
        let rest = runs.len().saturating_sub(LISTED);
        runs.truncate(LISTED);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        runs.join(", ") + more.as_str()
    }
}

fn value(reach: &Reach<'_>) -> String {
    pretty(reach.of.weight_var)
}

fn lower(sentence: &str) -> String {
    sentence[..1].to_lowercase() + &sentence[1..]
}

/// The depths at which information is lost, in units of theory's correlation length.
fn in_units_of_theory(lost: &[(f64, &Reach<'_>)]) -> Option<String> {
    // What is lost at depth 1 already was lost at an unknown depth before.
    let after_start = lost.iter().filter(|(depth, _)| *depth > 1.0);
    let mut ratios: Vec<f64> = after_start.map(|(depth, reach)| depth / reach.of.xi_c).collect();
    ratios.retain(|ratio| ratio.is_finite() && *ratio > 0.0);
    ratios.sort_by(f64::total_cmp);
    let (low, high) = (ratios.first()?, ratios.last()?);
    let median = crate::stats::median(ratios.iter().copied());
    let spread = if ratios.len() > 1 { format!("median, from {low:.1} to {high:.1}; ") } else { String::new() };
    Some(format!("in units of theory's ξ_c at {median:.1} ({spread}the rule of thumb is 6)"))
}

#[cfg(test)]
#[path = "check.rs"]
mod check;
