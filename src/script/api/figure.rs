//! Figures: heatmaps, lines, pictures. A figure is filled in and drawn when the script has ended.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use crate::Error;
use crate::figure::{Contrast, Palette};
use crate::script::later::Curve;
use crate::script::options::{Key, Options, Spec, Takes};
use crate::script::plot::{Label, Pictures, Plot, PlotKind, Rightward, Sheet, Upward, places};
use crate::script::session::{Native, Session};
use crate::script::shown::{Shown, output_path};
use crate::script::table::{Row, Table};

const TITLE: Key = Key::text("title", "", "title above the figure");
const HEATMAP: Spec = Spec {
    function: "heatmap",
    keys: &[
        Key::open("x", Takes::Text, "the first axis of the sweep", "axis of the sweep that runs to the right"),
        Key::open(
            "y",
            Takes::Text,
            "`\"depth\"` if the values are curves, otherwise the other of two axes",
            "what runs upward: `\"depth\"` if the values are curves, otherwise an axis of the sweep",
        ),
        TITLE,
        Key::text("value", "entropy", "name of the values, at the colour bar"),
        Key::one_of("palette", &Palette::NAMES, "colours from the lowest to the highest value"),
        Key::open(
            "clip",
            Takes::Other("a pair `[low, high]`; `()` leaves a side open"),
            "the range of the values",
            "values at which the colours begin and end",
        ),
    ],
};
const LINES: Spec = Spec {
    function: "lines",
    keys: &[
        Key::open(
            "x",
            Takes::Text,
            "`\"depth\"` if the values are curves, otherwise the first axis",
            "what runs to the right: `\"depth\"` if the values are curves, otherwise an axis of the sweep",
        ),
        Key::text("y", "value", "name of the values"),
        TITLE,
        Key::open(
            "over",
            Takes::Text,
            "every point has its own line",
            "axis of the sweep, such as \"seed\", over which the mean is drawn, with a band from the least to the greatest \
             value",
        ),
        Key::flag("log_x", false, "whether the axis to the right is logarithmic"),
        Key::flag("log_y", false, "whether the axis upward is logarithmic"),
    ],
};
const IMAGES: Spec = Spec {
    function: "images",
    keys: &[
        Key::open("columns", Takes::Count, "chosen from the number of pictures", "pictures per row"),
        Key::one_of("labels", &["none", "depth", "sample", "channel"], "number under every picture"),
        TITLE,
        Key::open(
            "range",
            Takes::Other("a pair `[black, white]`; `()` leaves a side open"),
            "`[0, 1]` for photographs, otherwise each picture's own range",
            "values that are drawn black and white",
        ),
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
    options.optional_text(key)?.map(|name| table.axis(&name)).transpose()
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
    /// A heatmap: the values of a table as colours over two axes. An axis of the sweep runs to the right; upward runs the depth
    /// of its curves, or a second axis.
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
        let y = match options.optional_text("y")?.as_deref() {
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
        let palette = Palette::named(options.choice("palette")?)?;
        let kind = PlotKind::Heatmap {
            x,
            y,
            value: options.text("value")?,
            palette,
            clip: options.range("clip")?.unwrap_or_default(),
            table,
        };
        Ok(Plot { kind, title: options.text("title")?, lines: Vec::new() })
    }

    /// Lines: the curves of a table over depth, one per point of the sweep, or its numbers over an axis of the sweep. A single
    /// curve is drawn alone; if it has a value per sample, a band shows the quartiles.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let found = sweep([axis("weight_var", [1.5, 1.76])]).map(|p| {
    ///     let net = mlp::wide(49, 10, 6).init(#{ weight_var: p.weight_var, bias_var: 0.05 });
    ///     cascade(net, data.train.take(200)).reconstruct(data.test.take(20)).explained_variance()
    /// });
    /// lines(found, #{ y: "explained variance" }).save("explained.svg");
    /// ```
    #[rhai_fn(name = "lines", return_raw)]
    pub fn lines_of_table(table: Table, options: Map) -> Native<Plot> {
        let options = LINES.read(&options)?;
        single(&table)?;
        let x = match options.optional_text("x")?.as_deref() {
            None | Some("depth") if holds_curves(&table) => Rightward::Depth,
            None => Rightward::Axis(0),
            Some(name) => Rightward::Axis(table.axis(name)?),
        };
        let over = axis_option(&options, "over", &table)?;
        let log = (options.flag("log_x")?, options.flag("log_y")?);
        let y = options.text("y")?;
        let title = options.text("title")?;
        Ok(Plot { kind: PlotKind::Lines { table, x, y, over, log }, title, lines: Vec::new() })
    }

    #[rhai_fn(name = "lines", return_raw)]
    pub fn lines_of_curve(curve: Curve, options: Map) -> Native<Plot> {
        let row = Row { point: Vec::new(), value: Ok(Dynamic::from(curve)) };
        lines_of_table(Table { axes: Vec::new().into(), rows: vec![row].into() }, options)
    }

    /// Pictures in a grid: a split, reconstructed pictures, a tensor ([height, width], [channels, height, width] or [pictures,
    /// channels, height, width]), or an array of these.
    ///
    /// ```
    /// images(dataset("glyphs").test.take(20)).save("glyphs.png");
    /// images(uniform([4, 1, 28, 28], 0), #{ columns: 4 }).save("noise.png");
    /// ```
    #[rhai_fn(name = "images", return_raw)]
    pub fn images_plain(pictures: Dynamic) -> Native<Plot> {
        images_of(pictures, Map::new())
    }

    #[rhai_fn(name = "images", return_raw)]
    pub fn images_of(pictures: Dynamic, options: Map) -> Native<Plot> {
        let options = IMAGES.read(&options)?;
        let list = match pictures.read_lock::<Array>() {
            Some(array) => array.to_vec(),
            None => vec![pictures.clone()],
        };
        let sheets = list.into_iter().map(Sheet::of).collect::<Result<Vec<_>, Error>>()?;
        let label = match options.choice("labels")? {
            "depth" => Label::Depth,
            "sample" | "channel" => Label::Sample,
            _ => Label::None,
        };
        let contrast = match options.range("range")? {
            Some((Some(low), Some(high))) => Contrast::Range(low as f32, high as f32),
            // Photographs keep their own brightness unless the script says otherwise.
            None if sheets.iter().all(Sheet::is_photographs) && !sheets.is_empty() => Contrast::Range(0.0, 1.0),
            _ => Contrast::Each,
        };
        let columns = options.optional_count("columns")?.unwrap_or(0);
        let kind = PlotKind::Images { sheets, columns, label, contrast };
        Ok(Plot { kind, title: options.text("title")?, lines: Vec::new() })
    }

    /// The figure with a line over it: a table of numbers over the axis that runs to the right.
    ///
    /// ```
    /// let grid = sweep([axis("weight_var", [1, 2]), axis("bias_var", [0.05, 0.1])]);
    /// let xi = grid.map(|p| mean_field("tanh", p).xi_c);
    /// let critical = sweep([axis("weight_var", [1, 2])]).map(|p| 0.05 * p.weight_var);
    /// heatmap(xi, #{ x: "weight_var", y: "bias_var" }).line(critical, "a line").save("xi.svg");
    /// ```
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

    /// Saves a figure in the run folder: "phase.svg" writes phase.svg, phase.png, and its numbers as phase.csv (unless they are
    /// the pixels of more than a million).
    ///
    /// ```
    /// images(dataset("glyphs").test.take(4)).save("digits.png");
    /// ```
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

    /// The number of pictures.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn pictures_len(pictures: &mut Pictures) -> INT {
        pictures.len() as INT
    }
}
