//! What can be done to aliases: list their versions, move them, move them back, forget them.
//!
//! An alias is the only thing here that changes, so it alone has an `ETag`: its version and its
//! image. It says where the alias points, which is what a conditional move is about.

use engine::limits::PAGE_DEFAULT;
use engine::ports::{AliasRow, DeletedImage, Expected, MovedAlias, Target};
use engine::{EngineError, PipelineName, Reference};
use hyper::HeaderMap;
use hyper::header::IF_MATCH;
use model::Digest;
use model::text::quote;

use crate::error::{engine, malformed};
use crate::members::Members;
use crate::page;
use crate::pipelines::{no_name, no_pipeline};
use crate::query::unusable;
use crate::reply::Reply;
use crate::service::{App, Context};
use crate::wire::{self, Problem, ProblemKind};

/// Versions that are shown with a pipeline; the others are in the listing of versions.
pub(crate) const VERSIONS_SHOWN: usize = PAGE_DEFAULT;

/// The `ETag` of an alias.
pub(crate) fn etag(row: &AliasRow) -> String {
    format!("\"{}-{}\"", row.version, row.digest)
}

/// `GET /pipelines/{name}/versions`: where an alias pointed, the newest first.
pub(crate) async fn versions(context: Context<'_>) -> Result<Reply, Problem> {
    let name = name(context.app, &context.name).await?;
    let limit = page::limit(&context.query)?;
    let cursor = |text: &str| {
        text.parse().map_err(|_| unusable("cursor", text, "the `nextCursor` of a page before"))
    };
    let before = context.query.get("cursor").map(cursor).transpose()?;
    let rows = context.app.engine.versions(&name, before, limit + 1).await;
    let mut rows = rows.map_err(|error| engine(error, None))?;
    if rows.is_empty() && before.is_none() {
        return Err(no_pipeline(context.app, &context.name).await);
    }
    let next = page::cut(&mut rows, limit, |row| row.version.to_string());
    Ok(Reply::ok(wire::page(&rows, next.as_deref(), wire::pipeline_item)))
}

/// `PUT /pipelines/{name}`: points an alias to an image that is kept, and makes it if it is not
/// there.
pub(crate) async fn put(mut context: Context<'_>) -> Result<Reply, Problem> {
    let expected = expected(&context.head.headers)?;
    let body = context.body().await?;
    let members = Members::read(body.bytes(), &["structuralHash"])?;
    let given = members.required_string("structuralHash")?;
    drop(members);
    drop(body);
    let digest: Digest = given.parse().map_err(|()| {
        let message = format!("`{}` is no hash of a pipeline", quote(&given));
        let help = "send the `structuralHash` that `POST /compile` answered";
        malformed("/structuralHash", message, Some(help.to_owned()))
    })?;
    let name = new_name(&context.name)?;
    move_to(&context, &name, Target::Image(digest), expected).await
}

/// `POST /pipelines/{name}/rollback`: points an alias to where it pointed at a version, or before
/// its newest one.
pub(crate) async fn rollback(mut context: Context<'_>) -> Result<Reply, Problem> {
    let body = context.body().await?;
    let members = Members::read(body.bytes(), &["version"])?;
    let target = match members.ordinal("version")? {
        Some(version) => Target::Version(version),
        None => Target::Previous,
    };
    drop(members);
    drop(body);
    let name = name(context.app, &context.name).await?;
    move_to(&context, &name, target, None).await
}

/// `DELETE /pipelines/{ref}`: an alias with its versions, or an image.
pub(crate) async fn delete(context: Context<'_>) -> Result<Reply, Problem> {
    let app = context.app;
    if let Ok(digest) = context.name.parse() {
        return delete_image(app, digest).await;
    }
    let name = name(app, &context.name).await?;
    match app.engine.delete_alias(&name).await.map_err(|error| engine(error, None))? {
        true => Ok(Reply::no_content()),
        false => Err(no_pipeline(app, &context.name).await),
    }
}

async fn delete_image(app: &App, digest: Digest) -> Result<Reply, Problem> {
    let deleted = app.engine.delete_image(digest).await.map_err(|error| engine(error, None))?;
    match deleted {
        DeletedImage::Deleted => Ok(Reply::no_content()),
        DeletedImage::InUse => Err(Problem::new(
            ProblemKind::InUse,
            "a version of an alias or a kept execution needs this image; delete the alias, or the \
             executions, first",
        )),
        DeletedImage::NotFound => Err(no_image(digest)),
    }
}

async fn move_to(
    context: &Context<'_>,
    name: &PipelineName,
    to: Target,
    expected: Option<Expected>,
) -> Result<Reply, Problem> {
    // Only a move is stored under an idempotency key.
    let answer = context.answer(|moved: &MovedAlias| match moved {
        MovedAlias::Moved(row) => {
            Reply::ok(wire::whole(|object| wire::pipeline_item(object, row))).tagged(etag(row))
        }
        MovedAlias::Stale | MovedAlias::NoVersion | MovedAlias::NoImage => Reply::no_content(),
    });
    let moved = context.app.engine.move_alias(name, to, expected, answer.claim()).await;
    let moved = moved.map_err(|error| engine(error, None))?;
    match moved {
        MovedAlias::Moved(_) => Ok(answer.stored(&moved)),
        MovedAlias::Stale => Err(stale(context.app, name).await?),
        MovedAlias::NoVersion => Err(no_version(context.app, name, to).await),
        MovedAlias::NoImage => match to {
            Target::Image(digest) => Err(no_image(digest)),
            Target::Version(_) | Target::Previous => Err(engine(EngineError::NoImage, None)),
        },
    }
}

