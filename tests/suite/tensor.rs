//! Tensors as scripts use them: results against numpy's, every refusal, files of numpy's own.

use super::scripted::Place;
use entroscope::script::{Host, Limits, Outcome, Status};

/// Runs a script and hands back what it printed, a line for each.
fn run(place: &Place, script: &str) -> (Outcome, String) {
    let (outcome, lines) = place.run(script);
    (outcome, lines.iter().map(|line| [line, "\n"].concat()).collect())
}

/// A place whose run folder is in the project, so that a script can read what it saved.
fn place() -> Place {
    let mut place = Place::new();
    place.settings.out = Some(place.path("project/out"));
    place
}

fn printed(script: &str) -> String {
    let (outcome, printed) = run(&Place::new(), script);
    assert_eq!(outcome.status, Status::Done, "{script}\n{:?}", outcome.diagnostics);
    printed
}

/// Each line of a script prints what is written beside it.
fn prints(start: &str, lines: &[(&str, &str)]) {
    let script: String = lines.iter().map(|(line, _)| ["print(", line, ");\n"].concat()).collect();
    let expected: String = lines.iter().map(|(_, text)| [*text, "\n"].concat()).collect();
    assert_eq!(printed(&format!("{start}\n{script}")), expected);
}

/// What a script that goes wrong says, with its hints.
fn refusal(place: &Place, script: &str) -> String {
    let (outcome, _) = place.run(script);
    assert_eq!(outcome.status, Status::ScriptWrong, "{script}");
    let first = &outcome.diagnostics[0];
    assert!(first.place.is_some(), "{script}: {first:?}");
    std::iter::once(&first.message).chain(&first.hints).cloned().collect::<Vec<_>>().join(" | ")
}

fn refuses(cases: &[(&str, &str)]) {
    let place = Place::new();
    for (script, expected) in cases {
        let refusal = refusal(&place, script);
        assert!(refusal.contains(expected), "{script}\n  says  {refusal}\n  not   {expected}");
    }
}

/// Compares numbers that a script prints as one array with others.
fn near(script: &str, expected: &[f64], tolerance: f64) {
    let text = printed(&format!("print({script});"));
    let numbers: Vec<f64> = text.trim().trim_matches(['[', ']']).split(", ").map(|x| x.parse().unwrap()).collect();
    assert_eq!(numbers.len(), expected.len(), "{script}: {text}");
    for (found, wanted) in numbers.iter().zip(expected) {
        assert!((found - wanted).abs() <= tolerance * wanted.abs().max(1.0), "{script}: {found} {wanted}");
    }
}

#[test]
fn arithmetic_is_numpys() {
    prints(
        "let a = tensor([[1, 2, 3], [4, 5, 6]]); let b = tensor([10, 20, 30.0]); let c = tensor([[1], [2]]);
         fn list(t) { t.to_array() }",
        &[
            ("list(a + b)", "[[11.0, 22.0, 33.0], [14.0, 25.0, 36.0]]"),
            ("list(a - c)", "[[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]"),
            ("list(b * c)", "[[10.0, 20.0, 30.0], [20.0, 40.0, 60.0]]"),
            ("list(a / 2)", "[[0.5, 1.0, 1.5], [2.0, 2.5, 3.0]]"),
            ("list(1 / a)", "[[1.0, 0.5, 0.3333333432674408], [0.25, 0.20000000298023224, 0.1666666716337204]]"),
            ("list(2.0 - a)", "[[1.0, 0.0, -1.0], [-2.0, -3.0, -4.0]]"),
            ("list(a + 0.5)", "[[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]]"),
            ("list(3 * b)", "[30.0, 60.0, 90.0]"),
            ("list(-b)", "[-10.0, -20.0, -30.0]"),
            ("list(a.pow(2))", "[[1.0, 4.0, 9.0], [16.0, 25.0, 36.0]]"),
            ("list(2 ** a)", "[[2.0, 4.0, 8.0], [16.0, 32.0, 64.0]]"),
            ("list(b.pow(c))", "[[10.0, 20.0, 30.0], [100.0, 400.0, 900.0]]"),
            ("list(tensor([[[1]], [[2]]]) + a).len", "2"),
            ("(zeros([2, 1, 1, 3]) + zeros([4, 1])).shape", "[2, 1, 4, 3]"),
            ("{ let t = b; t += 1; t *= 2; list(t) }", "[22.0, 42.0, 62.0]"),
            ("list(a.less_than(3))", "[[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]"),
            ("list(a.greater_than(tensor([0, 2, 9])))", "[[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]"),
            ("list(a.equal_to(c * 3))", "[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]"),
            ("a == a + 0 && a != b && !(a == b) && a != a + 1", "true"),
            ("tensor([0.0 / 0.0]) == tensor([0.0 / 0.0])", "false"),
            ("list(tensor([0.0 / 0.0, 1]).equal_to(tensor([0.0 / 0.0, 1])))", "[0.0, 1.0]"),
        ],
    );
}

