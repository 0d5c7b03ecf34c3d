//! The page of a finished run as one file, opened from disk; and a gallery of such files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::scripted::Place;
use super::super::skip::{self, skipped};
use super::driver::{Browser, ESCAPE, RIGHT};
use super::{FIGURE, number_after, script, values};
use entroscope::page::{Details, Recording, Shelved, Still, gallery, still};
use entroscope::script::{Host, Outcome};
use serde_json::{Value, json};

/// What a packed recipe holds for the program.
const RECIPE: &str = r#"<script type="application/json" id="recipe">{"recipe":1}</script>"#;

const EVIL: &str = "</script><script>alert(1)</script><!-- \u{2028} <img src=x onerror=alert(1)>";

/// Runs a script and writes its page beside it; what came of the run, and the page's path.
fn page(place: &Place, text: &str, about: &Value) -> (Outcome, PathBuf) {
    let (path, recording) = (place.script(text), Recording::new());
    let observer = recording.clone();
    let host = Host::new(place.settings.clone()).with_observer(Arc::new(move |event| observer.on_event(&event)));
    let outcome = host.run(&path);
    recording.end(&outcome);
    let details = Details::new(&host, Path::new("cone.recipe.html")).unwrap();
    let html = still(&Still { recording: &recording, details: &details, about, recipe: RECIPE });
    let file = place.path("cone.recipe.html");
    std::fs::write(&file, html.unwrap()).unwrap();
    (outcome, file)
}

fn about(script: &str) -> Value {
    json!({
        "title": "Cone", "description": EVIL, "authors": ["A. Author", "B. Author"], "licence": "CC-BY-4.0",
        "doi": "10.1000/182", "script": "script.rhai",
        "files": [
            { "name": "script.rhai", "text": script, "kind": "script" },
            { "name": "lib/own.rhai", "text": "//! Own.\nfn twice(x) { 2 * x } /* \"no\" /* string */ */ let y = `${x}`;", "kind": "module" },
        ],
        "parameters": { "depth": { "value": 8, "default": 50 } }, "only": [], "lock": [["device", "flex"], ["data", EVIL]],
        "rerun": ["entroscope run cone.recipe.html --set depth=8"], "marks": [EVIL],
    })
}

/// A browser with this file open; the test is skipped where there is no browser.
#[track_caller]
fn open(file: &Path) -> Option<Browser> {
    let browser = Browser::open().map_err(|why| skipped(skip::BROWSER, why)).ok()?;
    browser.go(&format!("file://{}", file.display()));
    Some(browser)
}

