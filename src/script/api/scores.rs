//! How well the numbers of one table predict those of another, with intervals.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, Map};

use super::arithmetic::joined;
use super::curve::value_of;
use super::general::{AnyNumber, wanted_number};
use super::statistics::{derived, derived_interval, paired};
use crate::Error;
use crate::entropy::Derivation;
use crate::script::join::Lacking;
use crate::script::lazy::Number;
use crate::script::options::{Key, Spec, Takes, number};
use crate::script::session::{Native, Session};
use crate::script::table::{Axis, Row, Table};
use crate::stats::{self, Agreement};

const SCORE: Spec = Spec {
    function: "score",
    keys: &[
        Key::required("threshold", Takes::Number, "least outcome that counts as reached, for the AUC"),
        Key::text("over", "seed", "axis whose values are repetitions: the bootstrap draws whole ones with replacement"),
        Key::number("level", 0.95, "probability with which an interval contains the statistic"),
        Key::count("resamples", 1000, "number of times that the repetitions are drawn"),
        Key::count("seed", 0, "seed of the resampling"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[SCORE];

/// The value of the axis `over` at every point that both tables have a value at.
fn repetitions(context: &NativeCallContext<'_>, a: &Table, b: &Table, over: &str) -> Native<Vec<usize>> {
    let joined = joined(context, a, b, Lacking::LeftOut)?;
    let Some(axis) = joined.axes.iter().position(|axis| axis.name() == over) else {
        let names: Vec<&str> = joined.axes.iter().map(Axis::name).collect();
        let message = format!("`score`: the tables have no axis {over:?} together; they have {}", names.join(", "));
        return Err(Error::new(message)
            .hint("repeat every point with other seeds, `sweep([…, over_seeds(3)])`, or name an axis: `over: \"…\"`")
            .into());
    };
    let groups: Vec<usize> =
        joined.values(a, b).filter(|(_, both)| both.is_ok()).map(|(point, _)| point[axis]).collect();
    // Values that no point is left at are no groups.
    let mut known: Vec<usize> = groups.clone();
    known.sort_unstable();
    known.dedup();
    if known.len() < 2 {
        let message = format!("`score`: the points have one value of {over:?}, so the intervals are NaN");
        let warning = Error::new(message).hint("three seeds or more: `sweep([…, over_seeds(3)])`");
        Session::from_context(context)?.warn_at(context, warning);
    }
    Ok(groups.into_iter().map(|group| known.binary_search(&group).unwrap_or(0)).collect())
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// Kendall's rank correlation τ_b between the numbers of two tables at the points that both have: pairs of points that both order
    /// alike less those that they do not, ties accounted for. NaN as `spearman`.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2, 3])]);
    /// print(kendall(grid.map(|p| p.x), grid.map(|p| -p.x)));    // -1.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn kendall(context: NativeCallContext, a: Table, b: Table) -> Native<Number> {
        derived(&context, Derivation::Kendall, &paired(&context, "kendall", &a, &b)?, "Kendall's τ")
    }

    /// The ROC curve of the numbers of a table, `scores`, that predict where those of another, `outcomes`, reach `threshold`: a table of
    /// the true positives, the share of the points that reach it whose score is at least some score, over the axis `false_positives`,
    /// the same share of the points below it. Computed now. See `auc`.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2, 3, 4])]);
    /// let curve = roc(grid.map(|p| p.x), grid.map(|p| if p.x == 2 { 0.9 } else { 0.3 * p.x }), 0.8);
    /// lines(curve, #{ y: "true positives" }).save("roc.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn roc(context: NativeCallContext, scores: Table, outcomes: Table, threshold: AnyNumber) -> Native<Table> {
        let threshold = wanted_number(&threshold, "the threshold")?;
        let plain = |value: Dynamic| -> Native<f64> {
            match value.read_lock::<Number>() {
                Some(later) => value_of(&context, &later),
                None => Ok(number(&value).unwrap_or(f64::NAN)),
            }
        };
        let all = paired(&context, "roc", &scores, &outcomes)?.into_iter().map(plain).collect::<Native<Vec<f64>>>()?;
        let (scores, outcomes) = all.split_at(all.len() / 2);
        if all.iter().any(|number| number.is_nan()) {
            return Err(Error::new("`roc`: a number is NaN").hint("leave such points out: `.where(|p| …)`").into());
        }
        let mut points = stats::roc(scores, outcomes, threshold);
        if points.is_empty() {
            let message = format!("`roc`: of {} points, all reach {threshold} or none", scores.len());
            return Err(Error::new(message)
                .hint("choose a threshold between the least and the greatest outcome")
                .into());
        }
        // A vertical step is kept as its upper end.
        points.dedup_by(|next, before| {
            next.0 == before.0 && {
                before.1 = next.1;
                true
            }
        });
        let values = points.iter().map(|(below, _)| Dynamic::from_float(*below)).collect::<Vec<_>>();
        let rows = points.iter().enumerate().map(|(i, (_, above))| Row { point: vec![i], value: Ok((*above).into()) });
        let axes = vec![Axis::new("false_positives", values)].into();
        Ok(Table { axes, rows: rows.collect(), column: Some("true positives".into()) })
    }

    /// How well the numbers of a table, `scores`, predict those of another, `outcomes`, as a map of numbers: `rho`, Spearman's rank
    /// correlation; `tau`, Kendall's; `auc`, the area under the ROC curve for outcomes of at least `threshold`. Each has an
    /// interval, such as `rho_low` and `rho_high`, by the bootstrap over the axis `over`: the network seeds, say, are drawn with
    /// replacement, each with all of its points. See `spearman`, `kendall`, `auc`.
    ///
    /// ```
    /// let grid = sweep([axis("x", [1, 2, 3]), over_seeds(4)]);
    /// let found = score(grid.map(|p| p.x), grid.map(|p| p.x + 0.1 * p.seed * p.seed), #{ threshold: 2.5 });
    /// print(found.rho_low < 1.0);    // true
    /// print(found.auc_high);         // 1.0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn score(context: NativeCallContext, scores: Table, outcomes: Table, options: Map) -> Native<Map> {
        let options = SCORE.read(&options)?;
        let (threshold, level, resamples) =
            (options.number("threshold")?, options.number("level")?, options.count("resamples")?);
        let (over, seed) = (options.text("over")?, options.seed("seed")?);
        if !threshold.is_finite() {
            return Err(Error::new(format!("`score`: threshold is {threshold}; it is a finite number")).into());
        }
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::new(format!("`score`: level is {level}; it lies between 0 and 1")).into());
        }
        if !(1..=100_000).contains(&resamples) {
            return Err(Error::new(format!("`score`: resamples is {resamples}; it lies between 1 and 100000")).into());
        }
        let values = paired(&context, "score", &scores, &outcomes)?;
        let groups = repetitions(&context, &scores, &outcomes, &over)?;
        let with_threshold: Vec<Dynamic> = values.iter().cloned().chain([threshold.into()]).collect();
        let kinds = [
            ("rho", "Spearman's ρ", Derivation::Spearman, &values, Agreement::Spearman),
            ("tau", "Kendall's τ", Derivation::Kendall, &values, Agreement::Kendall),
            ("auc", "AUC", Derivation::Auc, &with_threshold, Agreement::Auc),
        ];
        let mut found = Map::new();
        for (name, quantity, derivation, values, agreement) in kinds {
            found.insert(name.into(), Dynamic::from(derived(&context, derivation, values, quantity)?));
            let derivation = Derivation::resampled(agreement, groups.clone(), level, resamples, seed);
            let [low, high] = derived_interval(derivation, &with_threshold)?;
            found.insert(format!("{name}_low").into(), Dynamic::from(low));
            found.insert(format!("{name}_high").into(), Dynamic::from(high));
        }
        Ok(found)
    }
}
