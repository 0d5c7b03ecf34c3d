//! What results cost.

use rhai::plugin::*;
use rhai::{Dynamic, Engine, Map};

use crate::Error;
use crate::script::lazy::{Curve, Number};
use crate::script::options::{describe, number};
use crate::script::session::{Native, Session};
use crate::script::table::Table;
use crate::work::{Described, Target};

/// The results that a value is made of.
fn sources(value: &Dynamic, found: &mut Vec<Described>) -> Result<(), Error> {
    if let Some(number) = value.read_lock::<Number>() {
        found.push(number.source.clone());
    } else if let Some(curve) = value.read_lock::<Curve>() {
        found.push(curve.source.clone());
    } else if let Some(table) = value.read_lock::<Table>() {
        table.rows.iter().filter_map(|row| row.value.as_ref().ok()).try_for_each(|value| sources(value, found))?;
    } else if let Some(map) = value.read_lock::<Map>() {
        map.values().try_for_each(|value| sources(value, found))?;
    } else if number(value).is_none() {
        return Err(Error::new(format!(
            "`cost` takes what is computed later: a number, a curve, a table; got {}",
            describe(value)
        )));
    }
    Ok(())
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// The cost of computing a number, a curve or a table, as if nothing was stored, as a map: `operations`, floating-point
    /// operations; `seconds`, on one core of this machine, by the times that such operations took here before: NaN if one
    /// of them never ran, so call it after the results are shown. What several points share counts once. For a search, such as
    /// `trainability::deepest`, it is an upper bound.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(cost(net.predictor(data.train.take(20), "synflow")).operations > 0.0);    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn cost(context: NativeCallContext, value: Dynamic) -> Native<Map> {
        let mut found = Vec::new();
        sources(&value, &mut found)?;
        let targets = found.into_iter().map(|result| Target { point: String::new(), result }).collect();
        let estimate = Session::from_context(&context)?.executor().estimate_of_all(targets);
        let seconds = estimate.seconds_of_work.unwrap_or(f64::NAN);
        let entries = [("operations", estimate.operations), ("seconds", seconds)];
        Ok(entries.into_iter().map(|(name, number)| (name.into(), number.into())).collect())
    }
}
