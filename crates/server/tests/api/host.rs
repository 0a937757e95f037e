//! A server on a loopback socket over a store in memory, and a client that speaks plain HTTP/1.1.
//!
//! Answers are shown as transcripts: ids, hashes, durations and what else varies are replaced by
//! their form.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{
    Bounds, Clock, Engine, MemoryStore, Module, ModuleCall, ModuleError, RegisteredModule,
    Registry, Store, Timestamp,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::{Code, Effect, Field, Parameter, Record, Signature, Type, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::contract::{Contract, Request};

/// A server under test.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Engine,
    pub(crate) modules: TestModules,
    pub(crate) clock: TestClock,
    stop: Arc<Notify>,
    served: JoinHandle<()>,
}

/// What the modules of the test did, and what they shall do.
#[derive(Clone, Default)]
pub(crate) struct TestModules {
    /// How often `GetUser` was called.
    pub(crate) users: Arc<AtomicUsize>,
    /// How often `Flaky` was called: it fails the first time.
    pub(crate) flaky: Arc<AtomicUsize>,
    /// Name, key and trace of every call, in order.
    pub(crate) calls: Arc<Mutex<Vec<Called>>>,
    /// Tells that `Slow` was called.
    pub(crate) called: Arc<Notify>,
    /// Lets a call of `Slow` end.
    pub(crate) release: Arc<Notify>,
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) module: &'static str,
    pub(crate) key: String,
    pub(crate) trace: Option<String>,
}

/// A clock that stands still until it is told that all time is over.
#[derive(Clone)]
pub(crate) struct TestClock {
    now: Arc<AtomicI64>,
    over: watch::Sender<bool>,
}

impl TestClock {
    fn new() -> TestClock {
        let now = Arc::new(AtomicI64::new(1_767_225_600_000));
        TestClock { now, over: watch::Sender::new(false) }
    }

    /// It is so much later.
    pub(crate) fn advance(&self, by: Duration) {
        self.now.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }

    /// Every wait of the engine ends.
    pub(crate) fn end_all_waits(&self) {
        self.over.send_replace(true);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut over = self.over.subscribe();
        async move {
            if duration > Duration::ZERO {
                drop(over.wait_for(|over| *over).await);
            }
        }
        .boxed()
    }
}

struct Closure<F>(F);

impl<F> Module for Closure<F>
where
    F: Fn(ModuleCall) -> BoxFuture<'static, Result<Value, ModuleError>> + Send + Sync + 'static,
{
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, Result<Value, ModuleError>> {
        (self.0)(call)
    }
}

fn module<F>(parameter: &str, result: Type, effect: Effect, doc: &str, call: F) -> RegisteredModule
where
    F: Fn(ModuleCall) -> BoxFuture<'static, Result<Value, ModuleError>> + Send + Sync + 'static,
{
    let parameters = vec![Parameter { name: parameter.into(), ty: Type::String }];
    let signature = Signature { parameters, result };
    let module = RegisteredModule::embedded(signature, effect, Arc::new(Closure(call)));
    RegisteredModule { doc: doc.into(), ..module }
}

/// `{ id: String, <other>: String }`; slots are sorted by name, and `id` is the first.
fn record(other: &str) -> Type {
    let field = |name: &str| Field { name: name.into(), ty: Type::String };
    Type::Record(Record::new([field("id"), field(other)]))
}

fn pair(id: &Value, other: &str) -> Value {
    Value::Record([id.clone(), Value::string(other)].into())
}

fn fails(retryable: bool) -> ModuleError {
    ModuleError::new(Code::R001, "no answer from the shop".to_owned(), retryable)
}

impl TestModules {
    fn registry(&self) -> Registry {
        let (users, flaky) = (self.users.clone(), self.flaky.clone());
        let (called, release) = (self.called.clone(), self.release.clone());
        let get_user =
            module("userId", record("name"), Effect::Read, "A user by id", move |call| {
                users.fetch_add(1, Ordering::SeqCst);
                async move { Ok(pair(&call.arguments[0], "Alice")) }.boxed()
            });
        let get_order =
            module("orderId", record("state"), Effect::Read, "An order by id", |call| {
                async move { Ok(pair(&call.arguments[0], "open")) }.boxed()
            });
        let flaky = module("id", Type::String, Effect::Read, "Fails the first time", move |call| {
            let is_first = flaky.fetch_add(1, Ordering::SeqCst) == 0;
            async move { if is_first { Err(fails(false)) } else { Ok(call.arguments[0].clone()) } }
                .boxed()
        });
        let slow = module("id", Type::String, Effect::Read, "Waits to be released", move |call| {
            let release = release.clone();
            called.notify_one();
            async move {
                release.notified().await;
                Ok(call.arguments[0].clone())
            }
            .boxed()
        });
        let send = module("id", Type::String, Effect::Write, "Changes the world", |call| {
            async move { Ok(call.arguments[0].clone()) }.boxed()
        });
        let liar =
            module("id", Type::String, Effect::Read, "Gives what it did not promise", |_| {
                async { Ok(Value::Int(1)) }.boxed()
            });
        let panics = module("id", Type::String, Effect::Read, "Breaks", |_| {
            async { panic!("broken") }.boxed()
        });
        let modules = [
            ("Liar", liar),
            ("Panics", panics),
            ("GetUser", get_user),
            ("GetOrder", get_order),
            ("Flaky", flaky),
            ("Slow", slow),
            ("Send", send),
        ];
        Registry::new(BTreeMap::from(modules.map(|(name, mut module)| {
            let (calls, inner) = (self.calls.clone(), module.module);
            module.module = Arc::new(Closure(move |call: ModuleCall| {
                let (key, trace) = (call.key.to_string(), call.trace.as_deref().map(String::from));
                calls.lock().expect("calls").push(Called { module: name, key, trace });
                inner.call(call)
            }));
            (name.into(), module)
        })))
    }

