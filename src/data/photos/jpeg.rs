//! JPEG, decoded to the bit as by libjpeg-turbo, which Pillow and so PyTorch's datasets use. Other decoders differ from it by
//! up to 5 of 255, which changes the third digit of a network's outputs.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mozjpeg::{Decompress, Format};
use mozjpeg_sys::{jpeg_common_struct, jpeg_error_mgr, msg_parm_union};

use super::Picture;
use super::picture::{DAMAGED, ENDS_EARLY, check_size};

/// The most scans of a progressive picture; cameras and editors write about ten. Each costs a pass over the whole picture.
const MOST_SCANS: usize = 500;
/// The most pixels of all scans together: twenty passes over the largest picture.
const MOST_SCANNED: usize = 20 * super::MOST_PIXELS;

thread_local! {
    /// What the library has warned of in the present picture.
    static WARNINGS: Cell<usize> = const { Cell::new(0) };
}

/// The reason for data after whose damage the library goes on: what it then makes up differs from version to version.
const DAMAGED_INSIDE: &str =
    "its data is damaged inside; to use it as other programs show it, save it again with one of them";

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    if !is_whole(bytes) {
        return Err(ENDS_EARLY.into());
    }
    WARNINGS.set(0);
    let picture = unwound(|| read(bytes))?;
    if WARNINGS.get() > 0 { Err(DAMAGED_INSIDE.into()) } else { Ok(picture) }
}

/// Width and height by the header.
pub(super) fn size(bytes: &[u8]) -> Result<[usize; 2], String> {
    unwound(|| {
        let (width, height) = open(bytes)?.size();
        Ok([width, height])
    })
}

/// The library reports a damaged file by unwinding.
fn unwound<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(DAMAGED.into()))
}

fn open(bytes: &[u8]) -> Result<Decompress<&[u8]>, String> {
    Decompress::with_err(handler()).from_mem(bytes).map_err(|_| DAMAGED.to_owned())
}

/// Counts warnings, and unwinds at errors. The library's messages are not shown, so it has no table of them.
fn handler() -> jpeg_error_mgr {
    extern "C-unwind" fn fail(_: &mut jpeg_common_struct) {
        resume_unwind(Box::new(()));
    }
    extern "C-unwind" fn note(_: &mut jpeg_common_struct, level: i32) {
        // Levels from 0 are of tracing.
        if level < 0 {
            WARNINGS.set(WARNINGS.get() + 1);
        }
    }
    extern "C-unwind" fn ignore(_: &mut jpeg_common_struct) {}
    extern "C-unwind" fn format(_: &mut jpeg_common_struct, _: &[u8; 80]) {}
    jpeg_error_mgr {
        error_exit: Some(fail),
        emit_message: Some(note),
        output_message: Some(ignore),
        format_message: Some(format),
        reset_error_mgr: Some(ignore),
        msg_code: 0,
        msg_parm: msg_parm_union { _bindgen_data_: [0; 20] },
        trace_level: 0,
        num_warnings: 0,
        jpeg_message_table: std::ptr::null(),
        last_jpeg_message: 0,
        addon_message_table: std::ptr::null(),
        first_addon_message: 0,
        last_addon_message: 0,
    }
}

/// Whether the end marker follows the last scan: without it the library would fill the missing part with grey.
fn is_whole(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    let (scan, end) = (last(0xda), last(0xd9));
    end.is_some() && end > scan
}

/// Refuses a picture that would take minutes, by its scans.
fn check_scans(bytes: &[u8], width: usize, height: usize) -> Result<(), String> {
    let scans = bytes.windows(2).filter(|pair| *pair == [0xff, 0xda]).count();
    if scans > MOST_SCANS || scans.saturating_mul(width * height) > MOST_SCANNED {
        return Err(format!("it has {scans} scans of {width}×{height} pixels, which would take too long"));
    }
    Ok(())
}

fn read(bytes: &[u8]) -> Result<Picture, String> {
    let damaged = |_| DAMAGED.to_owned();
    let file = open(bytes)?;
    let (width, height) = file.size();
    check_size(width, height)?;
    check_scans(bytes, width, height)?;
    let (channels, mut scan, inks) = match file.image().map_err(damaged)? {
        Format::Gray(scan) => (1, scan, false),
        Format::RGB(scan) => (3, scan, false),
        Format::CMYK(scan) => (3, scan, true),
    };
    let mut pixels = scan.read_scanlines::<u8>().map_err(damaged)?;
    scan.finish().map_err(damaged)?;
    if inks {
        pixels =
            pixels.as_chunks::<4>().0.iter().flat_map(|&[c, m, y, k]| [c, m, y].map(|ink| through(ink, k))).collect();
    }
    Ok(Picture { width, height, channels, pixels })
}

/// The light that an ink and black let through, both stored inverted as by Adobe's programs; as in Pillow's
/// `convert("RGB")`.
fn through(ink: u8, black: u8) -> u8 {
    let product = u32::from(255 - ink) * u32::from(black) + 128;
    (u32::from(black) - (((product >> 8) + product) >> 8)) as u8
}
