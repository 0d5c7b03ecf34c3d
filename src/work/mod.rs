//! Work: descriptions become fingerprints, a plan, a run, stored results.
//!
//! A [`Described`] is an operation with its fingerprint. It is cheap to make and computes nothing. When results are shown, a
//! [`Plan`] finds what is missing in the [`Store`], and [`run`] computes only that.

mod array;
mod batching;
mod checkpoints;
mod context;
mod event;
mod fingerprint;
mod idle_threads;
mod in_flight;
mod operation;
mod plan;
mod points;
mod provenance;
mod report;
mod rounding;
mod run;
mod store;
pub(crate) mod stored_file;
mod storing;
mod throughput;
mod value;

pub use array::{Array, Data};
pub use checkpoints::EVERY as CHECKPOINT_EVERY;
pub use context::{Cancel, Context};
pub use event::{Event, EventObserver};
pub use fingerprint::Fingerprint;
pub use idle_threads::{IdleThreads, for_each, map_chunks};
pub use in_flight::InFlight;
pub use operation::{Cost, Described, Keep, Operation};
pub use plan::{Plan, Target};
pub use points::PlannedPoint;
pub(crate) use points::{RestsOn, RowKey, points};
pub use provenance::{NetworkOrigin, Provenance};
pub use report::Report;
pub use run::{Resources, run};
pub(crate) use store::ReadOutcome;
pub use store::{DEFAULT_BUDGET, Store, StoreSummary, Verified};
pub use throughput::{Calls, CallsBySize, Seconds, Throughput};
pub use value::Value;
