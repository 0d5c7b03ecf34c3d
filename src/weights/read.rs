//! The operation that reads arrays from a file. It is named by what they hold: not by the file, its format or its name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::float::PIECE;
use super::match_names::Naming;
use super::{Held, WeightFile};
use crate::work::{Context, Cost, Described, Keep, Operation, Value};
use crate::{Error, Result};

/// An array that is wanted of a file.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What the file calls it.
    pub from: String,
    /// What the result calls it.
    pub name: String,
    pub shape: Vec<usize>,
}

/// Some arrays of a file.
#[derive(Debug)]
struct Read {
    file: Arc<WeightFile>,
    prefix: String,
    arrays: Vec<(Wanted, String)>,
}

impl WeightFile {
    /// What reads the arrays of every block; `whose` they are is for messages.
    ///
    /// # Errors
    /// When the file does not hold them, or cannot be read.
    pub fn describe(self, whose: &str, blocks: Vec<Vec<Wanted>>, naming: &Naming) -> Result<Vec<Described>> {
        self.check(whose, &blocks.iter().flatten().collect::<Vec<_>>(), naming)?;
        let (hashes, file) = (self.hashes()?, Arc::new(self));
        let hashed = |wanted: Wanted| {
            let hash = hashes.get(&format!("{}{}", naming.prefix, wanted.from)).cloned();
            Ok((wanted, hash.ok_or_else(|| file.changed())?))
        };
        let describe = |arrays: Vec<Wanted>| {
            let arrays = arrays.into_iter().map(hashed).collect::<Result<_>>()?;
            Ok(Described::new(Read { file: file.clone(), prefix: naming.prefix.clone(), arrays }))
        };
        blocks.into_iter().map(describe).collect()
    }
}

impl Read {
    fn held(&self, wanted: &Wanted) -> Result<(String, &Held)> {
        let name = format!("{}{}", self.prefix, wanted.from);
        let held = self.file.tensors.get(&name);
        held.map(|held| (name.clone(), held)).ok_or_else(|| Error::new(format!("{} has no {name}", self.file.name)))
    }
}

impl Operation for Read {
    fn name(&self) -> &'static str {
        "weights.read"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        let hashes: BTreeMap<&str, &str> =
            self.arrays.iter().map(|(wanted, hash)| (wanted.name.as_str(), hash.as_str())).collect();
        serde_json::json!(hashes)
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        let numbers = self.arrays.iter().map(|(wanted, _)| wanted.shape.iter().product::<usize>()).sum::<usize>();
        Cost { operations: 0.0, result_bytes: 4.0 * numbers as f64, working_bytes: 8.0 * PIECE.min(numbers) as f64 }
    }

    fn run(&self, _: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        self.arrays.iter().try_fold(Value::default(), |value, (wanted, hash)| {
            let (name, held) = self.held(wanted)?;
            let (numbers, found) = self.file.read(&name, held)?;
            if found != *hash {
                return Err(self.file.changed());
            }
            context.advance(0.0)?;
            Ok(value.with(&wanted.name, &wanted.shape, numbers))
        })
    }
}
