//! The page's server: loopback only. A reader gets what changed since it last took something, so that one who stops reading
//! holds no memory; pictures are drawn when they are asked for.

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

use super::board::{Board, Turn};
use super::details::Details;
use super::guard::{self, Names};
use super::watch::Go;
use super::{Happened, page};
use crate::executor::Computed;
use crate::figure::Hit;
use crate::output::Scalar;
use crate::script::{Host, Shown};
use crate::{Error, Result};

/// Where a free port is looked for first: the same one again after a restart, so that an open page finds it.
const PORTS: std::ops::Range<u16> = 4870..4890;
/// Progress is told this often at most.
const PACE: Duration = Duration::from_millis(100);

/// See the module. It ends with the program.
pub(super) struct Server {
    address: SocketAddr,
}

/// What the handlers share.
pub(super) struct Desk {
    board: Arc<Board>,
    details: Details,
    happened: Sender<Happened>,
    go: Arc<Go>,
}

type Shared = State<Arc<Desk>>;

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
        board: Arc<Board>,
        host: &Host,
        script: &Path,
        happened: Sender<Happened>,
        go: Arc<Go>,
        port: Option<u16>,
    ) -> Result<Self> {
        let failed = |error: std::io::Error| Error::new(format!("cannot serve the page: {error}"));
        let listener = listen(port)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let details = Details::new(board.clone(), host, script)?;
        let desk = Arc::new(Desk { board, details, happened, go });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let app = router(desk, address);
        std::thread::spawn(move || {
            runtime.block_on(async move {
                match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => {
                        if let Err(error) = axum::serve(listener, app).await {
                            tracing::error!("the page is served no more: {error}");
                        }
                    }
                    Err(error) => tracing::error!("the page cannot be served: {error}"),
                }
            });
        });
        Ok(Self { address })
    }

    pub fn address(&self) -> String {
        format!("http://{}/", self.address)
    }
}

fn router(desk: Arc<Desk>, address: SocketAddr) -> Router {
    let names = Arc::new(Names::new(address));
    let act = |happened| move |State(desk): Shared| async move { desk.press(happened) };
    Router::new()
        .route("/", get(|| async { page::file("index.html") }))
        .route("/{file}", get(|Parts(file): Parts<String>| async move { page::file(&file) }))
        .route("/events", get(events))
        .route("/edits/{edit}/items/{item}", get(item))
        .route("/edits/{edit}/items/{item}/{what}", get(point))
        .route("/pause", post(act(Happened::Pause)))
        .route("/resume", post(act(Happened::Resume)))
        .route(
            "/go",
            post(|State(desk): Shared| async move {
                let current = desk.board.lock().current();
                desk.go.go(current);
                StatusCode::NO_CONTENT
            }),
        )
        .with_state(desk)
        .layer(middleware::from_fn(move |request, next| guard::guard(names.clone(), request, next)))
}

impl Desk {
    fn press(&self, happened: Happened) -> StatusCode {
        // The watch may be about to end.
        let _ = self.happened.send(happened);
        StatusCode::NO_CONTENT
    }

    /// An exhibit of an edit, and what is computed of it.
    fn exhibit(&self, edit: usize, item: usize) -> Option<(Shown, Computed)> {
        let state = self.board.lock();
        let edit = state.edits.get(&edit)?;
        let exhibit = edit.exhibits.as_ref()?.get(item)?.clone();
        Some((exhibit, edit.computed.clone()))
    }
}

/// One reader of the page's stream: what it has seen.
struct Reader {
    desk: Arc<Desk>,
    turns: watch::Receiver<Turn>,
    seen: u64,
    urgent: u64,
    waiting: std::vec::IntoIter<Event>,
    told: tokio::time::Instant,
}

