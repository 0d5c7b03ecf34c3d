//! The font of all figures, DejaVu Sans, which is embedded in the program. Text is measured and painted with it, and every SVG
//! and PDF embeds the letters that it uses, so that a figure looks the same everywhere; letters that it lacks are looked for in
//! the machine's fonts. The letters are taken out here, because
//! the crates that subset fonts do so for PDF: `subsetter` removes the `cmap` table, without which a browser does not find a letter.

use ab_glyph::{Font, FontRef, GlyphId, OutlinedGlyph, Point, PxScale, point};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use unicode_bidi::{BidiClass, BidiInfo, bidi_class};

use super::fallback::{self, Found};

/// DejaVu Sans 2.37, reduced to Latin, Greek, Cyrillic, Armenian, mathematics, arrows and signs, without hints; see
/// DejaVuSans-LICENSE.txt.
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

/// How a letter is drawn.
pub enum Letter {
    /// By the embedded font.
    Embedded(GlyphId),
    /// By a font of this machine.
    Found(Found),
    /// It has no outline of its own.
    Unseen,
    /// No font has it: a box.
    Unknown,
}

impl Letter {
    pub fn of(letter: char) -> Self {
        match font().glyph_id(letter) {
            GlyphId(0) if fallback::is_mark_of_neighbours(letter) => Self::Unseen,
            GlyphId(0) => fallback::find(letter).map_or(Self::Unknown, Self::Found),
            glyph => Self::Embedded(glyph),
        }
    }

    /// How far the pen moves, in ems.
    pub fn width(&self) -> f64 {
        match self {
            Self::Embedded(glyph) => advance(*glyph),
            Self::Found(found) => found.width(),
            Self::Unseen => 0.0,
            Self::Unknown => advance(GlyphId(0)),
        }
    }
}

/// The letters of a text from left to right: Hebrew and Arabic run the other way.
pub fn from_left(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|letter| matches!(bidi_class(letter), BidiClass::R | BidiClass::AL)) {
        return Cow::Borrowed(text);
    }
    let info = BidiInfo::new(text, None);
    let lines = info.paragraphs.iter().map(|paragraph| info.reorder_line(paragraph, paragraph.range.clone()));
    Cow::Owned(lines.collect())
}

/// How far the pen moves over this text, in ems.
pub fn width(text: &str) -> f64 {
    text.chars().map(letter_width).sum()
}

/// How far the pen moves over a letter, in ems.
pub fn letter_width(letter: char) -> f64 {
    Letter::of(letter).width()
}

fn advance(glyph: GlyphId) -> f64 {
    f64::from(font().h_advance_unscaled(glyph) / units_per_em())
}

/// The outlines of this text with its first baseline point at (x, y), `size` pixels per em.
pub fn outlines(text: &str, x: f64, y: f64, size: f64) -> Vec<OutlinedGlyph> {
    let mut pen = x;
    let text = from_left(text);
    let outlined = text.chars().filter_map(|letter| {
        let (letter, at) = (Letter::of(letter), point(pen as f32, y as f32));
        pen += letter.width() * size;
        match &letter {
            Letter::Embedded(glyph) => outlined(font(), *glyph, at, size),
            Letter::Found(found) => outlined(&*found.font, found.glyph, at, size),
            Letter::Unseen => None,
            Letter::Unknown => outlined(font(), GlyphId(0), at, size),
        }
    });
    outlined.collect()
}

fn outlined(font: &impl Font, glyph: GlyphId, at: Point, size: f64) -> Option<OutlinedGlyph> {
    // ab_glyph scales by a line's height, not by the em.
    let scale = PxScale::from(size as f32 * font.height_unscaled() / font.units_per_em()?);
    font.outline_glyph(glyph.with_scale_and_position(scale, at))
}

/// The font reduced to some letters.
pub struct Reduced {
    /// A TrueType file with the outlines of these letters only, numbered anew.
    pub file: Vec<u8>,
    /// The glyph of each letter in it.
    pub glyphs: BTreeMap<char, u16>,
}

