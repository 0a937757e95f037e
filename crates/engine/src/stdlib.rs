//! The standard library: a catalog like any other, whose functions are evaluated inline. All are
//! pure and total over their types; what they refuse is a [`Failure`].
//!
//! One row of `FUNCTIONS` is one function. So far those without type variables are here.

use model::{
    Catalog, Code, Effect, Failure, Function, Origin, Parameter, PureFn, Signature, Text, Type,
    Value, limits,
};

/// The standard functions that this build has.
pub fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for row in FUNCTIONS {
        catalog.insert(row.function());
    }
    catalog
}

/// The implementation of a standard function, by qualified name.
pub fn eval(qualified: &str) -> Option<PureFn> {
    let (namespace, name) = qualified.rsplit_once('.')?;
    let found = FUNCTIONS.iter().find(|row| row.namespace == namespace && row.name == name);
    found.map(|row| row.eval)
}

struct Row {
    namespace: &'static str,
    name: &'static str,
    parameters: &'static [(&'static str, Kind)],
    result: Kind,
    doc: &'static str,
    eval: PureFn,
}

/// The types that these functions take and give.
#[derive(Clone, Copy)]
enum Kind {
    String,
    Int,
    Float,
    Boolean,
    Strings,
    OptionalInt,
    OptionalFloat,
}

impl Kind {
    fn ty(self) -> Type {
        match self {
            Kind::String => Type::String,
            Kind::Int => Type::Int,
            Kind::Float => Type::Float,
            Kind::Boolean => Type::Boolean,
            Kind::Strings => Type::list(Type::String),
            Kind::OptionalInt => Type::optional(Type::Int),
            Kind::OptionalFloat => Type::optional(Type::Float),
        }
    }
}

impl Row {
    fn function(&self) -> Function {
        let parameter =
            |(name, kind): &(&str, Kind)| Parameter { name: (*name).into(), ty: kind.ty() };
        let parameters = self.parameters.iter().map(parameter).collect();
        Function {
            namespace: Text::new_static(self.namespace),
            name: Text::new_static(self.name),
            signature: Signature { parameters, result: self.result.ty() },
            effect: Effect::Pure,
            origin: Origin::Standard,
            doc: Text::new_static(self.doc),
            eval: Some(self.eval),
        }
    }
}

macro_rules! functions {
    ($($namespace:literal $name:literal ($($parameter:ident: $kind:ident),*) -> $result:ident, $doc:literal, $eval:expr;)*) => {
        const FUNCTIONS: &[Row] = &[$(Row {
            namespace: $namespace,
            name: $name,
            parameters: &[$((stringify!($parameter), Kind::$kind)),*],
            result: Kind::$result,
            doc: $doc,
            eval: $eval,
        }),*];
    };
}