    /// The calls that were made.
    pub(crate) fn calls(&self) -> Vec<Called> {
        self.calls.lock().expect("calls").clone()
    }

    /// How often `GetUser` was called.
    pub(crate) fn user_calls(&self) -> usize {
        self.users.load(Ordering::SeqCst)
    }
}

impl Host {
    /// Starts a server over a store in memory.
    pub(crate) async fn start() -> Host {
        Host::start_on(Arc::new(MemoryStore::new())).await
    }

    /// Starts a server over this store.
    pub(crate) async fn start_on(store: Arc<dyn Store>) -> Host {
        Host::start_with(store, Bounds::default()).await
    }

    /// Starts a server over this store, whose engine takes so much at once.
    pub(crate) async fn start_with(store: Arc<dyn Store>, bounds: Bounds) -> Host {
        let (modules, clock) = (TestModules::default(), TestClock::new());
        let engine =
            Engine::with_bounds(store, Arc::new(clock.clone()), modules.registry(), bounds);
        let config = tidegate_server::Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            hosts: vec!["tidegate.test".to_owned()],
        };
        let server = tidegate_server::bind(config).await.expect("a free port");
        let address = server.local_addr().expect("an address");
        let stop = Arc::new(Notify::new());
        let told = stop.clone();
        let shutdown = async move { told.notified().await };
        let served = tokio::spawn(server.serve(engine.clone(), shutdown));
        Host { address, engine, modules, clock, stop, served }
    }

    /// Tells the server to stop; it may take its time.
    pub(crate) fn stop(&self) {
        self.stop.notify_one();
    }

    /// Is ready when the server has stopped.
    pub(crate) async fn stopped(self) {
        self.served.await.expect("the server ends without a panic");
    }

    /// A GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"").await
    }

    /// A DELETE.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path, &[], b"").await
    }

    /// A POST of JSON.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_with(path, &[], body).await
    }

    /// A POST of JSON with further headers.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut all = vec![("Content-Type", "application/json")];
        all.extend(headers);
        self.request("POST", path, &all, body.as_bytes()).await
    }

    /// A request with a `Host` and a length.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            head.push_str(&format!("Host: {}\r\n", self.address));
        }
        if !body.is_empty() || method == "POST" || method == "PUT" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = format!("{head}\r\n").into_bytes();
        bytes.extend(body);
        self.raw(&bytes).await
    }

    /// Sends exactly these bytes, and reads until the connection is closed. The answer must be as
    /// the document of the API says.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Answer {
        let answer = self.send(bytes).await;
        Contract::get().await.check(&Request::read(bytes), &answer);
        answer
    }

    /// The same without looking at the answer.
    pub(crate) async fn send(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("the server listens");
        stream.write_all(bytes).await.expect("the server reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("the server answers");
        Answer::read(&answer)
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Reads a response as it came.
    pub(crate) fn read(bytes: &[u8]) -> Answer {
        let text = std::str::from_utf8(bytes).expect("answers are UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_owned(), value.to_owned())
        });
        Answer {
            status: status.parse().expect("a number"),
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    /// A string of the body.
    pub(crate) fn text(&self, name: &str) -> String {
        self.json()[name].as_str().expect("a string").to_owned()
    }

    /// Status, telling headers, and the body with one member a line; what varies is replaced.
    pub(crate) fn transcript(&self) -> String {
        let mut text = format!("{}\n", self.status);
        for (name, value) in &self.headers {
            if !matches!(name.as_str(), "date" | "connection" | "content-length") {
                text.push_str(&format!("{name}: {}\n", masked(value)));
            }
        }
        text.push_str(&masked(&pretty(&self.body)));
        text
    }
}

/// One line a member of the outermost object, in the order in which they were sent.
fn pretty(body: &str) -> String {
    let Ok(members) = model::json::entries(body) else { return body.to_owned() };
    let mut text = String::new();
    for (key, value) in members {
        text.push_str(&format!("{key}: {}\n", value.get()));
    }
    text
}

/// Replaces ids, hashes and durations by their form.
pub(crate) fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (form, length) = varying(rest);
        let end = match length {
            0 => rest.chars().next().map_or(0, char::len_utf8),
            length => length,
        };
        masked.push_str(if length == 0 { &rest[..end] } else { form });
        rest = &rest[end..];
    }
    masked
}

/// The form of what varies at the beginning of the text, and how long it is; 0 for nothing.
fn varying(text: &str) -> (&'static str, usize) {
    let is_uuid = |text: &str| {
        text.len() >= 36
            && text.is_char_boundary(36)
            && text[..36].bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
            && text.as_bytes()[8] == b'-'
    };
    if text.strip_prefix("exec-").is_some_and(is_uuid) {
        return ("exec-…", 41);
    }
    if is_uuid(text) {
        return ("…", 36);
    }
    if text.starts_with("sha256:") && text.len() >= 71 {
        return ("sha256:…", 71);
    }
    if let Some(number) = text.strip_prefix("TimeMs: ") {
        let number = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(0);
        return ("TimeMs: …", 8 + number);
    }
    ("", 0)
}
