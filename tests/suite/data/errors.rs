//! What an error says.

use entroscope::{Error, Result};

/// The message and the hints, in one text.
pub fn text(error: &Error) -> String {
    format!("{}\n{}", error.message, error.hints.join("\n"))
}

#[track_caller]
pub fn assert_says<T: std::fmt::Debug>(result: Result<T>, words: &[&str]) {
    let said = text(&result.unwrap_err());
    words.iter().for_each(|word| assert!(said.contains(word), "{said:?} lacks {word:?}"));
}
