//! Numbers as text, the one place for it: [`plain`] with all digits for CSV, [`json`] for JSON, [`seven_digits`] for
//! names and messages. JSON has no −∞ and no NaN: those are written as the strings `"-inf"`, `"inf"` and `"nan"`. A
//! cell of a figure is a number, `"failed"`, or `null` while it is missing.

use super::Cell;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One number as JSON holds it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Json {
    Finite(f64),
    Word(String),
}

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        if value.is_finite() { Self::Finite(value) } else { Self::Word(plain(value)) }
    }
}

impl Json {
    fn value<E: de::Error>(self) -> Result<f64, E> {
        match self {
            Self::Finite(value) => Ok(value),
            Self::Word(word) => match word.as_str() {
                "nan" => Ok(f64::NAN),
                "inf" => Ok(f64::INFINITY),
                "-inf" => Ok(f64::NEG_INFINITY),
                _ => Err(E::custom(format!("expected a number, \"inf\", \"-inf\" or \"nan\", found {word:?}"))),
            },
        }
    }
}

/// A number with all its digits, as pandas, NumPy and this module read it back.
pub fn plain(value: f64) -> String {
    match value {
        v if v.is_nan() => "nan".into(),
        v if v.is_infinite() => if v > 0.0 { "inf" } else { "-inf" }.into(),
        v if v != 0.0 && !(1e-5..1e16).contains(&v.abs()) => format!("{v:e}"),
        v => format!("{v}"),
    }
}

/// A number as JSON holds it; as in [`plain`], a whole number has no decimal point.
pub fn json(value: f64) -> serde_json::Value {
    // The greatest whole numbers that all are numbers in double precision.
    const WHOLE: f64 = (1_u64 << 53) as f64;
    if value.fract() == 0.0 && value.abs() <= WHOLE && (value != 0.0 || value.is_sign_positive()) {
        return (value as i64).into();
    }
    serde_json::Number::from_f64(value).map_or_else(|| plain(value).into(), Into::into)
}

/// A number as scripts write it, rounded to seven digits: `1.8` where `1.7999999999999998` was meant, and
/// `1.0` for a whole number.
pub fn seven_digits(value: f64) -> String {
    const DIGITS: usize = 6;
    let rounded: f64 = format!("{value:.DIGITS$e}").parse().unwrap_or(value);
    match rounded.abs() {
        size if !size.is_finite() => format!("{value}"),
        size if size != 0.0 && !(1e-13..=1e13).contains(&size) => format!("{rounded:e}"),
        _ if rounded == 0.0 => "0.0".to_owned(),
        size if size.fract() == 0.0 => format!("{rounded}.0"),
        _ => format!("{rounded}"),
    }
}

/// A number to be read at a glance: six digits, a true minus, ∞ as a sign and NaN in words.
pub fn pretty(value: f64) -> String {
    let text = match value {
        v if v.is_nan() => return "not a number".into(),
        v if v.is_infinite() => return if v > 0.0 { "∞" } else { "−∞" }.into(),
        v if v != 0.0 && !(1e-4..1e7).contains(&v.abs()) => {
            let text = format!("{v:.4e}");
            let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
            format!("{}e{power}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        v => (format!("{v:.5e}").parse().unwrap_or(v) + 0.0).to_string(),
    };
    text.replace('-', "−")
}

/// For `Vec<f64>`.
pub mod list {
    use super::*;

    pub fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|&value| Json::from(value)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        Vec::<Json>::deserialize(from)?.into_iter().map(Json::value).collect()
    }
}

/// For `Option<f64>`.
pub mod option {
    use super::*;

    #[expect(clippy::ref_option, reason = "serde asks for this form")]
    pub fn serialize<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
        value.map(Json::from).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        Option::<Json>::deserialize(from)?.map(Json::value).transpose()
    }
}

/// For `Vec<f32>`, in f32's own few digits.
pub mod pixels {
    use super::*;

    pub fn serialize<S: Serializer>(values: &[f32], to: S) -> Result<S::Ok, S::Error> {
        // 0.1f32 is 0.10000000149 as f64: go through its shortest form.
        let short = |value: &f32| Json::from(value.to_string().parse().unwrap_or(f64::from(*value)));
        to.collect_seq(values.iter().map(short))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f32>, D::Error> {
        Ok(list::deserialize(from)?.into_iter().map(|value| value as f32).collect())
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Value(value) => Json::from(value).serialize(to),
            Self::Diverged => to.serialize_str("diverged"),
            Self::Failed => to.serialize_str("failed"),
            Self::Missing => to.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Option::<Json>::deserialize(from)? {
            None => Ok(Self::Missing),
            Some(Json::Word(word)) if word == "failed" => Ok(Self::Failed),
            Some(Json::Word(word)) if word == "diverged" => Ok(Self::Diverged),
            Some(json) => json.value().map(Self::Value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{json, pretty, seven_digits};

    #[test]
    fn numbers_for_readers_have_six_digits() {
        let shown = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-12.345_678, "−12.3457"),
            (0.1 + 0.2, "0.3"),
            (123_456.7, "123457"),
            (1e-4, "0.0001"),
            (1.23e-5, "1.23e−5"),
            (-1e7, "−1e7"),
            (2.5e-300, "2.5e−300"),
            (f64::NEG_INFINITY, "−∞"),
            (f64::NAN, "not a number"),
        ];
        for (value, text) in shown {
            assert_eq!(pretty(value), text);
        }
    }

    #[test]
    fn seven_digits_are_as_rhai_writes_them() {
        for value in
            [0.0, -0.0, 1.0, -2.5, 1.7999999999999998, 0.1 + 0.2, 123456789.0, 1e-20, 2e13, f64::INFINITY, f64::NAN]
        {
            let rounded = if value.is_finite() { format!("{value:.6e}").parse().unwrap() } else { value };
            assert_eq!(seven_digits(value), rhai::Dynamic::from_float(rounded).to_string(), "{value}");
        }
    }

    #[test]
    fn numbers_in_json_are_read_back_to_the_last_bit() {
        // What a table once wrote with another last digit.
        let texts = ["0", "1", "-3", "0.5", "0.10132070027290169", "-0.9585705997545796"];
        for text in texts {
            assert_eq!(json(text.parse().unwrap()).to_string(), text);
        }
        let sizes = (0..2000_u32).map(|i| f64::from(i).mul_add(0.7, 0.1).sin() * 10_f64.powi(i as i32 % 40 - 20));
        for value in sizes.chain([-0.0, 9_007_199_254_740_993.0, f64::MAX, f64::MIN_POSITIVE]) {
            let text = json(value).to_string();
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{text}");
            assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), value.to_bits(), "{text}");
        }
        let texts = [f64::NEG_INFINITY, f64::INFINITY, f64::NAN].map(|value| json(value).to_string());
        assert_eq!(texts, ["\"-inf\"", "\"inf\"", "\"nan\""]);
    }
}
