//! Burn's devices by name: what this build knows of, what this machine has, and why something is not there. The only
//! place that knows which there are.
//!
//! `flex` means the host's own loops, on the processor. On every other device Burn's operations compute the same, to
//! rounding; a result is kept under the family that computed it, so that the two never mix.

#[cfg(any(feature = "cuda", feature = "wgpu", feature = "tch"))]
use burn::tensor::DeviceType;
use burn::tensor::{Device, Tensor};

use crate::error::panic_message;
use crate::{Error, Result};

/// Pure Rust, always there.
pub const DEFAULT: &str = "flex";

/// Burn's operations on the processor: what other devices compute with, for comparison where there is none of them.
pub const TWIN: &str = "flex:burn";

/// The version of Burn that this build is pinned to (`Cargo.toml`).
pub const BURN_VERSION: &str = "0.22.1";

/// Devices of a kind: the same arithmetic, and so the same results to the last bits.
#[derive(Debug)]
struct Family {
    name: &'static str,
    description: &'static str,
    /// What has to be built in.
    feature: &'static str,
    /// Why there may be none, though it is built in.
    missing: &'static str,
}

const FAMILIES: [Family; 6] = [
    Family { name: DEFAULT, description: "this machine's processor, in pure Rust", feature: "", missing: "" },
    Family {
        name: TWIN,
        description: "the same by Burn's operations, with which the devices below compute: to compare",
        feature: "",
        missing: "",
    },
    Family {
        name: "libtorch",
        description: "this machine's processor, by PyTorch's library",
        feature: "tch",
        missing: "",
    },
    Family {
        name: "libtorch:cuda",
        description: "GPUs of NVIDIA, by PyTorch's library",
        feature: "tch",
        missing: "libtorch sees none: it has to be one that is built for CUDA, with NVIDIA's driver installed",
    },
    Family {
        name: "cuda",
        description: "GPUs of NVIDIA, by Burn's own kernels",
        feature: "cuda",
        missing: "NVIDIA's driver (libcuda) is not installed, or sees no GPU; `nvidia-smi` says more",
    },
    Family {
        name: "wgpu",
        description: "GPUs of any maker, by Burn's own kernels",
        feature: "wgpu",
        missing: "no graphics driver offers one: install one for Vulkan, Metal or DirectX 12",
    },
];

/// A device, or a family of which there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub name: String,
    /// What it is, in words.
    pub description: &'static str,
    /// Why it is not there, and what would bring it.
    pub missing: Option<String>,
}

/// The devices that there are, and the families of which there is none, with the reason.
pub fn known() -> Vec<Known> {
    let of_family = |family: &Family| {
        let known = |name: String, missing| Known { name, description: family.description, missing };
        match family.devices() {
            Ok(devices) if family.is_numbered() => {
                (0..devices.len()).map(|i| known(format!("{}:{i}", family.name), None)).collect()
            }
            Ok(_) => vec![known(family.name.to_owned(), None)],
            Err(error) => vec![known(family.name.to_owned(), Some(error.message))],
        }
    };
    FAMILIES.iter().flat_map(of_family).collect::<Vec<_>>()
}

fn named(name: &str) -> Result<Device> {
    let there = || {
        let names = known().into_iter().filter(|known| known.missing.is_none()).map(|known| known.name);
        format!("this build and machine have {}; `entroscope devices` says more", names.collect::<Vec<_>>().join(", "))
    };
    let (family_name, index) = family_and_index(name);
    let family = FAMILIES.iter().find(|family| family.name == family_name);
    let family = family.filter(|family| index.is_none() || family.is_numbered());
    let family = family.ok_or_else(|| Error::new(format!("there is no device {name:?}")).hint(there()))?;
    let unavailable = |error: Error| Error::new(format!("device {name:?}: {}", error.message)).hint(there());
    let devices = family.devices().map_err(unavailable)?;
    let device = devices.get(index.unwrap_or(0)).cloned();
    let device = device.ok_or_else(|| Error::new(format!("there is no device {name:?}")).hint(there()))?;
    tried(&device).map_err(unavailable)?;
    Ok(device)
}

/// A device, chosen once by its name: what computes there, and what follows from the name.
#[derive(Debug, Clone)]
pub struct DeviceChoice {
    name: String,
    device: Device,
    numerics: String,
    batch_points: usize,
}

