//! The first look at pictures: which are whole, how large they are, what identifies them. Remembered, for it means to decode
//! them all.

use std::path::Path;

use rayon::prelude::*;

use super::listing::File;
use super::picture::Verdict;
use crate::data::content::{Facts, Memory};
use crate::{Error, Result};

/// What is known of a file once all of it was decoded.
pub(super) struct Seen {
    /// BLAKE3 of the file.
    pub(super) content: String,
    /// Width and height, or what is wrong with it.
    pub(super) size: Result<[usize; 2], String>,
}

/// Looks at every file, or recalls what was seen before. Ends early when `cancelled` says so, and keeps what it has.
pub(super) fn look(files: &[File], memory: Option<&Path>, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Vec<Seen>> {
    let mut memory = Memory::open(memory);
    let recall = |file: &File| {
        let known = memory.recall(&file.path)?;
        known.picture.as_ref().filter(|verdict| verdict.is_current())?;
        Some(known.clone())
    };
    let known: Vec<Option<Facts>> = files.par_iter().map(recall).collect();
    let decode = |(file, known): (&File, &Option<Facts>)| {
        (known.is_none() && !cancelled()).then(|| {
            let bytes = std::fs::read(&file.path).map_err(|error| format!("it cannot be read: {error}"))?;
            let content = blake3::hash(&bytes).to_hex().to_string();
            Ok(Facts { content, picture: Some(Verdict::of(&bytes)) })
        })
    };
    let new: Vec<Option<Result<Facts, String>>> = files.par_iter().zip(&known).map(decode).collect();
    for (file, new) in files.iter().zip(&new) {
        if let Some(Ok(facts)) = new {
            memory.learn(&file.path, facts.clone());
        }
    }
    memory.save();
    let seen = known.into_iter().zip(new).map(|(known, new)| match known.map(Ok).or(new) {
        Some(Ok(Facts { content, picture })) => {
            let size = picture.map_or_else(|| Err("it was not looked at".to_owned()), |verdict| verdict.size());
            Ok(Seen { content, size })
        }
        Some(Err(why)) => Ok(Seen { content: String::new(), size: Err(why) }),
        None => Err(Error::interrupted()),
    });
    seen.collect()
}
