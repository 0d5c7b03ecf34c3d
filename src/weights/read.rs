//! The operation that reads arrays from a file. Its fingerprint depends on the content of the arrays, not on the file's name
//! or format.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::float::PIECE;
use super::match_names::Naming;
use super::{StoredArray, WeightFile};
use crate::work::{Context, Cost, Described, Keep, NetworkOrigin, Operation, Provenance, Value};
use crate::{Error, Result};

/// An array to read from a file.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its name in the file, without the prefix.
    pub from: String,
    /// Its name in the result.
    pub name: String,
    pub shape: Vec<usize>,
}

/// Reads some arrays of a file; each comes with its hash.
#[derive(Debug)]
struct ReadArrays {
    file: Arc<WeightFile>,
    prefix: String,
    arrays: Vec<(Wanted, String)>,
}

impl WeightFile {
    /// One operation for each block that reads the block's arrays. `whose` they are is for messages.
    ///
    /// # Errors
    /// The file does not hold the arrays, or cannot be read.
    pub fn describe(self, whose: &str, blocks: Vec<Vec<Wanted>>, naming: &Naming) -> Result<Vec<Described>> {
        self.check(whose, &blocks.iter().flatten().collect::<Vec<_>>(), naming)?;
        let (hashes, file) = (self.hashes()?, Arc::new(self));
        let hashed = |wanted: Wanted| {
            let hash = hashes.get(&format!("{}{}", naming.prefix, wanted.from)).cloned();
            Ok((wanted, hash.ok_or_else(|| file.changed())?))
        };
        let describe = |arrays: Vec<Wanted>| {
            let arrays = arrays.into_iter().map(hashed).collect::<Result<_>>()?;
            Ok(Described::new(ReadArrays { file: file.clone(), prefix: naming.prefix.clone(), arrays }))
        };
        blocks.into_iter().map(describe).collect()
    }
}

impl ReadArrays {
    fn stored(&self, wanted: &Wanted) -> Result<(String, &StoredArray)> {
        let name = format!("{}{}", self.prefix, wanted.from);
        let stored = self.file.tensors.get(&name);
        stored
            .map(|stored| (name.clone(), stored))
            .ok_or_else(|| Error::new(format!("{} has no {name}", self.file.name)))
    }
}

impl Operation for ReadArrays {
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

    fn provenance(&self) -> Option<Provenance> {
        let summary = format!("weights from {}", self.file.name);
        let networks = vec![NetworkOrigin { summary, ..NetworkOrigin::default() }];
        Some(Provenance { networks, ..Provenance::default() })
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
            let (name, stored) = self.stored(wanted)?;
            let (numbers, found) = self.file.read(&name, stored)?;
            if found != *hash {
                return Err(self.file.changed());
            }
            context.advance(0.0)?;
            Ok(value.with(&wanted.name, &wanted.shape, numbers))
        })
    }
}
