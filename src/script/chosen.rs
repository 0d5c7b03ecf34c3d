//! What the command line chose of a script: values of its parameters (`--set`), and points of its sweeps (`--only`).

use rhai::Dynamic;

use super::session::Session;
use super::table::{Axis, PointList};
use crate::output::Scalar;
use crate::words::nearest;
use crate::{Error, Result};

impl Session {
    /// The value of a `param`: what `--set` says, read as the type of its default.
    ///
    /// # Errors
    /// When what `--set` says cannot be read so.
    pub fn param(&self, name: &str, default: &Dynamic) -> Result<Dynamic> {
        let value = match self.settings.set.iter().rev().find(|(set, _)| set == name) {
            None => default.clone(),
            Some((_, text)) => {
                let value = match default.type_name() {
                    "i64" => text.parse().map(Dynamic::from_int).ok(),
                    "f64" => text.parse::<f64>().ok().filter(|x| x.is_finite()).map(Dynamic::from_float),
                    "bool" => text.parse().map(Dynamic::from_bool).ok(),
                    "string" => Some(text.into()),
                    _ => None,
                };
                value.ok_or_else(|| {
                    let wanted = super::options::describe(default);
                    Error::new(format!("--set {name}={text}: not a value like the script's {wanted}"))
                })?
            }
        };
        let mut state = self.state();
        state.params.insert(name.to_owned(), value.to_string());
        state.defaults.insert(name.to_owned(), default.to_string());
        drop(state);
        Ok(value)
    }

    /// The points that `--only` leaves.
    ///
    /// # Errors
    /// When it leaves none.
    pub(super) fn only(&self, points: PointList) -> Result<PointList> {
        let wanted: Vec<Option<Vec<bool>>> = points.axes.iter().map(|axis| self.wanted(axis)).collect::<Result<_>>()?;
        if wanted.iter().all(Option::is_none) {
            return Ok(points);
        }
        let is_wanted = |(wanted, &place): (&Option<Vec<bool>>, &usize)| wanted.as_ref().is_none_or(|all| all[place]);
        points.filtered(|point| wanted.iter().zip(point).all(is_wanted)).ok_or_else(|| {
            let only: Vec<_> = self.settings.only.iter().map(|(name, value)| format!("{name}={value}")).collect();
            Error::new(format!("--only {}: no point of the sweep has these values together", only.join(" --only ")))
        })
    }

    /// Which values of an axis `--only` wants; `None` if it does not name the axis.
    fn wanted(&self, axis: &Axis) -> Result<Option<Vec<bool>>> {
        let wanted: Vec<&str> =
            self.settings.only.iter().filter(|(name, _)| name == axis.name()).map(|(_, text)| text.as_str()).collect();
        self.state().axes.insert(axis.name().to_owned());
        let exact: Vec<&&str> =
            wanted.iter().filter(|text| axis.values().iter().any(|value| value.to_string() == **text)).collect();
        let is_wanted = |value: &Scalar| {
            wanted
                .iter()
                .any(|text| if exact.contains(&text) { value.to_string() == *text } else { is_meant(value, text) })
        };
        if wanted.is_empty() {
            return Ok(None);
        }
        let left: Vec<bool> = axis.values().iter().map(is_wanted).collect();
        if !left.contains(&true) {
            const LISTED: usize = 50;
            let mut values: Vec<String> = axis.values().iter().take(LISTED).map(Scalar::label).collect();
            values.extend((axis.values().len() > LISTED).then(|| format!("and {} more", axis.values().len() - LISTED)));
            return Err(Error::new(format!(
                "--only {0}={1}: the axis \"{0}\" has no such value",
                axis.name(),
                wanted[0]
            ))
            .hint(format!("it has {}", values.join(", "))));
        }
        Ok(Some(left))
    }

    /// # Errors
    /// When `--set` names a parameter, or `--only` an axis, that the script does not have.
    pub(super) fn check_params(&self) -> Result<()> {
        let state = self.state();
        if let Some((name, _)) = self.settings.only.iter().find(|(name, _)| !state.axes.contains(name)) {
            let axes: Vec<&str> = state.axes.iter().map(String::as_str).collect();
            return Err(Error::new(format!("--only {name}: no sweep has an axis of that name"))
                .hint(format!("the axes are {}", axes.join(", "))));
        }
        let Some((name, _)) = self.settings.set.iter().find(|(name, _)| !state.params.contains_key(name)) else {
            return Ok(());
        };
        let error = Error::new(format!("--set {name}: the script has no parameter of that name"));
        Err(match nearest(name, state.params.keys().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None if state.params.is_empty() => error.hint("it has none: `param(\"name\", value)` makes one"),
            None => error.hint(format!("it has {}", state.params.keys().cloned().collect::<Vec<_>>().join(", "))),
        })
    }
}

/// Whether `--only` means this value by this text.
fn is_meant(value: &Scalar, text: &str) -> bool {
    match (value.number(), text.parse::<f64>()) {
        // What is shown is rounded to seven digits.
        (Some(value), Ok(wanted)) => (value - wanted).abs() <= 1e-6 * value.abs().max(wanted.abs()),
        _ => value.to_string() == text,
    }
}
