//! Plain values: of a sweep's axis, or of a table's cell.

use std::fmt;
use std::sync::Arc;

use crate::figure::number;

/// A plain value: one of an axis, or one cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Integer(i64),
    Number(f64),
    Bool(bool),
    Text(Arc<str>),
    /// Nothing: the point failed, or its result is not there yet.
    Empty,
    /// Anything else that a script can hold; it has no place on a figure's axis.
    Other(Arc<Other>),
}

/// A value that is neither a number, a text, nor true or false.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// For CSV and for people.
    pub text: String,
    pub json: serde_json::Value,
    /// For error messages: "a value of type Layer".
    pub description: String,
}

impl Scalar {
    /// As a number; integers count.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(i) => Some(*i as f64),
            Self::Number(x) => Some(*x),
            _ => None,
        }
    }

    /// For names and messages: numbers are rounded to seven digits, so that 1.7999999999999998 reads 1.8.
    pub fn label(&self) -> String {
        match self {
            Self::Number(x) => number::seven_digits(*x),
            _ => self.to_string(),
        }
    }

    /// For a reader of the page.
    pub fn pretty(&self) -> String {
        match self {
            Self::Integer(i) => number::pretty(*i as f64),
            Self::Number(x) => number::pretty(*x),
            Self::Bool(truth) => if *truth { "yes" } else { "no" }.to_owned(),
            Self::Empty => "–".to_owned(),
            Self::Text(_) | Self::Other(_) => self.to_string(),
        }
    }

    /// As JSON; numbers that JSON does not have are the texts "inf", "-inf" and "nan", as pandas reads them.
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

/// As a cell of a CSV file.
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
