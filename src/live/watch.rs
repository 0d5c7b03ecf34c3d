//! The loop: from a saved file to an edit that runs, and the moment at which one edit takes over from another.

#![expect(clippy::disallowed_methods, reason = "edits carry the time; no number depends on it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::Happened;
use super::board::{Board, Soon};
use super::edit::{Edit, Stage};
use super::files::Files;
use super::server::Server;
use crate::Result;
use crate::script::{Host, HostEvent, Outcome, ReadLog, RunHandle, Status};
use crate::work::{Cancel, Event};

/// A save is over when nothing happened for this long.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// Files that change all the time do not keep an edit from being seen.
const LONGEST_DEBOUNCE: Duration = Duration::from_secs(1);
/// Who stops waits no longer than this for what is being written.
const LONGEST_STOP: Duration = Duration::from_secs(10);
/// The page is shown before the run folder is written.
const LINGER: Duration = Duration::from_millis(300);
/// How often the wish to stop is looked at.
const PATIENCE: Duration = Duration::from_millis(50);

/// What a watch is told beside the script's settings.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The page's port; one that is free where it is not given.
    pub port: Option<u16>,
    /// Work estimated to take longer, in seconds, waits for a click.
    pub ask_above: Option<f64>,
    /// Look at the files this often in place of being told by the system.
    pub poll: Option<Duration>,
}

