//! MNIST and its like: four files in the IDX format, of 28×28 images and their labels. Published sets are known by their
//! hashes; files of other content are used with a warning.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::idx::{self, IdxKind, wrong};
use super::source::{Availability, CatalogueEntry, DatasetOptions, Opened, SampleSource, fill_samples};
use super::{DatasetPart, Folders, downsample};
use crate::files::digest_cache;
use crate::{Error, Result};

const CLASSES: usize = 10;
/// Pixels on a side of a stored image.
const SIDE: usize = 28;
/// What each of the four files holds, in their order.
const KINDS: [IdxKind; 4] =
    [IdxKind::Images(SIDE, SIDE), IdxKind::Labels, IdxKind::Images(SIDE, SIDE), IdxKind::Labels];

/// A data set of four IDX files: training images, training labels, test images, test labels, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdxSet {
    /// What scripts call it, and the subfolder of its files.
    pub name: String,
    /// What it is, in one line.
    pub about: String,
    /// Address of the folder that its files are fetched from; ends with `/`.
    pub url: String,
    /// Train images, train labels, test images, test labels.
    pub files: [PublishedFile; 4],
}

/// One published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFile {
    /// Without the `.gz` of the download.
    pub name: String,
    /// Size of the download.
    pub bytes: u64,
    /// BLAKE3 of the raw content, as hex.
    pub content: String,
}

/// The handwritten digits. The hashes of both sets are those of content that matches the MD5 sums published by others: for
/// MNIST of the raw files (6bbc9ace…, a25bea73…, 2646ac64…, 27ae3e4e…), for Fashion-MNIST of the gzipped ones (torchvision).
pub(super) fn mnist() -> IdxSet {
    published(
        "mnist",
        "handwritten digits, 60,000 and 10,000 of 28×28 (LeCun, Cortes, Burges)",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        [
            (9_912_422, "c6e6fd8c67d07c8a9b7bffa7dd0413ff4b8af241607b049b7721107f379df9fd"),
            (28_881, "8ebcfdf2fe191516f9cb37fceb75d2d19289d91ee92026534ed45e44144b5642"),
            (1_648_877, "f8d502322cd9f186e155a74a3dff598ed56c1a7b5a5c8d312749ac47c4a2bec7"),
            (4_542, "6d43ea317fa8f5851bb85404bb7358defd48b0294cf31f60cdcde8106fe2c3ad"),
        ],
    )
}

/// Zalando's articles of clothing; see [`mnist`] for the hashes.
pub(super) fn fashion_mnist() -> IdxSet {
    published(
        "fashion-mnist",
        "articles of clothing, 60,000 and 10,000 of 28×28 (Zalando Research)",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        [
            (26_421_880, "feaca08b36e07f8d504641a929bff1554884ef73964323e44e59e39a986b4c9e"),
            (29_515, "b4d9ea8013b029ef778c95ea7de31195ef443589877589523ad330db2829ebd6"),
            (4_422_102, "a19b8c1e5f798e5a6fa7229093b630c04a620179497a1fa3a71e7334fb59a30b"),
            (5_148, "0a067399ed18bcc9d7dc26832b3b8e4481abf2d33fee04c611e90b9061296b90"),
        ],
    )
}

/// A set whose files have MNIST's names.
fn published(name: &str, about: &str, url: &str, sums: [(u64, &str); 4]) -> IdxSet {
    let names =
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
    let mut names = names.into_iter();
    let files = sums.map(|(bytes, content)| PublishedFile {
        name: names.next().unwrap_or_default().into(),
        bytes,
        content: content.into(),
    });
    IdxSet { name: name.into(), about: about.into(), url: url.into(), files }
}

impl IdxSet {
    /// What of it is on this machine.
    pub fn availability(&self, folders: &Folders) -> Availability {
        let Some(folder) = self.folder(folders) else { return Availability::Missing };
        match self.open_files(folders) {
            Ok((_, warnings)) if warnings.is_empty() => Availability::Verified(folder),
            Ok((_, warnings)) => Availability::Different(folder, warnings),
            Err(error) => Availability::Damaged(folder, error),
        }
    }

