//! How fast each operation ran here before: what an estimate rests on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Report, Store};

/// Floating-point operations per second on one thread, before anything was measured: half of what a plain AVX2 core does.
const UNMEASURED: f64 = 2e10;
/// Less than this says nothing about speed.
const SHORTEST: f64 = 0.05;

/// Measured speeds by name of operation, kept beside the results, for every family of devices.
#[derive(Debug)]
pub struct Speeds {
    path: PathBuf,
    measured: BTreeMap<String, f64>,
}

impl Speeds {
    /// What runs with this store have measured on a device of these numerics (family and number type).
    pub fn open(store: &Store, numerics: &str) -> Self {
        let family = numerics.split('/').next().unwrap_or_default().replace(':', "-");
        let path = store.root().join(format!("speeds-{family}.json"));
        let measured = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self { path, measured: measured.unwrap_or_default() }
    }

    /// Seconds that so many floating-point operations of each operation take on one thread.
    pub fn seconds(&self, operations: &BTreeMap<&'static str, f64>) -> f64 {
        operations.iter().map(|(name, count)| count / self.measured.get(*name).copied().unwrap_or(UNMEASURED)).sum()
    }

    /// Remembers what a run measured; only an estimate is lost where that cannot be written.
    pub fn learn(mut self, report: &Report) {
        for (name, (operations, seconds)) in &report.spent {
            if *seconds > SHORTEST {
                self.measured.insert((*name).to_owned(), operations / seconds);
            }
        }
        if let Ok(text) = serde_json::to_vec_pretty(&self.measured) {
            let _ = crate::files::write_whole(&self.path, &text);
        }
    }
}
