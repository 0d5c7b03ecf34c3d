//! Computes in this process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Estimate, Execution, Executor, Observer, Points, Progress};
use crate::Result;
use crate::device::DeviceChoice;
use crate::work::{self, Plan, Report, Resources, Store, Target, Throughput, Value};

/// Computes on this machine's threads and on one device; results go to a store.
#[derive(Debug)]
pub struct Local {
    store: Store,
    device: DeviceChoice,
    resources: Resources,
}

impl Local {
    /// Computes within `resources`, on `device`, which takes the place of the device that they name.
    pub fn new(store: Store, device: DeviceChoice, resources: Resources) -> Self {
        let resources = Resources { device: device.burn().cloned(), ..resources };
        Self { store, device, resources }
    }

    /// Runs a plan whose estimate was announced.
    #[expect(clippy::disallowed_methods, reason = "the time that work took is reported; no number depends on it")]
    pub(super) fn run(&self, plan: Plan, observer: &Observer<'_>) -> Execution {
        let (missing, reused) = plan.missing_and_reused();
        let plan = plan.batched(self.device.batch_points(), self.resources.memory);
        let started = Instant::now();
        let (results, report) =
            work::run(&plan, &self.store, &self.resources, &|event| observer(Progress::Work(event)));
        let duration = started.elapsed();
        observer(Progress::Finished);
        if missing > 0 {
            Throughput::open(&self.store, self.device.numerics()).record(&report);
        }
        execution(&plan, results, report, duration, missing, reused)
    }
}

impl Executor for Local {
    fn plan(&self, mut targets: Vec<Target>) -> Result<Plan> {
        let mut known = BTreeSet::new();
        targets.retain(|target| known.insert(target.result.fingerprint()));
        let plan = Plan::new(targets, &self.store, &self.resources.in_flight, self.device.numerics());
        plan.check_memory(self.resources.memory)?;
        Ok(plan)
    }

    fn estimate(&self, plan: &Plan) -> Estimate {
        let operations = plan.floating_point_operations();
        let throughput = Throughput::open(&self.store, self.device.numerics());
        Estimate {
            operations: operations.values().sum(),
            seconds: throughput.seconds(&operations) / self.resources.threads.max(1) as f64,
            memory: plan.memory_per_target().into_iter().fold(0.0, f64::max),
        }
    }

    fn compute(&self, targets: Vec<Target>, observer: &Observer<'_>) -> Result<Execution> {
        let plan = self.plan(targets)?;
        observer(Progress::Planned(&plan, self.estimate(&plan)));
        Ok(self.run(plan, observer))
    }
}

/// Sorts the results of a plan's targets into those that are there, that failed, and that were not reached.
fn execution(
    plan: &Plan,
    results: Vec<Result<Arc<Value>>>,
    report: Report,
    duration: Duration,
    missing: usize,
    reused: usize,
) -> Execution {
    let (mut failed, mut interrupted) = (BTreeSet::new(), BTreeSet::new());
    let mut execution = Execution { report, duration, ..Execution::default() };
    for (target, result) in plan.targets().iter().zip(results) {
        match &result {
            Ok(_) => {}
            Err(error) if error.interrupted => {
                interrupted.insert(&target.point);
                continue;
            }
            Err(error) => {
                failed.insert(&target.point);
                let message = format!("{}: {}", target.point, error.message);
                execution.failures.push(crate::Error { message, ..error.clone() });
            }
        }
        execution.computed.insert(target.result.fingerprint(), result);
    }
    execution.points =
        Points { computed: missing.saturating_sub(failed.union(&interrupted).count()), reused, failed: failed.len() };
    execution
}
