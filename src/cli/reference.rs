//! `entroscope reference`.

use std::process::ExitCode;

use clap::Args;

use super::say;
use crate::print::out;
use crate::script::{Diagnostic, Group, Host, Layout, Page, Reference, Settings};
use crate::words::nearest;

/// The width of a page that is not written to a terminal.
const WIDTH: usize = 120;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A function, a property, a type, or a group, such as `cascade`, `Tensor` or "Figures".
    name: Option<String>,
    /// Print every page.
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// Print the whole reference as one Markdown document.
    #[arg(long, conflicts_with_all = ["name", "all", "json"])]
    markdown: bool,
    /// Print the whole reference as JSON, for editors.
    #[arg(long, conflicts_with_all = ["name", "all"])]
    json: bool,
}

pub(super) fn reference(arguments: &Arguments, settings: Settings) -> ExitCode {
    match Host::new(settings).reference().and_then(|reference| text(&reference, arguments)) {
        Ok(text) => {
            out!("{}", text.trim_end());
            ExitCode::SUCCESS
        }
        Err(diagnostic) => {
            say(&diagnostic);
            ExitCode::from(2)
        }
    }
}

fn text(reference: &Reference, arguments: &Arguments) -> Result<String, Diagnostic> {
    let width = WIDTH;
    let layout = Layout::Terminal { width };
    if arguments.json {
        return serde_json::to_string_pretty(reference).map_err(|error| Diagnostic::error(error.to_string()));
    }
    if arguments.markdown {
        return Ok(reference.markdown());
    }
    if arguments.all {
        return Ok(reference.groups.iter().map(|group| group.text(layout)).collect::<Vec<_>>().join("\n"));
    }
    match &arguments.name {
        Some(name) => named(reference, name, layout),
        None => Ok(format!(
            "{}\nentroscope reference NAME shows the page of a function, or all pages of a group or a type; --all shows every page.",
            reference.contents(width)
        )),
    }
}

/// The pages that a name stands for: those of a function, or of a group or a type.
fn named(reference: &Reference, name: &str, layout: Layout) -> Result<String, Diagnostic> {
    let is_page = |page: &Page| page.name == name || page.name.rsplit("::").next() == Some(name);
    let pages: Vec<String> = reference
        .pages()
        .filter(|(_, page)| is_page(page))
        .map(|(group, page)| page.text(layout).replacen('\n', &format!("  ({})\n", group.name), 1))
        .collect();
    if !pages.is_empty() {
        return Ok(pages.join("\n"));
    }
    let is_group = |group: &&Group| {
        group.name.eq_ignore_ascii_case(name) || group.types.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    if let Some(group) = reference.groups.iter().find(is_group) {
        return Ok(group.text(layout));
    }
    let error = Diagnostic::error(format!("the reference has no page `{name}`"));
    let groups = reference.groups.iter().flat_map(|group| group.types.iter().chain([&group.name]));
    let known = groups.chain(reference.pages().map(|(_, page)| &page.name));
    Err(match nearest(name, known.map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`entroscope reference` lists all"),
    })
}