functions! {
    "stdlib.math" "modulo" (a: Int, b: Int) -> Int, "The remainder, as `%`.", modulo;
    "stdlib.math" "sqrt" (value: Float) -> Float, "The square root.", |args| {
        finite(float(args, 0)?.sqrt())
    };
    "stdlib.math" "pow" (base: Float, exponent: Float) -> Float, "A power.", |args| {
        finite(float(args, 0)?.powf(float(args, 1)?))
    };
    "stdlib.string" "concat" (a: String, b: String) -> String, "One text after the other.", |args| {
        bounded([text(args, 0)?, text(args, 1)?].concat())
    };
    "stdlib.string" "string-length" (value: String) -> Int, "How many Unicode scalar values.", |args| {
        Ok(Value::Int(text(args, 0)?.chars().count() as i64))
    };
    "stdlib.string" "join" (list: Strings, separator: String) -> String, "Texts with a separator between them.", join;
    "stdlib.string" "split" (value: String, separator: String) -> Strings, "The parts between separators.", split;
    "stdlib.string" "trim" (value: String) -> String, "Without white space and control characters at both ends.", |args| {
        Ok(Value::string(text(args, 0)?.trim_matches(|c| c <= ' ')))
    };
    "stdlib.string" "replace" (value: String, target: String, replacement: String) -> String, "Every occurrence replaced, from left to right.", replace;
    "stdlib.string" "upper" (value: String) -> String, "In upper case.", |args| {
        bounded(text(args, 0)?.to_uppercase())
    };
    "stdlib.string" "lower" (value: String) -> String, "In lower case.", |args| {
        bounded(text(args, 0)?.to_lowercase())
    };
    "stdlib.string" "starts-with" (value: String, part: String) -> Boolean, "Whether it begins so.", |args| {
        Ok(Value::Boolean(text(args, 0)?.starts_with(text(args, 1)?)))
    };
    "stdlib.string" "ends-with" (value: String, part: String) -> Boolean, "Whether it ends so.", |args| {
        Ok(Value::Boolean(text(args, 0)?.ends_with(text(args, 1)?)))
    };
    "stdlib.string" "substring" (value: String, start: Int, end: Int) -> String, "The characters from start up to end.", substring;
    "stdlib.string" "is-blank" (value: String) -> Boolean, "Empty or white space only.", |args| {
        Ok(Value::Boolean(text(args, 0)?.chars().all(char::is_whitespace)))
    };
    "stdlib.string" "pad-left" (value: String, width: Int, fill: String) -> String, "Filled at the left up to a width.", |args| {
        let (value, fill) = (text(args, 0)?, padding(args)?);
        bounded(fill + value)
    };
    "stdlib.string" "pad-right" (value: String, width: Int, fill: String) -> String, "Filled at the right up to a width.", |args| {
        let (value, fill) = (text(args, 0)?, padding(args)?);
        bounded(value.to_owned() + &fill)
    };
    "stdlib.bool" "not" (value: Boolean) -> Boolean, "The opposite.", |args| {
        Ok(Value::Boolean(!boolean(args, 0)?))
    };
    "stdlib.compare" "eq-int" (a: Int, b: Int) -> Boolean, "Whether they are equal.", |args| {
        Ok(Value::Boolean(int(args, 0)? == int(args, 1)?))
    };
    "stdlib.compare" "eq-string" (a: String, b: String) -> Boolean, "Whether they are equal.", |args| {
        Ok(Value::Boolean(text(args, 0)? == text(args, 1)?))
    };
    "stdlib.convert" "parse-int" (value: String) -> OptionalInt, "The Int that the text is, if it is one.", |args| {
        // Rust's own parser takes exactly `[+-]?[0-9]+` in range.
        Ok(text(args, 0)?.parse().map_or(Value::None, Value::Int))
    };
    "stdlib.convert" "parse-float" (value: String) -> OptionalFloat, "The Float that the text is, if it is one.", parse_float;
    "stdlib.debug" "log" (message: String) -> String, "The message itself.", |args| {
        Ok(Value::string(text(args, 0)?))
    };
}

fn modulo(args: &[Value]) -> Result<Value, Failure> {
    crate::operators::arithmetic(
        model::plan::Arithmetic::Remainder,
        args.first().ok_or_else(wrong)?,
        args.get(1).ok_or_else(wrong)?,
    )
}

fn join(args: &[Value]) -> Result<Value, Failure> {
    let Some(Value::List(items)) = args.first() else { return Err(wrong()) };
    let parts: Vec<&str> = items
        .iter()
        .map(|item| match item {
            Value::String(text) => Ok(text.as_str()),
            _ => Err(wrong()),
        })
        .collect::<Result<_, _>>()?;
    let separator = text(args, 1)?;
    let length = parts.iter().map(|part| part.len()).sum::<usize>()
        + separator.len() * parts.len().saturating_sub(1);
    within(length)?;
    Ok(Value::string(parts.join(separator)))
}

fn split(args: &[Value]) -> Result<Value, Failure> {
    let (value, separator) = (text(args, 0)?, text(args, 1)?);
    let parts: Vec<Value> = match separator {
        // Each character, then the empty rest.
        "" => {
            value.chars().map(|c| Value::string(c.to_string())).chain([Value::string("")]).collect()
        }
        separator => value.split(separator).map(Value::string).collect(),
    };
    if parts.len() > limits::LIST_LENGTH_MAX {
        return Err(exceeded("max_list_length", limits::LIST_LENGTH_MAX));
    }
    Ok(Value::List(parts.into()))
}

fn replace(args: &[Value]) -> Result<Value, Failure> {
    let (value, target, by) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let occurrences = value.matches(target).count();
    within(value.len() + occurrences * by.len())?;
    Ok(Value::string(value.replace(target, by)))
}

fn substring(args: &[Value]) -> Result<Value, Failure> {
    let (value, start, end) = (text(args, 0)?, int(args, 1)?, int(args, 2)?);
    let position = |at: i64| usize::try_from(at).unwrap_or(0);
    let count = position(end).saturating_sub(position(start));
    Ok(Value::string(value.chars().skip(position(start)).take(count).collect::<String>()))
}