impl DeviceChoice {
    /// The device of that name, such as "flex", "cuda" or "cuda:1". It is tried with a small sum.
    ///
    /// # Errors
    /// When there is no such device, or it does not compute; the devices that there are instead are listed.
    pub fn named(name: &str) -> Result<Self> {
        let (family, _) = family_and_index(name);
        // A GPU is full only with many points of a sweep at once, a processor with one.
        let batch_points = match family {
            DEFAULT | TWIN | "libtorch" => 1,
            _ => usize::MAX,
        };
        Ok(Self { name: name.to_owned(), device: named(name)?, numerics: format!("{family}/f32"), batch_points })
    }

    /// Its name on the command line.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Burn's device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Burn's device where its operations compute; none where the host's own loops do.
    pub fn burn(&self) -> Option<&Device> {
        (self.name != DEFAULT).then_some(&self.device)
    }

    /// What decides the last bits of a result computed here: the device's family and the number type.
    pub fn numerics(&self) -> &str {
        &self.numerics
    }

    /// How many points of a sweep are computed as one, where memory allows.
    pub fn batch_points(&self) -> usize {
        self.batch_points
    }
}

/// "cuda:1" is number 1 of the family "cuda".
fn family_and_index(name: &str) -> (&str, Option<usize>) {
    let numbered = name.rsplit_once(':').and_then(|(family, index)| Some((family, Some(index.parse().ok()?))));
    numbered.unwrap_or((name, None))
}

impl Family {
    fn is_numbered(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Those of this machine, at least one.
    ///
    /// # Errors
    /// Why there is none.
    fn devices(&self) -> Result<Vec<Device>> {
        let Some(devices) = guarded(|| built_in(self.name))? else {
            let feature = self.feature;
            return Err(Error::new(format!("not in this build: build with `--features {feature}` (docs/devices.md)")));
        };
        if devices.is_empty() { Err(Error::new(self.missing)) } else { Ok(devices) }
    }
}

/// The devices of a family; none where it is not built in.
fn built_in(family: &str) -> Option<Vec<Device>> {
    match family {
        DEFAULT | TWIN => Some(vec![Device::flex()]),
        #[cfg(feature = "tch")]
        "libtorch" => {
            #[expect(deprecated, reason = "the next version of Burn leaves it to others")]
            let device = Device::libtorch();
            Some(vec![device])
        }
        #[cfg(feature = "tch")]
        "libtorch:cuda" => Some(Device::enumerate(DeviceType::LibTorch).into_vec()),
        #[cfg(feature = "cuda")]
        "cuda" => Some(Device::enumerate(DeviceType::Cuda).into_vec()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Some(Device::enumerate(DeviceType::Wgpu).into_vec()),
        _ => None,
    }
}

/// Whether a device computes at all.
fn tried(device: &Device) -> Result<()> {
    let sum = guarded(|| Tensor::<1>::from_data([1.0_f32, 2.0], device).sum().try_into_scalar::<f32>())?;
    match sum {
        Ok(3.0) => Ok(()),
        Ok(sum) => Err(Error::new(format!("it says that 1 + 2 is {sum}"))),
        Err(error) => Err(Error::new(format!("it does not compute: {error}"))),
    }
}

/// Libraries behind Burn panic where a driver is missing or too old: on a thread of their own, where that ends nothing and
/// is not printed.
fn guarded<T: Send>(ask: impl FnOnce() -> T + Send) -> Result<T> {
    std::thread::scope(|scope| scope.spawn(ask).join()).map_err(|panic| {
        let words = panic_message(panic.as_ref());
        Error::new(format!("it cannot be used: {}", words.lines().next().unwrap_or_default()))
    })
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn numerics_are_the_familys() {
        assert_eq!(family_and_index("cuda:1"), ("cuda", Some(1)));
        assert_eq!(family_and_index("libtorch:cuda:0"), ("libtorch:cuda", Some(0)));
        assert_eq!(DeviceChoice::named("flex").unwrap().numerics(), "flex/f32");
        assert_eq!(DeviceChoice::named("flex:burn").unwrap().numerics(), "flex:burn/f32");
    }

    #[test]
    fn what_is_listed_can_be_opened_and_nothing_else() {
        for Known { name, missing, .. } in known() {
            assert_eq!(named(&name).is_ok(), missing.is_none(), "{name}");
        }
        for name in ["", "flex:0", "flex:burn:1", "cuda:one", "tpu"] {
            let error = named(name).unwrap_err();
            assert!(error.message.contains("device") && error.hints[0].contains("flex, flex:burn"), "{error:?}");
        }
    }
}
