//! Manifests made of OpenAPI documents: what each part becomes, and that text stays text.

mod support;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use support::Folder;
use tidegate_modules::{Import, import_openapi};

fn import(document: &str) -> Import {
    import_openapi(document, "api", &[]).unwrap_or_else(|message| panic!("{message}"))
}

/// One `GET /x` that answers with this schema.
fn answering(schema: Json, components: Json) -> String {
    let content = json!({ "application/json": { "schema": schema } });
    let operation = json!({ "operationId": "x", "responses": { "200": { "content": content } } });
    json!({
        "openapi": "3.1.0", "servers": [{ "url": "https://api.example.com" }],
        "paths": { "/x": { "get": operation } }, "components": { "schemas": components },
    })
    .to_string()
}

/// The result's type, and the notes.
fn answer(schema: Json, components: Json) -> String {
    match import_openapi(&answering(schema, components), "api", &[]) {
        Ok(import) => {
            let line = import.manifest.lines().find(|line| line.starts_with("signature"));
            let (_, result) = line.and_then(|line| line.split_once("-> ")).expect("a signature");
            let notes: String = import.notes.iter().map(|note| format!("\n{note}")).collect();
            format!("{}{notes}", result.strip_suffix('"').unwrap_or(result))
        }
        Err(message) => message,
    }
}

fn check(schema: Json, expected: &str) {
    assert_eq!(answer(schema, json!({})), expected);
}

/// Every manifest that is made can be loaded.
fn load(manifest: &str) -> usize {
    let folder = Folder::new();
    folder.write("api.toml", manifest);
    folder.load().unwrap_or_else(|faults| panic!("{faults:#?}\n{manifest}")).modules.len()
}

#[test]
fn schemas_become_types() {
    check(json!({ "type": "string", "format": "date-time" }), "String");
    check(json!({ "type": "integer", "format": "int64" }), "Int");
    check(json!({ "type": "number", "nullable": true }), "Optional<Float>");
    check(json!({ "type": ["boolean", "null"] }), "Optional<Boolean>");
    check(json!({ "type": ["string", "integer"] }), "Int | String");
    check(json!({ "type": "array", "items": { "type": "integer" } }), "List<Int>");
    check(json!({ "enum": ["a", "b", null] }), r#"Optional<\"a\" | \"b\">"#);
    check(json!({ "const": "a" }), r#"\"a\""#);
    check(json!({ "enum": ["a ${x}", "b"] }), "String");
    check(
        json!({ "type": "object", "additionalProperties": { "type": "number" } }),
        "Map<String, Float>",
    );
    check(
        json!({ "properties": { "b": { "type": "string" }, "a": { "type": "integer" } }, "required": ["b"] }),
        "{ a: Optional<Int>, b: String }",
    );
    check(
        json!({ "allOf": [
            { "properties": { "a": { "type": "string" } }, "required": ["a"] },
            { "properties": { "b": { "type": "string" } } },
        ] }),
        "{ a: String, b: Optional<String> }",
    );
    check(json!({ "oneOf": [{ "type": "string" }, { "type": "null" }] }), "Optional<String>");
    check(
        json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] }),
        "List<String> | String",
    );
}

#[test]
fn alternatives_need_something_that_tells_them_apart() {
    let tagged = |tag: &str, field: &str| json!({ "properties": { "kind": { "const": tag }, field: { "type": "string" } }, "required": ["kind", field] });
    check(
        json!({ "oneOf": [tagged("a", "x"), tagged("b", "y")] }),
        r#"{ kind: \"a\", x: String } | { kind: \"b\", y: String }"#,
    );
    let plain = |field: &str| json!({ "properties": { field: { "type": "string" } } });
    check(
        json!({ "oneOf": [plain("x"), plain("y")] }),
        "{ x: Optional<String>, y: Optional<String> }\n\
         GET /x: the alternatives of answer are read as one record, whose fields may all be absent",
    );
}

#[test]
fn what_has_no_type_is_told() {
    check(
        json!({ "properties": { "a": {}, "b c": { "type": "string" }, "d": { "type": "object" }, "e": { "type": "string" } } }),
        "{ e: Optional<String> }\n\
         GET /x: answer.a is left out: the schema says no type\n\
         GET /x: answer.b c is left out: it is no name of the language\n\
         GET /x: answer.d is left out: an object that does not say what it holds",
    );
    let node = json!({ "properties": { "next": { "$ref": "#/components/schemas/Node" }, "x": { "type": "string" } } });
    assert_eq!(
        answer(json!({ "$ref": "#/components/schemas/Node" }), json!({ "Node": node })),
        "{ x: Optional<String> }\nGET /x: answer.next is left out: the schema holds itself",
    );
    check(
        json!({ "properties": { "a": { "$ref": "other.json#/A" }, "b": { "$ref": "#/nowhere" } } }),
        "{}\n\
         GET /x: answer.a is left out: `other.json#/A` is in another document, which is not fetched\n\
         GET /x: answer.b is left out: there is no `#/nowhere`",
    );
}

