//! CIFAR-10 and CIFAR-100 (Krizhevsky 2009): batches of records, each a label (of CIFAR-100, the group of classes, then the class)
//! and the red, green and blue bytes of a picture of 32×32. The binary version, as published or gzipped, and the version for
//! Python, which holds the same. Source: www.cs.toronto.edu/~kriz/cifar.html.

use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::photos::luma;
use super::source::{Availability, CatalogueEntry, DatasetOptions, MOST_SAMPLES, Opened, SampleSource, fill_samples};
use super::{DatasetPart, Folders, IdxSet, cifar_classes, downsample, idx, pickle, search};
use crate::files::digest_cache;
use crate::files::regular::{open_regular, read_regular};
use crate::{Error, Result};

/// Pixels on a side of a stored picture.
const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const PICTURE: usize = 3 * PLANE;
/// Files of a batch for Python are not longer than this, in bytes.
const LONGEST_PICKLE: u64 = 1 << 30;
/// A file of fewer records than this is not known by its content: other files may look like it.
const FEWEST_RECORDS: usize = 100;

/// How records become numbers; part of every fingerprint.
const READER: &str = "cifar/1";

/// One of the two sets.
#[derive(Debug, Clone, Copy)]
struct Kind {
    name: &'static str,
    about: &'static str,
    options: &'static [&'static str],
    /// The published archive, and about its size.
    archive: &'static str,
    archive_bytes: u64,
    /// The folders that the archives unpack to, the binary version first.
    unpacked: [&'static str; 2],
    /// Names of the batches, in order.
    train: &'static [&'static str],
    test: &'static str,
    /// The labels of a record: how many values each has, and what it is called in the version for Python.
    labels: &'static [(usize, &'static str)],
}

const TEN: Kind = Kind {
    name: "cifar-10",
    about: "photographs of ten kinds of things, 50,000 and 10,000 of 3×32×32 (Krizhevsky)",
    options: &["size", "grey"],
    archive: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    archive_bytes: 170_052_171,
    unpacked: ["cifar-10-batches-bin", "cifar-10-batches-py"],
    train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
    test: "test_batch",
    labels: &[(10, "labels")],
};

const HUNDRED: Kind = Kind {
    name: "cifar-100",
    about: "photographs of a hundred kinds of things in twenty groups, 50,000 and 10,000 of 3×32×32 (Krizhevsky)",
    options: &["size", "grey", "coarse"],
    archive: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    archive_bytes: 161 << 20,
    unpacked: ["cifar-100-binary", "cifar-100-python"],
    train: &["train"],
    test: "test",
    labels: &[(20, "coarse_labels"), (100, "fine_labels")],
};

impl Kind {
    /// Bytes of a record.
    fn record(&self) -> usize {
        self.labels.len() + PICTURE
    }
}

/// `cifar-10` and `cifar-100` in the catalogue.
pub(super) struct CifarEntry(Kind);

impl CifarEntry {
    pub(super) const TEN: Self = Self(TEN);
    pub(super) const HUNDRED: Self = Self(HUNDRED);
}

impl CatalogueEntry for CifarEntry {
    fn name(&self) -> &str {
        self.0.name
    }

    fn about(&self) -> &'static str {
        self.0.about
    }

    fn options(&self) -> &'static [&'static str] {
        self.0.options
    }

    fn folders(&self, folders: &Folders) -> Vec<PathBuf> {
        self.0.places(folders).collect()
    }

    fn open(&self, options: &DatasetOptions, folders: &Folders) -> Result<Opened> {
        let side = downsample::check(self.0.name, SIDE, options.size)?;
        let (train, test, warnings) = self.0.open_batches(folders)?;
        let (grey, cache) = (options.grey.unwrap_or(false), folders.digest_cache().map(Path::to_owned));
        // The last label of a record is the class, the one before it the group of classes.
        let label = if options.coarse == Some(true) { 0 } else { self.0.labels.len() - 1 };
        Ok(Opened { source: Box::new(Cifar { kind: self.0, train, test, side, grey, label, cache }), warnings })
    }

    fn download_bytes(&self) -> u64 {
        self.0.archive_bytes
    }

    fn availability(&self, folders: &Folders) -> Availability {
        match (self.0.find(folders), self.0.open_batches(folders)) {
            (None, _) => Availability::Missing,
            (Some(found), Ok((.., warnings))) => Availability::Present(found.folder, warnings),
            (Some(found), Err(error)) => Availability::Damaged(found.folder, error),
        }
    }

    fn download(&self) -> Result<&IdxSet> {
        Err(self.0.by_hand(Error::new(format!("{} comes as an archive, which is unpacked by hand", self.0.name))))
    }
}

