//! Tensors in files: numpy's .npy and .safetensors, written into the run folder, read from the project's folder and
//! those of data.

mod npy;
mod npy_header;
mod npz;

use std::path::Path;

use rhai::plugin::*;
use rhai::{Dynamic, Engine, Map};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::files::kind::{Kind, NPY, SAFETENSORS, ZIP};
use crate::files::regular::read_regular;
use crate::output::run_folder::output_path;
use crate::script::options::describe;
use crate::script::session::{Native, Session};
use crate::script::tensor::{MOST, ScriptTensor};
use crate::{Error, Result};

/// The name of a single tensor in a .safetensors file.
const NAME: &str = "tensor";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Npy,
    Npz,
    Safetensors,
}

impl Format {
    fn from_extension(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("npy") => Ok(Self::Npy),
            Some("safetensors") => Ok(Self::Safetensors),
            _ => Err(Error::new(format!("\"{}\": a tensor is kept in a file .npy or .safetensors", path.display()))),
        }
    }

    /// By the first bytes of `file`, whatever its name, which is `path` to the script.
    fn from_content(path: &str, file: &Path) -> Result<Self> {
        let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        match (Kind::of_file(file), ending.as_deref()) {
            (Some(Kind { what: NPY, .. }), _) | (None, Some("npy")) => Ok(Self::Npy),
            (Some(Kind { what: SAFETENSORS, .. }), _) | (None, Some("safetensors")) => Ok(Self::Safetensors),
            (Some(Kind { what: ZIP, .. }), _) if npz::holds_arrays(file) => Ok(Self::Npz),
            (kind, _) => Kind::refusal(kind, path, TAKEN),
        }
    }
}

/// What is taken for tensors, in a message.
const TAKEN: &str =
    "tensors are read from .npy, .npz and .safetensors; checkpoints of PyTorch are read by `network.weights`";

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

/// The error for a file with the wrong content.
fn wrong(path: &str, expected: &str, found: &str) -> Error {
    Error::new(format!("{path}: expected {expected}, found {found}"))
}

fn serialize(tensors: &[(String, ScriptTensor)]) -> Result<Vec<u8>> {
    let failed = |error: safetensors::SafeTensorError| Error::new(format!("cannot serialise tensors: {error}"));
    let contents: Vec<(&str, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let bytes = tensor.numbers()?.iter().flat_map(|number| number.to_le_bytes()).collect();
            Ok((name.as_str(), tensor.shape(), bytes))
        })
        .collect::<Result<_>>()?;
    let views: std::result::Result<Vec<_>, _> = contents
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect();
    safetensors::serialize(views.map_err(failed)?, None).map_err(failed)
}

/// Numbers of the types that weights have, in single precision.
fn numbers_of(view: &TensorView<'_>) -> Option<Vec<f32>> {
    use burn::tensor::{bf16, f16};
    macro_rules! from {
        ($($dtype:ident: $t:ty => $convert:expr;)*) => {
            match view.dtype() {
                Dtype::BOOL => Some(view.data().iter().map(|&byte| f32::from(u8::from(byte != 0))).collect()),
                $(Dtype::$dtype => {
                    let (numbers, _) = view.data().as_chunks();
                    let convert: fn($t) -> f32 = $convert;
                    Some(numbers.iter().map(|&bytes| convert(<$t>::from_le_bytes(bytes))).collect())
                })*
                _ => None,
            }
        };
    }
    from! {
        F32: f32 => |x| x;
        F64: f64 => |x| x as f32;
        F16: f16 => f16::to_f32;
        BF16: bf16 => bf16::to_f32;
        I8: i8 => f32::from;
        U8: u8 => f32::from;
        I16: i16 => f32::from;
        U16: u16 => f32::from;
        I32: i32 => |x| x as f32;
        U32: u32 => |x| x as f32;
        I64: i64 => |x| x as f32;
        U64: u64 => |x| x as f32;
    }
}

/// Warns if numbers of double precision are infinite in single precision. `what` they are is for the message.
fn warn_of_overflow(session: &Session, what: &str, numbers: &[f32]) {
    let count = numbers.iter().filter(|number| number.is_infinite()).count();
    if count > 0 {
        let message = format!("{what}: {count} of {} numbers are infinite in single precision", numbers.len());
        session.warn(Error::new(message).hint("single precision ends at 3.4e38: scale them before they are saved"));
    }
}

/// Why an array of a file cannot be a tensor, if it cannot.
fn unusable(view: &TensorView<'_>) -> Option<String> {
    use Dtype::{BF16, BOOL, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};

    if view.shape().contains(&0) {
        return Some(format!("it is empty, of shape {:?}", view.shape()));
    }
    if view.shape().len() > MOST {
        return Some(format!("it has {} axes, a tensor has at most {MOST}", view.shape().len()));
    }
    let is_known = matches!(view.dtype(), BOOL | F32 | F64 | F16 | BF16 | I8 | U8 | I16 | U16 | I32 | U32 | I64 | U64);
    (!is_known).then(|| format!("expected numbers, real, whole or bool, found the type {}", view.dtype()))
}

