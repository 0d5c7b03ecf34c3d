//! The run folder: the script as it ran with its modules, the files of its outputs, `run.json`, the record of the run, and
//! `recipe.json`, from which the run can be repeated.
//!
//! Nothing is written outside it, through a link, or over a file that the run reads. A run that ends before everything is
//! computed, or computes only a part (`--only`), does not replace the outputs of a complete run: it writes into `partial/`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::record::{RECORD, Record, RecordBefore};
use crate::files::{partial_file, sweep, unwritten, write_whole};
use crate::{Error, Result};

/// The script as it ran.
const SCRIPT: &str = "script.rhai";
/// Script, settings and numbers, from which the run can be repeated.
const RECIPE: &str = "recipe.json";
/// The folder of the modules that it imported.
const MODULES: &str = "modules";
/// The folder of outputs that are not complete, beside complete ones.
const PARTIAL: &str = "partial";

/// A path inside the run folder, as a script gives it.
///
/// # Errors
/// When it leads out of the run folder, or is a name of the run's own files.
pub(crate) fn output_path(path: &str) -> Result<PathBuf> {
    let name = path;
    // Without repeated separators.
    let path: PathBuf = Path::new(name).components().collect();
    let is_name = is_inside(&path) && !name.ends_with(std::path::is_separator) && !name.contains(char::is_control);
    let Some(first) = path.iter().next().filter(|_| is_name) else {
        return Err(Error::new(format!("{name:?} is not a name inside the run folder"))
            .hint("a script writes only there: give a plain name, and choose the folder with --out DIR"));
    };
    // Some file systems do not tell capital letters from small ones.
    if [RECORD, RECIPE, SCRIPT, MODULES, PARTIAL].iter().any(|own| first.eq_ignore_ascii_case(own)) {
        let first = first.display();
        return Err(Error::new(format!("\"{first}\" is a name that the run folder uses itself"))
            .hint(format!("{RECORD}, {RECIPE}, {SCRIPT}, {MODULES} and {PARTIAL} are taken: give another name")));
    }
    Ok(path)
}

