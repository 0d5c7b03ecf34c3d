//! Samples of several data sets in one order, as `a + b` makes them. They count by what they are: samples of one data set, joined
//! again, are a split of that data set.

use serde_json::{Value, json};

use super::selection::Selection;
use super::source::{MOST_SAMPLES, Opened, SampleSource};
use super::{Dataset, DatasetPart, Normalisation, Split};
use crate::{Error, Result};

/// The longest description in words of what is joined, in bytes.
const LONGEST_WORDS: usize = 120;

/// Where a sample comes from: one of some data sets, and its position in a part of that.
#[derive(Debug, Clone, Copy)]
struct Origin {
    source: u32,
    index: u32,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Joined {
    /// Different data sets, none of them joined.
    sources: Vec<(Dataset, DatasetPart)>,
    origins: Vec<Origin>,
    classes: usize,
}

impl Split {
    /// These samples, then those of `other`.
    ///
    /// # Errors
    /// They differ in shape, normalisation or the names of their classes, or are too many.
    pub fn joined(&self, other: &Self) -> Result<Self> {
        check(self, other)?;
        let (mut sources, mut origins) = (Vec::new(), Vec::new());
        for split in [self, other] {
            split.add_origins(&mut sources, &mut origins);
        }
        let [first, second] = [self, other].map(|split| {
            let words = split.to_string();
            if words.len() > LONGEST_WORDS { "…".to_owned() } else { words }
        });
        let words = format!("({first} + {second})");
        if let [(data, part)] = &sources[..] {
            let list = origins.iter().map(|origin| origin.index).collect();
            return Ok(Self::whole(data.clone(), *part).with(Selection::from_list(list), words));
        }
        let classes = self.classes().max(other.classes());
        let source = Box::new(Joined { sources, origins, classes });
        Ok(Self::whole(Dataset::new(&words, Opened { source, warnings: Vec::new() }), DatasetPart::Train))
    }

    /// Appends where the samples come from; data sets of one content are one.
    fn add_origins(&self, sources: &mut Vec<(Dataset, DatasetPart)>, origins: &mut Vec<Origin>) {
        let own = [(self.data.clone(), self.part)];
        let joined = self.data.source().joined();
        let from = joined.map_or(&own[..], |joined| &joined.sources);
        let numbers: Vec<u32> = from.iter().map(|source| number_of(source, sources)).collect();
        origins.extend(self.selection.indices().map(|i| match joined {
            Some(joined) => Origin { source: numbers[joined.origins[i].source as usize], ..joined.origins[i] },
            None => Origin { source: numbers[0], index: i as u32 },
        }));
    }
}

/// The number of a data set among `sources`, to which it is added if it is new.
fn number_of(source: &(Dataset, DatasetPart), sources: &mut Vec<(Dataset, DatasetPart)>) -> u32 {
    let content = |(data, part): &(Dataset, DatasetPart)| json!([data.source().content(*part), data.shape()]);
    let wanted = content(source);
    let known = sources.iter().position(|known| content(known) == wanted);
    known.unwrap_or_else(|| {
        sources.push(source.clone());
        sources.len() - 1
    }) as u32
}

fn check(a: &Split, b: &Split) -> Result<()> {
    if a.shape() != b.shape() {
        let message = format!("samples of the shapes {:?} and {:?} cannot be joined", a.shape(), b.shape());
        return Err(Error::new(message).hint("open both in one size, such as `size: 14`"));
    }
    if a.normalisation() != b.normalisation() {
        return Err(Error::new(format!("{a} and {b} are normalised differently"))
            .hint("open both folders with one `normalize`"));
    }
    let names = [a, b].map(|split| split.dataset().class_names());
    if let [first, second] = &names
        && !first.is_empty()
        && !second.is_empty()
        && first != second
    {
        let i = (0..).find(|&i| first.get(i) != second.get(i)).unwrap_or_default();
        let [first, second] =
            [first, second].map(|names| names.get(i).map_or_else(|| "no class".to_owned(), |name| format!("{name:?}")));
        return Err(Error::new(format!("the classes of {a} and {b} differ: class {i} is {first} and {second}"))
            .hint("give both one list of classes: `dataset(split.images, split.labels, #{ classes: [\"…\"] })`"));
    }
    match a.len() + b.len() {
        0..=MOST_SAMPLES => Ok(()),
        count => Err(Error::new(format!("{count} samples joined: there are at most {MOST_SAMPLES}"))),
    }
}

impl Joined {
    fn of(&self, origin: Origin) -> &(Dataset, DatasetPart) {
        &self.sources[origin.source as usize]
    }

