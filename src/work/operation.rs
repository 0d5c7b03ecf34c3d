//! What can be computed: a type that implements [`Operation`], and its description.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};

use serde_json::json;

use super::{Context, Fingerprint, Provenance, Value};
use crate::{Error, Result};

/// The most operations that are asked for one result's provenance. The built-in ones answer within a few; the bound is for
/// long chains of arithmetic and for primitives of an embedding program.
const MOST_ASKED: usize = 1 << 18;

/// One computation: plain data that decides its numbers, and how to compute them.
pub trait Operation: Any + Send + Sync + std::fmt::Debug {
    /// Its name, such as "cascade.adam"; unique among operations.
    fn name(&self) -> &'static str;

    /// Goes up whenever the same parameters give other numbers than before.
    fn version(&self) -> u32;

    /// Everything that decides the numbers, including the inputs (their fingerprints, or the parameters and versions that
    /// they are made from): a stored result is found without computing the inputs. All numbers are finite.
    fn parameters(&self) -> serde_json::Value;

    /// What it is computed from, in the order in which [`Operation::run`] takes them. Only called when the result is
    /// missing. Earlier inputs are computed first.
    fn inputs(&self) -> Vec<Described> {
        Vec::new()
    }

    /// What the result depends on, where the operation knows that itself; `None` means whatever its inputs depend on. The answer
    /// stands for the inputs as well: start from [`Provenance::from_inputs`] to add to theirs. See [`Described::provenance`].
    fn provenance(&self) -> Option<Provenance> {
        None
    }

    /// How long the result is kept.
    fn keep(&self) -> Keep;

    /// Its cost, estimated from the description alone.
    fn cost(&self) -> Cost;

    /// Those of the [working bytes](Cost::working_bytes) that it can do without on the host, in exchange for time: see
    /// [`Context::working_bytes`].
    fn spare_bytes(&self) -> f64 {
        0.0
    }

    /// Computes the result. Long work calls [`Context::advance`] at every step and returns its error.
    ///
    /// # Errors
    /// Why this result cannot be computed. Other results are not affected.
    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value>;

    /// Whether it takes its inputs one after another, each chosen by those before it: see [`Operation::next_input`]. Inputs
    /// that it never asks for are not computed for it, though the plan counts them: its cost is an upper bound.
    fn takes_inputs_in_turn(&self) -> bool {
        false
    }

    /// For an operation that takes its inputs in turn: which it needs next, by its number, and that input in words; `None`
    /// once it needs no more. `known` has the inputs that it asked for. [`Operation::run`] gets an empty value for those that
    /// it never asked for.
    fn next_input(&self, _known: &[Option<Arc<Value>>]) -> Option<(usize, String)> {
        None
    }

    /// Operations with the same key may be computed as one batch by a device. `None` means always alone.
    fn batch_key(&self) -> Option<Fingerprint> {
        None
    }

    /// Computes a batch of operations that share their [`Operation::batch_key`], this one among them, each with its inputs.
    ///
    /// # Errors
    /// Why any of them cannot be computed.
    fn run_batched(&self, batch: &[(&dyn Operation, &[Arc<Value>])], context: &Context<'_>) -> Result<Vec<Value>> {
        batch.iter().map(|(operation, inputs)| operation.run(inputs, context)).collect()
    }
}

/// How long a result is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// In memory, while something that is being computed needs it.
    InMemory,
    /// On disk, for ever: a few kilobytes.
    Always,
    /// On disk, within the store's budget: the least recently used are removed first.
    WithinBudget,
}

/// What an operation costs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Floating-point operations (a multiply-add is two).
    pub operations: f64,
    /// Bytes of the result.
    pub result_bytes: f64,
    /// Bytes that it takes while it runs, besides inputs and result.
    pub working_bytes: f64,
}

/// An operation and its fingerprint. Cloning shares it.
#[derive(Clone)]
pub struct Described(Arc<Shared>);

struct Shared {
    fingerprint: Fingerprint,
    /// Collected on first use.
    provenance: OnceLock<Arc<Provenance>>,
    operation: Box<dyn Operation>,
}

impl Drop for Shared {
    /// Drops the operation, and the descriptions that only it uses, one after another: in a chain of a hundred thousand a
    /// drop inside a drop inside a drop would overflow the stack.
    fn drop(&mut self) {
        thread_local! {
            /// Operations still to drop, while a drop is in progress on this thread.
            static WAITING: RefCell<Option<Vec<Box<dyn Operation>>>> = const { RefCell::new(None) };
        }
        // A type without size needs no allocation.
        let mut next = Some(std::mem::replace(&mut self.operation, Box::new(Named)));
        let is_outermost = WAITING.try_with(|waiting| match &mut *waiting.borrow_mut() {
            Some(waiting) => {
                waiting.extend(next.take());
                false
            }
            none => none.replace(Vec::new()).is_none(),
        });
        if is_outermost == Ok(true) {
            while let Some(operation) = next {
                drop(operation);
                next = WAITING.with_borrow_mut(|waiting| waiting.as_mut().and_then(Vec::pop));
            }
            WAITING.set(None);
        }
    }
}

impl Described {
    /// Describes an operation.
    pub fn new(operation: impl Operation) -> Self {
        Self::named(Fingerprint::from_operation(&operation), OnceLock::new(), operation)
    }

    fn named(fingerprint: Fingerprint, provenance: OnceLock<Arc<Provenance>>, operation: impl Operation) -> Self {
        Self(Arc::new(Shared { fingerprint, provenance, operation: Box::new(operation) }))
    }

    /// Another operation with the same result, under the same name.
    pub(super) fn replaced_by(&self, operation: impl Operation) -> Self {
        Self::named(self.fingerprint(), self.0.provenance.clone(), operation)
    }

