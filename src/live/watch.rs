//! The watch itself: it waits for saved files and for the page's buttons, and starts an edit's run at every save.

#![expect(clippy::disallowed_methods, reason = "edits carry the time; no number depends on it")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::Signal;
use super::approval::Approval;
use super::changes::SourceTexts;
use super::context::WatchContext;
use super::edits::EditLog;
use super::event::{WatchEvent, WatchObserver};
use super::files::Files;
use super::run::EditRun;
use super::server::Server;
use crate::Result;
use crate::output::run_folder::RunFolder;
use crate::page::{Edit, Stage};
use crate::script::{Host, RunHandle};

/// A save is over when no file has changed for this long.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// A save is taken to be over after this time, even if files go on changing.
const LONGEST_DEBOUNCE: Duration = Duration::from_secs(1);
/// Maximum wait for pending writes when the watch is stopped.
const LONGEST_STOP: Duration = Duration::from_secs(10);
/// The page is served before the run folder is written.
const LINGER: Duration = Duration::from_millis(300);
/// How often the watch looks whether it was cancelled.
const INTERVAL: Duration = Duration::from_millis(50);

/// WatchOptions of a watch, beside the script's settings.
#[derive(Debug, Clone, Default)]
pub struct WatchOptions {
    /// The page's port; a free one where it is not given.
    pub port: Option<u16>,
    /// Work with a longer estimate, in seconds, waits for approval on the page.
    pub ask_above: Option<f64>,
    /// Look at the files at this interval instead of using the system's notifications.
    pub poll: Option<Duration>,
}

/// Runs `script` with `host` at every save until `handle.cancel` is set. Returns whether work was under way then.
///
/// # Errors
/// When there is no such device as the settings name, the page cannot be served, or files cannot be watched.
pub fn watch(
    host: Host,
    handle: RunHandle,
    script: &Path,
    options: WatchOptions,
    observer: Box<WatchObserver>,
) -> Result<bool> {
    let (sender, signals) = channel();
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let program = format!("{}-{}", std::process::id(), started.as_millis());
    let edits = Arc::new(EditLog::new(host.given(script).display().to_string(), program, options.ask_above));
    let approval = Arc::<Approval>::default();
    let server = Server::start(edits.clone(), &host, script, sender.clone(), approval.clone(), options.port)?;
    observer(WatchEvent::Serving(&server.address()));
    // Where there is no such folder, the run says why.
    let run_folder = RunFolder::open(host.settings().out.as_deref(), script).map(|folder| folder.root().to_owned());
    let files = Files::new(sender.clone(), options.poll, &run_folder.unwrap_or_default())?;
    let watch = WatchContext {
        edits,
        host,
        handle: RunHandle { linger: LINGER, ..handle },
        script: script.to_owned(),
        ask_above: options.ask_above,
        observer,
        approval,
        signals: sender,
        active: Mutex::default(),
    };
    let texts = SourceTexts::default();
    EventLoop { watch: Arc::new(watch), signals, files, texts, next: 1, has_noted: false }.run()
}

/// The thread that waits for signals.
struct EventLoop {
    watch: Arc<WatchContext>,
    signals: Receiver<Signal>,
    files: Files,
    texts: SourceTexts,
    /// The next edit's number.
    next: usize,
    /// Whether an edit was noted while the watch is paused.
    has_noted: bool,
}

impl EventLoop {
    fn run(mut self) -> Result<bool> {
        let own = BTreeSet::from([self.watch.script.clone()]);
        self.files.follow(&own, SystemTime::now())?;
        self.texts.add(&own);
        self.begin("the first run", Instant::now());
        loop {
            if self.watch.handle.cancel.is_cancelled() {
                return Ok(self.stop());
            }
            match self.signals.recv_timeout(INTERVAL) {
                Err(RecvTimeoutError::Timeout) => {}
                // Unreachable: the watch holds a sender itself.
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
                Ok(Signal::Files) => self.on_files(),
                Ok(Signal::Pause) => self.watch.edits.set(|log| log.paused = true),
                Ok(Signal::Resume) => self.on_resume(),
                Ok(Signal::Reads(edit)) => self.on_reads(edit, &own),
                Ok(Signal::Ended(edit)) => drop(self.watch.active().remove(&edit)),
            }
        }
    }

    fn on_files(&mut self) {
        let saved = Instant::now();
        self.wait_for_end_of_save();
        let changed = self.files.changed();
        if changed.is_empty() {
            return;
        }
        let changed = self.texts.changes(&changed, &self.watch.script);
        if self.watch.edits.lock().paused {
            let edit = self.add(&changed, Stage::Noted);
            (self.watch.observer)(WatchEvent::Noted { edit, changed: &changed });
            self.has_noted = true;
        } else {
            self.begin(&changed, saved);
        }
    }

    fn on_resume(&mut self) {
        self.watch.edits.set(|log| log.paused = false);
        if std::mem::take(&mut self.has_noted) {
            self.begin("what was noted while paused", Instant::now());
        }
    }

    /// Follows the files that an edit reads.
    fn on_reads(&mut self, edit: usize, own: &BTreeSet<PathBuf>) {
        let Some(active) = self.watch.active().get(&edit).cloned() else { return };
        let paths: BTreeSet<PathBuf> = own.union(&active.reads.all()).cloned().collect();
        let followed = self.files.follow(&paths, active.began);
        // The text of one that was written meanwhile is not what the edit read.
        self.texts.add(paths.iter().filter(|path| !self.files.is_missing(path)));
        match followed {
            Ok(false) => {}
            Ok(true) => self.watch.signal(Signal::Files),
            Err(error) => (self.watch.observer)(WatchEvent::Warning(error)),
        }
    }

    /// Waits until files have stopped changing. Other signals are sent again.
    fn wait_for_end_of_save(&self) {
        let started = Instant::now();
        let mut others = Vec::new();
        while started.elapsed() < LONGEST_DEBOUNCE {
            match self.signals.recv_timeout(DEBOUNCE) {
                Ok(Signal::Files) => {}
                Ok(other) => others.push(other),
                Err(_) => break,
            }
        }
        others.into_iter().for_each(|other| self.watch.signal(other));
    }

    /// Waits until running edits have stopped at their next step and have drawn what they have.
    fn stop(&self) -> bool {
        let was_running = self.watch.active().values().any(|edit| !edit.superseded.is_cancelled());
        let started = Instant::now();
        while !self.watch.active().is_empty() && started.elapsed() < LONGEST_STOP {
            if let Ok(Signal::Ended(edit)) = self.signals.recv_timeout(INTERVAL) {
                self.watch.active().remove(&edit);
            }
        }
        was_running
    }

    /// Adds an edit to the log; returns its number.
    fn add(&mut self, changed: &str, stage: Stage) -> usize {
        let number = self.next;
        self.next += 1;
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let figures_of = {
            let log = self.watch.edits.lock();
            let good = log.edits.values().rev().find(|edit| edit.outputs.is_some());
            good.map_or(number, |edit| edit.number)
        };
        self.watch.edits.add(Edit::new(number, at, changed.to_owned(), stage, figures_of));
        number
    }

    /// Runs the script as it is now.
    fn begin(&mut self, changed: &str, saved: Instant) {
        let edit = self.add(changed, Stage::Checking);
        (self.watch.observer)(WatchEvent::Began { edit, changed });
        EditRun::start(self.watch.clone(), edit, saved);
    }
}
