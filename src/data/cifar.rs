//! CIFAR-10 (Krizhevsky 2009), the binary version: batches of records, each a label and the red, green and blue bytes of a
//! picture of 32×32; as published or gzipped. Source: www.cs.toronto.edu/~kriz/cifar.html, "Binary version".

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::photos::luma;
use super::source::{Availability, CatalogueEntry, DatasetOptions, MOST_SAMPLES, Opened, SampleSource, fill_samples};
use super::{DatasetPart, Folders, IdxSet, downsample, idx};
use crate::files::digest_cache;
use crate::files::regular::open_regular;
use crate::{Error, Result};

const NAME: &str = "cifar-10";
/// The published archive and its size.
const ARCHIVE: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
const ARCHIVE_BYTES: u64 = 170_052_171;
/// As in its `batches.meta.txt`.
const CLASS_NAMES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const CLASSES: usize = CLASS_NAMES.len();

/// Pixels on a side of a stored picture.
const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
/// Bytes of a label and its picture.
const RECORD: usize = 1 + 3 * PLANE;
/// Training batches of the whole set.
const BATCHES: usize = 5;
/// The folder that the archive unpacks to.
const UNPACKED: &str = "cifar-10-batches-bin";

/// How records become numbers; part of every fingerprint.
const READER: &str = "cifar/1";

/// `cifar-10` in the catalogue.
pub(super) struct CifarEntry;

impl CatalogueEntry for CifarEntry {
    fn name(&self) -> &str {
        NAME
    }

    fn about(&self) -> &'static str {
        "photographs of ten kinds of things, 50,000 and 10,000 of 3×32×32 (Krizhevsky)"
    }

    fn options(&self) -> &'static [&'static str] {
        &["size", "grey"]
    }

    fn open(&self, options: &DatasetOptions, folders: &Folders) -> Result<Opened> {
        let side = downsample::check(NAME, SIDE, options.size)?;
        let (train, test, warnings) = open_batches(folders)?;
        let (grey, cache) = (options.grey.unwrap_or(false), folders.digest_cache().map(Path::to_owned));
        Ok(Opened { source: Box::new(Cifar { train, test, side, grey, cache }), warnings })
    }

    fn download_bytes(&self) -> u64 {
        ARCHIVE_BYTES
    }

    fn availability(&self, folders: &Folders) -> Availability {
        match (places(folders).find_map(batches), open_batches(folders)) {
            (None, _) => Availability::Missing,
            (Some((folder, ..)), Ok((.., warnings))) => Availability::Present(folder, warnings),
            (Some((folder, ..)), Err(error)) => Availability::Damaged(folder, error),
        }
    }

    fn download(&self) -> Result<&IdxSet> {
        Err(by_hand(Error::new(format!("{NAME} comes as an archive, which is unpacked by hand"))))
    }
}

/// The opened batches.
#[derive(Debug)]
struct Cifar {
    train: Vec<Batch>,
    test: Vec<Batch>,
    /// Pixels on a side of a sample.
    side: usize,
    grey: bool,
    cache: Option<PathBuf>,
}

#[derive(Debug)]
struct Batch {
    path: PathBuf,
    /// Number of records.
    count: usize,
    /// BLAKE3 of the raw content when it was opened.
    content: String,
}

/// Finds the batches to train and to test with, and hashes their content; with a warning where some are missing.
fn open_batches(folders: &Folders) -> Result<(Vec<Batch>, Vec<Batch>, Vec<String>)> {
    let (folder, train, test) = places(folders).find_map(batches).ok_or_else(|| missing(folders))?;
    let open = |path: PathBuf| Batch::open(path, folders.digest_cache());
    let present = train.len();
    let (train, test) = (train.into_iter().map(open).collect::<Result<Vec<_>>>()?, vec![open(test)?]);
    let total = train.iter().map(|batch| batch.count).sum::<usize>();
    let few = (present < BATCHES).then(|| {
        format!("{NAME}: {present} of its {BATCHES} training batches are in {}, {total} pictures", folder.display())
    });
    Ok((train, test, few.into_iter().collect()))
}

