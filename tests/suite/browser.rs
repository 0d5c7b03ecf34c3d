//! The live page in a real Chromium: real files are saved, and the real page is read. Where no browser is installed, that is
//! said and nothing is tested.

mod driver;
mod still;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::scripted::Place;
use super::skip::{self, skipped};
use driver::{Browser, ESCAPE, RIGHT, UP};
use serde_json::json;

/// `entroscope watch`, as a user starts it; it ends with this.
struct Program {
    child: Child,
    address: String,
}

impl Program {
    fn start(place: &Place, port: u16, more: &[&str]) -> Self {
        let script = place.path("project/script.rhai");
        let mut command = place.program(&["watch", "--port", &port.to_string(), "--threads", "2"]);
        command.arg(script).arg("--out").arg(place.path("out")).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn script(title: &str, epochs: usize, points: &str) -> String {
    format!(
        r#"let data = dataset("glyphs", #{{ size: 7 }});
let found = sweep([axis("weight_var", {points})]).map(|p| {{
    let net = mlp::wide(49, 10, 8).init(#{{ weight_var: p.weight_var, bias_var: 0.05 }});
    cascade(net, data.train.take(256), #{{ epochs: {epochs} }}).reconstruct(data.test.take(20)).differential_entropy()
}});
heatmap(found, #{{ x: "weight_var", y: "depth", title: "{title}", value: "entropy" }}).save("phase.svg");
found.map(|curve| #{{ lost: curve.falls_below(-3.0) }}).save("lost.csv");
"#
    )
}

const FIGURE: &str = "document.querySelector('[data-test=\"figure\"]')";

/// A browser and a program that watches this script; the test is skipped where there is no browser.
#[track_caller]
fn open(text: &str, more: &[&str]) -> Option<(Browser, Place, Program, u16)> {
    let browser = Browser::open().map_err(|why| skipped(skip::BROWSER, why)).ok()?;
    let place = Place::new();
    place.script(text);
    let port = free_port();
    let program = Program::start(&place, port, more);
    browser.go(&program.address);
    Some((browser, place, program, port))
}

#[test]
fn figures_follow_the_script_and_errors_come_and_go() {
    let Some((browser, place, _program, _)) = open(&script("First", 1, "[0.5, 1.0, 2.0]"), &[]) else { return };
    browser.wait_shown("1:done");
    assert_eq!(browser.value(&format!("{FIGURE}.dataset.name")), json!("phase.svg"));
    browser.wait(&format!("{FIGURE}.querySelector('img').naturalWidth > 100"));

    // An edit that computes nothing.
    place.script(&script("Second", 1, "[0.5, 1.0, 2.0]"));
    browser.wait_shown("2:done");
    assert_eq!(browser.value(&format!("{FIGURE}.dataset.edit")), json!("2"));

    // A broken one: the figures stay, marked, with the place of the error above them.
    place.script(&script("Third", 1, "[0.5, 1.0, 2.0]").replace("mlp::wide", "mlp::wise"));
    browser.wait_shown("3:broken");
    let said = browser.text("diagnostic");
    assert!(said.contains("wise") && said.contains("script.rhai") && said.contains("did you mean wide"), "{said}");
    assert!(browser.text("stale").contains('2'), "{}", browser.text("stale"));
    assert_eq!(browser.value(&format!("{FIGURE}.dataset.edit")), json!("2"));
    place.script(&script("Third", 1, "[0.5, 1.0, 2.0]"));
    browser.wait_shown("4:done");
    assert_eq!(browser.text("diagnostic"), "");
    assert_eq!(browser.text("stale"), "");
    assert_eq!(browser.value("document.querySelectorAll('[data-test=\"history-edit\"]').length"), json!(4));
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn points_say_what_they_are() {
    let Some((browser, _place, _program, _)) = open(&script("Points", 1, "[0.5, 1.0, 2.0]"), &[]) else { return };
    browser.wait_shown("1:done");
    let place = browser.value(&format!("(() => {{ const r = {FIGURE}.querySelector('img').getBoundingClientRect(); return [r.left + r.width * 0.4, r.top + r.height * 0.4]; }})()"));
    let (x, y) = (place[0].as_f64().unwrap(), place[1].as_f64().unwrap());
    browser.point(x, y, false);
    browser.wait("document.querySelector('[data-test=\"tooltip\"]')?.innerText.includes('depth')");
    browser.point(x + 1.0, y, true);
    browser.wait("document.querySelector('[data-test=\"details\"]')?.innerText.includes('--only weight_var=')");
    let said = browser.text("details");
    for word in ["weight_var", "entroscope run", "script.rhai", "seed"] {
        assert!(said.contains(word), "lacks {word}: {said}");
    }
    // The reconstructions there.
    browser.wait("[...document.querySelectorAll('[data-test=\"details\"] img')].some(img => img.naturalWidth > 0)");
    browser.wait("document.querySelector('[data-test=\"table\"]')?.innerText.includes('lost')");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

/// The values of a figure's cells by column and row, from its CSV.
fn values(csv: &str, rows: usize) -> Vec<Vec<f64>> {
    let values: Vec<f64> = csv.lines().skip(1).map(|line| line.split(',').nth(3).unwrap().parse().unwrap()).collect();
    values.chunks(rows).map(<[f64]>::to_vec).collect()
}

/// The number after a name in text of the page.
fn number_after(text: &str, name: &str) -> f64 {
    let mut words = text.split_whitespace().skip_while(|word| *word != name).skip(1);
    words.next().and_then(|word| word.replace('−', "-").parse().ok()).unwrap_or_else(|| panic!("no {name} in {text:?}"))
}

#[test]
fn the_page_shows_the_numbers_of_the_csv_to_pointer_and_keys() {
    let Some((browser, _place, program, _)) = open(&script("Numbers", 1, "[0.5, 1.0, 2.0]"), &[]) else { return };
    browser.wait_shown("1:done");
    let get = |file: &str| {
        let mut answer = ureq::get(format!("{}edits/1/items/0.{file}", program.address)).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    };
    let regions: serde_json::Value = serde_json::from_str(&get("json")).unwrap();
    let edges =
        |name: &str| -> Vec<f64> { serde_json::from_value(regions["parts"][0]["shape"][name].clone()).unwrap() };
    let (across, upward) = (edges("across"), edges("upward"));
    let values = values(&get("csv"), upward.len() - 1);
    assert_eq!(values.len(), across.len() - 1);

    // The pointer in the middle of each of some cells.
    let width = regions["width"].as_f64().unwrap();
    let window = |x: f64, y: f64| {
        let place = browser.value(&format!(
            "(() => {{ const r = {FIGURE}.querySelector('img').getBoundingClientRect(); \
             return [r.left + {x} * r.width / {width}, r.top + {y} * r.width / {width}]; }})()"
        ));
        (place[0].as_f64().unwrap(), place[1].as_f64().unwrap())
    };
    let cell = |column: usize, row: usize| {
        window((across[column] + across[column + 1]) / 2.0, (upward[row] + upward[row + 1]) / 2.0)
    };
    let tooltip = |column: usize, row: usize| {
        browser.wait(&format!(
            "document.querySelector('[data-test=\"tooltip\"]')?.innerText.match(/depth\\s+{}\\s/)",
            row + 1
        ));
        let text = browser.text("tooltip");
        let shown = number_after(&text, "entropy");
        assert!((shown - values[column][row]).abs() < 1e-4, "{text} for {}", values[column][row]);
        assert_eq!(number_after(&text, "weight_var"), [0.5, 1.0, 2.0][column]);
    };
    for (column, row) in [(0, 0), (1, 3), (2, 5)] {
        let (x, y) = cell(column, row);
        browser.point(x, y, false);
        tooltip(column, row);
    }

    // The keys: the first cell, one to the right, one up, and its details.
    browser.point(1.0, 1.0, false);
    browser.value(&format!("{FIGURE}.focus()"));
    browser.press_with_shift(RIGHT);
    tooltip(0, 0);
    browser.press_with_shift(RIGHT);
    browser.press_with_shift(UP);
    tooltip(1, 1);
    browser.press(" ");
    browser.wait("document.querySelector('[data-test=\"details\"]')?.innerText.includes('--only weight_var=1')");
    let details = browser.text("details");
    assert!((number_after(&details, "entropy") - values[1][1]).abs() < 1e-4, "{details}");
    let exact = browser.value("document.querySelector('[data-test=\"details\"] .value').title");
    assert_eq!(exact.as_str().unwrap().parse::<f64>().unwrap(), values[1][1]);
    browser.press(ESCAPE);
    browser.wait("document.querySelector('[data-test=\"details\"]').hidden");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn every_panel_can_be_pointed_at_and_shown_in_another_palette() {
    let text = r#"let table = sweep([axis("x", [1, 2, 4]), axis("y", [1, 2])]).map(|p| p.x * p.y);
panels([[heatmap(table), scatter(table)], [histogram(table, #{ bins: 2 }), bars(table.where(|p| p.y == 1))]],
    #{ size: [160, 120] }).save("all.svg");"#;
    let Some((browser, _place, program, _)) = open(text, &[]) else { return };
    browser.wait_shown("1:done");
    let mut answer = ureq::get(format!("{}edits/1/items/0.json", program.address)).call().unwrap();
    let regions: serde_json::Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    // The picture has its size in millimetres; places are given in units of the page.
    let width = number(&regions["width"]);
    assert_eq!(width, 160.0 * 6.5);
    let point = |x: f64, y: f64| {
        let place = browser.value(&format!(
            "(() => {{ const r = {FIGURE}.querySelector('img').getBoundingClientRect(); \
             return [r.left + {x} * r.width / {width}, r.top + {y} * r.width / {width}]; }})()"
        ));
        browser.point(number(&place[0]), number(&place[1]), false);
    };
    let tooltip = |text: &str| {
        browser.wait(&format!("document.querySelector('[data-test=\"tooltip\"]')?.innerText.includes('{text}')"));
    };
    let shape = |part: usize| &regions["parts"][part]["shape"];
    let dot = &shape(1)["points"][3];
    point(number(&dot[0]), number(&dot[1]));
    tooltip("x = 2, y = 2");
    let bar = &shape(2)["drawn"][0];
    point(number(&bar["left"]) + 2.0, number(&bar["bottom"]) - 2.0);
    tooltip("count");
    let bar = &shape(3)["drawn"][2];
    point(number(&bar["left"]) + 2.0, number(&bar["bottom"]) - 2.0);
    tooltip("4");

    browser.value(&format!(
        "(() => {{ const s = {FIGURE}.querySelector('select'); s.value = 'greys'; s.dispatchEvent(new Event('change')); }})()"
    ));
    browser.wait(&format!("{FIGURE}.querySelector('img').src.includes('palette=greys')"));
    let get = |palette: &str| {
        let mut answer = ureq::get(format!("{}edits/1/items/0.svg{palette}", program.address)).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    };
    assert!(get("").contains("#440154") && !get("?palette=greys&reversed=true").contains("#440154"));
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn progress_moves_and_two_tabs_see_the_same() {
    let points = "[0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.7, 1.9]";
    let Some((browser, place, program, _)) = open(&script("Before", 1, "[0.5]"), &[]) else { return };
    browser.wait_shown("1:done");
    let (first, second) = browser.another();
    browser.switch(&second);
    browser.go(&program.address);
    browser.wait_shown("1:done");
    place.script(&script("Long", 800, points));
    browser.wait("document.querySelector('[data-test=\"state\"]')?.dataset.state === 'running'");
    browser.wait(&format!("{FIGURE}.dataset.edit === '2'"));
    let early = browser.value(&format!("Number({FIGURE}.dataset.rev)")).as_f64().unwrap();
    assert_ne!(browser.text("progress"), "");
    browser.wait(&format!(
        "Number({FIGURE}.dataset.rev) > {early} && document.documentElement.dataset.shown !== '2:done'"
    ));
    browser.wait_shown("2:done");
    browser.switch(&first);
    browser.wait_shown("2:done");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn the_page_finds_the_program_again_and_can_pause_it() {
    let Some((browser, place, program, port)) = open(&script("First", 1, "[0.5, 1.0]"), &[]) else { return };
    browser.wait_shown("1:done");
    drop(program);
    browser.wait("document.querySelector('[data-test=\"state\"]')?.dataset.state === 'unconnected'");
    assert_eq!(browser.value(&format!("{FIGURE}.dataset.edit")), json!("1"));
    place.script(&script("While it was away", 1, "[0.5, 1.0]"));
    let _program = Program::start(&place, port, &[]);
    browser.wait("document.querySelector('[data-test=\"state\"]')?.dataset.state === 'done'");
    browser.press("p");
    browser.wait("document.querySelector('[data-test=\"state\"]')?.dataset.state === 'paused'");
    place.script(&script("Paused", 1, "[0.5, 1.0]"));
    browser.wait("document.querySelectorAll('[data-test=\"history-edit\"]').length === 2");
    browser.press("p");
    browser.wait_shown("3:done");
}
