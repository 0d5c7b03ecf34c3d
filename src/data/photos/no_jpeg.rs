//! JPEG in a build without the feature `photos`.

use super::picture::Picture;

pub(super) fn decode(_: &[u8]) -> Result<Picture, String> {
    Err("it is a JPEG, which this build leaves out; the feature `photos` brings it".into())
}
