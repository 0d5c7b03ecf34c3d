//! Option maps: the last argument of many functions, `#{ epochs: 1 }`. Every option is declared once, as data: its name,
//! what it takes, its default, and its meaning. The check, the error messages, the defaults that the code uses, and the
//! reference all come from that declaration.

use std::borrow::Cow;
use std::fmt;

use rhai::{Array, Dynamic, Map};

use super::lazy::Number;
use super::type_names::in_message;
use crate::words::nearest;
use crate::{Error, Result};

/// The options of one function.
#[derive(Debug)]
pub struct Spec {
    /// The function's name in scripts.
    pub function: &'static str,
    /// Its options, in the order of the reference.
    pub keys: &'static [Key],
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// As scripts write it.
    pub name: &'static str,
    /// The values that it accepts.
    pub takes: Takes,
    /// The value that it has when the script does not set it.
    pub default: Preset,
    /// Its meaning: a fragment without a full stop.
    pub about: &'static str,
}

/// The values that an option accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Takes {
    /// A number; an integer serves as well.
    Number,
    /// A whole number of at least 0.
    Count,
    /// True or false.
    Flag,
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// In words, where none of the above fits.
    Other(&'static str),
}

/// What an option is when the script does not set it.
#[derive(Debug, Clone, Copy)]
pub enum Preset {
    /// The script has to set it.
    Required,
    Number(f64),
    Count(usize),
    Flag(bool),
    Text(&'static str),
    /// In words: there is no one value.
    Said(&'static str),
    /// In words that contain values from elsewhere in the program.
    Computed(fn() -> String),
}

/// A script's options for one call, their names checked.
#[derive(Debug)]
pub struct Options<'a> {
    spec: &'a Spec,
    map: &'a Map,
}

impl Key {
    /// An option that the script has to set.
    pub const fn required(name: &'static str, takes: Takes, about: &'static str) -> Self {
        Self { name, takes, default: Preset::Required, about }
    }

    /// A number with a default.
    pub const fn number(name: &'static str, default: f64, about: &'static str) -> Self {
        Self { name, takes: Takes::Number, default: Preset::Number(default), about }
    }

    /// A whole number of at least 0 with a default.
    pub const fn count(name: &'static str, default: usize, about: &'static str) -> Self {
        Self { name, takes: Takes::Count, default: Preset::Count(default), about }
    }

    /// True or false, with a default.
    pub const fn flag(name: &'static str, default: bool, about: &'static str) -> Self {
        Self { name, takes: Takes::Flag, default: Preset::Flag(default), about }
    }

    /// A text with a default.
    pub const fn text(name: &'static str, default: &'static str, about: &'static str) -> Self {
        Self { name, takes: Takes::Text, default: Preset::Text(default), about }
    }

    /// One of several texts; the first is the default.
    pub const fn one_of(name: &'static str, choices: &'static [&'static str], about: &'static str) -> Self {
        Self { name, takes: Takes::OneOf(choices), default: Preset::Text(choices[0]), about }
    }

    /// An option without a default value; `otherwise` says in words what happens when it is not set.
    pub const fn open(name: &'static str, takes: Takes, otherwise: &'static str, about: &'static str) -> Self {
        Self { name, takes, default: Preset::Said(otherwise), about }
    }

    /// Like [`Key::open`], with words that contain values from elsewhere in the program.
    pub const fn computed(name: &'static str, takes: Takes, otherwise: fn() -> String, about: &'static str) -> Self {
        Self { name, takes, default: Preset::Computed(otherwise), about }
    }
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number => f.write_str("a number"),
            Self::Count => f.write_str("a whole number of at least 0"),
            Self::Flag => f.write_str("true or false"),
            Self::Text => f.write_str("a text"),
            Self::OneOf(choices) => {
                for (i, choice) in choices.iter().enumerate() {
                    let joint = match i {
                        0 => "",
                        _ if i + 1 == choices.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, "{joint}{choice:?}")?;
                }
                Ok(())
            }
            Self::Other(words) => f.write_str(words),
        }
    }
}

