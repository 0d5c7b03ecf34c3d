//! The verdict: a phase diagram in words, compared with mean-field theory.

mod words;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::words::{Judged, Judgement};
use super::{Filled, Output, ResultRow, ResultTable};
use crate::entropy::{Lost, Measure, Measured};
use crate::executor::Computed;
use crate::theory::{MeanField, Nonlinearity, assumes_independent, critical_weight_var, mean_field};
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
    /// The value below which information counts as lost, or above for a measure that rises.
    level: Option<f64>,
    /// What the curves measure, and how that changes as information is lost.
    quantity: String,
    lost: Lost,
    /// Weight variances for which theory has no answer.
    left_out: Vec<(f64, &'static str)>,
    title: String,
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
        let lost = measure_of(&table, level)?;
        let activation = match activation {
            Some(activation) => activation,
            None => Nonlinearity::of(&shared(&table, "activation", "\"tanh\"", |network| network.activation.clone())?)?,
        };
        let bias_var = match bias_var {
            Some(bias_var) => bias_var,
            None => shared(&table, "bias_var", "0.05", |network| network.bias_var)?,
        };
        let (mut rows, mut weight_vars, mut theory) = (Vec::<ResultRow>::new(), Vec::new(), Vec::new());
        let mut left_out = Vec::new();
        for row in &*table.rows {
            let Some(weight_var) = table.at(row, axis).number() else {
                let found = table.at(row, axis).describe();
                return Err(Error::new(format!("axis \"weight_var\" holds {found}, which is no weight variance")));
            };
            match mean_field(&activation, weight_var, bias_var) {
                Ok(mean_field) => {
                    rows.push(row.clone());
                    weight_vars.push(weight_var);
                    theory.push(mean_field);
                }
                Err(_) => left_out.push((weight_var, "theory has no answer")),
            }
        }
        let critical = critical_weight_var(&activation, bias_var).ok();
        let quantity = table.measured().map(|measured| measured.quantity).filter(|quantity| !quantity.is_empty());
        let quantity = quantity.unwrap_or("value").to_owned();
        let table = ResultTable { rows: rows.into(), ..table };
        Ok(Self { table, weight_vars, theory, critical, level, quantity, lost, left_out, title: String::new() })
    }

    /// The same under a title, by which it is told from other verdicts.
    #[must_use]
    pub fn titled(self, title: String) -> Self {
        Self { title, ..self }
    }

    fn words(&self, computed: &Computed) -> Result<String> {
        let (mut judged, mut left_out) = (Vec::new(), self.left_out.clone());
        let rows = self.table.rows.iter().zip(&self.weight_vars).zip(&self.theory);
        for ((row, &weight_var), theory) in rows {
            match row.entry().numbers(computed) {
                None => left_out.push((weight_var, "failed")),
                Some(curve) if curve.iter().any(|x| x.is_nan()) => left_out.push((weight_var, "its curve holds NaN")),
                Some(curve) => judged.push(Judged { weight_var, phase: theory.phase, xi_c: theory.xi_c, curve }),
            }
        }
        let Some(first) = judged.iter().filter_map(|judged| judged.curve.first().copied()).max_by(f64::total_cmp)
        else {
            return Err(Error::new("no point has a curve without NaN: there is nothing to judge"));
        };
        judged.sort_by(|a, b| a.weight_var.total_cmp(&b.weight_var));
        left_out.sort_by(|a, b| a.0.total_cmp(&b.0));
        let level = self.level.unwrap_or(first - DROP);
        if !level.is_finite() {
            return Err(Error::new(format!("no level follows from the highest value at depth 1, which is {first}"))
                .hint("say when information counts as lost: `verdict(table, #{ level: -8 })`"));
        }
        let (quantity, lost, critical) = (self.quantity.clone(), self.lost, self.critical);
        let judgement = Judgement { quantity, lost, level, judged, left_out, critical };
        let mut sentences = judgement.sentences();
        sentences.extend(self.scheme());
        Ok(sentences.join("\n"))
    }

    /// What theory assumes, where networks are not drawn like that.
    fn scheme(&self) -> Option<String> {
        let curves = self.table.rows.iter().filter_map(|row| row.entry().source());
        let scheme =
            curves.flat_map(|curve| &curve.provenance().networks).find_map(|network| network.scheme.clone())?;
        Some(assumes_independent(&scheme))
    }
}

/// How the measure of a table's curves changes as information is lost.
fn measure_of(table: &ResultTable, level: Option<f64>) -> Result<Lost> {
    let lengths: Vec<usize> = table.rows.iter().filter_map(|row| row.entry().length()).collect();
    if let (Some(least), Some(most)) = (lengths.iter().min(), lengths.iter().max())
        && least != most
    {
        return Err(Error::new(format!(
            "a verdict compares curves of one length; these have {least} to {most} depths"
        ))
        .hint("take the points of one length: `.where(|p| …)`"));
    }
    let measured = table.measured().unwrap_or(Measured::UNNAMED);
    if measured.over != Measured::UNNAMED.over {
        let over = measured.over;
        return Err(Error::new(format!("a verdict is about curves over depth; these run over {over}")));
    }
    let is_usual = measured.quantity == Measured::from(Measure::Differential).quantity;
    if !is_usual && level.is_none() {
        let of = if measured.quantity.is_empty() { "these curves" } else { measured.quantity };
        return Err(Error::new(format!("a verdict about {of} needs the value at which information counts as lost"))
            .hint("give it: `verdict(table, #{ level: 0.1 })`"));
    }
    Ok(measured.lost.unwrap_or(Lost::Falls))
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

    fn title(&self) -> String {
        self.title.clone()
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
