//! Figures: heatmaps, lines, pictures. A figure is filled in and drawn when the script is done.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use crate::Error;
use crate::data::Split;
use crate::figure::{Contrast, Palette};
use crate::output::figure::{Draft, SavedFigure};
use crate::output::heatmap::HeatmapPlot;
use crate::output::images::{ImagesPlot, Pixels, Source};
use crate::output::lines::LinesPlot;
use crate::output::pictures::Label;
use crate::output::run_folder::output_path;
use crate::output::{Entry, Pictures, ResultTable};
use crate::script::lazy::Curve;
use crate::script::options::{Key, Options, Spec, Takes, describe};
use crate::script::session::{Native, Session};
use crate::script::table::Table;
use crate::script::tensor::ScriptTensor;

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

fn axis_option(options: &Options<'_>, key: &str, table: &ResultTable) -> Result<Option<usize>, Error> {
    options.optional_text(key)?.map(|name| table.axis(&name)).transpose()
}

/// Lines of a table, or of a curve that no sweep made.
fn lines_of(table: ResultTable, options: &Map) -> Native<Draft> {
    let options = LINES.read(options)?;
    let x = match options.optional_text("x")?.as_deref() {
        None | Some("depth") if table.holds_curves() => None,
        None => Some(0),
        Some(name) => Some(table.axis(name)?),
    };
    let over = axis_option(&options, "over", &table)?;
    let mut plot = LinesPlot::new(table, x, over, options.text("y")?)?;
    plot.log = (options.flag("log_x")?, options.flag("log_y")?);
    Ok(Draft::new(plot, options.text("title")?))
}

/// Where a sheet's pictures come from.
fn picture_source(value: Dynamic) -> Result<Source, Error> {
    if let Some(split) = value.read_lock::<Split>() {
        return Ok(Source::Computed(Pictures::of_samples(&split)));
    }
    if let Some(tensor) = value.read_lock::<ScriptTensor>() {
        Pixels::check_shape(&tensor.shape())?;
        return Ok(Source::Known(Pixels::new(&tensor.shape(), tensor.numbers()?)?));
    }
    let found = describe(&value);
    value.try_cast::<Pictures>().map(Source::Computed).ok_or_else(|| {
        Error::new(format!("pictures are samples of a data set, reconstructions or tensors, got {found}"))
            .hint("choose depths of a reconstruction: `.at(3)` or `.all()`")
    })
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Draft>("Figure")
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
    pub fn heatmap(table: Table, options: Map) -> Native<Draft> {
        let (table, options) = (table.results(), HEATMAP.read(&options)?);
        table.has_one_column()?;
        let x = axis_option(&options, "x", &table)?.unwrap_or(0);
        let curves = table.holds_curves();
        let y = match options.optional_text("y")?.as_deref() {
            None | Some("depth") if curves => None,
            None if table.axes.len() == 2 => Some(1 - x),
            None => return Err(Error::new("`heatmap` needs `y`, the axis upward").into()),
            Some(name) if curves => {
                return Err(
                    Error::new(format!("the values are curves over depth, so y is \"depth\", not \"{name}\"")).into()
                );
            }
            Some(name) => Some(table.axis(name)?),
        };
        let mut plot = HeatmapPlot::new(table, x, y)?;
        plot.value = options.text("value")?;
        plot.palette = Palette::named(options.choice("palette")?)?;
        plot.clip = options.range("clip")?.unwrap_or_default();
        Ok(Draft::new(plot, options.text("title")?))
    }

    /// Curves over depth, one per point of the sweep, or numbers over one of its axes.
    #[rhai_fn(name = "lines", return_raw)]
    pub fn lines_of_table(table: Table, options: Map) -> Native<Draft> {
        lines_of(table.results(), &options)
    }

    /// One curve over depth, of a measure per sample with a band from the lower to the upper quartile.
    #[rhai_fn(name = "lines", return_raw)]
    pub fn lines_of_curve(curve: Curve, options: Map) -> Native<Draft> {
        lines_of(ResultTable::single(Entry::Curve { source: curve.source, length: curve.length }), &options)
    }

    /// Pictures in a grid: samples of a data set, reconstructions, tensors ([height, width], [channels, height, width] or
    /// [pictures, channels, height, width]), or a list of them.
    ///
    /// ```
    /// images(dataset("glyphs").test.take(20)).save("glyphs.png");
    /// images(uniform([4, 1, 28, 28], 0), #{ columns: 4 }).save("noise.png");
    /// ```
    #[rhai_fn(name = "images", return_raw)]
    pub fn images_plain(pictures: Dynamic) -> Native<Draft> {
        images_of(pictures, Map::new())
    }

    /// The same with options.
    #[rhai_fn(name = "images", return_raw)]
    pub fn images_of(pictures: Dynamic, options: Map) -> Native<Draft> {
        let options = IMAGES.read(&options)?;
        let list = match pictures.read_lock::<Array>() {
            Some(array) => array.to_vec(),
            None => vec![pictures.clone()],
        };
        let mut plot = ImagesPlot::new(list.into_iter().map(picture_source).collect::<Result<_, Error>>()?);
        plot.label = match options.choice("labels")? {
            "depth" => Label::Depth,
            "sample" | "channel" => Label::Sample,
            _ => Label::None,
        };
        plot.columns = options.optional_count("columns")?.unwrap_or(0);
        match options.range("range")? {
            None => {}
            Some((Some(low), Some(high))) => plot.contrast = Contrast::Range(low as f32, high as f32),
            Some(_) => plot.contrast = Contrast::Each,
        }
        Ok(Draft::new(plot, options.text("title")?))
    }

    /// Draws a line over a heatmap or beside other lines: a table of numbers over the same axis.
    #[rhai_fn(name = "line", return_raw)]
    pub fn line(figure: Draft, table: Table, label: &str) -> Native<Draft> {
        Ok(figure.with_line(table.results(), label)?)
    }

    /// Saves a figure in the run folder: "phase.svg" writes phase.svg, phase.png, and its numbers, phase.csv (but those of
    /// more than a million pixels).
    #[rhai_fn(name = "save", return_raw)]
    pub fn save_figure(context: NativeCallContext, figure: Draft, path: &str) -> Native<Draft> {
        let saved = SavedFigure::new(figure.clone(), &output_path(path)?)?;
        Session::of(&context)?.show(&context, saved)?;
        Ok(figure)
    }

    /// How many pictures there are.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn pictures_len(pictures: &mut Pictures) -> INT {
        pictures.len() as INT
    }
}
