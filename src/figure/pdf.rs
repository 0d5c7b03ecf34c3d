//! Scenes as PDF: shapes stay shapes and text stays text, in a font that is embedded in the file. Written with `pdf-writer`, on
//! which svg2pdf and krilla rest as well; with the reduced font that is there for SVG already, it needs none of what they add.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, LineJoinStyle, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Ref, Str, TextStr};

use super::chart::PER_MILLIMETRE;
use ab_glyph::{OutlineCurve, Point};

use super::fallback::Found;
use super::font::{self, Letter, Reduced};
use super::geometry::Rect;
use super::palette::Colour;
use super::png;
use super::scene::{Hatch, INK, Mark, Paint, Scene};
use super::text::Text;
use crate::{Error, Result};

/// Points in a millimetre.
const POINTS: f64 = 72.0 / 25.4;

const FONT: Name = Name(b"F");
const SYSTEM: SystemInfo = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The whole file.
pub fn write(scene: &Scene, title: &str) -> Result<Vec<u8>> {
    let letters = scene.letters();
    let font = font::reduced(&letters).ok_or_else(|| Error::new("the font of figures is not as expected"))?;
    let mut page = Page { content: Content::new(), font: &font, pictures: Vec::new(), opacities: Vec::new() };
    let width = scene.size.map_or(scene.width / PER_MILLIMETRE, |(width, _)| width) * POINTS;
    let scale = width / scene.width;
    let height = scene.height * scale;
    // Units of the page, y downward.
    page.content.transform([scale, 0.0, 0.0, -scale, 0.0, height].map(|v| v as f32));
    for mark in &scene.marks {
        page.draw(mark)?;
    }
    page.file(title, (width as f32, height as f32))
}

/// A picture in the file.
struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

struct Page<'a> {
    content: Content,
    font: &'a Reduced,
    pictures: Vec<Picture>,
    /// The opacities that occur.
    opacities: Vec<f64>,
}

