//! Figures by their data: what is drawn, written and saved, and that nothing a script can produce breaks them.

use entroscope::figure::{
    Axis, Band, Bars, By, Cell, Colour, Colouring, Contrast, Dash, Figure, Heatmap, Histogram, Image, Images, Kind,
    Lines, Look, Note, Palette, Panels, Part, Quantity, Rect, Scatter, Series, Shape, Share,
};
use std::path::Path;

fn heatmap() -> Heatmap {
    Heatmap {
        x: Axis::new("weight_var"),
        y: Axis::new("depth"),
        colour: Colouring { value: "differential_entropy".into(), ..Colouring::default() },
        xs: vec![0.5, 1.76],
        ys: vec![1.0, 2.0, 3.0],
        cells: vec![
            vec![Cell::Value(-6.5), Cell::Value(f64::NEG_INFINITY), Cell::Failed],
            vec![Cell::Value(0.1 + 0.2), Cell::Value(f64::NAN)],
        ],
        lines: vec![Series::new("6 ξ_c", vec![0.5, 1.76], vec![2.5, f64::INFINITY])],
        ..Heatmap::default()
    }
}

#[test]
fn heatmap_as_one_tidy_table() {
    let csv = Figure::new("", heatmap()).csv().unwrap();
    assert_eq!(
        csv,
        "series,weight_var,depth,value,status\n\
         differential_entropy,0.5,1,-6.5,ok\n\
         differential_entropy,0.5,2,-inf,ok\n\
         differential_entropy,0.5,3,,failed\n\
         differential_entropy,1.76,1,0.30000000000000004,ok\n\
         differential_entropy,1.76,2,nan,ok\n\
         differential_entropy,1.76,3,,missing\n\
         6 ξ_c,0.5,2.5,,line\n\
         6 ξ_c,1.76,inf,,line\n"
    );
}

#[test]
fn lines_bars_and_images_as_tables() {
    let plain = Series::new("a, b", vec![1.0], vec![1e-7]);
    let banded = Series {
        band: Some(Band { lo: vec![f64::NEG_INFINITY], hi: vec![3.0] }),
        ..Series::new("c", vec![2.0], vec![2.0])
    };
    let lines = Lines { x: Axis::new("depth"), series: vec![plain, banded], ..Lines::default() };
    assert_eq!(Figure::new("", lines).csv().unwrap(), "series,depth,y,lo,hi\n\"a, b\",1,1e-7,,\nc,2,2,-inf,3\n");
    let bars = Bars { xs: vec![1.0], heights: vec![30.0], values: vec![Cell::Value(0.4)], ..Bars::default() };
    assert_eq!(Figure::new("", bars).csv().unwrap(), "series,x,y,value\nbars,1,30,0.4\n");
    let images = vec![
        Image::new("one", [1, 2], vec![0.1, f32::NAN]).unwrap(),
        Image::new("", [3, 1, 1], vec![1.0, 2.0, 3.0]).unwrap(),
    ];
    let csv = Figure::new("", Images { images, ..Images::default() }).csv().unwrap();
    assert_eq!(
        csv,
        "image,label,channel,height,width,0,1\n0,one,0,1,2,0.1,nan\n1,,0,1,1,1,\n1,,1,1,1,2,\n1,,2,1,1,3,\n"
    );
}

/// The CSV's records without its head.
fn records(figure: &Figure) -> Vec<Vec<String>> {
    let csv = figure.csv().unwrap();
    csv.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// All digits of each quantity of one value, and the status of its own.
fn record(part: &Part, i: usize, j: usize) -> (Vec<String>, &'static str) {
    let number = |quantity: &Quantity| {
        let index = match quantity.by {
            By::Part => 0,
            By::I => i,
            By::J => j,
            By::Cell => i * part.rows + j,
        };
        assert_eq!(quantity.texts[index], quantity.values[index].words());
        quantity.values[index].record()
    };
    let value = number(&part.quantities[part.value.unwrap()]);
    let numbers = part.quantities.iter().filter(|quantity| !quantity.values.is_empty());
    (numbers.map(|quantity| number(quantity).0).collect(), value.1)
}

/// An attribute of one tag's text.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

/// The tags of this name.
fn tags<'a>(svg: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    svg.split('<').filter(move |text| text.starts_with(name))
}

/// The filled rectangles of an SVG, each with its fill.
fn painted(svg: &str) -> Vec<(Rect, String)> {
    let rectangle = |shape: &str| {
        let n: Vec<f64> = shape.split(|c: char| "hvz ".contains(c)).filter_map(|n| n.parse().ok()).collect();
        Rect { left: n[0], top: n[1], right: n[0] + n[2], bottom: n[1] + n[3] }
    };
    let paths = tags(svg, "path").filter_map(|tag| Some((attribute(tag, "fill")?, attribute(tag, "d")?)));
    let cells = paths.filter(|(fill, path)| *fill != "none" && path.ends_with('z'));
    cells.flat_map(|(fill, path)| path[1..].split('M').map(|shape| (rectangle(shape), fill.to_owned()))).collect()
}

