//! Inputs to begin with, made by code.

use std::io::Write;

use flate2::Crc;
use flate2::write::GzEncoder;

use crate::data::{Dataset, DatasetOptions, Folders, samples};
use crate::script::Recipe;
use crate::script::frozen::{DataFile, DataUse, FORMAT, FrozenResult, Numbers, Parameter};
use crate::work::stored_file::encode;
use crate::work::{Array, Value};

/// The name of the stored result.
pub(super) const RESULT: &str = "ab00000000000000000000000000000000000000000000000000000000000000";

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::best());
    let _ = gzip.write_all(bytes);
    gzip.finish().unwrap_or_default()
}

/// An input whose first byte chooses.
fn chosen(choice: u8, bytes: &[u8]) -> Vec<u8> {
    [&[choice], bytes].concat()
}

/// A stored result whose hash is zeros: the target puts the right one in their place.
pub(super) fn store() -> Vec<Vec<u8>> {
    let folders = Folders::at(Vec::new(), None);
    let Ok(data) = Dataset::open("noise", &DatasetOptions::default(), &folders) else { return Vec::new() };
    let value = Value::default()
        .with("curve", &[3], vec![1.0, 2.0, f64::NAN])
        .with("r", &[1, 2, 2], vec![1.0_f32; 4])
        .with("order", &[2], vec![1_u32, 0]);
    let file = |value: &Value| encode(&samples(&data.train()), RESULT, value).unwrap_or_default();
    let zeros = |mut bytes: Vec<u8>| {
        let at = bytes.windows(9).position(|window| window == b"blake3\\\":").map_or(0, |at| at + 11);
        bytes[at..at + 64].fill(b'0');
        bytes
    };
    [value, Value::number(1.5), Value::default()].iter().flat_map(|value| [file(value), zeros(file(value))]).collect()
}

pub(super) fn records() -> Vec<Vec<u8>> {
    let speeds = br#"{"entropy": {"10": {"calls": 3.0, "operations": 3e6, "seconds": 0.01}, "20": {"calls": 1.0, "operations": 1e9, "seconds": 1.0}}}"#;
    let cache = br#"{"/tmp/file": {"stamp": "12 bytes", "content": "ab", "notes": {}}}"#;
    let run = br#"{"entroscope": "0.1.0", "is_complete": true, "status": "Done", "files": ["phase.svg", "a/b.csv"], "left_over": ["../x"], "sources": {"script.rhai": "ab"}, "complete": {"files": ["phase.csv"]}}"#;
    vec![chosen(0, speeds), chosen(1, cache), chosen(2, run), chosen(2, b"{\"entroscope\": 1}"), chosen(0, b"{}")]
}

/// A recipe with every kind of entry, as JSON and in a page.
pub(super) fn recipe() -> Vec<Vec<u8>> {
    let numbers = |data: Vec<f64>| {
        let array = Array { shape: vec![data.len()], data: data.into() };
        let mut numbers = Numbers::of(&array);
        numbers.widen(&Numbers::of(&array));
        numbers
    };
    let result = FrozenResult {
        point: "w = 1".into(),
        operation: "entropy".into(),
        version: 1,
        fingerprint: "ab".into(),
        arrays: [("curve".to_owned(), numbers(vec![1.0, f64::NAN, f64::INFINITY]))].into(),
        error: None,
    };
    let failed = FrozenResult { error: Some("no".into()), ..FrozenResult::default() };
    let mut recipe = Recipe {
        format: FORMAT,
        script: "a.rhai".into(),
        sources: [("a.rhai".to_owned(), "print(1);".to_owned()), ("b/c.rhai".to_owned(), String::new())].into(),
        built_in: [("mlp".to_owned(), String::new())].into(),
        files: [("x.csv".to_owned(), DataFile::of(b"1,2", true)), ("y.csv".to_owned(), DataFile::of(b"3", false))]
            .into(),
        parameters: [("depth".to_owned(), Parameter { value: "3".into(), default: "4".into(), is_set: true })].into(),
        only: vec![("w".into(), "1".into())],
        data: [("dataset(\"noise\")".to_owned(), DataUse { blake3: "ab".into(), from: "drawn".into() })].into(),
        verdicts: vec!["</script>".into()],
        results: vec![result, failed],
        ..Recipe::default()
    };
    recipe.numbers = Recipe::hash_of(&recipe.results);
    let page = recipe.to_page_text().unwrap_or_default();
    vec![recipe.to_json().unwrap_or_default().into_bytes(), page.into_bytes(), b"{\"recipe\": 1}".to_vec()]
}

