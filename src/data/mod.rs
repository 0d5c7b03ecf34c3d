//! Data sets: what a script names in `dataset("mnist")` or `folder("photos")`, and the samples behind it. Naming one reads
//! a header or two; pixels are read, or drawn, when somebody asks for samples. What goes into a fingerprint is the content.

mod boxes;
mod cifar;
pub(crate) mod content;
mod download;
mod files;
mod folders;
mod glyphs;
mod idx;
mod known;
mod noise;
mod photos;
mod split;
mod strokes;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::{Error, Result};
use boxes::average;

pub use download::{Fetched, Progress, get};
pub use folders::{DATA_VARIABLE, Folders};
pub use known::{Entry, KnownFile, State, Status, catalogue, known, names, status};
pub use photos::{FolderOptions, LABEL_COLUMN, Normalisation};
pub use split::{Part, Samples, Split};

/// Classes of every data set here that has a name.
const CLASSES: usize = 10;
/// Pixels on a side, as in MNIST.
const SIDE: usize = 28;
/// Training and test samples of a generated data set by default: MNIST's numbers.
pub const COUNTS: [usize; 2] = [60_000, 10_000];
/// The most samples that a part may have, and the most pixels on a side: what a guest's script may ask for.
const MOST_SAMPLES: usize = 1_000_000;
const MOST_SIDE: usize = 1024;

/// How a script wants a data set; what is `None` keeps its usual value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DatasetOptions {
    /// Pixels on a side. Images are averaged over boxes, so it divides 28 (14, 7, 4, 2, 1), or the 32 of `cifar-10`;
    /// `noise` takes any.
    pub size: Option<usize>,
    /// Samples to train on (60,000); generated sets only.
    pub train: Option<usize>,
    /// Samples to test with (10,000); generated sets only.
    pub test: Option<usize>,
    /// Another seed is another set (0); generated sets only.
    pub seed: Option<u64>,
    /// One channel, luma as Pillow's, in place of three (no); `cifar-10` only.
    pub grey: Option<bool>,
}

/// A data set as a script names it: cheap to make and to copy, holds no pixel.
#[derive(Debug, Clone)]
pub struct Dataset(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    source: Source,
    shape: [usize; 3],
    counts: [usize; 2],
    warnings: Vec<String>,
    labels: [OnceLock<Arc<[u8]>>; 2],
}

/// Where samples come from.
#[derive(Debug)]
enum Source {
    Files(Box<files::Files>),
    Cifar(cifar::Cifar),
    Photos(Box<photos::Photos>),
    Glyphs { seed: u64 },
    Noise { seed: u64 },
}

impl Dataset {
    /// Whether a name is that of a data set of files, in a folder of the same name.
    pub fn is_of_files(name: &str) -> bool {
        name == cifar::NAME || known(name).is_ok()
    }

    /// A data set by name: `glyphs`, `noise`, `mnist`, `fashion-mnist` or `cifar-10`. Of files, reads the headers
    /// and, the first time, the whole content for its hash.
    ///
    /// # Errors
    /// An unknown name, an option that the set does not have, files that are missing, truncated or of another format.
    pub fn open(name: &str, options: &DatasetOptions, folders: &Folders) -> Result<Self> {
        let seed = options.seed.unwrap_or(0);
        if options.grey.is_some() && name != cifar::NAME && names().iter().any(|known| known == name) {
            let message = format!("`grey` is an option of {}; {name} has one channel as it is", cifar::NAME);
            return Err(Error::new(message).hint("leave it out"));
        }
        match name {
            "glyphs" => Self::generated(name, Source::Glyphs { seed }, options),
            "noise" => Self::generated(name, Source::Noise { seed }, options),
            cifar::NAME => {
                refuse_generated_only(name, options)?;
                let side = boxes::check(name, cifar::SIDE, options.size)?;
                let (files, warnings) = cifar::open(options.grey.unwrap_or(false), folders)?;
                let (shape, counts) = ([files.channels(), side, side], files.counts());
                Ok(Self::new(name, shape, counts, Source::Cifar(files), warnings))
            }
            _ => Self::open_entry(&known(name)?, options, folders),
        }
    }

