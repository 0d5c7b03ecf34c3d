//! A page as one document: styles and scripts inside, allowed by their hashes, and nothing else.

use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};

use super::bundle::bundle;
use super::file::text;
use crate::{Error, Result};

/// A text between tags or in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // A document cannot hold it.
            '\0' => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A file of the page as a document of its own. `title` and `description` are for the head, `body` comes at the body's end.
///
/// # Errors
/// When a file of the page is missing, or cannot stand in a document.
pub(super) fn document(name: &str, title: &str, description: &str, body: &str) -> Result<String> {
    let template = text(name).ok_or_else(|| Error::new(format!("the page has no file {name}")))?;
    let (mut scripts, mut styles, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for line in template.lines() {
        lines.push(if let Some(file) = between(line, "<link rel=\"stylesheet\" href=\"", "\">") {
            inside("style", "", own(file)?, &mut styles)?
        } else if let Some(file) = between(line, "<script src=\"", "\"></script>") {
            inside("script", "", own(file)?, &mut scripts)?
        } else if let Some(file) = between(line, "<script type=\"module\" src=\"", "\"></script>") {
            inside("script", " type=\"module\"", &bundle(file, &text)?, &mut scripts)?
        } else if let Some(file) = between(line, "<link rel=\"icon\" href=\"", "\" type=\"image/svg+xml\">") {
            let icon = BASE64_STANDARD.encode(own(file)?);
            format!("<link rel=\"icon\" href=\"data:image/svg+xml;base64,{icon}\" type=\"image/svg+xml\">")
        } else if line.starts_with("<title>") {
            let (title, description) = (escaped(title), escaped(description));
            format!("<title>{title}</title>\n<meta name=\"description\" content=\"{description}\">")
        } else if line == "</body>" {
            format!("{body}</body>")
        } else {
            line.to_owned()
        });
    }
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; img-src blob: data:; base-uri 'none'; form-action 'none'",
        scripts.join(" "),
        styles.join(" ")
    );
    let encoding = "<meta charset=\"utf-8\">";
    let policy = format!("{encoding}\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    Ok(lines.join("\n").replacen(encoding, &policy, 1) + "\n")
}

fn own(name: &str) -> Result<&'static str> {
    text(name).ok_or_else(|| Error::new(format!("the page has no file {name}")))
}

fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    line.strip_prefix(before)?.strip_suffix(after)
}

/// An element with this text; its hash is added to `hashes`.
fn inside(tag: &str, attributes: &str, text: &str, hashes: &mut Vec<String>) -> Result<String> {
    let lower = text.to_ascii_lowercase();
    if lower.contains(&format!("</{tag}")) || lower.contains("<!--") || text.contains('\r') {
        return Err(Error::new(format!("a {tag} of the page cannot stand in a document")));
    }
    hashes.push(format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text))));
    Ok(format!("<{tag}{attributes}>{text}</{tag}>"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_no_markup() {
        assert_eq!(escaped("a<b>&\"'\0"), "a&lt;b&gt;&amp;&quot;&#39;\u{fffd}");
    }

    #[test]
    fn a_document_allows_what_is_in_it_by_hash_and_asks_for_nothing() {
        for name in ["index.html", "gallery.html"] {
            let html = document(name, "</title><script>", "\"", "<p>x</p>\n").unwrap();
            assert!(html.contains("<title>&lt;/title&gt;&lt;script&gt;</title>"));
            for word in ["src=\"", "@import", "rel=\"stylesheet\""] {
                assert!(!html.contains(word), "{name} holds {word}");
            }
            for (tag, from) in [("script", "<script"), ("style", "<style")] {
                for part in html.split(from).skip(1) {
                    let text = part.split_once('>').unwrap().1.split_once(&format!("</{tag}>")).unwrap().0;
                    assert!(tag == "script" || !text.contains("url("), "{name}: a style asks for something");
                    let hash = BASE64_STANDARD.encode(Sha256::digest(text));
                    assert!(html.contains(&format!("'sha256-{hash}'")), "{name}: a {tag} is not allowed");
                }
            }
        }
    }
}
