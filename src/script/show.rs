//! The end of a run: computing what a script shows, and filling the run folder.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::diagnostic::Diagnostic;
use super::frozen::Recipe;
use super::host::{Evaluated, Host, targets};
use super::outcome::{Outcome, Status};
use super::session::{Outputs, Shown, State};
use crate::entropy::numbers;
use crate::error::panicked;
use crate::executor::Computed;
use crate::output::Filled;
use crate::output::record::{Record, Spent};
use crate::output::run_folder::RunFolder;
use crate::work::Target;
use crate::{Error, Result};

impl Host {
    /// Computes what a script shows, and fills its run folder.
    pub(super) fn show(&self, script: &Path, started: Instant, evaluated: Evaluated) -> Outcome {
        let Evaluated { session, text, modules, outputs } = evaluated;
        let wrong = |error: Error| {
            let status = if error.unwritten { Status::NotWritten } else { Status::ScriptWrong };
            Outcome::new(status, vec![error.into()])
        };
        let files: Vec<PathBuf> = outputs.iter().flat_map(|shown| shown.output.files()).collect();
        // Before hours of work: can what they yield be written?
        let prepared = session.run_folder().and_then(|folder| {
            folder.prepare(&files, &modules, session.is_whole(), &session.reads())?;
            Ok(folder)
        });
        let folder = match prepared {
            Ok(folder) => folder,
            Err(error) => return wrong(error),
        };
        let targets = targets(&outputs);
        let computed = match session.computed(targets.clone()) {
            Ok(computed) => computed,
            Err(error) => return wrong(error),
        };
        self.handle.linger();
        if self.handle.superseded.is_cancelled() {
            // The run folder is the later edit's.
            return Outcome::new(Status::Interrupted, Vec::new());
        }
        let is_stopped = self.handle.cancel.is_cancelled()
            && !targets.iter().all(|target| computed.contains_key(&target.result.fingerprint()));
        let mut outcome = Outcome::new(Status::Done, Vec::new());
        outcome.files = std::mem::take(&mut session.state().files);
        outcome.is_complete = !is_stopped && session.is_whole();
        outcome.is_beside = !outcome.is_complete && folder.has_complete();
        warnings_of_nan(&targets, &computed).into_iter().for_each(|warning| session.warn(warning));
        // What a stopped run has is shown; one that is stopped here leaves out the outputs that are not begun.
        let is_over = || if is_stopped { self.handle.superseded.is_cancelled() } else { self.handle.is_over() };
        let Written { is_unwritten, is_cut, left_out } =
            write_outputs(folder, &outputs, &computed, &session.reads(), &is_over, &mut outcome);
        let is_stopped = is_stopped || is_cut;
        outcome.is_complete &= !is_cut;
        left_out.into_iter().for_each(|warning| session.warn(warning));
        outcome.points = session.points();
        let sources = folder.write_sources(&text, &modules, outcome.is_complete);
        let state = session.state();
        outcome.status = match () {
            () if is_stopped => Status::Interrupted,
            () if is_unwritten || sources.is_err() => Status::NotWritten,
            () if !outcome.diagnostics.is_empty() => Status::ScriptWrong,
            () if outcome.points.failed > 0 => Status::PointsFailed,
            () => Status::Done,
        };
        outcome.sources = sources.unwrap_or_else(|error| {
            outcome.diagnostics.push(error.into());
            BTreeMap::new()
        });
        outcome.diagnostics.extend(state.warnings.iter().cloned());
        outcome.note(&state, &targets);
        outcome.seconds = started.elapsed().as_secs_f64();
        drop(state);
        let recipe = Recipe::of_run(&session, &text, &modules, &outputs, &outcome);
        match recipe.to_json().and_then(|json| folder.write_recipe(&json, outcome.is_complete)) {
            Ok((name, hash)) => _ = outcome.sources.insert(name, hash),
            Err(error) => {
                outcome.status = if is_stopped { Status::Interrupted } else { Status::NotWritten };
                outcome.diagnostics.insert(0, error.into());
            }
        }
        outcome.recipe = Some(Box::new(recipe));
        outcome.folder = Some(folder.root().to_owned());
        outcome.left_over = folder.left_over(&folder.relative(&outcome.files), &outcome.sources, outcome.is_complete);
        if let Err(error) = self.write_record(folder, script, session.project(), &outcome) {
            outcome.status = if is_stopped { Status::Interrupted } else { Status::NotWritten };
            outcome.diagnostics.insert(0, error.into());
        }
        outcome
    }