    /// A data set of IDX files by its catalogue entry, published or one's own.
    ///
    /// # Errors
    /// As [`Dataset::open`].
    pub fn open_entry(entry: &Entry, options: &DatasetOptions, folders: &Folders) -> Result<Self> {
        refuse_generated_only(&entry.name, options)?;
        let side = boxes::check(&entry.name, SIDE, options.size)?;
        let (files, warnings) = files::open(entry, folders)?;
        Ok(Self::new(&entry.name, [1, side, side], files.counts(), Source::Files(Box::new(files)), warnings))
    }

    /// The photographs of a folder, those of its subfolders too, sorted by name. The first time, all of them are decoded;
    /// which is told what is wrong with some, and ends early when `cancelled` says so. `name` is the folder in the
    /// script's words; whether it may be read is for the caller to know. It has no parts: either is all of it.
    ///
    /// # Errors
    /// The folder or its table of labels cannot be read, an option is impossible, no picture can be used, or they differ
    /// in size. Pictures that cannot be used are [warnings](Self::warnings).
    pub fn folder(
        folder: &Path,
        name: &str,
        options: &FolderOptions,
        folders: &Folders,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self> {
        let (photos, warnings) = photos::open(folder, name, options, folders.memory(), cancelled)?;
        let (shape, count) = (photos.shape, photos.len());
        Ok(Self::new(name, shape, [count; 2], Source::Photos(Box::new(photos)), warnings))
    }

    fn generated(name: &str, source: Source, options: &DatasetOptions) -> Result<Self> {
        let side = match (&source, options.size) {
            (Source::Noise { .. }, Some(size)) if !(1..=MOST_SIDE).contains(&size) => {
                return Err(Error::new(format!("noise of {size}×{size} pixels: `size` is from 1 to {MOST_SIDE}")));
            }
            (Source::Noise { .. }, Some(size)) => size,
            _ => boxes::check(name, SIDE, options.size)?,
        };
        let counts = [options.train.unwrap_or(COUNTS[0]), options.test.unwrap_or(COUNTS[1])];
        if let Some(count) = counts.iter().find(|&count| !(1..=MOST_SAMPLES).contains(count)) {
            let message = format!("{name} of {count} samples: `train` and `test` are from 1 to {MOST_SAMPLES}");
            return Err(Error::new(message));
        }
        Ok(Self::new(name, [1, side, side], counts, source, Vec::new()))
    }

    fn new(name: &str, shape: [usize; 3], counts: [usize; 2], source: Source, warnings: Vec<String>) -> Self {
        Self(Arc::new(Inner { name: name.into(), source, shape, counts, warnings, labels: Default::default() }))
    }

    /// The name that it was opened by.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The shape of one sample, `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        self.0.shape
    }

    /// How many classes there are; labels are `0..classes`. None in a folder without labels.
    pub fn classes(&self) -> usize {
        self.photos().map_or(CLASSES, |photos| photos.classes)
    }

