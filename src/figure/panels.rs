//! Several figures on one page: panels side by side, whose frames line up.

use serde::{Deserialize, Serialize};

use super::axis::Frame;
use super::chart::{Agreed, Beside, Chart, head, size};
use super::colourbar::Colours;
use super::csv::Row;
use super::legend::LegendEntry;
use super::regions::{Part, Shape};
use super::scene::{Panel, Scene, TITLE};
use super::{Axis, Drawing, Figure, Scale, chart};
use crate::{Error, Result};

/// Figures in rows, which may differ in length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Panels {
    /// The figures, row by row. Each has its title, axes and notes; its size is the page's matter.
    pub rows: Vec<Vec<Figure>>,
    /// What they have in common.
    pub share: Share,
    /// Whether they are called (a), (b), …
    pub letters: bool,
}

/// What the panels of a page have in common.
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that panels share or do not")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Share {
    /// The range of the axis to the right, labelled under the lowest panels alone.
    pub x: bool,
    /// The range of the axis upward, labelled at the first panels alone.
    pub y: bool,
    /// The colours, with one colour bar.
    pub colour: bool,
    /// The legend.
    pub legend: bool,
}

/// The size of a panel's title.
const SMALL_TITLE: f64 = 18.0;
/// The width of a page, and the least width of a panel on it.
const WIDTH: f64 = 1000.0;
const NARROWEST: f64 = 380.0;
const LEAST: f64 = 40.0;
const MARGIN: f64 = 14.0;

/// A panel to be drawn: its figure, its chart, and where it stands.
struct Place<'a> {
    figure: &'a Figure,
    chart: Chart<'a>,
    title: String,
    row: usize,
    column: usize,
    beside: Beside,
}

impl Panels {
    /// The figures in their order.
    pub(super) fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.rows.iter().flatten()
    }

    /// The figures in their order.
    pub(super) fn figures_mut(&mut self) -> impl Iterator<Item = &mut Figure> {
        self.rows.iter_mut().flatten()
    }

    fn charts(&self, agreed: &Agreed) -> Result<Vec<Chart<'_>>> {
        let with_notes = |figure: &Figure| Agreed { shown: Agreed::of(&figure.notes).shown, ..agreed.clone() };
        self.figures().map(|figure| figure.kind.drawing().chart(&with_notes(figure))).collect()
    }

    /// The scales that the panels share, and the colours.
    fn agreed(&self) -> Result<(Agreed, Option<Colours>)> {
        if !(self.share.x || self.share.y || self.share.colour) {
            return Ok((Agreed::default(), None));
        }
        let charts = self.charts(&Agreed::default())?;
        let both = |all: Vec<Scale>| all.into_iter().reduce(Scale::with);
        let mut agreed = Agreed::default();
        if self.share.x {
            same("x", "axis to the right", charts.iter().map(|chart| named(chart.x.axis)))?;
            agreed.x = both(charts.iter().map(|chart| chart.x.scale).collect());
        }
        if self.share.y {
            same("y", "axis upward", charts.iter().map(|chart| named(chart.y.axis)))?;
            agreed.y = both(charts.iter().map(|chart| chart.y.scale).collect());
        }
        if !self.share.colour {
            return Ok((agreed, None));
        }
        let with_colours = || charts.iter().filter_map(|chart| chart.colours.as_ref());
        same("colour", "colours", with_colours().map(Colours::shown))?;
        agreed.colour = Colours::range_of(with_colours());
        let charts = self.charts(&agreed)?;
        let bar = charts.into_iter().filter_map(|chart| chart.colours).reduce(|mut bar, other| {
            bar.widen(&other);
            bar
        });
        Ok((agreed, bar))
    }

    fn places(&self, agreed: &Agreed) -> Result<Vec<Place<'_>>> {
        let at =
            self.rows.iter().enumerate().flat_map(|(row, figures)| (0..figures.len()).map(move |column| (row, column)));
        let mut places = Vec::new();
        for (n, ((figure, chart), (row, column))) in self.figures().zip(self.charts(agreed)?).zip(at).enumerate() {
            let letter = if self.letters { format!("({})", letter(n)) } else { String::new() };
            let title = [letter.as_str(), figure.title.trim()].join(" ").trim().to_owned();
            let is_lowest = self.rows.get(row + 1).is_none_or(|below| below.len() <= column);
            let beside =
                Beside { x: !self.share.x || is_lowest, y: !self.share.y || column == 0, bar: !self.share.colour };
            places.push(Place { figure, chart, title, row, column, beside });
        }
        Ok(places)
    }
}