fn is_inside(path: &Path) -> bool {
    !path.as_os_str().is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// `folder/path`, if no part of `path` is a link.
fn below(folder: &Path, path: &Path) -> Result<PathBuf> {
    let mut whole = folder.to_owned();
    for part in path {
        whole.push(part);
        if whole.is_symlink() {
            return Err(Error::new(format!("{} is a link, which may lead out of the run folder", whole.display()))
                .hint("remove the link, or choose another run folder: --out DIR"));
        }
    }
    Ok(whole)
}

/// The run folder of one script, and what an earlier run left in it.
#[derive(Debug)]
pub(crate) struct RunFolder {
    root: PathBuf,
    /// Whether the user named it: other things may be there, too.
    is_named: bool,
    before: Option<RecordBefore>,
}

impl RunFolder {
    /// `out`, or `runs/NAME` for the script `…/NAME.rhai`.
    ///
    /// # Errors
    /// The script's name is no name for a folder, `runs` or `runs/NAME` is a link, or the folder has a `run.json` that is not
    /// the record of a run.
    pub fn open(out: Option<&Path>, script: &Path) -> Result<Self> {
        let root = match (out, script.file_stem()) {
            (Some(out), _) => out.to_owned(),
            (None, Some(name)) if is_inside(Path::new(name)) => below(Path::new(""), &Path::new("runs").join(name))?,
            (None, _) => {
                return Err(Error::new(format!("{} gives no name for a run folder", script.display()))
                    .hint("rename the script, or choose a folder: --out DIR"));
            }
        };
        let before = RecordBefore::read(&below(&root, Path::new(RECORD))?)?;
        Ok(Self { root, is_named: out.is_some(), before })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether outputs of a complete run are there, which a run that is not complete must not replace.
    pub fn has_complete(&self) -> bool {
        self.before.iter().flat_map(|before| &before.complete_files).any(|file| self.root.join(file).exists())
    }

    /// The folder inside the run folder for outputs that are complete, or are not.
    fn folder(&self, is_complete: bool) -> &'static str {
        if is_complete || !self.has_complete() { "" } else { PARTIAL }
    }

    /// Where outputs are written that are complete, or are not.
    pub fn outputs(&self, is_complete: bool) -> PathBuf {
        match self.folder(is_complete) {
            "" => self.root.clone(),
            folder => self.root.join(folder),
        }
    }

    /// Whether a file of the run folder can be written.
    ///
    /// # Errors
    /// A part of its path is a link, it is a folder, or the run reads it: it is one of `reads`, or in a folder of them.
    pub fn check(&self, file: &Path, is_complete: bool, reads: &BTreeSet<PathBuf>) -> Result<()> {
        let file = Path::new(self.folder(is_complete)).join(file);
        let path = below(&self.root, &file)?;
        let another = "choose another name, or another run folder: --out DIR";
        let found = match path.canonicalize() {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            // Its name is too long, or a part of its path is a file.
            Err(error) => return Err(Error { unwritten: true, ..Error::io("write", &path, &error) }.hint(another)),
        };
        if !found.is_file() {
            let what = if found.is_dir() { "a folder" } else { "not a file" };
            return Err(Error::new(format!("{} is {what}, and cannot be written over", path.display())).hint(another));
        }
        let knows = |before: &RecordBefore| file.to_str().is_some_and(|file| before.files.contains(file));
        let is_known = self.before.as_ref().is_some_and(knows);
        let is_read = |read: &PathBuf| found == *read || (!is_known && found.starts_with(read));
        let mut reads = reads.iter().filter_map(|read| read.canonicalize().ok());
        if reads.any(|read| is_read(&read)) {
            return Err(
                Error::new(format!("{} is read by this run, and would be written over", path.display())).hint(another)
            );
        }
        Ok(())
    }

    /// Whether the files of all outputs can be written.
    ///
    /// # Errors
    /// One cannot (see [`RunFolder::check`]), or is in the way of another.
    pub fn check_all(&self, files: &[PathBuf], is_complete: bool, reads: &BTreeSet<PathBuf>) -> Result<()> {
        let names: BTreeSet<&Path> = files.iter().map(PathBuf::as_path).collect();
        for file in files {
            self.check(file, is_complete, reads)?;
            if let Some(folder) = file.ancestors().skip(1).find(|folder| names.contains(folder)) {
                let (file, folder) = (file.display(), folder.display());
                return Err(Error::new(format!("{folder} is saved as a file, and {file} needs a folder of that name"))
                    .hint("give one of them another name"));
            }
        }
        Ok(())
    }

    /// Before hours of work: checks that what they yield can be written.
    ///
    /// # Errors
    /// A file cannot be written (see [`RunFolder::check`]), or nothing can.
    pub fn prepare(
        &self,
        files: &[PathBuf],
        modules: &[(String, String)],
        is_complete: bool,
        reads: &BTreeSet<PathBuf>,
    ) -> Result<()> {
        self.check_all(files, is_complete, reads)?;
        self.check(Path::new(RECORD), true, reads)?;
        self.check(Path::new(RECIPE), is_complete, reads)?;
        for file in modules.iter().map(|(name, _)| Path::new(MODULES).join(name)).chain([SCRIPT.into()]) {
            self.check(&file, is_complete, reads)?;
            let path = self.root.join(&file);
            if self.is_named && self.before.is_none() && path.exists() {
                let message = format!("{} is not of an earlier run, and would be written over", path.display());
                return Err(Error::new(message).hint("choose another run folder (--out DIR), or move the file away"));
            }
        }
        if self.before.is_none() {
            self.write(RECORD, &super::record::started())?;
        }
        self.try_folders(files, is_complete)
    }

    /// Writes an empty file, and removes it, in every folder that outputs go to; removes what dead processes left there and
    /// in the folders of earlier outputs.
    fn try_folders(&self, files: &[PathBuf], is_complete: bool) -> Result<()> {
        let outputs = self.outputs(is_complete);
        let folder = |file: &Path| file.parent().map(Path::to_owned);
        let folders: BTreeSet<PathBuf> = files.iter().filter_map(|file| folder(&outputs.join(file))).collect();
        for path in folders.iter().chain([&outputs, &self.root]) {
            let Some(there) = path.ancestors().find(|folder| folder.is_dir()) else { continue };
            partial_file(there)
                .map_err(|error| unwritten(path, &error).hint("choose another run folder: --out DIR"))?;
        }
        let before = self.before.iter().flat_map(|before| &before.files);
        let before: BTreeSet<PathBuf> =
            before.filter_map(|file| folder(&below(&self.root, Path::new(file)).ok()?)).collect();
        folders.union(&before).for_each(|folder| sweep(folder));
        Ok(())
    }

    fn write(&self, file: &str, bytes: &[u8]) -> Result<()> {
        let path = below(&self.root, Path::new(file))?;
        write_whole(&path, bytes).map_err(|error| error.hint("choose another run folder: --out DIR"))
    }

    /// Writes the script and its modules, texts by name; returns the hash of each by its path in the run folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_sources(
        &self,
        script: &str,
        modules: &[(String, String)],
        is_complete: bool,
    ) -> Result<BTreeMap<String, String>> {
        let mut hashes = BTreeMap::new();
        let modules = modules.iter().map(|(name, text)| (format!("{MODULES}/{name}"), text.as_str()));
        for (name, text) in modules.chain([(SCRIPT.to_owned(), script)]) {
            let folder = self.folder(is_complete);
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            self.write(&name, text.as_bytes())?;
            hashes.insert(name, blake3::hash(text.as_bytes()).to_hex().to_string());
        }
        Ok(hashes)
    }

    /// Writes `recipe.json`; returns its path in the run folder, and its hash.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_recipe(&self, json: &str, is_complete: bool) -> Result<(String, String)> {
        let name = match self.folder(is_complete) {
            "" => RECIPE.to_owned(),
            folder => format!("{folder}/{RECIPE}"),
        };
        self.write(&name, json.as_bytes())?;
        Ok((name, blake3::hash(json.as_bytes()).to_hex().to_string()))
    }

    /// Files that earlier runs wrote and this run has not: perhaps by another version of the script. A complete run removes
    /// those in `partial/`.
    pub fn left_over(&self, written: &[String], sources: &BTreeMap<String, String>, is_complete: bool) -> Vec<String> {
        let mut left = Vec::new();
        let is_new = |name: &String| written.contains(name) || sources.contains_key(name);
        for name in self.before.iter().flat_map(|before| &before.files).filter(|name| !is_new(name)) {
            let Ok(path) = below(&self.root, Path::new(name)) else { continue };
            if !path.is_file() {
                continue;
            }
            if is_complete && Path::new(name).starts_with(PARTIAL) {
                let _ = std::fs::remove_file(&path);
                path.ancestors().skip(1).take_while(|folder| *folder != self.root).for_each(|folder| {
                    let _ = std::fs::remove_dir(folder);
                });
            } else {
                left.push(name.clone());
            }
        }
        left
    }

    /// Paths of files in the run folder, relative to it.
    pub fn relative(&self, files: &[PathBuf]) -> Vec<String> {
        files.iter().map(|path| path.strip_prefix(&self.root).unwrap_or(path).display().to_string()).collect()
    }

    /// Writes `run.json`. With the record of a run that is not complete goes that of the complete one whose outputs are kept.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_record(&self, record: &Record<'_>) -> Result<()> {
        let keeps = !record.is_complete && self.has_complete();
        let complete = self.before.as_ref().filter(|_| keeps).and_then(|before| before.complete.as_ref());
        self.write(RECORD, &record.to_json(complete)?)
    }
}
