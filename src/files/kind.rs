//! What a file is by its first bytes, in words: for messages about files that are something else than what was asked for.

use std::io::Read;
use std::path::Path;

use crate::{Error, Result};

/// Bytes from the start that are enough for [`Kind::of`].
pub(crate) const START: u64 = 4096;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// A noun with its article.
    pub what: &'static str,
    /// What to do about it, if there is something.
    pub way_out: Option<&'static str>,
}

/// Kinds by the bytes that they begin with.
const BY_START: [(&[u8], &str); 21] = [
    (b"version https://git-lfs", POINTER),
    (b"PK\x03\x04", ZIP),
    (b"\x1f\x8b", GZIPPED),
    (b"BZh", BZIP),
    (b"\xfd7zXZ\0", XZ),
    (b"\x28\xb5\x2f\xfd", ZSTD),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x93NUMPY", NPY),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, such as Keras and MATLAB write"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"GGUF", "a model of llama.cpp (GGUF)"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\0", "a picture (TIFF)"),
    (b"MM\0*", "a picture (TIFF)"),
    (b"%PDF", "a document (PDF)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"\0\0\x08", IDX),
    (b"\x80\x02\x8a\x0al\xfc\x9c", "a PyTorch checkpoint in the old format"),
];

const POINTER: &str = "a Git LFS pointer, not the file itself";
pub(crate) const GZIPPED: &str = "a gzip-compressed file";
pub(crate) const IDX: &str = "an IDX file, such as MNIST's";
pub(crate) const ZIP: &str = "a zip archive";
pub(crate) const NPY: &str = "a NumPy array (.npy)";
pub(crate) const SAFETENSORS: &str = "a safetensors file";
const BZIP: &str = "a bzip2-compressed file";
const XZ: &str = "an xz-compressed file";
const ZSTD: &str = "a zstd-compressed file";
const PAGE: &str = "a web page, which a server sent in place of the file";
const INDEX: &str = "the index of a checkpoint in several parts";
const ZEROS: &str = "nothing but zeros, like a download that was never filled";
const EMPTY: &str = "empty";

impl Kind {
    /// What begins with these bytes; `None` if it is not known.
    pub fn of(start: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(start);
        let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let lower = text.get(..text.floor_char_boundary(200)).unwrap_or_default().to_lowercase();
        let known = BY_START.iter().find(|(bytes, _)| start.starts_with(bytes)).map(|(_, what)| *what);
        let what = if start.is_empty() {
            EMPTY
        } else if ["<!doctype html", "<html", "<head"].iter().any(|tag| lower.starts_with(tag)) {
            PAGE
        } else if let Some(what) = known {
            what
        } else if start.len() >= 16 && start.iter().all(|&byte| byte == 0) {
            ZEROS
        } else if start.starts_with(b"BM") && start.get(6..10) == Some(&[0; 4]) {
            "a picture (BMP)"
        } else if start.get(257..262) == Some(b"ustar") {
            "a tar archive"
        } else if start.starts_with(&[8]) && start.get(..64).is_some_and(|start| contains(start, b"pytorch")) {
            "an ONNX model"
        } else if start.get(8) == Some(&b'{') && start[3..8] == [0; 5] {
            SAFETENSORS
        } else if start.first() == Some(&0x80) && start.get(1).is_some_and(|protocol| (2..=5).contains(protocol)) {
            "a Python pickle"
        } else if text.starts_with('{') && contains(start, b"\"weight_map\"") {
            INDEX
        } else if text.starts_with('<') {
            "an XML text"
        } else if text.starts_with('{') {
            "a JSON text"
        } else if std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true)
            && !start.iter().any(|&byte| byte < 0x20 && !b"\t\r\n\x0c".contains(&byte))
        {
            "a text"
        } else {
            return None;
        };
        Some(Self { what, way_out: way_out(what) })
    }

    /// What the file at `path` is.
    pub fn of_file(path: &Path) -> Option<Self> {
        let mut start = Vec::new();
        super::regular::open_regular(path).ok()?.take(START).read_to_end(&mut start).ok()?;
        Self::of(&start)
    }

    /// The error for a file called `name` that is of this kind, or of an unknown one.
    pub fn refusal<T>(kind: Option<Self>, name: &str, taken: &str) -> Result<T> {
        let what = kind.map_or("of no known kind", |kind| kind.what);
        let error = Error::new(format!("{name} is {what}")).hint(taken);
        Err(kind.and_then(|kind| kind.way_out).into_iter().fold(error, Error::hint))
    }
}

fn way_out(what: &str) -> Option<&'static str> {
    Some(match what {
        POINTER => "fetch the file itself: `git lfs pull`",
        GZIPPED => "decompress it: `gunzip FILE`, or `tar -xzf FILE` if it is an archive",
        BZIP => "decompress it: `bunzip2 FILE`",
        XZ => "decompress it: `unxz FILE`",
        ZSTD => "decompress it: `unzstd FILE`",
        PAGE => "open its address in a browser: it may ask to log in or to confirm; then fetch the file itself",
        INDEX => "its parts lie beside it; put them into one file: `safetensors.torch.save_file`",
        ZEROS | EMPTY => "fetch it again",
        _ => return None,
    })
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let what = |start: &[u8]| Kind::of(start).map(|kind| kind.what);
        assert_eq!(what(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 5\n"), Some(POINTER));
        assert_eq!(what(b"\n <!DOCTYPE HTML PUBLIC>"), Some(PAGE));
        assert_eq!(what("\u{feff}<html lang=\"en\">".as_bytes()), Some(PAGE));
        assert_eq!(
            what(b"{\"metadata\": {}, \"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\"}}"),
            Some(INDEX)
        );
        assert_eq!(what(b""), Some(EMPTY));
        assert_eq!(what(&[0; 100]), Some(ZEROS));
        assert_eq!(what(b"a,b\n1,2\n"), Some("a text"));
        assert_eq!(what(b"BMI,label\n1,2\n"), Some("a text"));
        assert_eq!(what("grün\n".as_bytes()), Some("a text"));
        assert_eq!(what(&[1, 2, 3, 200, 7]), None);
    }
}
