//! `entroscope data get`: fetches the files of a known data set, continues what was broken off, and lets nothing
//! but the published content reach a file's final name.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use super::{Entry, Folders, KnownFile, files};
use crate::{Error, Result};

/// How often a wait looks whether the user has had enough.
const PATIENCE: Duration = Duration::from_millis(100);
/// A server that says nothing for this long is gone.
const SILENCE: Duration = Duration::from_mins(1);

/// What is going on, for a progress bar.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "`file` is the file's name everywhere")]
pub enum Progress {
    /// It is here and verified already.
    Present { file: String },
    /// So many bytes are here; `total` is the server's word, else the catalogue's.
    Bytes { file: String, done: u64, total: u64 },
    /// The content is being checked.
    Verifying { file: String },
    /// A file that was there but is not the published one has been renamed.
    SetAside { file: String, to: PathBuf },
    /// It is in place.
    Done { file: String },
}

/// What [`get`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where the files are.
    pub folder: PathBuf,
    /// How many were downloaded; the others were here.
    pub downloaded: usize,
}

/// Fetches what is missing of a data set, into the first data folder unless all of it is in another one.
///
/// # Errors
/// The user interrupted; the server is not reached, breaks off, has no such file or has other content; the folder
/// cannot be written. What came so far stays in `NAME.gz.part`, and the next call continues it.
pub fn get(
    entry: &Entry,
    folders: &Folders,
    progress: &mut dyn FnMut(Progress),
    cancelled: &dyn Fn() -> bool,
) -> Result<Fetched> {
    let here = |folder: &Path, i: usize| {
        files::locate(folder, &entry.files[i])
            .is_some_and(|path| files::is_published(entry, i, &path, folders.memory()))
    };
    let mut places = folders.candidates().iter().map(|folder| folder.join(&entry.name));
    if let Some(folder) = places.find(|place| (0..4).all(|i| here(place, i))) {
        entry.files.iter().for_each(|file| progress(Progress::Present { file: file.name.clone() }));
        return Ok(Fetched { folder, downloaded: 0 });
    }
    let folder = folders.download_dir()?.join(&entry.name);
    let _lock = lock(&folder)?;
    let mut downloaded = 0;
    for (i, file) in entry.files.iter().enumerate() {
        if cancelled() {
            return Err(Error::interrupted());
        }
        if here(&folder, i) {
            progress(Progress::Present { file: file.name.clone() });
            continue;
        }
        let download = Download { url: format!("{}{}.gz", entry.url, file.name), i, file, folder: &folder };
        download.run(progress, cancelled)?;
        downloaded += 1;
    }
    Ok(Fetched { folder, downloaded })
}

/// Makes the folder, and keeps other programs from downloading into it while the file returned is open.
fn lock(folder: &Path) -> Result<File> {
    let failed =
        |error: io::Error| Error::io("write to", folder, &error).hint("name another folder with `--data-dir DIR`");
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = File::create(folder.join(".lock")).map_err(failed)?;
    match file.try_lock() {
        // Some network file systems have no locks: better without one than not at all.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another program is downloading into {}", folder.display());
            Err(Error::new(message).hint("wait until it has ended"))
        }
    }
}

/// One file on its way.
struct Download<'a> {
    url: String,
    /// Its place in the entry, which says what it holds.
    i: usize,
    file: &'a KnownFile,
    folder: &'a Path,
}

/// What a server sends: how it starts, then bytes.
enum Message {
    /// Status, the position of the first byte, and how many bytes there are in all, if it says.
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
    fn run(&self, progress: &mut dyn FnMut(Progress), cancelled: &dyn Fn() -> bool) -> Result<()> {
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
            progress(Progress::Verifying { file: self.file.name.clone() });
            let found = match files::hash(self.i, &path) {
                Ok(hash) if hash == self.file.content => return self.put_in_place(&path, progress),
                Ok(hash) => format!("content with the hash {hash}"),
                Err(error) => error.message,
            };
            std::fs::remove_file(&path).map_err(failed)?;
            // What was here before may have been another file's beginning: once more, from nothing.
            if had == 0 {
                let (url, expected) = (&self.url, &self.file.content);
                let message = format!(
                    "{url} is not the published file: expected content with the hash {expected}, found: {found}"
                );
                return Err(self.by_hand(message));
            }
        }
    }

    /// Appends what is missing to `part`, which has `had` bytes, or replaces it if the server sends all of it.
    fn fill(
        &self,
        part: &mut File,
        had: u64,
        progress: &mut dyn FnMut(Progress),
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
                // There is nothing after what is here: it is whole, or of another file. Verification will tell.
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
                    progress(Progress::Bytes { file: self.file.name.clone(), done, total });
                }
                Message::End if total.is_none_or(|total| done >= total) => return Ok(()),
                Message::End => return Err(self.broken_off(done, "the server ended early")),
                Message::Failed(why) => return Err(self.broken_off(done, &why)),
            }
        }
    }

    /// Renames the verified file to its final name; what stands in its place keeps its bytes under another.
    fn put_in_place(&self, part: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let failed = |path: &Path, error: io::Error| Error::io("rename", path, &error);
        while let Some(other) = files::locate(self.folder, self.file) {
            let name = |n: usize| PathBuf::from(format!("{}.replaced-{n}", other.display()));
            let to = (1..).map(name).find(|to| !to.exists()).unwrap_or_else(|| name(0));
            std::fs::rename(&other, &to).map_err(|error| failed(&other, error))?;
            progress(Progress::SetAside { file: self.file.name.clone(), to });
        }
        std::fs::rename(part, self.folder.join(format!("{}.gz", self.file.name)))
            .map_err(|error| failed(part, error))?;
        progress(Progress::Done { file: self.file.name.clone() });
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

/// Asks for a file from byte `from` on. On a thread of its own: a wait for a silent server must not keep a user who
/// interrupts from being heard. The thread ends when nobody listens.
fn request(url: &str, from: u64) -> Receiver<Message> {
    let (sender, receiver) = mpsc::sync_channel(8);
    let url = url.to_owned();
    let transfer = move || {
        if let Err(error) = transfer(&url, from, &sender) {
            let _ = sender.send(Message::Failed(error.to_string()));
        }
    };
    // Without a thread the channel closes, which the receiver reports.
    let _ = std::thread::Builder::new().name("download".into()).spawn(transfer);
    receiver
}

fn transfer(url: &str, from: u64, sender: &SyncSender<Message>) -> std::result::Result<(), ureq::Error> {
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
