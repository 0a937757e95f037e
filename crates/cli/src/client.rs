//! Asks a server: one request, one bounded answer. Plain HTTP only; there is no TLS in this version.

use std::io::Read as _;

use model::text::quote;
use reqwest::blocking::{Client as Http, RequestBuilder};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Method, Url};
use rustls::{ClientConfig, RootCertStore};

use crate::args::Server;
use crate::exit::{Exit, Refusal};
use crate::hint;
use crate::limits::{ANSWER_BYTES_MAX, ANSWER_MAX, CONNECT_MAX};
use crate::problem::Problem;

/// A server that can be asked.
pub(crate) struct Client {
    http: Http,
    base: String,
    /// ` --server URL` for commands that are suggested, where it is not the usual server.
    pub(crate) flag: String,
}

impl Client {
    /// A client for the server that was named. Nothing is asked yet.
    pub(crate) fn new(server: &Server) -> Result<Client, Refusal> {
        let named = &server.server;
        let shown = quote(named);
        let advice = "Write it like http://127.0.0.1:8080";
        let url = Url::parse(named).map_err(|error| {
            Refusal::usage(format!("`{shown}` is no URL: {error}")).help(advice)
        })?;
        match url.scheme() {
            "http" => {}
            "https" => {
                let refusal =
                    Refusal::usage(format!("`{shown}` needs TLS, which this version lacks"));
                return Err(refusal.help(
                    "Reach the server through a local proxy or SSH tunnel, \
                                         and name that one with http://",
                ));
            }
            _ => return Err(Refusal::usage(format!("`{shown}` is no http:// URL")).help(advice)),
        }
        // What speaks no TLS needs no certificates: a machine may have none.
        let tls = ClientConfig::builder()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let http = Http::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_MAX)
            .timeout(ANSWER_MAX)
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Refusal::new(Exit::Unavailable, quote(&error.to_string())))?;
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Client { http, base, flag: hint::server(named) })
    }

    /// The document at `path`, or the problem that the server has with it.
    pub(crate) fn get(&self, path: &str) -> Result<String, Refusal> {
        let request = self.http.request(Method::GET, format!("{}{path}", self.base));
        self.answer(request)?.map_err(|(problem, body)| problem.refusal(body, None))
    }

    /// What the server answers to `body`. `source` is the source in it, with its name, for people
    /// to be shown what is wrong with it.
    pub(crate) fn post(
        &self,
        path: &str,
        body: String,
        source: Option<(&str, &str)>,
    ) -> Result<String, Refusal> {
        let request = self
            .http
            .request(Method::POST, format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        match self.answer(request)? {
            Ok(body) => Ok(body),
            // It has everything that an answer has.
            Err((problem, body)) if problem.is_failed_execution() => Ok(body),
            Err((problem, body)) => Err(problem.refusal(body, source)),
        }
    }

    fn answer(
        &self,
        request: RequestBuilder,
    ) -> Result<Result<String, (Problem, String)>, Refusal> {
        let response = request.send().map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let mut body = String::new();
        let read = response.take(ANSWER_BYTES_MAX).read_to_string(&mut body);
        read.map_err(|_| self.foreign("its answer broke off"))?;
        if status.is_success() {
            return Ok(Ok(body));
        }
        match Problem::read(&body) {
            Some(problem) => Ok(Err((problem, body))),
            None => Err(self.foreign(&format!("it answers {status}"))),
        }
    }

    /// The refusal of what answers, but not as a Tidegate server does.
    pub(crate) fn foreign(&self, reason: &str) -> Refusal {
        let message = format!("{} does not answer like a Tidegate server: {reason}", self.base);
        Refusal::new(Exit::Unavailable, message).help("Name another server with --server URL")
    }

    fn unreachable(&self, error: &reqwest::Error) -> Refusal {
        let base = quote(&self.base);
        if error.is_timeout() {
            let message = format!("the server at {base} does not answer in time");
            return Refusal::new(Exit::Unavailable, message)
                .next(format!("tidegate executions{}", self.flag));
        }
        Refusal::new(Exit::Unavailable, format!("there is no server at {base}"))
            .help("Start one, or name another one with --server URL")
            .next("tidegate serve")
    }
}
