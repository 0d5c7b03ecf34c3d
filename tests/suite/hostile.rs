//! Hostile scripts: what they take is bounded, and every function refuses senseless arguments in words.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use entroscope::random::Random;
use entroscope::script::{Argument, Host, Limits, PageKind, Settings, Status};

use super::campaigns::size;
use super::scripted::{Place, alone, assert_says, said, text};

fn limited(limits: Limits) -> Place {
    let mut place = Place::new();
    place.settings.limits = limits;
    place
}

#[track_caller]
fn refused(place: &Place, script: &str, words: &[&str]) {
    let (outcome, _) = place.run(script);
    assert_eq!(outcome.status, Status::ScriptWrong, "{script}");
    assert_says(&text(&outcome.diagnostics), words);
}

#[test]
fn calls_inside_calls_end_in_an_error() {
    let place = limited(Limits { calls: 1_000_000_000, ..Limits::default() });
    let deep = "1 + (1 + (1 + (1 + (1 + (1 + (1 + (1 + f(n + 1))))))))";
    refused(&place, &format!("fn f(n) {{ {deep} }}\nf(0);"), &["the script calls functions too deeply, or"]);
    refused(&place, "fn f(n) { [1].map(|x| f(n + 1)) }\nf(0);", &["the script calls functions too deeply, or"]);
    let place = limited(Limits { calls: 50, ..Limits::default() });
    refused(&place, "fn f(n) { if n == 40 { throw \"there\" } f(n + 1) }\nf(0);", &["there", "… and 29 more calls …"]);
    // The default limit comes first, with its flag.
    refused(&Place::new(), "fn f(n) { f(n + 1) }\nf(0);", &["--max-calls N"]);
}

#[test]
fn a_long_chain_of_closures_is_dropped_or_refused() {
    let chain =
        |links: usize| format!("let f = || 0;\nfor i in 0..{links} {{ let g = f; f = || g; }}\nprint(\"done\");");
    let (outcome, printed) = Place::new().run(&chain(500_000));
    assert_eq!((outcome.status, &printed[..]), (Status::Done, &["done".to_owned()][..]), "{:?}", outcome.diagnostics);
    let place = limited(Limits { memory: 64 << 20, ..Limits::default() });
    refused(&place, &chain(5_000_000), &["more than 64.0 MiB of memory", "--max-memory SIZE"]);
}

#[test]
fn values_inside_values_can_be_printed_and_compared() {
    let lists = "let a = []; let c = [];\nfor i in 0..2000 { a = [a]; c = [c]; }\n";
    let (outcome, printed) = Place::new().run(&format!("{lists}print(`${{a}}`.len); print(a == c);"));
    assert_eq!(outcome.status, Status::Done, "{}", text(&outcome.diagnostics));
    assert_eq!(printed, ["4002", "true"]);
}

#[test]
fn layers_inside_layers_are_limited() {
    refused(
        &Place::new(),
        "let r = relu();\nfor i in 0..3000 { r = residual([r]); }",
        &["more than 32 residual layers are inside one another", "script.rhai:2"],
    );
}

#[test]
fn a_chain_of_imports_is_limited() {
    let place = Place::new();
    for i in 0..300 {
        let text = format!("import \"m{}\" as next;\nexport const X = 1;", i + 1);
        std::fs::write(place.path(&format!("project/m{i}.rhai")), text).unwrap();
    }
    std::fs::write(place.path("project/m300.rhai"), "export const X = 1;").unwrap();
    refused(&place, "import \"m0\" as m;", &["imports too many modules", "--max-modules N"]);
}

