//! A page that lists the recipes of a folder: a laboratory's shelf.

use std::fmt::Write;

use super::html::{document, escaped};
use crate::Result;

/// By this a page is known to be a gallery.
pub const GALLERY: &str = "<ol id=\"recipes\">";

/// A recipe in a gallery.
#[derive(Debug, Clone, Default)]
pub struct Shelved {
    /// Its path, relative to the gallery's page, with `/` between folders.
    pub file: String,
    /// Its title; the file's name where it is empty.
    pub title: String,
    /// Who made it.
    pub authors: Vec<String>,
    /// What it is about.
    pub description: String,
    /// Under which licence it may be used.
    pub licence: String,
    /// What its numbers rest on: names and texts.
    pub lock: Vec<(String, String)>,
    /// What a reader should know first, such as that it is of a part of the points.
    pub marks: Vec<String>,
    /// A `data:` address of an SVG or PNG picture, as [`super::Recording::thumbnail`] gives it. Another address is left out.
    pub picture: Option<String>,
}

/// The page of a folder of recipes, as HTML.
///
/// # Errors
/// When the page's own files are wrong.
pub fn gallery(title: &str, recipes: &[Shelved]) -> Result<String> {
    let description = match recipes.len() {
        1 => "1 recipe".to_owned(),
        n => format!("{n} recipes"),
    };
    let list: String = recipes.iter().map(card).collect();
    let html = document("gallery.html", title, &description, "")?;
    let heading = format!("<h1 id=\"script\">{}</h1>", escaped(title));
    Ok(html
        .replacen("<h1 id=\"script\"></h1>", &heading, 1)
        .replacen("<span id=\"count\"></span>", &format!("<span id=\"count\">{description}</span>"), 1)
        .replacen("<ol id=\"recipes\"></ol>", &format!("<ol id=\"recipes\">\n{list}</ol>"), 1))
}

fn card(recipe: &Shelved) -> String {
    let Shelved { file, title, authors, description, licence, lock, marks, picture } = recipe;
    let title = escaped(if title.is_empty() { file } else { title });
    let mut html =
        format!("<li class=\"card shelved\" data-test=\"recipe\">\n<a href=\"{}\">", escaped(&address(file)));
    match picture.as_deref().filter(|picture| is_picture(picture)) {
        Some(picture) => _ = write!(html, "<img src=\"{picture}\" alt=\"\">"),
        None => html.push_str("<span class=\"none\">no figure</span>"),
    }
    let _ = writeln!(html, "<h2>{title}</h2></a>");
    let mut paragraph = |class: &str, text: &str| {
        if !text.trim().is_empty() {
            let _ = writeln!(html, "<p class=\"{class}\">{}</p>", escaped(text.trim()));
        }
    };
    paragraph("authors", &authors.join(", "));
    paragraph("said", description);
    marks.iter().for_each(|mark| paragraph("mark", mark));
    let rows = lock.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let rows = rows.chain((!licence.is_empty()).then_some(("licence", licence.as_str())));
    let row = |(name, text)| format!("<div><dt>{}</dt><dd>{}</dd></div>", escaped(name), escaped(text));
    let rows: String = rows.map(row).collect();
    if !rows.is_empty() {
        let _ = writeln!(html, "<dl>{rows}</dl>");
    }
    let _ = writeln!(html, "<p class=\"file\">{}</p>\n</li>", escaped(file));
    html
}

/// A relative path as an address, each byte that could mean something else in percent. `./` keeps a colon in the first folder
/// from being read as a scheme.
fn address(path: &str) -> String {
    let mut address = "./".to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            address.push(char::from(byte));
        } else {
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address
}

/// Whether an address holds a picture, and nothing that leaves an attribute.
fn is_picture(address: &str) -> bool {
    let data =
        ["data:image/svg+xml;base64,", "data:image/png;base64,"].iter().find_map(|kind| address.strip_prefix(kind));
    data.is_some_and(|data| data.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_recipe_becomes_markup() {
        let evil = "\"><script>alert(1)</script>".to_owned();
        let recipe = Shelved {
            file: format!("javascript:alert(1)/{evil}"),
            title: evil.clone(),
            authors: vec![evil.clone()],
            description: evil.clone(),
            licence: evil.clone(),
            lock: vec![(evil.clone(), evil.clone())],
            marks: vec![evil.clone()],
            picture: Some("data:image/png;base64,AA\" onerror=\"alert(1)".to_owned()),
        };
        let html = gallery(&evil, &[recipe]).unwrap();
        assert!(!html.contains("<script>alert") && !html.contains("onerror"));
        assert!(html.contains("href=\"./javascript%3Aalert%281%29/"));
    }

    #[test]
    fn only_pictures_inside_are_shown() {
        assert!(is_picture("data:image/png;base64,iVBORw0KGgo="));
        for other in ["https://example.org/a.png", "data:text/html;base64,AAAA", "data:image/png;base64,A\"B", "a.png"]
        {
            assert!(!is_picture(other), "{other}");
        }
    }
}
