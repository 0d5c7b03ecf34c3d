//! A network's outputs for samples, and the classes that they stand for.

use std::fmt::Write;
use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use super::curve::now;
use super::general::wanted_count;
use super::network::elements;
use super::network::say_identity_norms;
use crate::Error;
use crate::data::Split;
use crate::network::{Network, confusion, outputs, sample_losses};
use crate::script::options::{Key, Spec, Takes, describe};
use crate::script::session::{Native, Session};
use crate::script::tensor::ScriptTensor;
use crate::work::Described;

const CLASSIFY: Spec = Spec {
    function: "classify",
    keys: &[Key::computed(
        "names",
        Takes::Other("`\"imagenet\"` or an array of texts"),
        || format!("`\"imagenet\"` for {} outputs, otherwise the classes' numbers", IMAGENET.lines().count()),
        "names of the classes, one for every output",
    )],
};

pub(super) const OPTIONS: &[Spec] = &[CLASSIFY];

/// One name per line, in the order of the classes; the licence is beside it.
const IMAGENET: &str = include_str!("../../../stdlib/imagenet.txt");

/// The most likely classes of samples.
#[derive(Debug, Clone)]
pub struct Classification {
    outputs: Described,
    samples: usize,
    /// Whether the network's outputs are probabilities already.
    is_softmax: bool,
    /// Number of classes that are given for each sample.
    classes: usize,
    /// `None` where the classes are called by their numbers.
    names: Option<Arc<[String]>>,
}

impl Classification {
    fn new(network: &Network, split: &Split, classes: INT, names: Option<Arc<[String]>>) -> Result<Self, Error> {
        let architecture = network.architecture();
        let width = architecture.width(architecture.depth());
        let classes = match wanted_count(classes, "the number of classes")? {
            classes if (1..=width).contains(&classes) => classes,
            classes => {
                return Err(Error::new(format!(
                    "{classes} classes for each sample, but the network has {width} outputs"
                )));
            }
        };
        let last = architecture.blocks().last().and_then(|block| block.layers().last());
        Ok(Self {
            outputs: outputs(network, split)?,
            samples: split.len(),
            is_softmax: last.is_some_and(|layer| layer.kind().gives_probabilities()),
            classes,
            names,
        })
    }

    fn name(&self, class: usize) -> String {
        self.names.as_ref().map_or_else(|| class.to_string(), |names| names[class].clone())
    }

    /// For every sample its most likely classes with their probabilities, the most likely first.
    fn all(&self, context: &NativeCallContext<'_>) -> Native<Vec<Vec<(usize, f64)>>> {
        let value = now(context, "a classification", &self.outputs)?;
        let (shape, outputs) = value.f32s("y")?;
        Ok(outputs.chunks(shape[1]).map(|outputs| self.likeliest(outputs)).collect())
    }

    fn likeliest(&self, outputs: &[f32]) -> Vec<(usize, f64)> {
        let outputs = outputs.iter().map(|&x| f64::from(x));
        let mut probabilities: Vec<(usize, f64)> = if self.is_softmax {
            outputs.enumerate().collect()
        } else {
            let largest = outputs.clone().fold(f64::NEG_INFINITY, f64::max);
            let parts: Vec<f64> = outputs.map(|x| libm::exp(x - largest)).collect();
            let sum: f64 = parts.iter().sum();
            parts.into_iter().map(|part| part / sum).enumerate().collect()
        };
        probabilities.sort_by(|a, b| b.1.total_cmp(&a.1));
        probabilities.truncate(self.classes);
        probabilities
    }

    /// One sample in the form that scripts get.
    fn maps(&self, classes: Vec<(usize, f64)>) -> Array {
        let map = |(class, probability): (usize, f64)| {
            let entries: [(&str, Dynamic); 3] = [
                ("class", (class as INT).into()),
                ("name", self.name(class).into()),
                ("probability", probability.into()),
            ];
            Dynamic::from_map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
        };
        classes.into_iter().map(map).collect()
    }

    /// A table in words: a line for every class of every sample.
    fn in_words(&self, all: &[Vec<(usize, f64)>]) -> String {
        let mut text = String::from("sample  probability  class  name");
        for (sample, classes) in all.iter().enumerate() {
            for (i, (class, probability)) in classes.iter().enumerate() {
                let sample = if i == 0 { sample.to_string() } else { String::new() };
                let (percent, name) = (100.0 * probability, self.name(*class));
                let _ = write!(text, "\n{sample:>6}  {percent:>10.2}%  {class:>5}  {name}");
            }
        }
        text
    }
}

/// The names of a network's classes, if they have some.
fn names(network: &Network, option: Option<&Dynamic>) -> Result<Option<Arc<[String]>>, Error> {
    let architecture = network.architecture();
    let width = architecture.width(architecture.depth());
    let imagenet = || IMAGENET.lines().map(str::to_owned).collect::<Vec<_>>();
    let names = match option {
        None if width == IMAGENET.lines().count() => imagenet(),
        None => return Ok(None),
        Some(option) if option.clone().into_immutable_string().is_ok_and(|name| name == "imagenet") => imagenet(),
        Some(option) => match option.clone().try_cast::<Array>() {
            Some(list) => {
                let names = elements::<ImmutableString>(list, "the names", "a text")?;
                names.iter().map(ToString::to_string).collect()
            }
            None => {
                let found = describe(option);
                return Err(Error::new(format!(
                    "`classify`: option `names` must be \"imagenet\" or an array of texts, got {found}"
                )));
            }
        },
    };
    match names.len() {
        n if n == width => Ok(Some(names.into())),
        n => Err(Error::new(format!("{n} names for {width} outputs")).hint("`names` has one for every output")),
    }
}

