//! Campaigns of faults, at a small size. `CAMPAIGN=full cargo test --release --test suite -- campaigns:: hostile:: --nocapture` runs them
//! at full size and prints their figures: 200 kills, 500 damaged files, 24 full disks, four times four processes on one store.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::scripted::{Mounted, Place, files_below, said};
use entroscope::script::Status;
use entroscope::work::Store;

/// A sweep that trains networks and reconstruction networks.
const SWEEP: &str = r#"
    let data = dataset("glyphs", #{ size: 7 });
    let found = sweep([axis("weight_var", [1, 1.5, 2, 2.5, 3])]).map(|p| {
        let net = mlp::wide(49, 10, 4).init(#{ weight_var: p.weight_var, bias_var: 0.05 });
        let trained = net.trained(data.train.take(3000), #{ optimizer: sgd(0.1), epochs: 5 });
        cascade(trained, data.train.take(3000)).reconstruct(data.test.take(20)).mse()
    });
    found.save("mse.csv");
    heatmap(found, #{ x: "weight_var", y: "depth" }).save("phase.svg");"#;

/// `small`, or `full` where the whole campaign is asked for.
pub fn size(small: usize, full: usize) -> usize {
    if std::env::var("CAMPAIGN").is_ok_and(|size| size == "full") { full } else { small }
}

/// Numbers below a bound, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % bound.max(1)
    }
}

fn undisturbed() -> String {
    let place = Place::new();
    assert_eq!(place.run(SWEEP).0.status, Status::Done);
    place.written("mse.csv")
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn partial_files(place: &Place) -> Vec<PathBuf> {
    let mut files = files_below(place.folder.path());
    files.retain(|file| file.extension().is_some_and(|extension| extension == "part"));
    files
}

#[test]
fn kills_at_random_moments_lose_nothing() {
    let (expected, place, mut random) = (undisturbed(), Place::new(), Random(1));
    let script = place.script(SWEEP);
    let (mut kills, mut finished, mut kept) = (0, 0, Vec::<PathBuf>::new());
    let all = size(6, 200);
    while kills < all {
        let mut child = start(place.program_runs(&script));
        std::thread::sleep(Duration::from_millis(random.below(1200) as u64));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            kills += 1;
        }
        let ended = child.wait().unwrap().success();
        let results = place.results();
        let lost: Vec<_> = kept.iter().filter(|file| !results.contains(file)).collect();
        assert!(lost.is_empty(), "after {kills} kills: {lost:?}");
        kept = results;
        if ended {
            finished += 1;
            assert_eq!(place.written("mse.csv"), expected, "after {kills} kills");
            kept.clear();
            std::fs::remove_dir_all(place.path("store")).unwrap();
        }
    }
    let left = partial_files(&place).len();
    let output = place.program_runs(&script).output().unwrap();
    assert!(output.status.success() && !said(&output).contains("damaged"), "{}", said(&output));
    assert_eq!(place.written("mse.csv"), expected);
    assert!(place.program(&["store", "gc", "--keep", "10G"]).status().unwrap().success());
    assert_eq!(partial_files(&place), Vec::<PathBuf>::new());
    let found = Store::open(&place.path("store"), u64::MAX).unwrap().verify().unwrap();
    assert_eq!((found.damaged.len(), found.unreadable.len()), (0, 0));
    println!(
        "{kills} kills, {finished} runs finished between them: 0 results lost or wrong; {left} partial files, then 0"
    );
}

/// What can become of a file. A part of them is not noticed before it is read; none may change a number.
const DAMAGE: [&str; 11] = [
    "a flipped bit",
    "a changed byte",
    "cut",
    "empty",
    "longer",
    "noise",
    "zeros",
    "another's content",
    "a folder",
    "a pipe",
    "a link to nowhere",
];

fn damage(kind: &str, file: &Path, other: &Path, random: &mut Random) {
    let mut bytes = std::fs::read(file).unwrap();
    let at = random.below(bytes.len());
    let gone = || std::fs::remove_file(file).unwrap();
    match kind {
        "a flipped bit" => bytes[at] ^= 1 << random.below(8),
        "a changed byte" => bytes[at] = bytes[at].wrapping_add(1 + random.below(255) as u8),
        "cut" => bytes.truncate(at),
        "empty" => bytes.clear(),
        "longer" => bytes.extend_from_slice(&[0; 9]),
        "noise" => bytes.iter_mut().skip(at).for_each(|byte| *byte = random.below(256) as u8),
        "zeros" => bytes[at..].fill(0),
        "another's content" => {
            let others = std::fs::read(other).unwrap();
            std::fs::write(other, &bytes).unwrap();
            bytes = others;
        }
        "a folder" => {
            gone();
            return std::fs::create_dir(file).unwrap();
        }
        "a pipe" => {
            gone();
            assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
            return;
        }
        _ => {
            gone();
            #[cfg(unix)]
            std::os::unix::fs::symlink("/nowhere/at/all", file).unwrap();
            return;
        }
    }
    std::fs::write(file, bytes).unwrap();
}

/// Runs the sweep on a thread of its own; a run that hangs fails.
fn run_within_a_minute(place: &Place) -> Status {
    let (sender, receiver) = std::sync::mpsc::channel();
    let (host, script) = (entroscope::script::Host::new(place.settings.clone()), place.script(SWEEP));
    std::thread::spawn(move || sender.send(host.run(&script).status));
    receiver.recv_timeout(Duration::from_mins(1)).expect("the run hangs")
}

#[test]
fn damaged_store_files_change_no_number() {
    let (place, mut random) = (Place::new(), Random(2));
    place.run(SWEEP);
    let (expected, files) = (place.written("mse.csv"), place.results());
    let whole: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let (all, mut reported) = (size(22, 500), 0);
    for i in 0..all {
        let kind = DAMAGE[i % DAMAGE.len()];
        std::fs::remove_dir_all(place.path("store")).unwrap();
        files.iter().zip(&whole).for_each(|(file, bytes)| {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        });
        let (file, step) = (random.below(files.len()), 1 + random.below(files.len() - 1));
        // Two of three among the small ones, which a second run reads.
        let small: Vec<&PathBuf> = files.iter().filter(|file| file.starts_with(place.path("store/small"))).collect();
        let (file, other) = match i % 3 {
            0 => (&files[file], &files[(file + step) % files.len()]),
            _ => (small[file % small.len()], small[(file + 1) % small.len()]),
        };
        damage(kind, file, other, &mut random);
        if i % 2 == 0 {
            let found = Store::open(&place.path("store"), u64::MAX).unwrap().verify().unwrap();
            let bad = found.damaged.len() + found.unreadable.len();
            assert!(bad > 0 || !file.exists(), "{kind}: {}", file.display());
            reported += bad;
        }
        std::fs::remove_file(place.path("out/mse.csv")).unwrap();
        assert_eq!(run_within_a_minute(&place), Status::Done, "{kind}: {}", file.display());
        assert_eq!(place.written("mse.csv"), expected, "{kind}: {}", file.display());
    }
    println!("{all} damaged files: 0 wrong numbers, 0 hangs; verify found {reported} in every second one");
}

#[test]
fn full_disks_lose_no_number() {
    let (expected, all) = (undisturbed(), size(3, 24));
    for i in 0..all {
        let place = Place::new();
        let Some(store) = Mounted::new(place.path("store"), 512) else { return };
        let Some(out) = Mounted::new(place.path("out"), 512) else { return };
        let free = 8 * (i / 3 * 3) % 256;
        let (fills_store, fills_out) = [(true, false), (false, true), (true, true)][i % 3];
        if fills_store {
            store.fill(512, free);
        }
        if fills_out {
            out.fill(512, 4);
        }
        let output = place.program_runs(&place.script(SWEEP)).output().unwrap();
        assert_eq!(output.status.code(), Some(if fills_out { 3 } else { 0 }), "{}", said(&output));
        if !fills_out {
            assert_eq!(place.written("mse.csv"), expected);
        }
        for disk in [&store, &out] {
            let _ = std::fs::remove_file(disk.filler());
        }
        let output = place.program_runs(&place.script(SWEEP)).output().unwrap();
        assert_eq!((output.status.code(), place.written("mse.csv")), (Some(0), expected.clone()), "{}", said(&output));
        assert_eq!(partial_files(&place), Vec::<PathBuf>::new());
    }
    println!("{all} full disks (store, outputs, both): 0 wrong numbers, every rerun whole");
}

#[test]
fn processes_on_one_store_agree() {
    let (expected, rounds) = (undisturbed(), size(1, 4));
    for _ in 0..rounds {
        let place = Place::new();
        let script = place.script(SWEEP);
        let runs: Vec<Child> = ["a", "b", "c", "d"]
            .iter()
            .map(|out| {
                let mut command = place.program(&["run", "--threads", "1"]);
                command.arg(&script).arg("--out").arg(place.path(out));
                start(command)
            })
            .collect();
        // Beside them, one verifies and one removes.
        let mut found = Vec::new();
        for arguments in [&["store", "verify"][..], &["store", "gc", "--keep", "0"]].repeat(3) {
            let output = place.program(arguments).output().unwrap();
            found.push((output.status.code(), said(&output)));
        }
        for run in runs {
            let output = run.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            assert!(!said(&output).contains("damaged"), "{}", said(&output));
        }
        assert!(found.iter().all(|(code, _)| *code == Some(0)), "{found:?}");
        for out in ["a", "b", "c", "d"] {
            assert_eq!(std::fs::read_to_string(place.path(out).join("mse.csv")).unwrap(), expected);
        }
        assert_eq!(partial_files(&place), Vec::<PathBuf>::new());
    }
    println!("{rounds} times four processes on one store, with verify and gc beside them: 0 wrong numbers");
}