    /// Writes `run.json`.
    fn write_record(&self, folder: &RunFolder, script: &Path, project: &Path, outcome: &Outcome) -> Result<()> {
        let spent = outcome.report.spent.iter().map(|(name, &(floating_point_operations, thread_seconds))| {
            (*name, Spent { floating_point_operations, thread_seconds })
        });
        let only: Vec<String> = self.settings.only.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
        let status = match outcome.status {
            Status::Done if !only.is_empty() => format!("Partial: --only {}", only.join(" --only ")),
            status => format!("{status:?}"),
        };
        folder.write_record(&Record {
            script: self.given(script).display().to_string(),
            project: project.display().to_string(),
            entroscope: env!("CARGO_PKG_VERSION"),
            burn: crate::device::BURN_VERSION,
            generator: crate::random::GENERATOR,
            device: &self.settings.device,
            numerics: self.device()?.numerics(),
            threads: self.settings.threads,
            parameters: &outcome.params,
            only,
            status,
            is_complete: outcome.is_complete,
            points: serde_json::to_value(outcome.points).unwrap_or_default(),
            seconds: outcome.seconds,
            seconds_of_work: outcome.seconds_of_work,
            operations_run: &outcome.report.ran,
            operations_reused: &outcome.report.reused,
            spent: spent.collect(),
            files: folder.relative(&outcome.files),
            sources: &outcome.sources,
            left_over: &outcome.left_over,
            verdicts: &outcome.verdicts,
            diagnostics: outcome.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect(),
            results: &outcome.results,
        })
    }
}

impl Outcome {
    /// Notes what the session has counted, and the names of the results of these targets.
    fn note(&mut self, state: &State, targets: &[Target]) {
        self.report = state.report.clone();
        self.params = state.params.clone();
        self.seconds_of_work = state.work_seconds;
        let named = targets.iter().map(|target| (target.point.clone(), target.result.fingerprint().to_string()));
        self.results = named.collect::<BTreeSet<_>>().into_iter().collect();
    }
}

/// Points that a warning lists; more are counted.
const LISTED: usize = 5;

/// Warnings of points whose results hold NaN: weights with NaN, or too large ones.
fn warnings_of_nan(targets: &[Target], computed: &Computed) -> Vec<Error> {
    let (mut all, mut some, mut diverged) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for target in targets {
        let value = computed.get(&target.result.fingerprint()).and_then(|result| result.as_ref().ok());
        let Some(numbers) = value.and_then(|value| numbers(value).ok()) else { continue };
        match numbers.iter().filter(|x| x.is_nan()).count() {
            0 => {}
            _ if value.is_some_and(|value| value.has_diverged()) => _ = diverged.insert(target.point.as_str()),
            nan if nan == numbers.len() => _ = all.insert(target.point.as_str()),
            _ => _ = some.insert(target.point.as_str()),
        }
    }
    some.retain(|point| !all.contains(point));
    let points = targets.iter().map(|target| target.point.as_str()).collect::<BTreeSet<_>>().len();
    let warning = |these: &BTreeSet<&str>, what: &str| {
        let n = these.len();
        let mut listed: Vec<&str> = these.iter().take(LISTED).copied().filter(|point| !point.is_empty()).collect();
        let rest = format!("{} more", n.saturating_sub(LISTED));
        listed.extend((n > LISTED).then_some(rest.as_str()));
        let of = if listed.is_empty() { String::new() } else { format!(": {}", listed.join("; ")) };
        let points_in_words = if points == 1 { "point" } else { "points" };
        (n > 0).then(|| Error::new(format!("the results of {n} of {points} {points_in_words} {what}{of}")))
    };
    let hint = "such results come from weights that hold NaN, from numbers beyond single precision, or from a statistic of too few values";
    let throughout = warning(&all, "are NaN throughout").map(|warning| warning.hint(hint));
    let in_part = warning(&some, "are NaN in part");
    let of_diverged = warning(&diverged, "are NaN, since a training diverged")
        .map(|warning| warning.hint("take a smaller rate, or give `clip`; figures show such points as \"diverged\""));
    throughout.into_iter().chain(in_part).chain(of_diverged).collect()
}

/// What came of writing outputs.
struct Written {
    /// Whether one failed that the script is not to blame for.
    is_unwritten: bool,
    /// Whether some are missing since the run was over.
    is_cut: bool,
    /// What is not shown of the results.
    left_out: Vec<Diagnostic>,
}

