//! Requests with an `Idempotency-Key`: each is carried out once, and whoever repeats it is told the
//! first answer again.
//!
//! The key is claimed in the transaction that stores what the request brings, and its answer is
//! stored in the transaction that it tells of: so there is no moment at which a crash could make a
//! repeated request a second one. Refusals store nothing and do not use the key up. A request with
//! a key is carried out to its end also when its caller goes away, so that the key is in use exactly
//! as long as something may still be stored under it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ExecutionId;
use engine::ports::{Answering, Claim};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use model::{Digest, Text};

use crate::error::{engine, internal};
use crate::executions;
use crate::limits::IDEMPOTENCY_KEY_MAX;
use crate::prefer::Prefer;
use crate::reply::Reply;
use crate::service::App;
use crate::wire::{Problem, ProblemKind, Timings};

const HEADER: &str = "idempotency-key";

/// Whether the request wants to be carried out once.
pub(crate) fn is_wanted(head: &Parts) -> bool {
    head.method == Method::POST && head.headers.contains_key(HEADER)
}

/// The key of a request.
pub(crate) fn key(headers: &HeaderMap) -> Result<Text, Problem> {
    let mut given = headers.get_all(HEADER).iter();
    let (key, another) = (given.next(), given.next());
    let is_key = |bytes: &[u8]| {
        (1..=IDEMPOTENCY_KEY_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
    };
    let key = key.filter(|key| another.is_none() && is_key(key.as_bytes()));
    let key = key.and_then(|key| key.to_str().ok()).ok_or_else(|| {
        let detail = format!(
            "an `Idempotency-Key` is given once and is 1 to {IDEMPOTENCY_KEY_MAX} visible ASCII \
             characters"
        );
        Problem::new(ProblemKind::MalformedRequest, detail)
    })?;
    Ok(key.into())
}

/// The keys of requests that this process carries out now.
#[derive(Default)]
pub(crate) struct Keys {
    in_progress: Mutex<HashMap<Text, Digest>>,
}

/// A key that is in progress until this is dropped.
struct InProgress<'a> {
    keys: &'a Keys,
    key: Text,
}

impl Keys {
    fn lock(&self) -> MutexGuard<'_, HashMap<Text, Digest>> {
        self.in_progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, key: &Text, digest: Digest) -> Result<InProgress<'_>, Problem> {
        match self.lock().entry(key.clone()) {
            Entry::Occupied(first) if *first.get() == digest => {
                let detail = "the first request with this `Idempotency-Key` is still carried out; \
                              ask again in a moment";
                Err(Problem::new(ProblemKind::RequestInProgress, detail))
            }
            Entry::Occupied(_) => Err(mismatch()),
            Entry::Vacant(free) => {
                free.insert(digest);
                Ok(InProgress { keys: self, key: key.clone() })
            }
        }
    }
}

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.keys.lock().remove(&self.key);
    }
}

fn mismatch() -> Problem {
    let detail = "this `Idempotency-Key` was used for another request; give each request its own";
    Problem::new(ProblemKind::IdempotencyMismatch, detail)
}

/// A request that is the first with its key.
pub(crate) struct Keyed<'a> {
    claim: Claim,
    _in_progress: InProgress<'a>,
}

/// What a request with a key is.
pub(crate) enum Begun<'a> {
    /// The first one.
    First(Keyed<'a>),
    /// One that was carried out before; this is what to say.
    Repeated(Reply),
}

/// Looks up the request with this key and this body.
pub(crate) async fn begin<'a>(
    app: &'a App,
    head: &Parts,
    key: Text,
    body: &[u8],
) -> Result<Begun<'a>, Problem> {
    let digest = digest(head, body);
    let in_progress = app.keys.enter(&key, digest)?;
    match known(app, &key).await? {
        Some(claim) if claim.digest != digest => Err(mismatch()),
        Some(Claim { answer: Some(answer), .. }) => repeated(&answer).map(Begun::Repeated),
        Some(Claim { execution: Some(id), .. }) => {
            drop(in_progress);
            now_at(app, head, &key, id).await.map(Begun::Repeated)
        }
        // Nothing came of it: the process ended before.
        Some(_) | None => {
            let at = app.engine.now();
            let claim = Claim { key, digest, at, execution: None, answer: None };
            Ok(Begun::First(Keyed { claim, _in_progress: in_progress }))
        }
    }
}