impl Reader {
    /// The next event, when there is one; the reader takes it when it can.
    async fn next(mut self) -> Option<(std::result::Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.waiting.next() {
                return Some((Ok(event), self));
            }
            let turn = *self.turns.wait_for(|turn| turn.all > self.seen).await.ok()?;
            if turn.urgent == self.urgent {
                let seen = self.urgent;
                // Progress alone can wait, until there is more than that.
                let more = self.turns.wait_for(|turn| turn.urgent != seen);
                let _ = tokio::time::timeout_at(self.told + PACE, more).await;
            }
            self.urgent = self.turns.borrow_and_update().urgent;
            let (news, seen) = self.desk.board.news(self.seen);
            self.seen = seen;
            self.told = tokio::time::Instant::now();
            let event = |(name, data): (&str, serde_json::Value)| Event::default().event(name).data(data.to_string());
            self.waiting = news.into_iter().map(event).collect::<Vec<_>>().into_iter();
        }
    }
}

async fn events(State(desk): Shared) -> Sse<impl Stream<Item = std::result::Result<Event, Infallible>>> {
    let reader = Reader {
        turns: desk.board.watch(),
        desk,
        seen: 0,
        urgent: 0,
        waiting: Vec::new().into_iter(),
        told: tokio::time::Instant::now(),
    };
    Sse::new(stream::unfold(reader, Reader::next)).keep_alive(KeepAlive::default())
}

fn typed(kind: &'static str, bytes: impl Into<axum::body::Body>) -> Response {
    ([(header::CONTENT_TYPE, kind)], bytes.into()).into_response()
}

fn refused(status: StatusCode, error: &Error) -> Response {
    (status, axum::Json(json!({ "error": error.message, "hints": error.hints }))).into_response()
}

fn not_there() -> Response {
    refused(StatusCode::NOT_FOUND, &Error::new("there is no such figure any more"))
}

/// Draws on a thread of its own, and says how long that took.
#[expect(clippy::disallowed_methods, reason = "how long it took is told")]
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

/// A figure as SVG, PNG or CSV, or its regions as JSON; a table as CSV or JSON: `0.svg`.
async fn item(State(desk): Shared, Parts((edit, name)): Parts<(usize, String)>) -> Response {
    let Some((number, ending)) = name.split_once('.') else { return not_there() };
    let Some((exhibit, computed)) = number.parse().ok().and_then(|item| desk.exhibit(edit, item)) else {
        return not_there();
    };
    let ending = ending.to_owned();
    drawn(move || {
        let filled = exhibit.output.fill(&computed)?;
        Ok(match (ending.as_str(), &filled.figure, &filled.records) {
            ("svg", Some(figure), _) => guard::picture(figure.svg()?),
            ("png", Some(figure), _) => typed("image/png", figure.png()?),
            ("json", Some(figure), _) => axum::Json(figure.regions()?).into_response(),
            ("json", None, Some(records)) => {
                let rows: Vec<Vec<_>> =
                    records.rows.iter().map(|row| row.iter().map(Scalar::to_json).collect()).collect();
                let texts: Vec<Vec<_>> =
                    records.rows.iter().map(|row| row.iter().map(Scalar::pretty).collect()).collect();
                let (columns, varying) = (&records.columns, records.varying());
                axum::Json(json!({ "columns": columns, "varying": varying, "rows": rows, "texts": texts }))
                    .into_response()
            }
            ("csv", ..) => filled.csv()?.map_or_else(not_there, |csv| typed("text/csv; charset=utf-8", csv)),
            _ => not_there(),
        })
    })
    .await
}

/// What lies behind a point of a figure, in words or as pictures.
async fn point(
    State(desk): Shared,
    Parts((edit, item, what)): Parts<(usize, usize, String)>,
    Query(hit): Query<Hit>,
) -> Response {
    let Some((exhibit, computed)) = desk.exhibit(edit, item) else { return not_there() };
    drawn(move || match what.as_str() {
        "point" => {
            let Hit { part, i, j } = hit;
            let path = format!("edits/{edit}/items/{item}/pictures.svg?part={part}&i={i}&j={j}");
            desk.details.point(&exhibit, &computed, hit, &path).map(|json| axum::Json(json).into_response())
        }
        "pictures.svg" => match desk.details.pictures(&exhibit, &computed, hit)? {
            Some(figure) => Ok(guard::picture(figure.svg()?)),
            None => Ok(not_there()),
        },
        _ => Ok(not_there()),
    })
    .await
}
