//! Networks: ordered lists of blocks, as descriptions. A block is one layer and its activation, the unit that a cascade
//! inverts. Weights follow from a seed and are made when they are needed.

mod forward;
mod init;
mod layer;

use std::sync::Arc;

use serde_json::json;

pub(crate) use forward::linear;
pub use forward::{activations, check_data, forward, samples};
pub use init::{Init, Weights};
pub use layer::Layer;
pub(crate) use layer::list;

use crate::work::Fingerprint;
use crate::{Error, Result};

/// Layers that are inverted together, with the inverse that was written for them, if any.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Block {
    layers: Vec<Layer>,
    /// Overrides the rule that derives one.
    inverse: Option<Vec<Layer>>,
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

/// A network with the rule for its initial weights.
#[derive(Debug, Clone)]
pub struct Network {
    architecture: Architecture,
    init: Init,
    /// `prefixes[l]` names blocks 1 to l with their weights.
    prefixes: Arc<[Fingerprint]>,
}

impl Block {
    /// # Errors
    /// When there is no layer.
    pub fn new(layers: Vec<Layer>) -> Result<Self> {
        if layers.is_empty() {
            return Err(Error::new("a block needs at least one layer"));
        }
        Ok(Self { layers, inverse: None })
    }

    /// The same block with a written inverse.
    #[must_use]
    pub fn with_inverse(self, inverse: Vec<Layer>) -> Self {
        Self { inverse: Some(inverse), ..self }
    }

    /// Its layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The inverse that was written for it.
    pub fn written_inverse(&self) -> Option<&[Layer]> {
        self.inverse.as_deref()
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

impl Network {
    /// Gives an architecture its initial weights.
    ///
    /// # Errors
    /// When a variance is negative or not a number.
    pub fn new(architecture: Architecture, init: Init) -> Result<Self> {
        init.check()?;
        let start = json!({ "init": init.description(), "input": architecture.shape(0), "forward": forward::VERSION });
        let mut prefixes = vec![Fingerprint::of(&start)];
        for (l, block) in architecture.blocks().iter().enumerate() {
            // The written inverse is the cascade's business: it does not change what the network computes.
            prefixes.push(Fingerprint::of(&json!({ "before": prefixes[l], "layers": block.layers })));
        }
        Ok(Self { architecture, init, prefixes: prefixes.into() })
    }

    /// Its blocks and shapes.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Where its weights come from.
    pub fn init(&self) -> &Init {
        &self.init
    }

    /// The name of blocks 1 to `l` with their weights: two networks that agree so far share it.
    pub fn prefix(&self, l: usize) -> Fingerprint {
        self.prefixes[l]
    }

    /// The weights of block `l` (from 1).
    pub fn weights(&self, l: usize) -> Weights {
        self.init.weights(l, &self.architecture.blocks[l - 1])
    }
}
