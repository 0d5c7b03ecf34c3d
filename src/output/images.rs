//! Sheets of pictures, from results or from pixels that the script has already.

use std::sync::Arc;

use super::figure::Plot;
use super::pictures::{Label, Pictures};
use super::{Located, ResultTable};
use crate::executor::Computed;
use crate::figure::{Contrast, Hit, Image, Images, Kind, Series};
use crate::work::{Described, Target};
use crate::{Error, Result};

/// A sheet of pictures.
#[derive(Debug, Clone)]
pub struct ImagesPlot {
    sources: Vec<Source>,
    /// Pictures per row; 0 for a number that suits the sheet.
    pub columns: usize,
    pub label: Label,
    pub contrast: Contrast,
}

/// Where pictures come from.
#[derive(Debug, Clone)]
pub enum Source {
    Computed(Pictures),
    Known(Pixels),
}

/// Pictures whose pixels are known.
#[derive(Debug, Clone)]
pub struct Pixels {
    /// The shape of one picture: `[h, w]` or `[c, h, w]`, with 1 or 3 channels.
    shape: Vec<usize>,
    numbers: Arc<[f32]>,
}

impl Pixels {
    /// Checks the shape of pictures: `[h, w]`, `[c, h, w]` or `[n, c, h, w]`, with 1 or 3 channels.
    ///
    /// # Errors
    /// When it is not one of these.
    pub fn check_shape(shape: &[usize]) -> Result<()> {
        match shape {
            [_, _] | [1 | 3, _, _] | [_, 1 | 3, _, _] => Ok(()),
            shape => Err(Error::new(format!("a tensor of shape {shape:?} is not pictures")).hint(
                "pictures are [height, width], [channels, height, width] or [pictures, channels, height, width], with 1 channel or 3",
            )),
        }
    }

    /// Pictures from row-major numbers of a shape that [`Pixels::check_shape`] allows.
    ///
    /// # Errors
    /// When the shape is not allowed.
    pub fn new(shape: &[usize], numbers: Vec<f32>) -> Result<Self> {
        Self::check_shape(shape)?;
        let shape = if shape.len() == 4 { &shape[1..] } else { shape };
        Ok(Self { shape: shape.to_vec(), numbers: numbers.into() })
    }

    fn size(&self) -> usize {
        self.shape.iter().product::<usize>().max(1)
    }

    fn len(&self) -> usize {
        self.numbers.len() / self.size()
    }

    fn images(&self, label: Label) -> Result<Vec<Image>> {
        let name = |i: usize| if label == Label::Sample { i.to_string() } else { String::new() };
        let pictures = self.numbers.chunks(self.size()).enumerate();
        pictures.map(|(i, pixels)| Image::new(name(i), self.shape.clone(), pixels.to_vec())).collect()
    }
}

impl Source {
    fn len(&self) -> usize {
        match self {
            Self::Computed(pictures) => pictures.len(),
            Self::Known(pixels) => pixels.len(),
        }
    }

    /// The shape of its pictures.
    fn shape(&self) -> Vec<usize> {
        match self {
            Self::Computed(pictures) => pictures.shape()[1..].to_vec(),
            Self::Known(pixels) => pixels.shape.clone(),
        }
    }

    fn pictures(&self) -> Option<&Pictures> {
        match self {
            Self::Computed(pictures) => Some(pictures),
            Self::Known(_) => None,
        }
    }

    fn images(&self, computed: &Computed, label: Label) -> Result<Vec<Image>> {
        match self {
            Self::Known(pixels) => pixels.images(label),
            Self::Computed(pictures) => match computed.get(&pictures.source().fingerprint()) {
                None => Ok(Vec::new()),
                Some(value) => pictures.images(value.as_ref().map_err(Clone::clone)?, label),
            },
        }
    }
}

impl ImagesPlot {
    /// A sheet of pictures in this order. Each gets its own contrast; photographs keep theirs.
    pub fn new(sources: Vec<Source>) -> Self {
        let is_photograph = |source: &Source| source.pictures().is_some_and(Pictures::is_normalised);
        let are_photographs = !sources.is_empty() && sources.iter().all(is_photograph);
        let contrast = if are_photographs { Contrast::Range(0.0, 1.0) } else { Contrast::Each };
        Self { sources, columns: 0, label: Label::None, contrast }
    }
}

impl Plot for ImagesPlot {
    fn kind(&self) -> &'static str {
        "images"
    }

    fn tables(&self) -> Vec<&ResultTable> {
        Vec::new()
    }

    fn targets(&self) -> Vec<Target> {
        let pictures = self.sources.iter().filter_map(Source::pictures);
        pictures.map(|pictures| Target { point: "pictures".to_owned(), result: pictures.source().clone() }).collect()
    }

    fn x_name(&self) -> Result<String> {
        Err(Error::new("a sheet of pictures has no axes for a line"))
    }

    fn panel(&self) -> Result<()> {
        Err(Error::new("a sheet of pictures has no axes").hint("save it as a figure of its own"))
    }

    fn check(&self, titled: bool) -> Result<()> {
        let shapes: Vec<(Vec<usize>, usize)> =
            self.sources.iter().map(|source| (source.shape(), source.len())).collect();
        Images::check(&shapes, self.columns, titled)
    }

    fn draw(&self, _: Vec<Series>, computed: &Computed) -> Result<Kind> {
        let images: Result<Vec<Vec<Image>>> =
            self.sources.iter().map(|source| source.images(computed, self.label)).collect();
        Ok(Kind::from(Images { images: images?.concat(), columns: self.columns, contrast: self.contrast }))
    }

    /// Part 0: picture `i` of those that are drawn; pictures that are not computed yet are not.
    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        let mut i = hit.i;
        for source in &self.sources {
            let Some(pictures) = source.pictures() else {
                if i < source.len() {
                    return Vec::new();
                }
                i -= source.len();
                continue;
            };
            if !computed.contains_key(&pictures.source().fingerprint()) {
                continue;
            }
            if i < source.len() {
                let result = Some(pictures.source().clone());
                let depth = pictures.depth(i);
                let located =
                    Located { parameters: Vec::new(), depth, over: "depth", value: None, is_imprecise: false, result };
                return vec![located];
            }
            i -= source.len();
        }
        Vec::new()
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot> {
        let source = |source: &Source, name: &mut dyn FnMut(&Described) -> Described| match source {
            Source::Computed(pictures) => Source::Computed(pictures.named(name)),
            Source::Known(_) => source.clone(),
        };
        let sources = self.sources.iter().map(|one| source(one, name)).collect();
        Arc::new(Self { sources, ..self.clone() })
    }
}
