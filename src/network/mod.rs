//! Networks: ordered lists of blocks, as descriptions. A block is one layer and its activation, the unit that a cascade
//! inverts. Weights follow from a seed and are made when they are needed.

mod answers;
mod augment;
mod batch;
mod block_weights;
mod burn_pass;
mod calibrate;
mod forward;
mod host_pass;
mod init;
mod layers;
mod learner;
mod loss;
mod on_device;
mod optimizer;
mod outputs;
mod provenance;
mod recompute;
mod schedule;
mod scheme;
mod stack;
mod stacked_loop;
mod train;
mod training_loop;
mod weights;

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

pub use answers::{accuracy, confusion, sample_losses};
pub use augment::Augmentation;
pub(crate) use batch::{Batch, channels_last, forward_rows, kernels_first, kernels_last, views};
pub use block_weights::{ArrayName, BlockWeights, GivenArray, with_arrays, with_block_weights};
pub use burn_pass::{DeviceBatch, ForwardPass, Mode, forward_pass};
pub use calibrate::calibrated;
pub use forward::{activations, check_data, forward};
pub use init::{Init, OwnSchemes, Schemes};
pub use layers::{
    ActivationLayer, AdaptiveAvgPool, AvgPool, BatchNorm, CircularPad, Conv2d, ConvTranspose2d, Crop, Dropout, Flatten,
    GroupNorm, Initialised, Layer, LayerNorm, Linear, MaxPool, ParamKind, ParamSpec, PatchEmbedding, Permute, Pool,
    Reshape, Residual, RmsNorm, Scale, Softmax,
};
pub(crate) use layers::{BackwardPass, LinearMap, derive_inverse, sequence};
pub use learner::{Learner, StepResult};
pub use loss::Loss;
pub(crate) use loss::{count_correct, predicted};
pub(crate) use on_device::{ActivationsOnDevice, download, evaluate, upload};
pub(crate) use optimizer::OptimizerState;
pub use optimizer::{DECOUPLED_DECAY, Optimizer};
pub use outputs::outputs;
pub(crate) use recompute::{ActivationsAt, activation_sources, recompute_operations, weight_ops, weights_by_block};
pub use schedule::Schedule;
pub use scheme::{Distribution, Scheme, Variance};
pub(crate) use train::check_labels;
pub use train::{Target, Training, TrainingRun, train};
pub use training_loop::Stop;

use crate::work::{Described, Fingerprint, Value};
use crate::{Error, Result};

/// Layers that a cascade inverts together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Block {
    layers: Vec<Layer>,
    /// An inverse written by hand, in place of the derived one.
    inverse: Option<Vec<Layer>>,
    /// The names of the layers with weights in files, in their order; if empty, they are called by their numbers.
    names: Vec<String>,
}

/// A network without weights: blocks that fit one another.
#[derive(Debug, Clone)]
pub struct Architecture {
    blocks: Arc<[Block]>,
    /// `shapes[l]` goes into block l + 1; the last is the output.
    shapes: Arc<[Vec<usize>]>,
    /// How many of the last blocks are the head that reads the answer out; curves over depth leave them out.
    head: usize,
}

/// A network with weights, drawn or computed when they are needed.
#[derive(Debug, Clone)]
pub struct Network {
    architecture: Architecture,
    source: WeightSource,
    /// `prefixes[l]` names blocks 1 to l with their weights.
    prefixes: Arc<[Fingerprint]>,
    training_run: Option<TrainingRun>,
}

/// Where a network's weights come from.
#[derive(Debug, Clone)]
pub enum WeightSource {
    /// Drawn when they are needed.
    Drawn(Init),
    /// Computed by operations: for every block, the one whose result holds its arrays, by the names of
    /// [`Architecture::names`]; and the origin in words.
    Computed { blocks: Arc<[Described]>, words: String },
    /// Those of another network, except in the blocks for which there is an operation, as in `Computed`; and the change in
    /// words.
    Changed { of: Box<Network>, blocks: Arc<[Option<Described>]>, words: String },
}