/// Whether `inner` lies in `outer`, to the digits of an SVG.
fn holds(outer: Rect, inner: Rect) -> bool {
    let room = 0.02;
    inner.left >= outer.left - room
        && inner.right <= outer.right + room
        && inner.top >= outer.top - room
        && inner.bottom <= outer.bottom + room
}

/// The paint of the cell in this rectangle.
fn fill(painted: &[(Rect, String)], cell: Rect) -> &str {
    assert!(cell.width() > 1.0 && cell.height() > 1.0, "{cell:?}");
    let found: Vec<_> = painted.iter().filter(|(rect, _)| holds(*rect, cell)).collect();
    assert_eq!(found.len(), 1, "{cell:?}");
    &found[0].1
}

#[test]
fn regions_of_a_heatmap_are_its_cells() {
    // Out of order, one column twice (the later one is drawn), one place that a logarithmic axis does not have.
    let xs = vec![4.0, 1.0, 0.0, 4.0];
    let cell = |column: usize, row: usize| match (column, row) {
        (0, 1) => Cell::Failed,
        (1, 0) => Cell::Value(f64::NEG_INFINITY),
        (1, 1) => Cell::Missing,
        _ => Cell::Value((column * 10 + row) as f64 / 3.0),
    };
    let cells = (0..xs.len()).map(|column| (0..2).map(|row| cell(column, row)).collect()).collect();
    let x = Axis { log: true, ..Axis::new("weight_var") };
    let lines = heatmap().lines;
    let figure = Figure::new("", Heatmap { x, xs, ys: vec![2.0, 1.0], cells, lines, ..heatmap() });
    let regions = figure.regions().unwrap();
    let painted = painted(&figure.svg().unwrap());
    let Shape::Grid { across, upward, columns, rows } = &regions.parts[0].shape else { panic!("{regions:?}") };
    assert_eq!((&columns[..], &rows[..]), (&[1, 3][..], &[1, 0][..]));
    let frame = regions.frames[0];
    let edges = Rect { left: across[0], right: across[2], top: upward[2], bottom: upward[0] };
    assert!(holds(frame.rect(), edges) && holds(edges, frame.rect()), "{edges:?} {frame:?}");

    let records = records(&figure);
    for (column, &i) in columns.iter().enumerate() {
        for (row, &j) in rows.iter().enumerate() {
            let (left, right) = (across[column], across[column + 1]);
            let paint = fill(&painted, Rect { left, right, top: upward[row + 1], bottom: upward[row] });
            let (numbers, status) = record(&regions.parts[0], i, j);
            assert_eq!(records[i * 2 + j][1..], [&numbers[..], &[status.to_owned()]].concat());
            match cell(i, j) {
                Cell::Diverged => assert_eq!(paint, "url(#entroscope-diverged)"),
                Cell::Failed => assert_eq!(paint, "url(#entroscope-failed)"),
                Cell::Missing => assert_eq!(paint, "url(#entroscope-missing)"),
                Cell::Value(v) if v.is_finite() => assert!(paint.starts_with('#'), "{paint}"),
                Cell::Value(_) => assert_eq!(paint, "url(#entroscope-neg-inf)"),
            }
        }
    }
    // The curve over the cells, whose second point runs out at the top.
    let Shape::Points { points } = &regions.parts[1].shape else { panic!("{regions:?}") };
    assert!(points[1].unwrap().1 < frame.top);
    assert_eq!(record(&regions.parts[1], 1, 0).0, ["1.76", "inf"]);
}

#[test]
fn regions_of_curves_are_their_points() {
    let band = Band { lo: vec![0.5, 1.5, 2.5], hi: vec![1.5, 2.5, 3.5] };
    let first = Series { band: Some(band), ..Series::new("a", vec![1.0, 2.0, 3.0], vec![1.0, 2.0, 3.0]) };
    let second = Series::new("b", vec![1.0, 2.0], vec![3.0, f64::NAN]);
    let figure = Figure::new("", Lines { series: vec![first, second], ..Lines::default() });
    let (regions, svg) = (figure.regions().unwrap(), figure.svg().unwrap());
    let records = records(&figure);
    let all: Vec<(usize, usize)> = (0..3).map(|i| (0, i)).chain([(1, 0), (1, 1)]).collect();
    for (record_of, (part, i)) in all.into_iter().enumerate() {
        let Shape::Points { points } = &regions.parts[part].shape else { panic!("{regions:?}") };
        let (numbers, _) = record(&regions.parts[part], i, 0);
        assert_eq!(records[record_of][1..=numbers.len()], numbers);
        // A value that a line cannot show is marked, and can be pointed at.
        assert!(points[i].is_some());
        if let (0, Some((x, y))) = (part, points[i]) {
            let place = format!("{} {}", (x * 100.0).round() / 100.0, (y * 100.0).round() / 100.0);
            assert!(
                tags(&svg, "path").any(|tag| attribute(tag, "d").is_some_and(|path| path.contains(&place))),
                "{place}: {svg}"
            );
        }
    }
}

