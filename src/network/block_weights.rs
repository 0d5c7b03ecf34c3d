//! The weights of one block as arrays of their own: read, and replaced by others.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::{Architecture, Network, ParamSpec, WeightSource};
use crate::weights::array_hash;
use crate::words::nearest;
use crate::work::{Context, Cost, Described, Keep, Operation, Value};
use crate::{Error, Result};

/// An array of a block by the name that scripts call it by: "weight" and "bias" where one layer has arrays, else
/// "0.weight" and so on.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayName {
    pub name: String,
    pub shape: Vec<usize>,
}

/// The weights of block `l` (from 1) of a network, not computed yet.
#[derive(Debug, Clone)]
pub struct BlockWeights {
    pub network: Network,
    pub l: usize,
}

/// Numbers for an array.
#[derive(Debug, Clone)]
pub struct GivenArray {
    pub shape: Vec<usize>,
    pub numbers: Arc<[f32]>,
}

impl GivenArray {
    /// As of arrays in files: the same numbers are the same weights, wherever they come from.
    fn hash(&self) -> String {
        array_hash(&self.shape, &self.numbers)
    }
}

/// The arrays of block `l` (from 1) by their names in scripts.
///
/// # Errors
/// When there is no such block.
fn block_arrays(architecture: &Architecture, l: usize) -> Result<Vec<ArrayName>> {
    if !(1..=architecture.depth()).contains(&l) {
        let depth = architecture.depth();
        return Err(Error::new(format!("there is no block {l}; the network has the blocks 1 to {depth}")));
    }
    let specs = architecture.blocks()[l - 1].param_specs();
    let owner = |spec: &ParamSpec| spec.name.rsplit_once('.').map(|(owner, _)| owner.to_owned());
    let is_single = specs.windows(2).all(|pair| owner(&pair[0]) == owner(&pair[1]));
    let named = specs.into_iter().map(|spec| {
        let short = if is_single { spec.name.rsplit('.').next().map(str::to_owned) } else { None };
        ArrayName { name: short.unwrap_or(spec.name), shape: spec.shape }
    });
    Ok(named.collect())
}

impl BlockWeights {
    /// # Errors
    /// When there is no block `l`, or it has no weights.
    pub fn new(network: &Network, l: usize) -> Result<Self> {
        if block_arrays(network.architecture(), l)?.is_empty() {
            let block = &network.architecture().blocks()[l - 1];
            return Err(Error::new(format!("block {l}, {block}, has no weights")));
        }
        Ok(Self { network: network.clone(), l })
    }

    /// Its arrays.
    pub fn arrays(&self) -> Vec<ArrayName> {
        block_arrays(self.network.architecture(), self.l).unwrap_or_default()
    }

    /// The operation whose result holds them by the names of [`Architecture::names`].
    pub fn described(&self) -> Described {
        self.network.weights_op(self.l).unwrap_or_else(|| Described::new(Drawn(self.clone())))
    }

    /// The name of an array in that result.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn result_name(&self, name: &str) -> Result<String> {
        let arrays = self.arrays();
        let at = arrays.iter().position(|array| array.name == name).ok_or_else(|| unknown(self.l, name, &arrays))?;
        Ok(self.network.architecture().names(self.l)[at].clone())
    }
}

/// Its arrays, not their numbers.
impl std::fmt::Display for BlockWeights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "weights of block {}: {}", self.l, in_words(&self.arrays()))
    }
}

/// The error of a name that a block does not have.
fn unknown(l: usize, name: &str, arrays: &[ArrayName]) -> Error {
    let names: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
    let error = Error::new(format!("block {l} has no array `{name}`"));
    let near = nearest(name, names.iter().copied());
    let error = near.into_iter().fold(error, |error, near| error.hint(format!("did you mean `{near}`?")));
    error.hint(format!("it has {}", names.join(", ")))
}

/// The network with other numbers for some arrays of block `l`, by their names in scripts.
///
/// # Errors
/// When there is no such block or array, or one has another shape or a number that is not finite.
pub fn with_arrays(network: &Network, l: usize, given: BTreeMap<String, GivenArray>) -> Result<Network> {
    let old = BlockWeights::new(network, l)?;
    let (arrays, names) = (old.arrays(), network.architecture().names(l));
    if let Some(name) = given.keys().find(|name| arrays.iter().all(|array| array.name != **name)) {
        return Err(unknown(l, name, &arrays));
    }
    let mut sources = Vec::new();
    for (array, name) in arrays.into_iter().zip(names) {
        let source = match given.get(&array.name) {
            Some(given) => {
                check(&format!("block {l}: `{}`", array.name), &array.shape, given)?;
                Source::Given(given.clone())
            }
            None => Source::Kept(name.clone()),
        };
        sources.push((name, array.shape, source));
    }
    let is_whole = sources.iter().all(|(_, _, source)| matches!(source, Source::Given(_)));
    let from = if is_whole { None } else { Some(old.described()) };
    Ok(changed(
        network,
        [(l, Described::new(Changed { arrays: sources, from }))],
        format!("other weights in block {l}"),
    ))
}

