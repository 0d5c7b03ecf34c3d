//! Networks whose layers are infinitely wide. Their preactivations are Gaussian, so that all that a cascade needs of them is a
//! kernel over the samples: `E[x²]` of each and `E[(x − x′)²]` of each pair, from layer to layer. Reconstruction networks by ridge
//! regression are kernel regressions then, and a curve over depth depends on no seed.
//!
//! The curves of drawn networks differ from it by about one over the root of their width (`scripts/infinite_width.rhai`).

mod back;
mod block;
mod kernel;
mod pass;
mod picture;
mod reconstruct;
mod rooms;
mod samples;
mod step;
mod view;

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

pub use kernel::kernel;
pub use reconstruct::{reconstruct, trusted};
pub use view::{View, view};

use crate::cascade::Ridge;
use crate::data::Split;
use crate::network::{Architecture, Init, Layer, OwnSchemes};
use crate::theory::Nonlinearity;
use crate::words::counted;
use crate::work::{Fingerprint, NetworkOrigin, Provenance, Value};
use crate::{Error, Result};
use block::BlockSteps;
use pass::Pass;
use step::{Finder, Step, Units};

/// With it and 600 images an MLP's input is lost near where the published figure loses it (MNIST, differential entropy below −8):
/// at depth 29, 46, 66 and 59 for σ_w² 1.0, 1.2, 2.5 and 4.0, there at 27, 42, 92 and 62. With 300 images it never is at σ_w² 4.0;
/// λ = 0.7 loses it there too, at 26, 41, 57 and 50 (`scripts/infinite_lambda.rhai`).
pub const LAMBDA: f64 = 0.3;

/// Floating-point operations of a pair of samples in a layer, for a smooth activation.
const PAIR: f64 = 150.0;

/// An architecture with infinitely many units in every hidden layer: a description. The sizes of its layers only say for
/// which width λ has its meaning.
#[derive(Debug, Clone)]
pub struct InfiniteNetwork {
    architecture: Architecture,
    init: Init,
    blocks: Arc<[BlockSteps]>,
    /// `prefixes[l]` names blocks 1 to l.
    prefixes: Arc<[Fingerprint]>,
}

/// A block in the chain of fingerprints.
#[derive(PartialEq, Serialize)]
struct PrefixEntry<'a> {
    layers: &'a [Layer],
    #[serde(skip_serializing_if = "Option::is_none")]
    init: Option<OwnSchemes>,
}

impl InfiniteNetwork {
    /// The network of an architecture whose weights and biases have the variances of `init`; its seed does not matter. Only the
    /// blocks before the head count.
    ///
    /// # Errors
    /// When the weights could not be drawn, or a layer before the head has no kernel here; it is named.
    pub fn new(architecture: Architecture, init: Init) -> Result<Self> {
        let init = Init { seed: 0, ..init };
        init.check(&architecture)?;
        let trunk = &architecture.blocks()[..architecture.trunk()];
        check_pictures(trunk)?;
        let mut blocks: Vec<BlockSteps> = Vec::new();
        let mut units = Units::Other;
        for (l, block) in (1..).zip(trunk) {
            // Most blocks of a deep network are alike; the first differs in what comes before it.
            let is_repeated = l > 2 && trunk[l - 3..l].iter().all(|other| other == block) && init.of_block(l).is_none();
            if let Some(last) = blocks.last().filter(|last| is_repeated && last.width == architecture.width(l)) {
                blocks.push(last.clone());
                continue;
            }
            let (steps, after) = BlockSteps::new(block, architecture.width(l), Finder { init: &init, l }, units)
                .map_err(|error| Error { message: format!("block {l}{}", error.message), ..error })?;
            units = after;
            blocks.push(steps);
        }
        let start = json!({ "infinite": init.description(), "input": architecture.shape(0) });
        let entries: Vec<_> =
            (1..).zip(trunk).map(|(l, block)| PrefixEntry { layers: block.layers(), init: init.of_block(l) }).collect();
        let prefixes = Fingerprint::chain(Fingerprint::from_json(&start), &entries);
        Ok(Self { init, blocks: blocks.into(), prefixes: prefixes.into(), architecture })
    }

    /// Its blocks and shapes.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Where its kernels come from, in words.
    pub fn in_words(&self) -> String {
        format!("infinitely wide, {}", self.init.schemes_in_words())
    }

    /// The first block with a convolution, from 1, and its error as a part of a cascade.
    fn without_way_back(&self) -> Option<Error> {
        (1..).zip(&*self.blocks).find_map(|(l, block)| {
            let error = step::without_way_back(block.steps.iter().find_map(Step::windows)?);
            Some(Error { message: format!("block {l}, {}", error.message), ..error })
        })
    }

    /// The shape of its input as kernels see it: pictures where there are convolutions.
    fn input_shape(&self) -> Vec<usize> {
        match self.without_way_back() {
            Some(_) => self.architecture.shape(0).to_vec(),
            None => vec![self.architecture.width(0)],
        }
    }

    /// Kernels of samples that it has at a time: one for every pixel of its largest pictures.
    fn places(&self) -> f64 {
        if self.without_way_back().is_none() {
            return 1.0;
        }
        let pixels = |l: usize| match *self.architecture.shape(l) {
            [_, height, width] => height * width,
            _ => 1,
        };
        (0..=self.blocks.len()).map(pixels).max().unwrap_or(1) as f64
    }

