//! One request from its head to its response: who asks, what for, who answers.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use engine::Engine;
use futures_util::FutureExt;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::IF_MATCH;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use model::Catalog;
use model::text::quote;
use tokio::sync::Semaphore;

use crate::body::{Body, JsonBody};
use crate::guard::Guard;
use crate::limits::LARGE_BODIES_MAX;
use crate::query::Query;
use crate::reply::{self, Reply, RequestId};
use crate::routes::{self, Endpoint};
use crate::wire::{Problem, ProblemKind};
use crate::{error, executions, health, modules, pipelines};

/// What all requests share.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) catalog: Arc<Catalog>,
    guard: Guard,
    large_bodies: Semaphore,
}

impl App {
    /// The engine behind a guard. What pipelines can call is looked up once.
    pub(crate) fn new(engine: Engine, guard: Guard) -> App {
        let catalog = Arc::new(engine.registry().catalog());
        App { engine, catalog, guard, large_bodies: Semaphore::new(LARGE_BODIES_MAX) }
    }
}

/// A request as its handler sees it.
pub(crate) struct Context<'a> {
    pub(crate) app: &'a App,
    pub(crate) head: &'a Parts,
    pub(crate) query: Query,
    /// The segment of the path that names something.
    pub(crate) name: String,
    body: &'a mut Body<Incoming>,
}

impl<'a> Context<'a> {
    /// The body, which must be declared as JSON.
    pub(crate) async fn body(&mut self) -> Result<JsonBody<'a>, Problem> {
        self.body.json(&self.head.headers, &self.app.large_bodies).await
    }
}

/// Answers a request. Whatever happens, there is a response.
pub(crate) async fn serve(
    app: Arc<App>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, incoming) = request.into_parts();
    let id = RequestId::of(&head.headers);
    let mut body = Body::new(incoming, &head.headers);
    let outcome = AssertUnwindSafe(answer(&app, &head, &mut body)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|panic| Err(error::internal(message(&*panic))));
    let mut response = match outcome {
        Ok(reply) => reply.response(),
        Err(problem) => {
            log(&problem, &head, &id);
            body.discard().await;
            reply::problem(&problem)
        }
    };
    id.mark(&mut response);
    Ok(response)
}

async fn answer(app: &App, head: &Parts, body: &mut Body<Incoming>) -> Result<Reply, Problem> {
    app.guard.check(head)?;
    let (endpoint, name) = routes::find(&head.method, head.uri.path())?;
    let query = Query::read(head.uri.query(), endpoint.parameters())?;
    refuse_unbuilt(endpoint, head)?;
    if endpoint.is_work() && app.engine.is_draining() {
        return Err(error::draining());
    }
    let context = Context { app, head, query, name, body };
    match endpoint {
        Endpoint::Run => executions::run(context).await,
        Endpoint::Execute => executions::execute(context).await,
        Endpoint::Resume => executions::resume(context).await,
        Endpoint::ListExecutions => executions::list(context).await,
        Endpoint::ReadExecution => executions::read(context).await,
        Endpoint::Check => pipelines::check(context).await,
        Endpoint::Compile => pipelines::compile(context).await,
        Endpoint::ListPipelines => pipelines::list(context).await,
        Endpoint::ReadPipeline => pipelines::read(context).await,
        Endpoint::ReadGraph => pipelines::graph(context).await,
        Endpoint::ListModules => modules::list(&context),
        Endpoint::Live => Ok(health::live()),
        Endpoint::Ready => health::ready(app),
        Endpoint::Later => Err(error::internal("a route that is not built was called")),
    }
}

/// What a header asks for and this version does not do is refused: a caller who relies on it must
/// not take the answer for what it is not.
fn refuse_unbuilt(endpoint: Endpoint, head: &Parts) -> Result<(), Problem> {
    if endpoint.is_work() && head.headers.contains_key("idempotency-key") {
        let detail = "`Idempotency-Key` is not built in this version; leave it out, and repeat a \
                      request only if it may run twice";
        return Err(Problem::new(ProblemKind::NotAvailable, detail));
    }
    if head.headers.contains_key(IF_MATCH) {
        let detail = "`If-Match` has no meaning for this request; leave it out";
        return Err(Problem::new(ProblemKind::MalformedRequest, detail));
    }
    Ok(())
}

fn log(problem: &Problem, head: &Parts, id: &RequestId) {
    let (status, request) = (problem.kind.status(), id.as_str());
    let (method, path) = (quote(head.method.as_str()), quote(head.uri.path()));
    match &problem.cause {
        Some(cause) => {
            tracing::error!(request, %method, %path, status, cause = %quote(cause), "refused");
        }
        None => {
            tracing::debug!(request, %method, %path, status, detail = problem.detail, "refused")
        }
    }
}

/// What a panic said.
fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a handler panicked: {}", text.unwrap_or_else(|| "without a message".to_owned()))
}