#[test]
fn all_memory_of_a_script_counts_together() {
    let hoards = [
        // One value within its limit, many of them.
        "let all = [];\nfor i in 0..10000 { let s = \"x\"; s.pad(1000000, 'y'); all.push(s); }",
        "let all = #{};\nfor i in 0..10000 { let a = []; a.pad(100000, 0); all[`k${i}`] = a; }",
        // In the variables of functions.
        "fn f(n) { let a = []; a.pad(100000, n); if n > 0 { f(n - 1) } }\nf(60); let a = []; for i in 0..100 { a.push(range(0, 100000)); }",
        // In closures.
        "let f = |x| x;\nfor i in 0..40 { f = f.curry(f); }",
        // In what native functions give.
        "let all = [];\nfor i in 0..10000 { all.push(linspace(0, 1, 100000)); }",
        "let all = [];\nfor i in 0..10000 { all.push(zeros([100000])); }",
    ];
    let place = limited(Limits { memory: 100 << 20, calls: 100, size: 1_000_000_000, ..Limits::default() });
    for hoard in hoards {
        refused(&place, hoard, &["100.0 MiB", "--max-memory SIZE"]);
    }
}

#[test]
fn one_call_that_takes_all_memory_ends_the_script_and_not_the_program() {
    // A text within its limit, copied into every place of an array within its limit.
    let script = "let a = [];\na.pad(100000, [1, 2, 3]);\nlet b = [];\nb.pad(99, a);\nlet c = [];\nc.pad(9, b);\nprint(`${c}`.len);";
    let place = limited(Limits { memory: 200 << 20, size: 1_000_000_000, ..Limits::default() });
    refused(&place, script, &["200.0 MiB", "--max-memory SIZE"]);
}

#[test]
fn classes_of_a_wide_network_have_no_names_in_memory() {
    let script = "let data = dataset(\"glyphs\", #{ size: 4 });\n\
        let net = network([16], [block([linear(16, 4000000000)])]).init(#{ weight_var: 1.0, bias_var: 0.0 });\n\
        let found = net.classify(data.train.take(2), 2);\nprint(\"described\");";
    let (outcome, printed) = limited(Limits { memory: 100 << 20, ..Limits::default() }).run(script);
    assert_eq!(
        (outcome.status, &printed[..]),
        (Status::Done, &["described".to_owned()][..]),
        "{}",
        text(&outcome.diagnostics)
    );
}

#[test]
fn many_failed_points_and_long_means_end_in_time() {
    let place = limited(Limits { seconds: 20.0, ..Limits::default() });
    let failing =
        "let found = sweep([axis(\"x\", range(0.0, 100000.0, 1.0))]).map(|p| { throw \"no\"; });\nprint(found.len());";
    let (outcome, _) = place.run(failing);
    assert!(!text(&outcome.diagnostics).contains("--max-seconds"));
    let mean = "let found = sweep([axis(\"x\", range(0.0, 50000.0, 1.0)), axis(\"seed\", [1, 2])]).map(|p| p.x + p.seed);\n\
        print(found.mean_over(\"seed\").len());";
    let (outcome, printed) = place.run(mean);
    assert_eq!(printed, ["50000"], "{}", text(&outcome.diagnostics));
}

#[test]
fn a_script_is_stopped_wherever_it_spends_its_time() {
    let place = limited(Limits { seconds: 0.5, operations: u64::MAX, ..Limits::default() });
    let slow = [
        "loop {}",
        // Each closure is short: Rhai's own count begins anew.
        "let a = []; a.pad(10000000, 1);\nprint(a.reduce(|s, x| s + x, 0));",
        "fn row() { let a = []; a.pad(1000, 1); a }\nlet b = row().map(|x| row().map(|y| row().map(|z| 1)));",
    ];
    for script in slow {
        refused(&place, script, &["took more than 0.5 s to evaluate", "--max-seconds N"]);
    }
    let place = limited(Limits { operations: 100_000, ..Limits::default() });
    let script = "let a = []; a.pad(1000, 1);\nlet b = a.map(|x| { let s = 0; for i in 0..1000 { s += 1; } s });";
    refused(&place, script, &["takes more than 100000 operations", "--max-operations N"]);
}

#[test]
fn a_native_function_that_does_not_end_is_left_behind() {
    let place = limited(Limits { seconds: 0.2, ..Limits::default() });
    let started = Instant::now();
    let script = "let t = ones([9000, 9000]);\nfor i in 0..100 { t = t.matmul(t); }";
    refused(&place, script, &["took more than 0.2 s to evaluate"]);
    assert!(started.elapsed() < Duration::from_secs(30));
    refused(&Place::new(), "sleep(100);", &["a script does not wait"]);
}

