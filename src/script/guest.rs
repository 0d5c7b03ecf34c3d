//! The thread that a script is evaluated on, as a guest: its stack has a known size, its memory and its time are counted,
//! and the host leaves it behind where it cannot be stopped, as in a native function that takes too long.

#![expect(clippy::disallowed_methods, reason = "a script that takes too long is stopped; no number depends on it")]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::run_handle::RunHandle;
use super::settings::Limits;
use crate::allocation::{self, Account};
use crate::error::panicked;
use crate::lock::lock;
use crate::words;
use crate::{Error, Result};

/// Sizes of the stack, the first that the system gives: what is not used takes no memory. A value that holds values is
/// cloned, printed and dropped by calls inside calls, and Rhai sets its depth no limit.
const STACKS: [usize; 5] = [4 << 30, 2 << 30, 1 << 30, 256 << 20, 64 << 20];
/// Bytes of the stack for each piece of memory that a script may hold. A chain of closures, each of which holds the one
/// before, takes three pieces for each and 250 bytes of the stack to drop it.
const STACK_FOR_A_BLOCK: usize = 128;
/// Bytes of the stack that calls inside calls may take.
const EVALUATION: usize = 512 << 20;
/// How long a guest that should stop has to do so, before it is left behind.
const GRACE: Duration = Duration::from_secs(2);
/// How often the host looks at its guest.
const INTERVAL: Duration = Duration::from_millis(50);
/// Operations between two looks at the clock, which cost more than an operation.
const CLOCK: u64 = 1024;

thread_local! {
    static HERE: Here = const {
        Here { bottom: Cell::new(0), stack: Cell::new(0), blocks: Cell::new(0), operations: Cell::new(0) }
    };
}

/// What is counted on the guest's thread.
struct Here {
    /// The address at which its stack begins.
    bottom: Cell<usize>,
    /// Bytes of the stack that evaluation may use; 0 on other threads.
    stack: Cell<usize>,
    /// Most pieces of memory that it may hold.
    blocks: Cell<usize>,
    operations: Cell<u64>,
}

/// What the host and the guest's thread share.
#[derive(Debug, Default)]
pub(super) struct Guest {
    limits: Limits,
    /// When evaluation must end; `None` before it begins, and while work is done for the script.
    deadline: Mutex<Option<Instant>>,
    /// Its thread would take more memory than it may, and has stopped for good.
    exceeded: Arc<AtomicBool>,
    /// The host went on without it.
    is_left: AtomicBool,
}

/// Runs `visit` on a thread of its own, within `limits` as far as they concern all of it.
///
/// # Errors
/// When it took too much memory or time, ended in a panic, or the user stopped it; or no thread can be started.
pub(super) fn host<T: Send + 'static>(
    limits: &Limits,
    handle: &RunHandle,
    visit: impl FnOnce(Arc<Guest>) -> T + Send + 'static,
) -> Result<T> {
    let guest = Arc::new(Guest { limits: *limits, ..Guest::default() });
    let (sender, result) = channel();
    let visit = Arc::new(Mutex::new(Some(visit)));
    let mut failure = None;
    let is_started = STACKS.into_iter().any(|stack| {
        let (guest, sender, visit) = (guest.clone(), sender.clone(), visit.clone());
        let thread = move || {
            let Some(visit) = lock(&visit).take() else { return };
            let _account = guest.enter(stack);
            let visited = catch_unwind(AssertUnwindSafe(|| visit(guest)));
            // The host may have gone on without it.
            let _ = sender.send(visited);
        };
        let spawned = std::thread::Builder::new().name("script".to_owned()).stack_size(stack).spawn(thread);
        spawned.map_err(|error| failure = Some(error)).is_ok()
    });
    if !is_started {
        let why = failure.map(|error| error.to_string()).unwrap_or_default();
        return Err(Error::new(format!("no thread can be started to evaluate the script: {why}")));
    }
    drop(sender);
    let mut over_since = None;
    loop {
        match result.recv_timeout(INTERVAL) {
            Ok(Ok(visited)) => return Ok(visited),
            Ok(Err(panic)) => return Err(panicked("the evaluation", panic.as_ref())),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new("the thread that evaluated the script ended without a result"));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if handle.is_over() {
            over_since.get_or_insert_with(Instant::now);
        }
        if let Some(why) = guest.should_be_left(over_since) {
            guest.is_left.store(true, Ordering::Relaxed);
            return Err(why);
        }
    }
}

