//! An HTTP service as a source: one client with pooled connections, asked by modules whose requests,
//! answers and results were checked when the manifest was loaded.
//!
//! Redirects are followed within the source only, and connections go to public addresses unless the
//! source says otherwise. Whatever is told of a failure has the source's secrets hidden.

mod address;
mod declare;
mod formula;
mod request;
mod template;

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::ports::{Module, ModuleCall, ModuleError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::text::quote;
use model::{Code, Text, Value};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode, Url};

pub(crate) use declare::{HttpCall, HttpDeclaration};
pub(crate) use template::is_scalar;

use crate::declaration::{ModuleBody, ModuleDeclaration, SourceBounds, SourceDeclaration};
use crate::fault::{Faults, ManifestFault};
use crate::limits::REDIRECTS_MAX;
use crate::secret::Secrets;
use crate::tls::{self, Use};
use address::{Refused, Resolver, is_public};
use declare::Base;
use request::{Request, unusable};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// One service.
pub(crate) struct Source(Arc<Service>);

struct Service {
    client: Client,
    base: Base,
    timeout: Duration,
}

impl Source {
    /// Makes the client; nothing is connected to yet.
    pub(crate) fn open(
        source: &SourceDeclaration<'_>,
        http: &HttpDeclaration,
        bounds: SourceBounds,
    ) -> Result<Source, Box<ManifestFault>> {
        let base = http.base(source)?;
        let fault = |message: String| Box::new(http.fault(source, message));
        // The resolver is not asked about an address that is written out.
        let host = base.url.host_str().unwrap_or_default();
        let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        if address.is_some_and(|address| !http.allow_private && !is_public(address)) {
            return Err(fault(Refused.to_string()));
        }
        let tls = tls::config(
            if base.url.scheme() == "https" { Use::Always } else { Use::Never },
            &["h2", "http/1.1"],
        )
        .map_err(|message| {
            let help = "Install them (`ca-certificates`), or name their file in `SSL_CERT_FILE`";
            Box::new(fault(message).help(help))
        })?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Resolver::new(http.allow_private))
            .build()
            .map_err(|error| fault(quote(&error.to_string())))?;
        Ok(Source(Arc::new(Service { client, base, timeout: bounds.timeout })))
    }

    /// The module that sends the declared request; `None` if it does not fit the signature, which is
    /// then a fault.
    pub(crate) fn module(
        &self,
        module: &ModuleDeclaration<'_>,
        body: &ModuleBody,
        call: &HttpCall,
        faults: &mut Faults,
    ) -> Option<Arc<dyn Module>> {
        let request = call.check(module, body, faults)?;
        Some(Arc::new(HttpModule { service: self.0.clone(), request: Arc::new(request) }))
    }
}

/// What a module would send, and what it makes of a recorded answer.
pub(crate) struct Exchange {
    /// Method, path and query: `GET /v2/customers/c-1?expand=tier`.
    pub(crate) request: Result<String, ModuleError>,
    pub(crate) body: Result<Option<String>, ModuleError>,
    pub(crate) result: Result<Value, ModuleError>,
}

