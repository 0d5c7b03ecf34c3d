//! Data sets: what a script may ask for, what files may be wrong, and downloads from a real server on loopback.

mod cifar;
mod downloads;
pub mod errors;
mod formats;

use super::reference;
use std::io::Write;
use std::path::{Path, PathBuf};

use entroscope::Result;
use entroscope::data::{
    Availability, Dataset, DatasetOptions, DownloadProgress, Folders, IdxSet, PublishedFile, Samples, get, list,
};
use errors::assert_says;

const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

fn nowhere() -> Folders {
    Folders::at(Vec::new(), None)
}

fn open(name: &str, options: DatasetOptions) -> Result<Dataset> {
    Dataset::open(name, &options, &nowhere())
}

fn glyphs() -> Dataset {
    open("glyphs", DatasetOptions::default()).unwrap()
}

mod names {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_and_suggests() {
        let error = [
            "there is no data set \"minst\"",
            "glyphs, noise, mnist, fashion-mnist, kmnist, emnist, cifar-10, cifar-100",
            "did you mean \"mnist\"?",
        ];
        assert_says(open("minst", DatasetOptions::default()), &error);
        assert_says(open("glyph", DatasetOptions::default()), &["did you mean \"glyphs\"?"]);
        assert!(open("zzz", DatasetOptions::default()).unwrap_err().hints.is_empty());
    }

    #[test]
    fn missing_files_name_the_folders_and_the_ways_out() {
        let [a, b] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        std::fs::create_dir(b.path().join("mnist")).unwrap();
        std::fs::write(b.path().join("mnist").join(NAMES[0]), "").unwrap();
        let folders = Folders::at(vec![a.path().into(), b.path().into()], None);
        let a = a.path().join("mnist").display().to_string();
        let lacks = format!("{} (without {})", b.path().join("mnist").display(), NAMES[1..].join(", "));
        let error = Dataset::open("mnist", &DatasetOptions::default(), &folders);
        assert_says(error, &[&a, &lacks, "entroscope data get mnist", "--data-dir DIR"]);
    }

    #[test]
    fn options_are_checked() {
        let options = DatasetOptions::default();
        assert_says(open("mnist", DatasetOptions { train: Some(5), ..options }), &["`train`", "generated", "take("]);
        assert_says(open("mnist", DatasetOptions { seed: Some(5), ..options }), &["`seed`", "shuffle"]);
        assert_says(
            open("glyphs", DatasetOptions { size: Some(9), ..options }),
            &["28×28 to 9×9", "14, 7, 4, 2 and 1"],
        );
        assert_says(open("glyphs", DatasetOptions { size: Some(0), ..options }), &["0×0"]);
        assert_says(
            open("cifar-10", DatasetOptions { size: Some(7), ..options }),
            &["32×32 to 7×7", "32, 16, 8, 4, 2 and 1"],
        );
        assert_says(open("cifar-10", DatasetOptions { train: Some(5), ..options }), &["`train`", "cifar-10 is what"]);
        assert_says(
            open("mnist", DatasetOptions { grey: Some(true), ..options }),
            &["`grey` is an option of cifar-10, cifar-100; mnist has one channel"],
        );
        assert_says(open("minst", DatasetOptions { grey: Some(true), ..options }), &["did you mean"]);
        assert_says(open("noise", DatasetOptions { size: Some(0), ..options }), &["1 to 1024"]);
        assert_says(open("glyphs", DatasetOptions { test: Some(0), ..options }), &["0 samples"]);
        assert_says(open("glyphs", DatasetOptions { train: Some(1 << 30), ..options }), &["1073741824 samples"]);
    }

