//! Types by the names that script authors know. Rhai's metadata and messages name them as Rust does.

/// Rust's and Rhai's names beside those that scripts know.
const NAMES: &[(&str, &str)] = &[
    ("i64", "integer"),
    ("INT", "integer"),
    ("f64", "number"),
    ("FLOAT", "number"),
    ("AnySamples", "Tensor or Pictures"),
    ("AnyPictures", "Split, Pictures, Tensor or array"),
    ("TableOrTensor", "Table or Tensor"),
    ("TableCurveOrTensor", "Table, Curve or Tensor"),
    ("ImmutableString", "text"),
    ("String", "text"),
    ("string", "text"),
    ("&str", "text"),
    ("char", "character"),
    ("Array", "array"),
    ("Map", "map"),
    ("Fn", "closure"),
    ("FnPtr", "closure"),
    ("Dynamic", "any"),
    ("AnyNumber", "number"),
    ("TensorOrArray", "Tensor or array"),
    ("AxisNames", "text or array"),
    ("TensorOrNumber", "Tensor or number"),
    ("ScriptTensor", "Tensor"),
];

/// Rhai's own words for a text in the error of a call.
const ANY_TEXT: &str = "&str | ImmutableString | String";

/// The name of one type, or the name as it is.
pub(super) fn script_name(rust: &str) -> &str {
    NAMES.iter().find(|(name, _)| *name == rust).map_or(rust, |(_, script)| script)
}

/// A message with every type in it by its name for scripts: `f (i64, f64)` becomes `f (integer, number)`.
pub(super) fn in_message(text: &str) -> String {
    let text = text.replace(ANY_TEXT, "text");
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '&';
    let mut message = String::new();
    let mut rest = &text[..];
    while let Some(start) = rest.find(is_word) {
        let (between, word) = rest.split_at(start);
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        message.push_str(between);
        message.push_str(script_name(&word[..end]));
        rest = &word[end..];
    }
    message + rest
}
