//! A panic in an operation becomes the failure of its points. It is not also printed, unless the user asks for it.

/// The variable that, set to "debug", reports every panic.
const LOG: &str = "ENTROSCOPE_LOG";

/// Keeps panics that are caught from writing to the terminal. `RUST_BACKTRACE`, or `ENTROSCOPE_LOG=debug`, brings the
/// reports back.
pub(super) fn quiet() {
    if std::env::var_os("RUST_BACKTRACE").is_some() || std::env::var_os(LOG).is_some_and(|level| level == "debug") {
        return;
    }
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // On the main thread nothing catches it: there it ends the program.
        if std::thread::current().name() == Some("main") {
            usual(info);
        }
    }));
}