/// Folders that may hold it, in the order in which they are tried.
fn places(folders: &Folders) -> impl Iterator<Item = PathBuf> {
    let within = [PathBuf::from(NAME), Path::new(NAME).join(UNPACKED), PathBuf::from(UNPACKED)];
    folders.candidates().iter().flat_map(move |folder| within.clone().map(|within| folder.join(within)))
}

/// The training batches in a folder, in order, and the test batch. `None` without any of the one or the other.
fn batches(folder: PathBuf) -> Option<(PathBuf, Vec<PathBuf>, PathBuf)> {
    let file = |name: &str| {
        let paths = [".bin", ".bin.gz"].map(|ending| folder.join(format!("{name}{ending}")));
        paths.into_iter().find(|path| path.is_file())
    };
    let train: Vec<PathBuf> = (1..=BATCHES).filter_map(|i| file(&format!("data_batch_{i}"))).collect();
    let test = file("test_batch")?;
    (!train.is_empty()).then_some((folder, train, test))
}

fn missing(folders: &Folders) -> Error {
    let places: Vec<String> = folders.candidates().iter().map(|f| f.join(NAME).display().to_string()).collect();
    let looked = match &places[..] {
        [] => "there is no folder to look in".to_owned(),
        places => format!("looked in {}", places.join(", ")),
    };
    let error = Error::new(format!("the files of {NAME} are not here: {looked}"));
    // What torchvision downloads.
    let for_python = folders.candidates().iter().map(|folder| folder.join("cifar-10-batches-py")).find(|p| p.is_dir());
    let error = for_python.iter().fold(error, |error, folder| {
        error.hint(format!("{} is the version for Python; the binary version is read", folder.display()))
    });
    by_hand(error).hint(format!(
        "files from elsewhere: data_batch_1.bin and test_batch.bin, or .bin.gz, in DIR/{NAME}, and `--data-dir DIR`"
    ))
}

/// Adds how to get it: it comes as an archive, which this program does not unpack.
fn by_hand(error: Error) -> Error {
    error.hint(format!("fetch {ARCHIVE} and unpack it in a data folder: `tar -xzf cifar-10-binary.tar.gz -C DIR`"))
}

fn wrong(path: &Path, expected: &str, found: &str) -> Error {
    by_hand(idx::damaged(path, expected, found))
}

impl Batch {
    fn open(path: PathBuf, cache: Option<&Path>) -> Result<Self> {
        let bytes = raw_length(&path).map_err(|error| Error::io("read", &path, &error))?;
        let count = bytes / RECORD;
        if !bytes.is_multiple_of(RECORD) || !(1..=MOST_SAMPLES).contains(&count) {
            return Err(wrong(&path, &format!("records of {RECORD} bytes"), &format!("{bytes} bytes")));
        }
        let hash = || Ok(blake3::hash(&read(&path, count)?).to_hex().to_string());
        let content = digest_cache::content_hash(cache, &path, hash)?;
        Ok(Self { path, count, content })
    }
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

/// A batch's bytes, `count` records.
fn read(path: &Path, count: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than expected shows a file that is too long.
    let read = idx::open(path)?.take((count * RECORD) as u64 + 1).read_to_end(&mut bytes);
    let expected = format!("{} bytes", count * RECORD);
    read.map_err(|error| wrong(path, &expected, &format!("{error} after {} bytes", bytes.len())))?;
    if bytes.len() == count * RECORD {
        return Ok(bytes);
    }
    Err(wrong(path, &expected, &if bytes.len() > count * RECORD { "more".into() } else { bytes.len().to_string() }))
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
            for record in self.read(batch)?.chunks_exact(RECORD) {
                let colours = &record[1..];
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
        let bytes = read(&batch.path, batch.count)?;
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
        CLASSES
    }

    fn class_names(&self) -> Vec<&str> {
        CLASS_NAMES.to_vec()
    }

    fn labels(&self, part: DatasetPart) -> Result<Vec<Option<u32>>> {
        let mut labels = Vec::new();
        for batch in self.batches(part) {
            for &label in self.read(batch)?.iter().step_by(RECORD) {
                if usize::from(label) >= CLASSES {
                    return Err(wrong(&batch.path, &format!("labels from 0 to {}", CLASSES - 1), &label.to_string()));
                }
                labels.push(Some(label.into()));
            }
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
        json!({ "batches": batches, "reader": READER, "grey": self.grey })
    }
}