    #[test]
    fn folders_are_looked_at_in_order_and_once() {
        let folders = Folders::at(vec!["a".into(), "b".into(), "a".into()], None);
        assert_eq!(folders.candidates(), [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(folders.download_dir().unwrap(), Path::new("a"));
        assert_eq!(Folders::new(Some("flag".into())).candidates()[0], Path::new("flag"));
        assert_says(nowhere().download_dir().map(drop), &["--data-dir", "ENTROSCOPE_DATA"]);
    }

    #[test]
    fn status_covers_every_name() {
        let all = list(&nowhere());
        let found: Vec<_> = all.iter().map(|s| (s.name.as_str(), s.availability.clone())).collect();
        let expected = [
            ("glyphs", Availability::Generated),
            ("noise", Availability::Generated),
            ("mnist", Availability::Missing),
            ("fashion-mnist", Availability::Missing),
            ("kmnist", Availability::Missing),
            ("emnist", Availability::Missing),
            ("cifar-10", Availability::Missing),
            ("cifar-100", Availability::Missing),
        ];
        assert_eq!(found, expected);
        assert_eq!(all[2].bytes, 11_594_722);
    }
}

mod splits {
    use super::*;

    #[test]
    fn selections_say_and_hold_what_was_asked_for() {
        let data = glyphs();
        let fives = data.test().of_class(5).unwrap().take(7).unwrap();
        assert_eq!(fives.to_string(), "dataset(\"glyphs\").test.of_class(5).take(7)");
        assert_eq!((fives.len(), fives.shape(), fives.classes()), (7, [1, 28, 28], 10));
        assert_eq!(fives.samples().unwrap().labels, [5; 7]);
        assert_eq!(data.train().len() + data.test().skip(100).unwrap().len(), 69_900);
        let all = data.test().take(50).unwrap().samples().unwrap();
        let tail = data.test().skip(20).unwrap().take(30).unwrap().samples().unwrap();
        assert_eq!(tail.pixels, all.pixels[20 * 784..]);
        assert_eq!(tail.labels, all.labels[20..]);
    }

    #[test]
    fn a_shuffle_changes_the_order_and_nothing_else() {
        let plain = glyphs().test().take(100).unwrap();
        let shuffled = plain.shuffle(1).samples().unwrap();
        let plain_samples = plain.samples().unwrap();
        let sorted = |samples: &Samples| {
            let mut images: Vec<_> = samples.pixels.chunks(784).map(|image| format!("{image:?}")).collect();
            images.sort();
            images
        };
        assert_ne!(shuffled, plain_samples);
        assert_eq!(sorted(&shuffled), sorted(&plain_samples));
        assert_eq!(shuffled, plain.shuffle(1).samples().unwrap());
        assert_ne!(plain.shuffle(1), plain.shuffle(2));
    }

    #[test]
    fn impossible_selections_name_the_numbers() {
        let test = glyphs().test();
        assert_says(test.take(10_001), &["has 10000 samples", "cannot take 10001", "take at most 10000"]);
        assert_says(test.take(0), &["take(0)"]);
        assert_says(test.skip(10_000), &["leaves none of its 10000 samples"]);
        assert_says(test.skip(10_001), &["skip at most 9999"]);
        assert_says(test.of_class(10), &["no class 10", "0 to 9"]);
        let ones = test.of_class(1).unwrap();
        assert_says(ones.of_class(2), &["none of the 1000 samples", "of class 2"]);
    }

    #[test]
    fn samples_name_themselves_and_their_seed() {
        let drawn = open("glyphs", DatasetOptions { seed: Some(3), ..DatasetOptions::default() }).unwrap();
        let few = drawn.test().take(5).unwrap();
        for provenance in [few.provenance(), entroscope::data::samples(&few).provenance().clone()] {
            assert_eq!(provenance.data, ["dataset(\"glyphs\").test.take(5)"]);
            assert_eq!(provenance.seeds, [3]);
        }
    }

    #[test]
    fn equal_samples_have_equal_descriptions() {
        let options = |train| DatasetOptions { train: Some(train), ..Default::default() };
        let [few, many] = [6_000, 60_000].map(|train| open("glyphs", options(train)).unwrap().train());
        assert_eq!(few.take(100).unwrap().description(), many.take(100).unwrap().description());
        let threes = |split: &entroscope::data::Split| split.of_class(3).unwrap().take(9).unwrap();
        assert_eq!(threes(&few), threes(&many));
        assert_ne!(few, many);
        assert_ne!(few.shuffle(1).take(10).unwrap(), many.shuffle(1).take(10).unwrap(), "the count matters here");
        assert_eq!(many.take(60_000).unwrap(), many);
        assert_eq!(many.skip(5).unwrap().skip(5).unwrap().take(5).unwrap(), many.take(15).unwrap().skip(10).unwrap());
        assert_ne!(many.take(10).unwrap().shuffle(1), many.shuffle(1).take(10).unwrap());
        assert_ne!(many.take(10).unwrap(), glyphs().test().take(10).unwrap());
        let seeded = open("glyphs", DatasetOptions { seed: Some(1), ..Default::default() }).unwrap();
        assert_ne!(seeded.test(), glyphs().test());
        assert_eq!(serde_json::to_value(&few).unwrap(), few.description());
    }
}

mod generated {
    use super::*;

    #[test]
    fn glyphs_are_balanced_and_inked_like_mnist() {
        let samples = glyphs().train().take(2_000).unwrap().samples().unwrap();
        assert_eq!(samples.shape, [1, 28, 28]);
        let images: Vec<_> = samples.pixels.chunks(784).collect();
        assert!(images.iter().all(|image| image.iter().copied().fold(0.0, f32::max) == 1.0 && image[0] == 0.0));
        (0..10).for_each(|class| assert_eq!(samples.labels.iter().filter(|&&label| label == class).count(), 200));
        let (mean, deviation) = moments(&samples);
        let ink = samples.pixels.iter().filter(|&&pixel| pixel > 0.0).count() as f64 / samples.pixels.len() as f64;
        // MNIST's training images: 0.1307, 0.3081 and 0.191.
        assert!((mean - 0.1307).abs() < 0.01 && (deviation - 0.3081).abs() < 0.01 && (ink - 0.191).abs() < 0.01);
    }

    #[test]
    fn the_nearest_neighbour_knows_a_glyph() {
        use rayon::prelude::*;
        let train = glyphs().train().take(5_000).unwrap().samples().unwrap();
        let test = glyphs().test().take(1_000).unwrap().samples().unwrap();
        let nearest = |image: &[f32]| {
            let distance = |other: &[f32]| image.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
            let all = train.pixels.chunks(784).map(distance).zip(&train.labels);
            all.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, label)| *label)
        };
        let right =
            test.pixels.par_chunks(784).zip(&test.labels).filter(|(image, label)| nearest(image) == Some(**label));
        let right = right.count();
        println!("1-nearest-neighbour: {right} of 1000");
        assert!(right > 950, "{right} of 1000");
    }

