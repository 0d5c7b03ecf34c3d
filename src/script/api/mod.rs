//! What scripts can call: one file per thing that a script can hold. A function's doc comment is its page in the
//! reference; the example in it is a test.

mod activation;
mod arithmetic;
mod arrays;
mod cascade;
mod classify;
mod cost;
mod curve;
mod data;
mod figure;
mod figure_notes;
mod figure_options;
mod functions;
mod general;
mod infinite;
mod init;
mod layers;
mod network;
mod optimizer;
mod own_files;
mod photos;
mod points;
mod predictors;
mod scatter;
mod schedule;
mod scores;
mod statistics;
mod sweep;
mod table;
mod tensor;
mod theory;
mod trainability;
mod training;
mod turns;
mod verdict;
mod weights;

pub use sweep::Sweep;

use rhai::Engine;

use super::options::Spec;

/// The functions of one file, a chapter of the reference.
pub(super) struct Chapter {
    pub(super) name: &'static str,
    /// What the chapter is about, in a sentence or two of Markdown.
    pub(super) about: &'static str,
    pub(super) register: fn(&mut Engine),
    pub(super) options: &'static [Spec],
    /// Pages for operators, which have no doc comments: Markdown as in `reference/rhai.md`.
    pub(super) operators: &'static str,
}

impl Chapter {
    const fn new(name: &'static str, about: &'static str, register: fn(&mut Engine)) -> Self {
        Self { name, about, register, options: &[], operators: "" }
    }

    const fn options(self, options: &'static [Spec]) -> Self {
        Self { options, ..self }
    }

    const fn operators(self, operators: &'static str) -> Self {
        Self { operators, ..self }
    }
}