    /// Checks that depth `depth` is one of those from `first` to the last before the head.
    fn check_depth(&self, first: usize, depth: usize) -> Result<()> {
        let deepest = self.architecture.trunk();
        if (first..=deepest).contains(&depth) {
            return Ok(());
        }
        let message =
            format!("depth {depth} is not in the network; its depths before the head are {first} to {deepest}");
        Err(Error::new(message).hint("the head of an infinitely wide network is left out"))
    }

    /// What its results for `data` rest on.
    fn provenance(&self, data: &Split) -> Provenance {
        let blocks = counted(self.architecture.trunk(), "block");
        let [weight_var, bias_var] = self.architecture.shared_variances(&self.init);
        let origin = NetworkOrigin {
            summary: format!("{blocks} from {:?}, {}", self.architecture.shape(0), self.in_words()),
            activation: self.architecture.hidden_activation(),
            weight_var,
            bias_var,
            ..NetworkOrigin::default()
        };
        let mut provenance = Provenance { networks: vec![origin], ..Provenance::default() };
        provenance.merge(&data.provenance());
        provenance
    }
}

/// The cascade of an infinitely wide network, found by ridge regression: a description.
#[derive(Debug, Clone)]
pub struct InfiniteCascade {
    network: InfiniteNetwork,
    split: Split,
    ridge: Ridge,
}

impl InfiniteCascade {
    /// The cascade of `network` for the training samples of `split`, all of which its kernels hold.
    ///
    /// # Errors
    /// When the samples do not fit the network, there are fewer than two, or λ is out of its range.
    pub fn new(network: InfiniteNetwork, split: Split, ridge: Ridge) -> Result<Self> {
        crate::cascade::Solver::check(&ridge)?;
        if let Some(error) = network.without_way_back() {
            return Err(error);
        }
        network.architecture.check_data(&split)?;
        if split.len() < 2 {
            return Err(Error::new("a cascade of an infinitely wide network needs at least 2 training samples"));
        }
        Ok(Self { network, split, ridge })
    }

    /// The network that it inverts.
    pub fn network(&self) -> &InfiniteNetwork {
        &self.network
    }

    /// The training samples.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// Checks that it leads back from depth `depth`.
    ///
    /// # Errors
    /// When there is no such depth before the head.
    pub fn check_depth(&self, depth: usize) -> Result<()> {
        self.network.check_depth(1, depth)
    }

    /// What its results rest on.
    fn provenance(&self) -> Provenance {
        let mut provenance = self.network.provenance(&self.split);
        provenance.merge(&crate::cascade::Solver::provenance(&self.ridge));
        provenance
    }
}

/// Refuses convolutions behind layers that leave no pictures, or that move pixels.
fn check_pictures(trunk: &[crate::network::Block]) -> Result<()> {
    let layers = || {
        (1..).zip(trunk).flat_map(|(l, block)| block.layers().iter().map(move |layer| (l, layer.without_schemes().0)))
    };
    let is_picture_less =
        |layer: &Layer| matches!(layer, Layer::Linear(_) | Layer::Flatten(_) | Layer::Reshape(_) | Layer::Permute(_));
    let Some((l, before)) = layers().find(|(_, layer)| is_picture_less(layer)) else { return Ok(()) };
    let is_behind = |(_, layer): &(usize, &Layer)| matches!(layer, Layer::Conv2d(_));
    if layers().skip_while(|(_, layer)| !is_picture_less(layer)).any(|behind| is_behind(&behind)) {
        return Err(Error::new(format!(
            "block {l}, {before}: an infinitely wide network has no convolutions behind it"
        ))
        .hint("put convolutions first, or draw the network with `.init(…)`"));
    }
    Ok(())
}

/// The numbers of samples, the array "x", in double precision.
fn numbers(samples: &Value) -> Result<Vec<f64>> {
    Ok(samples.f32s("x")?.1.iter().map(|&x| f64::from(x)).collect())
}

/// A pass through tanh layers and back, for measurements: its floating-point operations, and a call that makes it.
pub(crate) fn measured_pass(n: usize, others: usize, depths: usize) -> (f64, impl FnMut()) {
    let mut numbers = vec![0.0_f32; (n + others) * n];
    crate::random::Random::new(0, &["infinite"]).fill_uniform(&mut numbers, 0.0, 1.0);
    let numbers: Vec<f64> = numbers.into_iter().map(f64::from).collect();
    let block = Nonlinearity::named("tanh").map(|tanh| BlockSteps {
        steps: vec![Step::Weights { weight_var: 1.76, bias_var: 0.05 }],
        ends_in: Some(tanh),
        way_back: block::WayBack::Regression,
        width: n,
    });
    let blocks: Vec<BlockSteps> = block.into_iter().cycle().take(depths).collect();
    let operations = operations(n, others, depths);
    let (training, others) = (numbers[..n * n].to_vec(), numbers[n * n..].to_vec());
    let call = move || {
        let pass = Pass { blocks: &blocks, lambda: LAMBDA, threads: &1_usize, stack: pass::STACK };
        drop(std::hint::black_box(pass.reconstruct(&training, &others, n, |_| Ok(()))));
    };
    (operations, call)
}

/// Floating-point operations of the reconstruction of `others` samples from `depths` depths with `n` training samples: a product
/// with an n × n matrix and one with a triangle for every sample on its way back, and the pairs of samples; and for every depth two
/// factors, a triangle divided by one and a square by the other.
fn operations(n: usize, others: usize, depths: usize) -> f64 {
    let passes = pass::passes(depths, n, others) as f64;
    let (n, m, depths) = (n as f64, others as f64, depths as f64);
    let back = m * depths * (depths + 1.0) / 2.0;
    back * (3.0 * n * n + PAIR * n) + depths * (2.0 * n * n * n + passes * PAIR * n * (n + m))
}
