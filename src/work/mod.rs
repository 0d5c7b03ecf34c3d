//! Work: descriptions become fingerprints, a plan, a run, stored results.
//!
//! A [`Described`] is an operation with its fingerprint: cheap to make, nothing computed. When results are shown, a
//! [`Plan`] finds what the [`Store`] lacks, and [`run`] computes just that.

mod context;
mod fingerprint;
mod flights;
mod operation;
mod place;
mod plan;
mod provenance;
mod run;
mod speeds;
mod stack;
mod store;
mod value;

pub use context::{Cancel, Context};
pub use fingerprint::Fingerprint;
pub use flights::Flights;
pub use operation::{Cost, Described, Keep, Operation};
pub use plan::{Plan, Target};
pub use provenance::{NetworkOrigin, Provenance};
pub use run::{Event, Listener, Report, Resources, run};
pub use speeds::Speeds;
pub(crate) use store::Found;
pub use store::{DEFAULT_BUDGET, Store, StoreSummary};
pub use value::{Array, Data, Value};
