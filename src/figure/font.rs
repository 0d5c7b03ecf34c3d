//! The font of all figures, DejaVu Sans, which is embedded in the program. Text is measured and painted with it, and every SVG
//! embeds the letters that it uses, so that a figure looks the same everywhere. The letters are taken out here, because the crates that
//! subset fonts do so for PDF: `subsetter` removes the `cmap` table, without which a browser does not find a letter.

use ab_glyph::{Font as _, FontRef, GlyphId, OutlinedGlyph, PxScale, point};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// DejaVu Sans 2.37, reduced to Latin-1, Greek and mathematics; see DejaVuSans-LICENSE.txt.
const FILE: &[u8] = include_bytes!("DejaVuSans-subset.ttf");

/// Height of a capital letter, in ems.
pub const CAP: f64 = 0.729;

#[expect(clippy::expect_used, reason = "cannot fail: the file is part of the program, and a test below opens it")]
fn font() -> &'static FontRef<'static> {
    static FONT: OnceLock<FontRef<'static>> = OnceLock::new();
    FONT.get_or_init(|| FontRef::try_from_slice(FILE).expect("the embedded font is valid: a test opens it"))
}

fn units_per_em() -> f32 {
    font().units_per_em().unwrap_or(2048.0)
}

/// Whether the font has this letter.
pub fn has(letter: char) -> bool {
    font().glyph_id(letter).0 != 0
}

/// How far the pen moves over this text, in ems.
pub fn width(text: &str) -> f64 {
    text.chars().map(|c| advance(font().glyph_id(c))).sum()
}

fn advance(glyph: GlyphId) -> f64 {
    f64::from(font().h_advance_unscaled(glyph) / units_per_em())
}

/// The outlines of this text with its first baseline point at (x, y), `size` pixels per em.
pub fn outlines(text: &str, x: f64, y: f64, size: f64) -> impl Iterator<Item = OutlinedGlyph> {
    // ab_glyph scales by a line's height, not by the em.
    let scale = PxScale::from(size as f32 * font().height_unscaled() / units_per_em());
    let mut pen = x;
    text.chars().filter_map(move |c| {
        let id = font().glyph_id(c);
        let glyph = id.with_scale_and_position(scale, point(pen as f32, y as f32));
        pen += advance(id) * size;
        font().outline_glyph(glyph)
    })
}

/// The font with the outlines of these letters only, as a TrueType file; `None` if the embedded file is not as expected.
pub fn reduced(letters: &BTreeSet<char>) -> Option<Vec<u8>> {
    let loca = table(b"loca")?;
    // Offsets are halved 16-bit numbers: `head` says so in this file, and a test reads the result back.
    let offset = |glyph: usize| Some(2 * usize::from(u16_at(loca, 2 * glyph)?));
    let outline = |glyph: usize| table(b"glyf")?.get(offset(glyph)?..offset(glyph + 1)?);
    let mut kept: BTreeSet<usize> = letters.iter().map(|&c| usize::from(font().glyph_id(c).0)).collect();
    kept.insert(0);
    let mut queue: Vec<usize> = kept.iter().copied().collect();
    while let Some(glyph) = queue.pop() {
        queue.extend(parts(outline(glyph)?).into_iter().filter(|&part| kept.insert(part)));
    }
    let (mut glyf, mut places) = (Vec::new(), Vec::new());
    for glyph in 0..loca.len() / 2 - 1 {
        places.extend(((glyf.len() / 2) as u16).to_be_bytes());
        if kept.contains(&glyph) {
            glyf.extend_from_slice(outline(glyph)?);
            glyf.resize(glyf.len().next_multiple_of(4), 0);
        }
    }
    places.extend(((glyf.len() / 2) as u16).to_be_bytes());
    // The directory lists tables by tag, with offset and length; checksums are recomputed.
    let tags = [*b"OS/2", *b"cmap", *b"glyf", *b"head", *b"hhea", *b"hmtx", *b"loca", *b"maxp", *b"name", *b"post"];
    let mut file = FILE.get(..4)?.to_vec();
    // Search hints for ten tables: 128 = 16·2³, 3, 160 − 128.
    for hint in [tags.len() as u16, 128, 3, 32] {
        file.extend(hint.to_be_bytes());
    }
    let mut body = Vec::new();
    for tag in &tags {
        let data: &[u8] = match tag {
            b"glyf" => &glyf,
            b"loca" => &places,
            _ => table(tag)?,
        };
        let place = 12 + 16 * tags.len() + body.len();
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(4), 0);
        file.extend_from_slice(tag);
        for number in [checksum(data), place as u32, data.len() as u32] {
            file.extend(number.to_be_bytes());
        }
    }
    file.extend(body);
    Some(file)
}

fn table(tag: &[u8; 4]) -> Option<&'static [u8]> {
    let entry =
        (0..usize::from(u16_at(FILE, 4)?)).find_map(|i| FILE.get(12 + 16 * i..).filter(|e| e.starts_with(tag)))?;
    let number = |at: usize| Some(u32::from_be_bytes(entry.get(at..at + 4)?.try_into().ok()?) as usize);
    FILE.get(number(8)?..number(8)? + number(12)?)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn checksum(data: &[u8]) -> u32 {
    let word = |chunk: &[u8]| chunk.iter().enumerate().fold(0, |sum, (i, &byte)| sum | u32::from(byte) << (24 - 8 * i));
    data.chunks(4).fold(0, |sum, chunk| sum.wrapping_add(word(chunk)))
}

/// The glyphs that a composite outline (such as é) is made of.
fn parts(outline: &[u8]) -> Vec<usize> {
    let (mut parts, mut at) = (Vec::new(), 10);
    if u16_at(outline, 0).is_none_or(|contours| (contours as i16) >= 0) {
        return parts;
    }
    while let (Some(flags), Some(glyph)) = (u16_at(outline, at), u16_at(outline, at + 2)) {
        parts.push(usize::from(glyph));
        // Words or bytes for the offset, then one, two or four scale factors (OpenType, glyf table).
        at += 4 + if flags & 1 != 0 { 4 } else { 2 };
        at += [(0x08, 2), (0x40, 4), (0x80, 8)].iter().find(|(bit, _)| flags & bit != 0).map_or(0, |&(_, size)| size);
        if flags & 0x20 == 0 {
            break;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduced_font_keeps_the_letters_asked_for() {
        let letters: BTreeSet<char> = "σé2".chars().collect();
        let file = reduced(&letters).expect("reduced");
        assert!(file.len() < 10_000, "{} bytes", file.len());
        let small = FontRef::try_from_slice(&file).expect("valid font");
        for c in letters {
            let outline = |font: &FontRef| font.outline(font.glyph_id(c)).map(|o| format!("{:?}", o.curves));
            assert_eq!(outline(&small), outline(font()), "{c}");
        }
        assert!(small.outline(small.glyph_id('Q')).is_none());
    }
}
