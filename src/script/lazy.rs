//! Values that are computed later: a script holds their descriptions.

use std::sync::Arc;

use super::session::Session;
use crate::entropy::{Measured, numbers};
use crate::work::{Described, Target, Value};
use crate::{Error, Result};

/// One number per depth, or per training step.
#[derive(Debug, Clone)]
pub struct Curve {
    pub(crate) source: Described,
    pub(crate) length: usize,
    pub(crate) measured: Measured,
}

/// One number.
#[derive(Debug, Clone)]
pub struct Number {
    pub(crate) source: Described,
    /// What it is, in words; empty if it has no name.
    pub(crate) quantity: &'static str,
}

impl Number {
    /// What it is, computed by the session on this thread.
    ///
    /// # Errors
    /// If it cannot be computed, or nothing may be computed here.
    pub(crate) fn now(&self) -> Result<f64> {
        let value = now(&*Session::here()?, "a number", &self.source)?;
        Ok(numbers(&value)?[0])
    }
}

/// Computes one result now; `what` stands for it in messages.
pub(crate) fn now(session: &Session, what: &str, source: &Described) -> Result<Arc<Value>> {
    let target = Target { point: what.to_owned(), result: source.clone() };
    let mut computed = session.computed(vec![target])?;
    computed.remove(&source.fingerprint()).unwrap_or_else(|| Err(Error::interrupted()))
}
