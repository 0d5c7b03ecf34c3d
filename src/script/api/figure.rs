//! Figures: heatmaps, lines, pictures. A figure is filled in and drawn when the script is done.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use crate::Error;
use crate::figure::{Contrast, Palette};
use crate::script::later::Curve;
use crate::script::options::{Options, Spec, nearest};
use crate::script::plot::{Label, Pictures, Plot, PlotKind, Rightward, Sheet, Upward, places};
use crate::script::session::{Native, Session};
use crate::script::shown::{Shown, output_path};
use crate::script::table::{Row, Table};

const PLOT_KEYS: &[(&str, &str)] = &[
    ("x", "the sweep's axis to the right; of curves without a sweep, \"depth\""),
    ("y", "\"depth\" where values are curves, else a second axis of the sweep; of lines, the values' name"),
    ("title", "shown above"),
    ("value", "what the colours measure (\"entropy\")"),
    ("palette", "\"spectral\" or \"viridis\" (\"spectral\")"),
    ("clip", "[low, high]: where the colours begin and end, () for the data's own"),
];
const HEATMAP: Spec = Spec { function: "heatmap", keys: PLOT_KEYS };
const LINES: Spec = Spec {
    function: "lines",
    keys: &[
        ("x", "the sweep's axis to the right; \"depth\" where values are curves"),
        ("y", "the values' name"),
        ("title", "shown above"),
        ("over", "an axis, such as \"seed\": its mean is drawn, with a band from least to greatest"),
        ("log_x", "a logarithmic axis to the right (false)"),
        ("log_y", "a logarithmic axis upward (false)"),
    ],
};
const IMAGES: Spec = Spec {
    function: "images",
    keys: &[
        ("columns", "pictures per row"),
        ("labels", "\"depth\", \"sample\" or \"channel\" under every picture, or \"none\""),
        ("title", "shown above"),
        ("range", "[black, white] for all pictures (photographs [0, 1]; others each its own, as with [(), ()])"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[HEATMAP, LINES, IMAGES];

/// The axes but these have to be fixed or averaged: two values for one place cannot both be shown.
fn only_axes(table: &Table, shown: &[usize]) -> Result<(), Error> {
    match table.axes.iter().enumerate().find(|(i, axis)| !shown.contains(i) && axis.values.len() > 1) {
        None => Ok(()),
        Some((_, axis)) => Err(Error::new(format!("the table also varies over \"{}\"", axis.name)).hint(format!(
            "take its mean, `.mean_over(\"{0}\")`, or one value of it, `.where(|p| p.{0} == …)`",
            axis.name
        ))),
    }
}

fn holds_curves(table: &Table) -> bool {
    table.rows.iter().any(|row| row.value.as_ref().is_ok_and(Dynamic::is::<Curve>))
}

/// The one column of a figure's table.
fn single(table: &Table) -> Result<(), Error> {
    let (columns, _) = table.columns();
    if columns.len() == 1 {
        return Ok(());
    }
    Err(Error::new(format!("the table has the columns {}", columns.join(", "))).hint("choose one: `.column(\"…\")`"))
}

fn axis_option(options: &Options<'_>, key: &str, table: &Table) -> Result<Option<usize>, Error> {
    options.text(key)?.map(|name| table.axis(&name)).transpose()
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Plot>("Figure")
        .register_type_with_name::<Pictures>("Pictures")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// Colour over two axes: one of the sweep's to the right, and upward the depth of its curves or a second axis.
    ///
    /// ```
    /// let sweep = sweep([axis("weight_var", [1, 2]), axis("bias_var", [0.05, 0.1])]);
    /// let xi = sweep.map(|p| mean_field("tanh", p).xi_c);
    /// heatmap(xi, #{ x: "weight_var", y: "bias_var", value: "xi_c", palette: "viridis" }).save("xi.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn heatmap(table: Table, options: Map) -> Native<Plot> {
        let options = HEATMAP.read(&options)?;
        single(&table)?;
        let x = axis_option(&options, "x", &table)?.unwrap_or(0);
        let curves = holds_curves(&table);
        let y = match options.text("y")?.as_deref() {
            None | Some("depth") if curves => Upward::Depth,
            None if table.axes.len() == 2 => Upward::Axis(1 - x),
            None => return Err(Error::new("`heatmap` needs `y`, the axis upward").into()),
            Some(name) if curves => {
                return Err(
                    Error::new(format!("the values are curves over depth, so y is \"depth\", not \"{name}\"")).into()
                );
            }
            Some(name) => Upward::Axis(table.axis(name)?),
        };
        only_axes(
            &table,
            &match y {
                Upward::Depth => vec![x],
                Upward::Axis(y) => vec![x, y],
            },
        )?;
        places(&table, x)?;
        let palette = options.text("palette")?.map(|name| Palette::named(&name)).transpose()?.unwrap_or_default();
        let kind = PlotKind::Heatmap {
            x,
            y,
            value: options.text("value")?.unwrap_or_else(|| "entropy".to_owned()),
            palette,
            clip: options.range("clip")?.unwrap_or_default(),
            table,
        };
        Ok(Plot { kind, title: options.text("title")?.unwrap_or_default(), lines: Vec::new() })
    }

    /// Curves over depth, one per point of the sweep, or numbers over one of its axes.
    #[rhai_fn(name = "lines", return_raw)]
    pub fn lines_of_table(table: Table, options: Map) -> Native<Plot> {
        let options = LINES.read(&options)?;
        single(&table)?;
        let x = match options.text("x")?.as_deref() {
            None | Some("depth") if holds_curves(&table) => Rightward::Depth,
            None => Rightward::Axis(0),
            Some(name) => Rightward::Axis(table.axis(name)?),
        };
        let over = axis_option(&options, "over", &table)?;
        let log = (options.flag("log_x")?.unwrap_or(false), options.flag("log_y")?.unwrap_or(false));
        let y = options.text("y")?.unwrap_or_else(|| "value".to_owned());
        let title = options.text("title")?.unwrap_or_default();
        Ok(Plot { kind: PlotKind::Lines { table, x, y, over, log }, title, lines: Vec::new() })
    }

    /// One curve over depth, of a measure per sample with a band from the lower to the upper quartile.
    #[rhai_fn(name = "lines", return_raw)]
    pub fn lines_of_curve(curve: Curve, options: Map) -> Native<Plot> {
        let row = Row { point: Vec::new(), value: Ok(Dynamic::from(curve)) };
        lines_of_table(Table { axes: Vec::new().into(), rows: vec![row].into() }, options)
    }

    /// Pictures in a grid: samples of a data set, reconstructions, tensors ([height, width], [channels, height, width] or
    /// [pictures, channels, height, width]), or a list of them.
    ///
    /// ```
    /// images(dataset("glyphs").test.take(20)).save("glyphs.png");
    /// images(uniform([4, 1, 28, 28], 0), #{ columns: 4 }).save("noise.png");
    /// ```
    #[rhai_fn(name = "images", return_raw)]
    pub fn images_plain(pictures: Dynamic) -> Native<Plot> {
        images_of(pictures, Map::new())
    }

    /// The same with options.
    #[rhai_fn(name = "images", return_raw)]
    pub fn images_of(pictures: Dynamic, options: Map) -> Native<Plot> {
        let options = IMAGES.read(&options)?;
        let list = match pictures.read_lock::<Array>() {
            Some(array) => array.to_vec(),
            None => vec![pictures.clone()],
        };
        let sheets = list.into_iter().map(Sheet::of).collect::<Result<Vec<_>, Error>>()?;
        let label = match options.text("labels")?.as_deref() {
            Some("depth") => Label::Depth,
            Some("sample" | "channel") => Label::Sample,
            None | Some("none") => Label::None,
            Some(other) => {
                let error =
                    Error::new(format!("`labels` is \"depth\", \"sample\", \"channel\" or \"none\", got \"{other}\""));
                return Err(match nearest(other, ["depth", "sample", "channel", "none"]) {
                    Some(near) => error.hint(format!("did you mean \"{near}\"?")),
                    None => error,
                }
                .into());
            }
        };
        let contrast = match options.range("range")? {
            Some((Some(low), Some(high))) => Contrast::Range(low as f32, high as f32),
            // Photographs keep their own brightness unless the script says otherwise.
            None if sheets.iter().all(Sheet::is_photographs) && !sheets.is_empty() => Contrast::Range(0.0, 1.0),
            _ => Contrast::Each,
        };
        let columns = options.count("columns")?.unwrap_or(0);
        let kind = PlotKind::Images { sheets, columns, label, contrast };
        Ok(Plot { kind, title: options.text("title")?.unwrap_or_default(), lines: Vec::new() })
    }

    /// Draws a line over a heatmap or beside other lines: a table of numbers over the same axis.
    #[rhai_fn(name = "line", return_raw)]
    pub fn line(figure: Plot, table: Table, label: &str) -> Native<Plot> {
        single(&table)?;
        if matches!(figure.kind, PlotKind::Images { .. }) {
            return Err(Error::new("a sheet of pictures has no axes for a line").into());
        }
        let axis = table.axis(&figure.x_name())?;
        only_axes(&table, &[axis])?;
        let mut lines = figure.lines;
        lines.push((table, label.to_owned()));
        Ok(Plot { lines, ..figure })
    }

    /// Saves a figure in the run folder: "phase.svg" writes phase.svg, phase.png, and its numbers, phase.csv (but those of
    /// more than a million pixels).
    #[rhai_fn(name = "save", return_raw)]
    pub fn save_figure(context: NativeCallContext, figure: Plot, path: &str) -> Native<Plot> {
        let path = output_path(path)?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("svg" | "png") => {}
            _ => {
                return Err(
                    Error::new(format!("a figure is saved as .svg or .png, not as \"{}\"", path.display())).into()
                );
            }
        }
        Session::of(&context)?.show(&context, Shown::Figure { plot: figure.clone(), path })?;
        Ok(figure)
    }

    /// How many pictures there are.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn pictures_len(pictures: &mut Pictures) -> INT {
        pictures.len() as INT
    }
}
