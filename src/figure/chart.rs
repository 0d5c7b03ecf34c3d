//! What figures with axes share: the page with its title and legend, the axes, and the frame for the data.

use super::axis::{Frame, Tick};
use super::colourbar::Colours;
use super::legend::LegendEntry;
use super::scene::{INK, LABEL, Mark, Panel, Scene, TICK, TITLE};
use super::text::Text;
use super::{Axis, Colour, Dash, Figure, Look, Note, Scale, legend, notes};
use crate::Result;

/// One axis of a chart: what it measures, its range, and whether only whole numbers make sense along it.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub axis: &'a Axis,
    pub scale: Scale,
    pub whole: bool,
}

/// What is drawn over axes.
pub struct Chart<'a> {
    pub x: Side<'a>,
    pub y: Side<'a>,
    pub legend: Vec<LegendEntry>,
    pub colours: Option<Colours>,
    /// Whether it covers its frame with colours. Other charts have faint lines at the ticks of y.
    pub covers: bool,
    /// Draws the data and says where they lie.
    pub body: Body<'a>,
}

pub type Body<'a> = Box<dyn FnOnce(&mut Scene, &Frame) + 'a>;

/// What a chart's scales have to agree with.
#[derive(Debug, Clone, Default)]
pub struct Agreed {
    pub x: Option<Scale>,
    pub y: Option<Scale>,
    pub colour: Option<Scale>,
    /// Values of x and y that have to be in range.
    pub shown: (Vec<f64>, Vec<f64>),
}

/// What of a chart is drawn beside its frame.
#[derive(Debug, Clone, Copy)]
pub struct Beside {
    /// The labels of the axes to the right and upward.
    pub x: bool,
    pub y: bool,
    pub bar: bool,
}

/// The usual size of a page with one chart.
pub const WIDTH: f64 = 800.0;
pub const HEIGHT: f64 = 560.0;
/// Units of the page in a millimetre of a figure with a size: the labels of its axes have seven points.
pub const PER_MILLIMETRE: f64 = 6.5;
const TICK_LENGTH: f64 = 5.0;
/// The longest label of a word at the axis upward.
const LONGEST: f64 = 180.0;
/// The least width and height of a frame.
const LEAST: f64 = 40.0;

impl Agreed {
    /// What notes need.
    pub fn of(notes: &[Note]) -> Self {
        Self { shown: notes::shown(notes), ..Self::default() }
    }
}

impl<'a> Side<'a> {
    /// A side for these values, with room at both ends.
    pub fn spanning(
        axis: &'a Axis,
        values: impl Iterator<Item = f64>,
        shown: &[f64],
        room: f64,
        agreed: Option<Scale>,
    ) -> Self {
        let scale = Scale::spanning(values.chain(shown.iter().copied()), axis).padded(room, axis);
        Self { axis, scale: agreed.unwrap_or(scale), whole: false }
    }

    /// At most about `most` marked values.
    fn ticks(&self, most: usize) -> Vec<Tick> {
        self.axis.own_ticks(&self.scale).unwrap_or_else(|| self.scale.ticks(most, self.whole))
    }

    /// The labels upward, each with its size.
    fn labels(&self) -> Vec<(f64, Text, f64)> {
        let label = |tick: Tick| {
            let (text, size) = Text::fitted(&tick.label, TICK, LONGEST);
            (tick.value, text, size)
        };
        self.ticks(8).into_iter().map(label).collect()
    }
}

impl Chart<'_> {
    /// The width that labels take at the left of the frame.
    pub fn left(&self, beside: Beside) -> f64 {
        if !beside.y {
            return 16.0;
        }
        let label = if self.y.axis.shown().is_empty() { 0.0 } else { LABEL + 8.0 };
        (16.0 + label + self.widest() + TICK_LENGTH + 4.0).round() + 0.5
    }

    fn widest(&self) -> f64 {
        self.y.labels().iter().map(|(_, text, size)| text.width * size).fold(0.0, f64::max)
    }

    /// The width that the colour bar takes at the right of the frame.
    pub fn right(&self, beside: Beside) -> f64 {
        self.colours.as_ref().filter(|_| beside.bar).map_or(0.0, Colours::margin)
    }

    /// The height that labels take below the frame.
    pub fn below(&self, beside: Beside) -> f64 {
        if !beside.x {
            return 14.0;
        }
        TICK_LENGTH + 8.0 + TICK + if self.x.axis.shown().is_empty() { 4.0 } else { LABEL + 20.0 }
    }

    /// Draws data, notes, axes and colour bar.
    pub fn draw(self, scene: &mut Scene, frame: Frame, notes: &[Note], beside: Beside) {
        let before = scene.shapes.len();
        if !self.covers {
            grid(scene, &frame, &self.y);
        }
        let left = self.widest();
        (self.body)(scene, &frame);
        notes::draw(scene, &frame, notes);
        axes(scene, &frame, (&self.x, &self.y), left, beside);
        if let Some(colours) = self.colours.filter(|_| beside.bar) {
            colours.draw(scene, &frame);
        }
        scene.panels.push(Panel { frame, shapes: scene.shapes.len() - before });
    }
}

/// The size of the page in units: the one asked for, or this one.
pub fn size(look: &Look, width: f64, height: f64) -> (f64, f64) {
    look.size.map_or((width, height), |(width, height)| (width * PER_MILLIMETRE, height * PER_MILLIMETRE))
}

