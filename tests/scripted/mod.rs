//! Running scripts in a folder of their own.
#![allow(dead_code, reason = "every test file uses its part")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use entroscope::script::{Host, Outcome, Settings, Told};

/// A folder with a script, a store and a run folder in it.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub settings: Settings,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            store_dir: folder.path().join("store"),
            out: Some(folder.path().join("out")),
            threads: 2,
            ..Settings::default()
        };
        Self { folder, settings }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a script and gives its path.
    pub fn script(&self, text: &str) -> PathBuf {
        let path = self.path("script.rhai");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs a script; the outcome and what it printed.
    pub fn run(&self, text: &str) -> (Outcome, Vec<String>) {
        self.run_file(&self.script(text))
    }

    pub fn run_file(&self, script: &Path) -> (Outcome, Vec<String>) {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let hears = printed.clone();
        let audience = move |told: Told<'_>| {
            if let Told::Printed(text) = told {
                hears.lock().unwrap().push(text.to_owned());
            }
        };
        let outcome = Host::new(self.settings.clone()).with_audience(Arc::new(audience)).run(script);
        let printed = printed.lock().unwrap().clone();
        (outcome, printed)
    }
}