/// Two images of 28×28.
pub(super) fn idx_images() -> Vec<u8> {
    let header = [0x803_u32, 2, 28, 28].map(u32::to_be_bytes).concat();
    [header, (0..2 * 784).map(|i| (i * 7 % 256) as u8).collect()].concat()
}

/// Their labels.
pub(super) fn idx_labels() -> Vec<u8> {
    [[0x801_u32, 2].map(u32::to_be_bytes).concat(), vec![3, 9]].concat()
}

pub(super) fn idx() -> Vec<Vec<u8>> {
    let raw = [chosen(0, &idx_images()), chosen(4, &idx_images()), chosen(1, &idx_labels()), chosen(3, &idx_labels())];
    let packed = [chosen(0, &gzipped(&idx_images())), chosen(1, &gzipped(&idx_labels()))];
    raw.into_iter().chain(packed).collect()
}

/// A label and its picture.
pub(super) fn cifar_record() -> Vec<u8> {
    std::iter::once(7).chain((0..3072).map(|i| (i % 256) as u8)).collect()
}

pub(super) fn cifar() -> Vec<Vec<u8>> {
    let flat = vec![1; 2 * 3073];
    // A batch for Python in its protocols.
    let pickles = [
        &include_bytes!("../../tests/reference/cifar/test-4")[..],
        include_bytes!("../../tests/reference/cifar/test-5"),
    ];
    let binary = [
        chosen(0, &cifar_record()),
        chosen(3, &cifar_record()),
        chosen(1, &gzipped(&flat)),
        chosen(2, &gzipped(&cifar_record())),
    ];
    binary.into_iter().chain(pickles.map(|pickle| chosen(0, pickle))).collect()
}

fn npy(header: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = header.to_owned();
    header.push('\n');
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), bytes].concat()
}

fn safetensors(header: &str, bytes: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), bytes].concat()
}

/// A header of every type of number.
fn of_every_type() -> Vec<u8> {
    const TYPES: [(&str, usize); 12] = [
        ("BOOL", 1),
        ("U8", 1),
        ("I8", 1),
        ("I16", 2),
        ("U16", 2),
        ("F16", 2),
        ("BF16", 2),
        ("I32", 4),
        ("F32", 4),
        ("F64", 8),
        ("I64", 8),
        ("U64", 8),
    ];
    let mut end = 0;
    let entries = TYPES.map(|(name, size)| {
        let start = end;
        end += 2 * size;
        format!("\"{name}\": {{\"dtype\": \"{name}\", \"shape\": [2, 1], \"data_offsets\": [{start}, {end}]}}")
    });
    safetensors(&format!("{{{}}}", entries.join(",")), &(0..end as u8).collect::<Vec<_>>())
}

pub(super) fn tensors() -> Vec<Vec<u8>> {
    let numbers: Vec<u8> =
        [1.0_f32, -2.0, 3.5, f32::INFINITY, 0.0, 1e-40].iter().flat_map(|x| x.to_le_bytes()).collect();
    let with_metadata =
        r#"{"__metadata__": {"a": "b"}, "x": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}"#;
    vec![
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", &numbers),
        npy("{'descr': '>f8', 'fortran_order': True, 'shape': (3L, 1L), }", &numbers),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (24,), }", &numbers),
        npy("{'descr': '=i2', 'fortran_order': True, 'shape': (2, 3, 2), }", &numbers),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", &numbers[..4]),
        safetensors(with_metadata, &numbers),
        safetensors(r#"{"x": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}"#, &[]),
        of_every_type(),
        npz(),
    ]
}

