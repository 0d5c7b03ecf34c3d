//! Scenes as PNG, painted by plotters at twice the final resolution and averaged, so that slanted edges are smooth.
//! Letters are painted from the font's outlines: plotters leaves out the space before each letter.

use super::font;
use super::geometry::Rect;
use super::palette::Colour;
use super::scene::{Hatch, INK, Mark, Paint, Scene};
use super::text::Text;
use crate::{Error, Result};
use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::style::{Color as _, RGBAColor, RGBColor};
use std::borrow::Cow;

/// PNG pixels per unit of the page.
pub const SCALE: usize = 2;
/// Painted pixels per PNG pixel along each side, where the page is not huge.
const FINE: usize = 2;
const HUGE_PAGE: f64 = 8e6;

/// The whole file.
pub fn write(scene: &Scene) -> Result<Vec<u8>> {
    let fine = if scene.width * scene.height > HUGE_PAGE { 1 } else { FINE };
    let (width, height, rgb) = paint(&scene.marks, (0.0, 0.0), scene.width, scene.height, fine)?;
    encode(width, height, &rgb)
}

/// The rectangle around these.
pub fn around(cells: &[(Rect, Paint)]) -> Option<Rect> {
    let rects = cells.iter().map(|(rect, _)| *rect);
    rects.reduce(|a, b| Rect {
        left: a.left.min(b.left),
        top: a.top.min(b.top),
        right: a.right.max(b.right),
        bottom: a.bottom.max(b.bottom),
    })
}

/// Only these rectangles, as a picture: where it lies, its width and height, and its pixels.
pub fn cells(cells: &[(Rect, Paint)]) -> Result<(Rect, usize, usize, Vec<u8>)> {
    let all = around(cells).unwrap_or(Rect { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 });
    let marks = [Mark::Cells(cells.to_vec())];
    let (width, height, rgb) = paint(&marks, (all.left, all.top), all.width(), all.height(), 1)?;
    Ok((all, width, height, rgb))
}

/// RGB pixels as a PNG file.
pub fn encode(width: usize, height: usize, rgb: &[u8]) -> Result<Vec<u8>> {
    let failed = |error: ::png::EncodingError| Error::new(format!("cannot write a PNG of {width}×{height}: {error}"));
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, width as u32, height as u32);
    let grey = rgb.chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    let bytes: Cow<[u8]> = if grey { rgb.iter().step_by(3).copied().collect() } else { rgb.into() };
    encoder.set_color(if grey { ::png::ColorType::Grayscale } else { ::png::ColorType::Rgb });
    encoder.set_depth(::png::BitDepth::Eight);
    encoder.set_compression(::png::Compression::Balanced);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&bytes)).map_err(failed)?;
    Ok(file)
}

/// Paints marks on white; `origin` is the page's place at the picture's upper left corner.
fn paint(marks: &[Mark], origin: (f64, f64), width: f64, height: f64, fine: usize) -> Result<(usize, usize, Vec<u8>)> {
    let pixels = |units: f64| ((units * SCALE as f64).round() as usize).max(1);
    let (width, height) = (pixels(width), pixels(height));
    let mut buffer = vec![255; width * fine * height * fine * 3];
    let backend = BitMapBackend::with_buffer(&mut buffer, ((width * fine) as u32, (height * fine) as u32));
    let mut canvas = Canvas { backend, origin, scale: (SCALE * fine) as f64 };
    for mark in marks {
        canvas.draw(mark).ok_or_else(|| Error::new("plotters could not paint this figure"))?;
    }
    drop(canvas);
    Ok((width, height, if fine == 1 { buffer } else { averaged(&buffer, width, height, fine) }))
}

fn averaged(buffer: &[u8], width: usize, height: usize, fine: usize) -> Vec<u8> {
    let (row, area) = (width * fine * 3, (fine * fine) as u32);
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        let rows = &buffer[y * fine * row..(y + 1) * fine * row];
        for x in 0..width {
            for channel in 0..3 {
                let at = |i: usize| u32::from(rows[(i / fine) * row + (x * fine + i % fine) * 3 + channel]);
                rgb.push((((0..fine * fine).map(at).sum::<u32>() + area / 2) / area) as u8);
            }
        }
    }
    rgb
}

struct Canvas<'a> {
    backend: BitMapBackend<'a>,
    origin: (f64, f64),
    scale: f64,
}

