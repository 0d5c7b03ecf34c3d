//! Mean-field theory against fixed points and scales computed elsewhere by two other methods, to ten printed digits.

use super::reference;
use entroscope::theory::{Nonlinearity, Phase, critical_point, mean_field};

/// Relative; ten digits round by up to half of it.
const TOLERANCE: f64 = 1e-9;

/// The rows of a table in `tests/reference` as (column name, cell) pairs.
fn table(file: &str) -> Vec<Vec<(String, String)>> {
    let text = std::fs::read_to_string(reference::path(file)).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let names: Vec<_> = lines.next().expect("a header").collect();
    let rows: Vec<Vec<_>> = lines.map(|cells| names.iter().cloned().zip(cells).collect()).collect();
    assert!(rows.len() > 5, "{file} has {} rows", rows.len());
    rows
}

fn cell<'a>(row: &'a [(String, String)], name: &str) -> &'a str {
    &row.iter().find(|(column, _)| column == name).unwrap_or_else(|| panic!("no column {name}")).1
}

fn number(row: &[(String, String)], name: &str) -> f64 {
    cell(row, name).parse().unwrap_or_else(|_| panic!("{name} is {}", cell(row, name)))
}

/// Returns the relative deviation.
fn check(row: &[(String, String)], name: &str, ours: f64) -> f64 {
    let theirs = number(row, name);
    if ours == theirs || (ours.is_nan() && theirs.is_nan()) {
        return 0.0;
    }
    let deviation = (ours / theirs - 1.0).abs();
    assert!(deviation <= TOLERANCE, "{name}: {ours:.12} here, {theirs} there ({deviation:.1e} off) in {row:?}");
    deviation
}

#[test]
fn mean_field_agrees_with_the_reference_tables() {
    for name in ["tanh", "erf", "erf_unit_slope", "relu"] {
        let rows = table(&format!("mean_field_{name}.csv"));
        let activation = Nonlinearity::named(name).unwrap();
        let mut worst = 0.0_f64;
        for row in &rows {
            let point = mean_field(&activation, number(row, "sigma_w2"), number(row, "sigma_b2")).unwrap();
            for (column, ours) in [
                ("q_star", point.q),
                ("chi_1", point.chi),
                ("c_star", point.c),
                ("chi_c", point.chi_c),
                ("xi_c", point.xi_c),
                ("six_xi_c", 6.0 * point.xi_c),
                ("chi_q", point.chi_q),
                ("xi_q", point.xi_q),
                ("xi_grad", point.xi_gradient()),
            ] {
                worst = worst.max(check(row, column, ours));
            }
            let phase = cell(row, "phase");
            if phase.starts_with("q diverges") {
                assert_eq!(point.phase, Phase::Unbounded);
            } else {
                assert_eq!(point.phase.to_string(), phase);
            }
        }
        println!("{name}: at most {worst:.1e} off");
    }
}

#[test]
fn critical_line_agrees_with_the_reference_table() {
    let rows = table("critical_line_tanh.csv");
    let tanh = Nonlinearity::named("tanh").unwrap();
    let mut worst = 0.0_f64;
    for row in &rows {
        let point = critical_point(&tanh, number(row, "sigma_b2")).unwrap();
        for (column, ours) in [
            ("sigma_w2_crit_quad", point.weight_var),
            ("sigma_w2_crit_gh", point.weight_var),
            ("q_star", point.q),
            ("beta_q_lim_l(1-c)", point.decay),
            ("xi_q", point.xi_q),
        ] {
            worst = worst.max(check(row, column, ours));
        }
        let there = mean_field(&tanh, point.weight_var, point.bias_var).unwrap();
        assert_eq!((there.phase, there.xi_c), (Phase::Critical, f64::INFINITY));
    }
    println!("critical line: at most {worst:.1e} off");
}
