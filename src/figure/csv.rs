//! Figures as tables, for those who draw their own: tidy, every digit kept.

use super::number::plain;
use super::{Bars, Figure, Heatmap, Images, Kind, Lines, Series};
use crate::{Error, Result};

/// The table behind a figure; its columns are described at [`Figure::csv`].
pub fn write(figure: &Figure) -> Result<String> {
    let rows = match &figure.kind {
        Kind::Heatmap(heatmap) => heatmap_rows(heatmap),
        Kind::Lines(lines) => lines_rows(lines),
        Kind::Bars(bars) => bars_rows(bars),
        Kind::Images(images) => images_rows(images)?,
    };
    let failed = |error: &dyn std::fmt::Display| Error::new(format!("cannot write this figure as CSV: {error}"));
    let mut table = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        table.write_record(&row).map_err(|error| failed(&error))?;
    }
    let bytes = table.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

type Row = Vec<String>;

fn name(given: &str, otherwise: &str) -> String {
    if given.is_empty() { otherwise.into() } else { given.into() }
}

fn heatmap_rows(map: &Heatmap) -> Vec<Row> {
    let text = |words: [&str; 5]| words.map(str::to_string).to_vec();
    let (x, y) = (name(&map.x.name, "x"), name(&map.y.name, "y"));
    let series = name(&map.value, "value");
    let mut rows = vec![text(["series", &x, &y, "value", "status"])];
    for (ix, x) in map.xs.iter().enumerate() {
        for (iy, y) in map.ys.iter().enumerate() {
            let (value, status) = map.cell(ix, iy).record();
            rows.push(text([&series, &plain(*x), &plain(*y), &value, status]));
        }
    }
    for (line, x, y) in points(&map.lines) {
        rows.push(text([line, &x, &y, "", "line"]));
    }
    rows
}

fn points(series: &[Series]) -> impl Iterator<Item = (&str, String, String)> {
    series.iter().flat_map(|s| s.x.iter().zip(&s.y).map(|(x, y)| (s.label.as_str(), plain(*x), plain(*y))))
}

fn lines_rows(lines: &Lines) -> Vec<Row> {
    let banded = lines.series.iter().any(|s| s.band.is_some());
    let mut head = vec!["series".into(), name(&lines.x.name, "x"), name(&lines.y.name, "y")];
    if banded {
        head.extend(["lo".into(), "hi".into()]);
    }
    let mut rows = vec![head];
    for series in &lines.series {
        for (i, (x, y)) in series.x.iter().zip(&series.y).enumerate() {
            let mut row = vec![series.label.clone(), plain(*x), plain(*y)];
            if banded {
                let ends = series.band.as_ref().map_or([None; 2], |band| [band.lo.get(i), band.hi.get(i)]);
                row.extend(ends.map(|end| end.map_or(String::new(), |v| plain(*v))));
            }
            rows.push(row);
        }
    }
    rows
}

fn bars_rows(bars: &Bars) -> Vec<Row> {
    let coloured = !bars.values.is_empty();
    let mut head = vec!["series".into(), name(&bars.x.name, "x"), name(&bars.y.name, "y")];
    head.extend(coloured.then(|| name(&bars.value, "value")));
    let mut rows = vec![head];
    for (i, (x, height)) in bars.xs.iter().zip(&bars.heights).enumerate() {
        let mut row = vec!["bars".into(), plain(*x), plain(*height)];
        row.extend(coloured.then(|| bars.values.get(i).map_or(String::new(), |v| plain(*v))));
        rows.push(row);
    }
    for (line, x, y) in points(&bars.lines) {
        let mut row = vec![line.to_string(), x, y];
        row.extend(coloured.then(String::new));
        rows.push(row);
    }
    rows
}

fn images_rows(sheet: &Images) -> Result<Vec<Row>> {
    let sizes = sheet.images.iter().map(super::Image::size).collect::<Result<Vec<_>>>()?;
    let widest = sizes.iter().map(|(_, height, width)| height * width).max().unwrap_or(0);
    let mut head: Row = ["image", "label", "channel", "height", "width"].map(str::to_string).to_vec();
    head.extend((0..widest).map(|pixel| pixel.to_string()));
    let mut rows = vec![head];
    for (i, (image, (channels, height, width))) in sheet.images.iter().zip(sizes).enumerate() {
        for channel in 0..channels {
            let size = [i, channel, height, width].map(|n| n.to_string());
            let [i, channel, h, w] = size;
            let mut row = vec![i, image.label.clone(), channel.clone(), h, w];
            let area = height * width;
            let from = channel.parse::<usize>().unwrap_or(0) * area;
            row.extend(image.pixels[from..from + area].iter().map(|v| pixel(*v)));
            row.resize(5 + widest, String::new());
            rows.push(row);
        }
    }
    Ok(rows)
}

/// A pixel in f32's own few digits, −∞ and NaN as elsewhere.
fn pixel(value: f32) -> String {
    if value.is_finite() { value.to_string() } else { plain(f64::from(value)) }
}
