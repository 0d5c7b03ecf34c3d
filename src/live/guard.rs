//! Answers only the page's own requests. A page of another site can make a browser send requests here, under a host name that
//! resolves to this machine (DNS rebinding) or as a cross-site request; both are refused.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::page::File;

/// The page loads nothing from elsewhere and runs no inline scripts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// A picture has its own style and font, and runs nothing.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; sandbox";
/// The page's buttons send this header. Another site could not send it without a preflight request, which is refused.
const BUTTON: HeaderName = HeaderName::from_static("x-entroscope");

/// The host names under which the page is served.
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    pub fn new(address: SocketAddr) -> Self {
        let port = address.port();
        Self(["127.0.0.1", "localhost"].iter().map(|name| format!("{name}:{port}")).collect())
    }

    fn is_host(&self, host: &str) -> bool {
        self.0.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    /// Whether a request comes from this page, or from the address bar.
    fn allows(&self, method: &Method, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let host = text(header::HOST).is_some_and(|host| self.is_host(host));
        let origin = text(header::ORIGIN)
            .is_none_or(|origin| origin.strip_prefix("http://").is_some_and(|origin| self.is_host(origin)));
        // Another site may link here, but may not embed a picture or script from here.
        let site = text(HeaderName::from_static("sec-fetch-site"));
        let mode = text(HeaderName::from_static("sec-fetch-mode"));
        let same_site = site.is_none_or(|site| matches!(site, "same-origin" | "none")) || mode == Some("navigate");
        let button = method == Method::GET || method == Method::HEAD || headers.contains_key(BUTTON);
        host && origin && same_site && button
    }
}

/// Refuses requests that are not the page's, and adds the security headers to every response.
pub(super) async fn guard(hosts: Arc<Hosts>, request: Request, next: Next) -> Response {
    let mut response = if hosts.allows(request.method(), request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this address serves only its own page, on this machine\n").into_response()
    };
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    let constant = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in constant {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A file that was drawn or written for the page.
pub(super) fn drawn(file: File) -> Response {
    let policy = if file.media == File::SVG { PICTURE_POLICY } else { POLICY };
    let headers = [(header::CONTENT_TYPE, file.media), (header::CONTENT_SECURITY_POLICY, policy)];
    (headers, file.bytes).into_response()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn allows(method: &Method, pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        Hosts::new("127.0.0.1:4870".parse().unwrap()).allows(method, &headers)
    }

    #[test]
    fn only_the_pages_own_requests_are_answered() {
        let own = ("host", "127.0.0.1:4870");
        assert!(allows(&Method::GET, &[own]));
        assert!(allows(&Method::GET, &[("host", "LOCALHOST:4870")]));
        assert!(!allows(&Method::GET, &[]));
        assert!(!allows(&Method::GET, &[("host", "evil.example:4870")]));
        assert!(!allows(&Method::GET, &[("host", "127.0.0.1:80")]));
        assert!(!allows(&Method::GET, &[own, ("origin", "http://evil.example")]));
        assert!(!allows(&Method::GET, &[own, ("origin", "null")]));
        assert!(!allows(&Method::GET, &[own, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]));
        assert!(allows(&Method::GET, &[own, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]));
        assert!(!allows(&Method::POST, &[own, ("origin", "http://127.0.0.1:4870")]));
        assert!(allows(&Method::POST, &[own, ("origin", "http://127.0.0.1:4870"), ("x-entroscope", "page")]));
    }
}
