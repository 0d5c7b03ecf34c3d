//! `entroscope check`.

use std::path::Path;
use std::process::ExitCode;

use super::progress::plan_in_words;
use super::say;
use crate::print::out;
use crate::script::{Checked, Host, Settings};
use crate::words;
use crate::work::Plan;

/// Points listed one by one; more are summed up.
const LISTED_POINTS: usize = 60;

pub(super) fn check(settings: Settings, script: &Path) -> ExitCode {
    match Host::new(settings).check(script) {
        Ok(checked) => {
            report(&checked);
            ExitCode::SUCCESS
        }
        Err(diagnostics) => {
            diagnostics.iter().for_each(say);
            ExitCode::from(2)
        }
    }
}

fn report(Checked { plan, estimate, params, warnings }: &Checked) {
    warnings.iter().for_each(say);
    for (name, value) in params {
        out!("parameter {name} = {value}");
    }
    let points = points(plan);
    for (point, work, memory) in points.iter().take(LISTED_POINTS) {
        if *work > 0.0 {
            let time = words::time(estimate.seconds * work / estimate.operations);
            out!("{point:40} {:10.1} GFLOP  {:>10}  {time}", work / 1e9, words::size(*memory));
        } else {
            out!("{point:40} {:>16}", "stored");
        }
    }
    if points.len() > LISTED_POINTS {
        out!("… and {} more", points.len() - LISTED_POINTS);
    }
    out!("{}", plan_in_words(plan, *estimate));
}

/// Every point once, in order: floating-point operations that it adds, and the memory that it needs.
fn points(plan: &Plan) -> Vec<(&str, f64, f64)> {
    let mut points: Vec<(&str, f64, f64)> = Vec::new();
    let costs = plan.work_per_target().into_iter().zip(plan.memory_per_target());
    for (target, (work, memory)) in plan.targets().iter().zip(costs) {
        match points.iter_mut().find(|(point, ..)| *point == target.point) {
            Some((_, all_work, most_memory)) => {
                *all_work += work;
                *most_memory = most_memory.max(memory);
            }
            None => points.push((&target.point, work, memory)),
        }
    }
    points
}
