//! What a run writes, and what it never writes: over a file that it reads, outside its folder, or a part over the whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scripted::{self, Mounted, Place, assert_says, files_below, said};
use entroscope::script::{Host, HostEvent, Outcome, RunHandle, Status};
use entroscope::work::Event;

/// A table of two points, saved as x.csv.
const TABLE: &str = "sweep([axis(\"x\", [1, 2])]).map(|p| 10 * p.x).save(\"x.csv\");";

const CURVES: &str = r#"
    let data = dataset("noise", #{ size: 3, train: 20, test: 5 });
    let depth = param("depth", 5);
    sweep([axis("weight_var", [1, 2, 3])]).map(|p| {
        cascade(mlp::wide(9, 9, depth).init(#{ weight_var: p.weight_var }), data.train).reconstruct(data.test).mse()
    }).save("mse.csv");"#;

fn says(outcome: &Outcome) -> String {
    scripted::text(&outcome.diagnostics)
}

/// Runs a script and expects it to be refused before anything is written below `kept`.
#[track_caller]
fn refused(place: &Place, script: &Path, kept: &Path, words: &[&str]) {
    let content = |file: PathBuf| (std::fs::read(&file).ok(), file);
    let before: Vec<_> = files_below(kept).into_iter().map(content).collect();
    let (outcome, _) = place.run_file(script);
    assert_ne!(outcome.status, Status::Done);
    assert_says(&says(&outcome), words);
    assert_eq!(files_below(kept).into_iter().map(content).collect::<Vec<_>>(), before);
}

/// Stops the run when its first point is there.
fn interrupted(place: &Place, script: &Path) -> Outcome {
    let handle = RunHandle::default();
    let cancel = handle.cancel.clone();
    let observer = move |event: HostEvent<'_>| {
        if matches!(event, HostEvent::Work(Event::Done { .. })) {
            cancel.cancel();
        }
    };
    Host::new(place.settings.clone()).with_handle(handle).with_observer(Arc::new(observer)).run(script)
}

mod sources {
    use super::*;

    #[test]
    fn a_script_is_not_written_over() {
        let mut place = Place::new();
        place.settings.out = Some(place.path("project"));
        let script = place.script(TABLE);
        refused(&place, &script, &place.path("project"), &["script.rhai", "would be written over", "--out DIR"]);
        // Nor another script of that name, or a record that is not one.
        let other = place.path("project/other.rhai");
        std::fs::write(&other, TABLE).unwrap();
        refused(&place, &other, &place.path("project"), &["script.rhai", "would be written over", "--out DIR"]);
        std::fs::rename(&script, place.path("project/run.json")).unwrap();
        refused(&place, &other, &place.path("project"), &["run.json", "is not the record of a run", "--out DIR"]);
        // A script with another name runs in its own folder, again and again.
        std::fs::remove_file(place.path("project/run.json")).unwrap();
        for _ in 0..2 {
            assert_eq!(place.run_file(&other).0.status, Status::Done);
        }
        assert_eq!(std::fs::read_to_string(other).unwrap(), TABLE);
    }

    #[cfg(unix)]
    #[test]
    fn a_script_that_is_a_link_stays_one() {
        let mut place = Place::new();
        place.settings.out = Some(place.path("project"));
        std::fs::write(place.path("project/real.rhai"), TABLE).unwrap();
        std::os::unix::fs::symlink("real.rhai", place.path("project/script.rhai")).unwrap();
        refused(&place, &place.path("project/script.rhai"), &place.path("project"), &["script.rhai", "--out DIR"]);
        assert!(place.path("project/script.rhai").is_symlink());
    }

    #[test]
    fn modules_data_and_weights_are_not_written_over() {
        let mut place = Place::new();
        place.settings.out = Some(place.path("project"));
        assert_eq!(
            place.run("randn([2, 2], 0).save(\"x.npy\"); #{ w: randn([2, 2], 0) }.save(\"w.safetensors\");").0.status,
            Status::ScriptWrong
        );
        let other = place.path("project/other.rhai");
        let run = |place: &Place, text: &str| {
            std::fs::write(&other, text).unwrap();
            place.run_file(&other).0
        };
        std::fs::remove_file(place.path("project/script.rhai")).unwrap();
        let outcome =
            run(&place, "randn([2, 2], 0).save(\"x.npy\"); #{ w: randn([2, 2], 0) }.save(\"w.safetensors\");");
        assert_eq!(outcome.status, Status::Done, "{}", says(&outcome));
        for text in [
            "let t = load_tensor(\"x.npy\"); (t + 1).save(\"x.npy\");",
            "let t = load_tensors(\"w.safetensors\"); mlp::wide(4, 4, 3).init(#{ weight_var: 1 }).save(\"w.safetensors\");",
        ] {
            std::fs::write(&other, text).unwrap();
            refused(&place, &other, &place.path("project"), &["is read by this run, and would be written over"]);
        }
        // A picture of a folder that is read.
        std::fs::create_dir(place.path("project/photos")).unwrap();
        let image = "images(tensor([[0.0, 1.0], [1.0, 0.0]]).reshape([1, 1, 2, 2])).save(\"photos/cat.png\");";
        let outcome = run(&place, image);
        assert_eq!(outcome.status, Status::Done, "{}", says(&outcome));
        std::fs::remove_file(place.path("project/run.json")).unwrap();
        std::fs::remove_file(place.path("project/script.rhai")).unwrap();
        std::fs::write(&other, format!("let photos = folder(\"photos\", #{{ resize: 2, crop: 2 }});\n{image}"))
            .unwrap();
        refused(&place, &other, &place.path("project"), &["cat.png is read by this run"]);
    }

    #[test]
    fn modules_are_copied_and_hashed() {
        let place = Place::new();
        std::fs::create_dir(place.path("project/lib")).unwrap();
        std::fs::write(place.path("project/lib/ten.rhai"), "fn ten() { 10 }").unwrap();
        let text = "import \"lib/ten\" as ten; sweep([axis(\"x\", [1])]).map(|p| p.x * ten::ten()).save(\"x.csv\");";
        let (outcome, _) = place.run(text);
        assert_eq!(outcome.status, Status::Done, "{}", says(&outcome));
        assert_eq!(
            (place.written("script.rhai"), place.written("modules/lib/ten.rhai")),
            (text.into(), "fn ten() { 10 }".into())
        );
        let sources = &place.record()["sources"];
        assert_eq!(sources["script.rhai"], blake3::hash(text.as_bytes()).to_hex().as_str());
        assert_eq!(sources["modules/lib/ten.rhai"], blake3::hash(b"fn ten() { 10 }").to_hex().as_str());
    }
}

mod parts {
    use super::*;

    #[test]
    fn only_some_points_do_not_replace_all() {
        let mut place = Place::new();
        place.run(TABLE);
        let whole = place.written("x.csv");
        place.settings.only = vec![("x".into(), "2".into())];
        let (outcome, _) = place.run(TABLE);
        assert_eq!((outcome.status, outcome.is_beside), (Status::Done, true), "{}", says(&outcome));
        assert_eq!(
            (place.written("x.csv"), place.written("partial/x.csv")),
            (whole.clone(), "x,value\n2,20\n".to_owned())
        );
        let record = place.record();
        assert_eq!(record["status"], "Partial: --only x=2");
        assert_eq!((&record["only"][0], &record["files"][0]), (&"x=2".into(), &"partial/x.csv".into()));
        assert_eq!((&record["complete"]["status"], &record["complete"]["files"][0]), (&"Done".into(), &"x.csv".into()));
        // A second part still knows the whole, and a whole run removes the part.
        place.settings.only = vec![("x".into(), "1".into())];
        place.run(TABLE);
        assert_eq!(
            (place.written("x.csv"), place.record()["complete"]["status"].as_str()),
            (whole.clone(), Some("Done"))
        );
        place.settings.only.clear();
        place.run(TABLE);
        assert_eq!((place.written("x.csv"), place.record()["status"].as_str()), (whole, Some("Done")));
        assert!(!place.path("out/partial").exists() && place.record().get("complete").is_none());
    }

    #[test]
    fn a_part_is_written_where_there_is_no_whole() {
        let mut place = Place::new();
        place.settings.only = vec![("x".into(), "2".into())];
        place.run(TABLE);
        assert_eq!(
            (place.written("x.csv"), place.record()["status"].as_str()),
            ("x,value\n2,20\n".into(), Some("Partial: --only x=2"))
        );
        let output = place.program_runs(&place.script(TABLE)).output().unwrap();
        assert!(!said(&output).contains("beside"), "{}", said(&output));
        let output = place.program_runs(&place.script(TABLE)).args(["--only", "x=1"]).output().unwrap();
        assert_says(&said(&output), &["partial/x.csv", "the outputs of the last complete run are kept beside them"]);
    }

    #[test]
    fn an_interrupted_run_does_not_replace_a_complete_one() {
        let mut place = Place::new();
        place.settings.threads = 1;
        place.run(CURVES);
        let whole = place.written("mse.csv");
        place.settings.set = vec![("depth".into(), "6".into())];
        let outcome = interrupted(&place, &place.script(CURVES));
        assert_eq!((outcome.status, outcome.is_complete, outcome.is_beside), (Status::Interrupted, false, true));
        assert_eq!(place.written("mse.csv"), whole);
        assert_ne!(place.written("partial/mse.csv"), whole);
        let record = place.record();
        assert_eq!((&record["status"], &record["complete"]["status"]), (&"Interrupted".into(), &"Done".into()));
        assert_eq!(
            (&record["parameters"]["depth"], &record["complete"]["parameters"]["depth"]),
            (&"6".into(), &"5".into())
        );
    }

    #[test]
    fn what_an_earlier_version_of_the_script_wrote_is_named() {
        let place = Place::new();
        place.run(TABLE);
        let script = place.script(&TABLE.replace("x.csv", "y.csv"));
        let output = place.program_runs(&script).output().unwrap();
        assert_says(&said(&output), &["left from an earlier run: x.csv"]);
        assert_eq!(place.record()["left_over"], serde_json::json!(["x.csv"]));
        std::fs::remove_file(place.path("out/x.csv")).unwrap();
        let output = place.program_runs(&script).output().unwrap();
        assert!(!said(&output).contains("left from"), "{}", said(&output));
    }
}

mod names {
    use super::*;

    #[test]
    fn the_run_s_own_names_are_taken() {
        let place = Place::new();
        for name in ["run.json", "RUN.JSON", "script.rhai/x.csv", "modules/x.csv", "partial/x.csv"] {
            let (outcome, _) = place.run(&TABLE.replace("x.csv", name));
            assert_eq!(outcome.status, Status::ScriptWrong, "{name}");
            assert_says(&says(&outcome), &["is a name that the run folder uses itself", "give another name"]);
        }
    }

    #[test]
    fn odd_names_are_refused_and_equal_ones_are_one_file() {
        let place = Place::new();
        for name in ["x.csv/", "sub//", "..", "a/../x.csv", "/x.csv", "x\\n.csv", "\\x1b]0;x.csv"] {
            let (outcome, _) = place.run(&TABLE.replace("x.csv", name));
            assert_eq!(outcome.status, Status::ScriptWrong, "{name}");
            assert_says(&says(&outcome), &["is not a name inside the run folder"]);
        }
        let again = TABLE.replace("x.csv", "sub//x.csv");
        let (outcome, _) = place.run(&format!("{}\n{again}", TABLE.replace("x.csv", "sub/x.csv")));
        assert_says(&says(&outcome), &["sub/x.csv is written already by line 1"]);
    }

    #[test]
    fn a_script_without_a_name_for_a_folder_is_refused() {
        let place = Place::new();
        for name in ["...rhai", "..rhai"] {
            std::fs::write(place.path(name), TABLE).unwrap();
            let output = place.program(&["run", name]).output().unwrap();
            assert_ne!(output.status.code(), Some(0), "{name}");
            assert_says(&said(&output), &["gives no name for a run folder", "--out DIR"]);
        }
        assert!(!place.path("x.csv").exists() && !place.path("runs").exists());
    }

    #[test]
    fn an_output_that_cannot_be_written_is_said_before_any_work() {
        let place = Place::new();
        std::fs::create_dir_all(place.path("out/mse.csv")).unwrap();
        let says_of = |script: &str, words: &[&str]| {
            let (outcome, _) = place.run(script);
            assert_says(&says(&outcome), words);
            assert!(place.results().is_empty());
        };
        says_of(CURVES, &["mse.csv is a folder", "--out DIR"]);
        std::fs::write(place.path("out/sub"), "").unwrap();
        says_of(&CURVES.replace("mse.csv", "sub/mse.csv"), &["sub/mse.csv", "Not a directory", "--out DIR"]);
        says_of(&CURVES.replace("mse.csv", &format!("{}.csv", "m".repeat(300))), &["File name too long"]);
        let both = format!("{} {}", CURVES.replace("mse.csv", "a.csv"), TABLE.replace("x.csv", "a.csv/x.csv"));
        says_of(&both, &["a.csv is saved as a file", "another name"]);
    }

    #[test]
    fn a_folder_below_that_cannot_be_written_is_said_before_any_work() {
        let place = Place::new();
        let Some(disk) = Mounted::new(place.path("out/sub"), 64) else { return };
        disk.forbid_writing();
        let (outcome, _) = place.run(&CURVES.replace("mse.csv", "sub/deep/mse.csv"));
        assert_eq!(outcome.status, Status::NotWritten);
        assert_says(&says(&outcome), &["sub/deep", "Read-only file system", "--out DIR"]);
        assert!(place.results().is_empty());
    }
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_link_below_the_run_folder_is_followed() {
        let place = Place::new();
        std::fs::create_dir_all(place.path("elsewhere")).unwrap();
        std::fs::create_dir_all(place.path("out")).unwrap();
        let script = |name: &str| place.script(&TABLE.replace("x.csv", name));
        for (link, saved) in [("sub", "sub/x.csv"), ("x.csv", "x.csv"), ("script.rhai", "x.csv"), ("run.json", "x.csv")]
        {
            let link = place.path("out").join(link);
            symlink(place.path("elsewhere"), &link).unwrap();
            refused(&place, &script(saved), &place.path("elsewhere"), &["is a link", "--out DIR"]);
            std::fs::remove_file(link).unwrap();
        }
        symlink(place.path("elsewhere"), place.path("out/sub")).unwrap();
        refused(&place, &place.script("randn([2], 0).save(\"sub/x.npy\");"), &place.path("elsewhere"), &["is a link"]);
    }

    #[test]
    fn neither_is_the_run_folder_itself_unless_the_user_names_it() {
        let place = Place::new();
        std::fs::create_dir_all(place.path("elsewhere")).unwrap();
        place.script(TABLE);
        for link in ["runs/script", "runs"] {
            let link = place.path(link);
            std::fs::create_dir_all(link.parent().unwrap()).unwrap();
            symlink(place.path("elsewhere"), &link).unwrap();
            let output = place.program(&["run", "project/script.rhai"]).output().unwrap();
            assert_ne!(output.status.code(), Some(0));
            assert_says(&said(&output), &["is a link", "--out DIR"]);
            std::fs::remove_file(&link).unwrap();
            let _ = std::fs::remove_dir(place.path("runs"));
        }
        assert!(files_below(&place.path("elsewhere")).is_empty());
        symlink(place.path("elsewhere"), place.path("out")).unwrap();
        assert!(place.program_runs(&place.path("project/script.rhai")).status().unwrap().success());
        assert!(place.path("elsewhere/x.csv").exists());
    }
}
