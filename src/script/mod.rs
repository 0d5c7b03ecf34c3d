//! The script host: runs a Rhai script, from its text to its figures.

pub mod api;
mod check;
mod decimal;
mod diagnostic;
mod engine;
mod host;
mod lazy;
mod loader;
mod metadata;
pub mod options;
mod outcome;
mod reference;
mod run_handle;
mod sandbox;
pub mod session;
mod settings;
mod show;
mod stdlib;
mod table;
mod tensor;
mod tensor_budget;
mod type_names;
mod whole_numbers;

pub use api::specs;
pub use diagnostic::{CallFrame, Diagnostic, Place, Severity};
pub use host::Host;
pub(crate) use host::Primitives;
pub use lazy::{Curve, Number};
pub use outcome::{Checked, Outcome, Status};
pub use reference::{Argument, Form, Group, Layout, OptionEntry, Page, PageKind, Reference};
pub use run_handle::{ReadLog, RunHandle};
pub use session::{HostEvent, HostObserver, Outputs, Session, Shown};
pub use settings::{Limits, STORE_VARIABLE, Settings};
pub use table::{Axis, Row, Table};
pub use tensor::ScriptTensor;
pub use tensor_budget::TensorBudget;
