//! Photographs: decoded and resized as Pillow and torchvision do it, named, labelled, and passed over where they are broken.
//! `tests/photos` holds small files of every kind and what Pillow 13 (libjpeg-turbo 3.2) makes of each.

use std::path::{Path, PathBuf};

use super::data::errors::{assert_says, text};
use super::reference::{self, Tensors};
use super::scripted;
use entroscope::Result;
use entroscope::data::{Dataset, FolderAccess, FolderOptions, Folders, Normalisation, Split};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/photos").join(folder)
}

/// Ten gigabytes, and no end.
const ACCESS: FolderAccess<'_> = FolderAccess { memory: 1e10, outputs: None, cancelled: &|| false };

/// A folder of photographs of one's own, with a memory beside it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(place.folder()).unwrap();
        place
    }

    /// With some of the stored pictures, by their names here and there.
    fn with(pictures: &[(&str, &str)]) -> Self {
        let place = Self::new();
        pictures.iter().for_each(|(name, stored)| place.put(name, &stored_bytes(stored)));
        place
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("photos")
    }

    fn memory(&self) -> PathBuf {
        self.0.path().join("content.json")
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn open(&self, options: &FolderOptions) -> Result<Dataset> {
        self.open_with(options, ACCESS)
    }

    fn open_with(&self, options: &FolderOptions, access: FolderAccess<'_>) -> Result<Dataset> {
        let folders = Folders::at(Vec::new(), Some(self.memory()));
        Dataset::folder(&self.folder(), "photos", options, &folders, access)
    }

    /// The warnings of a folder that can be used.
    fn warnings(&self) -> String {
        self.open(&plain()).unwrap().warnings().join("\n")
    }

    fn photos(&self, options: &FolderOptions) -> Split {
        self.open(options).unwrap().train()
    }
}

fn stored_bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixtures("stored").join(name)).unwrap()
}

fn plain() -> FolderOptions {
    FolderOptions::default()
}

/// The bytes of a PNG that this test trusts another decoder to read, `[channels, height, width]`, in [0, 1].
fn png(path: &Path) -> (Vec<usize>, Vec<f32>) {
    let mut reader =
        png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    let channels = if frame.color_type == png::ColorType::Grayscale { 1 } else { 3 };
    let planes = (0..channels).flat_map(|channel| bytes.iter().skip(channel).step_by(channels));
    let pixels = planes.map(|&byte| f32::from(byte) / 255.0).collect();
    (vec![channels, frame.height as usize, frame.width as usize], pixels)
}

/// How many numbers differ, and by how many 255ths at most.
fn difference(a: &[f32], b: &[f32]) -> (usize, f32) {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs() * 255.0).filter(|difference| *difference != 0.0);
    differences.fold((0, 0.0), |(count, most), difference| (count + 1, difference.max(most)))
}

mod decoding {
    use super::*;

