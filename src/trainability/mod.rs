//! The greatest depth that trains: a search that trains one network after another and stops as soon as it knows. Every
//! trained network, and its accuracy, is a result of its own, so a search that was stopped goes on where it was.

mod search;

pub use search::{Found, Method, Trial, deepest, found};
