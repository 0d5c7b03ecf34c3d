//! Dots: where they lie and which colours they have, by axes, columns or tables.

use rhai::Map;

use super::figure_options::{SCATTER, style, text_or, usual_axis};
use crate::Error;
use crate::output::ResultTable;
use crate::output::figure::Draft;
use crate::output::scatter::{Numbers, ScatterPlot, joined};
use crate::script::options::{Options, describe};
use crate::script::session::Native;
use crate::script::table::Table;

/// Numbers of a table by a name: those of an axis, or of a column.
fn numbers_of(table: &ResultTable, name: &str) -> Result<Numbers, Error> {
    let rows = (0..table.rows.len()).collect();
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
pub(super) fn scatter_of(table: &ResultTable, options: &Map) -> Native<Draft> {
    let options = SCATTER.read(options)?;
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
    let (x, y) = (numbers_of(table, &x)?, numbers_of(table, &y)?);
    let colour = match dots_colour(table, (0..table.rows.len()).collect(), &options)? {
        None if of_axes => {
            table.has_one_column()?;
            let rows = (0..table.rows.len()).collect();
            Some(Numbers::of_values(table.clone(), rows, table.quantity().to_owned())?)
        }
        colour => colour,
    };
    let colour = colour.map(|colour| Ok::<_, Error>(colour.called(options.optional_text("value")?))).transpose()?;
    Ok(Draft::new(ScatterPlot::new(x, y, colour), options.text("title")?).styled(style)?)
}

/// Dots at the numbers of two tables.
pub(super) fn scatter_of_two(x: &ResultTable, y: &ResultTable, options: &Map) -> Native<Draft> {
    let options = SCATTER.read(options)?;
    let style = style(&options)?;
    x.has_one_column()?;
    y.has_one_column()?;
    let (of_x, of_y) = joined(x, y)?;
    let colour = dots_colour(y, of_y.clone(), &options)?;
    let colour = colour.map(|colour| Ok::<_, Error>(colour.called(options.optional_text("value")?))).transpose()?;
    let x = Numbers::of_values(x.clone(), of_x, text_or(&options, "x", x.quantity())?)?;
    let y = Numbers::of_values(y.clone(), of_y, text_or(&options, "y", y.quantity())?)?;
    Ok(Draft::new(ScatterPlot::new(x, y, colour), options.text("title")?).styled(style)?)
}

/// The numbers that colours of dots show: an axis or a column of the dots' table, or another table with its axes.
fn dots_colour(table: &ResultTable, rows: Vec<usize>, options: &Options<'_>) -> Result<Option<Numbers>, Error> {
    let Some(colour) = options.value("colour") else { return Ok(None) };
    if let Some(colours) = colour.read_lock::<Table>().map(|colours| colours.results()) {
        let (ours, theirs) = joined(table, &colours)?;
        let row_of = |row: &usize| ours.iter().position(|our| our == row).map(|at| theirs[at]);
        let rows: Option<Vec<usize>> = rows.iter().map(row_of).collect();
        let rows = rows.ok_or_else(|| Error::new("`colour`: the table lacks points that have dots"))?;
        let name = colours.quantity().to_owned();
        return Numbers::of_values(colours, rows, name).map(Some);
    }
    let Ok(name) = colour.clone().into_string() else {
        let found = describe(colour);
        return Err(Error::new(format!(
            "`scatter`: option `colour` must be the name of an axis or of a column, or a table, got {found}"
        )));
    };
    match table.axis(&name) {
        Ok(axis) => Numbers::of_axis(table.clone(), rows, axis).map(Some),
        Err(_) => numbers_of(table, &name)
            .map(|_| ())
            .and_then(|()| Numbers::of_values(table.column(&name)?, rows, name))
            .map(Some),
    }
}
