//! Computes nothing: for `entroscope check`.

use super::{Estimate, Execution, Executor, Local, Observer, Progress};
use crate::work::{Plan, Target};
use crate::{Error, Result};

/// Plans as [`Local`] does and gives results that are stored, but computes none.
#[derive(Debug)]
pub struct DryRun(pub Local);

impl Executor for DryRun {
    fn plan(&self, targets: Vec<Target>) -> Result<Plan> {
        self.0.plan(targets)
    }

    fn estimate(&self, plan: &Plan) -> Estimate {
        self.0.estimate(plan)
    }

    fn estimate_of_all(&self, targets: Vec<Target>) -> Estimate {
        self.0.estimate_of_all(targets)
    }

    fn compute(&self, targets: Vec<Target>, observer: &Observer<'_>) -> Result<Execution> {
        let plan = self.plan(targets)?;
        observer(Progress::Planned(&plan, self.estimate(&plan)));
        if plan.missing_and_reused().0 > 0 {
            return Err(Error::needs_results());
        }
        Ok(self.0.run(plan, observer))
    }
}
