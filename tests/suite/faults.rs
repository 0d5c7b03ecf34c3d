//! What goes wrong around a run: folders that cannot be written, full disks, damaged files, other processes, interrupts,
//! panics. Each ends in a message with a way out; nothing stored is lost; the next run goes on.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::scripted::{self, Mounted, Place, assert_says, said};
use super::skip::{self, skipped};
use entroscope::script::{Curve, Host, HostEvent, Outcome, Settings, Status};
use entroscope::work::{Context, Cost, Described, Event, Keep, Operation, Store, Value};

/// Blocks that one point of `sweep_over` trains.
const BLOCKS: usize = 3;

/// A sweep over weight variances that takes a blink, saved as mse.csv.
fn sweep_over(weight_vars: &str) -> String {
    sweep_of(weight_vars, 3, 20)
}

/// The same with more numbers to compute.
fn sweep_of(weight_vars: &str, size: usize, images: usize) -> String {
    format!(
        "let data = dataset(\"noise\", #{{ size: {size}, train: {images}, test: 5 }});
        sweep([axis(\"weight_var\", {weight_vars})]).map(|p| {{
            let net = mlp::of_sizes([data.pixels, data.pixels, data.pixels, data.pixels, 9, 9], tanh());
            cascade(net.init(#{{ weight_var: p.weight_var }}), data.train).reconstruct(data.test).mse()
        }}).save(\"mse.csv\");"
    )
}

/// A sweep of six points, each of them some tenths of a second.
fn slow_sweep() -> String {
    sweep_of("[0.5, 1, 1.5, 2, 2.5, 3]", 14, 6000)
}

/// What `mse.csv` holds when nothing goes wrong.
fn undisturbed(script: &str) -> String {
    let place = Place::new();
    assert_eq!(place.run(script).0.status, Status::Done);
    place.written("mse.csv")
}

fn trained(outcome: &Outcome) -> usize {
    outcome.report.ran.get("cascade.adam").copied().unwrap_or(0)
}

fn warnings(outcome: &Outcome) -> String {
    scripted::text(&outcome.diagnostics)
}

fn small(place: &Place) -> Vec<PathBuf> {
    place.results().into_iter().filter(|path| path.starts_with(place.path("store/small"))).collect()
}

mod folders {
    use super::*;

    #[test]
    fn a_run_folder_that_cannot_be_made_is_said_before_any_work() {
        let mut place = Place::new();
        std::fs::write(place.path("file"), "").unwrap();
        for out in [place.path("file/out"), "/proc/nowhere".into()] {
            place.settings.out = Some(out.clone());
            let (outcome, _) = place.run(&sweep_over("[1]"));
            assert_eq!((outcome.status, outcome.status.code()), (Status::NotWritten, 3));
            assert_says(&warnings(&outcome), &[&out.display().to_string(), "--out DIR"]);
            assert_eq!(place.results().len(), 0);
        }
    }

    #[test]
    fn a_run_folder_that_cannot_be_written_is_said_before_any_work() {
        let place = Place::new();
        let Some(disk) = Mounted::new(place.path("out"), 64) else { return };
        disk.forbid_writing();
        let (outcome, _) = place.run(&sweep_over("[1]"));
        assert_eq!(outcome.status, Status::NotWritten);
        assert_says(
            &warnings(&outcome),
            &[&place.path("out").display().to_string(), "Read-only file system", "--out DIR"],
        );
        assert_eq!(place.results().len(), 0);
    }

    #[test]
    fn a_store_that_cannot_be_made_names_the_flag() {
        let place = Place::new();
        std::fs::write(place.path("store"), "").unwrap();
        let output = place.program_runs(&place.script(&sweep_over("[1]"))).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_says(&said(&output), &["cannot make the store's folder", "--store DIR"]);
    }

    #[test]
    fn a_script_that_cannot_be_read_is_said() {
        let place = Place::new();
        let path = place.path("project/script.rhai");
        let run = || said(&place.program_runs(&path).output().unwrap());
        assert_says(&run(), &["cannot read the script", "script.rhai", "No such file"]);
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_says(&run(), &["cannot read the script", "UTF-8"]);
    }

    #[test]
    fn what_a_read_only_store_holds_is_used() {
        let mut place = Place::new();
        let Some(disk) = Mounted::new(place.path("store"), 1024) else { return };
        place.run(&sweep_over("[1, 2]"));
        disk.forbid_writing();
        let (outcome, _) = place.run(&sweep_over("[1, 2]"));
        assert_eq!((outcome.status, trained(&outcome), outcome.diagnostics.len()), (Status::Done, 0, 0));
        place.settings.out = Some(place.path("other"));
        let (outcome, _) = place.run(&sweep_over("[1, 2, 3]"));
        assert_eq!((outcome.status, trained(&outcome)), (Status::Done, BLOCKS));
        assert_says(&warnings(&outcome), &["Read-only file system", "--store DIR"]);
    }
}

mod full_disks {
    use super::*;

    #[test]
    fn a_full_store_is_one_warning_and_the_run_goes_on() {
        let place = Place::new();
        let Some(disk) = Mounted::new(place.path("store"), 64) else { return };
        disk.fill(64, 0);
        let (outcome, _) = place.run(&sweep_over("[1, 2]"));
        assert_eq!((outcome.status, outcome.diagnostics.len()), (Status::Done, 1));
        assert_says(&warnings(&outcome), &["No space left", "store gc --keep SIZE", "--store DIR"]);
        assert_eq!(place.written("mse.csv"), undisturbed(&sweep_over("[1, 2]")));
    }

    #[test]
    fn a_full_run_folder_loses_nothing_that_was_computed() {
        let mut place = Place::new();
        let Some(disk) = Mounted::new(place.path("out"), 64) else { return };
        // A page for the script; none for the table.
        disk.fill(64, 4);
        let (outcome, _) = place.run(&sweep_over("[1, 2]"));
        assert_eq!((outcome.status, trained(&outcome)), (Status::NotWritten, 2 * BLOCKS));
        assert_says(&warnings(&outcome), &["mse.csv", "No space left"]);
        place.settings.out = Some(place.path("elsewhere"));
        let (outcome, _) = place.run(&sweep_over("[1, 2]"));
        assert_eq!((outcome.status, trained(&outcome)), (Status::Done, 0));
    }

    #[test]
    fn a_store_that_is_full_for_a_while_loses_no_curve() {
        let place = Place::new();
        let Some(disk) = Mounted::new(place.path("store"), 1024) else { return };
        disk.fill(1024, 0);
        let filler = disk.filler();
        let observer = move |event: HostEvent<'_>| {
            if let HostEvent::Work(Event::Warning(_)) = event {
                let _ = std::fs::remove_file(&filler);
            }
        };
        let host = Host::new(place.settings.clone()).with_observer(Arc::new(observer));
        let script = sweep_over("[1, 1.5, 2, 2.5]");
        let outcome = host.run(&place.script(&script));
        assert_eq!((outcome.status, outcome.diagnostics.len()), (Status::Done, 1), "{}", warnings(&outcome));
        assert_says(&warnings(&outcome), &["a result is not stored", "No space left", "the run goes on"]);
        assert_eq!(place.run(&script).0.report.ran.get("entropy"), None);
    }

    #[test]
    fn small_results_are_kept_where_large_ones_do_not_fit() {
        let place = Place::new();
        let Some(disk) = Mounted::new(place.path("store"), 1024) else { return };
        disk.fill(1024, 160);
        let script = sweep_of("[1, 2, 3]", 14, 20);
        let outcome = place.run(&script).0;
        assert_eq!((outcome.status, outcome.diagnostics.len()), (Status::Done, 1), "{}", warnings(&outcome));
        assert!(outcome.report.unstored > 0, "{:?}", outcome.report);
        assert_eq!(place.run(&script).0.report.ran.get("entropy"), None);
    }

    #[test]
    fn a_store_and_a_run_folder_that_are_full_have_their_own_exit_status() {
        let place = Place::new();
        let Some(disk) = Mounted::new(place.path("disk"), 64) else { return };
        std::fs::create_dir(place.path("disk/out")).unwrap();
        disk.fill(64, 4);
        let mut command = place.program(&["run", "--store", "disk/store", "--out", "disk/out"]);
        let output = command.arg(place.script(&sweep_over("[1, 2]"))).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert_says(&said(&output), &["a result is not stored", "mse.csv", "No space left"]);
        assert!(!said(&output).contains("script is wrong"));
    }
}

mod stored_files {
    use super::*;

    /// Runs, lets `damage` loose on every small result, and runs again: a warning for each, and the same numbers.
    fn survives(damage: impl Fn(&Path)) {
        let (place, script) = (Place::new(), sweep_over("[1, 2]"));
        place.run(&script);
        let (numbers, files) = (place.written("mse.csv"), small(&place));
        assert!(!files.is_empty());
        files.iter().for_each(|file| damage(file));
        std::fs::remove_file(place.path("out/mse.csv")).unwrap();
        let (outcome, _) = place.run(&script);
        assert_eq!((outcome.status, outcome.diagnostics.len()), (Status::Done, files.len()), "{}", warnings(&outcome));
        assert_says(
            &warnings(&outcome),
            &["stored result", "is damaged", "it was set aside as", "will be computed again"],
        );
        assert_eq!(place.written("mse.csv"), numbers);
        assert_eq!(std::fs::read_dir(place.path("store/damaged")).unwrap().count(), files.len());
        let (outcome, _) = place.run(&script);
        assert_eq!((outcome.report.ran.get("entropy"), outcome.diagnostics.len()), (None, 0));
    }

    #[test]
    fn a_flipped_bit_is_found_and_the_result_computed_again() {
        survives(|file| {
            let mut bytes = std::fs::read(file).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(file, bytes).unwrap();
        });
    }

    #[test]
    fn a_truncated_result_is_computed_again() {
        survives(|file| std::fs::write(file, &std::fs::read(file).unwrap()[..100]).unwrap());
    }

    #[test]
    fn an_empty_result_is_computed_again() {
        survives(|file| std::fs::write(file, "").unwrap());
    }

    #[test]
    fn a_file_that_is_no_result_is_set_aside() {
        survives(|file| std::fs::write(file, "not a result, but longer than any header's length field").unwrap());
    }

    #[test]
    fn a_changed_description_is_found() {
        survives(|file| {
            let mut bytes = std::fs::read(file).unwrap();
            let at = bytes.windows(9).position(|word| word == b"operation").unwrap();
            bytes[at + 14] ^= 1;
            std::fs::write(file, bytes).unwrap();
        });
    }

    #[test]
    fn no_byte_of_a_file_can_change_unnoticed() {
        let place = Place::new();
        place.run(&sweep_over("[1]"));
        let (file, store) = (small(&place)[0].clone(), Store::open(&place.path("store"), u64::MAX).unwrap());
        let whole = std::fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(store.verify().unwrap().damaged.len(), 1, "byte {at}");
        }
    }

    #[test]
    fn results_under_each_other_s_names_are_computed_again() {
        let (place, script) = (Place::new(), sweep_over("[1, 2]"));
        place.run(&script);
        let (numbers, files) = (place.written("mse.csv"), small(&place));
        let contents: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        let exchange =
            || files.iter().zip(contents.iter().rev()).for_each(|(file, it)| std::fs::write(file, it).unwrap());
        exchange();
        let (outcome, _) = place.run(&script);
        assert_eq!((outcome.status, place.written("mse.csv")), (Status::Done, numbers));
        assert_says(&warnings(&outcome), &["is damaged: it holds the result", "will be computed again"]);
        exchange();
        let found = Store::open(&place.path("store"), u64::MAX).unwrap().verify().unwrap();
        assert_eq!(found.damaged.len(), 2);
    }

    /// With a hash of the numbers alone, as the first version wrote it.
    #[test]
    fn results_of_the_earlier_format_are_computed_again_with_one_warning() {
        let (place, script) = (Place::new(), sweep_over("[1, 2]"));
        place.run(&script);
        let numbers = place.written("mse.csv");
        for file in place.results() {
            let mut bytes = std::fs::read(&file).unwrap();
            let at = bytes.windows(12).position(|word| word == b"entroscope.2").unwrap();
            bytes.splice(at..at + 12, *b"entroscope");
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) - 2;
            bytes[..8].copy_from_slice(&length.to_le_bytes());
            std::fs::write(file, bytes).unwrap();
        }
        let whole = place.results().len();
        let verify = said(&place.program(&["store", "verify"]).output().unwrap());
        assert_says(&verify, &["0 results are whole, 0 damaged", &format!("{whole} are of an earlier version")]);
        let (outcome, _) = place.run(&script);
        assert_eq!((outcome.status, outcome.diagnostics.len()), (Status::Done, 1), "{}", warnings(&outcome));
        assert_says(&warnings(&outcome), &["earlier version", "computed again"]);
        assert_eq!(place.written("mse.csv"), numbers);
        assert_eq!(place.run(&script).0.diagnostics.len(), 0);
    }

    /// What is no file at all is not moved: it was not read.
    #[test]
    fn a_folder_in_place_of_a_result_is_left_and_the_result_computed() {
        let (place, script) = (Place::new(), sweep_over("[1, 2]"));
        place.run(&script);
        let (numbers, files) = (place.written("mse.csv"), place.results());
        for file in &files {
            std::fs::remove_file(file).unwrap();
            std::fs::create_dir(file).unwrap();
        }
        let (outcome, _) = place.run(&script);
        assert_eq!((outcome.status, outcome.points.failed), (Status::Done, 0), "{}", warnings(&outcome));
        assert_says(&warnings(&outcome), &["cannot read the stored result", "will be computed again", "is not stored"]);
        assert_eq!(place.written("mse.csv"), numbers);
        let found = Store::open(&place.path("store"), u64::MAX).unwrap().verify().unwrap();
        assert_eq!((found.damaged.len(), found.unreadable.len()), (0, files.len()));
        assert!(files.iter().all(|file| file.is_dir()));
    }

    #[test]
    fn damaged_results_of_a_read_only_store_are_computed() {
        let (place, script) = (Place::new(), sweep_over("[1, 2]"));
        let Some(disk) = Mounted::new(place.path("store"), 1024) else { return };
        place.run(&script);
        let numbers = place.written("mse.csv");
        place.results().iter().for_each(|file| std::fs::write(file, "").unwrap());
        disk.forbid_writing();
        let (outcome, _) = place.run(&script);
        assert_eq!((outcome.status, outcome.points.failed), (Status::Done, 0), "{}", warnings(&outcome));
        assert_says(&warnings(&outcome), &["it could not be set aside", "Read-only file system"]);
        assert_eq!(place.written("mse.csv"), numbers);
    }

    #[test]
    fn damaged_weights_are_trained_again() {
        let (place, script) = (Place::new(), sweep_over("[1]"));
        place.run(&script);
        let numbers = place.written("mse.csv");
        for file in place.results() {
            std::fs::write(file, "").unwrap();
        }
        let (outcome, _) = place.run(&script);
        assert_eq!((outcome.status, trained(&outcome)), (Status::Done, BLOCKS), "{}", warnings(&outcome));
        assert_eq!(place.written("mse.csv"), numbers);
    }

    #[test]
    fn results_removed_between_plan_and_run_are_computed_again() {
        let place = Place::new();
        place.run(&sweep_over("[1, 2]"));
        let store = place.path("store");
        let host = Host::new(place.settings.clone()).with_observer(Arc::new(move |event| {
            if let HostEvent::Planned(..) = event {
                ["small", "large"].iter().for_each(|folder| std::fs::remove_dir_all(store.join(folder)).unwrap());
            }
        }));
        let outcome = host.run(&place.script(&sweep_over("[1, 2, 3]")));
        assert_eq!((outcome.status, trained(&outcome)), (Status::Done, 3 * BLOCKS), "{}", warnings(&outcome));
        assert_eq!(place.written("mse.csv"), undisturbed(&sweep_over("[1, 2, 3]")));
    }

    #[test]
    fn speeds_that_make_no_sense_change_only_the_estimate() {
        let place = Place::new();
        for (i, speeds) in ["{{{", "[]", "{\"cascade.adam\": 0}", "{\"cascade.adam\": -1e-300}"].iter().enumerate() {
            std::fs::create_dir_all(place.path("store")).unwrap();
            std::fs::write(place.path("store/speeds-flex.json"), speeds).unwrap();
            let output = place.program_runs(&place.script(&sweep_over(&format!("[{}]", i + 1)))).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{speeds}: {}", said(&output));
            assert_says(&said(&output), &["1 of 1 points to compute"]);
        }
    }
}

