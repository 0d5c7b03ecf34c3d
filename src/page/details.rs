//! What lies behind a value of a figure: its parameters, seed and fingerprint, the script line that shows it, the command
//! that computes only it, and the pictures that were reconstructed there.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::edit::place_json;
use crate::Result;
use crate::executor::Computed;
use crate::figure::{Figure, Hit, Image, Images};
use crate::output::Located;
use crate::script::{Host, Shown};
use crate::work::{ReadOutcome, Store};

/// Pictures shown of a point.
const PICTURES: usize = 12;

/// See the module.
pub struct Details {
    store: Store,
    numerics: String,
    script: PathBuf,
    set: Vec<(String, String)>,
}

impl Details {
    /// For the outputs of a script that `host` runs; commands name the script by this path.
    ///
    /// # Errors
    /// When there is no such device as the settings name, or the store cannot be opened.
    pub fn new(host: &Host, script: &Path) -> Result<Self> {
        let settings = host.settings();
        Ok(Self {
            store: Store::open(settings.store_dir()?, settings.store_budget)?,
            numerics: host.device()?.numerics().to_owned(),
            script: script.to_owned(),
            set: settings.set.clone(),
        })
    }

    /// A value's details as JSON; `pictures` is the address of its pictures.
    pub(crate) fn point(&self, shown: &Shown, computed: &Computed, hit: Hit, pictures: &str) -> Result<Json> {
        let sources = shown.output.locate(hit, computed);
        let rows: Vec<Json> = sources
            .iter()
            .map(|source| {
                json!({
                    "parameters": pairs(&source.parameters),
                    "depth": source.depth,
                    "over": source.over,
                    "imprecise": source.is_imprecise,
                    "seed": seeds(source),
                    "fingerprint": source.result.as_ref().map(|result| result.fingerprint().to_string()),
                    "command": self.command(source),
                })
            })
            .collect();
        let has_pictures = sources.iter().any(|source| self.reconstruction(source).is_some());
        Ok(json!({
            "rows": rows,
            "place": shown.place.as_ref().map(place_json),
            "pictures": has_pictures.then_some(pictures),
        }))
    }

    /// The command that computes only this point.
    fn command(&self, source: &Located) -> String {
        let words = source.parameters.iter().flat_map(|(name, value)| ["--only".to_owned(), parameter(name, value)]);
        [self.command_of_all()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
    }

    /// The command that computes all points.
    pub(super) fn command_of_all(&self) -> String {
        let mut words = vec!["entroscope".to_owned(), "run".to_owned(), quoted(&self.script.display().to_string())];
        words.extend(self.set.iter().flat_map(|(name, value)| ["--set".to_owned(), parameter(name, value)]));
        words.join(" ")
    }

    /// The key of the reconstruction behind a value, if the store still has it, and the value's depth.
    fn reconstruction(&self, source: &Located) -> Option<(crate::work::Fingerprint, usize)> {
        let key = source.provenance()?.reconstruction?.with_numerics(&self.numerics);
        self.store.contains(key).then_some((key, source.depth?))
    }

    /// The reconstructions of the first samples, from the value's depth.
    pub(crate) fn pictures(&self, shown: &Shown, computed: &Computed, hit: Hit) -> Result<Option<Figure>> {
        let sources = shown.output.locate(hit, computed);
        let Some((key, depth)) = sources.iter().find_map(|source| self.reconstruction(source)) else { return Ok(None) };
        let ReadOutcome::Whole(value) = self.store.read(key) else { return Ok(None) };
        let (shape, r) = value.as_f32s("r")?;
        let [depths, samples, ref rest @ ..] = *shape else { return Ok(None) };
        let size = rest.iter().product::<usize>();
        let shape = picture(rest);
        if !(1..=depths).contains(&depth) || size == 0 {
            return Ok(None);
        }
        let r = &r[(depth - 1) * samples * size..][..samples.min(PICTURES) * size];
        let images: Result<Vec<Image>> =
            r.chunks(size).enumerate().map(|(i, r)| Image::new(i.to_string(), shape.clone(), r.to_vec())).collect();
        Ok(Some(Figure::new(String::new(), Images { images: images?, ..Images::default() })))
    }
}

/// The shape in which a sample is shown: `[channels, height, width]` as it is; a row of numbers as a square, grey or in three
/// colours, or else as one line.
fn picture(shape: &[usize]) -> Vec<usize> {
    let [numbers] = *shape else { return shape.to_vec() };
    let side = |n: usize| Some(n.isqrt()).filter(|side| side * side == n);
    match (side(numbers), numbers.is_multiple_of(3).then(|| side(numbers / 3)).flatten()) {
        (Some(side), _) => vec![side, side],
        (None, Some(side)) => vec![3, side, side],
        (None, None) => vec![1, numbers],
    }
}

/// A parameter as a word of a command.
pub(super) fn parameter(name: &str, value: &str) -> String {
    quoted(&format!("{name}={value}"))
}

/// The seeds that a value rests on, in words.
pub(super) fn seeds(source: &Located) -> Option<String> {
    let seeds: Vec<String> = source.provenance()?.seeds.iter().map(ToString::to_string).collect();
    (!seeds.is_empty()).then(|| seeds.join(", "))
}

fn pairs(parameters: &[(String, String)]) -> serde_json::Map<String, Json> {
    parameters.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect()
}

/// A word quoted for a POSIX shell, where it needs that.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=+:,@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::{picture, quoted};

    #[test]
    fn words_are_quoted_for_a_shell_where_they_need_it() {
        assert_eq!(quoted("weight_var=1.76"), "weight_var=1.76");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$(rm *)"), "'$(rm *)'");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_quoted_words_back() {
        let words = ["weight_var=1.76", "it's \"so\"", "$HOME; `ls` \\ *", "line\nbreak", "-x", "σ_w", ""];
        let command: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let command = format!("printf '%s\\0' {}", command.join(" "));
        let output = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
        let read: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().split_terminator('\0').collect();
        assert_eq!(read, words);
    }

    #[test]
    fn samples_are_shown_in_the_shape_of_a_picture() {
        assert_eq!(picture(&[49]), [7, 7]);
        assert_eq!(picture(&[3 * 49]), [3, 7, 7]);
        assert_eq!(picture(&[10]), [1, 10]);
        assert_eq!(picture(&[3, 4, 5]), [3, 4, 5]);
    }
}
