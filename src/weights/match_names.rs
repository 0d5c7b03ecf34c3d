//! Checks that a file holds the wanted arrays; one error names all that do not match.

use super::WeightFile;
use super::read::Wanted;
use crate::{Error, Result};

/// A counter that PyTorch's batch normalisation saves; nothing is computed with it.
const COUNTER: &str = "num_batches_tracked";

/// How names in a file are matched.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// Prefix of the names in the file, such as "module."; arrays without it are ignored.
    pub prefix: String,
    /// Whether other arrays in the file are allowed.
    pub ignore_surplus: bool,
}

impl WeightFile {
    /// # Errors
    /// Arrays are missing, too many, of another shape, or hold no floating-point numbers; the message names all of them.
    pub(super) fn check(&self, whose: &str, wanted: &[&Wanted], naming: &Naming) -> Result<()> {
        let (mut missing, mut misshapen, mut untyped) = (Vec::new(), Vec::new(), Vec::new());
        for Wanted { from, shape, .. } in wanted {
            match self.tensors.get(&format!("{}{from}", naming.prefix)) {
                None => missing.push(format!("{from} {shape:?}")),
                Some(stored) => {
                    if stored.shape != *shape {
                        misshapen.push(format!("{from} (expected {shape:?}, found {:?})", stored.shape));
                    }
                    if let Err(found) = &stored.float {
                        untyped.push(format!("{from} ({found})"));
                    }
                }
            }
        }
        let surplus: Vec<String> = self
            .tensors
            .iter()
            .filter_map(|(name, stored)| Some((name.strip_prefix(&naming.prefix)?, stored)))
            .filter(|(name, _)| !naming.ignore_surplus && name.rsplit('.').next() != Some(COUNTER))
            .filter(|(name, _)| wanted.iter().all(|wanted| wanted.from != *name))
            .map(|(name, stored)| format!("{name} {:?}", stored.shape))
            .collect();
        let only_surplus = missing.is_empty() && misshapen.is_empty() && untyped.is_empty();
        let found = [
            ("missing", &missing),
            ("misshapen", &misshapen),
            ("without floating-point numbers", &untyped),
            ("surplus", &surplus),
        ];
        let found: Vec<String> = found
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {}", names.join(", ")))
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        let error = Error::new(format!("{} does not fit {whose}; {}", self.name, found.join("; ")));
        Err(match self.prefix_of(wanted) {
            Some(prefix) if !missing.is_empty() && prefix != naming.prefix => {
                error.hint(format!("in the file the names begin with {prefix:?}: say `#{{ prefix: {prefix:?} }}`"))
            }
            _ if only_surplus => error.hint("leave out what is too much: `#{ ignore_surplus: true }`"),
            _ if !missing.is_empty() => error.hint(
                "arrays are called by the names that `named` gives a block, or else by the numbers of block and layer, from 0",
            ),
            _ => error,
        })
    }

    /// A prefix with which all wanted names are in the file.
    fn prefix_of(&self, wanted: &[&Wanted]) -> Option<String> {
        let first = &wanted.first()?.from;
        let prefixes = self.tensors.keys().filter_map(|name| name.strip_suffix(first.as_str()));
        let fits = |prefix: &&str| wanted.iter().all(|w| self.tensors.contains_key(&format!("{prefix}{}", w.from)));
        prefixes.filter(|prefix| prefix.ends_with('.')).find(fits).map(str::to_owned)
    }
}
