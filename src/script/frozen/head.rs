//! Title, authors, licence and so on, as a script's first comment says them.

use serde::{Deserialize, Serialize};

/// What the comment at the head of a script says. Lines of the form `Authors: …`, `Licence: …`, `DOI: …` and `Title: …`
/// are entries; the rest is a description, and its first line the title where none is given.
///
/// ```text
/// //! How deep information survives in tanh networks
/// //! Authors: A. Author; B. Author
/// //! Licence: CC-BY-4.0
/// //! DOI: 10.1234/example
/// //!
/// //! A sweep of the weight variance, with drawn digits.
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    pub title: String,
    pub description: String,
    pub authors: Vec<String>,
    pub licence: String,
    pub doi: String,
}

impl Head {
    /// The head of a script: its first comment, `//!` or `//`.
    pub fn of(script: &str) -> Self {
        let mark = if script.trim_start().starts_with("//!") { "//!" } else { "//" };
        let lines = script.lines().skip_while(|line| line.trim().is_empty());
        let lines = lines.map_while(|line| line.trim_start().strip_prefix(mark)).map(str::trim);
        let (mut head, mut text) = (Self::default(), Vec::new());
        for line in lines {
            let entry = line.split_once(':').map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim()));
            match entry.as_ref().map(|(key, value)| (key.as_str(), *value)) {
                Some(("title", value)) => value.clone_into(&mut head.title),
                Some(("author" | "authors", value)) => head.authors.extend(names(value)),
                Some(("licence" | "license", value)) => value.clone_into(&mut head.licence),
                Some(("doi", value)) => value.trim_start_matches("https://doi.org/").clone_into(&mut head.doi),
                _ => text.push(line),
            }
        }
        if head.title.is_empty()
            && let Some(first) = text.iter().position(|line| !line.is_empty())
        {
            text.remove(first).trim_end_matches('.').clone_into(&mut head.title);
        }
        text.join("\n").trim().clone_into(&mut head.description);
        head
    }
}

/// Names between semicolons, or between commas where there is no semicolon.
fn names(list: &str) -> impl Iterator<Item = String> {
    let separator = if list.contains(';') { ';' } else { ',' };
    list.split(separator).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_entries_a_title_and_a_description() {
        let script = "//! How deep information survives.\n//! Authors: A. Author; B. Author\n//! License: CC-BY-4.0\n\
                      //! DOI: https://doi.org/10.1/x\n//!\n//! A sweep: of σ_w².\nlet x = 1; // Title: no\n";
        assert_eq!(
            Head::of(script),
            Head {
                title: "How deep information survives".into(),
                description: "A sweep: of σ_w².".into(),
                authors: vec!["A. Author".into(), "B. Author".into()],
                licence: "CC-BY-4.0".into(),
                doi: "10.1/x".into(),
            }
        );
        let plain = Head::of("\n// One line.\n// More.\n\n// Elsewhere.\nprint(1);");
        assert_eq!((plain.title.as_str(), plain.description.as_str()), ("One line", "More."));
        assert_eq!(Head::of("print(1);"), Head::default());
    }
}