    /// Its `i`th file in a folder, raw or gzipped. Archives of others have a dot for the hyphen before "idx".
    pub(super) fn locate(&self, folder: &Path, i: usize) -> Option<PathBuf> {
        let name = &self.files[i].name;
        let names = [name.clone(), name.replace("-idx", ".idx")];
        let paths = names.iter().flat_map(|name| [folder.join(name), folder.join(format!("{name}.gz"))]);
        paths.into_iter().find(|path| path.is_file())
    }

    /// Whether the `i`th file at `path` is the published one.
    pub(super) fn is_published(&self, i: usize, path: &Path, cache: Option<&Path>) -> bool {
        cached_hash(cache, path, KINDS[i]).is_ok_and(|content| content == self.files[i].content)
    }

    /// The first folder that holds all files.
    fn folder(&self, folders: &Folders) -> Option<PathBuf> {
        self.folders(folders).into_iter().find(|folder| (0..4).all(|i| self.locate(folder, i).is_some()))
    }

    /// Finds the files, reads their headers and hashes their content; with warnings about content that is not the
    /// published one.
    fn open_files(&self, folders: &Folders) -> Result<([StoredFile; 4], Vec<String>)> {
        let folder = self.folder(folders).ok_or_else(|| self.missing(folders))?;
        let open = |i: usize| {
            let path = self.locate(&folder, i).ok_or_else(|| self.missing(folders))?;
            let (kind, count) = (KINDS[i], idx::header(&path, KINDS[i])?.count);
            Ok(StoredFile { content: cached_hash(folders.digest_cache(), &path, kind)?, path, kind, count })
        };
        let files = [open(0)?, open(1)?, open(2)?, open(3)?];
        for [images, labels] in files.as_chunks().0 {
            if images.count != labels.count {
                return Err(wrong(
                    &labels.path,
                    format!("{} labels, as many as images in {}", images.count, images.path.display()),
                    labels.count.to_string(),
                ));
            }
        }
        let differs = files.iter().zip(&self.files).filter(|(file, published)| file.content != published.content);
        let warnings = differs.map(|(file, _)| {
            let path = file.path.display();
            format!("{path} is not the published file of {}: results will differ from those of others", self.name)
        });
        let warnings = warnings.collect();
        Ok((files, warnings))
    }

    fn missing(&self, folders: &Folders) -> Error {
        let name = &self.name;
        // Folders of other programs are no place to look for, unless they are there.
        let own = |folder: &PathBuf| folder.ends_with(name) || folder.is_dir();
        let places = self.folders(folders).into_iter().filter(own).map(|folder| {
            let absent = (0..4).filter(|&i| self.locate(&folder, i).is_none());
            let absent: Vec<&str> = absent.map(|i| self.files[i].name.as_str()).collect();
            match absent.len() {
                4 => folder.display().to_string(),
                _ => format!("{} (without {})", folder.display(), absent.join(", ")),
            }
        });
        let places = places.collect::<Vec<_>>().join(", ");
        let looked =
            if places.is_empty() { "there is no folder to look in".into() } else { format!("looked in {places}") };
        Error::new(format!("the files of {name} are not here: {looked}"))
            .hint(format!("fetch them with `entroscope data get {name}`"))
            .hint(format!("or say where they are with `--data-dir DIR`, if they are in DIR/{name}"))
    }
}

/// The hash of a set's `i`th file, read to its end now.
pub(super) fn hash(i: usize, path: &Path) -> Result<String> {
    idx::read(path, KINDS[i], |_| ()).map(|(_, content)| content)
}