/// The alias that a request is about. A version of it cannot be changed.
async fn name(app: &App, given: &str) -> Result<PipelineName, Problem> {
    match given.parse() {
        Ok(name) => Ok(name),
        Err(()) if is_version(given) => Err(no_change_of_a_version(given)),
        Err(()) => Err(no_pipeline(app, given).await),
    }
}

/// The alias that a request may make.
fn new_name(given: &str) -> Result<PipelineName, Problem> {
    given.parse().map_err(|()| match is_version(given) {
        true => no_change_of_a_version(given),
        false => {
            let (message, help) = no_name(given);
            Problem::new(ProblemKind::MalformedRequest, format!("{message}; {help}"))
        }
    })
}

fn is_version(given: &str) -> bool {
    matches!(given.parse(), Ok(Reference::Alias(_, Some(_))))
}

fn no_change_of_a_version(given: &str) -> Problem {
    let name = given.split('@').next().unwrap_or_default();
    let detail = format!(
        "`{}` is one version of an alias, and versions are never changed; ask for `{}`",
        quote(given),
        quote(name)
    );
    Problem::new(ProblemKind::MalformedRequest, detail)
}

fn no_image(digest: Digest) -> Problem {
    let detail = format!("there is no image `{digest}`; `POST /compile` keeps one");
    Problem::new(ProblemKind::NotFound, detail)
}

/// Says where the alias points now, so that the next request can be right.
async fn stale(app: &App, name: &PipelineName) -> Result<Problem, Problem> {
    let reference = Reference::Alias(name.clone(), None);
    let found = app.engine.find(&reference).await.map_err(|error| engine(error, None))?;
    let detail = match found.and_then(|found| found.alias) {
        Some(row) => format!(
            "`{name}` is at version {} now; read it, and send the `ETag` that comes with it",
            row.version
        ),
        None => format!("there is no `{name}`; leave `If-Match` out to make it"),
    };
    Ok(Problem::new(ProblemKind::Stale, detail))
}

async fn no_version(app: &App, name: &PipelineName, to: Target) -> Problem {
    let newest = app.engine.versions(name, None, 1).await;
    let newest = match newest {
        Ok(rows) => rows.first().map(|row| row.version),
        Err(error) => return engine(error, None),
    };
    let detail = match (newest, to) {
        (None, _) => return no_pipeline(app, name.as_text()).await,
        (Some(newest), Target::Version(version)) => {
            format!("`{name}` has no version {version}; its newest one is {newest}")
        }
        (Some(_), Target::Image(_) | Target::Previous) => {
            format!("`{name}` is at its first version; there is none before it")
        }
    };
    Problem::new(ProblemKind::NotFound, detail)
}

/// What `If-Match` asks for (RFC 9110, 13.1.1). Tags are compared strongly, so one that is weak, or
/// was never ours, matches nothing.
fn expected(headers: &HeaderMap) -> Result<Option<Expected>, Problem> {
    if !headers.contains_key(IF_MATCH) {
        return Ok(None);
    }
    let mut listed = Vec::new();
    for value in headers.get_all(IF_MATCH) {
        let value = String::from_utf8_lossy(value.as_bytes());
        if value.trim() == "*" {
            return Ok(Some(Expected::Anything));
        }
        for tag in value.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            let quoted = tag.strip_prefix("W/").unwrap_or(tag);
            let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let Some(inner) = inner else { return Err(no_tag(tag)) };
            if quoted.len() == tag.len() {
                listed.extend(pointed(inner));
            }
        }
    }
    Ok(Some(Expected::OneOf(listed)))
}

/// What one of our tags says.
fn pointed(tag: &str) -> Option<(u32, Digest)> {
    let (version, digest) = tag.split_once('-')?;
    Some((version.parse().ok()?, digest.parse().ok()?))
}

fn no_tag(tag: &str) -> Problem {
    let detail = format!(
        "`If-Match: {}` is no entity tag; send the `ETag` of a `GET` as it came, with its quotes, \
         or `*`",
        quote(tag)
    );
    Problem::new(ProblemKind::MalformedRequest, detail)
}

#[cfg(test)]
mod tests {
    use engine::Timestamp;

    use super::*;

    fn of(value: &str) -> Result<Option<Expected>, u16> {
        let value = value.parse().expect("a header");
        let headers = HeaderMap::from_iter([(IF_MATCH, value)]);
        expected(&headers).map_err(|problem| problem.kind.status())
    }

    #[test]
    fn tags_are_read_back_and_compared_strongly() {
        let digest = Digest::of(b"an image");
        let row = AliasRow { name: "a".into(), digest, version: 3, moved_at: Timestamp(0) };
        let tag = etag(&row);
        let one = Ok(Some(Expected::OneOf(vec![(3, digest)])));
        assert_eq!(of(&tag), one);
        assert_eq!(of(&format!("\"other\", {tag} ,W/{tag}")), one);
        assert_eq!(of("W/\"x\""), Ok(Some(Expected::OneOf(Vec::new()))));
        assert_eq!(of("*"), Ok(Some(Expected::Anything)));
        assert_eq!(of("3"), Err(400));
        assert_eq!(expected(&HeaderMap::new()).map_err(|_| ()), Ok(None));
    }
}
