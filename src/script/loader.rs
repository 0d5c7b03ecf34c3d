//! Finding and compiling the files that a script is made of: the project's folder and the embedded `stdlib/`, nothing else.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use rhai::{AST, ASTFlags, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Stmt};
use tempfile::TempDir;

type SharedModule = rhai::Shared<Module>;

use super::diagnostic::{Diagnostic, Sources};
use super::frozen::Recipe;
use super::guest::check_stack;
use super::run_handle::ReadLog;
use super::stdlib;
use crate::files::regular::read_regular;
use crate::lock::{Guard, lock};
use crate::{Error, Result};

/// Reads sources and keeps their texts for messages. New for every load, so that an edit is always seen.
#[derive(Clone)]
pub(super) struct Loader {
    /// Canonical; nothing outside it is read.
    project: PathBuf,
    /// Most files that are imported.
    most_modules: usize,
    reads: ReadLog,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    sources: Sources,
    /// The canonical path behind each name that messages use.
    paths: BTreeMap<String, PathBuf>,
    compiled: BTreeMap<PathBuf, AST>,
    modules: BTreeMap<PathBuf, SharedModule>,
    /// Modules that are being loaded, outermost first.
    open: Vec<(PathBuf, String)>,
    /// Recipes that were imported, by their canonical paths.
    recipes: BTreeMap<PathBuf, Imported>,
}

/// A file of the project: its canonical path and its name in messages.
struct Found {
    path: PathBuf,
    name: String,
}

/// A recipe that was imported, laid out in a folder of its own.
struct Imported {
    /// Canonical.
    folder: PathBuf,
    _files: TempDir,
    /// Its path in the project.
    name: String,
    recipe: Recipe,
}

/// A path without `.` and `..`, links not followed.
fn lexical(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut so_far, part| {
        match part {
            Component::ParentDir => drop(so_far.pop()),
            Component::CurDir => {}
            part => so_far.push(part),
        }
        so_far
    })
}

/// Bytes of the longest script.
const LONGEST: u64 = 16 << 20;

/// The text of a script or module.
fn read(path: &Path) -> std::io::Result<String> {
    String::from_utf8(read_regular(path, LONGEST)?)
        .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error()))
}

impl Loader {
    /// For scripts below `project`.
    pub fn new(project: &Path, reads: ReadLog, most_modules: usize) -> Result<Self> {
        let project = project.canonicalize().map_err(|error| Error::io("open the project folder", project, &error))?;
        Ok(Self { project, reads, most_modules, state: Arc::default() })
    }

    /// The folder of the project, canonical.
    pub fn project(&self) -> &Path {
        &self.project
    }

