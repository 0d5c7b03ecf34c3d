//! One run, collected as an edit: what a page without a server shows.

use std::sync::{Arc, Mutex};

use base64::prelude::{BASE64_STANDARD, Engine};

use super::edit::{Edit, Stage};
use super::file::File;
use crate::Result;
use crate::lock::{Guard, lock};
use crate::script::{HostEvent, Outcome};
use crate::work::Event;

/// Most bytes of a thumbnail.
const THUMBNAIL: usize = 96 << 10;

/// See the module. Clones share one edit, so that one can observe the run.
#[derive(Clone)]
pub struct Recording(Arc<Mutex<Edit>>);

impl Default for Recording {
    fn default() -> Self {
        Self::new()
    }
}

impl Recording {
    /// Of a run that has not begun.
    pub fn new() -> Self {
        // Its time is not shown, so that the same run gives the same page.
        Self(Arc::new(Mutex::new(Edit::new(1, 0, String::new(), Stage::Checking, 1))))
    }

    pub(super) fn edit(&self) -> Guard<'_, Edit> {
        lock(&self.0)
    }

    /// Records an event of the run.
    pub fn on_event(&self, event: &HostEvent<'_>) {
        let mut edit = self.edit();
        edit.observe(event);
        match event {
            HostEvent::Planned(..) => edit.stage = Stage::Running,
            HostEvent::Work(Event::Done { fingerprint, result, .. }) => edit.done(*fingerprint, result),
            _ => {}
        }
    }

    /// Records what came of the run.
    pub fn end(&self, outcome: &Outcome) {
        self.edit().end(outcome);
    }

    /// A picture of its first figure for a gallery, as a `data:` address of bounded size. `None` where there is no figure, or
    /// none so small.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn thumbnail(&self) -> Result<Option<String>> {
        let (outputs, computed) = {
            let edit = self.edit();
            (edit.outputs.clone(), edit.computed.clone())
        };
        let shown = outputs.iter().flat_map(|outputs| outputs.iter()).find(|shown| shown.output.kind() == "figure");
        let Some(figure) =
            shown.map(|shown| shown.output.fill(&computed)).transpose()?.and_then(|filled| filled.figure)
        else {
            return Ok(None);
        };
        let address = |media: &str, bytes: &[u8]| format!("data:{media};base64,{}", BASE64_STANDARD.encode(bytes));
        let drawn = address(File::SVG, figure.svg()?.as_bytes());
        let drawn = if drawn.len() <= THUMBNAIL { drawn } else { address("image/png", &figure.png()?) };
        Ok(Some(drawn).filter(|drawn| drawn.len() <= THUMBNAIL))
    }
}
