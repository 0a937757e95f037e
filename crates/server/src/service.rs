//! One request from its head to its response: who asks, what for, who answers.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use engine::Engine;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::header::IF_MATCH;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use model::text::quote;
use tokio::sync::{Semaphore, watch};

use crate::body::{Body, JsonBody};
use crate::guard::Guard;
use crate::idempotency::{self, Answer, Begun, Keyed, Keys};
use crate::limits::{LARGE_BODIES_MAX, STREAMS_MAX};
use crate::metrics::Metrics;
use crate::query::Query;
use crate::reply::{self, Reply, RequestId, ResponseBody};
use crate::routes::{self, Endpoint};
use crate::wire::{Problem, ProblemKind};
use crate::{
    aliases, error, events, executions, health, history, metrics, modules, openapi, pipelines,
};

/// What all requests share.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) keys: Keys,
    pub(crate) metrics: Metrics,
    /// Places of event streams.
    pub(crate) streams: Arc<Semaphore>,
    /// Whether the server has begun to shut down.
    pub(crate) draining: watch::Sender<bool>,
    guard: Guard,
    large_bodies: Semaphore,
}

impl App {
    /// The engine behind a guard.
    pub(crate) fn new(engine: Engine, guard: Guard) -> App {
        App {
            engine,
            keys: Keys::default(),
            metrics: Metrics::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            draining: watch::Sender::new(false),
            guard,
            large_bodies: Semaphore::new(LARGE_BODIES_MAX),
        }
    }
}

/// A request as its handler sees it.
pub(crate) struct Context<'a> {
    pub(crate) app: &'a App,
    pub(crate) head: &'a Parts,
    pub(crate) query: Query,
    /// The segment of the path that names something.
    pub(crate) name: String,
    endpoint: Endpoint,
    body: &'a mut Body<Incoming>,
    /// The body, where it was read to know the request again.
    read: Option<JsonBody<'a>>,
    /// The request's idempotency key.
    pub(crate) keyed: Option<Keyed<'a>>,
}

impl<'a> Context<'a> {
    /// The body, which must be declared as JSON.
    pub(crate) async fn body(&mut self) -> Result<JsonBody<'a>, Problem> {
        if let Some(body) = self.read.take() {
            return Ok(body);
        }
        let types = self.endpoint.media_types();
        self.body.json(&self.head.headers, types, &self.app.large_bodies).await
    }

    /// The answer to this request, which `render` makes of what the engine says. It is stored
    /// with that, if the request has an idempotency key.
    pub(crate) fn answer<T: 'static>(
        &self,
        render: impl Fn(&T) -> Reply + Send + Sync + 'static,
    ) -> Answer<T> {
        Answer::new(self.keyed.as_ref(), render)
    }

    /// Stores that this request has begun, if it has an idempotency key, where nothing else is
    /// stored for it.
    pub(crate) async fn claim(&self) -> Result<(), Problem> {
        if let Some(keyed) = &self.keyed {
            let stored = self.app.engine.put_claim(keyed.claim()).await;
            stored.map_err(|error| error::engine(error, None))?;
        }
        Ok(())
    }

    /// Stores the answer to this request, if it has an idempotency key, where nothing else is
    /// stored for it.
    pub(crate) async fn remember(&self, reply: Reply) -> Result<Reply, Problem> {
        if let Some(keyed) = &self.keyed {
            let stored = self.app.engine.put_claim(keyed.answered(&reply)).await;
            stored.map_err(|error| error::engine(error, None))?;
        }
        Ok(reply)
    }

    /// Looks whether a request with an idempotency key was carried out before; then this is its
    /// answer.
    async fn look_up(&mut self) -> Result<Option<Reply>, Problem> {
        let key = idempotency::key(&self.head.headers)?;
        let body = self.body().await?;
        match idempotency::begin(self.app, self.head, key, body.bytes()).await? {
            Begun::Repeated(reply) => Ok(Some(reply)),
            Begun::First(keyed) => {
                (self.keyed, self.read) = (Some(keyed), Some(body));
                Ok(None)
            }
        }
    }
}

