//! Schemas of an OpenAPI document as types of the language. What has no type is told to a list of
//! notes; a field without one is left out, since reading JSON drops what a record does not name.

use std::collections::BTreeMap;

use model::text::quote;
use model::types::{Field, KeyType, Record};
use model::{Type, Union};
use serde_json::{Map, Value as Json};

use crate::declaration::is_identifier;
use crate::limits::{DEPTH_MAX, LITERALS_MAX, SCHEMAS_MAX};

/// A document with the local references in it.
pub(super) struct Document {
    pub(super) root: Json,
}

impl Document {
    /// What `json` is, behind its references; else why that cannot be told.
    pub(super) fn follow<'d>(&'d self, json: &'d Json) -> Result<&'d Json, String> {
        let mut json = json;
        for _ in 0..DEPTH_MAX {
            match json.get("$ref").and_then(Json::as_str) {
                Some(reference) => json = self.at(reference)?,
                None => return Ok(json),
            }
        }
        Err("its references lead nowhere".to_owned())
    }

    /// What a reference names.
    fn at(&self, reference: &str) -> Result<&Json, String> {
        let shown = quote(reference);
        match reference.strip_prefix('#') {
            Some(pointer) => {
                self.root.pointer(pointer).ok_or_else(|| format!("there is no `{shown}`"))
            }
            None => Err(format!("`{shown}` is in another document, which is not fetched")),
        }
    }
}

/// Whether values of the type are read or written: an answer may be read more loosely than a request
/// may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
}

/// Maps the schemas of one operation.
pub(super) struct Mapper<'d> {
    pub(super) document: &'d Document,
    usage: Use,
    /// Schemas that may still be looked at.
    budget: usize,
    depth: usize,
    /// The references that are being followed, so that a schema that holds itself is noticed.
    within: Vec<&'d str>,
    /// What is not as the schema says, in sentences.
    pub(super) notes: Vec<String>,
}

type Mapped = Result<Type, String>;

