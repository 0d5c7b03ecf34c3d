//! What a network rests on, for people and for theory.

use super::{Architecture, Block, Init, Network, ParamKind, ParamSpec, Scheme, Schemes, WeightSource, calibrate};
use crate::data::Split;
use crate::kernels::Activation;
use crate::work::{NetworkOrigin, Provenance};

impl Network {
    /// The network in words, and what its weights rest on.
    pub fn provenance(&self) -> Provenance {
        let architecture = &self.architecture;
        let (depth, activation) = (architecture.depth(), architecture.hidden_activation());
        let (input, output) = (architecture.shape(0), architecture.shape(depth));
        let plural = if depth == 1 { "" } else { "s" };
        let summary =
            format!("{depth} block{plural} from {input:?} to {output:?}, {}", self.weight_source().in_words());
        let origin = NetworkOrigin { summary, activation, ..NetworkOrigin::default() };
        self.with_weights(origin)
    }

    /// What its answers for samples rest on.
    pub(crate) fn provenance_on(&self, split: &Split) -> Provenance {
        let mut provenance = self.provenance();
        provenance.merge(&split.provenance());
        provenance
    }

    /// What the network's weights rest on, for an origin without them.
    fn with_weights(&self, origin: NetworkOrigin) -> Provenance {
        match self.weight_source() {
            WeightSource::Drawn(init) => {
                let [weight_var, bias_var] = self.architecture.shared_variances(init);
                let scheme = self.architecture.special_scheme(init).map(|scheme| scheme.to_string());
                let origin = NetworkOrigin { weight_var, bias_var, scheme, ..origin };
                Provenance { networks: vec![origin], seeds: vec![init.seed], ..Provenance::default() }
            }
            WeightSource::Computed { blocks, .. } => {
                Provenance { networks: vec![origin], ..Provenance::from_inputs(blocks) }
            }
            WeightSource::Changed { of, blocks, .. } => {
                let mut provenance = of.with_weights(origin);
                // Calibration leaves the weights as they were drawn; other changes do not.
                if blocks.iter().flatten().any(|block| block.operation().name() != calibrate::NAME) {
                    for network in &mut provenance.networks {
                        (network.weight_var, network.bias_var, network.scheme) = (None, None, None);
                    }
                }
                for block in blocks.iter().flatten() {
                    let Provenance { data, seeds, .. } = block.provenance();
                    provenance.merge(&Provenance { data: data.clone(), seeds: seeds.clone(), ..Provenance::default() });
                }
                provenance
            }
        }
    }

    /// Whether a batch normalisation of it does nothing: with averages as they are drawn, mean 0 and variance 1.
    pub fn has_identity_norms(&self) -> bool {
        let blocks = self.architecture.blocks().iter().zip(1..);
        let mut last = None;
        blocks.filter(|(_, l)| self.is_drawn(*l)).any(|(block, _)| {
            // Most blocks of a deep network are alike.
            last.replace(block) != Some(block) && block.has_running_averages()
        })
    }

    /// Whether the arrays of block `l` (from 1) are as they were drawn.
    pub(super) fn is_drawn(&self, l: usize) -> bool {
        match self.weight_source() {
            WeightSource::Drawn(_) => true,
            WeightSource::Computed { .. } => false,
            WeightSource::Changed { of, blocks, .. } => blocks[l - 1].is_none() && of.is_drawn(l),
        }
    }
}

impl WeightSource {
    /// Where the weights come from, in words.
    pub fn in_words(&self) -> String {
        match self {
            Self::Drawn(init) => init.to_string(),
            Self::Computed { words, .. } => words.clone(),
            Self::Changed { of, words, .. } => format!("{}, {words}", of.weight_source().in_words()),
        }
    }
}

impl Architecture {
    /// The blocks before the head, or else before the last block.
    pub fn hidden(&self) -> &[Block] {
        &self.blocks[..self.trunk().min(self.depth() - 1).max(1)]
    }

    /// The drawn arrays of hidden blocks with the numbers of their blocks, from 1. Of blocks that are alike in a row only the first where `once`.
    fn hidden_arrays(&self, once: bool) -> impl Iterator<Item = (usize, ParamSpec)> {
        let hidden = self.hidden();
        let blocks = hidden.iter().enumerate().filter(move |(i, block)| !once || *i == 0 || hidden[i - 1] != **block);
        blocks.flat_map(|(i, block)| block.param_specs().into_iter().map(move |spec| (i + 1, spec)))
    }

    /// σ_w² and σ_b² of the hidden blocks, where they share one.
    pub(crate) fn shared_variances(&self, init: &Init) -> [Option<f64>; 2] {
        let once = init.weights.shared().is_some() && init.biases.shared().is_some();
        let shared = |schemes: &Schemes, is_wanted: fn(ParamKind) -> bool| {
            let arrays = self.hidden_arrays(once).filter(|(_, spec)| is_wanted(spec.kind));
            let mut variances = arrays.filter_map(|(l, spec)| Some(init.scheme(l, &spec)?.scaled_variance(&spec)));
            let Some(first) = variances.next() else { return schemes.shared().and_then(Scheme::plain_variance) };
            variances.all(|other| other == first || (other / first - 1.0).abs() < 1e-9).then_some(first)
        };
        let is_weight = |kind| matches!(kind, ParamKind::Weight { .. });
        [shared(&init.weights, is_weight), shared(&init.biases, |kind| kind == ParamKind::Bias)]
    }

    /// A scheme of hidden weights whose numbers are not independent, if there is one.
    fn special_scheme(&self, init: &Init) -> Option<Scheme> {
        let once = init.weights.shared().is_some();
        let weights = self.hidden_arrays(once).filter(|(_, spec)| matches!(spec.kind, ParamKind::Weight { .. }));
        let mut schemes = weights.filter_map(|(l, spec)| init.scheme(l, &spec));
        schemes.find(|scheme| !matches!(scheme, Scheme::Independent { .. }))
    }
}

impl Architecture {
    /// The activation of all hidden blocks, if they share one. Blocks without weights have none.
    pub fn hidden_activation(&self) -> Option<Activation> {
        let hidden = self.hidden();
        let mut shared = None;
        for (l, block) in hidden.iter().enumerate() {
            // Most blocks of a deep network are alike.
            if l > 0 && *block == hidden[l - 1] {
                continue;
            }
            let activations: Vec<Activation> =
                block.layers().iter().flat_map(|layer| layer.kind().activations()).collect();
            if activations.is_empty() && block.parameters() > 0 {
                return None;
            }
            for function in activations {
                if *shared.get_or_insert(function.clone()) != function {
                    return None;
                }
            }
        }
        shared
    }
}
