//! The lines that pass between Tidegate and a worker, as pure functions: JSON, one document a
//! line, UTF-8.
//!
//! A first line is read strictly, since a key that is misspelt there (an effect) would change what
//! is done later. In answers, unknown keys are passed over.

use std::borrow::Cow;
use std::time::Duration;

use engine::ports::{ModuleCall, ModuleError};
use model::json;
use model::text::{did_you_mean, quote};
use model::{Code, Effect, Signature, Text, Type, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::declaration::fault_of_name;
use crate::limits::{LINE_BYTES_MAX, MODULES_MAX};

/// A module that a worker has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Offer {
    pub(crate) name: Text,
    pub(crate) signature: Signature,
    pub(crate) effect: Effect,
    pub(crate) doc: String,
}

impl Offer {
    /// Whether calls of the one may go to the other; their documentation may differ.
    pub(super) fn is_same(&self, other: &Offer) -> bool {
        (&self.name, &self.signature, self.effect) == (&other.name, &other.signature, other.effect)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hello<'a> {
    tidegate: u64,
    #[serde(borrow)]
    modules: Vec<Offered<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offered<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    signature: Cow<'a, str>,
    #[serde(borrow)]
    effect: Option<Cow<'a, str>>,
    #[serde(borrow)]
    doc: Option<Cow<'a, str>>,
}

/// The modules that the first line names; else what is wrong with it.
pub(super) fn hello(line: &[u8]) -> Result<Vec<Offer>, String> {
    let hello: Hello<'_> =
        serde_json::from_slice(line).map_err(|error| quote(&error.to_string()))?;
    if hello.tidegate != 1 {
        return Err(format!("it speaks version {} of the protocol, not 1", hello.tidegate));
    }
    if hello.modules.len() > MODULES_MAX {
        return Err(format!("it has more than {MODULES_MAX} modules"));
    }
    let mut offers: Vec<Offer> = hello.modules.iter().map(offer).collect::<Result<_, _>>()?;
    offers.sort_by(|a, b| a.name.cmp(&b.name));
    match offers.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(format!("it has the module `{}` twice", pair[0].name)),
        None => Ok(offers),
    }
}

fn offer(offered: &Offered<'_>) -> Result<Offer, String> {
    if let Some((message, _)) = fault_of_name(&offered.name) {
        return Err(message);
    }
    let name: Text = offered.name.as_ref().into();
    let signature = lang::signature(&offered.signature).map_err(|found| {
        let message = found.first().map(|diagnostic| diagnostic.message.clone());
        format!("the signature of `{name}`: {}", message.unwrap_or_default())
    })?;
    let effect = match offered.effect.as_deref() {
        None => Effect::Read,
        Some(word) => effect(word).map_err(|fault| format!("the module `{name}`: {fault}"))?,
    };
    let doc = offered.doc.as_deref().unwrap_or_default().trim().to_owned();
    Ok(Offer { name, signature, effect, doc })
}

fn effect(word: &str) -> Result<Effect, String> {
    let all = [Effect::Pure, Effect::Read, Effect::Write];
    all.into_iter().find(|effect| effect.as_str() == word).ok_or_else(|| {
        let help = did_you_mean(word, all.map(Effect::as_str)).unwrap_or_default();
        format!("unknown effect `{}`. {help}", quote(word)).trim_end().to_owned()
    })
}

/// A request but for its id, which is given when a replica is chosen.
pub(super) struct Request(Vec<u8>);

impl Request {
    /// The request that makes this call; R009 if it is longer than a line may be.
    pub(super) fn new(
        offer: &Offer,
        call: &ModuleCall,
        timeout: Duration,
    ) -> Result<Request, ModuleError> {
        let parameters = || offer.signature.parameters.iter().zip(call.arguments.iter());
        let room = parameters().try_fold(LINE_BYTES_MAX, |room, (parameter, value)| {
            room.checked_sub(json::length_within(&parameter.ty, value, room))
        });
        let mut out = b",\"call\":".to_vec();
        write(&Type::String, &Value::String(offer.name.clone()), &mut out);
        out.extend(b",\"inputs\":{");
        for (at, (parameter, value)) in parameters().enumerate().filter(|_| room.is_some()) {
            if at > 0 {
                out.push(b',');
            }
            write(&Type::String, &Value::String(parameter.name.clone()), &mut out);
            out.push(b':');
            write(&parameter.ty, value, &mut out);
        }
        out.extend(b"},\"callKey\":");
        write(&Type::String, &Value::String(call.key.clone()), &mut out);
        let (attempt, deadline_ms) = (call.attempt, timeout.as_millis());
        out.extend(format!(",\"attempt\":{attempt},\"deadlineMs\":{deadline_ms}}}\n").bytes());
        // The id in front is at most 26 bytes.
        if room.is_none() || out.len() + 26 > LINE_BYTES_MAX {
            let message = format!("the arguments are longer than {LINE_BYTES_MAX} bytes of JSON");
            return Err(ModuleError::new(Code::R009, message, false));
        }
        Ok(Request(out))
    }