    #[test]
    fn a_glyph_is_the_same_everywhere() {
        // Another hash is another generator: give it another version.
        let samples = glyphs().train().take(200).unwrap().samples().unwrap();
        let bytes: Vec<u8> = samples.pixels.iter().map(|pixel| (pixel * 255.0).round() as u8).collect();
        assert_eq!(blake3::hash(&bytes).to_hex()[..16], *"bdc60e2b954ec85e");
    }

    #[test]
    fn a_smaller_image_is_the_average_of_boxes() {
        let small = |size| {
            let data = open("glyphs", DatasetOptions { size: Some(size), ..Default::default() }).unwrap();
            data.test().take(3).unwrap().samples().unwrap()
        };
        let (full, quarter) = (small(28), small(7));
        assert_eq!((quarter.shape.as_slice(), quarter.pixels.len()), ([1, 7, 7].as_slice(), 3 * 49));
        let by_hand = |image: usize, y: usize, x: usize| {
            let pixel = |i: usize| full.pixels[image * 784 + (4 * y + i / 4) * 28 + 4 * x + i % 4];
            (0..16).map(|i| f64::from(pixel(i))).sum::<f64>() / 16.0
        };
        for (i, &pixel) in quarter.pixels.iter().enumerate() {
            assert!((f64::from(pixel) - by_hand(i / 49, i % 49 / 7, i % 7)).abs() < 1e-6);
        }
    }

    #[test]
    fn noise_is_uniform_and_of_any_size() {
        let data = open("noise", DatasetOptions { size: Some(33), ..Default::default() }).unwrap();
        let samples = data.test().take(500).unwrap().samples().unwrap();
        assert_eq!(data.shape(), [1, 33, 33]);
        assert!(samples.pixels.iter().all(|pixel| (0.0..1.0).contains(pixel)));
        let (mean, deviation) = moments(&samples);
        // Four standard errors of 544,500 uniform numbers.
        assert!((mean - 0.5).abs() < 0.0016 && (deviation - 12f64.sqrt().recip()).abs() < 0.001, "{mean} {deviation}");
        assert!((0..10).all(|class| samples.labels.contains(&class)));
        let few = open("noise", DatasetOptions { size: Some(33), test: Some(2), ..Default::default() }).unwrap();
        assert_eq!(few.test().samples().unwrap().pixels, samples.pixels[..2 * 33 * 33]);
    }
}

