//! The verdict: a phase diagram in words, compared with mean-field theory.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Filled, Output, ResultRow, ResultTable};
use crate::entropy::falls_below;
use crate::executor::Computed;
use crate::theory::{MeanField, Nonlinearity, Phase, critical_weight_var, mean_field};
use crate::work::{Described, NetworkOrigin, Target};
use crate::{Error, Result};

/// Information counts as lost this far below the highest value at depth 1: the published differential entropies start
/// at −6.45, and the phases separate at about −8.
pub(crate) const DROP: f64 = 1.5;

/// Curves over the axis `weight_var`, and the theory that they are compared with.
#[derive(Debug, Clone)]
pub struct Verdict {
    table: ResultTable,
    /// One per row.
    weight_vars: Vec<f64>,
    theory: Vec<MeanField>,
    critical: Option<f64>,
    /// The value below which information counts as lost.
    level: Option<f64>,
}

struct Reach<'a> {
    weight_var: f64,
    theory: &'a MeanField,
    /// The depth at which information is lost; infinite if it survives all depths.
    depth: f64,
}

impl Verdict {
    /// A verdict about curves over the axis `weight_var`. The theory is that of `activation` and `bias_var`; each
    /// defaults to that of the networks that the curves rest on.
    ///
    /// # Errors
    /// When the table has no such axis, varies over another one, or holds no curves; or when a value is not given and
    /// the networks do not share one.
    pub fn new(
        table: ResultTable,
        activation: Option<Nonlinearity>,
        bias_var: Option<f64>,
        level: Option<f64>,
    ) -> Result<Self> {
        let axis = table.axis("weight_var")?;
        table.varies_only_over(&[axis])?;
        if !table.holds_curves() {
            return Err(Error::new("a verdict is about curves over depth, such as `.differential_entropy()`"));
        }
        let activation = match activation {
            Some(activation) => activation,
            None => {
                Nonlinearity::named(&shared(&table, "activation", "\"tanh\"", |network| network.activation.clone())?)?
            }
        };
        let bias_var = match bias_var {
            Some(bias_var) => bias_var,
            None => shared(&table, "bias_var", "0.05", |network| network.bias_var)?,
        };
        let (mut rows, mut weight_vars, mut theory) = (Vec::<ResultRow>::new(), Vec::new(), Vec::new());
        for row in &*table.rows {
            // A point with a value that theory refuses has failed already, with its reason.
            if let Some(weight_var) = table.at(row, axis).number()
                && let Ok(mean_field) = mean_field(&activation, weight_var, bias_var)
            {
                rows.push(row.clone());
                weight_vars.push(weight_var);
                theory.push(mean_field);
            }
        }
        let critical = critical_weight_var(&activation, bias_var).ok();
        Ok(Self { table: ResultTable { rows: rows.into(), ..table }, weight_vars, theory, critical, level })
    }

    fn words(&self, computed: &Computed) -> Result<String> {
        let rows = self.table.rows.iter().zip(&self.weight_vars).zip(&self.theory);
        let curves: Vec<(f64, &MeanField, Vec<f64>)> = rows
            .filter_map(|((row, weight_var), theory)| Some((*weight_var, theory, row.entry().numbers(computed)?)))
            .collect();
        let Some(deepest) = curves.iter().map(|(.., curve)| curve.len()).max() else {
            return Err(Error::new("no point succeeded: there is nothing to judge"));
        };
        let first = curves.iter().filter_map(|(.., curve)| curve.first().copied()).fold(f64::NEG_INFINITY, f64::max);
        let level = self.level.unwrap_or(first - DROP);
        let mut reaches: Vec<Reach<'_>> = curves
            .iter()
            .map(|(weight_var, theory, curve)| {
                let depth = falls_below(curve, level).unwrap_or(f64::INFINITY);
                Reach { weight_var: *weight_var, theory, depth }
            })
            .collect();
        reaches.sort_by(|a, b| a.weight_var.total_cmp(&b.weight_var));
        let mut lines = vec![format!("Information counts as lost where the entropy falls below {level:.2}.")];
        lines.push(self.best(&reaches, &curves, deepest));
        for phase in [Phase::Ordered, Phase::Chaotic] {
            let within: Vec<&Reach<'_>> = reaches.iter().filter(|reach| reach.theory.phase == phase).collect();
            lines.extend(in_phase(phase, &within, deepest));
        }
        Ok(lines.join("\n"))
    }

