//! The options of a call (specification, section 10): their forms, what they change about the call's
//! type, and limits that calls of one module disagree about.

use std::collections::HashMap;

use model::plan::{Backoff, Cache, MemberTest, Rate};
use model::{
    Code, Diagnostic, Effect, Field, Function, Member, Record, Span, Text, Type, Union, Value,
};

use super::Checker;
use super::expect::{fits, show};
use super::member_test;
use crate::program::{OnError, Options};
use crate::syntax::{CallOption, OptionValue};

/// More attempts than this are probably a mistake.
const RETRY_USUAL_MAX: u32 = 10;

/// Options that act on computed functions too.
const ON_FAILURE: [&str; 2] = ["fallback", "on_error"];

/// Limits that were met, in the order of the source.
#[derive(Debug, Default)]
pub(super) struct Limits(Vec<Limit>);

#[derive(Debug)]
struct Limit {
    function: u32,
    value: LimitValue,
    span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LimitValue {
    Throttle(Rate),
    Concurrency(u64),
}

impl Limits {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl LimitValue {
    fn option(self) -> &'static str {
        match self {
            LimitValue::Throttle(_) => "throttle",
            LimitValue::Concurrency(_) => "concurrency",
        }
    }

    /// Whether it lets less through than `other`, which is of the same option.
    fn is_stricter(self, other: LimitValue) -> bool {
        match (self, other) {
            (LimitValue::Throttle(a), LimitValue::Throttle(b)) => {
                let (a_rate, b_rate) = (
                    u128::from(a.count) * u128::from(b.per_ms),
                    u128::from(b.count) * u128::from(a.per_ms),
                );
                (a_rate, a.count) < (b_rate, b.count)
            }
            (LimitValue::Concurrency(a), LimitValue::Concurrency(b)) => a < b,
            (LimitValue::Throttle(_), _) | (LimitValue::Concurrency(_), _) => false,
        }
    }
}

impl<'a> Checker<'a> {
    /// The options of a call of `function` that gives a `result`, and the type that the call has
    /// with them. A call that has no meaning has no function; then only mistakes are found.
    pub(super) fn options(
        &mut self,
        options: &'a [CallOption],
        function: Option<&Function>,
        result: &Type,
    ) -> (Options, Type) {
        let mut checked = Options::default();
        for (at, option) in options.iter().enumerate() {
            let name = &option.name;
            let earlier = options[..at].iter().find(|earlier| earlier.name.text == name.text);
            if let Some(earlier) = earlier {
                if let OptionValue::Expr(value) = &option.value {
                    self.infer_settled(value);
                }
                let message = format!("the option `{}` is given twice", name.text);
                self.report(
                    Diagnostic::new(Code::E032, name.span, message)
                        .label(earlier.name.span, "first given here")
                        .help("remove one of the two"),
                );
                continue;
            }
            self.option(option, function, result, &mut checked);
        }
        if let Some(function) = function {
            self.warn_of_idle_options(options, function);
        }
        let ty = match checked.on_error {
            OnError::Wrap => wrapped(result),
            OnError::Propagate | OnError::Skip(_) | OnError::Log(_) => result.clone(),
        };
        (checked, ty)
    }

