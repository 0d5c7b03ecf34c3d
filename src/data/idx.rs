//! IDX, the format of MNIST's files: four bytes of magic, big-endian sizes, then bytes; raw or gzipped.
//! Source: yann.lecun.com/exdb/mnist, "FILE FORMATS FOR THE MNIST DATABASE".

use std::io::{self, BufRead, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::source::MOST_SAMPLES;
use crate::files::kind::{GZIPPED, IDX, Kind};
use crate::files::regular::open_regular;
use crate::{Error, Result};

/// How bytes become numbers in [0, 1] (value/255, averaged over boxes); part of every fingerprint.
pub(super) const READER: &str = "idx/1";

/// What a file begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Number of images or labels.
    pub(super) count: usize,
    /// Bytes of each.
    pub(super) item: usize,
}

/// What a file should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdxKind {
    /// Images of this many rows and columns.
    Images(usize, usize),
    Labels,
}

impl IdxKind {
    fn magic(self) -> u32 {
        match self {
            Self::Images(..) => 0x0000_0803,
            Self::Labels => 0x0000_0801,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Images(..) => "images",
            Self::Labels => "labels",
        }
    }
}

/// Reads a file's header only.
pub(super) fn header(path: &Path, kind: IdxKind) -> Result<Header> {
    read_header(&mut open(path)?, path, kind, &mut Vec::new())
}

/// What any file is by its header, if it is IDX of bytes: images of rows and columns, or labels; and how many.
pub(super) fn peek(path: &Path) -> Option<(IdxKind, usize)> {
    let mut head = Vec::new();
    open(path).ok()?.take(16).read_to_end(&mut head).ok()?;
    let word = |i: usize| head.get(4 * i..4 * i + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize);
    match word(0)? {
        0x0803 => Some((IdxKind::Images(word(2)?, word(3)?), word(1)?)),
        0x0801 => Some((IdxKind::Labels, word(1)?)),
        _ => None,
    }
}

/// Reads a whole file and gives its body to `sink` in chunks. Returns its header and the BLAKE3 of its raw content.
pub(super) fn read(path: &Path, kind: IdxKind, mut sink: impl FnMut(&[u8])) -> Result<(Header, String)> {
    let mut file = open(path)?;
    let mut head = Vec::new();
    let header = read_header(&mut file, path, kind, &mut head)?;
    let mut hash = blake3::Hasher::new();
    hash.update(&head);
    let (expected, mut found) = (header.count * header.item, 0);
    let mut chunk = vec![0; 1 << 16];
    loop {
        let got = match file.read(&mut chunk) {
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(path, expected, found, &error)),
        };
        found += got;
        if found > expected || (got == 0 && found < expected) {
            let end = if got == 0 { "ends after" } else { "goes on past" };
            let place = found.min(expected);
            return Err(wrong(
                path,
                format!("{expected} bytes of {} after its header", kind.name()),
                format!("it {end} {place}"),
            ));
        }
        if got == 0 {
            return Ok((header, hash.finalize().to_hex().to_string()));
        }
        hash.update(&chunk[..got]);
        sink(&chunk[..got]);
    }
}

/// A file's raw bytes, unpacked if they are gzipped, whatever the file's name: browsers unpack some and keep the name.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>> {
    let failed = |error: io::Error| Error::io("open", path, &error);
    let mut file = io::BufReader::with_capacity(1 << 16, open_regular(path).map_err(failed)?);
    let is_gzipped = file.fill_buf().map_err(failed)?.starts_with(GZIP);
    Ok(if is_gzipped { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// How a gzipped file begins (RFC 1952).
pub(super) const GZIP: &[u8] = b"\x1f\x8b";

fn read_header(file: &mut dyn Read, path: &Path, kind: IdxKind, head: &mut Vec<u8>) -> Result<Header> {
    let words = if kind == IdxKind::Labels { 2 } else { 4 };
    file.take(4 * words).read_to_end(head).map_err(|error| broken(path, 4 * words as usize, head.len(), &error))?;
    let word = |i: usize| head.get(4 * i..4 * i + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    if word(0) != Some(kind.magic()) {
        let found = word(0).map_or(format!("{} bytes", head.len()), |magic| format!("{magic:08x}"));
        return Err(wrong(path, format!("IDX {}, which begin with {:08x}", kind.name(), kind.magic()), found));
    }
    let sizes: Vec<usize> = (1..words as usize).filter_map(word).map(|size| size as usize).collect();
    match (kind, &sizes[..]) {
        (IdxKind::Images(rows, columns), &[count, r, c]) if (r, c) == (rows, columns) => {
            limited(path, count, rows * columns)
        }
        (IdxKind::Images(rows, columns), &[_, r, c]) => {
            Err(wrong(path, format!("images of {rows}×{columns} pixels"), format!("{r}×{c}")))
        }
        (IdxKind::Labels, &[count]) => limited(path, count, 1),
        _ => Err(wrong(path, format!("a header of {} bytes", 4 * words), format!("{} bytes", head.len()))),
    }
}

fn limited(path: &Path, count: usize, item: usize) -> Result<Header> {
    match count {
        1..=MOST_SAMPLES => Ok(Header { count, item }),
        _ => Err(wrong(path, format!("1 to {MOST_SAMPLES} samples"), count.to_string())),
    }
}

fn broken(path: &Path, expected: usize, found: usize, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            wrong(path, format!("{expected} bytes"), format!("its gzip stream ends early, after {found}"))
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            wrong(path, "an intact gzip file", format!("{error} after {found} bytes"))
        }
        _ => Error::io("read", path, error),
    }
}

/// The error for a file that is not what it should be.
pub(super) fn wrong(path: &Path, expected: impl AsRef<str>, found: impl AsRef<str>) -> Error {
    let (expected, found) = (expected.as_ref(), found.as_ref());
    let folders = path.ancestors().skip(1).filter_map(|folder| folder.file_name()?.to_str());
    let set = match folders.take(2).collect::<Vec<_>>()[..] {
        // As torchvision calls them.
        ["raw", "MNIST"] => "mnist",
        ["raw", "FashionMNIST"] => "fashion-mnist",
        ["raw", "KMNIST"] => "kmnist",
        ["raw", "EMNIST"] | ["gzip", _] => "emnist",
        [folder, ..] => folder,
        [] => "NAME",
    };
    damaged(path, expected, found).hint(format!("fetch it again: `entroscope data get {set}`"))
}

/// The error for a file that is not what it should be, with what it is instead where that shows; without a way out.
pub(super) fn damaged(path: &Path, expected: &str, found: &str) -> Error {
    let kind = Kind::of_file(path).filter(|kind| ![GZIPPED, IDX].contains(&kind.what));
    let instead = kind.map_or(String::new(), |kind| format!("; it is {}", kind.what));
    let name = path.display();
    let error =
        Error::new(format!("{name} is damaged or of another kind: expected {expected}, found {found}{instead}"));
    kind.and_then(|kind| kind.way_out).into_iter().fold(error, Error::hint)
}
