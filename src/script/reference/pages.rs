//! Pages that are written in Markdown: a heading for every form, then the documentation that they share.
//!
//! ```text
//! ## array.sort()
//! ## array.sort(closure: closure)
//! Sorts the array.
//! ```

use super::{Argument, Form, Group, Page, PageKind};

/// The pages of a Markdown text.
pub(super) fn pages(text: &str) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    let mut in_heading = false;
    for line in text.lines() {
        match (line.strip_prefix("## "), pages.last_mut()) {
            (Some(heading), Some(page)) if in_heading => page.forms.push(form(heading).2),
            (Some(heading), _) => {
                let (name, kind, form) = form(heading);
                pages.push(Page { name, kind, forms: vec![form], docs: String::new(), options: Vec::new() });
            }
            (None, Some(page)) => {
                page.docs.push_str(line);
                page.docs.push('\n');
            }
            (None, None) => {}
        }
        in_heading = line.starts_with("## ");
    }
    pages.iter_mut().for_each(|page| page.docs = page.docs.trim().to_owned());
    pages
}

/// The groups of a Markdown text: a heading, what the group is about, its pages.
pub(super) fn groups(text: &str) -> Vec<Group> {
    let parts = text.split("\n# ").map(|part| part.strip_prefix("# ").unwrap_or(part));
    let group = |part: &str| {
        let (name, rest) = part.split_once('\n')?;
        let (about, rest) = rest.split_at(rest.find("\n## ").map_or(rest.len(), |at| at + 1));
        Some(Group { name: name.to_owned(), about: about.trim().to_owned(), types: Vec::new(), pages: pages(rest) })
    };
    parts.filter_map(group).collect()
}

/// A heading: the name of its page, its kind, and the form.
fn form(heading: &str) -> (String, PageKind, Form) {
    let (call, returns) = match heading.split_once(" -> ") {
        Some((call, returns)) => (call, Some(returns.to_owned())),
        None => (heading, None),
    };
    let (name, kind, parameters) = if let Some((name, _)) = call.split_once(": ").filter(|(name, _)| is_word(name)) {
        // "arithmetic: + - * /"
        (name, PageKind::Operator, Vec::new())
    } else if let Some((path, arguments)) = call.split_once('(') {
        let (receiver, name) = path.rsplit_once('.').map_or((None, path), |(receiver, name)| (Some(receiver), name));
        let written = arguments.trim_end_matches(')').split(", ").filter(|argument| !argument.is_empty());
        (name, PageKind::Function, receiver.into_iter().map(value).chain(written.map(argument)).collect())
    } else if let Some((receiver, index)) = call.split_once('[') {
        ("[]", PageKind::Operator, vec![value(receiver), argument(index.trim_end_matches(']'))])
    } else if let [left, operator, right] = call.split(' ').collect::<Vec<_>>()[..] {
        (operator, PageKind::Operator, vec![value(left), value(right)])
    } else {
        let (receiver, name) = call.split_once('.').unwrap_or(("", call));
        (name, PageKind::Property, vec![value(receiver)])
    };
    (name.to_owned(), kind, Form { signature: heading.to_owned(), parameters, returns })
}

fn is_word(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// `name: type`.
fn argument(text: &str) -> Argument {
    match text.split_once(": ") {
        Some((name, takes)) => Argument { name: name.to_owned(), takes: Some(takes.to_owned()) },
        None => Argument { name: text.to_owned(), takes: None },
    }
}

/// A value that the heading names by its type.
fn value(text: &str) -> Argument {
    Argument { name: text.to_owned(), takes: Some(text.to_owned()) }
}
