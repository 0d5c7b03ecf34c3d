//! What a script shows, as the live page sees it: each thing with its place in the script, drawn as far as its results are
//! there, and what lies behind each of its points.

use std::sync::Arc;

use serde::Serialize;

use super::Records;
use super::diagnostic::Place;
use super::later::Curve;
use super::plot::{Behind, PlotKind};
use super::shown::Shown;
use super::table::{Content, Row, Table, readable};
use super::verdict::Verdict;
use crate::executor::Computed;
use crate::figure::Figure;
use crate::work::{Described, Fingerprint, Target};
use crate::{Error, Result};

/// One thing that a script shows, and the place that asked for it.
#[derive(Debug, Clone)]
pub struct Exhibit {
    pub(crate) shown: Shown,
    pub(crate) place: Option<Place>,
}

/// All that a script shows, in its order.
pub type Exhibits = Arc<[Exhibit]>;

/// A point of a figure, as the page names it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    /// Of a heatmap.
    Cell { column: usize, row: usize },
    /// Of curves.
    Point { series: usize, i: usize },
    /// Of a sheet.
    Image(usize),
}

/// What lies behind a point.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Axes and values in words.
    pub parameters: Vec<(String, String)>,
    /// From 1, where the value is one of a curve over depth.
    pub depth: Option<usize>,
    pub result: Option<Described>,
}

/// What is told of a result when its description is no longer kept.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The seeds that its numbers come from, in words.
    pub seeds: Option<String>,
    /// The reconstruction that it was measured on, if it was.
    pub reconstruction: Option<Fingerprint>,
}

/// What the page lists of an exhibit.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Label {
    pub kind: &'static str,
    pub name: String,
    pub title: String,
    /// The kind of figure.
    pub drawing: &'static str,
}

impl Exhibit {
    pub(crate) fn label(&self) -> Label {
        let (kind, name, title, drawing) = match &self.shown {
            Shown::Figure { plot, path } => {
                let drawing = match plot.kind {
                    PlotKind::Heatmap { .. } => "heatmap",
                    PlotKind::Lines { .. } => "lines",
                    PlotKind::Images { .. } => "images",
                };
                ("figure", path.display().to_string(), plot.title.clone(), drawing)
            }
            Shown::Table { path, .. } => ("table", path.display().to_string(), String::new(), ""),
            Shown::Verdict(_) => ("verdict", "verdict".to_owned(), String::new(), ""),
            Shown::Weights { path, .. } => ("weights", path.display().to_string(), String::new(), ""),
        };
        Label { kind, name, title, drawing }
    }

    /// What has to be computed for it.
    pub(crate) fn targets(&self) -> Vec<Target> {
        self.shown.targets()
    }

    /// The figure, as far as it is there; of what is not one, none.
    pub(crate) fn figure(&self, computed: &Computed) -> Result<Option<Figure>> {
        match &self.shown {
            Shown::Figure { plot, .. } => plot.figure(computed).map(Some),
            _ => Ok(None),
        }
    }

    /// The table's records, as far as they are there, and which of its columns vary.
    pub(crate) fn records(&self, computed: &Computed) -> Option<(Records, Vec<bool>)> {
        let Shown::Table { table, .. } = &self.shown else { return None };
        let records = table.records(computed);
        let varies = |i: usize| {
            i >= table.axes.len() || records.1.iter().any(|row| readable(&row[i]) != readable(&records.1[0][i]))
        };
        let varying = (0..records.0.len()).map(varies).collect();
        Some((records, varying))
    }

    /// A table as text in CSV.
    pub(crate) fn csv(&self, computed: &Computed) -> Result<Vec<u8>> {
        match &self.shown {
            Shown::Table { table, .. } => super::shown::csv(table, computed),
            Shown::Figure { plot, .. } => Ok(plot.figure(computed)?.csv()?.into_bytes()),
            _ => Err(Error::new("only figures and tables have numbers to save")),
        }
    }

