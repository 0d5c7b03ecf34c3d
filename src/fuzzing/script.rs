//! Scripts: checked, and run with little of everything. They are changed by lines and words, those of the tests' scripts and of
//! the reference's examples.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::{RENEWED_AFTER, Reader, folder, seeds as files, settings, write};
use crate::random::Random;
use crate::script::{Host, HostEvent, Limits, RunHandle, Settings};

/// Floating-point operations after which a run is not worth its time.
const MOST_WORK: f64 = 2e7;

/// The scripts of the tests, cut into pieces.
const SCRIPTS: [&str; 15] = [
    include_str!("../../tests/scripts/check.rhai"),
    include_str!("../../tests/scripts/data.rhai"),
    include_str!("../../tests/scripts/figures.rhai"),
    include_str!("../../tests/scripts/layers.rhai"),
    include_str!("../../tests/scripts/limits.rhai"),
    include_str!("../../tests/scripts/modules.rhai"),
    include_str!("../../tests/scripts/networks.rhai"),
    include_str!("../../tests/scripts/options.rhai"),
    include_str!("../../tests/scripts/params.rhai"),
    include_str!("../../tests/scripts/sweeps.rhai"),
    include_str!("../../tests/scripts/syntax.rhai"),
    include_str!("../../tests/scripts/tables.rhai"),
    include_str!("../../tests/scripts/theory.rhai"),
    include_str!("../../tests/scripts/training.rhai"),
    include_str!("../../scripts/quickstart.rhai"),
];

/// Values of every kind, by the names that the reference's examples use.
const VALUES: &str = r#"let data = dataset("glyphs", #{ size: 4 });
let split = data.train.take(4);
let arch = mlp::wide(16, 4, 3);
let net = arch.init(#{ weight_var: 1.0, bias_var: 0.05 });
let casc = cascade(net, split, #{ solver: "ridge" });
let rec = casc.reconstruct(split);
let curve = rec.mse();
let table = sweep([axis("w", [1.0, 2.0]), axis("seed", [1, 2])]).map(|p| curve.at(1) * p.w);
let t = tensor([[1.0, 2.0], [3.0, 4.0]]);
table.save("a.csv"); heatmap(table.mean_over("seed"), #{ x: "w", y: "value" }).save("b.svg");
images([split]).save("c.png"); lines(table, #{ x: "w", over: "seed" }).save("d.svg"); verdict(table, #{ level: 1.0 });
print(curve.at(1)); t.save("t.npy"); net.save("n.safetensors"); print(load_tensor("t.npy")); let p = param("n", 3);
"#;

/// Words that change what others mean.
const WORDS: [&str; 40] = [
    "0",
    "-1",
    "1",
    "2",
    "1e308",
    "-0.0",
    "9223372036854775807",
    "-9223372036854775808",
    "0.0 / 0.0",
    "1.0 / 0.0",
    "1e-320",
    "()",
    "\"\"",
    "\"x\"",
    "\"é😀\\u{202e}\"",
    "'x'",
    "[]",
    "[[]]",
    "#{}",
    "true",
    "|x| x",
    "|| throw 1",
    "Fn(\"f\")",
    "this",
    "let",
    "const",
    "fn",
    "for",
    "in",
    "loop",
    "switch",
    "try",
    "catch",
    "import",
    "return",
    "{",
    "}",
    "..",
    "??",
    "=>",
];

/// Examples and pieces of scripts.
static PIECES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let place = std::env::temp_dir();
    let host = Host::new(Settings { store_dir: place.join("entroscope-reference"), ..Settings::default() });
    let pages = host.reference().map(|reference| reference.groups).unwrap_or_default();
    let docs = pages.into_iter().flat_map(|group| group.pages).map(|page| page.docs).collect::<Vec<_>>();
    let examples = docs.iter().flat_map(|docs| docs.split("```").skip(1).step_by(2)).map(|example| {
        let example = example.split_once('\n').map_or(example, |(_, rest)| rest);
        format!("{VALUES}{example}")
    });
    let scripts = SCRIPTS.iter().flat_map(|script| script.split("\n\n")).map(str::to_owned);
    [VALUES.to_owned()]
        .into_iter()
        .chain(examples)
        .chain(scripts)
        .filter(|piece| (8..2500).contains(&piece.len()))
        .collect()
});

/// Their lines, and their words.
static LINES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut lines: Vec<&str> = PIECES.iter().flat_map(|piece| piece.lines()).map(str::trim).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
});
static VOCABULARY: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut words: Vec<&str> = LINES.iter().flat_map(|line| words(line)).chain(WORDS).collect();
    words.sort_unstable();
    words.dedup();
    words
});

