//! Printing. Standard output may be closed, as by `| head`, and a disk may be full: a line that cannot be written is
//! dropped and the work goes on. `println!` and `eprintln!` would panic there, so lints forbid them.

use std::fmt::Arguments;
use std::io::Write;

use crate::words::visible;

/// Prints a line on standard output.
macro_rules! out {
    ($($arguments:tt)*) => {
        $crate::print::line(std::io::stdout().lock(), format_args!($($arguments)*))
    };
}

/// Prints a line on standard error.
macro_rules! err {
    ($($arguments:tt)*) => {
        $crate::print::line(std::io::stderr().lock(), format_args!($($arguments)*))
    };
}

pub(crate) use {err, out};

/// Writes a line, if that can be done. It may have names and texts of a script in it, which must not reach the terminal as
/// commands: see [`visible`].
pub(crate) fn line(to: impl Write, line: Arguments<'_>) {
    unchanged(to, &visible(&line.to_string()));
}

/// Writes a line that has the terminal's commands in it, and no text of a script as it is.
pub(crate) fn unchanged(mut to: impl Write, line: &str) {
    // Nobody is left to report the failure to.
    let _ = writeln!(to, "{line}").and_then(|()| to.flush());
}