impl<'d> Mapper<'d> {
    pub(super) fn new(document: &'d Document, usage: Use) -> Mapper<'d> {
        Mapper {
            document,
            usage,
            budget: SCHEMAS_MAX,
            depth: 0,
            within: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The type of `schema`, which is called `place` in notes; else why it has none.
    pub(super) fn ty(&mut self, schema: &'d Json, place: &str) -> Mapped {
        self.budget = self.budget.checked_sub(1).ok_or("the schema is too large")?;
        if self.depth == DEPTH_MAX {
            return Err("the schema is nested too deeply".to_owned());
        }
        self.depth += 1;
        let ty = match schema.get("$ref").and_then(Json::as_str) {
            Some(reference) => self.referred(reference, place),
            None => self.own_type(schema, place),
        };
        self.depth -= 1;
        ty
    }

    fn referred(&mut self, reference: &'d str, place: &str) -> Mapped {
        if self.within.contains(&reference) {
            return Err("the schema holds itself".to_owned());
        }
        let schema = self.document.at(reference)?;
        self.within.push(reference);
        let ty = self.ty(schema, place);
        self.within.pop();
        ty
    }

    fn own_type(&mut self, schema: &'d Json, place: &str) -> Mapped {
        let ty = self.present_type(schema, place)?;
        let listed = |key: &str| schema.get(key).and_then(Json::as_array);
        let is_nullable = schema.get("nullable") == Some(&Json::Bool(true))
            || listed("type").is_some_and(|types| types.iter().any(|it| it == "null"))
            || listed("enum").is_some_and(|values| values.contains(&Json::Null));
        Ok(if is_nullable { Type::optional(ty) } else { ty })
    }

    /// The type without the null that it may also be.
    fn present_type(&mut self, schema: &'d Json, place: &str) -> Mapped {
        if let Some(value) = schema.get("const") {
            return literal(value).ok_or_else(|| "a constant that is no text".to_owned());
        }
        if let Some(values) = schema.get("enum").and_then(Json::as_array) {
            let values: Vec<&Json> = values.iter().filter(|value| !value.is_null()).collect();
            if let Some(ty) = enumeration(&values) {
                return Ok(ty);
            }
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(parts) = schema.get(key).and_then(Json::as_array) {
                return self.alternatives(schema, parts, place);
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Json::as_array) {
            return self.together(schema, parts, place);
        }
        match schema.get("type") {
            Some(Json::String(name)) => self.named_type(name, schema, place),
            Some(Json::Array(names)) => {
                let names = names.iter().filter_map(Json::as_str).filter(|name| *name != "null");
                let types: Result<Vec<Type>, String> =
                    names.map(|name| self.named_type(name, schema, place)).collect();
                union(types?)
            }
            _ if schema.get("properties").is_some() => self.named_type("object", schema, place),
            _ if schema.get("items").is_some() => self.named_type("array", schema, place),
            _ => Err("the schema says no type".to_owned()),
        }
    }

    fn named_type(&mut self, name: &str, schema: &'d Json, place: &str) -> Mapped {
        match name {
            "string" if schema.get("format").is_some_and(|format| format == "binary") => {
                Err("bytes".to_owned())
            }
            "string" => Ok(Type::String),
            "integer" => Ok(Type::Int),
            "number" => Ok(Type::Float),
            "boolean" => Ok(Type::Boolean),
            "array" => {
                let items = schema.get("items").ok_or("a list that does not say of what")?;
                Ok(Type::list(self.ty(items, &format!("{place}[]"))?))
            }
            "object" => self.object(schema, place),
            other => Err(format!("the type `{}`", quote(other))),
        }
    }

    fn object(&mut self, schema: &'d Json, place: &str) -> Mapped {
        let properties = schema.get("properties").and_then(Json::as_object);
        let more = schema.get("additionalProperties");
        match (properties, more) {
            (None, Some(Json::Object(more))) if !more.is_empty() => {
                let more = schema.get("additionalProperties").ok_or("no values")?;
                let value = self.ty(more, &format!("{place}{{}}"))?;
                Ok(Type::Map(KeyType::String, value.into()))
            }
            (None, _) if schema.get("required").is_none() && more != Some(&Json::Bool(false)) => {
                Err("an object that does not say what it holds".to_owned())
            }
            (properties, _) => {
                let mut fields = BTreeMap::new();
                if let Some(properties) = properties {
                    self.add_fields(schema, properties, place, &mut fields)?;
                }
                Ok(record(fields))
            }
        }
    }

    fn add_fields(
        &mut self,
        schema: &'d Json,
        properties: &'d Map<String, Json>,
        place: &str,
        fields: &mut BTreeMap<String, Type>,
    ) -> Result<(), String> {
        let required = schema.get("required").and_then(Json::as_array);
        for (name, property) in properties {
            let place = format!("{place}.{}", quote(name));
            let is_required = required.is_some_and(|all| all.iter().any(|it| it == name));
            // What only the other side gives.
            let unused = if self.usage == Use::Write { "readOnly" } else { "writeOnly" };
            if property.get(unused) == Some(&Json::Bool(true)) {
                continue;
            }
            let ty = match is_identifier(name) {
                true => self.ty(property, &place),
                false => Err("it is no name of the language".to_owned()),
            };
            match ty {
                Ok(ty) => {
                    let ty = if is_required { ty } else { Type::optional(ty) };
                    fields.insert(name.clone(), ty);
                }
                Err(reason) if is_required && self.usage == Use::Write => {
                    return Err(format!("`{}` is needed: {reason}", quote(name)));
                }
                Err(reason) => self.notes.push(format!("{place} is left out: {reason}")),
            }
        }
        Ok(())
    }

    /// `allOf`: a record with the fields of all.
    fn together(&mut self, schema: &'d Json, parts: &'d [Json], place: &str) -> Mapped {
        let beside = schema.get("properties").map(|_| schema);
        if let ([only], None) = (parts, beside) {
            return self.ty(only, place);
        }
        let mut fields = BTreeMap::new();
        for part in parts {
            match self.ty(part, place) {
                Ok(Type::Record(record)) => {
                    fields.extend(
                        record.fields().iter().map(|it| (it.name.to_string(), it.ty.clone())),
                    );
                }
                Ok(_) => return Err("`allOf` of what are not all objects".to_owned()),
                // A part that only says what is required, or describes.
                Err(_) if part.get("type").is_none() && part.get("$ref").is_none() => {}
                Err(reason) => return Err(reason),
            }
        }
        let properties =
            beside.and_then(|schema| schema.get("properties")).and_then(Json::as_object);
        if let Some(properties) = properties {
            self.add_fields(schema, properties, place, &mut fields)?;
        }
        Ok(record(fields))
    }

    /// `oneOf` and `anyOf`: a union, if JSON tells its members apart.
    fn alternatives(&mut self, schema: &'d Json, parts: &'d [Json], place: &str) -> Mapped {
        let is_null = |part: &&Json| part.get("type").is_some_and(|ty| ty == "null");
        let absent = parts.iter().any(|part| is_null(&part));
        let mut types = Vec::new();
        for part in parts.iter().filter(|part| !is_null(part)) {
            // Parts that only say what is required of the object beside them.
            if part.get("required").is_some() && part.get("properties").is_none() {
                return match schema.get("properties") {
                    Some(_) => self.object(schema, place),
                    None => Err("alternatives that say no type".to_owned()),
                };
            }
            let ty = self.ty(part, place)?;
            if !types.contains(&ty) {
                types.push(ty);
            }
        }
        let is_record = |ty: &&Type| matches!(ty.content(), Type::Record(_));
        if types.iter().filter(is_record).count() > 1 && !have_distinct_tags(&types) {
            if self.usage == Use::Write || !types.iter().all(|ty| is_record(&ty)) {
                return Err("alternatives that JSON does not tell apart".to_owned());
            }
            let note = "are read as one record, whose fields may all be absent";
            self.notes.push(format!("the alternatives of {place} {note}"));
            types = vec![all_fields(&types)];
        }
        let ty = union(types)?;
        Ok(if absent { Type::optional(ty) } else { ty })
    }
}

/// A union of members that JSON tells apart by their kind.
fn union(types: Vec<Type>) -> Mapped {
    let is_list = |ty: &&Type| matches!(ty.content(), Type::List(_));
    let is_object = |ty: &&Type| matches!(ty.content(), Type::Map(..));
    let lists = types.iter().filter(is_list).count();
    let maps = types.iter().filter(is_object).count();
    let records = types.iter().any(|ty| matches!(ty.content(), Type::Record(_)));
    if types.is_empty() || lists > 1 || maps > 1 || (maps > 0 && records) {
        return Err("alternatives that JSON does not tell apart".to_owned());
    }
    Ok(Union::of(types.into_iter().map(|ty| (ty, None))))
}

/// Whether a field of all records is a text that is another one in each.
fn have_distinct_tags(types: &[Type]) -> bool {
    let records: Vec<&Record> = types
        .iter()
        .filter_map(|ty| match ty {
            Type::Record(record) => Some(record),
            _ => None,
        })
        .collect();
    let Some(first) = records.first() else { return false };
    first.fields().iter().any(|field| {
        let tags: Option<Vec<&Type>> = records
            .iter()
            .map(|record| record.get(&field.name).filter(|ty| matches!(ty, Type::Literal(_))))
            .collect();
        tags.is_some_and(|tags| (1..tags.len()).all(|at| !tags[..at].contains(&tags[at])))
    })
}

/// A record that reads every one of these records: fields of which they disagree are left out.
fn all_fields(types: &[Type]) -> Type {
    let mut fields: BTreeMap<String, Option<Type>> = BTreeMap::new();
    for ty in types {
        let Type::Record(record) = ty.content() else { continue };
        for field in record.fields() {
            let ty = Type::optional(field.ty.clone());
            let known = fields.entry(field.name.to_string()).or_insert_with(|| Some(ty.clone()));
            if known.as_ref() != Some(&ty) {
                // Texts that differ are still texts.
                let is_text = |ty: &Type| match ty.content() {
                    Type::String | Type::Literal(_) => true,
                    Type::Union(union) => {
                        union.members().iter().all(|it| matches!(it.ty, Type::Literal(_)))
                    }
                    _ => false,
                };
                let both = known.as_ref().is_some_and(is_text) && is_text(&ty);
                *known = both.then(|| Type::optional(Type::String));
            }
        }
    }
    record(fields.into_iter().filter_map(|(name, ty)| Some((name, ty?))).collect())
}

fn record(fields: BTreeMap<String, Type>) -> Type {
    let fields = fields.into_iter().map(|(name, ty)| Field { name: name.into(), ty });
    Type::Record(Record::new(fields))
}

/// Texts as a union of literals, or as any text if they cannot all be written so.
fn enumeration(values: &[&Json]) -> Option<Type> {
    if values.is_empty() || !values.iter().all(|value| value.is_string()) {
        return None;
    }
    let literals: Option<Vec<Type>> = values.iter().map(|value| literal(value)).collect();
    match literals {
        Some(literals) if literals.len() <= LITERALS_MAX => {
            Some(Union::of(literals.into_iter().map(|ty| (ty, None))))
        }
        _ => Some(Type::String),
    }
}

fn literal(value: &Json) -> Option<Type> {
    let text = value.as_str()?;
    let is_plain = |c: char| !c.is_control() && !matches!(c, '"' | '\\' | '$' | '{' | '}');
    text.chars().all(is_plain).then(|| Type::Literal(text.into()))
}