    /// The whole line.
    pub(super) fn line(self, id: u64) -> Vec<u8> {
        let mut line = format!("{{\"id\":{id}").into_bytes();
        line.extend(self.0);
        line
    }
}

fn write(ty: &Type, value: &Value, out: &mut Vec<u8>) {
    json::write(ty, value, out);
}

/// The line that says that nobody waits for a call any more.
pub(super) fn cancel(id: u64) -> Vec<u8> {
    format!("{{\"cancel\":{id}}}\n").into_bytes()
}

/// What a worker answered to one request.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) id: u64,
    pub(super) reply: Reply,
}

/// How a call ended.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// JSON, not yet read at the type of the result.
    Output(String),
    Error {
        message: String,
        retryable: bool,
    },
    /// The worker was lost before it answered; why.
    Lost(String),
}

#[derive(Deserialize)]
struct AnsweredError<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(default)]
    retryable: bool,
}

/// The answer that a line is; else what is wrong with it.
pub(super) fn answer(line: &[u8]) -> Result<Answer, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let entries = json::entries(text).map_err(|error| quote(&error.to_string()))?;
    let one = |name: &str| -> Result<Option<&RawValue>, String> {
        let mut found = entries.iter().filter(|(key, _)| key == name).map(|(_, value)| *value);
        let first = found.next();
        if found.next().is_some() { Err(format!("`{name}` is there twice")) } else { Ok(first) }
    };
    let id = one("id")?.ok_or("it has no `id`")?.get();
    let id = id.parse().map_err(|_| format!("`{}` is not an id", quote(id)))?;
    let reply = match (one("output")?, one("error")?) {
        (Some(output), None) => Reply::Output(output.get().to_owned()),
        (None, Some(error)) => {
            let error: AnsweredError<'_> = serde_json::from_str(error.get())
                .map_err(|error| format!("`error`: {}", quote(&error.to_string())))?;
            Reply::Error { message: error.message.into_owned(), retryable: error.retryable }
        }
        (None, None) => return Err("it has neither `output` nor `error`".to_owned()),
        (Some(_), Some(_)) => return Err("it has both `output` and `error`".to_owned()),
    };
    Ok(Answer { id, reply })
}

