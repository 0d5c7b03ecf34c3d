//! Tables and sweeps where a script alone cannot say it: `--only`, large tables, Parquet.

use super::scripted::{Place, assert_says, text};
use entroscope::script::Status;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

#[test]
fn only_chooses_among_points_that_are_no_grid() {
    let mut place = Place::new();
    let script = r#"
        print(sweep([zip([axis("a", [1, 2, 2]), axis("b", ["x", "y", "z"])]), axis("seed", [0, 1])]).map(|p| `${p.a}${p.b}${p.seed}`).values());
        let points = random(40, 1, #{ weight_var: log_uniform(0.3, 4), bias_var: log_uniform(1e-3, 1) });
        print(sweep(points).map(|p| p.bias_var).values());
    "#;
    let mut only = |chosen: &[(&str, &str)]| {
        place.settings.only = chosen.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        place.run(script)
    };
    let (_, all) = only(&[]);
    assert_eq!(all[0], r#"["1x0", "1x1", "2y0", "2y1", "2z0", "2z1"]"#);
    let fourth = all[1].trim_matches(['[', ']']).split(", ").nth(3).unwrap();
    let (outcome, left) = only(&[("a", "2"), ("seed", "1"), ("bias_var", fourth)]);
    assert_eq!(outcome.status, Status::Done, "{:?}", outcome.diagnostics);
    assert_eq!(left, [r#"["2y1", "2z1"]"#.to_owned(), format!("[{fourth}]")]);
    let (outcome, _) = only(&[("a", "1"), ("b", "y")]);
    assert_says(
        &text(&outcome.diagnostics),
        &["--only a=1 --only b=y: no point of the sweep has these values together"],
    );
    let (outcome, _) = only(&[("bias_var", "7")]);
    assert_says(&text(&outcome.diagnostics), &["--only bias_var=7: the axis \"bias_var\" has no such value"]);
}

/// Work that grows with the square of 200,000 rows would take hours.
#[test]
fn joins_and_groups_of_many_rows_take_linear_time() {
    let mut place = Place::new();
    place.settings.limits.seconds = 120.0;
    let (outcome, printed) = place.run(
        r#"
        let points = random(200000, 0, #{ x: uniform(0, 1), n: integers(1, 1000000000) });
        let t = sweep(points).where(|p| p.x < 2).map(|p| p.x);
        print(t.len);
        print((t - t).max_over(["x", "n"]).values());
        print(t.mean_over("x").len == t.count_over("x").len);
        print(spearman(t, t.map(|x, p| 2 * x)));
        print(table(#{ a: t, b: 2 * t }).without_holes().column("b").len);
        print(t.sort(true).where(|p| p.x < 0.5).len < 101000);
        "#,
    );
    assert_eq!(outcome.status, Status::Done, "{:?}", outcome.diagnostics);
    assert_eq!(printed, ["200000", "[0.0]", "true", "1.0", "200000", "true"]);
}

#[test]
fn parquet_has_a_column_of_one_type_for_every_column() {
    let place = Place::new();
    let (outcome, _) = place.run(
        r#"
        let t = sweep([axis("seed", [0, 1]), axis("weight_var", [1, 2.5]), axis("name", ["é", "b"])]).map(|p|
            if p.seed == 1 && p.name == "b" { throw "no" } else { #{ n: p.seed * 10, x: 1.0 * p.weight_var / p.seed, yes: p.seed == 1, mixed: if p.seed == 0 { 1 } else { "one" } } });
        t.save("t.parquet");
        "#,
    );
    assert_eq!(outcome.status, Status::PointsFailed, "{:?}", outcome.diagnostics);
    let file = SerializedFileReader::new(std::fs::File::open(place.path("out/t.parquet")).unwrap()).unwrap();
    let rows: Vec<String> = file.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    assert_eq!(rows.len(), 8);
    assert_eq!(rows[0], r#"{seed: 0, weight_var: 1.0, name: "é", mixed: "1", n: 0, x: inf, yes: false}"#);
    assert_eq!(rows[7], r#"{seed: 1, weight_var: 2.5, name: "b", mixed: null, n: null, x: null, yes: null}"#);
    let types = file.metadata().file_metadata().schema_descr();
    let types: Vec<String> = types.columns().iter().map(|column| column.physical_type().to_string()).collect();
    assert_eq!(types, ["INT64", "DOUBLE", "BYTE_ARRAY", "BYTE_ARRAY", "INT64", "DOUBLE", "BOOLEAN"]);
}
