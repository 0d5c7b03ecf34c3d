//! Printing. Standard output may be closed, as by `| head`, and a disk may be full: a line that cannot be written is
//! dropped and the work goes on. `println!` and `eprintln!` would panic there, so lints forbid them.

use std::fmt::Arguments;
use std::io::Write;

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

/// Writes a line, if that can be done.
pub(crate) fn line(mut to: impl Write, line: Arguments<'_>) {
    // Nobody is left to report the failure to.
    let _ = writeln!(to, "{line}").and_then(|()| to.flush());
}
