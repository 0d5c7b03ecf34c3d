//! numpy's .npy: a magic, a header that is a Python literal, the numbers.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use npyz::{NpyFile, Order, WriterBuilder};

use super::wrong;
use crate::script::session::Session;
use crate::script::tensor::{MOST, ScriptTensor, compact, padded};
use crate::{Error, Result};

/// Bytes of a header that are read. numpy itself refuses more than 10,000 (`max_header_size`).
const LONGEST: usize = 10_000;
/// Brackets in a header: an ordinary one has two. The literal is parsed by recursion, and how deep is not for a file to
/// choose.
const BRACKETS: usize = 8;

/// A tensor as a file.
pub(super) fn bytes(tensor: &ScriptTensor) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| Error::new(format!("cannot write a tensor as .npy: {error}"));
    let shape: Vec<u64> = tensor.shape().into_iter().map(|size| size as u64).collect();
    let mut bytes = Vec::new();
    let writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes);
    let mut writer = writer.begin_nd().map_err(failed)?;
    writer.extend(tensor.numbers()?).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// Reads `file`, which the script calls `path`.
pub(super) fn read(session: &Session, path: &str, file: &Path) -> Result<ScriptTensor> {
    let failed = |error: std::io::Error| Error::io("read", Path::new(path), &error);
    let mut file = File::open(file).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    let (start, header) = header(&mut file, path)?;
    let npy = NpyFile::new(BufReader::new(start.as_slice().chain(file)))
        .map_err(|error| wrong(path, "a numpy file", &format!("one whose header cannot be read ({error})")))?;
    let in_file = |error: Error| Error { message: format!("{path}: {}", error.message), ..error };
    let sizes = || npy.shape().iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX));
    // A file may hold a number without axes: it gets one.
    let shape: Vec<usize> = if npy.shape().is_empty() { vec![1] } else { sizes().collect() };
    let (order, dtype) = (npy.order(), npy.dtype());
    // The claim comes before the numbers are read, and is checked before their count is multiplied out.
    let read = || {
        let count: usize = shape.iter().product();
        let wanted = dtype.num_bytes().and_then(|bytes| bytes.checked_mul(count)).map(|bytes| bytes as u64);
        let found = total.saturating_sub(header);
        if let Some(wanted) = wanted
            && wanted != found
        {
            let expected = format!("{wanted} bytes of numbers, for the shape {shape:?} and type {},", dtype.descr());
            return Err(Error::new(format!("expected {expected} found {found}")));
        }
        numbers(npy, count)
    };
    match order {
        Order::C => ScriptTensor::new(session, &shape, read).map_err(in_file),
        Order::Fortran => {
            // The first axis varies fastest: row by row it is the tensor with its axes turned round.
            let turned: Vec<usize> = shape.iter().rev().copied().collect();
            let tensor = ScriptTensor::new(session, &turned, read).map_err(in_file)?;
            let mut axes = std::array::from_fn::<_, MOST, _>(|axis| axis as isize);
            axes[MOST - shape.len()..].reverse();
            let compute = || compact(tensor.numbers.clone().permute(axes)).reshape(padded(&shape));
            ScriptTensor::computed(tensor.budget(), &shape, compute).map_err(in_file)
        }
    }
}

/// The start of a file up to the end of its header, looked at before it is parsed, and its length.
fn header(file: &mut File, path: &str) -> Result<(Vec<u8>, u64)> {
    let mut take = |count: usize, so_far: &mut Vec<u8>| {
        let read = file.take(count as u64).read_to_end(so_far);
        match read.map_err(|error| Error::io("read", Path::new(path), &error))? {
            read if read == count => Ok(()),
            _ => Err(wrong(path, "a numpy file", &format!("only {} bytes, which end in its header", so_far.len()))),
        }
    };
    let mut start = Vec::new();
    let _ = take(8, &mut start);
    if !start.starts_with(b"\x93NUMPY") {
        let found = start.escape_ascii();
        return Err(wrong(
            path,
            "a numpy file, which starts with \"\\x93NUMPY\"",
            &format!("one that starts with \"{found}\""),
        ));
    }
    // Version 1 gives the header's length in two bytes, the later ones in four.
    let width = if start.get(6) == Some(&1) { 2 } else { 4 };
    take(width, &mut start)?;
    let length = start[8..].iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
    let text = start.len();
    if length > LONGEST {
        return Err(wrong(path, &format!("a header of at most {LONGEST} bytes"), &length.to_string()));
    }
    take(length, &mut start)?;
    if start[text..].iter().filter(|byte| b"([{".contains(byte)).count() > BRACKETS {
        return Err(wrong(path, "an array of numbers", "one of a composite type"));
    }
    let length = start.len() as u64;
    Ok((start, length))
}

/// Single precision, from the types that numpy has.
fn numbers(mut npy: NpyFile<impl Read>, count: usize) -> Result<Vec<f32>> {
    let failed = |error: std::io::Error| Error::new(format!("cannot read its numbers: {error}"));
    macro_rules! from {
        ($($t:ty => $convert:expr;)*) => {$(
            npy = match npy.try_data::<$t>() {
                Ok(numbers) => {
                    let convert: fn($t) -> f32 = $convert;
                    let mut all = Vec::with_capacity(count);
                    for number in numbers {
                        all.push(convert(number.map_err(failed)?));
                    }
                    return Ok(all);
                }
                Err(other) => other,
            };
        )*};
    }
    from! {
        f32 => |x| x;
        f64 => |x| x as f32;
        burn::tensor::f16 => burn::tensor::f16::to_f32;
        bool => |x| f32::from(u8::from(x));
        i8 => f32::from;
        u8 => f32::from;
        i16 => f32::from;
        u16 => f32::from;
        i32 => |x| x as f32;
        u32 => |x| x as f32;
        i64 => |x| x as f32;
        u64 => |x| x as f32;
    }
    let found = npy.dtype().descr();
    Err(Error::new(format!("expected numbers, real, whole or bool, found the type {found}")))
}
