//! `entroscope devices`.

use crate::print::out;
use std::process::ExitCode;

pub(super) fn devices() -> ExitCode {
    for device in crate::device::known() {
        let is_there = if device.missing.is_none() { "there" } else { "not there" };
        out!("{:16} {is_there:10} {}", device.name, device.description);
        if let Some(why) = device.missing {
            out!("{:27} {why}", "");
        }
    }
    ExitCode::SUCCESS
}