/// What a watch tells the terminal.
pub enum Heard<'a> {
    /// The page's address.
    Serving(&'a str),
    /// An edit begins.
    Began { edit: usize, changed: &'a str },
    /// An edit's work; of one that was superseded, what it still has under way.
    Run { edit: usize, event: HostEvent<'a> },
    /// It is noted, and not run: the watch is paused.
    Noted { edit: usize, changed: &'a str },
    /// It asks before it runs for so many seconds.
    Asks { edit: usize, seconds: f64 },
    /// An edit is over.
    Ended { edit: usize, stage: Stage, outcome: &'a Outcome },
    /// Something that stops nothing.
    Warning(crate::Error),
}

/// Hears a watch.
pub type Terminal = dyn Fn(Heard<'_>) + Send + Sync;

/// What the edits of one watch share.
struct Desk {
    board: Arc<Board>,
    host: Host,
    handle: RunHandle,
    script: PathBuf,
    options: Options,
    terminal: Box<Terminal>,
    happened: Sender<Happened>,
    /// Those that are not over, by number.
    live: Mutex<BTreeMap<usize, Running>>,
    /// The number of the last edit that was told to go on.
    go: Arc<Go>,
}

/// An edit that is not over.
#[derive(Clone)]
struct Running {
    superseded: Cancel,
    reads: ReadLog,
    began: SystemTime,
    /// It has taken over from those before it.
    is_in_charge: Arc<AtomicBool>,
}

/// The click that a long run waits for.
#[derive(Default)]
pub(super) struct Go {
    edit: Mutex<usize>,
    clicked: Condvar,
}

impl Go {
    /// Lets `edit`, and those before it, run.
    pub fn go(&self, edit: usize) {
        let mut at = self.edit.lock().unwrap_or_else(PoisonError::into_inner);
        *at = (*at).max(edit);
        self.clicked.notify_all();
    }

    fn wait(&self, edit: usize, is_over: impl Fn() -> bool) {
        let mut at = self.edit.lock().unwrap_or_else(PoisonError::into_inner);
        while *at < edit && !is_over() {
            (at, _) = self.clicked.wait_timeout(at, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Runs `script` with `host` at every save until `handle.cancel` is set. Returns whether work was under way then.
///
/// # Errors
/// When there is no such device as the settings name, the page cannot be served, or files cannot be watched.
pub fn watch(host: Host, handle: RunHandle, script: &Path, options: Options, terminal: Box<Terminal>) -> Result<bool> {
    let (sender, receiver) = channel();
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let program = format!("{}-{}", std::process::id(), started.as_millis());
    let board = Arc::new(Board::new(script.display().to_string(), program, options.ask_above));
    let go = Arc::<Go>::default();
    let server = Server::start(board.clone(), &host, script, sender.clone(), go.clone(), options.port)?;
    terminal(Heard::Serving(&server.address()));
    let files = Files::new(sender.clone(), options.poll)?;
    let desk = Desk {
        board,
        host,
        handle: RunHandle { linger: LINGER, ..handle },
        script: script.to_owned(),
        options,
        terminal,
        happened: sender,
        live: Mutex::default(),
        go,
    };
    Arc::new(desk).watch(&receiver, files)
}

impl Desk {
    fn live(&self) -> std::sync::MutexGuard<'_, BTreeMap<usize, Running>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(self: Arc<Self>, happened: &Receiver<Happened>, mut files: Files) -> Result<bool> {
        let mut texts = Texts::default();
        let own = BTreeSet::from([self.script.clone()]);
        files.follow(&own, SystemTime::now())?;
        texts.read(&self.script);
        let mut next = 1;
        let mut noted = false;
        self.clone().begin(&mut next, "the first run".to_owned(), Instant::now());
        loop {
            if self.handle.cancel.is_cancelled() {
                return Ok(self.stop(happened));
            }
            match happened.recv_timeout(PATIENCE) {
                Err(RecvTimeoutError::Timeout) => {}
                // It holds a sender itself.
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
                Ok(Happened::Files) => {
                    let saved = Instant::now();
                    settle(happened, &self.happened);
                    let changed = files.changed();
                    if changed.is_empty() {
                        continue;
                    }
                    let words = texts.changes(&changed, &self.script);
                    if self.board.lock().paused {
                        self.note(&mut next, &words);
                        noted = true;
                    } else {
                        self.clone().begin(&mut next, words, saved);
                    }
                }
                Ok(Happened::Pause) => self.board.set(|board| board.paused = true),
                Ok(Happened::Resume) => {
                    self.board.set(|board| board.paused = false);
                    if std::mem::take(&mut noted) {
                        self.clone().begin(&mut next, "what was noted while paused".to_owned(), Instant::now());
                    }
                }
                Ok(Happened::Reads(edit)) => {
                    let Some(running) = self.live().get(&edit).cloned() else { continue };
                    let paths: BTreeSet<PathBuf> = own.union(&running.reads.all()).cloned().collect();
                    paths.iter().filter(|path| !texts.knows(path)).cloned().collect::<Vec<_>>().iter().for_each(
                        |path| {
                            texts.read(path);
                        },
                    );
                    match files.follow(&paths, running.began) {
                        Ok(false) => {}
                        Ok(true) => self.send(Happened::Files),
                        Err(error) => (self.terminal)(Heard::Warning(error)),
                    }
                }
                Ok(Happened::Ended(edit)) => drop(self.live().remove(&edit)),
            }
        }
    }

    fn send(&self, happened: Happened) {
        // The loop may have ended.
        let _ = self.happened.send(happened);
    }

    /// Waits until what runs has stopped at its next step, and its figures are drawn as far as they are.
    fn stop(&self, happened: &Receiver<Happened>) -> bool {
        let was_running = self.live().values().any(|running| !running.superseded.is_cancelled());
        let started = Instant::now();
        while !self.live().is_empty() && started.elapsed() < LONGEST_STOP {
            if let Ok(Happened::Ended(edit)) = happened.recv_timeout(PATIENCE) {
                self.live().remove(&edit);
            }
        }
        was_running
    }

    fn new_edit(&self, number: usize, changed: &str, stage: Stage) {
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let figures_of = {
            let state = self.board.lock();
            let good = state.edits.values().rev().find(|edit| edit.exhibits.is_some());
            good.map_or(number, |edit| edit.number)
        };
        self.board.add(Edit::new(number, at, changed.to_owned(), stage, figures_of));
    }

    fn note(&self, next: &mut usize, changed: &str) {
        self.new_edit(*next, changed, Stage::Noted);
        (self.terminal)(Heard::Noted { edit: *next, changed });
        *next += 1;
    }

    /// Runs the script as it is now.
    fn begin(self: Arc<Self>, next: &mut usize, changed: String, saved: Instant) {
        let number = *next;
        *next += 1;
        self.new_edit(number, &changed, Stage::Checking);
        (self.terminal)(Heard::Began { edit: number, changed: &changed });
        let running = Running {
            superseded: Cancel::default(),
            reads: ReadLog::default(),
            began: SystemTime::now(),
            is_in_charge: Arc::default(),
        };
        // One that is not described yet never will be needed.
        let mut live = self.live();
        live.values()
            .filter(|other| !other.is_in_charge.load(Ordering::Relaxed))
            .for_each(|other| other.superseded.cancel());
        live.insert(number, running.clone());
        drop(live);
        let handle =
            RunHandle { superseded: running.superseded.clone(), reads: running.reads.clone(), ..self.handle.clone() };
        let timed = move |name: &'static str, desk: &Self| {
            desk.board.change(number, Soon::InTime, |edit| {
                edit.timings.insert(name, milliseconds(saved));
            });
        };
        std::thread::spawn(move || {
            timed("began", &self);
            let desk = self.clone();
            let observer = move |event: HostEvent<'_>| desk.hear(number, &running, &timed, event);
            let outcome = self.host.for_run(handle, Arc::new(observer)).run(&self.script);
            self.end(number, &outcome);
        });
    }

    /// The earlier edits begin nothing more.
    fn take_over(&self, number: usize, running: &Running) {
        running.is_in_charge.store(true, Ordering::Relaxed);
        for (earlier, other) in self.live().range(..number) {
            other.superseded.cancel();
            self.board.change(*earlier, Soon::InTime, |edit| {
                if !edit.stage.is_over() {
                    edit.stage = Stage::Superseded;
                }
            });
        }
    }

    fn hear(&self, number: usize, running: &Running, timed: &impl Fn(&'static str, &Self), event: HostEvent<'_>) {
        match &event {
            // What it has under way goes on for the edit that took over, and is told there when it is done.
            _ if running.superseded.is_cancelled() => {}
            HostEvent::Loaded => timed("loaded", self),
            HostEvent::Checked => timed("checked", self),
            HostEvent::Printed(text) => self.board.change(number, Soon::AtOnce, |edit| edit.print(text)),
            HostEvent::Described(exhibits) => {
                self.take_over(number, running);
                self.board.change(number, Soon::InTime, |edit| edit.describe(Arc::clone(exhibits)));
                timed("described", self);
                self.send(Happened::Reads(number));
            }
            HostEvent::Planned(plan, estimate) => {
                let is_described = self.board.lock().edits.get(&number).is_some_and(|edit| edit.exhibits.is_some());
                // Values that the script itself needs come first; only then is it known what the whole of it wants.
                self.take_over(number, running);
                if is_described {
                    self.handle.in_flight.keep_only(&plan.keys());
                }
                let (missing, _) = plan.missing_and_reused();
                let asks = missing > 0 && self.options.ask_above.is_some_and(|limit| estimate.seconds > limit);
                // Where nothing is missing, the results are there before a picture without them could be drawn.
                let soon = if missing > 0 { Soon::AtOnce } else { Soon::InTime };
                self.board.change(number, soon, |edit| {
                    edit.plan(plan, *estimate);
                    edit.stage = if asks { Stage::Waiting } else { Stage::Running };
                });
                timed("planned", self);
                if asks {
                    (self.terminal)(Heard::Asks { edit: number, seconds: estimate.seconds });
                    self.go.wait(number, || running.superseded.is_cancelled() || self.handle.cancel.is_cancelled());
                    self.board.change(number, Soon::AtOnce, |edit| {
                        if edit.stage == Stage::Waiting {
                            edit.stage = Stage::Running;
                        }
                    });
                }
            }
            HostEvent::Work(Event::Started { point, .. }) => {
                self.board.change(number, Soon::InTime, |edit| edit.start(point));
            }
            HostEvent::Work(Event::Advanced(operations)) => {
                self.board.change(number, Soon::InTime, |edit| edit.advance(*operations));
            }
            HostEvent::Work(Event::Done { fingerprint, result, .. }) => {
                self.board.done(number, *fingerprint, result);
            }
            HostEvent::Work(Event::Warning(_)) => {}
            HostEvent::Finished => {
                timed("computed", self);
                self.board.change(number, Soon::AtOnce, |edit| {
                    if edit.exhibits.is_some() && edit.stage == Stage::Running {
                        edit.stage = Stage::Done;
                    }
                });
            }
        }
        (self.terminal)(Heard::Run { edit: number, event });
    }

    fn end(&self, number: usize, outcome: &Outcome) {
        let mut stage = Stage::Done;
        // What a broken script reads, a module that is missing say, may mend it.
        self.send(Happened::Reads(number));
        let is_superseded = self.live().get(&number).is_some_and(|running| running.superseded.is_cancelled());
        self.board.change(number, Soon::AtOnce, |edit| {
            if is_superseded && outcome.status == Status::Interrupted {
                edit.stage = Stage::Superseded;
            }
            edit.end(outcome);
            stage = edit.stage;
        });
        (self.terminal)(Heard::Ended { edit: number, stage, outcome });
        self.send(Happened::Ended(number));
        self.board.condense();
    }
}

/// Waits until nothing happens to files any more; what else happens comes again.
fn settle(happened: &Receiver<Happened>, again: &Sender<Happened>) {
    let started = Instant::now();
    let mut others = Vec::new();
    while started.elapsed() < LONGEST_DEBOUNCE {
        match happened.recv_timeout(DEBOUNCE) {
            Ok(Happened::Files) => {}
            Ok(other) => others.push(other),
            Err(_) => break,
        }
    }
    others.into_iter().for_each(|other| {
        let _ = again.send(other);
    });
}

/// The texts that scripts are made of, to say which lines changed.
#[derive(Default)]
struct Texts(BTreeMap<PathBuf, Option<String>>);

impl Texts {
    fn knows(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn read(&mut self, path: &Path) -> Option<String> {
        let is_script = path.extension().is_some_and(|extension| extension == "rhai");
        let text = if is_script { std::fs::read_to_string(path).ok() } else { None };
        self.0.insert(path.to_owned(), text).flatten()
    }

    /// What changed, in words: "phase.rhai, lines 12–14".
    fn changes(&mut self, paths: &[PathBuf], script: &Path) -> String {
        let mut words: Vec<String> = Vec::new();
        for path in paths {
            // The script is known by the name that the user gave.
            let real = script.canonicalize().ok();
            let path = if real.as_ref() == Some(path) { script } else { path };
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            let before = self.read(path);
            let after = self.0.get(path).cloned().flatten();
            words.push(match (before, after) {
                (Some(before), Some(after)) => format!("{name}{}", lines(&before, &after)),
                _ if !path.exists() => format!("{name} is gone"),
                _ => name,
            });
        }
        words.dedup();
        words.join("; ")
    }
}

/// ", lines 12–14": from the first line of `after` that is not as before to the last.
fn lines(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same =
        |mut pairs: Box<dyn Iterator<Item = (&&str, &&str)> + '_>| pairs.by_ref().take_while(|(a, b)| a == b).count();
    let start = same(Box::new(before.iter().zip(&after)));
    let end = same(Box::new(before[start..].iter().rev().zip(after[start..].iter().rev())));
    match after.len() - end {
        _ if before == after => ", saved as it was".to_owned(),
        last if last <= start => format!(", lines removed after {start}"),
        last if last == start + 1 => format!(", line {last}"),
        last => format!(", lines {}–{last}", start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn what_changed_is_named_by_its_lines() {
        assert_eq!(lines("a\nb\nc", "a\nx\nc"), ", line 2");
        assert_eq!(lines("a\nb\nc", "a\nx\ny\nc"), ", lines 2–3");
        assert_eq!(lines("a\nb\nc", "a\nc"), ", lines removed after 1");
        assert_eq!(lines("a\na\na", "a\na"), ", lines removed after 2");
        assert_eq!(lines("a", "a\nb"), ", line 2");
        assert_eq!(lines("a\n", "a\n"), ", saved as it was");
    }
}
