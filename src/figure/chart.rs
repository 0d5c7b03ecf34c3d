//! What figures with axes share: the page with its title and legend, the axes, and the frame for the data.

use super::axis::{Frame, Tick};
use super::scene::{INK, LABEL, Mark, Scene, TICK, TITLE};
use super::text::Text;
use super::{Axis, Colour, Dash, Scale, legend};

/// One axis of a chart: what it measures, its range, and whether only whole numbers make sense along it.
pub struct Side<'a> {
    pub axis: &'a Axis,
    pub scale: Scale,
    pub whole: bool,
}

/// The size of a figure with axes.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 560.0;
const TICK_LENGTH: f64 = 5.0;

/// A page with title, legend and room for axes; `margin` is kept free at the right.
pub fn page(title: &str, x: &Side, y: &Side, entries: &[legend::LegendEntry], margin: f64) -> (Scene, Frame) {
    let widest = y.scale.ticks(8, y.whole).iter().map(|t| Text::new(&t.label).width * TICK).fold(0.0, f64::max);
    let label = if y.axis.shown().is_empty() { 0.0 } else { LABEL + 8.0 };
    let left = (16.0 + label + widest + TICK_LENGTH + 4.0).round() + 0.5;
    let right = (WIDTH - margin.max(28.0)).round() + 0.5;
    let mut top = 20.5;
    let mut scene = Scene::new(WIDTH, HEIGHT);
    if !title.trim().is_empty() {
        let (text, size) = Text::fitted(title, TITLE, WIDTH - 24.0 - left);
        top += TITLE * 0.72;
        scene.label(text, (left, top), 0.0, size);
        top = (top + 16.0).floor() + 0.5;
    }
    top += legend::draw(&mut scene, entries, left, top, right);
    let below = TICK_LENGTH + 8.0 + TICK + if x.axis.shown().is_empty() { 4.0 } else { LABEL + 20.0 };
    // Many legend rows make the page taller, not the axes smaller.
    scene.height += (top - 90.0).max(0.0).round();
    let bottom = (scene.height - below).round() + 0.5;
    let (page_width, page_height) = (scene.width, scene.height);
    let frame = Frame { page_width, page_height, left, top, right, bottom, x: x.scale, y: y.scale };
    scene.frame = Some(frame);
    (scene, frame)
}

/// Draws the axes around what the frame holds.
pub fn axes(scene: &mut Scene, frame: &Frame, x: &Side, y: &Side) {
    scene.outline(frame.rect(), INK);
    let (middle, centre) = frame.rect().middle();
    for tick in fitting_ticks(&x.scale, x.whole, frame.right - frame.left) {
        let at = frame.px(tick.value);
        scene.rule((at, frame.bottom), (at, frame.bottom + TICK_LENGTH));
        scene.label(Text::new(&tick.label), (at, frame.bottom + TICK_LENGTH + 5.0 + TICK * 0.76), 0.5, TICK);
    }
    let (text, size) = Text::fitted(&x.axis.shown(), LABEL, frame.right - frame.left);
    scene.label(text, (middle, scene.height - 16.0), 0.5, size);
    for tick in y.scale.ticks(8, y.whole) {
        let at = frame.py(tick.value);
        scene.rule((frame.left - TICK_LENGTH, at), (frame.left, at));
        scene.centred(Text::new(&tick.label), (frame.left - TICK_LENGTH - 4.0, at), 1.0, TICK);
    }
    let (text, size) = Text::fitted(&y.axis.shown(), LABEL, frame.bottom - frame.top);
    scene.upward(text, (16.0 + LABEL * 0.6, centre), size);
}

/// The most ticks whose labels fit side by side.
fn fitting_ticks(scale: &Scale, whole: bool, room: f64) -> Vec<Tick> {
    let fits = |ticks: &Vec<Tick>| {
        let places = ticks.iter().map(|t| (scale.at(t.value) * room, Text::new(&t.label).width * TICK));
        let places: Vec<_> = places.collect();
        places.windows(2).all(|p| p[1].0 - p[0].0 > (p[0].1 + p[1].1) / 2.0 + 10.0)
    };
    (2..=9).rev().map(|most| scale.ticks(most, whole)).find(fits).unwrap_or_else(|| scale.ticks(1, whole))
}

/// Draws faint horizontal lines at the ticks of y.
pub fn grid(scene: &mut Scene, frame: &Frame, y: &Side) {
    for tick in y.scale.ticks(8, y.whole) {
        let at = frame.py(tick.value);
        let points = vec![(frame.left, at), (frame.right, at)];
        scene.marks.push(Mark::Path { points, colour: INK.mix(Colour::WHITE, 0.88), width: 1.0, dash: Dash::Solid });
    }
}

/// Whether every value is a whole number.
pub fn whole(values: &[f64]) -> bool {
    values.iter().all(|v| v.fract() == 0.0)
}
