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
use tokio::sync::Semaphore;

/// A service that answers by the first segment of the path, and notes what it was asked.
struct Service {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    /// One permit for each client that went away while it was kept waiting.
    left: Arc<Semaphore>,
}

impl Service {
    async fn start() -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let connections = Arc::new(AtomicUsize::new(0));
        let left = Arc::new(Semaphore::new(0));
        let (noted, counted, gone) = (requests.clone(), connections.clone(), left.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, noted.clone(), gone.clone()));
            }
        });
        Service { address, requests, connections, left }
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
async fn serve(mut stream: TcpStream, noted: Arc<Mutex<Vec<String>>>, left: Arc<Semaphore>) {
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
            while matches!(stream.read(&mut [0; 64]).await, Ok(count) if count > 0) {}
            left.add_permits(1);
            return;
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
        "elsewhere" => plain("302 Found", "Location: http://127.0.0.1:9/v1/text\r\n", b""),
        "past" => {
            let past = "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
            plain("503 Service Unavailable", past, b"")
        }
        "future" => {
            let future = "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n";
            plain("429 Too Many Requests", future, b"")
        }
        "late" => plain("408 Request Timeout", "Retry-After: 1\r\n", b""),
        "brotli" => plain("200 OK", "Content-Encoding: br\r\n", b"\x0b\x02\x80\x22ab\x22\x03"),
        "half-packed" => plain("200 OK", "Content-Encoding: gzip\r\n", &gzip(b"\"packed\"")[..20]),
        "not-http" => b"what?\r\n\r\n".to_vec(),
        "long" => {
            plain("400 Bad Request", "", format!("{}s3cret-token", "-".repeat(4090)).as_bytes())
        }
        "stuck" => b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nbecause".to_vec(),
        "told" => json("\"s3cret-token\""),
        "scheme" => plain("302 Found", "Location: //example.com/v1/text\r\n", b""),
        "user" => {
            let host = "Location: http://a:b@127.0.0.1/v1/text\r\n";
            plain("302 Found", host, b"")
        }
        "chain" => match path.rsplit('/').next().and_then(|left| left.parse::<u32>().ok()) {
            Some(left @ 1..) => {
                plain("302 Found", &format!("Location: {}\r\n", left - 1), b"ignored")
            }
            _ => json("\"the end\""),
        },
        status if status.starts_with("30") => {
            plain(&format!("{status} Moved"), "Location: ../v1/text?moved#here\r\n", b"")
        }
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
    // Only what never ends may meet its timeout, however busy this machine is.
    let source = if kind == "slow" { "timeout = \"200ms\"" } else { "" };
    call(&service.module(source, &module), &[]).await
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
        authorization: Bearer PATH
        x-customer: a b/c?d%e#ü
        idempotency-key: exec-1/m.1
        traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
        accept: application/json
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
        "past",
        "future",
        "late",
        "brotli",
        "half-packed",
        "not-http",
        "told",
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
        cut: R001 (retryable) the connection failed: end of file before message length reached
        slow: R002 (retryable) no answer within 200ms
        huge: R010 the answer is longer than 16777216 bytes
        bomb: R010 the answer is longer than 16777216 bytes
        past: R001 (retryable) the answer is 503 Service Unavailable after 0ns
        future: R001 the answer is 429 Too Many Requests
        late: R001 the answer is 408 Request Timeout
        brotli: R010 the answer is packed as `br`, which was not asked for
        half-packed: R001 (retryable) the connection failed: unexpected end of file
        not-http: R001 (retryable) the connection failed: invalid HTTP version parsed
        told: String("s3cret-token")
    "#]].assert_eq(&told);
}