#[test]
fn regions_of_bars_and_images_are_their_rectangles() {
    let xs = vec![3.0, 1.0, 2.0];
    let bars = Bars {
        xs,
        heights: vec![3.0, f64::NAN, 2.0],
        values: [1.0, 2.0, 3.0].map(Cell::Value).to_vec(),
        ..Bars::default()
    };
    let figure = Figure::new("", bars);
    let regions = figure.regions().unwrap();
    let painted = painted(&figure.svg().unwrap());
    let Shape::Boxes { drawn, reach, .. } = &regions.parts[0].shape else { panic!("{regions:?}") };
    let fills = [0, 2].map(|i| fill(&painted, drawn[i].unwrap()));
    assert_ne!(fills[0], fills[1]);
    assert_eq!(drawn[1].unwrap().height(), 0.0);
    assert!(drawn.iter().zip(reach).all(|(drawn, reach)| holds(reach.unwrap(), drawn.unwrap())));
    for (i, its) in records(&figure).into_iter().enumerate() {
        assert_eq!(its[1..], record(&regions.parts[0], i, 0).0);
    }

    let image = |label: &str, shape: [usize; 3]| Image::new(label, shape, vec![0.5; shape.iter().product()]).unwrap();
    let images = vec![image("one", [1, 4, 2]), image("", [3, 2, 4]), image("none", [1, 0, 2])];
    let figure = Figure::new("", Images { images, columns: 2, ..Images::default() });
    let (regions, svg) = (figure.regions().unwrap(), figure.svg().unwrap());
    let Shape::Boxes { drawn, columns: 2, .. } = &regions.parts[0].shape else { panic!("{regions:?}") };
    let numbers = |name: &str| -> Vec<f64> {
        tags(&svg, "image").map(|tag| attribute(tag, name).unwrap().parse().unwrap()).collect()
    };
    let (x, y, width, height) = (numbers("x"), numbers("y"), numbers("width"), numbers("height"));
    for i in 0..2 {
        let rect = Rect { left: x[i], top: y[i], right: x[i] + width[i], bottom: y[i] + height[i] };
        assert!(holds(rect, drawn[i].unwrap()) && holds(drawn[i].unwrap(), rect), "{rect:?}");
    }
    assert_eq!(drawn[2], None);
    let texts = |quantity: usize| &regions.parts[0].quantities[quantity].texts;
    assert_eq!(texts(0)[..2], ["one", "image 2 of 3"]);
    assert_eq!(texts(1)[..2], ["4 × 2", "2 × 4, colour"]);
}

#[test]
fn what_has_no_colour_is_marked_and_explained() {
    let svg = Figure::new("Where & why", heatmap()).svg().unwrap();
    for mark in ["#entroscope-neg-inf)", "#entroscope-nan)", "#entroscope-failed)", "#entroscope-missing)"] {
        assert!(svg.contains(mark), "{mark}");
    }
    for text in [">−∞<", ">NaN<", ">failed<", ">not computed<", "Where &amp; why", "6 ξ<tspan"] {
        assert!(svg.contains(text), "{text}");
    }
    // The axis reads σ_w², not weight_var.
    assert!(svg.contains("σ<tspan") && !svg.contains("weight_var"));
    let whole = Heatmap { cells: vec![vec![Cell::Value(1.0); 3]; 2], ..heatmap() };
    assert!(!Figure::new("", whole).svg().unwrap().contains("entroscope-failed"));
}

