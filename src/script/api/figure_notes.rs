//! What is drawn over figures: curves, lines across, words, arrows.

use rhai::plugin::*;
use rhai::{Dynamic, Engine};

use super::general::{AnyNumber, wanted_number};
use crate::figure::Note;
use crate::output::figure::Draft;
use crate::script::session::Native;
use crate::script::table::Table;

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// The figure with a line over it: a table of numbers over the axis that runs to the right.
    ///
    /// ```
    /// let grid = sweep([axis("weight_var", [1, 2]), axis("bias_var", [0.05, 0.1])]);
    /// let xi = grid.map(|p| mean_field("tanh", p).xi_c);
    /// let critical = sweep([axis("weight_var", [1, 2])]).map(|p| 0.05 * p.weight_var);
    /// heatmap(xi, #{ x: "weight_var", y: "bias_var" }).line(critical, "a line").save("xi.svg");
    /// ```
    #[rhai_fn(name = "line", return_raw)]
    pub fn line(figure: Draft, table: Table, label: &str) -> Native<Draft> {
        Ok(figure.with_line(table.results(), label)?)
    }

    /// The figure with a line across it at a value of the axis upward. The axis reaches there.
    ///
    /// ```
    /// let chi = sweep([axis("weight_var", [1, 2, 3])]).map(|p| mean_field("tanh", #{ weight_var: p.weight_var, bias_var: 0.05 }).chi);
    /// lines(chi).hline(1, "critical").save("chi.svg");
    /// ```
    #[rhai_fn(name = "hline", return_raw)]
    pub fn hline(figure: Draft, y: AnyNumber, label: &str) -> Native<Draft> {
        Ok(figure.with_note(Note::Across { y: wanted_number(&y, "the value of `hline`")?, label: label.to_owned() })?)
    }

    #[rhai_fn(name = "hline", return_raw)]
    pub fn hline_plain(figure: Draft, y: AnyNumber) -> Native<Draft> {
        hline(figure, y, "")
    }

    /// The figure with a line up it at a value of the axis to the right. The axis reaches there.
    ///
    /// ```
    /// histogram(uniform([1000], 0)).vline(0, "mean").save("weights.svg");
    /// ```
    #[rhai_fn(name = "vline", return_raw)]
    pub fn vline(figure: Draft, x: AnyNumber, label: &str) -> Native<Draft> {
        Ok(figure
            .with_note(Note::Upright { x: wanted_number(&x, "the value of `vline`")?, label: label.to_owned() })?)
    }

    #[rhai_fn(name = "vline", return_raw)]
    pub fn vline_plain(figure: Draft, x: AnyNumber) -> Native<Draft> {
        vline(figure, x, "")
    }

    /// The figure with words around a point, given by values of its axes.
    ///
    /// ```
    /// let chi = sweep([axis("weight_var", [1, 2, 3])]).map(|p| mean_field("tanh", #{ weight_var: p.weight_var, bias_var: 0.05 }).chi);
    /// lines(chi).text(2.5, 0.8, "chaos").save("chi.svg");
    /// ```
    #[rhai_fn(name = "text", return_raw)]
    pub fn text(figure: Draft, x: AnyNumber, y: AnyNumber, text: &str) -> Native<Draft> {
        let (x, y) = (wanted_number(&x, "the place of `text`")?, wanted_number(&y, "the place of `text`")?);
        Ok(figure.with_note(Note::Words { x, y, text: text.to_owned() })?)
    }

    /// The figure with an arrow from a point to another, and words at its beginning.
    ///
    /// ```
    /// let chi = sweep([axis("weight_var", [1, 2, 3])]).map(|p| mean_field("tanh", #{ weight_var: p.weight_var, bias_var: 0.05 }).chi);
    /// lines(chi).arrow(1.5, 1.2, 1.76, 1, "critical").save("chi.svg");
    /// ```
    #[rhai_fn(name = "arrow", return_raw)]
    pub fn arrow(
        figure: Draft,
        x0: AnyNumber,
        y0: AnyNumber,
        x1: AnyNumber,
        y1: AnyNumber,
        label: &str,
    ) -> Native<Draft> {
        let place = |value: &Dynamic| wanted_number(value, "an end of `arrow`");
        let (from, to) = ((place(&x0)?, place(&y0)?), (place(&x1)?, place(&y1)?));
        Ok(figure.with_note(Note::Arrow { from, to, label: label.to_owned() })?)
    }

    #[rhai_fn(name = "arrow", return_raw)]
    pub fn arrow_plain(figure: Draft, x0: AnyNumber, y0: AnyNumber, x1: AnyNumber, y1: AnyNumber) -> Native<Draft> {
        arrow(figure, x0, y0, x1, y1, "")
    }
}
