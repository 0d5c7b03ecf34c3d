//! The check before anything runs. It walks the syntax tree and finds unknown functions, wrong numbers of arguments and
//! unknown options, also in code that is never reached.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, ASTNode, Engine, Expr, FnCallExpr, Position, Stmt};

use super::api;
use super::diagnostic::{Diagnostic, Sources};
use super::loader::Loader;
use super::metadata::Metadata;
use crate::words::nearest;

/// Rhai's keywords that are called like functions; its metadata does not list them.
const KEYWORDS: [&str; 10] =
    ["Fn", "call", "curry", "is_def_var", "is_def_fn", "type_of", "is_shared", "print", "debug", "exit"];

/// The numbers of arguments that each function accepts, including the object of a method.
type Arities = BTreeMap<String, BTreeSet<usize>>;

struct Checker<'a> {
    engine: &'a Engine,
    loader: &'a Loader,
    /// Functions of the host and, by the name of the module, of the stdlib.
    host: &'a Arities,
    modules: &'a BTreeMap<String, Arities>,
    /// Names and numbers of arguments of functions whose last map holds something else than options.
    data_maps: &'a BTreeSet<(String, usize)>,
    done: BTreeSet<String>,
    found: Vec<Diagnostic>,
}

/// The functions of an engine; by the name of the module, of its stdlib; and those whose last map holds no options.
pub(super) type Declared = (Arities, BTreeMap<String, Arities>, BTreeSet<(String, usize)>);

/// The mistakes in a script and in the modules that it imports, in the order of the text.
pub(super) fn check(
    engine: &Engine,
    (host, modules, data_maps): &Declared,
    loader: &Loader,
    ast: &AST,
) -> Vec<Diagnostic> {
    let mut checker = Checker { engine, loader, host, modules, data_maps, done: BTreeSet::new(), found: Vec::new() };
    checker.file(ast);
    checker.found
}

/// The functions that an engine knows, and those of its modules.
pub(super) fn declared(engine: &Engine) -> Declared {
    let functions = |metadata: &Metadata| {
        let mut arities = Arities::new();
        for function in &metadata.functions {
            arities.entry(function.name.clone()).or_default().insert(function.num_params);
        }
        arities
    };
    let metadata = Metadata::of_engine(engine, true);
    let modules = metadata.modules.iter().map(|(name, module)| (name.clone(), functions(module)));
    let takes_data = metadata.functions.iter().filter(|function| function.takes_data_map());
    let data_maps = takes_data.map(|function| (function.name.clone(), function.num_params)).collect();
    (functions(&metadata), modules.collect(), data_maps)
}

fn scripted(ast: &AST) -> Arities {
    let mut arities = Arities::new();
    for function in ast.iter_functions() {
        arities.entry(function.name.to_owned()).or_default().insert(function.params.len());
    }
    arities
}

