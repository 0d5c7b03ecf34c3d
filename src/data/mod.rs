//! Data sets: what a script names in `dataset("mnist")` or `folder("photos")`, and the samples behind the name. Opening one
//! reads a header or two; pixels are read or drawn when samples are asked for. A fingerprint holds the content.
//!
//! A source of samples implements the traits in `source`: generated ones (`glyphs`, `noise`), files (`idx_set`, `cifar`) and
//! folders of photographs (`photos`). The catalogue lists those with a name.

mod arrays;
mod catalogue;
mod cifar;
mod cifar_classes;
mod download;
mod downsample;
mod emnist;
mod folders;
mod generated;
mod glyphs;
mod idx;
mod idx_set;
mod joined;
mod noise;
mod own_table;
mod parted;
mod photos;
mod pickle;
mod samples;
mod search;
mod selection;
mod source;
mod split;
mod strokes;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::Result;
use source::{Opened, SampleSource};

pub use arrays::{ArrayOptions, Classes, OwnLabels, OwnPart};
pub use catalogue::{Listed, downloadable, list};
pub use download::{DownloadProgress, Fetched, get};
pub use emnist::EMNIST;
pub use folders::{DATA_VARIABLE, Folders};
pub use generated::COUNTS;
pub use idx_set::{IdxSet, PublishedFile};
pub use own_table::{Columns, LABELS, read_table};
pub use photos::{FolderAccess, FolderOptions, LABEL_COLUMN, Normalisation};
pub use samples::samples;
pub use source::{Availability, DatasetOptions};
pub use split::{DatasetPart, Samples, Split};

/// A data set as a script names it: cheap to make and to copy, holds no pixel.
#[derive(Debug, Clone)]
pub struct Dataset(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    source: Box<dyn SampleSource>,
    warnings: Vec<String>,
    /// Labels of both parts, once they are read.
    labels: [OnceLock<Box<[Option<u32>]>>; 2],
}

impl Dataset {
    /// A data set by name: `glyphs`, `noise`, `mnist`, `fashion-mnist` or `cifar-10`. For one in files, this reads the
    /// headers and, the first time, the whole content for its hash.
    ///
    /// # Errors
    /// An unknown name, an option that the set does not have, files that are missing, truncated or of another format.
    pub fn open(name: &str, options: &DatasetOptions, folders: &Folders) -> Result<Self> {
        Ok(Self::new(name, catalogue::open(name, options, folders)?))
    }

    /// A data set of IDX files that need not be in the catalogue.
    ///
    /// # Errors
    /// As [`Dataset::open`].
    pub fn open_idx(set: &IdxSet, options: &DatasetOptions, folders: &Folders) -> Result<Self> {
        Ok(Self::new(&set.name, catalogue::open_entry(set, options, folders)?))
    }

    /// The photographs of a folder and its subfolders, sorted by name. The first time, all of them are decoded to find out
    /// which can be used, within the memory of `access`. `name` is the folder in the script's words; the
    /// caller decides whether it may be read. A folder is not split: both parts are all of it.
    ///
    /// # Errors
    /// The folder or its table of labels cannot be read, an option is impossible, no picture can be used, or they differ
    /// in size. Pictures that cannot be used are [warnings](Self::warnings).
    pub fn folder(
        folder: &Path,
        name: &str,
        options: &FolderOptions,
        folders: &Folders,
        access: FolderAccess<'_>,
    ) -> Result<Self> {
        Ok(Self::new(name, photos::open(folder, name, options, folders.digest_cache(), access)?))
    }

    /// Arrays of one's own: one part, or one to train and one to test with. `expression` is the script's for it. The samples are
    /// copied, and hashed.
    ///
    /// # Errors
    /// Arrays that are no samples, numbers that are not finite, labels that are no classes or are not as many as the samples,
    /// parts that do not fit together.
    pub fn of_arrays(expression: &str, parts: Vec<OwnPart>, options: &ArrayOptions) -> Result<Self> {
        Ok(Self::new(expression, arrays::open(expression, parts, options)?))
    }

    /// Folders whose content decides what [`Dataset::open`] finds under a name; none for generated sets.
    pub fn folders_of(name: &str, folders: &Folders) -> Vec<PathBuf> {
        catalogue::folders_of(name, folders)
    }

    fn new(name: &str, Opened { source, warnings }: Opened) -> Self {
        Self(Arc::new(Inner { name: name.into(), source, warnings, labels: Default::default() }))
    }

    /// The name that it was opened by.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The shape of one sample, `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        self.source().shape()
    }

    /// How many classes there are; labels are `0..classes`. None in a folder without labels.
    pub fn classes(&self) -> usize {
        self.source().classes()
    }

    /// Names of the classes, in order; empty where they are plain numbers.
    pub fn class_names(&self) -> Vec<&str> {
        self.source().class_names()
    }

    /// Whether samples to train and to test with are apart; otherwise both parts are all of it.
    pub fn is_split(&self) -> bool {
        self.source().is_split()
    }

    /// What to train with.
    pub fn train(&self) -> Split {
        Split::whole(self.clone(), DatasetPart::Train)
    }

    /// What to test with.
    pub fn test(&self) -> Split {
        Split::whole(self.clone(), DatasetPart::Test)
    }

    /// What the user should know although the set can be used: files whose content is not the published one, missing
    /// batches, pictures that cannot be used.
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    /// What its samples are made from, both parts: hashes of files, or a generator and its seed.
    pub(crate) fn content(&self) -> serde_json::Value {
        [DatasetPart::Train, DatasetPart::Test].map(|part| self.source().content(part)).to_vec().into()
    }

    /// Whether its samples are drawn, not read.
    pub(crate) fn is_generated(&self) -> bool {
        !self.source().seeds().is_empty()
    }

    fn source(&self) -> &dyn SampleSource {
        &*self.0.source
    }

    /// All labels of a part, read once; `None` for a sample without one.
    fn labels(&self, part: DatasetPart) -> Result<&[Option<u32>]> {
        let once = &self.0.labels[part as usize];
        if let Some(labels) = once.get() {
            return Ok(labels);
        }
        let labels = self.source().labels(part)?.into_boxed_slice();
        Ok(once.get_or_init(|| labels))
    }
}