    #[test]
    fn every_kind_of_file_is_decoded_as_pillow_does() {
        let mut wrong = Vec::new();
        let mut count = 0;
        for entry in std::fs::read_dir(fixtures("stored")).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            let place = Place::with(&[(&name, &name)]);
            let photos = place.open(&plain());
            let stem = name.split('.').next().unwrap();
            let (shape, expected) = png(&fixtures("pillow").join(format!("{stem}.png")));
            match photos.and_then(|photos| Ok((photos.shape(), photos.train().pixels()?))) {
                Ok((found, pixels)) if found[..] == shape[..] => match difference(&pixels, &expected) {
                    (0, _) => {}
                    (n, most) => wrong.push(format!("{name}: {n} of {} differ, by {most}", pixels.len())),
                },
                Ok((found, _)) => wrong.push(format!("{name}: {found:?} is not {shape:?}")),
                Err(error) => wrong.push(format!("{name}: {}", text(&error))),
            }
            count += 1;
        }
        assert!(count > 20 && wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn grey_is_pillows_luma() {
        let place = Place::with(&[("a.png", "rgb.png")]);
        let grey = FolderOptions { grey: true, resize: Some(17), ..plain() };
        let photos = place.photos(&grey);
        let (shape, expected) = png(&fixtures("resized/grey_17.png"));
        assert_eq!(photos.shape()[..], shape[..]);
        assert_eq!(photos.pixels().unwrap(), expected);
        assert_ne!(photos, place.photos(&FolderOptions { grey: false, ..grey }));
    }

    /// Pillow 13 makes 0, 200, 255, 255 of it, and so does `torchvision.datasets.ImageFolder`.
    #[test]
    fn grey_of_sixteen_bits_is_refused() {
        let place = Place::with(&[("good.png", "rgb.png")]);
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 4, 1);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Sixteen);
        encoder.write_header().unwrap().write_image_data(&[0, 0, 0, 200, 128, 0, 255, 255]).unwrap();
        place.put("grey.png", &file);
        scripted::assert_says(
            &place.warnings(),
            &["photos/grey.png is skipped: it is a 16-bit grey picture", "8 bits"],
        );
    }

    /// libjpeg goes on without an error, and so does Pillow; what they make up is not the same in all versions.
    #[test]
    fn a_photograph_that_is_damaged_inside_is_skipped() {
        let bytes = stored_bytes("colours_420.jpg");
        let scan = bytes.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
        let place = Place::with(&[("good.jpg", "colours_420.jpg")]);
        let mut named = 0;
        for at in (scan + 20..bytes.len() - 4).step_by(40) {
            let mut bytes = bytes.clone();
            // An end of a part in the middle of it.
            bytes[at..at + 2].copy_from_slice(&[0xff, 0xd3]);
            place.put("inside.jpg", &bytes);
            let said = place.warnings();
            named += usize::from(said.contains("photos/inside.jpg is skipped: its data is damaged inside"));
            // And the second time, when it is known.
            assert_eq!(said, place.warnings());
        }
        assert!(named > 10, "{named}");
        std::fs::remove_file(place.folder().join("inside.jpg")).unwrap();
        assert_eq!(place.warnings(), "");
    }

    #[test]
    fn a_bomb_of_scans_is_refused() {
        let bytes = stored_bytes("progressive_444.jpg");
        let scan = bytes.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
        let end = bytes.len() - 2;
        let place = Place::with(&[("good.jpg", "progressive_444.jpg")]);
        place.put("bomb.jpg", &[&bytes[..end], &bytes[scan..end].repeat(20_000), &bytes[end..]].concat());
        scripted::assert_says(&place.warnings(), &["photos/bomb.jpg is skipped: it has 200", "scans", "too long"]);
    }

    #[test]
    fn decoding_takes_no_more_than_the_memory() {
        let place = Place::with(&[("small.jpg", "small_5x16.jpg"), ("large.png", "rgb.png")]);
        let opened = place.open_with(&plain(), FolderAccess { memory: 10_000.0, ..ACCESS }).unwrap();
        assert_eq!(opened.train().names().unwrap(), ["small.jpg"]);
        scripted::assert_says(
            &opened.warnings().join(""),
            &["large.png is skipped: decoding it takes 15.7 KiB", "--memory"],
        );
        // That is not kept of the file.
        assert_says(place.open(&plain()), &["differ in size"]);
    }
}

mod transforming {
    use super::*;

    #[test]
    fn resizing_is_pillows_to_the_last_bit() {
        let place = Place::with(&[("a.png", "rgb.png")]);
        for size in [5, 17, 28, 64] {
            let photos = place.photos(&FolderOptions { resize: Some(size), ..plain() });
            let (shape, expected) = png(&fixtures("resized").join(format!("{size}.png")));
            assert_eq!(photos.shape()[..], shape[..]);
            assert_eq!(difference(&photos.pixels().unwrap(), &expected), (0, 0.0), "resized to {size}");
        }
    }

    /// Their height is changed first, since Pillow 13.
    #[test]
    fn tall_photographs_are_resized_as_by_pillow() {
        let place = Place::with(&[("a.jpg", "small_5x16.jpg")]);
        for size in [2, 3, 4] {
            let photos = place.photos(&FolderOptions { resize: Some(size), ..plain() });
            let (shape, expected) = png(&fixtures("resized").join(format!("tall_{size}.png")));
            assert_eq!(photos.shape()[..], shape[..]);
            assert_eq!(difference(&photos.pixels().unwrap(), &expected), (0, 0.0), "resized to {size}");
        }
    }

    #[test]
    fn the_middle_is_kept() {
        let place = Place::with(&[("a.png", "rgb.png")]);
        let (_, all) = png(&fixtures("stored/rgb.png"));
        // 37 × 29 to 22: 7.5 columns are rounded to 8, 3.5 rows to 4, as Python rounds.
        let photos = place.photos(&FolderOptions { crop: Some(22), ..plain() });
        assert_eq!(photos.shape(), [3, 22, 22]);
        for (i, pixel) in photos.pixels().unwrap().into_iter().enumerate() {
            let (channel, y, x) = (i / 484, i % 484 / 22, i % 22);
            assert_eq!(pixel, all[channel * 37 * 29 + (y + 4) * 37 + x + 8]);
        }
    }

