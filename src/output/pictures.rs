//! Pictures that a result holds: samples, their reconstructions, or channels of activations.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::data::{Normalisation, Split};
use crate::work::{Described, Value};
use crate::{Error, Result};

/// Pictures that a result holds, for one depth or several.
#[derive(Debug, Clone)]
pub struct Pictures {
    source: Described,
    content: Content,
    depths: RangeInclusive<usize>,
    /// Pictures per depth.
    samples: usize,
    shape: [usize; 3],
    /// The normalisation of the pixels, which is undone before they are shown.
    normalisation: Option<Normalisation>,
    /// What is shown; none for pictures that are no split's samples.
    split: Option<Split>,
    /// The class of every sample in words, once they are asked for.
    classes: Arc<[String]>,
}

/// What the pictures show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// The samples themselves.
    Samples,
    /// Reconstructions of samples; the result begins with depth 1.
    Reconstructions,
    /// Activations at one depth: the given number of channels per sample, each a grey picture.
    Channels(usize),
}

/// The label under each picture of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    None,
    Depth,
    Sample,
    /// The class of the sample, by its name if it has one.
    Class,
}

impl Pictures {
    /// Reconstructions of a split's samples from some depths: "r" `[depths, samples, …]`, from depth 1.
    pub(crate) fn reconstructions(source: Described, depths: RangeInclusive<usize>, split: &Split) -> Self {
        let normalisation = split.normalisation().cloned();
        let (samples, shape) = (split.len(), split.shape());
        let (split, classes) = (Some(split.clone()), Arc::default());
        Self { source, content: Content::Reconstructions, depths, samples, shape, normalisation, split, classes }
    }

    /// The samples of a split.
    pub(crate) fn of_samples(split: &Split) -> Self {
        let samples = crate::data::samples(split);
        Self { content: Content::Samples, ..Self::reconstructions(samples, 1..=1, split) }
    }

    /// The channels of activations of shape `shape`, one after another: "x" `[samples, channels, height, width]`.
    pub(crate) fn of_channels(source: Described, shape: [usize; 3], split: &Split) -> Self {
        let [channels, height, width] = shape;
        let (samples, shape, content) = (split.len() * channels, [1, height, width], Content::Channels(channels));
        Self { content, samples, shape, normalisation: None, ..Self::reconstructions(source, 1..=1, split) }
    }

    /// One reconstruction, a picture like a split's samples.
    pub(crate) fn single(source: Described, split: &Split) -> Self {
        Self { samples: 1, split: None, ..Self::reconstructions(source, 1..=1, split) }
    }

    /// The pictures with the classes of their samples, for [`Label::Class`].
    ///
    /// # Errors
    /// They are no samples of a split, or have no labels.
    pub(crate) fn by_class(self) -> Result<Self> {
        let Some(split) = &self.split else {
            return Err(Error::new("these pictures have no classes: they are no samples of a data set"));
        };
        let names = split.dataset().class_names();
        let name = |class: u32| names.get(class as usize).map_or_else(|| class.to_string(), |&name| name.to_owned());
        if split.classes() == 0 {
            return Err(split.no_labels());
        }
        let classes = split.labels()?.into_iter().map(name).collect();
        Ok(Self { classes, ..self })
    }

    /// Number of pictures.
    pub(crate) fn len(&self) -> usize {
        self.depths.clone().count() * self.samples
    }

    /// Whether they are photographs that were normalised for a network.
    pub(crate) fn is_normalised(&self) -> bool {
        self.normalisation.is_some()
    }

    /// The result that holds them.
    pub(crate) fn source(&self) -> &Described {
        &self.source
    }

    /// `[pictures, channels, height, width]`.
    pub(crate) fn shape(&self) -> [usize; 4] {
        let [channels, height, width] = self.shape;
        [self.len(), channels, height, width]
    }

    /// The pixels, from the result of [`Pictures::source`].
    ///
    /// # Errors
    /// When the result holds no pictures.
    pub(crate) fn pixels<'a>(&self, value: &'a Value) -> Result<Cow<'a, [f32]>> {
        let (_, numbers) = value.as_f32s(if self.content == Content::Reconstructions { "r" } else { "x" })?;
        let depth = self.samples * self.shape.iter().product::<usize>();
        let range = (self.depths.start() - 1) * depth..self.depths.end() * depth;
        Ok(match numbers {
            Cow::Borrowed(numbers) => Cow::Borrowed(&numbers[range]),
            Cow::Owned(numbers) => Cow::Owned(numbers[range].to_vec()),
        })
    }

    /// The depth of picture `i`, if it is a reconstruction.
    pub(super) fn depth(&self, i: usize) -> Option<usize> {
        let is_reconstruction = self.content == Content::Reconstructions;
        is_reconstruction.then(|| self.depths.start() + i / self.samples.max(1))
    }

    /// The class of a sample in words.
    fn class(&self, sample: usize) -> String {
        self.classes.get(sample).cloned().unwrap_or_default()
    }

    /// The text under picture `i`.
    fn label(&self, i: usize, label: Label) -> String {
        let sample = i % self.samples.max(1);
        match (label, self.content) {
            (Label::None, _) => String::new(),
            (Label::Class, Content::Channels(channels)) => self.class(sample / channels),
            (Label::Class, _) => self.class(sample),
            (_, Content::Channels(channels)) => (sample % channels).to_string(),
            (Label::Sample, _) => sample.to_string(),
            (Label::Depth, _) => self.depth(i).map_or_else(|| "input".to_owned(), |depth| depth.to_string()),
        }
    }

    pub(super) fn images(&self, value: &Value, label: Label) -> Result<Vec<crate::figure::Image>> {
        let image = |(i, pixels): (usize, &[f32])| {
            let mut pixels = pixels.to_vec();
            if let Some(normalisation) = &self.normalisation {
                normalisation.restore(&mut pixels, self.shape);
            }
            crate::figure::Image::new(self.label(i, label), self.shape.to_vec(), pixels)
        };
        self.pixels(value)?.chunks(self.shape.iter().product()).enumerate().map(image).collect()
    }

    /// See [`Output::named`](super::Output::named).
    pub(super) fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Self {
        Self { source: name(&self.source), ..self.clone() }
    }
}
