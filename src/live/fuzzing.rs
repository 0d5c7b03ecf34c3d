//! The page for fuzzing: a server without a socket, of one edit that has been run.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot::{self, Sender};

use super::Stage;
use super::approval::Approval;
use super::edits::{EditLog, Urgency};
use super::server::{AppState, router};
use crate::page::{Details, Edit};
use crate::script::{Host, HostEvent, RunHandle};
use crate::work::Event;

/// The token and the port of requests to it.
pub(crate) const TOKEN: &str = "t";
pub(crate) const PORT: u16 = 4870;

/// How long a stream of events is read.
const STREAM: Duration = Duration::from_millis(20);

/// See the module.
pub(crate) struct Page {
    runtime: Runtime,
    router: Router,
}

/// A connection whose other side sends some bytes and then no more.
struct Connection {
    bytes: Vec<u8>,
    read: usize,
    /// Dropped with it.
    _ended: Sender<()>,
}

/// Listens for one connection.
struct Once(Option<Connection>);

impl Page {
    /// The page of a script, which is run.
    #[allow(clippy::expect_used, reason = "a page for tests that cannot be made ends them")]
    pub fn new(host: &Host, script: &Path) -> Self {
        let edits = Arc::new(EditLog::new("script.rhai".to_owned(), "program".to_owned(), None));
        edits.add(Edit::new(1, 0, String::new(), Stage::Checking, 1));
        let log = edits.clone();
        let observer = move |event: HostEvent<'_>| match event {
            HostEvent::Described(outputs) => log.change(1, Urgency::Now, |edit| edit.describe(outputs.clone())),
            HostEvent::Work(Event::Done { fingerprint, result, .. }) => log.done(1, fingerprint, result),
            _ => {}
        };
        let outcome = host.for_run(RunHandle::default(), Arc::new(observer)).run(script);
        assert!(outcome.diagnostics.is_empty(), "{:?}", outcome.diagnostics);
        edits.change(1, Urgency::Now, |edit| edit.end(&outcome));
        let details = Details::new(host, script).expect("the store can be opened");
        let app = AppState { edits, details, signals: channel().0, approval: Arc::new(Approval::default()) };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        Self { runtime, router: router(Arc::new(app), address, TOKEN) }
    }

    /// Answers what one connection sends.
    pub fn answer(&self, bytes: &[u8]) {
        let (ended, end) = oneshot::channel();
        let listener = Once(Some(Connection { bytes: bytes.to_vec(), read: 0, _ended: ended }));
        let router = self.router.clone();
        self.runtime.block_on(async move {
            let server = tokio::spawn(async move { axum::serve(listener, router).await });
            let _ = tokio::time::timeout(STREAM, end).await;
            server.abort();
        });
    }
}

impl Listener for Once {
    type Io = Connection;
    type Addr = ();

    async fn accept(&mut self) -> (Connection, ()) {
        match self.0.take() {
            Some(connection) => (connection, ()),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let rest = &self.bytes[self.read..];
        let size = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..size]);
        self.read += size;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
