//! `entroscope data get`: fetches the files of a published data set and resumes interrupted downloads. A file gets its
//! final name only after its content was verified.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use super::source::CatalogueEntry;
use super::{Folders, IdxSet, PublishedFile, idx_set};
use crate::{Error, Result};

/// Interval at which a wait checks for cancellation.
const PATIENCE: Duration = Duration::from_millis(100);
/// A server that sends nothing for this long counts as gone.
#[cfg(feature = "download")]
const SILENCE: Duration = Duration::from_mins(1);

/// An event of a download, for a progress bar.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "`file` is the file's name everywhere")]
pub enum DownloadProgress {
    /// The file is already here and verified.
    Present { file: String },
    /// `done` of `total` bytes are here; the total is the server's, or else the catalogue's.
    Bytes { file: String, done: u64, total: u64 },
    /// The content is being checked.
    Verifying { file: String },
    /// A file that was there but is not the published one has been renamed.
    SetAside { file: String, to: PathBuf },
    /// The file has its final name.
    Done { file: String },
}

/// What [`get`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where the files are.
    pub folder: PathBuf,
    /// Number of files downloaded; the others were already here.
    pub downloaded: usize,
}

/// Fetches the missing files of a data set into the first data folder, unless another one has all of them.
///
/// # Errors
/// `cancelled` returned true; the server cannot be reached, breaks off, or has no such file or other content; the folder
/// cannot be written. What has arrived stays in `NAME.gz.part`, and the next call resumes from there.
pub fn get(
    set: &IdxSet,
    folders: &Folders,
    progress: &mut dyn FnMut(DownloadProgress),
    cancelled: &dyn Fn() -> bool,
) -> Result<Fetched> {
    let here = |folder: &Path, i: usize| {
        set.locate(folder, i).is_some_and(|path| set.is_published(i, &path, folders.digest_cache()))
    };
    if let Some(folder) = set.folders(folders).into_iter().find(|folder| (0..4).all(|i| here(folder, i))) {
        set.files.iter().for_each(|file| progress(DownloadProgress::Present { file: file.name.clone() }));
        return Ok(Fetched { folder, downloaded: 0 });
    }
    let folder = folders.download_dir()?.join(&set.name);
    let _lock = lock(&folder)?;
    let mut downloaded = 0;
    for (i, file) in set.files.iter().enumerate() {
        if cancelled() {
            return Err(Error::interrupted());
        }
        if here(&folder, i) {
            progress(DownloadProgress::Present { file: file.name.clone() });
            continue;
        }
        let url = format!("{}{}.gz", set.url, file.name);
        let download = Download { url, i, file, set, folder: &folder };
        download.run(progress, cancelled)?;
        downloaded += 1;
    }
    Ok(Fetched { folder, downloaded })
}

/// Creates the folder and locks it against other downloads while the returned file is open.
fn lock(folder: &Path) -> Result<File> {
    let failed =
        |error: io::Error| Error::io("write to", folder, &error).hint("name another folder with `--data-dir DIR`");
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = File::create(folder.join(".lock")).map_err(failed)?;
    match file.try_lock() {
        // Some network file systems have no locks: download without one.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another program is downloading into {}", folder.display());
            Err(Error::new(message).hint("wait until it has ended"))
        }
    }
}

/// The download of a set's `i`th file.
struct Download<'a> {
    url: String,
    i: usize,
    file: &'a PublishedFile,
    set: &'a IdxSet,
    folder: &'a Path,
}

/// A part of a server's answer.
#[cfg_attr(not(feature = "download"), allow(dead_code, reason = "a build without downloads only fails"))]
enum Message {
    /// Status, the position of the first byte, and the total number of bytes, if it is known.
    Start {
        status: u16,
        from: u64,
        total: Option<u64>,
    },
    Bytes(Vec<u8>),
    End,
    Failed(String),
}

