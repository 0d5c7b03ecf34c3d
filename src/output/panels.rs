//! Several figures on one page.

use std::sync::Arc;

use super::figure::{Draft, Plot};
use super::{Located, ResultTable};
use crate::executor::Computed;
use crate::figure::{Figure, Hit, Kind, Panels, Series, Share};
use crate::work::{Described, Target};
use crate::{Error, Result};

/// Panels of a page: more would make a picture of gigabytes.
const MOST: usize = 100;

/// Figures in rows.
#[derive(Debug, Clone)]
pub struct PanelsPlot {
    rows: Vec<Vec<Draft>>,
    share: Share,
    /// Whether the panels are called (a), (b), …
    pub letters: bool,
}

impl PanelsPlot {
    /// A page of figures, row by row.
    ///
    /// # Errors
    /// When a row has no figure, or a figure has no axes.
    pub fn new(rows: Vec<Vec<Draft>>) -> Result<Self> {
        if rows.is_empty() || rows.iter().any(Vec::is_empty) {
            return Err(Error::new("every row of panels needs a figure").hint("`panels([[first, second], [third]])`"));
        }
        let count: usize = rows.iter().map(Vec::len).sum();
        if count > MOST {
            return Err(Error::new(format!("{count} panels on one page; at most {MOST}")).hint("save several figures"));
        }
        for draft in rows.iter().flatten() {
            draft.plot.panel()?;
        }
        Ok(Self { rows, share: Share::default(), letters: false })
    }

    /// The same with scales, colours or legends in common.
    ///
    /// # Errors
    /// When panels are to share what shows different things.
    pub fn sharing(self, share: Share) -> Result<Self> {
        let shared =
            [(share.x, "x", "axis to the right"), (share.y, "y", "axis upward"), (share.colour, "colour", "colours")];
        for (i, (_, option, what)) in shared.iter().enumerate().filter(|(_, (is_shared, ..))| *is_shared) {
            let verb = if i == 2 { "show" } else { "shows" };
            let mut shown = self.drafts().filter_map(|draft| draft.shows()[i].clone());
            let first = shown.next();
            if let (Some(first), Some(other)) = (&first, shown.find(|other| Some(other) != first.as_ref())) {
                return Err(Error::new(format!(
                    "the panels share \"{option}\", but the {what} of one {verb} \"{first}\" and of another \"{other}\""
                ))
                .hint("leave it out of `share`, or give both the same name"));
            }
        }
        Ok(Self { share, ..self })
    }

    fn drafts(&self) -> impl Iterator<Item = &Draft> {
        self.rows.iter().flatten()
    }

    /// The solver of each panel, where they differ.
    fn solvers(&self) -> Option<Vec<String>> {
        let notes: Vec<String> = self.drafts().map(Draft::solvers).collect();
        notes.iter().any(|note| *note != notes[0]).then_some(notes)
    }
}

impl Plot for PanelsPlot {
    fn kind(&self) -> &'static str {
        "panels"
    }

    fn tables(&self) -> Vec<&ResultTable> {
        self.drafts().flat_map(Draft::tables).collect()
    }

    fn targets(&self) -> Vec<Target> {
        self.drafts().flat_map(Draft::targets).collect()
    }

    fn x_name(&self) -> Result<String> {
        Err(Error::new("panels have an axis each, so a line belongs to one of them")
            .hint("add it to a panel: `panels([[figure.line(table, \"label\")]])`"))
    }

    fn panel(&self) -> Result<()> {
        Err(Error::new("panels cannot be a panel").hint("give all figures in one array of rows"))
    }

    fn colours(&self) -> Option<String> {
        self.drafts().find_map(|draft| draft.plot.colours())
    }

    fn says_solvers(&self) -> bool {
        self.solvers().is_some()
    }

    fn left_out(&self, computed: &Computed) -> Vec<String> {
        self.drafts().flat_map(|draft| draft.plot.left_out(computed)).collect()
    }

    fn draw(&self, _: Vec<Series>, computed: &Computed) -> Result<Kind> {
        let solvers = self.solvers();
        let mut number = 0;
        let mut panel = |draft: &Draft| -> Result<Figure> {
            let title = match &solvers {
                Some(solvers) => draft.titled(&solvers[number]),
                None => draft.title().to_owned(),
            };
            number += 1;
            draft.figure(&title, computed)
        };
        let rows = self.rows.iter().map(|row| row.iter().map(&mut panel).collect()).collect::<Result<_>>()?;
        Ok(Kind::from(Panels { rows, share: self.share, letters: self.letters }))
    }

    fn parts(&self) -> usize {
        self.drafts().map(Draft::parts).sum()
    }

    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        let mut part = hit.part;
        for draft in self.drafts() {
            if part < draft.parts() {
                return draft.locate(Hit { part, ..hit }, computed);
            }
            part -= draft.parts();
        }
        Vec::new()
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot> {
        let rows = self.rows.iter().map(|row| row.iter().map(|draft| draft.named(name)).collect()).collect();
        Arc::new(Self { rows, ..self.clone() })
    }
}