impl Guest {
    /// Begins to count on this thread.
    fn enter(&self, stack: usize) -> Account {
        HERE.with(|here| {
            here.bottom.set(address());
            // The rest is for the values that it clones, prints and drops at its deepest.
            here.stack.set((stack / 4 * 3).min(EVALUATION));
            here.blocks.set(stack / STACK_FOR_A_BLOCK);
            here.operations.set(0);
        });
        // A native function may go a little beyond the limit, and ends in an error with its place.
        let most = self.limits.memory.saturating_add(self.limits.memory / 8);
        Account::open(most, self.exceeded.clone())
    }

    /// From here on, evaluation is timed.
    pub fn start_clock(&self) {
        self.allow(Duration::try_from_secs_f64(self.limits.seconds).unwrap_or(Duration::MAX));
    }

    fn allow(&self, left: Duration) {
        *lock(&self.deadline) = Instant::now().checked_add(left);
    }

    /// Evaluation is over: what follows is not timed.
    pub fn stop_clock(&self) {
        *lock(&self.deadline) = None;
    }

    /// Does work for the script, which is not timed.
    pub fn without_clock<T>(&self, work: impl FnOnce() -> T) -> T {
        let left = lock(&self.deadline).take().map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let done = work();
        if let Some(left) = left {
            self.allow(left);
        }
        done
    }

    /// Whether the host went on without it.
    pub fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }

    /// Why evaluation has to end, if it has: asked at every operation, on the guest's thread.
    pub fn should_stop(&self, handle: &RunHandle) -> Option<Error> {
        let operations = HERE.with(|here| {
            here.operations.set(here.operations.get() + 1);
            here.operations.get()
        });
        if operations > self.limits.operations {
            let message = format!("the script takes more than {} operations", self.limits.operations);
            return Some(Error::new(message).hint("raise the limit: --max-operations N"));
        }
        if let Err(error) = check_stack().and_then(|()| check_blocks()).and_then(|()| self.check_memory(0, "")) {
            return Some(error);
        }
        if operations % CLOCK != 1 {
            return None;
        }
        if self.is_left() || handle.is_over() {
            return Some(Error::interrupted());
        }
        self.is_late(Duration::ZERO).then(|| self.late())
    }

    /// Checks that `bytes` more, for `what`, may be taken. Native functions ask before they take much.
    ///
    /// # Errors
    /// When the script would hold more than it may.
    pub fn check_memory(&self, bytes: u64, what: &str) -> Result<()> {
        match allocation::held() {
            Some(held) if held.bytes.saturating_add(bytes) > self.limits.memory => {
                let [limit, taken, bytes_in_words] =
                    [self.limits.memory, held.bytes, bytes].map(|bytes| words::size(bytes as f64));
                Err(Error::new(match bytes {
                    0 => format!("the script takes more than {limit} of memory"),
                    _ => format!("{what} takes {bytes_in_words}; a script may take {limit}, {taken} are taken"),
                })
                .hint(MORE_MEMORY))
            }
            _ => Ok(()),
        }
    }

    fn is_late(&self, grace: Duration) -> bool {
        lock(&self.deadline).is_some_and(|deadline| Instant::now() > deadline + grace)
    }

    fn late(&self) -> Error {
        Error::new(format!("the script took more than {} s to evaluate", self.limits.seconds))
            .hint("raise the limit: --max-seconds N")
    }

    /// Why the host goes on without it, if it does.
    fn should_be_left(&self, over_since: Option<Instant>) -> Option<Error> {
        if self.exceeded.load(Ordering::Acquire) {
            let limit = words::size(self.limits.memory as f64);
            return Some(Error::new(format!("the script takes more than {limit} of memory")).hint(MORE_MEMORY));
        }
        if self.is_late(GRACE) {
            return Some(self.late());
        }
        let is_timed = lock(&self.deadline).is_some();
        (is_timed && over_since.is_some_and(|since| since.elapsed() > GRACE)).then(Error::interrupted)
    }
}

const MORE_MEMORY: &str = "raise the limit: --max-memory SIZE";

/// Checks that the script holds no more pieces of memory than its stack is large enough for, should each lie in the next.
fn check_blocks() -> Result<()> {
    let most = HERE.with(|here| here.blocks.get());
    match allocation::held() {
        Some(held) if held.blocks > most as u64 => {
            Err(Error::new(format!("the script holds more than {most} separate values, texts and arrays")))
        }
        _ => Ok(()),
    }
}

/// About where the stack of this thread ends now.
#[inline(never)]
fn address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

/// Checks that there is stack left for one more call. Whatever calls itself as deeply as a script says asks here.
///
/// # Errors
/// When too little is left.
pub(crate) fn check_stack() -> Result<()> {
    let is_full = HERE.with(|here| here.stack.get() > 0 && here.bottom.get().abs_diff(address()) > here.stack.get());
    if is_full { Err(Error::new("the script calls functions too deeply, or nests values too deeply")) } else { Ok(()) }
}
