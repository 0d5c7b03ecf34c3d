//! Plain values: those of a sweep's axes and of a table's cells.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::figure::number;

/// A value of an axis, or of a table's cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Integer(i64),
    Number(f64),
    Bool(bool),
    Text(Arc<str>),
    /// No value: the point failed, or its result is not computed yet.
    Empty,
    /// Anything else that a script can hold.
    Other(Arc<Other>),
}

/// A value of another type than numbers, texts and truth values.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// In words, as in CSV.
    pub text: String,
    pub json: serde_json::Value,
    /// For error messages: "a value of type Layer".
    pub description: String,
}

impl Scalar {
    /// The value as a number; an integer is one as well.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(i) => Some(*i as f64),
            Self::Number(x) => Some(*x),
            _ => None,
        }
    }

    /// Equal for equal values: 1 and 1.0 have one place on a figure's axis. `None` for values that may differ in what their words
    /// do not say.
    pub fn key(&self) -> Option<String> {
        match self {
            Self::Integer(_) | Self::Number(_) => self.number().map(|x| format!("{:?}", x + 0.0)),
            Self::Bool(truth) => Some(format!("bool {truth}")),
            Self::Text(text) => Some(format!("text {text}")),
            Self::Empty | Self::Other(_) => None,
        }
    }

    /// The order of values in a column: numbers, then truth values, then texts, then all others.
    pub fn order(&self, other: &Self) -> Ordering {
        let rank = |value: &Self| match value {
            Self::Integer(_) | Self::Number(_) => 0,
            Self::Bool(_) => 1,
            Self::Text(_) => 2,
            Self::Empty | Self::Other(_) => 3,
        };
        match (self.number(), other.number()) {
            (Some(a), Some(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
            _ => rank(self).cmp(&rank(other)).then_with(|| self.to_string().cmp(&other.to_string())),
        }
    }

    /// The value in names and messages. Numbers are rounded to seven digits: 1.8 for 1.7999999999999998.
    pub fn label(&self) -> String {
        match self {
            Self::Number(x) => number::seven_digits(*x),
            _ => self.to_string(),
        }
    }

    /// The value on the page.
    pub fn pretty(&self) -> String {
        match self {
            Self::Integer(i) => number::pretty(*i as f64),
            Self::Number(x) => number::pretty(*x),
            Self::Bool(truth) => if *truth { "yes" } else { "no" }.to_owned(),
            Self::Empty => "–".to_owned(),
            Self::Text(_) | Self::Other(_) => self.to_string(),
        }
    }

    /// The value in JSON. Numbers that JSON lacks are the texts "inf", "-inf" and "nan", which pandas reads.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Integer(i) => (*i).into(),
            Self::Number(x) => number::json(*x),
            Self::Bool(b) => (*b).into(),
            Self::Text(text) => text.as_ref().into(),
            Self::Empty => serde_json::Value::Null,
            Self::Other(other) => other.json.clone(),
        }
    }

    /// For error messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Empty => "nothing, ()".to_owned(),
            Self::Other(other) => other.description.clone(),
            _ => self.to_string(),
        }
    }
}

/// The value in a CSV file.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(i) => write!(f, "{i}"),
            Self::Number(x) => f.write_str(&number::plain(*x)),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Text(text) => f.write_str(text),
            Self::Empty => Ok(()),
            Self::Other(other) => f.write_str(&other.text),
        }
    }
}
