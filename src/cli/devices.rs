//! `entroscope devices`.

use std::process::ExitCode;

pub(super) fn devices() -> ExitCode {
    for device in crate::device::known() {
        println!("{:10} {}", device.name, device.description);
    }
    ExitCode::SUCCESS
}