fn moments(samples: &Samples) -> (f64, f64) {
    let n = samples.pixels.len() as f64;
    let mean = samples.pixels.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / n;
    let variance = samples.pixels.iter().map(|&pixel| (f64::from(pixel) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// IDX files of three and two images, and the catalogue entry that they match.
fn fake() -> (IdxSet, [Vec<u8>; 4]) {
    let images = |count: u8| {
        let header = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28];
        let body = (0..usize::from(count) * 784).map(|i| (i * i % 251) as u8);
        header.into_iter().chain(body).collect::<Vec<u8>>()
    };
    let labels = |labels: &[u8]| [&[0, 0, 8, 1, 0, 0, 0, labels.len() as u8], labels].concat();
    let raw = [images(3), labels(&[7, 0, 9]), images(2), labels(&[1, 2])];
    let files = [0, 1, 2, 3].map(|i| PublishedFile {
        name: NAMES[i].into(),
        bytes: gzip(&raw[i]).len() as u64,
        content: blake3::hash(&raw[i]).to_hex().to_string(),
    });
    (IdxSet { name: "fake".into(), about: "a test".into(), url: String::new(), files }, raw)
}

fn gzip(raw: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(raw).unwrap();
    encoder.finish().unwrap()
}

mod files {
    use super::*;

    /// A data folder with the fake files, after a change to them; `.gz` in a name compresses.
    struct Place(tempfile::TempDir, IdxSet);

    impl Place {
        fn new(suffix: &str) -> Self {
            let (entry, raw) = fake();
            let place = Self(tempfile::tempdir().unwrap(), entry);
            std::fs::create_dir(place.0.path().join("fake")).unwrap();
            for (name, raw) in NAMES.iter().zip(&raw) {
                let bytes = if suffix == ".gz" { gzip(raw) } else { raw.clone() };
                std::fs::write(place.file(&format!("{name}{suffix}")), bytes).unwrap();
            }
            place
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.path().join("fake").join(name)
        }

        fn folders(&self) -> Folders {
            Folders::at(vec![self.0.path().into()], Some(self.0.path().join("cache/content.json")))
        }

        fn open(&self) -> Result<Dataset> {
            Dataset::open_idx(&self.1, &DatasetOptions::default(), &self.folders())
        }

        /// Rewrites a file's bytes.
        fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
            let mut bytes = std::fs::read(self.file(name)).unwrap();
            change(&mut bytes);
            std::fs::write(self.file(name), bytes).unwrap();
        }
    }

    #[test]
    fn raw_and_gzipped_files_are_the_same_data() {
        let [raw, gz] = ["", ".gz"].map(|suffix| Place::new(suffix).open_and_read());
        assert_eq!(raw, gz);
        let (train, test, _) = raw;
        assert_eq!((train.labels, test.labels), (vec![7, 0, 9], vec![1, 2]));
        assert_eq!(train.shape, [1, 28, 28]);
        assert!((0..3 * 784).all(|i| train.pixels[i] == (i * i % 251) as f32 / 255.0));
    }

    impl Place {
        fn open_and_read(&self) -> (Samples, Samples, serde_json::Value) {
            let data = self.open().unwrap();
            assert_eq!(data.warnings(), [""; 0]);
            assert_eq!(self.1.availability(&self.folders()), Availability::Verified(self.0.path().join("fake")));
            (data.train().samples().unwrap(), data.test().samples().unwrap(), data.train().description())
        }
    }

    #[test]
    fn damaged_files_are_named_with_what_was_expected_and_found() {
        let broken = |suffix: &str, name: &str, change: &dyn Fn(&mut Vec<u8>), words: &[&str]| {
            let place = Place::new(suffix);
            place.change(name, change);
            let read = place.open().and_then(|data| data.train().samples());
            assert_says(read, &[&[&*place.file(name).display().to_string(), "entroscope data get"], words].concat());
        };
        let (images, labels) = (NAMES[0], NAMES[1]);
        broken("", images, &|b| b.truncate(2000), &["expected 2352 bytes of images", "ends after 1984"]);
        broken("", images, &|b| b.push(0), &["goes on past 2352"]);
        broken("", images, &|b| b.truncate(9), &["header of 16 bytes", "9 bytes"]);
        broken("", images, &|b| b.clear(), &["begin with 00000803", "0 bytes"]);
        broken("", images, &|b| b[3] = 1, &["begin with 00000803", "found 00000801"]);
        broken("", images, &|b| b[11] = 32, &["28×28 pixels", "found 32×28"]);
        broken("", images, &|b| b[4] = 255, &["1 to 1000000 samples", "4278190083"]);
        broken("", labels, &|b| b[9] = 10, &["labels from 0 to 9", "found 10 at 1"]);
        broken("", labels, &|b| (b[7] = 2, b.truncate(10)).1, &["3 labels, as many as images", "found 2"]);
        let gz = format!("{images}.gz");
        broken(".gz", &gz, &|b| b.truncate(b.len() / 2), &["gzip stream ends early"]);
        broken(".gz", &gz, &|b| b.truncate(b.len() - 4), &["gzip stream ends early"]);
        broken(".gz", &gz, &|b| *b = b"<html>not found</html>".to_vec(), &["begin with 00000803", "a web page"]);
        broken("", images, &|b| *b = b"version https://git-lfs.github.com/spec/v1".to_vec(), &["a Git LFS pointer"]);
        // The checksum at the end of a gzip stream.
        broken(".gz", &gz, &|b| (b.len() - 8..b.len() - 4).for_each(|i| b[i] ^= 1), &["intact gzip file"]);
    }

    #[test]
    fn other_content_is_used_and_reported() {
        let place = Place::new("");
        let published = place.open().unwrap();
        place.change(NAMES[2], |bytes| bytes[500] ^= 1);
        let data = place.open().unwrap();
        assert_eq!(data.warnings().len(), 1);
        assert!(data.warnings()[0].contains(NAMES[2]) && data.warnings()[0].contains("not the published file"));
        assert_ne!(data.test(), published.test());
        assert_eq!(data.train(), published.train(), "the other part is what it was");
        data.test().samples().unwrap();
        assert!(matches!(place.1.availability(&place.folders()), Availability::Different(..)));
        assert_says(published.test().samples(), &[NAMES[2], "has changed since it was opened"]);
    }

    #[test]
    fn content_is_hashed_once_and_checked_when_read() {
        let place = Place::new(".gz");
        let (memory, known) = (place.0.path().join("cache/content.json"), place.1.files[0].content.clone());
        // A file that was written just now may be written again at the same time.
        std::thread::sleep(std::time::Duration::from_millis(2100));
        place.open().unwrap();
        let remembered = std::fs::read_to_string(&memory).unwrap();
        assert!(remembered.contains(&known));
        // A memory that lies is believed by `open`, found out by whoever reads, and forgotten.
        std::fs::write(&memory, remembered.replace(&known, &"0".repeat(64))).unwrap();
        let misled = place.open().unwrap();
        assert_eq!(misled.warnings().len(), 1);
        assert_says(misled.train().samples(), &["has changed", "run again"]);
        assert_eq!(place.open().unwrap().warnings(), [""; 0]);
    }

    /// Nix, reproducible archives and images of containers give all files one time; `cp -p` and `rsync -t` keep times.
    #[test]
    fn a_file_that_is_replaced_by_another_of_its_length_and_time_is_another() {
        let place = Place::new("");
        for seconds in [1, 1_000_000_000] {
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            let set = || {
                let file = std::fs::File::options().append(true).open(place.file(NAMES[0])).unwrap();
                file.set_modified(time).unwrap();
            };
            set();
            // As long as nobody can tell from its times that it is young.
            std::thread::sleep(std::time::Duration::from_millis(2100));
            let first = place.open().unwrap().train().description();
            assert_eq!(place.open().unwrap().train().description(), first);
            place.change(NAMES[0], |bytes| bytes[500] ^= 1);
            set();
            let second = place.open().unwrap();
            assert_ne!(second.train().description(), first, "{seconds}");
            second.train().samples().unwrap();
        }
    }

    #[test]
    fn files_are_found_under_the_names_of_others() {
        let place = Place::new("");
        let samples = place.open().unwrap().train().samples().unwrap();
        let raw: Vec<Vec<u8>> = NAMES.iter().map(|name| std::fs::read(place.file(name)).unwrap()).collect();
        // A dot for a hyphen; gzipped without saying so, and the other way round.
        for (i, name) in NAMES.iter().enumerate() {
            std::fs::remove_file(place.file(name)).unwrap();
            let (name, bytes) = match i {
                0 => (name.replace("-idx", ".idx"), raw[i].clone()),
                1 => (name.replace("-idx", ".idx") + ".gz", gzip(&raw[i])),
                2 => ((*name).to_owned(), gzip(&raw[i])),
                _ => (format!("{name}.gz"), raw[i].clone()),
            };
            std::fs::write(place.file(&name), bytes).unwrap();
        }
        assert_eq!(place.open().unwrap().train().samples().unwrap(), samples);
        // Where torchvision keeps them.
        let torchvision = Place::new("");
        std::fs::create_dir(torchvision.0.path().join("MNIST")).unwrap();
        std::fs::rename(torchvision.0.path().join("fake"), torchvision.0.path().join("MNIST/raw")).unwrap();
        let set = IdxSet { name: "mnist".into(), ..torchvision.1.clone() };
        let data = Dataset::open_idx(&set, &DatasetOptions::default(), &torchvision.folders()).unwrap();
        assert_eq!(data.train().samples().unwrap(), samples);
    }

    #[test]
    fn no_memory_is_no_obstacle() {
        let place = Place::new("");
        let folder = vec![place.0.path().to_path_buf()];
        let impossible = place.file(NAMES[0]).join("content.json");
        for memory in [None, Some(impossible), Some(place.file(NAMES[1]))] {
            let folders = Folders::at(folder.clone(), memory.filter(|path| !path.ends_with(NAMES[1])));
            Dataset::open_idx(&place.1, &DatasetOptions::default(), &folders).unwrap().test().samples().unwrap();
        }
        std::fs::create_dir(place.0.path().join("cache")).unwrap();
        std::fs::write(place.0.path().join("cache/content.json"), "{ nonsense").unwrap();
        place.open().unwrap();
    }

    #[test]
    fn the_first_complete_folder_counts() {
        let (half, whole) = (Place::new(""), Place::new(""));
        std::fs::remove_file(half.file(NAMES[3])).unwrap();
        let folders = Folders::at(vec![half.0.path().into(), whole.0.path().into()], None);
        assert_eq!(whole.1.availability(&folders), Availability::Verified(whole.0.path().join("fake")));
    }
}

/// A published set from `../shared/data`; the test is skipped where it is absent.
#[track_caller]
fn published(name: &str) -> Option<Dataset> {
    let folder = reference::shared(&format!("data/{name}"))?;
    let memory = tempfile::tempdir().unwrap();
    let folders = Folders::at(vec![folder.parent().unwrap().into()], Some(memory.path().join("content.json")));
    Some(Dataset::open(name, &DatasetOptions::default(), &folders).unwrap())
}

mod published {
    use super::*;

    fn of_60_000(name: &str) -> Option<Dataset> {
        let data = published(name)?;
        assert_eq!(data.warnings(), [""; 0]);
        assert_eq!((data.train().len(), data.test().len()), (60_000, 10_000));
        Some(data)
    }

    #[test]
    fn mnist_is_mnist() {
        let Some(data) = of_60_000("mnist") else { return };
        let samples = data.train().samples().unwrap();
        // The mean and standard deviation that every tutorial normalises by.
        let (mean, deviation) = moments(&samples);
        assert!((mean - 0.1307).abs() < 5e-5 && (deviation - 0.3081).abs() < 5e-5, "{mean} {deviation}");
        assert_eq!(samples.labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        let counts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|class| data.test().of_class(class).unwrap().len());
        assert_eq!(counts, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    }

    #[test]
    fn fashion_mnist_is_fashion_mnist() {
        let Some(data) = of_60_000("fashion-mnist") else { return };
        let samples = data.train().samples().unwrap();
        let (mean, deviation) = moments(&samples);
        assert!((mean - 0.2860).abs() < 5e-5 && (deviation - 0.3530).abs() < 5e-5, "{mean} {deviation}");
        assert_eq!(samples.labels[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
        assert!((0..10).all(|class| data.test().of_class(class).unwrap().len() == 1000));
    }
}
