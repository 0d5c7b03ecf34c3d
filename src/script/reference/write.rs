//! The reference as text: for a terminal, or as one Markdown document.

use std::fmt::Write;

use super::{Group, OptionEntry, Page, PageKind, Reference};

/// How a page is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Lines of at most this many characters.
    Terminal {
        width: usize,
    },
    Markdown,
}

/// At most this many characters of a terminal's width are used.
const WIDTH: usize = 120;
/// At most this many characters for a call in the table of contents, and for the type and the default of an option.
const CALL: usize = 50;
const TYPE: usize = 28;
const DEFAULT: usize = 24;

impl Reference {
    /// The table of contents: every group and a line for each of its pages.
    pub fn contents(&self, width: usize) -> String {
        let mut text = String::new();
        for group in &self.groups {
            let _ = writeln!(text, "{}", group.name);
            let calls: Vec<String> = group.pages.iter().map(call).collect();
            let column = calls.iter().map(|call| call.chars().count()).max().unwrap_or(0).min(CALL);
            for (page, call) in group.pages.iter().zip(calls) {
                let line = format!("  {call:<column$}  {}", page.summary());
                let _ = writeln!(text, "{}", cut(&line, width));
            }
            text.push('\n');
        }
        text
    }

    /// The whole reference as one Markdown document with a table of contents.
    pub fn markdown(&self) -> String {
        let mut text = String::from("# Entroscope: reference for scripts\n\n");
        for group in &self.groups {
            let _ = writeln!(text, "- [{}](#{})", group.name, anchor(&group.name));
        }
        for group in &self.groups {
            let _ = write!(text, "\n{}", group.text(Layout::Markdown));
        }
        text
    }
}

impl Group {
    /// The group and all its pages.
    pub fn text(&self, layout: Layout) -> String {
        let mut text = format!("# {}\n\n", self.name);
        if !self.about.is_empty() {
            let _ = writeln!(text, "{}\n", self.about);
        }
        let pages: Vec<String> = self.pages.iter().map(|page| page.text(layout)).collect();
        text + pages.join("\n").as_str()
    }
}

impl Page {
    /// The page: signatures, documentation, options.
    pub fn text(&self, layout: Layout) -> String {
        let mut text = match layout {
            Layout::Markdown => format!("## `{}`\n\n```text\n", self.name),
            Layout::Terminal { .. } => format!("## {}\n\n", self.name),
        };
        let indent = if layout == Layout::Markdown { "" } else { "    " };
        for form in &self.forms {
            let _ = writeln!(text, "{indent}{}", form.signature);
        }
        text.push_str(if layout == Layout::Markdown { "```\n\n" } else { "\n" });
        let _ = writeln!(text, "{}", self.docs);
        if !self.options.is_empty() {
            text.push('\n');
            match layout {
                Layout::Markdown => markdown_table(&mut text, &self.options),
                Layout::Terminal { width } => aligned_table(&mut text, &self.options, width.min(WIDTH)),
            }
        }
        text
    }
}

/// A call without types, for the table of contents: `network.trained(data, options)`.
fn call(page: &Page) -> String {
    let longest = page.forms.iter().rev().max_by_key(|form| form.parameters.len());
    let Some(form) = longest.filter(|_| page.kind != PageKind::Operator).or(page.forms.first()) else {
        return page.name.clone();
    };
    let call = form.signature.split(" -> ").next().unwrap_or_default();
    let Some((path, _)) = call.split_once('(') else { return call.to_owned() };
    let is_method = form.parameters.first().is_some_and(|first| path.starts_with(&format!("{}.", first.name)));
    let names: Vec<&str> =
        form.parameters.iter().skip(usize::from(is_method)).map(|argument| &argument.name[..]).collect();
    format!("{path}({})", names.join(", "))
}

/// A line that is at most `width` characters long.
fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(1)).collect::<String>().trim_end().to_owned() + "…"
}

/// The place of a heading in a Markdown document, as GitHub names it.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-").replace(|c: char| !(c.is_alphanumeric() || c == '-'), "")
}

fn markdown_table(text: &mut String, options: &[OptionEntry]) {
    text.push_str("| option | type | default | meaning |\n|---|---|---|---|\n");
    for OptionEntry { name, takes, default, about, .. } in options {
        let cells = [format!("`{name}`"), takes.clone(), default.clone(), about.clone()];
        let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
}

/// Options in columns, each cell wrapped.
fn aligned_table(text: &mut String, options: &[OptionEntry], width: usize) {
    let plain = |text: &str| text.replace('`', "");
    let rows: Vec<[String; 4]> =
        std::iter::once(["option", "type", "default", "meaning"].map(str::to_owned))
            .chain(options.iter().map(|option| {
                [option.name.clone(), plain(&option.takes), plain(&option.default), plain(&option.about)]
            }))
            .collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let mut widths = [widest(0), widest(1).min(TYPE), widest(2).min(DEFAULT), 0];
    widths[3] = width.saturating_sub(widths.iter().sum::<usize>() + 8).max(TYPE);
    for row in &rows {
        let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| wrapped(cell, width)).collect();
        for line in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let cell =
                |(cell, width): (&Vec<String>, usize)| format!("{:<width$}", cell.get(line).map_or("", |line| line));
            let line = cells.iter().zip(widths).map(cell).collect::<Vec<_>>().join("  ");
            let _ = writeln!(text, "  {}", line.trim_end());
        }
    }
}

/// A text in lines of at most `width` characters, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        match line.chars().count() {
            0 => line.push_str(word),
            length if length + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
