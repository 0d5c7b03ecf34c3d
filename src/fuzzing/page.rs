//! Requests to the live page.

use std::path::Path;

use super::{Reader, folder, settings, write};
use crate::live::fuzzing::{PORT, Page, TOKEN};
use crate::script::Host;

/// One output of every kind, in little work.
const SHOWN: &str = r#"
    let data = dataset("glyphs", #{ size: 4 });
    let found = sweep([axis("weight_var", [1.0, 2.0]), axis("seed", [1, 2])]).map(|p| {
        let net = mlp::wide(16, 4, 3).init(#{ weight_var: p.weight_var, bias_var: 0.05, seed: p.seed });
        cascade(net, data.train.take(30), #{ solver: "ridge" }).reconstruct(data.test.take(4)).mse()
    });
    found.save("table.csv");
    heatmap(found.mean_over("seed"), #{ x: "weight_var", y: "depth" }).save("phase.svg");
    lines(found, #{ x: "depth", over: "seed" }).save("lines.png");
    images([data.test.take(2)]).save("pictures.svg");
    let last = found.map(|curve| curve.last);
    panels([[scatter(last), histogram(last)]]).save("panels.pdf");
    bars(last.mean_over("seed"), #{ x: "weight_var" }).save("bars.svg");
    verdict(found.mean_over("seed"), #{ level: 0.1 });"#;

pub(super) fn open(place: &Path) -> Reader {
    folder(&place.join("project"));
    let script = place.join("project/script.rhai");
    write(&script, SHOWN.as_bytes());
    let page = Page::new(&Host::new(settings(place)), &script);
    Box::new(move |bytes| page.answer(bytes))
}

/// Requests that the page sends, and some that it does not.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let host = format!("host: 127.0.0.1:{PORT}\r\n");
    let get = |path: &str| format!("GET /{TOKEN}{path} HTTP/1.1\r\n{host}\r\n");
    let paths = [
        "/",
        "/page.js",
        "/nothing.css?x=%ff",
        "/edits/1/items/0.csv",
        "/edits/1/items/0.json",
        "/edits/1/items/1.svg",
        "/edits/1/items/2.json",
        "/edits/1/items/3.csv",
        "/edits/1/items/4.pdf",
        "/edits/1/items/1.svg?palette=greys&reversed=true",
        "/edits/1/items/4/point?part=1&i=1&j=0",
        "/edits/1/items/1/point?part=0&i=1&j=2",
        "/edits/1/items/1/pictures.svg?part=0&i=0&j=1",
        "/edits/1/items/2/point?part=1&i=18446744073709551615&j=0",
        "/edits/1/items/3/point?part=0&i=0&j=0",
    ];
    let buttons = ["/pause", "/resume", "/go"].map(|path| {
        format!("POST /{TOKEN}{path} HTTP/1.1\r\n{host}x-entroscope: 1\r\norigin: http://localhost:{PORT}\r\nsec-fetch-site: same-origin\r\n\r\n")
    });
    let others = [
        format!("GET /{TOKEN}/events HTTP/1.1\r\n{host}accept: text/event-stream\r\n\r\n"),
        format!("HEAD /{TOKEN}/ HTTP/1.0\r\n{host}connection: keep-alive\r\n\r\n{}", get("/")),
        format!("POST /{TOKEN}/go HTTP/1.1\r\n{host}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        format!("POST /{TOKEN}/go HTTP/1.1\r\n{host}content-length: 3\r\nexpect: 100-continue\r\n\r\nabc"),
        "GET http://evil.example/ HTTP/1.1\r\nhost: evil.example\r\norigin: null\r\n\r\n".to_owned(),
    ];
    paths.iter().map(|path| get(path)).chain(buttons).chain(others).map(String::into_bytes).collect()
}
