//! Drawn digits: strokes under random distortions, in ten balanced classes, with the size, the position and the ink of
//! MNIST's. Nothing to download, and as many as wanted: sample i depends on (seed, part, i) only.

use std::path::PathBuf;

use serde_json::Value;

use super::source::{CatalogueEntry, DatasetOptions, Opened, SampleSource, fill_samples};
use super::strokes::{DIGITS, Point, flatten};
use super::{DatasetPart, Folders, downsample, generated};
use crate::Result;
use crate::random::Random;

const NAME: &str = "glyphs";
/// Version of the generator, part of every fingerprint: another number is another set of images.
const GENERATOR: &str = "glyphs/1";
const CLASSES: usize = DIGITS.len();
/// Pixels on a side before averaging, as in MNIST.
const SIDE: usize = 28;

/// Standard deviation of a control point's shift, in heights of the digit.
const JITTER: f64 = 0.045;
/// Standard deviations of rotation (radians) and of slant (x per y), and the mean slant of a right hand.
const ROTATION: f64 = 0.1;
const SLANT: f64 = 0.22;
const MEAN_SLANT: f64 = 0.12;
/// Range of the digit's width relative to the drawing in `strokes`.
const ASPECT: [f64; 2] = [0.7, 1.2];
/// Pixels that the longer side of the curve spans; MNIST fits digits with their ink into 20.
const SPAN: [f64; 2] = [15.5, 18.5];
/// Half the width of a stroke, in pixels, and its largest relative change along the stroke.
const RADIUS: [f64; 2] = [0.8, 1.75];
const TAPER: f64 = 0.2;
/// Pixels over which a stroke's edge fades.
const SOFTNESS: f64 = 1.2;
/// Largest shift of the centre, in pixels.
const OFF_CENTRE: f64 = 1.2;

/// `glyphs` in the catalogue.
pub(super) struct GlyphsEntry;

#[derive(Debug)]
struct Glyphs {
    seed: u64,
    side: usize,
    counts: [usize; 2],
}

impl CatalogueEntry for GlyphsEntry {
    fn name(&self) -> &str {
        NAME
    }

    fn about(&self) -> &'static str {
        "drawn digits, ten classes, 28×28, as many as you want"
    }

    fn options(&self) -> &'static [&'static str] {
        generated::OPTIONS
    }

    fn open(&self, options: &DatasetOptions, _: &Folders) -> Result<Opened> {
        let side = downsample::check(NAME, SIDE, options.size)?;
        let (seed, counts) = (options.seed.unwrap_or(0), generated::counts(NAME, options)?);
        Ok(Opened { source: Box::new(Glyphs { seed, side, counts }), warnings: Vec::new() })
    }

    fn folders(&self, _: &Folders) -> Vec<PathBuf> {
        Vec::new()
    }
}

impl SampleSource for Glyphs {
    fn counts(&self) -> [usize; 2] {
        self.counts
    }

    fn shape(&self) -> [usize; 3] {
        [1, self.side, self.side]
    }

    fn classes(&self) -> usize {
        CLASSES
    }

    fn labels(&self, part: DatasetPart) -> Result<Vec<Option<u32>>> {
        let count = self.counts[part as usize];
        let digits = (0..count.div_ceil(CLASSES)).flat_map(|block| self.block(part, block));
        Ok(digits.take(count).map(|digit| Some(digit.into())).collect())
    }

    fn pixels(&self, part: DatasetPart, indices: &[usize]) -> Result<Vec<f32>> {
        fill_samples(indices, self.side * self.side, |i, out| {
            let digit = self.block(part, i / CLASSES)[i % CLASSES];
            downsample::average(&draw(self.seed, part, i, digit), SIDE, self.side, out);
            Ok(())
        })
    }

    fn content(&self, part: DatasetPart) -> Value {
        generated::content(GENERATOR, self.seed, part)
    }

    fn seeds(&self) -> Vec<u64> {
        vec![self.seed]
    }
}

impl Glyphs {
    /// The digits of ten samples in a row: each once, in random order.
    fn block(&self, part: DatasetPart, block: usize) -> [u8; CLASSES] {
        let mut digits = std::array::from_fn(|digit| digit as u8);
        Random::new(self.seed, &["glyphs", part.name(), "labels", &block.to_string()]).shuffle(&mut digits);
        digits
    }
}

