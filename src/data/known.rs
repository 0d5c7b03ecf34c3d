//! The data sets that exist: which files, from where, and the hashes that prove them. A script cannot add one.

use std::path::PathBuf;

use super::{Folders, cifar, files};
use crate::{Error, Result};

/// Data sets that are drawn, not downloaded, and what each is.
const GENERATED: [(&str, &str); 2] = [
    ("glyphs", "drawn digits, ten classes, 28×28, as many as you want"),
    ("noise", "white noise, 28×28 or any size, ten classes that mean nothing"),
];

/// A data set of files: training images, training labels, test images, test labels, in this order, as IDX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What scripts call it, and the subfolder of its files.
    pub name: String,
    /// What it is, in one line.
    pub about: String,
    /// Where its files are fetched from; ends with `/`.
    pub url: String,
    /// Train images, train labels, test images, test labels.
    pub files: [KnownFile; 4],
}

/// One published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Without `.gz`; it is downloaded with.
    pub name: String,
    /// Size of the download.
    pub bytes: u64,
    /// BLAKE3 of the raw content, as hex.
    pub content: String,
}

/// Where a data set stands on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing to have: it is drawn when asked for.
    Generated,
    /// In this folder and usable; the sentences say what of it is missing. Its content is compared with nothing.
    Present(PathBuf, Vec<String>),
    /// In this folder, and the published one to the last byte.
    Verified(PathBuf),
    /// In this folder and usable, but with other content; the sentences say which files.
    Different(PathBuf, Vec<String>),
    /// In this folder, but not usable.
    Damaged(PathBuf, Error),
    /// In none of the folders.
    Missing,
}

/// One line of `entroscope data list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What scripts call it.
    pub name: String,
    /// What it is.
    pub about: String,
    /// Bytes to download; 0 for a generated one.
    pub bytes: u64,
    /// Names of its files.
    pub files: Vec<String>,
    /// Where it is.
    pub state: State,
}

impl Entry {
    /// Bytes of all its downloads.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Where it stands on this machine.
    pub fn state(&self, folders: &Folders) -> State {
        let Some(folder) = files::folder_of(self, folders) else { return State::Missing };
        match files::open(self, folders) {
            Ok((_, warnings)) if warnings.is_empty() => State::Verified(folder),
            Ok((_, warnings)) => State::Different(folder, warnings),
            Err(error) => State::Damaged(folder, error),
        }
    }
}

/// The published data sets. Hashes are of content that matches the MD5 sums that others published for it: of the
/// gzipped Fashion-MNIST files (torchvision), and of the raw MNIST files (6bbc9ace…, a25bea73…, 2646ac64…, 27ae3e4e…).
pub fn catalogue() -> Vec<Entry> {
    let entry = |name: &str, about: &str, url: &str, sums: [(u64, &str); 4]| {
        let names =
            ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
        let mut names = names.into_iter();
        let files = sums.map(|(bytes, content)| KnownFile {
            name: names.next().unwrap_or_default().into(),
            bytes,
            content: content.into(),
        });
        Entry { name: name.into(), about: about.into(), url: url.into(), files }
    };
    vec![
        entry(
            "mnist",
            "handwritten digits, 60,000 and 10,000 of 28×28 (LeCun, Cortes, Burges)",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            [
                (9_912_422, "c6e6fd8c67d07c8a9b7bffa7dd0413ff4b8af241607b049b7721107f379df9fd"),
                (28_881, "8ebcfdf2fe191516f9cb37fceb75d2d19289d91ee92026534ed45e44144b5642"),
                (1_648_877, "f8d502322cd9f186e155a74a3dff598ed56c1a7b5a5c8d312749ac47c4a2bec7"),
                (4_542, "6d43ea317fa8f5851bb85404bb7358defd48b0294cf31f60cdcde8106fe2c3ad"),
            ],
        ),
        entry(
            "fashion-mnist",
            "articles of clothing, 60,000 and 10,000 of 28×28 (Zalando Research)",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            [
                (26_421_880, "feaca08b36e07f8d504641a929bff1554884ef73964323e44e59e39a986b4c9e"),
                (29_515, "b4d9ea8013b029ef778c95ea7de31195ef443589877589523ad330db2829ebd6"),
                (4_422_102, "a19b8c1e5f798e5a6fa7229093b630c04a620179497a1fa3a71e7334fb59a30b"),
                (5_148, "0a067399ed18bcc9d7dc26832b3b8e4481abf2d33fee04c611e90b9061296b90"),
            ],
        ),
    ]
}

/// Every name that [`Dataset::open`](super::Dataset::open) knows.
pub fn names() -> Vec<String> {
    let generated = GENERATED.iter().map(|(name, _)| (*name).to_owned());
    let files = catalogue().into_iter().map(|entry| entry.name);
    generated.chain(files).chain([cifar::NAME.to_owned()]).collect()
}

/// A data set that can be downloaded, by name.
///
/// # Errors
/// No such data set (with the near name), one that is generated and has no files, or one to be fetched by hand.
pub fn known(name: &str) -> Result<Entry> {
    if let Some(entry) = catalogue().into_iter().find(|entry| entry.name == name) {
        return Ok(entry);
    }
    if GENERATED.iter().any(|(generated, _)| *generated == name) {
        return Err(Error::new(format!("{name} is generated: there is nothing to download")));
    }
    if name == cifar::NAME {
        return Err(cifar::by_hand(Error::new(format!("{name} comes as an archive, which is unpacked by hand"))));
    }
    let all = names();
    let error = Error::new(format!("there is no data set \"{name}\"; there are {}", all.join(", ")));
    let near = |known: &String| strsim::jaro_winkler(known, &name.to_lowercase());
    match all.iter().max_by(|a, b| near(a).total_cmp(&near(b))) {
        Some(closest) if near(closest) > 0.75 => Err(error.hint(format!("did you mean \"{closest}\"?"))),
        _ => Err(error),
    }
}

/// Every data set and where it stands on this machine. Reads the content of files that are not remembered.
pub fn status(folders: &Folders) -> Vec<Status> {
    let generated = GENERATED.iter().map(|&(name, about)| Status {
        name: name.into(),
        about: about.into(),
        bytes: 0,
        files: Vec::new(),
        state: State::Generated,
    });
    let files = catalogue().into_iter().map(|entry| Status {
        bytes: entry.bytes(),
        files: entry.files.iter().map(|file| file.name.clone()).collect(),
        state: entry.state(folders),
        name: entry.name,
        about: entry.about,
    });
    let cifar = Status {
        name: cifar::NAME.into(),
        about: cifar::ABOUT.into(),
        bytes: cifar::ARCHIVE_BYTES,
        files: vec![cifar::ARCHIVE.into()],
        state: cifar::state(folders),
    };
    generated.chain(files).chain([cifar]).collect()
}
