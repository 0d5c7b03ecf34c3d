//! Figures as files: the picture as SVG and PNG, and its data as CSV. Each file is written aside and renamed.

use super::Figure;
use crate::files::write_whole;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Most pixels that are written as CSV: twelve megabytes of text.
const PIXELS: usize = 1 << 20;

/// The files that a figure saved as `path` writes, the one asked for first: `phase.svg`, `phase.png` and `phase.csv`.
///
/// # Errors
/// When `path` ends in neither `.svg` nor `.png`.
pub(crate) fn files(path: &Path) -> Result<[PathBuf; 3]> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let others = match ending.as_str() {
        "svg" => ["png", "csv"],
        "png" => ["svg", "csv"],
        _ => {
            let what = if ending.is_empty() { "has no ending".into() } else { format!("ends in .{ending}") };
            return Err(Error::new(format!("cannot save a figure as {}: it {what}", path.display()))
                .hint("a figure is saved as .svg or .png; the other, and the data as .csv, are written beside it"));
        }
    };
    let [second, third] = others.map(|ending| path.with_extension(ending));
    Ok([path.to_owned(), second, third])
}

impl Figure {
    /// Saves the figure as SVG, PNG and CSV beside one another: `phase.svg`, `phase.png` and `phase.csv`, whether `path` ends in
    /// `.svg` or `.png`. A sheet of more than a million pixels has no CSV. Returns the files written, `path` first.
    ///
    /// # Errors
    /// When `path` has another ending, or the figure cannot be drawn (nothing is written then), or a file cannot be written.
    pub fn save(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let files = files(path)?;
        let [first, second, csv] = &files;
        let is_png = second.extension().is_some_and(|ending| ending == "svg");
        let (svg, png) = if is_png { (second, first) } else { (first, second) };
        let drawn = self.svg()?.into_bytes();
        let has_table = self.kind.drawing().pixels() <= PIXELS;
        if has_table {
            write_whole(csv, self.csv()?.as_bytes())?;
        }
        // Painting the PNG takes longest. If the SVG is the same as before, so is the PNG.
        if !(png.exists() && std::fs::read(svg).is_ok_and(|before| before == drawn)) {
            write_whole(png, &self.png()?)?;
            write_whole(svg, &drawn)?;
        }
        Ok(files.into_iter().take(if has_table { 3 } else { 2 }).collect())
    }
}
