//! Arrays of one's own as a data set: numbers in memory, and whole numbers or texts as labels. Samples count by their numbers,
//! their shape and their labels, wherever the arrays come from.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Value, json};

use super::DatasetPart;
use super::selection::Selection;
use super::source::{MOST_SAMPLES, Opened, SampleSource, fill_samples};
use crate::words::counted;
use crate::{Error, Result};

/// How samples are hashed; part of every fingerprint.
const READER: &str = "arrays/1";
/// Labels up to here are exact in single precision.
const LARGEST_LABEL: f32 = (MOST_SAMPLES - 1) as f32;

/// Numbers of one part of a data set, and their labels.
#[derive(Debug, Clone)]
pub struct OwnPart {
    /// Shape of the samples, `[samples, numbers]` or `[samples, channels, height, width]`.
    pub shape: Vec<usize>,
    /// Row-major.
    pub numbers: Vec<f32>,
    /// What class each sample is of.
    pub labels: OwnLabels,
}

/// Labels of one part.
#[derive(Debug, Clone)]
pub enum OwnLabels {
    None,
    /// Whole numbers from 0, of the shape `[samples]` or `[samples, 1]`.
    Numbers {
        shape: Vec<usize>,
        numbers: Vec<f32>,
    },
    /// Names of classes.
    Texts(Vec<String>),
}

/// How a script wants its arrays.
#[derive(Debug, Clone, Default)]
pub struct ArrayOptions {
    /// Shape of one sample, `[numbers]` or `[channels, height, width]`; otherwise what the array says.
    pub shape: Option<Vec<usize>>,
    /// Whether pictures are `[height, width, channels]`.
    pub channels_last: Option<bool>,
    /// The classes, if they are not what the labels say.
    pub classes: Option<Classes>,
}

/// The classes of labels.
#[derive(Debug, Clone)]
pub enum Classes {
    /// This many, without names.
    Count(usize),
    /// Their names, in order.
    Names(Vec<String>),
}

/// See the module.
#[derive(Debug)]
struct Arrays {
    /// One part, or one to train and one to test with.
    parts: Vec<Part>,
    shape: [usize; 3],
    classes: usize,
    class_names: Vec<String>,
    /// As a script writes it, without the part.
    expression: String,
}

#[derive(Debug)]
struct Part {
    /// `[samples, channels, height, width]`.
    numbers: Vec<f32>,
    labels: Vec<Option<u32>>,
    /// The hash of every sample with its label.
    hashes: Vec<[u8; blake3::OUT_LEN]>,
}

/// A data set of one part, or of one to train and one to test with. `expression` is the script's for it.
///
/// # Errors
/// Arrays that are no samples, numbers that are not finite, labels that are no classes or are not as many as the samples, parts
/// that do not fit together.
pub(super) fn open(expression: &str, own: Vec<OwnPart>, options: &ArrayOptions) -> Result<Opened> {
    let (mut shapes, mut shaped, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for OwnPart { shape, numbers, labels: own } in own {
        let sample = sample_shape(&shape, options)?;
        let (count, size) = (shape[0], sample.iter().product::<usize>());
        check_numbers(&numbers, size)?;
        check_count(count, &own)?;
        shaped.push(if options.channels_last == Some(true) { channels_first(&numbers, sample) } else { numbers });
        shapes.push(sample);
        labels.push(own);
    }
    let Some(&shape) = shapes.first() else { return Err(Error::new("a data set of no arrays")) };
    if let Some(other) = shapes.iter().find(|other| **other != shape) {
        return Err(Error::new(format!(
            "the samples to train with have the shape {shape:?}, those to test with {other:?}"
        )));
    }
    let Numbered { parts: labels, classes, class_names } = numbered(labels, options.classes.as_ref())?;
    let size = shape.iter().product();
    let parts = shaped.into_iter().zip(labels).map(|(numbers, labels)| Part::new(numbers, labels, size)).collect();
    let source = Arrays { parts, shape, classes, class_names, expression: expression.to_owned() };
    Ok(Opened { source: Box::new(source), warnings: Vec::new() })
}

/// The shape of one sample, `[channels, height, width]`; a row of numbers is `[1, 1, numbers]`.
fn sample_shape(shape: &[usize], options: &ArrayOptions) -> Result<[usize; 3]> {
    let &[count, ref stored @ ..] = shape else { return Err(Error::new("x has no axis of samples")) };
    if !(1..=MOST_SAMPLES).contains(&count) {
        return Err(Error::new(format!("x has {count} samples: there are 1 to {MOST_SAMPLES}")));
    }
    let size: usize = stored.iter().product();
    let wanted = options.shape.as_deref();
    if let Some(wanted) = wanted
        && wanted.iter().try_fold(1_usize, |all, &n| all.checked_mul(n)) != Some(size)
    {
        let message = format!("option `shape`: {wanted:?} does not hold the {size} numbers of a sample of x");
        return Err(Error::new(message).hint(format!("x has the shape {shape:?}, samples first")));
    }
    let error = |what: &str| Error::new(format!("x has the shape {shape:?}: {what}"));
    match *wanted.unwrap_or(stored) {
        [] => Err(error("a sample has no axis")
            .hint(format!("if each is one number: `x.reshape([{count}, 1])`; one sample: `x.reshape([1, {count}])`"))),
        [numbers] => Ok([1, 1, numbers]),
        [height, width] => Err(error("a sample has 2 axes; it has 1, [numbers], or 3, [channels, height, width]")
            .hint(format!("if they are grey pictures: `shape: [1, {height}, {width}]`"))
            .hint(format!("if they are rows of numbers: `shape: [{size}]`"))),
        [a, b, c] if options.channels_last == Some(true) => Ok([c, a, b]),
        [a, b, c] if options.channels_last.is_none() && ![1, 3].contains(&a) && [1, 3].contains(&c) => Err(error(
            &format!("are its samples pictures of {a}×{b} pixels with {c} channels, or {a} channels?"),
        )
        .hint("a sample is [channels, height, width]: say `channels_last: true` if the channels come last, or false")),
        [channels, height, width] => Ok([channels, height, width]),
        _ => Err(error(&format!(
            "a sample has {} axes; it has 1, [numbers], or 3, [channels, height, width]",
            wanted.unwrap_or(stored).len()
        ))
        .hint(format!("rows of numbers: `shape: [{size}]`"))),
    }
}

fn check_numbers(numbers: &[f32], size: usize) -> Result<()> {
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(i) => Err(Error::new(format!("sample {} of x holds {}", i / size.max(1), numbers[i]))
            .hint("samples are finite numbers: leave it out, or put a number in its place")),
        None => Ok(()),
    }
}