/// Draws sample `index`, the digit `digit`: 28×28 bytes, background 0, peak 255.
fn draw(seed: u64, part: DatasetPart, index: usize, digit: u8) -> [u8; SIDE * SIDE] {
    let mut random = Random::new(seed, &["glyphs", part.name(), &index.to_string()]);
    let curves = curves(&mut random, digit);
    let radius = between(&mut random, RADIUS);
    let mut image = [0.0; SIDE * SIDE];
    for curve in &curves {
        let taper = TAPER * (2.0 * random.uniform() - 1.0);
        let pieces = (curve.len() - 1) as f64;
        for (i, ends) in curve.windows(2).enumerate() {
            let along = 2.0 * (i as f64 + 0.5) / pieces - 1.0;
            ink(&mut image, ends[0], ends[1], radius * (1.0 + taper * along));
        }
    }
    // A thin stroke may pass between the centres of all pixels: the darkest pixel counts as full ink.
    let peak = image.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    image.map(|value: f64| (255.0 * value / peak + 0.5) as u8)
}

fn between(random: &mut Random, [low, high]: [f64; 2]) -> f64 {
    low + (high - low) * random.uniform()
}

/// A digit's strokes in pixels, each as short straight pieces.
fn curves(random: &mut Random, digit: u8) -> Vec<Vec<Point>> {
    let ways = DIGITS[usize::from(digit) % CLASSES];
    let strokes = ways[random.below(ways.len() as u32) as usize];
    let (sin, cos) = libm::sincos(ROTATION * random.normal());
    let slant = MEAN_SLANT + SLANT * random.normal();
    let aspect = between(random, ASPECT);
    // Strokes that share a point still share it afterwards.
    let mut moved: Vec<(Point, Point)> = Vec::new();
    let mut place = |point: &Point| match moved.iter().find(|(from, _)| from == point) {
        Some((_, to)) => *to,
        None => {
            let [x, y] = point.map(|at| at - 0.5 + JITTER * random.normal());
            let x = aspect * x - slant * y;
            let to = [cos * x - sin * y, sin * x + cos * y];
            moved.push((*point, to));
            to
        }
    };
    let mut curves: Vec<Vec<Point>> = Vec::new();
    for stroke in strokes {
        let mut curve = Vec::new();
        flatten(&stroke.iter().map(&mut place).collect::<Vec<_>>(), &mut curve);
        curves.push(curve);
    }
    fit(random, &mut curves);
    curves
}

/// Scales a digit to its span and puts the centre of its ink near the middle of the image, as MNIST does.
fn fit(random: &mut Random, curves: &mut [Vec<Point>]) {
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    let (mut centre, mut length) = ([0.0; 2], 0.0);
    for ends in curves.iter().flat_map(|curve| curve.windows(2)) {
        let long = distance(ends[0], ends[1]);
        length += long;
        for k in 0..2 {
            centre[k] += long * (ends[0][k] + ends[1][k]) / 2.0;
            low[k] = low[k].min(ends[0][k]).min(ends[1][k]);
            high[k] = high[k].max(ends[0][k]).max(ends[1][k]);
        }
    }
    let scale = between(random, SPAN) / (high[0] - low[0]).max(high[1] - low[1]);
    let middle = [0, 1].map(|_| SIDE as f64 / 2.0 + OFF_CENTRE * (2.0 * random.uniform() - 1.0));
    for point in curves.iter_mut().flatten() {
        *point = [0, 1].map(|k| middle[k] + scale * (point[k] - centre[k] / length));
    }
}

fn distance(a: Point, b: Point) -> f64 {
    // A square root is exact to the last bit on every platform; hypot is not.
    ((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1])).sqrt()
}

/// Draws a straight piece with round ends: 1 on it, 0 beyond its soft edge. A pixel keeps the larger of its old and new value.
fn ink(image: &mut [f64; SIDE * SIDE], from: Point, to: Point, radius: f64) {
    let reach = radius + SOFTNESS / 2.0;
    let range = |k: usize| {
        let low = (from[k].min(to[k]) - reach).clamp(0.0, SIDE as f64) as usize;
        let high = (from[k].max(to[k]) + reach + 1.0).clamp(0.0, SIDE as f64) as usize;
        low..high
    };
    let along = [to[0] - from[0], to[1] - from[1]];
    let square = (along[0] * along[0] + along[1] * along[1]).max(1e-12);
    for y in range(1) {
        for x in range(0) {
            let centre = [x as f64 + 0.5, y as f64 + 0.5];
            let t = ((centre[0] - from[0]) * along[0] + (centre[1] - from[1]) * along[1]) / square;
            let t = t.clamp(0.0, 1.0);
            let nearest = [from[0] + t * along[0], from[1] + t * along[1]];
            let value = (0.5 + (radius - distance(centre, nearest)) / SOFTNESS).clamp(0.0, 1.0);
            let pixel = &mut image[y * SIDE + x];
            *pixel = pixel.max(value);
        }
    }
}
