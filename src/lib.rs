//! Entroscope: a host for experiment scripts that ask how far into a deep network information about its input
//! survives, before anyone trains it.

pub mod cascade;
pub mod cli;
pub mod data;
pub mod device;
pub mod entropy;
mod error;
pub mod executor;
pub mod figure;
mod files;
pub mod kernels;
#[cfg(feature = "watch")]
pub mod live;
mod lock;
pub mod network;
pub mod output;
pub mod random;
pub mod script;
pub mod stats;
pub mod theory;
pub mod weights;
mod words;
pub mod work;

pub use error::{Error, Result};
