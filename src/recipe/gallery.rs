//! A page that lists the recipes of a folder.

use std::path::{Path, PathBuf};

use super::{ENDING, lock};
use crate::page::{GALLERY, Shelved, gallery};
use crate::script::Recipe;
use crate::{Error, Result};

/// What a shelf leaves out of a lock: a card has room for what tells recipes apart.
const SHOWN: [&str; 5] = ["parameter", "only", "made on", "data", "results"];

/// A folder of recipes as a page.
#[derive(Debug)]
pub struct Shelf {
    pub page: String,
    pub recipes: usize,
    /// Files that are named as recipes and are none.
    pub warnings: Vec<Error>,
}

/// Lists the recipes of a folder and the folders below it; `file` is where the page will lie.
///
/// # Errors
/// The folder cannot be read, has no recipe, or the file is there and is no such page.
pub fn shelf(folder: &Path, file: &Path) -> Result<Shelf> {
    if std::fs::read_to_string(file).is_ok_and(|text| !text.contains(GALLERY)) {
        return Err(Error::new(format!("{} is there and is not a gallery: it would be written over", file.display()))
            .hint("choose another name: -o FILE"));
    }
    let mut paths = Vec::new();
    find(folder, &mut paths, 0).map_err(|error| Error::io("read", folder, &error))?;
    paths.sort();
    let (mut shelved, mut warnings) = (Vec::new(), Vec::new());
    let from = file.parent().unwrap_or(Path::new(""));
    for path in paths {
        match Recipe::read(&path) {
            Ok(recipe) => shelved.push(entry(&recipe, &path, from)),
            Err(error) => warnings.push(error),
        }
    }
    if shelved.is_empty() {
        return Err(Error::new(format!("there is no recipe in {}", folder.display()))
            .hint(format!("recipes are files that end in {ENDING}; `entroscope recipe pack SCRIPT` makes one")));
    }
    let title = folder.canonicalize().ok().and_then(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()));
    let page = gallery(&title.unwrap_or_else(|| "Recipes".to_owned()), &shelved)?;
    Ok(Shelf { page, recipes: shelved.len(), warnings })
}

fn entry(recipe: &Recipe, path: &Path, from: &Path) -> Shelved {
    let head = recipe.head.clone();
    let title = if head.title.is_empty() { recipe.script.clone() } else { head.title };
    Shelved {
        file: path.strip_prefix(from).unwrap_or(path).to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"),
        title,
        authors: head.authors,
        description: head.description,
        licence: head.licence,
        lock: lock(recipe).into_iter().filter(|(label, _)| SHOWN.contains(&label.as_str())).collect(),
        marks: super::page::marks(recipe),
        picture: recipe.thumbnail.clone(),
    }
}

/// Folders below a folder that are looked into.
const DEEPEST: usize = 4;

fn find(folder: &Path, found: &mut Vec<PathBuf>, depth: usize) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_recipe = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ENDING));
        if path.is_dir() && !path.is_symlink() && depth < DEEPEST {
            // A folder below that cannot be read is passed over.
            let _ = find(&path, found, depth + 1);
        } else if is_recipe && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}