/// The font reduced to these letters; `None` if the embedded file is not as expected.
pub fn reduced(letters: &BTreeSet<char>) -> Option<Reduced> {
    let loca = table(b"loca")?;
    // Offsets are 32-bit numbers: `head` says so in this file, and a test reads the result back.
    let offset = |glyph: u16| u32_at(loca, 4 * usize::from(glyph));
    let outline = |glyph: u16| table(b"glyf")?.get(offset(glyph)?..offset(glyph + 1)?);
    let mut kept: Vec<u16> = vec![0];
    let mut number = BTreeMap::from([(0, 0)]);
    let mut place = |glyph: u16, kept: &mut Vec<u16>| {
        *number.entry(glyph).or_insert_with(|| {
            kept.push(glyph);
            (kept.len() - 1) as u16
        })
    };
    let glyphs: BTreeMap<char, u16> =
        letters.iter().map(|&letter| (letter, place(font().glyph_id(letter).0, &mut kept))).collect();
    let (mut glyf, mut places, mut metrics) = (Vec::new(), Vec::new(), Vec::new());
    let wide = usize::from(u16_at(table(b"hhea")?, 34)?);
    let mut at = 0;
    while let Some(&glyph) = kept.get(at) {
        let mut outline = outline(glyph)?.to_vec();
        for part in parts(&outline) {
            let new = place(u16_at(&outline, part)?, &mut kept);
            outline.get_mut(part..part + 2)?.copy_from_slice(&new.to_be_bytes());
        }
        places.extend((glyf.len() as u32).to_be_bytes());
        glyf.extend(outline);
        glyf.resize(glyf.len().next_multiple_of(4), 0);
        // Glyphs behind the last full metric share its advance.
        let (full, hmtx) = (usize::from(glyph), table(b"hmtx")?);
        metrics.extend_from_slice(hmtx.get(4 * full.min(wide - 1)..)?.get(..2)?);
        let bearing = if full < wide { 4 * full + 2 } else { 4 * wide + 2 * (full - wide) };
        metrics.extend_from_slice(hmtx.get(bearing..bearing + 2)?);
        at += 1;
    }
    places.extend((glyf.len() as u32).to_be_bytes());
    let count = (kept.len() as u16).to_be_bytes();
    let with = |tag: &[u8; 4], at: usize, number: [u8; 2]| {
        let mut data = table(tag)?.to_vec();
        data.get_mut(at..at + 2)?.copy_from_slice(&number);
        Some(data)
    };
    let tables = [
        (*b"OS/2", table(b"OS/2")?.to_vec()),
        (*b"cmap", cmap(&glyphs)),
        (*b"glyf", glyf),
        // Offsets in `loca` stay 32-bit numbers.
        (*b"head", with(b"head", 50, [0, 1])?),
        (*b"hhea", with(b"hhea", 34, count)?),
        (*b"hmtx", metrics),
        (*b"loca", places),
        (*b"maxp", with(b"maxp", 4, count)?),
        (*b"name", table(b"name")?.to_vec()),
        (*b"post", table(b"post")?.to_vec()),
    ];
    Some(Reduced { file: file(&tables), glyphs })
}

/// Which letter has which glyph, in format 12: groups of consecutive letters and glyphs.
fn cmap(glyphs: &BTreeMap<char, u16>) -> Vec<u8> {
    // Version 0 with one subtable, of Windows and all of Unicode, at byte 12.
    let mut table: Vec<u8> = [0_u16, 1, 3, 10].into_iter().flat_map(u16::to_be_bytes).collect();
    table.extend(12_u32.to_be_bytes());
    table.extend([12_u16, 0].into_iter().flat_map(u16::to_be_bytes));
    let length = 16 + 12 * glyphs.len() as u32;
    table.extend([length, 0, glyphs.len() as u32].into_iter().flat_map(u32::to_be_bytes));
    for (&letter, &glyph) in glyphs {
        table.extend([letter as u32, letter as u32, u32::from(glyph)].into_iter().flat_map(u32::to_be_bytes));
    }
    table
}

/// A TrueType file of ten tables: a directory, which lists them by tag with checksum, offset and length, and their data.
fn file(tables: &[([u8; 4], Vec<u8>); 10]) -> Vec<u8> {
    let mut file = FILE.get(..4).unwrap_or_default().to_vec();
    // Search hints for ten tables: 128 = 16·2³, 3, 160 − 128.
    for hint in [tables.len() as u16, 128, 3, 32] {
        file.extend(hint.to_be_bytes());
    }
    let mut body = Vec::new();
    for (tag, data) in tables {
        let place = 12 + 16 * tables.len() + body.len();
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(4), 0);
        file.extend_from_slice(tag);
        for number in [checksum(data), place as u32, data.len() as u32] {
            file.extend(number.to_be_bytes());
        }
    }
    file.extend(body);
    file
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

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

fn checksum(data: &[u8]) -> u32 {
    let word = |chunk: &[u8]| chunk.iter().enumerate().fold(0, |sum, (i, &byte)| sum | u32::from(byte) << (24 - 8 * i));
    data.chunks(4).fold(0, |sum, chunk| sum.wrapping_add(word(chunk)))
}

/// Where a composite outline (such as é) names the glyphs that it is made of.
fn parts(outline: &[u8]) -> Vec<usize> {
    let (mut parts, mut at) = (Vec::new(), 10);
    if u16_at(outline, 0).is_none_or(|contours| (contours as i16) >= 0) {
        return parts;
    }
    while let Some(flags) = u16_at(outline, at).filter(|_| outline.len() >= at + 4) {
        parts.push(at + 2);
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
        let file = reduced(&letters).expect("reduced").file;
        assert!(file.len() < 4_000, "{} bytes", file.len());
        let small = FontRef::try_from_slice(&file).expect("valid font");
        for c in letters {
            let outline = |font: &FontRef| font.outline(font.glyph_id(c)).map(|o| format!("{:?}", o.curves));
            assert_eq!(outline(&small), outline(font()), "{c}");
            let advance = |font: &FontRef| font.h_advance_unscaled(font.glyph_id(c));
            assert_eq!(advance(&small), advance(font()), "{c}");
        }
        assert_eq!(small.glyph_id('Q').0, 0);
    }

    #[test]
    fn titles_of_many_scripts_have_letters() {
        let title = "Энтропия ≈ ½·log₂(1 + σ²), α → ∞, Łódź, Ελλάδα, ∂ₜu ∈ ℝⁿ, “ŵ”, n ≥ 10⁻³ — ✓ ⟨x⟩ ‖x‖";
        let missing: String =
            title.chars().filter(|letter| !matches!(Letter::of(*letter), Letter::Embedded(_))).collect();
        assert_eq!(missing, "");
    }

    #[test]
    fn hebrew_runs_from_the_right() {
        assert_eq!(from_left("σ שלום 12"), "σ 12 םולש");
        assert_eq!(from_left("a b"), "a b");
        assert_eq!(letter_width('\u{fe0f}'), 0.0);
    }
}
