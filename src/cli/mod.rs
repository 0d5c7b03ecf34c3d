//! The program: one file per subcommand.

mod bench;
mod check;
mod data;
mod devices;
mod panics;
mod progress;
mod recipe;
mod reference;
mod run;
mod store;
#[cfg(feature = "watch")]
mod watch;
#[cfg(not(feature = "watch"))]
#[path = "no_watch.rs"]
mod watch;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};

use crate::Error;
use crate::print::{self, err};
use crate::recipe::Opened;
use crate::script::{Diagnostic, Host, Limits, STORE_VARIABLE, Settings};
use crate::words;
use crate::work::{Cancel, Store};

/// How far into a deep network does information about its input survive, before anyone trains it?
///
/// Entroscope runs experiment scripts, written in Rhai, that answer this for architectures, data sets and sweeps of your
/// own. Start with `entroscope run scripts/quickstart.rhai`.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Program {
    #[command(subcommand)]
    command: Command,
    /// Folder of stored results.
    #[arg(long, global = true, env = STORE_VARIABLE, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Folder of data sets, looked at before $ENTROSCOPE_DATA and the cache directory.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a script: compute what it shows and fill its run folder.
    ///
    /// Results are stored by what they are made from, so that a second run, an edited title or a wider sweep computes only
    /// what is new, and Ctrl-C loses nothing that is done. With --only, and after Ctrl-C, the outputs of an earlier complete run
    /// are kept, and these are written into `partial/` beside them. Exit status: 0 all shown, 1 some points failed, 2 the script
    /// is wrong, 3 a file could not be written, 130 interrupted.
    Run(ScriptArguments),
    /// Run a script at every save of it, and show what it shows on a page.
    ///
    /// Prints the page's address. The script is run again when it, a module that it imports or a file of data that it reads is
    /// saved; an edit that computes nothing new is on the page at once, one that does says what it will cost, and work that
    /// both the old and the new script want goes on. Ctrl-C ends it, and what is done is kept.
    Watch(watch::Arguments),
    /// Say what is wrong with a script, its parameters, and what every point would cost; compute nothing.
    Check(ScriptArguments),
    /// Recipes: a run as one page that anyone can open, run, verify and build on.
    #[command(subcommand)]
    Recipe(recipe::Command),
    /// Data sets: what is there, and downloads with checksums.
    #[command(subcommand)]
    Data(data::Command),
    /// Stored results: what is there, removal, verification.
    #[command(subcommand)]
    Store(store::Command),
    /// The devices that this build can compute on.
    Devices,
    Bench(bench::Arguments),
    /// Every function that scripts can call, with its documentation.
    Reference(reference::Arguments),
}

/// What `run`, `watch` and `check` take.
#[derive(Debug, Args)]
struct ScriptArguments {
    /// The script; or a recipe (.recipe.html), or a run folder's script.rhai.
    script: PathBuf,
    /// A parameter of the script: what `param("NAME", …)` gives there.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Of a sweep's points only those with this value of an axis; again for other axes and values.
    #[arg(long, value_name = "AXIS=VALUE", value_parser = assignment)]
    only: Vec<(String, String)>,
    /// The run folder [default: runs/NAME].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Imports may reach files in here [default: the script's folder].
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Compute on this device; see `entroscope devices`.
    #[arg(long, default_value = crate::device::DEFAULT, value_name = "NAME")]
    device: String,
    /// Operations at the same time [default: one per core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Memory that the run may take, in GiB [default: what is free].
    #[arg(long, value_name = "GIB")]
    memory: Option<f64>,
    /// Large results (weights, reconstructions) that the store keeps, such as 20G [default: 10G].
    #[arg(long, value_name = "SIZE", value_parser = words::bytes)]
    store_budget: Option<u64>,
    /// Seconds between two checkpoints of a training, from which it goes on after a kill; 0 for one after every step [default:
    /// 20].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    checkpoint_every: Option<Duration>,
    #[command(flatten, next_help_heading = "Limits of a script")]
    limits: Limits,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "it is a number of seconds, such as 20 or 0.5".to_owned())
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it has the form NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn say(diagnostic: &Diagnostic) {
    // https://no-color.org
    let wants_colours = std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let rendered = diagnostic.render(std::io::stderr().is_terminal() && wants_colours);
    print::unchanged(std::io::stderr().lock(), rendered.trim_end_matches('\n'));
}

