//! EMNIST (Cohen, Afshar, Tapson and van Schaik 2017): six sets of handwritten letters and digits in MNIST's format, side by side
//! in one folder, their images stored column by column.

use std::path::PathBuf;

use super::idx_set::{Rules, published};
use super::source::{Availability, CatalogueEntry, DatasetOptions, Opened};
use super::{Folders, IdxSet};
use crate::{Error, Result};

/// The sets of EMNIST, by their names; the first is the default.
pub const EMNIST: [&str; 6] = ["balanced", "letters", "digits", "mnist", "bymerge", "byclass"];
/// Classes of EMNIST in order: digits, capitals, small letters. Balanced and merged sets have only those small letters that look
/// unlike their capitals.
const CHARACTERS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const MERGED: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt";

/// How the bytes of one of the sets are meant.
pub(super) fn rules(split: &str) -> Rules {
    let (characters, first_label) = match split {
        "letters" => (&CHARACTERS[36..], 1),
        "balanced" | "bymerge" => (MERGED, 0),
        "byclass" => (CHARACTERS, 0),
        _ => (&CHARACTERS[..10], 0),
    };
    let class_names: Vec<String> = characters.chars().map(String::from).collect();
    Rules { classes: class_names.len(), class_names, is_transposed: true, first_label }
}

/// One of the sets of EMNIST.
fn emnist(split: &str) -> IdxSet {
    let about = "handwritten letters and digits, six sets of 28×28 (Cohen and others)";
    let mut set = published("emnist", about, "", [(0, ""); 4]);
    for file in &mut set.files {
        file.name = format!("emnist-{split}-{}", file.name.replace("t10k", "test"));
    }
    set
}

/// `emnist` in the catalogue: six sets, side by side.
pub(super) struct EmnistEntry(IdxSet);

impl EmnistEntry {
    pub(super) fn new() -> Self {
        Self(emnist(EMNIST[0]))
    }
}

impl CatalogueEntry for EmnistEntry {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn about(&self) -> &str {
        &self.0.about
    }

    fn options(&self) -> &'static [&'static str] {
        &["size", "split"]
    }

    fn folders(&self, folders: &Folders) -> Vec<PathBuf> {
        self.0.folders(folders)
    }

    fn open(&self, options: &DatasetOptions, folders: &Folders) -> Result<Opened> {
        let wanted = options.split.unwrap_or(EMNIST[0]);
        let missing = |error: Error| {
            let here = EMNIST.iter().filter(|&&split| split != wanted && emnist(split).folder(folders).is_some());
            here.fold(error, |error, split| error.hint(format!("its other set is here: `split: \"{split}\"`")))
        };
        let set = emnist(wanted);
        set.open(options, folders).map_err(|error| if set.folder(folders).is_none() { missing(error) } else { error })
    }

    /// Those of its sets that are here.
    fn availability(&self, folders: &Folders) -> Availability {
        let sets = EMNIST.map(|split| (split, emnist(split)));
        let here: Vec<_> = sets.iter().filter_map(|(split, set)| Some((*split, set, set.folder(folders)?))).collect();
        let Some((_, _, folder)) = here.first() else { return Availability::Missing };
        let damaged = here.iter().find_map(|(_, set, folder)| Some((folder, set.open_files(folders).err()?)));
        match damaged {
            Some((folder, error)) => Availability::Damaged(folder.clone(), error),
            None if here.len() == EMNIST.len() => Availability::Present(folder.clone(), Vec::new()),
            None => {
                let names: Vec<&str> = here.iter().map(|(split, ..)| *split).collect();
                Availability::Present(folder.clone(), vec![format!("only {}", names.join(", "))])
            }
        }
    }

    fn download(&self) -> Result<&IdxSet> {
        self.0.download()
    }
}