/// Three samples of two numbers, and their labels.
fn npz() -> Vec<u8> {
    let header =
        |descr: &str, shape: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let x = npy(&header("|u1", "(3, 2)"), &[1, 2, 3, 4, 5, 6]);
    let y = npy(&header("|i1", "(3,)"), &[0, 1, 1]);
    zip(&[("x.npy", &x), ("y.npy", &y)])
}

pub(super) fn own() -> Vec<Vec<u8>> {
    let header = r#"{"x": {"dtype": "U8", "shape": [3, 2], "data_offsets": [0, 6]}, "y": {"dtype": "U8", "shape": [3], "data_offsets": [6, 9]}}"#;
    let named = safetensors(header, &[1, 2, 3, 4, 5, 6, 0, 1, 1]);
    let tables = [
        "a,b,label\n1.5,2,0\n-3e2,4,1\n",
        "a;b;kind\r\n1.5;2;cat\r\n3;4;dog\r\n",
        "\u{feff}b\ta\n1\t\"2\"\n-0.0\t1e-3\n",
        "b,a,label\n1,2,0\n3,4,1\n",
        "1,2,3\n4,5,6\n",
    ];
    let tables = tables.iter().enumerate().map(|(i, table)| chosen(i as u8, table.as_bytes()));
    let plain = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2), }", &[1, 2, 3, 4, 5, 6]);
    tables.chain([npz(), named, plain].iter().map(|file| chosen(0, file))).collect()
}

/// The state of a model in pickle's second protocol: an array of two by two, by its name.
fn pickled() -> Vec<u8> {
    let storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQ";
    let array = [
        &b"ctorch._utils\n_rebuild_tensor_v2\n("[..],
        storage,
        b"K\0K\x02K\x02\x86K\x02K\x01\x86\x89ccollections\nOrderedDict\n)RtR",
    ]
    .concat();
    [&b"\x80\x02ccollections\nOrderedDict\n)R(X\x08\0\0\0a.weight"[..], &array, b"u."].concat()
}

/// A zip archive without compression.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut crc = Crc::new();
        crc.update(content);
        let [size, name_size, at] = [content.len(), name.len(), bytes.len()];
        // Version, flags, method and time; then hash and sizes.
        let common = [
            &b"\x14\0\0\0\0\0\0\0\x21\0"[..],
            &crc.sum().to_le_bytes(),
            &(size as u32).to_le_bytes(),
            &(size as u32).to_le_bytes(),
            &(name_size as u16).to_le_bytes(),
            b"\0\0",
        ]
        .concat();
        bytes.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), content].concat());
        let place = [&[0; 10][..], &(at as u32).to_le_bytes(), name.as_bytes()].concat();
        directory.extend([&b"PK\x01\x02\x14\0"[..], &common, &place].concat());
    }
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &(files.len() as u16).to_le_bytes(),
        &(files.len() as u16).to_le_bytes(),
        &(directory.len() as u32).to_le_bytes(),
        &(bytes.len() as u32).to_le_bytes(),
        b"\0\0",
    ]
    .concat();
    [bytes, directory, end].concat()
}

/// A checkpoint with this pickle and four numbers beside it.
pub(super) fn archive(pickle: &[u8]) -> Vec<u8> {
    let files: [(&str, &[u8]); 4] = [
        ("archive/data.pkl", pickle),
        ("archive/byteorder", b"little"),
        ("archive/data/0", &[0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64]),
        ("archive/version", b"3\n"),
    ];
    zip(&files)
}

pub(super) fn checkpoint() -> Vec<Vec<u8>> {
    // Magic number, version and system, the pickle, the list of storages; then the size of each and its bytes.
    let magic = &b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\0(X\x10\0\0\0protocol_versionq\x01M\xe9\x03X\r\0\0\0little_endianq\x02\x88u."[..];
    let old = [magic, &pickled(), b"\x80\x02]X\x01\0\0\x000a.", &4_u64.to_le_bytes(), &[0; 16]].concat();
    let plain = b"\x80\x02}(X\x01\0\0\0aK\x01X\x01\0\0\0b(K\x01K\x02lX\x01\0\0\0cG?\xf0\0\0\0\0\0\0u.".to_vec();
    vec![archive(&pickled()), pickled(), old, plain]
}

/// A grey picture of one pixel.
pub(super) fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    if let Ok(mut writer) = encoder.write_header() {
        let _ = writer.write_image_data(&[200]);
    }
    bytes
}

