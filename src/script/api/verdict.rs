//! Verdicts in scripts.

use rhai::plugin::*;
use rhai::{Engine, Map};

use crate::kernels::Activation;
use crate::output::verdict::{DROP, Verdict};
use crate::script::options::{Key, Spec, Takes};
use crate::script::session::{Native, Session};
use crate::script::table::Table;
use crate::theory::Nonlinearity;

const VERDICT: Spec = Spec {
    function: "verdict",
    keys: &[
        Key::open(
            "activation",
            Takes::OneOf(&Activation::NAMES),
            "that of the networks",
            "activation whose mean-field theory the curves are compared with",
        ),
        Key::open("bias_var", Takes::Number, "that of the networks", "σ_b² of this theory"),
        Key::computed(
            "level",
            Takes::Number,
            || format!("{DROP} below the highest value at depth 1"),
            "value below which information counts as lost",
        ),
        Key::open(
            "title",
            Takes::Text,
            "none, or the line of the script if there are several verdicts",
            "heading of the verdict",
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
    /// verdict(entropy);
    /// ```
    #[rhai_fn(name = "verdict", return_raw)]
    pub fn verdict_plain(context: NativeCallContext, table: Table) -> Native<()> {
        verdict(context, table, Map::new())
    }

    /// The same with options, which say what theory to compare with where the networks' own is not meant.
    #[rhai_fn(return_raw)]
    pub fn verdict(context: NativeCallContext, table: Table, options: Map) -> Native<()> {
        let options = VERDICT.read(&options)?;
        let activation = options.optional_text("activation")?.map(|name| Nonlinearity::named(&name)).transpose()?;
        let (bias_var, level) = (options.optional_number("bias_var")?, options.optional_number("level")?);
        let verdict = Verdict::new(table.results(), activation, bias_var, level)?
            .titled(options.optional_text("title")?.unwrap_or_default());
        Session::from_context(&context)?.show(&context, verdict)?;
        Ok(())
    }
}
