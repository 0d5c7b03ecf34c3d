//! `entroscope bench`.

use crate::print::out;
mod loops;
mod roofline;

use std::process::ExitCode;

/// How close the inner loops come to what this machine can do.
///
/// Each loop is measured at the size that the published MLP and CNN give it. The table lists its work, the bytes that it has
/// to move, what it reaches, and its share of the machine's best: the time of the fastest arithmetic or of the fastest way
/// through as many bytes, whichever is longer. Both are measured here as well. Cores that are busy with other things lower
/// the shares.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Threads that compute at the same time, each its own numbers [default: 1, then one per core].
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZero<usize>>,
}

pub(super) fn bench(arguments: &Arguments, cores: usize) -> ExitCode {
    let mut each = arguments.threads.map_or_else(|| vec![1, cores], |threads| vec![threads.get()]);
    each.dedup();
    for threads in each {
        out!("{threads} {}", if threads == 1 { "thread" } else { "threads" });
        out!(
            "{:34} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}  bound by",
            "",
            "MFLOP",
            "MB",
            "ms",
            "GFLOP/s",
            "GB/s",
            "share"
        );
        roofline::measure(threads, |measured| {
            let bound = if measured.arithmetic > measured.memory { "arithmetic" } else { "memory" };
            out!(
                "{:34} {:9.2} {:9.3} {:9.4} {:9.1} {:9.1} {:6.0}%  {bound}",
                measured.name,
                measured.operations / 1e6,
                measured.bytes / 1e6,
                measured.seconds * 1e3,
                measured.operations / measured.seconds / 1e9,
                measured.bytes / measured.seconds / 1e9,
                measured.share() * 100.0
            );
        });
        out!("");
    }
    ExitCode::SUCCESS
}
