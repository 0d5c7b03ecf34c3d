//! Tests that this machine cannot run: each says so by name, with the reason.

use std::io::Write;

/// The folder beside the project with large reference files and data sets.
pub const SHARED: &str = "shared";
/// Chromium and its driver.
pub const BROWSER: &str = "browser";
/// The right to run programs as another user.
pub const USERS: &str = "users";
/// The right to mount a file system.
pub const MOUNT: &str = "mount";

/// Reports that the running test is skipped because the machine lacks `what`: on standard error, past the harness that
/// keeps the output of tests that pass, and in the file `$TESTS_SKIPPED` for `.ci/run`.
///
/// # Panics
/// Where `$TESTS_NEED` lists `what`: the machine should have had it.
#[track_caller]
pub fn skipped(what: &str, why: &str) {
    let caller = std::panic::Location::caller();
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main").map_or_else(|| caller.to_string(), str::to_owned);
    let needed = std::env::var("TESTS_NEED").unwrap_or_default();
    assert!(!needed.split_whitespace().any(|needed| needed == what), "skipped, though this machine has {what}: {why}");
    let line = format!("skipped {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    if let Some(file) = std::env::var_os("TESTS_SKIPPED") {
        let file = std::fs::File::options().create(true).append(true).open(file);
        file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
    }
}
