//! Pipelines: check, compile, list, read, and find what a reference names.

use engine::limits::PAGE_MAX;
use engine::ports::SavedPipeline;
use engine::{Found, PipelineName, Reference};
use graph::Graph;
use model::text::{did_you_mean, quote};

use crate::aliases;
use crate::compile::{self, Compiled};
use crate::error::{engine, internal, malformed};
use crate::members::Members;
use crate::page;
use crate::reply::Reply;
use crate::service::{App, Context};
use crate::wire::{self, Problem, ProblemKind};

/// `POST /compile`: keep an image and, with a name, move the alias to it.
pub(crate) async fn compile(mut context: Context<'_>) -> Result<Reply, Problem> {
    let body = context.body().await?;
    let members = Members::read(body.bytes(), &["source", "name"])?;
    let name = members.string("name")?.map(|name| self::name(&name)).transpose()?;
    let compiled = compile::compile(context.app, members.required_string("source")?).await?;
    drop(members);
    drop(body);
    let Compiled { loaded, source, warnings, .. } = compiled;
    let (image, alias) = (loaded.clone(), name.clone());
    let answer = context.answer(move |saved: &SavedPipeline| {
        let (image, alias) = (&image.image, alias.as_ref().map(|name| name.as_text().as_str()));
        Reply::ok(wire::compiled(image.digest, &image.plan, alias, *saved, &warnings))
    });
    let (source, claim) = (source.into(), answer.claim());
    let saved = context.app.engine.save(&loaded.image, source, name.as_ref(), false, claim).await;
    let saved = saved.map_err(|error| engine(error, None))?;
    Ok(answer.stored(&saved))
}

/// `POST /check`: what is wrong with a source, and what it would be. Nothing is kept.
pub(crate) async fn check(mut context: Context<'_>) -> Result<Reply, Problem> {
    let body = context.body().await?;
    let members = Members::read(body.bytes(), &["source"])?;
    let checked = compile::check(context.app, members.required_string("source")?).await?;
    drop(members);
    drop(body);
    context.remember(Reply::ok(checked)).await
}

fn name(text: &str) -> Result<PipelineName, Problem> {
    text.parse().map_err(|()| {
        let (message, help) = no_name(text);
        malformed("/name", message, Some(help))
    })
}

/// What is no name of a pipeline, and what is one.
pub(crate) fn no_name(text: &str) -> (String, String) {
    let message = format!("`{}` cannot be the name of a pipeline", quote(text));
    let help = "a name is 1 to 128 of `a-z 0-9 . _ -`, begins with a letter or digit, and does \
                    not look like a hash: neither `sha256…` nor 64 hexadecimal digits";
    (message, help.to_owned())
}

/// `GET /pipelines`: named pipelines, by name.
pub(crate) async fn list(context: Context<'_>) -> Result<Reply, Problem> {
    let limit = page::limit(&context.query)?;
    let after = context.query.get("cursor").map(Into::into);
    let rows = context.app.engine.aliases(after, limit + 1).await;
    let mut rows = rows.map_err(|error| engine(error, None))?;
    let next = page::cut(&mut rows, limit, |row| row.name.to_string());
    Ok(Reply::ok(wire::page(&rows, next.as_deref(), wire::pipeline_item)))
}

/// `GET /pipelines/{ref}`: its signature, its source, and the aliases that point to it; of an
/// alias, where it pointed.
pub(crate) async fn read(context: Context<'_>) -> Result<Reply, Problem> {
    let found = find(context.app, &context.name).await?;
    let digest = found.loaded.digest();
    let stored = context.app.engine.stored_image(digest).await;
    let stored = stored.map_err(|error| engine(error, None))?;
    let stored = stored.ok_or_else(|| internal(format!("the image {digest} is gone")))?;
    let aliases = context.app.engine.aliases_of(digest, PAGE_MAX).await;
    let aliases = aliases.map_err(|error| engine(error, None))?;
    let versions = match &found.alias {
        Some(row) => {
            let name = name(&row.name)?;
            let rows = context.app.engine.versions(&name, None, aliases::VERSIONS_SHOWN).await;
            Some(rows.map_err(|error| engine(error, None))?)
        }
        None => None,
    };
    let about = wire::Pipeline {
        plan: found.loaded.plan(),
        alias: found.alias.as_ref(),
        stored: &stored,
        aliases: &aliases,
        versions: versions.as_deref(),
    };
    let reply = Reply::ok(about.write());
    // A version never changes, so only a bare alias has something to compare.
    Ok(match found.alias {
        Some(row) if *context.name == *row.name => reply.tagged(aliases::etag(&row)),
        _ => reply,
    })
}

/// `GET /pipelines/{ref}/graph`: its nodes and edges. They may be many, so nobody waits for them
/// on the threads of the network.
pub(crate) async fn graph(context: Context<'_>) -> Result<Reply, Problem> {
    let found = find(context.app, &context.name).await?;
    let written = tokio::task::spawn_blocking(move || graph::json(&Graph::of(found.loaded.plan())));
    written.await.map(Reply::ok).map_err(|error| internal(error.to_string()))
}

/// The pipeline that a reference names.
pub(crate) async fn find(app: &App, reference: &str) -> Result<Found, Problem> {
    if let Ok(parsed) = reference.parse::<Reference>()
        && let Some(found) = app.engine.find(&parsed).await.map_err(|error| engine(error, None))?
    {
        return Ok(found);
    }
    Err(no_pipeline(app, reference).await)
}

/// There is no pipeline that is named like this.
pub(crate) async fn no_pipeline(app: &App, reference: &str) -> Problem {
    let rows = match app.engine.aliases(None, PAGE_MAX).await {
        Ok(rows) => rows,
        Err(error) => return engine(error, None),
    };
    let help =
        did_you_mean(reference, rows.iter().map(|row| row.name.as_str())).unwrap_or_else(|| {
            "A pipeline is named by its alias, `alias@version`, or `sha256:` and its hash."
                .to_owned()
        });
    let detail = format!("there is no pipeline `{}`. {help}", quote(reference));
    Problem::new(ProblemKind::NotFound, detail)
}
