//! The pictures in a folder and its subfolders, by name.

use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::files::kind::Kind;
use crate::files::regular::{read_regular, special};
use crate::{Error, Result};

/// The record that this program writes into every run folder, and the longest one that is read, in bytes.
const RECORD: &str = "run.json";
const LONGEST_RECORD: u64 = 1 << 26;

/// Extensions of files that are opened, in lower case; their content decides between JPEG and PNG.
const READ: [&str; 5] = ["jpg", "jpeg", "jpe", "jfif", "png"];
/// Extensions of other pictures: a warning names those that are skipped.
const NOT_READ: [&str; 9] = ["avif", "bmp", "gif", "heic", "jp2", "ppm", "tif", "tiff", "webp"];

/// One file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Its path within the folder, with `/` between folders.
    pub(super) name: String,
}

/// A picture that is skipped.
#[derive(Debug)]
pub(super) struct Skipped {
    pub(super) name: String,
    /// A clause that follows its name.
    pub(super) why: String,
}

impl File {
    /// The subfolder that it is in, if it is in one.
    pub(super) fn subfolder(&self) -> Option<&str> {
        self.name.split_once('/').map(|(first, _)| first)
    }
}

/// All pictures, sorted by name, folder by folder; and what is skipped. Outputs of this program are no input: run folders
/// below `folder`, and what the run whose folder is `outputs` writes.
///
/// # Errors
/// The folder itself cannot be read.
pub(super) fn list(folder: &Path, outputs: Option<&Path>) -> Result<(Vec<File>, Vec<Skipped>)> {
    let entries = entries(folder).map_err(|error| Error::io("read the folder", folder, &error))?;
    let outputs = outputs.and_then(|outputs| outputs.canonicalize().ok());
    let written = outputs.as_deref().filter(|outputs| *outputs == folder).map(written_by_runs).unwrap_or_default();
    let mut listing = Listing { root: folder, outputs, written, files: Vec::new(), skipped: Vec::new() };
    listing.enter(entries, &mut Vec::new());
    Ok((listing.files, listing.skipped))
}

fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

/// The record of the run whose folder this is, if it is one: it names the program's version.
fn record(folder: &Path) -> Option<Value> {
    let bytes = read_regular(&folder.join(RECORD), LONGEST_RECORD).ok()?;
    serde_json::from_slice::<Value>(&bytes).ok().filter(|record| record.get("entroscope").is_some())
}

/// The files that runs wrote into a folder, by its record.
fn written_by_runs(folder: &Path) -> BTreeSet<String> {
    let record = record(folder).unwrap_or_default();
    let lists = [&record["files"], &record["left_over"], &record["complete"]["files"]];
    lists.into_iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

struct Listing<'a> {
    /// Canonical path; links may lead anywhere within it.
    root: &'a Path,
    /// The folder of the present run, and the files in it that an earlier run wrote, if it is the root.
    outputs: Option<PathBuf>,
    written: BTreeSet<String>,
    files: Vec<File>,
    skipped: Vec<Skipped>,
}

impl Listing<'_> {
    fn enter(&mut self, entries: Vec<DirEntry>, names: &mut Vec<String>) {
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            names.push(name);
            let (path, name) = (entry.path(), names.join("/"));
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.enter_folder(&path, name, names),
                Ok(_) => self.add(path, name),
                Err(error) => self.skip(name, format!("it cannot be read: {error}")),
            }
            names.pop();
        }
    }

    fn enter_folder(&mut self, path: &Path, name: String, names: &mut Vec<String>) {
        if self.outputs.as_deref() == Some(path) || record(path).is_some() {
            return self.skip(name, "it holds the outputs of a run".into());
        }
        match entries(path) {
            Ok(entries) => self.enter(entries, names),
            Err(error) => self.skip(name, format!("the folder cannot be read: {error}")),
        }
    }

    fn add(&mut self, path: PathBuf, name: String) {
        if self.written.contains(&name) {
            return;
        }
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        let why = if NOT_READ.contains(&ending.as_str()) {
            "only JPEG and PNG are read"
        } else if path.is_dir() {
            "it is a link to a folder"
        } else if READ.contains(&ending.as_str()) {
            match path.canonicalize() {
                Ok(real) if !real.starts_with(self.root) => "it is a link that leads out of the folder",
                Ok(real) => match real.metadata().map(|metadata| special(&metadata)) {
                    Ok(Some(why)) => why,
                    // Whoever opens it says what is wrong.
                    Ok(None) | Err(_) => return self.files.push(File { path: real, name }),
                },
                Err(_) => "it is a link that leads nowhere",
            }
        } else if ending.is_empty() && Kind::of_file(&path).is_some_and(|kind| kind.what.starts_with("a picture")) {
            "its name has no ending: .jpg or .png"
        } else {
            return;
        };
        self.skip(name, why.into());
    }

    fn skip(&mut self, name: String, why: String) {
        self.skipped.push(Skipped { name, why });
    }
}
