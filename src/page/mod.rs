//! What the page shows of a run: its files, an edit as JSON, and what lies behind its addresses, as plain functions that give
//! bytes. `live` serves it while a script is worked on.

mod details;
mod edit;
mod file;
mod item;

pub use details::Details;
pub(crate) use edit::Edit;
pub use edit::Stage;
pub use file::File;
pub(crate) use file::file;
pub(crate) use item::{Repaint, item, point};