    /// What the classes are called, where that is more than a number.
    pub fn class_names(&self) -> Vec<&str> {
        match &self.0.source {
            Source::Cifar(_) => cifar::CLASS_NAMES.to_vec(),
            Source::Photos(photos) => photos.class_names.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// What to train with.
    pub fn train(&self) -> Split {
        Split::whole(self.clone(), Part::Train)
    }

    /// What to test with.
    pub fn test(&self) -> Split {
        Split::whole(self.clone(), Part::Test)
    }

    /// What the user should know though it works: files whose content is not the published one, batches that are not
    /// here, pictures that cannot be used.
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    /// How many samples a part has.
    fn count(&self, part: Part) -> usize {
        self.0.counts[part as usize]
    }

    fn photos(&self) -> Option<&photos::Photos> {
        match &self.0.source {
            Source::Photos(photos) => Some(photos),
            _ => None,
        }
    }

    /// All labels of a part that has them, read once. Photographs know their own.
    fn labels(&self, part: Part) -> Result<Arc<[u8]>> {
        let once = &self.0.labels[part as usize];
        if let Some(labels) = once.get() {
            return Ok(labels.clone());
        }
        let labels: Arc<[u8]> = match &self.0.source {
            Source::Files(files) => files.labels(part)?.into(),
            Source::Cifar(files) => files.labels(part)?.into(),
            Source::Photos(_) => Arc::default(),
            Source::Glyphs { seed } => glyphs::labels(*seed, part, self.count(part)).into(),
            Source::Noise { seed } => noise::labels(*seed, part, self.count(part)).into(),
        };
        Ok(once.get_or_init(|| labels).clone())
    }

    /// The class of every sample of a part; `None` for a photograph that has none.
    fn class_of(&self, part: Part) -> Result<Box<dyn Fn(usize) -> Option<u32> + '_>> {
        if let Some(photos) = self.photos() {
            return Ok(Box::new(|i| photos.label(i)));
        }
        let labels = self.labels(part)?;
        Ok(Box::new(move |i| Some(labels[i].into())))
    }

    /// The pixels of some samples of a part, one after another, in [0, 1] unless they are normalised.
    fn pixels(&self, part: Part, indices: &[usize]) -> Result<Vec<f32>> {
        let [channels, side, _] = self.0.shape;
        let size = self.0.shape.iter().product();
        let mut out = vec![0.0; indices.len() * size];
        let images = out.par_chunks_exact_mut(size).zip(indices);
        match &self.0.source {
            Source::Files(files) => {
                let all = files.images(part)?;
                images.for_each(|(image, &i)| average(&all[i * SIDE * SIDE..][..SIDE * SIDE], SIDE, side, image));
            }
            Source::Cifar(files) => {
                let (all, size) = (files.images(part)?, channels * cifar::SIDE * cifar::SIDE);
                images.for_each(|(image, &i)| average(&all[i * size..][..size], cifar::SIDE, side, image));
            }
            Source::Photos(photos) => images.map(|(image, &i)| photos.fill(i, image)).collect::<Result<()>>()?,
            Source::Glyphs { seed } => {
                let labels = self.labels(part)?;
                images.for_each(|(image, &i)| average(&glyphs::draw(*seed, part, i, labels[i]), SIDE, side, image));
            }
            Source::Noise { seed } => images.for_each(|(image, &i)| noise::fill(*seed, part, i, image)),
        }
        Ok(out)
    }

    /// What a part's samples are made from, for a fingerprint: equal descriptions mean equal samples.
    fn content(&self, part: Part) -> Value {
        let random = crate::random::GENERATOR;
        let generator = |name, seed| json!({ "generator": name, "random": random, "seed": seed, "part": part.name() });
        match &self.0.source {
            Source::Files(files) => json!({ "files": files.content(part), "reader": idx::READER }),
            Source::Cifar(files) => files.content(part),
            // Each counts by itself: see `Split::description`.
            Source::Photos(_) => Value::Null,
            Source::Glyphs { seed } => generator(glyphs::GENERATOR, seed),
            Source::Noise { seed } => generator(noise::GENERATOR, seed),
        }
    }
}

/// Refuses options that only what is drawn can have.
fn refuse_generated_only(name: &str, options: &DatasetOptions) -> Result<()> {
    let generated_only = [
        ("train", options.train.is_some(), "take part of it with `.train.take(1000)`"),
        ("test", options.test.is_some(), "take part of it with `.test.take(1000)`"),
        ("seed", options.seed.is_some(), "another order of its samples: `.shuffle(1)`"),
    ];
    match generated_only.iter().find(|(_, given, _)| *given) {
        Some((option, _, hint)) => {
            let message = format!("`{option}` is an option of generated data sets; {name} is what its files say");
            Err(Error::new(message).hint(*hint))
        }
        None => Ok(()),
    }
}
