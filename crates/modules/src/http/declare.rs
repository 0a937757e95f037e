//! What a manifest says of an HTTP source and of its requests.

use std::ops::Range;

use model::Diagnostic;
use model::text::{did_you_mean, quote};
use model::types::is_subtype;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::formula::{Formula, RESPONSE};
use super::request::{Answer, Body, Parameters, Request, is_folded};
use super::template::{Template, Wrong, encoded};
use crate::declaration::{ModuleBody, ModuleDeclaration, SourceDeclaration};
use crate::document::{Section, Words};
use crate::fault::{Faults, ManifestFault};
use crate::secret::{Expanded, Secrets};

/// Headers that the connection or the engine decides about.
const RESERVED_HEADERS: [&str; 13] = [
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "accept-encoding",
    "idempotency-key",
    "traceparent",
];

/// A service to ask.
pub(crate) struct HttpDeclaration {
    base_url: Words,
    headers: Vec<(Words, Words)>,
    pub(crate) allow_private: bool,
}

/// What a source is asked with.
pub(crate) struct Base {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) secrets: Secrets,
}

impl HttpDeclaration {
    pub(crate) fn read(section: &mut Section<'_>, faults: &mut Faults) -> Option<HttpDeclaration> {
        let help = "Give the address of the service: `base_url = \"https://api.example.com\"`";
        let base_url = section.required("base_url", help, faults);
        let headers = section.text_table("headers", faults);
        let allow_private = section.boolean("allow_private", faults).unwrap_or(false);
        Some(HttpDeclaration { base_url: base_url?, headers: headers?, allow_private })
    }

    /// A fault of the address.
    pub(crate) fn fault(&self, source: &SourceDeclaration<'_>, message: String) -> ManifestFault {
        source.fault(self.base_url.span.clone(), "base_url", message)
    }

    /// The address and the headers, with their secrets.
    pub(crate) fn base(&self, source: &SourceDeclaration<'_>) -> Result<Base, Box<ManifestFault>> {
        let expanded = Expanded::read(&self.base_url, source, "base_url")?;
        let fault = |span: &Range<usize>, key: &str, message: String| {
            Box::new(source.fault(span.clone(), key, message))
        };
        let wrong = |message: &str| Box::new(self.fault(source, message.to_owned()));
        let url = Url::parse(expanded.reveal()).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("expected `http://` or `https://` and a host"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("a base URL has neither a query nor a fragment"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let help = "Write an `Authorization` header instead";
            return Err(Box::new(wrong("a base URL holds no user and no password").help(help)));
        }
        let mut headers = HeaderMap::new();
        let mut texts = vec![expanded];
        for (name, value) in &self.headers {
            let (key, header) =
                header_name(name).map_err(|message| fault(&name.span, "headers", message))?;
            let text = Expanded::read(value, source, "headers")?;
            let mut value = HeaderValue::from_str(text.reveal()).map_err(|_| {
                let message = format!("the value of `{key}` cannot be a header");
                fault(&value.span, "headers", message)
            })?;
            value.set_sensitive(true);
            if headers.insert(header, value).is_some() {
                return Err(fault(&name.span, "headers", format!("there are two headers `{key}`")));
            }
            texts.push(text);
        }
        Ok(Base { url, headers, secrets: Secrets::of(&texts) })
    }
}

fn header_name(name: &Words) -> Result<(String, HeaderName), String> {
    let shown = quote(&name.text);
    let header: HeaderName =
        name.text.parse().map_err(|_| format!("`{shown}` cannot be the name of a header"))?;
    if RESERVED_HEADERS.contains(&header.as_str()) {
        return Err(format!("the header `{shown}` is set by Tidegate"));
    }
    Ok((shown, header))
}

/// How a module asks.
pub(crate) struct HttpCall {
    request: Words,
    query: Vec<(Words, Words)>,
    headers: Vec<(Words, Words)>,
    body: Option<Words>,
    response: Option<Words>,
    result: Option<Words>,
    absent_on: Vec<i64>,
}

impl HttpCall {
    /// The keys that only such modules have.
    pub(crate) const KEYS: &'static [&'static str] =
        &["request", "query", "headers", "body", "response", "result", "absent_on"];

