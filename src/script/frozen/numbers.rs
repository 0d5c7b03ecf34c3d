//! Arrays in a recipe: their numbers, as decimal texts that give every bit back, and the band of rounding around them.

use serde::{Deserialize, Serialize};

use crate::work::{Array, Data};

/// Numbers that are kept of one array. Of a longer one every few are kept, beside the hash of all.
const KEPT: usize = 4096;

/// The type of an array's numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    Single,
    #[default]
    Double,
    Whole,
}

/// An array.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    pub shape: Vec<usize>,
    pub precision: Precision,
    /// Every how many numbers one is kept: 1 for all.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub every: usize,
    #[serde(with = "decimal")]
    pub numbers: Vec<f64>,
    /// The BLAKE3 hash of all numbers, little-endian.
    pub blake3: String,
    /// How far each number moved at most when it was computed again with all that it rests on moved by one unit in the last
    /// place; empty where that was not measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "decimal")]
    pub band: Vec<f64>,
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(every: &usize) -> bool {
    *every == 1
}

impl Numbers {
    /// An array as a recipe keeps it.
    pub fn of(array: &Array) -> Self {
        let mut hash = blake3::Hasher::new();
        let precision = match &array.data {
            Data::F32(numbers) => {
                numbers.iter().for_each(|x| _ = hash.update(&x.to_le_bytes()));
                Precision::Single
            }
            Data::F64(numbers) => {
                numbers.iter().for_each(|x| _ = hash.update(&x.to_le_bytes()));
                Precision::Double
            }
            Data::U32(numbers) => {
                numbers.iter().for_each(|x| _ = hash.update(&x.to_le_bytes()));
                Precision::Whole
            }
        };
        let every = array.shape.iter().product::<usize>().div_ceil(KEPT).max(1);
        let numbers = match &array.data {
            Data::F32(numbers) => numbers.iter().step_by(every).map(|&x| shortest(x)).collect(),
            Data::F64(numbers) => numbers.iter().step_by(every).copied().collect(),
            Data::U32(numbers) => numbers.iter().step_by(every).map(|&x| f64::from(x)).collect(),
        };
        let blake3 = hash.finalize().to_hex().to_string();
        Self { shape: array.shape.clone(), precision, every, numbers, blake3, band: Vec::new() }
    }

    /// The array itself, if all of it is kept.
    pub fn array(&self) -> Option<Array> {
        let is_whole = self.every == 1 && self.shape.iter().product::<usize>() == self.numbers.len();
        let data = match self.precision {
            Precision::Single => Data::F32(self.numbers.iter().map(|&x| x as f32).collect()),
            Precision::Double => Data::F64(self.numbers.clone()),
            Precision::Whole => Data::U32(self.numbers.iter().map(|&x| x as u32).collect()),
        };
        is_whole.then(|| Array { shape: self.shape.clone(), data })
    }

    /// What the hash of a recipe's numbers takes in of it.
    pub(super) fn content_hash(&self) -> [u8; 32] {
        let mut hash = blake3::Hasher::new();
        self.shape.iter().for_each(|n| _ = hash.update(&(*n as u64).to_le_bytes()));
        self.numbers.iter().for_each(|x| _ = hash.update(&x.to_le_bytes()));
        *hash.update(self.blake3.as_bytes()).finalize().as_bytes()
    }

    /// Whether both are the same to the last bit; NaN is NaN.
    pub fn is_identical(&self, other: &Self) -> bool {
        let alike = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        let same = self.shape == other.shape
            && self.precision == other.precision
            && self.numbers.len() == other.numbers.len()
            && self.numbers.iter().zip(&other.numbers).all(alike);
        // NaN has many bits, so a hash over them says less than the numbers.
        same && (self.blake3 == other.blake3 || self.every == 1)
    }

