//! Photographs in a folder: found, scanned once, and decoded whenever samples are asked for. A picture counts by its
//! content, so it is the same sample in any folder.

mod decoding_room;
#[cfg(feature = "photos")]
mod jpeg;
#[cfg(not(feature = "photos"))]
#[path = "no_jpeg.rs"]
mod jpeg;
mod labels;
mod listing;
mod normalisation;
mod picture;
mod resize;
mod scan;
pub(super) mod table;
mod transform;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::DatasetPart;
use super::selection::Selection;
use super::source::{MOST_SAMPLES, Opened, SampleSource, fill_samples};
use crate::files::digest_cache;
use crate::files::regular::read_regular;
use crate::{Error, Result};
use decoding_room::{DecodingRoom, bytes_to_decode};
use labels::Labels;
use listing::{File, Skipped};
use picture::Picture;
use scan::{Scanned, scan};
use transform::Transform;

pub use normalisation::Normalisation;
pub(super) use picture::luma;

/// How a file becomes bytes, and bytes numbers; part of every fingerprint.
const READER: &str = "photographs/1";
/// The largest picture that is decoded, as in Pillow, which calls larger ones bombs.
const MOST_PIXELS: usize = 89_478_485;
/// Longest file that is read: as many bytes as the largest picture could need.
const LONGEST_FILE: u64 = 1 << 30;
/// Skipped pictures that warnings name; further ones are counted.
const MOST_NAMED: usize = 20;

/// How a script wants a folder of photographs. By default pictures are as they are, in colour, in [0, 1].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FolderOptions {
    /// Pixels to which the shorter side is scaled.
    pub resize: Option<usize>,
    /// Pixels on a side of the centre that is kept.
    pub crop: Option<usize>,
    /// What pixels are shifted and scaled by.
    pub normalize: Option<Normalisation>,
    /// One channel, luma, in place of three.
    pub grey: bool,
    /// A table (CSV) in the folder that holds the classes.
    pub labels: Option<String>,
    /// The table's column that holds them; otherwise [`LABEL_COLUMN`].
    pub label: Option<String>,
}

/// The column of a table of labels that holds the classes, by default.
pub const LABEL_COLUMN: &str = "label";

/// The pictures of one folder that can be used.
#[derive(Debug)]
struct Photos {
    pictures: Vec<Photo>,
    transform: Transform,
    cache: Option<PathBuf>,
    room: DecodingRoom,
    /// Bytes that decoding the largest of them takes.
    largest: f64,
    /// Shape of one sample.
    shape: [usize; 3],
    classes: usize,
    class_names: Vec<String>,
}

#[derive(Debug)]
struct Photo {
    file: File,
    /// BLAKE3 of the file.
    content: String,
    label: Option<u32>,
    /// Whether it is resized in another order than most.
    is_vertical_first: bool,
}

/// What a folder is opened with, beside the script's options.
#[derive(Clone, Copy)]
pub struct FolderAccess<'a> {
    /// Bytes of memory that the run may use; decoding takes a part of it.
    pub memory: f64,
    /// The folder that the run writes to, which is no input.
    pub outputs: Option<&'a Path>,
    /// Whether to end early.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// Finds the pictures of a folder and, the first time, decodes each to see that it is whole; with warnings about those that
/// are skipped. `name` is the folder in the script's words; see [`super::Dataset::folder`].
pub(super) fn open(
    folder: &Path,
    name: &str,
    options: &FolderOptions,
    cache: Option<&Path>,
    access: FolderAccess<'_>,
) -> Result<Opened> {
    let FolderOptions { resize, crop, normalize, grey, .. } = options.clone();
    let transform = Transform { grey, resize, crop, normalisation: normalize };
    transform.check()?;
    let folder = folder.canonicalize().map_err(|error| Error::io("read the folder", folder, &error))?;
    let (files, mut skipped) = listing::list(&folder, access.outputs)?;
    if files.len() > MOST_SAMPLES {
        return Err(Error::new(format!("{name} holds {} pictures; at most {MOST_SAMPLES}", files.len())));
    }
    let column = options.label.as_deref().unwrap_or(LABEL_COLUMN);
    let labels = match &options.labels {
        Some(table) => Labels::from_table(&folder, name, table, column, &files)?,
        None => Labels::from_subfolders(&files),
    };
    let room = DecodingRoom::new(access.memory);
    let all = scan(&files, cache, &room, access.cancelled)?;
    let (mut pictures, mut sizes, mut largest) = (Vec::new(), Vec::new(), 0.0_f64);
    for (file, Scanned { content, size }) in files.into_iter().zip(all) {
        match size.and_then(|stored| Ok((stored, transform.size(stored)?))) {
            Ok((stored, size)) => {
                let is_vertical_first = transform.is_vertical_first(stored);
                largest = largest.max(bytes_to_decode(stored[0], stored[1]));
                sizes.push(size);
                pictures.push(Photo { label: labels.label(&file.name), file, content, is_vertical_first });
            }
            Err(why) => skipped.push(Skipped { name: file.name, why }),
        }
    }
    let mut warnings = warnings(name, &skipped);
    warnings.extend(labels.warnings);
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
    let (classes, class_names, cache) = (labels.classes, labels.names, cache.map(Path::to_owned));
    let photos = Photos { pictures, transform, cache, room, largest, shape, classes, class_names };
    Ok(Opened { source: Box::new(photos), warnings })
}