/// The opened batches.
#[derive(Debug)]
struct Cifar {
    kind: Kind,
    train: Vec<Batch>,
    test: Vec<Batch>,
    /// Pixels on a side of a sample.
    side: usize,
    grey: bool,
    /// Which of a record's labels counts.
    label: usize,
    cache: Option<PathBuf>,
}

#[derive(Debug)]
struct Batch {
    path: PathBuf,
    /// Number of records.
    count: usize,
    /// BLAKE3 of the records when it was opened.
    content: String,
}

/// The files of a set.
struct Found {
    folder: PathBuf,
    train: Vec<PathBuf>,
    test: PathBuf,
}

impl Kind {
    /// Finds the batches to train and to test with, and hashes their content; with a warning where some are missing.
    fn open_batches(&self, folders: &Folders) -> Result<(Vec<Batch>, Vec<Batch>, Vec<String>)> {
        let Found { folder, train, test } = self.find(folders).ok_or_else(|| self.missing(folders))?;
        let open = |path: PathBuf| self.open_batch(path, folders.digest_cache());
        let (present, batches) = (train.len(), self.train.len());
        let (train, test) = (train.into_iter().map(open).collect::<Result<Vec<_>>>()?, vec![open(test)?]);
        let total = train.iter().map(|batch| batch.count).sum::<usize>();
        let (name, folder) = (self.name, folder.display());
        let few = (present < batches)
            .then(|| format!("{name}: {present} of its {batches} training batches are in {folder}, {total} pictures"));
        Ok((train, test, few.into_iter().collect()))
    }

    fn find(&self, folders: &Folders) -> Option<Found> {
        self.places(folders).find_map(|folder| self.batches(folder)).or_else(|| self.by_content(folders))
    }

    /// Folders that may hold it, in the order in which they are tried.
    fn places(&self, folders: &Folders) -> impl Iterator<Item = PathBuf> {
        let own = Path::new(self.name);
        let [binary, python] = self.unpacked;
        let within = [own.into(), own.join(binary), binary.into(), own.join(python), PathBuf::from(python)];
        folders.candidates().iter().flat_map(move |folder| within.clone().map(|within| folder.join(within)))
    }

    /// The training batches in a folder, in order, and the test batch. `None` without any of the one or the other.
    fn batches(&self, folder: PathBuf) -> Option<Found> {
        let file = |name: &&str| {
            let paths = [".bin", ".bin.gz", ""].map(|ending| folder.join(format!("{name}{ending}")));
            paths.into_iter().find(|path| path.is_file())
        };
        let train: Vec<PathBuf> = self.train.iter().filter_map(file).collect();
        let test = file(&self.test)?;
        (!train.is_empty()).then_some(Found { folder, train, test })
    }

    /// Files that hold nothing but records, one of which is called a test.
    fn by_content(&self, folders: &Folders) -> Option<Found> {
        let (mut train, mut tests) = (Vec::new(), Vec::new());
        for path in search::files(folders) {
            let is_long = raw_length(&path).is_ok_and(|bytes| {
                bytes.is_multiple_of(self.record())
                    && (FEWEST_RECORDS..=MOST_SAMPLES).contains(&(bytes / self.record()))
            });
            if is_long && self.read(&path).is_ok_and(|bytes| self.wrong_label(&bytes).is_none()) {
                (if search::is_test(&path, folders) == Some(true) { &mut tests } else { &mut train }).push(path);
            }
        }
        // More batches than there are come from several copies.
        let is_one = tests.len() == 1 && (1..=self.train.len()).contains(&train.len());
        let test = tests.pop().filter(|_| is_one)?;
        Some(Found { folder: test.parent()?.to_owned(), train, test })
    }

    /// A record's label that is no class, if there is one.
    fn wrong_label(&self, records: &[u8]) -> Option<(u8, usize)> {
        let labels = |record: &[u8]| {
            let pairs = record.iter().zip(self.labels).find(|(label, (count, _))| usize::from(**label) >= *count);
            pairs.map(|(label, (count, _))| (*label, *count))
        };
        records.chunks_exact(self.record()).find_map(labels)
    }