/// Nothing was fetched, nothing was refused, and nothing went wrong.
#[track_caller]
fn is_alone(browser: &Browser) {
    let asked = browser.value(
        "performance.getEntriesByType('resource').map((entry) => entry.name).filter((name) => !/^(blob|data):/.test(name))",
    );
    assert_eq!(asked, json!([]));
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn a_file_shows_what_the_live_page_shows() {
    let text = script("Packed", 1, "[0.5, 1.0, 2.0]") + "print(\"</script><script>alert(1)</script>\");\n";
    let place = Place::new();
    let (outcome, file) = page(&place, &text, &about(&text));
    assert!(outcome.diagnostics.is_empty(), "{:?}", outcome.diagnostics);
    let Some(browser) = open(&file) else { return };
    browser.wait_shown("1:done");
    assert_eq!(browser.value("document.title"), json!("Cone"));
    browser.wait(&format!("{FIGURE}.querySelector('img').naturalWidth > 100"));

    // The value under the pointer is that of the CSV.
    let regions = browser.value(&format!("(() => {{ const r = {FIGURE}.querySelector('img').getBoundingClientRect(); return [r.left + r.width * 0.4, r.top + r.height * 0.4]; }})()"));
    let (x, y) = (regions[0].as_f64().unwrap(), regions[1].as_f64().unwrap());
    browser.point(x, y, false);
    browser.wait("document.querySelector('[data-test=\"tooltip\"]')?.innerText.includes('depth')");
    let csv = place.written("phase.csv");
    let tooltip = browser.text("tooltip");
    let column = [0.5, 1.0, 2.0].iter().position(|x| *x == number_after(&tooltip, "weight_var")).unwrap();
    let row = number_after(&tooltip, "depth") as usize - 1;
    let rows = csv.lines().skip(1).count() / 3;
    let value = values(&csv, rows)[column][row];
    assert!((number_after(&tooltip, "entropy") - value).abs() < 1e-4, "{tooltip} for {value}");

    // Its details.
    browser.point(x + 1.0, y, true);
    browser.wait("document.querySelector('[data-test=\"details\"]')?.innerText.includes('--only weight_var=')");
    let said = browser.text("details");
    for word in ["entroscope run cone.recipe.html --only", "script.rhai", "seed"] {
        assert!(said.contains(word), "lacks {word}: {said}");
    }
    let fingerprint = browser.value("document.querySelector('[data-test=\"details\"] code').title");
    assert!(outcome.results.iter().any(|(_, known)| json!(known) == fingerprint), "{fingerprint}");
    assert_eq!(
        browser.value("document.querySelector('[data-test=\"details\"] .value').title"),
        json!(value.to_string())
    );
    browser.wait("document.querySelector('[data-test=\"details\"] img')?.naturalWidth > 0");
    browser.press(ESCAPE);

    // The keys reach values as well.
    browser.point(1.0, 1.0, false);
    browser.value(&format!("{FIGURE}.focus()"));
    browser.press_with_shift(RIGHT);
    browser.wait("document.querySelector('[data-test=\"tooltip\"]')?.innerText.match(/depth\\s+1\\s/)");
    browser.press(ESCAPE);

    // What is printed stays text.
    assert_eq!(browser.text("printed").lines().last().unwrap(), "</script><script>alert(1)</script>");
    is_alone(&browser);
}

#[test]
fn tables_of_a_file_sort_and_its_links_save_what_the_program_writes() {
    let text = script("Packed", 1, "[2.0, 0.5, 1.0]");
    let place = Place::new();
    let (_, file) = page(&place, &text, &about(&text));
    let Some(browser) = open(&file) else { return };
    browser.wait_shown("1:done");
    const ROWS: &str = "[...document.querySelectorAll('[data-test=\"table\"] tbody tr')].map((row) => row.innerText)";
    browser.wait(&format!("{ROWS}.length === 3"));
    let before = browser.value(ROWS);
    browser.value("document.querySelector('[data-test=\"table\"] th button').click()");
    browser.wait("document.querySelector('[data-test=\"table\"] th').ariaSort === 'ascending'");
    let mut sorted: Vec<String> = serde_json::from_value(before.clone()).unwrap();
    sorted.sort();
    assert_eq!(browser.value(ROWS), json!(sorted));
    assert_ne!(before, json!(sorted));

    let saved = place.path("saved");
    std::fs::create_dir(&saved).unwrap();
    browser.download_to(&saved);
    for (card, label, name) in
        [("figure", "SVG", "phase.svg"), ("figure", "CSV", "phase.csv"), ("table", "CSV", "lost.csv")]
    {
        let link = format!("document.querySelector('[data-test=\"{card}\"] a[aria-label=\"Save as {label}\"]')");
        browser.wait(&format!("{link}.href.startsWith('blob:')"));
        browser.value(&format!("{link}.click()"));
        let written = place.written(name);
        let started = std::time::Instant::now();
        while std::fs::read_to_string(saved.join(name)).unwrap_or_default() != written {
            assert!(started.elapsed() < super::driver::PATIENCE, "{name} was never saved whole");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    // What needs a program is not there.
    for gone in
        ["[data-test=\"pause\"]", "#history", "#history-switch", "#editbar", "a[aria-label=\"Save as PNG\"]", "select"]
    {
        let seen = format!("[...document.querySelectorAll('{gone}')].some((element) => element.checkVisibility())");
        assert_eq!(browser.value(&seen), json!(false), "{gone} is shown");
    }
    is_alone(&browser);
}

#[test]
fn a_file_says_what_it_is_and_how_to_run_it() {
    let text = "//! # A cone\n//! Two lines.\nlet n = 1_000; // \"not a string\"\nlet x = theory::xi_c(1.5e-3, `a ${n}`);\nfor i in 0..5 { print(\"it's \\\"so\\\"\"); }\n";
    let place = Place::new();
    let (_, file) = page(&place, "print(1);", &about(text));
    let Some(browser) = open(&file) else { return };
    browser.wait_shown("1:done");
    browser.press("r");
    browser.wait("document.activeElement.id === 'recipe-panel'");
    let said = browser.text("recipe");
    for word in
        ["entroscope run cone.recipe.html --set depth=8", "depth", "instead of 50", "device", "script.rhai", EVIL]
    {
        assert!(said.contains(word), "lacks {word}: {said}");
    }
    let head = browser.text("about");
    for word in
        ["Cone", "A. Author, B. Author", "CC-BY-4.0", "10.1000/182", EVIL, "entroscope recipe verify cone.recipe.html"]
    {
        assert!(head.contains(word), "lacks {word}: {head}");
    }
    // The listing is the text, in colours.
    assert_eq!(browser.value("document.querySelector('.rhai').textContent"), json!(text.trim_end()));
    let of = |kind: &str| {
        browser.value(&format!("[...document.querySelectorAll('.rhai .{kind}')].map((part) => part.textContent)"))
    };
    assert_eq!(of("doc"), json!(["//! # A cone", "//! Two lines.", "//! Own."]));
    assert_eq!(of("comment"), json!(["// \"not a string\"", "/* \"no\" /* string */ */"]));
    assert_eq!(of("string"), json!(["`a ${n}`", "\"it's \\\"so\\\"\"", "`${x}`"]));
    assert_eq!(of("number"), json!(["1_000", "1.5e-3", "0", "5", "2"]));
    assert_eq!(of("keyword"), json!(["let", "let", "for", "in", "fn", "let"]));
    assert_eq!(of("space"), json!(["theory"]));
    // What is for the program is there as it was given.
    assert_eq!(browser.value("document.getElementById('recipe').textContent"), json!("{\"recipe\":1}"));
    is_alone(&browser);
}

#[test]
fn a_damaged_file_says_so() {
    let place = Place::new();
    let (_, file) = page(&place, "print(1);", &about(""));
    let html = std::fs::read_to_string(&file).unwrap();
    let (before, data) = html.split_once("id=\"page-data\">").unwrap();
    std::fs::write(&file, format!("{before}id=\"page-data\">{}", data.replacen(&data[40..80], "", 1))).unwrap();
    let Some(browser) = open(&file) else { return };
    browser.wait("document.querySelector('[role=\"alert\"]')?.innerText.includes('damaged')");
}

#[test]
fn a_gallery_finds_recipes_as_one_types() {
    let recipe = |name: &str, lock: &str| Shelved {
        file: format!("deep folder/{name}.recipe.html"),
        title: format!("The {name}"),
        authors: vec!["A. Author".to_owned()],
        description: EVIL.to_owned(),
        lock: vec![("device".to_owned(), lock.to_owned())],
        picture: Some("data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=".to_owned()),
        ..Shelved::default()
    };
    let place = Place::new();
    let file = place.path("gallery.html");
    std::fs::write(&file, gallery("Shelf", &[recipe("cone", "flex"), recipe("tube #1", "cuda")]).unwrap()).unwrap();
    let Some(browser) = open(&file) else { return };
    let shown = "[...document.querySelectorAll('[data-test=\"recipe\"]')].filter((item) => !item.hidden).length";
    assert_eq!(browser.value(shown), json!(2));
    browser.press("/");
    for key in ["c", "u", "d", "a"] {
        browser.press(key);
    }
    browser.wait(&format!("{shown} === 1"));
    let href = browser.value("document.querySelector('[data-test=\"recipe\"]:not([hidden]) a').href");
    assert!(href.as_str().unwrap().ends_with("/deep%20folder/tube%20%231.recipe.html"), "{href}");
    browser.press("x");
    browser.wait("document.getElementById('none').innerText === 'No recipe has “cudax”.'");
    browser.press(ESCAPE);
    browser.wait(&format!("{shown} === 2"));
    is_alone(&browser);
}
