//! How the step size changes over a training: a factor for every step.

use std::f64::consts::PI;
use std::sync::Arc;

use serde::Serialize;

use crate::{Error, Result};

/// Factors of the optimizer's rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schedule {
    #[serde(flatten)]
    course: Course,
    /// Steps in which the factor first rises from nearly 0 to the course's first one.
    #[serde(skip_serializing_if = "super::is_zero")]
    warm_up: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "course")]
enum Course {
    Constant,
    /// Multiplied by `factor` after every so many epochs.
    Steps {
        every: u32,
        factor: f64,
    },
    /// Half a cosine from 1 to `to` (Loshchilov & Hutter 2017).
    Cosine {
        to: f64,
    },
    /// Half cosines from 1/25 to 1 over the first 30% of the steps and on to 1/250,000 (Smith & Topin 2018).
    OneCycle,
    /// Of every step; the last one counts for all that follow.
    Factors {
        factors: Arc<[f64]>,
    },
}

/// PyTorch's defaults of one cycle: the share of the steps that rise, the first factor, and the last one.
const RISING: f64 = 0.3;
const FIRST: f64 = 1.0 / 25.0;
const LAST: f64 = FIRST / 1e4;

impl Default for Schedule {
    fn default() -> Self {
        Self::constant()
    }
}

/// Half a cosine from one number to another, `at` from 0 to 1.
fn eased(from: f64, to: f64, at: f64) -> f64 {
    to + (from - to) * (1.0 + libm::cos(PI * at)) / 2.0
}

impl Schedule {
    /// The optimizer's rate at every step.
    pub fn constant() -> Self {
        Self { course: Course::Constant, warm_up: 0 }
    }

    /// Multiplied by `factor` after every `every` epochs.
    ///
    /// # Errors
    /// When `every` is 0, or the factor is no positive number.
    pub fn steps(every: usize, factor: f64) -> Result<Self> {
        let every = u32::try_from(every).ok().filter(|&every| every > 0);
        match every {
            Some(every) if factor > 0.0 && factor.is_finite() => {
                let course = if factor == 1.0 { Course::Constant } else { Course::Steps { every, factor } };
                Ok(Self { course, warm_up: 0 })
            }
            _ => Err(Error::new("`step_decay(epochs, factor)` takes at least 1 epoch and a positive factor")),
        }
    }

    /// Half a cosine from 1 at the first step to `to` behind the last.
    ///
    /// # Errors
    /// When `to` is not from 0 on.
    pub fn cosine(to: f64) -> Result<Self> {
        if !(to >= 0.0 && to.is_finite()) {
            return Err(Error::new(format!("`cosine` ends at {to}; it is a factor of the rate, from 0 on")));
        }
        Ok(Self { course: if to == 1.0 { Course::Constant } else { Course::Cosine { to } }, warm_up: 0 })
    }

    /// One cycle: up to the optimizer's rate, then far below it.
    pub fn one_cycle() -> Self {
        Self { course: Course::OneCycle, warm_up: 0 }
    }

    /// A factor for every step.
    ///
    /// # Errors
    /// When there is none, or one is not a number from 0 on.
    pub fn factors(factors: Vec<f64>) -> Result<Self> {
        if let Some(step) = factors.iter().position(|factor| !(*factor >= 0.0 && factor.is_finite())) {
            let (step, factor) = (step + 1, factors[step]);
            return Err(Error::new(format!(
                "the schedule's factor of step {step} is {factor}; it is a number from 0 on"
            )));
        }
        if factors.is_empty() {
            return Err(Error::new("the schedule has no factors"));
        }
        let is_constant = factors.iter().all(|&factor| factor == 1.0);
        let course = if is_constant { Course::Constant } else { Course::Factors { factors: factors.into() } };
        Ok(Self { course, warm_up: 0 })
    }

    /// The same behind `steps` in which the factor rises in equal parts to the schedule's first one.
    #[must_use]
    pub fn warm_up(self, steps: usize) -> Self {
        Self { warm_up: steps, ..self }
    }

