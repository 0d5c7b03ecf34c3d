//! Downloads, from a real server on loopback that behaves well or badly.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::*;

/// How the server behaves.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Good,
    /// Sends all, whatever range was asked for.
    IgnoresRange,
    Missing,
    /// Promises all and closes after so many bytes.
    BreaksOff(usize),
    /// Promises all, sends so many bytes, and then nothing for a long time.
    Stalls(usize),
    /// Well-formed files, but others.
    OtherContent,
}

/// A server on loopback, what it was asked for, and a place to download to.
struct Setting {
    entry: IdxSet,
    raw: [Vec<u8>; 4],
    asked: Arc<Mutex<Vec<String>>>,
    place: tempfile::TempDir,
}

fn setting(manner: Manner) -> Setting {
    let (mut entry, raw) = fake();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    entry.url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut bodies = raw.clone();
    if manner == Manner::OtherContent {
        bodies.iter_mut().for_each(|body| *body.last_mut().unwrap() ^= 1);
    }
    let (bodies, log) = (bodies.map(|body| gzip(&body)), asked.clone());
    // Ends with the test's process.
    std::thread::spawn(move || {
        listener.incoming().for_each(|stream| {
            let _ = answer(stream.unwrap(), manner, &bodies, &log);
        });
    });
    Setting { entry, raw, asked, place: tempfile::tempdir().unwrap() }
}

