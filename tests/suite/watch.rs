//! Watching a script: what a save costs, counted in operations, and whom the page answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::scripted::Place;
use entroscope::executor::Points;
use entroscope::live::{Stage, WatchEvent, WatchOptions, watch};
use entroscope::script::{Host, HostEvent, RunHandle};
use entroscope::work::{Cancel, Event};

/// Longer than anything here takes, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// An event of a watch, as owned data.
#[derive(Debug)]
enum Report {
    Serving(String),
    Began(String),
    Noted,
    Asks,
    Planned(usize, usize),
    Started(usize, String),
    /// The edit, and how many floating-point operations were done.
    Advanced(usize, f64),
    Done(usize),
    Ended(usize, Stage, Points),
}

/// A watch under way; it ends with this.
struct Watch {
    reports: Receiver<Report>,
    cancel: Cancel,
    thread: Option<JoinHandle<entroscope::Result<bool>>>,
    place: Place,
}

impl Watch {
    fn begin(text: &str, options: WatchOptions) -> Self {
        let place = Place::new();
        let script = place.script(text);
        Self::begin_at(place, script, options)
    }

    fn begin_at(place: Place, script: PathBuf, options: WatchOptions) -> Self {
        let (sender, reports) = channel();
        let host = Host::new(place.settings.clone()).with_primitive(|engine| {
            engine.register_fn("faulty", || -> i64 { panic!("a fault of the program") });
        });
        let handle = RunHandle::default();
        let cancel = handle.cancel.clone();
        let observer = move |event: WatchEvent<'_>| {
            let report = match event {
                WatchEvent::Serving(address) => Report::Serving(address.to_owned()),
                WatchEvent::Began { changed, .. } => Report::Began(changed.to_owned()),
                WatchEvent::Noted { .. } => Report::Noted,
                WatchEvent::Asks { .. } => Report::Asks,
                WatchEvent::Run { edit, event: HostEvent::Planned(plan, _) } => {
                    Report::Planned(edit, plan.missing_and_reused().0)
                }
                WatchEvent::Run { edit, event: HostEvent::Work(Event::Started { operation, point }) } => {
                    Report::Started(edit, format!("{operation} for {point}"))
                }
                WatchEvent::Run { edit, event: HostEvent::Work(Event::Advanced(operations)) } if operations > 0.0 => {
                    Report::Advanced(edit, operations)
                }
                WatchEvent::Run { edit, event: HostEvent::Work(Event::Done { result: Ok(_), .. }) } => {
                    Report::Done(edit)
                }
                WatchEvent::Ended { edit, stage, outcome } => Report::Ended(edit, stage, outcome.points),
                WatchEvent::Run { .. } | WatchEvent::Warning(_) => return,
            };
            let _ = sender.send(report);
        };
        let thread = std::thread::spawn(move || watch(host, handle, &script, options, Box::new(observer)));
        Self { reports, cancel, thread: Some(thread), place }
    }

    /// All reports up to and including the first for which `is_it` holds.
    fn until(&self, is_it: impl Fn(&Report) -> bool) -> Vec<Report> {
        let mut reports = Vec::new();
        loop {
            let report =
                self.reports.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("not reported, after {reports:?}"));
            let is_last = is_it(&report);
            reports.push(report);
            if is_last {
                return reports;
            }
        }
    }

    fn until_ended(&self, edit: usize) -> (Stage, Points, Vec<Report>) {
        let reports = self.until(|report| matches!(report, Report::Ended(number, ..) if *number == edit));
        match reports.last() {
            Some(Report::Ended(_, stage, points)) => (*stage, *points, reports),
            _ => unreachable!(),
        }
    }

    fn save(&self, text: &str) {
        self.place.script(text);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(std::thread::panicking() || ended.is_ok_and(|result| result.is_ok()));
        }
    }
}

