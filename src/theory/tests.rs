use super::*;

fn named(name: &str) -> Nonlinearity {
    Nonlinearity::named(name).unwrap()
}

fn at(activation: &Nonlinearity, weight_var: f64, bias_var: f64) -> MeanField {
    mean_field(activation, weight_var, bias_var).unwrap()
}

#[track_caller]
fn close(a: f64, b: f64, tolerance: f64) {
    assert!(a == b || (a / b - 1.0).abs() <= tolerance, "{a} and {b}: {:.1e} apart", (a / b - 1.0).abs());
}

/// All that a point says, compared number by number; scales lose the digits that 1 − slope loses.
#[track_caller]
fn same(a: MeanField, b: MeanField, tolerance: f64) {
    for (x, y) in [(a.q, b.q), (a.chi, b.chi), (a.chi_q, b.chi_q), (1.0 + a.c, 1.0 + b.c), (a.chi_c, b.chi_c)] {
        close(x, y, tolerance);
    }
    close(a.xi_c, b.xi_c, tolerance * (1.0 + a.xi_c.abs()));
    assert_eq!(a.phase, b.phase);
}

const POINTS: [(f64, f64); 9] = [
    (0.5, 0.05),
    (1.0, 0.05),
    (1.76, 0.05),
    (1.77, 0.05),
    (2.5, 0.05),
    (4.0, 0.05),
    (1.06, 2e-5),
    (0.9, 0.0),
    (30.0, 1.0),
];

#[test]
fn tanh_has_its_known_critical_points() {
    let tanh = named("tanh");
    for (bias_var, weight_var, q) in [(0.05, 1.760_954_639_6, 0.570_047_88), (2e-5, 1.049_911_632, 0.025_873_538_32)] {
        let point = critical_point(&tanh, bias_var).unwrap();
        close(point.weight_var, weight_var, 1e-10);
        close(point.q, q, 1e-8);
        let there = at(&tanh, point.weight_var, bias_var);
        assert_eq!((there.phase, there.c, there.xi_c), (Phase::Critical, 1.0, f64::INFINITY));
        close(there.q, point.q, 1e-12);
    }
    close(critical_weight_var(&tanh, 0.0).unwrap(), 1.0, 1e-14);
}

#[test]
fn tanh_without_bias_follows_its_series() {
    // E[tanh²] = q − 2q² + 17q³/3 − …, so q* = δ/2 + … just above criticality.
    let (tanh, delta) = (named("tanh"), 1e-5);
    let point = at(&tanh, 1.0 + delta, 0.0);
    close(point.q, delta / 2.0, 1e-4);
    // An odd activation without bias takes any two inputs apart altogether.
    assert_eq!((point.c, point.phase), (0.0, Phase::Chaotic));
    assert!(point.xi_c > 1e3 && point.xi_c.is_finite());
}

#[test]
fn correlation_scale_diverges_as_one_over_the_distance() {
    // ξ_c = 1/|1 − χ_c|, and χ_c − 1 ≈ −(χ₁ − 1) on the chaotic side: the slope of a parabola at its two roots.
    let tanh = named("tanh");
    let critical = critical_weight_var(&tanh, 0.05).unwrap();
    for distance in [1e-4, 1e-6, 1e-8] {
        let (below, above) = (at(&tanh, critical - distance, 0.05), at(&tanh, critical + distance, 0.05));
        assert_eq!((below.phase, above.phase), (Phase::Ordered, Phase::Chaotic));
        close(above.xi_c, below.xi_c, 10.0 * distance + 3e-15 * above.xi_c);
        assert!(above.c < 1.0 && above.c > 1.0 - 20.0 * distance);
    }
}