/// Every chapter, in the order of the reference.
pub(super) const CHAPTERS: [Chapter; 25] = [
    Chapter::new(
        "Parameters and ranges",
        "Parameters that the command line sets, and arrays of numbers.",
        general::register,
    ),
    Chapter::new(
        "Data",
        "A `Dataset` has two parts, `train` and `test`; arrays of one's own have one until they are split. Each part is a `Split`: \
         samples in an order, with labels if there are any.",
        data::register,
    )
    .options(data::OPTIONS)
    .operators(data::OPERATORS),
    Chapter::new("Layers", "The parts of a block. A `Layer` has no weights of its own.", layers::register)
        .options(layers::OPTIONS),
    Chapter::new(
        "Activation functions",
        "Layers that apply a function to every number, by name or as a formula of one's own. In a closure for `activation`, x is \
         a `Symbol`.",
        functions::register,
    )
    .operators(functions::OPERATORS),
    Chapter::new(
        "Networks",
        "A `Block` is a list of layers that a cascade inverts together, an `Architecture` a list of blocks, and a `Network` \
         an architecture with weights. The last blocks can be the head, which reads the answer out; the others are the \
         trunk.",
        network::register,
    ),
    Chapter::new(
        "Initial weights",
        "A `Scheme` says what initial numbers are drawn from. A network has one for all weights and one for all biases, or one \
         for every block; a block or a layer may have its own. Mean-field theory (`mean_field`) depends on a wide layer's \
         weights by their variance alone: it holds for `gaussian`, `uniform` and `truncated` of one variance alike, with `he`, \
         `glorot` and `lecun` for the variance that they give; for `orthogonal` weights, σ_w² is the gain's square where a layer \
         has as many inputs as outputs.",
        init::register,
    )
    .options(init::OPTIONS),
    Chapter::new(
        "Weights",
        "Weights that come from files, files of weights, and the `Weights` of a network's block as tensors.",
        weights::register,
    )
        .options(weights::OPTIONS),
    Chapter::new("Training", "Training of a whole network on labels, with an `Optimizer`.", training::register)
        .options(training::OPTIONS),
    Chapter::new(
        "Predictors",
        "What can be known of a network before it is trained: numbers that could predict how it trains, and statistics of activations \
         and gradients over depth. All are computed when they are shown, from a few samples.",
        predictors::register,
    ),
    Chapter::new(
        "Trainability",
        "How deep networks train: `trainability::deepest` finds out by training them.",
        trainability::register,
    )
    .options(trainability::OPTIONS),
    Chapter::new(
        "Classification",
        "What a network answers for samples: its outputs, and the classes that they stand for.",
        classify::register,
    )
    .options(classify::OPTIONS),
    Chapter::new(
        "Cascades",
        "A `Cascade` has a reconstruction network for every block: a network of one layer that gives back the block's input \
         from its output. Chained, they lead from any depth back to the input; a `Reconstruction` is what arrives there.",
        cascade::register,
    )
    .options(cascade::OPTIONS),
    Chapter::new(
        "Infinite width",
        "An `InfiniteNetwork` has no weights: in the limit of infinitely wide layers, its cascade follows from kernels over the \
         samples.",
        infinite::register,
    )
    .options(infinite::OPTIONS),
    Chapter::new(
        "Answers to reconstructions",
        "What a network takes samples for, and what a cascade gives back of them at every depth.",
        turns::register,
    ),
    Chapter::new(
        "Activations",
        "An `Activation` is what samples are at one depth of a network, with all channels or some.",
        activation::register,
    ),
    Chapter::new(
        "Curves and results",
        "A `Curve` has one number per depth, or per training step; a `Number` is a single result. Both are descriptions: they \
         are computed when they are shown, printed or compared.",
        curve::register,
    )
    .options(curve::OPTIONS)
    .operators(arithmetic::OPERATORS),
    Chapter::new(
        "Sweeps",
        "A `Sweep` is every combination of the values of its axes. `Points` are axes that advance together: `zip`, `random` and \
         `sobol` make them.",
        sweep::register,
    ),
    Chapter::new(
        "Tables",
        "A `Table` has a value for every point of a sweep: a number, a curve, or a map of them. Tables are joined by the axes that \
         they share: points go together that have equal values of all of these. Arithmetic and \
          `table` make a hole of what one of the tables lacks; `spearman`, `auc` and `scatter` leave it out. All warn.",
        table::register,
    ),
    Chapter::new(
        "Statistics",
        "Statistics over an axis of a table, such as a seed. They are computed when they are shown, depth by depth where the values \
         are curves, column by column where they are maps. None leaves values out: with a hole or NaN among its values, a \
         statistic is a hole or NaN as well.",
        statistics::register,
    )
    .options(statistics::OPTIONS),
    Chapter::new(
        "Scores",
        "How well the numbers of one table predict those of another, with intervals over repetitions such as seeds.",
        scores::register,
    )
    .options(scores::OPTIONS),
    Chapter::new("Costs", "What results cost: operations, and seconds on this machine.", cost::register),
    Chapter::new("Theory", "Mean-field theory of wide random networks.", theory::register).options(theory::OPTIONS),
    Chapter::new(
        "Figures",
        "Heatmaps, lines, bars, dots, histograms and pictures, alone or as panels of a page, saved in the run folder.",
        figure::register,
    )
    .options(figure_options::OPTIONS),
    Chapter::new("Verdicts", "What a sweep shows, in words.", verdict::register).options(verdict::OPTIONS),
    Chapter::new(
        "Tensors",
        "A `Tensor` has one to four axes of numbers in single precision. Unlike other values, it is computed at once.",
        tensor::register,
    )
    .operators(tensor::OPERATORS),
];

/// Adds every function and type to an engine.
pub(super) fn register(engine: &mut Engine) {
    CHAPTERS.iter().for_each(|chapter| (chapter.register)(engine));
}

/// The options of every function that takes some.
pub fn specs() -> impl Iterator<Item = &'static Spec> {
    CHAPTERS.iter().flat_map(|chapter| chapter.options)
}