    /// Only the name and the provenance of a result that is at hand. The description, which is large, is dropped: the result
    /// cannot be computed from this.
    #[cfg(any(feature = "watch", test))]
    pub(crate) fn name_of(other: &Self) -> Self {
        other.provenance();
        Self::named(other.fingerprint(), other.0.provenance.clone(), Named)
    }

    /// Whether it is held elsewhere, too.
    #[cfg(feature = "watch")]
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Whether this is a name without its description.
    #[cfg(test)]
    pub(crate) fn is_name(&self) -> bool {
        self.operation().name() == Named.name()
    }

    /// The name of this description.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// What the result depends on: what the operation says, or what its inputs depend on. Collected once.
    pub fn provenance(&self) -> &Provenance {
        self.0.provenance.get_or_init(|| Arc::new(collect_provenance(VecDeque::from([self.clone()]))))
    }

    /// The provenance, if it was collected before.
    fn known_provenance(&self) -> Option<&Provenance> {
        self.0.provenance.get().map(Arc::as_ref)
    }

    /// The operation itself.
    pub fn operation(&self) -> &dyn Operation {
        self.0.operation.as_ref()
    }

    /// The description as it is hashed.
    pub fn description(&self) -> serde_json::Value {
        description(self.operation())
    }
}

/// Stands in for an operation whose description was dropped.
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

impl Fingerprint {
    /// The name of an operation's description.
    pub fn from_operation(operation: &dyn Operation) -> Self {
        Self::from_json(&description(operation))
    }
}

impl Provenance {
    /// What all of `inputs` depend on. An operation that adds something of its own starts from this.
    pub fn from_inputs(inputs: &[Described]) -> Self {
        collect_provenance(inputs.iter().cloned().collect())
    }
}

/// Merges what the operations say, nearest first. An operation that says nothing is replaced by its inputs; each is asked
/// once. The list of those to ask is explicit, so that a chain of a hundred thousand needs no stack.
fn collect_provenance(mut waiting: VecDeque<Described>) -> Provenance {
    let mut found = Provenance::default();
    let mut asked = BTreeSet::new();
    while let Some(described) = waiting.pop_front() {
        if asked.len() >= MOST_ASKED || !asked.insert(described.fingerprint()) {
            continue;
        }
        if let Some(known) = described.known_provenance() {
            found.merge(known);
        } else if let Some(own) = described.operation().provenance() {
            found.merge(&own);
        } else {
            waiting.extend(described.operation().inputs());
        }
    }
    found
}

/// The description that is hashed.
fn description(operation: &dyn Operation) -> serde_json::Value {
    json!({
        "operation": operation.name(),
        "version": operation.version(),
        "parameters": operation.parameters(),
    })
}

impl std::fmt::Debug for Described {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.operation().name(), self.fingerprint().short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Step {
        number: usize,
        says: Option<Provenance>,
        inputs: Vec<Described>,
    }

    impl Operation for Step {
        fn name(&self) -> &'static str {
            "step"
        }

        fn version(&self) -> u32 {
            1
        }

        fn parameters(&self) -> serde_json::Value {
            json!(self.number)
        }

        fn inputs(&self) -> Vec<Described> {
            self.inputs.clone()
        }

        fn provenance(&self) -> Option<Provenance> {
            self.says.clone()
        }

        fn keep(&self) -> Keep {
            Keep::InMemory
        }

        fn cost(&self) -> Cost {
            Cost::default()
        }

        fn run(&self, _: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
            Ok(Value::default())
        }
    }

    fn step(number: usize, says: Option<Provenance>, inputs: Vec<Described>) -> Described {
        Described::new(Step { number, says, inputs })
    }

    fn seeds(seeds: &[u64]) -> Provenance {
        Provenance { seeds: seeds.to_vec(), ..Provenance::default() }
    }

    #[test]
    fn what_inputs_rest_on_is_inherited_through_a_long_chain_and_remembered() {
        let first = step(0, Some(Provenance { solvers: vec!["ridge".to_owned()], ..seeds(&[7]) }), Vec::new());
        let last = (1..100_000).fold(first, |before, number| step(number, None, vec![before.clone(), before]));
        assert_eq!((last.provenance().seeds.as_slice(), last.provenance().solvers.len()), ([7].as_slice(), 1));
        let name = Described::name_of(&last);
        assert_eq!(name.provenance(), last.provenance());
        // Frees the whole chain, without a deep stack.
        drop(last);
        assert_eq!(name.provenance().seeds, [7]);
    }

    #[test]
    fn an_operation_that_answers_hides_its_inputs_and_may_add_to_them() {
        let (a, b) = (step(1, Some(seeds(&[3, 9])), Vec::new()), step(2, Some(seeds(&[1, 3])), Vec::new()));
        let inputs = vec![a, b];
        assert_eq!(step(3, None, inputs.clone()).provenance().seeds, [1, 3, 9]);
        assert_eq!(step(4, Some(seeds(&[5])), inputs.clone()).provenance().seeds, [5]);
        let mut more = Provenance::from_inputs(&inputs);
        more.merge(&seeds(&[4]));
        assert_eq!(step(5, Some(more), inputs).provenance().seeds, [1, 3, 4, 9]);
    }

    #[test]
    fn the_nearest_reconstruction_counts() {
        let on = |number: usize| {
            let reconstruction = Some(Fingerprint::from_json(&json!(number)));
            step(number, Some(Provenance { reconstruction, ..Provenance::default() }), Vec::new())
        };
        let far = step(10, None, vec![on(1)]);
        let near = step(11, None, vec![far, on(2)]);
        assert_eq!(near.provenance().reconstruction, Some(Fingerprint::from_json(&json!(2))));
    }
}