/// What an axis shows and how, as far as panels have to agree on it.
fn named(axis: &Axis) -> String {
    let how = [(axis.log, "logarithmic"), (axis.down, "downward")];
    let how = how.into_iter().filter(|(is, _)| *is).map(|(_, how)| how.to_owned());
    let how: Vec<String> = axis.words.iter().cloned().chain(how).collect();
    if how.is_empty() { axis.shown() } else { format!("{} ({})", axis.shown(), how.join(", ")) }
}

/// Refuses panels that share what differs.
fn same(option: &str, what: &str, names: impl Iterator<Item = String>) -> Result<()> {
    let mut names = names;
    let Some(first) = names.next() else { return Ok(()) };
    match names.find(|other| *other != first) {
        None => Ok(()),
        Some(other) => Err(Error::new(format!(
            "the panels share \"{option}\", but the {what} of one shows \"{first}\" and of another \"{other}\""
        ))
        .hint("leave it out of `share`, or give both the same name")),
    }
}

/// a, b, …, z, aa, ab, …
fn letter(n: usize) -> String {
    let last = char::from(b'a' + (n % 26) as u8).to_string();
    if n < 26 { last } else { format!("{}{last}", letter(n / 26 - 1)) }
}

/// What stands around the frames of a row or of a column.
#[derive(Debug, Clone, Copy, Default)]
struct Around {
    before: f64,
    after: f64,
}

impl Around {
    fn widen(&mut self, before: f64, after: f64) {
        (self.before, self.after) = (self.before.max(before), self.after.max(after));
    }
}

/// Where frames begin, and how large each is, in `room`; they are at least [`LEAST`] large.
fn spread(around: &[Around], from: f64, room: f64) -> (Vec<f64>, f64) {
    let taken: f64 = around.iter().map(|around| around.before + around.after).sum();
    let each = ((room - taken) / around.len().max(1) as f64).floor().max(LEAST);
    let mut at = from;
    let starts = around.iter().map(|around| {
        let start = (at + around.before).round() + 0.5;
        at = start + each + around.after;
        start
    });
    (starts.collect(), each)
}

