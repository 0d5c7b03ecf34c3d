//! Weights from files and into them: small files written here, a narrow VGG16 as PyTorch writes it (`tests/reference`), and
//! torchvision's own where its numbers are at hand.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::reference::{self, Tensors};
use super::scripted::{self, Place, alone, assert_says};
use burn::tensor::{bf16, f16};
use entroscope::kernels::Activation;
use entroscope::network::{
    AdaptiveAvgPool, Architecture, Block, Conv2d, Flatten, Layer, Linear, MaxPool, Network, Pool, forward,
};
use entroscope::script::Status;
use entroscope::weights::{Naming, WeightFile};
use entroscope::work::{Described, InFlight, Plan, Resources, Store, Target, Value};
use entroscope::{Error, Result};
use safetensors::tensor::{Dtype, TensorView};

/// Name, type, shape and bytes.
type Entry = (&'static str, Dtype, Vec<usize>, Vec<u8>);

/// Numbers that every type of weights has exactly.
fn numbers(count: usize, start: f32) -> Vec<f32> {
    (0..count).map(|i| start + i as f32 / 8.0).collect()
}

fn f32s(name: &'static str, shape: &[usize], start: f32) -> Entry {
    let numbers = numbers(shape.iter().product(), start);
    (name, Dtype::F32, shape.to_vec(), numbers.iter().flat_map(|x| x.to_le_bytes()).collect())
}

/// What [`small`] is called in a file.
fn entries() -> Vec<Entry> {
    vec![
        f32s("0.0.weight", &[3, 4], -0.5),
        f32s("0.0.bias", &[3], 0.25),
        f32s("out.weight", &[2, 3], 0.5),
        f32s("out.bias", &[2], -1.0),
    ]
}

fn write(path: &Path, entries: &[Entry]) {
    let views = entries
        .iter()
        .map(|(name, dtype, shape, bytes)| (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// 4 → 3 → 2, the second layer with a name of its own.
fn small() -> Architecture {
    let linear = |inputs, outputs| Linear::new(inputs, outputs).into();
    let first = Block::new(vec![linear(4, 3), activation(Activation::Tanh)]).unwrap();
    let second = Block::new(vec![linear(3, 2)]).unwrap().with_names(vec!["out".to_owned()]).unwrap();
    Architecture::new(&[4], vec![first, second]).unwrap()
}

fn activation(function: Activation) -> Layer {
    function.into()
}

fn load(architecture: Architecture, path: &Path, naming: &Naming) -> Result<Network> {
    Network::loaded(architecture, WeightFile::open(path, "the file", None)?, naming)
}

/// A place for files, and a store.
struct Runner(tempfile::TempDir);

impl Runner {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, result: Described) -> Result<Arc<Value>> {
        let store = Store::open(&self.path("store"), 1 << 30).unwrap();
        let plan = Plan::new(vec![Target { point: String::new(), result }], &store, &InFlight::default(), "flex/f32");
        let resources = Resources { threads: 1, memory: 1e10, ..Resources::default() };
        entroscope::work::run(&plan, &store, &resources, &|_| ()).0.remove(0)
    }

    /// What comes out of every block for one sample.
    fn through(&self, network: &Network, x: Vec<f32>) -> Result<Vec<Vec<f32>>> {
        let architecture = network.architecture();
        let mut all = vec![x];
        for (l, block) in architecture.blocks().iter().enumerate() {
            let made = network.weights_op(l + 1).map(|op| self.run(op)).transpose()?;
            let arrays = network.arrays(l + 1, made.as_deref())?;
            all.push(forward(block, arrays, &all[l], architecture.shape(l), &1_usize, |_| Ok(()))?);
        }
        Ok(all)
    }
}

#[track_caller]
fn refused(result: Result<Network>, words: &[&str]) {
    let Error { message, hints, .. } = result.expect_err("refused");
    assert_says(&format!("{message}\n{}", hints.join("\n")), words);
}

#[test]
fn weights_are_taken_by_name_from_any_type() {
    let runner = Runner::new();
    let path = runner.path("small.safetensors");
    write(&path, &entries());
    let network = load(small(), &path, &Naming::default()).unwrap();
    let outputs = runner.through(&network, vec![1.0, 0.5, 0.0, -1.0]).unwrap();
    // By hand: W₁ x + b₁, tanh, W₂ h + b₂.
    let x = [1.0, 0.5, 0.0, -1.0];
    let (w, b) = (numbers(12, -0.5), numbers(3, 0.25));
    let h: Vec<f32> =
        (0..3).map(|i| (w[4 * i..][..4].iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + b[i]).tanh()).collect();
    let (w, b) = (numbers(6, 0.5), numbers(2, -1.0));
    for i in 0..2 {
        let expected = w[3 * i..][..3].iter().zip(&h).map(|(w, h)| w * h).sum::<f32>() + b[i];
        assert!((outputs[2][i] - expected).abs() < 1e-6, "{outputs:?} {expected}");
    }
    let converted = |dtype, bytes: &dyn Fn(f32) -> Vec<u8>| {
        let convert = |(name, _, shape, old): Entry| {
            let numbers = bytemuck::pod_collect_to_vec::<u8, f32>(&old);
            (name, dtype, shape, numbers.into_iter().flat_map(bytes).collect())
        };
        write(&path, &entries().into_iter().map(convert).collect::<Vec<_>>());
        let network = load(small(), &path, &Naming::default()).unwrap();
        (network.prefix(2), runner.through(&network, x.to_vec()).unwrap())
    };
    for (fingerprint, found) in [
        converted(Dtype::F16, &|x| f16::from_f32(x).to_le_bytes().to_vec()),
        converted(Dtype::BF16, &|x| bf16::from_f32(x).to_le_bytes().to_vec()),
        converted(Dtype::F64, &|x| f64::from(x).to_le_bytes().to_vec()),
    ] {
        assert_eq!(fingerprint, network.prefix(2));
        assert_eq!(found, outputs);
    }
    write(&path, &[&entries()[..3], &[f32s("out.bias", &[2], -1.5)]].concat());
    let other = load(small(), &path, &Naming::default()).unwrap();
    assert_eq!((other.prefix(1), other.prefix(2) == network.prefix(2)), (network.prefix(1), false));
}

#[test]
fn what_does_not_fit_is_named() {
    let runner = Runner::new();
    let path = runner.path("small.safetensors");
    let mut wrong = entries();
    wrong.remove(1);
    wrong[1] = f32s("out.weight", &[3, 2], 0.5);
    wrong[2] = ("out.bias", Dtype::I32, vec![2], vec![0; 8]);
    wrong.extend([f32s("extra.weight", &[5], 0.0), ("extra.num_batches_tracked", Dtype::I64, vec![], vec![0; 8])]);
    write(&path, &wrong);
    let result = load(small(), &path, &Naming::default());
    refused(
        result,
        &[
            "the file does not fit the network; missing: 0.0.bias [3]; misshapen: out.weight (expected [2, 3], found [3, 2])",
            "without floating-point numbers: out.bias (I32); surplus: extra.weight [5]\n",
            "`named`",
        ],
    );
    let surplus = [entries(), vec![f32s("extra.weight", &[5], 0.0)]].concat();
    write(&path, &surplus);
    refused(load(small(), &path, &Naming::default()), &["network; surplus: extra.weight [5]", "ignore_surplus: true"]);
    let ignoring = Naming { ignore_surplus: true, ..Naming::default() };
    let network = load(small(), &path, &ignoring).unwrap();
    // A checkpoint that holds more than the network.
    let names = ["model.0.0.weight", "model.0.0.bias", "model.out.weight", "model.out.bias"];
    let mut prefixed: Vec<Entry> =
        entries().into_iter().zip(names).map(|(entry, name)| (name, entry.1, entry.2, entry.3)).collect();
    prefixed.push(f32s("step", &[1], 3.0));
    write(&path, &prefixed);
    refused(load(small(), &path, &Naming::default()), &["missing: 0.0.weight", "#{ prefix: \"model.\" }"]);
    let naming = Naming { prefix: "model.".to_owned(), ..Naming::default() };
    assert_eq!(load(small(), &path, &naming).unwrap().prefix(2), network.prefix(2));
}

#[test]
fn broken_files_are_refused_and_changed_ones_noticed() {
    let runner = Runner::new();
    let path = runner.path("small.safetensors");
    write(&path, &entries());
    let whole = std::fs::read(&path).unwrap();
    let refuses = |bytes: &[u8], words: &[&str]| {
        std::fs::write(&path, bytes).unwrap();
        refused(load(small(), &path, &Naming::default()), words);
    };
    refuses(&whole[..whole.len() - 4], &["not a whole safetensors file", &format!("has {} bytes", whole.len())]);
    refuses(&whole[..40], &["its header should have", "the file has 40"]);
    refuses(b"short", &["it has 5 bytes"]);
    refuses(b"\x08\0\0\0\0\0\0\0garbage!", &["its header cannot be read"]);
    // The hash is remembered, then the file is another of the same length.
    std::fs::write(&path, &whole).unwrap();
    let memory = runner.path("content.json");
    let open = || Network::loaded(small(), WeightFile::open(&path, "it", Some(&memory))?, &Naming::default());
    // A file that was written just now may be written again at the same time.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let network = open().unwrap();
    assert!(runner.run(network.weights_op(1).unwrap()).is_ok());
    let remembered = std::fs::read_to_string(&memory).unwrap();
    assert_eq!(remembered.matches("0.0.weight").count(), 1);
    assert_eq!(open().unwrap().prefix(2), network.prefix(2));
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let mut changed = entries();
    changed[0] = f32s("0.0.weight", &[3, 4], 7.0);
    write(&path, &changed);
    std::fs::File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_ne!(open().unwrap().prefix(2), network.prefix(2));
    std::fs::write(&path, &whole[..whole.len() - 4]).unwrap();
    let error = runner.run(network.weights_op(2).unwrap()).unwrap_err();
    assert_says(&error.message, &["has changed since it was opened"]);
}

/// Names of files as they are found in the wild.
#[test]
fn content_decides_what_a_file_is_and_not_its_name() {
    let runner = Runner::new();
    let checkpoint = std::fs::read(reference::path("vgg.pth")).unwrap();
    let safetensors = std::fs::read(reference::path("vgg.safetensors")).unwrap();
    for name in [
        "model_best.pth.tar",
        "last.ckpt",
        "pytorch_model.bin",
        "WEIGHTS.PTH",
        "MODEL.SAFETENSORS",
        "model",
        "a.safetensors",
        "a.pth",
        "a.npz",
    ] {
        for bytes in [&checkpoint, &safetensors] {
            std::fs::write(runner.path(name), bytes).unwrap();
            WeightFile::open(&runner.path(name), name, None).unwrap();
        }
    }
}

/// A module as `torch.save(model)` of PyTorch 1.5 pickled it: its class by a persistent id, with its source.
fn whole_module() -> Vec<u8> {
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let system =
        [b"\x80\x02}(", &text("protocol_version")[..], b"M\xe9\x03", &text("little_endian"), b"\x88u."].concat();
    let class =
        [&text("module")[..], b"c__main__\nNet\n", &text("net.py"), &text("class Net(nn.Module): ...")].concat();
    let module = [b"\x80\x02(", &class[..], b"tQ)\x81}b."].concat();
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    [&magic[..], b"\x80\x02M\xe9\x03.", &system, &module, b"\x80\x02]."].concat()
}

#[test]
fn what_is_no_file_of_weights_is_called_by_its_name() {
    let runner = Runner::new();
    let checkpoint = std::fs::read(reference::path("vgg.pth")).unwrap();
    let index = b"{\"metadata\": {}, \"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\"}}";
    let taken = ".safetensors, and from PyTorch's checkpoints (.pth, .pt, .ckpt, .bin)";
    let cases: [(&str, &[u8], &[&str]); 10] = [
        (
            "a.pth",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n",
            &["a Git LFS pointer", "git lfs pull"],
        ),
        ("a.safetensors", b"<!DOCTYPE html><html>Sign in</html>", &["a web page", "in a browser", taken]),
        ("a.pth", &checkpoint[..checkpoint.len() / 2], &["it ends early", "fetch it again"]),
        ("model.safetensors.index.json", index, &["the index of a checkpoint in several parts"]),
        ("pytorch_model.bin.index.json", index, &["the index of a checkpoint in several parts", "into one file"]),
        ("a.pt", &whole_module(), &["a whole module in the old format", "model.state_dict()"]),
        ("a.h5", b"\x89HDF\r\n\x1a\n\0\0", &["HDF5", "Keras", taken]),
        ("a.pth.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0", &["a gzip-compressed file", "gunzip"]),
        ("a.ckpt", b"", &["is empty", "fetch it again"]),
        ("a.bin", &[0; 5000], &["nothing but zeros", "fetch it again"]),
    ];
    for (name, bytes, words) in cases {
        std::fs::write(runner.path(name), bytes).unwrap();
        let error = WeightFile::open(&runner.path(name), name, None).unwrap_err();
        assert_says(&format!("{}\n{}", error.message, error.hints.join("\n")), &[&[name], words].concat());
    }
}

#[test]
fn numbers_beyond_single_precision_are_refused() {
    let runner = Runner::new();
    let path = runner.path("small.safetensors");
    let mut wide = entries();
    wide[1] = ("0.0.bias", Dtype::F64, vec![3], [1.0, 1e300, 2.0].iter().flat_map(|x: &f64| x.to_le_bytes()).collect());
    write(&path, &wide);
    refused(load(small(), &path, &Naming::default()), &["0.0.bias in the file", "infinite in single precision"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_file_of_weights() {
    let place = Place::new();
    for name in ["weights.pth", "x.npy"] {
        let made = std::process::Command::new("mkfifo").arg(place.path("project").join(name)).status().unwrap();
        assert!(made.success());
    }
    for call in ["plan.weights(\"weights.pth\")", "load_tensor(\"x.npy\")"] {
        let (outcome, _) = place.run(&format!("{NETWORK}{call};"));
        assert_says(&scripted::text(&outcome.diagnostics), &["it is a pipe (FIFO), not a file"]);
    }
}

const NETWORK: &str = "let data = dataset(\"glyphs\", #{ size: 7 });
let plan = network([1, 7, 7], [
    block([conv2d(1, 4, 3, #{ padding: 1 }), batch_norm(4), tanh()]).named([\"stem\", \"norm\"]),
    block([flatten(), linear(196, 10)]),
]);
";

#[test]
fn a_saved_network_comes_back() {
    let place = Place::new();
    let script = |rest: &str| format!("{NETWORK}{rest}");
    let (outcome, printed) = place.run(&script(
        "let net = plan.init(#{ weight_var: 1.5, bias_var: 0.1, seed: 3 }).save(\"net.safetensors\");
        print(net.outputs(data.test.take(3)).to_debug());",
    ));
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
    let saved = std::fs::read(place.path("out/net.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&saved).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    let expected =
        ["1.1.bias", "1.1.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.weight", "stem.bias"];
    assert_eq!(names, [&expected[..], &["stem.weight"]].concat());
    let (_, header) = safetensors::SafeTensors::read_metadata(&saved).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["format"], "pt");
    std::fs::rename(place.path("out/net.safetensors"), place.path("project/net.safetensors")).unwrap();
    let (outcome, again) = place.run(&script(
        "let net = plan.weights(\"net.safetensors\").save(\"again.safetensors\");
        print(net.outputs(data.test.take(3)).to_debug());
        print(net);",
    ));
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
    assert_eq!(again[0], printed[0]);
    assert_says(&again[1], &["weights of net.safetensors"]);
    assert!(std::fs::read(place.path("out/again.safetensors")).unwrap() == saved);
    for (wrong, words) in [
        ("plan.weights(\"other.safetensors\")", ["there is no file", "other.safetensors"]),
        ("plan.weights(\"../net.safetensors\")", ["there is no file", "net.safetensors"]),
        ("plan.init(#{ weight_var: 1 }).save(\"net.pth\")", ["net.pth", "weights are saved as .safetensors"]),
        ("plan.weights(\"net.safetensors\", #{ surplus: true })", ["no option `surplus`", "ignore_surplus"]),
    ] {
        let (outcome, _) = place.run(&script(&format!("{wrong};")));
        assert_says(&scripted::text(&outcome.diagnostics), &words);
    }
}

/// Its inverses are other ones than those of training, and its figures say by which λ they were found.
#[test]
fn a_saved_cascade_of_ridge_regression_comes_back_and_its_figures_tell_lambda() {
    let place = Place::new();
    let script = |options: &str, rest: &str| {
        format!(
            "let data = dataset(\"glyphs\", #{{ size: 7 }});
            let net = mlp::wide(49, 10, 4).init(#{{ weight_var: 1.5, bias_var: 0.1, seed: 3 }});
            let probe = cascade(net, data.train.take(300), #{{ {options} }});
            let error = probe.reconstruct(data.test.take(5)).mse();
            print(error);
            {rest}"
        )
    };
    let (outcome, printed) = place.run(&script(
        "solver: \"ridge\", lambda: 0.25",
        "probe.save(\"cascade.safetensors\"); lines(error * 2, #{ title: \"error\" }).save(\"error.svg\");",
    ));
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
    let figure = std::fs::read_to_string(place.path("out/error.svg")).unwrap();
    assert!(figure.contains("error (ridge regression, λ = 0.25)"), "{figure}");
    std::fs::copy(place.path("out/cascade.safetensors"), place.path("project/cascade.safetensors")).unwrap();
    let (outcome, again) = place.run(&script("weights: \"cascade.safetensors\"", ""));
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
    assert_eq!(again, printed);
}

#[test]
fn a_saved_cascade_comes_back_without_training() {
    let mut place = Place::new();
    let script = |options: &str, rest: &str| {
        format!(
            "{NETWORK}let net = plan.init(#{{ weight_var: 1.5, bias_var: 0.1, seed: 3 }});
            let probe = cascade(net, data.train.take(300), #{{ {options} }});
            let back = probe.reconstruct(data.test.take(5));
            print(back.mse());
            {rest}"
        )
    };
    let (outcome, printed) =
        place.run(&script("batch: 10, relu_at_input: true", "probe.save(\"cascade.safetensors\");"));
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
    std::fs::copy(place.path("out/cascade.safetensors"), place.path("project/cascade.safetensors")).unwrap();
    let saved = std::fs::read(place.path("out/cascade.safetensors")).unwrap();
    let mut names: Vec<String> =
        safetensors::SafeTensors::deserialize(&saved).unwrap().names().into_iter().map(str::to_owned).collect();
    names.sort_unstable();
    assert_eq!(names, ["0.bias", "0.weight", "1.bias", "1.weight"]);
    // Another store: nothing is there but the file.
    place.settings.store_dir = place.path("store of another");
    let weights = "weights: \"cascade.safetensors\"";
    let (outcome, again) = place.run(&script(weights, "probe.save(\"again.safetensors\");"));
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
    assert_eq!(again, printed);
    assert!(outcome.report.spent.keys().all(|name| *name != "cascade.adam"), "{:?}", outcome.report.spent);
    assert!(std::fs::read(place.path("out/again.safetensors")).unwrap() == saved);
    for (options, rest, words) in [
        (&format!("{weights}, epochs: 2")[..], "", ["`epochs` has no effect", "leave out"]),
        (weights, "print(probe.losses(1));", ["holds no losses", "script.rhai"]),
    ] {
        let (outcome, _) = place.run(&script(options, rest));
        assert_says(&scripted::text(&outcome.diagnostics), &words);
    }
    // A network whose second block has another inverse, and one that is not as deep.
    for (from, to, words) in [
        ("linear(196, 10)", "linear(196, 10), relu()", ["block 2 of the cascade", "another inverse"]),
        ("\n    block([flatten(), linear(196, 10)]),", "", ["surplus: 1.bias [196], 1.weight", "cascade.safetensors"]),
    ] {
        let (outcome, _) = place.run(&script(weights, "").replace(from, to));
        assert_says(&scripted::text(&outcome.diagnostics), &words);
    }
}

#[test]
fn classes_are_listed_likeliest_first() {
    let place = Place::new();
    let (outcome, printed) = place.run(&format!(
        "{NETWORK}let net = plan.init(#{{ weight_var: 1.5, bias_var: 0.1, seed: 3 }});
        let few = data.test.take(2);
        let found = net.classify(few, 3);
        print(found);
        let all = found.all();
        print(`${{found.len}} ${{all.len}} ${{all[1].len}} ${{all[1][0] == found[1][0]}}`);
        let sum = 0.0;
        for class in net.classify(few, 10)[0] {{ sum += class.probability; }}
        print((sum * 1e6).round() / 1e6);
        print(net.outputs(few)[0].argmax(0) == found[0][0].class);
        let names = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\", \"j\"];
        print(net.classify(few, 1, #{{ names: names }})[0][0].name == names[found[0][0].class]);
        let logits = network([1, 7, 7], [block([flatten(), linear(49, 5)])]).init(#{{ weight_var: 1 }});
        let shares = network([1, 7, 7], [block([flatten(), linear(49, 5)]), block([softmax()])]).init(#{{ weight_var: 1 }});
        print((logits.classify(few, 1)[0][0].probability - shares.classify(few, 1)[0][0].probability).abs() < 1e-6);
        let many = network([1, 7, 7], [block([flatten(), linear(49, 1000)])]).init(#{{ weight_var: 1, bias_var: 1 }});
        print(many.classify(few, 1000)[0].filter(|class| class.class == 281)[0].name);"
    ));
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
    println!("{}", printed[0]);
    let lines: Vec<&str> = printed[0].lines().collect();
    assert_eq!((lines[0], lines.len()), ("sample  probability  class  name", 7));
    assert!(lines[1].trim_start().starts_with("0 ") && lines[4].trim_start().starts_with("1 "), "{}", printed[0]);
    assert_eq!(printed[1..], ["2 2 3 true", "1.0", "true", "true", "true", "tabby"]);
    for (call, words) in [
        ("net.classify(few, 11)", ["11 classes for each sample", "10 outputs"]),
        ("net.classify(few, 1, #{ names: [\"a\"] })", ["1 names for 10 outputs", "one for every output"]),
        ("net.classify(few, 1, #{ names: \"imagenet\" })", ["1000 names for 10 outputs", "script.rhai"]),
    ] {
        let text =
            format!("{NETWORK}let net = plan.init(#{{ weight_var: 1 }}); let few = data.test.take(2); print({call});");
        assert_says(&scripted::text(&place.run(&text).0.diagnostics), &words);
    }
}

/// torchvision's VGG with these channels (0 a pool), as `stdlib/vgg.rhai` has it, of pictures with `side` pixels on a side.
fn vgg(channels: &[usize], hidden: usize, classes: usize, side: usize) -> Architecture {
    let named = |layers, name: String| Block::new(layers).unwrap().with_names(vec![name]).unwrap();
    let (mut blocks, mut inputs, mut number) = (Vec::new(), 3, 0);
    for &outputs in channels {
        if outputs == 0 {
            blocks.push(Block::new(vec![MaxPool(Pool { kernel: 2, stride: 2, padding: 0 }).into()]).unwrap());
            number += 1;
        } else {
            let conv = Layer::Conv2d(Conv2d { before: 1, after: 1, ..Conv2d::new(inputs, outputs, 3) });
            blocks.push(named(vec![conv, activation(Activation::Relu)], format!("features.{number}")));
            (inputs, number) = (outputs, number + 2);
        }
    }
    blocks.push(Block::new(vec![AdaptiveAvgPool { size: [7, 7] }.into(), Flatten.into()]).unwrap());
    let linear = |inputs, outputs| Linear::new(inputs, outputs).into();
    let hidden_layer = |inputs| vec![linear(inputs, hidden), activation(Activation::Relu)];
    blocks.push(named(hidden_layer(49 * inputs), "classifier.0".to_owned()));
    blocks.push(named(hidden_layer(hidden), "classifier.3".to_owned()));
    blocks.push(named(vec![linear(hidden, classes)], "classifier.6".to_owned()));
    Architecture::new(&[3, side, side], blocks).unwrap()
}

/// Largest difference beside the largest of the expected numbers.
fn relative(found: &[f32], expected: &[f32]) -> f32 {
    let largest = |numbers: &mut dyn Iterator<Item = f32>| numbers.map(f32::abs).fold(0.0, f32::max);
    assert_eq!(found.len(), expected.len());
    largest(&mut found.iter().zip(expected).map(|(a, b)| a - b)) / largest(&mut expected.iter().copied())
}

/// Both files hold the same network, which makes these outputs of these pictures.
fn agrees_in_both_formats(files: [PathBuf; 2], network: impl Fn() -> Architecture, cases: &[(Vec<f32>, Vec<f32>)]) {
    let [a, b] = files.map(|path| load(network(), &path, &Naming::default()).unwrap());
    assert_eq!(a.prefix(a.architecture().depth()), b.prefix(b.architecture().depth()));
    let runner = Runner::new();
    for (input, logits) in cases {
        let [a, b] = [&a, &b].map(|net| runner.through(net, input.clone()).unwrap());
        assert_eq!(a, b);
        let difference = relative(a.last().unwrap(), logits);
        println!("logits: {difference:e}");
        assert!(difference < 1e-4, "logits: {difference:e}");
    }
}

#[test]
fn a_narrow_vgg_is_pytorchs_in_both_formats() {
    let network = || vgg(&[2, 2, 0, 2, 2, 0, 4, 4, 4, 0, 4, 4, 4, 0, 4, 4, 4, 0], 8, 10, 64);
    // The pictures of `make.py`.
    let pixel = |n: u32| (f64::from(n.wrapping_mul(2_654_435_761)) / 4_294_967_296.0) as f32;
    let pictures: Vec<f32> = (0..2 * 3 * 64 * 64).map(pixel).collect();
    let logits = Tensors::read("vgg_outputs.safetensors").f32s("logits");
    let cases: Vec<_> =
        pictures.chunks(3 * 64 * 64).zip(logits.chunks(10)).map(|(x, y)| (x.to_vec(), y.to_vec())).collect();
    agrees_in_both_formats(["vgg.safetensors", "vgg.pth"].map(reference::path), network, &cases);
}

#[test]
fn a_narrow_vgg_agrees_on_photographs() {
    let Some(photographs) = Tensors::read_shared("vgg/photographs.safetensors") else { return };
    let [Some(tensors), Some(checkpoint)] =
        ["tiny.safetensors", "tiny.pth"].map(|name| reference::shared(&format!("reference/vgg/{name}")))
    else {
        return;
    };
    let network = || vgg(&[4, 4, 0, 8, 8, 0, 8, 8, 8, 0, 12, 12, 12, 0, 12, 12, 12, 0], 64, 10, 224);
    let cases = ["both", "n02391049_zebra"]
        .map(|photo| ["input", "tiny_logits"].map(|what| photographs.f32s(&format!("{photo}.{what}"))).into());
    agrees_in_both_formats([tensors, checkpoint], network, &cases);
}

/// Weights that follow a formula, written without holding them: of all parameters in order, number n is hashed to a u in
/// [−1, 1); a weight is u·√(6/fan_in), a bias 0.05·u.
fn write_formula(path: &Path, architecture: &Architecture) {
    let tensors: Vec<_> = (1..=architecture.depth()).flat_map(|l| architecture.param_specs(l)).collect();
    let mut at = 0;
    let infos = tensors.iter().map(|tensor| {
        let start = at;
        at += 4 * tensor.shape.iter().product::<usize>();
        let info = safetensors::tensor::TensorInfo {
            dtype: Dtype::F32,
            shape: tensor.shape.clone(),
            data_offsets: (start, at),
        };
        (tensor.name.clone(), info)
    });
    let header = safetensors::tensor::Metadata::new(None, infos.collect()).unwrap();
    let header = serde_json::to_vec(&header).unwrap();
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(&header).unwrap();
    let mut n = 0_u32;
    for tensor in &tensors {
        let scale = match tensor.shape[..] {
            [_] => 0.05,
            _ => (6.0 / tensor.shape[1..].iter().product::<usize>() as f64).sqrt(),
        };
        for _ in 0..tensor.shape.iter().product::<usize>() {
            let mut h = n.wrapping_mul(2_654_435_761);
            h = (h ^ h >> 16).wrapping_mul(2_246_822_519);
            h = (h ^ h >> 13).wrapping_mul(3_266_489_917);
            h ^= h >> 16;
            let u = 2.0 * f64::from(h) / 4_294_967_296.0 - 1.0;
            file.write_all(&((u * scale) as f32).to_le_bytes()).unwrap();
            n += 1;
        }
    }
    file.flush().unwrap();
}

/// The most memory that this process has had, in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

#[test]
fn the_full_vgg16_is_not_in_memory_twice() {
    alone("weights::the_full_vgg16_is_not_in_memory_twice", || {
        let (runner, network) = full_vgg16();
        let pixels = (0..3 * 224 * 224_u32).map(|n| f64::from(n.wrapping_mul(2_654_435_761)) / 4_294_967_296.0);
        let all = runner.through(&network, pixels.map(|pixel| pixel as f32).collect()).unwrap();
        assert!(all.last().unwrap().iter().all(|logit| logit.is_finite()));
        // The largest block's weights are 411 MB.
        let peak = peak();
        println!("peak {peak:.0} MiB");
        assert!((411.0..800.0).contains(&peak), "{peak} MiB");
    });
}

/// Channels of the full VGG16; 0 is a pool.
const VGG16: [usize; 18] = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0];

/// The full VGG16 with weights by formula, from a file.
fn full_vgg16() -> (Runner, Network) {
    let (runner, architecture) = (Runner::new(), vgg(&VGG16, 4096, 1000, 224));
    let path = runner.path("vgg16.safetensors");
    write_formula(&path, &architecture);
    let network = load(architecture, &path, &Naming::default()).unwrap();
    (runner, network)
}

#[test]
fn the_full_vgg16_agrees_on_photographs() {
    let Some(photographs) = Tensors::read_shared("vgg/photographs.safetensors") else { return };
    let (runner, network) = full_vgg16();
    for photo in ["both", "n02391049_zebra"] {
        let all = runner.through(&network, photographs.f32s(&format!("{photo}.input"))).unwrap();
        let difference = relative(all.last().unwrap(), &photographs.f32s(&format!("{photo}.vgg16_logits")));
        println!("logits of {photo}: {difference:e}");
        assert!(difference < 1e-4, "logits of {photo}: {difference:e}");
        let pools = VGG16.iter().enumerate().filter(|(_, channels)| **channels == 0).map(|(l, _)| &all[l + 1]);
        let expected = photographs.f32s(&format!("{photo}.vgg16_pool_mean_std"));
        for (x, expected) in pools.zip(expected.chunks(2)) {
            let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / x.len() as f64;
            let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / (x.len() - 1) as f64;
            for (found, expected) in [mean, variance.sqrt()].into_iter().zip(expected) {
                assert!((found / f64::from(*expected) - 1.0).abs() < 1e-4, "{found} {expected}");
            }
        }
    }
}