/// The network with the weights of another's block in block `l`. They are not computed yet.
///
/// # Errors
/// When there is no such block, or its arrays have other names or shapes.
pub fn with_block_weights(network: &Network, l: usize, weights: &BlockWeights) -> Result<Network> {
    let old = BlockWeights::new(network, l)?;
    let (own, other) = (old.arrays(), weights.arrays());
    if own != other {
        let (own, other) = (in_words(&own), in_words(&other));
        return Err(Error::new(format!("block {l} has {own}, and the weights of block {} are {other}", weights.l)));
    }
    let from = weights.network.architecture().names(weights.l).into_iter().map(Source::Kept);
    let names = network.architecture().names(l).into_iter().zip(own);
    let arrays = names.zip(from).map(|((name, array), source)| (name, array.shape, source)).collect();
    let described = Described::new(Changed { arrays, from: Some(weights.described()) });
    Ok(changed(network, [(l, described)], format!("other weights in block {l}")))
}

impl Network {
    /// The network with other numbers for some arrays, by their names in files.
    ///
    /// # Errors
    /// When it has no such array, or one has another shape or a number that is not finite.
    pub fn with_named_arrays(&self, mut given: BTreeMap<String, GivenArray>) -> Result<Self> {
        let architecture = self.architecture();
        let mut blocks = Vec::new();
        let mut numbers = Vec::new();
        for l in 1..=architecture.depth() {
            let specs = architecture.param_specs(l);
            if specs.iter().all(|spec| !given.contains_key(&spec.name)) {
                continue;
            }
            let mut arrays = Vec::new();
            for ParamSpec { name, shape, .. } in specs {
                let source = match given.remove(&name) {
                    Some(given) => {
                        check(&format!("`{name}`"), &shape, &given)?;
                        Source::Given(given)
                    }
                    None => Source::Kept(name.clone()),
                };
                arrays.push((name, shape, source));
            }
            let is_whole = arrays.iter().all(|(_, _, source)| matches!(source, Source::Given(_)));
            let from = if is_whole { None } else { Some(BlockWeights { network: self.clone(), l }.described()) };
            blocks.push((l, Described::new(Changed { arrays, from })));
            numbers.push(l.to_string());
        }
        if let Some(name) = given.keys().next() {
            let known: Vec<String> = architecture.named_shapes().into_iter().map(|(name, _)| name).collect();
            let error = Error::new(format!("the network has no array `{name}`"));
            let near = nearest(name, known.iter().map(String::as_str));
            let error = near.into_iter().fold(error, |error, near| error.hint(format!("did you mean `{near}`?")));
            return Err(error
                .hint("arrays are called as in a file that `save` writes; `net.weights_of(l)` has those of a block"));
        }
        if blocks.is_empty() {
            return Ok(self.clone());
        }
        let plural = if numbers.len() == 1 { "" } else { "s" };
        Ok(changed(self, blocks, format!("other weights in block{plural} {}", numbers.join(", "))))
    }
}

impl Architecture {
    /// A network with these numbers for all of its arrays, by their names in files.
    ///
    /// # Errors
    /// When one is missing, too many, has another shape or a number that is not finite.
    pub fn with_named_arrays(&self, given: BTreeMap<String, GivenArray>) -> Result<Network> {
        let missing: Vec<String> = self
            .named_shapes()
            .into_iter()
            .filter(|(name, _)| !given.contains_key(name))
            .map(|(name, shape)| format!("{name} {shape:?}"))
            .collect();
        if !missing.is_empty() {
            return Err(Error::new(format!("these arrays are missing: {}", missing.join(", "))).hint(
                "a network's weights are all of its arrays; to change some, give them to a network that has weights, such as \
                 `net.init(#{ weight_var: 1 })`",
            ));
        }
        let none = (1..=self.depth()).map(|_| Described::new(Changed { arrays: Vec::new(), from: None })).collect();
        let empty = Network::computed(self.clone(), none, "weights given by the script");
        let blocks = match empty.with_named_arrays(given)?.source {
            WeightSource::Changed { blocks, .. } => blocks
                .iter()
                .zip(1..)
                .map(|(block, l)| match block {
                    Some(block) => Some(block.clone()),
                    None => empty.weights_op(l),
                })
                .collect(),
            _ => Vec::new(),
        };
        Ok(Network::computed(self.clone(), blocks.into_iter().flatten().collect(), "weights given by the script"))
    }
}