/// Answers a request. Whatever happens, there is a response.
pub(crate) async fn serve(
    app: Arc<App>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let (head, incoming) = request.into_parts();
    let id = RequestId::of(&head.headers);
    let mut response = if idempotency::is_wanted(&head) {
        // A task of its own: what has begun under a key is ended also when the caller goes away.
        let respond = respond(app, head, incoming, id.clone());
        tokio::spawn(respond).await.unwrap_or_else(|error| {
            reply::problem(&error::internal(format!("a request's task ended: {error}")))
        })
    } else {
        respond(app, head, incoming, id.clone()).await
    };
    id.mark(&mut response);
    Ok(response)
}

async fn respond(
    app: Arc<App>,
    head: Parts,
    incoming: Incoming,
    id: RequestId,
) -> Response<ResponseBody> {
    let began = Instant::now();
    let mut body = Body::new(incoming, &head.headers);
    let found = routes::find(&head.method, head.uri.path());
    let endpoint = found.as_ref().ok().map(|(endpoint, _)| *endpoint);
    let outcome = AssertUnwindSafe(answer(&app, &head, found, &mut body)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|panic| Err(error::internal(message(&*panic))));
    let response = match outcome {
        Ok(reply) => reply.response(),
        Err(problem) => {
            log(&problem, &head, &id);
            body.discard().await;
            reply::problem(&problem)
        }
    };
    app.metrics.count(endpoint, response.status().as_u16(), began.elapsed());
    response
}

async fn answer(
    app: &App,
    head: &Parts,
    found: Result<(Endpoint, String), Problem>,
    body: &mut Body<Incoming>,
) -> Result<Reply, Problem> {
    app.guard.check(head)?;
    let (endpoint, name) = found?;
    let query = Query::read(head.uri.query(), endpoint.parameters())?;
    refuse_meaningless(endpoint, head)?;
    if endpoint.is_work() && app.engine.is_draining() {
        return Err(error::draining());
    }
    let (read, keyed) = (None, None);
    let mut context = Context { app, head, query, name, endpoint, body, read, keyed };
    if idempotency::is_wanted(head)
        && let Some(reply) = context.look_up().await?
    {
        return Ok(reply);
    }
    match endpoint {
        Endpoint::Run => executions::run(context).await,
        Endpoint::Execute => executions::execute(context).await,
        Endpoint::Resume => executions::resume(context).await,
        Endpoint::Cancel => executions::cancel(context).await,
        Endpoint::DeleteExecution => executions::delete(context).await,
        Endpoint::ReadHistory => history::read(context).await,
        Endpoint::ReceiveEvent => events::receive(context).await,
        Endpoint::ListEvents => events::list(context).await,
        Endpoint::ListExecutions => executions::list(context).await,
        Endpoint::ReadExecution => executions::read(context).await,
        Endpoint::Check => pipelines::check(context).await,
        Endpoint::Compile => pipelines::compile(context).await,
        Endpoint::ListPipelines => pipelines::list(context).await,
        Endpoint::ReadPipeline => pipelines::read(context).await,
        Endpoint::ReadGraph => pipelines::graph(context).await,
        Endpoint::PutPipeline => aliases::put(context).await,
        Endpoint::DeletePipeline => aliases::delete(context).await,
        Endpoint::ListVersions => aliases::versions(context).await,
        Endpoint::Rollback => aliases::rollback(context).await,
        Endpoint::ReadModule => modules::read(&context),
        Endpoint::InvokeModule => modules::invoke(context).await,
        Endpoint::ListModules => modules::list(&context),
        Endpoint::Live => Ok(health::live()),
        Endpoint::Ready => health::ready(app).await,
        Endpoint::Metrics => Ok(metrics::read(app)),
        Endpoint::Describe => Ok(Reply::ok(openapi::text())),
    }
}

/// A caller who relies on a condition that is not looked at must not take the answer for what it is
/// not.
fn refuse_meaningless(endpoint: Endpoint, head: &Parts) -> Result<(), Problem> {
    if head.headers.contains_key(IF_MATCH) && endpoint != Endpoint::PutPipeline {
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
