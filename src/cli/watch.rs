//! `entroscope watch`.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Args;

use super::progress::Terminal;
use super::run::what_is_kept;
use super::{Program, ScriptArguments, cancel_on_interrupt, failed, say};
use crate::live::{self, Stage, WatchEvent, WatchOptions};
use crate::lock::lock;
use crate::print::{err, out};
use crate::script::{Diagnostic, HostEvent, Outcome, RunHandle, Status};
use crate::words::seconds;
use crate::work::Event;

/// Diagnostics shown in full; the rest is counted.
const SHOWN: usize = 4;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub script: ScriptArguments,
    /// The page's port [default: the first that is free from 4870 on].
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Work with a longer estimate waits for approval on the page: 90s, 5m, 2h.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    ask_above: Option<f64>,
    /// Look at the files at this interval, where the system does not report changes (network folders).
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    poll: Option<f64>,
}

pub(super) fn watch(program: &Program, arguments: &Arguments) -> ExitCode {
    let settings = program.settings(Some(&arguments.script));
    let handle = RunHandle::default();
    cancel_on_interrupt(&handle.cancel);
    let options = WatchOptions {
        port: arguments.port,
        ask_above: arguments.ask_above,
        poll: arguments.poll.map(Duration::from_secs_f64),
    };
    let lines = Lines { bar: Terminal::new(), state: Mutex::default(), is_terminal: std::io::stderr().is_terminal() };
    let lines = Arc::new(lines);
    let shows = lines.clone();
    let (host, script, _files) = match Program::host(settings, &arguments.script.script) {
        Ok(host) => host,
        Err(error) => return failed(error),
    };
    match live::watch(host, handle, &script, options, Box::new(move |event| shows.on_event(event))) {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => {
            let kept = what_is_kept(lock(&lines.state).unstored);
            err!("stopped; {kept}: the next run goes on from there");
            ExitCode::from(130)
        }
        Err(error) => failed(error),
    }
}

/// One line for every edit, and a bar while it runs.
struct Lines {
    bar: Terminal,
    state: Mutex<State>,
    is_terminal: bool,
}

#[derive(Default)]
struct State {
    newest: usize,
    changed: String,
    /// Results that should be kept and are not in the store.
    unstored: usize,
}

impl Lines {
    fn on_event(&self, event: WatchEvent<'_>) {
        let mut state = lock(&self.state);
        match event {
            WatchEvent::Serving(address) => out!("{address}"),
            WatchEvent::Began { edit, changed } => {
                state.newest = edit;
                changed.clone_into(&mut state.changed);
            }
            WatchEvent::Noted { edit, changed } => self.line(edit, &format!("{changed}: noted, the watch is paused")),
            WatchEvent::Asks { edit, estimate } => {
                self.bar.on_event(HostEvent::Finished);
                self.line(edit, &format!("{}: {estimate}; press \"Run it\" on the page", state.changed));
            }
            WatchEvent::Run { edit, event } if edit == state.newest => match event {
                event @ HostEvent::Work(Event::Warning(_)) => self.bar.on_event(event),
                HostEvent::Planned(..) | HostEvent::Work(_) if !self.is_terminal => {}
                event => self.bar.on_event(event),
            },
            WatchEvent::Run { .. } => {}
            WatchEvent::Ended { edit, stage: Stage::Superseded, .. } if edit != state.newest => {}
            WatchEvent::Ended { edit, stage, outcome } => {
                if edit == state.newest {
                    self.bar.on_event(HostEvent::Finished);
                }
                let changed = if edit == state.newest { state.changed.clone() } else { "an earlier edit".to_owned() };
                self.line(edit, &format!("{changed}: {}", in_words(stage, outcome)));
                state.unstored += outcome.report.unstored;
                let warned = self.bar.warned();
                let diagnostics = outcome.diagnostics.iter();
                let new: Vec<_> = diagnostics.filter(|diagnostic| !warned.contains(&diagnostic.message)).collect();
                new.iter().take(SHOWN).for_each(|diagnostic| self.say(diagnostic));
                if new.len() > SHOWN {
                    err!("… and {} more, on the page", new.len() - SHOWN);
                }
            }
            WatchEvent::Warning(error) => self.say(&Diagnostic::from(error).as_warning()),
        }
    }

    fn say(&self, diagnostic: &Diagnostic) {
        self.bar.beside(|| say(diagnostic));
    }

    fn line(&self, edit: usize, text: &str) {
        self.bar.beside(|| err!("{edit:>3}  {text}"));
    }
}

/// How an edit fared.
fn in_words(stage: Stage, outcome: &Outcome) -> String {
    let points = outcome.points;
    let failures = if points.failed > 0 { format!(", {} failed", points.failed) } else { String::new() };
    let counts = format!("{} computed, {} reused{failures}, {:.2} s", points.computed, points.reused, outcome.seconds);
    match stage {
        Stage::Broken => "the script is wrong".to_owned(),
        _ if outcome.status == Status::NotWritten => format!("not everything is written, {counts}"),
        Stage::Interrupted => format!("stopped, {counts}"),
        Stage::Superseded => "a later edit took over".to_owned(),
        _ => counts,
    }
}

#[cfg(test)]
mod tests {
    use crate::words::seconds;

    #[test]
    fn times_have_units() {
        assert_eq!(seconds("5m"), Ok(300.0));
        assert_eq!(seconds("1.5h"), Ok(5400.0));
        assert_eq!(seconds("90"), Ok(90.0));
        assert!(seconds("soon").is_err() && seconds("-1s").is_err() && seconds("").is_err());
    }
}
