//! Rectangles, and clipping lines and polygons to them.

use serde::Serialize;

/// A rectangle in units of the SVG, y downward.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rect {
    /// Its left edge.
    pub left: f64,
    /// Its upper edge.
    pub top: f64,
    /// Its right edge.
    pub right: f64,
    /// Its lower edge.
    pub bottom: f64,
}

impl Rect {
    /// From left to right.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// From top to bottom.
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Its centre.
    pub fn middle(&self) -> (f64, f64) {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    /// Whether a point lies inside or on its edge.
    pub fn contains(&self, (x, y): (f64, f64)) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// The parts of a line inside this rectangle.
    pub(super) fn clip_path(&self, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let mut parts: Vec<Vec<(f64, f64)>> = Vec::new();
        for pair in points.windows(2) {
            let Some((from, to)) = self.clip_segment(pair[0], pair[1]) else { continue };
            match parts.last_mut() {
                Some(part) if part.last() == Some(&from) => part.push(to),
                _ => parts.push(vec![from, to]),
            }
        }
        parts
    }

    /// Liang and Barsky's clipping of one segment.
    fn clip_segment(&self, a: (f64, f64), b: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let (mut start, mut end) = (0.0f64, 1.0f64);
        let sides = [(-dx, a.0 - self.left), (dx, self.right - a.0), (-dy, a.1 - self.top), (dy, self.bottom - a.1)];
        for (speed, room) in sides {
            if speed < 0.0 {
                start = start.max(room / speed);
            } else if speed > 0.0 {
                end = end.min(room / speed);
            } else if room < 0.0 {
                return None;
            }
        }
        let at = |t: f64| {
            if t == 0.0 {
                a
            } else if t == 1.0 {
                b
            } else {
                (a.0 + t * dx, a.1 + t * dy)
            }
        };
        (start <= end).then(|| (at(start), at(end)))
    }

    /// The part of a polygon inside this rectangle (Sutherland and Hodgman).
    pub(super) fn clip_polygon(&self, points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
        type Side = (fn(&(f64, f64)) -> f64, f64, f64);
        let sides: [Side; 4] = [
            (|p| p.0, 1.0, self.left),
            (|p| p.0, -1.0, self.right),
            (|p| p.1, 1.0, self.top),
            (|p| p.1, -1.0, self.bottom),
        ];
        sides.iter().fold(points, |shape, &(coordinate, sign, edge)| {
            let depth = |p: &(f64, f64)| sign * (coordinate(p) - edge);
            let mut inside = Vec::with_capacity(shape.len() + 4);
            for (i, b) in shape.iter().enumerate() {
                let a = &shape[(i + shape.len() - 1) % shape.len()];
                let (from, to) = (depth(a), depth(b));
                if (from < 0.0) != (to < 0.0) {
                    let t = from / (from - to);
                    inside.push((a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1)));
                }
                if to >= 0.0 {
                    inside.push(*b);
                }
            }
            inside
        })
    }
}