    /// The verdict's words, once all its points are there.
    pub(crate) fn words(&self, computed: &Computed) -> Option<Result<String>> {
        let Shown::Verdict(verdict) = &self.shown else { return None };
        let is_there = |target: &Target| computed.contains_key(&target.result.fingerprint());
        verdict.targets().iter().all(is_there).then(|| verdict.words(computed))
    }

    /// What lies behind a point of it; nothing behind one that it does not have.
    pub(crate) fn sources(&self, at: At) -> Result<Vec<Source>> {
        match &self.shown {
            Shown::Figure { plot, .. } => Ok(plot.behind(at)?.into_iter().map(Source::of).collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// The same with the names of results in place of their descriptions, which are large; `hear` hears each of them.
    pub(crate) fn named(&self, hear: &mut dyn FnMut(&Described)) -> Self {
        let name = &mut |described: &Described| {
            hear(described);
            Described::name_of(described)
        };
        let shown = match &self.shown {
            Shown::Figure { plot, path } => Shown::Figure { plot: plot.renamed(name), path: path.clone() },
            Shown::Table { table, path } => Shown::Table { table: table.renamed(name), path: path.clone() },
            Shown::Verdict(verdict) => {
                Shown::Verdict(Verdict { table: verdict.table.renamed(name), ..verdict.clone() })
            }
            Shown::Weights { .. } => self.shown.clone(),
        };
        Self { shown, place: self.place.clone() }
    }

    /// The fingerprints of what has to be computed for it, each with its point in words.
    pub(crate) fn points(&self) -> Vec<(String, Fingerprint)> {
        self.targets().into_iter().map(|target| (target.point, target.result.fingerprint())).collect()
    }
}

impl Facts {
    /// Of a description that is still whole.
    pub fn of(result: &Described) -> Self {
        let reconstruction = reconstruction(result);
        Self {
            seeds: seeds(reconstruction.as_ref().unwrap_or(result)),
            reconstruction: reconstruction.map(|reconstruction| reconstruction.fingerprint()),
        }
    }
}

impl Source {
    fn of(behind: Behind) -> Self {
        match behind {
            Behind::Row { table, row, depth } => {
                let names = table.axes.iter().map(|axis| axis.name.clone());
                let result = Content::of_row(&row).source().cloned();
                Self { parameters: names.zip(row.point.iter().map(readable)).collect(), depth, result }
            }
            Behind::Result { result, depth } => Self { parameters: Vec::new(), depth, result: Some(result) },
        }
    }
}

/// The reconstruction that a value was measured on, if it was.
fn reconstruction(result: &Described) -> Option<Described> {
    /// A curve is a few steps of arithmetic from the entropy, and that one from the reconstruction.
    const STEPS: usize = 8;
    let mut level = vec![result.clone()];
    for _ in 0..STEPS {
        if let Some(found) = level.iter().find(|described| described.operation().name() == "cascade.reconstruct") {
            return Some(found.clone());
        }
        level = level
            .iter()
            .filter(|described| matches!(described.operation().name(), "entropy" | "curve"))
            .flat_map(|described| described.operation().inputs())
            .collect();
    }
    None
}

/// The seeds that a description names, in words.
fn seeds(described: &Described) -> Option<String> {
    fn collect(value: &serde_json::Value, seeds: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| match value {
                serde_json::Value::Number(seed) if key == "seed" => seeds.push(seed.to_string()),
                value => collect(value, seeds),
            }),
            serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, seeds)),
            _ => {}
        }
    }
    let mut seeds = Vec::new();
    collect(&described.description(), &mut seeds);
    seeds.sort();
    seeds.dedup();
    (!seeds.is_empty()).then(|| seeds.join(", "))
}

/// A table and its row, for [`Behind`].
pub(super) fn behind(table: &Table, row: &Row, depth: Option<usize>) -> Behind {
    let is_curve = row.value.as_ref().is_ok_and(rhai::Dynamic::is::<Curve>);
    Behind::Row { table: table.clone(), row: row.clone(), depth: depth.filter(|_| is_curve) }
}
