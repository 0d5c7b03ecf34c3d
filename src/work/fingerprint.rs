//! The name of a result: the BLAKE3 hash of its description, in one canonical serialisation.

use std::fmt::Write;

use serde::Serialize;

/// 256 bits that name a description or, together with the numerics of a device, its result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Hashes a description as canonical JSON: keys sorted, numbers in their shortest exact form.
    pub fn from_json(description: &serde_json::Value) -> Self {
        // serde_json keeps maps sorted (its feature `preserve_order` is off), so this text is canonical.
        Self(*blake3::hash(description.to_string().as_bytes()).as_bytes())
    }

    /// The names along a chain of `entries`, which are objects: first `start`, then for each entry the name of that entry
    /// with a field "before" added, which holds the previous name and sorts before its other fields. An entry that equals
    /// its predecessor is serialised once, since most blocks of a deep network are alike.
    pub(crate) fn chain<T: Serialize + PartialEq>(start: Self, entries: &[T]) -> Vec<Self> {
        let mut names = vec![start];
        let (mut text, mut canonical) = (String::new(), String::new());
        for (i, entry) in entries.iter().enumerate() {
            if i == 0 || *entry != entries[i - 1] {
                text = serde_json::json!(entry).to_string();
            }
            canonical.clear();
            // Texts take everything that is written to them.
            let _ = write!(canonical, "{{\"before\":\"{}\",{}", names[i], text.trim_start_matches('{'));
            names.push(Self(*blake3::hash(canonical.as_bytes()).as_bytes()));
        }
        names
    }

    /// The name of the result when it is computed with these numerics, such as "flex/f32".
    #[must_use]
    pub fn with_numerics(&self, numerics: &str) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.0).update(numerics.as_bytes());
        Self(*hash.finalize().as_bytes())
    }

    /// The first eight hexadecimal digits, to show to people.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (two, byte) in text.chunks_exact_mut(2).zip(self.0) {
            two.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| std::fmt::Error)?)
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fingerprint;

    #[test]
    fn a_chain_is_named_as_its_objects_are() {
        let start = Fingerprint::from_json(&json!([]));
        let entries = [
            json!({ "layers": [1], "weights": "w" }),
            json!({ "layers": [1], "weights": "w" }),
            json!({ "layers": [] }),
        ];
        let mut expected = vec![start];
        for entry in &entries {
            let mut object = entry.clone();
            object["before"] = json!(expected.last());
            expected.push(Fingerprint::from_json(&object));
        }
        assert_eq!(Fingerprint::chain(start, &entries), expected);
        assert_eq!(start.to_string().len(), 64);
    }
}