impl Block {
    /// # Errors
    /// When there is no layer.
    pub fn new(layers: Vec<Layer>) -> Result<Self> {
        if layers.is_empty() {
            return Err(Error::new("a block needs at least one layer"));
        }
        Ok(Self { layers, inverse: None, names: Vec::new() })
    }

    /// The same block with an inverse written by hand.
    #[must_use]
    pub fn with_inverse(self, inverse: Vec<Layer>) -> Self {
        Self { inverse: Some(inverse), ..self }
    }

    /// The same block with initial weights of its own; those of its layers win.
    ///
    /// # Errors
    /// When nothing in it is drawn, or one of its arrays cannot be drawn like this.
    pub fn with_schemes(self, schemes: OwnSchemes) -> Result<Self> {
        if !self.layers.iter().any(Layer::is_drawn) {
            return Err(Error::new(format!("nothing in the block {self} has initial weights")));
        }
        let own = |layer: Layer| if layer.is_drawn() { layer.with_schemes(schemes, false) } else { Ok(layer) };
        let layers: Result<Vec<Layer>> = self.layers.into_iter().map(own).collect();
        Ok(Self { layers: layers?, ..self })
    }

    /// The same block with the names of its layers with weights in files, in their order.
    ///
    /// # Errors
    /// When there are more or fewer such layers.
    pub fn with_names(self, names: Vec<String>) -> Result<Self> {
        let wanted = self.owners().len();
        if names.len() != wanted {
            return Err(Error::new(format!(
                "{} names for a block with {wanted} layers that have weights",
                names.len()
            ))
            .hint(format!("the block is {self}")));
        }
        Ok(Self { names, ..self })
    }

    /// The layers with arrays, as paths such as "0" and "1.projection.0", in their order.
    fn owners(&self) -> Vec<String> {
        let mut owners: Vec<String> = self
            .param_specs()
            .iter()
            .filter_map(|spec| spec.name.rsplit_once('.').map(|(owner, _)| owner.to_owned()))
            .collect();
        owners.dedup();
        owners
    }

    /// Its layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The inverse written by hand, if there is one.
    pub fn written_inverse(&self) -> Option<&[Layer]> {
        self.inverse.as_deref()
    }

    /// The arrays of its layers, in their order, each named by its layer's number, such as "0.weight".
    pub fn param_specs(&self) -> Vec<ParamSpec> {
        sequence::param_specs(&self.layers, "")
    }

    /// Whether one of its layers normalises by running averages.
    pub fn has_running_averages(&self) -> bool {
        self.param_specs().iter().any(|spec| spec.kind == ParamKind::RunningMean)
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> usize {
        sequence::parameters(&self.layers)
    }
}

impl std::fmt::Display for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&sequence::in_words(&self.layers))
    }
}

impl Architecture {
    /// Checks that blocks fit one another, from inputs of shape `input` (without the batch).
    ///
    /// # Errors
    /// When there is no block, or a layer does not fit what comes before it; block, layer, expected and found are named.
    pub fn new(input: &[usize], blocks: Vec<Block>) -> Result<Self> {
        if blocks.is_empty() {
            return Err(Error::new("a network needs at least one block"));
        }
        if input.is_empty() || input.contains(&0) {
            return Err(Error::new(format!("a network's input has the shape {input:?}; every size is at least 1")));
        }
        if !matches!(input.len(), 1 | 3) {
            let message =
                format!("a network's input has the shape {input:?}; it is one size, or [channels, height, width]");
            return Err(Error::new(message));
        }
        let mut shapes = vec![input.to_vec()];
        for (l, block) in blocks.iter().enumerate() {
            let mut shape = shapes[l].clone();
            for layer in &block.layers {
                shape = layer.output_shape(&shape).map_err(|error| Error {
                    message: format!("block {}, {layer}: {}", l + 1, error.message),
                    ..error
                })?;
            }
            shapes.push(shape);
        }
        Ok(Self { blocks: blocks.into(), shapes: shapes.into(), head: 0 })
    }

