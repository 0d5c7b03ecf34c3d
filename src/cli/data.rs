//! `entroscope data`.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::{cancel_on_interrupt, failed};
use crate::data::{self, Availability, DownloadProgress, Folders, downloadable, get};
use crate::print::out;
use crate::script::Settings;
use crate::words;
use crate::work::Cancel;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The data sets that scripts can name, and which are here.
    List,
    /// Download a data set from its fixed address and verify it. Interrupted, it goes on where it was.
    Get {
        /// Its name, such as mnist.
        name: String,
    },
}

pub(super) fn data(command: &Command, settings: &Settings) -> ExitCode {
    let folders = Folders::new(settings.data_dir.clone());
    match command {
        Command::List => {
            list(&folders);
            ExitCode::SUCCESS
        }
        Command::Get { name } => download(name, &folders),
    }
}

fn list(folders: &Folders) {
    for entry in data::list(folders) {
        let availability = match entry.availability {
            Availability::Generated => "generated, nothing to download".to_owned(),
            Availability::Present(folder, notes) => {
                let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
                format!("in {}{notes}", folder.display())
            }
            Availability::Verified(folder) => format!("in {}, verified", folder.display()),
            Availability::Different(folder, files) => {
                format!("in {}, with other content than published: {}", folder.display(), files.join(", "))
            }
            Availability::Damaged(folder, error) => format!("in {}, damaged: {error}", folder.display()),
            Availability::Missing if entry.bytes == 0 => {
                format!("not here: `entroscope data get {}` says where its files come from", entry.name)
            }
            Availability::Missing => {
                format!("not here ({}): `entroscope data get {}`", words::size(entry.bytes as f64), entry.name)
            }
        };
        out!("{:14} {}\n{:14} {availability}", entry.name, entry.about, "");
    }
    let looked: Vec<String> = folders.candidates().iter().map(|folder| folder.display().to_string()).collect();
    out!("looked in {}", looked.join(", "));
}

fn download(name: &str, folders: &Folders) -> ExitCode {
    let cancel = Cancel::default();
    cancel_on_interrupt(&cancel);
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{msg:32} {bar:30} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style);
    }
    let mut report = |progress: DownloadProgress| match progress {
        DownloadProgress::Bytes { file, done, total } => {
            bar.set_message(file);
            bar.set_length(total);
            bar.set_position(done);
        }
        DownloadProgress::Present { file } => bar.suspend(|| out!("{file}: here already, verified")),
        DownloadProgress::Verifying { file } => bar.set_message(format!("verifying {file}")),
        DownloadProgress::SetAside { file, to } => {
            bar.suspend(|| out!("{file}: had other content, kept as {}", to.display()));
        }
        DownloadProgress::Done { file } => bar.suspend(|| out!("{file}: downloaded, verified")),
    };
    let result = downloadable(name).and_then(|set| get(&set, folders, &mut report, &|| cancel.is_cancelled()));
    bar.finish_and_clear();
    match result {
        Ok(fetched) => {
            out!("{name} is in {} ({} files downloaded)", fetched.folder.display(), fetched.downloaded);
            ExitCode::SUCCESS
        }
        Err(error) if error.interrupted => ExitCode::from(130),
        Err(error) => failed(error),
    }
}