const DOCUMENT: &str = r##"
openapi: 3.0.3
info: { title: "Shop\n[module.Evil]", version: 1.0.0 }
servers: [{ url: "https://{region}.shop.example/v1/?x", variables: { region: { default: eu } } }]
components:
  securitySchemes: { token: { type: http, scheme: bearer } }
  schemas:
    Order: { type: object, required: [id], properties: { id: { type: string }, total: { type: number } } }
paths:
  /orders/{order id}:
    parameters: [{ name: order id, in: path, required: true, schema: { type: string } }]
    get:
      operationId: orders/get-one
      summary: One order
      parameters:
        - { name: in, in: query, schema: { type: string, enum: [EUR, USD] } }
        - { name: X-Trace, in: header, schema: { type: boolean } }
        - { name: Accept, in: header, schema: { type: string } }
        - { name: tags, in: query, schema: { type: array, items: { type: string } } }
        - { name: session, in: cookie, schema: { type: string } }
      responses:
        200: { description: ok, content: { application/json; charset=utf-8: { schema: { $ref: "#/components/schemas/Order" } } } }
        404: { description: none }
    put:
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
      responses: { 204: { description: done } }
    delete:
      operationId: orders/get-one
      requestBody: { content: { application/json: { schema: { type: object, properties: { why: { type: string } } } } } }
      responses: { default: { description: done } }
    patch: { requestBody: { content: { text/csv: {} } }, responses: { 200: { description: ok } } }
    trace: { responses: {} }
  /fill/{a}/{b}:
    get:
      parameters: [{ name: a, in: path, required: true, schema: { type: string } }, { name: b, in: query, schema: { type: string } }]
      responses: { 200: { description: ok } }
"##;

