//! The Rhai engine of this host: its limits, its functions, its modules. All of Rhai's internals that the host rests on
//! are here, in `check` and in `loader`.

use std::sync::Arc;

use rhai::{Dynamic, Engine, Module, OptimizationLevel, Scope};

use super::diagnostic::Diagnostic;
use super::loader::Loader;
use super::session::{HostEvent, Session};
use super::{Primitives, api, stdlib, whole_numbers};
use crate::Error;

/// Most variables and most functions of a script: Rhai looks for them one by one.
const MOST_NAMES: usize = 10_000;

/// An engine for one session.
pub(super) fn engine(session: &Arc<Session>, loader: &Loader, primitives: &Primitives) -> Result<Engine, Diagnostic> {
    session.enter();
    let mut engine = Engine::new();
    let limits = &session.settings.limits;
    engine
        .set_max_call_levels(limits.calls)
        .set_max_expr_depths(limits.nesting, limits.nesting)
        .set_max_string_size(limits.size)
        .set_max_array_size(limits.size)
        .set_max_map_size(limits.size)
        .set_max_modules(limits.modules)
        .set_max_variables(MOST_NAMES)
        .set_max_functions(MOST_NAMES)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        .set_optimization_level(OptimizationLevel::None)
        .disable_symbol("eval")
        .set_default_tag(Dynamic::from(session.clone()))
        .set_module_resolver(loader.clone());
    let printing = session.clone();
    engine.on_print(move |text| printing.notify(HostEvent::Printed(text)));
    let printing = session.clone();
    engine.on_debug(move |text, source, position| {
        printing.notify(HostEvent::Printed(&format!("{}:{position} {text}", source.unwrap_or_default())));
    });
    let watched = session.clone();
    // Rhai's own count of operations begins anew in every closure that a native function calls.
    engine.on_progress(move |_| watched.guest.should_stop(&watched.handle).map(Dynamic::from));
    // What `catch (error)` gives a script that prints it.
    engine
        .register_type_with_name::<Error>("Error")
        .register_fn("to_string", |error: &mut Error| error.message.clone())
        .register_fn("to_debug", |error: &mut Error| error.message.clone());
    api::register(&mut engine);
    whole_numbers::register(&mut engine);
    primitives.iter().for_each(|add| add(&mut engine));
    for (name, text) in session.built_in() {
        let module = loader
            .stdlib(&engine, name, text)
            .and_then(|ast| Module::eval_ast_as_new(Scope::new(), &ast, &engine))
            .map_err(|error| Diagnostic::eval(&error, &stdlib::file_name(name), &loader.sources()))?;
        engine.register_static_module(name, module.into());
    }
    Ok(engine)
}