/// The small ones that are compared with Pillow's.
pub(super) fn picture() -> Vec<Vec<u8>> {
    macro_rules! stored {
        ($($name:literal)*) => {
            [$(&include_bytes!(concat!("../../tests/photos/stored/", $name))[..]),*]
        };
    }
    let pictures = stored![
        "small_1x1.jpg" "small_5x16.jpg" "small_17x8.jpg" "grey.jpg" "grey_progressive.jpg" "inks.jpg" "kept_rgb.jpg"
        "coarse_420.jpg" "colours_411.jpg" "progressive_420.jpg" "restarts_420.jpg" "one_bit.png" "palette.png"
        "palette_in_two_bits.png" "palette_with_hole.png" "rgb.png"
    ];
    pictures.iter().enumerate().map(|(i, bytes)| chosen(i as u8, bytes)).collect()
}

pub(super) fn labels() -> Vec<Vec<u8>> {
    let tables = [
        "file,label\na.png,0\nb.png,1\n",
        "sep=;\nfile;label;more\n\"a.png\";cat;1\nsub/b.png;\"do\"\"g\";2\n",
        "\u{feff}label\tfile\n1.0\ta\nNaN\tsub\\b.png\n",
        "file|label\r\na|1,5\r\n./b.png|12\r\n\u{a0}|#N/A\r\n",
        "label,file\n999999,a.png\n,b.png\n",
    ];
    let wide = |text: &str| [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    tables.iter().map(|table| table.as_bytes().to_vec()).chain([wide(tables[0])]).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::weights::WeightFile;
    use crate::work::stored_file::{Content, decode, seal};

    /// Seeds that no reader takes would be of no use.
    pub(in super::super) fn are_read() {
        for mut file in store() {
            seal(&mut file);
            assert!(matches!(decode(&file, RESULT), Content::Whole(_)));
        }
        let [json, page, _] = &recipe()[..] else { panic!() };
        assert_eq!(Recipe::from_bytes(json).unwrap().to_json(), Recipe::from_bytes(page).unwrap().to_json());
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file.pth");
        let [zipped, _, old, _] = &checkpoint()[..] else { panic!() };
        for file in [zipped, old] {
            std::fs::write(&path, file).unwrap();
            let hashes = WeightFile::open(&path, "file", None).and_then(|weights| weights.hashes()).unwrap();
            assert_eq!(hashes.keys().collect::<Vec<_>>(), ["a.weight"]);
        }
        std::fs::write(&path, &tensors()[7]).unwrap();
        assert_eq!(WeightFile::open(&path, "file", None).unwrap().hashes().unwrap().len(), 4);
        let mut evaluate = super::super::evaluator(place.path());
        let file = place.path().join("project/own.csv");
        for bytes in own() {
            let (choice, bytes) = super::super::choice(&bytes);
            std::fs::write(&file, bytes).unwrap();
            let read = evaluate(&super::super::of_own(choice));
            assert_eq!(read.err().map(|error| error.to_string()).unwrap_or_default(), "", "{choice}");
        }
        let set = place.path().join("cifar-10");
        std::fs::create_dir(&set).unwrap();
        std::fs::write(set.join("test_batch.bin"), cifar_record()).unwrap();
        let folders = Folders::at(vec![place.path().to_owned()], None);
        for bytes in &cifar() {
            std::fs::write(set.join("data_batch_1.bin"), &bytes[1..]).unwrap();
            let data = Dataset::open("cifar-10", &DatasetOptions::default(), &folders);
            assert!(data.unwrap().train().pixels().is_ok());
        }
    }
}
