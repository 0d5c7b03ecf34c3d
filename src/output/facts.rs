//! What is known about a result when its description is no longer kept.

use crate::work::{Described, Fingerprint};

/// What is told of a result when its description is no longer kept.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The seeds that its numbers come from, in words.
    pub seeds: Option<String>,
    /// The reconstruction that it was measured on, if it was.
    pub reconstruction: Option<Fingerprint>,
}

impl Facts {
    /// Of a description that is still whole.
    pub fn of(result: &Described) -> Self {
        let reconstruction = reconstruction(result);
        Self {
            seeds: seeds(reconstruction.as_ref().unwrap_or(result)),
            reconstruction: reconstruction.map(|reconstruction| reconstruction.fingerprint()),
        }
    }
}

/// The reconstruction that a value was measured on, if it was.
fn reconstruction(result: &Described) -> Option<Described> {
    /// A curve is a few steps of arithmetic from the entropy, and that one from the reconstruction.
    const STEPS: usize = 8;
    let mut level = vec![result.clone()];
    for _ in 0..STEPS {
        if let Some(found) = level.iter().find(|described| described.operation().name() == "cascade.reconstruct") {
            return Some(found.clone());
        }
        level = level
            .iter()
            .filter(|described| matches!(described.operation().name(), "entropy" | "curve"))
            .flat_map(|described| described.operation().inputs())
            .collect();
    }
    None
}

/// The seeds that a description names, in words.
fn seeds(described: &Described) -> Option<String> {
    fn collect(value: &serde_json::Value, seeds: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| match value {
                serde_json::Value::Number(seed) if key == "seed" => seeds.push(seed.to_string()),
                value => collect(value, seeds),
            }),
            serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, seeds)),
            _ => {}
        }
    }
    let mut seeds = Vec::new();
    collect(&described.description(), &mut seeds);
    seeds.sort();
    seeds.dedup();
    (!seeds.is_empty()).then(|| seeds.join(", "))
}