mod processes {
    use std::io::{BufRead, BufReader, Read};

    use super::*;

    fn start(mut command: Command) -> Child {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn signal(child: &Child, name: &str) {
        assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    }

    #[track_caller]
    fn wait_until(what: &str, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < Duration::from_mins(1), "{what} did not happen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How often an operation ran, by `run.json`.
    fn ran(place: &Place, operation: &str) -> usize {
        place.record()["operations_run"][operation].as_u64().unwrap_or(0) as usize
    }

    /// Trained blocks in the store, half-written ones not among them.
    fn trained_blocks(place: &Place) -> usize {
        let operations = Store::open(&place.path("store"), u64::MAX).unwrap().by_operation().unwrap();
        operations.iter().find(|(name, ..)| name == "cascade.adam").map_or(0, |(_, count, _)| *count)
    }

    /// Starts the slow sweep and stops it by a signal once it has finished a point but not all.
    fn stopped_after_a_point(place: &Place, by: &str) -> (Output, Duration) {
        let child = start(place.program_runs(&place.script(&slow_sweep())));
        wait_until("a finished point", || !small(place).is_empty());
        signal(&child, by);
        let asked = Instant::now();
        (child.wait_with_output().unwrap(), asked.elapsed())
    }

    /// The rerun computes all but what is in the store, and gives the numbers of a run that nobody stopped.
    fn goes_on(place: &Place) {
        let kept = trained_blocks(place);
        assert!((BLOCKS..6 * BLOCKS).contains(&kept), "{kept}");
        let output = place.program_runs(&place.script(&slow_sweep())).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(ran(place, "cascade.adam"), 6 * BLOCKS - kept);
        assert!(ran(place, "entropy") < 6);
        assert_eq!(place.written("mse.csv"), undisturbed(&slow_sweep()));
    }

    #[test]
    fn an_interrupt_ends_the_run_at_once_and_the_rerun_goes_on() {
        let place = Place::new();
        let (output, took) = stopped_after_a_point(&place, "-INT");
        assert_eq!(output.status.code(), Some(130));
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert_says(
            &said(&output),
            &["interrupted after", "what is done is kept", "the same command goes on from there"],
        );
        assert_eq!(place.record()["status"], "Interrupted");
        goes_on(&place);
    }

    /// `timeout` signals the program, and then the group that it is in.
    #[test]
    fn two_signals_at_one_time_are_one_request() {
        let place = Place::new();
        let child = start(place.program_runs(&place.script(&slow_sweep())));
        wait_until("a finished point", || !small(&place).is_empty());
        signal(&child, "-TERM");
        signal(&child, "-TERM");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert_says(&said(&output), &["interrupted after", "what is done is kept"]);
        assert_eq!(place.record()["status"], "Interrupted");
    }

    /// As by `| head`, and on a full disk.
    #[test]
    fn output_that_cannot_be_printed_stops_nothing() {
        let script = "print(\"first\"); print(\"second\"); sweep([axis(\"x\", [1, 2])]).map(|p| p.x).save(\"x.csv\");";
        let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
        for (closed, to_full) in [(true, false), (false, true)] {
            let place = Place::new();
            let mut command = place.program_runs(&place.script(script));
            if to_full {
                command.stdout(full()).stderr(full());
            } else {
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
            }
            let mut child = command.spawn().unwrap();
            if closed {
                drop(child.stdout.take());
                drop(child.stderr.take());
            }
            assert_eq!(child.wait().unwrap().code(), Some(0));
            assert_eq!(place.written("x.csv"), "x,value\n1,1\n2,2\n");
        }
        // Long listings, too: of everything there is.
        for arguments in [&["reference"][..], &["devices"], &["data", "list"], &["store", "list"]] {
            let output = Place::new().program(arguments).stdout(full()).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
        }
    }

    #[test]
    fn an_interrupt_says_which_results_are_not_kept() {
        let place = Place::new();
        let Some(disk) = Mounted::new(place.path("store"), 64) else { return };
        disk.fill(64, 0);
        let mut child = start(place.program_runs(&place.script(&slow_sweep())));
        // The warning comes while the run goes on.
        let mut warning = String::new();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        while !warning.contains("a result is not stored") {
            assert!(errors.read_line(&mut warning).unwrap() > 0, "{warning}");
        }
        signal(&child, "-INT");
        let mut rest = String::new();
        errors.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_says(&rest, &["what is done is kept, but for ", " not stored"]);
    }

    /// The program as the user `nobody`; `None` where this process may not become one.
    #[track_caller]
    fn as_nobody(place: &Place, arguments: &[&str]) -> Option<Output> {
        use std::os::unix::fs::PermissionsExt;
        use std::os::unix::process::CommandExt;
        std::fs::set_permissions(place.folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let output = place.program(arguments).uid(65534).gid(65534).output();
        if output.is_err() {
            skipped(skip::USERS, "this process may not run the program as another user");
        }
        output.ok()
    }

    #[test]
    fn files_follow_the_umask_and_another_user_shares_the_store() {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new();
        let script = place.script(&sweep_over("[1, 2]"));
        let mut command = Command::new("sh");
        let program = place.program_runs(&script);
        command.args(["-c", "umask 022; exec \"$@\"", "sh"]).arg(program.get_program()).args(program.get_args());
        program.get_envs().for_each(|(name, value)| _ = value.map(|value| command.env(name, value)));
        assert!(command.current_dir(&place.folder).status().unwrap().success());
        for file in [scripted::files_below(&place.path("out")), scripted::files_below(&place.path("store"))].concat() {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o644, "{}", file.display());
        }
        let arguments = ["run", "--threads", "1", "project/script.rhai", "--out", "theirs"];
        let Some(output) = as_nobody(&place, &arguments) else { return };
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_says(&said(&output), &["0 points computed, 2 reused"]);
    }

    #[test]
    fn results_that_another_user_may_not_read_are_computed_and_stay() {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new();
        place.run(&sweep_over("[1, 2]"));
        let files = place.results();
        for file in &files {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let arguments = ["run", "--threads", "1", "project/script.rhai", "--out", "theirs"];
        let Some(output) = as_nobody(&place, &arguments) else { return };
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_says(&said(&output), &["cannot read the stored result", "Permission denied", "will be computed again"]);
        assert_eq!(std::fs::read_to_string(place.path("theirs/mse.csv")).unwrap(), place.written("mse.csv"));
        let output = as_nobody(&place, &["store", "verify"]).unwrap();
        assert_says(&said(&output), &["0 results are whole, 0 damaged", "cannot be read, and stay where they are"]);
        assert_eq!(place.results(), files);
    }

    #[test]
    fn a_killed_run_goes_on_where_it_was() {
        let place = Place::new();
        let (output, _) = stopped_after_a_point(&place, "-KILL");
        assert_eq!(output.status.code(), None);
        goes_on(&place);
    }

    #[test]
    fn an_interrupt_ends_a_script_that_only_computes_by_itself() {
        let place = Place::new();
        let mut command = place.program_runs(&place.script("print(\"ready\"); loop { }"));
        command.args(["--max-operations", "1000000000000"]);
        let mut child = start(command);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        signal(&child, "-INT");
        let asked = Instant::now();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert!(asked.elapsed() < Duration::from_secs(2));
        assert_says(&said(&output), &["interrupted after"]);
    }

    #[test]
    fn two_runs_share_one_store() {
        let place = Place::new();
        let script = place.script(&sweep_of("linspace(0.5, 3, 8)", 7, 300));
        let runs: Vec<Child> = ["a", "b"]
            .iter()
            .map(|out| {
                let mut command = place.program(&["run", "--threads", "2"]);
                command.arg(&script).arg("--out").arg(place.path(out));
                start(command)
            })
            .collect();
        for run in runs {
            let output = run.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            assert!(!said(&output).contains("damaged"), "{}", said(&output));
        }
        let numbers = |out: &str| std::fs::read_to_string(place.path(out).join("mse.csv")).unwrap();
        assert_eq!(numbers("a"), numbers("b"));
        let output = place.program(&["store", "verify"]).output().unwrap();
        assert_says(&said(&output), &[&format!("{} results are whole, 0 damaged", place.results().len())]);
    }
}

mod store_commands {
    use super::*;

    fn store(place: &Place, arguments: &[&str]) -> (Option<i32>, String) {
        let output = place.program(&[&["store"], arguments].concat()).output().unwrap();
        (output.status.code(), said(&output))
    }

    #[test]
    fn list_counts_results_by_operation() {
        let place = Place::new();
        place.run(&sweep_over("[1, 2]"));
        let (code, said) = store(&place, &["list"]);
        assert_eq!(code, Some(0));
        let words: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
        let counted = |name: &str| words.iter().find(|line| line[0] == name).map(|line| line[1]);
        assert_eq!(counted("cascade.adam"), Some((2 * BLOCKS).to_string().as_str()), "{said}");
        assert_eq!(counted("entropy"), Some("2"), "{said}");
        let total = format!("{} results", place.results().len());
        assert_says(&said, &[&total, &place.path("store").display().to_string()]);
    }

    #[test]
    fn gc_removes_what_is_large_and_no_result_is_lost() {
        let place = Place::new();
        place.run(&sweep_over("[1, 2]"));
        let kept = small(&place);
        let (code, said) = store(&place, &["gc", "--keep", "0"]);
        assert_eq!(code, Some(0));
        assert_says(&said, &["of which 0 large, 0 bytes"]);
        assert_eq!(place.results(), kept);
        let (outcome, _) = place.run(&sweep_over("[1, 2]"));
        assert_eq!((outcome.status, trained(&outcome)), (Status::Done, 0));
    }

    #[test]
    fn gc_wants_a_size() {
        let (code, said) = store(&Place::new(), &["gc", "--keep", "much"]);
        assert_eq!(code, Some(2));
        assert_says(&said, &["\"much\" is not a size", "20G"]);
    }

    #[test]
    fn verify_sets_damaged_results_aside() {
        let place = Place::new();
        place.run(&sweep_over("[1, 2]"));
        let whole = place.results().len();
        assert_eq!(store(&place, &["verify"]), (Some(0), format!("{whole} results are whole, 0 damaged\n")));
        std::fs::write(&small(&place)[0], "").unwrap();
        let (code, said) = store(&place, &["verify"]);
        assert_eq!(code, Some(1));
        assert_says(&said, &[&format!("{} results are whole, 1 damaged", whole - 1), "it was set aside as"]);
        assert_says(&store(&place, &["list"]).1, &["1 damaged files set aside in"]);
    }

    #[test]
    fn what_another_process_is_writing_is_left_alone() {
        let place = Place::new();
        place.run(&sweep_over("[1]"));
        let half_written = small(&place)[0].with_file_name(".tmpAbCdEf.part");
        std::fs::write(&half_written, "half").unwrap();
        let whole = place.results().len();
        assert_eq!(store(&place, &["verify"]), (Some(0), format!("{whole} results are whole, 0 damaged\n")));
        assert_says(&store(&place, &["list"]).1, &[&format!("{whole} results")]);
        assert!(!store(&place, &["list"]).1.contains("unreadable"));
        store(&place, &["gc", "--keep", "0"]);
        assert!(half_written.exists());
    }

    #[test]
    fn gc_empties_what_was_set_aside() {
        let place = Place::new();
        let aside = |name: &str, days: u64| {
            std::fs::create_dir_all(place.path("store/damaged")).unwrap();
            let file = std::fs::File::create(place.path("store/damaged").join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_hours(24 * days)).unwrap();
        };
        aside("old.safetensors", 31);
        aside("new.safetensors", 1);
        store(&place, &["gc", "--keep", "1G"]);
        assert_says(&store(&place, &["list"]).1, &["1 damaged files set aside in"]);
        store(&place, &["gc", "--keep", "1G", "--damaged"]);
        assert!(!store(&place, &["list"]).1.contains("damaged"));
    }

    /// In the store, the run folder and the cache of hashes: wherever files are written.
    #[test]
    fn what_dead_processes_left_half_written_is_removed() {
        let place = Place::new();
        let (outcome, _) = place.run(&sweep_over("[1]"));
        let folders = [place.path("store"), place.path("out"), small(&place)[0].parent().unwrap().to_owned()];
        let old = SystemTime::now() - Duration::from_hours(25);
        let left: Vec<PathBuf> = folders
            .iter()
            .flat_map(|folder| [".tmpAbCdEf.part", ".entroscope-AbCdEf.part"].map(|name| folder.join(name)))
            .collect();
        for file in &left {
            let written = std::fs::File::create(file).unwrap();
            if file.to_string_lossy().contains(".tmp") {
                written.set_modified(old).unwrap();
            }
        }
        // Another process is at this one: it holds the lock.
        let locked = std::fs::File::create(place.path("out/.entroscope-xxxxxx.part")).unwrap();
        locked.lock().unwrap();
        // Another run, in another process: a folder is swept once by each.
        assert!(place.program_runs(&place.script(&sweep_over("[1, 2]"))).status().unwrap().success());
        store(&place, &["gc", "--keep", "1G"]);
        let there: Vec<&PathBuf> = left.iter().filter(|file| file.exists()).collect();
        assert!(there.is_empty(), "{there:?}");
        assert!(place.path("out/.entroscope-xxxxxx.part").exists());
        assert_eq!(outcome.status, Status::Done);
    }

    /// As `gc` in another process does.
    #[test]
    fn verify_beside_a_removal_finds_no_damage() {
        let place = Place::new();
        place.run(&sweep_over("linspace(0.5, 3, 12)"));
        let root = place.path("store");
        let removes = std::thread::spawn(move || Store::open(&root, u64::MAX).unwrap().gc(0, false).unwrap());
        let found = Store::open(&place.path("store"), u64::MAX).unwrap().verify().unwrap();
        removes.join().unwrap();
        assert_eq!((found.damaged.len(), found.unreadable.len()), (0, 0), "{found:?}");
    }

    #[test]
    fn a_store_budget_keeps_large_results_within_it() {
        let mut place = Place::new();
        place.settings.store_budget = 20_000;
        let (outcome, _) = place.run(&sweep_over("linspace(0.5, 3, 12)"));
        assert_eq!(outcome.status, Status::Done);
        let large = Store::open(&place.path("store"), 0).unwrap().summary().unwrap().large_bytes;
        assert!(large <= 20_000, "{large}");
        let (outcome, _) = place.run(&sweep_over("linspace(0.5, 3, 12)"));
        assert_eq!(trained(&outcome), 0);
    }
}

mod panics {
    use super::*;

    /// Gives its number back, and panics at 2.
    #[derive(Debug)]
    struct Fragile(i64);

    impl Operation for Fragile {
        fn name(&self) -> &'static str {
            "test.fragile"
        }

        fn version(&self) -> u32 {
            1
        }

        fn parameters(&self) -> serde_json::Value {
            self.0.into()
        }

        fn keep(&self) -> Keep {
            Keep::Always
        }

        fn cost(&self) -> Cost {
            Cost { operations: 1.0, ..Cost::default() }
        }

        fn run(&self, _: &[Arc<Value>], _: &Context<'_>) -> entroscope::Result<Value> {
            assert!(self.0 != 2, "two is too much");
            Ok(Value::default().with("curve", &[1], vec![self.0 as f64]))
        }
    }

    fn run(settings: Settings, script: &Path) -> (Outcome, Vec<String>) {
        let host = Host::new(settings).with_primitive(|engine| {
            engine.register_fn("fragile", |n: i64| Curve::new(Described::new(Fragile(n)), 1));
        });
        scripted::run(host, script)
    }

    #[test]
    fn a_panic_is_the_failure_of_its_point_alone() {
        let place = Place::new();
        let script = place.script("let t = sweep([axis(\"n\", [1, 2, 3])]).map(|p| fragile(p.n)); t.save(\"t.csv\");");
        let (outcome, _) = run(place.settings.clone(), &script);
        assert_eq!((outcome.status, outcome.points.computed, outcome.points.failed), (Status::PointsFailed, 2, 1));
        assert_says(
            &warnings(&outcome),
            &["n = 2: test.fragile failed: two is too much", "this is a fault of entroscope"],
        );
        assert_eq!(place.written("t.csv"), "n,depth,value\n1,1,1\n2,1,\n3,1,3\n");
        let (outcome, _) = run(place.settings.clone(), &script);
        assert_eq!((outcome.points.computed, outcome.points.reused, outcome.points.failed), (0, 2, 1));
    }

    #[test]
    fn a_panic_behind_a_value_that_the_script_asks_for_is_an_error_there() {
        let place = Place::new();
        let (outcome, _) = run(place.settings.clone(), &place.script("print(fragile(1));\nprint(fragile(2));"));
        assert_eq!(outcome.status, Status::ScriptWrong);
        assert_says(&warnings(&outcome), &["test.fragile failed: two is too much", "script.rhai:2:1"]);
    }
}
