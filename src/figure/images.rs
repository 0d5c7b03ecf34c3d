//! Sheets of pictures: reconstructions side by side, one screen pixel square per picture pixel.

use super::chart::{Agreed, Chart};
use super::csv::{self, Row};
use super::geometry::Rect;
use super::regions::{By, Part, Quantity, Shape};
use super::scene::{Mark, Panel, Scene, TITLE};
use super::text::Text;
use super::{Colour, Contrast, Drawing, Figure, Image, Images};
use crate::{Error, Result};

const MARGIN: f64 = 16.0;
const GAP: f64 = 8.0;
/// The usual width of a sheet, in units.
const WIDTH: f64 = 800.0;
/// The largest side of a picture, in units.
const LARGEST: f64 = 200.0;
/// PNG pixels per unit. A picture's pixel is magnified to a whole number of these.
const PER_UNIT: f64 = super::png::SCALE as f64;
/// The longest side of a sheet, in units.
const LONGEST: f64 = 16_000.0;
/// The largest area of a sheet, in square units: drawing it takes about 300 MB.
const LARGEST_SHEET: f64 = 25e6;
const EDGE: Colour = Colour(0xd0, 0xd0, 0xd0);
/// The colour of a NaN, unlike any grey.
const NAN: [u8; 3] = [0xc2, 0x18, 0x8b];

impl Image {
    /// A picture of this shape: `[h, w]`, `[1, h, w]` or `[3, h, w]`.
    ///
    /// # Errors
    /// When the shape is another one, or does not match the number of pixels.
    pub fn new(label: impl Into<String>, shape: impl Into<Vec<usize>>, pixels: Vec<f32>) -> Result<Self> {
        let image = Self { label: label.into(), shape: shape.into(), pixels };
        image.size().map(|_| image)
    }

    /// Channels, height and width, if the shape is a picture's.
    pub(super) fn size(&self) -> Result<(usize, usize, usize)> {
        let size = match self.shape[..] {
            [height, width] => Some((1, height, width)),
            [channels @ (1 | 3), height, width] => Some((channels, height, width)),
            _ => None,
        };
        let Some(size) = size else {
            return Err(Error::new(format!("a picture cannot have the shape {:?}", self.shape))
                .hint("a picture is [height, width] grey, or [3, height, width] red, green and blue"));
        };
        if Some(self.pixels.len()) != size.0.checked_mul(size.1).and_then(|n| n.checked_mul(size.2)) {
            let found = self.pixels.len();
            return Err(Error::new(format!("a picture of shape {:?} cannot have {found} pixels", self.shape)));
        }
        Ok(size)
    }

    /// Its pixels as bytes, row by row.
    fn rgb(&self, contrast: Contrast, (channels, height, width): (usize, usize, usize)) -> Vec<u8> {
        let (lo, hi) = match contrast {
            Contrast::Unit => (0.0, 1.0),
            Contrast::Range(lo, hi) => (lo, hi),
            Contrast::Each => self
                .pixels
                .iter()
                .filter(|v| v.is_finite())
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), v| (lo.min(*v), hi.max(*v))),
        };
        let byte = |value: f32| match (f64::from(value) - f64::from(lo)) / (f64::from(hi) - f64::from(lo)) {
            // A picture with a single value is mid grey.
            share if share.is_nan() => 128,
            share => (share.clamp(0.0, 1.0) * 255.0).round() as u8,
        };
        let area = height * width;
        let pixel = |at: usize| {
            let channel = |c: usize| self.pixels[(c % channels) * area + at];
            let values = [channel(0), channel(1), channel(2)];
            if values.iter().any(|v| v.is_nan()) { NAN } else { values.map(byte) }
        };
        (0..area).flat_map(pixel).collect()
    }
}

/// How the pictures of a sheet are laid out.
struct Layout {
    count: usize,
    columns: usize,
    /// Units per pixel.
    zoom: f64,
    /// The size of every place, in units.
    width: f64,
    height: f64,
    tallest: usize,
    widest: usize,
}