    /// The weight variance with which information reaches deepest. If it survives all depths with several, the one with
    /// the highest value at the last depth.
    fn best(&self, reaches: &[Reach<'_>], curves: &[(f64, &MeanField, Vec<f64>)], deepest: usize) -> String {
        let through: Vec<&Reach<'_>> = reaches.iter().filter(|reach| reach.depth.is_infinite()).collect();
        let theory = self.critical.map_or(String::new(), |critical| format!("; theory is critical at {critical:.4}"));
        if let (Some(low), Some(high)) = (through.first(), through.last()) {
            let last =
                |weight_var: f64| curves.iter().find(|(w, ..)| *w == weight_var).and_then(|(.., c)| c.last().copied());
            let best = through.iter().max_by(|a, b| {
                last(a.weight_var).unwrap_or(f64::NAN).total_cmp(&last(b.weight_var).unwrap_or(f64::NAN))
            });
            let best = best.map_or(low.weight_var, |best| best.weight_var);
            let range = if low.weight_var == high.weight_var {
                String::new()
            } else {
                format!(" (so do all from {:.3} to {:.3})", low.weight_var, high.weight_var)
            };
            return format!("Best σ_w² is {best:.3}: information survives all {deepest} depths{range}{theory}.");
        }
        match reaches.iter().max_by(|a, b| a.depth.total_cmp(&b.depth)) {
            Some(best) => {
                format!("Best σ_w² is {:.3}: information survives to depth {:.0}{theory}.", best.weight_var, best.depth)
            }
            None => String::new(),
        }
    }
}

/// A property that all networks share on which a table's curves rest.
fn shared<T: PartialEq + Display>(
    table: &ResultTable,
    option: &str,
    example: &str,
    of_network: impl Fn(&NetworkOrigin) -> Option<T>,
) -> Result<T> {
    let curves = table.rows.iter().filter_map(|row| row.entry().source());
    let mut found: Vec<Option<T>> = Vec::new();
    for network in curves.flat_map(|curve| &curve.provenance().networks) {
        let value = of_network(network);
        if !found.contains(&value) {
            found.push(value);
        }
    }
    let hint = format!("say which theory is meant: `verdict(table, #{{ {option}: {example} }})`");
    match (found.pop(), found.pop()) {
        (Some(Some(value)), None) => Ok(value),
        (Some(Some(a)), Some(Some(b))) => {
            Err(Error::new(format!("the networks of this table differ in `{option}`: {b} and {a}")).hint(hint))
        }
        _ => Err(Error::new(format!("the `{option}` of this table's networks is not known")).hint(hint)),
    }
}

impl Output for Verdict {
    fn kind(&self) -> &'static str {
        "verdict"
    }

    fn name(&self) -> String {
        "verdict".to_owned()
    }

    fn targets(&self) -> Vec<Target> {
        self.table.targets()
    }

    /// Empty until all results are available, since a verdict on some of them would mislead.
    fn fill(&self, computed: &Computed) -> Result<Filled> {
        let sources = self.table.rows.iter().filter_map(|row| row.entry().source());
        let is_complete = sources.into_iter().all(|source| computed.contains_key(&source.fingerprint()));
        if is_complete { self.words(computed).map(Filled::from) } else { Ok(Filled::default()) }
    }

    fn is_words(&self) -> bool {
        true
    }

    fn write(&self, _: &Path, _: &Filled, _: &Computed) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Output> {
        Arc::new(Self { table: self.table.named(name), ..self.clone() })
    }
}

fn in_phase(phase: Phase, reaches: &[&Reach<'_>], deepest: usize) -> Option<String> {
    let (first, last) = (reaches.first()?, reaches.last()?);
    let depth = |reach: &Reach<'_>| {
        if reach.depth.is_infinite() {
            format!("not lost by depth {deepest}")
        } else {
            format!("lost at depth {:.0}", reach.depth)
        }
    };
    let mut ratios: Vec<f64> = reaches
        .iter()
        .filter(|reach| reach.depth.is_finite() && reach.theory.xi_c.is_finite())
        .map(|reach| reach.depth / reach.theory.xi_c)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let compared = match (ratios.first(), ratios.last()) {
        (Some(low), Some(high)) => {
            let median = crate::stats::median(ratios.iter().copied());
            format!(
                "; in units of theory's ξ_c the depth is {median:.1} (from {low:.1} to {high:.1}; the rule of thumb is 6)"
            )
        }
        _ => String::new(),
    };
    let name = phase.to_string();
    let name = name[..1].to_uppercase() + &name[1..];
    Some(if reaches.len() == 1 {
        format!("{name} phase, σ_w² {:.3}: {}{compared}.", first.weight_var, depth(first))
    } else {
        format!(
            "{name} phase: {} for σ_w² {:.3}, {} for {:.3}{compared}.",
            depth(first),
            first.weight_var,
            depth(last),
            last.weight_var
        )
    })
}