    #[test]
    fn a_normalisation_is_applied_and_undone() {
        let place = Place::with(&[("a.png", "rgb.png"), ("b.png", "transparent.png")]);
        let plainly = place.photos(&plain());
        let normalised = place.photos(&FolderOptions { normalize: Some(Normalisation::imagenet()), ..plain() });
        let mut pixels = normalised.pixels().unwrap();
        assert_eq!(pixels[0], (plainly.pixels().unwrap()[0] - 0.485) / 0.229);
        normalised.normalisation().unwrap().restore(&mut pixels, normalised.shape());
        assert!(pixels.iter().zip(plainly.pixels().unwrap()).all(|(a, b)| (a - b).abs() < 1e-6));
        assert_eq!(plainly.normalisation(), None);
        assert_ne!(plainly, normalised);
    }

    #[test]
    fn impossible_options_are_refused() {
        let place = Place::with(&[("a.png", "rgb.png")]);
        let open = |options: FolderOptions| place.open(&options);
        assert_says(open(FolderOptions { crop: Some(0), ..plain() }), &["`crop` is 0 pixels; it is from 1 to 4096"]);
        assert_says(open(FolderOptions { resize: Some(9999), ..plain() }), &["`resize` is 9999"]);
        assert_says(
            open(FolderOptions { resize: Some(5), crop: Some(6), ..plain() }),
            &["5 pixels cannot be cropped to 6"],
        );
        let grey = FolderOptions { grey: true, normalize: Some(Normalisation::imagenet()), ..plain() };
        assert_says(open(grey), &["of 3 channels, and pictures have 1", "std: [0.5]"]);
        assert_says(Normalisation::new(vec![0.5], vec![0.0]), &["standard deviation 0; it is above 0"]);
        assert_says(Normalisation::new(vec![0.5], vec![]), &["1 means and 0 standard deviations"]);
        assert_says(Normalisation::new(vec![f32::NAN], vec![1.0]), &["mean NaN"]);
    }
}

mod folders {
    use super::*;

    #[test]
    fn pictures_are_sorted_and_found_by_name() {
        let place = Place::with(&[("b.JPEG", "colours_444.jpg"), ("a.png", "rgb.png"), ("c/a.jpg", "colours_420.jpg")]);
        place.put("notes.txt", b"none");
        place.put(".hidden.png", b"none");
        let photos = place.photos(&plain());
        assert_eq!(photos.names().unwrap(), ["a.png", "b.JPEG", "c/a.jpg"]);
        assert_eq!(photos.dataset().warnings(), [""; 0]);
        let one = photos.named("c/a.jpg").unwrap();
        assert_eq!((one.len(), one.to_string().as_str()), (1, "folder(\"photos\").named(\"c/a.jpg\")"));
        assert_eq!(one.pixels().unwrap(), photos.pixels().unwrap()[2 * 3 * 37 * 29..]);
        assert_eq!(photos.shuffle(1).named("b.JPEG").unwrap(), photos.named("b.JPEG").unwrap());
        assert_says(photos.named("b.jpg"), &["folder(\"photos\") has no picture \"b.jpg\"", "did you mean \"b.JPEG\""]);
        assert_says(photos.named("zebra"), &["the first of its 3 pictures is \"a.png\""]);
        assert_says(photos.take(1).unwrap().named("b.JPEG"), &["no picture"]);
    }

    #[test]
    fn a_picture_counts_by_its_content_wherever_it_lies() {
        let one = Place::with(&[("a.png", "rgb.png")]);
        let two = Place::with(&[("0.png", "transparent.png"), ("z.png", "rgb.png")]);
        let (alone, among) = (one.photos(&plain()), two.photos(&plain()));
        assert_eq!(alone, among.named("z.png").unwrap());
        assert_ne!(alone, among.named("0.png").unwrap());
        let said = alone.description().to_string();
        assert!(!said.contains("a.png") && !said.contains("photos\""), "{said}");
    }

