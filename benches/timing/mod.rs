//! What benchmarks share: times of one piece of work and of others beside it, taken in turns.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::time::Instant;

/// What one measurement took, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    pub wall: f64,
    /// Of all threads; NaN where the system does not tell.
    pub processor: f64,
}

/// Times some work.
pub fn timed(work: impl FnOnce()) -> Took {
    let (wall, processor) = (Instant::now(), processor_seconds());
    work();
    Took { wall: wall.elapsed().as_secs_f64() * 1e3, processor: (processor_seconds() - processor) * 1e3 }
}

impl Took {
    /// Of each of so many parts.
    pub fn per(self, parts: usize) -> Self {
        Self { wall: self.wall / parts as f64, processor: self.processor / parts as f64 }
    }

    /// The median of several, of wall and processor time apart.
    pub fn median(all: &[Self]) -> Self {
        let of = |which: fn(&Self) -> f64| entroscope::stats::median(all.iter().map(which));
        Self { wall: of(|took| took.wall), processor: of(|took| took.processor) }
    }
}

/// One way to do some work, by name.
pub type Way<'a> = (&'a str, Box<dyn FnMut() -> Took + 'a>);

/// Times every way `rounds` times, in turns, so that a busy minute of the machine falls on all; prints a line each, with
/// the ratio to the first.
pub fn compare(threads: usize, rounds: usize, mut ways: Vec<Way<'_>>) {
    let mut all = vec![Vec::new(); ways.len()];
    for _ in 0..rounds {
        for ((_, way), took) in ways.iter_mut().zip(&mut all) {
            took.push(way());
        }
    }
    let medians: Vec<Took> = all.iter().map(|took| Took::median(took)).collect();
    for ((name, _), took) in ways.iter().zip(&medians) {
        let ratio = took.wall / medians[0].wall;
        println!("{name:26} {threads:8} {:14.1} {:10.1} {ratio:8.2}", took.processor, took.wall);
    }
}

/// The head of what [`compare`] prints.
pub fn head(title: &str) {
    println!("\n{title}\n{:26} {:>8} {:>14} {:>10} {:>8}", "", "threads", "processor ms", "wall ms", "ratio");
}

/// Seconds that all threads of this process have computed for so far, as Linux tells it, in hundredths.
fn processor_seconds() -> f64 {
    let seconds = || {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // Behind the name, which may hold anything: state is the first field, user and system time the 12th and 13th.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some((fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?) / 100.0)
    };
    seconds().unwrap_or(f64::NAN)
}
