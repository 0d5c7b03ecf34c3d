//! Figures: heatmaps, lines, pictures. A figure is filled in and drawn when the script has ended.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use crate::Error;
use crate::data::Split;
use crate::figure::{Contrast, Palette};
use crate::output::bars::BarsPlot;
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
const PALETTE: Key = Key::one_of("palette", &Palette::NAMES, "colours from the lowest to the highest value");
const CLIP: Key = Key::open(
    "clip",
    Takes::Other("a pair `[low, high]`; `()` leaves a side open"),
    "the range of the values",
    "values at which the colours begin and end",
);
const VALUE: Key = Key::open(
    "value",
    Takes::Text,
    "what was measured, such as \"relative entropy\", otherwise the column's name",
    "name of the values, at the colour bar",
);
const HEATMAP: Spec = Spec {
    function: "heatmap",
    keys: &[
        Key::open("x", Takes::Text, "the first axis of the sweep", "axis of the sweep that runs to the right"),
        Key::open(
            "y",
            Takes::Text,
            "`\"depth\"` if the values are curves, otherwise the other of two axes",
            "what runs upward: what the curves run over, such as `\"depth\"` or `\"step\"`, otherwise an axis of the sweep",
        ),
        TITLE,
        VALUE,
        PALETTE,
        CLIP,
    ],
};
const LINES: Spec = Spec {
    function: "lines",
    keys: &[
        Key::open(
            "x",
            Takes::Text,
            "`\"depth\"` if the values are curves, otherwise the first axis",
            "what runs to the right: what the curves run over, such as `\"depth\"` or `\"step\"`, otherwise an axis of the sweep",
        ),
        Key::open("y", Takes::Text, "what was measured, otherwise the column's name", "name of the values"),
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
const BARS: Spec = Spec {
    function: "bars",
    keys: &[
        Key::open("x", Takes::Text, "the first axis of the sweep", "axis of the sweep that runs to the right"),
        Key::open(
            "y",
            Takes::Text,
            "what was measured, otherwise the column's name",
            "the heights: a column's name if the table has several columns, otherwise a name for its values",
        ),
        TITLE,
        Key::open(
            "over",
            Takes::Text,
            "every place has one bar",
            "axis of the sweep, such as \"seed\", over which the mean is drawn",
        ),
        Key::open(
            "colour",
            Takes::Other("a column's name, or a table of numbers over the same axis"),
            "all bars have the same colour",
            "numbers that the bars' colours show",
        ),
        Key::open(
            "value",
            Takes::Text,
            "the colours' column, otherwise what was measured",
            "name of the numbers, at the colour bar",
        ),
        PALETTE,
        CLIP,
    ],
};
const IMAGES: Spec = Spec {
    function: "images",
    keys: &[
        Key::open("columns", Takes::Count, "chosen from the number of pictures", "pictures per row"),
        Key::one_of(
            "labels",
            &["none", "depth", "sample", "channel", "class"],
            "what stands under every picture: a number, or the name of the class",
        ),
        TITLE,
        Key::open(
            "range",
            Takes::Other("a pair `[black, white]`; `()` leaves a side open"),
            "`[0, 1]` for photographs, otherwise each picture's own range",
            "values that are drawn black and white",
        ),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[HEATMAP, LINES, BARS, IMAGES];

fn axis_option(options: &Options<'_>, key: &str, table: &ResultTable) -> Result<Option<usize>, Error> {
    options.optional_text(key)?.map(|name| table.axis(&name)).transpose()
}

/// The error for a name that is not what a table's curves run over.
fn other_than_curves(table: &ResultTable, key: &str, name: &str) -> Error {
    let over = table.over();
    Error::new(format!("the values are curves over {over}, so {key} is \"{over}\", not \"{name}\""))
}

/// Lines of a table, or of a curve that no sweep made.
fn lines_of(table: ResultTable, options: &Map) -> Native<Draft> {
    let options = LINES.read(options)?;
    let x = match options.optional_text("x")?.as_deref() {
        None if table.holds_curves() => None,
        None => Some(0),
        Some(name) if table.holds_curves() && name == table.over() => None,
        Some(name) if table.holds_curves() && table.axis(name).is_err() => {
            return Err(other_than_curves(&table, "x", name).into());
        }
        Some(name) => Some(table.axis(name)?),
    };
    let over = axis_option(&options, "over", &table)?;
    let y = options.optional_text("y")?.unwrap_or_else(|| table.quantity().to_owned());
    let mut plot = LinesPlot::new(table, x, over, y)?;
    plot.log = (options.flag("log_x")?, options.flag("log_y")?);
    Ok(Draft::new(plot, options.text("title")?))
}

/// The table that bars are coloured by, and the name of its numbers.
fn colours_of(table: &ResultTable, options: &Options<'_>) -> Result<Option<(ResultTable, String)>, Error> {
    let Some(colour) = options.value("colour") else { return Ok(None) };
    let (colours, name) = match (colour.read_lock::<Table>(), colour.clone().into_string()) {
        (Some(colours), _) => {
            let colours = colours.results();
            let name = colours.quantity().to_owned();
            (colours, name)
        }
        (None, Ok(column)) => (table.column(&column)?, column),
        (None, Err(_)) => {
            let found = describe(colour);
            return Err(Error::new(format!("`bars`: option `colour` must be a column's name or a table, got {found}")));
        }
    };
    Ok(Some((colours, options.optional_text("value")?.unwrap_or(name))))
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

/// A parameter that takes pictures of any kind. The reference shows it so.
type AnyPictures = Dynamic;

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Draft>("Figure")
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
    pub fn heatmap(table: Table, options: Map) -> Native<Draft> {
        let (table, options) = (table.results(), HEATMAP.read(&options)?);
        table.has_one_column()?;
        let x = axis_option(&options, "x", &table)?.unwrap_or(0);
        let curves = table.holds_curves();
        let y = match options.optional_text("y")?.as_deref() {
            None if curves => None,
            Some(name) if curves && name == table.over() => None,
            None if table.axes.len() == 2 => Some(1 - x),
            None => return Err(Error::new("`heatmap` needs `y`, the axis upward").into()),
            Some(name) if curves => return Err(other_than_curves(&table, "y", name).into()),
            Some(name) => Some(table.axis(name)?),
        };
        let value = options.optional_text("value")?.unwrap_or_else(|| table.quantity().to_owned());
        let mut plot = HeatmapPlot::new(table, x, y)?;
        plot.value = value;
        plot.palette = Palette::named(options.choice("palette")?)?;
        plot.clip = options.range("clip")?.unwrap_or_default();
        Ok(Draft::new(plot, options.text("title")?))
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
    pub fn lines_of_table(table: Table, options: Map) -> Native<Draft> {
        lines_of(table.results(), &options)
    }

    #[rhai_fn(name = "lines", return_raw)]
    pub fn lines_of_curve(curve: Curve, options: Map) -> Native<Draft> {
        lines_of(
            ResultTable::single(Entry::Curve { source: curve.source, length: curve.length, measured: curve.measured }),
            &options,
        )
    }

    /// Bars over an axis of the sweep; the numbers of a table are their heights. A second column, or a second table over the same
    /// axis, gives them colours.
    ///
    /// ```
    /// let found = sweep([axis("weight_var", [1, 2, 3])]).map(|p| #{ depth: 10 * p.weight_var, accuracy: 0.3 * p.weight_var });
    /// bars(found, #{ x: "weight_var", y: "depth", colour: "accuracy" }).save("trainable.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn bars(table: Table, options: Map) -> Native<Draft> {
        let (table, options) = (table.results(), BARS.read(&options)?);
        let x = axis_option(&options, "x", &table)?.unwrap_or(0);
        let over = options.optional_text("over")?;
        let y = options.optional_text("y")?;
        let heights = match &y {
            Some(column) if table.columns.len() > 1 => table.column(column)?,
            None if table.columns.len() > 1 => {
                let error = Error::new("`bars` needs `y`, the column with the heights");
                return Err(error.hint(format!("the table's columns are {}", table.columns.join(", "))).into());
            }
            _ => table.clone(),
        };
        let y = y.unwrap_or_else(|| heights.quantity().to_owned());
        let mut plot = BarsPlot::new(heights, x, over.as_deref(), y)?;
        if let Some((colours, name)) = colours_of(&table, &options)? {
            plot = plot.coloured_by(colours, over.as_deref(), name)?;
        }
        plot.palette = Palette::named(options.choice("palette")?)?;
        plot.clip = options.range("clip")?.unwrap_or_default();
        Ok(Draft::new(plot, options.text("title")?))
    }

    /// Pictures in a grid: a split, reconstructed pictures, a tensor ([height, width], [channels, height, width] or [pictures,
    /// channels, height, width]), or an array of these.
    ///
    /// ```
    /// images(dataset("glyphs").test.take(20)).save("glyphs.png");
    /// images(uniform([4, 1, 28, 28], 0), #{ columns: 4 }).save("noise.png");
    /// ```
    #[rhai_fn(name = "images", return_raw)]
    pub fn images_plain(pictures: AnyPictures) -> Native<Draft> {
        images_of(pictures, Map::new())
    }

    #[rhai_fn(name = "images", return_raw)]
    pub fn images_of(pictures: AnyPictures, options: Map) -> Native<Draft> {
        let options = IMAGES.read(&options)?;
        let list = match pictures.read_lock::<Array>() {
            Some(array) => array.to_vec(),
            None => vec![pictures.clone()],
        };
        let by_class = options.choice("labels")? == "class";
        let source = |value: Dynamic| match picture_source(value)? {
            Source::Computed(pictures) if by_class => Ok(Source::Computed(pictures.by_class()?)),
            Source::Known(_) if by_class => Err(Error::new("`images`: a tensor's pictures have no classes")
                .hint("labels are those of a split's samples")),
            source => Ok(source),
        };
        let mut plot = ImagesPlot::new(list.into_iter().map(source).collect::<Result<_, Error>>()?);
        plot.label = match options.choice("labels")? {
            "depth" => Label::Depth,
            "sample" | "channel" => Label::Sample,
            "class" => Label::Class,
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

    /// The figure with a line over it: a table of numbers over the axis that runs to the right.
    ///
    /// ```
    /// let grid = sweep([axis("weight_var", [1, 2]), axis("bias_var", [0.05, 0.1])]);
    /// let xi = grid.map(|p| mean_field("tanh", p).xi_c);
    /// let critical = sweep([axis("weight_var", [1, 2])]).map(|p| 0.05 * p.weight_var);
    /// heatmap(xi, #{ x: "weight_var", y: "bias_var" }).line(critical, "a line").save("xi.svg");
    /// ```
    #[rhai_fn(name = "line", return_raw)]
    pub fn line(figure: Draft, table: Table, label: &str) -> Native<Draft> {
        Ok(figure.with_line(table.results(), label)?)
    }

    /// Saves a figure in the run folder: "phase.svg" writes phase.svg, phase.png, and its numbers as phase.csv (unless they are
    /// the pixels of more than a million).
    ///
    /// ```
    /// images(dataset("glyphs").test.take(4)).save("digits.png");
    /// ```
    #[rhai_fn(name = "save", return_raw)]
    pub fn save_figure(context: NativeCallContext, figure: Draft, path: &str) -> Native<Draft> {
        let saved = SavedFigure::new(figure.clone(), &output_path(path)?)?;
        Session::from_context(&context)?.show(&context, saved)?;
        Ok(figure)
    }

    /// The number of pictures.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn pictures_len(pictures: &mut Pictures) -> INT {
        pictures.len() as INT
    }
}
