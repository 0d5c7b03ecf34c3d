//! Dots: where they lie and which colours they have, by axes, columns or tables.

use std::collections::BTreeMap;

use rhai::{Map, NativeCallContext};

use super::arithmetic::joined;
use super::figure_options::{SCATTER, style, text_or, usual_axis};
use crate::Error;
use crate::output::ResultTable;
use crate::output::figure::Draft;
use crate::output::scatter::{Numbers, ScatterPlot};
use crate::script::join::{Joined, Lacking};
use crate::script::options::{Options, describe};
use crate::script::session::{Native, Session};
use crate::script::table::Table;

/// Numbers of a table's rows by a name: those of an axis, or of a column.
fn numbers_of(table: &ResultTable, rows: Vec<usize>, name: &str) -> Result<Numbers, Error> {
    match (table.axis(name), table.columns.iter().any(|column| column == name)) {
        (Ok(axis), _) => Numbers::of_axis(table.clone(), rows, axis),
        (Err(_), true) => Numbers::of_values(table.column(name)?, rows, name.to_owned()),
        (Err(error), false) => {
            let columns = table.columns.join(", ");
            let error = Error { message: format!("{}, nor a column of this name", error.message), ..error };
            Err(error.hint(format!("its columns are {columns}")))
        }
    }
}

/// Dots at two axes or columns of a table.
pub(super) fn scatter_of(context: &NativeCallContext<'_>, dots: &Table, options: &Map) -> Native<Draft> {
    let (table, options) = (&dots.results(), SCATTER.read(options)?);
    let style = style(&options)?;
    let named = |key: &str, default: usize| -> Result<String, Error> {
        let axis = || table.axes.get(usual_axis(table, default)).map(|axis| axis.name.clone());
        options.optional_text(key)?.or_else(axis).ok_or_else(|| {
            Error::new(format!("`scatter` needs `{key}`: the sweep has {} axis", table.axes.len()))
                .hint("two tables give the places of dots as well: `scatter(first, second)`")
        })
    };
    let (x, y) = (named("x", 0)?, named("y", 1)?);
    let of_axes = [&x, &y].iter().all(|name| table.axis(name).is_ok());
    let all = || (0..table.rows.len()).collect();
    let (x, y) = (numbers_of(table, all(), &x)?, numbers_of(table, all(), &y)?);
    let colour = match dots_colour(context, dots, all(), &options)? {
        None if of_axes => {
            table.has_one_column()?;
            Some(Numbers::of_values(table.clone(), all(), table.quantity().to_owned())?)
        }
        colour => colour,
    };
    let colour = colour.map(|colour| Ok::<_, Error>(colour.called(options.optional_text("value")?))).transpose()?;
    Ok(Draft::new(ScatterPlot::new(x, y, colour), options.text("title")?).styled(style)?)
}

/// Dots at the numbers of two tables, at the points that both have.
pub(super) fn scatter_of_two(
    context: &NativeCallContext<'_>,
    of_x: &Table,
    of_y: &Table,
    options: &Map,
) -> Native<Draft> {
    let options = SCATTER.read(options)?;
    let style = style(&options)?;
    let (x, y) = (of_x.results(), of_y.results());
    x.has_one_column()?;
    y.has_one_column()?;
    let (rows_of_x, rows_of_y): (Vec<usize>, Vec<usize>) =
        joined(context, of_x, of_y, Lacking::LeftOut)?.pairs().unzip();
    let colour = dots_colour(context, of_y, rows_of_y.clone(), &options)?;
    let colour = colour.map(|colour| Ok::<_, Error>(colour.called(options.optional_text("value")?))).transpose()?;
    let x = Numbers::of_values(x.clone(), rows_of_x, text_or(&options, "x", x.quantity())?)?;
    let y = Numbers::of_values(y.clone(), rows_of_y, text_or(&options, "y", y.quantity())?)?;
    Ok(Draft::new(ScatterPlot::new(x, y, colour), options.text("title")?).styled(style)?)
}

/// The numbers that colours of dots show: an axis or a column of the dots' table, or another table with its axes.
fn dots_colour(
    context: &NativeCallContext<'_>,
    dots: &Table,
    rows: Vec<usize>,
    options: &Options<'_>,
) -> Native<Option<Numbers>> {
    let Some(colour) = options.value("colour") else { return Ok(None) };
    if let Some(colours) = colour.read_lock::<Table>() {
        // Colours of other points are no loss; a dot without one is an error.
        let most = Session::from_context(context)?.settings.limits.points;
        let joined = Joined::new(dots, &colours, Lacking::LeftOut, most)?;
        let theirs: BTreeMap<usize, usize> = joined.pairs().collect();
        if theirs.len() < joined.pairs().count() {
            return Err(Error::new("`colour`: the table has several values for one dot")
                .hint("take their mean over the axis that the dots do not have: `.mean_over(\"…\")`")
                .into());
        }
        let rows: Option<Vec<usize>> = rows.iter().map(|row| theirs.get(row).copied()).collect();
        let rows = rows.ok_or_else(|| Error::new("`colour`: the table lacks points that have dots"))?;
        let colours = colours.results();
        let name = colours.quantity().to_owned();
        return Ok(Some(Numbers::of_values(colours, rows, name)?));
    }
    let Ok(name) = colour.clone().into_string() else {
        let message = format!(
            "`scatter`: option `colour` must be the name of an axis or of a column, or a table, got {}",
            describe(colour)
        );
        return Err(Error::new(message).into());
    };
    Ok(Some(numbers_of(&dots.results(), rows, &name)?))
}