impl Checker<'_> {
    fn file(&mut self, ast: &AST) {
        let file = ast.source().unwrap_or_default().to_owned();
        if !self.done.insert(file.clone()) {
            return;
        }
        let own = scripted(ast);
        let mut imports: Vec<(String, String, Position)> = Vec::new();
        let mut keys = BTreeSet::new();
        let mut calls: Vec<(FnCallExpr, Position, bool)> = Vec::new();
        ast.walk(&mut |path: &[ASTNode<'_>]| {
            match path.last() {
                Some(ASTNode::Expr(Expr::FnCall(call, position))) => calls.push(((**call).clone(), *position, false)),
                Some(ASTNode::Expr(Expr::MethodCall(call, position))) => {
                    calls.push(((**call).clone(), *position, true));
                }
                Some(ASTNode::Stmt(Stmt::FnCall(call, position))) => calls.push(((**call).clone(), *position, false)),
                Some(ASTNode::Expr(Expr::Map(map, _))) => {
                    keys.extend(map.0.iter().map(|(key, _)| key.name.to_string()));
                }
                Some(ASTNode::Stmt(Stmt::Import(import, position))) => {
                    if let Expr::StringConstant(path, _) = &import.0 {
                        imports.push((path.to_string(), import.1.name.to_string(), *position));
                    }
                }
                _ => {}
            }
            true
        });
        let mut modules = self.modules.clone();
        for (path, alias, position) in imports {
            match self.loader.import(self.engine, Some(&file), &path) {
                Ok(module) => {
                    modules.insert(alias, scripted(&module));
                    self.file(&module);
                }
                Err(mut error) => {
                    if error.position().is_none() {
                        error.set_position(position);
                    }
                    self.found.push(Diagnostic::eval(&error, &file, &self.loader.sources()));
                }
            }
        }
        let sources = self.loader.sources();
        let mut found = Vec::new();
        for (call, position, is_method) in &calls {
            // What looks like a method can be a closure in a map; only running the script tells.
            if !(*is_method && keys.contains(call.name.as_str())) {
                found.extend(self.call(call, *position, *is_method, &own, &modules, &file, &sources));
            }
        }
        found.sort_by_key(|diagnostic| diagnostic.place.as_ref().map(|place| (place.line, place.column)));
        found.dedup();
        self.found.extend(found);
    }

    #[expect(clippy::too_many_arguments, reason = "a call and the file that it is in")]
    fn call(
        &self,
        call: &FnCallExpr,
        position: Position,
        is_method: bool,
        own: &Arities,
        modules: &BTreeMap<String, Arities>,
        file: &str,
        sources: &Sources,
    ) -> Option<Diagnostic> {
        let name = call.name.as_str();
        if call.op_token.is_some() || KEYWORDS.contains(&name) || name.starts_with("anon$") {
            return None;
        }
        let error_here = |message: String| Diagnostic::error(message).at(sources.place(file, position));
        let given = call.args.len();
        if !call.namespace.is_empty() {
            let module = call.namespace.root();
            let Some(functions) = modules.get(module) else {
                let diagnostic = error_here(format!("there is no module `{module}`"));
                return Some(match nearest(module, modules.keys().map(String::as_str)) {
                    Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                    None => diagnostic.hint(format!("import it: `import \"{module}\" as {module};`")),
                });
            };
            return accepted(functions.get(name), given, &format!("{module}::{name}"), &error_here)
                .map(|d| suggest(d, name, functions.keys(), functions.contains_key(name)));
        }
        let takes: BTreeSet<usize> = {
            let natives = self.host.get(name).into_iter().flatten().map(|&n| n.saturating_sub(usize::from(is_method)));
            // If a script's own function is called as a method, the object becomes `this` and is not among its parameters.
            natives.chain(own.get(name).into_iter().flatten().copied()).collect()
        };
        let known_name = !takes.is_empty();
        if is_method && !known_name && self.host.contains_key(&format!("get${name}")) {
            let diagnostic = error_here(format!("`{name}` is a property, not a function"));
            return Some(diagnostic.hint(format!("write `.{name}`, without parentheses")));
        }
        if let Some(diagnostic) = accepted(known_name.then_some(&takes), given, name, &error_here) {
            return Some(suggest(diagnostic, name, self.host.keys().chain(own.keys()), known_name));
        }
        if self.data_maps.contains(&(name.to_owned(), given + usize::from(is_method))) {
            return None;
        }
        let spec = api::specs().find(|spec| spec.function == name)?;
        let Some(Expr::Map(map, _)) = call.args.last() else { return None };
        let (key, _) = map.0.iter().find(|(key, _)| spec.key(&key.name).is_none())?;
        Some(Diagnostic::from(spec.unknown(&key.name)).at(sources.place(file, key.pos)))
    }
}

fn accepted(
    takes: Option<&BTreeSet<usize>>,
    given: usize,
    name: &str,
    error_here: &impl Fn(String) -> Diagnostic,
) -> Option<Diagnostic> {
    match takes {
        None => Some(error_here(format!("there is no function `{name}`"))),
        Some(takes) if takes.contains(&given) => None,
        Some(takes) => {
            let counts = takes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
            let plural = if counts == "1" { "" } else { "s" };
            Some(error_here(format!("`{name}` takes {counts} argument{plural}, but gets {given} here")))
        }
    }
}

fn suggest<'a>(
    diagnostic: Diagnostic,
    name: &str,
    names: impl Iterator<Item = &'a String>,
    is_known: bool,
) -> Diagnostic {
    match nearest(name, names.map(String::as_str)) {
        Some(near) if !is_known => diagnostic.hint(format!("did you mean `{near}`?")),
        _ => diagnostic,
    }
}
