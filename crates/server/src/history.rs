//! `GET /executions/{id}/events`: what happened to an execution, in pages or as it happens.
//!
//! A stream of server-sent events is pulled by its reader: what happens meanwhile stays in the
//! store, so a slow reader keeps nobody waiting and fills no queue.

use std::convert::Infallible;
use std::pin::Pin;

use engine::{Changes, ExecutionId, Happened, History};
use futures_util::StreamExt;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::HeaderMap;
use hyper::body::{Bytes, Frame};
use hyper::header::ACCEPT;
use model::text::quote;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::error::engine;
use crate::executions::id;
use crate::limits::{STREAM_CHUNK_ITEMS, STREAM_KEEP_ALIVE};
use crate::page;
use crate::query::unusable;
use crate::reply::Reply;
use crate::service::{App, Context};
use crate::wire::{self, Problem, ProblemKind};

/// The items behind `after`: a page of them, or all there will be.
pub(crate) async fn read(context: Context<'_>) -> Result<Reply, Problem> {
    let id = id(&context.name)?;
    let after = context.query.get("after").map(after).transpose()?;
    let last = last_event_id(&context.head.headers)?;
    if wants_stream(&context.head.headers) {
        return stream(context.app, id, last.or(after).unwrap_or(0)).await;
    }
    let limit = page::limit(&context.query)?;
    let history = context.app.engine.history(id).await.map_err(|error| engine(error, Some(id)))?;
    let items = history.after(after.unwrap_or(0));
    let mut items: Vec<_> = items.iter().take(limit + 1).collect();
    let next = page::cut(&mut items, limit, |item| item.number.to_string());
    let body = wire::page(&items, next.as_deref(), |object, item| {
        wire::history_item(object, item, &history, id);
    });
    Ok(Reply::execution(wire::Document::ok(body), id))
}

fn after(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| unusable("after", text, "the number of an item"))
}

/// The last item that a reader got before its stream broke off.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(given) = headers.get("last-event-id") else { return Ok(None) };
    let number = given.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        let given = quote(&String::from_utf8_lossy(given.as_bytes()));
        let detail = format!("`Last-Event-ID` is `{given}`; it must be the number of an item");
        Problem::new(ProblemKind::MalformedRequest, detail)
    })
}

/// Whether the caller names the type of event streams; one who takes anything gets a page.
fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        parts.next().is_some_and(|range| range.eq_ignore_ascii_case("text/event-stream"))
            && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

async fn stream(app: &App, id: ExecutionId, after: u64) -> Result<Reply, Problem> {
    let place = app.streams.clone().try_acquire_owned().map_err(|_| {
        let detail = "as many event streams are open as there may be; ask again in a moment";
        Problem::new(ProblemKind::Overloaded, detail)
    })?;
    let changes = app.engine.changes(id);
    let next = Box::pin(changes.next());
    let history = app.engine.history(id).await.map_err(|error| engine(error, Some(id)))?;
    let draining = app.draining.subscribe();
    let open = OpenStream { history, id, sent: after, changes, next, draining, _place: place };
    if open.history.is_finished() && open.unsent().is_empty() {
        // A browser connects again when a stream ends, unless it is told that there is no more.
        return Ok(Reply::no_content().about(id));
    }
    let chunks = stream::unfold(open, |mut open| async move {
        let chunk = open.chunk().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(chunk))), open))
    });
    Ok(Reply::stream(StreamBody::new(chunks.boxed())).about(id))
}

/// A stream that is being read.
struct OpenStream {
    history: History,
    id: ExecutionId,
    /// The number of the last item that was sent.
    sent: u64,
    changes: Changes,
    /// A change behind what `history` has.
    next: Pin<Box<dyn Future<Output = ()> + Send>>,
    draining: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl OpenStream {
    /// What was not sent yet, up to the finishing item: what comes behind that changes nothing.
    fn unsent(&self) -> &[engine::HistoryItem] {
        let is_end = |item: &engine::HistoryItem| {
            matches!(item.what, Happened::Completed | Happened::Cancelled)
        };
        let all = self.history.after(0);
        let end = match self.history.is_finished() {
            true => all.iter().rposition(is_end).map_or(all.len(), |at| at + 1),
            false => all.len(),
        };
        let sent = usize::try_from(self.sent).unwrap_or(usize::MAX);
        all[..end].get(sent..).unwrap_or_default()
    }

    /// What to send next: items, or a comment that keeps the connection alive. `None` ends the
    /// stream.
    async fn chunk(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(items) = self.items() {
                return Some(items);
            }
            if self.history.is_finished() {
                return None;
            }
            tokio::select! {
                biased;
                // Its sender lives as long as the server takes requests.
                _ = self.draining.wait_for(|is_draining| *is_draining) => return None,
                () = &mut self.next => {}
                () = tokio::time::sleep(STREAM_KEEP_ALIVE) => return Some(b":\n\n".to_vec()),
            }
            self.next = Box::pin(self.changes.next());
            // It is deleted, or the store does not answer: whoever wants more connects again.
            self.history.update().await.ok()?;
        }
    }

    fn items(&mut self) -> Option<Vec<u8>> {
        let items = self.unsent();
        let items = &items[..items.len().min(STREAM_CHUNK_ITEMS)];
        let last = items.last()?.number;
        let mut chunk = Vec::with_capacity(256 * items.len());
        for item in items {
            wire::server_sent(&mut chunk, item, &self.history, self.id);
        }
        self.sent = last;
        Some(chunk)
    }
}
