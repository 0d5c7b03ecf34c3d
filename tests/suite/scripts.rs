//! Scripts that say themselves what comes of them: every section of every file in `tests/scripts` is run by itself.
//!
//! ```text
//! // --- a misspelt function suggests the near name
//! // Error: 16 there is no function `mlp::wid`
//! // Hint: did you mean `wide`?
//! let net = mlp::wid(784, 10, 30);
//! ```
//!
//! A note is about the next line, at the column that it names; one about no place of the script stands at its end. `Trace`
//! notes are the calls that led there. `/* prints … */`, `/* says … */` (verdicts), `/* writes table.csv … */` and
//! `/* points … */` follow the script. What a line or note leaves out behind a last "…" is not compared.
//! `// Set: depth=3` and `// Limit: calls 10` are the command line's `--set` and limits.
//!
//! `UPDATE_EXPECT=1 cargo test --release --test suite scripts::` writes what comes of every script into it;
//! `SCRIPTS=figure` runs those files alone whose name holds "figure".

use std::fmt::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scripted::{self, Place};
use entroscope::executor::Points;
use entroscope::script::{self, Diagnostic, Host, Outcome, PageKind, Settings, Severity, Status};

const SECTION: &str = "// --- ";
const NOTES: [&str; 4] = ["// Error:", "// Warning:", "// Hint:", "// Trace:"];
const BLOCKS: [&str; 4] = ["/* prints", "/* says", "/* writes ", "/* points "];

#[test]
fn every_script_ends_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let only = std::env::var("SCRIPTS").unwrap_or_default();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.is_file() && file.file_stem().unwrap().to_string_lossy().contains(&only));
    files.sort();
    assert!(!files.is_empty());
    let wrong: Vec<String> = files.iter().filter_map(|file| check_file(file)).collect();
    assert!(wrong.is_empty(), "{}\nUPDATE_EXPECT=1 writes what came of them into the scripts", wrong.join("\n"));
}

/// An engine without this host: what it refuses is reserved in Rhai itself.
fn is_usable(script: &str) -> Result<(), String> {
    rhai::Engine::new().compile(script).map(|_| ()).map_err(|error| format!("{script}: {error}"))
}

/// Names in the reference that Rhai reserves for its own functions.
const RHAIS_KEYWORDS: [&str; 7] = ["print", "debug", "type_of", "call", "is_def_var", "is_def_fn", "exit"];

#[test]
fn no_public_name_is_reserved_in_rhai() {
    let reference = Host::new(Place::new().settings).reference().unwrap();
    let calls = reference.pages().filter_map(|(_, page)| {
        let name = page.name.rsplit("::").next().unwrap_or_default();
        match page.kind {
            // Rhai's own keywords, which are called and are no methods.
            _ if RHAIS_KEYWORDS.contains(&name) => None,
            PageKind::Property => Some(format!("let x = 1; x.{name}")),
            PageKind::Function => Some(format!("let x = 1; x.{name}(); {name}(x); m::{name}(x)")),
            PageKind::Operator => None,
        }
    });
    let options =
        script::specs().flat_map(|spec| spec.keys).map(|key| format!("let x = #{{ {0}: 1 }}; x.{0}", key.name));
    let scripts: Vec<String> = calls.chain(options).collect();
    assert!(scripts.len() > 100, "{}", scripts.len());
    let reserved: Vec<String> = scripts.iter().filter_map(|script| is_usable(script).err()).collect();
    assert!(reserved.is_empty(), "{}", reserved.join("\n"));
}

