//! KMNIST, EMNIST and CIFAR-100 in small files of their formats; IDX files and batches by any name; batches for Python.

use super::*;

struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, bytes) in files {
            let path = place.0.path().join("data").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        place
    }

    fn folders(&self) -> Folders {
        Folders::at(vec![self.0.path().join("data")], Some(self.0.path().join("content.json")))
    }

    fn open(&self, name: &str, options: DatasetOptions) -> Result<Dataset> {
        Dataset::open(name, &options, &self.folders())
    }
}

fn plain() -> DatasetOptions {
    DatasetOptions::default()
}

/// Pixel `y`, `x` of image `n` is `f(n, y, x)`.
fn images(count: u32, f: impl Fn(usize, usize, usize) -> usize) -> Vec<u8> {
    let header = [0x0803, count, 28, 28].into_iter().flat_map(u32::to_be_bytes);
    let pixels = (0..count as usize * 784).map(|i| f(i / 784, i % 784 / 28, i % 28) as u8);
    header.chain(pixels).collect()
}

fn labels(labels: &[u8]) -> Vec<u8> {
    [0x0801, labels.len() as u32].into_iter().flat_map(u32::to_be_bytes).chain(labels.iter().copied()).collect()
}

#[test]
fn emnist_is_upright_and_its_classes_are_named() {
    let name = |split: &str, part: &str| format!("gzip/emnist-{split}-{part}-ubyte.gz");
    // As stored: the column first, then the row.
    let stored = images(2, |n, x, y| 4 * y + x + n);
    let files = |split: &str, given: &[u8]| {
        [
            (name(split, "train-images-idx3"), gzip(&stored)),
            (name(split, "train-labels-idx1"), gzip(&labels(given))),
            (name(split, "test-images-idx3"), gzip(&stored)),
            (name(split, "test-labels-idx1"), gzip(&labels(given))),
        ]
    };
    let all = [files("balanced", &[46, 10]), files("letters", &[1, 26]), files("digits", &[3, 27])].concat();
    let place = Place::new(&all.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect::<Vec<_>>());
    let data = place.open("emnist", plain()).unwrap();
    assert_eq!((data.classes(), data.class_names()[46], data.class_names()[10]), (47, "t", "A"));
    let samples = data.train().samples().unwrap();
    assert_eq!(samples.labels, [46, 10]);
    let upright = |n: usize, y: usize, x: usize| (4 * y + x + n) as f32 / 255.0;
    assert!((0..2 * 784).all(|i| samples.pixels[i] == upright(i / 784, i % 784 / 28, i % 28)));
    let small = place.open("emnist", DatasetOptions { size: Some(14), ..plain() }).unwrap().test().samples().unwrap();
    assert!((small.pixels[14] - upright(0, 2, 0) - 2.5 / 255.0).abs() < 1e-6);
    let letters = place.open("emnist", DatasetOptions { split: Some("letters"), ..plain() }).unwrap();
    assert_eq!((letters.classes(), letters.class_names()[25]), (26, "z"));
    assert_eq!(letters.train().samples().unwrap().labels, [0, 25]);
    let digits = place.open("emnist", DatasetOptions { split: Some("digits"), ..plain() }).unwrap();
    assert_says(digits.train().labels(), &["labels from 0 to 9, found 27 at 1"]);
    // The same bytes without transposition are other data.
    let mnist = Place::new(&[
        ("mnist/train-images-idx3-ubyte", stored.clone()),
        ("mnist/train-labels-idx1-ubyte", labels(&[1, 2])),
        ("mnist/t10k-images-idx3-ubyte", stored.clone()),
        ("mnist/t10k-labels-idx1-ubyte", labels(&[1, 2])),
    ]);
    assert_ne!(mnist.open("mnist", plain()).unwrap().train(), digits.train());
    let found = list(&place.folders()).into_iter().find(|set| set.name == "emnist").unwrap().availability;
    let notes = vec!["only balanced, letters, digits".to_owned()];
    assert_eq!(found, Availability::Present(place.0.path().join("data/gzip"), notes));
    let missing = place.open("emnist", DatasetOptions { split: Some("byclass"), ..plain() });
    assert_says(missing, &["emnist-byclass-train-images-idx3-ubyte", "nist.gov", "--data-dir DIR"]);
    assert_says(
        place.open("mnist", DatasetOptions { split: Some("letters"), ..plain() }),
        &["`split` is an option of emnist"],
    );
}

