//! Tensors.

use rhai::Engine;

/// A tensor that a script holds.
#[derive(Debug, Clone)]
pub struct ScriptTensor;

pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<ScriptTensor>("Tensor");
}