    /// For every data set: positions among `indices`, and the samples' positions in the data set.
    fn by_source(&self, indices: impl Iterator<Item = usize>) -> Vec<(Vec<usize>, Vec<u32>)> {
        let mut groups = vec![(Vec::new(), Vec::new()); self.sources.len()];
        for (position, i) in indices.enumerate() {
            let Origin { source, index } = self.origins[i];
            groups[source as usize].0.push(position);
            groups[source as usize].1.push(index);
        }
        groups
    }
}

impl SampleSource for Joined {
    fn counts(&self) -> [usize; 2] {
        [self.origins.len(); 2]
    }

    fn is_split(&self) -> bool {
        false
    }

    fn shape(&self) -> [usize; 3] {
        self.sources[0].0.shape()
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn class_names(&self) -> Vec<&str> {
        self.sources.iter().map(|(data, _)| data.class_names()).find(|names| !names.is_empty()).unwrap_or_default()
    }

    fn labels(&self, _: DatasetPart) -> Result<Vec<Option<u32>>> {
        let labels = |(data, part): &(Dataset, DatasetPart)| Ok(data.labels(*part)?.to_vec());
        let labels = self.sources.iter().map(labels).collect::<Result<Vec<_>>>()?;
        Ok(self.origins.iter().map(|origin| labels[origin.source as usize][origin.index as usize]).collect())
    }

    fn label_hint(&self) -> &'static str {
        "join samples that all have labels"
    }

    fn pixels(&self, _: DatasetPart, indices: &[usize]) -> Result<Vec<f32>> {
        let size: usize = self.shape().iter().product();
        let mut pixels = vec![0.0; indices.len() * size];
        for ((data, part), (positions, within)) in self.sources.iter().zip(self.by_source(indices.iter().copied())) {
            let within: Vec<usize> = within.into_iter().map(|i| i as usize).collect();
            let own = data.source().pixels(*part, &within)?;
            for (position, sample) in positions.into_iter().zip(own.chunks_exact(size)) {
                pixels[position * size..][..size].copy_from_slice(sample);
            }
        }
        Ok(pixels)
    }

    fn content(&self, part: DatasetPart) -> Value {
        self.description(part, &Selection::Range(0, self.origins.len()))
    }

    /// The samples of every data set, and how they alternate.
    fn description(&self, _: DatasetPart, selection: &Selection) -> Value {
        let (mut order, mut alternation) = (Vec::new(), blake3::Hasher::new());
        for i in selection.indices() {
            let source = self.origins[i].source;
            let rank = order.iter().position(|known| *known == source).unwrap_or_else(|| {
                order.push(source);
                order.len() - 1
            });
            alternation.update(&(rank as u32).to_le_bytes());
        }
        let groups = self.by_source(selection.indices());
        let mut parts = order.iter().map(|&source| {
            let (data, part) = &self.sources[source as usize];
            data.source().description(*part, &Selection::from_list(groups[source as usize].1.clone()))
        });
        match order.len() {
            1 => parts.next().unwrap_or_default(),
            _ => json!({
                "joined": parts.collect::<Vec<_>>(),
                "alternation": alternation.finalize().to_hex().as_str(),
            }),
        }
    }

    fn seeds(&self) -> Vec<u64> {
        self.sources.iter().flat_map(|(data, _)| data.source().seeds()).collect()
    }

    /// Those of one data set at a time, and the pixels that it gives.
    fn working_bytes(&self) -> f64 {
        let most = self.sources.iter().map(|(data, _)| data.source().working_bytes()).fold(0.0, f64::max);
        most + 4.0 * (self.origins.len() * self.shape().iter().product::<usize>()) as f64
    }

    fn expression(&self, name: &str, _: DatasetPart) -> String {
        name.to_owned()
    }

    fn sample_name(&self, index: usize) -> Option<&str> {
        let origin = self.origins[index];
        self.of(origin).0.source().sample_name(origin.index as usize)
    }

    fn normalisation(&self) -> Option<&Normalisation> {
        self.sources[0].0.source().normalisation()
    }

    fn joined(&self) -> Option<&Joined> {
        Some(self)
    }
}