impl Drawing for Panels {
    fn chart(&self, _: &Agreed) -> Result<Chart<'_>> {
        Err(Error::new("panels cannot be a panel").hint("give all figures in one array of rows"))
    }

    fn scene(&self, figure: &Figure) -> Result<Scene> {
        let (agreed, bar) = self.agreed()?;
        let mut places = self.places(&agreed)?;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let usual = WIDTH.max(NARROWEST * columns as f64).min(if columns == 1 { chart::WIDTH } else { f64::INFINITY });
        let look = &figure.look;
        let usual_height = usual / columns.max(1) as f64 * 0.74 * self.rows.len() as f64 + 60.0;
        let (width, height) = size(look, usual, usual_height);
        let mut scene = Scene::new(width, height);
        scene.size = look.size;

        let bar_width = bar.as_ref().map_or(0.0, Colours::margin);
        let legend = self.shared_legend(&mut places, look.without_legend);
        let end = width - MARGIN;
        let top = MARGIN + head(&mut scene, (&figure.title, TITLE), &legend, (MARGIN + 2.0, MARGIN, end, end));

        let mut across = vec![Around::default(); columns];
        for Place { chart, column, beside, .. } in &places {
            across[*column].widen(chart.left(*beside), chart.right(*beside).max(12.0));
        }
        let (lefts, wide) = spread(&across, 0.0, width - bar_width - 12.0);
        let mut down = vec![Around::default(); self.rows.len()];
        for Place { chart, column, row, beside, title, .. } in &places {
            let (left, right) = (lefts[*column], lefts[*column] + wide);
            let above = head(&mut Scene::new(1.0, 1.0), (title, SMALL_TITLE), &chart.legend, (left, 0.0, right, right));
            down[*row].widen(above + 8.0, chart.below(*beside));
        }
        let (tops, tall) = spread(&down, top, height - top - 4.0);
        scene.height =
            height.max(tops.last().map_or(height, |last| last + tall) + down.last().map_or(0.0, |d| d.after));
        scene.width = width.max(
            lefts.last().map_or(0.0, |last| last + wide) + across.last().map_or(0.0, |last| last.after) + bar_width,
        );
        let mut corner: Option<Frame> = None;
        for Place { figure, mut chart, title, row, column, beside } in places {
            let (left, top, mut right, mut bottom) = (lefts[column], tops[row], lefts[column] + wide, tops[row] + tall);
            if let Some(aspect) = figure.look.aspect {
                right = right.min(left + tall / aspect);
                bottom = bottom.min(top + wide * aspect);
            }
            let (x, y) = (chart.x.scale, chart.y.scale);
            let frame = Frame { left, top, right, bottom, x, y };
            let legend = std::mem::take(&mut chart.legend);
            let title = (title.as_str(), SMALL_TITLE);
            // As wide as it was measured above, whatever the frame's shape.
            let end = left + wide;
            let above = head(&mut Scene::new(1.0, 1.0), title, &legend, (left, 0.0, end, end));
            head(&mut scene, title, &legend, (left, top - above, end, end));
            chart.draw(&mut scene, frame, &figure.notes, beside);
            corner = Some(corner.map_or(frame, |corner| Frame {
                top: corner.top.min(top),
                right: corner.right.max(right),
                bottom: corner.bottom.max(bottom),
                ..corner
            }));
        }
        if let (Some(bar), Some(frame)) = (bar, corner) {
            bar.draw(&mut scene, &frame);
        }
        Ok(scene)
    }

    fn parts(&self, shapes: Vec<Shape>, panels: &[Panel]) -> Vec<Part> {
        let mut shapes = shapes.into_iter();
        let mut parts = Vec::new();
        for (n, (figure, panel)) in self.figures().zip(panels).enumerate() {
            let own: Vec<Shape> = shapes.by_ref().take(panel.shapes).collect();
            let own = figure.kind.drawing().parts(own, &[]);
            parts.extend(own.into_iter().map(|part| Part { panel: n, ..part }));
        }
        parts
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let tables = self.figures().map(|figure| figure.kind.drawing().rows()).collect::<Result<Vec<_>>>()?;
        let mut head: Row = vec!["panel".into()];
        for column in tables.iter().filter_map(|table| table.first()).flatten() {
            if !head.contains(column) {
                head.push(column.clone());
            }
        }
        let mut rows = vec![head.clone()];
        for (n, table) in tables.iter().enumerate() {
            let Some((columns, records)) = table.split_first() else { continue };
            let places: Vec<usize> =
                columns.iter().map(|name| head.iter().position(|known| known == name).unwrap_or(0)).collect();
            for record in records {
                let mut row = vec![String::new(); head.len()];
                row[0] = letter(n);
                places.iter().zip(record).for_each(|(&at, cell)| row[at].clone_from(cell));
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

impl Panels {
    /// The legend of the page. The panels keep theirs, unless they share it.
    fn shared_legend(&self, places: &mut [Place], is_without: bool) -> Vec<LegendEntry> {
        let mut shared: Vec<LegendEntry> = Vec::new();
        for Place { chart, figure, .. } in places {
            if is_without || figure.look.without_legend {
                chart.legend.clear();
            } else if self.share.legend {
                for entry in std::mem::take(&mut chart.legend) {
                    match shared.iter_mut().find(|known| {
                        known.label == entry.label && known.key.without_band() == entry.key.without_band()
                    }) {
                        // A curve has a band in some panels only.
                        Some(known) if known.key == known.key.without_band() => known.key = entry.key,
                        Some(_) => {}
                        None => shared.push(entry),
                    }
                }
            }
        }
        shared
    }
}
