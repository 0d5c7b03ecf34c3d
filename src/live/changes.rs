//! What a save changed, in words.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The script and its modules as they were last read.
#[derive(Default)]
pub(super) struct SourceTexts(BTreeMap<PathBuf, Option<String>>);

impl SourceTexts {
    /// Reads the files that have not been read yet.
    pub fn add<'a>(&mut self, paths: impl IntoIterator<Item = &'a PathBuf>) {
        for path in paths {
            if !self.0.contains_key(path) {
                self.read(path);
            }
        }
    }

    /// Reads a file again; returns its text before.
    fn read(&mut self, path: &Path) -> Option<String> {
        let is_script = path.extension().is_some_and(|extension| extension == "rhai");
        let text = if is_script { std::fs::read_to_string(path).ok() } else { None };
        self.0.insert(path.to_owned(), text).flatten()
    }

    /// What changed in these files, in words: "phase.rhai, lines 12–14".
    pub fn changes(&mut self, paths: &[PathBuf], script: &Path) -> String {
        let mut words: Vec<String> = Vec::new();
        for path in paths {
            // The script is called what the user called it.
            let real = script.canonicalize().ok();
            let path = if real.as_ref() == Some(path) { script } else { path };
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            let before = self.read(path);
            let after = self.0.get(path).cloned().flatten();
            words.push(match (before, after) {
                (Some(before), Some(after)) => format!("{name}{}", lines(&before, &after)),
                _ if !path.exists() => format!("{name} is gone"),
                _ => name,
            });
        }
        words.dedup();
        words.join("; ")
    }
}

/// ", lines 12–14": from the first line of `after` that is not as before to the last.
fn lines(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same =
        |mut pairs: Box<dyn Iterator<Item = (&&str, &&str)> + '_>| pairs.by_ref().take_while(|(a, b)| a == b).count();
    let start = same(Box::new(before.iter().zip(&after)));
    let end = same(Box::new(before[start..].iter().rev().zip(after[start..].iter().rev())));
    match after.len() - end {
        _ if before == after => ", saved as it was".to_owned(),
        last if last <= start => format!(", lines removed after {start}"),
        last if last == start + 1 => format!(", line {last}"),
        last => format!(", lines {}–{last}", start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn what_changed_is_named_by_its_lines() {
        assert_eq!(lines("a\nb\nc", "a\nx\nc"), ", line 2");
        assert_eq!(lines("a\nb\nc", "a\nx\ny\nc"), ", lines 2–3");
        assert_eq!(lines("a\nb\nc", "a\nc"), ", lines removed after 1");
        assert_eq!(lines("a\na\na", "a\na"), ", lines removed after 2");
        assert_eq!(lines("a", "a\nb"), ", line 2");
        assert_eq!(lines("a\n", "a\n"), ", saved as it was");
    }
}
