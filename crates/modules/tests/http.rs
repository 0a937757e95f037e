//! Modules over HTTP, against a server that does whatever a service may do.

mod support;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::ports::{Module, ModuleCall, ModuleError};
use expect_test::{Expect, expect};
use model::{Code, Value};
use support::{Folder, show, text};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A service that answers by the first segment of the path, and notes what it was asked.
struct Service {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Service {
    async fn start() -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let connections = Arc::new(AtomicUsize::new(0));
        let (noted, counted) = (requests.clone(), connections.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, noted.clone()));
            }
        });
        Service { address, requests, connections }
    }

    /// The module `M` of this service.
    fn module(&self, source: &str, module: &str) -> Arc<dyn Module> {
        let folder = Folder::new();
        let base = format!("http://{}/v1", self.address);
        folder
            .write("m.toml", &manifest(&base, &format!("allow_private = true\n{source}"), module));
        let manifest = folder.load().unwrap_or_else(|faults| panic!("{faults:#?}"));
        manifest.modules["M"].module.clone()
    }

    fn last(&self) -> String {
        self.requests.lock().expect("requests").last().cloned().unwrap_or_default()
    }
}

fn manifest(base: &str, source: &str, module: &str) -> String {
    format!(
        "[source.crm]\nkind = \"http\"\nbase_url = \"{base}\"\n{source}\n\
         [module.M]\nsource = \"crm\"\n{module}\n"
    )
}