fn answer(
    mut stream: TcpStream,
    manner: Manner,
    bodies: &[Vec<u8>; 4],
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let head: Vec<String> =
        BufReader::new(&stream).lines().map_while(|line| line.ok().filter(|line| !line.is_empty())).collect();
    let name = head[0].split(' ').nth(1).unwrap()[1..].trim_end_matches(".gz").to_owned();
    let asked_from = head.iter().find_map(|line| {
        let (key, value) = line.split_once(": bytes=")?;
        key.eq_ignore_ascii_case("range").then(|| value.trim_end_matches('-').parse::<usize>().unwrap())
    });
    log.lock().unwrap().push(format!("{name} {}", asked_from.unwrap_or(0)));
    let body = &bodies[NAMES.iter().position(|known| *known == name).unwrap()];
    let from = asked_from.filter(|_| manner != Manner::IgnoresRange);
    let rest = body.get(from.unwrap_or(0)..).unwrap_or_default();
    let length = rest.len();
    let (status, sent) = match manner {
        Manner::Missing => ("404 Not Found".into(), 0),
        _ if from.is_some() && length == 0 => (format!("416 No\r\nContent-Range: bytes */{}", body.len()), 0),
        Manner::BreaksOff(n) | Manner::Stalls(n) => ("200 OK".into(), n.min(length)),
        _ if from.is_some() => {
            let (from, all) = (body.len() - length, body.len());
            (format!("206 Partial\r\nContent-Range: bytes {from}-{}/{all}", all - 1), length)
        }
        _ => ("200 OK".into(), length),
    };
    let length = if matches!(manner, Manner::Missing) { 0 } else { length };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(&rest[..sent])?;
    if let Manner::Stalls(_) = manner {
        std::thread::sleep(std::time::Duration::from_secs(20));
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

impl Setting {
    fn folders(&self) -> Folders {
        Folders::at(vec![self.place.path().into()], None)
    }

    fn get(&self) -> Result<Vec<DownloadProgress>> {
        self.get_unless(&|| false)
    }

    fn get_unless(&self, cancelled: &dyn Fn() -> bool) -> Result<Vec<DownloadProgress>> {
        let mut events = Vec::new();
        let fetched = get(&self.entry, &self.folders(), &mut |event| events.push(event), cancelled)?;
        assert_eq!(fetched.folder, self.place.path().join("fake"));
        let done = events.iter().filter(|event| matches!(event, DownloadProgress::Done { .. })).count();
        assert_eq!(fetched.downloaded, done);
        Ok(events)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.path().join("fake").join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.place.path().join("fake")).unwrap();
        std::fs::write(self.file(name), bytes).unwrap();
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// The names in the folder, without the lock.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.place.path().join("fake")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != ".lock");
        names.sort();
        names
    }

    #[track_caller]
    fn assert_complete(&self) {
        let data = Dataset::open_idx(&self.entry, &DatasetOptions::default(), &self.folders()).unwrap();
        assert_eq!(data.warnings(), [""; 0]);
        assert_eq!(data.train().samples().unwrap().labels, [7, 0, 9]);
        assert!(self.names().iter().all(|name| !name.ends_with(".part")), "{:?}", self.names());
    }
}

#[test]
fn fetches_all_and_then_nothing() {
    let setting = setting(Manner::Good);
    let events = setting.get().unwrap();
    setting.assert_complete();
    assert_eq!(setting.asked(), NAMES.map(|name| format!("{name} 0")));
    let total = setting.entry.files[0].bytes;
    assert!(events.contains(&DownloadProgress::Bytes { file: NAMES[0].into(), done: total, total }));
    let again = setting.get().unwrap();
    assert_eq!(again, NAMES.map(|name| DownloadProgress::Present { file: name.into() }));
    assert_eq!(setting.asked(), [""; 0]);
}

#[test]
fn fetches_only_what_is_missing() {
    let setting = setting(Manner::Good);
    setting.put(NAMES[0], &setting.raw[0]);
    setting.put(&format!("{}.gz", NAMES[2]), &gzip(&setting.raw[2]));
    setting.get().unwrap();
    setting.assert_complete();
    assert_eq!(setting.asked(), [format!("{} 0", NAMES[1]), format!("{} 0", NAMES[3])]);
}

#[test]
fn continues_a_half_download() {
    let setting = setting(Manner::Good);
    let whole = gzip(&setting.raw[0]);
    setting.put(&format!("{}.gz.part", NAMES[0]), &whole[..100]);
    let events = setting.get().unwrap();
    setting.assert_complete();
    assert_eq!(setting.asked()[0], format!("{} 100", NAMES[0]));
    assert!(events.contains(&DownloadProgress::Bytes {
        file: NAMES[0].into(),
        done: whole.len() as u64,
        total: whole.len() as u64
    }));
}

#[test]
fn a_whole_part_needs_only_its_name() {
    let setting = setting(Manner::Good);
    setting.put(&format!("{}.gz.part", NAMES[0]), &gzip(&setting.raw[0]));
    setting.get().unwrap();
    setting.assert_complete();
}

#[test]
fn a_wrong_half_is_started_again() {
    let setting = setting(Manner::Good);
    setting.put(&format!("{}.gz.part", NAMES[0]), &[1; 100]);
    setting.get().unwrap();
    setting.assert_complete();
    assert_eq!(setting.asked()[..2], [format!("{} 100", NAMES[0]), format!("{} 0", NAMES[0])]);
    // Longer than the file: the server has nothing to add.
    let setting = self::setting(Manner::Good);
    setting.put(&format!("{}.gz.part", NAMES[0]), &[1; 100_000]);
    setting.get().unwrap();
    setting.assert_complete();
}

#[test]
fn a_server_without_ranges_starts_again() {
    let setting = setting(Manner::IgnoresRange);
    setting.put(&format!("{}.gz.part", NAMES[0]), &gzip(&setting.raw[0])[..100]);
    setting.get().unwrap();
    setting.assert_complete();
}

#[test]
fn a_broken_connection_keeps_what_came_and_says_so() {
    let mut broken = setting(Manner::BreaksOff(120));
    assert_says(broken.get(), &["broke off after 120 bytes", "run it again"]);
    let part = format!("{}.gz.part", NAMES[0]);
    assert_eq!(broken.names(), std::slice::from_ref(&part));
    assert_eq!(std::fs::read(broken.file(&part)).unwrap(), gzip(&broken.raw[0])[..120]);
    // The server has recovered.
    let good = setting(Manner::Good);
    broken.entry.url = good.entry.url.clone();
    broken.get().unwrap();
    broken.assert_complete();
    assert_eq!(good.asked()[0], format!("{} 120", NAMES[0]));
}

#[test]
fn other_content_never_gets_the_name() {
    let setting = setting(Manner::OtherContent);
    let error = setting.get();
    assert_says(error, &["is not the published file", &setting.entry.files[0].content, "put a copy from elsewhere"]);
    assert_eq!(setting.names(), [""; 0]);
}

#[test]
fn a_file_of_other_content_is_set_aside() {
    let setting = setting(Manner::Good);
    let mut own = setting.raw[0].clone();
    own[99] ^= 1;
    setting.put(NAMES[0], &own);
    let events = setting.get().unwrap();
    setting.assert_complete();
    let aside = setting.file(&format!("{}.replaced-1", NAMES[0]));
    assert_eq!(std::fs::read(&aside).unwrap(), own);
    assert!(events.contains(&DownloadProgress::SetAside { file: NAMES[0].into(), to: aside }));
}

#[test]
fn an_absent_file_and_an_absent_server_are_told_apart() {
    let mut setting = setting(Manner::Missing);
    assert_says(setting.get(), &[&setting.entry.url, "has no file", "404", "put a copy from elsewhere"]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    setting.entry.url = format!("http://{closed}/");
    assert_says(setting.get(), &["cannot fetch", &setting.entry.url, "refused", "try later"]);
    assert_eq!(setting.names(), [""; 0], "nothing came, nothing is left");
}

#[test]
fn an_interruption_is_heard_while_the_server_is_silent() {
    let setting = setting(Manner::Stalls(64));
    let part = setting.file(&format!("{}.gz.part", NAMES[0]));
    let start = Instant::now();
    let error = setting.get_unless(&|| part.metadata().is_ok_and(|metadata| metadata.len() == 64)).unwrap_err();
    assert!(error.interrupted && start.elapsed().as_secs() < 15, "{error:?} after {:?}", start.elapsed());
    assert_eq!(std::fs::read(part).unwrap(), gzip(&setting.raw[0])[..64]);
}

#[test]
fn two_at_once_do_not_mix() {
    let setting = setting(Manner::Stalls(64));
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| setting.get_unless(&|| enough.load(Ordering::Relaxed)).unwrap_err());
        // Asked for its first file, so it has the lock.
        while setting.asked.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        let second = setting.get();
        enough.store(true, Ordering::Relaxed);
        assert_says(second, &["another program is downloading"]);
        assert!(first.join().unwrap().interrupted);
    });
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let setting = setting(Manner::Good);
    std::fs::write(setting.place.path().join("fake"), "a file in the way").unwrap();
    assert_says(setting.get(), &["cannot write to", "fake", "--data-dir DIR"]);
}

#[test]
fn the_catalogue_is_well_formed() {
    for name in ["mnist", "fashion-mnist"] {
        let entry = entroscope::data::downloadable(name).unwrap();
        assert!(entry.url.ends_with('/'));
        assert!(entry.files.iter().all(|file| file.content.len() == 64 && file.bytes > 4000));
        assert_eq!(entry.files.each_ref().map(|file| file.name.as_str()), NAMES);
    }
}
