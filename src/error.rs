//! Errors below the script, in the user's words. The script host adds the place in the script.

/// One failure: what is wrong and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// One sentence that names the bad value, what was expected and what was found.
    pub message: String,
    /// What to do, each a sentence that the user can act on.
    pub hints: Vec<String>,
    /// The user asked to stop (Ctrl-C); nothing is wrong.
    pub interrupted: bool,
    /// A file could not be written: the script is not to blame.
    pub unwritten: bool,
    /// The script is only checked and goes on from a result that is not computed; nothing is wrong.
    pub needs_results: bool,
}

/// The result of everything below the script.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without hints.
    pub fn new(message: impl Into<String>) -> Self {
        let hints = Vec::new();
        Self { message: message.into(), hints, interrupted: false, unwritten: false, needs_results: false }
    }

    /// The user asked to stop.
    pub fn interrupted() -> Self {
        Self { interrupted: true, ..Self::new("interrupted") }
    }

    /// The script is only checked and goes on from a result that is not computed.
    pub fn needs_results() -> Self {
        let error = Self::new(
            "from here on, the script goes on from results that are not computed yet: its rest is not checked",
        );
        Self {
            needs_results: true,
            ..error.hint("`entroscope run` computes them; then `entroscope check` sees the whole script")
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// An error of the operating system: `what` was being done, such as "write", and to which file.
    pub fn io(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(format!("cannot {what} {}: {error}", path.display()))
    }
}

/// The error of a panic outside of operations, in `what`.
pub(crate) fn panicked(what: &str, panic: &(dyn std::any::Any + Send)) -> Error {
    Error::new(format!("{what} failed: {}", panic_message(panic)))
        .hint("this is a fault of entroscope: please report it with the script")
}

/// What a caught panic said.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("for no stated reason")
}
