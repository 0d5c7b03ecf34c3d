//! A data set's four files on this machine: found, checked by their headers, known by their content.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::idx::{self, Kind, wrong};
use super::{CLASSES, Entry, Folders, KnownFile, Part, SIDE, content};
use crate::{Error, Result};

/// Training images, training labels, test images, test labels: what each of an entry's files holds.
const KINDS: [Kind; 4] = [Kind::Images(SIDE, SIDE), Kind::Labels, Kind::Images(SIDE, SIDE), Kind::Labels];

/// The files of one data set.
#[derive(Debug)]
pub(super) struct Files {
    found: [Found; 4],
    memory: Option<PathBuf>,
}

#[derive(Debug)]
struct Found {
    path: PathBuf,
    kind: Kind,
    count: usize,
    /// BLAKE3 of the raw content when it was opened.
    content: String,
}

/// Finds a data set's files, reads their headers and learns their content; with warnings about content that is not
/// the published one.
pub(super) fn open(entry: &Entry, folders: &Folders) -> Result<(Files, Vec<String>)> {
    let folder = folder_of(entry, folders).ok_or_else(|| missing(entry, folders))?;
    let open_one = |i: usize| {
        let path = locate(&folder, &entry.files[i]).ok_or_else(|| missing(entry, folders))?;
        let (kind, count) = (KINDS[i], idx::header(&path, KINDS[i])?.count);
        Ok(Found { content: identity(folders.memory(), &path, kind)?, path, kind, count })
    };
    let found = [open_one(0)?, open_one(1)?, open_one(2)?, open_one(3)?];
    for [images, labels] in found.as_chunks().0 {
        if images.count != labels.count {
            return Err(wrong(
                &labels.path,
                format!("{} labels, as many as images in {}", images.count, images.path.display()),
                labels.count.to_string(),
            ));
        }
    }
    let differs = found.iter().zip(&entry.files).filter(|(found, known)| found.content != known.content);
    let warnings = differs.map(|(found, _)| {
        let path = found.path.display();
        format!("{path} is not the published file of {}: results will differ from those of others", entry.name)
    });
    let warnings = warnings.collect();
    Ok((Files { found, memory: folders.memory().map(Path::to_owned) }, warnings))
}

/// The first folder that holds all files of a data set.
pub(super) fn folder_of(entry: &Entry, folders: &Folders) -> Option<PathBuf> {
    let places = folders.candidates().iter().map(|folder| folder.join(&entry.name));
    places.into_iter().find(|place| entry.files.iter().all(|file| locate(place, file).is_some()))
}

/// A file, or its gzipped twin.
pub(super) fn locate(folder: &Path, file: &KnownFile) -> Option<PathBuf> {
    [folder.join(&file.name), folder.join(format!("{}.gz", file.name))].into_iter().find(|path| path.is_file())
}

/// Whether a file of a data set, at this place, is the published one.
pub(super) fn is_published(entry: &Entry, i: usize, path: &Path, memory: Option<&Path>) -> bool {
    identity(memory, path, KINDS[i]).is_ok_and(|content| content == entry.files[i].content)
}

/// The hash of an entry's `i`th file, read to its end now.
pub(super) fn hash(i: usize, path: &Path) -> Result<String> {
    idx::read(path, KINDS[i], |_| ()).map(|(_, content)| content)
}

fn identity(memory: Option<&Path>, path: &Path, kind: Kind) -> Result<String> {
    content::identity(memory, path, || idx::read(path, kind, |_| ()).map(|(_, content)| content))
}

fn missing(entry: &Entry, folders: &Folders) -> Error {
    let name = &entry.name;
    let places = folders.candidates().iter().map(|folder| {
        let place = folder.join(name);
        let lacks: Vec<&str> =
            entry.files.iter().filter(|file| locate(&place, file).is_none()).map(|file| file.name.as_str()).collect();
        match lacks.len() {
            4 => place.display().to_string(),
            _ => format!("{} (without {})", place.display(), lacks.join(", ")),
        }
    });
    let places = places.collect::<Vec<_>>().join(", ");
    let looked = if places.is_empty() { "there is no folder to look in".into() } else { format!("looked in {places}") };
    Error::new(format!("the files of {name} are not here: {looked}"))
        .hint(format!("fetch them with `entroscope data get {name}`"))
        .hint(format!("or say where they are with `--data-dir DIR`, if they are in DIR/{name}"))
}

impl Files {
    /// Samples to train and to test with.
    pub(super) fn counts(&self) -> [usize; 2] {
        [self.found[0].count, self.found[2].count]
    }

    /// What identifies a part: the hashes of its images and labels.
    pub(super) fn content(&self, part: Part) -> Value {
        let [images, labels] = self.pair(part);
        json!({ "images": images.content, "labels": labels.content })
    }

    /// All images of a part, 28×28 bytes each.
    pub(super) fn images(&self, part: Part) -> Result<Vec<u8>> {
        self.read(&self.pair(part)[0])
    }

    /// All labels of a part, each in `0..10`.
    pub(super) fn labels(&self, part: Part) -> Result<Vec<u8>> {
        let file = &self.pair(part)[1];
        let labels = self.read(file)?;
        match labels.iter().position(|&label| usize::from(label) >= CLASSES) {
            Some(i) => {
                Err(wrong(&file.path, format!("labels from 0 to {}", CLASSES - 1), format!("{} at {i}", labels[i])))
            }
            None => Ok(labels),
        }
    }

    fn pair(&self, part: Part) -> &[Found; 2] {
        &self.found.as_chunks().0[part as usize]
    }

    /// A file's body; checks that its content is the one that fingerprints speak of.
    fn read(&self, file: &Found) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let (_, content) = idx::read(&file.path, file.kind, |bytes| body.extend_from_slice(bytes))?;
        if content == file.content {
            return Ok(body);
        }
        Err(content::changed(self.memory.as_deref(), &file.path))
    }
}
