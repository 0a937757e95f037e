//! The structural hash: the name of what a program means (specification, section 13).
//!
//! The encoding below is a promise: programs keep their names over all versions of this compiler.
//! Every form has a tag byte, texts and lists are length-prefixed, Ints are decimal, Floats the 16
//! hexadecimal digits of their bits. What is added later gets new tags; what exists never changes.

use std::collections::BTreeSet;

use model::plan::{Arithmetic, Backoff, Comparison, MemberTest, PRIORITY_NORMAL, Rate};
use model::{Digest, Image, Signature, Text};

use crate::encode::Bytes;
use crate::program::{
    Arm, Binding, Call, Delivered, Expr, Kind, OnError, Options, Pattern, Piece, Program,
};

/// The first bytes of the encoding.
const FORMAT: &[u8] = b"tidegate structure 1\n";

/// The structural hash of a program without errors.
pub(crate) fn seal(program: &Program) -> Digest {
    let mut bytes = Bytes::default();
    bytes.out.extend(FORMAT);
    let mut encoder = Encoder { bytes, program, called: BTreeSet::new() };
    encoder.program();
    Digest::of(&encoder.bytes.out)
}

struct Encoder<'p> {
    bytes: Bytes,
    program: &'p Program,
    /// The functions that were met, by name.
    called: BTreeSet<(&'p Text, u32)>,
}

impl<'p> Encoder<'p> {
    fn program(&mut self) {
        let program = self.program;
        self.bytes.list(b'I', program.inputs.len());
        for input in &program.inputs {
            self.bytes.text(&input.name);
            self.bytes.ty(&input.ty);
            self.bytes.option(input.default.as_ref(), Bytes::value);
        }
        let deadlines = program.inputs.iter().filter_map(|one| Some((&one.name, one.deadline_ms?)));
        let deadlines: Vec<_> = deadlines.collect();
        if !deadlines.is_empty() {
            self.bytes.list(b'D', deadlines.len());
            for (name, milliseconds) in deadlines {
                self.bytes.text(name);
                self.bytes.number(milliseconds);
            }
        }
        let events = program.inputs.iter().filter_map(|one| Some((&one.name, one.event.as_ref()?)));
        let events: Vec<_> = events.collect();
        if !events.is_empty() {
            self.bytes.list(b'E', events.len());
            for (name, event) in events {
                self.bytes.text(name);
                self.bytes.text(&event.event_type);
                self.binding(&event.key);
            }
        }
        self.bytes.list(b'B', program.bindings.len());
        for binding in &program.bindings {
            self.bytes.text(&binding.name);
            self.binding(binding);
        }
        self.bytes.list(b'O', program.outputs.len());
        for output in &program.outputs {
            self.bytes.text(&output.name);
            match &output.source {
                Delivered::Input(id) => self.input(*id),
                Delivered::Binding(id) => self.binding_name(*id),
                Delivered::Guard(binding) => {
                    self.bytes.tag(b'g');
                    self.binding(binding);
                }
            }
        }
        let called = std::mem::take(&mut self.called);
        self.bytes.list(b'F', called.len());
        for (name, id) in called {
            let function = &program.functions[id as usize];
            self.bytes.text(name);
            self.signature(&function.signature);
            self.bytes.tag(if function.is_module { b'm' } else { b'e' });
            self.bytes.text(function.effect.as_str());
        }
    }

    fn signature(&mut self, signature: &Signature) {
        self.bytes.list(b'S', signature.parameters.len());
        for parameter in &signature.parameters {
            self.bytes.text(&parameter.name);
            self.bytes.ty(&parameter.ty);
        }
        self.bytes.ty(&signature.result);
    }

    fn input(&mut self, id: u32) {
        self.bytes.tag(b'i');
        self.bytes.text(&self.program.inputs[id as usize].name);
    }

    fn binding_name(&mut self, id: u32) {
        self.bytes.tag(b'b');
        self.bytes.text(&self.program.bindings[id as usize].name);
    }

    fn binding(&mut self, binding: &'p Binding) {
        self.bytes.ty(&binding.ty);
        self.bytes.list(b'v', binding.locals.len());
        binding.locals.iter().for_each(|local| self.bytes.ty(local));
        self.expr(&binding.value);
    }