    /// Marks the last `blocks` as the head, which curves over depth leave out.
    ///
    /// # Errors
    /// When no block would be left.
    pub fn with_head(self, blocks: usize) -> Result<Self> {
        if blocks >= self.depth() {
            return Err(Error::new(format!("a head of {blocks} blocks leaves none of the network's {}", self.depth())));
        }
        Ok(Self { head: blocks, ..self })
    }

    /// The number of blocks.
    pub fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// The number of blocks before the head: the depths of a curve.
    pub fn trunk(&self) -> usize {
        self.depth() - self.head
    }

    /// The blocks, first to last.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The shape of the input of block `l + 1`, without the batch; `shape(depth)` is the output.
    pub fn shape(&self, l: usize) -> &[usize] {
        &self.shapes[l]
    }

    /// Numbers per sample in the input of block `l + 1`.
    pub fn width(&self, l: usize) -> usize {
        self.shapes[l].iter().product()
    }

    /// The names of the arrays of block `l` (from 1) in files, in their order: made of the names given to its layers, or
    /// else of the numbers of block and layer, both from 0, as in PyTorch's `Sequential`.
    pub fn names(&self, l: usize) -> Vec<String> {
        let block = &self.blocks[l - 1];
        let owners = block.owners();
        let name = |spec: ParamSpec| {
            let (owner, array) = spec.name.rsplit_once('.').unwrap_or(("", &spec.name));
            let given = owners.iter().position(|known| known == owner).and_then(|i| block.names.get(i));
            given.map_or_else(|| format!("{}.{}", l - 1, spec.name), |given| format!("{given}.{array}"))
        };
        block.param_specs().into_iter().map(name).collect()
    }

    /// Floating-point operations of block `l` (from 1) for one sample.
    pub fn operations(&self, l: usize) -> f64 {
        sequence::operations(&self.blocks[l - 1].layers, self.shape(l - 1))
    }

    /// Trainable numbers of all blocks.
    pub fn parameters(&self) -> usize {
        self.blocks.iter().map(Block::parameters).sum()
    }
}

/// What decides the numbers of a block, in the chain of fingerprints. A written inverse belongs to the cascade and names
/// to a file: neither changes what the network computes.
#[derive(PartialEq, Serialize)]
struct PrefixEntry<'a> {
    layers: &'a [Layer],
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<Fingerprint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    init: Option<OwnSchemes>,
}

impl Network {
    /// Gives an architecture its initial weights.
    ///
    /// # Errors
    /// When a variance or a gain is out of its range, or a scheme does not fit a layer.
    pub fn new(architecture: Architecture, init: Init) -> Result<Self> {
        init.check(&architecture)?;
        let start = json!({ "init": init.description(), "input": architecture.shape(0), "forward": forward::VERSION });
        Ok(Self::with_source(architecture, WeightSource::Drawn(init), vec![Fingerprint::from_json(&start)]))
    }

    /// Gives an architecture weights that operations compute: for every block, one whose result holds its arrays by the
    /// names of [`Architecture::names`]. `words` says for people where they come from.
    pub fn computed(architecture: Architecture, blocks: Vec<Described>, words: impl Into<String>) -> Self {
        let start = json!({ "input": architecture.shape(0), "forward": forward::VERSION });
        let source = WeightSource::Computed { blocks: blocks.into(), words: words.into() };
        Self::with_source(architecture, source, vec![Fingerprint::from_json(&start)])
    }

    /// Gives some blocks of a network other weights: those for which `blocks` has an operation, as in [`Network::computed`].
    /// Blocks before the first of these keep their fingerprints. `words` says the change for people.
    pub fn changed(of: &Self, blocks: Vec<Option<Described>>, words: impl Into<String>) -> Self {
        let unchanged = blocks.iter().take_while(|block| block.is_none()).count();
        let known = of.prefixes[..=unchanged].to_vec();
        // Changes of a changed network are changes of the first one: a script could make a million.
        let (first, blocks, words) = match &of.source {
            WeightSource::Changed { of: first, blocks: before, words: said } => {
                let both = blocks.into_iter().zip(before.iter()).map(|(new, old)| new.or_else(|| old.clone()));
                (first.clone(), both.collect(), format!("{said}, {}", words.into()))
            }
            _ => (Box::new(of.clone()), blocks.into(), words.into()),
        };
        let source = WeightSource::Changed { of: first, blocks, words };
        let network = Self::with_source(of.architecture.clone(), source, known);
        Self { training_run: of.training_run.clone(), ..network }
    }

