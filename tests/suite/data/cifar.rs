//! CIFAR-10: batches made here, and the published ones where they are at hand.

use super::*;

/// A picture's bytes, red, green and blue: each pixel its own.
fn picture(seed: usize) -> Vec<u8> {
    (0..3 * 1024).map(|i| ((i * i / 7 + 31 * seed) % 256) as u8).collect()
}

/// A batch of pictures with these labels.
fn batch(labels: &[u8]) -> Vec<u8> {
    labels.iter().enumerate().flat_map(|(i, &label)| [vec![label], picture(i)].concat()).collect()
}

struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, bytes)| place.put(name, bytes));
        place
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.0.path().join("data").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn folders(&self) -> Folders {
        Folders::at(vec![self.0.path().join("data")], Some(self.0.path().join("content.json")))
    }

    fn open(&self, options: DatasetOptions) -> Result<Dataset> {
        Dataset::open("cifar-10", &options, &self.folders())
    }
}

fn usual() -> Place {
    Place::new(&[
        ("cifar-10/data_batch_1.bin", batch(&[6, 9, 9])),
        ("cifar-10/data_batch_3.bin.gz", gzip(&batch(&[4, 1]))),
        ("cifar-10/test_batch.bin", batch(&[3])),
    ])
}

#[test]
fn batches_are_read_in_order_and_the_missing_counted() {
    let place = usual();
    let data = place.open(DatasetOptions::default()).unwrap();
    assert_eq!((data.shape(), data.classes(), data.class_names()[9]), ([3, 32, 32], 10, "truck"));
    let samples = data.train().samples().unwrap();
    assert_eq!(samples.labels, [6, 9, 9, 4, 1]);
    let expected =
        [0, 1, 2, 0, 1].map(|i| picture(i).into_iter().map(|byte| f32::from(byte) / 255.0).collect::<Vec<_>>());
    assert_eq!(samples.pixels, expected.concat());
    assert_eq!(data.test().samples().unwrap().labels, [3]);
    let [warning] = data.warnings() else { panic!("{:?}", data.warnings()) };
    assert!(warning.contains("2 of its 5 training batches") && warning.contains("5 pictures"), "{warning}");
    let found = list(&place.folders()).into_iter().find(|set| set.name == "cifar-10").unwrap().availability;
    assert_eq!(found, Availability::Present(place.0.path().join("data/cifar-10"), vec![warning.clone()]));
}

#[test]
fn grey_is_pillows_luma_and_smaller_is_averaged() {
    let place = usual();
    let grey = place.open(DatasetOptions { grey: Some(true), ..Default::default() }).unwrap();
    assert_eq!(grey.shape(), [1, 32, 32]);
    let bytes = picture(0);
    let luma = |i: usize| {
        let [r, g, b] = [0, 1, 2].map(|channel| f64::from(bytes[1024 * channel + i]));
        0.299 * r + 0.587 * g + 0.114 * b
    };
    let pixels = grey.test().samples().unwrap().pixels;
    assert!((0..1024).all(|i| (f64::from(pixels[i]) * 255.0 - luma(i)).abs() < 0.51));
    // Whole bytes, as Pillow's pictures have them.
    assert!(pixels.iter().all(|pixel| (pixel * 255.0).fract().min(1.0 - (pixel * 255.0).fract()) < 1e-4));
    let colour = place.open(DatasetOptions { size: Some(16), ..Default::default() }).unwrap();
    assert_eq!(colour.shape(), [3, 16, 16]);
    let box_of = |channel: usize, y: usize, x: usize| {
        let byte = |dy: usize, dx: usize| f32::from(bytes[1024 * channel + 32 * (2 * y + dy) + 2 * x + dx]);
        (byte(0, 0) + byte(0, 1) + byte(1, 0) + byte(1, 1)) / 4.0 / 255.0
    };
    let pixels = colour.test().samples().unwrap().pixels;
    assert!((0..768).all(|i| (pixels[i] - box_of(i / 256, i % 256 / 16, i % 16)).abs() < 1e-6));
    assert_ne!(grey.test(), place.open(DatasetOptions::default()).unwrap().test());
}