#[test]
fn products_are_numpys() {
    prints(
        "let a = tensor([[1, 2, 3], [4, 5, 6]]);
         let x = tensor(range(0, 24)).reshape([2, 3, 4]); let y = tensor(range(0, 20)).reshape([4, 5]);",
        &[
            ("a.matmul(a.transpose()).to_array()", "[[14.0, 32.0], [32.0, 77.0]]"),
            (
                "x.matmul(y).to_array()",
                "[[[70.0, 76.0, 82.0, 88.0, 94.0], [190.0, 212.0, 234.0, 256.0, 278.0], [310.0, 348.0, 386.0, 424.0, 462.0]], \
                 [[430.0, 484.0, 538.0, 592.0, 646.0], [550.0, 620.0, 690.0, 760.0, 830.0], [670.0, 756.0, 842.0, 928.0, 1014.0]]]",
            ),
            ("x[0].matmul(y) == x.matmul(y)[0]", "true"),
            (
                "x.matmul(x.transpose()).sum(0).to_array()",
                "[[748.0, 988.0, 1228.0], [988.0, 1356.0, 1724.0], [1228.0, 1724.0, 2220.0]]",
            ),
            ("zeros([3, 1, 2, 4]).matmul(zeros([5, 4, 6])).shape", "[3, 5, 2, 6]"),
        ],
    );
}

#[test]
fn shapes_parts_and_joins() {
    prints(
        "let x = tensor(range(0, 24)).reshape([2, 3, 4]); let a = tensor([[1, 2, 3], [4, 5, 6]]);",
        &[
            ("x.transpose(2, 0)[1].to_array()", "[[1.0, 13.0], [5.0, 17.0], [9.0, 21.0]]"),
            ("x.transpose(0, -1)[1] == x.transpose(2, 0)[1]", "true"),
            ("a.transpose().flatten().to_array()", "[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]"),
            ("x.reshape([4, -1]).shape", "[4, 6]"),
            ("x.reshape([-1]) == x.flatten()", "true"),
            ("x[-1][0].to_array()", "[12.0, 13.0, 14.0, 15.0]"),
            ("x[1][2][-1]", "23.0"),
            ("type_of(a[0][0])", "f64"),
            ("x.slice(1, 1, 3)[0].to_array()", "[[4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]]"),
            ("a.slice(-1, -2, 3).to_array()", "[[2.0, 3.0], [5.0, 6.0]]"),
            ("a.slice(1, 0, -1).to_array()", "[[1.0, 2.0], [4.0, 5.0]]"),
            ("concatenate([a, a.slice(0, 0, 1)], 0).to_array()", "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]"),
            ("concatenate([a, zeros([2, 1])], -1).to_array()", "[[1.0, 2.0, 3.0, 0.0], [4.0, 5.0, 6.0, 0.0]]"),
            ("stack([a[0], a[1]]) == a", "true"),
            ("stack([a[0], a[1]], 1) == a.transpose()", "true"),
            ("stack([a, a], -1).shape", "[2, 3, 2]"),
            ("stack([x, x]).shape", "[2, 2, 3, 4]"),
            ("[x.rank, x.len, x.size, x.len()]", "[3, 2, 24, 2]"),
            ("eye(3)[1].to_array()", "[0.0, 1.0, 0.0]"),
            ("full([2], 7).to_array()", "[7.0, 7.0]"),
            ("(zeros([2, 2]) + ones([2, 2])).sum()", "4.0"),
            ("a.fingerprint == tensor([[1, 2, 3], [4, 5, 6.0]]).fingerprint", "true"),
            ("a.fingerprint != a.flatten().fingerprint", "true"),
            ("a.fingerprint.len()", "64"),
        ],
    );
}

