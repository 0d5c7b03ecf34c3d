//! `entroscope devices`.

use std::process::ExitCode;

pub(super) fn devices() -> ExitCode {
    for device in crate::device::known() {
        let is_there = if device.missing.is_none() { "there" } else { "not there" };
        println!("{:16} {is_there:10} {}", device.name, device.description);
        if let Some(why) = device.missing {
            println!("{:27} {why}", "");
        }
    }
    ExitCode::SUCCESS
}
