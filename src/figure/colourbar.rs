//! The colours of values, and the colour bar.

use super::axis::Frame;
use super::chart::Side;
use super::geometry::Rect;
use super::scene::{LABEL, Mark, Paint, Scene, TICK};
use super::text::{Text, math_label};
use super::{Axis, Cell, Colour, Colouring, Palette, Scale};

/// The values that the colours run over.
#[derive(Debug, Clone)]
pub struct Colours {
    palette: Palette,
    reversed: bool,
    /// Whether they are the colours of lines, without the palette's end that is too faint on white.
    of_lines: bool,
    /// `None` where no value is finite.
    scale: Option<Scale>,
    /// The least and the greatest value, or the limits in their place; and whether the scale is logarithmic.
    ends: Option<[f64; 2]>,
    log: bool,
    /// Whether values lie below or above the colours' range.
    beyond: (bool, bool),
    label: String,
}

const GAP: f64 = 18.0;
const BAR: f64 = 20.0;
const TIP: f64 = 14.0;
const STEPS: usize = 128;

impl Colours {
    /// Colours over the range of the finite values, over the colouring's own limits, or over `agreed`.
    pub fn new(values: impl Iterator<Item = f64>, colouring: &Colouring, agreed: Option<Scale>) -> Self {
        let Colouring { value, palette, reversed, clip, log } = colouring;
        let usable = values.filter(|v| v.is_finite() && (!log || *v > 0.0));
        let (least, most) = usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)));
        let is_any = least <= most;
        let axis = Axis { min: clip.0, max: clip.1, log: *log, ..Axis::default() };
        let scale = agreed.or_else(|| is_any.then(|| Scale::spanning([least, most], &axis)));
        let beyond = scale.map_or((false, false), |scale| (least < scale.lo, most > scale.hi));
        let ends = is_any.then(|| [clip.0.unwrap_or(least), clip.1.unwrap_or(most)]);
        let (palette, reversed, log, label) = (*palette, *reversed, *log, math_label(value));
        Self { palette, reversed, of_lines: false, scale, ends, log, beyond, label }
    }

    /// The same for lines.
    #[must_use]
    pub fn for_lines(self) -> Self {
        Self { of_lines: true, ..self }
    }

    /// The range of the values of all these, if there is a finite one.
    pub fn range_of<'a>(all: impl Iterator<Item = &'a Self>) -> Option<Scale> {
        let (mut values, mut log) = (Vec::new(), false);
        for colours in all {
            values.extend(colours.ends.into_iter().flatten());
            log |= colours.log;
        }
        (!values.is_empty()).then(|| Scale::spanning(values, &Axis { log, ..Axis::default() }))
    }

    /// What they measure and how, as far as panels have to agree on it.
    pub fn shown(&self) -> String {
        let Self { label, palette, reversed, .. } = self;
        format!("{label} in {}{}", palette.name(), if *reversed { ", reversed" } else { "" })
    }

    /// Whether values of another chart lie beyond the range.
    pub fn widen(&mut self, other: &Self) {
        self.beyond = (self.beyond.0 || other.beyond.0, self.beyond.1 || other.beyond.1);
    }

    fn colour(&self, at: f64) -> Colour {
        let at = at.clamp(0.0, 1.0);
        let at = if self.reversed { 1.0 - at } else { at };
        if self.of_lines { self.palette.colour_of_line(at) } else { self.palette.colour(at) }
    }

    /// The paint of a value.
    pub fn paint(&self, value: f64) -> Paint {
        match self.scale {
            _ if value.is_nan() => Paint::NaN,
            _ if value == f64::NEG_INFINITY => Paint::NegInfinite,
            _ if value == f64::INFINITY => Paint::Infinite,
            Some(scale) => Paint::Solid(self.colour(scale.at(value))),
            None => Paint::Missing,
        }
    }

    /// The paint of a cell.
    pub fn paint_cell(&self, cell: Cell) -> Paint {
        match cell {
            Cell::Value(value) => self.paint(value),
            Cell::Diverged => Paint::Diverged,
            Cell::Failed => Paint::Failed,
            Cell::Missing => Paint::Missing,
        }
    }

    /// The width that the bar takes at the right of the axes.
    pub fn margin(&self) -> f64 {
        let Some(scale) = self.scale else { return 0.0 };
        let label = if self.label.is_empty() { 0.0 } else { LABEL + 10.0 };
        GAP + BAR + 9.0 + widest(&scale) + label + 14.0
    }

    /// Draws the bar beside the axes.
    pub fn draw(&self, scene: &mut Scene, frame: &Frame) {
        let Some(scale) = self.scale else { return };
        let (left, right) = (frame.right + GAP, frame.right + GAP + BAR);
        let end = |beyond: bool| if beyond { TIP } else { 0.0 };
        let (top, bottom) = (frame.top + end(self.beyond.1), frame.bottom - end(self.beyond.0));
        let place = |share: f64| bottom + (top - bottom) * share;
        let strips = (0..STEPS).map(|i| {
            let (from, to) = (i as f64 / STEPS as f64, (i + 1) as f64 / STEPS as f64);
            let colour = self.colour((from + to) / 2.0);
            (Rect { left, top: place(to), right, bottom: place(from) }, Paint::Solid(colour))
        });
        scene.marks.push(Mark::Cells(strips.collect()));
        // A pointed end marks values beyond the colours' range.
        let mut edge = vec![(left, top)];
        for (beyond, from, tip, share) in
            [(self.beyond.1, top, frame.top, 1.0), (self.beyond.0, bottom, frame.bottom, 0.0)]
        {
            let point = beyond.then_some(((left + right) / 2.0, tip));
            if let Some(point) = point {
                let points = vec![(left, from), point, (right, from)];
                scene.marks.push(Mark::Polygon { points, colour: self.colour(share), opacity: 1.0 });
            }
            edge.extend(point);
            edge.extend(if share == 1.0 { [(right, top), (right, bottom)] } else { [(left, bottom), (left, top)] });
        }
        scene.marks.push(Mark::Path { points: edge, colour: super::scene::INK, width: 1.0, dash: super::Dash::Solid });
        for tick in scale.ticks(8, false) {
            let at = place(scale.at(tick.value));
            scene.rule((right, at), (right + 5.0, at));
            scene.centred(Text::new(&tick.label), (right + 9.0, at), 0.0, TICK);
        }
        let (text, size) = Text::fitted(&self.label, LABEL, frame.bottom - frame.top);
        scene.upward(text, ((frame.right + self.margin()).round() - 16.0, frame.rect().middle().1), size);
    }
}

