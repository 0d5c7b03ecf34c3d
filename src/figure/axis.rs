//! Axes: the positions of values on the page, and ticks at round numbers.

use super::Axis;
use super::geometry::Rect;
use super::text::math_label;
use serde::Serialize;

/// A range of values laid along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scale {
    /// The value at the left or bottom.
    pub lo: f64,
    /// The value at the right or top; larger than `lo`.
    pub hi: f64,
    /// Whether the scale is logarithmic.
    pub log: bool,
    /// Whether the larger values are at the left or bottom instead, as the rows of a matrix are.
    pub down: bool,
}

/// Where the axes lie on the page, in units of the SVG with y downward.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Frame {
    /// Left edge of the axes.
    pub left: f64,
    /// Upper edge of the axes.
    pub top: f64,
    /// Right edge of the axes.
    pub right: f64,
    /// Lower edge of the axes.
    pub bottom: f64,
    /// The values along x.
    pub x: Scale,
    /// The values along y, from bottom to top.
    pub y: Scale,
}

/// A marked value.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    pub value: f64,
    pub label: String,
}

/// Values are clamped to this, so that differences stay finite.
const HUGE: f64 = 1e300;

impl Scale {
    /// The range of these values, or that given by the axis. A single value, or none, gets room on both sides.
    pub fn spanning(values: impl IntoIterator<Item = f64>, axis: &Axis) -> Self {
        let usable = |v: &f64| v.is_finite() && (!axis.log || *v > 0.0);
        let (mut lo, mut hi) = values
            .into_iter()
            .filter(usable)
            .map(|v| v.clamp(-HUGE, HUGE))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)));
        if lo > hi {
            (lo, hi) = if axis.log { (1.0, 10.0) } else { (0.0, 1.0) };
        }
        let bound = |v: Option<f64>| v.filter(usable).map(|v| v.clamp(-HUGE, HUGE));
        lo = bound(axis.min).unwrap_or(lo);
        hi = bound(axis.max).unwrap_or(hi);
        if lo > hi {
            // One given end lies beyond all the data.
            (lo, hi) = if axis.min.is_some() { (lo, lo) } else { (hi, hi) };
        }
        let size = lo.abs().max(hi.abs());
        if axis.log {
            lo = lo.max(1e-290);
            hi = hi.max(1e-290);
            if hi / lo < 1.0 + 1e-9 {
                (lo, hi) = (lo / 2.0, hi * 2.0);
            }
        } else if hi - lo <= size * 1e-9 || size < 1e-290 {
            let room = if size < 1e-290 { 0.5 } else { size * 0.1 };
            (lo, hi) = (lo - room, hi + room);
        }
        Self { lo, hi, log: axis.log, down: axis.down }
    }

    /// The same with room at both ends, except where the axis gives the end.
    #[must_use]
    pub fn padded(self, share: f64, axis: &Axis) -> Self {
        let value = |at: f64| {
            if self.log { self.lo * (self.hi / self.lo).powf(at) } else { self.lo + at * (self.hi - self.lo) }
        };
        let lo = if axis.min.is_some() { self.lo } else { value(-share) };
        let hi = if axis.max.is_some() { self.hi } else { value(1.0 + share) };
        let fine = lo.is_finite() && hi.is_finite() && lo < hi && (!self.log || lo > 0.0);
        if fine { Self { lo, hi, ..self } } else { self }
    }

    /// The position of a value, 0 at `lo` and 1 at `hi`; NaN if it has none.
    pub fn at(&self, value: f64) -> f64 {
        let at = match self.log {
            true if value <= 0.0 => f64::NAN,
            true => (value.ln() - self.lo.ln()) / (self.hi.ln() - self.lo.ln()),
            false => (value - self.lo) / (self.hi - self.lo),
        };
        if self.down { 1.0 - at } else { at }
    }

    /// The range of both scales.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi), ..self }
    }

    /// At most about `most` round values in the range, in steps of 1, 2 or 5 times a power of ten.
    pub fn ticks(&self, most: usize, whole: bool) -> Vec<Tick> {
        let decades = if self.log { self.hi.log10() - self.lo.log10() } else { 0.0 };
        let mut ticks = if decades >= 1.0 { self.log_ticks(decades, most) } else { self.linear_ticks(most, whole) };
        ticks.retain(|tick| (-1e-6..=1.0 + 1e-6).contains(&self.at(tick.value)));
        ticks
    }

    fn linear_ticks(&self, most: usize, whole: bool) -> Vec<Tick> {
        let rough = (self.hi - self.lo) / most.max(1) as f64;
        let power = rough.log10().floor();
        let unit = 10f64.powf(power);
        let mut step = [1.0, 2.0, 5.0, 10.0].iter().map(|f| f * unit).find(|s| *s >= rough * 0.999).unwrap_or(rough);
        if whole {
            step = step.max(1.0);
        }
        let slack = 1e-6;
        let (first, last) = ((self.lo / step - slack).ceil(), (self.hi / step + slack).floor());
        let size = self.lo.abs().max(self.hi.abs());
        let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
        let tick = |i: usize| {
            let value = (first + i as f64) * step;
            let label = if size < 1e6 && decimals < 6 {
                format!("{:.*}", decimals, if value == 0.0 { 0.0 } else { value })
            } else {
                scientific(value, ((size / step).log10().ceil().max(0.0) as usize).min(12))
            };
            Tick { value, label: label.replace('-', "−") }
        };
        (0..=((last - first).max(-1.0) + 1.0) as usize).take_while(|i| first + *i as f64 <= last).map(tick).collect()
    }

    fn log_ticks(&self, decades: f64, most: usize) -> Vec<Tick> {
        let (first, last) = (self.lo.log10().floor() as i32, self.hi.log10().ceil() as i32);
        let factors: &[f64] = if decades < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let stride = (decades / most.max(1) as f64).ceil().max(1.0) as usize;
        let all = (first..=last).step_by(stride).flat_map(|power| factors.iter().map(move |f| (power, f)));
        all.filter_map(|(power, factor)| {
            let value = format!("{factor}e{power}").parse::<f64>().ok()?;
            Some(Tick { value, label: power_label(value, power, *factor) })
        })
        .collect()
    }
}

