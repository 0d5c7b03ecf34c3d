//! Verdicts in scripts.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, Map};

use crate::Error;
use crate::script::later::Curve;
use crate::script::options::{Key, Spec, Takes, number};
use crate::script::session::{Native, Session};
use crate::script::shown::Shown;
use crate::script::table::{Row, Table};
use crate::script::verdict::{DROP, Verdict};
use crate::theory::{Activation, MeanField, critical_weight_var, mean_field};

const VERDICT: Spec = Spec {
    function: "verdict",
    keys: &[
        Key::one_of(
            "activation",
            &Activation::NAMES,
            "activation whose mean-field theory the curves are compared with",
        ),
        Key::number("bias_var", 0.0, "σ_b² of the networks"),
        Key::computed(
            "level",
            Takes::Number,
            || format!("{DROP} below the highest value at depth 1"),
            "value below which information counts as lost",
        ),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[VERDICT];

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// Prints at the end of the run what a table of entropy curves over the axis `weight_var` shows: the best weight variance,
    /// the depth at which information is lost in each phase, and how that compares with mean-field theory.
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
        let activation = Activation::named(options.choice("activation")?)?;
        let bias_var = options.number("bias_var")?;
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
        let verdict = Verdict { table, axis, theory, critical, level: options.optional_number("level")? };
        Session::of(&context)?.show(&context, Shown::Verdict(verdict))?;
        Ok(())
    }
}