#[test]
fn a_text_with_very_many_names_is_refused() {
    let mut script = String::new();
    (0..20_000).for_each(|i| writeln!(script, "let v{i} = {i};").unwrap());
    let (outcome, _) = Place::new().run(&script);
    assert_eq!(outcome.status, Status::ScriptWrong);
}

#[test]
fn printed_texts_command_no_terminal() {
    let place = Place::new();
    let script = place.script("print(\"\\x1b]0;owned\\x07\");\nthrow \"\\x1b[2J\";");
    let output = place.program_runs(&script).output().unwrap();
    assert!(!said(&output).contains('\u{1b}'), "{}", said(&output));
    assert_says(&said(&output), &["\\u{1b}]0;owned\\u{7}", "\\u{1b}[2J"]);
}

#[test]
#[cfg(unix)]
fn a_pipe_is_no_script() {
    let place = Place::new();
    let pipe = place.path("project/pipe.rhai");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_says(&said(&place.program_runs(&pipe).output().unwrap()), &["it is a pipe (FIFO), not a file", "pipe.rhai"]);
    refused(&place, "import \"pipe\" as p;", &["it is a pipe (FIFO), not a file", "pipe.rhai"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_script_that_takes_everything_ends_within_four_gigabytes() {
    let place = Place::new();
    for text in [
        "let f = |x| x;\nfor i in 0..40 { f = f.curry(f); }",
        "let f = || 0;\nloop { let g = f; f = || g; }",
        "let a = [1, 2, 3, 4];\nloop { let b = []; b.pad(1000, a); a = b; }",
        "let t = ones([10000, 10000]); let all = [];\nloop { all.push(t + 1.0); }",
    ] {
        let script = place.script(text);
        let run = "ulimit -v 4194304; exec \"$0\" run \"$1\" --out \"$2\" --max-seconds 20 --threads 1 2>&1";
        let mut command = Command::new("bash");
        command.args(["-c", run, env!("CARGO_BIN_EXE_entroscope")]).arg(&script).arg(place.path("out"));
        let output = command.env("ENTROSCOPE_STORE", place.path("store")).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}:\n{}", said(&output));
        assert_says(&said(&output), &["error: "]);
    }
}

/// Values that make sense nowhere, by the types of the reference.
fn hostile(kind: &str) -> &'static [&'static str] {
    match kind {
        "integer" => &["0", "-1", "1", "9223372036854775807", "-9223372036854775807", "4294967296", "1000000000"],
        "number" | "Tensor or number" | "Number" => {
            &["0.0", "-1.0", "1.0e308", "0.0 / 0.0", "1.0 / 0.0", "1.0e-320", "9223372036854775807"]
        }
        "text" => &["\"\"", "\"../../etc/passwd\"", "\"\\x1b[2J\"", "long_text()", "\"a\\x00b\"", "\"…\""],
        "array" => &[
            "[]",
            "[()]",
            "[[[[[]]]]]",
            "[1, \"a\", #{}]",
            "long_array()",
            "[0.0 / 0.0]",
            "[9223372036854775807, 9223372036854775807]",
            "[-1]",
            "[relu()]",
            "[linear(4000000000, 4000000000)]",
        ],
        "map" => {
            &["#{}", "#{ seed: -1 }", "#{ steps: 9223372036854775807 }", "#{ no_such_key: 1 }", "#{ x: (), y: [] }"]
        }
        "closure" => &["|x| x", "|x| throw 1", "|| 0", "|a, b, c, d| a", "Fn(\"no_such_function\")"],
        "character" => &["'x'", "'\\u{1F600}'"],
        _ => &["()", "0", "\"x\"", "[]", "#{}", "true"],
    }
}

/// A value of a type of the host.
fn sensible(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Tensor" | "Tensor or number" => "t",
        "Split" | "Split, Pictures, Tensor or array" => "split",
        "Dataset" => "data",
        "Network" => "net",
        "Architecture" => "arch",
        "Curve" => "curve",
        "Table" => "table",
        "Sweep" => "grid",
        "Reconstruction" => "rec",
        "Cascade" => "casc",
        "Activation" => "relu()",
        "Theory" => "theory(relu())",
        "Classification" => "net.classify(split, 2)",
        "Block" => "block([linear(4, 4), tanh()])",
        "Figure" => "heatmap(table, #{ x: \"w\", y: \"depth\" })",
        "Number" => "curve.at(1)",
        _ => return None,
    })
}

