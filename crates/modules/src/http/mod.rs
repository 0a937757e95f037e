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
use model::{Code, Value};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Url};

pub(crate) use declare::{HttpCall, HttpDeclaration};

use crate::declaration::{ModuleBody, ModuleDeclaration, SourceBounds, SourceDeclaration};
use crate::fault::{Faults, ManifestFault};
use crate::limits::REDIRECTS_MAX;
use crate::secret::Secrets;
use address::{Refused, Resolver, is_public};
use declare::Base;
use request::{Request, unusable};

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
        let fault = |message: String| Box::new(source.fault(source.span.clone(), "", message));
        // The resolver is not asked about an address that is written out.
        let host = base.url.host_str().unwrap_or_default();
        let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        if address.is_some_and(|address| !http.allow_private && !is_public(address)) {
            return Err(fault(Refused(host.to_owned()).to_string()));
        }
        // There is one provider of cryptography in the process; another one may have come first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let origin = base.url.origin();
        let within = move |attempt: Attempt<'_>| {
            let stays = attempt.url().origin() == origin;
            match stays && attempt.previous().len() <= REDIRECTS_MAX {
                true => attempt.follow(),
                false => attempt.stop(),
            }
        };
        let client = Client::builder()
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(Policy::custom(within))
            .dns_resolver(Resolver::new(http.allow_private))
            .timeout(bounds.timeout)
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
    async fn ask(&self, request: &Request, call: &ModuleCall) -> Result<Value, ModuleError> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let arguments = &call.arguments;
        let url: Url = request.url(&self.base.url, arguments).map_err(unusable)?;
        let mut builder = self
            .client
            .request(request.method.clone(), url)
            .header(ACCEPT, JSON)
            .headers(self.base.headers.clone());
        for (name, value) in request.headers(arguments).map_err(unusable)? {
            builder = builder.header(name, value);
        }
        builder = builder.header("idempotency-key", call.key.as_str());
        if let Some(trace) = &call.trace {
            builder = builder.header("traceparent", trace.as_str());
        }
        if let Some(body) = request.body(arguments)? {
            builder = builder.header(CONTENT_TYPE, JSON).body(body);
        }
        let secrets = &self.base.secrets;
        let answered = async {
            let response = builder.send().await.map_err(|error| explain(&error, secrets))?;
            request.answer.read(response, arguments, secrets).await
        };
        answered.await.map_err(|error| match error.code {
            Code::R002 => {
                let message = format!("no answer within {:?}", self.timeout);
                ModuleError { message, ..error }
            }
            _ => error,
        })
    }
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
    let is_refused = cause.downcast_ref::<Refused>().is_some();
    ModuleError::new(Code::R001, message, !is_refused)
}