/// The array "y" of a result, computed now.
fn tensor_of(context: &NativeCallContext<'_>, what: &str, source: &Described) -> Native<ScriptTensor> {
    let value = now(context, what, source)?;
    let (shape, numbers) = value.f32s("y")?;
    Ok(ScriptTensor::new(&*Session::from_context(context)?, shape, || Ok(numbers.to_vec()))?)
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Classification>("Classification")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[expect(clippy::unwrap_used, reason = "Rhai's macro writes them")]
#[export_module]
mod functions {
    /// The outputs of a network's last layer for samples, computed now: a tensor `[samples, outputs]`.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(net.outputs(data.test.take(5)).shape);    // [5, 10]
    /// ```
    #[rhai_fn(name = "outputs", return_raw)]
    pub fn outputs_of(context: NativeCallContext, network: Network, data: Split) -> Native<ScriptTensor> {
        say_identity_norms(&context, &network)?;
        tensor_of(&context, "the outputs", &outputs(&network, &data)?)
    }

    /// How many samples of each class the network takes for which, computed now: a tensor [outputs, outputs]. Rows are the
    /// samples' own classes, columns those with the largest output. A sample with a NaN among its outputs is in no column.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let test = data.test.take(100);
    /// print(net.confusion(test).shape);                                             // [10, 10]
    /// print((net.confusion(test) * eye(10)).sum() / 100 == net.accuracy(test));     // true
    /// ```
    #[rhai_fn(name = "confusion", return_raw)]
    pub fn confusion_of(context: NativeCallContext, network: Network, data: Split) -> Native<ScriptTensor> {
        say_identity_norms(&context, &network)?;
        tensor_of(&context, "the confusion matrix", &confusion(&network, &data)?)
    }

    /// The cross-entropy of every sample, computed now: a tensor [samples]. It is −ln of the probability that the network gives
    /// the sample's class: the softmax of the outputs, or the output itself if the network ends in a softmax.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(net.sample_losses(data.test.take(5)).shape);    // [5]
    /// ```
    #[rhai_fn(name = "sample_losses", return_raw)]
    pub fn losses_of_samples(context: NativeCallContext, network: Network, data: Split) -> Native<ScriptTensor> {
        say_identity_norms(&context, &network)?;
        tensor_of(&context, "the losses of samples", &sample_losses(&network, &data)?)
    }

    /// The `classes` most likely classes of each sample and their probabilities: the softmax of the outputs, or the outputs
    /// themselves if the network ends in a softmax. `print` shows a line for each; `[i]` is an array of maps
    /// `#{ class, name, probability }`, the most likely first.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// let found = net.classify(data.test.take(5), 3);
    /// print(found);
    /// print(found[0][0].name);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn classify(context: NativeCallContext, network: Network, data: Split, classes: INT) -> Native<Classification> {
        classify_with(context, network, data, classes, Map::new())
    }

    /// ```
    /// fn found(net, data) { net.classify(data, 1, #{ names: ["cat", "dog"] }) }
    /// ```
    #[rhai_fn(name = "classify", return_raw)]
    pub fn classify_with(
        context: NativeCallContext,
        network: Network,
        data: Split,
        classes: INT,
        options: Map,
    ) -> Native<Classification> {
        say_identity_norms(&context, &network)?;
        let names = names(&network, CLASSIFY.read(&options)?.value("names"))?;
        Ok(Classification::new(&network, &data, classes, names)?)
    }

    /// The most likely classes of sample `i`, counted from 0.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(net.classify(data.test.take(5), 3)[0].len);    // 3
    /// ```
    #[rhai_fn(index_get, return_raw)]
    pub fn classes_of_sample(context: NativeCallContext, classification: &mut Classification, i: INT) -> Native<Array> {
        let samples = classification.samples;
        let i = wanted_count(i, "the sample")?;
        if i >= samples {
            return Err(Error::new(format!("there is no sample {i}; there are {samples}, from 0")).into());
        }
        let mut all = classification.all(&context)?;
        Ok(classification.maps(all.swap_remove(i)))
    }

    /// The most likely classes of every sample, as an array of arrays.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(net.classify(data.test.take(5), 3).all().len);    // 5
    /// ```
    #[rhai_fn(name = "all", return_raw)]
    pub fn classes_of_all(context: NativeCallContext, classification: Classification) -> Native<Array> {
        let all = classification.all(&context)?;
        Ok(all.into_iter().map(|classes| classification.maps(classes).into()).collect())
    }

    /// The number of samples.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn classification_len(classification: &mut Classification) -> INT {
        classification.samples as INT
    }

    /// As `print` shows it.
    #[rhai_fn(name = "print", name = "debug", name = "to_string", name = "to_debug", return_raw)]
    pub fn classification_to_string(context: NativeCallContext, classification: &mut Classification) -> Native<String> {
        let text = classification.all(&context).map(|all| classification.in_words(&all));
        Session::printed(text)
    }
}
