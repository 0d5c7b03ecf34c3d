//! Figures: heatmaps, lines, bars, dots, histograms, panels, pictures. A figure is filled in and drawn when the script has ended.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use super::figure_options::{
    BARS, HEATMAP, HISTOGRAM, IMAGES, LINES, PANELS, look, palette, share, style, text_or, usual_axis,
};
use super::network::elements;
use super::scatter::{scatter_of, scatter_of_two};
use crate::Error;
use crate::data::Split;
use crate::figure::Contrast;
use crate::output::band::Spread;
use crate::output::bars::BarsPlot;
use crate::output::figure::{Draft, SavedFigure};
use crate::output::heatmap::HeatmapPlot;
use crate::output::histogram::HistogramPlot;
use crate::output::images::{ImagesPlot, Pixels, Source};
use crate::output::known::KnownPlot;
use crate::output::lines::LinesPlot;
use crate::output::panels::PanelsPlot;
use crate::output::pictures::Label;
use crate::output::run_folder::output_path;
use crate::output::style::Style;
use crate::output::{Entry, Pictures, ResultTable};
use crate::script::lazy::Curve;
use crate::script::options::{Options, describe};
use crate::script::session::{Native, Session};
use crate::script::table::Table;
use crate::script::tensor::ScriptTensor;

fn axis_option(options: &Options<'_>, key: &str, table: &ResultTable) -> Result<Option<usize>, Error> {
    options.optional_text(key)?.map(|name| table.axis(&name)).transpose()
}

/// The error for a name that is not what a table's curves run over.
fn other_than_curves(table: &ResultTable, key: &str, name: &str) -> Error {
    let over = table.over();
    Error::new(format!("the values are curves over {over}, so {key} is \"{over}\", not \"{name}\""))
}

/// The error for a value that a kind of figure does not show.
fn not_shown(function: &str, shows: &str, value: &Dynamic) -> Error {
    Error::new(format!("`{function}` shows {shows}, got {}", describe(value)))
        .hint("a sweep makes a table: `sweep([axis(\"weight_var\", [1, 2])]).map(|p| …)`")
}

/// A tensor's shape, if it has this many axes.
fn shape<const RANK: usize>(function: &str, what: &str, tensor: &ScriptTensor) -> Result<[usize; RANK], Error> {
    tensor.shape().try_into().map_err(|shape: Vec<usize>| {
        Error::new(format!("`{function}` shows a tensor {what}; this one has the shape {shape:?}"))
            .hint("choose a part of it, such as `tensor[0]`, or another shape: `.reshape([…])`")
    })
}

fn heatmap_of(value: &Dynamic, options: &Map) -> Native<Draft> {
    let options = HEATMAP.read(options)?;
    let (title, style) = (options.text("title")?, style(&options)?);
    if let Some(tensor) = value.read_lock::<ScriptTensor>() {
        let shape = shape::<2>("heatmap", "[rows, columns]", &tensor)?;
        let axes = (text_or(&options, "x", "column")?, text_or(&options, "y", "row")?);
        let plot = KnownPlot::matrix(shape, &tensor.numbers()?, axes, text_or(&options, "value", "value")?);
        return Ok(Draft::new(plot, title).styled(style)?);
    }
    let Some(table) = value.read_lock::<Table>().map(|table| table.results()) else {
        return Err(not_shown("heatmap", "a table or a tensor", value).into());
    };
    table.has_one_column()?;
    let x = axis_option(&options, "x", &table)?;
    let curves = table.holds_curves();
    let (first, second) = (usual_axis(&table, 0), usual_axis(&table, 1));
    let two = table.axes.len() == 2 || table.axes.iter().filter(|axis| axis.values.len() > 1).count() == 2;
    let (x, y) = match (x, options.optional_text("y")?.as_deref()) {
        (x, None) if curves => (x.unwrap_or(first), None),
        (x, Some(name)) if curves && name == table.over() => (x.unwrap_or(first), None),
        (x, None) if two => {
            let x = x.unwrap_or(first);
            (x, Some(if x == first { second } else { first }))
        }
        (_, None) => return Err(Error::new("`heatmap` needs `y`, the axis upward").into()),
        (_, Some(name)) if curves => return Err(other_than_curves(&table, "y", name).into()),
        (x, Some(name)) => {
            let y = table.axis(name)?;
            (x.unwrap_or(if y == first && table.axes.len() > 1 { second } else { first }), Some(y))
        }
    };
    let value = options.optional_text("value")?.unwrap_or_else(|| table.quantity().to_owned());
    Ok(Draft::new(HeatmapPlot::new(table, x, y, value)?, title).styled(style)?)
}

