//! JPEG in a build without the feature `photos`.

use super::picture::Picture;

const ABSENT: &str = "it is a JPEG, which this build leaves out; the feature `photos` brings it";

pub(super) fn decode(_: &[u8]) -> Result<Picture, String> {
    Err(ABSENT.into())
}

pub(super) fn size(_: &[u8]) -> Result<[usize; 2], String> {
    Err(ABSENT.into())
}
