//! The first look at the pictures of a folder: which can be decoded, how large they are, and the hash of each. It decodes all
//! of them, so the results are cached.

use std::path::Path;

use rayon::prelude::*;

use super::LONGEST_FILE;
use super::decoding_room::DecodingRoom;
use super::listing::File;
use super::picture::DecodeStatus;
use crate::files::digest_cache::{Digest, DigestCache, unchanged};
use crate::files::regular::read_regular;
use crate::files::stamp::Stamp;
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

/// What reading a file found.
struct Found {
    stamp: Stamp,
    content: String,
    status: DecodeStatus,
}

/// Decodes every file that is not in the cache. Ends early when `cancelled` returns true; the cache keeps what was decoded.
///
/// # Errors
/// When it was cancelled. A file that cannot be read or decoded is part of the result.
pub(super) fn scan(
    files: &[File],
    cache: Option<&Path>,
    room: &DecodingRoom,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Scanned>> {
    let mut cache = DigestCache::open(cache);
    let cached = |file: &File| {
        let digest = cache.get(&file.path)?;
        let status = digest.note(NOTE).filter(DecodeStatus::is_current)?;
        Some((digest.content.clone(), status))
    };
    let known: Vec<Option<(String, DecodeStatus)>> = files.par_iter().map(cached).collect();
    let decode =
        |(file, known): (&File, &Option<_>)| (known.is_none() && !cancelled()).then(|| read(&file.path, &cache, room));
    let new: Vec<Option<Result<Found, String>>> = files.par_iter().zip(&known).map(decode).collect();
    for (file, new) in files.iter().zip(&new) {
        if let Some(Ok(Found { stamp, content, status })) = new {
            cache.insert(&file.path, stamp, Digest::new(content.clone()).with_note(NOTE, status));
        }
    }
    cache.save();
    let new = new.into_iter().map(|new| new.map(|new| new.map(|found| (found.content, found.status))));
    let scanned = known.into_iter().zip(new).map(|(known, new)| match known.map(Ok).or(new) {
        Some(Ok((content, status))) => Ok(Scanned { content, size: status.size() }),
        Some(Err(why)) => Ok(Scanned { content: String::new(), size: Err(why) }),
        None => Err(Error::interrupted()),
    });
    scanned.collect()
}

/// Reads a file, and decodes it unless the cache knows its content.
fn read(file: &Path, cache: &DigestCache, room: &DecodingRoom) -> Result<Found, String> {
    let read = || read_regular(file, LONGEST_FILE).map_err(|error| Error::new(format!("it cannot be read: {error}")));
    let (stamp, bytes) = unchanged(file, read).map_err(|error| error.message)?;
    let content = blake3::hash(&bytes).to_hex().to_string();
    let known = cache.of_content(file, &content).and_then(|digest| digest.note(NOTE)).filter(DecodeStatus::is_current);
    let status = known.map_or_else(|| DecodeStatus::from_bytes(&bytes, room), Ok)?;
    Ok(Found { stamp, content, status })
}
