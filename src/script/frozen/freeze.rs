//! A recipe of a run that has ended.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use super::{
    DataFile, DataUse, FORMAT, FrozenResult, Head, Made, Numbers, Parameter, Recipe, Shows, hash_of_json, is_plain_path,
};
use crate::Result;
use crate::data::Dataset;
use crate::executor::Computed;
use crate::kernels::vectors;
use crate::script::outcome::Outcome;
use crate::script::session::{Outputs, Session};
use crate::script::stdlib;
use crate::work::{Target, Value};

/// Operations that are looked at to find the versions of all.
const MOST_OPERATIONS: usize = 2000;

impl FrozenResult {
    /// The name of a result, without its numbers.
    pub(crate) fn named(target: &Target) -> Self {
        let operation = target.result.operation();
        Self {
            point: target.point.clone(),
            operation: operation.name().to_owned(),
            version: operation.version(),
            fingerprint: target.result.fingerprint().to_string(),
            ..Self::default()
        }
    }

    /// A result, or why there is none.
    pub(in crate::script) fn of(target: &Target, result: &Result<std::sync::Arc<Value>>) -> Self {
        let arrays =
            |value: &Value| value.arrays().map(|(name, array)| (name.to_owned(), Numbers::of(array))).collect();
        Self {
            arrays: result.as_ref().map(|value| arrays(value)).unwrap_or_default(),
            error: result.as_ref().err().map(|error| error.message.clone()),
            ..Self::named(target)
        }
    }
}

impl Recipe {
    /// The recipe of a run: `text` is its script, `modules` are those of the project that it imported.
    pub(in crate::script) fn of_run(
        session: &Session,
        text: &str,
        modules: &[(String, String)],
        outputs: &Outputs,
        outcome: &Outcome,
    ) -> Self {
        let script = session.script_in_project();
        let mut sources: BTreeMap<String, String> =
            modules.iter().map(|(name, text)| (slashes(name), text.clone())).collect();
        sources.insert(script.clone(), text.to_owned());
        let built_in = called(session, &sources);
        let targets = crate::script::host::targets(outputs);
        let state = session.state();
        let parameter = |(name, value): (&String, &String)| {
            let default = state.defaults.get(name).cloned().unwrap_or_default();
            let is_set = session.settings.set.iter().any(|(set, _)| set == name);
            (name.clone(), Parameter { value: value.clone(), default, is_set })
        };
        let shows = |shown: &crate::script::Shown| Shows {
            kind: shown.output.kind().to_owned(),
            name: shown.output.name(),
            title: shown.output.title(),
        };
        Self {
            format: FORMAT,
            head: Head::of(text),
            files: session.project_files(&sources),
            script,
            built_in,
            parameters: state.params.iter().map(parameter).collect(),
            only: session.settings.only.clone(),
            limits: session.settings.limits,
            data: state.data.clone(),
            made: Made::here(session, &targets),
            status: format!("{:?}", outcome.status),
            is_complete: outcome.is_complete,
            points: outcome.points,
            seconds: outcome.seconds,
            seconds_of_work: outcome.seconds_of_work,
            work: 0.0,
            outputs: outputs.iter().map(shows).collect(),
            verdicts: outcome.verdicts.clone(),
            printed: state.printed.clone(),
            diagnostics: outcome.diagnostics.iter().map(|diagnostic| diagnostic.message.clone()).collect(),
            numbers: Self::hash_of(&state.results),
            results: state.results.clone(),
            band_runs: 0,
            thumbnail: None,
            sources,
        }
    }
}

/// The program's own modules that some sources call, and those that these call.
fn called(session: &Session, sources: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let modules: Vec<(&str, &str)> = session.built_in().collect();
    let mut called = BTreeMap::new();
    // The last first, since each uses only those before it.
    for (name, text) in modules.into_iter().rev() {
        let call = format!("{name}::");
        if sources.values().chain(called.values()).any(|text: &String| text.contains(&call)) {
            called.insert(name.to_owned(), text.to_owned());
        }
    }
    called
}

impl Made {
    fn here(session: &Session, targets: &[Target]) -> Self {
        Self {
            entroscope: env!("CARGO_PKG_VERSION").to_owned(),
            burn: crate::device::BURN_VERSION.to_owned(),
            generator: crate::random::GENERATOR.to_owned(),
            device: session.device.name().to_owned(),
            numerics: session.device.numerics().to_owned(),
            vectors: vectors().to_owned(),
            processor: processor(),
            on: today(),
            operations: operations(targets),
        }
    }
}