#[test]
fn a_reserved_name_would_be_found() {
    assert!(is_usable("let x = 1; x.default()").is_err());
    assert!(is_usable("let x = #{ match: 1 }; x.match").is_err());
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_the_project() {
    let place = Place::new();
    std::fs::write(place.path("outside.rhai"), "fn f() { 1 }").unwrap();
    std::os::unix::fs::symlink(place.path("outside.rhai"), place.path("project/inside.rhai")).unwrap();
    let absolute = place.path("outside.rhai").display().to_string();
    for path in ["inside", &absolute] {
        let (outcome, _) = place.run(&format!("import \"{path}\" as outside;"));
        assert_eq!(outcome.status, Status::ScriptWrong);
        scripted::assert_says(
            &scripted::text(&outcome.diagnostics),
            &["leads out of the project folder", "--project DIR"],
        );
    }
}

#[test]
fn a_script_outside_its_project_is_refused() {
    let mut place = Place::new();
    std::fs::create_dir(place.path("project/part")).unwrap();
    place.settings.project = Some(place.path("project/part"));
    let (outcome, _) = place.run("print(1);");
    scripted::assert_says(&scripted::text(&outcome.diagnostics), &["is not in the project folder", "--project DIR"]);
}

#[test]
fn checking_computes_nothing_and_finds_what_running_would() {
    let place = Place::new();
    let net = "mlp::wide(9, 10, 5).init(#{ weight_var: p.w })";
    let text = format!(
        "let depth = param(\"depth\", 3);\nlet data = dataset(\"noise\", #{{ size: 3 }});
        let table = sweep([axis(\"w\", [1, 2])]).map(|p| cascade({net}, data.train.take(10)).reconstruct(data.test.take(2)).mse());
        print(table);
        table.save(\"mse.csv\");"
    );
    let checked = Host::new(place.settings.clone()).check(&place.script(&text)).unwrap();
    assert_eq!(checked.plan.missing_and_reused(), (2, 0));
    assert_eq!(checked.params.get("depth").map(String::as_str), Some("3"));
    assert!(checked.plan.floating_point_operations().values().sum::<f64>() > 0.0);
    assert_eq!(place.results().len(), 0);
    assert!(!place.path("out").exists());
    place.run(&text);
    let checked = Host::new(place.settings.clone()).check(&place.script(&text)).unwrap();
    assert_eq!(checked.plan.missing_and_reused(), (0, 2));
    assert!(Host::new(place.settings.clone()).check(&place.script("print(frist());")).is_err());
}

#[test]
fn the_program_ends_with_the_status_of_the_script() {
    let place = Place::new();
    let sweep = |failing: &str| {
        format!("sweep([axis(\"x\", [1, 2])]).map(|p| {{ if {failing} {{ throw \"no\"; }} p.x }}).save(\"x.csv\");")
    };
    for (failing, code, said) in
        [("false", 0, "wrote"), ("p.x == 2", 1, "x = 2: no"), ("true", 2, "x = 1: no"), ("nowhere", 2, "nowhere")]
    {
        let output = place.program_runs(&place.script(&sweep(failing))).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{failing}");
        scripted::assert_says(&scripted::said(&output), &[said]);
    }
}

#[test]
fn missing_data_names_the_folders_and_the_way_out() {
    let place = Place::new();
    let output = place.program_runs(&place.script("let data = dataset(\"mnist\");")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let folder = place.path("data").display().to_string();
    scripted::assert_says(
        &scripted::said(&output),
        &["mnist", &folder, "entroscope data get mnist", "script.rhai:1:12"],
    );
}

/// A rendered message has the line and marks the word, whatever comes before it.
#[test]
fn a_message_marks_its_word_behind_unicode_and_in_a_long_line() {
    let rendered = |text: &str| {
        let (outcome, _) = Place::new().run(text);
        outcome.diagnostics[0].render(false)
    };
    let marked = |message: &str| {
        let lines: Vec<Vec<char>> = message.lines().map(|line| line.chars().collect()).collect();
        let marks = lines.iter().position(|line| line.contains(&'^')).unwrap();
        let word = |(_, mark): &(&char, &char)| **mark == '^';
        lines[marks - 1].iter().zip(&lines[marks]).filter(word).map(|(c, _)| *c).collect::<String>()
    };
    let message = rendered("let s = \"ünïcödé σ_w²\"; prnt(1);");
    assert_eq!(marked(&message), "prnt", "{message}");
    scripted::assert_says(&message, &["script.rhai:1:25", "did you mean `print`?"]);
    let long = format!("let a = [{}]; prnt(a); let b = [{}];", "1.5, ".repeat(60), "2.5, ".repeat(60));
    let message = rendered(&long);
    assert_eq!(marked(&message), "prnt", "{message}");
    assert!(message.lines().all(|line| line.chars().count() < 120), "{message}");
    // The calls that led to an error, from the inside out.
    let message = rendered("fn inner(x) { linspace(x, 1, 2) }\nfn outer() { inner(\"a\") }\nouter();");
    let at = |text: &str| message.find(text).unwrap_or_else(|| panic!("lacks {text}:\n{message}"));
    assert!(
        at("start must be a number") < at("in `inner`, called at") && at("in `inner`") < at("in `outer`, called at")
    );
}

/// What differs in a file, if something does.
fn check_file(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let sections: Vec<&str> = sections(&text);
    let came: Vec<String> = at_once(&sections, |section| what_comes_of(section));
    if came.concat() == text {
        return None;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(file, came.concat()).unwrap();
        return None;
    }
    let name = file.file_name().unwrap().to_string_lossy();
    let changed = sections.iter().zip(&came).filter(|(section, came)| *section != came);
    Some(changed.map(|(section, came)| format!("{name}: {}", difference(section, came))).collect::<Vec<_>>().join("\n"))
}

/// Maps on as many threads as there are cores.
fn at_once<T: Sync, U: Send>(items: &[T], f: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while let Some((i, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?)))
                {
                    let result = f(item);
                    done.lock().unwrap().push((i, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

/// A file's sections, each with its title line; together they are the file.
fn sections(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> =
        text.match_indices(SECTION).map(|(at, _)| at).filter(|&at| at == 0 || text[..at].ends_with('\n')).collect();
    starts.insert(0, 0);
    starts.push(text.len());
    starts.dedup();
    starts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

/// The lines that differ, between those that do not.
fn difference(was: &str, is: &str) -> String {
    let (was, is): (Vec<&str>, Vec<&str>) = (was.lines().collect(), is.lines().collect());
    let same = was.iter().zip(&is).take_while(|(a, b)| a == b).count();
    let rest = was.len().min(is.len()) - same;
    let end = was.iter().rev().zip(is.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let mut text = format!("{}\n", was[0]);
    was[same..was.len() - end].iter().for_each(|line| writeln!(text, "  expected  {line}").unwrap());
    is[same..is.len() - end].iter().for_each(|line| writeln!(text, "  came      {line}").unwrap());
    text
}

/// A section taken apart: the lines of its script, what they say comes of it, and what follows it.
struct Section<'a> {
    script: Vec<&'a str>,
    /// Notes, by the line of the script that each stands before.
    notes: Vec<(usize, &'a str)>,
    blocks: Vec<Vec<&'a str>>,
    /// Blank lines.
    end: &'a str,
}

impl<'a> Section<'a> {
    fn new(text: &'a str) -> Self {
        let end = &text[text.trim_end().len()..];
        let mut section = Self { script: Vec::new(), notes: Vec::new(), blocks: Vec::new(), end };
        let mut is_open = false;
        for line in text.trim_end().lines() {
            if is_open || BLOCKS.iter().any(|block| line.starts_with(block)) {
                if !is_open {
                    section.blocks.push(Vec::new());
                }
                section.blocks.last_mut().unwrap().push(line);
                is_open = !line.ends_with("*/");
            } else if NOTES.iter().any(|note| line.trim_start().starts_with(note)) {
                section.notes.push((section.script.len(), line.trim()));
            } else {
                section.script.push(line);
            }
        }
        section
    }

    /// The values of `// Set: …` lines, say.
    fn directives(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let start = format!("// {name}: ");
        self.script.iter().filter_map(move |line| line.strip_prefix(&start))
    }

    /// On one thread, so that everything happens in the same order.
    fn settings(&self, usual: &Settings) -> Settings {
        let mut settings = Settings { threads: 1, ..usual.clone() };
        settings.set =
            self.directives("Set").map(|set| set.split_once('=').unwrap()).map(|(a, b)| (a.into(), b.into())).collect();
        for (name, value) in self.directives("Limit").map(|limit| limit.split_once(' ').unwrap()) {
            let limits = &mut settings.limits;
            match name {
                "operations" => limits.operations = value.parse().unwrap(),
                "calls" => limits.calls = value.parse().unwrap(),
                "nesting" => limits.nesting = value.parse().unwrap(),
                "size" => limits.size = value.parse().unwrap(),
                "modules" => limits.modules = value.parse().unwrap(),
                "seconds" => limits.seconds = value.parse().unwrap(),
                "points" => limits.points = value.parse().unwrap(),
                "script_memory" => limits.memory = value.parse().unwrap(),
                "memory" => settings.memory = value.parse().unwrap(),
                _ => panic!("there is no limit {name:?}"),
            }
        }
        settings
    }
}

/// The section as it would read if it said what came of it.
fn what_comes_of(text: &str) -> String {
    let section = Section::new(text);
    if !text.starts_with(SECTION) {
        return text.to_owned();
    }
    let place = Place::new();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts/lib");
    std::fs::create_dir(place.path("project/lib")).unwrap();
    for module in std::fs::read_dir(library).unwrap().flatten() {
        std::fs::copy(module.path(), place.path("project/lib").join(module.file_name())).unwrap();
    }
    std::fs::write(place.path("outside.rhai"), "fn f() { 1 }").unwrap();
    let script = place.script(&section.script.join("\n"));
    let (outcome, printed) = scripted::run(Host::new(section.settings(&place.settings)), &script);
    let folders = |text: String| text.replace(&place.path("").display().to_string(), "<place>/");

    let mut notes: Vec<(usize, String)> = outcome
        .diagnostics
        .iter()
        .flat_map(|d| notes(d, &script.display().to_string(), section.script.len()))
        .collect();
    notes.sort_by_key(|(line, _)| *line);
    let mut came = String::new();
    for (line, code) in section.script.iter().map(Some).chain([None]).enumerate() {
        let indent: String = code.unwrap_or(&"").chars().take_while(|c| c.is_whitespace()).collect();
        let known: Vec<&str> = section.notes.iter().filter(|(at, _)| *at == line).map(|(_, note)| *note).collect();
        for (_, note) in notes.iter().filter(|(at, _)| *at == line) {
            let note = folders(note.clone());
            let note = known.iter().find(|known| is_start(known, &note)).copied().unwrap_or(&note);
            writeln!(came, "{indent}{note}").unwrap();
        }
        code.iter().for_each(|code| writeln!(came, "{code}").unwrap());
    }
    for block in blocks(&place, &outcome, &printed) {
        let block = folders(block);
        let lines: Vec<&str> = block.lines().collect();
        let is_same =
            |known: &&Vec<&str>| known.len() == lines.len() && known.iter().zip(&lines).all(|(a, b)| is_start(a, b));
        let block = section.blocks.iter().find(is_same).map_or(block.clone(), |known| known.join("\n"));
        writeln!(came, "{block}").unwrap();
    }
    came.trim_end().to_owned() + section.end
}

/// Whether `known` is the whole line, or ends with "…" and is its start.
fn is_start(known: &str, line: &str) -> bool {
    known == line || known.strip_suffix('…').is_some_and(|start| line.starts_with(start))
}

/// A diagnostic as notes, each with the line (from 0) that it stands before, or `end`.
fn notes(diagnostic: &Diagnostic, script: &str, end: usize) -> Vec<(usize, String)> {
    let at = |place: &Option<script::Place>| match place {
        Some(place) if place.file == script => (place.line - 1, format!("{} ", place.column)),
        // The stdlib's lines move whenever its docs do.
        Some(place) if place.file.starts_with("stdlib/") => (end, format!("{} ", place.file)),
        Some(place) => (end, format!("{place} ")),
        None => (end, String::new()),
    };
    let severity = if diagnostic.severity == Severity::Error { "Error" } else { "Warning" };
    let (line, column) = at(&diagnostic.place);
    let message = diagnostic.message.replace('\n', " ⏎ ");
    let mut notes = vec![(line, format!("// {severity}: {column}{message}"))];
    notes.extend(diagnostic.hints.iter().map(|hint| (line, format!("// Hint: {hint}"))));
    for frame in &diagnostic.trace {
        let (line, column) = at(&frame.place);
        notes.push((line, format!("// Trace: {column}{}", frame.what)));
    }
    notes
}

/// What a script printed, said and wrote.
fn blocks(place: &Place, outcome: &Outcome, printed: &[String]) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block = |title: &str, text: &str| {
        blocks.push(if text.is_empty() {
            format!("/* {title} */")
        } else {
            format!("/* {title}\n{}\n*/", text.trim_end())
        });
    };
    if !printed.is_empty() {
        block("prints", &printed.join("\n"));
    }
    outcome.verdicts.iter().for_each(|verdict| block("says", verdict));
    for file in &outcome.files {
        let name = file.strip_prefix(place.path("out")).unwrap().display().to_string();
        let is_text = name.ends_with(".csv") || name.ends_with(".json");
        block(&format!("writes {name}"), &if is_text { place.written(&name) } else { String::new() });
    }
    let has_errors = outcome.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let Points { computed, reused, failed } = outcome.points;
    if computed + reused + failed > 0 {
        let points =
            [(computed, "computed"), (reused, "reused"), (failed, "failed")].map(|(n, what)| format!("{n} {what}"));
        block(&format!("points {}: status {}", points.join(", "), outcome.status.code()), "");
    } else {
        let usual = if has_errors { Status::ScriptWrong } else { Status::Done };
        assert_eq!(outcome.status, usual, "{:?}", outcome.diagnostics);
    }
    blocks
}
