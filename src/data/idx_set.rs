//! MNIST and its like: four files in the IDX format, of 28×28 images and their labels. Published sets are known by their
//! hashes; files of other content are used with a warning.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::idx::{self, IdxKind, wrong};
use super::source::{Availability, CatalogueEntry, DatasetOptions, Opened, SampleSource, fill_samples};
use super::{DatasetPart, Folders, downsample, emnist, search};
use crate::files::digest_cache;
use crate::words::counted;
use crate::{Error, Result};

/// Pixels on a side of a stored image.
const SIDE: usize = 28;
/// What each of the four files holds, in their order.
const KINDS: [IdxKind; 4] =
    [IdxKind::Images(SIDE, SIDE), IdxKind::Labels, IdxKind::Images(SIDE, SIDE), IdxKind::Labels];

/// Kuzushiji characters, as they are read.
const KUZUSHIJI: [&str; 10] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];
const CLOTHING: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
/// Files of more samples are not hashed to find out whether they are a published set's.
const MOST_HASHED: usize = 100_000;

/// How the bytes of a set's files are meant.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) classes: usize,
    pub(super) class_names: Vec<String>,
    /// Whether images are stored column by column, as EMNIST's are.
    pub(super) is_transposed: bool,
    /// The label of the first class.
    pub(super) first_label: usize,
}

/// A data set of four IDX files: training images, training labels, test images, test labels, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdxSet {
    /// What scripts call it, and the subfolder of its files.
    pub name: String,
    /// What it is, in one line.
    pub about: String,
    /// Address of the folder that its files are fetched from; ends with `/`. Empty if they are fetched by hand.
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
    /// BLAKE3 of the raw content, as hex; empty if it is not known.
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

/// Old Japanese characters, whose files have MNIST's names.
pub(super) fn kmnist() -> IdxSet {
    let about = "old Japanese characters, 60,000 and 10,000 of 28×28 (Clanuwat and others)";
    published("kmnist", about, "", [(0, ""); 4])
}

/// A set whose files have MNIST's names.
pub(super) fn published(name: &str, about: &str, url: &str, sums: [(u64, &str); 4]) -> IdxSet {
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
            Ok((_, warnings)) if self.files.iter().any(|file| file.content.is_empty()) => {
                Availability::Present(folder, warnings)
            }
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
        let wanted = &self.files[i].content;
        !wanted.is_empty() && cached_hash(cache, path, KINDS[i]).is_ok_and(|content| content == *wanted)
    }

    /// The folder of its files: of the first, where they are apart.
    pub(super) fn folder(&self, folders: &Folders) -> Option<PathBuf> {
        self.find(folders).and_then(|[first, ..]| Some(first.parent()?.to_owned()))
    }

    /// Its files by their names in the folders of the set; or by content, wherever they lie.
    fn find(&self, folders: &Folders) -> Option<[PathBuf; 4]> {
        let by_name = |folder: PathBuf| {
            let all: Option<Vec<PathBuf>> = (0..4).map(|i| self.locate(&folder, i)).collect();
            all?.try_into().ok()
        };
        self.folders(folders).into_iter().find_map(by_name).or_else(|| self.by_content(folders))
    }

    /// The published files by their hashes; or the files in a folder that is called like the set.
    fn by_content(&self, folders: &Folders) -> Option<[PathBuf; 4]> {
        let found = idx_files(folders);
        let cache = folders.digest_cache();
        let published = |i: usize| {
            let is_like = |(path, kind, count): &&(PathBuf, IdxKind, usize)| {
                *kind == KINDS[i] && *count <= MOST_HASHED && self.is_published(i, path, cache)
            };
            found.iter().find(is_like).map(|(path, ..)| path.clone())
        };
        let all: Option<Vec<PathBuf>> = (0..4).map(published).collect();
        if let Some(all) = all {
            return all.try_into().ok();
        }
        // Whether its words name the set's own part: the sets of EMNIST lie side by side.
        let part = self.files[0].name.strip_suffix("train-images-idx3-ubyte").unwrap_or_default();
        let is_own = |path: &Path| {
            let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
            // One of the sets of EMNIST is called "mnist".
            let name = name.replace("emnist", "");
            search::is_below(path, &self.name, folders)
                && name.contains(part.trim_matches('-').trim_start_matches("emnist-"))
        };
        let own: Vec<_> = found.iter().filter(|(path, ..)| is_own(path)).collect();
        let role = |i: usize| {
            let mut of_kind = own
                .iter()
                .filter(|(path, kind, _)| *kind == KINDS[i] && search::is_test(path, folders) == Some(i >= 2));
            // Two of one kind and part are no set.
            of_kind.next().filter(|_| of_kind.next().is_none()).map(|(path, ..)| path.clone())
        };
        let all: Option<Vec<PathBuf>> = (0..4).map(role).collect();
        all?.try_into().ok()
    }

    /// How its bytes are meant.
    fn rules(&self) -> Rules {
        let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        if let Some(split) = self.files[0].name.strip_prefix("emnist-").and_then(|rest| rest.split('-').next()) {
            return emnist::rules(split);
        }
        let class_names = match self.name.as_str() {
            "kmnist" => named(&KUZUSHIJI),
            "fashion-mnist" => named(&CLOTHING),
            _ => Vec::new(),
        };
        Rules { classes: 10, class_names, is_transposed: false, first_label: 0 }
    }

    /// Finds the files, reads their headers and hashes their content; with warnings about content that is not the
    /// published one.
    pub(super) fn open_files(&self, folders: &Folders) -> Result<([StoredFile; 4], Vec<String>)> {
        let paths = self.find(folders).ok_or_else(|| self.missing(folders))?;
        let open = |i: usize| {
            let path = paths[i].clone();
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
        let differs = files
            .iter()
            .zip(&self.files)
            .filter(|(file, published)| !published.content.is_empty() && file.content != published.content);
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
        let names: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        let names = format!(
            "it would take {}, each also as .gz, in DIR/{name}; or IDX files by any name with `train` or `test` in it, in a folder \
             called {name} anywhere in DIR",
            names.join(", ")
        );
        let error = Error::new(format!("the files of {name} are not here: {looked}"));
        let error = match self.download() {
            Ok(_) => error.hint(format!("fetch them with `entroscope data get {name}`")),
            Err(by_hand) => by_hand.hints.into_iter().fold(error, Error::hint),
        };
        let error =
            error.hint(format!("or say where they are with `--data-dir DIR`, if they are in DIR/{name}")).hint(names);
        match seen(folders) {
            Some(seen) => error.hint(seen),
            None => error,
        }
    }
}

