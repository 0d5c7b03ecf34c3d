//! Seconds from a script to its curve, with everything that a user waits for, on two threads: one phase curve of 60 depths
//! by ridge regression, of 6,000 images and of the 2,000 that lose it at the same depths within 2%, and at infinite width, beside
//! the published program's training; and points of a sweep, one thread each or all for one.
//!
//!     cargo bench --bench curve
//!
//! The published program's one epoch of 60,000 images is not waited for: a step of it at depth 60 is timed in PyTorch
//! (`peer/`) and counted 938 times, its walk back from every depth once.

#![allow(clippy::disallowed_methods, reason = "time is what it tells")]

use std::sync::Arc;

use entroscope::kernels::{Matrix, product};
use entroscope::script::{Host, Settings, Status};

mod peer;
mod timing;

use peer::Peer;
use timing::{Took, Way, compare, head, timed};

/// Measurements of each; the median is reported.
const ROUNDS: usize = 3;
/// Of the published program: an epoch of MNIST in batches of 64.
const STEPS: usize = 938;

/// A curve that leaves the plateau on its way, from generated images of MNIST's size.
fn phase_curve(depth: usize, images: usize) -> String {
    format!(
        r#"let data = dataset("glyphs", #{{ size: 28 }});
let net = mlp::wide(data.pixels, 10, {depth}).init(#{{ weight_var: 1.3, bias_var: 0.05 }});
let probe = cascade(net, data.train.take({images}), #{{ solver: "ridge" }});
print(probe.reconstruct(data.test.take(100)).differential_entropy().last);
"#
    )
}

/// The same curve at infinite width.
fn infinite_curve(depth: usize, images: usize) -> String {
    format!(
        r#"let data = dataset("glyphs", #{{ size: 28 }});
let net = mlp::wide(data.pixels, 10, {depth}).infinite(#{{ weight_var: 1.3, bias_var: 0.05 }});
let probe = cascade(net, data.train.take({images}));
print(probe.reconstruct(data.test.take(100)).differential_entropy().last);
"#
    )
}

/// The products in double precision that a curve at infinite width cannot do without, on two threads: a whole one and half of
/// one, with a matrix of the training images, for 100 images from every depth.
fn floor(images: usize, depths: usize) -> Took {
    let rows = 100 * depths * (depths + 1) / 2 / 2;
    let (x, matrix) = (vec![0.5_f64; 256 * images], vec![0.25_f64; images * images]);
    timed(|| {
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut out = vec![0.0; 256 * images];
                    for _ in 0..(rows * 3 / 2).div_ceil(256) {
                        product(&mut out, Matrix::new(&x, 256, images), Matrix::new(&matrix, images, images));
                    }
                });
            }
        });
    })
}

/// So many points of Adam, of depth 20.
fn sweep(points: usize) -> String {
    format!(
        r#"let data = dataset("glyphs", #{{ size: 14 }});
let entropy = sweep([axis("weight_var", linspace(0.5, 3.0, {points}))]).map(|p| {{
    let net = mlp::wide(data.pixels, 10, 20).init(#{{ weight_var: p.weight_var, bias_var: 0.05 }});
    cascade(net, data.train.take(2000)).reconstruct(data.test.take(100)).differential_entropy()
}});
entropy.save("curves.csv");
"#
    )
}

fn main() -> Result<(), String> {
    // `cargo test` builds and runs benches with its own arguments: one quick round is a test that they run.
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let rounds = if is_test { 1 } else { ROUNDS };
    let depth = if is_test { 3 } else { 60 };
    let peer = if is_test { None } else { Peer::start() };

    head(&format!("A phase curve: MLP wide, depth {depth}, 784 inputs"));
    let ridge = |images: usize| {
        let text = phase_curve(depth, if is_test { 200 } else { images });
        move || timed(|| drop(run(&text, 2)))
    };
    run(&phase_curve(3, 200), 2)?;
    let few = if is_test { 50 } else { 500 };
    let infinite = || {
        let text = infinite_curve(depth, few);
        move || timed(|| drop(run(&text, 2)))
    };
    let ours: [Way<'_>; 4] = [
        ("ridge, 6,000 images", Box::new(ridge(6000))),
        ("ridge, 2,000 images", Box::new(ridge(2000))),
        ("infinite width, 500 images", Box::new(infinite())),
        ("its floor, matrix products alone", Box::new(move || floor(few, depth - 2))),
    ];
    let theirs = peer.as_ref().map(|peer| -> Way<'_> {
        let published = || {
            let (step, back) = (peer.time("mlp60", 2), peer.time("reconstruct60", 2));
            let whole = |step: f64, back: f64| STEPS as f64 * step + back;
            Took { wall: whole(step.wall, back.wall), processor: whole(step.processor, back.processor) }
        };
        ("PyTorch, Adam, 938 steps", Box::new(published))
    });
    compare(2, rounds, ours.into_iter().chain(theirs).collect());

    head("A sweep: MLP wide, depth 20, 196 inputs, 2,000 images; a point");
    let (one, many) = if is_test { (1, 2) } else { (1, 8) };
    for threads in [1, 2] {
        let timed = |points: usize| {
            let text = sweep(points);
            move || timed(|| drop(run(&text, threads))).per(points)
        };
        compare(threads, rounds, vec![("alone", Box::new(timed(one))), ("one of many", Box::new(timed(many)))]);
    }
    Ok(())
}

/// Runs a script with a store of its own, so that nothing is known.
fn run(text: &str, threads: usize) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let script = folder.path().join("script.rhai");
    std::fs::write(&script, text).map_err(|error| error.to_string())?;
    let settings = Settings {
        store_dir: folder.path().join("store"),
        out: Some(folder.path().join("out")),
        threads,
        ..Settings::default()
    };
    let outcome = Host::new(settings).with_observer(Arc::new(|_| ())).run(&script);
    match outcome.status {
        Status::Done => Ok(()),
        _ => Err(outcome.diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect()),
    }
}
