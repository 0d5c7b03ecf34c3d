//! Entries for fuzzing: everything that reads what others wrote, each as a function of bytes that must not panic. `tests/fuzz`
//! runs them by millions; the test below runs each with its seeds and some mutations of them. No part of the program.

mod page;
mod script;
mod seeds;

use std::fs;
use std::path::Path;

use crate::data::{Dataset, DatasetOptions, FolderAccess, FolderOptions, Folders, Split};
use crate::files::digest_cache;
use crate::output::run_folder::RunFolder;
use crate::random::Random;
use crate::recipe::{self, Opened};
use crate::script::{Host, Recipe, Settings};
use crate::weights::WeightFile;
use crate::work::stored_file::{decode, seal};
use crate::work::{Calls, CallsBySize, Store, Throughput};

/// Longest input, in bytes.
pub const LONGEST: usize = 4096;
/// Bytes that a picture or a run may take.
const MEMORY: f64 = 32e6;
/// Inputs after which what grows with every input is made anew.
const RENEWED_AFTER: usize = 1000;

/// Takes one input.
pub type Reader = Box<dyn FnMut(&[u8])>;
/// Makes another input of one.
pub type Mutator = fn(Vec<u8>, &mut Random) -> Vec<u8>;

/// Something that reads what others wrote.
pub struct Target {
    /// As `tests/fuzz` calls it.
    pub name: &'static str,
    /// Makes its reader, which may write into an empty folder.
    pub open: fn(&Path) -> Reader,
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Changes an input in a way that knows what it is.
    pub mutate: Option<Mutator>,
    /// Whether its reader works on threads of its own.
    pub has_threads: bool,
}

/// All of them.
pub const TARGETS: [Target; 13] = [
    Target { mutate: Some(script::mutate), has_threads: true, ..Target::new("check", script::check, script::seeds) },
    Target { mutate: Some(script::mutate), has_threads: true, ..Target::new("run", script::run, script::seeds) },
    Target { has_threads: true, ..Target::new("page", page::open, page::seeds) },
    Target::new("store", |_| Box::new(store), seeds::store),
    Target::new("records", records, seeds::records),
    Target::new("idx", idx, seeds::idx),
    Target::new("cifar", cifar, seeds::cifar),
    Target::new("own", own, seeds::own),
    Target::new("tensors", tensors, seeds::tensors),
    Target::new("checkpoint", checkpoint, seeds::checkpoint),
    Target::new("picture", picture, seeds::picture),
    Target::new("labels", labels, seeds::labels),
    Target::new("recipe", |_| Box::new(recipe), seeds::recipe),
];

impl Target {
    const fn new(name: &'static str, open: fn(&Path) -> Reader, seeds: fn() -> Vec<Vec<u8>>) -> Self {
        Self { name, open, seeds, mutate: None, has_threads: false }
    }
}

/// The target with this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

#[allow(clippy::expect_used, reason = "a folder for tests that cannot be written to ends them")]
fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("the folder for fuzzing can be written to");
}

#[allow(clippy::expect_used, reason = "as above")]
fn folder(path: &Path) {
    fs::create_dir_all(path).expect("the folder for fuzzing can be written to");
}

/// The first byte of an input, which chooses among options, and the rest.
fn choice(bytes: &[u8]) -> (u8, &[u8]) {
    bytes.split_first().map_or((0, bytes), |(first, rest)| (*first, rest))
}

/// A file of the store, and the same with its hash set right.
fn store(bytes: &[u8]) {
    let mut sealed = bytes.to_vec();
    let is_sealed = seal(&mut sealed).is_some();
    let _ = decode(bytes, seeds::RESULT);
    if is_sealed {
        let _ = decode(&sealed, seeds::RESULT);
    }
}

/// What the program keeps for itself beside results and outputs: speeds, hashes of files, the record of the last run.
fn records(place: &Path) -> Reader {
    let (root, run, cache) = (place.join("store"), place.join("run"), place.join("content.json"));
    [&root, &run].into_iter().for_each(|path| folder(path));
    let file = place.join("file");
    write(&file, b"some content");
    let planned: CallsBySize = {
        let sizes = [10, 20].map(|size| (size, Calls { calls: 2.0, operations: 2e6, seconds: 0.0 }));
        ["entropy", "cascade.adam"].map(|name| (name, sizes.into())).into()
    };
    Box::new(move |bytes| {
        let (choice, bytes) = choice(bytes);
        match choice % 3 {
            0 => {
                let Ok(store) = Store::open(&root, 0) else { return };
                write(&root.join("speeds-flex.json"), bytes);
                let _ = Throughput::open(&store, "flex/f32").seconds(&planned);
            }
            1 => {
                write(&cache, bytes);
                let _ = digest_cache::content_hash(Some(&cache), &file, || Ok("hash".to_owned()));
            }
            _ => {
                write(&run.join("run.json"), bytes);
                let Ok(run) = RunFolder::open(Some(&run), Path::new("script.rhai")) else { return };
                let _ = run.check(Path::new("phase.svg"), true, &std::collections::BTreeSet::new());
                let _ = run.left_over(&[], &std::collections::BTreeMap::new(), true);
            }
        }
    })
}

