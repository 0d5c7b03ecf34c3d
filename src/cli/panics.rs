//! A panic below the script becomes that point's failure: it is not also printed, unless somebody looks for it.

/// Keeps panics that are caught from writing to the terminal; `RUST_BACKTRACE` brings the report back.
pub(super) fn quiet() {
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // On the main thread nothing catches it: there it is the end, and has to be seen.
            if std::thread::current().name() == Some("main") {
                usual(info);
            } else {
                tracing::debug!("{info}");
            }
        }));
    }
}