    fn option(
        &mut self,
        option: &'a CallOption,
        function: Option<&Function>,
        result: &Type,
        checked: &mut Options,
    ) {
        let (name, span) = (option.name.text.as_str(), option.name.span);
        let place = place(&option.value, span);
        let call = &mut checked.call;
        let form = match (name, &option.value) {
            ("retry", OptionValue::Int(count @ 0.., _)) => {
                call.retry = u32::try_from(*count).unwrap_or(u32::MAX);
                return self.warn_of_many_attempts(call.retry, place);
            }
            ("delay", OptionValue::Duration(ms @ 1.., _)) => return call.delay_ms = *ms,
            ("timeout", OptionValue::Duration(ms @ 1.., _)) => return call.timeout_ms = Some(*ms),
            ("backoff", OptionValue::Word(word)) if backoff(&word.text).is_some() => {
                return call.backoff = backoff(&word.text).unwrap_or(Backoff::Fixed);
            }
            ("cache", OptionValue::Duration(ttl_ms @ 1.., _)) => {
                if function.is_some_and(|function| function.effect == Effect::Write) {
                    let message = "the result of a `write` module is never reused";
                    let diagnostic = Diagnostic::new(Code::E016, span, message);
                    return self.report(diagnostic.help("remove `cache`"));
                }
                let backend = call.cache.take().and_then(|cache| cache.backend);
                return call.cache = Some(Cache { ttl_ms: *ttl_ms, backend });
            }
            ("cache_backend", OptionValue::String(backend, _)) => {
                self.warn_of_unknown_cache(backend, place);
                let ttl_ms = call.cache.take().map_or(0, |cache| cache.ttl_ms);
                return call.cache = Some(Cache { ttl_ms, backend: Some(backend.clone()) });
            }
            ("throttle", OptionValue::Rate(count @ 1.., per_ms @ 1.., _)) => {
                return call.throttle = Some(Rate { count: *count, per_ms: *per_ms });
            }
            ("concurrency", OptionValue::Int(count @ 1.., _)) => {
                return call.concurrency = Some(*count as u64);
            }
            ("priority", OptionValue::Int(level, _)) => {
                return call.priority = (*level).clamp(0, 100) as u8;
            }
            ("priority", OptionValue::Word(word)) if priority(&word.text).is_some() => {
                return call.priority = priority(&word.text).unwrap_or_default();
            }
            ("lazy", OptionValue::Flag) => return call.lazy = true,
            ("lazy", OptionValue::Boolean(value, _)) => return call.lazy = *value,
            ("fallback", OptionValue::Expr(value)) => {
                let value = self.infer(value);
                checked.fallback = self.fallback(value, result);
                return;
            }
            ("on_error", OptionValue::Word(word)) => match self.on_error(word, result) {
                Some(Some(on_error)) => return checked.on_error = on_error,
                Some(None) => return,
                None => FORMS_OF_ON_ERROR,
            },
            ("on_error", _) => FORMS_OF_ON_ERROR,
            ("retry", _) => "a whole number from 0 up, such as `3`",
            ("delay" | "timeout" | "cache", _) => "a duration above zero, such as `200ms`",
            ("backoff", _) => "`fixed`, `linear` or `exponential`",
            ("cache_backend", _) => "the name of a cache in quotes",
            ("throttle", _) => "a number above zero per duration, such as `10/1s`",
            ("concurrency", _) => "a whole number above zero, such as `4`",
            ("priority", _) => {
                "`critical`, `high`, `normal`, `low`, `background`, or a number from 0 to 100"
            }
            ("lazy", _) => "`true` or `false`",
            (name, _) => {
                let name = model::text::quote(name);
                let message = format!("the option `{name}` is reserved for streaming");
                return self.report(Diagnostic::new(Code::E023, span, message).help("remove it"));
            }
        };
        self.report(Diagnostic::new(Code::E016, place, format!("`{name}` takes {form}")));
    }

    fn warn_of_many_attempts(&mut self, count: u32, span: Span) {
        if count > RETRY_USUAL_MAX {
            let message = format!("{count} further attempts are a lot");
            let help = format!("{RETRY_USUAL_MAX} or fewer are usual, with a `delay`");
            self.report(Diagnostic::new(Code::W004, span, message).help(help));
        }
    }

    fn warn_of_unknown_cache(&mut self, backend: &str, span: Span) {
        let known = self.functions.caches();
        if !known.contains(backend) {
            let quoted = model::text::quote(backend);
            let message = format!("this host has no cache `{quoted}`; its default one is used");
            let help = model::text::did_you_mean(backend, known.iter().map(Text::as_str));
            self.report(Diagnostic::new(Code::W014, span, message).maybe_help(help));
        }
    }

    fn fallback(
        &mut self,
        value: crate::program::Expr,
        result: &Type,
    ) -> Option<crate::program::Expr> {
        if fits(&value, result) {
            return Some(self.fit(value, result));
        }
        let message =
            format!("the call gives {}, but its fallback {}", show(result), show(&value.ty));
        let help = format!("give a fallback of type {}", show(result));
        self.report(Diagnostic::new(Code::E017, value.span, message).help(help));
        None
    }

    /// What `on_error: word` means; `Some(None)` after an error that is reported here.
    fn on_error(&mut self, word: &crate::syntax::Name, result: &Type) -> Option<Option<OnError>> {
        let on_error = match word.text.as_str() {
            "propagate" => OnError::Propagate,
            "wrap" => OnError::Wrap,
            "skip" | "log" => match zero(result) {
                Some(zero) if word.text == "skip" => OnError::Skip(zero),
                Some(zero) => OnError::Log(zero),
                None if *result == Type::Unknown => OnError::Propagate,
                None => {
                    let message = format!("there is no value of type {} to give", show(result));
                    let help = "use `fallback`, or `on_error: wrap`";
                    let diagnostic = Diagnostic::new(Code::E016, word.span, message);
                    self.report(diagnostic.help(help));
                    return Some(None);
                }
            },
            _ => return None,
        };
        Some(Some(on_error))
    }

    fn warn_of_idle_options(&mut self, options: &[CallOption], function: &Function) {
        let find = |name: &str| options.iter().find(|option| option.name.text == name);
        let mut idle = |option: &CallOption, why: &str, help: &str| {
            let message = format!("`{}` has no effect {why}", option.name.text);
            let diagnostic = Diagnostic::new(Code::W003, option.name.span, message);
            self.report(diagnostic.help(help));
        };
        let name = model::text::quote(&function.name);
        let idle_here = match function.origin {
            model::Origin::Host => None,
            model::Origin::Standard => {
                Some((format!("here: `{name}` is computed"), "remove it; only modules are called"))
            }
            model::Origin::Pipeline => Some((
                format!("here: `{name}` is a pipeline, built in"),
                "give it to the calls inside the pipeline",
            )),
        };
        if let Some((why, help)) = idle_here {
            for option in options.iter().filter(|o| !ON_FAILURE.contains(&o.name.text.as_str())) {
                if !is_reserved(&option.name.text) {
                    idle(option, &why, help);
                }
            }
            return;
        }
        let has = |name: &str| find(name).is_some();
        if let (Some(delay), false) = (find("delay"), has("retry")) {
            idle(delay, "without `retry`", "add `retry: 3`, or remove `delay`");
        }
        if let Some(backoff) = find("backoff") {
            if !has("retry") {
                idle(backoff, "without `retry`", "add `retry: 3`, or remove `backoff`");
            } else if !has("delay") {
                idle(backoff, "without `delay`", "add `delay: 200ms`, or remove `backoff`");
            }
        }
        if let (Some(backend), false) = (find("cache_backend"), has("cache")) {
            idle(backend, "without `cache`", "add `cache: 10min`, or remove `cache_backend`");
        }
    }

