//! CIFAR-10 (Krizhevsky 2009), the binary version: batches of records, each a label and the red, green and blue bytes of a
//! picture of 32×32; as published or gzipped. Source: www.cs.toronto.edu/~kriz/cifar.html, "Binary version".

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::photos::luma;
use super::{CLASSES, Folders, MOST_SAMPLES, Part, State, content, idx};
use crate::{Error, Result};

pub(super) const NAME: &str = "cifar-10";
pub(super) const ABOUT: &str = "photographs of ten kinds of things, 50,000 and 10,000 of 3×32×32 (Krizhevsky)";
/// Its one archive, and how large that is.
pub(super) const ARCHIVE: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
pub(super) const ARCHIVE_BYTES: u64 = 170_052_171;
/// As in its `batches.meta.txt`.
pub(super) const CLASS_NAMES: [&str; CLASSES] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Pixels on a side.
pub(super) const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
/// Bytes of a label and its picture.
const RECORD: usize = 1 + 3 * PLANE;
/// Training batches of the whole set.
const BATCHES: usize = 5;
/// The folder that the archive unpacks to.
const UNPACKED: &str = "cifar-10-batches-bin";

/// How records become numbers; part of every fingerprint.
const READER: &str = "cifar/1";

/// The batches that are here.
#[derive(Debug)]
pub(super) struct Cifar {
    train: Vec<Batch>,
    test: Vec<Batch>,
    grey: bool,
    memory: Option<PathBuf>,
}

#[derive(Debug)]
struct Batch {
    path: PathBuf,
    /// How many records.
    count: usize,
    /// BLAKE3 of the raw content when it was opened.
    content: String,
}

/// Finds the batches and learns their content; with a warning where some are not here.
pub(super) fn open(grey: bool, folders: &Folders) -> Result<(Cifar, Vec<String>)> {
    let (folder, train, test) = places(folders).find_map(batches).ok_or_else(|| missing(folders))?;
    let open = |path: PathBuf| Batch::open(path, folders.memory());
    let present = train.len();
    let (train, test) = (train.into_iter().map(open).collect::<Result<Vec<_>>>()?, vec![open(test)?]);
    let total = train.iter().map(|batch| batch.count).sum::<usize>();
    let few = (present < BATCHES).then(|| {
        format!("{NAME}: {present} of its {BATCHES} training batches are in {}, {total} pictures", folder.display())
    });
    let memory = folders.memory().map(Path::to_owned);
    Ok((Cifar { train, test, grey, memory }, few.into_iter().collect()))
}

/// Where it stands on this machine.
pub(super) fn state(folders: &Folders) -> State {
    match (places(folders).find_map(batches), open(false, folders)) {
        (None, _) => State::Missing,
        (Some((folder, ..)), Ok((_, warnings))) => State::Present(folder, warnings),
        (Some((folder, ..)), Err(error)) => State::Damaged(folder, error),
    }
}

/// Folders that may hold it, first things first.
fn places(folders: &Folders) -> impl Iterator<Item = PathBuf> {
    let within = [PathBuf::from(NAME), Path::new(NAME).join(UNPACKED), PathBuf::from(UNPACKED)];
    folders.candidates().iter().flat_map(move |folder| within.clone().map(|within| folder.join(within)))
}

/// The training batches in a folder, in order, and the test batch; of both at least one.
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
    by_hand(Error::new(format!("the files of {NAME} are not here: {looked}"))).hint(format!(
        "files from elsewhere: data_batch_1.bin and test_batch.bin, or .bin.gz, in DIR/{NAME}, and `--data-dir DIR`"
    ))
}

/// How to get it: it comes as an archive, which this program does not unpack.
pub(super) fn by_hand(error: Error) -> Error {
    error.hint(format!("fetch {ARCHIVE} and unpack it in a data folder: `tar -xzf cifar-10-binary.tar.gz -C DIR`"))
}

fn wrong(path: &Path, expected: &str, found: &str) -> Error {
    by_hand(Error::new(format!("{} is damaged or of another kind: expected {expected}, found {found}", path.display())))
}

impl Batch {
    fn open(path: PathBuf, memory: Option<&Path>) -> Result<Self> {
        let bytes = raw_length(&path).map_err(|error| Error::io("read", &path, &error))?;
        let count = bytes / RECORD;
        if !bytes.is_multiple_of(RECORD) || !(1..=MOST_SAMPLES).contains(&count) {
            return Err(wrong(&path, &format!("records of {RECORD} bytes"), &format!("{bytes} bytes")));
        }
        let content = content::identity(memory, &path, || Ok(blake3::hash(&read(&path, count)?).to_hex().to_string()))?;
        Ok(Self { path, count, content })
    }
}

/// Bytes of a file's raw content; of a gzipped one as its last four bytes say (RFC 1952), which reading will check.
fn raw_length(path: &Path) -> std::io::Result<usize> {
    let mut file = File::open(path)?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Ok(file.metadata()?.len() as usize);
    }
    let mut length = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut length)?;
    Ok(u32::from_le_bytes(length) as usize)
}

/// A batch's bytes, which are so many records.
fn read(path: &Path, count: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One more than there should be shows a file that goes on.
    let read = idx::open(path)?.take((count * RECORD) as u64 + 1).read_to_end(&mut bytes);
    let expected = format!("{} bytes", count * RECORD);
    read.map_err(|error| wrong(path, &expected, &format!("{error} after {} bytes", bytes.len())))?;
    if bytes.len() == count * RECORD {
        return Ok(bytes);
    }
    Err(wrong(path, &expected, &if bytes.len() > count * RECORD { "more".into() } else { bytes.len().to_string() }))
}

impl Cifar {
    fn part(&self, part: Part) -> &[Batch] {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.test,
        }
    }

    /// Samples to train and to test with.
    pub(super) fn counts(&self) -> [usize; 2] {
        [Part::Train, Part::Test].map(|part| self.part(part).iter().map(|batch| batch.count).sum())
    }

    pub(super) fn channels(&self) -> usize {
        if self.grey { 1 } else { 3 }
    }

    /// What identifies a part: the hashes of its batches, and what becomes of colours.
    pub(super) fn content(&self, part: Part) -> Value {
        let batches: Vec<&str> = self.part(part).iter().map(|batch| batch.content.as_str()).collect();
        json!({ "batches": batches, "reader": READER, "grey": self.grey })
    }

    /// All labels of a part, each in `0..10`.
    pub(super) fn labels(&self, part: Part) -> Result<Vec<u8>> {
        let mut labels: Vec<u8> = Vec::new();
        for batch in self.part(part) {
            let records = self.read(batch)?;
            labels.extend(records.iter().step_by(RECORD));
            if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= CLASSES) {
                return Err(wrong(&batch.path, &format!("labels from 0 to {}", CLASSES - 1), &label.to_string()));
            }
        }
        Ok(labels)
    }

    /// All pictures of a part, `[samples, channels, 32, 32]` bytes.
    pub(super) fn images(&self, part: Part) -> Result<Vec<u8>> {
        let mut images =
            Vec::with_capacity(self.part(part).iter().map(|b| b.count).sum::<usize>() * self.channels() * PLANE);
        for batch in self.part(part) {
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

    /// A batch; checks that its content is the one that fingerprints speak of.
    fn read(&self, batch: &Batch) -> Result<Vec<u8>> {
        let bytes = read(&batch.path, batch.count)?;
        if blake3::hash(&bytes).to_hex().as_str() == batch.content {
            return Ok(bytes);
        }
        Err(content::changed(self.memory.as_deref(), &batch.path))
    }
}