fn cached_hash(cache: Option<&Path>, path: &Path, kind: IdxKind) -> Result<String> {
    digest_cache::content_hash(cache, path, || idx::read(path, kind, |_| ()).map(|(_, content)| content))
}

impl CatalogueEntry for IdxSet {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> &str {
        &self.about
    }

    fn options(&self) -> &'static [&'static str] {
        &["size"]
    }

    /// A folder of its own name; or that of torchvision, within whose `root` the files are.
    fn folders(&self, folders: &Folders) -> Vec<PathBuf> {
        let torchvision = match self.name.as_str() {
            "mnist" => "MNIST/raw",
            "fashion-mnist" => "FashionMNIST/raw",
            _ => "",
        };
        let names = [self.name.as_str(), torchvision].into_iter().filter(|name| !name.is_empty());
        names.flat_map(|name| folders.candidates().iter().map(move |folder| folder.join(name))).collect()
    }

    fn open(&self, options: &DatasetOptions, folders: &Folders) -> Result<Opened> {
        let side = downsample::check(&self.name, SIDE, options.size)?;
        let (files, warnings) = self.open_files(folders)?;
        let cache = folders.digest_cache().map(Path::to_owned);
        Ok(Opened { source: Box::new(IdxSource { files, side, cache }), warnings })
    }

    fn download_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn availability(&self, folders: &Folders) -> Availability {
        IdxSet::availability(self, folders)
    }

    fn download(&self) -> Result<&IdxSet> {
        Ok(self)
    }
}

/// The opened files.
#[derive(Debug)]
struct IdxSource {
    files: [StoredFile; 4],
    /// Pixels on a side of a sample.
    side: usize,
    cache: Option<PathBuf>,
}

#[derive(Debug)]
struct StoredFile {
    path: PathBuf,
    kind: IdxKind,
    count: usize,
    /// BLAKE3 of the raw content when it was opened.
    content: String,
}

impl IdxSource {
    /// The images and the labels of a part.
    fn pair(&self, part: DatasetPart) -> &[StoredFile; 2] {
        &self.files.as_chunks().0[part as usize]
    }

    /// A file's body.
    ///
    /// # Errors
    /// It cannot be read, or its content is not the one in the fingerprints any more.
    fn read(&self, file: &StoredFile) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let (header, content) = idx::read(&file.path, file.kind, |bytes| body.extend_from_slice(bytes))?;
        // The header was read before the content was hashed: the file may have been replaced between the two.
        if content == file.content && header.count == file.count {
            return Ok(body);
        }
        Err(digest_cache::changed(self.cache.as_deref(), &file.path))
    }
}

impl SampleSource for IdxSource {
    fn counts(&self) -> [usize; 2] {
        [self.files[0].count, self.files[2].count]
    }

    fn shape(&self) -> [usize; 3] {
        [1, self.side, self.side]
    }

    fn classes(&self) -> usize {
        CLASSES
    }

    fn labels(&self, part: DatasetPart) -> Result<Vec<Option<u32>>> {
        let file = &self.pair(part)[1];
        let labels = self.read(file)?;
        match labels.iter().position(|&label| usize::from(label) >= CLASSES) {
            Some(i) => {
                Err(wrong(&file.path, format!("labels from 0 to {}", CLASSES - 1), format!("{} at {i}", labels[i])))
            }
            None => Ok(labels.into_iter().map(|label| Some(label.into())).collect()),
        }
    }

    fn pixels(&self, part: DatasetPart, indices: &[usize]) -> Result<Vec<f32>> {
        let images = self.read(&self.pair(part)[0])?;
        fill_samples(indices, self.side * self.side, |i, out| {
            downsample::average(&images[i * SIDE * SIDE..][..SIDE * SIDE], SIDE, self.side, out);
            Ok(())
        })
    }

    fn content(&self, part: DatasetPart) -> Value {
        let [images, labels] = self.pair(part);
        json!({ "files": { "images": images.content, "labels": labels.content }, "reader": idx::READER })
    }
}