#[test]
fn quadrature_agrees_with_closed_forms() {
    let scale = libm::sqrt(std::f64::consts::PI) / 2.0;
    let pairs = [
        (named("erf"), Nonlinearity::custom("my erf", libm::erf).unwrap()),
        (named("erf_unit_slope"), Nonlinearity::custom("my erf, slope 1", |x| libm::erf(scale * x)).unwrap()),
        (named("relu"), Nonlinearity::custom("my relu", |x| x.max(0.0)).unwrap()),
        (named("linear"), Nonlinearity::custom("my line", |x| x).unwrap()),
    ];
    for (closed, sampled) in &pairs {
        for (weight_var, bias_var) in POINTS {
            same(at(sampled, weight_var, bias_var), at(closed, weight_var, bias_var), 2e-12);
        }
    }
    for bias_var in [2e-5, 0.05, 1.0] {
        let (a, b) = (critical_point(&pairs[0].0, bias_var).unwrap(), critical_point(&pairs[0].1, bias_var).unwrap());
        close(a.weight_var, b.weight_var, 1e-12);
        close(a.decay, b.decay, 1e-10);
    }
}

#[test]
fn a_closure_does_what_its_formula_does() {
    let softplus_less = |x: f64| libm::log(1.0 + libm::exp(x)) - libm::log(2.0);
    assert_eq!(at(&Nonlinearity::custom("shifted softplus", softplus_less).unwrap(), 3.0, 0.0).phase, Phase::Ordered);
    for name in ["tanh", "gelu", "silu", "sigmoid"] {
        let formula = named(name);
        let closure = Nonlinearity::custom(name, |x| formula.value(x)).unwrap();
        for (weight_var, bias_var) in POINTS {
            same(at(&closure, weight_var, bias_var), at(&formula, weight_var, bias_var), 2e-12);
        }
        for x in [-700.0, -3.3, -1e-3, 0.0, 0.7, 40.0] {
            assert!((closure.value(x) - formula.value(x)).abs() < 1e-13);
        }
    }
}

#[test]
fn kinks_are_dealt_with() {
    // Hard tanh: E[φ'²] = erf(1/√2q), E[φ²] = q (erf(1/√2q) − √(2/πq) e^(−1/2q)) + erfc(1/√2q).
    let hard = Nonlinearity::custom("hard tanh", |x: f64| x.clamp(-1.0, 1.0)).unwrap();
    for (weight_var, bias_var) in POINTS {
        let point = at(&hard, weight_var, bias_var);
        if point.q > 0.0 {
            let inside = libm::erf(1.0 / (2.0 * point.q).sqrt());
            let edge = (2.0 / (std::f64::consts::PI * point.q)).sqrt() * libm::exp(-0.5 / point.q);
            let square = point.q * (inside - edge) + 1.0 - inside;
            close(point.chi, weight_var * inside, 1e-12);
            close(point.q, weight_var * square + bias_var, 1e-12);
        }
    }
    // 1 − c* by quadrature in two dimensions (E over s of Var over ξ of φ(√q(√c s + √(1−c) ξ)), in closed form in ξ).
    for (weight_var, gap, tolerance) in [
        (4.0, 0.910_050_112_165_4, 1e-12),
        (1.265_544_689_635_874, 0.091_501_155_072_433, 5e-12),
        (1.175_544_689_635_873_9, 0.001_498_548_097_24, 3e-4),
        (1.166_544_689_635_873_8, 1.583_924_610_1e-5, 3e-4),
    ] {
        close(1.0 - at(&hard, weight_var, 0.05).c, gap, tolerance);
    }
    assert_eq!(critical_point(&hard, 0.05).unwrap().decay, 0.0);
}

