//! Part of a data set, as a description: which samples, in which order. It is cheap to make, to cut and to compare; two
//! selections of the same samples in the same order have the same description.

use std::fmt;

use serde_json::Value;

use super::selection::Selection;
use super::source::MOST_SAMPLES;
use super::{Dataset, Normalisation};
use crate::random::Random;
use crate::words::typing_errors;
use crate::work::Provenance;
use crate::{Error, Result};

/// The two parts of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatasetPart {
    /// What networks are trained with.
    Train,
    /// What networks are tested with.
    Test,
}

impl DatasetPart {
    /// As scripts write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// Some samples of one part of a data set, in an order. Displays as the script would write it.
#[derive(Clone)]
pub struct Split {
    pub(super) data: Dataset,
    pub(super) part: DatasetPart,
    pub(super) selection: Selection,
    /// The selection in the script's words, for messages only.
    words: String,
}

/// Images and labels in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// Shape of one sample, `[channels, height, width]`.
    pub shape: Vec<usize>,
    /// `[samples, channels, height, width]`, row-major, in [0, 1] unless they are [normalised](Split::normalisation).
    pub pixels: Vec<f32>,
    /// One per sample, in `0..classes`.
    pub labels: Vec<u32>,
}

impl Split {
    pub(super) fn whole(data: Dataset, part: DatasetPart) -> Self {
        let words = data.source().expression(data.name(), part);
        let selection = Selection::Range(0, data.source().counts()[part as usize]);
        Self { data, part, selection, words }
    }

    /// The first `n` samples.
    ///
    /// # Errors
    /// `n` is 0 or more than there are.
    pub fn take(&self, n: usize) -> Result<Self> {
        match n {
            0 => Err(Error::new(format!("{self}.take(0) takes no sample")).hint("take at least 1")),
            n if n > self.len() => Err(self.too_few("take", n)),
            n => Ok(self.slice(0, n, format!("take({n})"))),
        }
    }

    /// All but the first `n` samples.
    ///
    /// # Errors
    /// `n` leaves nothing.
    pub fn skip(&self, n: usize) -> Result<Self> {
        match self.len() {
            len if n > len => Err(self.too_few("skip", n)),
            len if n == len => {
                Err(Error::new(format!("{self}.skip({n}) leaves none of its {len} samples")).hint("skip fewer"))
            }
            len => Ok(self.slice(n, len, format!("skip({n})"))),
        }
    }

    /// The samples of one class, in their order.
    ///
    /// # Errors
    /// There is no such class, or no sample of it here; or there are no labels, or they cannot be read.
    pub fn of_class(&self, class: usize) -> Result<Self> {
        let classes = self.classes();
        if classes == 0 {
            return Err(self.no_labels());
        }
        if class >= classes {
            let message = format!("{self} has no class {class}: its classes are 0 to {}", classes - 1);
            return Err(Error::new(message));
        }
        let labels = self.data.labels(self.part)?;
        let is_wanted = |&i: &usize| labels[i].is_some_and(|label| label as usize == class);
        let list: Vec<u32> = self.selection.indices().filter(is_wanted).map(|i| i as u32).collect();
        if list.is_empty() {
            return Err(Error::new(format!("none of the {} samples of {self} is of class {class}", self.len())));
        }
        Ok(self.listed(list, format!("of_class({class})")))
    }

    /// The same samples in another order, the same for the same seed.
    #[must_use]
    pub fn shuffle(&self, seed: u64) -> Self {
        let mut list: Vec<u32> = self.selection.indices().map(|i| i as u32).collect();
        Random::new(seed, &["shuffle"]).shuffle(&mut list);
        self.listed(list, format!("shuffle({seed})"))
    }

    /// The samples at these places, counted from 0, in this order; a place may occur several times.
    ///
    /// # Errors
    /// There are no places, too many, or one that is not here.
    pub fn pick(&self, places: &[usize]) -> Result<Self> {
        if !(1..=MOST_SAMPLES).contains(&places.len()) {
            return Err(Error::new(format!("{self}.pick of {} places: pick 1 to {MOST_SAMPLES}", places.len())));
        }
        let all: Vec<u32> = self.selection.indices().map(|i| i as u32).collect();
        let sample = |&place: &usize| {
            all.get(place).copied().ok_or_else(|| {
                Error::new(format!("{self} has no sample {place}")).hint(format!(
                    "its {} samples are 0 to {}",
                    all.len(),
                    all.len() - 1
                ))
            })
        };
        let list = places.iter().map(sample).collect::<Result<Vec<_>>>()?;
        let words = match places {
            [place] => format!("pick([{place}])"),
            places => format!("pick({} places)", places.len()),
        };
        Ok(self.listed(list, words))
    }

