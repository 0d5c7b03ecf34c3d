//! Figures as files: the picture in both forms, and the table beside it. Each file is written aside and renamed, so
//! that whoever looks sees the old one or the new one, whole.

use super::Figure;
use crate::{Error, Result};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

impl Figure {
    /// Saves `phase.svg`, and `phase.png` and `phase.csv` beside it, whichever of svg and png was asked for.
    ///
    /// Returns the files written, the one asked for first. Nothing is written where a part cannot be drawn, or where
    /// the ending is neither `.svg` nor `.png`.
    pub fn save(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        if !matches!(ending.as_str(), "svg" | "png") || path.file_stem().is_none() {
            let what = if ending.is_empty() { "has no ending".into() } else { format!("ends in .{ending}") };
            return Err(Error::new(format!("cannot save a figure as {}: it {what}", path.display()))
                .hint("a figure is saved as .svg or .png; the other, and the data as .csv, are written beside it"));
        }
        let mut files = vec![
            (path.with_extension("svg"), self.svg()?.into_bytes()),
            (path.with_extension("png"), self.png()?),
            (path.with_extension("csv"), self.csv()?.into_bytes()),
        ];
        let asked = usize::from(ending == "png");
        files[asked].0 = path.to_path_buf();
        files.swap(0, asked);
        for (path, bytes) in &files {
            replace(path, bytes)?;
        }
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }
}

/// Writes a file under a name of its own in the same folder, and renames it.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Two who save the same figure at once must not share the file aside.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let aside = path.with_file_name(format!(".{name}.{}-{count}.tmp", std::process::id()));
    let written = std::fs::File::create(&aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&aside, path)).map_err(|error| {
        // The reason for the failure matters more than a leftover that cannot be removed either.
        let _ = std::fs::remove_file(&aside);
        let error = Error::io("write", path, &error);
        error.hint("check that the folder exists, that it may be written to, and that the disk has room")
    })
}