#[test]
fn reductions_are_numpys() {
    prints(
        "let z = tensor([[3, 1, 2], [-1, 5, 0.5]]); let v = tensor([3, 1, 2]); let n = tensor([[1, 0.0 / 0.0], [0, 2]]);",
        &[
            ("[z.sum(), z.mean(), z.min(), z.max(), z.variance()]", "[10.5, 1.75, -1.0, 5.0, 4.375]"),
            ("z.sum(0).to_array()", "[2.0, 6.0, 2.5]"),
            ("z.sum(-1).to_array()", "[6.0, 4.5]"),
            ("z.mean(0).to_array()", "[1.0, 3.0, 1.25]"),
            ("z.min(0).to_array()", "[-1.0, 1.0, 0.5]"),
            ("z.max(1).to_array()", "[3.0, 5.0]"),
            ("z.variance(0).to_array()", "[8.0, 8.0, 1.125]"),
            ("z.std(1).to_array()", "[1.0, 3.1224989891052246]"),
            ("z.std()", "2.091650066335189"),
            ("z.argmax(0).to_array()", "[0.0, 1.0, 0.0]"),
            ("z.argmax(1).to_array()", "[0.0, 1.0]"),
            ("[v.sum(0), v.mean(0), v.max(-1), v.argmax(0)]", "[6.0, 2.0, 3.0, 0]"),
            ("v[v.argmax(0)]", "3.0"),
            ("zeros([2, 3, 4]).sum(1).shape", "[2, 4]"),
            (
                "tensor(range(0, 24)).reshape([2, 3, 4]).sum(1).to_array()",
                "[[12.0, 15.0, 18.0, 21.0], [48.0, 51.0, 54.0, 57.0]]",
            ),
            // What is not a number is not hidden.
            ("[n.min(), n.max(), n.sum()]", "[NaN, NaN, NaN]"),
            ("n.max(0).to_array()", "[1.0, NaN]"),
            ("n.argmax(1).to_array()", "[1.0, 1.0]"),
            // More ones than single precision can count.
            ("ones([20_000_000]).sum()", "20000000.0"),
            // Rhai's own functions of the same names still answer.
            ("[max(1, 2), abs(-3), min(2.0, 1.0), exp(0.0), range(0, 3).len()]", "[2, 3, 1.0, 1.0, 3]"),
        ],
    );
}

#[test]
fn functions_of_every_number() {
    let z: [f64; 6] = [3.0, 1.0, 2.0, -1.0, 5.0, 0.5];
    let list = |f: &dyn Fn(f64) -> f64| z.iter().map(|&z| f(z)).collect::<Vec<_>>();
    let of = |what: &str| format!("tensor([3, 1, 2, -1, 5, 0.5]){what}.to_array()");
    near(&of(".tanh()"), &list(&libm::tanh), 1e-7);
    near(&of(".erf()"), &list(&libm::erf), 1e-7);
    near(&of(".exp()"), &list(&libm::exp), 1e-7);
    near(&of(".abs().log()"), &list(&|z| libm::log(z.abs())), 1e-7);
    near(&of(".abs().sqrt()"), &list(&|z| z.abs().sqrt()), 1e-7);
    near(&of(".relu()"), &list(&|z| z.max(0.0)), 0.0);
    let softmax = [
        0.6652409557748219,
        0.09003057317038046,
        0.24472847105479767,
        0.0024455230243351687,
        0.9865944031662418,
        0.010960073809423015,
    ];
    near("tensor([[3, 1, 2], [-1, 5, 0.5]]).softmax(1).flatten().to_array()", &softmax, 1e-6);
    let softmax = [
        0.9820137900379085,
        0.017986209962091555,
        0.8175744761936438,
        0.01798620996209156,
        0.9820137900379083,
        0.18242552380635635,
    ];
    near("tensor([[3, 1, 2], [-1, 5, 0.5]]).softmax(0).flatten().to_array()", &softmax, 1e-6);
    prints(
        "let n = tensor([0.0 / 0.0, -1]);",
        &[
            ("n.relu().to_array()", "[NaN, 0.0]"),
            ("n.tanh()[0]", "NaN"),
            ("tensor([-1]).sqrt()[0]", "NaN"),
            ("tensor([0]).log()[0]", "-inf"),
        ],
    );
}

#[test]
fn activations_are_as_exact_as_single_precision() {
    let text = printed(
        "let x = tensor(linspace(-6, 6, 2001));
         for t in [x, x.tanh(), x.erf()] { for y in t.to_array() { print(y); } }",
    );
    let numbers: Vec<f64> = text.lines().map(|line| line.parse().unwrap()).collect();
    let (x, rest) = numbers.split_at(2001);
    let (tanh, erf) = rest.split_at(2001);
    for (i, &x) in x.iter().enumerate() {
        for (found, exact) in [(tanh[i], libm::tanh(x)), (erf[i], libm::erf(x))] {
            assert!((found - exact).abs() <= 2.5e-7 * exact.abs(), "{x}: {found} {exact}");
        }
    }
}

#[test]
fn chance_is_that_of_the_seed() {
    prints(
        "let n = randn([200, 500], 7); let u = uniform([200, 500], 7);",
        &[
            ("n == randn([200, 500], 7) && n != randn([200, 500], 8)", "true"),
            ("n.mean() > -0.02 && n.mean() < 0.02 && n.variance() > 0.98 && n.variance() < 1.02", "true"),
            ("u.min() >= 0 && u.max() < 1 && u.mean() > 0.49 && u.mean() < 0.51", "true"),
            // A larger tensor begins with the numbers of a smaller one.
            ("randn([3], 7) == n.flatten().slice(0, 0, 3)", "true"),
        ],
    );
}