/// A recipe, as it is shown, laid out, written again and compared.
fn recipe(bytes: &[u8]) {
    let Ok(recipe) = Recipe::from_bytes(bytes) else { return };
    let _ = (recipe::lock(&recipe), recipe::citation(&recipe), recipe::differences_from_here(&recipe));
    let _ = recipe::diff(&recipe, &recipe);
    let again = recipe.to_page_text().ok().map(|text| Recipe::from_bytes(text.as_bytes()));
    assert!(again.is_some_and(|again| again.is_ok_and(|again| again.to_json() == recipe.to_json())), "it is read back");
    let _ = Opened::of(recipe, Path::new("fuzzed.recipe.html"));
}

/// Everything of a part of a data set.
fn read_all(split: &Split) {
    let _ = (split.labels(), split.pixels());
    let _ = (split.description(), split.names(), split.of_class(1));
}

/// One of MNIST's four files, among three that are whole.
fn idx(place: &Path) -> Reader {
    let set = place.join("mnist");
    folder(&set);
    let names =
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
    let whole = [seeds::idx_images(), seeds::idx_labels(), seeds::idx_images(), seeds::idx_labels()];
    let folders = Folders::at(vec![place.to_owned()], None);
    names.iter().zip(&whole).for_each(|(name, bytes)| write(&set.join(name), bytes));
    Box::new(move |bytes| {
        let (choice, bytes) = choice(bytes);
        let i = usize::from(choice) % names.len();
        write(&set.join(names[i]), bytes);
        let size = (choice & 4 > 0).then_some(7);
        if let Ok(data) = Dataset::open("mnist", &DatasetOptions { size, ..DatasetOptions::default() }, &folders) {
            [data.train(), data.test()].iter().for_each(read_all);
        }
        write(&set.join(names[i]), &whole[i]);
    })
}

fn cifar(place: &Path) -> Reader {
    let set = place.join("cifar-10");
    folder(&set);
    let folders = Folders::at(vec![place.to_owned()], None);
    write(&set.join("test_batch.bin"), &seeds::cifar_record());
    Box::new(move |bytes| {
        let (choice, bytes) = choice(bytes);
        write(&set.join("data_batch_1.bin"), bytes);
        let options = DatasetOptions {
            size: (choice & 1 > 0).then_some(8),
            grey: (choice & 2 > 0).then_some(true),
            ..DatasetOptions::default()
        };
        if let Ok(data) = Dataset::open("cifar-10", &options, &folders) {
            read_all(&data.train());
        }
    })
}

/// A host whose results and outputs lie in `place`.
fn settings(place: &Path) -> Settings {
    Settings {
        data_dir: Some(place.join("data")),
        store_dir: place.join("store"),
        out: Some(place.join("out")),
        project: Some(place.join("project")),
        threads: 1,
        memory: MEMORY,
        ..Settings::default()
    }
}

/// Evaluates scripts in a project folder, which it makes.
fn evaluator(place: &Path) -> impl FnMut(&str) -> Result<(), Box<rhai::EvalAltResult>> + use<> {
    let project = place.join("project");
    folder(&project);
    let host = Host::new(settings(place));
    let (mut engine, mut left) = (None, 0);
    move |script| {
        // Its warnings are kept.
        if left == 0 {
            (engine, left) = (host.engine_at(&project).ok(), RENEWED_AFTER);
        }
        left -= 1;
        engine.as_ref().map_or(Ok(()), |engine| engine.eval::<rhai::Dynamic>(script).map(drop))
    }
}

/// NPY, NPZ and safetensors, as tensors by a script's functions and as weights.
fn tensors(place: &Path) -> Reader {
    let (mut evaluate, file) = (evaluator(place), place.join("project/file"));
    Box::new(move |bytes| {
        write(&file, bytes);
        ["load_tensor(\"file\")", "load_tensors(\"file\")"].iter().for_each(|script| _ = evaluate(script));
        read_weights(&file);
    })
}

/// Files of one's own as data: arrays and tables.
fn own(place: &Path) -> Reader {
    let (mut evaluate, file) = (evaluator(place), place.join("project/own.csv"));
    Box::new(move |bytes| {
        let (choice, bytes) = choice(bytes);
        write(&file, bytes);
        let _ = evaluate(&of_own(choice));
    })
}

/// A script that reads all of such a file.
fn of_own(choice: u8) -> String {
    const OPTIONS: [&str; 4] =
        ["", ", #{ y: \"kind\" }", ", #{ x: [\"b\", \"a\"] }", ", #{ classes: [\"cat\", \"dog\"] }"];
    let options = OPTIONS[usize::from(choice) % OPTIONS.len()];
    format!(
        "let part = dataset(\"own.csv\"{options}).train; part.images; part.to_string(); try {{ part.labels; }} catch {{}}"
    )
}

