//! One request: what is sent for given arguments, and what its answer becomes.

use std::time::{Duration, SystemTime};

use engine::ports::ModuleError;
use model::json::{self, Fault};
use model::text::{cut, quote};
use model::{Code, Type, Value};
use reqwest::header::{CONTENT_ENCODING, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::formula::Formula;
use super::template::{Position, Template, UNUSABLE, Unusable};
use crate::limits::{
    ANSWER_BYTES_MAX, ERROR_BODY_BYTES, ERROR_BODY_CHARS, ERROR_BODY_TIME, RETRY_AFTER_MAX,
};
use crate::secret::Secrets;

/// A request with places for arguments.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The segments of the path.
    pub(crate) path: Vec<Template>,
    pub(crate) query: Parameters,
    pub(crate) headers: Vec<(HeaderName, Template)>,
    pub(crate) body: Body,
    pub(crate) answer: Answer,
}

/// Parameters of a query by their names, as a URL has them.
pub(crate) type Parameters = Vec<(String, Template)>;

/// What a request carries.
pub(crate) enum Body {
    Nothing,
    /// The value of an expression.
    Formula(Box<Formula>),
    /// These arguments, by name.
    Rest(Vec<(String, usize, Type)>),
}

/// What an answer becomes.
pub(crate) struct Answer {
    pub(crate) response: Type,
    /// How the result is made of the response; it is the response itself if there is none.
    pub(crate) formula: Option<Formula>,
    /// Statuses that mean `none`.
    pub(crate) absent_on: Vec<u16>,
}

impl Request {
    /// Where it goes with these arguments.
    pub(crate) fn url(&self, base: &Url, arguments: &[Value]) -> Result<Url, Unusable> {
        let mut path = base.path().trim_end_matches('/').to_owned();
        for segment in &self.path {
            let filled = segment.fill(arguments, Position::Path)?;
            let filled = filled.ok_or("an argument in the path is `none`")?;
            if is_folded(&filled) {
                return Err(format!("`{filled}` cannot be a part of the path"));
            }
            path.push('/');
            path.push_str(&filled);
        }
        let mut query = Vec::new();
        for (name, value) in &self.query {
            if let Some(value) = value.fill(arguments, Position::Query)? {
                query.push(format!("{name}={value}"));
            }
        }
        let mut url = base.clone();
        url.set_path(&path);
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        Ok(url)
    }

    /// The headers that arguments are in; one of them that is `none` leaves its header out.
    pub(crate) fn headers(
        &self,
        arguments: &[Value],
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Unusable> {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            if let Some(text) = value.fill(arguments, Position::Header)? {
                let value = HeaderValue::from_bytes(text.as_bytes())
                    .map_err(|_| format!("the value of the header `{name}` cannot be sent"))?;
                headers.push((name.clone(), value));
            }
        }
        Ok(headers)
    }

    /// The JSON that is sent, if any is.
    pub(crate) fn body(&self, arguments: &[Value]) -> Result<Option<String>, ModuleError> {
        match &self.body {
            Body::Nothing => Ok(None),
            Body::Formula(formula) => {
                let value = formula.value(arguments, None).map_err(|failure| {
                    let message = format!("the body cannot be computed: {}", failure.message);
                    ModuleError::new(UNUSABLE, message, false)
                })?;
                Ok(Some(json::to_string(&formula.ty(), &value)))
            }
            Body::Rest(fields) => {
                let fields = fields.iter().map(|(name, at, ty)| {
                    let name = json::to_string(&Type::String, &Value::string(name.as_str()));
                    format!("{name}:{}", json::to_string(ty, &arguments[*at]))
                });
                Ok(Some(format!("{{{}}}", fields.collect::<Vec<_>>().join(","))))
            }
        }
    }
}