#[test]
fn print_shows_shape_and_numbers() {
    let text = printed(
        "print(tensor([[1, -2.5], [0.333333333, 1e-9]])); print(tensor(range(0, 200))); print(zeros([20, 2, 7]) + 0.1);
         print(`t = ${tensor([0.0 / 0.0, 1.0 / 0.0, 123456789, 999999.9])}`);",
    );
    let expected = "tensor [2, 2]\n[[     1.0,     -2.5],\n [0.333333,   1.0e-9]]\n\
        tensor [200]\n[  0.0,   1.0,   2.0, …, 197.0, 198.0, 199.0]\n\
        tensor [20, 2, 7]\n";
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.contains("[[[0.1, 0.1, 0.1, …, 0.1, 0.1, 0.1],\n  [0.1, 0.1, 0.1, …, 0.1, 0.1, 0.1]],\n\n [[0.1"),
        "{text}"
    );
    assert!(text.contains(",\n\n …,\n\n [["), "{text}");
    assert!(text.ends_with("t = tensor [4]\n[      NaN,       inf, 1.23457e8,     1.0e6]\n"), "{text}");
}

#[test]
fn refusals_name_shapes_and_operation() {
    refuses(&[
        ("tensor([[1, 2], [3]])", "element [1] is a list of 1, where element [0] is a list of 2"),
        ("tensor([[1, 2], 3])", "element [1] is 3, where element [0] is a list of 2"),
        ("tensor([[1, 2], [3, [4]]])", "element [1][1] is a list of 1, where element [0][0] is a number"),
        ("tensor([[1, 2], [3, \"a\"]])", "element [1][1] is \"a\"; it should be a number"),
        (
            "tensor([zeros([2])])",
            "element [0] is a value of type Tensor; it should be a number | put tensors together with `stack`",
        ),
        ("tensor([])", "the list is empty"),
        ("tensor([[], []])", "element [0] is empty"),
        ("tensor([[[[[1]]]]])", "depth of 5"),
        ("zeros([1, 1, 1, 1, 1])", "a tensor cannot have the shape [1, 1, 1, 1, 1], of rank 5"),
        ("zeros([])", "of rank 0"),
        ("zeros([2, 0])", "shape [2, 0]: every size is at least 1"),
        ("zeros([2, -1])", "a size is -1"),
        ("zeros([2, 1.5])", "element 1 of the shape is 1.5; it should be a whole number"),
        ("zeros([1000000, 1000000])", "a tensor of shape [1000000, 1000000] takes 3.6 TiB"),
        ("zeros([1000000000000, 1000000000000])", "--max-memory SIZE"),
        ("eye(1000000000000)", "--max-memory SIZE"),
        ("randn([100000, 100000], 0)", "--max-memory SIZE"),
        ("randn([2], -1)", "the seed is -1"),
        ("full([2], \"a\")", "the value must be a number, got \"a\""),
        ("ones([2, 3]) + ones([4])", "`+` of shapes [2, 3] and [4]: sizes 3 and 4 do not fit"),
        ("ones([2, 3]).pow(ones([2]))", "`pow` of shapes [2, 3] and [2]"),
        ("ones([2]).less_than(\"a\")", "the other operand of `less_than` must be a number, got \"a\""),
        ("ones([2, 3]) == 1", "`==` does not compare a tensor's numbers one by one | ask `less_than`"),
        ("ones([2]) < ones([2])", "`<` does not compare"),
        ("1.0 >= ones([2])", "`>=` does not compare"),
        ("ones([2, 3]).matmul(ones([2, 3]))", "`matmul` of shapes [2, 3] and [2, 3]: 3 columns meet 2 rows"),
        ("ones([2, 3]).matmul(ones([3]))", "both need two axes or more"),
        ("ones([2, 2, 3]).matmul(ones([5, 3, 2]))", "`matmul` of shapes [2, 2, 3] and [5, 3, 2]: sizes 2 and 5"),
        ("ones([3]).transpose()", "there is only one axis"),
        ("ones([3, 2]).transpose(0, 2)", "a tensor of shape [3, 2] has no axis 2 | its axes are 0 to 1, or -1 to -2"),
        ("ones([3, 2]).sum(-3)", "has no axis -3"),
        ("ones([3, 2]).softmax(2)", "has no axis 2"),
        ("ones([3, 2]).reshape([4])", "`reshape` of shape [3, 2] to [4]: it does not hold 6 numbers"),
        ("ones([3, 2]).reshape([4, -1])", "it does not hold 6 numbers"),
        ("ones([3, 2]).reshape([-1, -1])", "only one size can be what is left"),
        ("ones([3, 2]).reshape([0, 6])", "every size is at least 1"),
        ("ones([3, 2]).reshape([1, 1, 1, 6, 1])", "1 to 4 axes"),
        ("ones([3, 2]).reshape([9223372036854775807, 9223372036854775807])", "it does not hold 6 numbers"),
        ("ones([3, 2]).slice(0, 1, 4)", "`slice` from 1 to 4 along axis 0 of shape [3, 2]: it should lie in 0 to 3"),
        ("ones([3, 2]).slice(0, 2, 2)", "hold something"),
        (
            "ones([3, 2])[3]",
            "a tensor of shape [3, 2] has no element [3] | its elements are [0] to [2], or [-1] to [-3]",
        ),
        ("ones([3, 2])[-4]", "has no element [-4]"),
        (
            "concatenate([ones([3, 2]), ones([3, 3])], 0)",
            "`concatenate` of shapes [3, 2] and [3, 3] (elements 0 and 1)",
        ),
        ("concatenate([ones([3]), ones([3, 3])], 0)", "`concatenate` of shapes [3] and [3, 3]"),
        ("concatenate([], 0)", "`concatenate` of an empty list"),
        ("concatenate([1], 0)", "element 0 of the list is 1; it should be a tensor"),
        ("stack([ones([3]), ones([2])])", "`stack` of shapes [3] and [2]: they have to be the same"),
        ("stack([ones([3])], 2)", "`stack` of shape [3] along axis 2 | the new axis is 0 to 1"),
        ("stack([ones([1, 1, 1, 1])])", "at most 4 axes"),
        ("stack([])", "`stack` of an empty list"),
        ("images(ones([3]), #{}).save(\"x.png\")", "a tensor of shape [3] is not pictures"),
        ("images([ones([2, 2, 4, 4])], #{}).save(\"x.png\")", "a tensor of shape [2, 2, 4, 4] is not pictures"),
    ]);
}