impl Layout {
    /// The layout of `count` pictures, the largest of them `tallest` and `widest` pixels; 0 columns chooses.
    fn new(count: usize, (tallest, widest): (usize, usize), columns: usize) -> Self {
        let columns = match columns {
            0 => even_columns(count.max(1), tallest as f64 / widest as f64),
            columns => columns.min(count).max(1),
        };
        let room = (WIDTH - 2.0 * MARGIN + GAP) / columns as f64 - GAP;
        let zoom = (PER_UNIT * room.min(LARGEST) / widest.max(tallest) as f64).round().max(1.0) / PER_UNIT;
        // Whole units, so that pictures lie on whole pixels wherever the SVG is shown.
        let (width, height) = ((widest as f64 * zoom).ceil(), (tallest as f64 * zoom).ceil());
        Self { count, columns, zoom, width, height, tallest, widest }
    }

    /// The width of the sheet, if it can be drawn at this length.
    fn sheet(&self, length: f64) -> Result<f64> {
        let Self { count, columns, width, tallest, widest, .. } = self;
        let sheet = 2.0 * MARGIN + *columns as f64 * (width + GAP) - GAP;
        if sheet.max(length) > LONGEST || sheet * length > LARGEST_SHEET {
            return Err(Error::new(format!(
                "a sheet of {count} pictures of {widest}×{tallest} pixels in {columns} columns is too large to draw"
            ))
            .hint("show fewer pictures, or spread them over more or fewer columns"));
        }
        Ok(sheet)
    }
}

/// The space of a title.
fn title_space(titled: bool) -> f64 {
    if titled { TITLE + 14.0 } else { 0.0 }
}

/// Pictures per row for a sheet about as wide as a page. Prefers full rows if a near number gives them.
fn even_columns(count: usize, shape: f64) -> usize {
    let near = ((count as f64 * shape * 1.5).sqrt().round() as usize).clamp(1, count);
    let full = (near..=(near + near / 2).min(count)).find(|columns| count.is_multiple_of(*columns));
    full.unwrap_or(near)
}

impl Images {
    /// Refuses a sheet that is too large to draw: shapes of pictures and how many there are of each, columns (0 chooses).
    ///
    /// # Errors
    /// When it is too large.
    pub(crate) fn check(shapes: &[(Vec<usize>, usize)], columns: usize, titled: bool) -> Result<()> {
        let sides = shapes.iter().filter_map(|(shape, _)| match shape[..] {
            [.., height, width] => Some((height, width)),
            _ => None,
        });
        let largest = sides.fold((1, 1), |(h, w), size| (h.max(size.0), w.max(size.1)));
        let layout = Layout::new(shapes.iter().map(|(_, count)| count).sum(), largest, columns);
        let rows = layout.count.div_ceil(layout.columns) as f64;
        layout.sheet(MARGIN + title_space(titled) + rows * (layout.height + GAP)).map(|_| ())
    }
}