/// What diverged is drawn and told otherwise than what failed, and than another NaN.
#[test]
fn a_diverged_training_is_a_hole_of_its_own_kind() {
    let cells = vec![vec![Cell::Diverged, Cell::Failed, Cell::Value(f64::NAN), Cell::Value(1.0)]];
    let map = Figure::new("", Heatmap { xs: vec![1.0], ys: vec![1.0, 2.0, 3.0, 4.0], cells, ..Heatmap::default() });
    let svg = map.svg().unwrap();
    for hatch in ["diverged", "failed", "nan"] {
        assert!(svg.contains(&format!("url(#entroscope-{hatch})")), "{hatch}");
    }
    assert!(svg.contains(">diverged<") && svg.contains(">failed<") && svg.contains(">NaN<"));
    let csv = map.csv().unwrap();
    assert!(csv.contains(",nan,diverged\n") && csv.contains(",,failed\n") && csv.contains(",nan,ok\n"), "{csv}");
    assert_eq!(map.regions().unwrap().parts[0].quantities[2].texts[..3], ["diverged", "failed", "not a number"]);

    let y = vec![1.0, f64::NAN, f64::NAN];
    let curve = Series { diverged: vec![1], ..Series::new("a", vec![1.0, 2.0, 3.0], y.clone()) };
    let lines = Figure::new("", Lines { series: vec![curve], ..Lines::default() });
    let csv = lines.csv().unwrap();
    assert!(csv.contains("2,nan,diverged\n") && csv.contains("3,nan,ok\n"), "{csv}");
    let values = vec![Cell::Diverged, Cell::Value(1.0), Cell::Value(2.0)];
    let bars = Bars { xs: vec![1.0, 2.0, 3.0], heights: y, diverged: vec![2], values, ..Bars::default() };
    let bars = Figure::new("", bars);
    let csv = bars.csv().unwrap();
    assert!(csv.contains("1,1,nan,diverged\n") && csv.contains("2,nan,1,ok\n"), "{csv}");
    assert!(csv.contains("3,nan,2,diverged\n") && bars.svg().unwrap().contains("url(#entroscope-diverged)"));
    for (figure, what) in [(lines, "values"), (bars, "heights")] {
        assert!(figure.svg().unwrap().contains(">diverged<"));
        let told = figure.left_out().unwrap().concat();
        let diverged = format!("1 of 3 {what} of y is of diverged trainings");
        assert!(told.contains(&diverged) && told.contains(&format!("1 of 3 {what} of y is NaN")), "{told}");
        let texts = &figure.regions().unwrap().parts[0].quantities;
        assert!(texts.iter().any(|quantity| quantity.texts.contains(&"diverged".to_owned())), "{texts:?}");
    }
}

#[test]
fn bars_have_whiskers_where_their_ends_differ() {
    let whiskers = Some(Band { lo: vec![1.0, 2.0, f64::NAN], hi: vec![3.0, 2.0, f64::NAN] });
    let bars = Bars { xs: vec![1.0, 2.0, 3.0], heights: vec![2.0; 3], whiskers, ..Bars::default() };
    let with = Figure::new("", bars.clone());
    let strokes = |figure: &Figure| tags(&figure.svg().unwrap(), "path").count();
    let without = strokes(&Figure::new("", Bars { whiskers: None, ..bars.clone() }));
    // Three strokes with an edge each, of the one whisker that has a length.
    assert!(strokes(&with) >= without + 6);
    assert!(with.csv().unwrap().contains("bars,1,2,1,3\n"));
    let wrong = Bars { whiskers: Some(Band { lo: vec![1.0], hi: vec![] }), ..bars };
    let error = Figure::new("", wrong).svg().unwrap_err();
    assert!(error.message.contains("3 bars, but 1 and 0 ends"), "{error}");
}

#[test]
fn figures_survive_json() {
    let series = Series {
        band: Some(Band { lo: vec![0.0], hi: vec![f64::INFINITY] }),
        diverged: vec![0],
        colour: Some(Colour(1, 2, 3)),
        dash: Some(Dash::DashDot),
        ..Series::new("a", vec![1.0], vec![f64::NEG_INFINITY])
    };
    let image = Image::new("i", [1, 1], vec![0.1]).unwrap();
    for kind in [
        Kind::from(Heatmap {
            cells: vec![vec![Cell::Value(1.5), Cell::Failed, Cell::Missing, Cell::Value(f64::NEG_INFINITY)]],
            ys: vec![1.0; 4],
            colour: Colouring { clip: (None, Some(2.0)), palette: Palette::Magma, ..Colouring::default() },
            ..heatmap()
        }),
        Kind::from(Lines {
            series: vec![Series { level: Some(f64::INFINITY), ..series }],
            family: Some(Colouring { log: true, ..Colouring::default() }),
            ..Lines::default()
        }),
        Kind::from(Scatter {
            xs: vec![1.0],
            ys: vec![f64::INFINITY],
            values: vec![Cell::Failed],
            ..Scatter::default()
        }),
        Kind::from(Histogram { values: vec![f64::NEG_INFINITY], bins: 3, ..Histogram::default() }),
        Kind::from(Panels {
            rows: vec![vec![Figure::new("a", Lines::default())]],
            letters: true,
            share: Share::default(),
        }),
        Kind::from(Bars {
            xs: vec![1.0],
            heights: vec![f64::INFINITY],
            diverged: vec![0],
            whiskers: Some(Band { lo: vec![0.0], hi: vec![f64::INFINITY] }),
            values: vec![Cell::Diverged],
            ..Bars::default()
        }),
        Kind::from(Images { images: vec![image], columns: 1, contrast: Contrast::Range(0.0, 2.0) }),
    ] {
        let look = Look { size: Some((80.0, 60.0)), aspect: Some(1.0), without_legend: true };
        let notes = vec![Note::Across { y: 1.0, label: "one".into() }];
        let figure = Figure { look, notes, ..Figure::new("t", kind) };
        let json = serde_json::to_string(&figure).unwrap();
        assert_eq!(serde_json::from_str::<Figure>(&json).unwrap(), figure, "{json}");
    }
    let json = serde_json::to_value([Cell::Value(1.5), Cell::Failed, Cell::Missing, Cell::Value(f64::NAN)]).unwrap();
    assert_eq!(json, serde_json::json!([1.5, "failed", null, "nan"]));
}