#[test]
fn memory_is_bounded_and_given_back() {
    let mut place = place();
    place.settings.limits = Limits { memory: 10 << 20, ..Limits::default() };
    let message = refusal(&place, "let a = []; for i in 0..20 { a.push(zeros([500, 500])); }");
    let begins = "a tensor of shape [500, 500] takes 976.6 KiB; a script may take 10.0 MiB, 9.";
    assert!(message.starts_with(begins) && message.ends_with(" | raise the limit: --max-memory SIZE"), "{message}");
    // What is gone is given back, and a view keeps only what it shows.
    let script = "let a = []; for i in 0..100 { a.push(zeros([900, 900])[i]); a.push(ones([900, 900]).transpose().slice(1, 0, 1)); }
        let t = zeros([900, 500]); for i in 0..100 { t = (t + 1).reshape([500, 900]).softmax(0); } print(a.len());";
    let (outcome, printed) = run(&place, script);
    assert_eq!((outcome.status, printed.as_str()), (Status::Done, "200\n"), "{:?}", outcome.diagnostics);
    place.settings.limits.size = 100;
    let message = refusal(&place, "zeros([10, 11]).to_array()");
    assert!(message.contains("110 numbers; at most 100 | raise the limit: --max-size N"), "{message}");
}

/// A file as numpy 2.4 writes it: its header padded to 128 bytes, then these.
fn npy(header: &str, numbers: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00v\x00".to_vec();
    bytes.extend(format!("{header:<117}\n").as_bytes());
    [&bytes, numbers].concat()
}

/// `np.save` of float32 [[1.5, −2, nan], [inf, 0, 0.001]].
const REAL: (&str, [u8; 24]) = (
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
    [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x7f, 0, 0, 0, 0, 0x6f, 0x12, 0x83, 0x3a],
);

