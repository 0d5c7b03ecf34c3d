//! Data sets: what a script names in `dataset("mnist")`, and the samples behind it. Naming one reads a header or
//! two; pixels are read, or drawn, when somebody asks for samples. What goes into a fingerprint is the content.

pub(crate) mod content;
mod download;
mod files;
mod folders;
mod glyphs;
mod idx;
mod known;
mod noise;
mod split;
mod strokes;

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::{Error, Result};

pub use download::{Fetched, Progress, get};
pub use folders::{DATA_VARIABLE, Folders};
pub use known::{Entry, KnownFile, State, Status, catalogue, known, names, status};
pub use split::{Part, Samples, Split};

/// Classes of every data set here.
const CLASSES: usize = 10;
/// Pixels on a side, as in MNIST.
const SIDE: usize = 28;
/// Samples that a generated set has unless a script says otherwise; MNIST's own numbers.
const COUNTS: [usize; 2] = [60_000, 10_000];
/// The most samples that a part may have, and the most pixels on a side: what a guest's script may ask for.
const MOST_SAMPLES: usize = 1_000_000;
const MOST_SIDE: usize = 1024;

/// How a script wants a data set; what is `None` keeps its usual value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DatasetOptions {
    /// Pixels on a side. Images are averaged over boxes, so it divides 28 (14, 7, 4, 2, 1); `noise` takes any.
    pub size: Option<usize>,
    /// Samples to train on (60,000); generated sets only.
    pub train: Option<usize>,
    /// Samples to test with (10,000); generated sets only.
    pub test: Option<usize>,
    /// Another seed is another set (0); generated sets only.
    pub seed: Option<u64>,
}

/// A data set as a script names it: cheap to make and to copy, holds no pixel.
#[derive(Debug, Clone)]
pub struct Dataset(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    source: Source,
    side: usize,
    counts: [usize; 2],
    warnings: Vec<String>,
    labels: [OnceLock<Arc<[u8]>>; 2],
}

/// Where samples come from.
#[derive(Debug)]
enum Source {
    Files(Box<files::Files>),
    Glyphs { seed: u64 },
    Noise { seed: u64 },
}

impl Dataset {
    /// A data set by name: `glyphs`, `noise`, `mnist` or `fashion-mnist`. Of files, reads the headers and, the first
    /// time, the whole content for its hash.
    ///
    /// # Errors
    /// An unknown name, an option that the set does not have, files that are missing, truncated or of another format.
    pub fn open(name: &str, options: &DatasetOptions, folders: &Folders) -> Result<Self> {
        let seed = options.seed.unwrap_or(0);
        match name {
            "glyphs" => Self::generated(name, Source::Glyphs { seed }, options),
            "noise" => Self::generated(name, Source::Noise { seed }, options),
            _ => Self::open_entry(&known(name)?, options, folders),
        }
    }

    /// A data set of files by its catalogue entry, published or one's own.
    ///
    /// # Errors
    /// As [`Dataset::open`].
    pub fn open_entry(entry: &Entry, options: &DatasetOptions, folders: &Folders) -> Result<Self> {
        let generated_only = [
            ("train", options.train.is_some(), "take part of it with `.train.take(1000)`"),
            ("test", options.test.is_some(), "take part of it with `.test.take(1000)`"),
            ("seed", options.seed.is_some(), "another order of its samples: `.shuffle(1)`"),
        ];
        if let Some((option, _, hint)) = generated_only.iter().find(|(_, given, _)| *given) {
            let message =
                format!("`{option}` is an option of generated data sets; {} is what its files say", entry.name);
            return Err(Error::new(message).hint(*hint));
        }
        let side = averaged_side(&entry.name, options.size)?;
        let (files, warnings) = files::open(entry, folders)?;
        Ok(Self::new(&entry.name, side, files.counts(), Source::Files(Box::new(files)), warnings))
    }