    pub(crate) fn read(section: &mut Section<'_>, faults: &mut Faults) -> Option<HttpCall> {
        let help = "Write the method and the path: `request = \"GET /customers/{id}\"`";
        let request = section.required("request", help, faults);
        let query = section.text_table("query", faults);
        let headers = section.text_table("headers", faults);
        let body = section.words("body", faults);
        let response = section.words("response", faults);
        let result = section.words("result", faults);
        let absent_on = section.integers("absent_on", 100..=599, faults);
        let (request, query, headers) = (request?, query?, headers?);
        Some(HttpCall { request, query, headers, body, response, result, absent_on })
    }

    /// The request, checked against the signature; `None` if it does not fit, which is then a fault.
    pub(crate) fn check(
        &self,
        module: &ModuleDeclaration<'_>,
        body: &ModuleBody,
        faults: &mut Faults,
    ) -> Option<Request> {
        let checker = Checker { call: self, module, body };
        let before = faults.count();
        let request = checker.request(faults);
        request.filter(|_| faults.count() == before)
    }
}

struct Checker<'a, 'f> {
    call: &'a HttpCall,
    module: &'a ModuleDeclaration<'f>,
    body: &'a ModuleBody,
}

impl Checker<'_, '_> {
    fn request(&self, faults: &mut Faults) -> Option<Request> {
        let signature = &self.body.signature;
        let (method, path, query) = self.target(faults)?;
        let mut used: Vec<usize> = path.iter().flat_map(Template::uses).collect();
        let mut parameters = query;
        for (name, value) in &self.call.query {
            let template = Template::of(value, signature);
            if let Some(template) = self.template(value, "query", template, faults) {
                parameters.push((encoded(&name.text), template.encoded()));
            }
        }
        let headers = self.headers(faults);
        used.extend(parameters.iter().flat_map(|(_, template)| template.uses()));
        used.extend(headers.iter().flat_map(|(_, template)| template.uses()));
        let body = self.request_body(&method, &mut used, faults);
        let answer = self.answer(faults);
        used.extend(answer.iter().flat_map(Answer::uses));
        // An expression with a fault may have meant to use any of them.
        let is_known = body.is_some() && (answer.is_some() || self.call.result.is_none());
        for (at, parameter) in signature.parameters.iter().enumerate() {
            if is_known && !used.contains(&at) {
                let message = format!("the parameter `{}` is not used", quote(&parameter.name));
                let span = self.call.request.span.clone();
                let help = "Use it in the path, in `query`, in `headers` or in `body`";
                faults.push(self.module.fault(span, "request", message).help(help));
            }
        }
        Some(Request { method, path, query: parameters, headers, body: body?, answer: answer? })
    }

    fn headers(&self, faults: &mut Faults) -> Vec<(HeaderName, Template)> {
        let mut headers: Vec<(HeaderName, Template)> = Vec::new();
        for (name, value) in &self.call.headers {
            let is_new = |(shown, header): (String, HeaderName)| {
                let is_there = headers.iter().any(|(other, _)| *other == header);
                if is_there { Err(format!("there are two headers `{shown}`")) } else { Ok(header) }
            };
            let header = header_name(name).and_then(is_new).map_err(|message| {
                faults.push(self.module.fault(name.span.clone(), "headers", message));
            });
            let template = Template::of(value, &self.body.signature);
            let template = self.template(value, "headers", template, faults);
            headers.extend(header.ok().zip(template));
        }
        headers
    }

