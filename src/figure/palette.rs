//! Colours: the two scales that a value can be shown in, and the few that tell curves apart.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// An opaque colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(pub u8, pub u8, pub u8);

/// A colour scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Palette {
    /// ColorBrewer's Spectral: red for low, yellow, blue for high, as in the published figures.
    #[default]
    Spectral,
    /// viridis: even in lightness, readable without colour vision.
    Viridis,
}

/// ColorBrewer 2.0, 11-class Spectral (Cynthia Brewer, Apache-2.0).
const SPECTRAL: [u32; 11] =
    [0x9e0142, 0xd53e4f, 0xf46d43, 0xfdae61, 0xfee08b, 0xffffbf, 0xe6f598, 0xabdda4, 0x66c2a5, 0x3288bd, 0x5e4fa2];

/// viridis at every sixteenth (Nathaniel Smith and Stéfan van der Walt, CC0).
const VIRIDIS: [u32; 17] = [
    0x440154, 0x48186a, 0x472d7b, 0x424086, 0x3b528b, 0x33638d, 0x2c728e, 0x26828e, 0x21918c, 0x1fa088, 0x28ae80,
    0x3fbc73, 0x5ec962, 0x84d44b, 0xaddc30, 0xd8e219, 0xfde725,
];

/// Okabe and Ito's colours, told apart by readers with any colour vision; their yellow is too faint on white.
const SERIES: [Colour; 7] = [
    Colour(0x00, 0x72, 0xb2),
    Colour(0xd5, 0x5e, 0x00),
    Colour(0x00, 0x9e, 0x73),
    Colour(0xcc, 0x79, 0xa7),
    Colour(0xe6, 0x9f, 0x00),
    Colour(0x56, 0xb4, 0xe9),
    Colour(0x40, 0x40, 0x40),
];

impl Palette {
    /// Every palette's name, for error messages.
    pub const NAMES: [&str; 2] = ["spectral", "viridis"];

    /// The palette of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "spectral" => Ok(Self::Spectral),
            "viridis" => Ok(Self::Viridis),
            _ => Err(Error::new(format!("there is no palette {name:?}"))
                .hint(format!("the palettes are {}", Self::NAMES.join(" and ")))),
        }
    }

    /// The colour at `at`, from 0 (lowest) to 1 (highest); what lies outside takes the end's colour.
    pub fn colour(self, at: f64) -> Colour {
        let stops: &[u32] = match self {
            Self::Spectral => &SPECTRAL,
            Self::Viridis => &VIRIDIS,
        };
        let place = if at.is_nan() { 0.0 } else { at.clamp(0.0, 1.0) } * (stops.len() - 1) as f64;
        let below = (place as usize).min(stops.len() - 2);
        Colour::rgb(stops[below]).mix(Colour::rgb(stops[below + 1]), place - below as f64)
    }
}

impl Colour {
    pub const BLACK: Self = Self(0, 0, 0);
    pub const WHITE: Self = Self(255, 255, 255);

    /// The colour of the `index`th curve.
    pub fn series(index: usize) -> Self {
        SERIES[index % SERIES.len()]
    }

    /// The colour written `#rrggbb`, or one of a few plain names.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self> {
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match text {
            "black" => Ok(Self::BLACK),
            "white" => Ok(Self::WHITE),
            "grey" | "gray" => Ok(Self(0x80, 0x80, 0x80)),
            "blue" => Ok(SERIES[0]),
            "red" => Ok(SERIES[1]),
            "green" => Ok(SERIES[2]),
            "pink" => Ok(SERIES[3]),
            "orange" => Ok(SERIES[4]),
            _ => hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).map(Self::rgb).ok_or_else(|| {
                Error::new(format!("{text:?} is not a colour"))
                    .hint("write \"#rrggbb\", or black, white, grey, blue, red, green, pink or orange")
            }),
        }
    }

    const fn rgb(hex: u32) -> Self {
        Self((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
    }

    /// This colour with `share` of it (0 to 1) replaced by the other.
    #[must_use]
    pub fn mix(self, other: Self, share: f64) -> Self {
        let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl TryFrom<String> for Colour {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}