#[tokio::test]
async fn secrets_are_not_told() {
    let folder = Folder::new();
    let service = Service::start().await;
    folder.write("token", "s3cret-token\n");
    folder.write("url", &format!("http://{}/v1", service.address));
    let ask = async |source: &str, module: &str| {
        let headers = "headers = { Authorization = \"Bearer ${file:token}\" }";
        let module = format!("signature = \"() -> Int\"\n{module}");
        folder.write("m.toml", &manifest("${file:url}", &format!("{headers}\n{source}"), &module));
        let loaded = folder.load().map_err(|faults| faults[0].to_string())?;
        call(&loaded.modules["M"].module, &[]).await.map_err(|error| error.message)
    };
    let told = ask("allow_private = true", "request = \"GET /echo\"").await.unwrap_err();
    assert_eq!(told, "the answer is 400 Bad Request: no, … is not valid");
    assert!(service.last().contains("authorization: Bearer s3cret-token\r\n"));
    for kind in ["long", "told"] {
        let told = ask("allow_private = true", &format!("request = \"GET /{kind}\"")).await;
        assert!(!told.clone().unwrap_err().contains("s3c"), "{told:?}");
    }
    let made = "request = \"GET /told\"\nresponse = \"String\"\nresult = \"to-int(response)\"";
    let told = ask("allow_private = true", made).await;
    assert!(!told.clone().unwrap_err().contains("s3c"), "{told:?}");
    let told = ask("", made).await.unwrap_err();
    assert!(told.contains("allow_private") && !told.contains("127.0.0.1"), "{told}");
}

#[tokio::test]
async fn private_addresses_are_refused_unless_they_are_allowed() {
    let service = Service::start().await;
    let port = service.address.port();
    let module = "signature = \"() -> String\"\nrequest = \"GET /text\"";
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "0x7f.1", "10.0.0.1"] {
        let folder = Folder::new();
        folder.write("m.toml", &manifest(&format!("http://{host}:{port}"), "", module));
        let told = folder.faults();
        assert!(
            told.contains("source.crm.base_url: `base_url` leads to an address that"),
            "{told}"
        );
    }
    // A name is looked up when it is connected to.
    let folder = Folder::new();
    folder.write("m.toml", &manifest(&format!("http://localhost:{port}"), "", module));
    let loaded = folder.load().expect("a name is no address");
    let error = call(&loaded.modules["M"].module, &[]).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::R001, false));
    assert!(error.message.contains("must say `allow_private = true`"), "{}", error.message);
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
async fn a_call_that_nobody_waits_for_is_given_up() {
    let service = Service::start().await;
    let module = service.module("", "signature = \"() -> String\"\nrequest = \"GET /slow\"");
    let forever = call(&module, &[]);
    assert!(tokio::time::timeout(Duration::from_millis(50), forever).await.is_err());
    drop(service.left.acquire().await.expect("the service is there"));
}

#[tokio::test]
async fn a_status_counts_though_its_body_never_ends() {
    let service = Service::start().await;
    let module = service.module("", "signature = \"() -> String\"\nrequest = \"GET /stuck\"");
    assert_eq!(show(call(&module, &[]).await), "R001 the answer is 400 Bad Request: because…");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_worth_another_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let folder = Folder::new();
    let module = "signature = \"() -> String\"\nrequest = \"GET /\"";
    folder.write("m.toml", &manifest(&format!("http://{address}"), "allow_private = true", module));
    let loaded = folder.load().expect("a manifest");
    drop(listener);
    let error = call(&loaded.modules["M"].module, &[]).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::R001, true), "{}", error.message);
}

