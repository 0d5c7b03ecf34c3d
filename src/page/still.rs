//! The page of a finished run as one document: the live page with its data inside. It opens from disk in any browser and asks
//! no server for anything.

use std::io::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value as Json, json};

use super::html::document;
use super::item;
use super::points::{Points, places};
use super::{Details, Recording};
use crate::executor::Computed;
use crate::figure::{Hit, Regions};
use crate::script::Shown;
use crate::{Error, Result};

/// Values of one part of a figure whose pictures go into the page: so many across and upward.
const PICTURED: [usize; 2] = [4, 2];
/// Most values of a page that have pictures, of some ten kilobytes each.
const PICTURES: usize = 8;

/// What a page without a server shows and carries.
pub struct Still<'a> {
    /// The run.
    pub recording: &'a Recording,
    /// What lies behind its values.
    pub details: &'a Details,
    /// The recipe, for people: `files/recipe.js` says what it holds.
    pub about: &'a Json,
    /// The element that holds the recipe for the program; it is put in as it is.
    pub recipe: &'a str,
}

/// The page as HTML.
///
/// # Errors
/// When an output cannot be drawn. An output that has no content for its results is shown with its error.
pub fn still(page: &Still<'_>) -> Result<String> {
    let (outputs, computed, edit) = {
        let edit = page.recording.edit();
        (edit.outputs.clone(), edit.computed.clone(), edit.json())
    };
    let mut pictures = Pictures::default();
    let outputs = outputs.iter().flat_map(|outputs| outputs.iter()).enumerate();
    let items = outputs.map(|(number, shown)| item_json(page.details, number, shown, &computed, &mut pictures));
    let items = items.collect::<Result<Vec<Json>>>()?;
    let text = |name: &str| page.about.get(name).and_then(Json::as_str).unwrap_or_default();
    let title = if text("title").is_empty() { text("script") } else { text("title") };
    let status = json!({
        "script": text("script"), "title": title, "program": "", "version": env!("CARGO_PKG_VERSION"),
        "paused": false, "ask_above": null, "current": 1,
    });
    let data = json!({
        "status": status, "edit": edit, "about": page.about, "items": items, "pictures": pictures.0,
    });
    let body = format!(
        "<script type=\"application/octet-stream\" id=\"page-data\">{}</script>\n{}\n",
        BASE64_STANDARD.encode(packed(&data)?),
        page.recipe,
    );
    document("index.html", title, text("description"), &body)
}

fn packed(data: &Json) -> Result<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Display| Error::new(format!("cannot compress the page: {error}"));
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    serde_json::to_writer(&mut packed, data).map_err(|error| failed(&error))?;
    packed.flush().map_err(|error| failed(&error))?;
    packed.finish().map_err(|error| failed(&error))
}

/// Everything behind one output's addresses.
fn item_json(
    details: &Details,
    number: usize,
    shown: &Shown,
    computed: &Computed,
    pictures: &mut Pictures,
) -> Result<Json> {
    let mut json = Map::new();
    if shown.output.is_words() || !shown.output.needs_results() {
        return Ok(json.into());
    }
    let filled = match shown.output.fill(computed) {
        Ok(filled) => filled,
        Err(error) => return Ok(json!({ "error": error.message })),
    };
    let text = |ending: &str| -> Result<Option<String>> {
        let file = item::file(&filled, ending)?;
        Ok(file.map(|file| String::from_utf8_lossy(&file.bytes).into_owned()))
    };
    json.insert("csv".to_owned(), text("csv")?.into());
    if let Some(figure) = &filled.figure {
        let regions = figure.regions()?;
        json.insert("svg".to_owned(), figure.svg()?.into());
        let failed = |error| Error::new(format!("no JSON: {error}"));
        let points = Points::new(details, shown, computed, &regions);
        json.insert("points".to_owned(), serde_json::to_value(points).map_err(failed)?);
        json.insert("place".to_owned(), shown.place.as_ref().map(super::edit::place_json).into());
        json.insert("json".to_owned(), serde_json::to_value(&regions).map_err(failed)?);
        pictures.add(details, number, shown, computed, &regions)?;
    } else if let Some(records) = &filled.records {
        json.insert("json".to_owned(), item::table(records));
    }
    Ok(json.into())
}

/// Reconstructions at some values, spread over the figures.
#[derive(Default)]
struct Pictures(Vec<Json>);

impl Pictures {
    fn add(
        &mut self,
        details: &Details,
        item: usize,
        shown: &Shown,
        computed: &Computed,
        regions: &Regions,
    ) -> Result<()> {
        for (part, drawn) in regions.parts.iter().enumerate() {
            let (all_i, all_j) = places(&drawn.shape);
            for &i in &spread(&all_i, PICTURED[0]) {
                for &j in &spread(&all_j, PICTURED[1]) {
                    if self.0.len() == PICTURES {
                        return Ok(());
                    }
                    if let Some(figure) = details.pictures(shown, computed, Hit { part, i, j })? {
                        self.0.push(json!({ "item": item, "part": part, "i": i, "j": j, "svg": figure.svg()? }));
                    }
                }
            }
        }
        Ok(())
    }
}

/// At most `n` of these, each in the middle of an equal share.
fn spread(all: &[usize], n: usize) -> Vec<usize> {
    let n = n.min(all.len());
    (0..n).map(|k| all[(2 * k + 1) * all.len() / (2 * n)]).collect()
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn values_with_pictures_are_spread() {
        assert_eq!(spread(&[0, 1, 2, 3, 4, 5, 6, 7], 4), [1, 3, 5, 7]);
        assert_eq!(spread(&[0, 1, 2], 4), [0, 1, 2]);
        assert!(spread(&[], 4).is_empty());
    }
}
