//! Networks: ordered lists of blocks, as descriptions. A block is one layer and its activation, the unit that a cascade
//! inverts. Weights follow from a seed and are made when they are needed.

mod accuracy;
mod batch;
mod convolution;
mod differentiable;
mod forward;
mod init;
mod layer;
mod learner;
mod loss;
mod made;
mod on_device;
mod optimizer;
mod outputs;
mod train;
mod weights;

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

pub use accuracy::accuracy;
pub(crate) use batch::{Batch, channels_last, kernel_channels_first, ready};
pub use convolution::{Conv2d, Pool};
pub use differentiable::{Mode, Passed, Rows, through};
pub use forward::{activations, check_data, forward, samples};
pub use init::Init;
pub use layer::{Layer, Tensor, TensorKind};
pub(crate) use layer::{list, list_operations, list_output, list_tensors};
pub use learner::{Found, Learner};
pub use loss::Loss;
pub(crate) use made::{Made, operations_to_make, sources};
pub(crate) use on_device::{OnDevice, flat_on, lead};
pub(crate) use optimizer::Memory;
pub use optimizer::Optimizer;
pub use outputs::outputs;
pub use train::{Trained, Training, train};

use crate::work::{Described, Fingerprint, Value};
use crate::{Error, Result};

/// Layers that are inverted together, with the inverse that was written for them, if any.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Block {
    layers: Vec<Layer>,
    /// Overrides the rule that derives one.
    inverse: Option<Vec<Layer>>,
    /// What files call the layers that have weights, in their order; where empty, their numbers.
    names: Vec<String>,
}

/// A network without weights: blocks that fit one another.
#[derive(Debug, Clone)]
pub struct Architecture {
    blocks: Arc<[Block]>,
    /// `shapes[l]` goes into block l + 1; the last is the output.
    shapes: Arc<[Vec<usize>]>,
    /// How many of the last blocks are the head that reads the answer out; curves leave them out.
    head: usize,
}

/// A network with weights, or with what makes them.
#[derive(Debug, Clone)]
pub struct Network {
    architecture: Architecture,
    source: Source,
    /// `prefixes[l]` names blocks 1 to l with their weights.
    prefixes: Arc<[Fingerprint]>,
    trained: Option<Trained>,
}

/// Where a network's numbers come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Drawn when they are needed.
    Drawn(Init),
    /// For every block, the operation whose result holds its arrays, by the names that [`Architecture::names`] gives;
    /// and what people call them.
    Made { blocks: Arc<[Described]>, words: String },
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

    /// The same block with a written inverse.
    #[must_use]
    pub fn with_inverse(self, inverse: Vec<Layer>) -> Self {
        Self { inverse: Some(inverse), ..self }
    }

    /// The same block with the names that files have for its layers with weights, in their order.
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

    /// The layers that have arrays, as paths such as "0" and "1.projection.0", in their order.
    fn owners(&self) -> Vec<String> {
        let mut owners: Vec<String> = self
            .tensors()
            .iter()
            .filter_map(|tensor| tensor.name.rsplit_once('.').map(|(owner, _)| owner.to_owned()))
            .collect();
        owners.dedup();
        owners
    }

    /// Its layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The inverse that was written for it.
    pub fn written_inverse(&self) -> Option<&[Layer]> {
        self.inverse.as_deref()
    }

    /// The arrays of its layers, in their order, each named by its layer's number, such as "0.weight".
    pub fn tensors(&self) -> Vec<Tensor> {
        list_tensors(&self.layers, "")
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(Layer::parameters).sum()
    }
}

