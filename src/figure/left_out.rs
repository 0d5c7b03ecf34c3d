//! What a figure does not show of its data, in words: a value without a place on its axes, a letter that the font lacks.

use super::curves::Ground;
use super::font::Letter;
use super::{Axis, Bars, Figure, Heatmap, Histogram, Images, Kind, Lines, Scatter, Series, fallback};
use crate::Result;

impl Figure {
    /// What is not drawn of its data, a sentence for each kind of it, with counts.
    ///
    /// # Errors
    /// As [`Figure::svg`].
    pub fn left_out(&self) -> Result<Vec<String>> {
        let mut sentences = self.kind.left_out();
        sentences.extend(self.letters_apart()?);
        Ok(sentences)
    }

    /// What of its letters PNG and PDF show in another way than the SVG.
    fn letters_apart(&self) -> Result<impl Iterator<Item = String> + use<>> {
        let letters = self.scene()?.letters();
        let named = |is_named: fn(char) -> bool| {
            let named = letters.iter().filter(|&&letter| is_named(letter));
            let named: Vec<String> = named.map(|&letter| format!("\"{letter}\" (U+{:04X})", letter as u32)).collect();
            (!named.is_empty()).then(|| named.join(", "))
        };
        let unknown = named(|letter| matches!(Letter::of(letter), Letter::Unknown)).map(|letters| {
            format!(
                "no font here has {letters}: PNG and PDF show a box, the SVG the viewer's own letter; a font that has it, such as \
                 Noto, is found where it is installed"
            )
        });
        let joined = named(|letter| fallback::joins(letter) && matches!(Letter::of(letter), Letter::Found(_)));
        let joined = joined.map(|letters| {
            format!("{letters}: PNG and PDF draw letters of this writing one by one, unjoined; the SVG joins them")
        });
        Ok(unknown.into_iter().chain(joined))
    }
}

/// Counts of values that are not drawn.
#[derive(Default)]
struct Counts {
    all: usize,
    nan: usize,
    /// NaN, since a training diverged.
    diverged: usize,
    below: usize,
    above: usize,
    /// Not positive, on a logarithmic axis.
    not_positive: usize,
}

impl Counts {
    fn add(&mut self, value: f64, is_log: bool, shows_infinity: bool) {
        self.all += 1;
        match value {
            v if v.is_nan() => self.nan += 1,
            v if is_log && v <= 0.0 => self.not_positive += 1,
            f64::NEG_INFINITY => self.below += 1,
            f64::INFINITY if !shows_infinity => self.above += 1,
            _ => {}
        }
    }

    /// Sentences about these values, which lie on an axis of this name.
    fn sentences(&self, what: &str, name: &str, shown: Shown) -> Vec<String> {
        let all = self.all;
        let shown = shown.words();
        let kinds =
            [(self.nan, "NaN"), (self.diverged, "of diverged trainings"), (self.below, "−∞"), (self.above, "+∞")];
        let odd = kinds
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, kind)| format!("{n} of {all} {what} of {name} {} {kind} and {shown}", are(n)));
        let on_log = (self.not_positive > 0).then(|| {
            let n = self.not_positive;
            let are = are(n);
            format!(
                "{n} of {all} {what} of {name} {are} at or below 0, where a logarithmic axis has no place, and {are} {shown}"
            )
        });
        odd.chain(on_log).collect()
    }
}

/// What becomes of values without a place.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Not,
    Marked,
}

impl Shown {
    fn words(self) -> &'static str {
        match self {
            Self::Not => "not drawn",
            Self::Marked => "marked at the edge of the axes",
        }
    }
}

fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

fn counted(values: impl Iterator<Item = f64>, is_log: bool, shows_infinity: bool) -> Counts {
    let mut counts = Counts::default();
    values.for_each(|value| counts.add(value, is_log, shows_infinity));
    counts
}

/// The same; those in `diverged`, by their numbers, are NaN since a training diverged.
fn counted_trained(values: &[f64], diverged: &[usize], is_log: bool, shows_infinity: bool) -> Counts {
    let mut counts = counted(values.iter().copied(), is_log, shows_infinity);
    counts.diverged = diverged.iter().filter(|&&i| values.get(i).is_some_and(|value| value.is_nan())).count();
    counts.nan = counts.nan.saturating_sub(counts.diverged);
    counts
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            all: a.all + b.all,
            nan: a.nan + b.nan,
            diverged: a.diverged + b.diverged,
            below: a.below + b.below,
            above: a.above + b.above,
            not_positive: a.not_positive + b.not_positive,
        })
    }
}

fn name<'a>(axis: &'a Axis, otherwise: &'a str) -> &'a str {
    if axis.name.is_empty() { otherwise } else { &axis.name }
}

/// What curves do not show. Over colours, +∞ runs out at the top.
fn curves(series: &[Series], (x, y): (&Axis, &Axis), ground: Ground) -> Vec<String> {
    let xs = counted(series.iter().flat_map(|s| s.x.iter().copied()), x.log, false);
    let ys = series.iter().map(|s| counted_trained(&s.y, &s.diverged, y.log, ground == Ground::Colours));
    let ys: Counts = ys.sum();
    let of_lines = if ground == Ground::Paper { "values" } else { "values of the lines" };
    [xs.sentences("positions", name(x, "x"), Shown::Not), ys.sentences(of_lines, name(y, "y"), Shown::Marked)].concat()
}

/// What an axis does not show of these positions.
fn positions(values: &[f64], what: &str, axis: &Axis, otherwise: &str) -> Vec<String> {
    counted(values.iter().copied(), axis.log, false).sentences(what, name(axis, otherwise), Shown::Not)
}

impl Kind {
    fn left_out(&self) -> Vec<String> {
        match self {
            Self::Heatmap(Heatmap { x, y, xs, ys, lines, .. }) => [
                positions(xs, "columns", x, "x"),
                positions(ys, "rows", y, "y"),
                curves(lines, (x, y), Ground::Colours),
            ]
            .concat(),
            Self::Lines(Lines { x, y, series, .. }) => curves(series, (x, y), Ground::Paper),
            Self::Bars(Bars { x, y, xs, heights, diverged, lines, .. }) => {
                let heights = counted_trained(heights, diverged, y.log, false);
                let heights = heights.sentences("heights", name(y, "y"), Shown::Marked);
                [positions(xs, "positions", x, "x"), heights, curves(lines, (x, y), Ground::Colours)].concat()
            }
            Self::Scatter(Scatter { x, y, xs, ys, lines, .. }) => {
                [positions(xs, "values", x, "x"), positions(ys, "values", y, "y"), curves(lines, (x, y), Ground::Paper)]
                    .concat()
            }
            Self::Histogram(Histogram { x, y, values, lines, .. }) => {
                [positions(values, "values", x, "value"), curves(lines, (x, y), Ground::Paper)].concat()
            }
            Self::Images(images) => images.left_out(),
            Self::Panels(panels) => panels.figures().flat_map(|figure| figure.kind.left_out()).collect(),
        }
    }
}

impl Images {
    fn left_out(&self) -> Vec<String> {
        let pixels = || self.images.iter().flat_map(|image| &image.pixels);
        let nan = pixels().filter(|pixel| pixel.is_nan()).count();
        let infinite = pixels().filter(|pixel| pixel.is_infinite()).count();
        let all = pixels().count();
        let sentence =
            |n: usize, what: &str| (n > 0).then(|| format!("{n} of {all} numbers of pixels {} {what}", are(n)));
        let nan = sentence(nan, "NaN, and drawn in magenta");
        nan.into_iter().chain(sentence(infinite, "infinite, and drawn as black or white")).collect()
    }
}
