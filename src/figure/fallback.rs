//! Letters that the embedded font lacks, from the fonts of this machine: PNG and PDF draw their outlines, as a browser does for an
//! SVG. Only these letters depend on the machine.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use ab_glyph::{Font, FontRef, FontVec, GlyphId, Outline};
use fontdb::{Database, FaceInfo, ID, Style};

use crate::lock::lock;

/// A letter in a font of this machine.
#[derive(Clone)]
pub struct Found {
    pub font: Arc<FontVec>,
    pub glyph: GlyphId,
}

/// Fonts that were looked into, and letters that were looked for.
struct Fonts {
    database: Database,
    /// Upright sans-serif faces of normal weight first; those that are alike by their names, so that a machine always takes the same.
    order: Vec<ID>,
    open: BTreeMap<ID, Option<Arc<FontVec>>>,
    letters: BTreeMap<char, Option<Found>>,
}

static FONTS: LazyLock<Mutex<Fonts>> = LazyLock::new(|| {
    let mut database = Database::new();
    database.load_system_fonts();
    Mutex::new(Fonts::of(database))
});

/// The letter in the first font of this machine that draws it.
pub fn find(letter: char) -> Option<Found> {
    lock(&FONTS).find(letter)
}

impl Found {
    /// How far the pen moves, in ems.
    pub fn width(&self) -> f64 {
        f64::from(self.font.h_advance_unscaled(self.glyph) / self.units_per_em())
    }

    pub fn units_per_em(&self) -> f32 {
        self.font.units_per_em().unwrap_or(1000.0)
    }

    /// Its outline in the font's units, upward; none for a space.
    pub fn outline(&self) -> Option<Outline> {
        self.font.outline(self.glyph)
    }
}

impl Fonts {
    fn of(database: Database) -> Self {
        let mut faces: Vec<&FaceInfo> = database.faces().collect();
        faces.sort_by(|a, b| preference(a, b));
        let order = faces.iter().map(|face| face.id).collect();
        Self { database, order, open: BTreeMap::new(), letters: BTreeMap::new() }
    }

    fn find(&mut self, letter: char) -> Option<Found> {
        if let Some(known) = self.letters.get(&letter) {
            return known.clone();
        }
        let order = self.order.clone();
        let found = order.into_iter().find_map(|id| {
            let font = if self.has(id, letter) { self.open(id)? } else { return None };
            let glyph = font.glyph_id(letter);
            let found = Found { font, glyph };
            // A font of coloured pictures has no outlines.
            (found.outline().is_some() || letter.is_whitespace()).then_some(found)
        });
        self.letters.insert(letter, found.clone());
        found
    }

    /// Whether a face has the letter, without keeping its file.
    fn has(&self, id: ID, letter: char) -> bool {
        let has = |data: &[u8], index| {
            FontRef::try_from_slice_and_index(data, index).is_ok_and(|font| font.glyph_id(letter).0 != 0)
        };
        self.database.with_face_data(id, has).unwrap_or(false)
    }

    fn open(&mut self, id: ID) -> Option<Arc<FontVec>> {
        let Self { database, open, .. } = self;
        let read = || {
            let font = |data: &[u8], index| FontVec::try_from_vec_and_index(data.to_vec(), index).ok();
            database.with_face_data(id, font).flatten().map(Arc::new)
        };
        open.entry(id).or_insert_with(read).clone()
    }
}

fn preference(a: &FaceInfo, b: &FaceInfo) -> Ordering {
    let rank = |face: &FaceInfo| {
        let family = face.families.first().map(|(name, _)| name.clone()).unwrap_or_default();
        let is_sans = family.contains("Sans") && !family.contains("Mono");
        (face.style != Style::Normal, face.weight.0.abs_diff(400), !is_sans, family, face.post_script_name.clone())
    };
    rank(a).cmp(&rank(b)).then(a.index.cmp(&b.index))
}

/// Whether letters of this kind join or change place in writing. They are drawn one by one here.
pub fn joins(letter: char) -> bool {
    // Arabic and its neighbours, the scripts of India, Tibetan and Burmese, Khmer.
    matches!(letter as u32, 0x0600..=0x0DFF | 0x0F00..=0x109F | 0x1780..=0x17FF)
}

/// Whether nothing is drawn for a letter: it only says how its neighbours are.
pub fn is_mark_of_neighbours(letter: char) -> bool {
    matches!(letter as u32, 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2069 | 0xFE00..=0xFE0F | 0xFEFF | 0xE0100..=0xE01EF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::font;

    #[test]
    fn a_letter_is_taken_from_the_first_font_that_draws_it() {
        let mut database = Database::new();
        database.load_font_data(include_bytes!("DejaVuSans-subset.ttf").to_vec());
        let mut fonts = Fonts::of(database);
        let found = fonts.find('σ').unwrap();
        assert!((found.width() - font::letter_width('σ')).abs() < 1e-6 && found.outline().is_some());
        assert!(fonts.find('語').is_none() && fonts.find(' ').is_some_and(|space| space.outline().is_none()));
        assert!(Fonts::of(Database::new()).find('σ').is_none());
    }

    #[test]
    fn upright_sans_serif_comes_first() {
        let mut database = Database::new();
        for (name, style, weight) in [
            ("Some Serif", Style::Normal, 400),
            ("Z Sans", Style::Normal, 400),
            ("A Sans", Style::Italic, 400),
            ("A Sans", Style::Normal, 700),
        ] {
            database.push_face_info(FaceInfo {
                id: ID::dummy(),
                source: fontdb::Source::Binary(Arc::new(Vec::<u8>::new())),
                index: 0,
                families: vec![(name.to_owned(), fontdb::Language::English_UnitedStates)],
                post_script_name: name.to_owned(),
                style,
                weight: fontdb::Weight(weight),
                stretch: fontdb::Stretch::Normal,
                monospaced: false,
            });
        }
        let fonts = Fonts::of(database);
        let name = |id: &ID| fonts.database.face(*id).unwrap().families[0].0.clone();
        assert_eq!(fonts.order.iter().map(name).collect::<Vec<_>>(), ["Z Sans", "Some Serif", "A Sans", "A Sans"]);
    }
}
