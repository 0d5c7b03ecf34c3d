//! The first look at the pictures of a folder: which can be decoded, how large they are, and the hash of each. It decodes all
//! of them, so the results are cached.

use std::path::Path;

use rayon::prelude::*;

use super::listing::File;
use super::picture::DecodeStatus;
use crate::files::digest_cache::{Digest, DigestCache};
use crate::{Error, Result};

/// What the cache calls a [`DecodeStatus`].
const NOTE: &str = "picture";

/// What is known of a file once all of it was decoded.
pub(super) struct Scanned {
    /// BLAKE3 of the file.
    pub(super) content: String,
    /// Width and height, or what is wrong with it.
    pub(super) size: Result<[usize; 2], String>,
}

/// Decodes every file that is not in the cache. Ends early when `cancelled` returns true; the cache keeps what was decoded.
///
/// # Errors
/// When it was cancelled. A file that cannot be read or decoded is part of the result.
pub(super) fn scan(
    files: &[File],
    cache: Option<&Path>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Scanned>> {
    let mut cache = DigestCache::open(cache);
    let cached = |file: &File| {
        let digest = cache.get(&file.path)?;
        let status = digest.note(NOTE).filter(DecodeStatus::is_current)?;
        Some((digest.content.clone(), status))
    };
    let known: Vec<Option<(String, DecodeStatus)>> = files.par_iter().map(cached).collect();
    let decode = |(file, known): (&File, &Option<_>)| {
        (known.is_none() && !cancelled()).then(|| {
            let bytes = std::fs::read(&file.path).map_err(|error| format!("it cannot be read: {error}"))?;
            Ok((blake3::hash(&bytes).to_hex().to_string(), DecodeStatus::from_bytes(&bytes)))
        })
    };
    let new: Vec<Option<Result<(String, DecodeStatus), String>>> = files.par_iter().zip(&known).map(decode).collect();
    for (file, new) in files.iter().zip(&new) {
        if let Some(Ok((content, status))) = new {
            cache.insert(&file.path, Digest::new(content.clone()).with_note(NOTE, status));
        }
    }
    cache.save();
    let scanned = known.into_iter().zip(new).map(|(known, new)| match known.map(Ok).or(new) {
        Some(Ok((content, status))) => Ok(Scanned { content, size: status.size() }),
        Some(Err(why)) => Ok(Scanned { content: String::new(), size: Err(why) }),
        None => Err(Error::interrupted()),
    });
    scanned.collect()
}