/// A line's names, numbers, texts and other signs.
fn words(line: &str) -> Vec<&str> {
    let mut rest = line;
    let mut words = Vec::new();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = match first {
            '"' => rest[1..].find('"').map(|at| at + 2),
            c if is_word(c) => rest.find(|c: char| !is_word(c) && c != '.'),
            c if c.is_whitespace() => rest.find(|c: char| !c.is_whitespace()),
            c => Some(c.len_utf8()),
        };
        let (word, left) = rest.split_at(end.unwrap_or(rest.len()));
        words.push(word);
        rest = left;
    }
    words
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    PIECES.iter().map(|piece| piece.clone().into_bytes()).collect()
}

fn pick<'a>(from: &[&'a str], random: &mut Random) -> &'a str {
    from.get(random.below(from.len().max(1) as u32) as usize).copied().unwrap_or_default()
}

/// A script with some lines or words added, exchanged or left out.
pub(super) fn mutate(script: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let script = String::from_utf8_lossy(&script).into_owned();
    let mut lines: Vec<String> = script.lines().map(str::to_owned).collect();
    for _ in 0..=random.below(4) {
        let at = random.below(lines.len().max(1) as u32) as usize;
        match random.below(8) {
            0 if lines.len() > 1 => _ = lines.remove(at),
            1 => lines.insert(at, pick(&LINES, random).to_owned()),
            2 => lines.push(pick(&LINES, random).to_owned()),
            _ if lines.is_empty() => lines.push(String::new()),
            kind => {
                let mut words = words(&lines[at]);
                let word = random.below(words.len().max(1) as u32) as usize;
                let new = if random.below(3) == 0 { pick(&WORDS, random) } else { pick(&VOCABULARY, random) };
                match kind {
                    _ if words.is_empty() => words.push(new),
                    3 | 4 => words[word] = new,
                    5 => words.insert(word, new),
                    6 => _ = words.remove(word),
                    _ => {
                        let other = random.below(words.len() as u32) as usize;
                        words.swap(word, other);
                    }
                }
                lines[at] = words.concat();
            }
        }
    }
    lines.join("\n").into_bytes()
}

/// A host that gives scripts little, and its project with a file of each kind.
fn host(place: &Path) -> Host {
    let project = place.join("project");
    ["photos", "data"].iter().for_each(|name| folder(&project.join(name)));
    write(&project.join("photos/a.png"), &files::png());
    write(&project.join("photos/b.png"), &files::png());
    write(&project.join("photos/labels.csv"), b"file,label\na,0\nb,1\n");
    write(&project.join("weights.npy"), &files::tensors()[0]);
    write(&project.join("model.safetensors"), &files::tensors()[5]);
    write(&project.join("lib.rhai"), b"export const X = 1; fn f(x) { x + 1 }");
    let limits = Limits {
        operations: 20_000,
        calls: 40,
        nesting: 64,
        size: 20_000,
        modules: 10,
        seconds: 2.0,
        memory: 64 << 20,
        points: 40,
    };
    Host::new(Settings { limits, ..settings(place) })
}

pub(super) fn check(place: &Path) -> Reader {
    let (host, script) = (host(place), place.join("project/script.rhai"));
    Box::new(move |bytes| {
        write(&script, bytes);
        let checked = host.for_run(RunHandle::default(), Arc::new(|_| ())).check(&script);
        let diagnostics = checked.map_or_else(|wrong| wrong, |checked| checked.warnings);
        diagnostics.iter().for_each(|diagnostic| _ = diagnostic.render(false));
    })
}

pub(super) fn run(place: &Path) -> Reader {
    let (host, place, mut left) = (host(place), place.to_owned(), RENEWED_AFTER);
    let script = place.join("project/script.rhai");
    Box::new(move |bytes| {
        write(&script, bytes);
        if left == 0 {
            // Results and outputs of those before.
            ["store", "out"].iter().for_each(|name| _ = std::fs::remove_dir_all(place.join(name)));
            left = RENEWED_AFTER;
        }
        left -= 1;
        let handle = RunHandle::default();
        let cancel = handle.cancel.clone();
        let observer = move |event: HostEvent<'_>| {
            if let HostEvent::Planned(_, estimate) = event
                && estimate.operations > MOST_WORK
            {
                cancel.cancel();
            }
        };
        let outcome = host.for_run(handle, Arc::new(observer)).run(&script);
        outcome.diagnostics.iter().for_each(|diagnostic| _ = diagnostic.render(false));
    })
}