/// Says what went wrong, and gives the exit status for it.
fn failed(error: Error) -> ExitCode {
    say(&error.into());
    ExitCode::from(2)
}

impl Program {
    fn settings(&self, arguments: Option<&ScriptArguments>) -> Settings {
        let usual = Settings::default();
        let mut settings = Settings {
            data_dir: self.data_dir.clone(),
            store_dir: self.store.clone().unwrap_or(usual.store_dir.clone()),
            ..usual
        };
        if let Some(arguments) = arguments {
            settings = Settings {
                out: arguments.out.clone(),
                project: arguments.project.clone(),
                device: arguments.device.clone(),
                threads: arguments.threads.unwrap_or(settings.threads).max(1),
                memory: arguments.memory.map_or(settings.memory, |gib| gib * (1u64 << 30) as f64),
                store_budget: arguments.store_budget.unwrap_or(settings.store_budget),
                set: arguments.set.clone(),
                only: arguments.only.clone(),
                checkpoint_every: arguments.checkpoint_every.unwrap_or(settings.checkpoint_every),
                limits: arguments.limits,
                ..settings
            };
        }
        settings
    }

    /// A host for a script or a recipe, the script's path, and the recipe, which holds its files.
    fn host(settings: Settings, script: &Path) -> crate::Result<(Host, PathBuf, Option<Opened>)> {
        let Some(opened) = Opened::open(script)? else { return Ok((Host::new(settings), script.to_owned(), None)) };
        opened.warnings.iter().for_each(|warning| say(&Diagnostic::from(warning.clone()).as_warning()));
        Ok((opened.host(settings), opened.script(), Some(opened)))
    }

    fn open_store(&self) -> crate::Result<Store> {
        let settings = self.settings(None);
        Store::open(settings.store_dir()?, settings.store_budget)
    }
}

/// Signals that arrive together, as when `timeout` signals the program and its group, are one request.
const ONE_REQUEST: Duration = Duration::from_millis(500);

/// The first Ctrl-C cancels, and what is done is kept; a second one ends the program.
#[expect(clippy::exit, reason = "a user who presses Ctrl-C twice does not want to wait")]
#[expect(clippy::disallowed_methods, reason = "two signals at one time are one request")]
fn cancel_on_interrupt(cancel: &Cancel) {
    let cancel = cancel.clone();
    let first = OnceLock::<Instant>::new();
    let handled = ctrlc::set_handler(move || {
        if first.get_or_init(Instant::now).elapsed() > ONE_REQUEST {
            std::process::exit(130);
        }
        cancel.cancel();
    });
    if let Err(error) = handled {
        err!("warning: Ctrl-C will end the program at once: {error}");
    }
}

/// Makes a file that grows beyond the limit of `ulimit -f` an error of its write, not the end of the program.
fn survive_file_limits() {
    #[cfg(unix)]
    if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default()) {
        err!("warning: a file beyond the limit of `ulimit -f` will end the program: {error}");
    }
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let program = Program::parse();
    panics::quiet();
    survive_file_limits();
    match &program.command {
        Command::Run(arguments) => run::run(program.settings(Some(arguments)), &arguments.script),
        Command::Recipe(command) => recipe::recipe(command, &program),
        Command::Watch(arguments) => watch::watch(&program, arguments),
        Command::Check(arguments) => check::check(program.settings(Some(arguments)), &arguments.script),
        Command::Data(command) => data::data(command, &program.settings(None)),
        Command::Store(command) => program.open_store().map_or_else(failed, |store| store::store(command, &store)),
        Command::Devices => devices::devices(),
        Command::Bench(arguments) => bench::bench(arguments, program.settings(None).threads),
        Command::Reference(arguments) => reference::reference(arguments, program.settings(None)),
    }
}