    /// `known` are the fingerprints of the first blocks, as far as they are known; at least that of none.
    fn with_source(architecture: Architecture, source: WeightSource, known: Vec<Fingerprint>) -> Self {
        let mut network = Self { architecture, source, prefixes: known.into(), training_run: None };
        let done = network.prefixes.len() - 1;
        let entries: Vec<_> = (done + 1..=network.architecture.depth()).map(|l| network.prefix_entry(l)).collect();
        let rest = Fingerprint::chain(network.prefixes[done], &entries);
        network.prefixes = network.prefixes[..done].iter().copied().chain(rest).collect();
        network
    }

    fn prefix_entry(&self, l: usize) -> PrefixEntry<'_> {
        let layers = self.architecture.blocks[l - 1].layers();
        match &self.source {
            WeightSource::Drawn(init) => PrefixEntry { layers, weights: None, init: init.of_block(l) },
            WeightSource::Computed { blocks, .. } => {
                PrefixEntry { layers, weights: Some(blocks[l - 1].fingerprint()), init: None }
            }
            WeightSource::Changed { of, blocks, .. } => match &blocks[l - 1] {
                Some(block) => PrefixEntry { layers, weights: Some(block.fingerprint()), init: None },
                None => of.prefix_entry(l),
            },
        }
    }

    /// Its blocks and shapes.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Where its weights come from.
    pub fn weight_source(&self) -> &WeightSource {
        &self.source
    }

    /// The training that gave it its weights, if one did.
    pub fn training_run(&self) -> Option<&TrainingRun> {
        self.training_run.as_ref()
    }

    /// The seed that its weights were drawn with; 0 if they were not drawn.
    pub fn seed(&self) -> u64 {
        match &self.source {
            WeightSource::Drawn(init) => init.seed,
            WeightSource::Computed { .. } => 0,
            WeightSource::Changed { of, .. } => of.seed(),
        }
    }

    /// The fingerprint of blocks 1 to `l` with their weights: two networks that agree so far share it.
    pub fn prefix(&self, l: usize) -> Fingerprint {
        self.prefixes[l]
    }

    /// The operation that computes the weights of block `l` (from 1), if they are not drawn.
    pub fn weights_op(&self, l: usize) -> Option<Described> {
        match &self.source {
            WeightSource::Drawn(_) => None,
            WeightSource::Computed { blocks, .. } => Some(blocks[l - 1].clone()),
            WeightSource::Changed { of, blocks, .. } => blocks[l - 1].clone().or_else(|| of.weights_op(l)),
        }
    }

    /// The arrays of block `l` (from 1), in PyTorch's layout and the order of [`Block::param_specs`]; `computed` is the
    /// result of [`Network::weights_op`].
    ///
    /// # Errors
    /// When that result lacks one.
    pub fn arrays<'a>(&self, l: usize, computed: Option<&'a Value>) -> Result<Vec<Cow<'a, [f32]>>> {
        match (&self.source, computed) {
            (WeightSource::Drawn(init), _) => {
                Ok(init.arrays(l, &self.architecture.blocks[l - 1]).into_iter().map(Cow::Owned).collect())
            }
            (WeightSource::Changed { of, blocks, .. }, computed) if blocks[l - 1].is_none() => of.arrays(l, computed),
            (_, Some(computed)) => {
                self.architecture.names(l).iter().map(|name| Ok(Cow::Borrowed(computed.f32s(name)?.1))).collect()
            }
            (_, None) => Err(Error::new(format!("block {l} has no weights"))),
        }
    }
}

/// Whether a description leaves an option out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}