    /// How far each kept number is from the other's, infinite where only one of them is a number; `None` if the shapes differ.
    pub fn distances(&self, other: &Self) -> Option<Vec<f64>> {
        let distance = |(a, b): (&f64, &f64)| match () {
            () if a == b || (a.is_nan() && b.is_nan()) => 0.0,
            () if a.is_finite() && b.is_finite() => (a - b).abs(),
            () => f64::INFINITY,
        };
        let is_alike = self.shape == other.shape && self.numbers.len() == other.numbers.len();
        is_alike.then(|| self.numbers.iter().zip(&other.numbers).map(distance).collect())
    }

    /// Widens the band so that it holds another outcome.
    pub fn widen(&mut self, other: &Self) {
        let Some(distances) = self.distances(other) else { return };
        self.band.resize(self.numbers.len(), 0.0);
        self.band.iter_mut().zip(distances).for_each(|(band, distance)| *band = band.max(up(distance)));
    }
}

/// The number that a single-precision number's shortest decimal text stands for. It rounds to that number again.
fn shortest(x: f32) -> f64 {
    let short = x.to_string().parse().unwrap_or(f64::from(x));
    if (short as f32).to_bits() == x.to_bits() { short } else { f64::from(x) }
}

/// A width in two digits, rounded up.
fn up(width: f64) -> f64 {
    if width == 0.0 || !width.is_finite() {
        return width;
    }
    let text = format!("{:.1e}", width * 1.05);
    text.parse().unwrap_or(width)
}

/// Numbers as JSON has them, and texts for those that it lacks.
mod decimal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Decimal {
        Number(f64),
        Text(String),
    }

    pub fn serialize<S: Serializer>(numbers: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let decimal = |x: &f64| if x.is_finite() { Decimal::Number(*x) } else { Decimal::Text(x.to_string()) };
        serializer.collect_seq(numbers.iter().map(decimal))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let number = |decimal| match decimal {
            Decimal::Number(x) => Ok(x),
            Decimal::Text(text) if matches!(text.as_str(), "NaN" | "inf" | "-inf") => {
                text.parse().map_err(D::Error::custom)
            }
            Decimal::Text(text) => Err(D::Error::custom(format!("{text:?} is no number"))),
        };
        Vec::<Decimal>::deserialize(deserializer)?.into_iter().map(number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn array(data: impl Into<Data>, shape: &[usize]) -> Array {
        Array { shape: shape.to_vec(), data: data.into() }
    }

    #[test]
    fn numbers_come_back_to_the_last_bit() {
        let mut random = Random::new(1, &["numbers"]);
        let single: Vec<f32> = (0..4000).map(|_| f32::from_bits(random.bits())).collect();
        let double: Vec<f64> =
            (0..4000).map(|_| f64::from_bits(u64::from(random.bits()) << 32 | u64::from(random.bits()))).collect();
        for array in [array(single, &[4000]), array(double, &[40, 100]), array(vec![0u32, u32::MAX], &[2])] {
            let kept = Numbers::of(&array);
            let back: Numbers = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
            assert!(back.is_identical(&kept));
            let text = |array: &Array| format!("{array:?}");
            assert_eq!(text(&back.array().unwrap()), text(&array));
        }
        let long = Numbers::of(&array(vec![1.0f32; 3 * KEPT + 1], &[3 * KEPT + 1]));
        assert_eq!((long.every, long.array()), (4, None));
    }

    #[test]
    fn distances_and_bands_are_per_number() {
        let a = Numbers::of(&array(vec![1.0, f64::NAN, 3.0, f64::INFINITY], &[4]));
        let b = Numbers::of(&array(vec![1.5, f64::NAN, f64::NAN, f64::INFINITY], &[4]));
        assert_eq!(a.distances(&b), Some(vec![0.5, 0.0, f64::INFINITY, 0.0]));
        assert_eq!(a.distances(&Numbers::of(&array(vec![1.0], &[1]))), None);
        let mut a = a;
        a.widen(&b);
        assert!(a.band[0] >= 0.5 && a.band[0] < 0.56 && a.band[1] == 0.0, "{:?}", a.band);
    }
}
