//! The header of numpy's .npy, versions 1 to 3: a magic, a version, a length, and a Python dictionary with the type, the order
//! and the shape of the numbers that follow.
//! Source: numpy, `lib/format.py`, "Format Version 1.0".

use std::io::Read;
use std::path::Path;

use super::wrong;
use crate::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Longest header that is read, in bytes; numpy's own limit (`max_header_size`).
const LONGEST: usize = 10_000;
/// The numbers begin at a multiple of this (`ARRAY_ALIGN`).
const ALIGNMENT: usize = 64;
/// Room that numpy leaves for the first size to grow in place (`GROWTH_AXIS_MAX_DIGITS`).
const GROWTH: usize = 21;

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The Python expression for the type, such as `'<f4'`.
    pub(super) dtype: String,
    /// Whether the first axis varies fastest, in place of the last.
    pub(super) fortran_order: bool,
    /// Size of each axis; one that exceeds the machine's integers is the largest of those.
    pub(super) shape: Vec<usize>,
    /// Bytes from the file's start to the numbers.
    pub(super) length: u64,
}

/// Reads a file from its start up to the numbers; the script calls it `path`.
///
/// # Errors
/// It cannot be read, is no numpy file, or has a header that is too long, cut off, or says something else than an array.
pub(super) fn read(file: &mut impl Read, path: &str) -> Result<Header> {
    let mut start = Vec::new();
    let mut take = |count: usize, start: &mut Vec<u8>| {
        let read = file.take(count as u64).read_to_end(start);
        match read.map_err(|error| Error::io("read", Path::new(path), &error))? {
            read if read == count => Ok(()),
            _ => Err(wrong(path, "a numpy file", &format!("only {} bytes, which end in its header", start.len()))),
        }
    };
    // A file that is shorter than this is no numpy file either.
    let _ = take(MAGIC.len() + 2, &mut start);
    if !start.starts_with(MAGIC) {
        let found = start.escape_ascii();
        return Err(wrong(
            path,
            "a numpy file, which starts with \"\\x93NUMPY\"",
            &format!("one that starts with \"{found}\""),
        ));
    }
    let unreadable = |why: String| wrong(path, "a numpy file", &format!("one whose header cannot be read ({why})"));
    let width = match start[MAGIC.len()..] {
        [1, 0] => 2,
        [2 | 3, 0] => 4,
        [major, minor] => return Err(unreadable(format!("of version {major}.{minor}"))),
        _ => return Err(wrong(path, "a numpy file", &format!("only {} bytes", start.len()))),
    };
    take(width, &mut start)?;
    let length = start[MAGIC.len() + 2..].iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
    if length > LONGEST {
        return Err(wrong(path, &format!("a header of at most {LONGEST} bytes"), &length.to_string()));
    }
    let text = start.len();
    take(length, &mut start)?;
    let (dtype, fortran_order, shape) = parse(&String::from_utf8_lossy(&start[text..])).map_err(unreadable)?;
    Ok(Header { dtype, fortran_order, shape, length: start.len() as u64 })
}

/// The header of single-precision numbers, the last axis varying fastest, to the byte as numpy 2 writes it.
pub(super) fn write(shape: &[usize]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let tuple = match &sizes[..] {
        [one] => format!("({one},)"),
        sizes => format!("({})", sizes.join(", ")),
    };
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple}, }}");
    let growth = sizes.first().map_or(0, |first| GROWTH.saturating_sub(first.len()));
    let before = MAGIC.len() + 4;
    let length = (before + text.len() + growth + 1).next_multiple_of(ALIGNMENT) - before;
    text = format!("{text:<width$}\n", width = length - 1);
    [MAGIC, &[1, 0], &(length as u16).to_le_bytes(), text.as_bytes()].concat()
}

/// The type, whether the order is Fortran's, and the shape; or why they cannot be read.
fn parse(text: &str) -> Result<(String, bool, Vec<usize>), String> {
    let items = dictionary(text)?;
    let value = |key: &str| {
        let item = items.iter().rev().find(|(name, _)| *name == key);
        item.map(|(_, value)| *value).ok_or_else(|| format!("dict is missing key '{key}'"))
    };
    let fortran_order = match value("fortran_order")? {
        "True" => true,
        "False" => false,
        other => return Err(format!("'fortran_order' is {other}, not a bool")),
    };
    Ok((value("descr")?.to_owned(), fortran_order, shape(value("shape")?)?))
}

/// The items of a Python dictionary with texts as keys; values are Python expressions.
fn dictionary(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let inner = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let mut rest = inner.ok_or("it is no dictionary")?.trim();
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (key, after) = expression(rest, b':');
        let quoted = |quote: char| key.strip_prefix(quote).and_then(|key| key.strip_suffix(quote));
        let key = quoted('\'').or_else(|| quoted('"')).ok_or_else(|| format!("{key} is no key"))?;
        let (value, after) = expression(after.ok_or_else(|| format!("'{key}' has no value"))?, b',');
        items.push((key, value));
        rest = after.unwrap_or_default();
    }
    Ok(items)
}

