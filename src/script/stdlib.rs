//! The Rhai modules that ship inside the program.

/// Name and text of each, in the order in which they may use one another.
pub(super) const STDLIB: [(&str, &str); 5] = [
    ("mlp", include_str!("../../stdlib/mlp.rhai")),
    ("conv", include_str!("../../stdlib/conv.rhai")),
    ("resnet", include_str!("../../stdlib/resnet.rhai")),
    ("vgg", include_str!("../../stdlib/vgg.rhai")),
    ("trainability", include_str!("../../stdlib/trainability.rhai")),
];

/// Whether a file in messages is a module of the program.
pub(super) fn is_file(name: &str) -> bool {
    STDLIB.iter().any(|(module, _)| file_name(module) == name)
}

/// The file name of a module in messages.
pub(super) fn file_name(module: &str) -> String {
    format!("stdlib/{module}.rhai")
}

/// Name and text of each module that ships inside the program.
pub(crate) fn built_in_modules() -> impl Iterator<Item = (&'static str, &'static str)> {
    STDLIB.into_iter()
}
