//! Files of known formats wherever they lie in the data folders, whatever they are called.

use std::path::{Path, PathBuf};

use super::Folders;

/// How deep folders are entered below a data folder, and how many files are looked at in each: a data folder may hold a million
/// photographs as well.
const DEEPEST: usize = 5;
const MOST_FILES: usize = 20_000;

/// All files below the data folders, in the order of the folders and by name; hidden ones and links to folders are left out.
pub(super) fn files(folders: &Folders) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in folders.candidates() {
        let mut found = Vec::new();
        enter(folder, 0, &mut found);
        files.extend(found);
    }
    files
}

fn enter(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().take(MOST_FILES).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with('.') || files.len() >= MOST_FILES {
            continue;
        }
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < DEEPEST => enter(&path, depth + 1, files),
            Ok(kind) if kind.is_dir() => {}
            // Links to files are followed.
            _ if path.is_file() => files.push(path),
            _ => {}
        }
    }
}

/// Whether a file lies in a folder that is called like a data set: "KMNIST" and "k-mnist" are `kmnist`. Only names below the data
/// folders count.
pub(super) fn is_below(path: &Path, name: &str, folders: &Folders) -> bool {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let parents = within(path, folders).and_then(Path::parent).into_iter().flat_map(Path::components);
    parents.into_iter().any(|part| plain(&part.as_os_str().to_string_lossy()) == plain(name))
}

/// A file's path below the data folder that it lies in.
fn within<'a>(path: &'a Path, folders: &Folders) -> Option<&'a Path> {
    folders.candidates().iter().find_map(|folder| path.strip_prefix(folder).ok())
}

/// Whether a file's path below the data folders says that it is for testing or for training, if it says either: its own name
/// first, then the folders'.
pub(super) fn is_test(path: &Path, folders: &Folders) -> Option<bool> {
    let path = within(path, folders).unwrap_or(path);
    let said = path.components().rev().filter_map(|part| part.as_os_str().to_str().map(str::to_lowercase)).take(3);
    said.into_iter().find_map(|part| {
        let is_test = part.contains("test") || part.contains("t10k");
        (is_test != part.contains("train")).then_some(is_test)
    })
}
