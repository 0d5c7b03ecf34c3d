//! What a source of samples implements: [`CatalogueEntry`] for the name that scripts use and for what is on this machine,
//! [`SampleSource`] for the samples of an opened data set. The catalogue lists the entries.

use std::fmt;
use std::path::PathBuf;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::joined::Joined;
use super::selection::Selection;
use super::{DatasetPart, Folders, IdxSet, Normalisation};
use crate::{Error, Result};

/// The most samples that a part may have, and the most pixels on a side: limits for scripts and files of others.
pub(super) const MOST_SAMPLES: usize = 1_000_000;
pub(super) const MOST_SIDE: usize = 1024;

/// Where the samples of an opened data set come from: a generator, or files whose headers have been read.
pub(super) trait SampleSource: fmt::Debug + Send + Sync {
    /// Numbers of samples to train and to test with.
    fn counts(&self) -> [usize; 2];

    /// Whether samples to train and to test with are apart; otherwise both parts are all of it.
    fn is_split(&self) -> bool {
        true
    }

    /// Shape of one sample, `[channels, height, width]`.
    fn shape(&self) -> [usize; 3];

    /// Number of classes; labels are `0..classes`. 0 without labels.
    fn classes(&self) -> usize;

    /// Names of the classes, in order; empty where they are plain numbers.
    fn class_names(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Labels of all samples of a part; `None` for a sample without one.
    ///
    /// # Errors
    /// A file cannot be read, holds an impossible label, or has changed since it was opened.
    fn labels(&self, part: DatasetPart) -> Result<Vec<Option<u32>>>;

    /// What to do about samples without a label.
    fn label_hint(&self) -> &'static str {
        "name a table: `labels: \"labels.csv\"`; or put every class into a subfolder of its own"
    }

    /// Pixels of some samples of a part, `[indices, channels, height, width]`, in [0, 1] unless they are normalised.
    ///
    /// # Errors
    /// A file cannot be read, is not what its header says, or has changed since it was opened.
    fn pixels(&self, part: DatasetPart, indices: &[usize]) -> Result<Vec<f32>>;

    /// What a part's samples are made from, for a fingerprint: the hashes of its files, or a generator, its version and
    /// its seed. Equal contents mean equal samples.
    fn content(&self, part: DatasetPart) -> Value;

    /// Description of some samples of a part, for a fingerprint.
    fn description(&self, part: DatasetPart, selection: &Selection) -> Value {
        json!({ "content": self.content(part), "shape": self.shape(), "samples": selection.description() })
    }

    /// The seeds that samples are generated from, if they are generated.
    fn seeds(&self) -> Vec<u64> {
        Vec::new()
    }

    /// Bytes that reading some samples takes beside their pixels.
    fn working_bytes(&self) -> f64 {
        0.0
    }

    /// The expression by which a script names a part of the data set called `name`.
    fn expression(&self, name: &str, part: DatasetPart) -> String {
        format!("dataset(\"{name}\").{}", part.name())
    }

    /// Name of a sample, where samples have names.
    fn sample_name(&self, index: usize) -> Option<&str> {
        let _ = index;
        None
    }

    /// How pixels were normalised, if they were.
    fn normalisation(&self) -> Option<&Normalisation> {
        None
    }

    /// This source, if it is samples of others.
    fn joined(&self) -> Option<&Joined> {
        None
    }
}

/// A source that was opened, and what the user should know about it although it works.
pub(super) struct Opened {
    pub(super) source: Box<dyn SampleSource>,
    pub(super) warnings: Vec<String>,
}

/// A data set that scripts can name.
pub(super) trait CatalogueEntry {
    /// What scripts call it.
    fn name(&self) -> &str;

    /// What it is, in one line.
    fn about(&self) -> &str;

    /// The options of [`DatasetOptions`] that it takes, by name.
    fn options(&self) -> &'static [&'static str];

    /// Opens it. `options` holds only what [`CatalogueEntry::options`] lists.
    ///
    /// # Errors
    /// An option out of range; files that are missing, truncated or of another format.
    fn open(&self, options: &DatasetOptions, folders: &Folders) -> Result<Opened>;

    /// Bytes to download; 0 for a generated set.
    fn download_bytes(&self) -> u64 {
        0
    }

    /// What of it is on this machine; by default, it is generated.
    fn availability(&self, _folders: &Folders) -> Availability {
        Availability::Generated
    }

    /// Folders whose content decides what [`CatalogueEntry::open`] finds.
    fn folders(&self, folders: &Folders) -> Vec<PathBuf> {
        folders.candidates().iter().map(|folder| folder.join(self.name())).collect()
    }

    /// The files to download.
    ///
    /// # Errors
    /// There are none, as for a generated set, or they are fetched by hand: the error says how.
    fn download(&self) -> Result<&IdxSet> {
        Err(Error::new(format!("{} is generated: there is nothing to download", self.name())))
    }
}

/// What of a data set is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// Generated when asked for; there are no files.
    Generated,
    /// In this folder and usable, but there is no published hash to compare with; the sentences name missing files.
    Present(PathBuf, Vec<String>),
    /// In this folder, and the published files to the last byte.
    Verified(PathBuf),
    /// In this folder and usable, but with other content; the sentences name the files.
    Different(PathBuf, Vec<String>),
    /// In this folder, but not usable.
    Damaged(PathBuf, Error),
    /// In none of the folders.
    Missing,
}

/// How a script wants a data set; `None` is the default of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DatasetOptions {
    /// Pixels on a side. Images are averaged over boxes, so it divides 28 (14, 7, 4, 2, 1), or the 32 of CIFAR;
    /// `noise` takes any.
    pub size: Option<usize>,
    /// Samples to train on (60,000); generated sets only.
    pub train: Option<usize>,
    /// Samples to test with (10,000); generated sets only.
    pub test: Option<usize>,
    /// Seed of the generator (0); generated sets only.
    pub seed: Option<u64>,
    /// One channel, luma as Pillow's, in place of three (no); `cifar-10` and `cifar-100` only.
    pub grey: Option<bool>,
    /// The 20 groups of classes in place of the 100 classes (no); `cifar-100` only.
    pub coarse: Option<bool>,
    /// Which of the six sets of `emnist`, by its name: one of [`EMNIST`](super::EMNIST), whose first is the default.
    pub split: Option<&'static str>,
}

impl DatasetOptions {
    /// Names of the options that are not `None`.
    pub(super) fn given(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("split", self.split.is_some()),
            ("coarse", self.coarse.is_some()),
            ("grey", self.grey.is_some()),
            ("size", self.size.is_some()),
            ("train", self.train.is_some()),
            ("test", self.test.is_some()),
            ("seed", self.seed.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// Makes the pixels of some samples in parallel: `fill` writes one sample of `size` numbers.
///
/// # Errors
/// The first of `fill`.
pub(super) fn fill_samples(
    indices: &[usize],
    size: usize,
    fill: impl Fn(usize, &mut [f32]) -> Result<()> + Sync,
) -> Result<Vec<f32>> {
    let mut pixels = vec![0.0; indices.len() * size];
    pixels.par_chunks_exact_mut(size).zip(indices).try_for_each(|(sample, &i)| fill(i, sample))?;
    Ok(pixels)
}