/// The IDX files below the data folders, with what each holds and how many of it.
fn idx_files(folders: &Folders) -> Vec<(PathBuf, IdxKind, usize)> {
    let peeked = |path: PathBuf| idx::peek(&path).map(|(kind, count)| (path, kind, count));
    search::files(folders).into_iter().filter_map(peeked).collect()
}

/// The first IDX files that were looked at and not taken, in words.
fn seen(folders: &Folders) -> Option<String> {
    let found = idx_files(folders);
    let word = |(path, kind, count): &(PathBuf, IdxKind, usize)| match kind {
        IdxKind::Images(rows, columns) => {
            format!("{} ({} of {rows}×{columns})", path.display(), counted(*count, "image"))
        }
        IdxKind::Labels => format!("{} ({})", path.display(), counted(*count, "label")),
    };
    let more = if found.len() > 4 { ", …" } else { "" };
    let words: Vec<String> = found.iter().take(4).map(word).collect();
    (!words.is_empty()).then(|| format!("IDX files that are there: {}{more}", words.join(", ")))
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
        let others: &[&str] = match self.name.as_str() {
            "mnist" => &["MNIST/raw"],
            "fashion-mnist" => &["FashionMNIST/raw"],
            "kmnist" => &["KMNIST/raw"],
            // As its archive unpacks.
            "emnist" => &["EMNIST/raw", "emnist/gzip", "gzip"],
            _ => &[],
        };
        let names = std::iter::once(self.name.as_str()).chain(others.iter().copied());
        names.flat_map(|name| folders.candidates().iter().map(move |folder| folder.join(name))).collect()
    }

    fn open(&self, options: &DatasetOptions, folders: &Folders) -> Result<Opened> {
        let side = downsample::check(&self.name, SIDE, options.size)?;
        let (files, warnings) = self.open_files(folders)?;
        let cache = folders.digest_cache().map(Path::to_owned);
        Ok(Opened { source: Box::new(IdxSource { files, rules: self.rules(), side, cache }), warnings })
    }

    fn download_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn availability(&self, folders: &Folders) -> Availability {
        IdxSet::availability(self, folders)
    }

    fn download(&self) -> Result<&IdxSet> {
        if !self.url.is_empty() {
            return Ok(self);
        }
        let name = &self.name;
        let from = match name.as_str() {
            "kmnist" => " from http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "emnist" => {
                " from https://www.nist.gov/itl/products-and-services/emnist-dataset, \"Binary format\", unpacked"
            }
            _ => "",
        };
        Err(Error::new(format!("{name} is fetched by hand"))
            .hint(format!("fetch its files{from}, into DIR/{name} for `--data-dir DIR`")))
    }
}

/// The opened files.
#[derive(Debug)]
struct IdxSource {
    files: [StoredFile; 4],
    rules: Rules,
    /// Pixels on a side of a sample.
    side: usize,
    cache: Option<PathBuf>,
}

#[derive(Debug)]
pub(super) struct StoredFile {
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
        self.rules.classes
    }

    fn class_names(&self) -> Vec<&str> {
        self.rules.class_names.iter().map(String::as_str).collect()
    }

    fn labels(&self, part: DatasetPart) -> Result<Vec<Option<u32>>> {
        let file = &self.pair(part)[1];
        let labels = self.read(file)?;
        let first = self.rules.first_label;
        let known = first..first + self.rules.classes;
        match labels.iter().position(|&label| !known.contains(&label.into())) {
            Some(i) => {
                let expected = format!("labels from {first} to {}", known.end - 1);
                Err(wrong(&file.path, expected, format!("{} at {i}", labels[i])))
            }
            None => Ok(labels.into_iter().map(|label| Some(u32::from(label) - first as u32)).collect()),
        }
    }

    fn pixels(&self, part: DatasetPart, indices: &[usize]) -> Result<Vec<f32>> {
        let images = self.read(&self.pair(part)[0])?;
        fill_samples(indices, self.side * self.side, |i, out| {
            downsample::average(&images[i * SIDE * SIDE..][..SIDE * SIDE], SIDE, self.side, out);
            if self.rules.is_transposed {
                transpose(out, self.side);
            }
            Ok(())
        })
    }

    fn content(&self, part: DatasetPart) -> Value {
        let [images, labels] = self.pair(part);
        let mut content =
            json!({ "files": { "images": images.content, "labels": labels.content }, "reader": idx::READER });
        if self.rules.is_transposed {
            content["transposed"] = json!({ "first_label": self.rules.first_label });
        }
        content
    }
}

/// Exchanges rows and columns of a square image.
fn transpose(image: &mut [f32], side: usize) {
    for y in 0..side {
        for x in 0..y {
            image.swap(y * side + x, x * side + y);
        }
    }
}