    /// Remembers the limits of a call of `function`.
    pub(super) fn note_limits(&mut self, function: u32, options: &[CallOption], checked: &Options) {
        let span = |name: &str| {
            let option = options.iter().find(|option| option.name.text == name);
            option.map_or(Span::default(), |option| place(&option.value, option.name.span))
        };
        let throttle = checked.call.throttle.map(LimitValue::Throttle);
        let concurrency = checked.call.concurrency.map(LimitValue::Concurrency);
        for value in throttle.into_iter().chain(concurrency) {
            self.limits.0.push(Limit { function, value, span: span(value.option()) });
        }
    }

    /// The strictest limit of each module holds for all its calls; others are warned of.
    pub(super) fn settle_limits(&mut self) {
        let limits = std::mem::take(&mut self.limits.0);
        let mut strictest: HashMap<(u32, &str), &Limit> = HashMap::new();
        for limit in &limits {
            let known = strictest.entry((limit.function, limit.value.option())).or_insert(limit);
            if limit.value.is_stricter(known.value) {
                *known = limit;
            }
        }
        for limit in &limits {
            let holds = strictest[&(limit.function, limit.value.option())];
            let function = &mut self.called[limit.function as usize];
            match holds.value {
                LimitValue::Throttle(rate) => function.limits.throttle = Some(rate),
                LimitValue::Concurrency(count) => function.limits.concurrency = Some(count),
            }
            if limit.value != holds.value {
                let option = limit.value.option();
                let name = model::text::quote(&function.name);
                let message =
                    format!("calls of `{name}` disagree about `{option}`: the strictest holds");
                self.report(
                    Diagnostic::new(Code::W005, limit.span, message)
                        .label(holds.span, "this one holds for all of them")
                        .help("give all of them the same limit"),
                );
            }
        }
    }
}

const FORMS_OF_ON_ERROR: &str = "`propagate`, `skip`, `log` or `wrap`";

fn is_reserved(option: &str) -> bool {
    matches!(option, "batch" | "batch_timeout" | "window" | "checkpoint" | "join")
}

fn backoff(word: &str) -> Option<Backoff> {
    match word {
        "fixed" => Some(Backoff::Fixed),
        "linear" => Some(Backoff::Linear),
        "exponential" => Some(Backoff::Exponential),
        _ => None,
    }
}

fn priority(word: &str) -> Option<u8> {
    match word {
        "critical" => Some(100),
        "high" => Some(80),
        "normal" => Some(50),
        "low" => Some(20),
        "background" => Some(0),
        _ => None,
    }
}

/// `{ value: T } | { error: String }`.
fn wrapped(result: &Type) -> Type {
    let record = |name: &str, ty: &Type| {
        Type::Record(Record::new([Field { name: name.into(), ty: ty.clone() }]))
    };
    Union::of([(record("error", &Type::String), None), (record("value", result), None)])
}

/// The zero value of a type; `None` if it has no values.
fn zero(ty: &Type) -> Option<Value> {
    Some(match ty {
        Type::String => Value::string(""),
        Type::Int => Value::Int(0),
        Type::Float => Value::Float(0.0),
        Type::Boolean => Value::Boolean(false),
        Type::Literal(text) => Value::String(text.clone()),
        Type::List(_) => Value::List([].into()),
        Type::Map(..) => Value::Map([].into()),
        Type::Optional(_) => Value::None,
        Type::Record(record) => {
            Value::Record(record.slots().map(|field| zero(&field.ty)).collect::<Option<_>>()?)
        }
        Type::Union(union) => {
            let Member { ty, .. } = union.members().first()?;
            let value = zero(ty)?;
            match member_test(0, ty) {
                MemberTest::Tag(member) => Value::Tagged(member, value.into()),
                _ => value,
            }
        }
        Type::Nothing | Type::Function(..) | Type::Variable(_) | Type::Unknown => return None,
    })
}

fn place(value: &OptionValue, name: Span) -> Span {
    match value {
        OptionValue::Flag => name,
        OptionValue::Boolean(_, span) | OptionValue::Int(_, span) => *span,
        OptionValue::Duration(_, span) | OptionValue::Rate(_, _, span) => *span,
        OptionValue::String(_, span) | OptionValue::Other(span) => *span,
        OptionValue::Word(name) => name.span,
        OptionValue::Expr(expr) => expr.span,
    }
}
