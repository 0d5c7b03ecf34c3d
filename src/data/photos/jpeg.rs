//! JPEG, decoded to the bit as by libjpeg-turbo, which Pillow and so PyTorch's datasets use. Other decoders differ from it by
//! up to 5 of 255, which changes the third digit of a network's outputs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mozjpeg::{Decompress, Format};

use super::Picture;
use super::picture::{DAMAGED, ENDS_EARLY, check_size};

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    if !is_whole(bytes) {
        return Err(ENDS_EARLY.into());
    }
    // The library reports a damaged file by unwinding.
    catch_unwind(AssertUnwindSafe(|| read(bytes))).unwrap_or_else(|_| Err(DAMAGED.into()))
}

/// Whether the end marker follows the last scan: without it the library would fill the missing part with grey.
fn is_whole(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    let (scan, end) = (last(0xda), last(0xd9));
    end.is_some() && end > scan
}

fn read(bytes: &[u8]) -> Result<Picture, String> {
    let damaged = |_| DAMAGED.to_owned();
    let file = Decompress::new_mem(bytes).map_err(damaged)?;
    let (width, height) = file.size();
    check_size(width, height)?;
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
