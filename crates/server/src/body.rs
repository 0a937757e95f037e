//! Reads a request body up to its bounds: bytes are counted while they come, and the time to send
//! them is limited.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body as HttpBody, Bytes};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HeaderValue};
use model::text::quote;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::limits::{
    BODY_BYTES_MAX, BODY_TIME_MAX, DISCARD_BYTES_MAX, DISCARD_TIME_MAX, SMALL_BODY_BYTES,
};
use crate::wire::{Problem, ProblemKind};

/// The type of most bodies.
pub(crate) const JSON: &str = "application/json";
/// The type of a CloudEvents document.
pub(crate) const CLOUD_EVENT: &str = "application/cloudevents+json";

/// A body that may not have come yet.
pub(crate) struct Body<B> {
    incoming: B,
    /// The caller sends it only when it is asked for.
    is_awaited: bool,
}

/// A body that was read. Large ones hold a place until they are dropped.
pub(crate) struct JsonBody<'a> {
    bytes: Bytes,
    _place: Option<SemaphorePermit<'a>>,
}

impl JsonBody<'_> {
    /// The bytes of the body.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> Body<B> {
    /// The body of a request with these headers.
    pub(crate) fn new(incoming: B, headers: &HeaderMap) -> Body<B> {
        Body { incoming, is_awaited: headers.contains_key(EXPECT) }
    }

    /// Reads the body, which must be declared as plain JSON of one of these types.
    pub(crate) async fn json<'a>(
        &mut self,
        headers: &HeaderMap,
        types: &[&str],
        large_bodies: &'a Semaphore,
    ) -> Result<JsonBody<'a>, Problem> {
        require(types, headers)?;
        if self.incoming.size_hint().lower() > BODY_BYTES_MAX as u64 {
            return Err(too_large());
        }
        match timeout(BODY_TIME_MAX, self.read(large_bodies)).await {
            Ok(body) => body,
            Err(_) => Err(timed_out(BODY_TIME_MAX)),
        }
    }

    async fn read<'a>(&mut self, large_bodies: &'a Semaphore) -> Result<JsonBody<'a>, Problem> {
        let first = self.chunk().await?.unwrap_or_default();
        if self.incoming.is_end_stream() {
            return Ok(JsonBody { bytes: first, _place: None });
        }
        let mut place = None;
        let mut bytes = Vec::from(first);
        while let Some(chunk) = self.chunk().await? {
            if bytes.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(too_large());
            }
            if bytes.len() + chunk.len() > SMALL_BODY_BYTES && place.is_none() {
                // The semaphore is never closed; without a place nothing is lost but its bound.
                place = large_bodies.acquire().await.ok();
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(JsonBody { bytes: bytes.into(), _place: place })
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        while let Some(frame) = self.incoming.frame().await {
            let frame = frame.map_err(|_| broken_off())?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// Reads on and forgets, within bounds: many clients read an answer only when they have sent
    /// everything.
    pub(crate) async fn discard(&mut self) {
        if self.is_awaited || self.incoming.is_end_stream() {
            return;
        }
        let discard = async {
            let mut count = 0;
            while let Ok(Some(chunk)) = self.chunk().await {
                count += chunk.len();
                if count > DISCARD_BYTES_MAX {
                    return;
                }
            }
        };
        // Whoever is not done by then finds the connection closed.
        drop(timeout(DISCARD_TIME_MAX, discard).await);
    }
}

/// The media type that a header names, in lower case and without its parameters.
pub(crate) fn media_type(header: Option<&HeaderValue>) -> Option<String> {
    let given = String::from_utf8_lossy(header?.as_bytes());
    Some(given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// A body of any other type, or none, could be sent by any web page without asking.
fn require(types: &[&str], headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE);
    if !media_type(given).is_some_and(|given| types.contains(&given.as_str())) {
        let wanted: Vec<String> =
            types.iter().map(|wanted| format!("`Content-Type: {wanted}`")).collect();
        let wanted = wanted.join(" or ");
        return Err(unsupported(match given {
            Some(given) => {
                let given = String::from_utf8_lossy(given.as_bytes());
                format!("the body is `{}`; send {wanted}", quote(&given))
            }
            None => format!("the body has no type; send {wanted}"),
        }));
    }
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let shown = quote(&String::from_utf8_lossy(encoding.as_bytes()));
            Err(unsupported(format!("the body is encoded as `{shown}`; send it as it is")))
        }
        _ => Ok(()),
    }
}

fn unsupported(detail: String) -> Problem {
    Problem::new(ProblemKind::UnsupportedMediaType, detail)
}

fn too_large() -> Problem {
    let limit = BODY_BYTES_MAX >> 20;
    Problem::new(ProblemKind::TooLarge, format!("the body is larger than {limit} MiB"))
}

fn timed_out(limit: Duration) -> Problem {
    let detail = format!("the body was not here after {} s", limit.as_secs());
    Problem::new(ProblemKind::RequestTimeout, detail)
}

fn broken_off() -> Problem {
    Problem::new(ProblemKind::MalformedRequest, "the body broke off or is not framed as HTTP")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream::{self, Stream, StreamExt};
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    async fn read(chunks: impl Stream<Item = Vec<u8>> + Unpin) -> Result<usize, u16> {
        let frames = chunks.map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::from(chunk))));
        let headers =
            HeaderMap::from_iter([(CONTENT_TYPE, "application/json".parse().expect("text"))]);
        let mut body = Body::new(StreamBody::new(frames), &headers);
        let places = Semaphore::new(1);
        let read = body.json(&headers, &[JSON], &places).await;
        read.map(|body| body.bytes().len()).map_err(|problem| problem.kind.status())
    }

    #[tokio::test]
    async fn bytes_are_counted_while_they_come() {
        let chunks = |count| stream::iter((0..count).map(|_| vec![b' '; 1 << 20]));
        assert_eq!(read(chunks(10)).await, Ok(10 << 20));
        assert_eq!(read(chunks(11)).await, Err(413));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        assert_eq!(read(stream::pending()).await, Err(408));
        let stalled = stream::iter([b"{".to_vec()]).chain(stream::pending());
        assert_eq!(read(stalled).await, Err(408));
    }
}