/// The text up to an `end` outside brackets and quotes, and what follows that.
fn expression(text: &str, end: u8) -> (&str, Option<&str>) {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (i, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, byte) if byte == end && depth == 0 => return (text[..i].trim(), Some(text[i + 1..].trim())),
            _ => {}
        }
    }
    (text.trim(), None)
}

/// The sizes in a tuple or list of whole numbers. Python 2 wrote long ones with an L.
fn shape(text: &str) -> Result<Vec<usize>, String> {
    let within = |open, close| text.strip_prefix(open).and_then(|text: &str| text.strip_suffix(close));
    let wrong = || format!("'shape' is {text}, not a tuple of sizes");
    let sizes = within('(', ')').or_else(|| within('[', ']')).ok_or_else(wrong)?.trim();
    let sizes = sizes.strip_suffix(',').unwrap_or(sizes);
    let size = |size: &str| {
        let digits = size.trim().trim_end_matches('L');
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().unwrap_or(usize::MAX)).ok_or_else(wrong)
    };
    if sizes.is_empty() { Ok(Vec::new()) } else { sizes.split(',').map(size).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, bool, Vec<usize>) {
        parse(text).unwrap_or_else(|why| (why, false, Vec::new()))
    }

    /// Headers as programs write them.
    #[test]
    fn headers_of_many_programs_are_read() {
        let c = |dtype: &str, shape: &[usize]| (dtype.to_owned(), false, shape.to_vec());
        // numpy 2, numpy on Python 2 for Windows, and a numpy record.
        assert_eq!(parsed("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }     \n"), c("'<f4'", &[2, 3]));
        assert_eq!(parsed("{'descr': '<f8', 'fortran_order': False, 'shape': (3L, 4L), } \n"), c("'<f8'", &[3, 4]));
        let record = "[('a, b', '<f4'), ('it\\'s', '|i1', (2,))]";
        let header = format!("{{'descr': {record}, 'fortran_order': False, 'shape': (5,), }}");
        assert_eq!(parsed(&header), c(record, &[5]));
        // npyz and cnpy (C++), NPZ.jl, and one with the other quotes and order.
        assert_eq!(parsed("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, ), }\n"), c("'<f4'", &[2, 3]));
        assert_eq!(parsed("{'descr': '<f8', 'fortran_order': False, 'shape': (7,), }  \n"), c("'<f8'", &[7]));
        assert_eq!(
            parsed("{'descr': '<f8', 'fortran_order': True, 'shape': (3,2,), }\n"),
            ("'<f8'".into(), true, vec![3, 2])
        );
        assert_eq!(parsed("{\"shape\": [], \"descr\": \"|b1\", \"fortran_order\": False}"), c("\"|b1\"", &[]));
    }

    #[test]
    fn headers_of_nothing_else_are_read() {
        for (text, why) in [
            ("", "it is no dictionary"),
            ("[[[[", "it is no dictionary"),
            ("{1: 2}", "1 is no key"),
            ("{'descr'}", "'descr' has no value"),
            ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "'fortran_order' is 0, not a bool"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "'shape' is 3, not a tuple of sizes"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "'shape' is (-1,), not a tuple of sizes"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,,2)}", "'shape' is (1,,2), not a tuple of sizes"),
            ("{'fortran_order': False, 'shape': (1,)}", "dict is missing key 'descr'"),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()), "{text}");
        }
    }

    /// numpy 2.4's `np.save`, and every version that it reads.
    #[test]
    fn a_header_is_numpys_to_the_byte_and_comes_back() {
        let expected = format!("{:<117}\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
        assert_eq!(write(&[2, 3]), [b"\x93NUMPY\x01\x00v\x00".as_slice(), expected.as_bytes()].concat());
        for shape in [vec![], vec![5], vec![2, 3], vec![1_000_000, 224, 224, 3]] {
            let bytes = write(&shape);
            assert!(bytes.len().is_multiple_of(64) && bytes.ends_with(b"\n"));
            for version in [1, 2, 3] {
                let length = if version == 1 { bytes[8..10].to_vec() } else { [&bytes[8..10], &[0, 0]].concat() };
                let bytes = [MAGIC, &[version, 0], &length, &bytes[10..]].concat();
                let header = read(&mut &bytes[..], "x.npy").map_err(|error| error.message);
                let length = bytes.len() as u64;
                let expected = Header { dtype: "'<f4'".into(), fortran_order: false, shape: shape.clone(), length };
                assert_eq!(header, Ok(expected));
            }
        }
        let other = read(&mut b"\x93NUMPY\x04\x00v\x00\x00\x00".as_slice(), "x.npy").map_err(|error| error.message);
        assert_eq!(
            other,
            Err("x.npy: expected a numpy file, found one whose header cannot be read (of version 4.0)".into())
        );
    }
}