#[test]
fn saving_writes_both_pictures_and_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let figure = Figure::new("", heatmap());
    for (asked, names) in
        [("phase.svg", ["phase.svg", "phase.png", "phase.csv"]), ("b.c.PNG", ["b.c.PNG", "b.c.svg", "b.c.csv"])]
    {
        let written = figure.save(&folder.path().join(asked)).unwrap();
        assert_eq!(written, names.map(|name| folder.path().join(name)));
    }
    // Over an old file, and with nothing left aside.
    figure.save(&folder.path().join("phase.svg")).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 6);
    let written = figure.save(&folder.path().join("phase.pdf")).unwrap();
    assert_eq!(written, ["phase.pdf", "phase.svg", "phase.png", "phase.csv"].map(|name| folder.path().join(name)));
    assert!(std::fs::read(&written[0]).unwrap().starts_with(b"%PDF"));
    assert!(std::fs::read(folder.path().join("phase.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn saving_says_what_is_wrong_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let figure = Figure::new("", heatmap());
    let error = figure.save(Path::new("phase.jpg")).unwrap_err();
    assert!(error.message.contains("phase.jpg") && error.hints[0].contains(".svg, .png or .pdf"), "{error:?}");
    assert!(figure.save(Path::new("phase")).unwrap_err().message.contains("no ending"));
    // A folder below a file cannot be made.
    std::fs::write(folder.path().join("file"), "").unwrap();
    let missing = folder.path().join("file/phase.svg");
    let error = figure.save(&missing).unwrap_err();
    assert!(error.message.contains(missing.with_extension("").to_str().unwrap()), "{error:?}");
    // A folder where the file should be: the file aside is removed again.
    let inner = folder.path().join("inner");
    std::fs::create_dir_all(inner.join("phase.csv")).unwrap();
    figure.save(&inner.join("phase.svg")).unwrap_err();
    assert_eq!(std::fs::read_dir(inner).unwrap().count(), 1);
}

#[test]
fn lists_of_different_length_are_refused() {
    let short = Series::new("short", vec![1.0, 2.0], vec![1.0]);
    let error = Figure::new("", Lines { series: vec![short], ..Lines::default() }).svg().unwrap_err();
    assert!(error.message.contains("\"short\"") && error.message.contains("2 x values"), "{error:?}");
    let wide = Heatmap { xs: vec![1.0], ..heatmap() };
    assert!(Figure::new("", wide).png().unwrap_err().message.contains("2 columns"));
    assert!(Image::new("", [2, 2, 2], vec![0.0; 8]).unwrap_err().message.contains("[2, 2, 2]"));
    assert!(Image::new("", [2, 2], vec![0.0; 5]).unwrap_err().message.contains("5 pixels"));
    let huge = Images { images: vec![Image::new("", [1, 40_000], vec![0.0; 40_000]).unwrap()], ..Images::default() };
    assert!(Figure::new("", huge).svg().unwrap_err().message.contains("too large"));
}

#[test]
fn colours_and_palettes_by_name() {
    assert_eq!(Colour::parse("#9e0142").unwrap(), Palette::named("spectral").unwrap().colour(0.0));
    assert_eq!(Palette::Spectral.colour(7.0).to_string(), "#5e4fa2");
    assert!(Colour::parse("#12345g").is_err() && Colour::parse("#+12345").is_err());
    assert!(Palette::named("jet").unwrap_err().hints[0].contains("viridis"));
}

#[test]
fn many_cells_become_a_picture_inside_the_svg() {
    let ramp = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
    let cells = (0..300).map(|i| (0..200).map(|j| Cell::Value(f64::from((i * 7 + j * 13) % 101))).collect()).collect();
    let large = Heatmap { xs: ramp(300), ys: ramp(200), cells, ..heatmap() };
    let figure = Figure::new("", large);
    let svg = figure.svg().unwrap();
    assert!(svg.contains("<image") && svg.len() < 2_000_000, "{} bytes", svg.len());
    assert_eq!(svg, figure.svg().unwrap());
}

/// A small generator of unlikely values.
struct Odd(u64);

impl Odd {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn value(&mut self) -> f64 {
        let odd = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            1.76,
            1e16,
            1e16 + 2.0,
            1e-300,
            5e-324,
            -1e300,
            f64::MAX,
            f64::MIN,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        if self.below(3) == 0 { odd[self.below(odd.len())] } else { self.below(1000) as f64 / 37.0 - 10.0 }
    }

    fn list(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.value()).collect()
    }

    fn some(&mut self) -> Option<f64> {
        (self.below(4) == 0).then(|| self.value())
    }

    fn label(&mut self) -> String {
        let labels = ["", "weight_var", "σ_w²", "_", "^", "a_{", "x^{}_", "<&\">\u{1}", "²", "_²", "日本", "word "];
        labels[self.below(labels.len())].repeat(1 + self.below(2) * self.below(60))
    }

    fn axis(&mut self) -> Axis {
        let (log, label) = (self.below(3) == 0, (self.below(2) == 0).then(|| self.label()));
        let words = if self.below(6) == 0 { (0..self.below(5)).map(|_| self.label()).collect() } else { Vec::new() };
        let ticks = (self.below(5) == 0).then(|| self.list(4));
        Axis {
            name: self.label(),
            label,
            log,
            min: self.some(),
            max: self.some(),
            ticks,
            words,
            down: self.below(4) == 0,
        }
    }

    fn series(&mut self) -> Vec<Series> {
        let one = |odd: &mut Self| {
            let n = odd.below(6);
            let band = (odd.below(2) == 0).then(|| Band { lo: odd.list(n), hi: odd.list(n) });
            Series { band, level: odd.some(), ..Series::new(odd.label(), odd.list(n), odd.list(n)) }
        };
        (0..self.below(4)).map(|_| one(self)).collect()
    }

    fn colouring(&mut self) -> Colouring {
        let palette = [Palette::Viridis, Palette::Spectral, Palette::Greys][self.below(3)];
        let (clip, reversed, log) = ((self.some(), self.some()), self.below(2) == 0, self.below(4) == 0);
        Colouring { value: self.label(), palette, reversed, clip, log }
    }

    fn cell(&mut self) -> Cell {
        match self.below(8) {
            0 => Cell::Failed,
            1 => Cell::Missing,
            2 => Cell::Diverged,
            _ => Cell::Value(self.value()),
        }
    }

    fn notes(&mut self) -> Vec<Note> {
        let note = |odd: &mut Self| match odd.below(4) {
            0 => Note::Across { y: odd.value(), label: odd.label() },
            1 => Note::Upright { x: odd.value(), label: odd.label() },
            2 => Note::Words { x: odd.value(), y: odd.value(), text: odd.label() },
            _ => Note::Arrow { from: (odd.value(), odd.value()), to: (odd.value(), odd.value()), label: odd.label() },
        };
        (0..self.below(3)).map(|_| note(self)).collect()
    }

    fn chart(&mut self) -> Kind {
        let (w, h) = (self.below(6), self.below(6));
        match self.below(5) {
            0 => {
                let cells = (0..w).map(|_| (0..self.below(h + 1)).map(|_| self.cell()).collect()).collect();
                let (xs, ys, lines) = (self.list(w), self.list(h), self.series());
                let (x, y, colour) = (self.axis(), self.axis(), self.colouring());
                Heatmap { x, y, colour, xs, ys, cells, lines, ..Heatmap::default() }.into()
            }
            1 => {
                let family = (self.below(2) == 0).then(|| self.colouring());
                Lines { x: self.axis(), y: self.axis(), series: self.series(), family }.into()
            }
            2 => {
                let values = if self.below(2) == 0 { Vec::new() } else { (0..w).map(|_| self.cell()).collect() };
                let (xs, heights, lines) = (self.list(w), self.list(w), self.series());
                let (x, y, colour) = (self.axis(), self.axis(), self.colouring());
                let whiskers = (self.below(2) == 0).then(|| Band { lo: self.list(w), hi: self.list(w) });
                let diverged = (0..w).filter(|_| self.below(3) == 0).collect();
                Bars { x, y, colour, xs, heights, diverged, whiskers, values, lines }.into()
            }
            3 => {
                let values = if self.below(2) == 0 { Vec::new() } else { (0..w).map(|_| self.cell()).collect() };
                let (xs, ys, lines) = (self.list(w), self.list(w), self.series());
                let labels = if self.below(2) == 0 { Vec::new() } else { (0..w).map(|_| self.label()).collect() };
                let (x, y, colour) = (self.axis(), self.axis(), self.colouring());
                Scatter { x, y, xs, ys, labels, colour, values, lines }.into()
            }
            _ => {
                let (values, bins, lines) = (self.list(w), self.below(5), self.series());
                Histogram { x: self.axis(), y: self.axis(), values, bins, lines }.into()
            }
        }
    }

    fn images(&mut self) -> Images {
        let one = |odd: &mut Self| {
            let shape = [[1, 3][odd.below(2)], odd.below(5), odd.below(5)];
            let pixels = odd.list(shape.iter().product()).iter().map(|v| *v as f32).collect();
            Image::new(odd.label(), shape, pixels).unwrap()
        };
        let contrast = Contrast::Range(self.value() as f32, self.value() as f32);
        let contrast = [Contrast::Each, Contrast::Unit, contrast][self.below(3)];
        Images { images: (0..self.below(6)).map(|_| one(self)).collect(), columns: self.below(4), contrast }
    }

    fn figure(&mut self) -> Figure {
        let one = |odd: &mut Self| Figure { notes: odd.notes(), ..Figure::new(odd.label(), odd.chart()) };
        let kind = match self.below(8) {
            0 => self.images().into(),
            1 => {
                let rows = (0..=self.below(3)).map(|_| (0..=self.below(3)).map(|_| one(self)).collect()).collect();
                let share = Share { x: false, y: false, colour: false, legend: self.below(2) == 0 };
                Panels { rows, share, letters: self.below(2) == 0 }.into()
            }
            _ => self.chart(),
        };
        let size = (self.below(4) == 0).then(|| (30.0 + self.below(200) as f64, 30.0 + self.below(200) as f64));
        let aspect = (self.below(4) == 0).then(|| 0.1 + self.below(30) as f64 / 10.0);
        let look = Look { size, aspect, without_legend: self.below(5) == 0 };
        Figure { look, notes: self.notes(), ..Figure::new(self.label(), kind) }
    }
}

/// The SVG's tags without the text and data between them.
fn places(svg: &str) -> String {
    let tags = svg.split('<').filter_map(|part| part.split_once('>')).map(|(tag, _)| tag);
    tags.filter(|tag| !tag.starts_with("image") && !tag.starts_with("style")).collect()
}

#[test]
fn odd_figures_are_drawn() {
    let mut odd = Odd(1);
    for round in 0..400 {
        let figure = odd.figure();
        let svg = figure.svg().unwrap_or_else(|error| panic!("{error}: {figure:?}"));
        let places = places(&svg);
        // "NaN" and "inf" parse as well, and are refused like places far outside the page.
        let far = places.split(|c: char| " \"(),=/MLhvz".contains(c));
        assert!(far.filter_map(|n| n.parse::<f64>().ok()).all(|n| n.abs() < 1e5), "{places}\n{figure:?}");
        figure.csv().unwrap();
        figure.regions().unwrap();
        figure.left_out().unwrap();
        if round % 8 == 0 {
            assert!(figure.pdf().unwrap().starts_with(b"%PDF"));
            assert!(figure.png().unwrap().starts_with(b"\x89PNG"));
        }
    }
}

fn lines_over(name: &str, values: Vec<f64>) -> Figure {
    let places = (0..values.len()).map(|i| i as f64).collect();
    let (x, y) = (Axis::new(name), Axis::new("loss"));
    Figure::new(name, Lines { x, y, series: vec![Series::new("", places, values)], ..Lines::default() })
}

#[test]
fn panels_line_up_and_share_what_they_are_told_to() {
    let rows = vec![
        vec![lines_over("step", vec![1.0, 5.0]), lines_over("step", vec![100_000.0, 3.0])],
        vec![lines_over("step", vec![0.0, 1.0, 2.0])],
    ];
    let share = Share { x: true, y: true, ..Share::default() };
    let mut figure = Figure::new("all", Panels { rows, share, letters: true });
    let regions = figure.regions().unwrap();
    let [a, b, c] = regions.frames[..] else { panic!("{regions:?}") };
    assert_eq!((a.top, a.bottom, a.left, a.right), (b.top, b.bottom, c.left, c.right));
    assert_eq!((a.y.lo, a.y.hi, a.x.hi), (c.y.lo, c.y.hi, b.x.hi));
    assert_eq!(regions.parts.iter().map(|part| part.panel).collect::<Vec<_>>(), [0, 1, 2]);
    let svg = figure.svg().unwrap();
    assert!(["(a) step", "(b) step", "(c) step", ">all<"].iter().all(|text| svg.contains(text)), "{svg}");
    // The axis to the right is labelled under the lowest panels: (b) has none below it.
    assert_eq!(svg.matches(">step<").count(), 2);
    assert_eq!(figure.csv().unwrap().lines().take(2).collect::<Vec<_>>(), ["panel,series,step,loss", "a,,0,1"]);
    let Kind::Panels(panels) = &mut figure.kind else { panic!() };
    panels.rows[1][0] = lines_over("depth", vec![1.0]);
    let error = figure.svg().unwrap_err();
    assert!(error.message.contains("share \"x\"") && error.message.contains("\"step\""), "{error:?}");
}

#[test]
fn one_colour_bar_stands_for_all_panels() {
    let cells = |value: f64| vec![vec![Cell::Value(value)]];
    let one =
        |value: f64| Heatmap { xs: vec![1.0], ys: vec![1.0], cells: cells(value), lines: Vec::new(), ..heatmap() };
    let rows = vec![vec![Figure::new("", one(0.0)), Figure::new("", one(10.0))]];
    let share = Share { colour: true, ..Share::default() };
    let mut figure = Figure::new("", Panels { rows, share, letters: false });
    let svg = figure.svg().unwrap();
    assert_eq!(svg.matches(">differential entropy<").count(), 1);
    let (low, high) = (Palette::Viridis.colour(0.0).to_string(), Palette::Viridis.colour(1.0).to_string());
    for colour in [&low, &high] {
        assert!(svg.contains(colour), "{colour}: {svg}");
    }
    figure.repaint(Palette::Greys, true);
    let svg = figure.svg().unwrap();
    assert!(!svg.contains(&low) && svg.contains("#000000") && svg.contains("#ffffff"));
}

#[test]
fn what_a_line_cannot_show_is_marked_and_counted() {
    let figure = lines_over("step", vec![1.0, f64::NEG_INFINITY, f64::NAN, f64::INFINITY, 2.0]);
    let svg = figure.svg().unwrap();
    assert!([">−∞<", ">+∞<", ">NaN<"].iter().all(|text| svg.contains(text)), "{svg}");
    let regions = figure.regions().unwrap();
    let Shape::Points { points } = &regions.parts[0].shape else { panic!("{regions:?}") };
    let frame = regions.frames[0];
    let low = frame.bottom - 20.0;
    assert!(points[1].unwrap().1 > low && points[2].unwrap().1 > low && points[3].unwrap().1 < frame.top + 20.0);
    assert_eq!(figure.left_out().unwrap()[1], "1 of 5 values of loss is −∞ and marked at the edge of the axes");
}

#[test]
fn a_family_of_curves_has_a_colour_bar_in_place_of_a_legend() {
    let curve = |i: usize| Series {
        level: Some(10f64.powi(i as i32)),
        ..Series::new(format!("line {i}"), vec![0.0, 1.0], vec![i as f64; 2])
    };
    let family = Some(Colouring { value: "alpha".into(), log: true, ..Colouring::default() });
    let lines = Lines { series: (0..9).map(curve).collect(), family, ..Lines::default() };
    let svg = Figure::new("", lines).svg().unwrap();
    assert!(svg.contains(">alpha<") && !svg.contains("line 3"), "{svg}");
    assert!(svg.contains(&format!("stroke=\"{}\"", Palette::Viridis.colour(0.0))));
}

#[test]
fn the_first_row_of_a_matrix_is_at_the_top() {
    let y = Axis { down: true, ..Axis::new("row") };
    let cells = vec![vec![Cell::Value(1.0), Cell::Value(2.0)]];
    let figure =
        Figure::new("", Heatmap { y, xs: vec![0.0], ys: vec![0.0, 1.0], cells, lines: Vec::new(), ..heatmap() });
    let regions = figure.regions().unwrap();
    let Shape::Grid { upward, rows, .. } = &regions.parts[0].shape else { panic!("{regions:?}") };
    assert_eq!(rows[..], [1, 0]);
    assert!(upward[0] > upward[1] && upward[1] > upward[2], "{upward:?}");
    assert_eq!(record(&regions.parts[0], 0, rows[1]).0, ["0", "0", "1"]);
}

#[test]
fn a_size_in_millimetres_is_the_size_on_paper() {
    let figure = Figure { look: Look { size: Some((85.0, 60.0)), ..Look::default() }, ..Figure::new("", heatmap()) };
    let svg = figure.svg().unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("width=\"85mm\" height=\"60mm\""), "{}", &svg[..200]);
    let pdf = String::from_utf8_lossy(&figure.pdf().unwrap()).into_owned();
    assert!(pdf.contains("/MediaBox [0 0 240.94"), "{}", pdf.lines().find(|line| line.contains("MediaBox")).unwrap());
}