    /// The picture of this name, which is its path within the folder.
    ///
    /// # Errors
    /// There is none, or these are no pictures of a folder.
    pub fn named(&self, name: &str) -> Result<Self> {
        let names = self.names()?;
        if let Some(at) = names.iter().position(|known| *known == name) {
            return Ok(self.slice(at, at + 1, format!("named({name:?})")));
        }
        // As a path, or as the file's name alone.
        let errors = |path: &str| {
            let file = path.rsplit('/').next().unwrap_or(path);
            [path, file].into_iter().filter_map(|known| typing_errors(name, known)).min()
        };
        let mut near: Vec<(usize, &str)> = names.iter().filter_map(|path| Some((errors(path)?, *path))).collect();
        near.sort_by_key(|&(errors, _)| errors);
        near.truncate(3);
        let error = Error::new(format!("{self} has no picture {name:?}"));
        Err(match &near[..] {
            [] => {
                error.hint(format!("the first of its {} pictures is {:?}; `.names` lists them", names.len(), names[0]))
            }
            near => {
                let near: Vec<String> = near.iter().map(|(_, name)| format!("{name:?}")).collect();
                error.hint(format!("did you mean {}?", near.join(" or ")))
            }
        })
    }

    /// The pictures' names, in order.
    ///
    /// # Errors
    /// These are no pictures of a folder.
    pub fn names(&self) -> Result<Vec<&str>> {
        let names: Option<Vec<&str>> = self.selection.indices().map(|i| self.data.source().sample_name(i)).collect();
        names.ok_or_else(|| {
            Error::new(format!("the samples of {self} have no names"))
                .hint("pictures of a `folder` do; of these, `take`, `skip` and `of_class` choose")
        })
    }

    /// How many samples; at least 1.
    #[allow(clippy::len_without_is_empty, reason = "never empty: every way of making one refuses")]
    pub fn len(&self) -> usize {
        self.selection.len()
    }

    /// The shape of one sample, `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        self.data.shape()
    }

    /// How many classes its data set has.
    pub fn classes(&self) -> usize {
        self.data.classes()
    }

    /// What its pixels were shifted and scaled by, and how to undo it.
    pub fn normalisation(&self) -> Option<&Normalisation> {
        self.data.source().normalisation()
    }

    /// The data set that it is part of.
    pub fn dataset(&self) -> &Dataset {
        &self.data
    }

    /// What goes into a fingerprint: the content (hashes of files; or a generator, its version and seed), the shape, and
    /// which samples in which order. Neither path nor time, and not the size of the part: the first 100 of 6,000 glyphs
    /// are the first 100 of 60,000. A photograph counts by its content alone, whatever else is in its folder.
    pub fn description(&self) -> Value {
        self.data.source().description(self.part, &self.selection)
    }

    /// These samples in words, and the seed of a generated set.
    pub fn provenance(&self) -> Provenance {
        Provenance { data: vec![self.to_string()], seeds: self.data.source().seeds(), ..Provenance::default() }
    }

    /// Reads or draws the samples, anew at every call.
    ///
    /// # Errors
    /// A file cannot be read, is not what its header says, or has changed since the data set was opened; or a picture
    /// has no label.
    pub fn samples(&self) -> Result<Samples> {
        Ok(Samples { shape: self.shape().to_vec(), labels: self.labels()?, pixels: self.pixels()? })
    }

    /// The samples without their labels, which a picture need not have: `[samples, channels, height, width]`.
    ///
    /// # Errors
    /// As [`Split::samples`], but for labels.
    pub fn pixels(&self) -> Result<Vec<f32>> {
        self.data.source().pixels(self.part, &self.selection.indices().collect::<Vec<_>>())
    }

    /// The class of every sample, in `0..classes`.
    ///
    /// # Errors
    /// They cannot be read, or a picture has none.
    pub fn labels(&self) -> Result<Vec<u32>> {
        let labels = self.data.labels(self.part)?;
        let label = |i: usize| {
            labels[i].ok_or_else(|| {
                let name = self.data.source().sample_name(i).map_or_else(|| format!("sample {i}"), str::to_owned);
                self.unlabelled(format!("{name} of {self} has no label"))
            })
        };
        self.selection.indices().map(label).collect()
    }

    /// The error for samples without any labels.
    pub(crate) fn no_labels(&self) -> Error {
        self.unlabelled(format!("the samples of {self} have no labels"))
    }

    fn unlabelled(&self, message: String) -> Error {
        Error::new(message).hint(self.data.source().label_hint())
    }

    /// Bytes that reading them takes beside their pixels.
    pub(super) fn working_bytes(&self) -> f64 {
        self.data.source().working_bytes()
    }

    fn slice(&self, from: usize, to: usize, words: String) -> Self {
        self.with(self.selection.slice(from, to), words)
    }

    fn listed(&self, list: Vec<u32>, words: String) -> Self {
        self.with(Selection::from_list(list), words)
    }

    pub(super) fn with(&self, selection: Selection, words: String) -> Self {
        Self { selection, words: format!("{}.{words}", self.words), data: self.data.clone(), part: self.part }
    }

    fn too_few(&self, verb: &str, n: usize) -> Error {
        Error::new(format!("{self} has {} samples: cannot {verb} {n}", self.len()))
            .hint(format!("{verb} at most {}", self.len() - usize::from(verb == "skip")))
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{self} ({} samples)", self.len())
    }
}

impl PartialEq for Split {
    /// The same samples in the same order, however they were selected.
    fn eq(&self, other: &Self) -> bool {
        self.description() == other.description()
    }
}

impl serde::Serialize for Split {
    /// As its [description](Split::description).
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.description().serialize(serializer)
    }
}