/// The fill that a padded text lacks.
fn padding(args: &[Value]) -> Result<String, Failure> {
    let (value, width, fill) = (text(args, 0)?, int(args, 1)?, text(args, 2)?);
    if fill.chars().count() != 1 {
        let message = format!("`fill` must be one character, not \"{}\"", model::text::quote(fill));
        return Err(Failure::new(Code::R011, message));
    }
    let lacking = usize::try_from(width).unwrap_or(0).saturating_sub(value.chars().count());
    within(lacking.saturating_mul(fill.len()))?;
    Ok(fill.repeat(lacking))
}

fn parse_float(args: &[Value]) -> Result<Value, Failure> {
    let value = text(args, 0)?;
    // Rust also reads names such as `inf`; a number begins with a digit, a sign or a point.
    let is_number = value.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    let parsed = value.parse().ok().filter(|float: &f64| is_number && float.is_finite());
    Ok(parsed.map_or(Value::None, Value::Float))
}

fn finite(result: f64) -> Result<Value, Failure> {
    if result.is_finite() {
        Ok(Value::Float(result))
    } else {
        Err(Failure::new(Code::R006, "the result is not finite"))
    }
}

fn bounded(text: String) -> Result<Value, Failure> {
    within(text.len())?;
    Ok(Value::string(text))
}

fn within(bytes: usize) -> Result<(), Failure> {
    if bytes > limits::STRING_BYTES_MAX {
        return Err(exceeded("max_string_bytes", limits::STRING_BYTES_MAX));
    }
    Ok(())
}

fn exceeded(limit: &str, bound: usize) -> Failure {
    Failure::new(Code::R009, format!("the limit `{limit}` of {bound} is exceeded"))
}

fn text(args: &[Value], at: usize) -> Result<&str, Failure> {
    match args.get(at) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(wrong()),
    }
}

fn int(args: &[Value], at: usize) -> Result<i64, Failure> {
    match args.get(at) {
        Some(Value::Int(int)) => Ok(*int),
        _ => Err(wrong()),
    }
}

fn float(args: &[Value], at: usize) -> Result<f64, Failure> {
    match args.get(at) {
        Some(Value::Float(float)) => Ok(*float),
        _ => Err(wrong()),
    }
}

fn boolean(args: &[Value], at: usize) -> Result<bool, Failure> {
    match args.get(at) {
        Some(Value::Boolean(boolean)) => Ok(*boolean),
        _ => Err(wrong()),
    }
}

/// An argument that the checker lets nobody pass.
fn wrong() -> Failure {
    crate::operators::broken()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, args: &[Value]) -> String {
        match eval(name).expect("a standard function")(args) {
            Ok(value) => format!("{value:?}"),
            Err(failure) => failure.code.to_string(),
        }
    }

    #[test]
    fn edges_of_text() {
        let s = |text: &str| Value::string(text);
        assert_eq!(call("stdlib.string.string-length", &[s("é😀")]), "Int(2)");
        assert_eq!(
            call("stdlib.string.split", &[s("ab"), s("")]),
            r#"List([String("a"), String("b"), String("")])"#
        );
        assert_eq!(call("stdlib.string.split", &[s(""), s(",")]), r#"List([String("")])"#);
        assert_eq!(call("stdlib.string.replace", &[s("ab"), s(""), s("-")]), r#"String("-a-b-")"#);
        assert_eq!(
            call("stdlib.string.substring", &[s("héllo"), Value::Int(-3), Value::Int(2)]),
            r#"String("hé")"#
        );
        assert_eq!(
            call("stdlib.string.pad-left", &[s("7"), Value::Int(3), s("0")]),
            r#"String("007")"#
        );
        assert_eq!(call("stdlib.string.pad-left", &[s("7"), Value::Int(3), s("00")]), "R011");
        assert_eq!(call("stdlib.string.pad-left", &[s("7"), Value::Int(i64::MAX), s("0")]), "R009");
    }

    #[test]
    fn edges_of_numbers() {
        let s = |text: &str| Value::string(text);
        assert_eq!(call("stdlib.convert.parse-int", &[s("+12")]), "Int(12)");
        assert_eq!(call("stdlib.convert.parse-int", &[s(" 12")]), "None");
        assert_eq!(call("stdlib.convert.parse-float", &[s("inf")]), "None");
        assert_eq!(call("stdlib.convert.parse-float", &[s("1.5e2")]), "Float(150.0)");
        assert_eq!(call("stdlib.math.sqrt", &[Value::Float(-1.0)]), "R006");
        assert_eq!(call("stdlib.math.modulo", &[Value::Int(-7), Value::Int(3)]), "Int(-1)");
    }
}
