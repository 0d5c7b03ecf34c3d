//! What tells a file from another one without reading it.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file that was changed within this time may be changed again without another time of change: file systems count in
/// steps, of up to two seconds on FAT.
const STEP: Duration = Duration::from_secs(2);
/// Earlier times are written by programs that make archives the same every time (Nix: 1970; tools of zip: 1980), whatever is
/// in the file: the second of January 1980.
const FIRST: Duration = Duration::from_hours(24 * (10 * 365 + 3));

/// Length, times, and place in the file system of one file.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    text: String,
    /// Whether a change after this moment would show in another stamp.
    trusted: bool,
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Stamp {
    /// The stamp of a file as it is now. It is opened for that, so that a network file system asks its server.
    pub fn of(file: &Path) -> io::Result<Self> {
        Ok(Self::from_metadata(&super::regular::open_regular(file)?.metadata()?))
    }

    /// For the cache; `None` if another file may have the same stamp.
    pub fn trusted(&self) -> Option<String> {
        self.trusted.then(|| self.text.clone())
    }

    /// Whether this is the stamp `text`, and only the same file can have it.
    pub fn is_trusted_as(&self, text: &str) -> bool {
        self.trusted && self.text == text
    }

    /// The stamp that this metadata gives now.
    #[cfg(unix)]
    #[expect(
        clippy::disallowed_methods,
        reason = "decides whether a file is read again, and nothing about what is read"
    )]
    pub fn from_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        let modified = nanoseconds(metadata.mtime(), metadata.mtime_nsec());
        // The inode's time of change: programs can set the other one, not this one.
        let changed = nanoseconds(metadata.ctime(), metadata.ctime_nsec());
        let (length, inode, device) = (metadata.len(), metadata.ino(), metadata.dev());
        let text = format!("{length} bytes, modified {modified}, changed {changed}, inode {inode} of {device}");
        Self { text, trusted: trusted(modified, changed, SystemTime::now()) }
    }

    /// Elsewhere there is no time of change that programs cannot set.
    #[cfg(not(unix))]
    pub fn from_metadata(metadata: &Metadata) -> Self {
        Self { text: format!("{} bytes, modified {:?}", metadata.len(), metadata.modified()), trusted: false }
    }
}

/// Whether a later change would show, by the times of a file in nanoseconds since 1970.
#[cfg_attr(not(unix), allow(dead_code, reason = "there is no time of change"))]
fn trusted(modified: i128, changed: i128, now: SystemTime) -> bool {
    let settled = now.checked_sub(STEP).and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let first = FIRST.as_nanos() as i128;
    modified > first && changed > first && settled.is_some_and(|settled| changed < settled.as_nanos() as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_prove_nothing_are_not_trusted() {
        let second = 1_000_000_000;
        let (now, then) = (Duration::from_hours(500_000), 500_000 * 3600 * second - 100 * second);
        let now = SystemTime::UNIX_EPOCH + now;
        assert!(trusted(then, then, now));
        // As in Nix's store, before 1970, as in a zip archive; and as in an image of a container, all of whose times are set.
        for modified in [second, -then, 315_532_800 * second] {
            assert!(!trusted(modified, then, now) && !trusted(then, modified, now));
        }
        // Changed just now, and by a clock that is ahead.
        for changed in [99, 100, 500] {
            assert!(!trusted(then, then + changed * second, now));
        }
        // A time of modification in the future is anybody's, and the inode's time of change still shows a change.
        assert!(trusted(then + 500 * second, then, now));
    }
}