#[test]
fn the_unpacked_archive_is_found_and_means_the_same() {
    let names = ["data_batch_1.bin", "test_batch.bin"];
    let unpacked = |folder: &str| {
        let files = names.map(|name| (format!("{folder}/{name}"), batch(&[1, 2])));
        Place::new(&files.each_ref().map(|(name, bytes)| (name.as_str(), bytes.clone())))
    };
    let describe = |place: &Place| place.open(DatasetOptions::default()).unwrap().train().description();
    let all =
        ["cifar-10", "cifar-10-batches-bin", "cifar-10/cifar-10-batches-bin"].map(|folder| describe(&unpacked(folder)));
    assert!(all.iter().all(|description| *description == all[0]));
}

#[test]
fn what_is_missing_or_damaged_is_named_with_a_way_out() {
    let place = Place::new(&[("cifar-10/data_batch_1.bin", batch(&[0]))]);
    let words = ["the files of cifar-10 are not here", "cifar-10-binary.tar.gz", "tar -xzf", "--data-dir DIR"];
    assert_says(place.open(DatasetOptions::default()), &words);
    assert_says(entroscope::data::downloadable("cifar-10"), &["unpacked by hand", "cifar-10-binary.tar.gz"]);
    let broken = |name: &str, bytes: Vec<u8>, words: &[&str]| {
        let place = usual();
        place.put(&format!("cifar-10/{name}"), &bytes);
        let read = place.open(DatasetOptions::default()).and_then(|data| data.train().samples());
        assert_says(read, &[&[name], words].concat());
    };
    let whole = batch(&[4, 1]);
    broken("data_batch_1.bin", whole[..4000].to_vec(), &["records of 3073 bytes, found 4000 bytes"]);
    broken("data_batch_1.bin", vec![], &["records of 3073 bytes"]);
    broken("data_batch_1.bin", batch(&[1, 10]), &["labels from 0 to 9, found 10"]);
    let zipped = gzip(&whole);
    broken("data_batch_3.bin.gz", zipped[..zipped.len() / 2].to_vec(), &["expected"]);
    broken("data_batch_3.bin.gz", [&gzip(&whole)[..], &gzip(&whole)].concat(), &["expected 6146 bytes, found more"]);
    broken("data_batch_3.bin.gz", b"no".to_vec(), &["records of 3073 bytes, found 2 bytes; it is a text"]);
    let place = usual();
    let data = place.open(DatasetOptions::default()).unwrap();
    place.put("cifar-10/test_batch.bin", &batch(&[5]));
    assert_says(data.test().samples(), &["has changed since it was opened"]);
    assert_says(data.test().named("frog"), &["have no names", "`folder`"]);
}

#[test]
fn cifar_10_is_cifar_10() {
    let Some(data) = published("cifar-10") else { return };
    println!("cifar-10: {:?}", data.warnings());
    assert_eq!(data.test().len(), 10_000);
    assert!(data.train().len().is_multiple_of(10_000));
    let few = data.train().take(10).unwrap().samples().unwrap();
    assert_eq!(few.labels, [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]);
    // The mean of every channel that every tutorial normalises by, of all 50,000; two batches are close.
    let samples = data.train().samples().unwrap();
    for (channel, expected) in [0.4914, 0.4822, 0.4465].into_iter().enumerate() {
        let plane = samples.pixels.chunks(1024).skip(channel).step_by(3).flatten();
        let mean = plane.map(|&pixel| f64::from(pixel)).sum::<f64>() / (samples.labels.len() * 1024) as f64;
        assert!((mean - expected).abs() < 0.003, "{channel}: {mean}");
    }
    assert!((0..10).all(|class| data.test().of_class(class).unwrap().len() == 1000));
}
