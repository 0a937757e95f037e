//! Asks the server. An answer that does not come is no answer.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::Client as Http;
use serde_json::Value;

/// Someone who asks.
#[derive(Clone)]
pub(crate) struct Client {
    http: Http,
    base: String,
}

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn new(port: u16) -> Client {
        // Nothing here speaks TLS, and a machine may have no certificates.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map(|tls| tls.with_root_certificates(rustls::RootCertStore::empty()))
            .map(|tls| tls.with_no_client_auth());
        let builder = match tls {
            Ok(tls) => Http::builder().tls_backend_preconfigured(tls),
            Err(_) => Http::builder(),
        };
        let http = builder.no_proxy().timeout(Duration::from_secs(30)).build();
        Client { http: http.unwrap_or_default(), base: format!("http://127.0.0.1:{port}") }
    }

    pub(crate) fn get(&self, path: &str) -> Option<Answer> {
        self.ask(Method::GET, path, None, &[])
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.ask(Method::POST, path, Some(body), &[])
    }

    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Option<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().ok()?;
        let status = response.status().as_u16();
        let text = response.text().ok()?;
        Some(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }
}

impl Answer {
    /// Whether what was asked for is done: completed, accepted, or failed with its state kept.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self.status, 200 | 202 | 422 | 502)
    }

    pub(crate) fn id(&self) -> Option<String> {
        self.body["executionId"].as_str().map(str::to_owned)
    }
}
