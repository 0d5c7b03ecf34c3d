//! Counts what threads allocate, so that the memory of a script can be bounded as a whole: texts, arrays, maps, closures,
//! what native functions return, whatever holds it.
//!
//! The program wraps its allocator in [`Counting`]. A thread that wants to be counted holds an [`Account`]; other threads pay
//! one look at a number of their own for each allocation. Where the allocator is another, as it may be in a program that embeds
//! this library, nothing is counted and only the other limits hold.

#![allow(unsafe_code, reason = "an allocator is an unsafe trait; every method passes its call on")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a counted thread may hold.
struct Limits {
    /// Bytes that it allocated less those that it freed.
    taken: Cell<i64>,
    /// Allocations less those that it freed.
    blocks: Cell<i64>,
    /// Most bytes that it may hold; 0 where it is not counted.
    most: Cell<i64>,
    /// Raised when it would take more; null where it is not counted.
    exceeded: Cell<*const AtomicBool>,
    /// How many [`Unstopped`] it holds.
    unstopped: Cell<u32>,
}

thread_local! {
    static LIMITS: Limits = const {
        Limits {
            taken: Cell::new(0),
            blocks: Cell::new(0),
            most: Cell::new(0),
            exceeded: Cell::new(std::ptr::null()),
            unstopped: Cell::new(0),
        }
    };
}

/// An allocator that counts for the threads that hold an [`Account`].
#[derive(Debug, Default, Clone, Copy)]
pub struct Counting<A>(pub A);

/// What the thread that made it allocates is counted until it is dropped there.
#[derive(Debug)]
pub struct Account {
    /// What [`LIMITS`] points at. An account that is exceeded is never dropped: its thread stays where it is.
    _exceeded: Arc<AtomicBool>,
    /// An account belongs to its thread.
    _here: std::marker::PhantomData<*const ()>,
}

impl Account {
    /// Counts what this thread allocates from now on. An allocation with which it would hold more than `most` bytes is not
    /// made: `exceeded` is raised, and **the thread stops for good**, because an allocator can neither fail without ending the
    /// program nor unwind. Whoever waits for the thread has to look at `exceeded`.
    pub fn open(most: u64, exceeded: Arc<AtomicBool>) -> Self {
        LIMITS.with(|limits| {
            limits.taken.set(0);
            limits.blocks.set(0);
            limits.exceeded.set(Arc::as_ptr(&exceeded));
            limits.most.set(i64::try_from(most).unwrap_or(i64::MAX).max(1));
        });
        Self { _exceeded: exceeded, _here: std::marker::PhantomData }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        LIMITS.with(|limits| {
            limits.most.set(0);
            limits.exceeded.set(std::ptr::null());
        });
    }
}

/// While a thread holds one, it goes on whatever it allocates: others may wait for it.
#[derive(Debug)]
pub(crate) struct Unstopped {
    /// It belongs to its thread.
    _here: std::marker::PhantomData<*const ()>,
}

impl Unstopped {
    pub fn begin() -> Self {
        LIMITS.with(|limits| limits.unstopped.set(limits.unstopped.get() + 1));
        Self { _here: std::marker::PhantomData }
    }
}

impl Drop for Unstopped {
    fn drop(&mut self) {
        LIMITS.with(|limits| limits.unstopped.set(limits.unstopped.get() - 1));
    }
}

/// What a counted thread holds.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    pub bytes: u64,
    /// Separate pieces of memory: values inside values cannot be more deeply nested than there are.
    pub blocks: u64,
}

/// What this thread holds, if it is counted.
pub fn held() -> Option<Held> {
    let number = |cell: &Cell<i64>| u64::try_from(cell.get()).unwrap_or(0);
    LIMITS.with(|limits| {
        (limits.most.get() > 0).then(|| Held { bytes: number(&limits.taken), blocks: number(&limits.blocks) })
    })
}

/// Counts bytes that another thread allocated and this one is going to free.
pub fn take_over(bytes: u64) {
    LIMITS.with(|limits| limits.taken.set(limits.taken.get().saturating_add_unsigned(bytes)));
}

/// Counts `more` bytes and `blocks` before they are allocated.
fn count(more: usize, blocks: i64) {
    // A thread that is about to end has no account any more.
    let _ = LIMITS.try_with(|limits| {
        let most = limits.most.get();
        if most == 0 {
            return;
        }
        let taken = limits.taken.get().saturating_add_unsigned(more as u64);
        if taken > most && limits.unstopped.get() == 0 {
            stop(limits);
        }
        limits.taken.set(taken);
        limits.blocks.set(limits.blocks.get() + blocks);
    });
}

/// Counts `fewer` bytes and `blocks` after they are freed.
fn discount(fewer: usize, blocks: i64) {
    let _ = LIMITS.try_with(|limits| {
        if limits.most.get() > 0 {
            limits.taken.set(limits.taken.get().saturating_sub_unsigned(fewer as u64));
            limits.blocks.set(limits.blocks.get() - blocks);
        }
    });
}

/// Stops a counted thread that got no memory.
fn require(memory: *mut u8) -> *mut u8 {
    if memory.is_null() {
        let _ = LIMITS.try_with(|limits| {
            if limits.most.get() > 0 && limits.unstopped.get() == 0 {
                stop(limits);
            }
        });
    }
    memory
}

/// Raises the flag and never returns.
#[cold]
fn stop(limits: &Limits) -> ! {
    let flag = limits.exceeded.get();
    // What follows may allocate a little.
    limits.most.set(0);
    // SAFETY: the account of this thread holds the flag, and this thread does not go on to drop it.
    if let Some(flag) = unsafe { flag.as_ref() } {
        flag.store(true, Ordering::Release);
    }
    loop {
        std::thread::sleep(Duration::from_hours(1));
    }
}

// SAFETY: every call is passed on as it is, so the contract is the inner allocator's; counting touches only numbers of this
// thread, allocates nothing and does not unwind.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: as above.
        require(unsafe { self.0.alloc(layout) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { self.0.dealloc(memory, layout) };
        discount(layout.size(), 1);
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: as above.
        require(unsafe { self.0.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it is moved, both are there.
        count(size, 0);
        // SAFETY: as above.
        let moved = require(unsafe { self.0.realloc(memory, layout, size) });
        discount(layout.size(), 0);
        moved
    }
}
