//! Running scripts in a folder of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use super::skip::{self, skipped};
use entroscope::device;
use entroscope::script::{Diagnostic, Host, HostEvent, Outcome, Settings};

/// A folder with a project, a store and a run folder in it, gone when the test ends.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub settings: Settings,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("project")).unwrap();
        let settings = Settings {
            data_dir: Some(folder.path().join("data")),
            store_dir: folder.path().join("store"),
            out: Some(folder.path().join("out")),
            // What the tests run on where nobody says otherwise.
            device: std::env::var("TEST_DEVICE").unwrap_or_else(|_| device::DEFAULT.to_owned()),
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
        let path = self.path("project/script.rhai");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs a script; the outcome and what it printed.
    pub fn run(&self, text: &str) -> (Outcome, Vec<String>) {
        self.run_file(&self.script(text))
    }

    pub fn run_file(&self, script: &Path) -> (Outcome, Vec<String>) {
        run(Host::new(self.settings.clone()), script)
    }

    /// The program itself, with this folder's store, data and cache.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entroscope"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("ENTROSCOPE_STORE", self.path("store"))
            .env("ENTROSCOPE_DATA", self.path("data"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("HOME", self.path("home"))
            .env_remove("RUST_BACKTRACE");
        command
    }

    /// `entroscope run` of a script, on one thread, into the run folder `out`.
    pub fn program_runs(&self, script: &Path) -> Command {
        let mut command = self.program(&["run", "--threads", "1"]);
        command.arg(script).arg("--out").arg(self.path("out"));
        command
    }

    /// A file of the run folder.
    pub fn written(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("out").join(name)).unwrap()
    }

    /// `run.json`.
    pub fn record(&self) -> serde_json::Value {
        serde_json::from_str(&self.written("run.json")).unwrap()
    }

    /// Whole results in the store, by path.
    pub fn results(&self) -> Vec<PathBuf> {
        let files =
            |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let shelves = ["small", "large"].into_iter().flat_map(|folder| files(self.path("store").join(folder)));
        let mut results: Vec<PathBuf> = shelves.flat_map(files).collect();
        results.retain(|file| file.extension().is_some_and(|extension| extension == "safetensors"));
        results.sort();
        results
    }
}

/// A folder that is a file system of its own; the test is skipped where this process may not make one.
pub struct Mounted(PathBuf);

impl Mounted {
    #[track_caller]
    pub fn new(folder: PathBuf, kilobytes: usize) -> Option<Self> {
        std::fs::create_dir_all(&folder).unwrap();
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&folder).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        skipped(skip::MOUNT, "this process may not mount a file system");
        None
    }

    /// Leaves room for so many kilobytes.
    pub fn fill(&self, kilobytes: usize, but: usize) {
        std::fs::write(self.filler(), vec![0; (kilobytes - but) * 1024]).unwrap();
    }

    /// The file that fills it.
    pub fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    pub fn forbid_writing(&self) {
        assert!(Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// All files below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}

/// Runs a script on a host of one's own; the outcome and what it printed.
pub fn run(host: Host, script: &Path) -> (Outcome, Vec<String>) {
    let printed = Arc::new(Mutex::new(Vec::new()));
    let hears = printed.clone();
    let observer = move |event: HostEvent<'_>| {
        if let HostEvent::Printed(text) = event {
            hears.lock().unwrap().push(text.to_owned());
        }
    };
    let outcome = host.with_observer(Arc::new(observer)).run(script);
    let printed = printed.lock().unwrap().clone();
    (outcome, printed)
}

/// Diagnostics as a terminal shows them.
pub fn text(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect()
}

/// Runs a test in a process of its own, for what is measured of the whole process. `test` is the test's full name.
pub fn alone(test: &str, body: impl FnOnce()) {
    const IS_ALONE: &str = "TEST_IS_ALONE";
    if std::env::var_os(IS_ALONE).is_some() {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test, "--nocapture"]).env(IS_ALONE, "1").output().unwrap();
    let said = said(&output);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// What a program said: standard output, then standard error.
pub fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[track_caller]
pub fn assert_says(said: &str, words: &[&str]) {
    words.iter().for_each(|word| assert!(said.contains(word), "lacks {word:?}:\n{said}"));
}
