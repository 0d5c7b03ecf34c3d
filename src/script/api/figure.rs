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
use crate::script::options::{Options, Spec, describe, nearest};
use crate::script::session::{Native, Session};
use crate::script::table::Table;
use crate::script::tensor::ScriptTensor;

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

fn axis_option(options: &Options<'_>, key: &str, table: &ResultTable) -> Result<Option<usize>, Error> {
    options.text(key)?.map(|name| table.axis(&name)).transpose()
}

fn palette_option(options: &Options<'_>) -> Result<Palette, Error> {
    Ok(options.text("palette")?.map(|name| Palette::named(&name)).transpose()?.unwrap_or_default())
}

/// Lines of a table, or of a curve that no sweep made.
fn lines_of(table: ResultTable, options: &Map) -> Native<Draft> {
    let options = LINES.read(options)?;
    let x = match options.text("x")?.as_deref() {
        None | Some("depth") if table.holds_curves() => None,
        None => Some(0),
        Some(name) => Some(table.axis(name)?),
    };
    let over = axis_option(&options, "over", &table)?;
    let y = options.text("y")?.unwrap_or_else(|| "value".to_owned());
    let mut plot = LinesPlot::new(table, x, over, y)?;
    plot.log = (options.flag("log_x")?.unwrap_or(false), options.flag("log_y")?.unwrap_or(false));
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

fn label_option(options: &Options<'_>) -> Result<Label, Error> {
    const LABELS: [&str; 4] = ["depth", "sample", "channel", "none"];
    match options.text("labels")?.as_deref() {
        Some("depth") => Ok(Label::Depth),
        Some("sample" | "channel") => Ok(Label::Sample),
        None | Some("none") => Ok(Label::None),
        Some(other) => {
            let error =
                Error::new(format!("`labels` is \"depth\", \"sample\", \"channel\" or \"none\", got \"{other}\""));
            Err(match nearest(other, LABELS) {
                Some(near) => error.hint(format!("did you mean \"{near}\"?")),
                None => error,
            })
        }
    }
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
        let y = match options.text("y")?.as_deref() {
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
        plot.value = options.text("value")?.unwrap_or_else(|| "entropy".to_owned());
        plot.palette = palette_option(&options)?;
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
        plot.label = label_option(&options)?;
        plot.columns = options.count("columns")?.unwrap_or(0);
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
