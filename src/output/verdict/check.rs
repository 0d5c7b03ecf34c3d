//! Every sentence of a verdict is read back and checked against its table, by other means than it was made by.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use super::{Judged, Judgement};
use crate::entropy::Lost;
use crate::theory::Phase;

/// A small generator (xorshift), as good as any here.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

fn table(random: &mut Random) -> Judgement {
    let lost = if random.next(3) == 0 { Lost::Rises } else { Lost::Falls };
    let depths = 1 + random.next(6);
    let columns = 1 + random.next(9);
    let phases = [Phase::Ordered, Phase::Critical, Phase::Chaotic, Phase::Unbounded];
    let (mut judged, mut left_out) = (Vec::new(), Vec::new());
    for column in 0..columns {
        let weight_var = (column + 1) as f64 / 4.0;
        if column > 0 && random.next(6) == 0 {
            left_out.push((weight_var, "failed"));
            continue;
        }
        // Few values, so that columns are often equal, and sometimes an infinite one.
        let number =
            |random: &mut Random| [-10.0, -9.5, -8.0, -7.0, -6.0, f64::NEG_INFINITY, f64::INFINITY][random.next(7)];
        let curve = (0..depths).map(|_| number(random)).collect();
        let xi_c = [0.0, 0.5, 3.25, f64::INFINITY][random.next(4)];
        judged.push(Judged { weight_var, phase: phases[random.next(4)], xi_c, curve });
    }
    let critical = (random.next(2) == 0).then_some(1.76);
    Judgement { quantity: "entropy".to_owned(), lost, level: -8.0, judged, left_out, critical }
}

/// The first depth from which on every value is lost, as a range of whole depths around it; `None` if there is none.
fn lost(judgement: &Judgement, curve: &[f64]) -> Option<(f64, f64)> {
    let is_lost = |x: &f64| if judgement.lost == Lost::Falls { *x < judgement.level } else { *x > judgement.level };
    let kept = curve.iter().rposition(|x| !is_lost(x));
    match kept {
        None => Some((1.0, 1.0)),
        Some(at) if at + 1 == curve.len() => None,
        Some(at) => Some(((at + 1) as f64, (at + 2) as f64)),
    }
}

/// The depth from which on information is lost, on the straight line between the two depths around it.
fn depth(judgement: &Judgement, curve: &[f64]) -> Option<f64> {
    let (low, high) = lost(judgement, curve)?;
    if low == high {
        return Some(low);
    }
    let (a, b) = (curve[low as usize - 1], curve[high as usize - 1]);
    let share = (judgement.level - a) / (b - a);
    Some(low + if a.is_finite() && b.is_finite() { share } else { 1.0 })
}

fn number(text: &str) -> f64 {
    text.trim_matches(|c: char| ".,;:".contains(c)).replace('−', "-").parse().unwrap_or_else(|_| panic!("{text:?}"))
}

/// The table's weight variances that words such as "0.5, 1.0 to 2.0" name.
fn named(judgement: &Judgement, words: &str) -> Vec<f64> {
    let all = || judgement.judged.iter().map(|j| j.weight_var).chain(judgement.left_out.iter().map(|(at, _)| *at));
    let mut found = Vec::new();
    for part in words.split(", ") {
        match part.split_once(" to ") {
            Some((low, high)) => found.extend(all().filter(|at| (number(low)..=number(high)).contains(at))),
            None => found.push(number(part)),
        }
    }
    found.sort_by(f64::total_cmp);
    found
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let text = text.split_once(before).unwrap_or_else(|| panic!("{text}: {before}")).1;
    text.split_once(after).map_or(text, |(inside, _)| inside)
}

/// The weight variances of the curves for which something holds.
fn which(judgement: &Judgement, holds: impl Fn(&Judged) -> bool) -> Vec<f64> {
    judgement.judged.iter().filter(|judged| holds(judged)).map(|judged| judged.weight_var).collect()
}

fn best(judgement: &Judgement, line: &str) {
    let survives = which(judgement, |j| lost(judgement, &j.curve).is_none());
    let of = |at: f64| judgement.judged.iter().find(|j| j.weight_var == at).unwrap();
    if line.to_lowercase().contains("information survives") {
        assert!(!survives.is_empty(), "{line}");
        let text = line.replace("Best σ_w² is", "Best is");
        assert_eq!(
            named(judgement, between(&text, "with σ_w² ", ".\n").split(". ").next().unwrap().trim_end_matches('.')),
            survives,
            "{line}"
        );
        let ends = |at: f64| of(at).curve.last().copied().unwrap();
        let is_better = |a: f64, b: f64| if judgement.lost == Lost::Falls { a > b } else { a < b };
        let top = which(judgement, |j| {
            survives.contains(&j.weight_var)
                && !survives.iter().any(|other| is_better(ends(*other), ends(j.weight_var)))
        });
        if line.contains("None is best") {
            assert!(top.len() > 1, "{line}");
            assert_eq!(named(judgement, between(line, "None is best: σ_w² ", " share")), top, "{line}");
        } else if line.contains("Best σ_w² is ") {
            assert_eq!(vec![number(between(line, "Best σ_w² is ", ":"))], top, "{line}");
        } else {
            assert_eq!(judgement.judged.len(), 1, "{line}");
        }
        return;
    }
    assert!(survives.is_empty(), "{line}");
    let depth = number(between(line, "at depth ", ","));
    let top = if line.starts_with("Best") {
        vec![number(between(line, "is ", ":"))]
    } else {
        named(judgement, between(line, "with σ_w² ", ".\n").trim_end_matches('.'))
    };
    for at in &top {
        let (low, high) = lost(judgement, &of(*at).curve).unwrap();
        assert!((low - 0.06..=high + 0.06).contains(&depth), "{line}");
    }
    for judged in &judgement.judged {
        assert!(lost(judgement, &judged.curve).unwrap().0 <= depth + 0.06, "{line}");
    }
    assert!(top.len() > 1 || line.starts_with("Best") || judgement.judged.len() == 1, "{line}");
}

