//! How a script wants a figure's axes and colours, and what is written over it.

use crate::figure::{Axis, Figure, Kind, Look, Note, Palette};
use crate::{Error, Result};

/// What the options of all figures with axes say.
#[derive(Debug, Clone, Default)]
pub struct Style {
    pub x: AxisStyle,
    pub y: AxisStyle,
    pub look: Look,
    /// The palette that was asked for.
    pub palette: Option<Palette>,
    pub reversed: bool,
    /// The values at which the colours begin and end.
    pub clip: (Option<f64>, Option<f64>),
    /// The name of the numbers at the colour bar, if not what was measured.
    pub value: Option<String>,
    pub notes: Vec<Note>,
}

/// One axis of them.
#[derive(Debug, Clone, Default)]
pub struct AxisStyle {
    pub label: Option<String>,
    pub limits: (Option<f64>, Option<f64>),
    pub log: bool,
    pub ticks: Option<Vec<f64>>,
}

impl AxisStyle {
    fn apply(&self, axis: &mut Axis) {
        axis.label.clone_from(&self.label);
        (axis.min, axis.max) = self.limits;
        axis.ticks.clone_from(&self.ticks);
        axis.log = self.log;
    }

    /// Refuses what an axis of words cannot have, and limits that hold no value.
    ///
    /// # Errors
    /// When it does.
    fn check(&self, letter: &str, name: &str, has_words: bool) -> Result<()> {
        let asked = [(self.log, "log_"), (self.limits != (None, None), "_limits"), (self.ticks.is_some(), "_ticks")];
        if let Some((_, option)) = asked.iter().find(|(is_set, _)| *is_set).filter(|_| has_words) {
            let option = if *option == "log_" { format!("log_{letter}") } else { format!("{letter}{option}") };
            return Err(Error::new(format!(
                "axis \"{name}\" holds values that are no numbers, so `{option}` has no meaning for it"
            )));
        }
        let option = format!("{letter}_limits");
        match self.limits {
            (Some(low), Some(high)) if low >= high => {
                Err(Error::new(format!("`{option}`: {low} is not below {high}")).hint("the lower limit comes first"))
            }
            (low, high) if self.log && [low, high].into_iter().flatten().any(|limit| limit <= 0.0) => {
                Err(Error::new(format!("`{option}`: a logarithmic axis has no place at or below 0")))
            }
            _ => Ok(()),
        }
    }
}

impl Style {
    /// Refuses what could not be drawn, for axes of these names, which hold words or numbers.
    ///
    /// # Errors
    /// When an axis of words is to be logarithmic, or the lower end of a range is not below the upper one.
    pub fn check(&self, (x, y): ((&str, bool), (&str, bool))) -> Result<()> {
        self.x.check("x", x.0, x.1)?;
        self.y.check("y", y.0, y.1)?;
        match self.clip {
            (Some(low), Some(high)) if low >= high => {
                Err(Error::new(format!("`clip`: {low} is not below {high}")).hint("the lower value comes first"))
            }
            _ => Ok(()),
        }
    }

    /// A figure in this style.
    pub fn figure(&self, title: &str, mut kind: Kind) -> Figure {
        if let Some((x, y)) = kind.axes() {
            self.x.apply(x);
            self.y.apply(y);
        }
        if !matches!(kind, Kind::Panels(_)) {
            for colouring in kind.colourings() {
                colouring.palette = self.palette.unwrap_or(colouring.palette);
                (colouring.reversed, colouring.clip) = (self.reversed, self.clip);
                if let Some(value) = &self.value {
                    colouring.value.clone_from(value);
                }
            }
        }
        Figure { look: self.look.clone(), notes: self.notes.clone(), ..Figure::new(title, kind) }
    }
}
