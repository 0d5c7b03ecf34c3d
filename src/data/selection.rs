//! Which samples of a part, in which order.

use std::sync::Arc;

use serde_json::{Value, json};

/// Positions within a part of a data set; at least one.
#[derive(Debug, Clone)]
pub(super) enum Selection {
    /// From the first position up to the second, exclusive.
    Range(usize, usize),
    List(Arc<[u32]>),
}

impl Selection {
    /// A list of positions. Consecutive ones become a range, so that the same samples have one description only.
    pub(super) fn from_list(list: Vec<u32>) -> Self {
        if list.windows(2).all(|pair| pair[1] == pair[0] + 1) {
            Self::Range(list[0] as usize, list[0] as usize + list.len())
        } else {
            Self::List(list.into())
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Range(start, end) => end - start,
            Self::List(list) => list.len(),
        }
    }

    /// The positions in order.
    pub(super) fn indices(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Self::Range(start, end) => Box::new(*start..*end),
            Self::List(list) => Box::new(list.iter().map(|&i| i as usize)),
        }
    }

    /// The positions `from` to `to` of these, exclusive.
    pub(super) fn slice(&self, from: usize, to: usize) -> Self {
        match self {
            Self::Range(start, _) => Self::Range(start + from, start + to),
            Self::List(list) => Self::from_list(list[from..to].to_vec()),
        }
    }

    /// For a fingerprint: equal descriptions mean equal positions in the same order.
    pub(super) fn description(&self) -> Value {
        match self {
            Self::Range(start, end) => json!({ "from": start, "to": end }),
            Self::List(list) => {
                let mut hash = blake3::Hasher::new();
                list.iter().for_each(|i| {
                    hash.update(&i.to_le_bytes());
                });
                json!({ "count": list.len(), "blake3": hash.finalize().to_hex().as_str() })
            }
        }
    }
}
