//! numpy's .npy: a header, then the numbers.

use std::io::Read;
use std::path::Path;

use burn::tensor::f16;

use super::npy_header::{self, Header};
use super::warn_of_overflow;
use crate::files::regular::open_regular;
use crate::script::session::Session;
use crate::script::tensor::{MOST, ScriptTensor, compact, padded};
use crate::{Error, Result};

/// Numbers that are converted at a time.
const CHUNK: usize = 1 << 14;

/// A tensor as a file.
pub(super) fn bytes(tensor: &ScriptTensor) -> Result<Vec<u8>> {
    let mut bytes = npy_header::write(&tensor.shape());
    bytes.extend(tensor.numbers()?.iter().flat_map(|number| number.to_le_bytes()));
    Ok(bytes)
}

/// Reads `file`, which the script calls `path`.
pub(super) fn read(session: &Session, path: &str, file: &Path) -> Result<ScriptTensor> {
    let failed = |error: std::io::Error| Error::io("read", Path::new(path), &error);
    let mut file = open_regular(file).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    let header = npy_header::read(&mut file, path)?;
    read_numbers(session, path, header, &mut file, total)
}

/// Why an array cannot be a tensor, if it cannot.
pub(super) fn unusable(header: &Header) -> Option<String> {
    if header.shape.contains(&0) {
        return Some(format!("it is empty, of shape {:?}", header.shape));
    }
    if header.shape.len() > MOST {
        return Some(format!("it has {} axes, a tensor has at most {MOST}", header.shape.len()));
    }
    Number::parse(&header.dtype).err().map(|error| error.message)
}

/// Reads the numbers after a header; the script calls the array `path`, and it has `total` bytes with its header.
pub(super) fn read_numbers(
    session: &Session,
    path: &str,
    header: Header,
    file: &mut impl Read,
    total: u64,
) -> Result<ScriptTensor> {
    let Header { dtype, fortran_order, shape, length } = header;
    let in_file = |error: Error| Error { message: format!("{path}: {}", error.message), ..error };
    // A file may hold a number without axes: it gets one.
    let shape = if shape.is_empty() { vec![1] } else { shape };
    // The claim comes before the numbers are read, and is checked before their count is multiplied out.
    let read = || {
        let (count, number) = (shape.iter().product::<usize>(), Number::parse(&dtype)?);
        let (wanted, found) = (number.size * count, total.saturating_sub(length));
        if wanted as u64 != found {
            let expected = format!("{wanted} bytes of numbers, for the shape {shape:?} and type {dtype},");
            return Err(Error::new(format!("expected {expected} found {found}")));
        }
        let numbers = number.read(file, count)?;
        if (number.kind, number.size) == (b'f', 8) {
            warn_of_overflow(session, path, &numbers);
        }
        Ok(numbers)
    };
    if !fortran_order {
        return ScriptTensor::new(session, &shape, read).map_err(in_file);
    }
    // The first axis varies fastest: row by row it is the tensor with its axes in reverse.
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let tensor = ScriptTensor::new(session, &reversed, read).map_err(in_file)?;
    let mut axes = std::array::from_fn::<_, MOST, _>(|axis| axis as isize);
    axes[MOST - shape.len()..].reverse();
    let compute = || compact(tensor.numbers.clone().permute(axes)).reshape(padded(&shape));
    ScriptTensor::computed(tensor.budget(), &shape, compute).map_err(in_file)
}

/// A type of numbers.
struct Number {
    big_endian: bool,
    /// numpy's character for it: f, i, u or b.
    kind: u8,
    /// Bytes of one number.
    size: usize,
}

impl Number {
    /// # Errors
    /// When `dtype`, a Python expression, is no type of numbers that single precision can stand for.
    fn parse(dtype: &str) -> Result<Self> {
        let other = || Error::new(format!("expected numbers, real, whole or bool, found the type {dtype}"));
        let &[order @ (b'<' | b'>' | b'|' | b'='), kind, size] = dtype.trim_matches(['\'', '"']).as_bytes() else {
            let is_time = ["m8", "M8"].iter().any(|time| dtype.get(2..4) == Some(time));
            return Err(if is_time {
                other().hint("make numbers of times before: `x.astype(\"int64\")`")
            } else {
                other()
            });
        };
        let size = usize::from(size.wrapping_sub(b'0'));
        let is_known = match kind {
            b'f' => [2, 4, 8].contains(&size),
            b'i' | b'u' => [1, 2, 4, 8].contains(&size),
            b'b' => size == 1,
            _ => false,
        };
        // Without an order there is but one byte.
        if !is_known || (order == b'|' && size > 1) {
            return Err(other());
        }
        // The order of the machine that wrote it: which one that was, the file does not say; nearly all are little-endian.
        Ok(Self { big_endian: order == b'>', kind, size })
    }

    /// `count` numbers in single precision.
    fn read(&self, file: &mut impl Read, count: usize) -> Result<Vec<f32>> {
        let mut numbers = Vec::with_capacity(count);
        let mut bytes = vec![0; self.size * CHUNK.min(count)];
        while numbers.len() < count {
            bytes.truncate(self.size * (count - numbers.len()));
            let read = file.read_exact(&mut bytes);
            read.map_err(|error| Error::new(format!("cannot read its numbers: {error}")))?;
            self.convert(&mut bytes, &mut numbers)?;
        }
        Ok(numbers)
    }

    /// Appends the numbers in `bytes`.
    fn convert(&self, bytes: &mut [u8], numbers: &mut Vec<f32>) -> Result<()> {
        if self.big_endian {
            bytes.chunks_exact_mut(self.size).for_each(<[u8]>::reverse);
        }
        macro_rules! from {
            ($t:ty, $convert:expr) => {{
                let convert: fn($t) -> f32 = $convert;
                numbers.extend(bytes.as_chunks().0.iter().map(|&bytes| convert(<$t>::from_le_bytes(bytes))));
            }};
        }
        match (self.kind, self.size) {
            (b'f', 2) => from!(f16, f16::to_f32),
            (b'f', 4) => from!(f32, |x| x),
            (b'f', _) => from!(f64, |x| x as f32),
            (b'i', 1) => from!(i8, f32::from),
            (b'i', 2) => from!(i16, f32::from),
            (b'i', 4) => from!(i32, |x| x as f32),
            (b'u', 1) => from!(u8, f32::from),
            (b'u', 2) => from!(u16, f32::from),
            (b'u', 4) => from!(u32, |x| x as f32),
            (b'u', _) => from!(u64, |x| x as f32),
            (b'b', _) => match bytes.iter().find(|byte| **byte > 1) {
                Some(byte) => return Err(Error::new(format!("cannot read its numbers: {byte} is no bool"))),
                None => from!(u8, f32::from),
            },
            _ => from!(i64, |x| x as f32),
        }
        Ok(())
    }
}