impl Canvas<'_> {
    fn place(&self, (x, y): (f64, f64)) -> (i32, i32) {
        let place = |v: f64, origin: f64| ((v - origin) * self.scale).round() as i32;
        (place(x, self.origin.0), place(y, self.origin.1))
    }

    fn draw(&mut self, mark: &Mark) -> Option<()> {
        match mark {
            Mark::Cells(cells) => cells.iter().try_for_each(|(rect, paint)| self.cell(*rect, *paint)),
            Mark::Polygon { points, colour, opacity } => self.polygon(points, rgba(*colour, *opacity)),
            Mark::Path { points, colour, width, dash } => {
                dashed(points, dash.pattern()).iter().try_for_each(|part| self.stroke(part, *width, rgba(*colour, 1.0)))
            }
            Mark::Label { text, at, anchor, size, upward } => self.label(text, *at, *anchor, *size, *upward),
            Mark::Raster { rect, width, height, rgb } => self.raster(*rect, *width, *height, rgb),
        }
    }

    fn polygon(&mut self, points: &[(f64, f64)], colour: RGBAColor) -> Option<()> {
        let points: Vec<_> = points.iter().map(|&point| self.place(point)).collect();
        self.backend.fill_polygon(points, &colour).ok()
    }

    /// Fills up to but without the right and lower edge, as plotters does: neighbours touch and do not overlap.
    fn fill(&mut self, (left, top): (i32, i32), (right, bottom): (i32, i32), colour: RGBAColor) -> Option<()> {
        if right <= left || bottom <= top {
            return Some(());
        }
        self.backend.draw_rect((left, top), (right, bottom), &colour, true).ok()
    }

    fn cell(&mut self, rect: Rect, paint: Paint) -> Option<()> {
        let (from, to) = (self.place((rect.left, rect.top)), self.place((rect.right, rect.bottom)));
        let hatch = match (paint, paint.hatch()) {
            (Paint::Solid(colour), _) => return self.fill(from, to, rgba(colour, 1.0)),
            (_, Some(hatch)) => hatch,
            _ => return Some(()),
        };
        self.fill(from, to, rgba(hatch.ground, 1.0))?;
        let ink = rgba(hatch.ink, 1.0);
        for y in from.1..to.1 {
            for x in from.0..to.0 {
                let (u, v) = (f64::from(x) / self.scale + self.origin.0, f64::from(y) / self.scale + self.origin.1);
                let on = |along: f64| along.rem_euclid(Hatch::PERIOD) < Hatch::STROKE;
                if (hatch.rising && on(u + v)) || (hatch.falling && on(u - v)) {
                    self.backend.draw_pixel((x, y), ink.to_backend_color()).ok()?;
                }
            }
        }
        Some(())
    }

    /// Strokes each piece as a rectangle, and rounds the joints: plotters' own thick lines spike at sharp turns.
    fn stroke(&mut self, points: &[(f64, f64)], width: f64, colour: RGBAColor) -> Option<()> {
        let half = width / 2.0;
        for pair in points.windows(2) {
            let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
            if ax == bx || ay == by {
                // Upright lines reach half their width beyond their ends, which closes corners.
                let cap = if width > 1.0 { 0.0 } else { half };
                let (dx, dy) = if ax == bx { (half, cap) } else { (cap, half) };
                let from = self.place((ax.min(bx) - dx, ay.min(by) - dy));
                let to = self.place((ax.max(bx) + dx, ay.max(by) + dy));
                self.fill(from, to, colour)?;
                continue;
            }
            let length = (bx - ax).hypot(by - ay);
            let (nx, ny) = ((by - ay) / length * half, (ax - bx) / length * half);
            let corners = [(ax + nx, ay + ny), (bx + nx, by + ny), (bx - nx, by - ny), (ax - nx, ay - ny)];
            self.polygon(&corners, colour)?;
        }
        let radius = (half * self.scale).round() as u32;
        let joints = points.get(1..points.len().saturating_sub(1)).unwrap_or_default();
        joints.iter().filter(|_| width > 1.0).try_for_each(|&joint| {
            let centre = self.place(joint);
            self.backend.draw_circle(centre, radius, &colour, true).ok()
        })
    }

    fn label(&mut self, text: &Text, (x, y): (f64, f64), anchor: f64, size: f64, upward: bool) -> Option<()> {
        let start = -anchor * text.width * size;
        for run in &text.runs {
            let (along, drop) = ((start + run.x * size) * self.scale, run.drop * size * self.scale);
            for outline in font::outlines(&run.text, along, drop, run.size * size * self.scale) {
                let bounds = outline.px_bounds();
                let at = self.place((x, y));
                let mut fine = Some(());
                outline.draw(|dx, dy, cover| {
                    let (right, down) = (bounds.min.x as i32 + dx as i32, bounds.min.y as i32 + dy as i32);
                    let pixel = if upward { (at.0 + down, at.1 - right) } else { (at.0 + right, at.1 + down) };
                    let colour = rgba(INK, f64::from(cover.clamp(0.0, 1.0))).to_backend_color();
                    if fine.is_some() {
                        fine = self.backend.draw_pixel(pixel, colour).ok();
                    }
                });
                fine?;
            }
        }
        Some(())
    }

    fn raster(&mut self, rect: Rect, width: usize, height: usize, rgb: &[u8]) -> Option<()> {
        let edge = |i: usize, n: usize, from: f64, to: f64| from + (to - from) * i as f64 / n as f64;
        for (i, pixel) in rgb.chunks_exact(3).enumerate() {
            let (x, y) = (i % width, i / width);
            let corner =
                |x: usize, y: usize| (edge(x, width, rect.left, rect.right), edge(y, height, rect.top, rect.bottom));
            let colour = RGBColor(pixel[0], pixel[1], pixel[2]).to_rgba();
            self.fill(self.place(corner(x, y)), self.place(corner(x + 1, y + 1)), colour)?;
        }
        Some(())
    }
}

fn rgba(colour: Colour, opacity: f64) -> RGBAColor {
    RGBColor(colour.0, colour.1, colour.2).mix(opacity)
}

/// The strokes of a dashed line.
fn dashed(points: &[(f64, f64)], pattern: &[f64]) -> Vec<Vec<(f64, f64)>> {
    if pattern.is_empty() {
        return vec![points.to_vec()];
    }
    let (mut strokes, mut stroke) = (Vec::new(), points.first().copied().into_iter().collect::<Vec<_>>());
    let (mut index, mut left) = (0, pattern[0]);
    for pair in points.windows(2) {
        let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
        let (length, mut done) = ((bx - ax).hypot(by - ay), 0.0);
        while length - done > left {
            done += left;
            let at = (ax + (bx - ax) * done / length, ay + (by - ay) * done / length);
            if index % 2 == 0 {
                stroke.push(at);
                strokes.push(std::mem::take(&mut stroke));
            } else {
                stroke = vec![at];
            }
            index = (index + 1) % pattern.len();
            left = pattern[index];
        }
        left -= length - done;
        if index % 2 == 0 {
            stroke.push((bx, by));
        }
    }
    if stroke.len() > 1 {
        strokes.push(stroke);
    }
    strokes
}