#[test]
fn files_of_numpy_are_read() {
    let place = place();
    let at = |name: &str| place.path("project").join(name);
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::write(place.path("data/f4.npy"), npy(REAL.0, &REAL.1)).unwrap();
    // np.asfortranarray(np.arange(24).reshape(2, 3, 4) / 8): the first axis varies fastest.
    let order = (0..24).map(|i| (i % 2) * 12 + (i / 2 % 3) * 4 + i / 6);
    let fortran: Vec<u8> = order.flat_map(|i: i32| (f64::from(i) / 8.0).to_le_bytes()).collect();
    // The first numbers, as numpy wrote them: 0, 1.5, 0.5.
    assert_eq!(fortran[..24], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]);
    let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3, 4), }";
    std::fs::write(at("fortran.npy"), npy(header, &fortran)).unwrap();
    let header = "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }";
    let whole = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1, 0, 0];
    std::fs::write(at("i8.npy"), npy(header, &whole)).unwrap();
    std::fs::write(at("b1.npy"), npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2, 1), }", &[1, 0])).unwrap();
    std::fs::write(at("f2.npy"), npy("{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", &[0, 0x3c, 0, 0x40]))
        .unwrap();
    let big = npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }", &[1, 0, 0xff, 0xfe]);
    std::fs::write(at("i2.npy"), big).unwrap();
    let scalar = npy("{'descr': '>f4', 'fortran_order': False, 'shape': (), }", &[0x40, 0x20, 0, 0]);
    std::fs::write(at("scalar.npy"), scalar).unwrap();
    let (outcome, printed) = run(
        &place,
        "for name in [\"f4\", \"i8\", \"b1\", \"f2\", \"i2\", \"scalar\"] { print(load_tensor(name + \".npy\").to_array()); }
         print(load_tensor(\"fortran.npy\") == tensor(range(0, 24)).reshape([2, 3, 4]) / 8);",
    );
    let expected = "[[1.5, -2.0, NaN], [inf, 0.0, 0.0010000000474974513]]\n[-1.0, 1099511627776.0]\n[[1.0], [0.0]]\n[1.0, 2.0]\n[256.0, -2.0]\n[2.5]\ntrue\n";
    assert_eq!(printed, expected, "{:?}", outcome.diagnostics);
}

#[test]
fn saved_files_are_whole_and_read_back() {
    let place = place();
    let (outcome, printed) = run(
        &place,
        "let t = randn([2, 3, 4, 5], 1).save(\"a/t.npy\");
         print(load_tensor(\"out/a/t.npy\") == t);
         t.save(\"t.safetensors\"); print(load_tensor(\"out/t.safetensors\") == t);
         #{ w: t, b: t[0] }.save(\"both.safetensors\");
         let both = load_tensors(\"out/both.safetensors\");
         print([both.keys(), both.w == t, both.b == t[0]]);
         images([t.reshape([40, 1, 1, 3]), zeros([3, 2, 2]), eye(2)], #{ labels: \"sample\" }).save(\"pictures.png\");",
    );
    assert_eq!(printed, "true\ntrue\n[[\"b\", \"w\"], true, true]\n", "{:?}", outcome.diagnostics);
    let names = ["a/t.npy", "t.safetensors", "both.safetensors", "pictures.png"]
        .map(|name| place.path("project/out").join(name));
    assert!(names.iter().all(|name| outcome.files.contains(name) && name.is_file()), "{:?}", outcome.files);
    // To the byte what numpy writes.
    let (outcome, _) = run(&place, "tensor([[1.5, -2, 0.0 / 0.0], [1.0 / 0.0, 0, 0.001]]).abs().save(\"f4.npy\");");
    assert_eq!(outcome.status, Status::Done);
    let bytes = std::fs::read(place.path("project/out/f4.npy")).unwrap();
    let (header, numbers) = bytes.split_at(bytes.len() - 24);
    assert_eq!(header, npy(REAL.0, &[]));
    assert_eq!(numbers[..8], [0, 0, 0xc0, 0x3f, 0, 0, 0, 0x40]);
    assert_eq!(numbers[20..], REAL.1[20..]);
    // Checking a script writes nothing.
    let checked = Host::new(place.settings.clone()).check(&place.script("zeros([2]).save(\"checked.npy\");"));
    assert!(checked.is_ok());
    assert!(!place.path("project/out/checked.npy").exists());
}

/// As other programs write them, and one array that is no tensor beside one that is.
#[test]
fn odd_files_are_read() {
    let place = place();
    let folder = place.path("project");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let bytes = |numbers: &[f64]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    write("python2.npy", &npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1L, 2L), }", &bytes(&[1.0, 2.0])));
    write("native.npy", &npy("{'descr': '=f4', 'fortran_order': False, 'shape': (1, 1), }", &1.5_f32.to_le_bytes()));
    write("NAMED.BIN", &npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }", &2.5_f32.to_le_bytes()));
    write("large.npy", &npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }", &bytes(&[1e300, 2.0])));
    let header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\
                   \"none\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[4,4]}}";
    write(
        "one.safetensors",
        &[&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &4.0_f32.to_le_bytes()].concat(),
    );
    let (outcome, printed) = place.run(
        "for name in [\"python2.npy\", \"native.npy\", \"NAMED.BIN\", \"large.npy\"] { print(load_tensor(name).to_array()); }
        print(load_tensor(\"one.safetensors\").to_array());
        print(load_tensors(\"one.safetensors\").keys());",
    );
    let said = super::scripted::text(&outcome.diagnostics);
    assert_eq!(printed, ["[[1.0, 2.0]]", "[[1.5]]", "[[2.5]]", "[[inf, 2.0]]", "[4.0]", "[\"a\"]"], "{said}");
    for words in [
        "large.npy: 1 of 2 numbers are infinite in single precision",
        "one.safetensors, tensor \"none\": it is empty, of shape [0, 3]; it is left out",
    ] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn wrong_files_are_refused() {
    let place = place();
    let secret = place.path("secret.npy");
    std::fs::write(&secret, npy(REAL.0, &REAL.1)).unwrap();
    let folder = place.path("project");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    write("short.npy", &npy(REAL.0, &REAL.1[..23]));
    write("long.npy", &npy(REAL.0, &[&REAL.1[..], &[0]].concat()));
    write("cut.npy", &npy(REAL.0, &[])[..60]);
    write("tiny.npy", b"\x93NUM");
    write("zip.npy", b"PK\x03\x04 and so on");
    write("complex.npy", &npy("{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", &[0; 16]));
    write("record.npy", &npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", &[0; 4]));
    write("object.npy", &npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", &[0; 4]));
    write("empty.npy", &npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", &[]));
    write("rank5.npy", &npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1), }", &[0; 4]));
    write("huge.npy", &npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", &[0; 4]));
    write("nested.npy", &npy(&"[".repeat(100), &[]));
    write("header.npy", &[b"\x93NUMPY\x02\x00\xff\xff\xff\xff".as_slice(), &[b' '; 100]].concat());
    write("key.npy", &npy("{'descr': '<f4', 'shape': (1,), }", &[0; 4]));
    write("cut.safetensors", b"\x40\x00\x00\x00\x00\x00\x00\x00{\"a\"");
    write("date.npy", &npy("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,), }", &[0; 8]));
    write("text.txt", b"1 2 3");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&secret, folder.join("link.npy")).unwrap();
    let load = |name: &str| format!("load_tensor({name:?})");
    let cases = [
        (load("short.npy"), "short.npy: expected 24 bytes of numbers, for the shape [2, 3] and type '<f4', found 23"),
        (load("long.npy"), "long.npy: expected 24 bytes of numbers, for the shape [2, 3] and type '<f4', found 25"),
        (load("cut.npy"), "cut.npy: expected a numpy file, found only 60 bytes, which end in its header"),
        (load("tiny.npy"), "tiny.npy: expected a numpy file, which starts with"),
        (load("zip.npy"), "zip.npy is a zip archive | tensors are read from .npy, .npz and .safetensors"),
        (load("date.npy"), "found the type '<M8[ns]' | make numbers of times before: `x.astype(\"int64\")`"),
        (load("complex.npy"), "complex.npy: expected numbers, real, whole or bool, found the type '<c16'"),
        (load("record.npy"), "record.npy: expected numbers, real, whole or bool, found the type [('a', '<f4')]"),
        (load("object.npy"), "object.npy: expected numbers, real, whole or bool, found the type '|O'"),
        (load("empty.npy"), "empty.npy: a tensor cannot have the shape [0, 3]"),
        (load("rank5.npy"), "rank5.npy: a tensor cannot have the shape [1, 1, 1, 1, 1], of rank 5"),
        (load("huge.npy"), "huge.npy: a tensor of shape [4294967296, 4294967296] takes"),
        (
            load("nested.npy"),
            "nested.npy: expected a numpy file, found one whose header cannot be read (it is no dictionary)",
        ),
        (load("header.npy"), "header.npy: expected a header of at most 10000 bytes, found 4294967295"),
        (
            load("key.npy"),
            "key.npy: expected a numpy file, found one whose header cannot be read (dict is missing key 'fortran_order')",
        ),
        (load("cut.safetensors"), "cut.safetensors: expected a whole safetensors file, found 12 bytes"),
        (load("text.txt"), "text.txt is a text | tensors are read from .npy, .npz and .safetensors"),
        (load("none.npy"), "there is no file \"none.npy\" | looked in "),
        (load("../secret.npy"), "\"../secret.npy\" leads out of the folders that a script may read"),
        (load(&secret.display().to_string()), "leads out of the folders"),
        #[cfg(unix)]
        (load("link.npy"), "\"link.npy\" leads out of the folders"),
        ("load_tensors(\"short.npy\")".into(), "a file .npy holds one tensor | read it with `load_tensor`"),
        (
            "#{ a: ones([1]), b: ones([1]) }.save(\"t.safetensors\"); load_tensor(\"out/t.safetensors\")".into(),
            "out/t.safetensors: expected one tensor, found 2 | read them by name with `load_tensors`",
        ),
        ("#{ a: 1 }.save(\"t.safetensors\")".into(), "`a` is 1; it should be a tensor"),
        ("#{ a: ones([1]) }.save(\"t.npy\")".into(), "a file .npy holds one tensor | save them as .safetensors"),
        ("ones([1]).save(\"t.png\")".into(), "\"t.png\": a tensor is kept in a file .npy or .safetensors"),
        ("ones([1]).save(\"../t.npy\")".into(), "\"../t.npy\" is not a name inside the run folder"),
    ];
    for (script, expected) in cases {
        let message = refusal(&place, &script);
        assert!(message.contains(expected), "{script}\n  says  {message}\n  not   {expected}");
    }
}

#[test]
fn pixels_of_samples_and_reconstructions() {
    prints(
        "let data = dataset(\"glyphs\", #{ size: 7 }); let few = data.test.take(3);
         let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
         let back = cascade(net, data.train.take(64)).reconstruct(few);
         let x = few.tensor();",
        &[
            (
                "[x.shape, back.at(2).tensor().shape, back.all().tensor().shape]",
                "[[3, 1, 7, 7], [3, 1, 7, 7], [9, 1, 7, 7]]",
            ),
            ("x.min() >= 0 && x.max() <= 1 && x.max() > 0.2", "true"),
            // Other depths beside them change the order of a sum.
            ("(back.all().tensor().slice(0, 3, 6) - back.at(2).tensor()).abs().max() < 1e-6", "true"),
            // The measure is what it says: the mean squared error of the median sample.
            (
                "{ let d = (back.at(1).tensor() - x).flatten().reshape([3, -1]).pow(2).mean(1).to_array(); d.sort();
                   abs(d[1] - back.mse().at(1).value) < 1e-6 }",
                "true",
            ),
        ],
    );
}

#[test]
fn matrices_are_decomposed() {
    let start = "let t = tensor([[3, 0], [4, 5]]); let parts = svd(t); let symmetric = eigh(tensor([[2, 1], [1, 2]]));
        let low = randn([6, 2], 1).matmul(randn([2, 5], 2));";
    prints(
        start,
        &[
            // σ² are the roots of x² − 50 x + 225.
            ("(parts.s ** 2 - tensor([45, 5])).abs().max() < 1e-4", "true"),
            ("((parts.u * parts.s).matmul(parts.v.transpose()) - t).abs().max() < 1e-5", "true"),
            ("svd(low).s.greater_than(1e-5).sum()", "2.0"),
            ("svd(low).u.shape", "[6, 5]"),
            ("svd(low).v.shape", "[5, 5]"),
            ("symmetric.values.to_array()", "[1.0, 3.0]"),
            ("(symmetric.vectors.transpose().matmul(symmetric.vectors) - eye(2)).abs().max() < 1e-6", "true"),
            ("qr(t).r.to_array()", "[[5.0, 4.0], [0.0, 3.0]]"),
            ("qr(low).q.shape", "[6, 5]"),
            ("svd(low).u == svd(low).u", "true"),
        ],
    );
    refuses(&[
        ("svd(tensor([1, 2]));", "`svd` of shape [2]: a matrix has two axes | take a matrix out of it"),
        ("svd(zeros([2, 2, 2]));", "a matrix has two axes"),
        ("eigh(zeros([2, 3]));", "`eigh`: a matrix [2, 3] is not square | `svd` takes matrices of any shape"),
        ("eigh(tensor([[1, 2], [3, 4]]));", "`eigh`: the matrix is not symmetric: [0][1] is 2, [1][0] is 3"),
        ("qr(tensor([[1, 0.0 / 0.0]]));", "`qr`: element [0][1] is NaN, and a decomposition needs finite numbers"),
        ("svd(tensor([[1, 1.0 / 0.0]]));", "`svd`: element [0][1] is inf"),
        ("eigh(tensor([[0.0 / 0.0]]));", "`eigh`: element [0][0] is NaN"),
        ("svd([[1, 2]]);", "svd"),
    ]);
}

#[test]
fn elements_are_picked_by_their_places() {
    let start = "let t = tensor([3, 1, 2]); let nan = 0.0 / 0.0; let m = tensor([[1, 2], [3, 4], [5, 6]]);";
    prints(
        start,
        &[
            ("t.argsort().to_array()", "[1.0, 2.0, 0.0]"),
            ("t.argsort(true).to_array()", "[0.0, 2.0, 1.0]"),
            // Stable, NaN last either way, each row by itself.
            ("tensor([[1, 0, 1], [nan, 2, 1]]).argsort().to_array()", "[[1.0, 0.0, 2.0], [2.0, 1.0, 0.0]]"),
            ("tensor([[1, 0, 1], [nan, 2, 1]]).argsort(true).to_array()", "[[0.0, 2.0, 1.0], [1.0, 2.0, 0.0]]"),
            ("t.select(t.argsort()).to_array()", "[1.0, 2.0, 3.0]"),
            ("m.select([2, 0, -1]).to_array()", "[[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]"),
            ("m.select(1, [-1]).to_array()", "[[2.0], [4.0], [6.0]]"),
            ("m[[1]].to_array()", "[[3.0, 4.0]]"),
            ("m[tensor([1, 0])].to_array()", "[[3.0, 4.0], [1.0, 2.0]]"),
        ],
    );
    refuses(&[
        ("zeros([3]).select([3]);", "a tensor of shape [3] has no element 3 along axis 0 | its elements are 0 to 2"),
        ("zeros([3, 2]).select(1, [0, -3]);", "has no element -3 along axis 1"),
        ("zeros([3]).select([]);", "an empty list of indices"),
        ("zeros([3]).select([0.5]);", "element 0 of the indices is 0.5; an index is a whole number"),
        ("zeros([3]).select([\"a\"]);", "element 0 of the indices is"),
        ("zeros([3]).select(1);", "the indices are"),
        ("zeros([3]).select(zeros([1, 1]));", "indices of shape [1, 1]: they have one axis"),
        ("zeros([3])[tensor([0.0 / 0.0])];", "element 0 of the indices is NaN"),
    ]);
}