fn lines_of(value: &Dynamic, options: &Map) -> Native<Draft> {
    let options = LINES.read(options)?;
    let (title, style) = (options.text("title")?, style(&options)?);
    if let Some(tensor) = value.read_lock::<ScriptTensor>() {
        shape::<1>("lines", "[numbers]", &tensor)?;
        let (x, y) = (text_or(&options, "x", "index")?, text_or(&options, "y", "value")?);
        return Ok(Draft::new(KnownPlot::line(&tensor.numbers()?, x, y), title).styled(style)?);
    }
    let table = match (value.read_lock::<Table>(), value.read_lock::<Curve>()) {
        (Some(table), _) => table.results(),
        (None, Some(curve)) => {
            let Curve { source, length, measured } = curve.clone();
            ResultTable::single(Entry::Curve { source, length, measured })
        }
        (None, None) => return Err(not_shown("lines", "a table, a curve or a tensor", value).into()),
    };
    let x = match options.optional_text("x")?.as_deref() {
        None if table.holds_curves() => None,
        None => Some(usual_axis(&table, 0)),
        Some(name) if table.holds_curves() && name == table.over() => None,
        Some(name) if table.holds_curves() && table.axis(name).is_err() => {
            return Err(other_than_curves(&table, "x", name).into());
        }
        Some(name) => Some(table.axis(name)?),
    };
    let over = axis_option(&options, "over", &table)?;
    let y = options.optional_text("y")?.unwrap_or_else(|| table.quantity().to_owned());
    let plot = LinesPlot::new(table, x, over, y)?
        .with_spread(Spread::named(options.choice("band")?))
        .with_palette(palette(&options)?, options.flag("reversed")?);
    let value = options.optional_text("value")?;
    Ok(Draft::new(plot, title).styled(Style { value, ..style })?)
}

fn bars_of(table: &Table, options: &Map) -> Native<Draft> {
    let (table, options) = (table.results(), BARS.read(options)?);
    let style = style(&options)?;
    let x = axis_option(&options, "x", &table)?.unwrap_or_else(|| usual_axis(&table, 0));
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
    let mut plot = BarsPlot::new(heights, x, over.as_deref(), Spread::named(options.choice("band")?), y)?;
    if let Some(ends) = whiskers_of(&table, &options)? {
        plot = plot.with_whiskers(ends)?;
    }
    if let Some((colours, name)) = colours_of(&table, &options)? {
        plot = plot.coloured_by(colours, over.as_deref(), name)?;
    }
    Ok(Draft::new(plot, options.text("title")?).styled(style)?)
}

/// The tables with the ends of the whiskers.
fn whiskers_of(table: &ResultTable, options: &Options<'_>) -> Native<Option<[ResultTable; 2]>> {
    let Some(given) = options.value("whiskers") else { return Ok(None) };
    let end = |value: &Dynamic| match (value.read_lock::<Table>(), value.clone().into_string()) {
        (Some(other), _) => Ok(other.results()),
        (None, Ok(column)) => table.column(&column),
        (None, Err(_)) => {
            Err(Error::new(format!("an end of `whiskers` is a column's name or a table, got {}", describe(value))))
        }
    };
    let ends = given.read_lock::<Array>().map(|ends| ends.to_vec());
    match ends.as_deref() {
        Some([low, high]) => Ok(Some([end(low)?, end(high)?])),
        _ => Err(Error::new(format!("`whiskers` is a pair `[low, high]`, got {}", describe(given)))
            .hint("for the columns of an interval: `whiskers: [\"rho_low\", \"rho_high\"]`")
            .into()),
    }
}