    #[test]
    fn what_cannot_be_used_is_named_with_the_reason() {
        let place = Place::with(&[("good.png", "rgb.png"), ("tiny.jpg", "small_17x8.jpg")]);
        let cut = |name: &str, part: usize| {
            let bytes = stored_bytes(name);
            bytes[..bytes.len() * part / 10].to_vec()
        };
        place.put("cut.jpg", &cut("colours_420.jpg", 9));
        place.put("cut_progressive.jpg", &cut("progressive_444.jpg", 6));
        place.put("cut.png", &cut("rgb.png", 9));
        place.put("empty.png", b"");
        place.put("text.jpg", b"<html>");
        place.put("other.webp", b"RIFF");
        place.put("nameless", &stored_bytes("rgb.png"));
        place.put("LICENSE", b"none");
        let mut flipped = stored_bytes("rgb.png");
        flipped[1000] ^= 1;
        place.put("flipped.png", &flipped);
        let data = place.open(&FolderOptions { crop: Some(20), ..plain() }).unwrap();
        assert_eq!(data.train().names().unwrap(), ["good.png"]);
        let warnings = data.warnings().join("\n");
        for (name, why) in [
            ("cut.jpg", "its data ends early"),
            ("cut_progressive.jpg", "its data ends early"),
            ("cut.png", "its data ends early"),
            ("empty.png", "it is empty"),
            ("flipped.png", "its data is damaged"),
            ("nameless", "its name has no ending"),
            ("other.webp", "only JPEG and PNG are read"),
            ("text.jpg", "it is neither a JPEG nor a PNG but a web page"),
            ("tiny.jpg", "it is 17×8 pixels, smaller than the crop of 20"),
        ] {
            assert!(warnings.contains(&format!("photos/{name} is skipped: {why}")), "{name}: {warnings}");
        }
        assert_eq!(data.warnings().len(), 9);
    }

    #[test]
    fn no_byte_of_a_file_can_do_harm() {
        // Whatever is wrong with a file, it is decoded or named: it stops nothing.
        for name in ["progressive_420.jpg", "restarts_420.jpg", "inks.jpg", "palette_with_hole.png"] {
            let bytes = stored_bytes(name);
            let place = Place::with(&[("good.png", "rgb.png")]);
            for i in (0..bytes.len()).step_by(3) {
                let mut bytes = bytes.clone();
                bytes[i] ^= 1 << (i % 8);
                place.put(&format!("{i}.jpg"), &bytes);
            }
            place.open(&FolderOptions { crop: Some(1), ..plain() }).unwrap().train().pixels().unwrap();
        }
    }

    #[test]
    fn an_empty_folder_and_pictures_of_many_sizes_are_errors() {
        let place = Place::new();
        assert_says(place.open(&plain()), &["photos holds no picture that can be used", ".jpg, .jpeg or .png"]);
        place.put("broken.png", b"no");
        assert_says(place.open(&plain()), &["no picture that can be used", "broken.png is skipped"]);
        let place = Place::with(&[("a.png", "rgb.png"), ("b.jpg", "small_5x16.jpg")]);
        assert_says(place.open(&plain()), &["a.png has 37×29 pixels, b.jpg 5×16", "crop: 224"]);
    }

    #[test]
    fn the_second_opening_looks_at_nothing() {
        let place = Place::with(&[("a.png", "rgb.png"), ("b.png", "transparent.png")]);
        place.put("broken.jpg", b"no");
        let first = place.open(&plain()).unwrap();
        // A memory that lies is believed by `open`, found out by whoever reads, and forgotten.
        let remembered = std::fs::read_to_string(place.memory()).unwrap();
        assert!(remembered.contains("photographs/1") && remembered.contains("neither a JPEG nor a PNG"));
        std::fs::write(place.memory(), remembered.replace("neither a JPEG nor a PNG", "a lie")).unwrap();
        let second = place.open(&plain()).unwrap();
        assert!(second.warnings()[0].contains("it is a lie"), "{:?}", second.warnings());
        assert_eq!(first.train(), second.train());
        let size = "37,\n            29";
        assert!(remembered.contains(size), "{remembered}");
        std::fs::write(place.memory(), remembered.replace(size, "37,\n            30")).unwrap();
        let misled = place.open(&plain()).unwrap();
        assert_eq!(misled.shape(), [3, 30, 37]);
        assert_says(misled.train().pixels(), &[".png has changed since it was opened", "run again"]);
        place.put("a.png", &stored_bytes("palette.png"));
        assert_says(first.train().pixels(), &["a.png has changed since it was opened", "run again"]);
        // Without a memory it works as well.
        let folders = Folders::at(Vec::new(), None);
        Dataset::folder(&place.folder(), "photos", &plain(), &folders, ACCESS).unwrap();
        let stopped = Dataset::folder(
            &place.folder(),
            "photos",
            &plain(),
            &folders,
            FolderAccess { cancelled: &|| true, ..ACCESS },
        );
        assert!(stopped.unwrap_err().interrupted);
    }

