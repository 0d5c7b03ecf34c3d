//! Computes in this process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Estimate, Execution, Executor, Observer, Progress, ResultOfRow, RowEnd};
use crate::Result;
use crate::device::DeviceChoice;
use crate::work::{self, Fingerprint, Plan, Report, Resources, Store, Target, Throughput, Value};

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
        let (missing, _) = plan.missing_and_reused();
        let plan = plan.batched(self.device.batch_points(), self.resources.memory);
        let started = Instant::now();
        let (results, report) =
            work::run(&plan, &self.store, &self.resources, &|event| observer(Progress::Work(event)));
        let duration = started.elapsed();
        observer(Progress::Finished);
        if missing > 0 {
            Throughput::open(&self.store, self.device.numerics()).record(&report);
        }
        execution(&plan, results, report, duration)
    }
}

impl Executor for Local {
    fn plan(&self, mut targets: Vec<Target>) -> Result<Plan> {
        let mut known = BTreeSet::new();
        targets.retain(|target| known.insert((target.result.fingerprint(), target.point.clone())));
        let plan = Plan::new(targets, &self.store, &self.resources.in_flight, self.device.numerics());
        plan.check_memory(self.resources.memory, self.resources.device.is_none())?;
        Ok(plan)
    }

    fn estimate(&self, plan: &Plan) -> Estimate {
        let operations = plan.floating_point_operations();
        let seconds = Throughput::open(&self.store, self.device.numerics()).seconds(&plan.calls());
        let threads = self.resources.threads.max(1) as f64;
        // An operation runs on one thread, which idle ones help with some of its work.
        let busy = threads.min(plan.missing_and_reused().0.max(1) as f64);
        Estimate {
            operations: operations.values().sum(),
            seconds: seconds.usual / threads,
            seconds_of_work: seconds.is_known.then_some(seconds.usual),
            interval: seconds.is_known.then_some((seconds.low / threads, seconds.high / busy)),
            // What is left out to fit into the memory is computed again.
            memory: plan.memory_per_target().into_iter().fold(0.0, f64::max).min(self.resources.memory),
        }
    }

    fn estimate_of_all(&self, targets: Vec<Target>) -> Estimate {
        self.estimate(&Plan::from_nothing(targets, self.device.numerics()))
    }

    fn compute(&self, targets: Vec<Target>, observer: &Observer<'_>) -> Result<Execution> {
        let plan = self.plan(targets)?;
        observer(Progress::Planned(&plan, self.estimate(&plan)));
        Ok(self.run(plan, observer))
    }
}

/// Sorts the results of a plan's targets into those that are there, that failed, and that were not reached.
fn execution(plan: &Plan, results: Vec<Result<Arc<Value>>>, report: Report, duration: Duration) -> Execution {
    let mut execution = Execution { report, duration, ..Execution::default() };
    for ((target, rests_on), result) in plan.targets().iter().zip(plan.rest_on()).zip(results) {
        let end = match &result {
            Ok(_) => RowEnd::There,
            Err(error) if error.interrupted => RowEnd::NotReached,
            Err(_) => RowEnd::Failed,
        };
        // By the plan, and by what turned out when stored results were read.
        let recomputed = &execution.report.recomputed;
        let is_made = |(key, is_work): (&Fingerprint, &bool)| (*key, *is_work || recomputed.contains(key));
        let rests_on = rests_on.iter().map(is_made).collect();
        execution.rows.push(ResultOfRow { point: target.point.clone(), rests_on, end });
        match &result {
            Ok(_) => {}
            Err(error) if error.interrupted => continue,
            Err(error) => {
                let message = format!("{}: {}", target.point, error.message);
                execution.failures.push(crate::Error { message, ..error.clone() });
            }
        }
        execution.computed.insert(target.result.fingerprint(), result);
    }
    execution
}
