//! Reading recipes, which may come from anybody: nothing is unpacked or believed before it is checked. Sizes are bounded, and
//! every path stays inside the folder that a recipe is unpacked into.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::{DataFile, FORMAT, Recipe};
use crate::files::regular::read_regular;
use crate::{Error, Result};

/// Bytes of the largest file that is read as a recipe.
pub(crate) const LARGEST: u64 = 256 << 20;
/// Files in a recipe, and characters of their paths.
const MOST_FILES: usize = 2000;
const LONGEST_PATH: usize = 200;
/// What the recipe in a page begins and ends with. In it every "<" is written as an escape of JSON.
pub(super) const BEGIN: &str = "<script type=\"application/json\" id=\"recipe\">";
pub(super) const END: &str = "</script>";

impl Recipe {
    /// Reads a packed recipe (`….recipe.html`), or the `recipe.json` of a run folder.
    ///
    /// # Errors
    /// The file cannot be read, is no recipe, is damaged, or is of a newer format.
    pub fn read(path: &Path) -> Result<Self> {
        let named = |error: Error| Error { message: format!("{}: {}", path.display(), error.message), ..error };
        let bytes = read_regular(path, LARGEST).map_err(|error| Error::io("read", path, &error))?;
        Self::from_bytes(&bytes).map_err(named)
    }

    /// The recipe in a page or a JSON text.
    ///
    /// # Errors
    /// As [`Recipe::read`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| not_a_recipe("it is not UTF-8 text"))?;
        let json = match text.split_once(BEGIN) {
            Some((_, rest)) => {
                let (json, _) = rest.split_once(END).ok_or_else(|| {
                    Error::new("the recipe ends in the middle").hint("the file was cut off: copy or download it again")
                })?;
                json
            }
            None if text.trim_start().starts_with('{') => text,
            None => return Err(not_a_recipe("there is no recipe in it")),
        };
        // The format first, since a newer one may have other entries.
        #[derive(serde::Deserialize)]
        struct Format {
            recipe: u32,
        }
        let damaged = |error: serde_json::Error| {
            Error::new(format!("the recipe cannot be read: {error}"))
                .hint("the file is damaged or was edited: get it again from where it came")
        };
        let format = match serde_json::from_str(json) {
            Ok(Format { recipe }) => recipe,
            Err(error) if error.is_data() => return Err(not_a_recipe(&error.to_string())),
            Err(error) => return Err(damaged(error)),
        };
        if format == 0 || format > FORMAT {
            return Err(Error::new(format!("this recipe has format {format}, and this program reads {FORMAT}"))
                .hint("it was made by a newer version of entroscope: update the program"));
        }
        let recipe: Self = serde_json::from_str(json).map_err(damaged)?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The JSON as it stands in a page.
    ///
    /// # Errors
    /// Never because of its content.
    pub fn to_page_text(&self) -> Result<String> {
        // Inside JSON, "<" only occurs in strings.
        Ok(format!("{BEGIN}{}{END}", self.to_json()?.replace('<', "\\u003c")))
    }

    /// Its sources, and the files that are in it, in a folder of their own.
    ///
    /// # Errors
    /// There is no room for them.
    pub(crate) fn lay_out(&self) -> Result<TempDir> {
        let failed = |error: io::Error| Error::new(format!("cannot lay out the recipe's files: {error}"));
        let folder = tempfile::Builder::new().prefix("entroscope-recipe-").tempdir().map_err(failed)?;
        for (name, text) in &self.sources {
            put(&folder.path().join(name), text.as_bytes()).map_err(failed)?;
        }
        for (name, file) in &self.files {
            if let Some(bytes) = file.bytes_inside()? {
                put(&folder.path().join(name), &bytes).map_err(failed)?;
            }
        }
        Ok(folder)
    }

    /// Checks what a file of strangers may say.
    fn check(&self) -> Result<()> {
        let wrong = |what: String| {
            Error::new(format!("the recipe is not usable: {what}"))
                .hint("it was not packed by `entroscope recipe pack`, or was edited since")
        };
        let paths: Vec<&String> = self.sources.keys().chain(self.files.keys()).collect();
        if paths.len() > MOST_FILES || self.built_in.len() > MOST_FILES {
            return Err(wrong(format!("it has {} files, and may have {MOST_FILES}", paths.len())));
        }
        let mut known = BTreeMap::new();
        for path in &paths {
            if !is_plain_path(path) {
                return Err(wrong(format!("{path:?} is not a plain path inside a folder")));
            }
            if let Some(other) = known.insert(path.to_lowercase(), path) {
                return Err(wrong(format!("some file systems take {other:?} and {path:?} for one file")));
            }
        }
        for path in &paths {
            let mut folders = Path::new(path).ancestors().skip(1).filter_map(Path::to_str);
            if let Some(folder) = folders.find(|folder| known.contains_key(&folder.to_lowercase())) {
                return Err(wrong(format!("{folder:?} is a file and a folder")));
            }
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if let Some(name) = self.built_in.keys().find(|name| name.is_empty() || !name.chars().all(is_word)) {
            return Err(wrong(format!("{name:?} is no name of a module")));
        }
        if !self.sources.contains_key(&self.script) {
            return Err(wrong(format!("its script {:?} is not in it", self.script)));
        }
        for (path, file) in &self.files {
            file.bytes_inside().map_err(|error| wrong(format!("{path}: {}", error.message)))?;
        }
        for result in &self.results {
            for numbers in result.arrays.values() {
                let all = numbers.shape.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
                let kept = all.filter(|_| numbers.every > 0).map(|all| all.div_ceil(numbers.every));
                let is_banded = numbers.band.is_empty() || numbers.band.len() == numbers.numbers.len();
                if kept != Some(numbers.numbers.len()) || !is_banded {
                    return Err(wrong(format!("a result of {:?} has not as many numbers as it says", result.point)));
                }
            }
        }
        Ok(())
    }
}

impl DataFile {
    /// The file's bytes, if they are in the recipe.
    ///
    /// # Errors
    /// They are not what the recipe says.
    pub fn bytes_inside(&self) -> Result<Option<Vec<u8>>> {
        let Some(content) = &self.content else { return Ok(None) };
        let bytes = STANDARD.decode(content).map_err(|error| Error::new(format!("its bytes are damaged: {error}")))?;
        if bytes.len() as u64 != self.bytes || blake3::hash(&bytes).to_hex().as_str() != self.blake3 {
            return Err(Error::new("its bytes are not those that its hash was made of"));
        }
        Ok(Some(bytes))
    }

