//! Burn devices by name, and what this machine has. The only place that knows which there are.

use burn::tensor::Device;

use crate::{Error, Result};

/// Pure Rust, always there.
pub const DEFAULT: &str = "flex";

/// The version of Burn that this build is pinned to (`Cargo.toml`).
pub const BURN_VERSION: &str = "0.22.1";

/// A device that this build knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub name: &'static str,
    /// What it is, in words.
    pub description: &'static str,
}

/// The devices of this build.
pub fn known() -> Vec<Known> {
    vec![Known { name: DEFAULT, description: "this machine's processor, in pure Rust" }]
}

/// Burn's device of that name.
///
/// # Errors
/// When this build has none of that name; those that it has are listed.
pub fn named(name: &str) -> Result<Device> {
    match name {
        DEFAULT => Ok(Device::flex()),
        _ => Err(Error::new(format!("there is no device {name:?}"))
            .hint(format!("this build has {}", known().iter().map(|known| known.name).collect::<Vec<_>>().join(", ")))),
    }
}

/// What decides the last bits of a result computed there: the device's family and the number type.
pub fn numerics(name: &str) -> String {
    format!("{name}/f32")
}

/// Bytes of memory that this machine can still give, where it says so; else 4 GiB.
pub fn free_memory() -> f64 {
    const UNKNOWN: f64 = 4.0 * (1u64 << 30) as f64;
    std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        })
        .map_or(UNKNOWN, |kibibytes| kibibytes * 1024.0)
}