#[test]
fn edges_are_results() {
    let (tanh, relu) = (named("tanh"), named("relu"));
    let dead = at(&tanh, 0.0, 0.05);
    assert_eq!((dead.q, dead.chi, dead.c, dead.xi_c, dead.phase), (0.05, 0.0, 1.0, 0.0, Phase::Ordered));
    assert_eq!(at(&tanh, 0.0, 0.0).q, 0.0);
    let shrinking = at(&tanh, 0.7, 0.0);
    assert_eq!((shrinking.q, shrinking.c, shrinking.phase), (0.0, 1.0, Phase::Ordered));
    close(shrinking.chi, 0.7, 1e-14);
    assert_eq!(at(&tanh, 1.0, 0.0).phase, Phase::Critical);

    for weight_var in [2.0, 3.0] {
        let point = at(&relu, weight_var, 0.05);
        assert_eq!((point.phase, point.q, point.chi), (Phase::Unbounded, f64::INFINITY, weight_var / 2.0));
    }
    // He initialisation: critical, at whatever length the input has.
    let he = at(&relu, 2.0, 0.0);
    assert!(he.phase == Phase::Critical && he.q.is_nan() && he.xi_c == f64::INFINITY);
    assert_eq!(critical_weight_var(&relu, 0.0).unwrap(), 2.0);
    let leaky = Nonlinearity::custom("leaky relu", |x: f64| x.max(0.1 * x)).unwrap();
    let critical = critical_weight_var(&leaky, 0.0).unwrap();
    close(critical, 2.0 / 1.01, 1e-12);
    assert!(at(&leaky, critical, 0.0).q.is_nan());
    assert_eq!(at(&leaky, 2.0, 0.05).phase, Phase::Unbounded);

    // Large variances are slow, not wrong: tanh tends to the sign, for which E[φφ] = (2/π) asin c.
    let steep = at(&tanh, 1e6, 0.0);
    close(steep.q, 1e6, 1e-2);
    assert!(steep.c == 0.0 && (steep.chi_c - std::f64::consts::FRAC_2_PI).abs() < 1e-2);
}

#[test]
fn mistakes_are_named() {
    let tanh = named("tanh");
    for (weight_var, bias_var, expected) in [
        (-1.0, 0.05, "weight_var is -1, but it must be from 0 to 1e6"),
        (1.0, f64::NAN, "bias_var is NaN, but it must be from 0 to 1e6"),
        (f64::INFINITY, 0.0, "weight_var is inf, but it must be from 0 to 1e6"),
    ] {
        assert_eq!(mean_field(&tanh, weight_var, bias_var).unwrap_err().message, expected);
    }
    assert!(critical_point(&named("relu"), 0.05).unwrap_err().message.contains("no critical weight variance"));
    let error = Nonlinearity::named("tanth").unwrap_err();
    assert_eq!(error.hints[0], "did you mean `tanh`?");
    assert!(error.hints[1].contains("erf_unit_slope"));
    let error = Nonlinearity::custom("step", |x| if x > 0.0 { 1.0 } else { 0.0 }).unwrap_err();
    assert!(error.message.starts_with("activation `step` jumps at 0"));
}

/// erf(z) of a normal z with variance 1/2 is uniform on (−1, 1): its entropy cannot be exceeded.
#[test]
fn the_line_of_uniformity_of_erf_is_in_closed_form() {
    let erf = Nonlinearity::named("erf").unwrap();
    for bias_var in [0.0, 0.05, 0.3] {
        // E[erf²] at q = 1/2 is the second moment of a uniform distribution, 1/3.
        let found = uniform_weight_var(&erf, bias_var).unwrap();
        assert!((found - 3.0 * (0.5 - bias_var)).abs() < 1e-6, "{found}");
    }
    assert!(uniform_weight_var(&erf, 0.6).is_err());
    assert!(uniform_weight_var(&Nonlinearity::named("relu").unwrap(), 0.05).is_err());
    // tanh is close to erf of the same slope: q* ≈ 2/π.
    let tanh = Nonlinearity::named("tanh").unwrap();
    let theory = mean_field(&tanh, uniform_weight_var(&tanh, 0.05).unwrap(), 0.05).unwrap();
    assert!((0.55..0.95).contains(&theory.q), "{}", theory.q);
}