fn phase(judgement: &Judgement, line: &str) {
    let (name, rest) = line.split_once(" phase: ").unwrap();
    let within = |j: &Judged| j.phase.to_string() == name.to_lowercase();
    for part in rest.trim_end_matches('.').split("; ") {
        if let Some(words) = part.strip_prefix("not lost by depth ") {
            let kept = which(judgement, |j| within(j) && lost(judgement, &j.curve).is_none());
            assert_eq!(named(judgement, between(words, "with σ_w² ", "\n")), kept, "{line}");
            assert_eq!(number(words.split(' ').next().unwrap()), judgement.judged[0].curve.len() as f64, "{line}");
        } else if part.starts_with("lost at depth ") && part.contains("at the earliest") {
            let ends =
                [("with σ_w² ", " at the earliest", "depth ", " with"), (" with ", " at the latest", ", at ", " with")];
            for (i, (before, after, depth_before, depth_after)) in ends.into_iter().enumerate() {
                let of = if i == 0 { part } else { part.split_once("earliest").unwrap().1 };
                let at = number(between(of, before, after));
                let depth = number(between(of, depth_before, depth_after));
                let judged = judgement.judged.iter().find(|j| j.weight_var == at).unwrap();
                let (low, high) = lost(judgement, &judged.curve).unwrap();
                assert!(within(judged) && (low - 0.06..=high + 0.06).contains(&depth), "{line}");
            }
        } else if part.starts_with("lost at depth ") {
            let gone = which(judgement, |j| within(j) && lost(judgement, &j.curve).is_some());
            assert_eq!(named(judgement, between(part, "with σ_w² ", "\n")), gone, "{line}");
        } else if let Some(words) = part.strip_prefix("in units of theory's ξ_c at ") {
            let gone = judgement.judged.iter().filter(|j| within(j));
            let later = gone.filter_map(|j| Some((depth(judgement, &j.curve).filter(|depth| *depth > 1.0)?, j.xi_c)));
            let mut ratios: Vec<f64> = later.map(|(depth, xi_c)| depth / xi_c).collect();
            // An infinite ξ_c is no unit, and one of 0 neither.
            ratios.retain(|ratio| ratio.is_finite() && *ratio > 0.0);
            ratios.sort_by(f64::total_cmp);
            let middle = (ratios[(ratios.len() - 1) / 2] + ratios[ratios.len() / 2]) / 2.0;
            assert!((number(words.split(' ').next().unwrap()) - middle).abs() < 0.06, "{line}");
            if let Some((_, range)) = words.split_once("from ") {
                let (low, high) = range.split_once(" to ").unwrap();
                assert!((number(low) - ratios[0]).abs() < 0.06 && ratios.len() > 1, "{line}");
                assert!((number(high) - ratios[ratios.len() - 1]).abs() < 0.06, "{line}");
            }
        } else {
            assert!(part.starts_with("the rule of thumb"), "{line}");
        }
    }
    assert!(judgement.judged.iter().any(within), "{line}");
}

#[test]
fn every_sentence_of_a_verdict_is_true_of_its_table() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..4000 {
        let judgement = table(&mut random);
        let sentences = judgement.sentences();
        let phases = sentences.iter().filter(|line| line.contains(" phase: ")).count();
        let mut expected: Vec<String> = judgement.judged.iter().map(|judged| judged.phase.to_string()).collect();
        expected.sort();
        expected.dedup();
        assert_eq!(phases, expected.len());
        for line in &sentences {
            match line {
                line if line.starts_with("Information counts") => {
                    let way = if judgement.lost == Lost::Falls { "stays below −8." } else { "stays above −8." };
                    assert!(line.ends_with(way), "{line}");
                }
                line if line.starts_with("Theory") => {
                    assert_eq!(judgement.critical, Some(number(between(line, "σ_w² ", "\n"))));
                }
                line if line.starts_with("Not judged: ") => {
                    let out: Vec<f64> = judgement.left_out.iter().map(|(at, _)| *at).collect();
                    let words = between(line, "σ_w² ", "\n").trim_end_matches('.').replace(" (failed)", "");
                    assert_eq!(named(&judgement, &words), out);
                }
                line if line.contains(" phase: ") => phase(&judgement, line),
                line => best(&judgement, line),
            }
        }
    }
}

#[test]
fn a_gap_is_no_range_and_equal_columns_have_no_best() {
    let column =
        |weight_var: f64, curve: &[f64]| Judged { weight_var, phase: Phase::Ordered, xi_c: 1.0, curve: curve.to_vec() };
    let judgement = |judged| Judgement {
        quantity: "differential entropy".to_owned(),
        lost: Lost::Falls,
        level: -8.0,
        judged,
        left_out: Vec::new(),
        critical: None,
    };
    let (kept, gone) = ([-6.0, -7.0], [-6.0, -10.0]);
    let gap = judgement(vec![column(1.8, &kept), column(2.0, &gone), column(3.6, &kept)]).sentences().join("\n");
    assert!(gap.contains("with σ_w² 1.8, 3.6.") && !gap.contains(" to 3.6"), "{gap}");
    assert!(gap.contains("None is best"), "{gap}");
    let equal = judgement(vec![column(1.0, &gone), column(2.0, &gone)]).sentences().join("\n");
    assert!(
        equal.contains("Information is lost last at depth 1.5, with σ_w² 1, 2.") && !equal.contains("est σ"),
        "{equal}"
    );
}