    fn state(&self) -> Guard<'_, State> {
        lock(&self.state)
    }

    /// The texts read so far.
    pub fn sources(&self) -> Sources {
        self.state().sources.clone()
    }

    /// The project's modules that were imported: name and text of each.
    pub fn modules(&self) -> Vec<(String, String)> {
        let state = self.state();
        let is_in_recipe = |path: &Path| state.recipes.values().any(|imported| path.starts_with(&imported.folder));
        let imported = state.paths.iter().filter(|(_, path)| state.compiled.contains_key(*path) && !is_in_recipe(path));
        let modules = imported.filter_map(|(name, _)| Some((name.clone(), state.sources.text(name)?.to_owned())));
        let recipes = state.recipes.values().filter_map(|Imported { name, recipe, .. }| {
            // Its sources are what an import needs.
            let lean = Recipe { results: Vec::new(), files: BTreeMap::new(), ..recipe.clone() };
            Some((name.clone(), lean.to_json().ok()?))
        });
        modules.chain(recipes).collect()
    }

    /// Reads and compiles the script itself, known in messages as `name`.
    pub fn script(&self, engine: &Engine, path: &Path, name: &str) -> std::result::Result<(AST, String), Diagnostic> {
        let text = read(path).map_err(|error| {
            let diagnostic = Diagnostic::from(Error::io("read the script", path, &error));
            if error.kind() == std::io::ErrorKind::InvalidData {
                diagnostic.hint("a script is UTF-8 text")
            } else {
                diagnostic
            }
        })?;
        let canonical = path.canonicalize().map_err(|error| Error::io("find the script", path, &error))?;
        if !canonical.starts_with(&self.project) {
            let message = format!("{} is not in the project folder {}", path.display(), self.project.display());
            return Err(Diagnostic::error(message).hint("name a folder that holds it: --project DIR"));
        }
        self.state().open = vec![(canonical.clone(), name.to_owned())];
        let ast = self.compile(engine, &text, &Found { path: canonical, name: name.to_owned() });
        ast.map(|ast| (ast, text)).map_err(|error| Diagnostic::eval(&error, name, &self.sources()))
    }

    /// Adds an embedded module's text for messages and compiles it.
    pub fn stdlib(&self, engine: &Engine, module: &str, text: &str) -> std::result::Result<AST, Box<EvalAltResult>> {
        let name = stdlib::file_name(module);
        self.compile(engine, text, &Found { path: PathBuf::from(&name), name })
    }

    fn compile(&self, engine: &Engine, text: &str, found: &Found) -> std::result::Result<AST, Box<EvalAltResult>> {
        let mut state = self.state();
        state.sources.add(&found.name, text);
        if found.path.is_absolute() {
            state.paths.insert(found.name.clone(), found.path.clone());
        }
        drop(state);
        let mut ast = engine.compile(text)?;
        ast.set_source(found.name.as_str());
        Ok(ast)
    }

    /// The file that `import "path"` in `importer` means.
    fn find(&self, importer: Option<&str>, path: &str) -> Result<Found> {
        let folder = importer
            .and_then(|name| self.state().paths.get(name)?.parent().map(Path::to_owned))
            .unwrap_or_else(|| self.project.clone());
        let mut file = folder.join(path);
        if file.extension().is_none() {
            file.set_extension("rhai");
        }
        let outside = || {
            Error::new(format!("\"{path}\" leads out of the project folder {}", self.project.display()))
                .hint("a script reads only its own project; name a larger one with --project DIR")
        };
        // By its name first, so that a script cannot learn which files there are elsewhere; then through links.
        let root = self.root(&folder);
        if !lexical(&file).starts_with(&root) {
            return Err(outside());
        }
        self.reads.note(&lexical(&file));
        let missing = |_| {
            let modules = stdlib::STDLIB.map(|(name, _)| name).join(", ");
            Error::new(format!("there is no module \"{path}\": no file {}", file.display())).hint(format!(
                "imports are relative to the file that they stand in; stdlib modules ({modules}) need no import"
            ))
        };
        let canonical = file.canonicalize().map_err(missing)?;
        self.reads.note(&canonical);
        let inside = canonical.strip_prefix(&root).map_err(|_| outside())?;
        let name = match self.recipe_around(&canonical) {
            Some(recipe) => format!("{recipe}/{}", inside.display()),
            None => inside.to_string_lossy().into_owned(),
        };
        if canonical.extension().is_some_and(|extension| extension == "html") {
            return self.recipe(&canonical, name);
        }
        Ok(Found { name, path: canonical })
    }

    /// The folder that imports of a file in `folder` may reach: the project's, or that of the recipe that it is part of.
    fn root(&self, folder: &Path) -> PathBuf {
        let state = self.state();
        let mut folders = state.recipes.values().map(|imported| &imported.folder);
        folders.find(|root| folder.starts_with(root)).unwrap_or(&self.project).clone()
    }

    /// The name of the imported recipe that a file is part of.
    fn recipe_around(&self, path: &Path) -> Option<String> {
        let state = self.state();
        let recipe = state.recipes.values().find(|imported| path.starts_with(&imported.folder));
        recipe.map(|imported| imported.name.clone())
    }

    /// The script of an imported recipe, which is laid out once per load.
    fn recipe(&self, path: &Path, name: String) -> Result<Found> {
        let found = |imported: &Imported| Found {
            path: imported.folder.join(&imported.recipe.script),
            name: format!("{}/{}", imported.name, imported.recipe.script),
        };
        if let Some(imported) = self.state().recipes.get(path) {
            return Ok(found(imported));
        }
        let recipe = Recipe::read(path)?;
        let failed = |error: std::io::Error| Error::new(format!("cannot lay out the recipe {name}: {error}"));
        let files = recipe.lay_out()?;
        let folder = files.path().canonicalize().map_err(failed)?;
        let imported = Imported { folder, _files: files, name, recipe };
        let script = found(&imported);
        self.state().recipes.insert(path.to_owned(), imported);
        Ok(script)
    }

    /// The syntax tree of an imported file.
    pub fn import(
        &self,
        engine: &Engine,
        importer: Option<&str>,
        path: &str,
    ) -> std::result::Result<AST, Box<EvalAltResult>> {
        let found = self.find(importer, path)?;
        if let Some(ast) = self.state().compiled.get(&found.path) {
            return Ok(ast.clone());
        }
        check_stack()?;
        // Rhai's own count begins anew in every module.
        if self.state().compiled.len() >= self.most_modules {
            return Err(EvalAltResult::ErrorTooManyModules(Position::NONE).into());
        }
        let text = read(&found.path).map_err(|error| Error::io("read the module", &found.path, &error))?;
        let mut ast = self
            .compile(engine, &text, &found)
            .map_err(|error| EvalAltResult::ErrorInModule(found.name.clone(), error, Position::NONE))?;
        if self.state().recipes.values().any(|imported| found.path == imported.folder.join(&imported.recipe.script)) {
            ast = functions_of(&ast, &found.name);
        }
        self.state().compiled.insert(found.path, ast.clone());
        Ok(ast)
    }

    /// The module of an imported file, evaluated once per load.
    fn module(
        &self,
        engine: &Engine,
        importer: Option<&str>,
        path: &str,
    ) -> std::result::Result<SharedModule, Box<EvalAltResult>> {
        let found = self.find(importer, path)?;
        let known = self.state().modules.get(&found.path).cloned();
        if let Some(module) = known {
            return Ok(module);
        }
        let mut state = self.state();
        if state.open.iter().any(|(path, _)| *path == found.path) {
            let way = state.open.iter().map(|(_, name)| name.as_str()).chain([found.name.as_str()]);
            let way = way.collect::<Vec<_>>().join(" → ");
            return Err(Error::new(format!("modules import each other in a circle: {way}")).into());
        }
        state.open.push((found.path.clone(), found.name.clone()));
        drop(state);
        let module = self.import(engine, importer, path).and_then(|ast| {
            Module::eval_ast_as_new(Scope::new(), &ast, engine)
                .map_err(|error| EvalAltResult::ErrorInModule(found.name.clone(), error, Position::NONE).into())
        });
        let mut state = self.state();
        state.open.pop();
        let module: SharedModule = module?.into();
        state.modules.insert(found.path, module.clone());
        Ok(module)
    }
}

/// What an import of a recipe gives: the functions of its script, with what they import and the constants that they use. The
/// experiment itself is not run.
fn functions_of(ast: &AST, name: &str) -> AST {
    let is_needed = |statement: &&Stmt| match statement {
        Stmt::Import(..) => true,
        Stmt::Var(_, flags, _) => flags.intersects(ASTFlags::CONSTANT),
        _ => false,
    };
    let needed: Vec<Stmt> = ast.statements().iter().filter(is_needed).cloned().collect();
    AST::new_with_source(needed, ast.shared_lib().clone(), name)
}

impl ModuleResolver for Loader {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        position: Position,
    ) -> std::result::Result<SharedModule, Box<EvalAltResult>> {
        self.module(engine, source, path).map_err(|mut error| {
            if error.position().is_none() {
                error.set_position(position);
            }
            error
        })
    }
}
