//! numpy's .npz: a zip archive with a .npy for each array, compressed or not.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zip::ZipArchive;

use super::{npy, npy_header};
use crate::files::regular::open_regular;
use crate::script::session::Session;
use crate::script::tensor::ScriptTensor;
use crate::{Error, Result};

const ENDING: &str = ".npy";
/// Most arrays that are read from a file.
const MOST_ARRAYS: usize = 10_000;

fn open(file: &Path) -> Option<ZipArchive<File>> {
    ZipArchive::new(open_regular(file).ok()?).ok()
}

/// The names of the entries that are arrays, sorted.
fn names(archive: &ZipArchive<File>) -> Vec<String> {
    let names = archive.file_names().flatten().filter(|name| name.ends_with(ENDING));
    let mut names: Vec<String> = names.map(Into::into).collect();
    names.sort();
    names
}

/// Whether a file is a zip archive with arrays of numpy in it.
pub(super) fn holds_arrays(file: &Path) -> bool {
    open(file).is_some_and(|archive| !names(&archive).is_empty())
}

/// The arrays of `file`, which the script calls `path`, by name. Those that cannot be tensors are left out with a warning, as
/// long as others can.
pub(super) fn read(session: &Session, path: &str, file: &Path) -> Result<Vec<(String, ScriptTensor)>> {
    let damaged = |why: String| Error::new(format!("{path} cannot be read: {why}")).hint("save or fetch it again");
    let mut archive = open(file).ok_or_else(|| damaged("it is no whole zip archive".into()))?;
    let names = names(&archive);
    if names.len() > MOST_ARRAYS {
        return Err(damaged(format!("it holds {} arrays, more than {MOST_ARRAYS}", names.len())));
    }
    let (mut tensors, mut unusable) = (Vec::new(), Vec::new());
    for name in names {
        let array = name.trim_end_matches(ENDING).to_owned();
        let called = format!("{path}, array {array:?}");
        let mut entry = archive.by_name(&name).map_err(|error| damaged(format!("array {array:?}: {error}")))?;
        let header = npy_header::read(&mut entry, &called)?;
        if let Some(why) = npy::unusable(&header) {
            unusable.push(format!("{called}: {why}"));
            continue;
        }
        let total = entry.size();
        let tensor = npy::read_numbers(session, &called, header, &mut entry, total)?;
        // The checksum is compared at the end of an entry.
        if let Err(error) = entry.read(&mut [0]) {
            return Err(damaged(format!("array {array:?}: {error}")));
        }
        tensors.push((array, tensor));
    }
    for why in unusable {
        if tensors.is_empty() {
            return Err(Error::new(why));
        }
        session.warn(Error::new(format!("{why}; it is left out")));
    }
    Ok(tensors)
}
