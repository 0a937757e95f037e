//! Commands that are suggested: values of a type to type, quoted for a shell.

use model::text::cut;
use model::types::Type;

use crate::args::SERVER_DEFAULT;

/// Depth and width of an example: enough to see the form.
const EXAMPLE_DEPTH_MAX: usize = 4;
const EXAMPLE_BYTES_MAX: usize = 200;

/// `name=value`, ready to be typed. `example` is a JSON value that is known to fit.
pub(crate) fn assignment(name: &str, ty: &Type, example: Option<&str>) -> String {
    let value = match (ty.content(), example) {
        (_, Some(json)) if json.len() <= EXAMPLE_BYTES_MAX => match string_of(json) {
            Some(text) if is_text(ty) => text,
            _ => json.to_owned(),
        },
        (Type::String, _) => "…".to_owned(),
        (Type::Literal(text), _) => text.to_string(),
        (Type::Union(union), _) => match union.members().first().map(|member| &member.ty) {
            Some(Type::Literal(text)) if is_text(ty) => text.to_string(),
            _ => sample(ty, EXAMPLE_DEPTH_MAX),
        },
        _ => sample(ty, EXAMPLE_DEPTH_MAX),
    };
    shell(&format!("{name}={value}"))
}

/// A word of a shell's command line. What a terminal would not show is escaped first.
pub(crate) fn shell(word: &str) -> String {
    let word = cut(word, 2 * EXAMPLE_BYTES_MAX);
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%…".contains(c);
    if !word.is_empty() && word.chars().all(is_safe) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// ` --server URL`, if the user has to say it again.
pub(crate) fn server(url: &str) -> String {
    let is_in_environment = std::env::var("TIDEGATE_SERVER").is_ok_and(|set| set == url);
    if url == SERVER_DEFAULT || is_in_environment {
        String::new()
    } else {
        format!(" --server {}", shell(url))
    }
}

/// `text` as a JSON string.
pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn string_of(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// Whether values of the type are typed as the text itself: String, string literals, and Optionals
/// of them.
pub(crate) fn is_text(ty: &Type) -> bool {
    match ty.content() {
        Type::String | Type::Literal(_) => true,
        Type::Union(union) => {
            union.members().iter().all(|member| matches!(member.ty, Type::Literal(_)))
        }
        _ => false,
    }
}

/// JSON of the form of `ty`.
fn sample(ty: &Type, depth: usize) -> String {
    let Some(depth) = depth.checked_sub(1) else { return "…".to_owned() };
    match ty {
        Type::Int => "1".to_owned(),
        Type::Float => "1.5".to_owned(),
        Type::Boolean => "true".to_owned(),
        Type::String => json_string("…"),
        Type::Literal(text) => json_string(text),
        Type::List(element) => format!("[{}]", sample(element, depth)),
        Type::Map(_, value) => format!("{{\"1\": {}}}", sample(value, depth)),
        Type::Optional(content) => sample(content, depth),
        Type::Union(union) => {
            union.members().first().map_or("null".to_owned(), |member| sample(&member.ty, depth))
        }
        Type::Record(record) => {
            let fields = record.fields().iter();
            let fields = fields
                .map(|field| format!("{}: {}", json_string(&field.name), sample(&field.ty, depth)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Type::Nothing | Type::Function(..) | Type::Variable(_) | Type::Unknown => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use model::{Field, Record};

    use super::*;

    #[test]
    fn suggests_what_can_be_typed() {
        let field = |name: &str, ty| Field { name: name.into(), ty };
        let order = Type::Record(Record::new([field("id", Type::String), field("n", Type::Int)]));
        assert_eq!(assignment("ok", &Type::Boolean, None), "ok=true");
        assert_eq!(assignment("id", &Type::String, None), "id=…");
        assert_eq!(assignment("id", &Type::String, Some("\"it's\"")), r"'id=it'\''s'");
        assert_eq!(assignment("order", &order, None), r#"'order={"id": "…", "n": 1}'"#);
        assert_eq!(shell("a\u{1b}b"), r"'a\u{1b}b'");
    }
}
