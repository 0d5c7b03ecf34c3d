//! The verdict: a phase diagram in words, beside what mean-field theory says.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, Map};

use super::curve::Curve;
use super::table::{Computed, Content, Row, Table};
use crate::Error;
use crate::entropy::falls_below;
use crate::script::options::{Spec, number};
use crate::script::session::{Native, Session};
use crate::script::shown::Shown;
use crate::theory::{Activation, MeanField, Phase, critical_weight_var, mean_field};
use crate::work::Target;

/// How far below its own first value, the highest of all points, a differential entropy counts as lost: the published
/// figure starts at −6.45 and its phases part at about −8.
const DROP: f64 = 1.5;

const VERDICT: Spec = Spec {
    function: "verdict",
    keys: &[
        ("activation", "whose theory to compare with (\"tanh\")"),
        ("bias_var", "σ_b² of the networks (0)"),
        ("level", "the value below which information counts as lost (1.5 below the first depth's)"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[VERDICT];

/// A table of curves over `weight_var`, and the theory to compare it with.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    table: Table,
    axis: usize,
    theory: Vec<MeanField>,
    critical: Option<f64>,
    level: Option<f64>,
}

struct Reach<'a> {
    weight_var: f64,
    theory: &'a MeanField,
    /// The depth at which information is lost; infinite where it gets through.
    depth: f64,
}

impl Verdict {
    pub(crate) fn targets(&self) -> Vec<Target> {
        self.table.targets()
    }

    fn weight_var(&self, row: &Row) -> f64 {
        number(&row.point[self.axis]).unwrap_or(f64::NAN)
    }

    pub(crate) fn words(&self, computed: &Computed) -> crate::Result<String> {
        let curves: Vec<(f64, &MeanField, Vec<f64>)> = self
            .table
            .rows
            .iter()
            .zip(&self.theory)
            .filter_map(|(row, theory)| Some((self.weight_var(row), theory, Content::of_row(row).numbers(computed)?)))
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

    /// The weight variance whose information reaches deepest; among several that reach the end, the middle one.
    fn best(&self, reaches: &[Reach<'_>], curves: &[(f64, &MeanField, Vec<f64>)], deepest: usize) -> String {
        let through: Vec<&Reach<'_>> = reaches.iter().filter(|reach| reach.depth.is_infinite()).collect();
        let theory = self.critical.map_or(String::new(), |critical| format!("; theory is critical at {critical:.4}"));
        if let (Some(low), Some(high)) = (through.first(), through.last()) {
            // Of those, the one that keeps most at the deepest depth.
            let last = |weight_var: f64| curves.iter().find(|(w, ..)| *w == weight_var).and_then(|(.., c)| c.last().copied());
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
            Some(best) => format!("Best σ_w² is {:.3}: information survives to depth {:.0}{theory}.", best.weight_var, best.depth),
            None => String::new(),
        }
    }
}

fn in_phase(phase: Phase, reaches: &[&Reach<'_>], deepest: usize) -> Option<String> {
    let (first, last) = (reaches.first()?, reaches.last()?);
    let depth = |reach: &Reach<'_>| {
        if reach.depth.is_infinite() { format!("beyond {deepest}") } else { format!("{:.0}", reach.depth) }
    };
    let mut ratios: Vec<f64> = reaches
        .iter()
        .filter(|reach| reach.depth.is_finite() && reach.theory.xi_c.is_finite())
        .map(|reach| reach.depth / reach.theory.xi_c)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let compared = match (ratios.first(), ratios.last()) {
        (Some(low), Some(high)) => {
            let median = crate::entropy::median(ratios.iter().copied());
            format!("; in units of theory's ξ_c that is {median:.1} (from {low:.1} to {high:.1}; the rule of thumb is 6)")
        }
        _ => String::new(),
    };
    let name = phase.to_string();
    let name = name[..1].to_uppercase() + &name[1..];
    Some(if reaches.len() == 1 {
        format!("{name} phase, σ_w² {:.3}: lost at depth {}{compared}.", first.weight_var, depth(first))
    } else {
        format!(
            "{name} phase: lost at depth {} for σ_w² {:.3}, at depth {} for {:.3}{compared}.",
            depth(first),
            first.weight_var,
            depth(last),
            last.weight_var
        )
    })
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// Says at the end, in words, what a table of entropy curves over the axis `weight_var` shows: the best weight
    /// variance, the depth to which each phase lets information through, and how that compares with mean-field theory.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let entropy = sweep([axis("weight_var", [0.5, 1.76])]).map(|p| {
    ///     let net = mlp::wide(49, 10, 6).init(#{ weight_var: p.weight_var, bias_var: 0.05 });
    ///     cascade(net, data.train.take(500)).reconstruct(data.test.take(20)).differential_entropy()
    /// });
    /// verdict(entropy, #{ bias_var: 0.05 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn verdict(context: NativeCallContext, table: Table, options: Map) -> Native<()> {
        let options = VERDICT.read(&options)?;
        let axis = table.axis("weight_var")?;
        if let Some(other) = table.axes.iter().find(|other| other.name != "weight_var" && other.values.len() > 1) {
            return Err(Error::new(format!("the table also varies over \"{}\"", other.name))
                .hint(format!("take its mean first: `.mean_over(\"{}\")`", other.name))
                .into());
        }
        if !table.rows.iter().any(|row| row.value.as_ref().is_ok_and(Dynamic::is::<Curve>)) {
            return Err(Error::new("a verdict is about curves over depth, such as `.differential_entropy()`").into());
        }
        let activation = Activation::named(&options.text("activation")?.unwrap_or_else(|| "tanh".to_owned()))?;
        let bias_var = options.number("bias_var")?.unwrap_or(0.0);
        // A point with a value that theory refuses has failed already, and said why.
        let rows: Vec<(Row, MeanField)> = table
            .rows
            .iter()
            .filter_map(|row| {
                let weight_var = number(&row.point[axis])?;
                Some((row.clone(), mean_field(&activation, weight_var, bias_var).ok()?))
            })
            .collect();
        let (rows, theory): (Vec<Row>, Vec<MeanField>) = rows.into_iter().unzip();
        let table = Table { rows: rows.into(), ..table };
        let critical = critical_weight_var(&activation, bias_var).ok();
        let verdict = Verdict { table, axis, theory, critical, level: options.number("level")? };
        Session::of(&context)?.show(Shown::Verdict(verdict));
        Ok(())
    }
}