    /// Whether every factor is 1.
    pub fn is_constant(&self) -> bool {
        *self == Self::constant()
    }

    /// The factor of a step, from 0, of `steps` in all, of which every epoch has `per_epoch`.
    pub fn factor(&self, step: usize, steps: usize, per_epoch: usize) -> f64 {
        if step < self.warm_up {
            let first = self.course.factor(0, steps.saturating_sub(self.warm_up), per_epoch);
            return first * (step + 1) as f64 / self.warm_up as f64;
        }
        self.course.factor(step - self.warm_up, steps.saturating_sub(self.warm_up), per_epoch)
    }
}

impl Course {
    fn factor(&self, step: usize, steps: usize, per_epoch: usize) -> f64 {
        let at = step as f64 / steps.max(1) as f64;
        match self {
            Self::Constant => 1.0,
            Self::Steps { every, factor } => libm::pow(*factor, (step / (per_epoch.max(1) * *every as usize)) as f64),
            Self::Cosine { to } => eased(1.0, *to, at),
            Self::OneCycle if at < RISING => eased(FIRST, 1.0, at / RISING),
            Self::OneCycle => eased(1.0, LAST, (at - RISING) / (1.0 - RISING)),
            Self::Factors { factors } => factors[step.min(factors.len() - 1)],
        }
    }
}

impl std::fmt::Display for Schedule {
    /// As a script writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.course {
            Course::Constant => f.write_str("constant()"),
            Course::Steps { every, factor } => write!(f, "step_decay({every}, {factor})"),
            Course::Cosine { to: 0.0 } => f.write_str("cosine()"),
            Course::Cosine { to } => write!(f, "cosine({to})"),
            Course::OneCycle => f.write_str("one_cycle()"),
            Course::Factors { factors } => write!(f, "{} factors", factors.len()),
        }?;
        if self.warm_up > 0 { write!(f, ".warm_up({})", self.warm_up) } else { Ok(()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn factors_are_those_of_the_formulas() {
        let of = |schedule: &Schedule, steps: &[usize]| -> Vec<f64> {
            steps.iter().map(|&step| schedule.factor(step, 100, 10)).collect()
        };
        let near = |found: Vec<f64>, expected: &[f64]| {
            let all = found.iter().zip(expected);
            assert!(all.clone().all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} {expected:?}");
        };
        near(of(&Schedule::constant(), &[0, 99]), &[1.0, 1.0]);
        near(of(&Schedule::steps(3, 0.5).unwrap(), &[0, 29, 30, 60]), &[1.0, 1.0, 0.5, 0.25]);
        near(of(&Schedule::cosine(0.0).unwrap(), &[0, 50, 100]), &[1.0, 0.5, 0.0]);
        near(of(&Schedule::cosine(0.2).unwrap(), &[0, 50, 100]), &[1.0, 0.6, 0.2]);
        near(of(&Schedule::one_cycle(), &[0, 30, 100]), &[0.04, 1.0, 4e-6]);
        near(of(&Schedule::cosine(0.0).unwrap().warm_up(20), &[0, 9, 19, 20, 60]), &[0.05, 0.5, 1.0, 1.0, 0.5]);
        near(of(&Schedule::factors(vec![0.5, 2.0]).unwrap(), &[0, 1, 2]), &[0.5, 2.0, 2.0]);
    }

    #[test]
    fn one_schedule_has_one_description() {
        for same in [Schedule::steps(3, 1.0), Schedule::cosine(1.0), Schedule::factors(vec![1.0; 4])] {
            assert!(same.unwrap().is_constant());
        }
        assert!(!Schedule::constant().warm_up(2).is_constant() && Schedule::constant().warm_up(0).is_constant());
        for wrong in [
            Schedule::steps(0, 0.5),
            Schedule::steps(1, 0.0),
            Schedule::cosine(-1.0),
            Schedule::factors(vec![f64::NAN]),
        ] {
            wrong.unwrap_err();
        }
    }
}