impl std::fmt::Display for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", list(&self.layers))
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
                shape = layer.output(&shape).map_err(|error| Error {
                    message: format!("block {}, {layer}: {}", l + 1, error.message),
                    ..error
                })?;
            }
            shapes.push(shape);
        }
        Ok(Self { blocks: blocks.into(), shapes: shapes.into(), head: 0 })
    }

    /// Says that the last `blocks` are the head, which curves over depth leave out.
    ///
    /// # Errors
    /// When no block would be left.
    pub fn with_head(self, blocks: usize) -> Result<Self> {
        if blocks >= self.depth() {
            return Err(Error::new(format!("a head of {blocks} blocks leaves none of the network's {}", self.depth())));
        }
        Ok(Self { head: blocks, ..self })
    }

    /// Blocks.
    pub fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// Blocks before the head: the depths of a curve.
    pub fn trunk(&self) -> usize {
        self.depth() - self.head
    }

    /// The blocks, first to last.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// What goes into block `l + 1`, without the batch; `shape(depth)` is the output.
    pub fn shape(&self, l: usize) -> &[usize] {
        &self.shapes[l]
    }

    /// Numbers per sample that go into block `l + 1`.
    pub fn width(&self, l: usize) -> usize {
        self.shapes[l].iter().product()
    }

    /// What files call the arrays of block `l` (from 1), in their order: by the names given to its layers, or else by
    /// the numbers of block and layer, both from 0, as PyTorch's `Sequential` counts.
    pub fn names(&self, l: usize) -> Vec<String> {
        let block = &self.blocks[l - 1];
        let owners = block.owners();
        let name = |tensor: Tensor| {
            let (owner, array) = tensor.name.rsplit_once('.').unwrap_or(("", &tensor.name));
            let given = owners.iter().position(|known| known == owner).and_then(|i| block.names.get(i));
            given.map_or_else(|| format!("{}.{}", l - 1, tensor.name), |given| format!("{given}.{array}"))
        };
        block.tensors().into_iter().map(name).collect()
    }

    /// Floating-point operations of block `l` (from 1) for one sample.
    pub fn operations(&self, l: usize) -> f64 {
        list_operations(&self.blocks[l - 1].layers, self.shape(l - 1))
    }

    /// Trainable numbers of all blocks.
    pub fn parameters(&self) -> usize {
        self.blocks.iter().map(Block::parameters).sum()
    }

    /// A table of blocks, shapes, parameters and inverses.
    pub fn summary(&self) -> String {
        let title = ["block", "layers", "output", "parameters", "inverse"].map(str::to_owned);
        let rows = self.blocks.iter().enumerate().map(|(l, block)| {
            let inverse = crate::cascade::Inverse::of(block, self.shape(l), self.shape(l + 1));
            [
                (l + 1).to_string(),
                block.to_string(),
                format!("{:?}", self.shape(l + 1)),
                block.parameters().to_string(),
                inverse.map_or_else(|error| error.message, |inverse| inverse.to_string()),
            ]
        });
        let rows: Vec<[String; 5]> = std::iter::once(title).chain(rows).collect();
        let widths = [0, 1, 2, 3, 4].map(|c| rows.iter().map(|row| row[c].chars().count()).max().unwrap_or(0));
        let mut text = String::new();
        for row in rows {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            text += cells.join("  ").trim_end();
            text.push('\n');
        }
        let (input, parameters, depth) = (self.shape(0), self.parameters(), self.depth());
        text + format!("input {input:?}, {parameters} parameters in {depth} blocks").as_str()
    }
}

/// A block, as the name of all up to it holds it. The written inverse is the cascade's business, names are a file's:
/// neither changes what is computed.
#[derive(PartialEq, Serialize)]
struct Prefixed<'a> {
    layers: &'a [Layer],
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<Fingerprint>,
}

impl Network {
    /// Gives an architecture its initial weights.
    ///
    /// # Errors
    /// When a variance is negative or not a number.
    pub fn new(architecture: Architecture, init: Init) -> Result<Self> {
        init.check()?;
        let start = json!({ "init": init.description(), "input": architecture.shape(0), "forward": forward::VERSION });
        Ok(Self::of(architecture, Source::Drawn(init), start, |_| None))
    }

    /// Gives an architecture weights that operations make: for every block, one whose result holds its arrays by the
    /// names of [`Architecture::names`].
    pub fn made(architecture: Architecture, blocks: Vec<Described>, words: impl Into<String>) -> Self {
        let start = json!({ "input": architecture.shape(0), "forward": forward::VERSION });
        let blocks: Arc<[Described]> = blocks.into();
        let source = Source::Made { blocks: blocks.clone(), words: words.into() };
        Self::of(architecture, source, start, |l| Some(blocks[l].fingerprint()))
    }

    fn of(
        architecture: Architecture,
        source: Source,
        start: serde_json::Value,
        made: impl Fn(usize) -> Option<Fingerprint>,
    ) -> Self {
        let blocks = architecture.blocks().iter().enumerate();
        let described: Vec<Prefixed<'_>> =
            blocks.map(|(l, block)| Prefixed { layers: &block.layers, weights: made(l) }).collect();
        let prefixes = Fingerprint::chain(Fingerprint::from_json(&start), &described);
        Self { architecture, source, prefixes: prefixes.into(), trained: None }
    }

    /// Its blocks and shapes.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Where its weights come from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The training that gave it its weights, where one did.
    pub fn trained(&self) -> Option<&Trained> {
        self.trained.as_ref()
    }

    /// The seed that its weights were drawn with; 0 where they were not.
    pub fn seed(&self) -> u64 {
        match &self.source {
            Source::Drawn(init) => init.seed,
            Source::Made { .. } => 0,
        }
    }

    /// The name of blocks 1 to `l` with their weights: two networks that agree so far share it.
    pub fn prefix(&self, l: usize) -> Fingerprint {
        self.prefixes[l]
    }

    /// What makes the weights of block `l` (from 1), where they are not drawn.
    pub fn maker(&self, l: usize) -> Option<Described> {
        match &self.source {
            Source::Drawn(_) => None,
            Source::Made { blocks, .. } => Some(blocks[l - 1].clone()),
        }
    }

    /// The arrays of block `l` (from 1), in PyTorch's shapes and the order of [`Block::tensors`]; `made` is the result of
    /// its maker.
    ///
    /// # Errors
    /// When that result lacks one.
    pub fn arrays<'a>(&self, l: usize, made: Option<&'a Value>) -> Result<Vec<Cow<'a, [f32]>>> {
        match (&self.source, made) {
            (Source::Drawn(init), _) => {
                Ok(init.arrays(l, &self.architecture.blocks[l - 1]).into_iter().map(Cow::Owned).collect())
            }
            (_, Some(made)) => {
                self.architecture.names(l).iter().map(|name| Ok(Cow::Borrowed(made.f32s(name)?.1))).collect()
            }
            (_, None) => Err(Error::new(format!("block {l} has no weights"))),
        }
    }
}