/// The label of `factor` times a power of ten.
fn power_label(value: f64, power: i32, factor: f64) -> String {
    if (-3..=4).contains(&power) {
        super::number::plain(value)
    } else if factor == 1.0 {
        format!("10^{{{power}}}").replace('-', "−")
    } else {
        scientific(value, 0)
    }
}

/// The label of any value.
fn value_label(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-3..1e6).contains(&size) => super::number::pretty(value),
        size if size.log10().fract() == 0.0 && value > 0.0 => power_label(value, size.log10() as i32, 1.0),
        _ => scientific(value, 4),
    }
}

/// 2.5×10⁷ in a label's markup, without trailing zeros.
fn scientific(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let text = format!("{value:.digits$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format!("{mantissa}×10^{{{power}}}").replace('-', "−")
}

impl Axis {
    /// The ticks that it asks for: one for every word, or at the values that were given. `None` leaves them to the scale.
    pub fn own_ticks(&self, scale: &Scale) -> Option<Vec<Tick>> {
        let words = || self.words.iter().enumerate().map(|(i, word)| Tick { value: i as f64, label: word.clone() });
        let given = |values: &Vec<f64>| values.iter().map(|&value| Tick { value, label: value_label(value) }).collect();
        let mut ticks: Vec<Tick> =
            if self.words.is_empty() { self.ticks.as_ref().map(given)? } else { words().collect() };
        ticks.retain(|tick| (-1e-6..=1.0 + 1e-6).contains(&scale.at(tick.value)));
        Some(ticks)
    }

    /// What is read at a place of the axis: the word there, or the number.
    pub fn reading(&self, value: f64) -> String {
        let word = || self.words.get(value.round() as usize).filter(|_| value >= 0.0);
        if value.is_finite() {
            word().cloned().unwrap_or_else(|| super::number::plain(value))
        } else {
            super::number::plain(value)
        }
    }

    /// The name of its column in the CSV.
    pub fn column(&self, otherwise: &str) -> String {
        super::csv::name(&self.name, otherwise)
    }

    /// The label to draw.
    pub fn shown(&self) -> String {
        self.label.clone().unwrap_or_else(|| math_label(&self.name))
    }
}

impl Frame {
    /// The position of x on the page; far outside rather than infinite.
    pub fn px(&self, x: f64) -> f64 {
        self.left + (self.x.at(x) * (self.right - self.left)).clamp(-1e5, 1e5)
    }

    /// The position of y on the page; far outside rather than infinite.
    pub fn py(&self, y: f64) -> f64 {
        self.bottom - (self.y.at(y) * (self.bottom - self.top)).clamp(-1e5, 1e5)
    }

    pub fn rect(&self) -> Rect {
        Rect { left: self.left, top: self.top, right: self.right, bottom: self.bottom }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(lo: f64, hi: f64, log: bool) -> Vec<String> {
        Scale { lo, hi, log, down: false }.ticks(8, false).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(0.1, 4.0, false), ["0.5", "1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"]);
        assert_eq!(labels(-19.1, -6.45, false), ["−18", "−16", "−14", "−12", "−10", "−8"]);
        assert_eq!(labels(0.0, 2e7, false)[1], "5×10^{6}");
        assert_eq!(labels(1.0, 1e6, true)[1], "10");
        assert_eq!(labels(1e-9, 1e-5, true)[0], "10^{−9}");
        assert_eq!(labels(-1.0, 1.0, false)[1], "−0.5");
    }

    #[test]
    fn any_values_make_a_range() {
        let odd = [f64::NAN, f64::INFINITY, 0.0, -0.0, 5e-324, f64::MAX, f64::MIN, 1e16, 1.0, -1.0];
        for log in [false, true] {
            for (a, b) in odd.iter().flat_map(|a| odd.iter().map(move |b| (*a, *b))) {
                for (min, max) in [(None, None), (Some(b), None), (None, Some(a)), (Some(a), Some(b))] {
                    let axis = Axis { log, min, max, ..Axis::default() };
                    let scale = Scale::spanning([a, b], &axis).padded(0.04, &axis);
                    assert!(scale.lo < scale.hi && (scale.hi - scale.lo).is_finite(), "{a} {b} {scale:?}");
                    let ticks = scale.ticks(8, false);
                    assert!(ticks.len() < 20 && ticks.iter().all(|t| scale.at(t.value).is_finite()), "{scale:?}");
                }
            }
        }
    }
}
