//! Opening a recipe where a script is asked for: its files are laid out in a folder of their own, which lives as long as the
//! run, and the script runs from there with the recipe's settings.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::files::regular::read_regular;
use crate::script::frozen::put;
use crate::script::{FrozenScript, Host, Recipe, Settings};
use crate::words::size;
use crate::{Error, Result};

/// The recipe and the record of a run folder, and its script.
const RECIPE: &str = "recipe.json";
const RECORD: &str = "run.json";
const SCRIPT: &str = "script.rhai";

/// A recipe that is laid out to run.
#[derive(Debug)]
pub struct Opened {
    pub recipe: Recipe,
    /// What the user should know before it runs.
    pub warnings: Vec<Error>,
    folder: TempDir,
    given: PathBuf,
}

impl Opened {
    /// Opens a packed recipe, a run folder, its `recipe.json` or its `script.rhai`. `None` for anything else, such as a script.
    ///
    /// # Errors
    /// The recipe cannot be read (see [`Recipe::read`]) or laid out.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let Some((recipe, edited)) = find(path)? else { return Ok(None) };
        let opened = Self::of(recipe, path)?;
        Ok(Some(match edited {
            None => opened,
            Some(text) => opened.with_script(&text)?,
        }))
    }

    /// Opens a recipe that was read from `path`.
    ///
    /// # Errors
    /// Its files cannot be laid out.
    pub fn of(recipe: Recipe, path: &Path) -> Result<Self> {
        let folder = recipe.lay_out()?;
        let mut warnings = Vec::new();
        let beside = beside(path);
        for (name, file) in &recipe.files {
            if file.content.is_some() {
                continue;
            }
            let target = folder.path().join(name);
            // As large as it says, and no larger.
            let found =
                beside.iter().map(|folder| folder.join(name)).find_map(|path| read_regular(&path, file.bytes).ok());
            match found {
                Some(bytes) if blake3::hash(&bytes).to_hex().as_str() == file.blake3 => {
                    put(&target, &bytes).map_err(|error| Error::io("write", &target, &error))?;
                }
                found => {
                    let what = if found.is_some() { "has another content beside it" } else { "is not in it" };
                    let message = format!(
                        "the recipe's script reads {name} ({}, BLAKE3 {}…), which {what}",
                        size(file.bytes as f64),
                        file.blake3.get(..16).unwrap_or_default()
                    );
                    warnings.push(Error::new(message).hint(format!("put that file beside the recipe, as {name}")));
                }
            }
        }
        warnings.extend(super::differences_from_here(&recipe).into_iter().map(Error::new));
        Ok(Self { recipe, warnings, folder, given: path.to_owned() })
    }

    /// The same with another text of its script.
    fn with_script(mut self, text: &str) -> Result<Self> {
        let path = self.script();
        put(&path, text.as_bytes()).map_err(|error| Error::io("write", &path, &error))?;
        self.recipe.sources.insert(self.recipe.script.clone(), text.to_owned());
        self.warnings.push(Error::new(format!(
            "{} was edited since its run: the edited text runs, with the modules and settings of that run",
            self.given.display()
        )));
        Ok(self)
    }

    /// The script's path.
    pub fn script(&self) -> PathBuf {
        self.folder.path().join(&self.recipe.script)
    }

    /// Settings under which it runs as it did. What the user sets goes before what the recipe sets; the limits are the user's.
    pub fn settings(&self, settings: Settings) -> Settings {
        let mut set = self.recipe.set();
        set.retain(|(name, _)| !settings.set.iter().any(|(given, _)| given == name));
        set.extend(settings.set);
        let only = if settings.only.is_empty() { self.recipe.only.clone() } else { settings.only };
        Settings { set, only, project: Some(self.folder.path().to_owned()), ..settings }
    }

    /// A host that runs it.
    pub fn host(&self, settings: Settings) -> Host {
        let given = self.given.display();
        let shown =
            if self.recipe.script == SCRIPT { given.to_string() } else { format!("{given}/{}", self.recipe.script) };
        let Recipe { script, built_in, .. } = &self.recipe;
        let (given, script, built_in) = (self.given.clone(), script.clone(), built_in.clone());
        Host::new(self.settings(settings)).with_frozen(FrozenScript { given, script, shown, built_in })
    }
}

/// The recipe that a path means, and the text of its script where that was edited since.
fn find(path: &Path) -> Result<Option<(Recipe, Option<String>)>> {
    let ends = |ending: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending));
    let is_named = |name: &str| path.file_name().is_some_and(|file| file == name);
    if path.is_dir() {
        return Recipe::read(&path.join(RECIPE)).map(|recipe| Some((recipe, None)));
    }
    if ends("html") || ends("htm") || is_named(RECIPE) {
        return Recipe::read(path).map(|recipe| Some((recipe, None)));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    if !is_named(SCRIPT) || !folder.join(RECORD).is_file() {
        return Ok(None);
    }
    let Ok(recipe) = Recipe::read(&folder.join(RECIPE)) else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|error| Error::io("read the script", path, &error))?;
    let is_edited = recipe.sources.get(&recipe.script) != Some(&text);
    Ok(Some((recipe, is_edited.then_some(text))))
}

/// Folders in which files that are not in a recipe may lie: its own, and, for a run folder, the project that ran.
fn beside(path: &Path) -> Vec<PathBuf> {
    let own = if path.is_dir() { Some(path) } else { path.parent() };
    let own = own.unwrap_or(Path::new(".")).to_owned();
    let record = std::fs::read_to_string(own.join(RECORD)).ok();
    let record: Option<serde_json::Value> = record.and_then(|text| serde_json::from_str(&text).ok());
    let project = record.and_then(|record| record["project"].as_str().map(PathBuf::from));
    std::iter::once(own).chain(project).collect()
}
