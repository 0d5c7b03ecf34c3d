//! Milliseconds from a saved edit that computes nothing to the figure on the page, in a real Chromium.
//!
//!     cargo bench --bench watch
//!
//! For 40 points × 60 depths and 600 × 200, edits of the title alone. The clock starts before the file is written and stops
//! when the page has put the drawn figure in place of the one before; both clocks are this machine's. HostEvent are the median
//! and the 95th percentile over the edits, and where the time goes: the program says when each part was done, and the
//! server how long it drew. At the end, the first again, for the memory after 500 edits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "a measurement")]

#[path = "../tests/suite/browser/driver.rs"]
mod driver;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use driver::Browser;

/// Edits of which the latency is told, and all of them.
const TIMED: usize = 50;
const EDITS: usize = 500;
/// How long an edit is left alone before the page is asked.
const QUIET: Duration = Duration::from_millis(250);
const PARTS: [&str; 6] = ["began", "loaded", "checked", "described", "planned", "computed"];

fn script(title: &str, points: usize, depth: usize) -> String {
    format!(
        r#"let data = dataset("glyphs", #{{ size: 4 }});
let found = sweep([axis("weight_var", linspace(0.5, 3.0, {points}))]).map(|p| {{
    let net = mlp::wide(16, 10, {}).init(#{{ weight_var: p.weight_var, bias_var: 0.05 }});
    cascade(net, data.train.take(64)).reconstruct(data.test.take(20)).differential_entropy()
}});
heatmap(found, #{{ x: "weight_var", y: "depth", title: "{title}" }}).save("phase.svg");
"#,
        depth + 2
    )
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1e3
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(((values.len().max(1) - 1) as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

/// MiB that a process holds, where the system tells.
fn memory(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|number| number.parse::<f64>().ok());
    kibibytes.map_or(f64::NAN, |kibibytes| kibibytes / 1024.0)
}

fn measure(browser: &Browser, points: usize, depth: usize, edits: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phase.rhai");
    std::fs::write(&path, script("0", points, depth)).unwrap();
    let command = |word: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entroscope"));
        command.arg(word).arg(&path).arg("--out").arg(folder.path().join("out"));
        command.env("ENTROSCOPE_STORE", folder.path().join("store")).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    };
    assert!(command("run").status().unwrap().success());
    let mut program = Program(command("watch").spawn().unwrap());
    let mut address = String::new();
    BufReader::new(program.0.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
    browser.go(address.trim());
    browser.wait_shown("1:done");
    browser.value(
        "(() => { window.at = {}; new MutationObserver(() => { const shown = document.documentElement.dataset.shown;\
         window.at[shown] ??= performance.timeOrigin + performance.now(); })\
         .observe(document.documentElement, { attributes: true, attributeFilter: ['data-shown'] }); })()",
    );
    let early = memory(program.0.id());
    let (mut whole, mut drawn, mut parts) = (Vec::new(), Vec::new(), vec![Vec::new(); PARTS.len()]);
    for edit in 2..=edits + 1 {
        let saved = now();
        save(&path, &script(&edit.to_string(), points, depth));
        // Looking takes time of the page's own.
        std::thread::sleep(QUIET);
        browser.wait_shown(&format!("{edit}:done"));
        if edit > TIMED + 1 {
            continue;
        }
        whole.push(browser.value(&format!("window.at['{edit}:done']")).as_f64().unwrap() - saved);
        let draw = browser.value("performance.getEntriesByType('resource').filter(e => e.name.includes('.svg')).at(-1).serverTiming[0]?.duration ?? null");
        drawn.push(draw.as_f64().unwrap_or(f64::NAN));
        let timings = browser.value(&format!("window.entroscope.edits.get({edit})?.timings ?? null"));
        PARTS.iter().zip(&mut parts).for_each(|(name, part)| part.push(timings[*name].as_f64().unwrap_or(f64::NAN)));
        browser.value("performance.clearResourceTimings()");
    }
    let median = |values: &[f64]| quantile(values, 0.5);
    println!(
        "{points} points × {depth} depths, {TIMED} edits: median {:.0} ms, 95th percentile {:.0} ms",
        median(&whole),
        quantile(&whole, 0.95)
    );
    let mut before = 0.0;
    for (name, part) in ["debounce", "load", "check", "describe", "plan", "read results"].iter().zip(&parts) {
        println!("  {name:13} {:6.1} ms", median(part) - before);
        before = median(part);
    }
    println!("  {:13} {:6.1} ms", "draw", median(&drawn));
    println!("  {:13} {:6.1} ms", "send and show", median(&whole) - before - median(&drawn));
    println!("  memory {early:.0} MiB after the first edit, {:.0} MiB after {edits}", memory(program.0.id()));
}

/// As editors do: aside, then renamed.
fn save(path: &Path, text: &str) {
    let aside = path.with_extension("tmp");
    std::fs::write(&aside, text).unwrap();
    std::fs::rename(aside, path).unwrap();
}

fn main() {
    match Browser::open() {
        Ok(browser) => {
            measure(&browser, 40, 60, TIMED);
            measure(&browser, 600, 200, TIMED);
            measure(&browser, 40, 60, EDITS);
        }
        Err(why) => println!("skipped: {why}"),
    }
}