impl fmt::Display for Preset {
    /// As the reference shows it; a value as a script would write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("required"),
            Self::Number(number) => write!(f, "`{number}`"),
            Self::Count(count) => write!(f, "`{count}`"),
            Self::Flag(flag) => write!(f, "`{flag}`"),
            Self::Text(text) => write!(f, "`{text:?}`"),
            Self::Said(words) => f.write_str(words),
            Self::Computed(words) => f.write_str(&words()),
        }
    }
}

impl Spec {
    /// The option of this name.
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The error for an option that is not declared.
    pub fn unknown(&self, name: &str) -> Error {
        let names = self.keys.iter().map(|key| key.name);
        let known = names.clone().collect::<Vec<_>>().join(", ");
        let error = Error::new(format!("`{}` has no option `{name}`", self.function));
        match nearest(name, names) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("its options are {known}")),
        }
    }

    /// Reads a script's map.
    ///
    /// # Errors
    /// If a name is not declared.
    pub fn read<'a>(&'a self, map: &'a Map) -> Result<Options<'a>> {
        match map.keys().find(|name| self.key(name).is_none()) {
            Some(name) => Err(self.unknown(name)),
            None => Ok(Options { spec: self, map }),
        }
    }
}

impl Options<'_> {
    /// The value that the script gave, of any type.
    pub fn value(&self, key: &str) -> Option<&Dynamic> {
        self.map.get(key)
    }

    fn read<T>(
        &self,
        key: &str,
        what: impl fmt::Display,
        as_wanted: impl Fn(&Dynamic) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.map.get(key) else { return Ok(None) };
        let value = settled(value)?;
        as_wanted(&value).map(Some).ok_or_else(|| {
            let function = self.spec.function;
            Error::new(format!("`{function}`: option `{key}` must be {what}, got {}", describe(&value)))
        })
    }

    /// The given value or else the declared default, as `preset` reads it.
    fn or_default<T>(&self, key: &str, given: Option<T>, preset: impl Fn(Preset) -> Option<T>) -> Result<T> {
        let Some(declared) = self.spec.key(key) else { return Err(self.spec.unknown(key)) };
        match given.or_else(|| preset(declared.default)) {
            Some(value) => Ok(value),
            None => Err(Error::new(format!("`{}` needs the option `{key}`", self.spec.function))
                .hint(format!("`{key}`, {}: {}", declared.takes, declared.about))),
        }
    }

    /// A number; integers count.
    ///
    /// # Errors
    /// If the script gave something else, or nothing where the option is required.
    pub fn number(&self, key: &str) -> Result<f64> {
        self.or_default(key, self.optional_number(key)?, |preset| match preset {
            Preset::Number(number) => Some(number),
            _ => None,
        })
    }

    /// A whole number of at least 0.
    ///
    /// # Errors
    /// If the script gave something else, or nothing where the option is required.
    pub fn count(&self, key: &str) -> Result<usize> {
        self.or_default(key, self.optional_count(key)?, |preset| match preset {
            Preset::Count(count) => Some(count),
            _ => None,
        })
    }

    /// A seed: a whole number of at least 0.
    ///
    /// # Errors
    /// If the script gave something else, or nothing where the option is required.
    pub fn seed(&self, key: &str) -> Result<u64> {
        Ok(self.count(key)? as u64)
    }

    /// True or false.
    ///
    /// # Errors
    /// If the script gave something else, or nothing where the option is required.
    pub fn flag(&self, key: &str) -> Result<bool> {
        self.or_default(key, self.optional_flag(key)?, |preset| match preset {
            Preset::Flag(flag) => Some(flag),
            _ => None,
        })
    }

    /// A text.
    ///
    /// # Errors
    /// If the script gave something else, or nothing where the option is required.
    pub fn text(&self, key: &str) -> Result<String> {
        self.or_default(key, self.optional_text(key)?, |preset| match preset {
            Preset::Text(text) => Some(text.to_owned()),
            _ => None,
        })
    }

    /// One of the texts that the option declares.
    ///
    /// # Errors
    /// If the script gave something else.
    pub fn choice(&self, key: &str) -> Result<&'static str> {
        let Some(Key { takes: Takes::OneOf(choices), .. }) = self.spec.key(key) else {
            return Err(self.spec.unknown(key));
        };
        let named = |text: &str| choices.iter().copied().find(|choice| *choice == text);
        let given = self.optional_text(key)?;
        match given.as_deref().map(|given| (given, named(given))) {
            Some((given, None)) => {
                let what = Takes::OneOf(choices);
                let error =
                    Error::new(format!("`{}`: option `{key}` must be {what}, got {given:?}", self.spec.function));
                Err(match nearest(given, choices.iter().copied()) {
                    Some(near) => error.hint(format!("did you mean {near:?}?")),
                    None => error,
                })
            }
            given => self.or_default(key, given.and_then(|(_, choice)| choice), |preset| match preset {
                Preset::Text(text) => Some(text),
                _ => None,
            }),
        }
    }

    /// A number, if the script gave one; integers count.
    ///
    /// # Errors
    /// If the script gave something else.
    pub fn optional_number(&self, key: &str) -> Result<Option<f64>> {
        self.read(key, Takes::Number, number)
    }

    /// A whole number of at least 0, if the script gave one.
    ///
    /// # Errors
    /// If the script gave something else.
    pub fn optional_count(&self, key: &str) -> Result<Option<usize>> {
        self.read(key, Takes::Count, |value| usize::try_from(value.as_int().ok()?).ok())
    }

    /// A seed, if the script gave one.
    ///
    /// # Errors
    /// If the script gave something else.
    pub fn optional_seed(&self, key: &str) -> Result<Option<u64>> {
        Ok(self.optional_count(key)?.map(|seed| seed as u64))
    }

    /// True or false, if the script gave it.
    ///
    /// # Errors
    /// If the script gave something else.
    pub fn optional_flag(&self, key: &str) -> Result<Option<bool>> {
        self.read(key, Takes::Flag, |value| value.as_bool().ok())
    }

    /// A text, if the script gave one.
    ///
    /// # Errors
    /// If the script gave something else.
    pub fn optional_text(&self, key: &str) -> Result<Option<String>> {
        self.read(key, Takes::Text, |value| value.clone().into_string().ok())
    }

    /// Whether the function has such an option.
    pub fn takes(&self, key: &str) -> bool {
        self.spec.key(key).is_some()
    }

    /// An array of numbers, if the script gave one.
    ///
    /// # Errors
    /// If the script gave something else.
    pub fn optional_numbers(&self, key: &str) -> Result<Option<Vec<f64>>> {
        self.read(key, "an array of numbers", |value| value.read_lock::<Array>()?.iter().map(number).collect())
    }

    /// A pair [low, high] of numbers, if the script gave one; `()` leaves a side open.
    ///
    /// # Errors
    /// If the script gave something else.
    pub fn range(&self, key: &str) -> Result<Option<(Option<f64>, Option<f64>)>> {
        self.read(key, "a pair [low, high], where () leaves a side open", |value| {
            let pair = value.read_lock::<Array>()?;
            let side = |value: &Dynamic| if value.is_unit() { Some(None) } else { number(value).map(Some) };
            match &pair[..] {
                [low, high] => Some((side(low)?, side(high)?)),
                _ => None,
            }
        })
    }
}

