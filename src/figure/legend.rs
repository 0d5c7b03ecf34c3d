//! The legend: a row of keys between title and axes, where it covers no data.

use super::Dash;
use super::geometry::Rect;
use super::marks::Marker;
use super::palette::Colour;
use super::scene::{INK, LEGEND, Mark, Paint, Scene};
use super::text::Text;

/// One line of the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct LegendEntry {
    pub label: String,
    pub key: LegendKey,
}

/// What stands before the label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LegendKey {
    /// A curve, over a shaded band where it has one.
    Line { colour: Colour, dash: Dash, band: bool },
    /// A filled box.
    Patch(Paint),
    /// A mark around a point.
    Marker(Marker, Colour),
}

impl LegendKey {
    /// The key of a curve as it is where there is no band; any other key as it is.
    pub fn without_band(self) -> Self {
        match self {
            Self::Line { colour, dash, .. } => Self::Line { colour, dash, band: false },
            other => other,
        }
    }
}

/// How wide a curve is stroked, in the chart and in its key.
pub const STROKE: f64 = 2.4;
/// How a curve's band covers what is under it.
pub const BAND_OPACITY: f64 = 0.22;
/// What the legend says of numbers beyond [`Series::trusted`](super::Series::trusted).
pub const IMPRECISE: &str = "beyond double precision";
const ROW: f64 = 26.0;
const KEY: f64 = 34.0;
const BOX: f64 = 18.0;
const MOST_ROWS: usize = 12;

/// Draws the entries from `top` in rows between `left` and `right`; returns the height taken.
pub fn draw(scene: &mut Scene, entries: &[LegendEntry], left: f64, top: f64, right: f64) -> f64 {
    let (mut x, mut row) = (left, 0);
    for (done, entry) in entries.iter().enumerate() {
        let key = if matches!(entry.key, LegendKey::Line { .. }) { KEY } else { BOX };
        let (text, size) = Text::fitted(&entry.label, LEGEND, right - left - key - 7.0);
        let width = key + 7.0 + text.width * size;
        if x > left && x + width > right {
            (x, row) = (left, row + 1);
        }
        let middle = top + ROW * row as f64 + BOX / 2.0;
        if row == MOST_ROWS - 1 && done + 1 < entries.len() {
            let rest = Text::new(&format!("… and {} more", entries.len() - done));
            scene.centred(rest, (x, middle), 0.0, LEGEND);
            break;
        }
        draw_key(scene, entry.key, x, middle);
        scene.centred(text, (x + key + 7.0, middle), 0.0, size);
        x += width + 20.0;
    }
    if entries.is_empty() { 0.0 } else { ROW * (row + 1) as f64 + 2.0 }
}

fn draw_key(scene: &mut Scene, key: LegendKey, x: f64, middle: f64) {
    match key {
        LegendKey::Line { colour, dash, band } => {
            if band {
                let points = [(0.0, -7.0), (KEY, -7.0), (KEY, 7.0), (0.0, 7.0)].map(|(dx, dy)| (x + dx, middle + dy));
                scene.fill(points.to_vec(), colour, BAND_OPACITY);
            }
            let points = vec![(x, middle), (x + KEY, middle)];
            scene.marks.push(Mark::Path { points, colour, width: STROKE, dash });
        }
        LegendKey::Patch(paint) => {
            let (left, top) = (x.round() + 0.5, (middle - BOX / 2.0).round() + 0.5);
            let rect = Rect { left, top, right: left + BOX, bottom: top + BOX - 2.0 };
            scene.marks.push(Mark::Cells(vec![(rect, paint)]));
            scene.outline(rect, INK);
        }
        LegendKey::Marker(marker, colour) => marker.draw(scene, (x + BOX / 2.0, middle), colour),
    }
}