    /// Method, segments of the path, and the query behind it.
    fn target(&self, faults: &mut Faults) -> Option<(Method, Vec<Template>, Parameters)> {
        let words = &self.call.request;
        let mut fault = |message: &str, help: Option<String>| {
            let usual = || "Write the method and the path: `GET /customers/{id}`".to_owned();
            let help = help.unwrap_or_else(usual);
            faults.push(self.module.fault(words.span.clone(), "request", message).help(help));
        };
        let Some((method, target)) = words.text.split_once(' ') else {
            fault("expected a method and a path", None);
            return None;
        };
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
        if !methods.contains(&method) {
            let message = format!("unknown method `{}`", quote(method));
            fault(&message, did_you_mean(method, methods));
            return None;
        }
        let method: Method = method.parse().ok()?;
        let target = target.trim();
        let is_foreign = |c: char| c.is_control() || matches!(c, '#' | ' ' | '\\');
        if !target.starts_with('/') || target.contains(is_foreign) {
            fault("the path must begin with `/`, and hold no space, `#` or `\\`", None);
            return None;
        }
        if target.split('?').next().is_some_and(|path| path.split('/').any(is_folded)) {
            fault("the path must not hold `.` or `..` as a part", None);
            return None;
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let offset = |part: &str| part.as_ptr() as usize - words.text.as_ptr() as usize;
        let signature = &self.body.signature;
        let mut segments = Vec::new();
        for segment in path[1..].split('/') {
            let template = Template::read(segment, offset(segment), signature);
            segments.push(self.template(words, "request", template, faults)?);
        }
        let mut parameters = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, &pair[pair.len()..]));
            let template = Template::read(value, offset(value), signature);
            parameters.push((name.to_owned(), self.template(words, "request", template, faults)?));
        }
        Some((method, segments, parameters))
    }

    fn template(
        &self,
        words: &Words,
        key: &str,
        template: Result<Template, Wrong>,
        faults: &mut Faults,
    ) -> Option<Template> {
        let wrong = |(part, message, help): Wrong| {
            let span = words.part(self.module.file, part);
            faults.push(self.module.fault(span, key, message).maybe_help(help));
        };
        template.map_err(wrong).ok()
    }

    /// What becomes of the answer.
    fn answer(&self, faults: &mut Faults) -> Option<Answer> {
        let result = &self.body.signature.result;
        if !self.call.absent_on.is_empty() && !result.is_optional() {
            let message = "`absent_on` needs a result that may be absent";
            let span = self.body.signature_words.span.clone();
            let help = format!("Write the result as `Optional<{result}>`");
            faults.push(self.module.fault(span, "absent_on", message).help(help));
            return None;
        }
        let response = match &self.call.response {
            Some(words) => match lang::ty(&words.text) {
                Ok(ty) => ty,
                Err(found) => {
                    self.report(words, "response", found, faults);
                    return None;
                }
            },
            // Absence is told by the status, so what is there is there.
            None if !self.call.absent_on.is_empty() => result.content().clone(),
            None => result.clone(),
        };
        let formula = match &self.call.result {
            Some(words) => {
                let signature = &self.body.signature;
                if signature.parameters.iter().any(|parameter| parameter.name == RESPONSE) {
                    let message = "a parameter is called `response`, as the answer is in `result`";
                    let span = self.body.signature_words.find(self.module.file, RESPONSE);
                    let fault = self.module.fault(span, "signature", message);
                    faults.push(fault.help("Choose another name"));
                    return None;
                }
                let made = Formula::compile(&words.text, signature, Some(&response), Some(result));
                match made {
                    Ok(formula) => Some(formula),
                    Err(found) => {
                        self.report(words, "result", found, faults);
                        return None;
                    }
                }
            }
            None if response == *result || response == *result.content() => None,
            None => {
                let help = if is_subtype(&response, result) {
                    "Write `result = \"response\"`".to_owned()
                } else {
                    format!("Say with `result` how a `{result}` is made of it")
                };
                let span = self.call.response.as_ref().map_or(0..0, |words| words.span.clone());
                let message = format!("the response is `{response}`, the result `{result}`");
                faults.push(self.module.fault(span, "response", message).help(help));
                return None;
            }
        };
        let absent_on = self.call.absent_on.iter().map(|status| *status as u16).collect();
        Some(Answer { response, formula, absent_on })
    }

    /// What is sent: an expression, or what was not used elsewhere.
    fn request_body(
        &self,
        method: &Method,
        used: &mut Vec<usize>,
        faults: &mut Faults,
    ) -> Option<Body> {
        let signature = &self.body.signature;
        match &self.call.body {
            Some(words) => match Formula::compile(&words.text, signature, None, None) {
                Ok(formula) => {
                    used.extend(formula.uses());
                    Some(Body::Formula(formula.into()))
                }
                Err(found) => {
                    self.report(words, "body", found, faults);
                    None
                }
            },
            None if matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {
                let all = 0..signature.parameters.len();
                let rest: Vec<usize> = all.filter(|at| !used.contains(at)).collect();
                used.extend(&rest);
                let named = rest.into_iter().map(|at| {
                    let parameter = &signature.parameters[at];
                    (parameter.name.to_string(), at, parameter.ty.clone())
                });
                Some(Body::Rest(named.collect()))
            }
            None => Some(Body::Nothing),
        }
    }

    fn report(&self, words: &Words, key: &str, found: Vec<Diagnostic>, faults: &mut Faults) {
        for diagnostic in found {
            let part = diagnostic.span.start as usize..diagnostic.span.end as usize;
            let span = words.part(self.module.file, part);
            let fault = self.module.fault(span, key, diagnostic.message);
            faults.push(fault.maybe_help(diagnostic.help));
        }
    }
}
