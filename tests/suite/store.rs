//! The store under faults: full disks, damaged files, other formats, files that cannot be read or moved; and its commands.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::faults::{BLOCKS, small, sweep_of, sweep_over, trained, undisturbed, warnings};
use super::scripted::{Mounted, Place, assert_says, said};
use entroscope::script::{Host, HostEvent, Status};
use entroscope::work::{Event, Store};

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
    fn a_limit_of_the_size_of_files_is_an_error_of_each_write() {
        let place = Place::new();
        let program = place.program_runs(&place.script(&sweep_of("[1, 2]", 14, 20)));
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 16; exec \"$@\"", "sh"]).arg(program.get_program()).args(program.get_args());
        program.get_envs().for_each(|(name, value)| _ = value.map(|value| command.env(name, value)));
        let output = command.current_dir(&place.folder).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_says(&said(&output), &["a result is not stored", "File too large"]);
        assert_eq!(place.written("mse.csv"), undisturbed(&sweep_of("[1, 2]", 14, 20)));
    }

    #[test]
    fn small_results_are_kept_where_large_ones_do_not_fit() {
        let place = Place::new();
        let Some(disk) = Mounted::new(place.path("store"), 1024) else { return };
        disk.fill(1024, 100);
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
        assert_eq!((outcome.points.computed, outcome.points.reused), (files.len(), 0));
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
    fn points_that_are_computed_again_are_counted_as_computed() {
        let (place, script) = (Place::new(), sweep_over("[1, 2, 3]"));
        place.run(&script);
        std::fs::write(&small(&place)[0], "damaged").unwrap();
        let points = place.run(&script).0.points;
        assert_eq!((points.computed, points.reused, points.failed), (1, 2, 0));
        let points = place.run(&script).0.points;
        assert_eq!((points.computed, points.reused, points.failed), (0, 3, 0));
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
