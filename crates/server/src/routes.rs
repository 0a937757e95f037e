//! The table of routes: every path that there is, with its methods. `openapi` describes each of
//! them, and does not compile where one is left out.

use hyper::Method;
use model::text::quote;

use crate::body::{CLOUD_EVENT, JSON};
use crate::query::decode;
use crate::wire::{Problem, ProblemKind};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Run,
    Check,
    Compile,
    Execute,
    Resume,
    Cancel,
    ListExecutions,
    ReadExecution,
    ReadHistory,
    DeleteExecution,
    ReceiveEvent,
    ListEvents,
    ListPipelines,
    ReadPipeline,
    ReadGraph,
    PutPipeline,
    DeletePipeline,
    ListVersions,
    Rollback,
    ListModules,
    ReadModule,
    InvokeModule,
    Live,
    Ready,
    Metrics,
    Describe,
}

/// A path, a name in braces standing for any one segment, and the endpoint of each method.
type Route = (&'static str, &'static [(Method, Endpoint)]);

/// All of them; those that are asked for most stand first.
pub(crate) const ROUTES: &[Route] = &[
    ("/execute", &[(Method::POST, Endpoint::Execute)]),
    ("/run", &[(Method::POST, Endpoint::Run)]),
    ("/executions/{id}/resume", &[(Method::POST, Endpoint::Resume)]),
    (
        "/executions/{id}",
        &[(Method::GET, Endpoint::ReadExecution), (Method::DELETE, Endpoint::DeleteExecution)],
    ),
    ("/executions/{id}/cancel", &[(Method::POST, Endpoint::Cancel)]),
    ("/executions/{id}/events", &[(Method::GET, Endpoint::ReadHistory)]),
    ("/executions", &[(Method::GET, Endpoint::ListExecutions)]),
    ("/compile", &[(Method::POST, Endpoint::Compile)]),
    ("/check", &[(Method::POST, Endpoint::Check)]),
    (
        "/pipelines/{ref}",
        &[
            (Method::GET, Endpoint::ReadPipeline),
            (Method::PUT, Endpoint::PutPipeline),
            (Method::DELETE, Endpoint::DeletePipeline),
        ],
    ),
    ("/pipelines/{ref}/graph", &[(Method::GET, Endpoint::ReadGraph)]),
    ("/pipelines/{name}/versions", &[(Method::GET, Endpoint::ListVersions)]),
    ("/pipelines/{name}/rollback", &[(Method::POST, Endpoint::Rollback)]),
    ("/pipelines", &[(Method::GET, Endpoint::ListPipelines)]),
    ("/modules", &[(Method::GET, Endpoint::ListModules)]),
    ("/modules/{name}", &[(Method::GET, Endpoint::ReadModule)]),
    ("/modules/{name}/invoke", &[(Method::POST, Endpoint::InvokeModule)]),
    ("/events", &[(Method::GET, Endpoint::ListEvents), (Method::POST, Endpoint::ReceiveEvent)]),
    ("/health/live", &[(Method::GET, Endpoint::Live)]),
    ("/health/ready", &[(Method::GET, Endpoint::Ready)]),
    ("/metrics", &[(Method::GET, Endpoint::Metrics)]),
    ("/openapi.json", &[(Method::GET, Endpoint::Describe)]),
];

impl Endpoint {
    /// The name of the operation.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Endpoint::Run => "run",
            Endpoint::Check => "check",
            Endpoint::Compile => "compile",
            Endpoint::Execute => "execute",
            Endpoint::Resume => "resume",
            Endpoint::Cancel => "cancel",
            Endpoint::ListExecutions => "listExecutions",
            Endpoint::ReadExecution => "readExecution",
            Endpoint::ReadHistory => "readHistory",
            Endpoint::DeleteExecution => "deleteExecution",
            Endpoint::ReceiveEvent => "receiveEvent",
            Endpoint::ListEvents => "listEvents",
            Endpoint::ListPipelines => "listPipelines",
            Endpoint::ReadPipeline => "readPipeline",
            Endpoint::ReadGraph => "readGraph",
            Endpoint::PutPipeline => "putPipeline",
            Endpoint::DeletePipeline => "deletePipeline",
            Endpoint::ListVersions => "listVersions",
            Endpoint::Rollback => "rollback",
            Endpoint::ListModules => "listModules",
            Endpoint::ReadModule => "readModule",
            Endpoint::InvokeModule => "invokeModule",
            Endpoint::Live => "live",
            Endpoint::Ready => "ready",
            Endpoint::Metrics => "metrics",
            Endpoint::Describe => "describe",
        }
    }

    /// The query parameters that it reads.
    pub(crate) fn parameters(self) -> &'static [&'static str] {
        match self {
            Endpoint::ListExecutions => &["status", "pipeline", "missing", "cursor", "limit"],
            Endpoint::ReadExecution => &["wait"],
            Endpoint::ReadHistory => &["after", "limit"],
            Endpoint::ListEvents => &["type", "key", "cursor", "limit"],
            Endpoint::ListPipelines | Endpoint::ListVersions | Endpoint::ListModules => {
                &["cursor", "limit"]
            }
            Endpoint::PutPipeline | Endpoint::DeletePipeline | Endpoint::Rollback => &[],
            Endpoint::ReadModule | Endpoint::InvokeModule => &[],
            Endpoint::Run | Endpoint::Check | Endpoint::Compile => &[],
            Endpoint::Execute | Endpoint::Resume | Endpoint::Cancel => &[],
            Endpoint::DeleteExecution | Endpoint::ReceiveEvent => &[],
            Endpoint::ReadPipeline | Endpoint::ReadGraph => &[],
            Endpoint::Live | Endpoint::Ready => &[],
            Endpoint::Metrics | Endpoint::Describe => &[],
        }
    }

    /// The media types that a body of its may have.
    pub(crate) fn media_types(self) -> &'static [&'static str] {
        if self == Endpoint::ReceiveEvent { &[JSON, CLOUD_EVENT] } else { &[JSON] }
    }

    /// Whether it gives the server new work.
    pub(crate) fn is_work(self) -> bool {
        match self {
            Endpoint::Run | Endpoint::Check | Endpoint::Compile => true,
            Endpoint::Execute | Endpoint::Resume | Endpoint::Cancel => true,
            Endpoint::DeleteExecution | Endpoint::ReceiveEvent => true,
            Endpoint::ListExecutions | Endpoint::ReadExecution | Endpoint::ReadHistory => false,
            Endpoint::ListEvents => false,
            Endpoint::ListPipelines | Endpoint::ReadPipeline | Endpoint::ReadGraph => false,
            Endpoint::PutPipeline | Endpoint::DeletePipeline | Endpoint::Rollback => true,
            Endpoint::InvokeModule => true,
            Endpoint::ListVersions | Endpoint::ListModules | Endpoint::ReadModule => false,
            Endpoint::Live | Endpoint::Ready => false,
            Endpoint::Metrics | Endpoint::Describe => false,
        }
    }
}

