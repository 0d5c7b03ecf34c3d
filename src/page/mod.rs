//! What the page shows of a run: its files, an edit as JSON, and what lies behind its addresses, as plain functions that give
//! bytes. `live` serves it while a script is worked on; [`still()`] puts it into one document, with its data inside.

mod bundle;
mod details;
mod edit;
mod file;
mod gallery;
mod html;
mod item;
mod points;
mod recording;
mod still;

pub use details::Details;
pub use edit::{Edit, Stage};
pub use file::{File, file};
pub use gallery::{GALLERY, Shelved, gallery};
pub use item::{Repaint, item, point};
pub use recording::Recording;
pub use still::{Still, still};
