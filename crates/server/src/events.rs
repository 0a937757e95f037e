//! Events from outside: receive one, list those that nobody has listened for yet.

use engine::log::Received;
use engine::ports::{Delivered, EventQuery};
use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use model::Text;

use crate::body::{self, CLOUD_EVENT};
use crate::error::{engine, malformed};
use crate::limits::{EVENT_DATA_BYTES_MAX, EVENT_NAME_MAX, EVENTS_PAGE_BYTES, EVENTS_READ};
use crate::members::Members;
use crate::page;
use crate::query::unusable;
use crate::reply::Reply;
use crate::service::Context;
use crate::wire::{self, Document, Problem, ProblemKind};

/// `POST /events`: give an event to whoever listens for it, or keep it.
pub(crate) async fn receive(mut context: Context<'_>) -> Result<Reply, Problem> {
    let body = context.body().await?;
    let received = match is_cloud_event(&context.head.headers) {
        true => cloud_event(body.bytes())?,
        false => event(body.bytes())?,
    };
    drop(body);
    let answer = context.answer(|delivered: &Delivered| {
        Reply::of(Document { status: 202, is_problem: false, body: wire::delivered(delivered) })
    });
    let delivered = context.app.engine.deliver(received, answer.claim()).await;
    let delivered = delivered.map_err(|error| engine(error, None))?;
    Ok(answer.stored(&delivered))
}

fn is_cloud_event(headers: &HeaderMap) -> bool {
    body::media_type(headers.get(CONTENT_TYPE)).is_some_and(|it| it == CLOUD_EVENT)
}

fn event(body: &[u8]) -> Result<Received, Problem> {
    let members = Members::read(body, &["id", "source", "type", "key", "data"])?;
    let key = match members.integer("key") {
        Some(key) => key.to_string(),
        None => members.required("key", "a string or an integer")?,
    };
    Ok(Received {
        source: maybe("source", members.string("source")?)?,
        id: maybe("id", members.string("id")?)?,
        event_type: name("type", members.required_string("type")?)?,
        key: name("key", key)?,
        data: data(members.required_json("data")?)?,
    })
}

/// A CloudEvents 1.0 document. Its attributes that mean nothing here are left alone.
fn cloud_event(body: &[u8]) -> Result<Received, Problem> {
    let members = Members::read_open(body)?;
    let version = members.required_string("specversion")?;
    if version != "1.0" {
        let help = "send `specversion` \"1.0\"".to_owned();
        return Err(malformed("/specversion", "this is no CloudEvents 1.0", Some(help)));
    }
    if members.json("data_base64").is_some() {
        let help = "send JSON in `data`".to_owned();
        return Err(malformed("/data_base64", "the data of an event must be JSON", Some(help)));
    }
    Ok(Received {
        source: Some(name("source", members.required_string("source")?)?),
        id: Some(name("id", members.required_string("id")?)?),
        event_type: name("type", members.required_string("type")?)?,
        key: name("subject", members.required_string("subject")?)?,
        data: data(members.json("data").unwrap_or("null"))?,
    })
}

fn maybe(field: &str, text: Option<String>) -> Result<Option<Text>, Problem> {
    text.map(|text| name(field, text)).transpose()
}

/// What names an event is short.
fn name(field: &str, text: String) -> Result<Text, Problem> {
    if (1..=EVENT_NAME_MAX).contains(&text.chars().count()) {
        return Ok(text.into());
    }
    let message = format!("the field `{field}` must have 1 to {EVENT_NAME_MAX} characters");
    Err(malformed(&format!("/{field}"), message, None))
}

fn data(json: &str) -> Result<Text, Problem> {
    if json.len() <= EVENT_DATA_BYTES_MAX {
        return Ok(json.into());
    }
    let limit = EVENT_DATA_BYTES_MAX >> 20;
    let detail = format!("the data of the event is larger than {limit} MiB");
    Err(Problem::new(ProblemKind::TooLarge, detail))
}

/// `GET /events`: those that are kept, the oldest first. Where their data is large, the page is
/// shorter than its caller asked for.
pub(crate) async fn list(context: Context<'_>) -> Result<Reply, Problem> {
    let query = &context.query;
    let mut limit = page::limit(query)?;
    let cursor = |text: &str| {
        text.parse().map_err(|_| unusable("cursor", text, "the `nextCursor` of a page before"))
    };
    let mut wanted = EventQuery {
        event_type: query.get("type").map(Into::into),
        key: query.get("key").map(Into::into),
        after: query.get("cursor").map(cursor).transpose()?,
        limit: EVENTS_READ,
    };
    let (mut kept, mut bytes) = (Vec::new(), 0);
    loop {
        let read = context.app.engine.kept_events(wanted.clone()).await;
        let read = read.map_err(|error| engine(error, None))?;
        let is_last = read.len() < EVENTS_READ;
        bytes += read.iter().map(|(_, _, event)| event.data.len()).sum::<usize>();
        wanted.after = read.last().map(|(number, _, _)| *number);
        kept.extend(read);
        if is_last || kept.len() > limit {
            break;
        }
        if bytes >= EVENTS_PAGE_BYTES {
            limit = kept.len() - 1;
            break;
        }
    }
    let next = page::cut(&mut kept, limit, |(number, _, _)| number.to_string());
    let body = wire::page(&kept, next.as_deref(), |object, (_, at, event)| {
        wire::kept_event(object, *at, event);
    });
    Ok(Reply::ok(body))
}