fn check_count(count: usize, labels: &OwnLabels) -> Result<()> {
    let found = match labels {
        OwnLabels::None => return Ok(()),
        OwnLabels::Texts(texts) => texts.len(),
        OwnLabels::Numbers { shape, .. } => match shape[..] {
            [n] | [n, 1] => n,
            [n, classes] => {
                return Err(Error::new(format!("y has the shape {shape:?}: there is one label for each sample"))
                    .hint(format!("if its rows have a 1 at the class of {classes}: `y.argmax(1)`, a tensor [{n}]")));
            }
            _ => {
                return Err(Error::new(format!("y has the shape {shape:?}: labels are a tensor [samples]"))
                    .hint("labels are y, samples are x: `dataset(x, y)`"));
            }
        },
    };
    if found == count {
        return Ok(());
    }
    Err(Error::new(format!("x has {}, y {}", counted(count, "sample"), counted(found, "label")))
        .hint("each sample has one label; the samples are the first axis of x"))
}

/// Pictures `[height, width, channels]` as `[channels, height, width]`, the shape of the result.
fn channels_first(numbers: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let size = channels * height * width;
    let mut result = Vec::with_capacity(numbers.len());
    for sample in numbers.chunks_exact(size.max(1)) {
        (0..channels).for_each(|channel| result.extend(sample.iter().skip(channel).step_by(channels)));
    }
    result
}

/// Labels as numbers of classes.
struct Numbered {
    /// Of every part; no labels for a part without any.
    parts: Vec<Vec<Option<u32>>>,
    classes: usize,
    class_names: Vec<String>,
}

/// Classes that an error lists.
const LISTED: usize = 20;