#[test]
fn operations_become_modules() {
    let import = import(DOCUMENT);
    expect![[r##"
        # Shop\u{a}[module.Evil] 1.0.0: 3 of 6 operations. Made from an OpenAPI document; it is yours to change.
        # An argument of a body that is `none` is sent as null.
        # - GET /fill/{a}/{b}: left out: its path has a placeholder that is no parameter
        # - GET /orders/{order id}: the query parameter `tags` is left out: a `List<String>` cannot stand in a URL or header
        # - GET /orders/{order id}: the cookie parameter `session` is left out: only paths, queries and headers take arguments
        # - PATCH /orders/{order id}: left out: its body: `text/csv`, not JSON
        # - TRACE /orders/{order id}: left out: requests of this kind are not made

        [source.api]
        kind = "http"
        base_url = "https://eu.shop.example/v1"
        # The service asks who calls. Depending on what it takes:
        # headers = { Authorization = "Bearer ${env:API_TOKEN}" }

        [module."api.orders_get_one"]
        signature = "(order_id: String, body: { why: Optional<String> }) -> Optional<{}>"
        effect = "write"
        source = "api"
        request = "DELETE /orders/{order_id}"
        body = "body"

        [module."api.orders_get_one_2"]
        doc = "One order"
        signature = "(order_id: String, in_: Optional<\"EUR\" | \"USD\">, X_Trace: Optional<Boolean>) -> Optional<{ id: String, total: Optional<Float> }>"
        source = "api"
        request = "GET /orders/{order_id}"
        query = { "in" = "{in_}" }
        headers = { "X-Trace" = "{X_Trace}" }
        absent_on = [404]

        [module."api.put_orders_order_id"]
        signature = "(order_id: String, id: String, total: Optional<Float>) -> Optional<{}>"
        effect = "write"
        source = "api"
        request = "PUT /orders/{order_id}"
    "##]].assert_eq(&import.manifest);
    assert_eq!((import.imported, import.operations), (3, 6));
    assert_eq!(load(&import.manifest), 3);
    let some = import_openapi(DOCUMENT, "api", &["orders/".to_owned()]).expect("a manifest");
    assert_eq!((some.imported, some.operations), (2, 2));
}

fn check_refused(document: &str, expected: Expect) {
    expected.assert_eq(&import_openapi(document, "api", &[]).expect_err("a refusal"));
}

#[test]
fn documents_that_cannot_be_imported() {
    check_refused(
        "{",
        expect!["the document cannot be read: EOF while parsing an object at line 1 column 1"],
    );
    check_refused(
        "a: [",
        expect!["the document cannot be read: error: line 1 column 4: unclosed bracket '['"],
    );
    check_refused(
        "- 1",
        expect!["this is no OpenAPI 3 document; OpenAPI 3.0 and 3.1 can be imported"],
    );
    check_refused(
        r#"{ "swagger": "2.0" }"#,
        expect!["this is a Swagger 2 document; OpenAPI 3.0 and 3.1 can be imported"],
    );
    check_refused(
        "openapi: 3.0.0",
        expect![
            "none of its 0 operations can be a module: the document does not say where the service is: write its `base_url`"
        ],
    );
    check_refused(
        "openapi: 3.0.0\npaths: { /x: { options: {} } }",
        expect![
            "none of its 1 operations can be a module: OPTIONS /x: left out: requests of this kind are not made"
        ],
    );
}

#[test]
fn documents_that_want_to_be_too_much() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..20 {
        let last = format!("*a{}", i - 1);
        bomb += &format!("a{i}: &a{i} [{}]\n", [last.as_str(); 10].join(", "));
    }
    let refused = import_openapi(&(bomb + "openapi: 3.0.0\n"), "api", &[]).expect_err("a bomb");
    assert!(refused.starts_with("the document cannot be read"), "{refused}");

    let deep = format!("{{\"openapi\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(import_openapi(&deep, "api", &[]).is_err());
    assert!(import_openapi(&"[".repeat(100_000), "api", &[]).is_err());
    assert!(import_openapi(&"a:\n ".repeat(10_000), "api", &[]).is_err());

    // Each schema holds the next one twice.
    let mut schemas = serde_json::Map::new();
    for i in 0..40 {
        let next = json!({ "$ref": format!("#/components/schemas/S{}", i + 1) });
        schemas.insert(format!("S{i}"), json!({ "properties": { "a": next, "b": next } }));
    }
    schemas.insert("S40".to_owned(), json!({ "type": "string" }));
    let answer = answer(json!({ "$ref": "#/components/schemas/S0" }), Json::Object(schemas));
    assert!(answer.len() < 200_000, "{}", answer.len());
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        r"\PC{0,12}",
        "[\\x00-\\x7f]{0,8}",
        prop::sample::select(vec![
            "${env:PATH}",
            "\"\n[module.Evil]\n",
            "{id}",
            "}{",
            "]]\"\"\"",
            "'''",
            "a=1",
            "#",
            "..",
            "\u{7f}",
            "in",
            "response",
            "true",
            "id",
            "x-y",
            "https://user:pw@h/${env:PATH}?q#f",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn text_of_a_document_stays_text(
        texts in prop::collection::vec(text(), 16),
        place in prop::sample::select(vec!["path", "query", "header", "cookie"]),
        method in prop::sample::select(vec!["get", "post", "delete"]),
    ) {
        let at = |i: usize| texts[i].as_str();
        let path = format!("/a/{{{}}}/{}", at(0), at(1));
        let schema = json!({
            "type": "object", "required": [at(2)],
            "properties": { at(2): { "type": "string" }, at(3): { "enum": [at(4), at(5)] }, "z": { "type": "integer" } },
        });
        let content = json!({ at(6): { "schema": schema }, "application/json": { "schema": schema } });
        let document = json!({
            "openapi": "3.0.0",
            "info": { "title": at(7), "version": at(8) },
            "servers": [{ "url": at(9), "variables": { at(10): { "default": at(11) } } }],
            "paths": { path: { method: {
                "operationId": at(12), "summary": at(13), "tags": [at(14)],
                "parameters": [
                    { "name": at(0), "in": "path", "required": true, "schema": { "type": "string" } },
                    { "name": at(15), "in": place, "schema": { "type": "string" } },
                ],
                "requestBody": { "content": content },
                "responses": { "200": { "content": content } },
            } } },
        });
        if let Ok(import) = import_openapi(&document.to_string(), at(7), &[]) {
            prop_assert_eq!(load(&import.manifest), 1);
            let has_secret = |line: &str| line.contains("${env:") && !line.starts_with('#') && !line.starts_with("doc");
            prop_assert!(!import.manifest.lines().any(has_secret), "{}", import.manifest);
        }
    }
}
