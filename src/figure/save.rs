//! Figures as files: the picture as SVG, PNG and PDF, and its data as CSV. Each file is written aside and renamed.

use super::Figure;
use crate::files::write_whole;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Most pixels that are written as CSV: twelve megabytes of text.
const PIXELS: usize = 1 << 20;

/// The files that a figure saved as `path` writes, the one asked for first: `phase.svg`, `phase.png` and `phase.csv`.
///
/// # Errors
/// When `path` ends in none of `.svg`, `.png` and `.pdf`.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let ending = ending(path);
    if !["svg", "png", "pdf"].contains(&ending.as_str()) {
        let what = if ending.is_empty() { "has no ending".into() } else { format!("ends in .{ending}") };
        return Err(Error::new(format!("cannot save a figure as {}: it {what}", path.display()))
            .hint("a figure is saved as .svg, .png or .pdf; SVG, PNG and the data as .csv are written in any case"));
    }
    let others = ["svg", "png", "csv"].into_iter().filter(|other| *other != ending);
    Ok(std::iter::once(path.to_owned()).chain(others.map(|ending| path.with_extension(ending))).collect())
}

fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
}

impl Figure {
    /// Saves the figure as SVG, PNG and CSV beside one another: `phase.svg`, `phase.png` and `phase.csv`, and as `phase.pdf` if
    /// that is asked for. A sheet of more than a million pixels has no CSV. Returns the files written, `path` first.
    ///
    /// # Errors
    /// When `path` has another ending, or the figure cannot be drawn (nothing is written then), or a file cannot be written.
    pub fn save(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let has_table = self.kind.drawing().pixels() <= PIXELS;
        let files: Vec<PathBuf> = files(path)?.into_iter().filter(|file| has_table || ending(file) != "csv").collect();
        let scene = self.scene()?;
        let drawn = super::svg::write(&scene)?.into_bytes();
        let is = |wanted: &str| files.iter().find(|file| ending(file) == wanted);
        // Painting the PNG takes longest. If the SVG is the same as before, so is the PNG.
        let is_same = is("png").is_some_and(|png| png.exists())
            && is("svg").is_some_and(|svg| std::fs::read(svg).is_ok_and(|before| before == drawn));
        // All is drawn before anything is written.
        let csv = is("csv").map(|csv| Ok::<_, Error>((csv, self.csv()?))).transpose()?;
        let pdf = is("pdf").map(|pdf| Ok::<_, Error>((pdf, super::pdf::write(&scene, &self.title)?))).transpose()?;
        let painted = if is_same { None } else { Some(super::png::write(&scene)?) };
        if let Some((path, csv)) = csv {
            write_whole(path, csv.as_bytes())?;
        }
        if let Some((path, pdf)) = pdf {
            write_whole(path, &pdf)?;
        }
        if let (Some(path), Some(svg), Some(painted)) = (is("png"), is("svg"), painted) {
            write_whole(path, &painted)?;
            write_whole(svg, &drawn)?;
        }
        Ok(files)
    }
}