/// A sweep over four weight variances: `epochs` of training for each of four blocks.
fn sweep(title: &str, epochs: usize) -> String {
    format!(
        r#"
        let data = dataset("glyphs", #{{ size: 7 }});
        let found = sweep([axis("weight_var", [0.5, 1.0, 1.5, 2.0])]).map(|p| {{
            let net = mlp::wide(49, 10, 6).init(#{{ weight_var: p.weight_var, bias_var: 0.05 }});
            cascade(net, data.train.take(256), #{{ epochs: {epochs} }}).reconstruct(data.test.take(20)).differential_entropy()
        }});
        heatmap(found, #{{ x: "weight_var", y: "depth", title: "{title}" }}).save("phase.svg");
        "#
    )
}

fn count(reports: &[Report], is_it: impl Fn(&Report) -> bool) -> usize {
    reports.iter().filter(|report| is_it(report)).count()
}

#[test]
fn an_edited_title_repeats_no_step() {
    let watch = Watch::begin(&sweep("first", 60), WatchOptions::default());
    // In the middle of the second operation's training, at the least.
    let mut reports = watch.until(|report| matches!(report, Report::Done(1)));
    reports
        .extend(watch.until(|report| matches!(report, Report::Started(1, what) if what.starts_with("cascade.adam"))));
    reports.extend(watch.until(|report| matches!(report, Report::Advanced(1, _))));
    watch.save(&sweep("second", 60));
    let (stage, points, rest) = watch.until_ended(2);
    reports.extend(rest);
    assert_eq!(stage, Stage::Done);
    assert_eq!((points.computed + points.reused, points.failed), (4, 0));
    assert!(points.reused >= 1, "{points:?}");
    let trained =
        count(&reports, |report| matches!(report, Report::Started(_, what) if what.starts_with("cascade.adam")));
    assert_eq!(trained, 4 * 4, "{reports:?}");
    // Every step of every training once, of 256 samples in 4 batches of 64. All blocks are equal, and so are their steps;
    // what else there is to do takes another number of operations.
    let mut steps = BTreeMap::new();
    for report in &reports {
        if let Report::Advanced(_, operations) = report {
            *steps.entry(operations.to_bits()).or_insert(0) += 1;
        }
    }
    assert_eq!(steps.values().max(), Some(&(trained * 60 * 4)), "{steps:?}");
}

#[test]
fn work_that_the_edit_does_not_want_ends_at_its_next_step() {
    let watch = Watch::begin(&sweep("long", 1_000_000), WatchOptions::default());
    watch.until(|report| matches!(report, Report::Started(1, what) if what.starts_with("cascade.adam")));
    watch.until(|report| matches!(report, Report::Advanced(1, _)));
    watch.save(&sweep("short", 1));
    watch.until(|report| matches!(report, Report::Planned(2, 4)));
    // Before its work starts, that of the former edit is cancelled: each of two threads ends the step that it is in.
    watch.until(|report| matches!(report, Report::Started(2, _)));
    let (stage, points, after) = watch.until_ended(2);
    assert_eq!((stage, points.computed), (Stage::Done, 4));
    let more = count(&after, |report| matches!(report, Report::Advanced(1, _)));
    assert!(more <= 2, "{more} steps of the former edit");
}

#[test]
fn a_watch_that_is_stopped_says_what_came_of_its_work() {
    let mut watch = Watch::begin(&sweep("long", 1_000_000), WatchOptions::default());
    watch.until(|report| matches!(report, Report::Advanced(1, _)));
    watch.cancel.cancel();
    assert!(watch.thread.take().unwrap().join().unwrap().unwrap());
    let reports: Vec<Report> = watch.reports.try_iter().collect();
    assert_eq!(count(&reports, |report| matches!(report, Report::Ended(1, Stage::Interrupted, _))), 1);
}

#[test]
fn a_broken_edit_stops_nothing() {
    let watch = Watch::begin(&sweep("first", 200), WatchOptions::default());
    watch.until(|report| matches!(report, Report::Started(1, what) if what.starts_with("cascade.adam")));
    watch.save("let x = ;");
    let (stage, _, _) = watch.until_ended(2);
    assert_eq!(stage, Stage::Broken);
    let (stage, points, _) = watch.until_ended(1);
    assert_eq!((stage, points.computed), (Stage::Done, 4));
    watch.save(&sweep("mended", 200));
    let (stage, points, reports) = watch.until_ended(3);
    assert_eq!((stage, points.reused), (Stage::Done, 4));
    assert_eq!(count(&reports, |report| matches!(report, Report::Started(_, what) if what.starts_with("cascade"))), 0);
}

#[test]
fn an_edit_that_panics_ends_and_the_next_one_runs() {
    let watch = Watch::begin("faulty();", WatchOptions::default());
    assert_eq!(watch.until_ended(1).0, Stage::Broken);
    watch.save(&sweep("mended", 1));
    assert_eq!(watch.until_ended(2).0, Stage::Done);
}

#[test]
fn modules_and_data_are_watched_and_nothing_else() {
    let script = r#"import "part" as part; print(part::x() + load_tensor("x.npy").sum());"#;
    let watch = Watch::begin(script, WatchOptions::default());
    let project = watch.place.path("project");
    // The module is missing, and may yet appear.
    assert_eq!(watch.until_ended(1).0, Stage::Broken);
    std::fs::write(project.join("elsewhere.rhai"), "fn x() { 1 }").unwrap();
    std::fs::write(project.join("part.rhai"), "fn x() { 1 }").unwrap();
    let reports = watch.until(|report| matches!(report, Report::Ended(2, Stage::Broken, _)));
    assert_eq!(
        count(&reports, |report| matches!(report, Report::Began(what) if what == "part.rhai")),
        1,
        "{reports:?}"
    );
    // So may the data; and a file may be written aside and renamed.
    let (outcome, _) = watch.place.run_file(&{
        let path = project.join("make.rhai");
        std::fs::write(&path, r#"tensor([1.0, 2.0]).save("x.npy");"#).unwrap();
        path
    });
    assert!(outcome.diagnostics.is_empty(), "{:?}", outcome.diagnostics);
    std::fs::rename(watch.place.path("out/x.npy"), project.join("x.npy")).unwrap();
    assert_eq!(watch.until_ended(3).0, Stage::Done);
    std::fs::write(project.join("part.tmp"), "// Another.\nfn x() { 2 }").unwrap();
    std::fs::rename(project.join("part.tmp"), project.join("part.rhai")).unwrap();
    let reports = watch.until(|report| matches!(report, Report::Ended(4, ..)));
    assert_eq!(
        count(&reports, |report| matches!(report, Report::Began(what) if what == "part.rhai, lines 1–2")),
        1,
        "{reports:?}"
    );
    // Removed and written anew, as some editors do.
    std::fs::remove_file(project.join("script.rhai")).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    watch.save(&script.replace('+', "-"));
    watch.until(|report| matches!(report, Report::Ended(5, Stage::Done, _)));
    std::fs::write(project.join("elsewhere.rhai"), "fn x() { 3 }").unwrap();
    std::fs::write(watch.place.path("out/note.txt"), "a note").unwrap();
    // The next edit is that of the script, and of nothing else.
    watch.save(script);
    let reports = watch.until(|report| matches!(report, Report::Ended(6, ..)));
    let began = reports.iter().filter_map(|report| if let Report::Began(what) = report { Some(what) } else { None });
    assert!(began.eq(["script.rhai, line 1"]), "{reports:?}");
}

#[test]
fn a_long_run_waits_for_a_click_and_a_paused_watch_only_notes() {
    let watch = Watch::begin(&sweep("asks", 20), WatchOptions { ask_above: Some(1e-6), ..WatchOptions::default() });
    let reports = watch.until(|report| matches!(report, Report::Asks));
    let Some(Report::Serving(address)) = reports.first() else { panic!("{reports:?}") };
    let press = |button: &str| ureq::post(format!("{address}{button}")).header("x-entroscope", "test").send_empty();
    assert!(watch.reports.recv_timeout(Duration::from_millis(300)).is_err());
    assert_eq!(press("go").unwrap().status(), 204);
    assert_eq!(watch.until_ended(1).1.computed, 4);
    press("pause").unwrap();
    // The loop gets the signal after the response is sent: an edit may still be run.
    let is_noted_or_over = |report: &Report| matches!(report, Report::Noted | Report::Ended(..));
    let mut edit = 1;
    loop {
        edit += 1;
        watch.save(&sweep(&format!("edit {edit}"), 20));
        if let Some(Report::Noted) = watch.until(is_noted_or_over).last() {
            break;
        }
    }
    press("resume").unwrap();
    assert_eq!(watch.until_ended(edit + 1).1.reused, 4);
}

#[test]
fn the_page_answers_only_its_own_requests() {
    let watch = Watch::begin("print(1);", WatchOptions::default());
    let reports = watch.until(|report| matches!(report, Report::Ended(..)));
    let Some(Report::Serving(address)) = reports.first() else { panic!("{reports:?}") };
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let status = |path: &str, name: &str, value: &str| {
        agent.get(format!("{address}{path}")).header(name, value).call().unwrap().status().as_u16()
    };
    assert_eq!(status("", "accept", "*/*"), 200);
    // Another user of the machine finds the port, and not the token.
    let port = &address[..address.trim_end_matches('/').rfind('/').unwrap()];
    for path in ["/", "/events", "/edits/1/items/0.svg", "/00000000000000000000000000000000/"] {
        assert_eq!(agent.get(format!("{port}{path}")).call().unwrap().status(), 404, "{path}");
    }
    assert_eq!(agent.post(format!("{port}/pause")).header("x-entroscope", "page").send_empty().unwrap().status(), 404);
    assert_eq!(status("", "host", "evil.example"), 403);
    assert_eq!(status("events", "origin", "http://evil.example"), 403);
    assert_eq!(status("..%2f..%2fCargo.toml", "accept", "*/*"), 404);
    assert_eq!(status("edits/1/items/0.svg", "accept", "*/*"), 404);
    assert_eq!(agent.post(format!("{address}pause")).send_empty().unwrap().status(), 403);
    let page = agent.get(address).call().unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}

#[test]
#[cfg(unix)]
fn a_script_that_is_a_link_is_followed_to_its_folder() {
    let place = Place::new();
    let elsewhere = place.path("project/deep");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("real.rhai"), "print(1);").unwrap();
    let link = place.path("project/link.rhai");
    std::os::unix::fs::symlink("deep/real.rhai", &link).unwrap();
    let watch = Watch::begin_at(place, link, WatchOptions::default());
    assert_eq!(watch.until_ended(1).0, Stage::Done);
    std::fs::write(elsewhere.join("real.rhai"), "print(20);").unwrap();
    assert_eq!(watch.until_ended(2).0, Stage::Done);
}

#[test]
fn what_the_program_writes_is_no_edit() {
    let mut place = Place::new();
    // Beside the pictures that the script reads.
    place.settings.out = Some(place.path("project/runs/out"));
    let draw = r#"images(dataset("glyphs", #{ size: 7 }).test.take(1)).save("x.png");"#;
    let script = place.script(draw);
    assert!(place.run_file(&script).0.diagnostics.is_empty());
    std::fs::copy(place.path("project/runs/out/x.png"), place.path("project/a.png")).unwrap();
    std::fs::remove_dir_all(place.path("project/runs")).unwrap();
    let script = place.script(&format!("{draw}\nprint(folder(\".\").len);"));
    let watch = Watch::begin_at(place, script, WatchOptions::default());
    assert_eq!(watch.until_ended(1).0, Stage::Done);
    let more = watch.reports.recv_timeout(Duration::from_secs(3));
    assert!(more.is_err(), "{more:?}");
}