impl Drawing for Images {
    fn chart(&self, _: &Agreed) -> Result<Chart<'_>> {
        Err(Error::new("a sheet of pictures has no axes, so it cannot be a panel")
            .hint("save it as a figure of its own"))
    }

    fn scene(&self, figure: &Figure) -> Result<Scene> {
        let title = &figure.title;
        let sizes = self.images.iter().map(Image::size).collect::<Result<Vec<_>>>()?;
        let largest = sizes.iter().fold((1, 1), |(h, w), size| (h.max(size.1), w.max(size.2)));
        let layout = Layout::new(self.images.len(), largest, self.columns);
        let Layout { columns, zoom, width, height, .. } = layout;
        let titled = title_space(!title.trim().is_empty());
        // Small pictures have small labels, down to what can still be read.
        let size = (width * 0.28).clamp(9.0, 15.0);
        let labels =
            |row: &[Image]| if row.iter().all(|image| image.label.is_empty()) { 0.0 } else { (size * 1.2).ceil() };
        let mut tops = vec![MARGIN + titled];
        for row in self.images.chunks(columns) {
            tops.push(tops[tops.len() - 1] + height + labels(row) + GAP);
        }
        let narrowest = if titled > 0.0 { 320.0 } else { 2.0 * MARGIN };
        let length = tops[tops.len() - 1] + MARGIN - if self.images.is_empty() { 0.0 } else { GAP };
        let sheet = layout.sheet(length)?;
        let mut scene = Scene::new(sheet.max(narrowest).ceil(), length.ceil());
        if titled > 0.0 {
            let (text, size) = Text::fitted(title, TITLE, scene.width - 2.0 * MARGIN);
            scene.label(text, (MARGIN, MARGIN + TITLE * 0.8), 0.0, size);
        }
        let mut drawn = Vec::new();
        for (i, (image, &(channels, h, w))) in self.images.iter().zip(&sizes).enumerate() {
            let (left, top) = (MARGIN + (i % columns) as f64 * (width + GAP), tops[i / columns]);
            let middle = |from: f64, room: f64, size: usize| from + ((room - size as f64 * zoom) / 2.0).floor();
            let (x, y) = (middle(left, width, w), middle(top, height, h));
            let rect = Rect { left: x, top: y, right: x + w as f64 * zoom, bottom: y + h as f64 * zoom };
            drawn.push((h > 0 && w > 0).then_some(rect));
            if h > 0 && w > 0 {
                // A faint edge, since a picture may be as white as the page.
                let edge = Rect { left: x - 0.5, top: y - 0.5, right: rect.right + 0.5, bottom: rect.bottom + 0.5 };
                scene.outline(edge, EDGE);
                let rgb = image.rgb(self.contrast, (channels, h, w));
                scene.marks.push(Mark::Raster { rect, width: w, height: h, rgb });
            }
            let (text, size) = Text::fitted(&image.label, size, width + GAP - 2.0);
            scene.label(text, (left + width / 2.0, top + height + size), 0.5, size);
        }
        scene.shapes.push(Shape::Boxes { reach: drawn.clone(), drawn, columns });
        Ok(scene)
    }

    fn parts(&self, shapes: Vec<Shape>, _: &[Panel]) -> Vec<Part> {
        let all = self.images.len();
        let label = |(i, image): (usize, &Image)| match image.label.as_str() {
            "" => format!("image {} of {all}", i + 1),
            label => label.to_owned(),
        };
        let size = |image: &Image| match image.shape[..] {
            [3, height, width] => format!("{height} × {width}, colour"),
            [.., height, width] => format!("{height} × {width}"),
            _ => String::new(),
        };
        let sizes = Quantity::label(By::I, self.images.iter().map(size).collect());
        let quantities = vec![
            Quantity::label(By::I, self.images.iter().enumerate().map(label).collect()),
            Quantity { name: "pixels".into(), ..sizes },
        ];
        let shape = shapes.into_iter().next();
        shape.map(|shape| Part::new(shape, quantities, None)).into_iter().collect()
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let sizes = self.images.iter().map(Image::size).collect::<Result<Vec<_>>>()?;
        let widest = sizes.iter().map(|(_, height, width)| height * width).max().unwrap_or(0);
        let mut head: Row = ["image", "label", "channel", "height", "width"].map(str::to_string).to_vec();
        head.extend((0..widest).map(|pixel| pixel.to_string()));
        let mut rows = vec![head];
        for (i, (image, (channels, height, width))) in self.images.iter().zip(sizes).enumerate() {
            for channel in 0..channels {
                let [number, nth, h, w] = [i, channel, height, width].map(|n| n.to_string());
                let mut row = vec![number, image.label.clone(), nth, h, w];
                let area = height * width;
                row.extend(image.pixels[channel * area..][..area].iter().map(|v| csv::pixel(*v)));
                row.resize(5 + widest, String::new());
                rows.push(row);
            }
        }
        Ok(rows)
    }

    fn pixels(&self) -> usize {
        self.images.iter().map(|image| image.pixels.len()).sum()
    }
}
