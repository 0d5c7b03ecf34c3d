//! Figures as files: the picture in both forms, and the table beside it. Each file is written aside and renamed.

use super::{Figure, Kind};
use crate::files::write_whole;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The largest sheet of pictures whose pixels are written out: twelve megabytes of text. Larger ones are photographs.
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
    /// Saves `phase.svg`, and `phase.png` and `phase.csv` beside it, whichever of svg and png was asked for; of a sheet of
    /// more than a million pixels, no CSV.
    ///
    /// Returns the files written, the one asked for first. Nothing is written where a part cannot be drawn, or where
    /// the ending is neither `.svg` nor `.png`.
    ///
    /// # Errors
    /// Another ending, a figure that cannot be drawn, a file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let files = files(path)?;
        let [first, second, csv] = &files;
        let is_png = second.extension().is_some_and(|ending| ending == "svg");
        let (svg, png) = if is_png { (second, first) } else { (first, second) };
        let drawn = self.svg()?.into_bytes();
        let has_table = self.pixels() <= PIXELS;
        if has_table {
            write_whole(csv, self.csv()?.as_bytes())?;
        }
        // The PNG shows what the SVG shows and takes longest to paint: it is older than an SVG that has not changed.
        if !(png.exists() && std::fs::read(svg).is_ok_and(|before| before == drawn)) {
            write_whole(png, &self.png()?)?;
            write_whole(svg, &drawn)?;
        }
        Ok(files.into_iter().take(if has_table { 3 } else { 2 }).collect())
    }

    /// Numbers in a sheet of pictures.
    fn pixels(&self) -> usize {
        match &self.kind {
            Kind::Images(sheet) => sheet.images.iter().map(|image| image.pixels.len()).sum(),
            _ => 0,
        }
    }
}
