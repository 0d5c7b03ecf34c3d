//! Option maps: the last argument of many functions, `#{ epochs: 1 }`. Every key is declared with its meaning, so that a
//! misspelt one is an error with a suggestion, in `check` as well as when it runs, and the reference can list them.

use rhai::{Dynamic, Map};

use crate::{Error, Result};

/// The options of one function.
#[derive(Debug)]
pub struct Spec {
    /// As scripts call it.
    pub function: &'static str,
    /// Key and meaning, default included.
    pub keys: &'static [(&'static str, &'static str)],
}

/// A script's options for one call, their keys known to be right.
#[derive(Debug)]
pub struct Options<'a> {
    function: &'static str,
    map: &'a Map,
}

/// The known name nearest to `name`, if one is near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|other| (strsim::damerau_levenshtein(name, other), other))
        .filter(|&(distance, other)| distance <= (name.len().max(other.len()) / 3).max(1))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, other)| other)
}

impl Spec {
    /// The message for a key that is not declared.
    pub fn unknown(&self, key: &str) -> Error {
        let keys = self.keys.iter().map(|(key, _)| *key);
        let known = keys.clone().collect::<Vec<_>>().join(", ");
        let error = Error::new(format!("`{}` has no option `{key}`", self.function));
        match nearest(key, keys) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("its options are {known}")),
        }
    }

    /// Reads a script's map.
    ///
    /// # Errors
    /// When a key is not declared.
    pub fn read<'a>(&self, map: &'a Map) -> Result<Options<'a>> {
        match map.keys().find(|key| self.keys.iter().all(|(known, _)| known != key)) {
            Some(key) => Err(self.unknown(key)),
            None => Ok(Options { function: self.function, map }),
        }
    }
}

impl Options<'_> {
    /// Any value.
    pub fn value(&self, key: &str) -> Option<&Dynamic> {
        self.map.get(key)
    }

    fn read<T>(&self, key: &str, what: &str, as_wanted: impl Fn(&Dynamic) -> Option<T>) -> Result<Option<T>> {
        self.map
            .get(key)
            .map(|value| {
                as_wanted(value).ok_or_else(|| {
                    Error::new(format!("`{}`: option `{key}` is {what}, got {}", self.function, describe(value)))
                })
            })
            .transpose()
    }

    /// A number; integers count.
    ///
    /// # Errors
    /// When it is something else.
    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        self.read(key, "a number", number)
    }

    /// A whole number of at least 0.
    ///
    /// # Errors
    /// When it is something else.
    pub fn count(&self, key: &str) -> Result<Option<usize>> {
        self.read(key, "a whole number of at least 0", |value| usize::try_from(value.as_int().ok()?).ok())
    }

    /// A seed: a whole number of at least 0.
    ///
    /// # Errors
    /// When it is something else.
    pub fn seed(&self, key: &str) -> Result<Option<u64>> {
        Ok(self.count(key)?.map(|seed| seed as u64))
    }

    /// A text.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&self, key: &str) -> Result<Option<String>> {
        self.read(key, "a text", |value| value.clone().into_string().ok())
    }

    /// True or false.
    ///
    /// # Errors
    /// When it is something else.
    pub fn flag(&self, key: &str) -> Result<Option<bool>> {
        self.read(key, "true or false", |value| value.as_bool().ok())
    }

    /// A list of one to `most` values, each a number or `()`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn range(&self, key: &str) -> Result<Option<(Option<f64>, Option<f64>)>> {
        self.read(key, "a pair [low, high], where () leaves a side open", |value| {
            let pair = value.read_lock::<rhai::Array>()?;
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

/// A value for an error message: what it is, and itself where it is short.
pub fn describe(value: &Dynamic) -> String {
    let kind = super::diagnostic::readable_types(value.type_name());
    match value.type_name() {
        "i64" | "f64" | "bool" => format!("{value}"),
        "string" => format!("{:?}", value.to_string()),
        "()" => "nothing, ()".to_owned(),
        _ => format!("a value of type {}", kind.rsplit("::").next().unwrap_or(&kind)),
    }
}