impl Exchange {
    /// Plays a recorded answer to `call`; `None` if the module does not fit its signature, which is
    /// then a fault.
    pub(crate) fn play(
        (module, body, call): (&ModuleDeclaration<'_>, &ModuleBody, &HttpCall),
        arguments: &[Value],
        (status, text): (StatusCode, &str),
        faults: &mut Faults,
    ) -> Option<Exchange> {
        let request = call.check(module, body, faults)?;
        let base: Url = "http://localhost".parse().ok()?;
        let target = request.url(&base, arguments).map_err(unusable);
        let headers = request.headers(arguments).map_err(unusable);
        let target = target.and_then(|url| headers.map(|_| url)).map(|url| {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            format!("{} {}{query}", request.method, url.path())
        });
        // A request that cannot be made has no answer.
        let result = match &target {
            Ok(_) => request.answer.recorded(status, text, arguments),
            Err(error) => Err(error.clone()),
        };
        Some(Exchange { request: target, body: request.body(arguments), result })
    }
}

/// A request as the engine makes it.
struct HttpModule {
    service: Arc<Service>,
    request: Arc<Request>,
}

impl Module for HttpModule {
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, Result<Value, ModuleError>> {
        let (service, request) = (self.service.clone(), self.request.clone());
        async move { service.ask(&request, &call).await }.boxed()
    }
}

impl Service {
    /// The result of one request, which must be there within the source's timeout.
    async fn ask(&self, request: &Request, call: &ModuleCall) -> Result<Value, ModuleError> {
        let (arguments, secrets) = (&call.arguments, &self.base.secrets);
        let url = request.url(&self.base.url, arguments).map_err(unusable)?;
        let mut headers = self.base.headers.clone();
        for (name, value) in request.headers(arguments).map_err(unusable)? {
            headers.insert(name, value);
        }
        headers.extend(identity(call));
        let body = request.body(arguments)?;
        if body.is_some() {
            headers.entry(CONTENT_TYPE).or_insert(JSON);
        }
        headers.entry(ACCEPT).or_insert(JSON);
        let answered = async {
            let response = self.send(request, url, headers, body).await?;
            request.answer.read(response, arguments, secrets).await
        };
        let in_time = tokio::time::timeout(self.timeout, answered).await;
        in_time.unwrap_or_else(|_| {
            let message = format!("no answer within {:?}", self.timeout);
            Err(ModuleError::new(Code::R002, message, true))
        })
    }

    /// The answer behind the redirects that may be followed.
    async fn send(
        &self,
        request: &Request,
        mut url: Url,
        headers: HeaderMap,
        body: Option<String>,
    ) -> Result<Response, ModuleError> {
        let mut redirects = 0;
        loop {
            let mut builder = self.client.request(request.method.clone(), url.clone());
            builder = builder.headers(headers.clone());
            if let Some(body) = &body {
                builder = builder.body(body.clone());
            }
            let response =
                builder.send().await.map_err(|error| explain(&error, &self.base.secrets))?;
            match self.redirect(request, &url, &response) {
                Some(next) if redirects < REDIRECTS_MAX => url = next,
                _ => return Ok(response),
            }
            redirects += 1;
        }
    }

    /// Where the answer redirects to, if that is within the source and the same request may be made
    /// there: some statuses ask for a GET in the place of whatever was sent.
    fn redirect(&self, request: &Request, url: &Url, response: &Response) -> Option<Url> {
        let is_same_request = match response.status().as_u16() {
            301..=303 => matches!(request.method, Method::GET | Method::HEAD),
            307 | 308 => true,
            _ => false,
        };
        if !is_same_request || request.answer.is_absent(response.status()) {
            return None;
        }
        let location = response.headers().get(LOCATION)?.to_str().ok()?;
        let next = url.join(location).ok()?;
        let stays = next.origin() == self.base.url.origin() && next.authority() == url.authority();
        stays.then_some(next)
    }
}

/// What tells the service which call this is.
fn identity(call: &ModuleCall) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let key = Some((HeaderName::from_static("idempotency-key"), &call.key));
    let trace = call.trace.as_ref().map(|trace| (HeaderName::from_static("traceparent"), trace));
    let value = |text: &Text| HeaderValue::from_bytes(text.as_bytes()).ok();
    key.into_iter().chain(trace).filter_map(move |(name, text)| Some((name, value(text)?)))
}

/// What a failure of the connection means. URLs are left out, as they may hold arguments.
fn explain(error: &reqwest::Error, secrets: &Secrets) -> ModuleError {
    if error.is_timeout() {
        return ModuleError::new(Code::R002, "no answer in time".to_owned(), true);
    }
    // The innermost cause says what happened.
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let message = quote(&secrets.hide(&cause.to_string()));
    let damaged = [io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput];
    if cause.downcast_ref::<io::Error>().is_some_and(|cause| damaged.contains(&cause.kind())) {
        return ModuleError::new(Code::R010, format!("the answer is damaged: {message}"), false);
    }
    match cause.downcast_ref::<Refused>() {
        Some(_) => ModuleError::new(Code::R001, message, false),
        None => ModuleError::new(Code::R001, format!("the connection failed: {message}"), true),
    }
}