/// Answers requests one after the other.
async fn serve(mut stream: TcpStream, noted: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    loop {
        while !is_whole(&bytes) {
            let mut piece = [0; 4096];
            match stream.read(&mut piece).await {
                Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
                _ => return,
            }
        }
        let request = String::from_utf8_lossy(&std::mem::take(&mut bytes)).into_owned();
        let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
        noted.lock().expect("requests").push(request);
        let answer = answer(&target);
        if stream.write_all(&answer).await.is_err() || target.contains("/cut") {
            return;
        }
        if target.contains("/slow") {
            std::future::pending::<()>().await;
        }
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    body.len() >= length.unwrap_or(0)
}

fn answer(target: &str) -> Vec<u8> {
    let path = target.split('?').next().unwrap_or_default();
    let kind = path.split('/').nth(2).unwrap_or_default();
    let json = |body: &str| plain("200 OK", "", body.as_bytes());
    match kind {
        "customers" => json(r#"{ "full_name": "Ann", "tier": { "code": "gold" }, "more": 1 }"#),
        "absent" => plain("404 Not Found", "", b"nobody"),
        "nothing" => plain("204 No Content", "", b""),
        "wrong-json" => json("{ \"full_name\": "),
        "wrong-type" => json(r#"{ "full_name": 7, "tier": { "code": "gold" } }"#),
        "broken" => plain("500 Internal Server Error", "", b"out of \x1b[31mpaper"),
        "busy" => plain("429 Too Many Requests", "Retry-After: 5\r\n", b""),
        "closed" => plain("503 Service Unavailable", "Retry-After: 3600\r\n", b""),
        "echo" => plain("400 Bad Request", "", b"no, s3cret-token is not valid"),
        "cut" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec(),
        "slow" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec(),
        "huge" => plain("200 OK", "", &vec![b' '; (16 << 20) + 1]),
        "bomb" => plain("200 OK", "Content-Encoding: gzip\r\n", &bomb()),
        "packed" => plain("200 OK", "Content-Encoding: gzip\r\n", &gzip(b"\"packed\"")),
        "here" => plain("302 Found", "Location: /v1/text\r\n", b""),
        "elsewhere" => plain("302 Found", "Location: http://127.0.0.1:9/v1/text\r\n", b""),
        "round" => plain("302 Found", "Location: /v1/round\r\n", b""),
        _ => json("\"fine\""),
    }
}

fn plain(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len())
            .into_bytes();
    if status.starts_with("204") {
        answer = format!("HTTP/1.1 {status}\r\n\r\n").into_bytes();
    }
    answer.extend_from_slice(body);
    answer
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("memory");
    packer.finish().expect("memory")
}

/// 64 MiB that are sent as a few.
fn bomb() -> Vec<u8> {
    gzip(&vec![b' '; 64 << 20])
}

async fn call(module: &Arc<dyn Module>, arguments: &[Value]) -> Result<Value, ModuleError> {
    let trace = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into());
    let arguments = arguments.into();
    module.call(ModuleCall { arguments, key: "exec-1/m.1".into(), attempt: 1, trace }).await
}

/// `GET /{kind}` with a text as its result.
async fn get(service: &Service, kind: &str) -> Result<Value, ModuleError> {
    let module = format!("signature = \"() -> String\"\nrequest = \"GET /{kind}\"");
    call(&service.module("timeout = \"200ms\"", &module), &[]).await
}

const CUSTOMER: &str = r#"
signature = "(id: String) -> Optional<{ name: String, tier: String }>"
request   = "GET /customers/{id}"
query     = { expand = "tier", at = "{id}" }
headers   = { X-Customer = "{id}" }
response  = "{ full_name: String, tier: { code: String } }"
result    = "{ name: response.full_name, tier: \"${response.tier.code} ${id}\" }"
absent_on = [404]
"#;

#[tokio::test]
async fn a_request_is_made_of_the_arguments_and_a_result_of_the_answer() {
    let service = Service::start().await;
    let module = service.module("headers = { Authorization = \"Bearer ${env:PATH}\" }", CUSTOMER);
    let found = call(&module, &[text("a b/c?d%e#ü")]).await;
    expect![[r#"Record([String("Ann"), String("gold a b/c?d%e#ü")])"#]].assert_eq(&show(found));
    let request = service.last().replace(&std::env::var("PATH").unwrap(), "PATH");
    let request = request.replace(&service.address.to_string(), "ADDRESS");
    expect![[r#"
        GET /v1/customers/a%20b%2Fc%3Fd%25e%23%C3%BC?expand=tier&at=a%20b%2Fc%3Fd%25e%23%C3%BC HTTP/1.1
        accept: application/json
        authorization: Bearer PATH
        x-customer: a b/c?d%e#ü
        idempotency-key: exec-1/m.1
        traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
        user-agent: tidegate/0.1.0
        accept-encoding: gzip
        host: ADDRESS

    "#]]
    .assert_eq(&request.replace("\r\n", "\n"));
}

#[tokio::test]
async fn arguments_that_would_become_something_else_are_refused() {
    let service = Service::start().await;
    let module = service.module("", CUSTOMER);
    for bad in ["", ".", "..", "a\r\nX-Evil: 1", "a\0b"] {
        let error = call(&module, &[text(bad)]).await.unwrap_err();
        assert_eq!(
            (error.code, error.retryable),
            (Code::R011, false),
            "{bad:?}: {}",
            error.message
        );
    }
    assert_eq!(service.last(), "");
}

#[tokio::test]
async fn what_is_absent_is_left_out_or_is_none() {
    let service = Service::start().await;
    let absent = CUSTOMER.replace("/customers/", "/absent/");
    assert_eq!(show(call(&service.module("", &absent), &[text("x")]).await), "None");
    let module = service.module(
        "",
        "signature = \"(a: Optional<String>, b: Optional<Int>) -> String\"\n\
         request = \"GET /text?c=1\"\nquery = { a = \"{a}\", b = \"{b}\" }",
    );
    assert_eq!(show(call(&module, &[Value::None, Value::Int(-5)]).await), "String(\"fine\")");
    assert!(service.last().starts_with("GET /v1/text?c=1&b=-5 HTTP/1.1\r\n"), "{}", service.last());
}

#[tokio::test]
async fn bodies() {
    let service = Service::start().await;
    let signature = "signature = \"(id: String, email: Optional<String>, n: Float) -> String\"\n";
    let rest = format!("{signature}request = \"POST /text/{{id}}\"");
    let made = format!(
        "{signature}request = \"PUT /text\"\nbody = \"{{ a: {{ b: id }}, c: [n, 1.5], email: email }}\""
    );
    let arguments = [text("x\"y"), Value::None, Value::Float(2.0)];
    for (module, body) in [
        (rest, r#"{"email":null,"n":2.0}"#),
        (made, r#"{"a":{"b":"x\"y"},"c":[2.0,1.5],"email":null}"#),
    ] {
        let module = service.module("", &module);
        assert_eq!(show(call(&module, &arguments).await), "String(\"fine\")");
        assert!(service.last().contains("content-type: application/json\r\n"));
        assert_eq!(service.last().split("\r\n\r\n").nth(1), Some(body));
    }
}

#[tokio::test]
async fn failures_say_whether_another_attempt_may_succeed() {
    let service = Service::start().await;
    let mut told = String::new();
    for kind in [
        "text",
        "packed",
        "absent",
        "nothing",
        "wrong-json",
        "wrong-type",
        "broken",
        "busy",
        "closed",
        "cut",
        "slow",
        "huge",
        "bomb",
        "here",
        "elsewhere",
        "round",
    ] {
        let found = get(&service, kind).await;
        let after = found.as_ref().err().and_then(|error| error.retry_after);
        let after = after.map_or(String::new(), |after| format!(" after {after:?}"));
        told.push_str(&format!("{kind}: {}{after}\n", show(found)));
    }
    expect![[r#"
        text: String("fine")
        packed: String("packed")
        absent: R001 the answer is 404 Not Found: nobody
        nothing: R010 the answer does not fit: expected String, got null
        wrong-json: R010 the answer does not fit: this is not JSON: EOF while parsing a value at line 1 column 15
        wrong-type: R010 the answer does not fit: expected String, got object
        broken: R001 (retryable) the answer is 500 Internal Server Error: out of \u{1b}[31mpaper
        busy: R001 (retryable) the answer is 429 Too Many Requests after 5s
        closed: R001 the answer is 503 Service Unavailable
        cut: R001 (retryable) end of file before message length reached
        slow: R002 (retryable) no answer within 200ms
        huge: R010 the answer is longer than 16777216 bytes
        bomb: R010 the answer is longer than 16777216 bytes
        here: String("fine")
        elsewhere: R001 the answer is 302 Found, a redirect that is not followed
        round: R001 the answer is 302 Found, a redirect that is not followed
    "#]].assert_eq(&told);
}

#[tokio::test]
async fn secrets_are_not_told() {
    let folder = Folder::new();
    folder.write("token", "s3cret-token\n");
    let service = Service::start().await;
    let base = format!("http://{}/v1", service.address);
    let source = "allow_private = true\nheaders = { Authorization = \"Bearer ${file:token}\" }";
    let module = "signature = \"() -> String\"\nrequest = \"GET /echo\"";
    folder.write("m.toml", &manifest(&base, source, module));
    let manifest = folder.load().unwrap_or_else(|faults| panic!("{faults:#?}"));
    let error = call(&manifest.modules["M"].module, &[]).await.unwrap_err();
    assert_eq!(error.message, "the answer is 400 Bad Request: no, … is not valid");
    assert!(service.last().contains("authorization: Bearer s3cret-token\r\n"));
}

#[tokio::test]
async fn private_addresses_are_refused_unless_they_are_allowed() {
    let service = Service::start().await;
    let port = service.address.port();
    let module = "signature = \"() -> String\"\nrequest = \"GET /text\"";
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "0x7f.1", "10.0.0.1"] {
        let folder = Folder::new();
        folder.write("m.toml", &manifest(&format!("http://{host}:{port}"), "", module));
        assert!(folder.faults().contains("allow_private"), "{host}");
    }
    // A name is looked up when it is connected to.
    let folder = Folder::new();
    folder.write("m.toml", &manifest(&format!("http://localhost:{port}"), "", module));
    let loaded = folder.load().expect("a name is no address");
    let error = call(&loaded.modules["M"].module, &[]).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::R001, false));
    assert!(error.message.contains("`localhost` is not a public address"), "{}", error.message);
    assert_eq!(service.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn connections_are_used_again() {
    let service = Service::start().await;
    let module = service.module("", "signature = \"() -> String\"\nrequest = \"GET /text\"");
    for _ in 0..5 {
        assert!(call(&module, &[]).await.is_ok());
    }
    assert_eq!(service.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_ends() {
    let service = Service::start().await;
    let module = service.module("", "signature = \"() -> String\"\nrequest = \"GET /slow\"");
    let forever = call(&module, &[]);
    assert!(tokio::time::timeout(Duration::from_millis(50), forever).await.is_err());
}

fn faults(source: &str, module: &str, expected: Expect) {
    let folder = Folder::new();
    folder.write("m.toml", &manifest("https://api.example.com", source, module));
    expected.assert_eq(&folder.faults());
}

#[test]
fn faults_of_sources() {
    let module = "signature = \"() -> String\"\nrequest = \"GET /\"";
    faults(
        "headers = { Host = \"x\", \"a b\" = \"c\" }",
        module,
        expect![[r#"
        modules/m.toml:4: source.crm.headers: the header `Host` is set by Tidegate
    "#]],
    );
    faults(
        "headers = { A = \"${env:NO_SUCH_VARIABLE_HERE}\" }",
        module,
        expect![[r#"
        modules/m.toml:4: source.crm.headers: the environment has no variable `NO_SUCH_VARIABLE_HERE`
          help: A secret is written `${env:NAME}` or `${file:PATH}`
    "#]],
    );
    for base in ["ftp://x", "https://u:p@x", "https://x?a=1", "nonsense"] {
        let folder = Folder::new();
        folder.write("m.toml", &manifest(base, "", module));
        assert!(folder.faults().contains("source.crm.base_url"), "{base}");
    }
}

#[test]
fn faults_of_requests() {
    let signature = "signature = \"(id: String, xs: List<Int>) -> Optional<{ name: String }>\"\n";
    let module = |rest: &str| format!("{signature}{rest}");
    faults(
        "",
        &module("request = \"GET /a/{idd}/{xs}\""),
        expect![[r#"
        modules/m.toml:8: module.M.request: `idd` is no parameter
          help: Did you mean `id`?
    "#]],
    );
    faults(
        "",
        &module("request = \"GET /a/{id}\"\nresponse = \"{ nam: String }\""),
        expect![[r#"
            modules/m.toml:8: module.M.request: the parameter `xs` is not used
              help: Use it in the path, in `query`, in `headers` or in `body`
            modules/m.toml:9: module.M.response: the response is `{ nam: String }`, the result `Optional<{ name: String }>`
              help: Say with `result` how a `Optional<{ name: String }>` is made of it
        "#]],
    );
    faults(
        "",
        &module(
            "request = \"GET /a/{id}\"\nbody = \"xs\"\nresponse = \"{ nam: String }\"\nresult = \"{ name: response.name }\"",
        ),
        expect![[r#"
            modules/m.toml:11: module.M.result: `{ nam: String }` has no field `name`
              help: Did you mean `nam`?
        "#]],
    );
    faults(
        "",
        &module("request = \"FETCH /a/{id}\"\nbody = \"Load(id)\""),
        expect![[r#"
        modules/m.toml:8: module.M.request: unknown method `FETCH`
          help: Write the method and the path: `GET /customers/{id}`
    "#]],
    );
    faults(
        "",
        &module("request = \"POST a\"\nresult = \"1), (2\""),
        expect![[r#"
        modules/m.toml:8: module.M.request: the path must begin with `/`, and hold no space, `#` or `\`
          help: Write the method and the path: `GET /customers/{id}`
    "#]],
    );
    faults(
        "",
        &module("sql = \"select 1\""),
        expect![[r#"
        modules/m.toml:6: module.M.source: the source `crm` is an HTTP service
          help: Write `request = ".."`
    "#]],
    );
    faults(
        "",
        "signature = \"(id: String) -> String\"\nrequest = \"GET /{id}\"\nabsent_on = [404]",
        expect![[r#"
            modules/m.toml:7: module.M.absent_on: `absent_on` needs a result that may be absent
              help: Write the result as `Optional<String>`
        "#]],
    );
}
