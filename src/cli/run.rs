//! `entroscope run`.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::progress::{SHOWN_WARNINGS, Terminal};
use super::{Program, cancel_on_interrupt, failed, say};
use crate::executor::Points;
use crate::print::{err, out};
use crate::script::{Diagnostic, Outcome, RunHandle, Settings, Status};

pub(super) fn run(settings: Settings, script: &Path) -> ExitCode {
    let handle = RunHandle::default();
    cancel_on_interrupt(&handle.cancel);
    let terminal = Arc::new(Terminal::new());
    let (host, script, _files) = match Program::host(settings, script) {
        Ok(host) => host,
        Err(error) => return failed(error),
    };
    let host = host.with_handle(handle);
    let shows = terminal.clone();
    let outcome = host.with_observer(Arc::new(move |event| shows.on_event(event))).run(&script);
    report(&outcome, &terminal.warned());
    ExitCode::from(outcome.status.code())
}

/// Says what came of a run; `warned` are the messages that were shown while it went on.
fn report(outcome: &Outcome, warned: &BTreeSet<String>) {
    let Outcome { status, diagnostics, folder, files, verdicts, points, seconds, seconds_of_work, .. } = outcome;
    let diagnostics: Vec<&Diagnostic> =
        diagnostics.iter().filter(|diagnostic| !warned.contains(&diagnostic.message)).collect();
    diagnostics.iter().take(SHOWN_WARNINGS).for_each(|diagnostic| say(diagnostic));
    if diagnostics.len() > SHOWN_WARNINGS {
        // A run that did not come to its end has no record.
        let place = if folder.is_some() { ", all in run.json" } else { "" };
        err!("… and {} more{place}", diagnostics.len() - SHOWN_WARNINGS);
    }
    verdicts.iter().for_each(|verdict| out!("\n{verdict}\n"));
    files.iter().for_each(|file| out!("wrote {}", file.display()));
    if outcome.is_beside && !files.is_empty() {
        out!("these show a part; the outputs of the last complete run are kept beside them");
    }
    if outcome.is_complete && !outcome.left_over.is_empty() {
        out!("left from an earlier run: {}", outcome.left_over.join(", "));
    }
    let Points { computed, reused, failed } = points;
    if computed + reused + failed > 0 {
        let failures = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
        out!(
            "{computed} {} computed, {reused} reused{failures}; {seconds:.2} s, {seconds_of_work:.2} s of it computing",
            if *computed == 1 { "point" } else { "points" }
        );
    }
    if *status == Status::Interrupted {
        err!("interrupted after {seconds:.0} s: {}", kept(outcome));
    }
    if let Some(folder) = folder
        && std::io::stdout().is_terminal()
    {
        out!("run folder: {}", folder.display());
    }
}

/// What a run that was stopped leaves for the next one.
fn kept(outcome: &Outcome) -> String {
    let kept = what_is_kept(outcome.report.unstored);
    format!("{kept}; the same command goes on from there, and what was under way begins again")
}

/// What is kept of a run that was stopped, when so many of its results could not be stored.
pub(super) fn what_is_kept(unstored: usize) -> String {
    match unstored {
        0 => "what is done is kept".to_owned(),
        1 => "what is done is kept, but for 1 result that is not stored".to_owned(),
        _ => format!("what is done is kept, but for {unstored} results that are not stored"),
    }
}