    fn missing(&self, folders: &Folders) -> Error {
        let name = self.name;
        let places: Vec<String> = folders.candidates().iter().map(|f| f.join(name).display().to_string()).collect();
        let looked = match &places[..] {
            [] => "there is no folder to look in".to_owned(),
            places => format!("looked in {}", places.join(", ")),
        };
        let (first, test, folders) = (self.train[0], self.test, self.unpacked.join(" or "));
        self.by_hand(Error::new(format!("the files of {name} are not here: {looked}"))).hint(format!(
            "files from elsewhere: {first}.bin and {test}.bin, or .bin.gz, or {first} and {test} of the version for Python, in DIR/{name} \
             or DIR/{folders}, and `--data-dir DIR`; or batches by any names anywhere in DIR, if that of the test has `test` in it"
        ))
    }

    /// Adds how to get it: it comes as an archive, which this program does not unpack.
    fn by_hand(&self, error: Error) -> Error {
        let file = self.archive.rsplit('/').next().unwrap_or_default();
        error.hint(format!("fetch {} and unpack it in a data folder: `tar -xzf {file} -C DIR`", self.archive))
    }

    fn wrong(&self, path: &Path, expected: &str, found: &str) -> Error {
        self.by_hand(idx::damaged(path, expected, found))
    }

    fn open_batch(&self, path: PathBuf, cache: Option<&Path>) -> Result<Batch> {
        let failed = |error: std::io::Error| Error::io("read", &path, &error);
        let (record, is_python) = (self.record(), is_pickle(&path).map_err(failed)?);
        let records = if is_python { Some(self.read(&path)?) } else { None };
        let bytes = match &records {
            Some(records) => records.len(),
            None => raw_length(&path).map_err(failed)?,
        };
        let count = bytes / record;
        if !bytes.is_multiple_of(record) || !(1..=MOST_SAMPLES).contains(&count) {
            return Err(self.wrong(&path, &format!("records of {record} bytes"), &format!("{bytes} bytes")));
        }
        let hash = || {
            let bytes = match &records {
                Some(records) => Cow::Borrowed(&records[..]),
                None => Cow::Owned(self.read(&path)?),
            };
            if bytes.len() != count * record {
                return Err(self.wrong_length(&path, count * record, &bytes));
            }
            Ok(blake3::hash(&bytes).to_hex().to_string())
        };
        let content = digest_cache::content_hash(cache, &path, hash)?;
        Ok(Batch { path, count, content })
    }

    fn wrong_length(&self, path: &Path, wanted: usize, bytes: &[u8]) -> Error {
        let found = if bytes.len() > wanted { "more".into() } else { bytes.len().to_string() };
        self.wrong(path, &format!("{wanted} bytes"), &found)
    }

    /// A batch's records, as in the binary version.
    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let failed = |error: std::io::Error| Error::io("read", path, &error);
        if is_pickle(path).map_err(failed)? {
            return self.read_pickle(path);
        }
        let wanted = raw_length(path).map_err(failed)?;
        let mut bytes = Vec::new();
        // One byte more than expected shows a file that is too long.
        let read = idx::open(path)?.take(wanted as u64 + 1).read_to_end(&mut bytes);
        let expected = format!("{wanted} bytes");
        read.map_err(|error| self.wrong(path, &expected, &format!("{error} after {} bytes", bytes.len())))?;
        if bytes.len() == wanted { Ok(bytes) } else { Err(self.wrong_length(path, wanted, &bytes)) }
    }

    fn read_pickle(&self, path: &Path) -> Result<Vec<u8>> {
        let bytes = read_regular(path, LONGEST_PICKLE).map_err(|error| Error::io("read", path, &error))?;
        let names: Vec<&str> = self.labels.iter().map(|(_, name)| *name).collect();
        let batch = pickle::batch(&bytes, &names)
            .filter(|batch| batch.labels.iter().all(|labels| labels.len() * PICTURE == batch.data.len()));
        let pickle::Batch { data, labels } = batch.ok_or_else(|| {
            let expected = format!(
                "a batch of {} for Python, with {} and pictures of {PICTURE} bytes",
                self.name,
                names.join(", ")
            );
            self.wrong(path, &expected, "a pickle of something else")
        })?;
        let mut records = Vec::with_capacity(data.len() / PICTURE * self.record());
        for (i, picture) in data.chunks_exact(PICTURE).enumerate() {
            records.extend(labels.iter().map(|labels| labels[i]));
            records.extend_from_slice(picture);
        }
        Ok(records)
    }
}