#[tokio::test]
async fn redirects_stay_within_the_source_and_make_the_same_request() {
    let service = Service::start().await;
    let get = async |kind: &str| show(get(&service, kind).await);
    for status in ["301", "302", "303", "307", "308"] {
        assert_eq!(get(status).await, "String(\"fine\")", "{status}");
        assert!(
            service.last().starts_with("GET /v1/text?moved HTTP/1.1\r\n"),
            "{}",
            service.last()
        );
        assert!(!service.last().contains("referer:"), "{}", service.last());
    }
    assert_eq!(get("chain/5").await, "String(\"the end\")");
    for kind in ["300", "304", "chain/6", "elsewhere", "scheme", "user"] {
        let shown = get(kind).await;
        assert!(shown.ends_with("a redirect that is not followed"), "{kind}: {shown}");
        assert!(shown.starts_with("R001 the answer is 30"), "{kind}: {shown}");
    }
    let post = async |kind: &str| {
        let module = format!("signature = \"(a: Int) -> String\"\nrequest = \"POST /{kind}\"");
        show(call(&service.module("", &module), &[Value::Int(1)]).await)
    };
    for status in ["301", "302", "303"] {
        assert!(post(status).await.contains("a redirect that is not followed"), "{status}");
    }
    for status in ["307", "308"] {
        assert_eq!(post(status).await, "String(\"fine\")", "{status}");
        let request = service.last();
        assert!(request.starts_with("POST /v1/text?moved "), "{request}");
        assert!(request.contains("idempotency-key: exec-1/m.1\r\n"), "{request}");
        assert!(request.ends_with("{\"a\":1}"), "{request}");
    }
}

#[tokio::test]
async fn a_header_is_sent_once() {
    let service = Service::start().await;
    let module = service.module(
        "headers = { X-A = \"source\", Content-Type = \"application/vnd.api+json\" }",
        "signature = \"(a: Int) -> String\"\nrequest = \"POST /text\"\n\
         headers = { x-a = \"{a}\", accept = \"application/vnd.api+json\" }",
    );
    let (arguments, key) = ([Value::Int(1)].into(), "exec-1/m.1".into());
    let trace = Some("not\na trace".into());
    let fine = module.call(ModuleCall { arguments, key, attempt: 1, trace }).await;
    assert_eq!(show(fine), "String(\"fine\")");
    let request = service.last();
    let mut named: Vec<&str> = request.lines().filter_map(|line| line.split(':').next()).collect();
    named.sort();
    let count = named.len();
    named.dedup();
    assert_eq!(named.len(), count, "{request}");
    assert!(request.contains("x-a: 1\r\n"), "{request}");
    assert_eq!(request.matches("application/vnd.api+json").count(), 2, "{request}");
    assert!(!request.contains("traceparent"), "{request}");
}

#[tokio::test]
async fn what_a_manifest_writes_out_in_a_url_is_sent_as_it_is_meant() {
    let service = Service::start().await;
    let module = service.module(
        "",
        "signature = \"(a: String) -> String\"\n\
         request = \"GET /text/%41b/%2e{a}?x=%20+1&f[]=ü&flag&y={a}\"\n\
         query = { \"a b\" = \"50% {a}&+\" }",
    );
    assert!(call(&module, &[text("&")]).await.is_ok());
    let target = service.last().lines().next().map(str::to_owned).unwrap_or_default();
    expect![
        "GET /v1/text/%41b/%2e%26?x=%20+1&f[]=%C3%BC&flag=&y=%26&a%20b=50%25%20%26%26%2B HTTP/1.1"
    ]
    .assert_eq(&target);
    let error = call(&module, &[text(".")]).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::R011, false), "{}", error.message);
}

#[tokio::test]
async fn an_argument_that_the_result_repeats_is_still_sent() {
    let service = Service::start().await;
    let module = "signature = \"(a: Int, b: Int) -> { a: Int, said: String }\"\n\
                  request = \"POST /text\"\nresponse = \"String\"\n\
                  result = \"{ a: a, said: response }\"";
    let module = service.module("", module);
    let found = call(&module, &[Value::Int(1), Value::Int(2)]).await;
    assert_eq!(show(found), "Record([Int(1), String(\"fine\")])");
    assert!(service.last().ends_with("{\"a\":1,\"b\":2}"), "{}", service.last());
}

