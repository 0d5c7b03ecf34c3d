//! The options of figures: those that all figures with axes have, and those of each kind.

use rhai::Array;

use crate::Error;
use crate::figure::{Look, Palette, Share};
use crate::output::ResultTable;
use crate::output::band::Spread;
use crate::output::style::{AxisStyle, Style};
use crate::script::options::{Key, Options, Spec, Takes, describe};

pub(super) const TITLE: Key = Key::text("title", "", "title above the figure");
const LIMITS: Takes = Takes::Other("a pair `[low, high]`; `()` leaves a side open");
const SIZE: Takes = Takes::Other("a pair `[width, height]` in millimetres");
const NUMBERS: Takes = Takes::Other("an array of numbers");

/// The options of all figures with axes, after those of the kind.
macro_rules! with_axes {
    ($($key:expr),* $(,)?) => {
        &[
            $($key,)*
            TITLE,
            Key::open("x_label", Takes::Text, "the name of the axis", "label of the axis to the right, with `_{…}` and `^{…}`"),
            Key::open("y_label", Takes::Text, "the name of the axis", "label of the axis upward"),
            Key::open("x_limits", LIMITS, "the range of the data", "where the axis to the right begins and ends"),
            Key::open("y_limits", LIMITS, "the range of the data", "where the axis upward begins and ends"),
            Key::flag("log_x", false, "whether the axis to the right is logarithmic"),
            Key::flag("log_y", false, "whether the axis upward is logarithmic"),
            Key::open("x_ticks", NUMBERS, "round numbers", "values that are marked on the axis to the right"),
            Key::open("y_ticks", NUMBERS, "round numbers", "values that are marked on the axis upward"),
            Key::open("size", SIZE, "a page of 800 × 560 units", "size of the page"),
            Key::open("aspect", Takes::Number, "what the page leaves", "height of the axes over their width"),
            Key::flag("legend", true, "whether there is a legend"),
        ]
    };
}

/// The options of colours that show numbers.
const VALUE: Key = Key::open(
    "value",
    Takes::Text,
    "what was measured, such as \"relative entropy\", otherwise the column's name",
    "name of the numbers that the colours show, at the colour bar",
);
const PALETTE: Key = Key::one_of("palette", &Palette::NAMES, "colours from the lowest to the highest value");
const REVERSED: Key = Key::flag("reversed", false, "whether the palette runs from the highest to the lowest value");
const CLIP: Key = Key::open("clip", LIMITS, "the range of the values", "values at which the colours begin and end");