/// The tensors of a file by name. Arrays that cannot be tensors are left out with a warning, as long as others can.
fn read_safetensors(session: &Session, path: &str, file: &Path) -> Result<Vec<(String, ScriptTensor)>> {
    let failed = |error: &std::io::Error| Error::io("read", Path::new(path), error);
    let size = std::fs::metadata(file).map_err(|error| failed(&error))?.len();
    let _held = session.tensors.reserve_bytes(size, || format!("reading {path}"))?;
    let bytes = read_regular(file, size).map_err(|error| failed(&error))?;
    let contents = SafeTensors::deserialize(&bytes).map_err(|error| {
        wrong(path, "a whole safetensors file", &format!("{} bytes that are not ({error})", bytes.len()))
    })?;
    let mut views = contents.tensors();
    views.sort_by(|a, b| a.0.cmp(&b.0));
    let (views, unusable): (Vec<_>, Vec<_>) =
        views.into_iter().map(|(name, view)| (unusable(&view), name, view)).partition(|(why, ..)| why.is_none());
    for (why, name, _) in &unusable {
        let error = Error::new(format!("{path}, tensor {name:?}: {}", why.as_deref().unwrap_or_default()));
        if views.is_empty() {
            return Err(error);
        }
        session.warn(Error { message: format!("{}; it is left out", error.message), ..error });
    }
    let tensor = |(_, name, view): (_, String, TensorView<'_>)| {
        let in_file = |error: Error| Error { message: format!("{path}, tensor {name:?}: {}", error.message), ..error };
        // A file may hold a number without axes: it gets one.
        let shape = if view.shape().is_empty() { &[1] } else { view.shape() };
        let numbers = || {
            let numbers = numbers_of(&view).unwrap_or_default();
            if view.dtype() == Dtype::F64 {
                warn_of_overflow(session, &format!("{path}, tensor {name:?}"), &numbers);
            }
            Ok(numbers)
        };
        let tensor = ScriptTensor::new(session, shape, numbers).map_err(in_file)?;
        Ok((name, tensor))
    };
    views.into_iter().map(tensor).collect()
}

/// The tensors of a file by name; the only one of a .npy is called "tensor".
pub(in crate::script::api) fn named_tensors(
    session: &Session,
    path: &str,
    file: &Path,
) -> Result<Vec<(String, ScriptTensor)>> {
    match Format::from_content(path, file)? {
        Format::Npy => Ok(vec![(NAME.to_owned(), npy::read(session, path, file)?)]),
        Format::Npz => npz::read(session, path, file),
        Format::Safetensors => read_safetensors(session, path, file),
    }
}

#[export_module]
mod functions {
    /// Saves a tensor, or the tensors of a map by their names, in the run folder: as .npy for numpy (one tensor only) or as
    /// .safetensors. Unlike figures and tables, which wait for the end of the script, the file is written at once, so that the
    /// script can go on from it; it stays where the run is stopped later.
    ///
    /// ```
    /// randn([2, 3], 0).save("x.npy");
    /// ```
    #[rhai_fn(name = "save", return_raw)]
    pub fn save_tensor(context: NativeCallContext, tensor: ScriptTensor, path: &str) -> Native<ScriptTensor> {
        let file = output_path(path)?;
        let bytes = match Format::from_extension(&file)? {
            Format::Npy => npy::bytes(&tensor)?,
            Format::Npz | Format::Safetensors => serialize(&[(NAME.to_owned(), tensor.clone())])?,
        };
        Session::from_context(&context)?.write(&file, &bytes)?;
        Ok(tensor)
    }

    /// ```
    /// #{ weight: randn([2, 3], 0), bias: zeros([2]) }.save("layer.safetensors");
    /// ```
    #[rhai_fn(name = "save", return_raw)]
    pub fn save_tensors(context: NativeCallContext, tensors: Map, path: &str) -> Native<()> {
        let file = output_path(path)?;
        if Format::from_extension(&file)? == Format::Npy {
            return Err(Error::new(format!("\"{path}\": a file .npy holds one tensor"))
                .hint("save them as .safetensors")
                .into());
        }
        let tensor = |(name, value): (rhai::Identifier, Dynamic)| {
            let found = describe(&value);
            let tensor = value.try_cast::<ScriptTensor>();
            Ok((
                name.to_string(),
                tensor.ok_or_else(|| Error::new(format!("`{name}` is {found}; it should be a tensor")))?,
            ))
        };
        let tensors = tensors.into_iter().map(tensor).collect::<Result<Vec<_>>>()?;
        Session::from_context(&context)?.write(&file, &serialize(&tensors)?)?;
        Ok(())
    }

    /// The tensor in a .npy file, or in a .npz or .safetensors file with only one. The file is in the project folder or in a data folder;
    /// numbers of any type become single precision. Content decides between the two, whatever the file's name.
    ///
    /// ```
    /// fn weights() { load_tensor("weights.npy") }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn load_tensor(context: NativeCallContext, path: &str) -> Native<ScriptTensor> {
        let session = Session::from_context(&context)?;
        let file = session.readable_file(path)?;
        let mut tensors = named_tensors(&session, path, &file)?;
        match tensors.pop() {
            Some((_, tensor)) if tensors.is_empty() => Ok(tensor),
            last => {
                let found = tensors.len() + usize::from(last.is_some());
                Err(wrong(path, "one tensor", &found.to_string()).hint("read them by name with `load_tensors`").into())
            }
        }
    }

    /// The tensors in a .npz or .safetensors file by their names. The file is in the project folder or in a data folder; numbers of any
    /// type become single precision. Arrays that cannot be tensors, such as empty ones, are left out with a warning.
    ///
    /// ```
    /// fn first_weights() { load_tensors("model.safetensors")["features.0.weight"] }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn load_tensors(context: NativeCallContext, path: &str) -> Native<Map> {
        let session = Session::from_context(&context)?;
        let file = session.readable_file(path)?;
        if Format::from_content(path, &file)? == Format::Npy {
            return Err(Error::new(format!("\"{path}\": a file .npy holds one tensor"))
                .hint("read it with `load_tensor`")
                .into());
        }
        let tensors = named_tensors(&session, path, &file)?;
        Ok(tensors.into_iter().map(|(name, tensor)| (name.into(), Dynamic::from(tensor))).collect())
    }
}