fn histogram_of(value: &Dynamic, options: &Map) -> Native<Draft> {
    let options = HISTOGRAM.read(options)?;
    let (title, style) = (options.text("title")?, style(&options)?);
    let bins = match options.optional_count("bins")? {
        None => 0,
        Some(bins @ 1..=MOST_BINS) => bins,
        Some(bins) => return Err(Error::new(format!("`bins` must lie between 1 and {MOST_BINS}, got {bins}")).into()),
    };
    let count = "count".to_owned();
    if let Some(tensor) = value.read_lock::<ScriptTensor>() {
        let plot = KnownPlot::histogram(&tensor.numbers()?, bins, text_or(&options, "x", "value")?, count);
        return Ok(Draft::new(plot, title).styled(style)?);
    }
    let Some(table) = value.read_lock::<Table>().map(|table| table.results()) else {
        return Err(not_shown("histogram", "a table or a tensor", value).into());
    };
    let x = text_or(&options, "x", table.quantity())?;
    Ok(Draft::new(HistogramPlot::new(table, bins, x, count)?, title).styled(style)?)
}

/// Most ranges of a histogram.
const MOST_BINS: usize = 1000;

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
/// The same for what a figure shows.
type TableOrTensor = Dynamic;
type TableCurveOrTensor = Dynamic;

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Draft>("Figure")
        .register_type_with_name::<Pictures>("Pictures")
        .register_global_module(rhai::exported_module!(functions).into());
    super::figure_notes::register(engine);
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// A heatmap: the values of a table as colours over two axes. An axis of the sweep runs to the right; upward runs the depth
    /// of its curves, or a second axis. Axes of texts stand side by side. A tensor [rows, columns] is shown as a matrix is
    /// written, the first row at the top.
    ///
    /// ```
    /// let sweep = sweep([axis("weight_var", [1, 2]), axis("bias_var", [0.05, 0.1])]);
    /// let xi = sweep.map(|p| mean_field("tanh", p).xi_c);
    /// heatmap(xi, #{ x: "weight_var", y: "bias_var", value: "xi_c", palette: "magma" }).save("xi.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn heatmap(values: TableOrTensor, options: Map) -> Native<Draft> {
        heatmap_of(&values, &options)
    }

    #[rhai_fn(name = "heatmap", return_raw)]
    pub fn heatmap_plain(values: TableOrTensor) -> Native<Draft> {
        heatmap_of(&values, &Map::new())
    }

    /// Lines: the curves of a table over depth, one per point of the sweep, or its numbers over an axis of the sweep. A single
    /// curve is drawn alone; if it has a value per sample, a band shows the quartiles. A tensor [n] is one line. Values that are
    /// −∞, +∞ or NaN are marked at the edge.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let found = sweep([axis("weight_var", [1.5, 1.76])]).map(|p| {
    ///     let net = mlp::wide(49, 10, 6).init(#{ weight_var: p.weight_var, bias_var: 0.05 });
    ///     cascade(net, data.train.take(200)).reconstruct(data.test.take(20)).explained_variance()
    /// });
    /// lines(found, #{ y: "explained variance" }).save("explained.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn lines(values: TableCurveOrTensor, options: Map) -> Native<Draft> {
        lines_of(&values, &options)
    }

    #[rhai_fn(name = "lines", return_raw)]
    pub fn lines_plain(values: TableCurveOrTensor) -> Native<Draft> {
        lines_of(&values, &Map::new())
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
        bars_of(&table, &options)
    }

    #[rhai_fn(name = "bars", return_raw)]
    pub fn bars_plain(table: Table) -> Native<Draft> {
        bars_of(&table, &Map::new())
    }

    /// A dot for every point of a sweep. Of one table, the places are two axes or columns, and the colours show the values. Of two
    /// tables, the places are their numbers at the same point: that of the first to the right, that of the second upward.
    ///
    /// ```
    /// let grid = sweep([axis("weight_var", [1, 2, 3]), axis("bias_var", [0.01, 0.05])]);
    /// let xi = grid.map(|p| mean_field("tanh", p).xi_c);
    /// let chi = grid.map(|p| mean_field("tanh", p).chi);
    /// scatter(xi, #{ log_y: true }).save("points.svg");
    /// scatter(chi, xi, #{ x: "chi", y: "xi_c", colour: "weight_var" }).save("xi_of_chi.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn scatter(context: NativeCallContext, x: Table, y: Table, options: Map) -> Native<Draft> {
        scatter_of_two(&context, &x, &y, &options)
    }

    #[rhai_fn(name = "scatter", return_raw)]
    pub fn scatter_two_plain(context: NativeCallContext, x: Table, y: Table) -> Native<Draft> {
        scatter_of_two(&context, &x, &y, &Map::new())
    }

    #[rhai_fn(name = "scatter", return_raw)]
    pub fn scatter_one(context: NativeCallContext, table: Table, options: Map) -> Native<Draft> {
        scatter_of(&context, &table, &options)
    }

    #[rhai_fn(name = "scatter", return_raw)]
    pub fn scatter_one_plain(context: NativeCallContext, table: Table) -> Native<Draft> {
        scatter_of(&context, &table, &Map::new())
    }

    /// A histogram: how many numbers of a table or a tensor lie in which range. The ranges are equally wide, on a logarithmic
    /// axis as well.
    ///
    /// ```
    /// histogram(uniform([1000], 0), #{ bins: 30, x: "weight" }).save("weights.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn histogram(values: TableOrTensor, options: Map) -> Native<Draft> {
        histogram_of(&values, &options)
    }

    #[rhai_fn(name = "histogram", return_raw)]
    pub fn histogram_plain(values: TableOrTensor) -> Native<Draft> {
        histogram_of(&values, &Map::new())
    }

    /// Several figures on one page, in rows. Each keeps its title, axes and notes; what panels share is drawn once.
    ///
    /// ```
    /// let theory = sweep([axis("weight_var", [1, 2, 3])]).map(|p| mean_field("tanh", #{ weight_var: p.weight_var, bias_var: 0.05 }));
    /// let table = theory.map(|t| #{ xi_c: t.xi_c, chi: t.chi });
    /// let panel = |name| lines(table.column(name), #{ title: name });
    /// panels([[panel.call("xi_c"), panel.call("chi")]], #{ share: "x", letters: true, title: "Theory" }).save("theory.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn panels(rows: Array, options: Map) -> Native<Draft> {
        let options = PANELS.read(&options)?;
        let row = |row: Dynamic| match row.into_array() {
            Ok(figures) => elements::<Draft>(figures, "a row of panels", "a figure"),
            Err(_) => Err(Error::new("`panels` takes rows, arrays of figures; one of these is no array")
                .hint("`panels([[first, second], [third]])`")),
        };
        let plot = PanelsPlot::new(rows.into_iter().map(row).collect::<Result<_, Error>>()?)?;
        let mut plot = plot.sharing(share(&options)?)?;
        plot.letters = options.flag("letters")?;
        let style = Style { look: look(&options)?, ..Style::default() };
        Ok(Draft::new(plot, options.text("title")?).styled(style)?)
    }

    #[rhai_fn(name = "panels", return_raw)]
    pub fn panels_plain(rows: Array) -> Native<Draft> {
        panels(rows, Map::new())
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
            Some((None, None)) => plot.contrast = Contrast::Each,
            Some(_) => {
                return Err(Error::new("`images`: option `range` needs both of its numbers")
                    .hint("`[(), ()]` gives each picture its own range")
                    .into());
            }
        }
        Ok(Draft::new(plot, options.text("title")?))
    }

    /// Saves a figure in the run folder: "phase.svg" writes phase.svg, phase.png, and its numbers as phase.csv (unless they are
    /// the pixels of more than a million). "phase.pdf" writes phase.pdf as well, with text as text.
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