impl Page<'_> {
    fn draw(&mut self, mark: &Mark) -> Result<()> {
        match mark {
            // Between rectangles that touch, viewers of PDF leave seams; a picture has none, and is smaller.
            Mark::Cells(cells) if cells.len() > 1 && touch(cells) => {
                let (rect, width, height, rgb) = png::cells(cells)?;
                self.picture(rect, Picture { width, height, rgb });
            }
            Mark::Cells(cells) => cells.iter().for_each(|(rect, paint)| self.cell(*rect, *paint)),
            Mark::Raster { rect, width, height, rgb } => {
                self.picture(*rect, Picture { width: *width, height: *height, rgb: rgb.clone() });
            }
            Mark::Polygon { points, colour, opacity } => {
                self.content.save_state();
                self.opacity(*opacity);
                self.fill_colour(*colour);
                self.path(points);
                self.content.fill_nonzero().restore_state();
            }
            Mark::Path { points, colour, width, dash } => {
                self.stroke_colour(*colour, *width);
                if *width > 1.0 {
                    self.content.set_line_join(LineJoinStyle::RoundJoin);
                }
                self.content.set_dash_pattern(dash.pattern().iter().map(|&length| length as f32), 0.0);
                self.path(points);
                if points.len() > 2 && points.first() == points.last() {
                    self.content.close_path();
                }
                self.content.stroke();
            }
            Mark::Label { text, at, anchor, size, upward } => self.label(text, *at, *anchor, *size, *upward),
        }
        Ok(())
    }

    fn fill_colour(&mut self, colour: Colour) {
        let [r, g, b] = parts(colour);
        self.content.set_fill_rgb(r, g, b);
    }

    fn stroke_colour(&mut self, colour: Colour, width: f64) {
        let [r, g, b] = parts(colour);
        self.content.set_stroke_rgb(r, g, b).set_line_width(width as f32);
    }

    fn opacity(&mut self, opacity: f64) {
        if opacity < 1.0 {
            let known = self.opacities.iter().position(|known| *known == opacity);
            let at = known.unwrap_or_else(|| {
                self.opacities.push(opacity);
                self.opacities.len() - 1
            });
            self.content.set_parameters(Name(format!("O{at}").as_bytes()));
        }
    }

    fn path(&mut self, points: &[(f64, f64)]) {
        for (i, &(x, y)) in points.iter().enumerate() {
            let (x, y) = (round(x), round(y));
            if i == 0 {
                self.content.move_to(x, y)
            } else {
                self.content.line_to(x, y)
            };
        }
    }

    fn rect(&mut self, rect: Rect) {
        self.content.rect(round(rect.left), round(rect.top), round(rect.width()), round(rect.height()));
    }

    fn cell(&mut self, rect: Rect, paint: Paint) {
        let Some(Hatch { ground, ink, rising, falling, .. }) = paint.hatch() else {
            if let Paint::Solid(colour) = paint {
                self.fill_colour(colour);
                self.rect(rect);
                self.content.fill_nonzero();
            }
            return;
        };
        self.fill_colour(ground);
        self.rect(rect);
        self.content.fill_nonzero().save_state();
        self.rect(rect);
        self.content.clip_nonzero().end_path();
        self.stroke_colour(ink, Hatch::STROKE / std::f64::consts::SQRT_2);
        self.content.set_dash_pattern([], 0.0);
        // Lines x + y = k and x − y = k, at multiples of the period, so that neighbouring cells go on alike.
        let mut lines = |sign: f64| {
            let ends = [rect.left + sign * rect.top, rect.left + sign * rect.bottom];
            let (least, most) = (ends[0].min(ends[1]), ends[0].max(ends[1]) + rect.width());
            let (first, last) = ((least / Hatch::PERIOD).floor() as i64, (most / Hatch::PERIOD).ceil() as i64);
            for k in first..=last {
                let x = |y: f64| k as f64 * Hatch::PERIOD - sign * y;
                self.path(&[(x(rect.top), rect.top), (x(rect.bottom), rect.bottom)]);
            }
        };
        if rising {
            lines(1.0);
        }
        if falling {
            lines(-1.0);
        }
        self.content.stroke().restore_state();
    }

    fn picture(&mut self, rect: Rect, picture: Picture) {
        let name = format!("P{}", self.pictures.len());
        self.pictures.push(picture);
        // A picture fills the unit square, y upward.
        let place = [rect.width(), 0.0, 0.0, -rect.height(), rect.left, rect.bottom].map(|v| v as f32);
        self.content.save_state().transform(place).x_object(Name(name.as_bytes())).restore_state();
    }

    fn label(&mut self, text: &Text, (x, y): (f64, f64), anchor: f64, size: f64, upward: bool) {
        self.fill_colour(INK);
        for run in &text.runs {
            let (along, drop, size) = ((run.x - anchor * text.width) * size, run.drop * size, run.size * size);
            let matrix = if upward {
                [0.0, -size, -size, 0.0, x + drop, y - along]
            } else {
                [size, 0.0, 0.0, -size, x + along, y + drop]
            };
            // The ends of what has one font each, and the pen there.
            let (mut glyphs, mut start, mut pen) = (Vec::new(), 0.0, 0.0);
            for letter in font::from_left(&run.text).chars() {
                let drawn = Letter::of(letter);
                let width = drawn.width();
                match drawn {
                    Letter::Unseen => {}
                    Letter::Found(found) => {
                        self.text(&std::mem::take(&mut glyphs), matrix, start);
                        self.outline(&found, matrix, pen);
                        start = pen + width;
                    }
                    Letter::Embedded(_) | Letter::Unknown => {
                        glyphs.extend(self.font.glyphs.get(&letter).copied().unwrap_or(0).to_be_bytes());
                    }
                }
                pen += width;
            }
            self.text(&glyphs, matrix, start);
        }
    }

    /// Glyphs of the embedded font, `pen` ems from the place of a matrix.
    fn text(&mut self, glyphs: &[u8], matrix: [f64; 6], pen: f64) {
        if !glyphs.is_empty() {
            self.content.begin_text().set_font(FONT, 1.0).set_text_matrix(moved(matrix, pen));
            self.content.show(Str(glyphs)).end_text();
        }
    }

    /// A letter of another font, as its outline.
    fn outline(&mut self, letter: &Found, matrix: [f64; 6], pen: f64) {
        let Some(outline) = letter.outline() else { return };
        let em = letter.units_per_em();
        let place = |point: Point| (point.x / em, point.y / em);
        self.content.save_state().transform(moved(matrix, pen));
        let mut last = None;
        for curve in &outline.curves {
            let (OutlineCurve::Line(start, end)
            | OutlineCurve::Quad(start, _, end)
            | OutlineCurve::Cubic(start, .., end)) = curve;
            let [from, to] = [place(*start), place(*end)];
            if last != Some(from) {
                self.content.move_to(from.0, from.1);
            }
            match curve {
                OutlineCurve::Line(..) => _ = self.content.line_to(to.0, to.1),
                OutlineCurve::Quad(_, by, _) => {
                    // PDF has cubic curves only.
                    let by = place(*by);
                    let near = |end: (f32, f32)| ((end.0 + 2.0 * by.0) / 3.0, (end.1 + 2.0 * by.1) / 3.0);
                    let (a, b) = (near(from), near(to));
                    self.content.cubic_to(a.0, a.1, b.0, b.1, to.0, to.1);
                }
                OutlineCurve::Cubic(_, a, b, _) => {
                    let (a, b) = (place(*a), place(*b));
                    self.content.cubic_to(a.0, a.1, b.0, b.1, to.0, to.1);
                }
            }
            last = Some(to);
        }
        self.content.fill_nonzero().restore_state();
    }

    fn file(self, title: &str, (width, height): (f32, f32)) -> Result<Vec<u8>> {
        let mut next = 0;
        let mut id = || {
            next += 1;
            Ref::new(next)
        };
        let (catalog, pages, page, content, font, info) = (id(), id(), id(), id(), id(), id());
        let pictures: Vec<Ref> = self.pictures.iter().map(|_| id()).collect();
        let opacities: Vec<Ref> = self.opacities.iter().map(|_| id()).collect();
        let of_font = [id(), id(), id(), id()];
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).kids([page]).count(1);
        let mut one = pdf.page(page);
        one.parent(pages).media_box(pdf_writer::Rect::new(0.0, 0.0, width, height)).contents(content);
        let mut resources = one.resources();
        resources.fonts().pair(FONT, font);
        let mut objects = resources.x_objects();
        for (i, picture) in pictures.iter().enumerate() {
            objects.pair(Name(format!("P{i}").as_bytes()), *picture);
        }
        objects.finish();
        let mut states = resources.ext_g_states();
        for (i, opacity) in opacities.iter().enumerate() {
            states.pair(Name(format!("O{i}").as_bytes()), *opacity);
        }
        states.finish();
        resources.finish();
        one.finish();
        pdf.stream(content, &packed(&self.content.finish())?).filter(Filter::FlateDecode);
        for (opacity, id) in self.opacities.iter().zip(opacities) {
            pdf.ext_graphics(id).non_stroking_alpha(*opacity as f32);
        }
        for (picture, id) in self.pictures.iter().zip(pictures) {
            let data = packed(&picture.rgb)?;
            let mut image = pdf.image_xobject(id, &data);
            image.filter(Filter::FlateDecode);
            image.width(picture.width as i32).height(picture.height as i32).color_space().device_rgb();
            image.bits_per_component(8).interpolate(false);
        }
        write_font(&mut pdf, self.font, font, of_font)?;
        let mut about = pdf.document_info(info);
        about.producer(TextStr(concat!("Entroscope ", env!("CARGO_PKG_VERSION"))));
        if !title.trim().is_empty() {
            about.title(TextStr(title.trim()));
        }
        about.finish();
        Ok(pdf.finish())
    }
}

