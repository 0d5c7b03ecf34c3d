//! Arrays of one's own as data, splits that are joined, divided and picked from, and what a network answers for each sample.

use super::scripted::{Place, text};
use entroscope::script::Status;

fn prints(place: &Place, script: &str, expected: &[&str]) {
    let (outcome, printed) = place.run(script);
    assert_eq!(outcome.status, Status::Done, "{script}\n{}", text(&outcome.diagnostics));
    assert_eq!(printed, expected, "{script}");
}

/// Every script is wrong at a place, and says so in these words.
fn refuses(place: &Place, cases: &[(&str, &[&str])]) {
    for (script, words) in cases {
        let (outcome, _) = place.run(script);
        assert_eq!(outcome.status, Status::ScriptWrong, "{script}");
        assert!(outcome.diagnostics[0].place.is_some(), "{script}");
        let said = text(&outcome.diagnostics);
        words.iter().for_each(|word| assert!(said.contains(word), "{script}\n{said}\nlacks {word:?}"));
    }
}

/// A place whose run folder is in the project, so that a script can read what it saved.
fn place() -> Place {
    let mut place = Place::new();
    place.settings.out = Some(place.path("project/out"));
    place
}

mod arrays {
    use super::*;

    #[test]
    fn a_tensor_and_its_labels_are_data() {
        prints(
            &place(),
            r#"
            let data = dataset(tensor([[1, 2], [3, 4], [5, 6]]), tensor([0, 2, 1]));
            print([data.shape, data.pixels, data.classes, data.train.len]);
            print(data.train.labels.to_array());
            print(data.train.images.to_array() == [[[[1.0, 2.0]]], [[[3.0, 4.0]]], [[[5.0, 6.0]]]]);
            print(dataset(tensor([[1], [2]]), ["b", "a"]).class_names);
            print(dataset(tensor([[1], [2]]), [1, 0], #{ classes: 5 }).classes);
            print(dataset(tensor([[1], [2]]), [1, 0], #{ classes: ["no", "yes"] }).class_names);
            print(dataset(zeros([2, 3, 4, 5])).shape);
            print(dataset(zeros([2, 4, 5]), #{ shape: [1, 4, 5] }).shape);
            print(dataset(zeros([2, 4, 5, 3]), #{ channels_last: true }).shape);
            print(dataset(tensor([[[[1, 2, 3]], [[4, 5, 6]]]]), #{ channels_last: true }).train.images.flatten().to_array());
            print(dataset(zeros([2, 3])).train);
            print(dataset(zeros([2, 3])));
            "#,
            &[
                "[[1, 1, 2], 2, 3, 3]",
                "[0.0, 2.0, 1.0]",
                "true",
                r#"["a", "b"]"#,
                "5",
                r#"["no", "yes"]"#,
                "[3, 4, 5]",
                "[1, 4, 5]",
                "[3, 4, 5]",
                "[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]",
                "2 samples of dataset(x), each [1, 1, 3]",
                "dataset(x): 2 samples, each [1, 1, 3]",
            ],
        );
    }

    /// Wherever the numbers come from, and whatever the classes are called.
    #[test]
    fn the_same_numbers_are_the_same_data() {
        prints(
            &place(),
            r#"
            let x = randn([40, 6], 1);
            let y = range(0, 40).map(|i| i % 3);
            x.save("x.npy");
            tensor(y).save("y.safetensors");
            let net = mlp::of_sizes([6, 8, 3], tanh()).init(#{ weight_var: 1.5, bias_var: 0.05 });
            let of = |data| net.accuracy(data).fingerprint;
            let data = dataset(x, y);
            let own = of.call(data.train);
            print(of.call(dataset(load_tensor("out/x.npy"), load_tensor("out/y.safetensors")).train) == own);
            print(of.call(dataset(x, tensor(y), #{ classes: ["a", "b", "c"] }).train) == own);
            print(of.call(dataset(x.slice(0, 0, 10), y.extract(0, 10)).train) == of.call(data.train.take(10)));
            print(of.call(dataset(x + 1, y).train) == own);
            print(of.call(dataset(x, y.map(|k| 2 - k)).train) == own);
            print(of.call(data.train.take(15) + data.train.skip(15)) == own);
            print(of.call(dataset(x, y).train.take(15) + data.train.skip(15)) == own);
            "#,
            &["true", "true", "true", "false", "false", "true", "true"],
        );
    }

    /// Reconstructions as data for another network.
    #[test]
    fn results_are_samples() {
        prints(
            &place(),
            r#"
            let data = dataset("glyphs", #{ size: 7 });
            let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
            let some = data.test.take(20);
            let found = cascade(net, data.train.take(100), #{ solver: "ridge" }).reconstruct(some);
            let again = dataset(found.at(1), some.labels);
            print([again.shape, again.classes, again.train.len]);
            print(dataset(some.images, some.labels).train.images == some.images);
            "#,
            &["[[1, 7, 7], 10, 20]", "true"],
        );
    }

    #[test]
    fn what_is_no_data_is_refused_by_name() {
        let refused: [(&str, &[&str]); 27] = [
            ("dataset(zeros([3, 2]), zeros([4]))", &["x has 3 samples, y 4 labels"]),
            ("dataset(zeros([3, 2]), [0, 1])", &["x has 3 samples, y 2 labels"]),
            ("dataset(zeros([3, 2]), [\"a\"])", &["x has 3 samples, y 1 label"]),
            ("dataset(zeros([2, 2]), zeros([2]) / 0)", &["label 0 of y is NaN", "leave samples without one out"]),
            ("dataset(zeros([2, 2]), [0, 0.5])", &["label 1 of y is 0.5", "whole numbers from 0"]),
            ("dataset(zeros([2, 2]), [0, -1])", &["label 1 of y is -1", "count from 0"]),
            ("dataset(zeros([2, 2]), [0, 1e9])", &["label 1 of y is 1000000000"]),
            ("dataset(zeros([2, 2]), [0, \"a\"])", &["label 1 of y is \"a\"", "all of them are texts"]),
            ("dataset(zeros([2, 2]), zeros([2, 3]))", &["y has the shape [2, 3]", "y.argmax(1)"]),
            ("dataset(zeros([2, 2]), zeros([2, 3, 4]))", &["y has the shape [2, 3, 4]"]),
            ("dataset(zeros([2, 2]), 3)", &["labels are a tensor or an array, got 3"]),
            ("dataset(zeros([2, 2]), [0, 2], #{ classes: 2 })", &["y has the label 2, option `classes` counts 2"]),
            ("dataset(zeros([2, 2]), [\"a\", \"b\"], #{ classes: [\"a\"] })", &["\"b\" is none of the classes a"]),
            ("dataset(zeros([2, 2]), [0, 1], #{ classes: [\"a\", \"a\"] })", &["two classes are called \"a\""]),
            (
                "dataset(zeros([2, 2]), [0, 1], #{ classes: \"a\" })",
                &["`classes` must be an array of texts or a number"],
            ),
            ("dataset(zeros([5]))", &["x has the shape [5]", "x.reshape([5, 1])"]),
            ("dataset(zeros([9, 8, 8]))", &["x has the shape [9, 8, 8]", "shape: [1, 8, 8]", "shape: [64]"]),
            ("dataset(zeros([9, 8, 8, 3]))", &["8×8 pixels with 3 channels", "channels_last: true"]),
            ("dataset(zeros([9, 8]), #{ shape: [1, 3, 3] })", &["[1, 3, 3] does not hold the 8 numbers"]),
            ("dataset(zeros([9, 8]), #{ shape: [2, 4] })", &["`shape` must be the shape of one sample"]),
            ("dataset(zeros([9, 8]), #{ shape: \"a\" })", &["`shape` must be the shape of one sample"]),
            ("dataset(zeros([2, 2]) / 0)", &["sample 0 of x holds NaN", "finite"]),
            ("dataset([[1, 2], [3, 4]])", &["a data set of", "tensor([[0.1, 0.2], [0.3, 0.4]])"]),
            ("dataset(3)", &["a data set of 3"]),
            ("dataset(zeros([2, 2]), #{ size: 7 })", &["`size` is no option of arrays of one's own"]),
            ("dataset(\"glyphs\", #{ classes: 3 })", &["`classes` is an option of one's own arrays"]),
            ("dataset(zeros([2, 2])).test", &["one part only", "data.split(0.8, 1)"]),
        ];
        let place = place();
        for (script, words) in refused {
            refuses(&place, &[(&format!("let x = {script}; print(x);"), words)]);
        }
        let unlabelled = [
            ("dataset(zeros([2, 2])).train.labels", "dataset(x, y)"),
            ("dataset(zeros([2, 2])).train.of_class(0)", "dataset(x, y)"),
            ("dataset(zeros([9, 2])).split(0.5, 1, #{ by_class: true })", "dataset(x, y)"),
            ("images(dataset(zeros([2, 2])).train, #{ labels: \"class\" })", "dataset(x, y)"),
        ];
        for (script, words) in unlabelled {
            refuses(&place, &[(&format!("let x = {script};"), &["no label", words])]);
        }
    }
}

mod parts {
    use super::*;

    #[test]
    fn a_split_divides_every_class_in_proportion() {
        prints(
            &place(),
            r"
            let y = range(0, 100).map(|i| if i < 70 { 0 } else if i < 90 { 1 } else { 2 });
            let data = dataset(randn([100, 2], 0), y);
            let counts = |s| range(0, 3).map(|k| s.labels.equal_to(k).sum());
            let parts = data.split(0.8, 1);
            print(counts.call(parts.fit));
            print(counts.call(parts.held));
            print(counts.call(data.split(0.33, 1).fit));
            let all = (parts.fit + parts.held).images.flatten().to_array();
            all.sort();
            let before = data.train.images.flatten().to_array();
            before.sort();
            print(all == before);
            print(data.split(0.8, 1).fit.images == parts.fit.images);
            print(data.split(0.8, 2).fit.images == parts.fit.images);
            let free = data.train.split(0.5, 1, #{ by_class: false });
            print([free.fit.len, free.held.len]);
            print(data.train.take(10).split(0.55, 3).fit);
            ",
            &[
                "[56.0, 16.0, 8.0]",
                "[14.0, 4.0, 2.0]",
                "[23.0, 7.0, 3.0]",
                "true",
                "true",
                "false",
                "[50, 50]",
                "6 samples of dataset(x, y), each [1, 1, 2]",
            ],
        );
    }

    #[test]
    fn samples_are_picked_by_their_places() {
        prints(
            &place(),
            r"
            let s = dataset(tensor([[10], [11], [12], [13]]), [0, 1, 0, 1]).train;
            print(s.pick([2, 0, -1, 2]).images.flatten().to_array());
            print(s.skip(1).pick(tensor([0, 2])).labels.to_array());
            print(s.pick(range(0, 4)).images == s.images);
            ",
            &["[12.0, 10.0, 13.0, 12.0]", "[1.0, 1.0]", "true"],
        );
    }

    #[test]
    fn joined_samples_keep_their_order_labels_and_names() {
        prints(
            &place(),
            r#"
            let a = dataset(tensor([[1], [2]]), ["x", "y"]).train;
            let b = dataset(tensor([[3], [4], [5]]), ["y", "x", "y"]).train;
            let both = a + b;
            print([both.len, both.classes, both.class_names]);
            print((both + a).images.flatten().to_array());
            print((both + a).labels.to_array());
            print(both.pick([3, 0, 2]).images.flatten().to_array());
            print((both.shuffle(3).skip(2) + b).labels.len);
            print((dataset("glyphs", #{ size: 7 }).test.take(3) + dataset("noise", #{ size: 7 }).train.take(2)).images.shape);
            let g = dataset("glyphs", #{ size: 7 });
            let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
            print(net.accuracy(g.test.take(50)).fingerprint == net.accuracy(g.test.take(20) + g.test.take(50).skip(20)).fingerprint);
            let mixed = g.test.take(20) + dataset(g.train.take(30).images, g.train.take(30).labels).train;
            let count = net.accuracy(g.test.take(20)) * 20 + net.accuracy(g.train.take(30)) * 30;
            print((net.accuracy(mixed) * 50 - count).value);
            "#,
            &[
                r#"[5, 2, ["x", "y"]]"#,
                "[1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 2.0]",
                "[0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0]",
                "[4.0, 1.0, 3.0]",
                "6",
                "[5, 1, 7, 7]",
                "true",
                "0.0",
            ],
        );
    }

    #[test]
    fn impossible_parts_are_refused_by_name() {
        let start = "let s = dataset(randn([6, 2], 0), [0, 0, 0, 1, 1, 2]); let t = s.train; ";
        let refused: [(&str, &[&str]); 17] = [
            ("s.split(0.5, 1)", &["class 2 of dataset(x, y) has one sample", "by_class: false"]),
            ("s.split(1.5, 1)", &["the share is between 0 and 1", "take(100)"]),
            ("s.split(0, 1)", &["the share is between 0 and 1"]),
            ("s.split(0.01, 1)", &["leaves one of the two empty"]),
            ("t.take(4).split(0.9, 1)", &["of 4 samples leaves one of the two empty"]),
            ("s.split(0.5, -1)", &["the seed"]),
            ("s.split(0.5, 1, #{ by_clas: true })", &["did you mean `by_class`?"]),
            ("dataset(\"glyphs\").split(0.5, 1)", &["glyphs has two parts already", "data.train.split(0.8, 1)"]),
            ("t.pick([6])", &["no sample 6", "0 to 5"]),
            ("t.pick([-7])", &["no sample -7"]),
            ("t.pick([0.5])", &["an index is a whole number"]),
            ("t.pick([])", &["0 places"]),
            ("t.pick(3)", &["the indices are 3; they are a tensor or an array"]),
            ("t.pick(zeros([2, 2]))", &["they have one axis"]),
            ("t + dataset(zeros([2, 3])).train", &["shapes [1, 1, 2] and [1, 1, 3]"]),
            (
                "dataset(zeros([1, 2]), [\"a\"]).train + dataset(zeros([1, 2]), [\"b\"]).train",
                &["class 0 is \"a\" and \"b\"", "classes: ["],
            ),
            ("t + s", &["+"]),
        ];
        let place = place();
        refused.iter().for_each(|(script, words)| refuses(&place, &[(&format!("{start}let x = {script};"), words)]));
    }
}

mod answers {
    use super::*;

    #[test]
    fn the_confusion_matrix_counts_true_by_predicted() {
        prints(
            &place(),
            r#"
            let data = dataset("glyphs", #{ size: 7 });
            let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
            let some = data.test.take(60);
            let confusion = net.confusion(some);
            let taken = net.outputs(some).argmax(1);
            let wanted = some.labels;
            let same = true;
            for i in range(0, 10) {
                for j in range(0, 10) {
                    same &= confusion[i][j] == (wanted.equal_to(i) * taken.equal_to(j)).sum();
                }
            }
            print(same);
            print(confusion.sum());
            let losses = net.sample_losses(some);
            let outputs = net.outputs(some);
            let wrong = 0.0;
            for i in range(0, 60) {
                let expected = -(outputs[i].softmax(0)[wanted[i].to_int()]).ln();
                wrong = max(wrong, abs(losses[i] - expected));
            }
            print(wrong < 1e-5);
            print(net.confusion(some.of_class(3)).sum(1).to_array()[3]);
            "#,
            &["true", "60.0", "true", "6.0"],
        );
    }

    #[test]
    fn pictures_are_labelled_by_class() {
        let place = place();
        let (outcome, _) = place.run(
            r#"
            let own = dataset(uniform([3, 1, 4, 4], 0), ["cat", "dog", "cat"]).train;
            images(own, #{ labels: "class" }).save("own.svg");
            images(dataset("glyphs").test.of_class(7).take(2), #{ labels: "class" }).save("sevens.svg");
            "#,
        );
        assert_eq!(outcome.status, Status::Done, "{}", text(&outcome.diagnostics));
        let svg = |name: &str| std::fs::read_to_string(place.path("project/out").join(name)).unwrap();
        assert!(svg("own.svg").contains("cat") && svg("own.svg").contains("dog"));
        refuses(
            &place,
            &[
                ("images(zeros([2, 1, 4, 4]), #{ labels: \"class\" })", &["a tensor's pictures have no classes"]),
                ("images(dataset(\"glyphs\").test.take(1), #{ labels: \"clas\" })", &["did you mean \"class\"?"]),
            ],
        );
    }
}

mod files {
    use std::io::Write;

    use super::*;

    /// A .npy as numpy writes it, with numbers of the type `dtype` in little-endian bytes.
    fn npy(dtype: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}");
        let header = format!("{header:<117}\n");
        [b"\x93NUMPY\x01\x00v\x00", header.as_bytes(), numbers].concat()
    }

    fn f32s(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    fn i64s(numbers: &[i64]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// A .npz as `numpy.savez` or `numpy.savez_compressed` writes it.
    fn npz(arrays: &[(&str, Vec<u8>)], is_compressed: bool) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let method = if is_compressed { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
        let options = zip::write::SimpleFileOptions::default().compression_method(method).large_file(true);
        for (name, bytes) in arrays {
            archive.start_file(format!("{name}.npy"), options).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn with(files: &[(&str, Vec<u8>)]) -> Place {
        let place = place();
        files.iter().for_each(|(name, bytes)| std::fs::write(place.path("project").join(name), bytes).unwrap());
        place
    }

    fn x() -> Vec<u8> {
        npy("<f4", "(4, 2)", &f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]))
    }

    fn y() -> Vec<u8> {
        npy("<i8", "(4,)", &i64s(&[0, 1, 1, 2]))
    }

    #[test]
    fn files_of_every_kind_are_the_same_data() {
        let csv = "a,b,label\n1,2,0\n3,4,1\n5,6,1\n7,8,2\n";
        let place = with(&[
            ("x.npy", x()),
            ("y.npy", y()),
            ("plain.npz", npz(&[("x", x()), ("y", y())], false)),
            ("small.npz", npz(&[("labels", y()), ("images", x())], true)),
            ("named.npz", npz(&[("p", x()), ("q", y()), ("other", y())], true)),
            ("t.csv", csv.into()),
            ("t.tsv", csv.replace(',', "\t").into()),
            ("bare.csv", csv.split_once('\n').unwrap().1.into()),
            ("numbered.csv", "0,1,2\n5,6,7\n".into()),
            ("kinds.csv", "kind;b;;a\ncat;2;0;1\ndog;4;1;3\ndog;6;2;5\nowl;8;3;7\n".into()),
        ]);
        prints(
            &place,
            r#"
            let net = mlp::of_sizes([2, 3, 3], tanh()).init(#{ weight_var: 1.5, bias_var: 0.05 });
            let own = net.accuracy(dataset(load_tensor("x.npy"), load_tensor("y.npy")).train).fingerprint;
            let arrays = load_tensors("plain.npz");
            #{ x: arrays.x, y: arrays.y }.save("t.safetensors");
            let all = [
                dataset(arrays.x, arrays.y),
                dataset("plain.npz"),
                dataset("small.npz"),
                dataset("named.npz", #{ x: "p", y: "q" }),
                dataset("out/t.safetensors"),
                dataset("t.csv"),
                dataset("t.tsv"),
                dataset("bare.csv", #{ y: 2 }),
                dataset("kinds.csv", #{ y: "kind", x: ["a", "b"] }),
            ];
            print(all.map(|data| net.accuracy(data.train).fingerprint == own));
            print(dataset("kinds.csv", #{ y: "kind" }).class_names);
            print(dataset("kinds.csv", #{ y: "kind" }).train.images.flatten().to_array());
            print(dataset("numbered.csv").train.images.flatten().to_array());
            print(dataset("x.npy"));
            print(dataset("t.csv", #{ classes: ["p", "q", "r"] }).train.of_class(1));
            "#,
            &[
                "[true, true, true, true, true, true, true, true, true]",
                r#"["cat", "dog", "owl"]"#,
                "[2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0]",
                "[5.0, 6.0, 7.0]",
                "dataset(\"x.npy\"): 4 samples, each [1, 1, 2]",
                "2 samples of dataset(\"t.csv\"), each [1, 1, 2]",
            ],
        );
    }

    /// As Keras and MedMNIST call them.
    #[test]
    fn two_parts_in_a_file_are_two_parts() {
        let bytes = npy("|u1", "(2, 2, 2)", &[1, 2, 3, 4, 5, 6, 7, 8]);
        let one = npy("|u1", "(1, 2, 2)", &[9, 9, 9, 9]);
        let two = npy("|u1", "(2, 1)", &[1, 0]);
        let place = with(&[
            (
                "keras.npz",
                npz(
                    &[
                        ("x_train", bytes.clone()),
                        ("y_train", two.clone()),
                        ("x_test", one.clone()),
                        ("y_test", npy("|u1", "(1,)", &[2])),
                    ],
                    false,
                ),
            ),
            (
                "med.npz",
                npz(
                    &[
                        ("train_images", bytes),
                        ("train_labels", two),
                        ("test_images", one.clone()),
                        ("val_images", one),
                    ],
                    true,
                ),
            ),
        ]);
        prints(
            &place,
            r#"
            let data = dataset("keras.npz", #{ shape: [1, 2, 2] });
            print([data.train.len, data.test.len, data.classes, data.shape]);
            print(data.test.labels.to_array() + data.train.labels.to_array());
            print(data.train.pick([1]).images.flatten().to_array());
            print(data);
            let med = dataset("med.npz", #{ shape: [1, 2, 2] });
            print(med.train.labels.to_array());
            print(med.test.images.flatten().to_array());
            "#,
            &[
                "[2, 1, 3, [1, 2, 2]]",
                "[2.0, 1.0, 0.0]",
                "[5.0, 6.0, 7.0, 8.0]",
                "dataset(\"keras.npz\"): 2 training samples, 1 test sample, each [1, 2, 2]",
                "[1.0, 0.0]",
                "[9.0, 9.0, 9.0, 9.0]",
            ],
        );
        refuses(
            &place,
            &[
                (
                    "dataset(\"keras.npz\").split(0.5, 1);",
                    &["keras.npz", "has the shape [2, 2, 2]", "shape: [1, 2, 2]"],
                ),
                ("dataset(\"keras.npz\", #{ shape: [1, 2, 2] }).split(0.5, 1);", &["two parts already"]),
                ("dataset(\"med.npz\", #{ shape: [4] }).test.labels;", &["no label", "dataset(x, y)"]),
            ],
        );
    }

    #[test]
    fn files_that_are_no_data_are_refused_by_name() {
        let whole = npz(&[("x", x()), ("y", y())], true);
        let mut damaged = npz(&[("x", x()), ("y", y())], false);
        let at = damaged.windows(4).position(|bytes| bytes == 5.0_f32.to_le_bytes()).unwrap();
        damaged[at] ^= 1;
        let texts = npy("<U3", "(2,)", &[0; 24]);
        let place = with(&[
            ("cut.npz", whole[..whole.len() - 30].to_vec()),
            ("damaged.npz", damaged),
            ("texts.npz", npz(&[("y", texts.clone())], false)),
            ("mixed.npz", npz(&[("x", x()), ("y", texts)], false)),
            ("pair.npz", npz(&[("a", x()), ("b", y())], false)),
            ("both.npz", npz(&[("x", x()), ("data", x())], false)),
            ("t.csv", "a,b,species\n1,2,cat\n3,4,dog\n".into()),
            ("hole.csv", "a,label\n1,0\n2,\n".into()),
            ("nan.csv", "a,label\n1,0\nNaN,1\n".into()),
            ("frac.csv", "a,label\n1,0\n2,0.5\n".into()),
            ("ragged.csv", "a,label\n1,0\n2\n".into()),
            ("empty.csv", Vec::new()),
            ("head.csv", "a,label\n".into()),
            ("two.csv", "a,label,class\n1,0,0\n".into()),
            ("five.npy", npy("<f4", "(1, 1, 1, 1, 1)", &f32s(&[1.0]))),
            ("page.html", b"<!doctype html><html></html>".to_vec()),
        ]);
        let refused: [(&str, &[&str]); 21] = [
            ("\"gone.npz\"", &["there is no file \"gone.npz\""]),
            ("\"cut.npz\"", &["cut.npz"]),
            ("\"damaged.npz\"", &["damaged.npz cannot be read", "array \"x\""]),
            ("\"texts.npz\"", &["texts.npz, array \"y\"", "found the type '<U3'"]),
            ("\"pair.npz\"", &["pair.npz has no array called x; it has a, b", "x: \"…\", y: \"…\"", "labels y, label"]),
            ("\"pair.npz\", #{ x: \"c\" }", &["no array \"c\" for option `x`", "a, b"]),
            ("\"both.npz\"", &["the arrays \"data\" and \"x\"", "say which it is"]),
            ("\"mixed.npz\", #{ y: \"y\" }", &["no array \"y\""]),
            ("\"t.csv\"", &["t.csv, line 2: \"cat\" in column \"species\" is no number", "y: \"…\""]),
            ("\"t.csv\", #{ y: \"specie\" }", &["no column \"specie\" for option `y`", "did you mean \"species\"?"]),
            ("\"t.csv\", #{ x: \"species\", y: \"species\" }", &["cannot hold both"]),
            ("\"t.csv\", #{ y: 1.5 }", &["option `y` must be a text or a column's number, got 1.5"]),
            ("\"hole.csv\"", &["hole.csv, line 3: the label is missing"]),
            ("\"nan.csv\"", &["nan.csv", "sample 1 of x holds NaN"]),
            ("\"frac.csv\"", &["frac.csv", "label 1 of y is 0.5"]),
            ("\"ragged.csv\"", &["ragged.csv is not a table as CSV"]),
            ("\"empty.csv\"", &["empty.csv is empty"]),
            ("\"head.csv\"", &["head.csv has no row"]),
            ("\"two.csv\"", &["the columns \"label\" and \"class\"", "y: \"…\""]),
            ("\"five.npy\"", &["five.npy", "of rank 5"]),
            ("\"page.html\"", &["a web page", ".npz"]),
        ];
        for (given, words) in refused {
            refuses(&place, &[(&format!("let x = dataset({given});"), words)]);
        }
        refuses(
            &place,
            &[
                ("let x = dataset(\"t.csv\", #{ size: 3 });", &["`size` is no option of files of one's own"]),
                ("let x = dataset(\"glyphs\", #{ y: \"a\" });", &["`y` is an option of one's own arrays"]),
                ("let x = load_tensor(\"pair.npz\");", &["expected one tensor, found 2", "load_tensors"]),
            ],
        );
    }

    /// Numbers without end in a small file.
    #[test]
    fn the_memory_of_files_is_bounded() {
        let zeros = npy("<f4", "(30000, 1000)", &vec![0; 120_000_000]);
        let mut place = with(&[("zeros.npz", npz(&[("x", zeros)], true))]);
        place.settings.limits.memory = 100 << 20;
        refuses(&place, &[("let x = dataset(\"zeros.npz\");", &["zeros.npz", "--max-memory"])]);
    }
}