    /// A file's entry, with its bytes or without.
    pub(crate) fn of(bytes: &[u8], is_inside: bool) -> Self {
        Self {
            bytes: bytes.len() as u64,
            blake3: blake3::hash(bytes).to_hex().to_string(),
            content: is_inside.then(|| STANDARD.encode(bytes)),
        }
    }
}

fn not_a_recipe(why: &str) -> Error {
    Error::new(format!("this is not a recipe: {why}"))
        .hint("`entroscope recipe pack SCRIPT` makes one, and a run folder has one as recipe.json")
}

/// Writes a file and the folders around it.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes)
}

/// Whether a path is a plain one inside a folder, on every file system: no `..`, no drive, no separator but `/`.
pub(crate) fn is_plain_path(path: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name != "." && name != ".." && !name.ends_with(['.', ' ']) && !name.starts_with(' ')
    };
    let is_forbidden = |c: char| c.is_control() || "\\:*?\"<>|".contains(c);
    path.len() <= LONGEST_PATH
        && !path.contains(is_forbidden)
        && path.split('/').all(is_name)
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::script::frozen::{FrozenResult, Numbers};

    fn recipe() -> Recipe {
        Recipe {
            format: FORMAT,
            script: "a.rhai".into(),
            sources: [("a.rhai".to_owned(), "print(\"</script>\");".to_owned())].into(),
            ..Recipe::default()
        }
    }

    fn refused(recipe: &Recipe) -> String {
        Recipe::from_bytes(recipe.to_json().unwrap().as_bytes()).unwrap_err().message
    }

    #[test]
    fn a_recipe_is_read_back_from_a_page() {
        let recipe = recipe();
        let page = format!("<html>{}<script>later</script>", recipe.to_page_text().unwrap());
        assert_eq!(Recipe::from_bytes(page.as_bytes()).unwrap(), recipe);
        let cut = &page[..page.len() - 30];
        assert_eq!(
            Recipe::from_bytes(cut.split_at(150).0.as_bytes()).unwrap_err().message,
            "the recipe ends in the middle"
        );
    }

    #[test]
    fn what_is_no_recipe_or_a_newer_one_is_refused() {
        let said = |text: &str| Recipe::from_bytes(text.as_bytes()).unwrap_err().message;
        assert!(said("<html></html>").starts_with("this is not a recipe"));
        assert!(said("{\"a\": 1}").starts_with("this is not a recipe"));
        assert!(said("{\"recipe\": 1").starts_with("the recipe cannot be read"));
        assert!(said("{\"recipe\": 1}").starts_with("the recipe cannot be read"));
        assert!(said("{\"recipe\": 99}").contains("format 99"));
        assert!(Recipe::from_bytes(&[0xff, 0xfe]).unwrap_err().message.starts_with("this is not a recipe"));
    }

    #[test]
    fn paths_that_lead_out_or_clash_are_refused() {
        for path in ["../a", "/a", "a/../b", "a\\b", "C:a", "a//b", "", "a/", "a\n", "nul?", "a./b", &"a".repeat(300)] {
            let mut recipe = recipe();
            recipe.sources.insert(path.to_owned(), String::new());
            assert!(refused(&recipe).contains("is not a plain path"), "{path:?}");
        }
        let mut twice = recipe();
        twice.files.insert("A.rhai".into(), DataFile::of(b"x", true));
        assert!(refused(&twice).contains("for one file"));
        let mut both = recipe();
        both.files.insert("a.rhai/b".into(), DataFile::of(b"x", false));
        assert!(refused(&both).contains("is a file and a folder"));
        let mut other = recipe();
        other.script = "b.rhai".into();
        assert!(refused(&other).contains("is not in it"));
        let mut file = recipe();
        file.files.insert("x".into(), DataFile { bytes: 7, ..DataFile::of(b"x", true) });
        assert!(refused(&file).contains("not those that its hash"));
        let mut module = recipe();
        module.built_in.insert("mlp/x".into(), String::new());
        assert!(refused(&module).contains("no name of a module"));
    }

    #[test]
    fn arrays_have_as_many_numbers_as_they_say() {
        let array = Numbers { shape: vec![usize::MAX, 2], every: 1, ..Numbers::default() };
        let mut recipe = recipe();
        let arrays = [("x".to_owned(), array)].into();
        recipe.results.push(FrozenResult { arrays, ..FrozenResult::default() });
        assert!(refused(&recipe).contains("not as many numbers"));
    }
}
