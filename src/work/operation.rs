//! What can be computed: one type that implements one trait.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use serde_json::json;

use super::{Fingerprint, Value};
use crate::kernels::Crew;
use crate::{Error, Result};

/// An operation is plain data: everything that decides its numbers, and how to compute them.
pub trait Operation: Any + Send + Sync + std::fmt::Debug {
    /// What it is, such as "cascade.adam"; unique among operations.
    fn name(&self) -> &'static str;

    /// Raised whenever the same parameters give other numbers than before.
    fn version(&self) -> u32;

    /// Everything that decides the numbers, the inputs' included (their fingerprints, or the parameters and versions
    /// that they are made from), so that a stored result is found without making the inputs. All numbers are finite.
    fn parameters(&self) -> serde_json::Value;

    /// What it is computed from, in the order in which [`Operation::run`] takes them; asked for only when the result
    /// is missing. Earlier inputs are computed first.
    fn inputs(&self) -> Vec<Described> {
        Vec::new()
    }

    /// Whether the result is worth a file.
    fn keep(&self) -> Keep;

    /// What it takes, from the description alone.
    fn cost(&self) -> Cost;

    /// Computes the result. Long work calls [`Context::advance`] at every step and ends when that says so.
    ///
    /// # Errors
    /// What is wrong with this one result; other results go on.
    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value>;

    /// What operations share that a device can compute as one; none where it is computed alone.
    fn stack(&self) -> Option<Fingerprint> {
        None
    }

    /// Computes operations of one stack, this one among them, each with its inputs.
    ///
    /// # Errors
    /// What is wrong with any of them.
    fn run_together(&self, stack: &[(&dyn Operation, &[Arc<Value>])], context: &Context<'_>) -> Result<Vec<Value>> {
        stack.iter().map(|(operation, inputs)| operation.run(inputs, context)).collect()
    }
}

/// How long a result is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// In memory, while something that is being computed needs it.
    InMemory,
    /// On disk, always: a few kilobytes.
    Always,
    /// On disk while the store's budget lasts, the longest unused removed first.
    WithinBudget,
}

/// What an operation takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Floating-point operations (a multiply-add is two).
    pub operations: f64,
    /// Bytes of the result.
    pub result_bytes: f64,
    /// Bytes needed beside inputs and result while it runs.
    pub working_bytes: f64,
}

/// An operation and its fingerprint. Cloning shares it.
#[derive(Clone)]
pub struct Described {
    operation: Arc<dyn Operation>,
    fingerprint: Fingerprint,
}

impl Described {
    /// Describes an operation.
    pub fn new(operation: impl Operation) -> Self {
        let fingerprint = Fingerprint::of(&description(&operation));
        Self { operation: Arc::new(operation), fingerprint }
    }

    /// Another operation that gives the same, under the same name.
    pub(super) fn in_place(&self, operation: impl Operation) -> Self {
        Self { operation: Arc::new(operation), fingerprint: self.fingerprint }
    }

    /// The name alone, of a result that is at hand: its description is let go of, and cannot be computed from it.
    pub(crate) fn name_of(other: &Self) -> Self {
        Self { operation: Arc::new(Named), fingerprint: other.fingerprint }
    }

    /// Whether it is a name alone.
    pub(crate) fn is_name(&self) -> bool {
        self.operation.name() == Named.name()
    }

    /// The name of this description.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The operation itself.
    pub fn operation(&self) -> &dyn Operation {
        self.operation.as_ref()
    }

    /// The description as it is hashed.
    pub fn description(&self) -> serde_json::Value {
        description(self.operation())
    }
}

/// What stands for an operation that is not kept.
#[derive(Debug)]
struct Named;

impl Operation for Named {
    fn name(&self) -> &'static str {
        "named"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }

    fn run(&self, _: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        Err(Error::new("only the name of this result is kept"))
    }
}

fn description(operation: &dyn Operation) -> serde_json::Value {
    json!({
        "operation": operation.name(),
        "version": operation.version(),
        "parameters": operation.parameters(),
    })
}

impl std::fmt::Debug for Described {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.operation.name(), self.fingerprint.short())
    }
}

/// The user's wish to stop, shared by everything that takes long.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks everything to stop at its next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    /// When somebody asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::interrupted()) } else { Ok(()) }
    }
}

/// What a running operation can ask and tell.
pub struct Context<'a> {
    pub(super) device: Option<&'a Device>,
    /// The user's wish to stop everything, and that to stop this operation.
    pub(super) cancel: [&'a Cancel; 2],
    pub(super) advance: &'a (dyn Fn(f64) + Sync),
    pub(super) crew: &'a dyn Crew,
}

impl Context<'_> {
    /// What computes in place of the host's own loops, by Burn's operations; none where those do.
    pub fn device(&self) -> Option<&Device> {
        self.device
    }

    /// The threads that have nothing else to do. What comes out must not depend on how many come.
    pub fn crew(&self) -> &dyn Crew {
        self.crew
    }

    /// A step is done: `operations` more floating-point operations.
    ///
    /// # Errors
    /// When the user asked to stop, or has no use for it any more.
    pub fn advance(&self, operations: f64) -> Result<()> {
        (self.advance)(operations);
        self.cancel.into_iter().try_for_each(Cancel::check)
    }
}
