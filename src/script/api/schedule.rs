//! Schedules of an optimizer's rate.

use rhai::plugin::*;
use rhai::{Engine, INT};

use super::general::{AnyNumber, wanted_number};
use crate::Error;
use crate::network::Schedule;
use crate::script::session::Native;

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Schedule>("Schedule")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The optimizer's rate at every step: the schedule of a training that has none.
    ///
    /// ```
    /// print(constant().warm_up(100));    // constant().warm_up(100)
    /// ```
    #[rhai_fn(name = "constant")]
    pub fn constant() -> Schedule {
        Schedule::constant()
    }

    /// A schedule that multiplies the rate by `factor` after every `epochs` epochs.
    ///
    /// ```
    /// print(step_decay(30, 0.1));    // step_decay(30, 0.1)
    /// ```
    #[rhai_fn(name = "step_decay", return_raw)]
    pub fn step_decay(epochs: INT, factor: AnyNumber) -> Native<Schedule> {
        let epochs = usize::try_from(epochs).unwrap_or(0);
        Ok(Schedule::steps(epochs, wanted_number(&factor, "the factor")?)?)
    }

    /// A schedule along half a cosine, from the optimizer's rate to 0 (Loshchilov & Hutter 2017).
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let options = #{ epochs: 2, optimizer: adam(1e-2), schedule: cosine().warm_up(4) };
    /// print(net.trained(data.train.take(500), options).training_losses().last < 2.3);    // true
    /// ```
    #[rhai_fn(name = "cosine", return_raw)]
    pub fn cosine() -> Native<Schedule> {
        Ok(Schedule::cosine(0.0)?)
    }

    /// The same to the factor `to`.
    #[rhai_fn(name = "cosine", return_raw)]
    pub fn cosine_to(to: AnyNumber) -> Native<Schedule> {
        Ok(Schedule::cosine(wanted_number(&to, "the last factor")?)?)
    }

    /// A schedule of one cycle (Smith & Topin 2018): from a 25th of the optimizer's rate up to it over the first 30% of the
    /// steps, then down to a 250,000th, along half cosines. These are PyTorch's defaults, without its cycle of the momentum.
    ///
    /// ```
    /// print(one_cycle());    // one_cycle()
    /// ```
    #[rhai_fn(name = "one_cycle")]
    pub fn one_cycle() -> Schedule {
        Schedule::one_cycle()
    }

    /// The schedule behind so many steps in which the rate rises in equal parts to the schedule's first one.
    ///
    /// ```
    /// print(cosine().warm_up(100));    // cosine().warm_up(100)
    /// ```
    #[rhai_fn(name = "warm_up", return_raw)]
    pub fn warm_up(schedule: Schedule, steps: INT) -> Native<Schedule> {
        let steps = usize::try_from(steps)
            .map_err(|_| Error::new(format!("`warm_up` takes a number of steps from 0 on, got {steps}")))?;
        Ok(schedule.warm_up(steps))
    }

    /// As `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn to_string(schedule: &mut Schedule) -> String {
        schedule.to_string()
    }
}