/// What is asked for, and the decoded segment that stands for the name in braces.
pub(crate) fn find(method: &Method, path: &str) -> Result<(Endpoint, String), Problem> {
    let found =
        ROUTES.iter().find_map(|(pattern, methods)| Some((captured(pattern, path)?, methods)));
    let Some((segment, methods)) = found else {
        let detail = format!("there is no route `{}`", quote(path));
        return Err(Problem::new(ProblemKind::NotFound, detail));
    };
    // A HEAD is a GET whose body is not sent.
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    let Some((_, endpoint)) = methods.iter().find(|(method, _)| method == wanted) else {
        return Err(not_allowed(method, path, methods));
    };
    let segment = decode(segment).ok_or_else(|| {
        let detail = format!("`{}` is not percent-encoded UTF-8", quote(segment));
        Problem::new(ProblemKind::MalformedRequest, detail)
    })?;
    Ok((*endpoint, segment))
}

/// The segment of `path` that stands for the name in braces, if the path has this pattern.
fn captured<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, rest)) = pattern.split_once('{') else {
        return (pattern == path).then_some("");
    };
    let (_, behind) = rest.split_once('}')?;
    let segment = path.strip_prefix(before)?.strip_suffix(behind)?;
    (!segment.is_empty() && !segment.contains('/')).then_some(segment)
}

fn not_allowed(method: &Method, path: &str, methods: &[(Method, Endpoint)]) -> Problem {
    let mut allow: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
    if let Some(at) = allow.iter().position(|method| *method == "GET") {
        allow.insert(at + 1, "HEAD");
    }
    let allow = allow.join(", ");
    let detail =
        format!("{} does not fit {}; allowed: {allow}", quote(method.as_str()), quote(path));
    let mut problem = Problem::new(ProblemKind::MethodNotAllowed, detail);
    problem.allow = Some(allow);
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, path: &str) -> Result<(Endpoint, String), u16> {
        find(&method, path).map_err(|problem| problem.kind.status())
    }

    #[test]
    fn paths_are_matched_segment_by_segment() {
        assert_eq!(
            of(Method::POST, "/executions/a%40b/resume"),
            Ok((Endpoint::Resume, "a@b".into()))
        );
        assert_eq!(of(Method::HEAD, "/executions"), Ok((Endpoint::ListExecutions, String::new())));
        assert_eq!(of(Method::GET, "/pipelines/x"), Ok((Endpoint::ReadPipeline, "x".into())));
        for path in
            ["/", "", "/runs", "/run/", "/executions/", "/executions//resume", "/pipelines/a/b"]
        {
            assert_eq!(of(Method::GET, path), Err(404), "{path}");
        }
        assert_eq!(of(Method::GET, "/executions/%ff"), Err(400));
        assert_eq!(of(Method::GET, "/pipelines/a/graph"), Ok((Endpoint::ReadGraph, "a".into())));
        assert_eq!(
            of(Method::GET, "/pipelines/a/versions"),
            Ok((Endpoint::ListVersions, "a".into()))
        );
    }

    #[test]
    fn another_method_is_told_the_allowed_ones() {
        let allow = |method, path| find(&method, path).err().and_then(|problem| problem.allow);
        assert_eq!(allow(Method::GET, "/run").as_deref(), Some("POST"));
        assert_eq!(allow(Method::OPTIONS, "/executions").as_deref(), Some("GET, HEAD"));
        assert_eq!(allow(Method::PATCH, "/executions/x").as_deref(), Some("GET, HEAD, DELETE"));
    }
}
