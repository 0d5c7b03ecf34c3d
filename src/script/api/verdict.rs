//! Verdicts in scripts.

use rhai::plugin::*;
use rhai::{Engine, Map};

use crate::output::verdict::{DROP, Verdict};
use crate::script::options::{Key, Spec, Takes};
use crate::script::session::{Native, Session};
use crate::script::table::Table;
use crate::theory::Activation;

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
        let activation = Activation::named(options.choice("activation")?)?;
        let (bias_var, level) = (options.number("bias_var")?, options.optional_number("level")?);
        let verdict = Verdict::new(table.results(), &activation, bias_var, level)?;
        Session::of(&context)?.show(&context, verdict)?;
        Ok(())
    }
}