/// Sentences about the skipped pictures.
fn warnings(folder: &str, skipped: &[Skipped]) -> Vec<String> {
    let named =
        skipped.iter().take(MOST_NAMED).map(|Skipped { name, why }| format!("{folder}/{name} is skipped: {why}"));
    let more = skipped.len().saturating_sub(MOST_NAMED);
    named.chain((more > 0).then(|| format!("{folder}: {more} more pictures are skipped"))).collect()
}

impl Photos {
    /// For a fingerprint: contents and labels of some pictures in this order, and what is done to them.
    fn describe(&self, indices: impl Iterator<Item = usize>) -> Value {
        let mut hash = blake3::Hasher::new();
        let mut count = 0;
        for photo in indices.map(|i| &self.pictures[i]) {
            let label = photo.label.map_or(String::new(), |label| label.to_string());
            // Most are resized as ever: their descriptions stay.
            let order = if photo.is_vertical_first { " height first" } else { "" };
            hash.update(format!("{} {label}{order}\n", photo.content).as_bytes());
            count += 1;
        }
        let transform = self.transform.description();
        json!({ "reader": READER, "transform": transform, "count": count, "blake3": hash.finalize().to_hex().as_str() })
    }

    /// Decodes a picture into `out`.
    ///
    /// # Errors
    /// It cannot be read, or its content is not the one in the fingerprints any more.
    fn fill(&self, i: usize, out: &mut [f32]) -> Result<()> {
        let Photo { file, content, .. } = &self.pictures[i];
        let bytes = read_regular(&file.path, LONGEST_FILE).map_err(|error| Error::io("read", &file.path, &error))?;
        let changed = || digest_cache::changed(self.cache.as_deref(), &file.path);
        if blake3::hash(&bytes).to_hex().as_str() != content {
            return Err(changed());
        }
        // It decoded when it was scanned; but the cache may be wrong, about the size as well.
        let [w, h] = picture::size(&bytes).map_err(|_| changed())?;
        let [_, height, width] = self.shape;
        if self.transform.size([w, h]) != Ok([width, height]) {
            return Err(changed());
        }
        let decode = || -> Result<()> {
            let picture = picture::decode(&bytes).map_err(|_| changed())?;
            self.transform.apply(picture, out);
            Ok(())
        };
        let refused = |why| Error::new(format!("{}: {why}", file.name));
        self.room.with(bytes_to_decode(w, h), decode).map_err(refused)?
    }
}

impl SampleSource for Photos {
    /// A folder is not split: both parts are all of it.
    fn counts(&self) -> [usize; 2] {
        [self.pictures.len(); 2]
    }

    fn is_split(&self) -> bool {
        false
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn class_names(&self) -> Vec<&str> {
        self.class_names.iter().map(String::as_str).collect()
    }

    fn labels(&self, _: DatasetPart) -> Result<Vec<Option<u32>>> {
        Ok(self.pictures.iter().map(|photo| photo.label).collect())
    }

    fn pixels(&self, _: DatasetPart, indices: &[usize]) -> Result<Vec<f32>> {
        fill_samples(indices, self.shape.iter().product(), |i, out| self.fill(i, out))
    }

    fn working_bytes(&self) -> f64 {
        self.room.most(self.pictures.len(), self.largest)
    }

    fn content(&self, _: DatasetPart) -> Value {
        self.describe(0..self.pictures.len())
    }

    /// Each picture counts by itself, whatever else is in the folder.
    fn description(&self, _: DatasetPart, selection: &Selection) -> Value {
        json!({ "photographs": self.describe(selection.indices()), "shape": self.shape })
    }

    fn expression(&self, name: &str, _: DatasetPart) -> String {
        format!("folder(\"{name}\")")
    }

    /// Its path within the folder.
    fn sample_name(&self, index: usize) -> Option<&str> {
        Some(&self.pictures[index].file.name)
    }

    fn normalisation(&self) -> Option<&Normalisation> {
        self.transform.normalisation.as_ref()
    }
}