/// A matrix moved by ems along its first axis.
fn moved(matrix: [f64; 6], ems: f64) -> [f32; 6] {
    let [a, b, c, d, x, y] = matrix;
    [a, b, c, d, x + ems * a, y + ems * b].map(|v| v as f32)
}

/// The font of all labels: its outlines, its advances, and the letter of every glyph, by which text is found and copied.
fn write_font(pdf: &mut Pdf, reduced: &Reduced, id: Ref, [cid, descriptor, letters, file]: [Ref; 4]) -> Result<()> {
    const NAME: Name = Name(b"ENTROS+DejaVuSans");
    let mut font = pdf.type0_font(id);
    font.base_font(NAME).encoding_predefined(Name(b"Identity-H")).descendant_font(cid).to_unicode(letters);
    font.finish();
    // Thousandths of an em.
    let em = |ems: f64| (ems * 1000.0).round() as f32;
    let mut advances: Vec<(u16, char)> = reduced.glyphs.iter().map(|(&letter, &glyph)| (glyph, letter)).collect();
    advances.sort_unstable();
    let mut part = pdf.cid_font(cid);
    part.subtype(CidFontType::Type2).base_font(NAME).system_info(SYSTEM).font_descriptor(descriptor);
    part.default_width(600.0).cid_to_gid_map_predefined(Name(b"Identity"));
    let mut widths = part.widths();
    for (glyph, letter) in &advances {
        widths.same(*glyph, *glyph, em(font::letter_width(*letter)));
    }
    widths.finish();
    part.finish();
    let mut about = pdf.font_descriptor(descriptor);
    about.name(NAME).flags(FontFlags::SYMBOLIC).bbox(pdf_writer::Rect::new(-1021.0, -463.0, 1793.0, 1232.0));
    about.italic_angle(0.0).ascent(928.0).descent(-236.0).cap_height(em(font::CAP)).stem_v(80.0).font_file2(file);
    about.finish();
    let mut map = UnicodeCmap::new(Name(b"Custom"), SYSTEM);
    advances.iter().filter(|(glyph, _)| *glyph > 0).for_each(|(glyph, letter)| map.pair(*glyph, *letter));
    pdf.cmap(letters, &packed(&map.finish())?).filter(Filter::FlateDecode);
    let data = packed(&reduced.file)?;
    let mut stream = pdf.stream(file, &data);
    stream.filter(Filter::FlateDecode);
    stream.pair(Name(b"Length1"), reduced.file.len() as i32);
    Ok(())
}

/// Whether rectangles fill the one around them.
fn touch(cells: &[(Rect, Paint)]) -> bool {
    let area = |rect: &Rect| rect.width() * rect.height();
    let filled: f64 = cells.iter().map(|(rect, _)| area(rect)).sum();
    png::around(cells).is_some_and(|all| filled > 0.98 * area(&all))
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|error| Error::new(format!("cannot write this figure as PDF: {error}")))
}

fn parts(Colour(r, g, b): Colour) -> [f32; 3] {
    [r, g, b].map(|part| f32::from(part) / 255.0)
}

/// Hundredths of a unit.
fn round(value: f64) -> f32 {
    ((value * 100.0).round() / 100.0) as f32
}
