//! Colours: the scales that a value can be shown in, and the few that tell curves apart.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// An opaque colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(pub u8, pub u8, pub u8);

/// A colour scale. All but `Spectral` and `Coolwarm` rise or fall evenly in lightness, so that they survive grey print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Palette {
    /// Dark violet, green, yellow: even in lightness, readable without colour vision.
    #[default]
    Viridis,
    /// Dark blue to yellow: nearly the same to every colour vision.
    Cividis,
    /// Black, purple, cream.
    Magma,
    /// Blue, grey, red: for values on both sides of a middle, such as χ₁ around 1.
    Coolwarm,
    /// ColorBrewer's Spectral: red for low, yellow, blue for high, as in the published figures.
    Spectral,
    /// White to black.
    Greys,
}

/// viridis at every sixteenth (Nathaniel Smith and Stéfan van der Walt, CC0).
const VIRIDIS: [u32; 17] = [
    0x440154, 0x48186a, 0x472d7b, 0x424086, 0x3b528b, 0x33638d, 0x2c728e, 0x26828e, 0x21918c, 0x1fa088, 0x28ae80,
    0x3fbc73, 0x5ec962, 0x84d44b, 0xaddc30, 0xd8e219, 0xfde725,
];

/// cividis at every sixteenth (Jamie Nuñez, Christopher Anderton and Ryan Renslow, CC0).
const CIVIDIS: [u32; 17] = [
    0x00224e, 0x002e6a, 0x1a386f, 0x32436d, 0x434e6c, 0x535a6d, 0x61656f, 0x6f7073, 0x7d7c78, 0x8c8878, 0x9b9476,
    0xaba072, 0xbcae6c, 0xcdbb63, 0xdec958, 0xf0d846, 0xfee838,
];

/// magma at every sixteenth (Nathaniel Smith and Stéfan van der Walt, CC0).
const MAGMA: [u32; 17] = [
    0x000004, 0x0a0822, 0x1d1147, 0x36106b, 0x51127c, 0x6a1c81, 0x832681, 0x9c2e7f, 0xb73779, 0xd0416f, 0xe75263,
    0xf56b5c, 0xfc8961, 0xfea772, 0xfec488, 0xfde2a3, 0xfcfdbf,
];

/// coolwarm at every sixteenth (Kenneth Moreland, "Diverging Color Maps for Scientific Visualization", 2009).
const COOLWARM: [u32; 17] = [
    0x3b4cc0, 0x4e68d8, 0x6282ea, 0x779af7, 0x8db0fe, 0xa3c2fe, 0xb9d0f9, 0xccd9ed, 0xdddcdc, 0xecd3c5, 0xf5c4ac,
    0xf7b093, 0xf4987a, 0xeb7d62, 0xdd5f4b, 0xca3b37, 0xb40426,
];

/// ColorBrewer 2.0, 11-class Spectral (Cynthia Brewer, Apache-2.0).
const SPECTRAL: [u32; 11] =
    [0x9e0142, 0xd53e4f, 0xf46d43, 0xfdae61, 0xfee08b, 0xffffbf, 0xe6f598, 0xabdda4, 0x66c2a5, 0x3288bd, 0x5e4fa2];

const GREYS: [u32; 2] = [0xffffff, 0x000000];

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
    /// Every palette by its name, the default first.
    const ALL: [(&str, Self); 6] = [
        ("viridis", Self::Viridis),
        ("cividis", Self::Cividis),
        ("magma", Self::Magma),
        ("coolwarm", Self::Coolwarm),
        ("spectral", Self::Spectral),
        ("greys", Self::Greys),
    ];

    /// The names of all palettes, the default first.
    pub const NAMES: [&str; 6] = {
        let mut names = [""; 6];
        let mut i = 0;
        while i < names.len() {
            names[i] = Self::ALL[i].0;
            i += 1;
        }
        names
    };

    /// The palette of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, palette)| *palette).ok_or_else(|| {
            Error::new(format!("there is no palette {name:?}"))
                .hint(format!("the palettes are {}", Self::NAMES.join(", ")))
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, palette)| *palette == self).map_or("", |(name, _)| name)
    }

    /// The colour at `at`, from 0 (lowest) to 1 (highest); what lies outside takes the end's colour.
    pub fn colour(self, at: f64) -> Colour {
        let stops: &[u32] = match self {
            Self::Viridis => &VIRIDIS,
            Self::Cividis => &CIVIDIS,
            Self::Magma => &MAGMA,
            Self::Coolwarm => &COOLWARM,
            Self::Spectral => &SPECTRAL,
            Self::Greys => &GREYS,
        };
        let place = if at.is_nan() { 0.0 } else { at.clamp(0.0, 1.0) } * (stops.len() - 1) as f64;
        let below = (place as usize).min(stops.len() - 2);
        Colour::rgb(stops[below]).mix(Colour::rgb(stops[below + 1]), place - below as f64)
    }
}

impl Palette {
    /// The same for a line on white, without the end that is too faint for it.
    pub fn colour_of_line(self, at: f64) -> Colour {
        let (from, to) = if self == Self::Greys { (0.2, 1.0) } else { (0.0, 0.92) };
        self.colour(from + (to - from) * at)
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
