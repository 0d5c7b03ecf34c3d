//! A photograph in memory, decoded to the same bytes as by Pillow.

use std::io::Cursor;

use serde::{Deserialize, Serialize};

use super::decoding_room::{DecodingRoom, bytes_to_decode};
use super::{MOST_PIXELS, READER, jpeg};
use crate::files::kind::Kind;

/// The decoder's version: a build without JPEG leaves the decision to one with it.
const DECODER: &str = if cfg!(feature = "photos") { READER } else { "photographs/1 without JPEG" };
/// The reason for data that end too early.
pub(super) const ENDS_EARLY: &str = "its data ends early";
/// The reason for data that are inconsistent.
pub(super) const DAMAGED: &str = "its data is damaged";

/// The reason for grey of 16 bits: of all modes, only this one is not rounded but cut off.
const SIXTEEN_BITS: &str = "it is a 16-bit grey picture, in which Pillow shows every number above 255 as white; save it with 8 \
                            bits, such as x // 256";

/// Bytes of a picture, row by row, the channels of a pixel side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    /// 1 or 3.
    pub(super) channels: usize,
    pub(super) pixels: Vec<u8>,
}

/// The outcome of decoding a whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DecodeStatus {
    /// The decoder's version; another one decodes again.
    reader: String,
    outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Width and height.
    Size([usize; 2]),
    Broken(String),
}

impl DecodeStatus {
    /// Decodes a file's bytes and keeps the outcome alone.
    ///
    /// # Errors
    /// There is no room for it, which is no fault of the file; a clause.
    pub(super) fn from_bytes(bytes: &[u8], room: &DecodingRoom) -> Result<Self, String> {
        let outcome = match size(bytes) {
            Ok([width, height]) => room.with(bytes_to_decode(width, height), || decode(bytes))?,
            Err(why) => Err(why),
        };
        let outcome = match outcome {
            Ok(picture) => Outcome::Size([picture.width, picture.height]),
            Err(why) => Outcome::Broken(why),
        };
        Ok(Self { reader: DECODER.into(), outcome })
    }

    /// Whether the present decoder decided it.
    pub(super) fn is_current(&self) -> bool {
        self.reader == DECODER
    }

    /// Width and height, or what is wrong with it.
    pub(super) fn size(&self) -> Result<[usize; 2], String> {
        match &self.outcome {
            Outcome::Size(size) => Ok(*size),
            Outcome::Broken(why) => Err(why.clone()),
        }
    }
}

/// Decodes a file by its content, whatever its name; an error is a clause that follows the file's name.
pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    match bytes {
        [0xff, 0xd8, ..] => jpeg::decode(bytes),
        _ => decode_png(bytes),
    }
}

/// Width and height of a picture by its header, if it is of a kind that is read, and not too large.
pub(super) fn size(bytes: &[u8]) -> Result<[usize; 2], String> {
    let [width, height] = match bytes {
        [0x89, b'P', b'N', b'G', ..] => {
            // After the signature: the length and the name of the first chunk, then width and height.
            let number =
                |at: usize| bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
            match (number(16), number(20)) {
                (Some(width), Some(height)) => [width as usize, height as usize],
                _ => return Err(ENDS_EARLY.into()),
            }
        }
        [0xff, 0xd8, ..] => jpeg::size(bytes)?,
        [] => return Err("it is empty".into()),
        _ => {
            let kind =
                Kind::of(&bytes[..bytes.len().min(4096)]).map_or(String::new(), |kind| format!(" but {}", kind.what));
            return Err(format!("it is neither a JPEG nor a PNG{kind}"));
        }
    };
    check_size(width, height)?;
    Ok([width, height])
}

/// Refuses an impossible size before memory is allocated.
pub(super) fn check_size(width: usize, height: usize) -> Result<(), String> {
    match width.checked_mul(height) {
        Some(0) => Err("it has no pixels".into()),
        Some(pixels) if pixels <= MOST_PIXELS => Ok(()),
        _ => Err(format!("it says that it has {width}×{height} pixels; at most {MOST_PIXELS} are read")),
    }
}

fn decode_png(bytes: &[u8]) -> Result<Picture, String> {
    let broken = |error: png::DecodingError| match error {
        png::DecodingError::IoError(_) => ENDS_EARLY,
        png::DecodingError::LimitsExceeded => "it is too large",
        _ => DAMAGED,
    };
    let limits = png::Limits { bytes: 8 * MOST_PIXELS };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    // Palettes and samples of a few bits become bytes, and of 16 bits the upper eight are kept, as by Pillow.
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(broken)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    check_size(width, height)?;
    if (reader.info().color_type, reader.info().bit_depth) == (png::ColorType::Grayscale, png::BitDepth::Sixteen) {
        return Err(SIXTEEN_BITS.into());
    }
    let mut raw = vec![0; reader.output_buffer_size().ok_or("it is too large")?];
    reader.next_frame(&mut raw).map_err(broken)?;
    // Checks the data behind the pixels, too.
    reader.finish().map_err(broken)?;
    let (stored, kept) = match reader.output_color_type().0 {
        png::ColorType::Grayscale => (1, 1),
        png::ColorType::GrayscaleAlpha => (2, 1),
        png::ColorType::Rgb => (3, 3),
        png::ColorType::Rgba => (4, 3),
        other @ png::ColorType::Indexed => return Err(format!("its pixels are {other:?}")),
    };
    // Transparency is dropped; the colour below it stays.
    let pixels =
        if stored == kept { raw } else { raw.chunks_exact(stored).flat_map(|pixel| &pixel[..kept]).copied().collect() };
    Ok(Picture { width, height, channels: kept, pixels })
}

/// Luma of ITU-R 601, in Pillow's integer arithmetic.
pub(in crate::data) fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

impl Picture {
    /// One channel, as Pillow's `convert("L")`.
    pub(super) fn grey(self) -> Self {
        match self.channels {
            1 => self,
            _ => Self {
                channels: 1,
                pixels: self.pixels.as_chunks::<3>().0.iter().map(|&rgb| luma(rgb)).collect(),
                ..self
            },
        }
    }

    /// Three channels, as Pillow's `convert("RGB")`: a grey one becomes three equal ones.
    pub(super) fn coloured(self) -> Self {
        match self.channels {
            3 => self,
            _ => Self { channels: 3, pixels: self.pixels.iter().flat_map(|&grey| [grey; 3]).collect(), ..self },
        }
    }
}