/// The labels of every part as numbers of classes.
fn numbered(parts: Vec<OwnLabels>, classes: Option<&Classes>) -> Result<Numbered> {
    let texts = parts.iter().filter_map(|labels| match labels {
        OwnLabels::Texts(texts) => Some(texts),
        _ => None,
    });
    let found: BTreeSet<&String> = texts.flatten().collect();
    let names: Vec<String> = match classes {
        Some(Classes::Names(names)) => names.clone(),
        _ => found.into_iter().cloned().collect(),
    };
    let mut classes_by_name = BTreeMap::new();
    for (name, class) in names.iter().zip(0_u32..) {
        if classes_by_name.insert(name, class).is_some() {
            return Err(Error::new(format!("two classes are called {name:?}")));
        }
    }
    let number = |name: &String| match classes_by_name.get(name) {
        Some(class) => Ok(Some(*class)),
        None => {
            let listed = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if names.len() > LISTED { ", …" } else { "" };
            Err(Error::new(format!("the label {name:?} is none of the classes {listed}{more}"))
                .hint("option `classes` names all of them"))
        }
    };
    let mut count = 0;
    let mut labels = Vec::new();
    for (part, samples) in parts.iter().map(|part| (part, part.len())) {
        let part = match part {
            OwnLabels::None => vec![None; samples],
            OwnLabels::Texts(texts) => texts.iter().map(number).collect::<Result<_>>()?,
            OwnLabels::Numbers { numbers, .. } => {
                numbers.iter().enumerate().map(|(i, &label)| class(i, label)).collect::<Result<_>>()?
            }
        };
        count = part.iter().flatten().fold(count, |count, &label| count.max(label as usize + 1));
        labels.push(part);
    }
    let said = match classes {
        Some(Classes::Count(said)) => *said,
        Some(Classes::Names(names)) => names.len(),
        None => count,
    };
    if count > said {
        return Err(Error::new(format!("y has the label {}, option `classes` counts {said}", count - 1))
            .hint("labels count from 0"));
    }
    Ok(Numbered { parts: labels, classes: said, class_names: names })
}

/// A label as the number of a class.
fn class(i: usize, label: f32) -> Result<Option<u32>> {
    let why = if label.is_nan() {
        "labels are whole numbers from 0; leave samples without one out"
    } else if label.fract() != 0.0 || label.is_infinite() {
        "labels are whole numbers from 0, the number of the class"
    } else if label < 0.0 {
        "classes count from 0: add a number, or leave the sample out"
    } else if label > LARGEST_LABEL {
        "labels are numbers of classes, which count from 0 without large gaps"
    } else {
        return Ok(Some(label as u32));
    };
    Err(Error::new(format!("label {i} of y is {label}")).hint(why))
}

impl OwnLabels {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Numbers { numbers, .. } => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }
}

impl Part {
    fn new(numbers: Vec<f32>, mut labels: Vec<Option<u32>>, size: usize) -> Self {
        labels.resize(numbers.len() / size.max(1), None);
        let hash = |(numbers, label): (&[f32], &Option<u32>)| {
            let mut hash = blake3::Hasher::new();
            numbers.iter().for_each(|number| {
                hash.update(&number.to_le_bytes());
            });
            // One more than a label can be stands for none.
            hash.update(&label.unwrap_or(u32::MAX).to_le_bytes());
            *hash.finalize().as_bytes()
        };
        let hashes = numbers.par_chunks_exact(size).zip(&labels).map(hash).collect();
        Self { numbers, labels, hashes }
    }
}

impl Arrays {
    /// A part; data of one part have it twice.
    fn part(&self, part: DatasetPart) -> &Part {
        &self.parts[if self.is_split() { part as usize } else { 0 }]
    }

    /// For a fingerprint: some samples in this order.
    fn describe(&self, part: DatasetPart, indices: impl Iterator<Item = usize>) -> Value {
        let (mut hash, mut count) = (blake3::Hasher::new(), 0);
        for i in indices {
            hash.update(&self.part(part).hashes[i]);
            count += 1;
        }
        json!({ "reader": READER, "count": count, "blake3": hash.finalize().to_hex().as_str() })
    }
}

impl SampleSource for Arrays {
    fn counts(&self) -> [usize; 2] {
        [DatasetPart::Train, DatasetPart::Test].map(|part| self.part(part).labels.len())
    }

    fn is_split(&self) -> bool {
        self.parts.len() > 1
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

    fn labels(&self, part: DatasetPart) -> Result<Vec<Option<u32>>> {
        Ok(self.part(part).labels.clone())
    }

    fn label_hint(&self) -> &'static str {
        "give them as the second argument: `dataset(x, y)`"
    }

    fn pixels(&self, part: DatasetPart, indices: &[usize]) -> Result<Vec<f32>> {
        let size = self.shape.iter().product();
        let numbers = &self.part(part).numbers;
        fill_samples(indices, size, |i, out| {
            out.copy_from_slice(&numbers[i * size..][..size]);
            Ok(())
        })
    }

    fn content(&self, part: DatasetPart) -> Value {
        self.describe(part, 0..self.part(part).labels.len())
    }

    /// Each sample counts by itself, whatever else is in the arrays.
    fn description(&self, part: DatasetPart, selection: &Selection) -> Value {
        json!({ "arrays": self.describe(part, selection.indices()), "shape": self.shape })
    }

    fn expression(&self, _: &str, part: DatasetPart) -> String {
        let part = if self.is_split() { format!(".{}", part.name()) } else { String::new() };
        format!("{}{part}", self.expression)
    }
}
