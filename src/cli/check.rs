//! `entroscope check`.

use std::path::Path;
use std::process::ExitCode;

use super::progress::plan_in_words;
use super::say;
use crate::script::{Checked, Host, Settings};
use crate::words;

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
        println!("parameter {name} = {value}");
    }
    let work = plan.work_per_target();
    let memory = plan.memory_per_target();
    for ((target, work), memory) in plan.targets().iter().zip(&work).zip(&memory).take(LISTED_POINTS) {
        if *work > 0.0 {
            println!("{:40} {:10.1} GFLOP  {:>10}", target.point, work / 1e9, words::size(*memory));
        } else {
            println!("{:40} {:>16}", target.point, "stored");
        }
    }
    if plan.targets().len() > LISTED_POINTS {
        println!("… and {} more", plan.targets().len() - LISTED_POINTS);
    }
    println!("{}", plan_in_words(plan, *estimate));
}
