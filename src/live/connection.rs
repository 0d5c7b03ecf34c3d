//! Connections to the page that end when nothing passes through them: one that sends half a request takes no place for good.
//! The page's stream sends a sign of life more often.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};

/// How long a connection may be silent.
pub(super) const SILENCE: Duration = Duration::from_mins(1);
/// How long to wait for another connection where none can be had, as when too many are open.
const RETRY: Duration = Duration::from_secs(1);

/// Accepts connections that end after so long a silence.
pub(super) struct Connections {
    pub listener: TcpListener,
    pub silence: Duration,
}

/// See the module.
pub(super) struct Connection {
    stream: TcpStream,
    silence: Duration,
    end: Pin<Box<Sleep>>,
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let end = Box::pin(sleep(self.silence));
                    return (Connection { stream, silence: self.silence, end }, address);
                }
                Err(_) => sleep(RETRY).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connection {
    /// Starts the silence anew where something passed; ends a connection that was silent for too long.
    fn watched<T>(&mut self, passed: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if passed.is_ready() {
            self.end.as_mut().reset(Instant::now() + self.silence);
            return passed;
        }
        ready!(self.end.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let passed = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watched(passed, context)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let passed = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(passed, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::io::{Read, Write};

    use axum::Router;
    use axum::routing::get;

    use super::*;

    #[test]
    fn a_connection_with_half_a_request_ends() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let silence = Duration::from_millis(200);
                let router = Router::new().route("/", get(|| async { "whole" }));
                axum::serve(Connections { listener, silence }, router).await.unwrap();
            });
        });
        let ask = |request: &str| {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        };
        // Kept open after its answer, and ended then.
        assert!(ask("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap().ends_with("whole"));
        // The answer, if there is one, comes because the connection ends; it does not last for 20 s.
        assert!(!ask("GET / HTTP/1.1\r\nhost:").unwrap_or_default().contains("200"));
    }
}
