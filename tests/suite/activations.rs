//! Activations by name and by closure: in networks, reconstruction networks and theory, and every refusal.

use super::scripted::Place;
use entroscope::kernels::{Activation, Expression, Function, Nodes, Operator};
use entroscope::script::Status;
use entroscope::theory::{Nonlinearity, critical_weight_var, mean_field};

type Form = fn(&mut Nodes) -> usize;

fn printed(place: &Place, script: &str) -> Vec<String> {
    let (outcome, printed) = place.run(script);
    assert_eq!(outcome.status, Status::Done, "{script}\n{:?}", outcome.diagnostics);
    printed
}

/// What a script that goes wrong says, with its hints; the place is in the script.
fn refusal(script: &str) -> String {
    let (outcome, _) = Place::new().run(script);
    assert_eq!(outcome.status, Status::ScriptWrong, "{script}");
    let first = &outcome.diagnostics[0];
    assert!(first.place.is_some(), "{script}: {first:?}");
    std::iter::once(&first.message).chain(&first.hints).cloned().collect::<Vec<_>>().join(" | ")
}

#[test]
fn a_closure_is_a_formula_with_a_name() {
    let place = Place::new();
    let lines = printed(
        &place,
        r#"
        let swish = activation(|x| x * sigmoid(1.702 * x));
        print(swish);
        print(activation(|x| sigmoid(x * 1.702) * x));
        print(activation(|x| max(0, x)));
        print(activation(|x| x * sigmoid(x)));
        print(activation("leaky_relu"));
        print([leaky_relu(0.2), elu(), hardtanh(), softplus()]);
        print(activation(|x| x * exp(-(x ** 2) / 2) + max(0, x - 1)));
        print(activation(|x| 2 ** x - x ** 3 + sqrt(1 + x ** 2) - abs(x)));
        print(activation(|x| x / (1 + exp(-x))));
        print(block([linear(784, 100), swish]));
        print(mlp::wide_with(49, 10, 3, swish).summary().contains("x * sigmoid(1.702 * x)"));
        let of = |f| cascade(mlp::wide_with(49, 10, 3, f).init(#{ weight_var: 1.5 }), dataset("glyphs", #{ size: 7 }).train.take(50))
            .reconstruct(dataset("glyphs", #{ size: 7 }).test.take(5)).mse().fingerprint;
        print(of.call(swish) == of.call(activation(|x| sigmoid(x * 1.702) * x)));
        print(of.call(silu()) == of.call(activation(|x| x * sigmoid(x))));
        print(of.call(relu()) == of.call(activation("relu")));
        print(of.call(swish) == of.call(activation(|x| x * sigmoid(1.7 * x))));
        "#,
    );
    let expected = [
        "x * sigmoid(1.702 * x)",
        "x * sigmoid(1.702 * x)",
        "relu",
        "silu",
        "leaky_relu(0.01)",
        "[leaky_relu(0.2), elu, hardtanh, softplus]",
        "max(0, x - 1) + x * exp(-(x * x) / 2)",
    ];
    assert_eq!(lines[..7], expected);
    assert!(lines[7].contains("sqrt(1 + x * x)"), "{}", lines[7]);
    assert_eq!(lines[8], "silu");
    assert!(lines[9].ends_with("x * sigmoid(1.702 * x)"), "{}", lines[9]);
    assert_eq!(lines[10..], ["true", "true", "true", "true", "false"]);
}

/// Script 16 of the gallery, at a small budget: one's own activation, trained by Adam and solved by ridge regression.
#[test]
fn an_own_activation_works_in_network_cascade_and_theory() {
    let mut place = Place::new();
    for device in ["flex", "flex:burn"] {
        place.settings.device = device.to_owned();
        let lines = printed(
            &place,
            r#"
            let data = dataset("glyphs", #{ size: 7 });
            for solver in ["adam", "ridge"] {
                for f in [activation(|x| x * sigmoid(1.702 * x)), gelu(), softplus(), activation(|x| x * sigmoid(x) + 0.1 * sin(x))] {
                    let net = mlp::wide_with(data.pixels, 10, 4, f).init(#{ weight_var: 2.0, bias_var: 0.05 });
                    let found = cascade(net, data.train.take(400), #{ solver: solver }).reconstruct(data.test.take(20));
                    print(found.explained_variance().values());
                }
            }
            let net = mlp::of_sizes([49, 20, 10], activation(|x| x * sigmoid(1.702 * x))).init(#{ weight_var: 2.0 });
            print(net.trained(data.train.take(200), #{ epochs: 10, optimizer: adam(1e-2) }).accuracy(data.test.take(50)));
            "#,
        );
        let curves: Vec<Vec<f64>> = lines[..8]
            .iter()
            .map(|line| line.trim_matches(['[', ']']).split(", ").map(|x| x.parse().unwrap()).collect())
            .collect();
        for curve in &curves {
            assert!(curve.len() == 2 && curve.iter().all(|x| x.is_finite() && *x < 1.0), "{device} {lines:?}");
        }
        // Ridge regression finds most of the input behind one layer; x σ(1.702 x) is close to gelu.
        assert!(curves[4][0] > 0.5 && (curves[4][0] - curves[5][0]).abs() < 0.05, "{device} {lines:?}");
        assert!((curves[0][0] - curves[1][0]).abs() < 0.05, "{device} {lines:?}");
        assert!(lines[8].parse::<f64>().unwrap() > 0.3, "{lines:?}");
    }
}

/// Built-in activations written as expressions that are not recognised: within 1e-9 of their theory.
#[test]
fn theory_of_a_formula_is_that_of_the_built_in_activation() {
    let with_nothing = |make: Form| {
        let mut nodes = Nodes::default();
        let root = make(&mut nodes);
        // 0.5 (φ(x) + φ(x)) in a form that nothing simplifies.
        let (half, sum) = (nodes.constant(0.5), nodes.operator(Operator::Add, root, root));
        let root = nodes.operator(Operator::Multiply, half, sum);
        let activation = Activation::from(Expression::new(&nodes, root).unwrap());
        assert!(matches!(activation, Activation::Expression(_)));
        Nonlinearity::of(&activation).unwrap()
    };
    let forms: [(&str, Form); 5] = [
        ("tanh", |nodes| nodes.function(Function::Tanh, Nodes::X)),
        ("relu", |nodes| nodes.relu(Nodes::X)),
        ("silu", |nodes| nodes.silu(Nodes::X)),
        ("gelu", |nodes| nodes.gelu(Nodes::X)),
        ("erf", |nodes| nodes.function(Function::Erf, Nodes::X)),
    ];
    for (name, form) in forms {
        let (own, built_in) = (with_nothing(form), Nonlinearity::named(name).unwrap());
        for (weight_var, bias_var) in [(0.5, 0.05), (1.5, 0.05), (1.9, 1e-3), (3.0, 0.0), (1.2, 0.5)] {
            let [own, known] = [&own, &built_in].map(|phi| mean_field(phi, weight_var, bias_var).unwrap());
            assert_eq!(own.phase, known.phase, "{name} {weight_var} {bias_var}");
            let pairs = [(own.q, known.q), (own.chi, known.chi), (own.c, known.c), (own.xi_c, known.xi_c)];
            for (own, known) in pairs {
                assert!(
                    own == known || (own / known - 1.0).abs() < 1e-9 || own.is_nan() && known.is_nan(),
                    "{name} {own} {known}"
                );
            }
        }
        if name == "tanh" || name == "erf" {
            let [own, known] = [&own, &built_in].map(|phi| critical_weight_var(phi, 0.05).unwrap());
            assert!((own / known - 1.0).abs() < 1e-9, "{name} {own} {known}");
        }
    }
    // softplus and elu by name; hard tanh by both ways of giving it.
    let hard = Nonlinearity::custom("hard", |x: f64| x.clamp(-1.0, 1.0)).unwrap();
    let [a, b] = [&hard, &Nonlinearity::named("hardtanh").unwrap()].map(|phi| mean_field(phi, 2.0, 0.05).unwrap());
    assert!((a.xi_c / b.xi_c - 1.0).abs() < 1e-9 && (a.chi / b.chi - 1.0).abs() < 1e-9);
    assert_eq!(
        critical_weight_var(&Nonlinearity::named("leaky_relu").unwrap(), 0.0).map(|x| (x * 1e6).round()),
        Ok(1999800.0)
    );
}

#[test]
fn scripts_give_theory_an_activation() {
    let lines = printed(
        &Place::new(),
        r#"
        let point = #{ weight_var: 1.5, bias_var: 0.05 };
        print(mean_field(tanh(), point).xi_c == mean_field("tanh", point).xi_c);
        print(mean_field(activation(|x| tanh(x)), point).xi_c == mean_field("tanh", point).xi_c);
        let swish = activation(|x| x * sigmoid(1.702 * x));
        print(abs(mean_field(swish, point).chi / mean_field(|x| x / (1 + exp(-1.702 * x)), point).chi - 1) < 1e-10);
        print(critical_weight_var(hardtanh(), 0.05) > 1);
        print(mean_field("softplus", point).q > 0);
        "#,
    );
    assert_eq!(lines, ["true"; 5]);
}

#[test]
fn what_is_no_activation_is_refused_by_name() {
    for (script, expected) in [
        (
            "activation(|x| sin(x) / x);",
            "`activation`: `sin(x) / x` divides by zero at x = 0 | keep the divisor away from 0",
        ),
        ("activation(|x| abs(x) * x / x);", "divides by zero at x = 0"),
        ("activation(|x| 1 / (x - 1));", "`1 / (x - 1)` divides by zero at x = 1"),
        ("activation(|x| 1 / (x - 0.3));", "divides by zero between x = 0.25 and 0.375"),
        ("activation(|x| sqrt(abs(x)));", "its slope is NaN at x = 0"),
        ("activation(|x| ln(x));", "`ln(x)` takes ln of 0"),
        ("activation(|x| exp(x * x));", "is inf at x = 9.5"),
        ("activation(|x| x ** -1);", "`1 / x` divides by zero at x = 0"),
        ("activation(|x| x ** x);", "the base or the exponent of a power is a number"),
        (
            "activation(|x| if x > 0 { x } else { 0 });",
            "`>`: x is no number yet, so nothing can be compared with it | a closure for",
        ),
        ("activation(|x| if x { 1 } else { x });", "x is no number yet, where a bool is needed"),
        (
            "activation(|x| x * tensor([1, 2]));",
            "a formula cannot have `*` of its x | a closure for `activation` takes",
        ),
        ("activation(|x| x.to_int());", "a formula cannot have `to_int` of its x"),
        ("activation(|x| x.value);", "`activation`: x is a symbol in a formula"),
        ("activation(|x| x[0]);", "`activation`: x is a symbol in a formula"),
        ("activation(|x| tan(x));", "a formula cannot have `tan` of its x"),
        ("activation(|x, y| x);", "`activation` calls its closure with one argument, x"),
        ("activation(|| 1.0);", "`activation` calls its closure with one argument, x"),
        ("activation(|x| 1.0);", "the closure gives 1.0, and not a formula in its x"),
        ("activation(|x| x ** 0);", "the same number for every x"),
        ("activation(|x| x * (0.0 / 0.0));", "`*` of x and NaN; a formula has finite numbers"),
        ("activation(|x| { let y = x; activation(|z| { y + z }); x });", "of the x of two activations"),
        ("activation(|x| { let y = x; for i in 0..100 { y = tanh(y) + y * i; } y });", "operations; at most"),
        ("activation(\"relo\");", "there is no activation named `relo` | did you mean `relu`?"),
        ("leaky_relu(1.0 / 0.0);", "the slope is inf; it must be a finite number"),
        ("mean_field(linear(2, 2), #{ weight_var: 1 });", "mean-field theory is about an activation, and linear"),
    ] {
        let found = refusal(script);
        assert!(found.contains(expected), "{script}\n  says  {found}\n  not   {expected}");
    }
    let (outcome, _) = Place::new().run("activation(|x| (exp(x) - exp(-x)) / (exp(x) + exp(-x)));");
    assert_eq!(outcome.status, Status::Done);
    let warning = outcome.diagnostics.iter().find(|said| said.message.contains("is NaN in single precision"));
    assert!(
        warning.is_some_and(|warning| warning.message.contains("from |x| = 90 on") && warning.place.is_some()),
        "{:?}",
        outcome.diagnostics
    );
}