/// The same request has the same digest. Methods and paths have no line ends.
fn digest(head: &Parts, body: &[u8]) -> Digest {
    let mut bytes = format!("{}\n{}\n", head.method, head.uri.path()).into_bytes();
    bytes.extend(body);
    Digest::of(&bytes)
}

async fn known(app: &App, key: &Text) -> Result<Option<Claim>, Problem> {
    app.engine.claim(key.clone()).await.map_err(|error| engine(error, None))
}

fn repeated(answer: &[u8]) -> Result<Reply, Problem> {
    let reply = Reply::decode(answer).ok_or_else(|| internal("a stored answer cannot be read"))?;
    Ok(reply.replayed())
}

/// What can be said of an execution that was started or resumed under a key, but not answered at a
/// rest: its process ended, or its caller did not wait so long.
async fn now_at(app: &App, head: &Parts, key: &Text, id: ExecutionId) -> Result<Reply, Problem> {
    let prefer = Prefer::of(&head.headers)?;
    let view = app.engine.rest(id, prefer.wait).await.map_err(|error| engine(error, Some(id)))?;
    match known(app, key).await? {
        Some(Claim { answer: Some(answer), .. }) => repeated(&answer),
        _ => Ok(executions::answer(&view, prefer, &Timings::default()).replayed()),
    }
}

impl Keyed<'_> {
    /// The claim of the key, without an answer.
    pub(crate) fn claim(&self) -> Claim {
        self.claim.clone()
    }

    /// The claim of the key with this answer.
    pub(crate) fn answered(&self, reply: &Reply) -> Claim {
        Claim { answer: Some(reply.encode()), ..self.claim.clone() }
    }
}

/// The answer to a request: how it is made of a result, and what was stored of it, which is what
/// the caller gets, byte for byte.
pub(crate) struct Answer<T> {
    claim: Option<Claim>,
    render: Arc<dyn Fn(&T) -> Reply + Send + Sync>,
    stored: Arc<Mutex<Option<Reply>>>,
}

impl<T: 'static> Answer<T> {
    /// The answer that `render` makes.
    pub(crate) fn new(
        keyed: Option<&Keyed<'_>>,
        render: impl Fn(&T) -> Reply + Send + Sync + 'static,
    ) -> Answer<T> {
        Answer { claim: keyed.map(Keyed::claim), render: Arc::new(render), stored: Arc::default() }
    }

    /// The claim for the engine, which stores it with the answer.
    pub(crate) fn claim(&self) -> Option<Answering<T>> {
        let claim = self.claim.clone()?;
        let (render, stored) = (self.render.clone(), self.stored.clone());
        let answer = move |result: &T| {
            let reply = render(result);
            let bytes = reply.encode();
            // A transaction that did not take place is followed by another answer.
            *stored.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply);
            bytes
        };
        Some(Answering { claim, answer: Arc::new(answer) })
    }

    /// The reply to a result whose answer was stored.
    pub(crate) fn stored(self, result: &T) -> Reply {
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner).take();
        stored.unwrap_or_else(|| (self.render)(result))
    }

    /// The reply to a result whose answer is not stored.
    pub(crate) fn unstored(self, result: &T) -> Reply {
        (self.render)(result)
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_key_is_visible_and_short_and_given_once() {
        let of = |given: &[&str]| {
            let name = HeaderName::from_static(HEADER);
            let value = |text: &&str| HeaderValue::from_str(text).expect("a header");
            key(&given.iter().map(|text| (name.clone(), value(text))).collect())
                .map_err(|problem| problem.kind.status())
        };
        assert_eq!(of(&["a-1"]), Ok("a-1".into()));
        assert_eq!(of(&[&"k".repeat(255)]), Ok("k".repeat(255).as_str().into()));
        for bad in [&[""][..], &["a b"], &[&"k".repeat(256)], &["a", "a"], &["\u{e4}"]] {
            assert_eq!(of(bad), Err(400), "{bad:?}");
        }
    }
}
