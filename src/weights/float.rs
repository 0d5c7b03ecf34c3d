//! The types of numbers in files of weights.

use burn::tensor::{bf16, f16};

/// Numbers converted at a time.
pub(super) const PIECE: usize = 1 << 20;

/// A type of floating-point number, little-endian in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Float {
    F16,
    BF16,
    F32,
    F64,
}

impl Float {
    /// Bytes of one number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Converts `bytes` into as many `numbers`.
    pub(super) fn convert(self, bytes: &[u8], numbers: &mut [f32]) {
        macro_rules! from {
            ($t:ty, $convert:expr) => {
                for (number, &bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
                    *number = $convert(<$t>::from_le_bytes(bytes));
                }
            };
        }
        match self {
            Self::F16 => from!(f16, f16::to_f32),
            Self::BF16 => from!(bf16, bf16::to_f32),
            Self::F32 => from!(f32, |x| x),
            Self::F64 => from!(f64, |x: f64| x as f32),
        }
    }
}
