//! Whether a file holds the arrays that are wanted of it, told by name for all of them at once.

use super::WeightFile;
use super::read::Wanted;
use crate::{Error, Result};

/// What batch normalisation counts, and nobody computes with.
const COUNTER: &str = "num_batches_tracked";

/// How a file's names are taken.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// What stands before the names in the file, such as "module."; arrays without it are another's.
    pub prefix: String,
    /// Whether the file may hold more than is wanted.
    pub ignore_surplus: bool,
}

impl WeightFile {
    /// # Errors
    /// When arrays are missing, too many, of another shape, or hold no floating-point numbers: all of them are named.
    pub(super) fn check(&self, whose: &str, wanted: &[&Wanted], naming: &Naming) -> Result<()> {
        let (mut missing, mut misshapen, mut untyped) = (Vec::new(), Vec::new(), Vec::new());
        for Wanted { from, shape, .. } in wanted {
            match self.tensors.get(&format!("{}{from}", naming.prefix)) {
                None => missing.push(format!("{from} {shape:?}")),
                Some(held) => {
                    if held.shape != *shape {
                        misshapen.push(format!("{from} (expected {shape:?}, found {:?})", held.shape));
                    }
                    if let Err(found) = &held.float {
                        untyped.push(format!("{from} ({found})"));
                    }
                }
            }
        }
        let surplus: Vec<String> = self
            .tensors
            .iter()
            .filter_map(|(name, held)| Some((name.strip_prefix(&naming.prefix)?, held)))
            .filter(|(name, _)| !naming.ignore_surplus && name.rsplit('.').next() != Some(COUNTER))
            .filter(|(name, _)| wanted.iter().all(|wanted| wanted.from != *name))
            .map(|(name, held)| format!("{name} {:?}", held.shape))
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

    /// What stands before the first wanted name, if all are there with something before them.
    fn prefix_of(&self, wanted: &[&Wanted]) -> Option<String> {
        let first = &wanted.first()?.from;
        let prefixes = self.tensors.keys().filter_map(|name| name.strip_suffix(first.as_str()));
        let fits = |prefix: &&str| wanted.iter().all(|w| self.tensors.contains_key(&format!("{prefix}{}", w.from)));
        prefixes.filter(|prefix| prefix.ends_with('.')).find(fits).map(str::to_owned)
    }
}