    fn many<'e>(&mut self, tag: u8, parts: &[&'e Expr])
    where
        'e: 'p,
    {
        self.bytes.list(tag, parts.len());
        parts.iter().for_each(|part| self.expr(part));
    }

    fn expr(&mut self, expr: &'p Expr) {
        match &expr.kind {
            Kind::Constant(value) => {
                self.bytes.tag(b'c');
                self.bytes.value(value);
            }
            Kind::Input(id) => self.input(*id),
            Kind::Binding(id) => self.binding_name(*id),
            Kind::Local(id) => {
                self.bytes.tag(b'x');
                self.bytes.number(id);
            }
            Kind::Call(call) => self.call(call),
            Kind::Negate(a) => self.many(b'-', &[a]),
            Kind::Not(a) => self.many(b'!', &[a]),
            Kind::Arithmetic(op, a, b) => self.many(arithmetic(*op), &[a, b]),
            Kind::Compare(op, a, b) => self.many(comparison(*op), &[a, b]),
            Kind::And(a, b) => self.many(b'&', &[a, b]),
            Kind::Or(a, b) => self.many(b'|', &[a, b]),
            Kind::When(value, condition) => self.many(b'w', &[value, condition]),
            Kind::Coalesce(a, b) => self.many(b'?', &[a, b]),
            Kind::Branch(rows, otherwise) => {
                self.bytes.list(b'B', rows.len());
                for (condition, value) in rows {
                    self.expr(condition);
                    self.expr(value);
                }
                self.expr(otherwise);
            }
            Kind::Match(subject, arms) => {
                self.bytes.list(b'M', arms.len());
                self.expr(subject);
                arms.iter().for_each(|arm| self.arm(arm));
            }
            Kind::List(items) => {
                self.bytes.list(b'l', items.len());
                items.iter().for_each(|item| self.expr(item));
            }
            Kind::Record(fields) => self.fields(b'r', fields),
            Kind::Map(entries) => self.fields(b'm', entries),
            Kind::Text(pieces) => self.pieces(pieces),
            Kind::Field(base, name) => {
                self.many(b'.', &[base]);
                self.bytes.text(name);
            }
            Kind::OptionalField(base, name) => {
                self.many(b'o', &[base]);
                self.bytes.text(name);
            }
            Kind::Project(base) => {
                self.many(b'p', &[base]);
                self.bytes.ty(&expr.ty);
            }
            Kind::Merge(a, b) => self.many(b'+', &[a, b]),
            Kind::Convert(inner) => {
                self.many(b'C', &[inner]);
                self.bytes.ty(&inner.ty);
                self.bytes.ty(&expr.ty);
            }
            Kind::Broken => self.bytes.tag(b'#'),
        }
    }

    fn call(&mut self, call: &'p Call) {
        let function = &self.program.functions[call.function as usize];
        if let Some(image) = &function.pipeline {
            return self.pipeline(call, image);
        }
        let name = &function.name;
        self.called.insert((name, call.function));
        self.bytes.list(b'f', call.arguments.len());
        self.bytes.text(name);
        call.arguments.iter().for_each(|argument| self.expr(argument));
        if let Some(lambda) = &call.lambda {
            self.bytes.list(b'>', lambda.parameters.len());
            for (local, given) in &lambda.parameters {
                self.bytes.number(local);
                self.bytes.ty(given);
            }
            self.expr(&lambda.body);
        }
        self.options(&call.options);
    }

    /// A called pipeline by its own hash, whatever its alias is.
    fn pipeline(&mut self, call: &'p Call, image: &Image) {
        self.bytes.list(b'P', call.arguments.len());
        self.bytes.text(&image.digest.to_string());
        for (at, argument) in call.arguments.iter().enumerate() {
            match &call.inputs {
                Some(inputs) => self.bytes.text(&image.plan.inputs[inputs[at] as usize].name),
                None => self.bytes.ty(&argument.ty),
            }
            self.expr(argument);
        }
        self.options(&call.options);
    }

    /// Each option by name and only where it says something, so that later ones change nothing.
    fn options(&mut self, options: &'p Options) {
        let call = &options.call;
        let ms = |ms: u64| (ms > 0).then(|| ms.to_string());
        let rate = |rate: Rate| format!("{}/{}", rate.count, rate.per_ms);
        let cache = call.cache.as_ref();
        let backoff = match call.backoff {
            Backoff::Fixed => None,
            Backoff::Linear => Some("linear"),
            Backoff::Exponential => Some("exponential"),
        };
        let on_error = match &options.on_error {
            OnError::Propagate => None,
            OnError::Skip(_) => Some("skip"),
            OnError::Log(_) => Some("log"),
            OnError::Wrap => Some("wrap"),
        };
        let priority = (call.priority != PRIORITY_NORMAL).then(|| call.priority.to_string());
        let given = [
            ("backoff", backoff.map(str::to_owned)),
            ("cache", cache.and_then(|cache| ms(cache.ttl_ms))),
            ("cache_backend", cache.and_then(|cache| cache.backend.as_ref()).map(Text::to_string)),
            ("concurrency", call.concurrency.map(|count| count.to_string())),
            ("delay", ms(call.delay_ms)),
            ("lazy", call.lazy.then(|| "true".to_string())),
            ("on_error", on_error.map(str::to_owned)),
            ("priority", priority),
            ("retry", (call.retry > 0).then(|| call.retry.to_string())),
            ("throttle", call.throttle.map(rate)),
            ("timeout", call.timeout_ms.and_then(ms)),
        ];
        let given: Vec<(&str, String)> =
            given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        self.bytes.list(b'w', given.len());
        for (name, value) in given {
            self.bytes.text(name);
            self.bytes.text(&value);
        }
        if let Some(fallback) = &options.fallback {
            self.bytes.tag(b'F');
            self.expr(fallback);
        }
    }

    fn fields(&mut self, tag: u8, fields: &'p [(Text, Expr)]) {
        self.bytes.list(tag, fields.len());
        for (name, value) in fields {
            self.bytes.text(name);
            self.expr(value);
        }
    }

    fn pieces(&mut self, pieces: &'p [Piece]) {
        self.bytes.list(b't', pieces.len());
        for piece in pieces {
            match piece {
                Piece::Literal(text) => {
                    self.bytes.tag(b's');
                    self.bytes.text(text);
                }
                Piece::Value(value) => {
                    self.bytes.tag(b'v');
                    self.expr(value);
                    self.bytes.ty(&value.ty);
                }
            }
        }
    }

    fn arm(&mut self, arm: &'p Arm) {
        self.pattern(&arm.pattern);
        self.bytes.tag(if arm.guard.is_some() { b'+' } else { b'-' });
        if let Some(guard) = &arm.guard {
            self.expr(guard);
        }
        self.expr(&arm.body);
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Any => self.bytes.tag(b'_'),
            Pattern::Bind(local, from, inner) => {
                self.bytes.tag(b'@');
                self.bytes.number(local);
                self.bytes.ty(from);
                self.pattern(inner);
            }
            Pattern::Equal(value) => {
                self.bytes.tag(b'=');
                self.bytes.value(value);
            }
            Pattern::None => self.bytes.tag(b'0'),
            Pattern::Some(inner) => {
                self.bytes.tag(b'+');
                self.pattern(inner);
            }
            Pattern::Member(cases) => {
                self.bytes.list(b'u', cases.len());
                for (test, inner) in cases {
                    self.member(test);
                    self.pattern(inner);
                }
            }
            Pattern::Record(slots) => {
                self.bytes.list(b'r', slots.len());
                for (slot, inner) in slots {
                    self.bytes.number(slot);
                    self.pattern(inner);
                }
            }
        }
    }

    fn member(&mut self, test: &MemberTest) {
        match test {
            MemberTest::String => self.bytes.tag(b's'),
            MemberTest::Int => self.bytes.tag(b'i'),
            MemberTest::Float => self.bytes.tag(b'f'),
            MemberTest::Boolean => self.bytes.tag(b'b'),
            MemberTest::Literal(text) => {
                self.bytes.tag(b'"');
                self.bytes.text(text);
            }
            MemberTest::Tag(member) => {
                self.bytes.tag(b't');
                self.bytes.number(member);
            }
        }
    }
}

fn arithmetic(op: Arithmetic) -> u8 {
    match op {
        Arithmetic::Add => b'1',
        Arithmetic::Subtract => b'2',
        Arithmetic::Multiply => b'3',
        Arithmetic::Divide => b'4',
        Arithmetic::Remainder => b'5',
    }
}

fn comparison(op: Comparison) -> u8 {
    match op {
        Comparison::Equal => b'6',
        Comparison::NotEqual => b'7',
        Comparison::Less => b'8',
        Comparison::LessOrEqual => b'9',
        Comparison::Greater => b'<',
        Comparison::GreaterOrEqual => b'>',
    }
}