fn widest(scale: &Scale) -> f64 {
    scale.ticks(8, false).iter().map(|tick| Text::new(&tick.label).width * TICK).fold(0.0, f64::max)
}

/// The edges of columns or rows around these values: the midpoints between neighbours, and half a step beyond the
/// ends. Returns the distinct values in order, and one edge more than there are of them.
pub fn edges(values: &[f64], log: bool) -> (Vec<f64>, Vec<f64>) {
    let mut places: Vec<f64> = values.iter().map(|v| v + 0.0).filter(|v| v.is_finite() && (!log || *v > 0.0)).collect();
    // Adding 0 above makes −0 and 0 equal.
    places.sort_by(f64::total_cmp);
    places.dedup();
    let way = |v: f64| if log { v.ln() } else { v.clamp(-1e300, 1e300) };
    let back = |v: f64| if log { v.exp().max(f64::MIN_POSITIVE) } else { v };
    let at: Vec<f64> = places.iter().map(|&v| way(v)).collect();
    let mut edges: Vec<f64> = at.windows(2).map(|p| p[0] / 2.0 + p[1] / 2.0).collect();
    if let (Some(&first), Some(&last)) = (at.first(), at.last()) {
        let step = |near: Option<&f64>, end: f64| near.map_or(if log { 0.3 } else { 0.5 }, |edge| (edge - end).abs());
        edges.insert(0, first - step(edges.first(), first));
        edges.push(last + step(edges.get(1..).and_then(|e| e.last()), last));
    }
    (places, edges.into_iter().map(back).collect())
}

/// A side whose range is that of these edges.
pub fn side<'a>(axis: &'a Axis, values: &[f64], edges: &[f64], agreed: Option<Scale>) -> Side<'a> {
    let ends = [edges.first(), edges.last()].into_iter().flatten().copied();
    let scale = agreed.unwrap_or_else(|| Scale::spanning(ends, axis));
    Side { axis, scale, whole: super::chart::whole(values) }
}
