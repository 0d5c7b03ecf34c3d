//! The page's modules as one, for a page without a server: browsers load no modules from disk. Each becomes a function that is
//! called at once and returns what it exports, so that no two names clash.

use std::fmt::Write;

use crate::{Error, Result};

/// `entry` and all modules that it imports, each after those that it imports itself.
///
/// # Errors
/// When a module is missing, or imports or exports in another form than ours: `import { a, b as c } from "./d.js";` and
/// `export` before a class, a function or a constant.
pub(super) fn bundle<'a>(entry: &str, text: &dyn Fn(&str) -> Option<&'a str>) -> Result<String> {
    let mut bundle = Bundle { text, begun: Vec::new(), script: String::new(), done: Vec::new() };
    bundle.add(entry)?;
    Ok(bundle.script)
}

struct Bundle<'t, 'a> {
    text: &'t dyn Fn(&str) -> Option<&'a str>,
    /// Modules whose imports are being added.
    begun: Vec<String>,
    script: String,
    done: Vec<String>,
}

impl Bundle<'_, '_> {
    fn add(&mut self, name: &str) -> Result<()> {
        if self.done.iter().any(|done| done == name) {
            return Ok(());
        }
        if self.begun.iter().any(|begun| begun == name) {
            return Err(Error::new(format!("{name} imports itself: {}", self.begun.join(" → "))));
        }
        let text = (self.text)(name).ok_or_else(|| Error::new(format!("the page has no file {name}")))?;
        self.begun.push(name.to_owned());
        let (mut body, mut exports) = (String::new(), Vec::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("import ") {
                let (names, from) = imported(rest).ok_or_else(|| unknown(name, line))?;
                self.add(from)?;
                let _ = writeln!(body, "const {{ {names} }} = {};", variable(from));
            } else if let Some(rest) = line.strip_prefix("export ") {
                exports.push(exported(rest).ok_or_else(|| unknown(name, line))?);
                let _ = writeln!(body, "{rest}");
            } else {
                let _ = writeln!(body, "{line}");
            }
        }
        self.begun.pop();
        self.done.push(name.to_owned());
        let _ = writeln!(
            self.script,
            "// {name}\nconst {} = (() => {{\n{body}return {{ {} }};\n}})();\n",
            variable(name),
            exports.join(", ")
        );
        Ok(())
    }
}

fn unknown(name: &str, line: &str) -> Error {
    Error::new(format!("{name}: cannot be put into one script: {line}"))
}

/// The names and the file of `{ a, b as c } from "./d.js";`: `a, b: c` and `d.js`.
fn imported(rest: &str) -> Option<(String, &str)> {
    let (names, from) = rest.strip_prefix("{ ")?.strip_suffix("\";")?.split_once(" } from \"./")?;
    let name = |name: &str| match name.split_once(" as ") {
        Some((name, here)) => (is_name(name) && is_name(here)).then(|| format!("{name}: {here}")),
        None => is_name(name).then(|| name.to_owned()),
    };
    Some((names.split(", ").map(name).collect::<Option<Vec<_>>>()?.join(", "), from))
}

/// The name that `class A {`, `function a(`, `async function a(` or `const a =` declares.
fn exported(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    let (kind, rest) = rest.split_once(' ')?;
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    (["class", "function", "const"].contains(&kind) && is_name(&rest[..end])).then_some(&rest[..end])
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// The constant that holds a module's exports. No name in a module begins so.
fn variable(file: &str) -> String {
    format!("$${}", file.replace(|letter: char| !letter.is_alphanumeric(), "_"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn of(files: &'static [(&'static str, &'static str)]) -> Result<String> {
        bundle("main.js", &|name| files.iter().find(|(known, _)| *known == name).map(|(_, text)| *text))
    }

    #[test]
    fn modules_come_after_what_they_import_and_each_once() {
        let script = of(&[
            ("main.js", "import { b } from \"./b.js\";\nimport { c, C } from \"./c.js\";\nb(c);\n"),
            ("b.js", "import { c as d } from \"./c.js\";\nconst KEPT = 1;\nexport function b(x) { return d; }\n"),
            ("c.js", "const KEPT = 2;\nexport const c = 1;\nexport class C {}\n"),
        ])
        .unwrap();
        assert_eq!(
            script,
            "// c.js\nconst $$c_js = (() => {\nconst KEPT = 2;\nconst c = 1;\nclass C {}\nreturn { c, C };\n})();\n\n\
             // b.js\nconst $$b_js = (() => {\nconst { c: d } = $$c_js;\nconst KEPT = 1;\nfunction b(x) { return d; }\nreturn { b };\n})();\n\n\
             // main.js\nconst $$main_js = (() => {\nconst { b } = $$b_js;\nconst { c, C } = $$c_js;\nb(c);\nreturn {  };\n})();\n\n"
        );
    }

    #[test]
    fn what_it_does_not_know_is_refused_by_name() {
        let said = |text: &'static str| {
            let files = move |name: &str| (name == "main.js").then_some(text);
            bundle("main.js", &files).unwrap_err().message
        };
        assert!(said("import x from \"./x.js\";").contains("main.js: cannot be put into one script: import x"));
        assert!(said("import * as x from \"./x.js\";").contains("* as x"));
        assert!(said("export default 3;").contains("export default"));
        assert!(said("export { a };").contains("export { a }"));
        assert_eq!(said("import { a } from \"./x.js\";"), "the page has no file x.js");
        assert!(said("import { a } from \"./main.js\";").contains("imports itself"));
    }

    #[test]
    fn the_page_itself_can_be_put_into_one_script() {
        for (entry, holds) in [("main.js", "class FigureCard"), ("gallery.js", "search")] {
            let script = bundle(entry, &super::super::file::text).unwrap();
            assert!(script.contains(holds));
            for line in ["\nimport ", "\nexport ", "</script", "<!--"] {
                assert!(!script.contains(line), "{entry} holds {line:?}");
            }
        }
    }
}
