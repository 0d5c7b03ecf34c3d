//! Photographs in a folder: found, looked at once, and decoded whenever somebody asks for samples. A picture counts by its
//! content, so that it is the same sample wherever it lies and whatever lies beside it.

mod jpeg;
mod labels;
mod listing;
mod look;
mod normalisation;
mod picture;
mod resize;
mod transform;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::MOST_SAMPLES;
use super::content;
use crate::{Error, Result};
use labels::Labels;
use listing::{File, Passed};
use look::{Seen, look};
use picture::Picture;
use transform::Transform;

pub use normalisation::Normalisation;
pub(super) use picture::{Verdict, luma};

/// How a file becomes bytes, and bytes numbers; part of every fingerprint.
const READER: &str = "photographs/1";
/// The largest picture that is decoded, as in Pillow, which calls larger ones bombs.
const MOST_PIXELS: usize = 89_478_485;
/// So many pictures that are passed over are named; then they are counted.
const MOST_NAMED: usize = 20;

/// How a script wants a folder of photographs; the usual is the picture as it is, in colour, in [0, 1].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FolderOptions {
    /// Pixels to which the shorter side is scaled.
    pub resize: Option<usize>,
    /// Pixels on a side of the middle that is kept.
    pub crop: Option<usize>,
    /// What numbers are shifted and scaled by.
    pub normalize: Option<Normalisation>,
    /// One channel, luma, in place of three.
    pub grey: bool,
    /// A table (CSV) in the folder that says the classes.
    pub labels: Option<String>,
    /// The table's column that holds them; otherwise [`LABEL_COLUMN`].
    pub label: Option<String>,
}

/// The column of a table of labels that holds the classes, by default.
pub const LABEL_COLUMN: &str = "label";

/// The pictures of one folder that can be used.
#[derive(Debug)]
pub(super) struct Photos {
    pictures: Vec<Photo>,
    transform: Transform,
    memory: Option<PathBuf>,
    /// Of one sample.
    pub(super) shape: [usize; 3],
    pub(super) classes: usize,
    pub(super) class_names: Vec<String>,
}

#[derive(Debug)]
struct Photo {
    file: File,
    /// BLAKE3 of the file.
    content: String,
    label: Option<u32>,
}

/// Finds the pictures of a folder and, the first time, decodes each to see that it is whole; with warnings about those that
/// are passed over. `name` is the folder in the script's words.
pub(super) fn open(
    folder: &Path,
    name: &str,
    options: &FolderOptions,
    memory: Option<&Path>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<(Photos, Vec<String>)> {
    let FolderOptions { resize, crop, normalize, grey, .. } = options.clone();
    let transform = Transform { grey, resize, crop, normalisation: normalize };
    transform.check()?;
    let folder = folder.canonicalize().map_err(|error| Error::io("read the folder", folder, &error))?;
    let (files, mut passed) = listing::list(&folder)?;
    if files.len() > MOST_SAMPLES {
        return Err(Error::new(format!("{name} holds {} pictures; at most {MOST_SAMPLES}", files.len())));
    }
    let (labels, strangers) = match &options.labels {
        Some(table) => Labels::of_table(&folder, table, options.label.as_deref().unwrap_or(LABEL_COLUMN), &files)?,
        None => (Labels::of_subfolders(&files), Vec::new()),
    };
    let all = look(&files, memory, cancelled)?;
    let (mut pictures, mut sizes) = (Vec::new(), Vec::new());
    for (file, Seen { content, size }) in files.into_iter().zip(all) {
        match size.and_then(|size| transform.size(size)) {
            Ok(size) => {
                sizes.push(size);
                pictures.push(Photo { label: labels.of(&file.name), file, content });
            }
            Err(why) => passed.push(Passed { name: file.name, why }),
        }
    }
    let mut warnings = warnings(name, &passed);
    warnings.extend(strangers.first().map(|first| {
        let table = options.labels.as_deref().unwrap_or_default();
        format!("{name}/{table} names {} files that are not pictures here, such as {first}", strangers.len())
    }));
    let Some(&[width, height]) = sizes.first() else {
        let error = Error::new(format!("{name} holds no picture that can be used"));
        return Err(if warnings.is_empty() {
            error.hint("a folder holds pictures as .jpg, .jpeg or .png, in subfolders too")
        } else {
            warnings.into_iter().fold(error, Error::hint)
        });
    };
    if let Some(other) = sizes.iter().position(|size| *size != [width, height]) {
        let ([w, h], first, other) = (sizes[other], &pictures[0].file.name, &pictures[other].file.name);
        let message =
            format!("the pictures of {name} differ in size: {first} has {width}×{height} pixels, {other} {w}×{h}");
        return Err(Error::new(message).hint("cut them to one size: `crop: 224`, after `resize: 256`"));
    }
    let shape = [transform.channels(), height, width];
    let (classes, class_names) = (labels.classes, labels.names);
    Ok((Photos { pictures, transform, memory: memory.map(Path::to_owned), shape, classes, class_names }, warnings))
}

/// What is passed over, by name.
fn warnings(folder: &str, passed: &[Passed]) -> Vec<String> {
    let named = passed.iter().take(MOST_NAMED).map(|Passed { name, why }| format!("{folder}/{name} is skipped: {why}"));
    let more = passed.len().saturating_sub(MOST_NAMED);
    named.chain((more > 0).then(|| format!("{folder}: {more} more pictures are skipped"))).collect()
}

impl Photos {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.pictures.len()
    }

    /// A picture's name: its path within the folder.
    pub(super) fn name(&self, i: usize) -> &str {
        &self.pictures[i].file.name
    }

    /// A picture's class, if it has one.
    pub(super) fn label(&self, i: usize) -> Option<u32> {
        self.pictures[i].label
    }

    pub(super) fn normalisation(&self) -> Option<&Normalisation> {
        self.transform.normalisation.as_ref()
    }

    /// What some of the pictures are, for a fingerprint: their contents and classes in this order, and what is done to them.
    pub(super) fn description(&self, indices: impl Iterator<Item = usize>) -> Value {
        let mut hash = blake3::Hasher::new();
        let mut count = 0;
        for photo in indices.map(|i| &self.pictures[i]) {
            let label = photo.label.map_or(String::new(), |label| label.to_string());
            hash.update(format!("{} {label}\n", photo.content).as_bytes());
            count += 1;
        }
        let transform = self.transform.description();
        json!({ "reader": READER, "transform": transform, "count": count, "blake3": hash.finalize().to_hex().as_str() })
    }

    /// Decodes a picture into `out`; checks that its content is the one that fingerprints speak of.
    pub(super) fn fill(&self, i: usize, out: &mut [f32]) -> Result<()> {
        let Photo { file, content, .. } = &self.pictures[i];
        let bytes = std::fs::read(&file.path).map_err(|error| Error::io("read", &file.path, &error))?;
        let changed = || content::changed(self.memory.as_deref(), &file.path);
        if blake3::hash(&bytes).to_hex().as_str() != content {
            return Err(changed());
        }
        // What was whole when it was opened is whole now; but a memory may lie, of the size too.
        let picture = picture::decode(&bytes).map_err(|_| changed())?;
        let [_, height, width] = self.shape;
        if self.transform.size([picture.width, picture.height]) != Ok([width, height]) {
            return Err(changed());
        }
        self.transform.apply(picture, out);
        Ok(())
    }
}
