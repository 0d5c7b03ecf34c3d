//! `entroscope run`.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::progress::Terminal;
use super::{cancel_on_interrupt, say};
use crate::executor::Points;
use crate::print::{err, out};
use crate::script::{Host, Outcome, RunHandle, Settings, Status};

/// Warnings shown in full; the rest is counted.
const SHOWN_WARNINGS: usize = 8;

pub(super) fn run(settings: Settings, script: &Path) -> ExitCode {
    let handle = RunHandle::default();
    cancel_on_interrupt(&handle.cancel);
    let terminal = Terminal::new();
    let host = Host::new(settings).with_handle(handle);
    let outcome = host.with_observer(Arc::new(move |event| terminal.on_event(event))).run(script);
    report(&outcome);
    ExitCode::from(outcome.status.code())
}

fn report(outcome: &Outcome) {
    let Outcome { status, diagnostics, folder, files, verdicts, points, seconds, seconds_of_work, .. } = outcome;
    diagnostics.iter().take(SHOWN_WARNINGS).for_each(say);
    if diagnostics.len() > SHOWN_WARNINGS {
        err!("… and {} more, all in run.json", diagnostics.len() - SHOWN_WARNINGS);
    }
    verdicts.iter().for_each(|verdict| out!("\n{verdict}\n"));
    files.iter().for_each(|file| out!("wrote {}", file.display()));
    let Points { computed, reused, failed } = points;
    if computed + reused + failed > 0 {
        let failures = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
        out!(
            "{computed} points computed, {reused} reused{failures}; {seconds:.2} s, {seconds_of_work:.2} s of it computing"
        );
    }
    if *status == Status::Interrupted {
        let kept = "what is done is kept; the same command goes on from there";
        err!("interrupted after {seconds:.0} s: {kept}");
    }
    if let Some(folder) = folder
        && std::io::stdout().is_terminal()
    {
        out!("run folder: {}", folder.display());
    }
}
