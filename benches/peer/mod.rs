//! The published program's work in PyTorch (`peer.py`), in a process of its own, to be timed beside this program's.
//!
//!     python3 -m venv benches/peer/venv && benches/peer/venv/bin/pip install -r benches/peer/requirements.txt

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::timing::Took;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer");

/// A Python that waits for work.
pub struct Peer {
    /// What it calls itself.
    pub name: String,
    process: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Peer {
    /// The Python of `$PEER_PYTHON`, or that of `benches/peer/venv`. Where there is none, says how to get one.
    pub fn start() -> Option<Self> {
        let python = std::env::var("PEER_PYTHON").unwrap_or_else(|_| format!("{FOLDER}/venv/bin/python"));
        if !Path::new(&python).exists() {
            println!(
                "PyTorch is not timed: no {python}\n  python3 -m venv benches/peer/venv && benches/peer/venv/bin/pip install -r benches/peer/requirements.txt"
            );
            return None;
        }
        // A processor's kernels are chosen for the machine, not for what some installations ask of OpenBLAS.
        let mut process = Command::new(python)
            .arg(format!("{FOLDER}/peer.py"))
            .env_remove("OPENBLAS_CORETYPE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let pipes = (process.stdin.take()?, BufReader::new(process.stdout.take()?));
        let mut peer = Self { name: String::new(), process, pipes: RefCell::new(pipes) };
        peer.name = peer.line()?;
        Some(peer)
    }

    /// What a piece of work takes there, in milliseconds a step; NaN where the Python has died, which it says itself.
    pub fn time(&self, work: &str, threads: usize) -> Took {
        let asked = writeln!(self.pipes.borrow_mut().0, "{work} {threads}").ok();
        let answer = asked.and_then(|()| self.line()).unwrap_or_default();
        let mut numbers = answer.split_whitespace().map(|number| number.parse().unwrap_or(f64::NAN));
        let mut next = || numbers.next().unwrap_or(f64::NAN);
        Took { wall: next(), processor: next() }
    }

    fn line(&self) -> Option<String> {
        let mut line = String::new();
        let read = self.pipes.borrow_mut().1.read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim().to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
