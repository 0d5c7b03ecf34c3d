//! What is written over the data of a chart: lines across it, words, arrows.

use serde::{Deserialize, Serialize};

use super::axis::Frame;
use super::palette::Colour;
use super::scene::{INK, Mark, Scene, TICK};
use super::text::Text;
use super::{Dash, font};

/// One of them, placed by values of the axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// A line across the chart.
    Across {
        /// Where it lies on the axis upward.
        y: f64,
        /// Written at its end; empty shows none.
        label: String,
    },
    /// A line up the chart.
    Upright {
        /// Where it lies on the axis to the right.
        x: f64,
        /// Written at its upper end; empty shows none.
        label: String,
    },
    /// Words around a point.
    Words {
        /// Where they lie on the axis to the right.
        x: f64,
        /// Where they lie on the axis upward.
        y: f64,
        /// The words.
        text: String,
    },
    /// An arrow from a point to another, with words at its beginning.
    Arrow {
        /// Where it begins.
        from: (f64, f64),
        /// Where its tip lies.
        to: (f64, f64),
        /// Written at its beginning; empty shows none.
        label: String,
    },
}

impl Note {
    /// The values of x and of y at which it is placed.
    pub fn places(&self) -> (Vec<f64>, Vec<f64>) {
        match self {
            Self::Across { y, .. } => (Vec::new(), vec![*y]),
            Self::Upright { x, .. } => (vec![*x], Vec::new()),
            Self::Words { x, y, .. } => (vec![*x], vec![*y]),
            Self::Arrow { from, to, .. } => (vec![from.0, to.0], vec![from.1, to.1]),
        }
    }
}

/// The values of x and y that have to be in range, so that lines across a chart are seen.
pub fn shown(notes: &[Note]) -> (Vec<f64>, Vec<f64>) {
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for note in notes {
        match note {
            Note::Across { y, .. } => ys.push(*y),
            Note::Upright { x, .. } => xs.push(*x),
            Note::Words { .. } | Note::Arrow { .. } => {}
        }
    }
    (xs, ys)
}

/// Draws them, with a white edge that tells them from what they lie over.
pub fn draw(scene: &mut Scene, frame: &Frame, notes: &[Note]) {
    for note in notes {
        match note {
            Note::Across { y, label } => {
                let at = frame.py(*y);
                if (frame.top..=frame.bottom).contains(&at) {
                    line(scene, (frame.left, at), (frame.right, at), Dash::Dashed);
                    // Above the line, or below it where the chart ends.
                    let below = at - frame.top < TICK + 8.0;
                    let base = if below { at + 5.0 + TICK * font::CAP } else { at - 5.0 };
                    words(scene, frame, label, (frame.right - 6.0, base), 1.0);
                }
            }
            Note::Upright { x, label } => {
                let at = frame.px(*x);
                if (frame.left..=frame.right).contains(&at) {
                    line(scene, (at, frame.bottom), (at, frame.top), Dash::Dashed);
                    let room = Text::new(label).width * TICK + 12.0;
                    let (place, anchor) = if at + room > frame.right { (at - 6.0, 1.0) } else { (at + 6.0, 0.0) };
                    words(scene, frame, label, (place, frame.top + 7.0 + TICK * font::CAP), anchor);
                }
            }
            Note::Words { x, y, text } => {
                let at = (frame.px(*x), frame.py(*y) + TICK * font::CAP / 2.0);
                words(scene, frame, text, at, 0.5);
            }
            Note::Arrow { from, to, label } => {
                let place = |(x, y): (f64, f64)| (frame.px(x), frame.py(y));
                arrow(scene, frame, place(*from), place(*to));
                let (x, y) = place(*from);
                // On the side that the arrow leaves.
                let up = place(*to).1 >= y;
                words(scene, frame, label, (x, if up { y - 6.0 } else { y + 6.0 + TICK * font::CAP }), 0.5);
            }
        }
    }
}

fn line(scene: &mut Scene, from: (f64, f64), to: (f64, f64), dash: Dash) {
    let points = vec![from, to];
    scene.marks.push(Mark::Path { points: points.clone(), colour: Colour::WHITE, width: 3.4, dash: Dash::Solid });
    scene.marks.push(Mark::Path { points, colour: INK, width: 1.6, dash });
}

/// Words inside the frame, on a faint white ground.
fn words(scene: &mut Scene, frame: &Frame, label: &str, (x, base): (f64, f64), anchor: f64) {
    if label.trim().is_empty() || !x.is_finite() || !base.is_finite() || !frame.rect().contains((x, base)) {
        return;
    }
    let (text, size) = Text::fitted(label, TICK, frame.right - frame.left - 8.0);
    let width = text.width * size;
    let most = frame.right - 4.0 - width;
    let left = (x - anchor * width).min(most).max(frame.left + 4.0);
    let (top, bottom) = (base - size * font::CAP - 4.0, base + 5.0);
    let corners = [(left - 4.0, top), (left + width + 4.0, top), (left + width + 4.0, bottom), (left - 4.0, bottom)];
    scene.fill(frame.rect().clip_polygon(corners.to_vec()), Colour::WHITE, 0.75);
    scene.label(text, (left, base), 0.0, size);
}

fn arrow(scene: &mut Scene, frame: &Frame, from: (f64, f64), to: (f64, f64)) {
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    if !length.is_finite() || length < 1.0 {
        return;
    }
    let (dx, dy) = ((to.0 - from.0) / length, (to.1 - from.1) / length);
    let back = |along: f64, aside: f64| (to.0 - along * dx - aside * dy, to.1 - along * dy + aside * dx);
    let head = 11.0_f64.min(length);
    for part in frame.rect().clip_path(&[from, back(head * 0.8, 0.0)]) {
        if let [from, .., to] = part[..] {
            line(scene, from, to, Dash::Solid);
        }
    }
    if frame.rect().contains(to) {
        scene.fill(frame.rect().clip_polygon(vec![to, back(head, 4.5), back(head, -4.5)]), INK, 1.0);
    }
}
