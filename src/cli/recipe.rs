//! `entroscope recipe`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;

use super::progress::Terminal;
use super::{Program, ScriptArguments, cancel_on_interrupt, failed, say};
use crate::figure::Figure;
use crate::files::write_whole;
use crate::print::{err, out};
use crate::recipe::{self, Budget, Opened, PackOptions, Verified};
use crate::script::{Diagnostic, HostEvent, Recipe, RunHandle, Status};
use crate::words::{self, counted, size};
use crate::{Error, Result};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a script and pack it, with its numbers and figures, into one page: NAME.recipe.html.
    ///
    /// The page opens in any browser, from disk, without a network. The same file stands where a script does: in run, watch,
    /// check and import. With results that are stored already, packing computes only the bands of rounding: a few points again,
    /// with everything moved by one unit in the last place, so that `verify` can tell rounding from drift.
    Pack(Box<Pack>),
    /// Say what a recipe was made from and by; run nothing.
    Show {
        /// A recipe, or a run folder.
        recipe: PathBuf,
    },
    /// Compute a sample of a recipe's points here, from nothing, and compare them with its numbers.
    ///
    /// The points are drawn on the spot. Exit status: 0 identical or within rounding, 1 drifted, 3 not comparable.
    Verify(Box<Verify>),
    /// What differs between two recipes or run folders: script, modules, parameters, versions, data, and numbers.
    ///
    /// Exit status: 0 nothing, 1 something.
    Diff {
        a: PathBuf,
        b: PathBuf,
        /// Write the figure of differences here, with its numbers: differences.svg, .png and .csv.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Write the files of a recipe into a new folder, to work on.
    Unpack {
        /// A recipe, or a run folder.
        recipe: PathBuf,
        folder: PathBuf,
    },
    /// Write a page that lists the recipes of a folder, with pictures and a search: a laboratory's shelf.
    Gallery {
        /// The folder.
        folder: PathBuf,
        /// The page [default: index.html in the folder].
        #[arg(short = 'o', long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// How to cite a recipe: its CITATION.cff.
    Cite {
        /// A recipe, or a run folder.
        recipe: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Pack {
    #[command(flatten)]
    script: ScriptArguments,
    /// The file [default: NAME.recipe.html].
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Time for measuring the bands of rounding, such as 90s or 5m; 0 for none.
    #[arg(long, value_name = "TIME", value_parser = words::seconds_or_none, default_value = "60s")]
    bands: f64,
    /// Put files of the project that the script reads into the recipe, up to this size each. May they be passed on? Look at
    /// their licences [default with no size: 1M].
    #[arg(long, value_name = "SIZE", value_parser = words::bytes, num_args = 0..=1, default_missing_value = "1M")]
    with_data: Option<u64>,
    /// Pack what there is when points failed or the run was stopped; the recipe says so.
    #[arg(long)]
    partial: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// The recipe, or a run folder.
    recipe: PathBuf,
    /// Time for computing: 90s, 5m, 2h.
    #[arg(long, value_name = "TIME", value_parser = words::seconds, default_value = "2m", conflicts_with = "all")]
    budget: f64,
    /// The share of the points at most, from 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "1")]
    share: f64,
    /// Verify all points, however long it takes.
    #[arg(long)]
    all: bool,
    /// Compute on this device; see `entroscope devices`.
    #[arg(long, default_value = crate::device::DEFAULT, value_name = "NAME")]
    device: String,
    /// Operations at the same time [default: one per core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "it is a number above 0 and at most 1, such as 0.2".to_owned())
}

pub(super) fn recipe(command: &Command, program: &Program) -> ExitCode {
    let done = match command {
        Command::Pack(pack) => return packs(pack, program),
        Command::Verify(verify) => return verifies(verify, program),
        Command::Diff { a, b, out } => return diffs(a, b, out.as_deref()).unwrap_or_else(failed),
        Command::Show { recipe } => opened(recipe).map(|opened| show(&opened)),
        Command::Gallery { folder, output } => shelves(folder, output.as_deref()),
        Command::Cite { recipe } => {
            opened(recipe).map(|opened| out!("{}", recipe::citation(&opened.recipe).trim_end()))
        }
        Command::Unpack { recipe, folder } => opened(recipe).and_then(|opened| unpacks(&opened, folder)),
    };
    done.map_or_else(failed, |()| ExitCode::SUCCESS)
}

/// The recipe at a path.
fn opened(path: &Path) -> Result<Opened> {
    Opened::open(path)?.ok_or_else(|| {
        Error::new(format!("{} is not a recipe", path.display()))
            .hint("give a .recipe.html, or a run folder; `entroscope recipe pack SCRIPT` makes a recipe of a script")
    })
}

fn warn(warnings: &[Error]) {
    warnings.iter().for_each(|warning| say(&Diagnostic::from(warning.clone()).as_warning()));
}

fn show(opened: &Opened) {
    print_lock(&opened.recipe);
    let recipe = &opened.recipe;
    let shows: Vec<String> = recipe.outputs.iter().map(|output| format!("{} {}", output.kind, output.name)).collect();
    if !shows.is_empty() {
        out!("\nshows {}", words::visible(&shows.join(", ")));
    }
    recipe.verdicts.iter().for_each(|verdict| out!("\n{}", words::visible(verdict)));
    if !opened.warnings.is_empty() {
        out!("\nbeside this program:");
        opened.warnings.iter().for_each(|warning| out!("  {}", warning.message));
    }
}

fn print_lock(recipe: &Recipe) {
    let lock = recipe::lock(recipe);
    let width = lock.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    lock.iter().for_each(|(label, text)| out!("{label:width$}  {text}"));
}

fn packs(pack: &Pack, program: &Program) -> ExitCode {
    let handle = RunHandle::default();
    cancel_on_interrupt(&handle.cancel);
    let terminal = Arc::new(Terminal::new());
    let shows = terminal.clone();
    let options = PackOptions {
        file: pack.output.clone(),
        bands: Duration::from_secs_f64(pack.bands),
        with_data: pack.with_data.unwrap_or(0),
        partial: pack.partial,
    };
    let settings = program.settings(Some(&pack.script));
    let observer = Arc::new(move |event: HostEvent<'_>| shows.on_event(event));
    match recipe::pack(&pack.script.script, settings, &options, &handle, observer) {
        Ok(packed) => {
            let points = packed.outcome.points;
            let warned = terminal.warned();
            let new = packed.outcome.diagnostics.iter().filter(|diagnostic| !warned.contains(&diagnostic.message));
            new.for_each(say);
            let all = points.computed + points.reused + points.failed;
            out!(
                "wrote {}: {}, {}, {} with a band of rounding; {:.1} s",
                packed.file.display(),
                size(packed.bytes as f64),
                counted(all, "point"),
                packed.banded,
                packed.outcome.seconds
            );
            if !packed.left_out.is_empty() {
                out!("not in it: {}; --with-data puts them in", packed.left_out.join(", "));
            }
            ExitCode::from(if packed.outcome.status == Status::Done { 0 } else { packed.outcome.status.code() })
        }
        Err(diagnostics) => {
            let is_stopped = handle.cancel.is_cancelled();
            if is_stopped {
                err!("stopped; what is done is kept, and the same command goes on from there");
            }
            diagnostics.iter().filter(|diagnostic| !is_stopped || diagnostic.message != "interrupted").for_each(say);
            ExitCode::from(if is_stopped { 130 } else { 2 })
        }
    }
}

fn verifies(verify: &Verify, program: &Program) -> ExitCode {
    let opened = match opened(&verify.recipe) {
        Ok(opened) => opened,
        // A file that is no recipe, or a damaged one, cannot be compared.
        Err(error) => {
            failed(error);
            return ExitCode::from(3);
        }
    };
    warn(&opened.warnings);
    let usual = program.settings(None);
    let settings = crate::script::Settings {
        device: verify.device.clone(),
        threads: verify.threads.unwrap_or(usual.threads).max(1),
        ..usual
    };
    let time = (!verify.all).then(|| Duration::from_secs_f64(verify.budget));
    let bar = indicatif::ProgressBar::new(0).with_prefix("points");
    let shows = bar.clone();
    let progress = Arc::new(move |done: usize, most: usize, _: Duration| {
        shows.set_length(most as u64);
        shows.set_position(done as u64);
    });
    match recipe::verify(&opened, settings, Budget { time, share: verify.share }, progress) {
        Ok(verified) => {
            bar.finish_and_clear();
            report(&verified);
            ExitCode::from(verified.verdict.code())
        }
        Err(error) => failed(error),
    }
}

fn report(verified: &Verified) {
    for point in &verified.points {
        let words = if point.words.is_empty() { String::new() } else { format!(": {}", point.words) };
        let name = if point.point.is_empty() { "the result" } else { &point.point };
        out!("{}  {}{words}", words::visible(name), point.verdict);
    }
    verified.reasons.iter().for_each(|reason| out!("{}", words::visible(reason)));
    for (before, after) in &verified.moved {
        out!(
            "a verdict of the recipe:\n{}\nand with the numbers from here:\n{}",
            words::visible(before),
            words::visible(after)
        );
    }
    out!("{} ({:.1} s)", verified.summary(), verified.seconds);
}

fn diffs(a: &Path, b: &Path, out: Option<&Path>) -> Result<ExitCode> {
    let (a, b) = (opened(a)?, opened(b)?);
    let found = recipe::diff(&a.recipe, &b.recipe);
    for (heading, lines) in &found.parts {
        out!("{heading}");
        lines.iter().for_each(|line| out!("  {}", words::visible(line)));
    }
    out!("{} compared, {} of them different", counted(found.compared, "result"), found.different);
    match (&found.figure, out) {
        (Some(figure), Some(folder)) => write_figure(figure, folder)?,
        (None, Some(_)) => out!("no curve differs, so there is no figure"),
        _ => {}
    }
    Ok(ExitCode::from(u8::from(!found.is_none())))
}

fn write_figure(figure: &Figure, folder: &Path) -> Result<()> {
    let files = [("svg", figure.svg()?.into_bytes()), ("png", figure.png()?), ("csv", figure.csv()?.into_bytes())];
    for (ending, bytes) in files {
        let path = folder.join(format!("differences.{ending}"));
        write_whole(&path, &bytes)?;
        out!("wrote {}", path.display());
    }
    Ok(())
}

fn shelves(folder: &Path, output: Option<&Path>) -> Result<()> {
    let file = output.map_or_else(|| folder.join("index.html"), Path::to_owned);
    let shelf = recipe::shelf(folder, &file)?;
    warn(&shelf.warnings);
    write_whole(&file, shelf.page.as_bytes())?;
    out!("wrote {}: {}", file.display(), counted(shelf.recipes, "recipe"));
    Ok(())
}

fn unpacks(opened: &Opened, folder: &Path) -> Result<()> {
    warn(&opened.warnings);
    recipe::unpack(opened, folder)?.iter().for_each(|file| out!("wrote {}", file.display()));
    let recipe = &opened.recipe;
    let chosen = |flag: &str, pairs: &[(String, String)]| {
        let words: Vec<String> = pairs.iter().map(|(name, value)| format!(" {flag} {name}={value}")).collect();
        words.concat()
    };
    let (set, only) = (chosen("--set", &recipe.set()), chosen("--only", &recipe.only));
    let project = if recipe.script.contains('/') { format!(" --project {}", folder.display()) } else { String::new() };
    out!("run it: entroscope run {}{project}{set}{only}", folder.join(&recipe.script).display());
    Ok(())
}