/// Whether URLs fold this segment of a path away, so that the request would go somewhere else.
pub(crate) fn is_folded(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

impl Answer {
    /// Whether the status means `none`.
    pub(crate) fn is_absent(&self, status: StatusCode) -> bool {
        self.absent_on.contains(&status.as_u16())
    }

    /// The parameters that making the result uses.
    pub(crate) fn uses(&self) -> impl Iterator<Item = usize> {
        self.formula.iter().flat_map(Formula::uses)
    }

    /// The result, or why there is none.
    pub(crate) async fn read(
        &self,
        response: Response,
        arguments: &[Value],
        secrets: &Secrets,
    ) -> Result<Value, ModuleError> {
        let status = response.status();
        if self.is_absent(status) {
            return Ok(Value::None);
        }
        if !status.is_success() {
            return Err(refusal(response, secrets).await);
        }
        let text = whole(response, secrets).await?;
        self.value(&text, arguments, secrets)
    }

    /// What an answer that was recorded becomes.
    pub(crate) fn recorded(
        &self,
        status: StatusCode,
        text: &str,
        arguments: &[Value],
    ) -> Result<Value, ModuleError> {
        match status {
            _ if self.is_absent(status) => Ok(Value::None),
            _ if status.is_success() => self.value(text, arguments, &Secrets::default()),
            _ => Err(refused(status, text, None)),
        }
    }

    /// What the body of a success becomes.
    fn value(
        &self,
        text: &str,
        arguments: &[Value],
        secrets: &Secrets,
    ) -> Result<Value, ModuleError> {
        let text = if text.trim().is_empty() { "null" } else { text };
        let response =
            json::read(&self.response, text).map_err(|faults| unfit(&faults, secrets))?;
        match &self.formula {
            None => Ok(response),
            Some(formula) => formula.value(arguments, Some(&response)).map_err(|failure| {
                let message = format!("the result cannot be computed: {}", failure.message);
                ModuleError::new(Code::R010, secrets.hide(&message), false)
            }),
        }
    }
}

fn unfit(faults: &[Fault], secrets: &Secrets) -> ModuleError {
    let message = match faults.first() {
        Some(fault) if fault.pointer.is_empty() => fault.message.clone(),
        Some(fault) => format!("{}: {}", fault.pointer, fault.message),
        None => "it cannot be read".to_owned(),
    };
    let message = secrets.hide(&format!("the answer does not fit: {message}"));
    ModuleError::new(Code::R010, message, false)
}

/// All of the body as text, unpacked, within the bound.
async fn whole(mut response: Response, secrets: &Secrets) -> Result<String, ModuleError> {
    // What the client unpacks, it does not name any more.
    if let Some(packing) = response.headers().get(CONTENT_ENCODING)
        && packing != "identity"
    {
        let packing = quote(&secrets.hide(&String::from_utf8_lossy(packing.as_bytes())));
        let message = format!("the answer is packed as `{packing}`, which was not asked for");
        return Err(ModuleError::new(Code::R010, message, false));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| super::explain(&error, secrets))?
    {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            let message = format!("the answer is longer than {ANSWER_BYTES_MAX} bytes");
            return Err(ModuleError::new(Code::R010, message, false));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes)
        .map_err(|_| ModuleError::new(Code::R010, "the answer is not UTF-8".to_owned(), false))
}

/// What a status that is no success means.
async fn refusal(mut response: Response, secrets: &Secrets) -> ModuleError {
    let status = response.status();
    let after = retry_after(&response);
    let mut body = Vec::new();
    // A piece is enough, and not worth much time: the status has said it all.
    let read = tokio::time::timeout(ERROR_BODY_TIME, piece_of(&mut response, &mut body));
    let is_whole = read.await.unwrap_or(false);
    let mut body = String::from_utf8_lossy(&body).into_owned();
    if !is_whole {
        body.push('…');
    }
    refused(status, &secrets.hide(&body), after)
}

fn refused(status: StatusCode, body: &str, after: Option<Duration>) -> ModuleError {
    let piece = cut(body.trim(), ERROR_BODY_CHARS);
    let reason = status.canonical_reason().map_or(String::new(), |reason| format!(" {reason}"));
    let message = match (status.is_redirection(), piece.as_str()) {
        (true, _) => {
            format!("the answer is {}{reason}, a redirect that is not followed", status.as_u16())
        }
        (false, "") => format!("the answer is {}{reason}", status.as_u16()),
        (false, piece) => format!("the answer is {}{reason}: {piece}", status.as_u16()),
    };
    let is_passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    let too_late = after.is_some_and(|after| after > RETRY_AFTER_MAX);
    ModuleError {
        retry_after: after.filter(|_| is_passing && !too_late),
        ..ModuleError::new(Code::R001, message, is_passing && !too_late)
    }
}

/// Reads the beginning of a body; tells whether it is all of it.
async fn piece_of(response: &mut Response, body: &mut Vec<u8>) -> bool {
    while body.len() < ERROR_BODY_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                body.extend_from_slice(&chunk[..chunk.len().min(ERROR_BODY_BYTES - body.len())]);
            }
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
    false
}

/// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// An argument that cannot be sent.
pub(crate) fn unusable(message: Unusable) -> ModuleError {
    ModuleError::new(UNUSABLE, quote(&message), false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::Url;

    use super::*;

    /// `GET /a/{x}/b?q={x}` below a base, with a header `h`.
    fn request() -> (Url, Request) {
        let signature = lang::signature("(x: String) -> String").expect("a signature");
        let template = |text| Template::read(text, 0, &signature).expect("a template");
        let request = Request {
            method: Method::GET,
            path: ["a", "{x}", "b"].map(template).into(),
            query: vec![("q".to_owned(), template("{x}"))],
            headers: vec![(HeaderName::from_static("h"), template("-{x}"))],
            body: Body::Nothing,
            answer: Answer { response: Type::String, formula: None, absent_on: Vec::new() },
        };
        ("https://example.com/v1/".parse().expect("a URL"), request)
    }

    fn decoded(text: &str) -> Vec<(String, String)> {
        url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    }

    proptest! {
           #[test]
           fn an_argument_is_only_ever_a_value_where_it_stands(x in r"\PC*|[\x00-\x7f]{0,8}|[./%2eE\\]{1,6}") {
               let (base, request) = request();
               let arguments = [Value::string(x.as_str())];
               match request.url(&base, &arguments) {
                   Err(_) => prop_assert!(matches!(x.as_str(), "" | "." | "..")),
                   Ok(url) => {
                       prop_assert_eq!(url.origin(), base.origin());
                       prop_assert!(url.fragment().is_none() && url.username().is_empty());
                       let is_value = |pairs: Vec<(String, String)>| pairs == [("q".to_owned(), x.clone())];
                       prop_assert!(is_value(decoded(url.query().unwrap_or_default())), "{}", url);
                       let segments: Vec<&str> = url.path().split('/').collect();
                       prop_assert_eq!(segments.len(), 5, "{}", url);
                       prop_assert_eq!((segments[1], segments[2], segments[4]), ("v1", "a", "b"));
                       prop_assert!(is_value(decoded(&format!("q={}", segments[3]))), "{}", url);
                   }
               }
               match request.headers(&arguments) {
                   Err(_) => prop_assert!(x.chars().any(char::is_control)),
                   Ok(headers) => {
    let sent = format!("-{x}"); prop_assert_eq!(headers[0].1.as_bytes(), sent.as_bytes());}
               }
           }
       }
}