/// A page with one chart.
pub fn page(figure: &Figure, mut chart: Chart) -> Result<Scene> {
    let look = &figure.look;
    let beside = Beside { x: true, y: true, bar: true };
    let (width, height) = size(look, WIDTH, HEIGHT);
    let mut scene = Scene::new(width, height);
    scene.size = look.size;
    let (left, below) = (chart.left(beside), chart.below(beside));
    let mut right = (width - chart.right(beside).max(28.0)).round() + 0.5;
    right = right.max(left + LEAST);
    let entries = if look.without_legend { Vec::new() } else { std::mem::take(&mut chart.legend) };
    let top = 20.5 + head(&mut scene, (&figure.title, TITLE), &entries, (left, 20.5, right, width - 24.0));
    if look.size.is_none() {
        // Many legend rows make the page taller, not the axes smaller.
        scene.height += (top - 90.0).max(0.0).round();
    }
    let mut bottom = ((scene.height - below).round() + 0.5).max(top + LEAST);
    if let Some(aspect) = look.aspect {
        if look.size.is_none() {
            bottom = (top + (right - left) * aspect).round() + 0.5;
        } else {
            bottom = bottom.min((top + (right - left) * aspect).round() + 0.5);
            right = right.min((left + (bottom - top) / aspect).round());
        }
    }
    if look.size.is_none() {
        scene.height = bottom - 0.5 + below;
    }
    let frame = Frame { left, top, right, bottom, x: chart.x.scale, y: chart.y.scale };
    chart.draw(&mut scene, frame, &figure.notes, beside);
    Ok(scene)
}

/// Draws title and legend from `top` down; returns the height taken. The legend reaches to `right`, the title to `end`.
pub fn head(
    scene: &mut Scene,
    (title, size): (&str, f64),
    entries: &[LegendEntry],
    (left, top, right, end): (f64, f64, f64, f64),
) -> f64 {
    let mut at = top;
    if !title.trim().is_empty() {
        let (text, fitted) = Text::fitted(title, size, end - left);
        at += size * 0.72;
        scene.label(text, (left, at), 0.0, fitted);
        at = (at + 16.0).floor() + 0.5;
    }
    at += legend::draw(scene, entries, left, at, right);
    at - top
}

/// Draws the axes around what the frame holds; the labels upward are `widest` wide.
fn axes(scene: &mut Scene, frame: &Frame, (x, y): (&Side, &Side), widest: f64, beside: Beside) {
    scene.outline(frame.rect(), INK);
    let (middle, centre) = frame.rect().middle();
    for (tick, size) in fitting_ticks(x, frame.right - frame.left) {
        let at = frame.px(tick.value);
        scene.rule((at, frame.bottom), (at, frame.bottom + TICK_LENGTH));
        if beside.x {
            let (text, size) =
                size.map_or_else(|| (Text::new(&tick.label), TICK), |room| Text::fitted(&tick.label, TICK, room));
            scene.label(text, (at, frame.bottom + TICK_LENGTH + 5.0 + TICK * 0.76), 0.5, size);
        }
    }
    for (value, text, size) in y.labels() {
        let at = frame.py(value);
        scene.rule((frame.left - TICK_LENGTH, at), (frame.left, at));
        if beside.y {
            scene.centred(text, (frame.left - TICK_LENGTH - 4.0, at), 1.0, size);
        }
    }
    if beside.x {
        let (text, size) = Text::fitted(&x.axis.shown(), LABEL, frame.right - frame.left);
        scene.label(text, (middle, frame.bottom + TICK_LENGTH + TICK + LABEL + 11.5), 0.5, size);
    }
    if beside.y {
        let (text, size) = Text::fitted(&y.axis.shown(), LABEL, frame.bottom - frame.top);
        scene.upward(text, (frame.left - widest - TICK_LENGTH - 12.0 - LABEL * 0.4, centre), size);
    }
}

/// The most ticks whose labels fit side by side; words, which all have to be there, with the room that each has.
fn fitting_ticks(side: &Side, room: f64) -> Vec<(Tick, Option<f64>)> {
    if !side.axis.words.is_empty() {
        let each = room / (side.scale.hi - side.scale.lo).max(1.0) - 8.0;
        return side.ticks(1).into_iter().map(|tick| (tick, Some(each.max(8.0)))).collect();
    }
    let fits = |ticks: &Vec<Tick>| {
        let places = ticks.iter().map(|t| (side.scale.at(t.value) * room, Text::new(&t.label).width * TICK));
        let places: Vec<_> = places.collect();
        places.windows(2).all(|p| p[1].0 - p[0].0 > (p[0].1 + p[1].1) / 2.0 + 10.0)
    };
    let ticks = (2..=9).rev().map(|most| side.ticks(most)).find(fits).unwrap_or_else(|| side.ticks(1));
    ticks.into_iter().map(|tick| (tick, None)).collect()
}

/// Draws faint horizontal lines at the ticks of y.
fn grid(scene: &mut Scene, frame: &Frame, y: &Side) {
    for tick in y.ticks(8) {
        let at = frame.py(tick.value);
        let points = vec![(frame.left, at), (frame.right, at)];
        scene.marks.push(Mark::Path { points, colour: INK.mix(Colour::WHITE, 0.88), width: 1.0, dash: Dash::Solid });
    }
}

/// Whether every value is a whole number.
pub fn whole(values: &[f64]) -> bool {
    values.iter().all(|v| v.fract() == 0.0)
}