fn is_pickle(path: &Path) -> std::io::Result<bool> {
    let mut start = Vec::new();
    open_regular(path)?.take(2).read_to_end(&mut start)?;
    Ok(pickle::is_pickle(&start))
}

/// Bytes of a file's raw content. A gzipped file says so in its last four bytes (RFC 1952); reading checks it.
fn raw_length(path: &Path) -> std::io::Result<usize> {
    let mut file = open_regular(path)?;
    let (mut start, mut length) = (Vec::new(), [0; 4]);
    file.by_ref().take(2).read_to_end(&mut start)?;
    if start != idx::GZIP {
        return Ok(file.metadata()?.len() as usize);
    }
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut length)?;
    Ok(u32::from_le_bytes(length) as usize)
}

impl Cifar {
    fn batches(&self, part: DatasetPart) -> &[Batch] {
        match part {
            DatasetPart::Train => &self.train,
            DatasetPart::Test => &self.test,
        }
    }

    fn channels(&self) -> usize {
        if self.grey { 1 } else { 3 }
    }

    /// All pictures of a part, `[samples, channels, 32, 32]` bytes.
    fn images(&self, part: DatasetPart) -> Result<Vec<u8>> {
        let mut images = Vec::with_capacity(self.counts()[part as usize] * self.channels() * PLANE);
        for batch in self.batches(part) {
            for record in self.read(batch)?.chunks_exact(self.kind.record()) {
                let colours = &record[self.kind.labels.len()..];
                if self.grey {
                    images.extend((0..PLANE).map(|i| luma([colours[i], colours[PLANE + i], colours[2 * PLANE + i]])));
                } else {
                    images.extend_from_slice(colours);
                }
            }
        }
        Ok(images)
    }

    /// A batch's bytes.
    ///
    /// # Errors
    /// It cannot be read, or its content is not the one in the fingerprints any more.
    fn read(&self, batch: &Batch) -> Result<Vec<u8>> {
        let bytes = self.kind.read(&batch.path)?;
        if blake3::hash(&bytes).to_hex().as_str() == batch.content {
            return Ok(bytes);
        }
        Err(digest_cache::changed(self.cache.as_deref(), &batch.path))
    }
}

impl SampleSource for Cifar {
    fn counts(&self) -> [usize; 2] {
        [DatasetPart::Train, DatasetPart::Test].map(|part| self.batches(part).iter().map(|batch| batch.count).sum())
    }

    fn shape(&self) -> [usize; 3] {
        [self.channels(), self.side, self.side]
    }

    fn classes(&self) -> usize {
        self.kind.labels[self.label].0
    }

    fn class_names(&self) -> Vec<&str> {
        let names = match self.classes() {
            10 => cifar_classes::TEN,
            20 => cifar_classes::GROUPS,
            _ => cifar_classes::HUNDRED,
        };
        names.split_whitespace().collect()
    }

    fn labels(&self, part: DatasetPart) -> Result<Vec<Option<u32>>> {
        let mut labels = Vec::new();
        for batch in self.batches(part) {
            let records = self.read(batch)?;
            if let Some((label, count)) = self.kind.wrong_label(&records) {
                let expected = format!("labels from 0 to {}", count - 1);
                return Err(self.kind.wrong(&batch.path, &expected, &label.to_string()));
            }
            labels.extend(records.iter().skip(self.label).step_by(self.kind.record()).map(|&label| Some(label.into())));
        }
        Ok(labels)
    }

    fn pixels(&self, part: DatasetPart, indices: &[usize]) -> Result<Vec<f32>> {
        let images = self.images(part)?;
        let stored = self.channels() * PLANE;
        fill_samples(indices, self.shape().iter().product(), |i, out| {
            downsample::average(&images[i * stored..][..stored], SIDE, self.side, out);
            Ok(())
        })
    }

    /// The hashes of the batches, and whether colours are kept.
    fn content(&self, part: DatasetPart) -> Value {
        let batches: Vec<&str> = self.batches(part).iter().map(|batch| batch.content.as_str()).collect();
        let mut content = json!({ "batches": batches, "reader": READER, "grey": self.grey });
        if self.classes() == 20 {
            content["coarse"] = true.into();
        }
        content
    }
}