/// A number, whether the script wrote 1 or 1.0.
pub fn number(value: &Dynamic) -> Option<f64> {
    value.as_float().ok().or_else(|| value.as_int().ok().map(|int| int as f64))
}

/// A value of a script, a late number or those in an array computed now.
///
/// # Errors
/// If one cannot be computed, or nothing may be computed here.
pub fn settled(value: &Dynamic) -> Result<Cow<'_, Dynamic>> {
    if let Some(late) = value.read_lock::<Number>() {
        return Ok(Cow::Owned(late.now()?.into()));
    }
    match value.read_lock::<Array>() {
        Some(values) if values.iter().any(Dynamic::is::<Number>) => {
            let values = values.iter().map(|value| Ok(settled(value)?.into_owned()));
            Ok(Cow::Owned(values.collect::<Result<Array>>()?.into()))
        }
        _ => Ok(Cow::Borrowed(value)),
    }
}

/// A value for an error message: what it is, and itself where it is short.
pub fn describe(value: &Dynamic) -> String {
    let kind = in_message(value.type_name());
    match value.type_name() {
        "i64" | "f64" | "bool" => format!("{value}"),
        "string" => format!("{:?}", value.to_string()),
        "()" => "nothing, ()".to_owned(),
        _ => format!("a value of type {}", kind.rsplit("::").next().unwrap_or(&kind)),
    }
}