fn faults(source: &str, module: &str, expected: Expect) {
    let folder = Folder::new();
    folder.write("m.toml", &manifest("http://api.example.com", source, module));
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
    faults(
        "headers = { A = \"x\", a = \"y\" }",
        module,
        expect![[r#"
        modules/m.toml:4: source.crm.headers: there are two headers `a`
    "#]],
    );
    faults(
        "",
        &format!("{module}\nheaders = {{ b-C = \"x\", B-c = \"y\", Host = \"z\" }}"),
        expect![[r#"
            modules/m.toml:9: module.M.headers: there are two headers `B-c`
            modules/m.toml:9: module.M.headers: the header `Host` is set by Tidegate
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
              help: Did you mean `PATCH`?
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
    for (request, expected) in [
        (
            "get /{id}",
            expect![[r#"
            modules/m.toml:8: module.M.request: unknown method `get`
              help: Did you mean `GET` or `PUT`?
        "#]],
        ),
        (
            "GET /a/../{id}",
            expect![[r#"
            modules/m.toml:8: module.M.request: the path must not hold `.` or `..` as a part
              help: Write the method and the path: `GET /customers/{id}`
        "#]],
        ),
        (
            "GET /%2E/{id}",
            expect![[r#"
            modules/m.toml:8: module.M.request: the path must not hold `.` or `..` as a part
              help: Write the method and the path: `GET /customers/{id}`
        "#]],
        ),
        (
            "GET /{id}?t=${env:TOKEN}",
            expect![[r#"
            modules/m.toml:8: module.M.request: `env:TOKEN` is no parameter
              help: A secret stands in the `headers` of the source
        "#]],
        ),
        (
            "GET /{id}}/{",
            expect![[r#"
            modules/m.toml:8: module.M.request: `}` has no `{`
        "#]],
        ),
    ] {
        let one = "signature = \"(id: String) -> String\"";
        faults("", &format!("{one}\nrequest = \"{request}\""), expected);
    }
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

#[test]
fn faults_of_expressions() {
    for (key, expression, expected) in [
        (
            "body",
            "id, id",
            expect![[r#"
                modules/m.toml:9: module.M.body: expected the end, found `,`
            "#]],
        ),
        (
            "body",
            "id] x = [id",
            expect![[r#"
                modules/m.toml:9: module.M.body: expected the end, found `]`
            "#]],
        ),
        (
            "body",
            "response",
            expect![[r#"
                modules/m.toml:9: module.M.body: there is no input or binding `response`
            "#]],
        ),
        (
            "body",
            "M(id)",
            expect![[r#"
                modules/m.toml:9: module.M.body: there is no function or module `M`
                  help: Did you mean `map`, `max` or `min`?
            "#]],
        ),
        (
            "result",
            "response) x = Result(response",
            expect![[r#"
            modules/m.toml:9: module.M.result: expected the end, found `)`
        "#]],
        ),
        (
            "result",
            "response) x = (response",
            expect![[r#"
            modules/m.toml:9: module.M.result: expected the end, found `)`
        "#]],
        ),
        (
            "result",
            "Result(response)",
            expect![[r#"
            modules/m.toml:9: module.M.result: expected one expression
        "#]],
        ),
        (
            "result",
            "upper(response",
            expect![[r#"
            modules/m.toml:9: module.M.result: expected `)`, found the end of the file
        "#]],
        ),
        (
            "result",
            "1 + 1",
            expect![[r#"
            modules/m.toml:9: module.M.result: expected `String`, found `Int`
              help: write `"${ .. }"` around it
        "#]],
        ),
        (
            "result",
            "",
            expect![[r#"
            modules/m.toml:9: module.M.result: expected an expression, found the end of the file
        "#]],
        ),
        (
            "response",
            "Strin",
            expect![[r#"
            modules/m.toml:9: module.M.response: there is no type `Strin`
              help: Did you mean `String`?
        "#]],
        ),
    ] {
        let signature = "signature = \"(id: String) -> String\"\nrequest = \"POST /\"";
        faults("", &format!("{signature}\n{key} = '{expression}'"), expected);
    }
    let response = "signature = \"(response: Int) -> String\"\nrequest = \"POST /\"";
    faults(
        "",
        &format!("{response}\nresult = 'response'"),
        expect![[r#"
            modules/m.toml:7: module.M.signature: a parameter is called `response`, as the answer is in `result`
              help: Choose another name
        "#]],
    );
}
