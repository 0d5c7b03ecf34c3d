//! The page's server, on the loopback address only. A reader is sent what changed since its last event, so a reader that
//! stops reading takes no memory. Pictures are drawn when they are requested.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use axum::extract::{Path as Parts, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use futures_util::stream::{self, Stream};
use serde_json::json;
use tokio::sync::watch;

use super::Signal;
use super::approval::Approval;
use super::connection::{Connections, SILENCE};
use super::edits::{EditLog, Revision};
use super::guard::{self, Hosts};
use super::token::token;
use crate::executor::Computed;
use crate::figure::Hit;
use crate::page::{self, Details, File, Repaint};
use crate::print::err;
use crate::script::{Host, Shown};
use crate::{Error, Result};

/// Ports that are tried first, in this order: after a restart the same one is found, and an open page connects again.
const PORTS: std::ops::Range<u16> = 4870..4890;
/// Shortest time between two batches of progress.
const PACE: Duration = Duration::from_millis(100);

/// The server. It runs until the program ends.
pub(super) struct Server {
    address: SocketAddr,
    /// See [`super::token`].
    token: String,
}

/// What the handlers share.
pub(super) struct AppState {
    pub edits: Arc<EditLog>,
    pub details: Details,
    pub signals: Sender<Signal>,
    pub approval: Arc<Approval>,
}

type Shared = State<Arc<AppState>>;

fn listen(port: Option<u16>) -> Result<TcpListener> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    match port {
        Some(port) => bind(port).map_err(|error| {
            Error::new(format!("cannot serve the page on port {port}: {error}")).hint("name another: --port N")
        }),
        None => {
            PORTS.map(bind).find_map(std::io::Result::ok).map_or_else(|| bind(0), Ok).map_err(|error| {
                Error::new(format!("cannot serve the page on this machine's loopback address: {error}"))
            })
        }
    }
}

impl Server {
    pub fn start(
        edits: Arc<EditLog>,
        host: &Host,
        script: &Path,
        signals: Sender<Signal>,
        approval: Arc<Approval>,
        port: Option<u16>,
    ) -> Result<Self> {
        let failed = |error: std::io::Error| Error::new(format!("cannot serve the page: {error}"));
        let listener = listen(port)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let details = Details::new(host, host.given(script))?;
        let app = Arc::new(AppState { edits, details, signals, approval });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let token = token()?;
        let router = router(app, address, &token);
        std::thread::spawn(move || {
            runtime.block_on(async move {
                match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => {
                        let connections = Connections { listener, silence: SILENCE };
                        if let Err(error) = axum::serve(connections, router).await {
                            err!("error: the page is no longer served: {error}");
                        }
                    }
                    Err(error) => err!("error: the page cannot be served: {error}"),
                }
            });
        });
        Ok(Self { address, token })
    }

    pub fn address(&self) -> String {
        format!("http://{}/{}/", self.address, self.token)
    }
}

pub(super) fn router(app: Arc<AppState>, address: SocketAddr, token: &str) -> Router {
    let at = |path: &str| format!("/{token}{path}");
    let hosts = Arc::new(Hosts::new(address));
    let send = |signal| move |State(app): Shared| async move { app.send(signal) };
    Router::new()
        .route(&at("/"), get(|| async { page_file("index.html") }))
        .route(&at("/{file}"), get(|Parts(file): Parts<String>| async move { page_file(&file) }))
        .route(&at("/events"), get(events))
        .route(&at("/edits/{edit}/items/{item}"), get(item))
        .route(&at("/edits/{edit}/items/{item}/{what}"), get(point))
        .route(&at("/pause"), post(send(Signal::Pause)))
        .route(&at("/resume"), post(send(Signal::Resume)))
        .route(
            &at("/go"),
            post(|State(app): Shared| async move {
                let current = app.edits.lock().current();
                app.approval.approve(current);
                StatusCode::NO_CONTENT
            }),
        )
        .fallback(|| async { (StatusCode::NOT_FOUND, "open the whole address that the program printed\n") })
        .with_state(app)
        .layer(middleware::from_fn(move |request, next| guard::guard(hosts.clone(), request, next)))
}

impl AppState {
    fn send(&self, signal: Signal) -> StatusCode {
        // The watch may be about to end.
        let _ = self.signals.send(signal);
        StatusCode::NO_CONTENT
    }