/// Arrays as messages write them.
fn in_words(arrays: &[ArrayName]) -> String {
    let words = arrays.iter().map(|ArrayName { name, shape }| format!("{name} {shape:?}"));
    words.collect::<Vec<_>>().join(", ")
}

fn changed(network: &Network, new: impl IntoIterator<Item = (usize, Described)>, words: String) -> Network {
    let mut blocks = vec![None; network.architecture().depth()];
    new.into_iter().for_each(|(l, described)| blocks[l - 1] = Some(described));
    Network { training_run: None, ..Network::changed(network, blocks, words) }
}

/// # Errors
/// When an array has another shape, or a number that is not finite.
fn check(what: &str, shape: &[usize], given: &GivenArray) -> Result<()> {
    if given.shape != shape {
        return Err(Error::new(format!("{what} has the shape {:?}; expected {shape:?}", given.shape)));
    }
    match given.numbers.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let message = format!("{what} holds {} (number {at} of {})", given.numbers[at], given.numbers.len());
            Err(Error::new(message).hint("weights are finite numbers"))
        }
    }
}

/// Draws the initial arrays of a block.
#[derive(Debug)]
struct Drawn(BlockWeights);

impl Operation for Drawn {
    fn name(&self) -> &'static str {
        "weights.drawn"
    }

    fn version(&self) -> u32 {
        1
    }

    /// The chain of fingerprints holds how all blocks up to this one are drawn.
    fn parameters(&self) -> serde_json::Value {
        json!({ "blocks": self.0.network.prefix(self.0.l), "names": self.0.network.architecture().names(self.0.l) })
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        Cost { operations: 0.0, result_bytes: 4.0 * self.0.numbers(), working_bytes: 0.0 }
    }

    fn run(&self, _: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        let BlockWeights { network, l } = &self.0;
        let arrays = network.arrays(*l, None)?;
        let specs = network.architecture().param_specs(*l);
        let named = specs.into_iter().zip(arrays.into_iter().map(Cow::into_owned));
        Ok(named.fold(Value::default(), |value, (spec, array)| value.with(&spec.name, &spec.shape, array)))
    }
}

impl BlockWeights {
    fn numbers(&self) -> f64 {
        self.arrays().iter().map(|array| array.shape.iter().product::<usize>() as f64).sum()
    }
}

/// Where an array comes from.
#[derive(Debug)]
enum Source {
    Given(GivenArray),
    /// From the result that others come from, by its name there.
    Kept(String),
}

/// The arrays of a block, some given and the others from another result.
#[derive(Debug)]
struct Changed {
    /// Name in the result, shape, source.
    arrays: Vec<(String, Vec<usize>, Source)>,
    from: Option<Described>,
}

impl Operation for Changed {
    /// Arrays that are given are named by their content, as those of a file are: the same weights are the same network.
    fn name(&self) -> &'static str {
        if self.from.is_none() { "weights.read" } else { "weights.changed" }
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        let described = |source: &Source| match source {
            Source::Given(given) => json!(given.hash()),
            Source::Kept(name) => json!({ "kept": name }),
        };
        let arrays: BTreeMap<&str, serde_json::Value> =
            self.arrays.iter().map(|(name, _, source)| (name.as_str(), described(source))).collect();
        match &self.from {
            None => json!(arrays),
            Some(from) => json!({ "arrays": arrays, "from": from.fingerprint() }),
        }
    }

    fn inputs(&self) -> Vec<Described> {
        self.from.iter().cloned().collect()
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        let numbers: usize = self.arrays.iter().map(|(_, shape, _)| shape.iter().product::<usize>()).sum();
        Cost { operations: 0.0, result_bytes: 4.0 * numbers as f64, working_bytes: 0.0 }
    }

    fn run(&self, inputs: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        self.arrays.iter().try_fold(Value::default(), |value, (name, shape, source)| {
            let numbers = match (source, inputs.first()) {
                (Source::Given(given), _) => given.numbers.to_vec(),
                (Source::Kept(kept), Some(from)) => from.f32s(kept)?.1.to_vec(),
                (Source::Kept(kept), None) => return Err(Error::new(format!("nothing holds the array {kept}"))),
            };
            Ok(value.with(name, shape, numbers))
        })
    }
}