#[test]
fn kmnist_is_found_in_its_own_files() {
    let place = Place::new(&[
        ("KMNIST/raw/train-images-idx3-ubyte", images(3, |n, y, x| n + y + x)),
        ("KMNIST/raw/train-labels-idx1-ubyte", labels(&[0, 9, 4])),
        ("KMNIST/raw/t10k-images-idx3-ubyte", images(1, |_, _, _| 9)),
        ("KMNIST/raw/t10k-labels-idx1-ubyte", labels(&[2])),
    ]);
    let data = place.open("kmnist", plain()).unwrap();
    assert_eq!((data.train().len(), data.class_names()[9]), (3, "wo"));
    assert_eq!(data.train().labels().unwrap(), [0, 9, 4]);
    assert!(data.warnings().is_empty());
    assert_says(entroscope::data::downloadable("kmnist"), &["fetched by hand", "codh.rois.ac.jp", "DIR/kmnist"]);
    assert_says(nowhere_has("kmnist"), &["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]);
}

fn nowhere_has(name: &str) -> Result<Dataset> {
    open(name, DatasetOptions::default())
}

/// Kaggle's archive has a folder for every file; others call them what they like.
#[test]
fn idx_files_are_known_by_their_content() {
    let raw =
        [images(3, |n, y, x| 7 * n + y + x), labels(&[0, 9, 4]), images(2, |n, y, x| n + 2 * y + x), labels(&[2, 1])];
    let usual = Place::new(&[
        ("kmnist/train-images-idx3-ubyte", raw[0].clone()),
        ("kmnist/train-labels-idx1-ubyte", raw[1].clone()),
        ("kmnist/t10k-images-idx3-ubyte", raw[2].clone()),
        ("kmnist/t10k-labels-idx1-ubyte", raw[3].clone()),
    ]);
    let same = |place: &Place| {
        let [a, b] = [place, &usual].map(|place| place.open("kmnist", plain()).unwrap());
        assert_eq!((a.train(), a.test()), (b.train(), b.test()));
    };
    same(&Place::new(&[
        ("KMNIST/train-images-idx3-ubyte/train-images-idx3-ubyte", raw[0].clone()),
        ("KMNIST/train-labels.idx1/train-labels.idx1", gzip(&raw[1])),
        ("KMNIST/a/t10k-images.bin", raw[2].clone()),
        ("KMNIST/a/t10k-labels", raw[3].clone()),
    ]));
    same(&Place::new(&[
        ("downloads/k-mnist/train/pictures.gz", gzip(&raw[0])),
        ("downloads/k-mnist/train/classes", raw[1].clone()),
        ("downloads/k-mnist/test/pictures", raw[2].clone()),
        ("downloads/k-mnist/test/classes", raw[3].clone()),
    ]));
    // The published files are known wherever they lie.
    let (set, raw) = fake();
    let place = Place::new(&[
        ("a.bin", raw[2].clone()),
        ("x/b", gzip(&raw[0])),
        ("x/c.txt", raw[1].clone()),
        ("x/y/z/d", raw[3].clone()),
        ("x/y/z/e", images(2, |_, _, _| 5)),
    ]);
    let data = Dataset::open_idx(&set, &plain(), &place.folders()).unwrap();
    assert_eq!(data.train().labels().unwrap(), [7, 0, 9]);
    assert!(data.warnings().is_empty());
    // What is there and not taken is said.
    let error = place.open("kmnist", plain());
    assert_says(error, &["kmnist are not here", "a.bin (2 images of 28×28)", "(3 labels)", "a folder called kmnist"]);
}

/// A picture's bytes, red, green and blue.
fn picture(seed: usize) -> Vec<u8> {
    (0..3 * 1024).map(|i| ((i * i / 7 + 31 * seed) % 256) as u8).collect()
}

fn batch(labels: &[&[u8]]) -> Vec<u8> {
    labels.iter().enumerate().flat_map(|(i, labels)| [labels.to_vec(), picture(i)].concat()).collect()
}

#[test]
fn cifar_100_has_classes_and_groups() {
    let train: [&[u8]; 3] = [&[11, 19], &[15, 29], &[4, 0]];
    let place = Place::new(&[
        ("cifar-100-binary/train.bin", batch(&train)),
        ("cifar-100-binary/test.bin", batch(&[&[19, 99]])),
    ]);
    let data = place.open("cifar-100", plain()).unwrap();
    assert_eq!((data.classes(), data.class_names().len(), data.shape()), (100, 100, [3, 32, 32]));
    let samples = data.train().samples().unwrap();
    assert_eq!(samples.labels, [19, 29, 0]);
    // As its readme has them: cattle, dinosaur, apple.
    assert_eq!([19, 29, 0, 99].map(|i| data.class_names()[i]), ["cattle", "dinosaur", "apple", "worm"]);
    let expected: Vec<f32> = (0..3).flat_map(picture).map(|byte| f32::from(byte) / 255.0).collect();
    assert_eq!(samples.pixels, expected);
    let coarse = place.open("cifar-100", DatasetOptions { coarse: Some(true), ..plain() }).unwrap();
    assert_eq!((coarse.classes(), coarse.train().labels().unwrap()), (20, vec![11, 15, 4]));
    assert_eq!(
        [11, 15, 4, 19].map(|i| coarse.class_names()[i]),
        ["large_omnivores_and_herbivores", "reptiles", "fruit_and_vegetables", "vehicles_2"]
    );
    assert_ne!(coarse.train(), data.train());
    let grey = place.open("cifar-100", DatasetOptions { grey: Some(true), size: Some(16), ..plain() }).unwrap();
    assert_eq!(grey.test().shape(), [1, 16, 16]);
    assert_says(open("cifar-100", plain()), &["cifar-100-binary.tar.gz", "train.bin and test.bin", "cifar-100-python"]);
    assert_says(place.open("cifar-10", DatasetOptions { coarse: Some(true), ..plain() }), &["an option of cifar-100"]);
    let wrong = Place::new(&[("cifar-100/train.bin", batch(&[&[20, 1]])), ("cifar-100/test.bin", batch(&[&[0, 1]]))]);
    assert_says(wrong.open("cifar-100", plain()).unwrap().train().labels(), &["labels from 0 to 19, found 20"]);
}

/// A batch as Python 2 wrote it, with numpy's array.
fn pickled(lists: &[(&str, &[u8])], data: &[u8]) -> Vec<u8> {
    let short = |text: &str| [&[b'U', text.len() as u8], text.as_bytes()].concat();
    let mut bytes = [b"\x80\x02}q\x00(".to_vec(), short("batch_label"), b"q\x01".to_vec(), short("a batch")].concat();
    for (name, labels) in lists {
        bytes.extend([short(name), b"q\x02]q\x03(".to_vec()].concat());
        labels.iter().for_each(|&label| bytes.extend([b'K', label]));
        bytes.push(b'e');
    }
    bytes.extend(short("data"));
    bytes.extend(
        b"cnumpy.core.multiarray\n_reconstruct\nq\x04cnumpy\nndarray\nq\x05K\x00\x85q\x06U\x01bq\x07\x87q\x08Rq\x09",
    );
    bytes.extend(
        [b"(K\x01M".as_slice(), &((data.len() / 3072) as u16).to_le_bytes(), b"M\x00\x0c\x86cnumpy\ndtype\n"].concat(),
    );
    bytes.extend(b"U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend_from_slice(data);
    bytes.extend([b"tb".to_vec(), short("filenames"), b"](".to_vec(), short("a.png"), b"eu.".to_vec()].concat());
    bytes
}

#[test]
fn batches_for_python_are_the_same_data() {
    let (labels, data) = ([6, 9, 3], (0..3).flat_map(picture).collect::<Vec<u8>>());
    let python = Place::new(&[
        ("cifar-10-batches-py/data_batch_1", pickled(&[("labels", &labels)], &data)),
        ("cifar-10-batches-py/test_batch", pickled(&[("labels", &labels[..1])], &data[..3072])),
    ]);
    let binary = Place::new(&[
        ("cifar-10/data_batch_1.bin", batch(&[&[6], &[9], &[3]])),
        ("cifar-10/test_batch.bin", batch(&[&[6]])),
    ]);
    let [python_data, binary_data] = [&python, &binary].map(|place| place.open("cifar-10", plain()).unwrap());
    assert_eq!(python_data.train().samples().unwrap(), binary_data.train().samples().unwrap());
    assert_eq!((python_data.train(), python_data.test()), (binary_data.train(), binary_data.test()));
    let hundred = Place::new(&[
        ("cifar-100-python/train", pickled(&[("fine_labels", &[19, 29, 0]), ("coarse_labels", &[11, 15, 4])], &data)),
        ("cifar-100-python/test", pickled(&[("coarse_labels", &[1]), ("fine_labels", &[2])], &data[..3072])),
    ]);
    let open = |coarse| hundred.open("cifar-100", DatasetOptions { coarse: Some(coarse), ..plain() }).unwrap();
    assert_eq!(open(false).train().labels().unwrap(), [19, 29, 0]);
    assert_eq!(open(true).train().labels().unwrap(), [11, 15, 4]);
    // As `pickle.dump` of Python 3 and numpy 2.4 wrote it, in protocols 2, 4 and 5.
    for protocol in [2, 4, 5] {
        let batch = |name: &str| std::fs::read(reference::path(&format!("cifar/{name}-{protocol}"))).unwrap();
        let place = Place::new(&[("cifar-10/data_batch_1", batch("train")), ("cifar-10/test_batch", batch("test"))]);
        assert_eq!(place.open("cifar-10", plain()).unwrap().train(), binary_data.train(), "{protocol}");
    }
    // Another pickle, a cut one, and one that doubles a list without end.
    let whole = pickled(&[("labels", &labels)], &data);
    let bomb = [b"\x80\x02]q\x00".to_vec(), b"h\x00ah\x00ar\x00\x00\x00\x00".repeat(1000), b".".to_vec()].concat();
    for broken in [pickled(&[("names", &labels)], &data), whole[..2000].to_vec(), bomb] {
        let place = Place::new(&[("cifar-10/data_batch_1", broken), ("cifar-10/test_batch", whole.clone())]);
        assert_says(place.open("cifar-10", plain()), &["data_batch_1", "a batch of cifar-10 for Python"]);
    }
}

#[test]
fn batches_by_any_name_are_known_by_their_content() {
    let many = |first: u8| (0..100).map(|i| vec![(first + i) % 10]).collect::<Vec<_>>();
    let bytes = |labels: &[Vec<u8>]| batch(&labels.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let (one, two) = (bytes(&many(0)), bytes(&many(3)));
    let place = Place::new(&[
        ("some/pictures-train.dat", one.clone()),
        ("some/pictures-test.dat.gz", gzip(&two)),
        ("some/notes.txt", b"nothing".to_vec()),
    ]);
    let data = place.open("cifar-10", plain()).unwrap();
    assert_eq!((data.train().len(), data.test().len()), (100, 100));
    assert_eq!(data.test().labels().unwrap()[..3], [3, 4, 5]);
    let other = Place::new(&[("some/train", one), ("some/test", vec![77; 307_300])]);
    assert_says(other.open("cifar-10", plain()), &["not here", "anywhere in DIR"]);
}
