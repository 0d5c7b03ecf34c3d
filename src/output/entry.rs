//! One value of a table: known, computed later, or a hole.

use super::Scalar;
use crate::Result;
use crate::entropy::{CurveResult, Measured, numbers};
use crate::executor::Computed;
use crate::figure::Band;
use crate::work::{Described, Value};

/// One value of a table.
#[derive(Debug, Clone)]
pub enum Entry {
    /// Numbers at the depths 1 to `length`, computed later.
    Curve {
        source: Described,
        length: usize,
        measured: Measured,
    },
    /// One number, computed later, and what it is in words.
    Number {
        source: Described,
        quantity: &'static str,
    },
    Known(Scalar),
    List(Vec<Scalar>),
    /// The script failed at this point.
    Failed,
}

impl Entry {
    /// The description of what is computed for it, if anything is.
    pub fn source(&self) -> Option<&Described> {
        match self {
            Self::Curve { source, .. } | Self::Number { source, .. } => Some(source),
            Self::Known(_) | Self::List(_) | Self::Failed => None,
        }
    }

    /// Its result, if it was computed successfully.
    fn computed<'a>(&self, computed: &'a Computed) -> Option<&'a Value> {
        computed.get(&self.source()?.fingerprint())?.as_deref().ok()
    }

    /// Whether the point or its computation failed.
    pub(super) fn has_failed(&self, computed: &Computed) -> bool {
        match self.source() {
            None => matches!(self, Self::Failed),
            Some(source) => computed.get(&source.fingerprint()).is_some_and(Result::is_err),
        }
    }

    /// Whether its result rests on a training that diverged: its numbers that are NaN are so for that reason.
    pub(super) fn has_diverged(&self, computed: &Computed) -> bool {
        self.computed(computed).is_some_and(Value::has_diverged)
    }

    /// Whether it is known and has no number, such as a text.
    pub(super) fn is_no_number(&self) -> bool {
        match self {
            Self::Known(value) => value.number().is_none(),
            Self::List(_) => true,
            Self::Curve { .. } | Self::Number { .. } | Self::Failed => false,
        }
    }

    /// For error messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Known(value) => value.describe(),
            Self::List(values) => format!("a list of {} values", values.len()),
            Self::Curve { .. } => "a curve".to_owned(),
            Self::Number { .. } => "a number".to_owned(),
            Self::Failed => "nothing, the point failed".to_owned(),
        }
    }

    /// Its numbers, one per depth for a curve. `None` if they are not computed, or it is not a number.
    pub fn numbers(&self, computed: &Computed) -> Option<Vec<f64>> {
        match self {
            Self::Known(value) => value.number().map(|x| vec![x]),
            _ => numbers(self.computed(computed)?).ok().map(<[f64]>::to_vec),
        }
    }

    /// The number of its depths, if that is known.
    pub(super) fn depths(&self, computed: &Computed) -> Option<usize> {
        self.numbers(computed).map(|numbers| numbers.len()).max(self.length())
    }

    /// The number of its depths, if it is a curve.
    pub(super) fn length(&self) -> Option<usize> {
        if let Self::Curve { length, .. } = self { Some(*length) } else { None }
    }

    /// What it measures, if it is a curve.
    pub(super) fn measured(&self) -> Option<Measured> {
        if let Self::Curve { measured, .. } = self { Some(*measured) } else { None }
    }

    /// The quartiles over the batch at every depth, for a measure with a value per sample.
    pub(super) fn quartiles(&self, computed: &Computed) -> Option<Band> {
        let [lo, hi] = CurveResult::read(self.computed(computed)?).ok()?.quartiles()?;
        Some(Band { lo, hi })
    }

    /// How many of its numbers the precision holds for, if they go on beyond it.
    pub(super) fn trusted(&self, computed: &Computed) -> Option<usize> {
        let result = CurveResult::read(self.computed(computed)?).ok()?;
        result.trusted.filter(|trusted| *trusted < result.curve.len())
    }

    /// A table's cells: one, or one per depth.
    pub(super) fn cells(&self, computed: &Computed) -> Vec<Scalar> {
        match (self, self.numbers(computed)) {
            (Self::Known(value), _) => vec![value.clone()],
            (Self::List(values), _) => values.clone(),
            (Self::Curve { .. }, Some(numbers)) => numbers.into_iter().map(Scalar::Number).collect(),
            (_, numbers) => {
                vec![numbers.and_then(|numbers| numbers.first().copied()).map_or(Scalar::Empty, Scalar::Number)]
            }
        }
    }

    /// Whether it has one cell, which the records of all depths repeat.
    pub(super) fn is_single(&self) -> bool {
        !matches!(self, Self::Curve { .. } | Self::List(_))
    }

    pub(super) fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Self {
        match self {
            Self::Curve { source, length, measured } => {
                Self::Curve { source: name(source), length: *length, measured: *measured }
            }
            Self::Number { source, quantity } => Self::Number { source: name(source), quantity },
            Self::Known(_) | Self::List(_) | Self::Failed => self.clone(),
        }
    }
}
