//! What each endpoint takes, gives and refuses.

use crate::routes::Endpoint;
use crate::wire::ProblemKind::{self, *};

/// An endpoint, described.
pub(super) struct Operation {
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    /// The schema of its body, if it takes one.
    pub(super) body: Option<&'static str>,
    /// Its answers, one a status.
    pub(super) answers: Vec<Answer>,
    /// The schema of the problem that says that what was asked for failed.
    pub(super) failure: &'static str,
    /// The problems of its own.
    pub(super) problems: &'static [ProblemKind],
}

/// An answer that is no problem.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) content: Vec<Content>,
    pub(super) headers: &'static [&'static str],
}

/// A form of an answer.
pub(super) enum Content {
    /// JSON of this schema.
    Json(&'static str),
    /// An object that is described elsewhere.
    AnyJson,
    /// A media type, and what is in it.
    Text(&'static str, &'static str),
}

const EXECUTIONS: &str = "executions";
const PIPELINES: &str = "pipelines";
const MODULES: &str = "modules";
const EVENTS: &str = "events";
const OPERATIONS: &str = "operations";

/// The problems of whoever starts or resumes an execution.
const STARTING: &[ProblemKind] = &[CompileFailed, InputInvalid, ExecutionFailed, ModuleFailed];
const EXECUTING: &[ProblemKind] = &[InputInvalid, ExecutionFailed, ModuleFailed];
const RESUMING: &[ProblemKind] = &[
    InputInvalid,
    InputConflict,
    NodeAlreadyComputed,
    InputClosed,
    ExecutionFinished,
    ExecutionFailed,
    ModuleFailed,
];
/// The problem of whatever reads the store, and of what is looked for in it.
const STORE: &[ProblemKind] = &[StoreUnavailable];
const LOOKUP: &[ProblemKind] = &[NotFound, StoreUnavailable];

/// The description of an endpoint.
pub(super) fn operation(endpoint: Endpoint) -> Operation {
    match endpoint {
        Endpoint::Run => about(EXECUTIONS, "Compile a source and execute it")
            .taking("Run")
            .giving_all(rests())
            .refusing(STARTING),
        Endpoint::Execute => about(EXECUTIONS, "Execute a pipeline that was compiled before")
            .taking("Execute")
            .giving_all(rests())
            .refusing(EXECUTING),
        Endpoint::Resume => {
            about(EXECUTIONS, "Supply what is missing, repair or retry what failed")
                .taking("Resume")
                .giving_all(rests())
                .refusing(RESUMING)
        }
        Endpoint::Cancel => about(EXECUTIONS, "End an execution for good")
            .taking("Nothing")
            .giving_all([execution("The execution, cancelled")])
            .refusing(&[ExecutionFinished]),
        Endpoint::DeleteExecution => about(EXECUTIONS, "Forget an execution that does not run")
            .giving_all([forgotten("It is forgotten", &["Tidegate-Execution-Id"])])
            .refusing(&[NotFound, InUse, StoreUnavailable]),
        Endpoint::ReadExecution => about(EXECUTIONS, "An execution as it stands")
            .giving_all([execution("The execution, whatever its status")])
            .refusing(LOOKUP),
        Endpoint::ListExecutions => about(EXECUTIONS, "The kept executions, newest first")
            .giving("ExecutionPage", "A page of them, without values")
            .refusing(STORE),
        Endpoint::ReadHistory => history(),
        Endpoint::ReceiveEvent => about(EVENTS, "Give an event to the executions that wait for it")
            .taking("Event")
            .giving_all([json(202, "Delivered", "Who got it, or that it is kept", &[])]),
        Endpoint::ListEvents => about(EVENTS, "The kept events, oldest first")
            .giving("EventPage", "A page of events that nobody waited for yet")
            .refusing(STORE),
        Endpoint::Check => {
            about(PIPELINES, "Say what is wrong with a source, and what it would be")
                .taking("Check")
                .giving("Checked", "What was found; nothing is kept")
        }
        Endpoint::Compile => about(PIPELINES, "Keep a pipeline, and point an alias to it")
            .taking("Compile")
            .giving("Compiled", "The pipeline as it is kept")
            .refusing(&[CompileFailed]),
        Endpoint::ListPipelines => about(PIPELINES, "The named pipelines, by name")
            .giving("AliasPage", "A page of aliases")
            .refusing(STORE),
        Endpoint::ReadPipeline => about(PIPELINES, "A pipeline with its signature and source")
            .giving_all([json(200, "Pipeline", "The pipeline", &["ETag"])])
            .refusing(LOOKUP),
        Endpoint::ReadGraph => about(PIPELINES, "The dataflow graph of a pipeline")
            .giving("Graph", "Its nodes and edges, without a layout")
            .refusing(LOOKUP),
        Endpoint::PutPipeline => about(PIPELINES, "Point an alias to an image that is kept")
            .taking("MoveAlias")
            .giving_all([moved()])
            .refusing(&[NotFound, Stale, StoreUnavailable]),
        Endpoint::Rollback => about(PIPELINES, "Point an alias to where it pointed before")
            .taking("Rollback")
            .giving_all([moved()]),
        Endpoint::DeletePipeline => about(PIPELINES, "Forget an alias, or an image nobody needs")
            .giving_all([forgotten("It is forgotten", &[])])
            .refusing(&[NotFound, InUse, StoreUnavailable]),
        Endpoint::ListVersions => about(PIPELINES, "Where an alias pointed, newest first")
            .giving("AliasPage", "A page of versions")
            .refusing(LOOKUP),
        Endpoint::ListModules => about(MODULES, "What pipelines can call here, by name")
            .giving("ModulePage", "A page of modules"),
        Endpoint::ReadModule => {
            about(MODULES, "A module").giving("Module", "The module").refusing(&[NotFound])
        }
        Endpoint::InvokeModule => Operation {
            failure: "FailedInvocation",
            ..about(MODULES, "Call a module once, outside any execution")
                .taking("Invoke")
                .giving("Invoked", "What it gave")
                .refusing(&[InputInvalid, ModuleFailed])
        },
        Endpoint::Live => {
            about(OPERATIONS, "Whether the process answers").giving("Live", "It does")
        }
        Endpoint::Ready => about(OPERATIONS, "Whether the server takes work")
            .giving("Ready", "It does")
            .refusing(&[Draining]),
        Endpoint::Metrics => about(OPERATIONS, "Counts and durations, for Prometheus").giving_all(
            [text(crate::metrics::MEDIA_TYPE, "The text format of Prometheus, version 0.0.4")],
        ),
        Endpoint::Describe => about(OPERATIONS, "This document").giving_all([Answer {
            status: 200,
            description: "An OpenAPI 3.1 document",
            content: vec![Content::AnyJson],
            headers: &[],
        }]),
    }
}

fn history() -> Operation {
    const STREAM: &str = "Server-sent events: the number of an item as `id`, its type as `event`, the item as \
         `data`. The stream ends behind the finishing item.";
    let mut page = json(
        200,
        "HistoryPage",
        "The items, in pages or as a stream",
        &["Tidegate-Execution-Id", "Cache-Control"],
    );
    page.content.push(Content::Text("text/event-stream", STREAM));
    let end = forgotten("There is nothing to stream any more", &["Tidegate-Execution-Id"]);
    about(EXECUTIONS, "What happened to an execution")
        .giving_all([page, end])
        .refusing(&[NotFound, StoreUnavailable])
}

/// The answers of whoever starts or resumes an execution, where it did not fail.
fn rests() -> [Answer; 2] {
    let waiting = json(
        202,
        "Execution",
        "The execution waits for inputs, or still runs",
        &["Tidegate-Execution-Id", "Location"],
    );
    [execution("The execution is completed"), waiting]
}

fn execution(description: &'static str) -> Answer {
    json(200, "Execution", description, &["Tidegate-Execution-Id"])
}

fn moved() -> Answer {
    json(200, "Alias", "Where the alias points now", &["ETag"])
}

fn forgotten(description: &'static str, headers: &'static [&'static str]) -> Answer {
    Answer { status: 204, description, content: Vec::new(), headers }
}

fn text(media_type: &'static str, description: &'static str) -> Answer {
    let content = vec![Content::Text(media_type, description)];
    Answer { status: 200, description, content, headers: &[] }
}

fn json(
    status: u16,
    schema: &'static str,
    description: &'static str,
    headers: &'static [&'static str],
) -> Answer {
    Answer { status, description, content: vec![Content::Json(schema)], headers }
}

/// An endpoint that so far takes and gives nothing.
fn about(tag: &'static str, summary: &'static str) -> Operation {
    let (answers, problems) = (Vec::new(), &[][..]);
    Operation { tag, summary, body: None, answers, failure: "FailedExecution", problems }
}

impl Operation {
    fn taking(self, body: &'static str) -> Operation {
        Operation { body: Some(body), ..self }
    }

    fn giving(self, schema: &'static str, description: &'static str) -> Operation {
        self.giving_all([json(200, schema, description, &[])])
    }

    fn giving_all(self, answers: impl Into<Vec<Answer>>) -> Operation {
        Operation { answers: answers.into(), ..self }
    }

    fn refusing(self, problems: &'static [ProblemKind]) -> Operation {
        Operation { problems, ..self }
    }
}