    /// As a package manager, an archive or `cp -p` does it.
    #[test]
    fn a_picture_that_is_replaced_by_another_of_its_length_and_time_is_another() {
        let place = Place::new();
        let mut other = stored_bytes("colours_420.jpg");
        let at = other.len() - 60;
        other[at] ^= 0x55;
        for seconds in [1, 1_000_000_000] {
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            let put = |bytes: &[u8]| {
                place.put("a.jpg", bytes);
                std::fs::File::options()
                    .append(true)
                    .open(place.folder().join("a.jpg"))
                    .unwrap()
                    .set_modified(time)
                    .unwrap();
                place.photos(&plain())
            };
            let (first, second) = (put(&stored_bytes("colours_420.jpg")), put(&other));
            assert_ne!(first, second, "{seconds}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_skipped() {
        let place = Place::with(&[("a.png", "rgb.png")]);
        let pipe = place.folder().join("z.jpg");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::os::unix::fs::symlink("z.jpg", place.folder().join("y.jpg")).unwrap();
        std::fs::create_dir(place.folder().join("folder.png")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(place.folder().join("s.jpg")).unwrap();
        let said = place.warnings();
        scripted::assert_says(
            &said,
            &["z.jpg is skipped: it is a pipe", "y.jpg is skipped: it is a pipe", "s.jpg is skipped: it is a socket"],
        );
        let table = FolderOptions { labels: Some("z.jpg".into()), ..plain() };
        assert_says(place.open(&table), &["z.jpg", "it is a pipe"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_subfolder_that_cannot_be_read_is_skipped() {
        use std::os::unix::fs::PermissionsExt;

        let place = Place::with(&[("a.png", "rgb.png"), ("locked/b.png", "rgb.png")]);
        let locked = place.folder().join("locked");
        let permit = |mode| std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(mode)).unwrap();
        permit(0);
        // The administrator can read everything.
        if std::fs::read_dir(&locked).is_err() {
            scripted::assert_says(&place.warnings(), &["photos/locked is skipped: the folder cannot be read"]);
        }
        permit(0o700);
    }

    #[test]
    fn outputs_of_runs_are_no_input() {
        let place = scripted::Place::new();
        std::fs::create_dir(place.path("project/pictures")).unwrap();
        std::fs::write(place.path("project/pictures/a.png"), stored_bytes("rgb.png")).unwrap();
        let script = "let photos = folder(\"pictures\");
            print(photos.names);
            images([photos]).save(\"shown.png\");";
        for out in ["project/pictures/out", "project/pictures"] {
            let mut settings = place.settings.clone();
            settings.out = Some(place.path(out));
            for time in 1..=2 {
                let host = entroscope::script::Host::new(settings.clone());
                let (outcome, printed) = scripted::run(host, &place.script(script));
                assert_eq!(printed, ["[\"a.png\"]"], "{out}, run {time}: {}", scripted::text(&outcome.diagnostics));
            }
        }
        // Whoever names the folder gets what is in it.
        let named = place.script("print(folder(\"pictures/out\").names);");
        assert_eq!(place.run_file(&named).1, ["[\"shown.png\"]"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out_of_the_folder() {
        let place = Place::with(&[("a.png", "rgb.png")]);
        std::fs::write(place.0.path().join("outside.png"), stored_bytes("rgb.png")).unwrap();
        for (to, name) in [("../outside.png", "out.png"), ("a.png", "within.png"), ("nowhere", "no.png"), ("..", "up")]
        {
            std::os::unix::fs::symlink(to, place.folder().join(name)).unwrap();
        }
        let data = place.open(&plain()).unwrap();
        assert_eq!(data.train().names().unwrap(), ["a.png", "within.png"]);
        let said = data.warnings().join("\n");
        [
            "out.png is skipped: it is a link that leads out",
            "no.png is skipped: it is a link",
            "up is skipped: it is a link",
        ]
        .iter()
        .for_each(|words| assert!(said.contains(words), "{said}"));
    }
}

mod classes {
    use super::*;

    fn labelled(table: &str) -> (Place, FolderOptions) {
        let place = Place::with(&[("a.png", "rgb.png"), ("b.png", "transparent.png"), ("c.jpg", "colours_420.jpg")]);
        place.put("labels.csv", table.as_bytes());
        (place, FolderOptions { labels: Some("labels.csv".into()), ..plain() })
    }

    #[test]
    fn subfolders_are_classes_in_sorted_order() {
        let place =
            Place::with(&[("dog/1.png", "rgb.png"), ("cat/2.png", "rgb.png"), ("dog/a/3.jpg", "colours_420.jpg")]);
        place.put("bird/broken.jpg", b"no");
        let photos = place.photos(&plain());
        assert_eq!(photos.names().unwrap(), ["cat/2.png", "dog/1.png", "dog/a/3.jpg"]);
        assert_eq!(photos.samples().unwrap().labels, [1, 2, 2]);
        assert_eq!((photos.classes(), photos.dataset().class_names()), (3, vec!["bird", "cat", "dog"]));
        assert_eq!(photos.of_class(2).unwrap().names().unwrap(), ["dog/1.png", "dog/a/3.jpg"]);
        assert_says(photos.of_class(0), &["none of the 3 samples", "of class 0"]);
        assert_says(photos.of_class(3), &["no class 3", "0 to 2"]);
    }

    #[test]
    fn a_table_says_numbers_or_texts() {
        let (place, options) = labelled("file,wnid,label\nb.png,x,7\na.png,x,3\nc.jpg,x,\n");
        let photos = place.photos(&options);
        assert_eq!((photos.classes(), photos.take(2).unwrap().labels().unwrap()), (8, vec![3, 7]));
        assert_says(photos.samples(), &["c.jpg of folder(\"photos\") has no label", "labels.csv"]);
        photos.pixels().unwrap();
        let (place, options) = labelled("picture,kind\nb.png,snake\na.png,dog\nc.jpg,snake\ngone.png,dog\n");
        let options = FolderOptions { label: Some("kind".into()), ..options };
        let photos = place.photos(&options);
        assert_eq!(photos.labels().unwrap(), [0, 1, 1]);
        assert_eq!(photos.dataset().class_names(), ["dog", "snake"]);
        assert_eq!(photos.dataset().warnings().len(), 1);
        assert!(photos.dataset().warnings()[0].contains("names 1 files that are not pictures here, such as gone.png"));
        assert_ne!(photos, place.photos(&plain()), "a class is part of a sample");
    }

    /// As pandas writes a column with a missing number.
    #[test]
    fn whole_numbers_stay_whole_numbers() {
        for (cells, missing) in [
            (["10.0", "2.0", "NaN"], Some("gives one picture no class: c.jpg (line 4: \"NaN\")")),
            (["10.0", "2.0", "<NA>"], Some("c.jpg (line 4: \"<NA>\")")),
            (["10", "2", "NA"], Some("c.jpg (line 4: \"NA\")")),
            (["1e1", "+2.", ""], None),
        ] {
            let [a, b, c] = cells;
            let (place, options) = labelled(&format!("file,label\na.png,{a}\nb.png,{b}\nc.jpg,{c}\n"));
            let data = place.open(&options).unwrap();
            let photos = data.train();
            assert_eq!((data.classes(), data.class_names().len()), (11, 0), "{cells:?}");
            assert_eq!(photos.of_class(2).unwrap().names().unwrap(), ["b.png"]);
            assert_eq!(photos.take(2).unwrap().labels().unwrap(), [10, 2]);
            assert_says(photos.labels(), &["c.jpg of folder(\"photos\") has no label"]);
            assert_eq!(data.warnings().len(), usize::from(missing.is_some()));
            missing.iter().for_each(|words| assert!(data.warnings()[0].contains(words), "{:?}", data.warnings()));
        }
        // A row is missing as well.
        let (place, options) = labelled("file,label\na.png,1\nb.png,2\n");
        let said = place.open(&options).unwrap().warnings().join("");
        assert_eq!(said, "photos/labels.csv gives one picture no class: c.jpg (no line)");
    }

    #[test]
    fn what_is_no_class_is_named_with_its_line() {
        for (cells, words) in [
            (["10", "2", "cat"], "line 4: the class cat of c.jpg is a text, among numbers such as 10"),
            (["0.5", "1", "2"], "line 2: the class 0.5 of a.png is not a whole number"),
            (["0", "1", "-1"], "line 4: the class -1 of c.jpg is not a whole number from 0"),
            (["0", "1e9", "1"], "line 3: the class 1e9 of b.png is too large"),
        ] {
            let [a, b, c] = cells;
            let (place, options) = labelled(&format!("file,label\na.png,{a}\nb.png,{b}\nc.jpg,{c}\n"));
            assert_says(place.open(&options), &[words, "holds whole numbers, 0 to 999999, or texts"]);
        }
        // Digits and letters sort as anybody sorts them.
        let (place, options) = labelled("file,label\na.png,7\nb.png,A\nc.jpg,b\n");
        assert_eq!(place.photos(&options).dataset().class_names(), ["7", "A", "b"]);
        let (place, options) = labelled("file,label\na.png,none\nb.png,nan\nc.jpg,cat\n");
        let data = place.open(&options).unwrap();
        assert_eq!((data.class_names(), data.warnings().len()), (vec!["cat", "none"], 1));
    }

    #[test]
    fn tables_of_spreadsheets_are_read() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        for table in [
            "\u{feff}label,file\n1,a.png\n0,b.png\n1,c.jpg\n".as_bytes().to_vec(),
            b"file;label\r\na.png;1,0\r\nb.png;0,0\r\nc.jpg;1,0\r\n".to_vec(),
            b"sep=;\r\nfile;label\r\na.png;1\r\nb.png;0\r\nc.jpg;1\r\n".to_vec(),
            b"file\tlabel\na.png\t1\nb.png\t0\nc.jpg\t1\n".to_vec(),
            "file,label\u{a0}\na.png\u{a0},\u{a0}1\n\u{200b}b.png,0\nc.jpg,1\n".as_bytes().to_vec(),
            [&b"\xff\xfe"[..], &wide("file\tlabel\r\na.png\t1\r\nb.png\t0\r\nc.jpg\t1\r\n")].concat(),
            b"id,label\na,1\nb,0\nc,1\n".to_vec(),
            b"id,label\n./a.png,1\nb,0\nc.jpg,1\n".to_vec(),
        ] {
            let (place, options) = labelled("");
            place.put("labels.csv", &table);
            let data = place.open(&options).unwrap();
            let said = String::from_utf8_lossy(&table);
            assert_eq!((data.train().labels().unwrap(), data.warnings()), (vec![1, 0, 1], &[][..]), "{said}");
        }
        // Names without their folders, and those of Windows.
        let place = Place::with(&[("x/a.png", "rgb.png"), ("y/b.png", "rgb.png"), ("y/c.png", "rgb.png")]);
        place.put("labels.csv", b"file,label\na.png,1\ny\\b.png,0\nc,1\n");
        let options = FolderOptions { labels: Some("labels.csv".into()), ..plain() };
        assert_eq!(place.photos(&options).labels().unwrap(), [1, 0, 1]);
        place.put("y/a.png", &stored_bytes("rgb.png"));
        assert_says(place.open(&options), &["labels.csv, line 2: a.png may be x/a.png or y/a.png", "by their paths"]);
    }

    #[test]
    fn without_labels_there_are_no_classes() {
        let (place, _) = labelled("");
        let photos = place.photos(&plain());
        assert_eq!(photos.classes(), 0);
        let words = ["no label", "labels: \"labels.csv\"", "subfolder"];
        assert_says(photos.of_class(0), &words);
        assert_says(photos.samples(), &words);
    }

    #[test]
    fn a_wrong_table_is_named_with_what_was_found() {
        let wrong = |table: &str, words: &[&str]| {
            let (place, options) = labelled(table);
            assert_says(place.open(&options), words);
        };
        wrong("file,class\na.png,1\n", &["labels.csv has no column \"label\"; it has file, class"]);
        wrong("file,label\na.png,1\na.png,2\n", &["two classes for a.png: 1 and 2"]);
        wrong("file,label\na.png\n", &["not a table as CSV"]);
        wrong("file,label\na.png,4000000000\n", &["the class 4000000000", "0 to 999999"]);
        wrong("file label\na.png 1\n", &["it has file label", "commas, semicolons or tabs"]);
        wrong("<!doctype html><html>", &["not a table as CSV: it is a web page"]);
        wrong("PK\u{3}\u{4}xl/workbook.xml", &["it is a workbook", "save it as CSV"]);
        wrong("version https://git-lfs.github.com/spec/v1\n", &["a Git LFS pointer", "git lfs pull"]);
        wrong("file,label,label\na.png,1,2\n", &["several columns \"label\""]);
        let (place, _) = labelled("");
        std::fs::write(place.0.path().join("outside.csv"), "file,label\n").unwrap();
        let table = |table: &str| place.open(&FolderOptions { labels: Some(table.into()), ..plain() });
        assert_says(table("none.csv"), &["there is no table \"none.csv\""]);
        assert_says(table("../outside.csv"), &["leads out of the folder"]);
    }
}

#[test]
fn a_script_shows_photographs_to_a_network_and_hears_what_is_skipped() {
    let place = scripted::Place::new();
    let folder = place.path("project/photos");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, stored) in [("a.jpg", "colours_420.jpg"), ("b.png", "rgb.png"), ("c.jpg", "grey.jpg")] {
        std::fs::write(folder.join(name), stored_bytes(stored)).unwrap();
    }
    std::fs::write(folder.join("broken.jpg"), "no").unwrap();
    let (outcome, printed) = place.run(
        "let photos = folder(\"photos\", #{ resize: 8, crop: 6, normalize: \"imagenet\" });
        print(photos);
        print(photos.names);
        let net = mlp::wide(photos.pixels, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
        let errors = cascade(net, photos, #{ batch: 3 }).reconstruct(photos.named(\"b.png\")).mse();
        print(errors);
        photos.of_class(0);",
    );
    let said = scripted::text(&outcome.diagnostics);
    assert_eq!(printed.len(), 3, "{said}");
    assert_eq!(printed[..2], ["3 samples of photos, each [3, 6, 6]", "[\"a.jpg\", \"b.png\", \"c.jpg\"]"]);
    scripted::assert_says(
        &said,
        &["photos/broken.jpg is skipped: it is neither", "of folder(\"photos\") have no labels"],
    );
    assert_eq!(outcome.diagnostics.len(), 2, "{said}");
}

/// What torchvision makes of photographs: of small ones, and of real ones where they are at hand.
mod published {
    use super::*;

    fn imagenet(resize: usize, crop: usize) -> FolderOptions {
        let labels = Some("labels.csv".into());
        let normalize = Some(Normalisation::imagenet());
        let label = Some("imagenet_index".into());
        FolderOptions { resize: Some(resize), crop: Some(crop), normalize, grey: false, labels, label }
    }

    #[test]
    fn small_photographs_are_to_a_network_what_they_are_in_pytorch() {
        let names = ["rgb.png", "colours_420.jpg", "progressive_444.jpg"];
        let place = Place::with(&names.map(|name| (name, name)));
        place.put("labels.csv", b"file,imagenet_index\nrgb.png,340\n");
        let photos = place.photos(&imagenet(24, 20));
        let expected = Tensors::read("photos.safetensors");
        for name in names {
            let photo = photos.named(name).unwrap();
            assert_eq!(difference(&photo.pixels().unwrap(), &expected.f32s(name)), (0, 0.0), "{name}");
        }
        assert_eq!(photos.named("rgb.png").unwrap().labels().unwrap(), [340]);
    }

    #[test]
    fn photographs_are_to_a_network_what_they_are_in_pytorch() {
        let (Some(folder), Some(expected)) =
            (reference::shared("data/photos"), Tensors::read_shared("vgg/photographs.safetensors"))
        else {
            return;
        };
        let memory = tempfile::tempdir().unwrap();
        let folders = Folders::at(Vec::new(), Some(memory.path().join("content.json")));
        let options = imagenet(256, 224);
        let data = Dataset::folder(&folder, "photos", &options, &folders, ACCESS).unwrap();
        let photos = data.train();
        assert_eq!((photos.len(), photos.shape(), data.warnings()), (55, [3, 224, 224], &[][..]));
        assert_eq!(photos.named("n02391049_zebra.JPEG").unwrap().labels().unwrap(), [340]);
        for (name, file) in [("both", "both.png"), ("n02391049_zebra", "n02391049_zebra.JPEG")] {
            let input = expected.f32s(&format!("{name}.input"));
            assert_eq!(difference(&photos.named(file).unwrap().pixels().unwrap(), &input), (0, 0.0), "{name}");
        }
        for file in ["dogs.png", "spider.png"] {
            let moments = expected.f32s(&format!("{}.input_mean_std", &file[..file.len() - 4]));
            let pixels = photos.named(file).unwrap().pixels().unwrap();
            for (channel, plane) in pixels.chunks(224 * 224).enumerate() {
                let n = plane.len() as f64;
                let mean = plane.iter().copied().map(f64::from).sum::<f64>() / n;
                let squares = plane.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>();
                for (found, i) in [(mean, channel), ((squares / n).sqrt(), 3 + channel)] {
                    assert!((found - f64::from(moments[i])).abs() < 1e-4, "{file}: {found} is not {}", moments[i]);
                }
            }
        }
    }
}