/// The value that an output is; R010 if it is not of the type of the result.
pub(super) fn output(ty: &Type, output: &str) -> Result<Value, ModuleError> {
    json::read(ty, output).map_err(|faults| {
        let first = faults.first();
        let message = first.map_or(String::new(), |fault| {
            let pointer = Some(quote(&fault.pointer)).filter(|pointer| !pointer.is_empty());
            let place = pointer.map_or(String::new(), |pointer| format!("`{pointer}`: "));
            format!("the result does not fit its type: {place}{}", fault.message)
        });
        ModuleError::new(Code::R010, message, false)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Result<Vec<Text>, String> {
        hello(line.as_bytes()).map(|offers| offers.into_iter().map(|offer| offer.name).collect())
    }

    #[test]
    fn a_hello_names_modules() {
        let line = r#"{"tidegate":1,"modules":[
            {"name":"crm.Score","signature":"(id: String) -> Int","effect":"write","doc":" D. "},
            {"name":"A","signature":"() -> { a: Int }"}]}"#;
        let offers = hello(line.as_bytes()).unwrap();
        assert_eq!(offers[0].effect, Effect::Read);
        assert_eq!(offers[0].signature.to_string(), "() -> { a: Int }");
        assert_eq!((offers[1].effect, offers[1].doc.as_str()), (Effect::Write, "D."));
        assert_eq!(names(r#"{"tidegate":1,"modules":[]}"#), Ok(vec![]));
    }

    #[test]
    fn what_is_wrong_with_a_hello() {
        let module = |module: &str| names(&format!(r#"{{"tidegate":1,"modules":[{module}]}}"#));
        for (found, expected) in [
            (names("hello"), "expected value at line 1 column 1"),
            (names(r#"{"tidegate":2,"modules":[]}"#), "it speaks version 2 of the protocol, not 1"),
            (names(r#"{"tidegate":1}"#), "missing field `modules` at line 1 column 14"),
            (
                module(
                    r#"{"name":"A","signature":"() -> Int"},{"name":"A","signature":"() -> Int"}"#,
                ),
                "it has the module `A` twice",
            ),
            (
                module(r#"{"name":"3","signature":"() -> Int"}"#),
                "`3` is not a name that a pipeline can call",
            ),
            (
                module(r#"{"name":"A","signature":"() -> Itn"}"#),
                "the signature of `A`: there is no type `Itn`",
            ),
            (
                module(r#"{"name":"A","signature":"() -> Int","effect":"wirte"}"#),
                "the module `A`: unknown effect `wirte`. Did you mean `write`?",
            ),
        ] {
            assert_eq!(found.unwrap_err(), expected);
        }
        let misspelt = module(r#"{"name":"A","signature":"() -> Int","efect":"write"}"#);
        assert!(misspelt.unwrap_err().starts_with("unknown field `efect`"));
    }

    #[test]
    fn a_request_is_one_line() {
        let line = r#"{"tidegate":1,"modules":[{"name":"A","signature":"(a: Optional<Int>, b: String) -> Int"}]}"#;
        let offer = &hello(line.as_bytes()).unwrap()[0];
        let call = |b: String| ModuleCall {
            arguments: [Value::None, Value::string(b.as_str())].into(),
            key: "exec-1/m.1".into(),
            attempt: 2,
            trace: None,
        };
        let request = Request::new(offer, &call("x\n".into()), Duration::from_millis(900));
        assert_eq!(
            String::from_utf8(request.unwrap().line(7)).unwrap(),
            "{\"id\":7,\"call\":\"A\",\"inputs\":{\"a\":null,\"b\":\"x\\n\"},\"callKey\":\"exec-1/m.1\",\
             \"attempt\":2,\"deadlineMs\":900}\n"
        );
        let long = Request::new(offer, &call("\n".repeat(9 << 20)), Duration::ZERO);
        assert_eq!(long.err().map(|error| error.code), Some(Code::R009));
        assert_eq!(cancel(7), b"{\"cancel\":7}\n");
    }

    #[test]
    fn answers() {
        let reply = |line: &str| answer(line.as_bytes()).map(|answer| (answer.id, answer.reply));
        let output = |text: &str| Reply::Output(text.to_owned());
        assert_eq!(reply(r#"{"id":7,"output":null}"#), Ok((7, output("null"))));
        assert_eq!(reply(r#"{"output": [1 ],"id":7,"more":0}"#), Ok((7, output("[1 ]"))));
        let error = Reply::Error { message: "no".into(), retryable: false };
        assert_eq!(reply(r#"{"id":7,"error":{"message":"no"}}"#), Ok((7, error)));
        for bad in [
            "",
            "7",
            "{}",
            r#"{"id":7}"#,
            r#"{"id":-7,"output":1}"#,
            r#"{"id":"7","output":1}"#,
            r#"{"id":7,"id":7,"output":1}"#,
            r#"{"id":7,"output":1,"error":{"message":"no"}}"#,
            r#"{"id":7,"error":"no"}"#,
            r#"{"id":7,"output":1}{"#,
        ] {
            assert!(reply(bad).is_err(), "{bad}");
        }
        assert_eq!(answer(b"{\"id\":7,\"output\":\"\xff\"}").unwrap_err(), "it is not UTF-8");
    }

    #[test]
    fn an_output_must_be_of_its_type() {
        let ty = lang::signature("() -> { a: List<Int> }").unwrap().result;
        assert!(output(&ty, r#"{"a":[1]}"#).is_ok());
        let error = output(&ty, r#"{"a":[1,"x"]}"#).unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::R010, false));
        assert_eq!(
            error.message,
            "the result does not fit its type: `/a/1`: expected Int, got string"
        );
    }
}
