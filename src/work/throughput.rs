//! How fast each operation ran before on this machine, for estimates.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Report, Store};

/// Floating-point operations per second on one thread, assumed for an operation that was never measured: half of what a
/// plain AVX2 core does.
const UNMEASURED: f64 = 2e10;
/// Shorter runs, in seconds, say nothing about speed.
const SHORTEST: f64 = 0.05;

/// Measured floating-point operations per second by name of operation. Kept beside the results, one file for each family of
/// devices.
#[derive(Debug)]
pub struct Throughput {
    path: PathBuf,
    measured: BTreeMap<String, f64>,
}

impl Throughput {
    /// What runs with this store have measured with these numerics (device family and number type).
    pub fn open(store: &Store, numerics: &str) -> Self {
        let family = numerics.split('/').next().unwrap_or_default().replace(':', "-");
        let path = store.root().join(format!("speeds-{family}.json"));
        let measured = crate::files::read_file(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self { path, measured: measured.unwrap_or_default() }
    }

    /// Estimated seconds on one thread for these floating-point operations, given by name of operation.
    pub fn seconds(&self, operations: &BTreeMap<&'static str, f64>) -> f64 {
        operations.iter().map(|(name, count)| count / self.measured.get(*name).copied().unwrap_or(UNMEASURED)).sum()
    }

    /// Saves what a run measured. A failed write is ignored: only estimates suffer.
    pub fn record(mut self, report: &Report) {
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
