//! Holds every request and answer of these tests against the OpenAPI document of the server: what
//! is not described there is a mistake, of the server or of the document.
//!
//! A request is looked at only where it succeeds; many tests send wrong ones on purpose.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use expect_test::expect_file;
use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::host::{Answer, Host};

/// Headers of HTTP itself.
const OF_HTTP: [&str; 5] =
    ["connection", "content-length", "content-type", "date", "transfer-encoding"];

/// A request, taken apart.
pub(crate) struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// The document, and the validators that were made of it.
pub(crate) struct Contract {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    /// The one of this version. The first who needs it asks a server for it.
    pub(crate) async fn get() -> &'static Contract {
        static CONTRACT: OnceCell<Contract> = OnceCell::const_new();
        let read = || async {
            let host = Host::start().await;
            let request = format!(
                "GET /openapi.json HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                host.address
            );
            let document = host.send(request.as_bytes()).await.json();
            Contract { document, validators: Mutex::default() }
        };
        CONTRACT.get_or_init(read).await
    }

    /// Fails if the answer, or a request that succeeded, is not as described.
    pub(crate) fn check(&self, request: &Request, answer: &Answer) {
        if let Err(fault) = self.conforms(request, answer) {
            let Request { method, path, .. } = request;
            panic!(
                "{method} {path} was answered {}, and docs/openapi.json does not say so:\n{fault}\n\
                 {}",
                answer.status, answer.body
            );
        }
    }

    fn conforms(&self, request: &Request, answer: &Answer) -> Result<(), String> {
        let method = match request.method.as_str() {
            "HEAD" => "get".to_owned(),
            method => method.to_ascii_lowercase(),
        };
        let found = self.path(&request.path);
        let Some((template, item)) = found.filter(|(_, item)| item.get(&method).is_some()) else {
            return match answer.status {
                400 => self.refusal("MalformedRequest", answer),
                403 => self.refusal("Forbidden", answer),
                404 => self.refusal("NotFound", answer),
                405 => self.refusal("MethodNotAllowed", answer),
                _ => Err("the document has no such path and method".to_owned()),
            };
        };
        let operation = &item[&method];
        let response = self.resolved(&operation["responses"][answer.status.to_string()]);
        if response.is_null() {
            return Err("the status is not listed".to_owned());
        }
        self.headers(response, answer)?;
        if request.method != "HEAD" {
            self.body(response, answer.header("content-type"), &answer.body)?;
        }
        if answer.status < 300 {
            self.parameters(template, item, operation, request)?;
            let sent = request.header("content-type").filter(|_| method != "get");
            if let Some(body) = &request.body {
                let described = &operation["requestBody"];
                self.body(described, sent, body).map_err(|fault| format!("request: {fault}"))?;
            }
        }
        Ok(())
    }

    /// A refusal that needs no operation.
    fn refusal(&self, name: &str, answer: &Answer) -> Result<(), String> {
        let response = &self.document["components"]["responses"][name];
        self.headers(response, answer)?;
        self.body(response, answer.header("content-type"), &answer.body)
    }

    fn headers(&self, response: &Value, answer: &Answer) -> Result<(), String> {
        let described = response["headers"].as_object().ok_or("the status has no headers")?;
        let is_described = |name: &str| described.keys().any(|one| one.eq_ignore_ascii_case(name));
        for (name, _) in &answer.headers {
            if !OF_HTTP.contains(&name.as_str()) && !is_described(name) {
                return Err(format!("the header `{name}` is not listed for this status"));
            }
        }
        for (name, header) in described {
            let header = self.resolved(header);
            match answer.header(&name.to_ascii_lowercase()) {
                Some(text) => self
                    .valid_text(&header["schema"], text)
                    .map_err(|fault| format!("the header `{name}`: {fault}"))?,
                None if header["required"] == true => {
                    return Err(format!("the header `{name}` is not there"));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Holds a body against what is described for its type.
    fn body(&self, described: &Value, sent: Option<&str>, body: &str) -> Result<(), String> {
        let Some(content) = described["content"].as_object() else {
            return if body.is_empty() {
                Ok(())
            } else {
                Err("there should be no body".to_owned())
            };
        };
        let sent = sent.ok_or("the body has no type")?;
        let base = sent.split(';').next().unwrap_or_default().to_ascii_lowercase();
        let known = content.get(sent).or_else(|| content.get(&base));
        let known = known.ok_or_else(|| format!("the type `{sent}` is not listed"))?;
        if !base.ends_with("json") {
            return Ok(());
        }
        match serde_json::from_str(body) {
            Ok(value) => self.valid(&known["schema"], &value),
            // JSON that no tree can hold.
            Err(error) if error.to_string().starts_with("number out of range") => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn parameters(
        &self,
        template: &str,
        item: &Value,
        operation: &Value,
        request: &Request,
    ) -> Result<(), String> {
        let lists = [&item["parameters"], &operation["parameters"]];
        for parameter in lists.into_iter().flat_map(|list| list.as_array().into_iter().flatten()) {
            let parameter = self.resolved(parameter);
            let name = parameter["name"].as_str().unwrap_or_default();
            let given = match parameter["in"].as_str() {
                Some("path") => {
                    let mut pairs = template.split('/').zip(request.path.split('/'));
                    let segment = pairs.find(|(pattern, _)| pattern.starts_with('{'));
                    segment.map(|(_, segment)| decoded(segment))
                }
                Some("query") => {
                    let mut pairs = request.query.split('&').filter_map(|it| it.split_once('='));
                    pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
                }
                _ => request.header(name).map(str::to_owned),
            };
            if let Some(given) = given.filter(|given| !given.is_empty()) {
                self.valid_text(&parameter["schema"], &given)
                    .map_err(|fault| format!("the parameter `{name}`: {fault}"))?;
            }
        }
        Ok(())
    }

    /// Text in a header or a path, which stands for a number where one is described.
    fn valid_text(&self, schema: &Value, text: &str) -> Result<(), String> {
        let number = text.parse::<u64>().ok().filter(|_| schema["type"] == "integer");
        self.valid(schema, &number.map_or_else(|| json!(text), |number| json!(number)))
    }

    /// Fails if the value does not fit the schema.
    pub(crate) fn valid(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let validator = self.validator(schema);
        let faults: Vec<String> = validator
            .iter_errors(value)
            .map(|fault| format!("at `{}`: {fault}", fault.instance_path()))
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().expect("no test panics in here");
        let made = validators.entry(schema.to_string()).or_insert_with(|| {
            let mut whole = schema.clone();
            whole["components"] = self.document["components"].clone();
            let validator = jsonschema::options().should_validate_formats(true).build(&whole);
            Arc::new(validator.expect("the schemas of the document are schemas"))
        });
        made.clone()
    }

    /// The path of the document that the path of a request is.
    fn path(&self, path: &str) -> Option<(&str, &Value)> {
        let fits = |template: &str| {
            let (wanted, given) = (template.split('/'), path.split('/'));
            wanted.clone().count() == given.clone().count()
                && wanted.zip(given).all(|(wanted, given)| {
                    wanted == given || (wanted.starts_with('{') && !given.is_empty())
                })
        };
        let paths = self.document["paths"].as_object().expect("paths");
        let mut paths = paths.iter().map(|(template, item)| (template.as_str(), item));
        paths.find(|(template, _)| fits(template))
    }

    fn resolved<'a>(&'a self, described: &'a Value) -> &'a Value {
        let pointer = described["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(described)
    }
}

impl Request {
    /// Reads a request as it was sent.
    pub(crate) fn read(bytes: &[u8]) -> Request {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers: Vec<(String, String)> =
            headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let has_length = headers.iter().any(|(name, _)| name == "Content-Length");
        Request {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: has_length.then(|| body.to_owned()),
        }
    }

    fn header(&self, wanted: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.next().map(|(_, value)| value.as_str())
    }
}

/// A schema of the document.
pub(crate) fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Behind percent-encoding, of ASCII.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(part.len().min(2));
        decoded.extend(u8::from_str_radix(digits, 16).ok().map(char::from));
        decoded.push_str(rest);
    }
    decoded
}

#[tokio::test]
async fn the_committed_document_is_the_one_that_is_served() {
    let document = &Contract::get().await.document;
    let mut pretty = serde_json::to_string_pretty(document).expect("a tree is written");
    pretty.push('\n');
    expect_file!["../../../../docs/openapi.json"].assert_eq(&pretty);
}

#[tokio::test]
async fn what_is_not_described_is_noticed() {
    let contract = Contract::get().await;
    let answer = |status: u16, headers: &[(&str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let headers = headers.chain([("x-request-id".to_owned(), "a".to_owned())]).collect();
        Answer { status, headers, body: body.to_owned() }
    };
    let json = ("content-type", "application/json");
    let request = Request::read(b"GET /health/live HTTP/1.1\r\n\r\n");
    let told = |answer: Answer| contract.conforms(&request, &answer).err().unwrap_or_default();
    let good = r#"{"status":"live"}"#;
    assert_eq!(told(answer(200, &[json], good)), "");
    assert_eq!(told(answer(201, &[json], good)), "the status is not listed");
    assert!(told(answer(200, &[json, ("x-new", "1")], good)).contains("the header `x-new`"));
    assert!(told(answer(200, &[("content-type", "text/html")], good)).contains("`text/html`"));
    let further = told(answer(200, &[json], r#"{"status":"live","since":1}"#));
    assert!(further.contains("since"), "{further}");
    let request = Request::read(
        b"POST /check HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    );
    let checked =
        r#"{"ok":false,"diagnostics":[],"inputs":[],"outputs":[],"graph":{"nodes":[],"edges":[]}}"#;
    let fault = contract.conforms(&request, &answer(200, &[json], checked));
    assert!(fault.is_err_and(|fault| fault.starts_with("request: ") && fault.contains("source")));
}
