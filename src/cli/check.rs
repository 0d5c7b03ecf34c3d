//! `entroscope check`.

use std::path::Path;
use std::process::ExitCode;

use super::progress::plan_in_words;
use super::{Program, failed, say};
use crate::print::out;
use crate::script::{Checked, Settings};
use crate::words;
use crate::work::{Plan, PlannedPoint};

/// Points listed one by one; more are summed up.
const LISTED_POINTS: usize = 60;

pub(super) fn check(settings: Settings, script: &Path) -> ExitCode {
    let (host, script, _files) = match Program::host(settings, script) {
        Ok(host) => host,
        Err(error) => return failed(error),
    };
    match host.check(&script) {
        Ok(checked) => {
            report(&checked);
            ExitCode::from(checked.status().code())
        }
        Err(diagnostics) => {
            diagnostics.iter().for_each(say);
            ExitCode::from(2)
        }
    }
}

fn report(Checked { plan, estimate, params, failed_points, warnings }: &Checked) {
    warnings.iter().for_each(say);
    for (name, value) in params {
        out!("parameter {name} = {value}");
    }
    let points = points(plan);
    for (point, work, memory) in points.iter().take(LISTED_POINTS) {
        let name = &point.name;
        if *work > 0.0 {
            let time = estimate.time_of(work / estimate.operations);
            out!("{name:40} {:10.1} GFLOP  {:>10}  {time}", work / 1e9, words::size(*memory));
        } else {
            // It may follow at once from what an earlier point computes.
            out!("{name:40} {:>16}", if point.is_work { "with an earlier" } else { "stored" });
        }
    }
    if points.len() > LISTED_POINTS {
        out!("… and {} more", points.len() - LISTED_POINTS);
    }
    out!("{}", plan_in_words(plan, *estimate));
    if *failed_points > 0 {
        let points = if *failed_points == 1 { "point fails" } else { "points fail" };
        out!("{failed_points} {points} in the script");
    }
}

/// Every point once, in order: floating-point operations that it adds, and the memory that it needs.
fn points(plan: &Plan) -> Vec<(&PlannedPoint, f64, f64)> {
    let (work, memory) = (plan.work_per_target(), plan.memory_per_target());
    let of = |point: &'_ PlannedPoint| {
        let all = || point.targets.iter();
        (all().map(|&target| work[target]).sum(), all().map(|&target| memory[target]).fold(0.0, f64::max))
    };
    plan.points().iter().map(|point| (point, of(point))).map(|(point, (work, memory))| (point, work, memory)).collect()
}