/// All arrays of a file of weights.
fn read_weights(file: &Path) {
    if let Ok(weights) = WeightFile::open(file, "file", None) {
        let _ = weights.hashes();
    }
}

/// PyTorch's checkpoints: as they are, and as the pickle within an archive that is whole.
fn checkpoint(place: &Path) -> Reader {
    let file = place.join("file.pth");
    Box::new(move |bytes| {
        write(&file, bytes);
        read_weights(&file);
        if !bytes.starts_with(b"PK") {
            write(&file, &seeds::archive(bytes));
            read_weights(&file);
        }
    })
}

fn access() -> FolderAccess<'static> {
    FolderAccess { memory: MEMORY, outputs: None, cancelled: &|| false }
}

fn picture(place: &Path) -> Reader {
    let photos = place.join("photos");
    folder(&photos);
    let folders = Folders::at(Vec::new(), None);
    Box::new(move |bytes| {
        let (choice, bytes) = choice(bytes);
        write(&photos.join("a.jpg"), bytes);
        let options = FolderOptions {
            resize: [None, Some(1), Some(9), Some(40)][usize::from(choice % 4)],
            crop: [None, Some(8)][usize::from(choice / 4 % 2)],
            grey: choice & 8 > 0,
            ..FolderOptions::default()
        };
        if let Ok(data) = Dataset::folder(&photos, "photos", &options, &folders, access()) {
            read_all(&data.train());
        }
    })
}

/// A table of labels for three pictures.
fn labels(place: &Path) -> Reader {
    folder(&place.join("sub"));
    ["a.png", "b.png", "sub/b.png"].iter().for_each(|name| write(&place.join(name), &seeds::png()));
    let folders = Folders::at(Vec::new(), None);
    let (table, place) = (place.join("labels.csv"), place.to_owned());
    let options = FolderOptions { labels: Some("labels.csv".to_owned()), ..FolderOptions::default() };
    Box::new(move |bytes| {
        write(&table, bytes);
        if let Ok(data) = Dataset::folder(&place, "photos", &options, &folders, access()) {
            read_all(&data.train());
            let _ = (data.class_names().len(), data.classes());
        }
    })
}

/// Another input made of this one, at most [`LONGEST`] bytes: by what the target knows, or bytes that are changed, repeated
/// or left out.
pub fn mutate(target: &Target, bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let mut bytes = match target.mutate {
        Some(mutate) if random.below(4) > 0 => mutate(bytes, random),
        _ => changed(bytes, random),
    };
    bytes.truncate(LONGEST);
    bytes
}

fn changed(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    /// Numbers at the ends of what fits into a byte.
    const ENDS: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
    for _ in 0..=random.below(4) {
        let mut place = || random.below(bytes.len().max(1) as u32) as usize;
        let (from, to) = (place(), place());
        let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 64));
        match random.below(6) {
            _ if bytes.is_empty() => bytes.push(random.below(256) as u8),
            0 => bytes[from] ^= 1 << random.below(8),
            1 => bytes[from] = ENDS[random.below(ENDS.len() as u32) as usize],
            2 => bytes.truncate(from),
            3 => _ = bytes.drain(from..to),
            4 => {
                let piece = bytes[from..to].to_vec();
                bytes.splice(from..from, piece);
            }
            _ => bytes.insert(from, random.below(256) as u8),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mutations of each seed, if `MUTATIONS` does not say how many.
    const MUTATIONS: usize = 30;

    /// Pushes seeds and their mutations through a target, on a thread that may nest as deeply as the program's.
    fn push(name: &'static str, most_seeds: usize) {
        let target = target(name).unwrap();
        let place = tempfile::tempdir().unwrap();
        let mut reader = (target.open)(place.path());
        let mut random = Random::new(1, &["fuzzing", name]);
        let mutations = std::env::var("MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(MUTATIONS);
        let seeds = (target.seeds)();
        assert!(seeds.iter().all(|seed| (1..=LONGEST).contains(&seed.len())), "{name}");
        for seed in seeds.into_iter().take(most_seeds) {
            reader(&seed);
            for _ in 0..mutations {
                reader(&mutate(target, seed.clone(), &mut random));
            }
        }
    }

    #[test]
    fn files_of_others_are_read_or_refused() {
        let readers = TARGETS.iter().map(|target| target.name).filter(|name| !["check", "run"].contains(name));
        readers.for_each(|name| push(name, usize::MAX));
    }

    /// A campaign without a fuzzer: `TARGET=recipe MUTATIONS=100000 cargo test --release --lib a_target_by_its_name`.
    #[test]
    fn a_target_by_its_name() {
        let name = std::env::var("TARGET").ok();
        TARGETS
            .iter()
            .filter(|target| Some(target.name) == name.as_deref())
            .for_each(|target| push(target.name, usize::MAX));
    }

    #[test]
    fn scripts_of_others_are_run_or_refused() {
        push("check", 8);
        push("run", 4);
    }

    #[test]
    fn seeds_are_whole() {
        seeds::tests::are_read();
    }
}
