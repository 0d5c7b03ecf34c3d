//! What went wrong below the script, in the user's words. The script host adds where.

/// One failure: a message that names what is wrong, and the ways out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// One sentence that names the bad value, what was expected and what was found.
    pub message: String,
    /// Ways out, each a sentence that the user can act on.
    pub hints: Vec<String>,
    /// Stopped because the user asked for it (Ctrl-C): nothing is wrong.
    pub interrupted: bool,
}

/// The result of everything below the script.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure with no hint yet.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new(), interrupted: false }
    }

    /// The user asked to stop.
    pub fn interrupted() -> Self {
        Self { interrupted: true, ..Self::new("interrupted") }
    }

    /// Adds a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says what was being done to which file when the operating system refused.
    pub fn io(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(format!("cannot {what} {}: {error}", path.display()))
    }
}
