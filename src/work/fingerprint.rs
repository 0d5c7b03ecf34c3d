//! The name of a result: BLAKE3 of what makes it, in one canonical serialisation.

use serde::Serialize;

/// 256 bits that name a description, and with a device's number format, its result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of canonical JSON: keys sorted, numbers in their shortest exact form.
    pub fn of(description: &serde_json::Value) -> Self {
        // serde_json keeps maps sorted (its feature `preserve_order` is off), so this text is canonical.
        Self(*blake3::hash(description.to_string().as_bytes()).as_bytes())
    }

    /// The name of the result when it is computed with these numerics, such as "flex/f32".
    #[must_use]
    pub fn with(&self, numerics: &str) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.0).update(numerics.as_bytes());
        Self(*hash.finalize().as_bytes())
    }

    /// The first eight hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