    /// An output of an edit, with the results that are there.
    fn output(&self, edit: usize, item: usize) -> Option<(Shown, Computed)> {
        let log = self.edits.lock();
        let edit = log.edits.get(&edit)?;
        let shown = edit.outputs.as_ref()?.get(item)?.clone();
        Some((shown, edit.computed.clone()))
    }
}

/// One reader of the page's stream.
struct Reader {
    app: Arc<AppState>,
    revisions: watch::Receiver<Revision>,
    /// The revision that it has seen.
    seen: Revision,
    /// Events of that revision that are not sent yet.
    pending: std::vec::IntoIter<Event>,
    last_batch: tokio::time::Instant,
}

impl Reader {
    /// The next event. Waits until there is one.
    async fn next(mut self) -> Option<(std::result::Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.pending.next() {
                return Some((Ok(event), self));
            }
            let Revision { all, urgent } = self.seen;
            let now = *self.revisions.wait_for(|now| now.all > all).await.ok()?;
            if now.urgent == urgent {
                // Progress alone waits for the next batch, or for something urgent.
                let more = self.revisions.wait_for(|now| now.urgent != urgent);
                let _ = tokio::time::timeout_at(self.last_batch + PACE, more).await;
            }
            self.seen.urgent = self.revisions.borrow_and_update().urgent;
            let (news, seen) = self.app.edits.news(all);
            self.seen.all = seen;
            self.last_batch = tokio::time::Instant::now();
            let event = |(name, data): (&str, serde_json::Value)| Event::default().event(name).data(data.to_string());
            self.pending = news.into_iter().map(event).collect::<Vec<_>>().into_iter();
        }
    }
}

async fn events(State(app): Shared) -> Sse<impl Stream<Item = std::result::Result<Event, Infallible>>> {
    let reader = Reader {
        revisions: app.edits.subscribe(),
        app,
        seen: Revision::default(),
        pending: Vec::new().into_iter(),
        last_batch: tokio::time::Instant::now(),
    };
    Sse::new(stream::unfold(reader, Reader::next)).keep_alive(KeepAlive::default())
}

fn refused(status: StatusCode, error: &Error) -> Response {
    (status, axum::Json(json!({ "error": error.message, "hints": error.hints }))).into_response()
}

fn not_found() -> Response {
    refused(StatusCode::NOT_FOUND, &Error::new("there is no such figure any more"))
}

/// Draws on a thread of its own; the response says how long that took.
#[expect(clippy::disallowed_methods, reason = "the drawing time is reported")]
async fn drawn(draw: impl FnOnce() -> Result<Response> + Send + 'static) -> Response {
    let timed = || {
        let started = std::time::Instant::now();
        let mut response = draw()?;
        let timing = format!("draw;dur={:.3}", started.elapsed().as_secs_f64() * 1e3);
        response.headers_mut().extend(timing.parse().map(|timing| (HeaderName::from_static("server-timing"), timing)));
        Ok(response)
    };
    match tokio::task::spawn_blocking(timed).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => refused(StatusCode::UNPROCESSABLE_ENTITY, &error),
        Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR, &Error::new("this could not be drawn")),
    }
}

/// What an output has at an address.
fn found(file: Option<File>) -> Response {
    file.map_or_else(not_found, guard::drawn)
}

/// A file of the page itself.
fn page_file(name: &str) -> Response {
    page::file(name).map_or_else(
        || (StatusCode::NOT_FOUND, "there is no such page\n").into_response(),
        |file| ([(header::CONTENT_TYPE, file.media)], file.bytes).into_response(),
    )
}

/// A figure or table in the form that its address ends in: `0.svg`.
async fn item(
    State(app): Shared,
    Parts((edit, name)): Parts<(usize, String)>,
    Query(repaint): Query<Repaint>,
) -> Response {
    let Some((number, ending)) = name.split_once('.') else { return not_found() };
    let Some((shown, computed)) = number.parse().ok().and_then(|item| app.output(edit, item)) else {
        return not_found();
    };
    let ending = ending.to_owned();
    drawn(move || page::item(&shown, &computed, &ending, &repaint).map(found)).await
}

/// What lies behind a value of a figure, as JSON (`point`) or as pictures.
async fn point(
    State(app): Shared,
    Parts((edit, item, what)): Parts<(usize, usize, String)>,
    Query(hit): Query<Hit>,
) -> Response {
    let Some((shown, computed)) = app.output(edit, item) else { return not_found() };
    let address = format!("edits/{edit}/items/{item}");
    drawn(move || page::point(&app.details, (&shown, &computed), &what, hit, &address).map(found)).await
}