impl Download<'_> {
    fn run(&self, progress: &mut dyn FnMut(DownloadProgress), cancelled: &dyn Fn() -> bool) -> Result<()> {
        let path = self.part();
        let failed = |error: io::Error| Error::io("write", &path, &error);
        loop {
            let mut part = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
            let had = part.seek(SeekFrom::End(0)).map_err(failed)?;
            if let Err(error) = self.fill(&mut part, had, progress, cancelled) {
                // An empty file has nothing to continue.
                if part.metadata().is_ok_and(|metadata| metadata.len() == 0) {
                    let _ = std::fs::remove_file(&path);
                }
                return Err(error);
            }
            part.sync_all().map_err(failed)?;
            progress(DownloadProgress::Verifying { file: self.file.name.clone() });
            let found = match idx_set::hash(self.i, &path) {
                Ok(hash) if hash == self.file.content => return self.put_in_place(&path, progress),
                Ok(hash) => format!("content with the hash {hash}"),
                Err(error) => error.message,
            };
            std::fs::remove_file(&path).map_err(failed)?;
            // The beginning may have been another file's: start over.
            if had == 0 {
                let (url, expected) = (&self.url, &self.file.content);
                let message = format!(
                    "{url} is not the published file: expected content with the hash {expected}, found: {found}"
                );
                return Err(self.by_hand(message));
            }
        }
    }

    /// Appends the rest to `part`, which has `had` bytes, or overwrites it if the server sends the whole file.
    fn fill(
        &self,
        part: &mut File,
        had: u64,
        progress: &mut dyn FnMut(DownloadProgress),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<()> {
        let failed = |error: io::Error| Error::io("write", &self.part(), &error);
        let messages = request(&self.url, had);
        let (mut done, mut total) = (had, None);
        loop {
            let message = match messages.recv_timeout(PATIENCE) {
                _ if cancelled() => return Err(Error::interrupted()),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => Message::Failed("the connection ended".into()),
                Ok(message) => message,
            };
            match message {
                // The server has nothing after what is here: verification shows whether the file is whole.
                Message::Start { status: 416, .. } if had > 0 => return Ok(()),
                Message::Start { status: 200 | 206, from, total: whole } if from <= done => {
                    (done, total) = (from, whole);
                    part.set_len(from).and_then(|()| part.seek(SeekFrom::Start(from))).map_err(failed)?;
                }
                Message::Start { status: 404, .. } => {
                    return Err(self.by_hand(format!("the server has no file {} (status 404)", self.url)));
                }
                Message::Start { status, .. } => {
                    return Err(self.by_hand(format!("the server refuses {} (status {status})", self.url)));
                }
                Message::Bytes(bytes) => {
                    part.write_all(&bytes).map_err(failed)?;
                    done += bytes.len() as u64;
                    if done > 2 * self.file.bytes + (1 << 20) {
                        let message =
                            format!("{} is longer than the published file's {} bytes", self.url, self.file.bytes);
                        return Err(self.by_hand(message));
                    }
                    let total = total.unwrap_or(self.file.bytes).max(done);
                    progress(DownloadProgress::Bytes { file: self.file.name.clone(), done, total });
                }
                Message::End if total.is_none_or(|total| done >= total) => return Ok(()),
                Message::End => return Err(self.broken_off(done, "the server ended early")),
                Message::Failed(why) => return Err(self.broken_off(done, &why)),
            }
        }
    }

    /// Renames the verified file to its final name; a file that already has that name is renamed first.
    fn put_in_place(&self, part: &Path, progress: &mut dyn FnMut(DownloadProgress)) -> Result<()> {
        let failed = |path: &Path, error: io::Error| Error::io("rename", path, &error);
        while let Some(other) = self.set.locate(self.folder, self.i) {
            let name = |n: usize| PathBuf::from(format!("{}.replaced-{n}", other.display()));
            let to = (1..).map(name).find(|to| !to.exists()).unwrap_or_else(|| name(0));
            std::fs::rename(&other, &to).map_err(|error| failed(&other, error))?;
            progress(DownloadProgress::SetAside { file: self.file.name.clone(), to });
        }
        std::fs::rename(part, self.folder.join(format!("{}.gz", self.file.name)))
            .map_err(|error| failed(part, error))?;
        progress(DownloadProgress::Done { file: self.file.name.clone() });
        Ok(())
    }

    fn part(&self) -> PathBuf {
        self.folder.join(format!("{}.gz.part", self.file.name))
    }

    fn broken_off(&self, done: u64, why: &str) -> Error {
        match done {
            0 => self.by_hand(format!("cannot fetch {}: {why}", self.url)),
            _ => Error::new(format!("the download of {} broke off after {done} bytes: {why}", self.url))
                .hint("run it again: it continues from there"),
        }
    }

    fn by_hand(&self, message: String) -> Error {
        let place = self.folder.join(format!("{}.gz", self.file.name));
        Error::new(message).hint(format!("try later, or put a copy from elsewhere at {}", place.display()))
    }
}

/// Requests a file from byte `from` on. This has a thread of its own, so that waiting for a silent server does not delay
/// cancellation. The thread ends when the receiver is dropped.
fn request(url: &str, from: u64) -> Receiver<Message> {
    let (sender, receiver) = mpsc::sync_channel(8);
    let url = url.to_owned();
    let transfer = move || {
        if let Err(error) = transfer(&url, from, &sender) {
            let _ = sender.send(Message::Failed(error.to_string()));
        }
    };
    // If no thread can be started, the channel closes, which the receiver reports.
    let _ = std::thread::Builder::new().name("download".into()).spawn(transfer);
    receiver
}

#[cfg(feature = "download")]
fn transfer(url: &str, from: u64, sender: &SyncSender<Message>) -> std::result::Result<(), ureq::Error> {
    use std::io::Read;

    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("entroscope/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE));
    let mut request = ureq::Agent::new_with_config(config.build()).get(url);
    if from > 0 {
        request = request.header("Range", format!("bytes={from}-"));
    }
    let response = request.call()?;
    let status = response.status().as_u16();
    // "bytes FROM-TO/TOTAL", RFC 9110 section 14.4; a server that ignores the request sends all, with status 200.
    let range = response.headers().get("Content-Range").and_then(|range| range.to_str().ok());
    let stated = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok());
    let from = if status == 206 { stated.unwrap_or(from) } else { 0 };
    let mut body = response.into_body();
    let total = body.content_length().map(|length| from + length);
    let mut listening = sender.send(Message::Start { status, from, total }).is_ok();
    let mut reader = body.as_reader();
    while listening {
        let mut chunk = vec![0; 1 << 16];
        let got = reader.read(&mut chunk)?;
        chunk.truncate(got);
        listening = sender.send(if got == 0 { Message::End } else { Message::Bytes(chunk) }).is_ok() && got > 0;
    }
    Ok(())
}

#[cfg(not(feature = "download"))]
fn transfer(_: &str, _: u64, _: &SyncSender<Message>) -> std::result::Result<(), &'static str> {
    Err("this build leaves out downloads; the feature `download` brings them")
}
