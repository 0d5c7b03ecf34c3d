//! The secret part of the page's address. Other users of the machine reach its loopback address too; without the token they see
//! nothing and press no button.

use std::io::{Read, Write};
use std::path::Path;

use crate::{Error, Result};

/// Hexadecimal digits of a token.
const DIGITS: usize = 32;

/// The user's token: the same at every start, so that an open page finds the program again. Where it cannot be kept, a new one.
///
/// # Errors
/// When the system gives no random numbers.
pub(super) fn token() -> Result<String> {
    let kept = dirs::cache_dir().map(|folder| folder.join("entroscope").join("page-token"));
    kept.map_or_else(fresh, |path| kept_or_fresh(&path))
}

fn kept_or_fresh(path: &Path) -> Result<String> {
    if let Some(token) = read(path) {
        return Ok(token);
    }
    let token = fresh()?;
    // Two starts at once may both write; the one that is read then is that of both.
    match write(path, &token) {
        Ok(()) => Ok(read(path).unwrap_or(token)),
        Err(_) => Ok(token),
    }
}

/// The token in a file that only its user can read.
fn read(path: &Path) -> Option<String> {
    let mut token = String::new();
    let file = std::fs::File::open(path).ok()?;
    if !is_private(&file.metadata().ok()?) {
        return None;
    }
    file.take(DIGITS as u64 + 1).read_to_string(&mut token).ok()?;
    (token.len() == DIGITS && token.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(token)
}

fn write(path: &Path, token: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // A temporary file is its user's alone.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(token.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(unix)]
fn is_private(metadata: &std::fs::Metadata) -> bool {
    let for_others = std::os::unix::fs::MetadataExt::mode(metadata) & 0o077;
    metadata.is_file() && for_others == 0
}

#[cfg(not(unix))]
fn is_private(metadata: &std::fs::Metadata) -> bool {
    metadata.is_file()
}

fn fresh() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(format!("the system gives no random numbers for the page's address: {error}")))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_for_its_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("token");
        let token = kept_or_fresh(&path).unwrap();
        assert_eq!(token.len(), DIGITS);
        assert_eq!(kept_or_fresh(&path).unwrap(), token);
        assert_ne!(fresh().unwrap(), token);
        // One that others can read, or that is no token, is replaced.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert_ne!(kept_or_fresh(&path).unwrap(), token);
        }
        std::fs::write(&path, "../../x").unwrap();
        assert_eq!(kept_or_fresh(&path).unwrap().len(), DIGITS);
    }

    #[test]
    fn where_it_cannot_be_kept_there_is_one_nevertheless() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(kept_or_fresh(&file.join("token")).unwrap().len(), DIGITS);
    }
}
