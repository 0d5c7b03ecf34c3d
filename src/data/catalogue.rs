//! The data sets that scripts can name. Their addresses and hashes are fixed: a script cannot add one.

use std::path::PathBuf;

use super::source::{Availability, CatalogueEntry, DatasetOptions, Opened};
use super::{Folders, IdxSet, cifar, emnist, glyphs, idx_set, noise};
use crate::words::nearest;
use crate::{Error, Result};

/// Every data set: a new one is a file beside this one and a line here.
fn entries() -> Vec<Box<dyn CatalogueEntry>> {
    vec![
        Box::new(glyphs::GlyphsEntry),
        Box::new(noise::NoiseEntry),
        Box::new(idx_set::mnist()),
        Box::new(idx_set::fashion_mnist()),
        Box::new(idx_set::kmnist()),
        Box::new(emnist::EmnistEntry::new()),
        Box::new(cifar::CifarEntry::TEN),
        Box::new(cifar::CifarEntry::HUNDRED),
    ]
}

/// One line of `entroscope data list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What scripts call it.
    pub name: String,
    /// What it is.
    pub about: String,
    /// Bytes to download; 0 for a generated one.
    pub bytes: u64,
    /// Where it is.
    pub availability: Availability,
}

/// Every data set and what of it is on this machine. Reads the files whose hashes are not cached.
pub fn list(folders: &Folders) -> Vec<Listed> {
    let listed = |entry: Box<dyn CatalogueEntry>| Listed {
        name: entry.name().into(),
        about: entry.about().into(),
        bytes: entry.download_bytes(),
        availability: entry.availability(folders),
    };
    entries().into_iter().map(listed).collect()
}

/// The files of a data set that can be downloaded, by its name.
///
/// # Errors
/// There is no such data set (a hint names the nearest), it is generated and has no files, or it is fetched by hand.
pub fn downloadable(name: &str) -> Result<IdxSet> {
    find(name)?.download().cloned()
}

/// Opens a data set by name.
///
/// # Errors
/// There is no such data set, or [`open_entry`]'s.
pub(super) fn open(name: &str, options: &DatasetOptions, folders: &Folders) -> Result<Opened> {
    open_entry(&*find(name)?, options, folders)
}

/// Opens a data set, listed or not.
///
/// # Errors
/// An option that it does not have, and those of [`CatalogueEntry::open`].
pub(super) fn open_entry(entry: &dyn CatalogueEntry, options: &DatasetOptions, folders: &Folders) -> Result<Opened> {
    match options.given().find(|option| !entry.options().contains(option)) {
        Some(option) => Err(refused(option, entry.name())),
        None => entry.open(options, folders),
    }
}

/// The folders that decide what a name opens; none for a generated set or an unknown name.
pub(super) fn folders_of(name: &str, folders: &Folders) -> Vec<PathBuf> {
    find(name).map_or_else(|_| Vec::new(), |entry| entry.folders(folders))
}

fn find(name: &str) -> Result<Box<dyn CatalogueEntry>> {
    let mut all = entries();
    if let Some(i) = all.iter().position(|entry| entry.name() == name) {
        return Ok(all.swap_remove(i));
    }
    let names: Vec<&str> = all.iter().map(|entry| entry.name()).collect();
    let error = Error::new(format!("there is no data set \"{name}\"; there are {}", names.join(", ")));
    Err(match nearest(name, names) {
        Some(near) => error.hint(format!("did you mean \"{near}\"?")),
        None => error,
    })
}

/// The error for an option that a data set does not have.
fn refused(option: &str, name: &str) -> Error {
    let generated = |hint: &str| {
        Error::new(format!("`{option}` is an option of generated data sets; {name} is what its files say")).hint(hint)
    };
    match option {
        "train" => generated("take part of it with `.train.take(1000)`"),
        "test" => generated("take part of it with `.test.take(1000)`"),
        "seed" => generated("another order of its samples: `.shuffle(1)`"),
        _ => {
            let all = entries();
            let takers = all.iter().filter(|entry| entry.options().contains(&option)).map(|entry| entry.name());
            let takers = takers.collect::<Vec<_>>().join(", ");
            let why = if option == "grey" {
                format!("{name} has one channel as it is")
            } else {
                format!("{name} has no such option")
            };
            Error::new(format!("`{option}` is an option of {takers}; {why}")).hint("leave it out")
        }
    }
}