    fn generated(name: &str, source: Source, options: &DatasetOptions) -> Result<Self> {
        let side = match (&source, options.size) {
            (Source::Noise { .. }, Some(size)) if !(1..=MOST_SIDE).contains(&size) => {
                return Err(Error::new(format!("noise of {size}×{size} pixels: `size` is from 1 to {MOST_SIDE}")));
            }
            (Source::Noise { .. }, Some(size)) => size,
            _ => averaged_side(name, options.size)?,
        };
        let counts = [options.train.unwrap_or(COUNTS[0]), options.test.unwrap_or(COUNTS[1])];
        if let Some(count) = counts.iter().find(|&count| !(1..=MOST_SAMPLES).contains(count)) {
            let message = format!("{name} of {count} samples: `train` and `test` are from 1 to {MOST_SAMPLES}");
            return Err(Error::new(message));
        }
        Ok(Self::new(name, side, counts, source, Vec::new()))
    }

    fn new(name: &str, side: usize, counts: [usize; 2], source: Source, warnings: Vec<String>) -> Self {
        Self(Arc::new(Inner { name: name.into(), source, side, counts, warnings, labels: Default::default() }))
    }

    /// The name that it was opened by.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The shape of one sample, `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        [1, self.0.side, self.0.side]
    }

    /// How many classes there are; labels are `0..classes`.
    pub fn classes(&self) -> usize {
        CLASSES
    }

    /// What to train with.
    pub fn train(&self) -> Split {
        Split::whole(self.clone(), Part::Train)
    }

    /// What to test with.
    pub fn test(&self) -> Split {
        Split::whole(self.clone(), Part::Test)
    }

    /// What the user should know though it works: files whose content is not the published one.
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    /// How many samples a part has.
    fn count(&self, part: Part) -> usize {
        self.0.counts[part as usize]
    }

    /// All labels of a part, read once.
    fn labels(&self, part: Part) -> Result<Arc<[u8]>> {
        let once = &self.0.labels[part as usize];
        if let Some(labels) = once.get() {
            return Ok(labels.clone());
        }
        let labels: Arc<[u8]> = match &self.0.source {
            Source::Files(files) => files.labels(part)?.into(),
            Source::Glyphs { seed } => glyphs::labels(*seed, part, self.count(part)).into(),
            Source::Noise { seed } => noise::labels(*seed, part, self.count(part)).into(),
        };
        Ok(once.get_or_init(|| labels).clone())
    }

    /// The pixels of some samples of a part, one after another, in [0, 1].
    fn pixels(&self, part: Part, indices: &[usize]) -> Result<Vec<f32>> {
        let side = self.0.side;
        let mut out = vec![0.0; indices.len() * side * side];
        let images = out.par_chunks_exact_mut(side * side).zip(indices);
        match &self.0.source {
            Source::Files(files) => {
                let all = files.images(part)?;
                images.for_each(|(image, &i)| average(&all[i * SIDE * SIDE..][..SIDE * SIDE], side, image));
            }
            Source::Glyphs { seed } => {
                let labels = self.labels(part)?;
                images.for_each(|(image, &i)| average(&glyphs::draw(*seed, part, i, labels[i]), side, image));
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
            Source::Glyphs { seed } => generator(glyphs::GENERATOR, seed),
            Source::Noise { seed } => generator(noise::GENERATOR, seed),
        }
    }
}

/// Checks a `size` to which 28×28 pixels are averaged.
fn averaged_side(name: &str, size: Option<usize>) -> Result<usize> {
    match size.unwrap_or(SIDE) {
        side if side > 0 && SIDE.is_multiple_of(side) => Ok(side),
        side => Err(Error::new(format!("{name} cannot be averaged from {SIDE}×{SIDE} to {side}×{side} pixels"))
            .hint("`size` is one of 28, 14, 7, 4, 2 and 1")),
    }
}

/// An image of 28×28 bytes, averaged over boxes to `side`×`side` numbers in [0, 1].
fn average(image: &[u8], side: usize, out: &mut [f32]) {
    let edge = SIDE / side;
    let scale = (255 * edge * edge) as f64;
    for (i, out) in out.iter_mut().enumerate() {
        let (y, x) = (i / side * edge, i % side * edge);
        let rows = image[y * SIDE..].chunks(SIDE).take(edge);
        let sum: u32 = rows.flat_map(|row| &row[x..x + edge]).map(|&byte| u32::from(byte)).sum();
        // Rounded once: for whole bytes this is the nearest single to byte/255, as torchvision's ToTensor has it.
        *out = (f64::from(sum) / scale) as f32;
    }
}
