//! What goes wrong around a run: folders that cannot be written, other processes and users, interrupts, panics. Each ends in a message with a way out; nothing stored is lost; the next run goes on.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::scripted::{self, Mounted, Place, assert_says, said};
use super::skip::{self, skipped};
use entroscope::script::{Curve, Host, Outcome, Settings, Status};
use entroscope::work::{Context, Cost, Described, Keep, Operation, Store, Value};

/// Blocks that one point of `sweep_over` trains.
pub const BLOCKS: usize = 3;

/// A sweep over weight variances that takes a blink, saved as mse.csv.
pub fn sweep_over(weight_vars: &str) -> String {
    sweep_of(weight_vars, 3, 20)
}

/// The same with more numbers to compute.
pub fn sweep_of(weight_vars: &str, size: usize, images: usize) -> String {
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
pub fn undisturbed(script: &str) -> String {
    let place = Place::new();
    assert_eq!(place.run(script).0.status, Status::Done);
    place.written("mse.csv")
}

pub fn trained(outcome: &Outcome) -> usize {
    outcome.report.ran.get("cascade.adam").copied().unwrap_or(0)
}

pub fn warnings(outcome: &Outcome) -> String {
    scripted::text(&outcome.diagnostics)
}

pub fn small(place: &Place) -> Vec<PathBuf> {
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
        // The build folder may be in a home that nobody else enters.
        let (usual, copy) = (place.program(arguments), place.path("program"));
        if !copy.exists() {
            std::fs::copy(usual.get_program(), &copy).unwrap();
        }
        let mut command = Command::new(copy);
        command.args(arguments).current_dir(&place.folder);
        usual.get_envs().for_each(|(name, value)| _ = value.map(|value| command.env(name, value)));
        let output = command.uid(65534).gid(65534).output();
        if output.is_err() {
            skipped(skip::USERS, "this process may not run the program as another user");
        }
        output.ok()
    }

    #[test]
    fn a_user_without_a_home_names_a_store() {
        use std::os::unix::process::CommandExt;
        let place = Place::new();
        place.script("print(1);");
        let arguments = ["run", "project/script.rhai", "--out", "theirs"];
        // `nobody` may have a home; this user is not even listed.
        let without_home = |more: &[&str]| {
            let mut command = Command::new(as_nobody(&place, &["devices"]).map(|_| place.path("program"))?);
            command.args(arguments).args(more).current_dir(&place.folder).env_clear();
            command.uid(3_999_999).gid(3_999_999).output().ok()
        };
        let Some(output) = without_home(&[]) else { return };
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert_says(&said(&output), &["no folder for results", "no home", "--store DIR", "ENTROSCOPE_STORE"]);
        assert!(!place.path("entroscope").exists() && !place.path("theirs").exists());
        let output = without_home(&["--store", "their_store"]).unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(place.path("their_store").is_dir());
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
        // Nor a folder of the store.
        let shelf = files[0].parent().unwrap();
        std::fs::set_permissions(shelf, std::fs::Permissions::from_mode(0o700)).unwrap();
        let output = as_nobody(&place, &["store", "verify"]).unwrap();
        assert_says(&said(&output), &["0 results are whole, 0 damaged", &format!("cannot list {}", shelf.display())]);
        assert_eq!(as_nobody(&place, &arguments).unwrap().status.code(), Some(0));
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