pub(super) const HEATMAP: Spec = Spec {
    function: "heatmap",
    keys: with_axes![
        Key::open(
            "x",
            Takes::Text,
            "the first axis of the sweep",
            "axis of the sweep that runs to the right; for a tensor, the name of its columns"
        ),
        Key::open(
            "y",
            Takes::Text,
            "`\"depth\"` if the values are curves, otherwise the other of two axes",
            "what runs upward: what the curves run over, such as `\"depth\"` or `\"step\"`, otherwise an axis of the sweep; for a \
             tensor, the name of its rows"
        ),
        VALUE,
        PALETTE,
        REVERSED,
        CLIP,
    ],
};
pub(super) const LINES: Spec = Spec {
    function: "lines",
    keys: with_axes![
        Key::open(
            "x",
            Takes::Text,
            "`\"depth\"` if the values are curves, otherwise the first axis",
            "what runs to the right: what the curves run over, such as `\"depth\"` or `\"step\"`, otherwise an axis of the sweep; \
             for a tensor, the name of its places"
        ),
        Key::open("y", Takes::Text, "what was measured, otherwise the column's name", "name of the values"),
        Key::open(
            "over",
            Takes::Text,
            "every point has its own line",
            "axis of the sweep, such as \"seed\", whose points share a line: their mean, with a band"
        ),
        Key::one_of(
            "band",
            &Spread::NAMES,
            "what the band shows: the least and the greatest value, the standard deviation (over n − 1) around the mean, the \
             quartiles around the median, the 95 % confidence interval of the mean (Student's t), or nothing; a line of one point shows the quartiles over \
             its samples, if it has a value for each"
        ),
        Key::open(
            "palette",
            Takes::OneOf(&Palette::NAMES),
            "colours that differ, or \"viridis\" for more than six lines that differ in one number",
            "colours of the lines in their order; lines that differ in one number get a colour bar in place of a legend"
        ),
        REVERSED,
        Key::open("value", Takes::Text, "the axis in which the lines differ", "name of the numbers at that colour bar"),
        Key::open("clip", LIMITS, "the range of these numbers", "numbers at which the colours begin and end"),
    ],
};
pub(super) const BARS: Spec = Spec {
    function: "bars",
    keys: with_axes![
        Key::open("x", Takes::Text, "the first axis of the sweep", "axis of the sweep that runs to the right"),
        Key::open(
            "y",
            Takes::Text,
            "what was measured, otherwise the column's name",
            "the heights: a column's name if the table has several columns, otherwise a name for its values"
        ),
        Key::open(
            "over",
            Takes::Text,
            "every place has one bar",
            "axis of the sweep, such as \"seed\", over which the mean is drawn, with a whisker"
        ),
        Key::one_of(
            "band",
            &Spread::NAMES,
            "what the whiskers show of the points over that axis: the least and the greatest value, the standard deviation (over n − 1) \
             around the mean, the quartiles around the median, the 95 % confidence interval of the mean (Student's t), or nothing"
        ),
        Key::open(
            "whiskers",
            Takes::Other("a pair `[low, high]` of columns' names, or of tables of numbers over the same axis"),
            "the spread over the axis `over`",
            "the ends of the whiskers, such as those of an interval"
        ),
        Key::open(
            "colour",
            Takes::Other("a column's name, or a table of numbers over the same axis"),
            "all bars have the same colour",
            "numbers that the bars' colours show"
        ),
        Key::open(
            "value",
            Takes::Text,
            "the colours' column, otherwise what was measured",
            "name of the numbers, at the colour bar"
        ),
        PALETTE,
        REVERSED,
        CLIP,
    ],
};
pub(super) const SCATTER: Spec = Spec {
    function: "scatter",
    keys: with_axes![
        Key::open(
            "x",
            Takes::Text,
            "the first axis of the sweep",
            "what runs to the right: an axis or a column; of two tables, a name for the numbers of the first"
        ),
        Key::open(
            "y",
            Takes::Text,
            "the second axis of the sweep",
            "what runs upward: an axis or a column; of two tables, a name for the numbers of the second"
        ),
        Key::open(
            "colour",
            Takes::Other("the name of an axis or of a column, or a table of numbers with the same axes"),
            "the values, if both places are axes; otherwise all dots have the same colour",
            "numbers that the dots' colours show"
        ),
        VALUE,
        PALETTE,
        REVERSED,
        CLIP,
    ],
};
pub(super) const HISTOGRAM: Spec = Spec {
    function: "histogram",
    keys: with_axes![
        Key::open("bins", Takes::Count, "chosen from the number of values and their spread", "number of equal ranges"),
        Key::open("x", Takes::Text, "what was measured, otherwise the column's name", "name of the values"),
    ],
};
pub(super) const IMAGES: Spec = Spec {
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
            Takes::Other("a pair `[black, white]`, or `[(), ()]` for each picture's own range"),
            "`[0, 1]` for photographs, otherwise each picture's own range",
            "values that are drawn black and white",
        ),
    ],
};
pub(super) const PANELS: Spec = Spec {
    function: "panels",
    keys: &[
        Key::open(
            "share",
            Takes::Other("\"x\", \"y\", \"colour\" or \"legend\", or an array of some of them"),
            "every panel has its own",
            "what the panels have in common: the ranges of their axes, one colour bar, one legend",
        ),
        TITLE,
        Key::flag("letters", false, "whether the panels are called (a), (b), …"),
        Key::open("size", SIZE, "chosen from the number of panels", "size of the page"),
        Key::flag("legend", true, "whether there are legends"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[HEATMAP, LINES, BARS, SCATTER, HISTOGRAM, PANELS, IMAGES];

/// The least and the largest side of a page in millimetres, and the same of `aspect`.
const SIDES: (f64, f64) = (30.0, 750.0);
const ASPECTS: (f64, f64) = (0.05, 20.0);

/// The style that the options of a figure with axes ask for.
pub(super) fn style(options: &Options<'_>) -> Result<Style, Error> {
    let axis = |letter: &str| -> Result<AxisStyle, Error> {
        Ok(AxisStyle {
            label: options.optional_text(&format!("{letter}_label"))?,
            limits: options.range(&format!("{letter}_limits"))?.unwrap_or_default(),
            log: options.flag(&format!("log_{letter}"))?,
            ticks: options.optional_numbers(&format!("{letter}_ticks"))?,
        })
    };
    let mut style = Style { x: axis("x")?, y: axis("y")?, look: look(options)?, ..Style::default() };
    style.look.aspect = options.optional_number("aspect")?;
    if let Some(aspect) = style.look.aspect.filter(|aspect| !(ASPECTS.0..=ASPECTS.1).contains(aspect)) {
        return Err(Error::new(format!("`aspect` must lie between {} and {}, got {aspect}", ASPECTS.0, ASPECTS.1)));
    }
    if options.takes("palette") {
        style.palette = palette(options)?;
        style.reversed = options.flag("reversed")?;
        style.clip = options.range("clip")?.unwrap_or_default();
    }
    Ok(style)
}

/// Size and legend.
pub(super) fn look(options: &Options<'_>) -> Result<Look, Error> {
    let size = match options.range("size")? {
        None => None,
        Some((Some(width), Some(height))) if [width, height].iter().all(|s| (SIDES.0..=SIDES.1).contains(s)) => {
            Some((width, height))
        }
        Some(_) => {
            return Err(Error::new("`size` must be a pair of numbers [width, height] in millimetres")
                .hint(format!("each from {} to {}: a column of a paper is about 85 wide", SIDES.0, SIDES.1)));
        }
    };
    Ok(Look { size, aspect: None, without_legend: !options.flag("legend")? })
}

/// The palette that a script asked for.
pub(super) fn palette(options: &Options<'_>) -> Result<Option<Palette>, Error> {
    options.value("palette").map(|_| Palette::named(options.choice("palette")?)).transpose()
}

/// What panels share.
pub(super) fn share(options: &Options<'_>) -> Result<Share, Error> {
    let Some(given) = options.value("share") else { return Ok(Share::default()) };
    let list = given.read_lock::<Array>().map_or_else(|| vec![given.clone()], |list| list.to_vec());
    let mut share = Share::default();
    for one in list {
        match one.clone().into_string().as_deref() {
            Ok("x") => share.x = true,
            Ok("y") => share.y = true,
            Ok("colour") => share.colour = true,
            Ok("legend") => share.legend = true,
            _ => {
                let found = describe(&one);
                return Err(Error::new(format!(
                    "`panels`: option `share` must be \"x\", \"y\", \"colour\" or \"legend\", or an array of some of them, \
                     got {found}"
                )));
            }
        }
    }
    Ok(share)
}

/// A text option, or what it is otherwise.
pub(super) fn text_or(options: &Options<'_>, key: &str, otherwise: &str) -> Result<String, Error> {
    Ok(options.optional_text(key)?.unwrap_or_else(|| otherwise.to_owned()))
}

/// The axis number `n` of those along which the table has several values, or else of all: one value of a solver is no axis for a
/// figure.
pub(super) fn usual_axis(table: &ResultTable, n: usize) -> usize {
    let varying = (0..table.axes.len()).filter(|&axis| table.axes[axis].values.len() > 1);
    let single = (0..table.axes.len()).filter(|&axis| table.axes[axis].values.len() == 1);
    varying.chain(single).nth(n).unwrap_or(n)
}