const VALUES: &str = r#"fn long_text() { let s = "x"; s.pad(1000000, 'y'); s }
fn long_array() { let a = []; a.pad(100000, 1); a }
let data = dataset("glyphs", #{ size: 4 });
let split = data.train.take(4);
let arch = mlp::wide(16, 4, 3);
let net = arch.init(#{ weight_var: 1.0, bias_var: 0.05 });
let casc = cascade(net, split, #{ epochs: 1 });
let rec = casc.reconstruct(split);
let curve = rec.differential_entropy();
let grid = sweep([axis("w", [1.0, 2.0])]);
let table = grid.map(|p| cascade(arch.init(#{ weight_var: p.w, bias_var: 0.05 }), split, #{ epochs: 1 }).reconstruct(split).differential_entropy());
let t = tensor([[1.0, 2.0], [3.0, 4.0]]);
"#;

/// Calls of every public function with arguments that make no sense, in part beside ones that do: at most `most` for each form.
fn calls_with_hostile_arguments(most: usize) -> Vec<String> {
    let reference = Host::new(Settings::default()).reference().unwrap();
    let mut random = Random::new(13, &["hostile arguments"]);
    let mut calls = Vec::new();
    for page in reference.groups.iter().flat_map(|group| &group.pages).filter(|page| page.kind == PageKind::Function) {
        for form in &page.forms {
            for _ in 0..most {
                let mut argument = |argument: &Argument| {
                    let kind = argument.takes.as_deref().unwrap_or("");
                    let choices = hostile(kind);
                    match sensible(kind) {
                        Some(value) if random.below(4) > 0 => value.to_owned(),
                        _ => choices[random.below(choices.len() as u32) as usize].to_owned(),
                    }
                };
                let arguments: Vec<String> = form.parameters.iter().map(&mut argument).collect();
                calls.push(format!("{}({})", page.name, arguments.join(", ")));
            }
        }
    }
    calls.sort();
    calls.dedup();
    calls
}

/// A small number of calls by default; 30 for each form of each function with `CAMPAIGN=full`.
#[test]
fn every_function_refuses_senseless_arguments_in_words() {
    alone("hostile::every_function_refuses_senseless_arguments_in_words", || {
        let limits = Limits { seconds: 5.0, memory: 300 << 20, ..Limits::default() };
        let place = limited(limits);
        let mut wrong = Vec::new();
        let calls = calls_with_hostile_arguments(size(1, 30));
        let mut refusals = 0;
        for call in &calls {
            let script = place.script(&format!("{VALUES}let result = {call};\nprint(`${{type_of(result)}}`);\n"));
            let started = Instant::now();
            let diagnostics = match Host::new(place.settings.clone()).check(&script) {
                Ok(checked) => checked.warnings,
                Err(diagnostics) => diagnostics,
            };
            let said = text(&diagnostics);
            refusals += usize::from(!said.is_empty());
            let is_slow = started.elapsed() > Duration::from_secs(10);
            let has_rust = ["::", "panicked", "fault of the program", "anon$", "alloc", "unwrap"];
            let is_internal = has_rust.iter().any(|word| said.lines().next().unwrap_or_default().contains(word));
            let is_module = call.contains("::");
            if is_slow || (is_internal && !is_module) {
                wrong.push(format!(
                    "{call}: {:.1} s\n{}",
                    started.elapsed().as_secs_f64(),
                    said.chars().take(600).collect::<String>()
                ));
            }
        }
        println!("{} calls, {refusals} refused, {} wrong", calls.len(), wrong.len());
        assert!(calls.len() > 300);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(!Path::new("/etc/passwd.rhai").exists());
    });
}
