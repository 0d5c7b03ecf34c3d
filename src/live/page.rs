//! The page's files, embedded in the program: it works with the network unplugged.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

macro_rules! files {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("page/", $name)))),*] };
}

const FILES: &[(&str, &str)] = files![
    "index.html",
    "board.js",
    "card.js",
    "cards.css",
    "details.js",
    "diagnostics.js",
    "edit.js",
    "element.js",
    "figure.js",
    "header.js",
    "history.js",
    "icon.svg",
    "keys.js",
    "looked.js",
    "looking.js",
    "main.js",
    "near.js",
    "panels.css",
    "picture.js",
    "plot.js",
    "printed.js",
    "regions.js",
    "stream.js",
    "style.css",
    "table.js",
    "theme.js",
    "tooltip.js",
    "verdict.js",
    "views.js",
    "words.js",
    "zoom.js",
];

/// A file of the page; no path of a request reaches the file system.
pub(super) fn file(name: &str) -> Response {
    let Some((_, text)) = FILES.iter().find(|(known, _)| *known == name) else {
        return (StatusCode::NOT_FOUND, "there is no such page\n").into_response();
    };
    let kind = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    };
    ([(header::CONTENT_TYPE, kind)], *text).into_response()
}
