//! The page's files, embedded in the program so that the page needs no network; and what lies behind its addresses.

/// Name and text of each file in `files/`, as listed by the build script.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// Bytes with their media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Such as "image/svg+xml".
    pub media: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl File {
    /// The media type of SVG pictures.
    pub const SVG: &'static str = "image/svg+xml";
    /// The media type of JSON.
    pub const JSON: &'static str = "application/json";

    pub(super) fn new(media: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { media, bytes: bytes.into() }
    }

    pub(super) fn json(value: &impl serde::Serialize) -> crate::Result<Self> {
        let bytes = serde_json::to_vec(value).map_err(|error| crate::Error::new(format!("no JSON: {error}")))?;
        Ok(Self::new(Self::JSON, bytes))
    }
}

/// The text of a file of the page. No name reaches the file system.
pub(super) fn text(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// A file of the page by its name.
pub fn file(name: &str) -> Option<File> {
    let media = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => File::SVG,
        _ => "text/html; charset=utf-8",
    };
    text(name).map(|text| File::new(media, text))
}
