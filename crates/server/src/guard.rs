//! Who may ask: on loopback, only requests that are meant for this server.
//!
//! A web page can make its visitor's browser send requests to a local server. One that rebinds its
//! own name to this address is told by the `Host`, any other by the `Origin`, and neither gets a
//! CORS header that would let it read an answer.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{HOST, ORIGIN};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Version};
use model::text::quote;

use crate::wire::{Problem, ProblemKind};

/// The names by which this server may be called.
#[derive(Debug)]
pub(crate) struct Guard {
    is_loopback: bool,
    hosts: Vec<String>,
}

impl Guard {
    /// A guard of a server that listens at `address` and may also be called by `hosts`.
    pub(crate) fn new(address: SocketAddr, hosts: Vec<String>) -> Guard {
        Guard { is_loopback: address.ip().to_canonical().is_loopback(), hosts }
    }

    /// Refuses a request that is meant for somebody else.
    pub(crate) fn check(&self, head: &Parts) -> Result<(), Problem> {
        let host = host(head)?;
        if !self.is_loopback {
            return Ok(());
        }
        let authorities = [head.uri.authority().map(|authority| authority.as_str()), host];
        for authority in authorities.into_iter().flatten() {
            if !self.knows(authority) {
                return Err(forbidden(format!(
                    "the `Host` is `{}`; this server answers to IP addresses, `localhost`, and the \
                     names given with `--host NAME`",
                    quote(authority)
                )));
            }
        }
        if let Some(origin) = single(&head.headers, ORIGIN.as_str())?
            && !is_own(origin, host.unwrap_or_default())
        {
            return Err(forbidden(format!(
                "the `Origin` is `{}`; this server answers only to its own pages",
                quote(origin)
            )));
        }
        Ok(())
    }

    fn knows(&self, authority: &str) -> bool {
        let name = without_port(authority);
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        address.unwrap_or(name).parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|host| name.eq_ignore_ascii_case(host))
    }
}

/// The `Host`, which HTTP/1.1 requires (RFC 9112, 3.2).
fn host(head: &Parts) -> Result<Option<&str>, Problem> {
    let host = single(&head.headers, HOST.as_str())?;
    if host.is_none() && head.version == Version::HTTP_11 {
        return Err(malformed("the request has no `Host` header".to_owned()));
    }
    Ok(host)
}

/// The only header of this name.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(malformed(format!("the request has several `{name}` headers")));
    }
    let text = first.map(|value| value.to_str());
    text.transpose().map_err(|_| malformed(format!("the `{name}` header is not plain text")))
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    }
}

/// Whether a page of this origin came from the host that it now asks. A proxy in front may speak
/// TLS.
fn is_own(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

fn forbidden(detail: String) -> Problem {
    Problem::new(ProblemKind::Forbidden, detail)
}

fn malformed(detail: String) -> Problem {
    Problem::new(ProblemKind::MalformedRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(listen: &str, host: &str, origin: Option<&str>) -> u16 {
        let guard =
            Guard::new(listen.parse().expect("an address"), vec!["tidegate.test".to_owned()]);
        let mut request = hyper::Request::builder().uri("/run").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        guard.check(&head).err().map_or(200, |problem| problem.kind.status())
    }

    #[test]
    fn on_loopback_only_own_names_and_pages_may_ask() {
        let local = "127.0.0.1:8080";
        for host in ["127.0.0.1:8080", "[::1]:8080", "192.168.0.9", "LocalHost", "tidegate.test:1"]
        {
            assert_eq!(status(local, host, None), 200, "{host}");
        }
        for host in ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test", "", "x:y:z"] {
            assert_eq!(status(local, host, None), 403, "{host}");
        }
        assert_eq!(status(local, "localhost:8080", Some("http://localhost:8080")), 200);
        for origin in ["http://localhost:3000", "https://evil.test", "null", "file://"] {
            assert_eq!(status(local, "localhost:8080", Some(origin)), 403, "{origin}");
        }
    }

    #[test]
    fn elsewhere_any_name_may_ask() {
        assert_eq!(status("0.0.0.0:8080", "pipelines.example", Some("https://x.example")), 200);
    }
}