/// The day in UTC.
#[expect(clippy::disallowed_methods, reason = "a record says when it was made; no number depends on it")]
fn today() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = chrono::DateTime::from_timestamp(since.as_secs() as i64, 0).unwrap_or_default();
    now.format("%Y-%m-%d").to_string()
}

/// The processor's name, where the system tells it.
fn processor() -> String {
    let known = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    known.unwrap_or_else(|| format!("{} ({})", std::env::consts::ARCH, std::env::consts::OS))
}

/// The versions of the operations that some targets rest on.
fn operations(targets: &[Target]) -> BTreeMap<String, u32> {
    let mut waiting: VecDeque<_> = targets.iter().map(|target| target.result.clone()).collect();
    let (mut seen, mut found) = (BTreeSet::new(), BTreeMap::new());
    while let Some(described) = waiting.pop_front() {
        if seen.len() >= MOST_OPERATIONS || !seen.insert(described.fingerprint()) {
            continue;
        }
        let operation = described.operation();
        found.insert(operation.name().to_owned(), operation.version());
        // The rest of a plan is made like its beginning: the inputs of the first few come first.
        operation.inputs().into_iter().for_each(|input| waiting.push_front(input));
    }
    found
}

/// A path with `/` between its parts.
fn slashes(name: &str) -> String {
    name.replace(std::path::MAIN_SEPARATOR, "/")
}

impl Session {
    /// The script's path within its project.
    fn script_in_project(&self) -> String {
        if let Some(frozen) = self.frozen() {
            return frozen.script.clone();
        }
        let path = Path::new(self.script_name());
        let inside = path.canonicalize().ok().and_then(|path| {
            let inside = path.strip_prefix(self.project()).ok()?.to_str()?.to_owned();
            Some(slashes(&inside))
        });
        inside.filter(|path| is_plain_path(path)).unwrap_or_else(|| {
            path.file_name()
                .and_then(|name| name.to_str())
                .filter(|name| is_plain_path(name))
                .unwrap_or("script.rhai")
                .to_owned()
        })
    }

    /// The program's own modules, each as the recipe that runs has it, and those that only the recipe has; by name, in the
    /// order in which they may use one another.
    pub(in crate::script) fn built_in(&self) -> impl Iterator<Item = (&str, &str)> {
        let theirs = || self.frozen().into_iter().flat_map(|frozen| &frozen.built_in);
        let frozen = move |name: &str| theirs().find(|(known, _)| *known == name).map(|(_, text)| text.as_str());
        let own = stdlib::STDLIB.into_iter().map(move |(name, text)| (name, frozen(name).unwrap_or(text)));
        let is_own = |name: &str| stdlib::STDLIB.iter().any(|(own, _)| *own == name);
        own.chain(theirs().filter(move |(name, _)| !is_own(name)).map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// The files of the project that the script read, beside its sources.
    fn project_files(&self, sources: &BTreeMap<String, String>) -> BTreeMap<String, DataFile> {
        let project = self.project();
        let out = self.run_folder().ok().and_then(|folder| folder.root().canonicalize().ok());
        let mut files = BTreeMap::new();
        for path in self.handle.reads.all() {
            let Ok(path) = path.canonicalize() else { continue };
            let Ok(inside) = path.strip_prefix(project) else { continue };
            let Some(name) = inside.to_str().map(slashes) else { continue };
            let is_output = out.as_ref().is_some_and(|out| path.starts_with(out));
            if is_output || sources.contains_key(&name) || !is_plain_path(&name) || !path.is_file() {
                continue;
            }
            if let Ok(bytes) = crate::files::read_file(&path) {
                files.insert(name, DataFile::of(&bytes, false));
            }
        }
        files
    }
}

impl Session {
    /// Keeps the results of some targets for the recipe.
    pub(in crate::script) fn freeze(&self, targets: &[Target], computed: &Computed) {
        if !self.writes() {
            return;
        }
        for target in targets {
            let Some(result) = computed.get(&target.result.fingerprint()) else { continue };
            if self.state().is_new_result(target) {
                let frozen = FrozenResult::of(target, result);
                self.state().results.push(frozen);
            }
        }
    }

    /// Notes a data set that the script opened by `expression`; `from` is how to get it.
    pub(in crate::script) fn note_data(&self, expression: &str, from: String, dataset: &Dataset) {
        let used = DataUse { blake3: hash_of_json(&dataset.content()), from };
        let mut state = self.state();
        let names = std::iter::once(expression.to_owned()).chain((2..).map(|n| format!("{expression} ({n})")));
        let mut names = names.filter(|name| state.data.get(name).is_none_or(|known| known.blake3 == used.blake3));
        if let Some(name) = names.next() {
            drop(names);
            state.data.insert(name, used);
        }
    }
}