/// Fills in every output and writes its files, until the run is over. One that fails or panics does not stop the others.
fn write_outputs(
    folder: &RunFolder,
    outputs: &Outputs,
    computed: &Computed,
    reads: &BTreeSet<PathBuf>,
    is_over: &dyn Fn() -> bool,
    outcome: &mut Outcome,
) -> Written {
    let (mut is_unwritten, mut left_out) = (false, Vec::new());
    let has_several = outputs.iter().filter(|shown| shown.output.is_words()).count() > 1;
    for Shown { output, place } in outputs.iter() {
        if is_over() {
            return Written { is_unwritten, is_cut: true, left_out };
        }
        let write = || -> Result<(Filled, Vec<PathBuf>, Vec<String>)> {
            for file in output.files() {
                folder.check(&file, outcome.is_complete, reads)?;
            }
            let filled = output.fill(computed)?;
            let files = output.write(&folder.outputs(outcome.is_complete), &filled, computed)?;
            let left_out = output.left_out(&filled, computed)?;
            Ok((filled, files, left_out))
        };
        let written = catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|panic| {
            Err(Error {
                unwritten: true,
                ..panicked(&format!("the {} {}", output.kind(), output.name()), panic.as_ref())
            })
        });
        match written {
            Ok((filled, files, unshown)) => {
                let warning = |unshown| Diagnostic::error(format!("{}: {unshown}", output.name())).at(place.clone());
                left_out.extend(unshown.into_iter().map(warning));
                outcome.files.extend(files);
                let line =
                    place.as_ref().filter(|_| has_several).map(|place| format!("Verdict of line {}", place.line));
                let heading = Some(output.title()).filter(|title| !title.trim().is_empty()).or(line);
                let headed =
                    |words: String| heading.map_or_else(|| words.clone(), |heading| format!("{heading}\n{words}"));
                outcome.verdicts.extend(filled.words.filter(|words| !words.is_empty()).map(headed));
                outcome.tables.extend(filled.records.map(|records| (output.name(), records)));
            }
            // What it needs was not computed before the run was stopped.
            Err(error) if error.interrupted => {}
            Err(error) => {
                is_unwritten |= error.unwritten;
                outcome.diagnostics.push(Diagnostic::from(error).at(place.clone()));
            }
        }
    }
    Written { is_unwritten, is_cut: false, left_out }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::work::Described;

    /// An output that panics when it is filled in, if it is the broken one.
    #[derive(Debug)]
    struct Fragile(&'static str);

    impl crate::output::Output for Fragile {
        fn kind(&self) -> &'static str {
            "table"
        }

        fn name(&self) -> String {
            self.0.to_owned()
        }

        fn targets(&self) -> Vec<Target> {
            Vec::new()
        }

        fn fill(&self, _: &Computed) -> Result<Filled> {
            assert!(self.0 != "broken.csv", "no such thing");
            Ok(self.0.to_owned().into())
        }

        fn write(&self, folder: &Path, _: &Filled, _: &Computed) -> Result<Vec<PathBuf>> {
            let path = folder.join(self.0);
            crate::files::write_whole(&path, b"whole")?;
            Ok(vec![path])
        }

        fn named(&self, _: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn crate::output::Output> {
            Arc::new(Self(self.0))
        }
    }

    #[test]
    fn an_output_that_panics_is_named_and_the_others_are_written() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(Some(place.path()), Path::new("script.rhai")).unwrap();
        let shown = |name| Shown { output: Arc::new(Fragile(name)), place: None };
        let outputs: Outputs = vec![shown("first.csv"), shown("broken.csv"), shown("last.csv")].into();
        let mut outcome = Outcome::new(Status::Done, Vec::new());
        let written = write_outputs(&folder, &outputs, &Computed::new(), &BTreeSet::new(), &|| false, &mut outcome);
        assert!(written.is_unwritten && !written.is_cut);
        assert_eq!(outcome.files, ["first.csv", "last.csv"].map(|name| place.path().join(name)));
        let [failed] = &outcome.diagnostics[..] else { panic!("{:?}", outcome.diagnostics) };
        assert_eq!(failed.message, "the table broken.csv failed: no such thing");
    }

    #[test]
    fn outputs_that_are_not_begun_when_the_user_stops_are_left_out() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(Some(place.path()), Path::new("script.rhai")).unwrap();
        let shown = |name| Shown { output: Arc::new(Fragile(name)), place: None };
        let outputs: Outputs = vec![shown("first.csv"), shown("second.csv"), shown("last.csv")].into();
        let mut outcome = Outcome::new(Status::Done, Vec::new());
        // As if Ctrl-C came while the second was drawn.
        let is_over = || place.path().join("second.csv").exists();
        let written = write_outputs(&folder, &outputs, &Computed::new(), &BTreeSet::new(), &is_over, &mut outcome);
        assert!(written.is_cut && !written.is_unwritten);
        assert_eq!(outcome.files, ["first.csv", "second.csv"].map(|name| place.path().join(name)));
    }
}
