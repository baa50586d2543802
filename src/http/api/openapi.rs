//! Layer 5, http: the API as an `OpenAPI` 3.1 document, made of the table of calls, the readers of
//! bodies and the catalogue of codes. What only a person can say (schemas of answers) is in
//! `schemas`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::body::{Asked, Shape};
use super::calls::{Call, Kind};
use super::{IDEMPOTENCY_KEY_CHARS, schemas};
use crate::account::link;
use crate::limits;
use crate::page::{self, Language};
use crate::refusal::Code;
use crate::store::account::MessageState;

/// The kinds of messages to a partner's webhook.
const KINDS: [&str; 4] = [link::LINKED, link::UNLINKED, link::CONFLICT, link::NOT_CREATED];

/// The document.
pub(super) fn document(calls: &[Call]) -> Value {
    let mut paths = Map::new();
    for call in calls {
        let path = paths.entry(call.path).or_insert_with(|| json!({}));
        path[call.method().to_ascii_lowercase()] = operation(call);
    }
    let event = |kind: &str| (kind.to_owned(), json!({ "post": webhook(kind) }));
    let webhooks: Map<String, Value> = KINDS.into_iter().map(event).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Skybridge API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "For a partner's back end: tickets, customers and their cloud accounts, \
                and the messages to the partner's webhook.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "key": [] }],
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "securitySchemes": { "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key of the tenant. Each operation names the scope that the \
                    key needs.",
            } },
            "schemas": schemas::all(),
        },
    })
}

fn operation(call: &Call) -> Value {
    let (status, schema) = call.answer;
    let mut responses = refusals(&call.refusals());
    responses.insert(
        status.to_string(),
        json!({
            "description": "Done.",
            "content": { "application/json": { "schema": schemas::reference(schema) } },
        }),
    );
    let mut operation = json!({
        "operationId": call.name.key(),
        "summary": page::api_summary(call.name, Language::En),
        "description": format!("The key needs the scope `{}`.", call.scope.name()),
        "parameters": parameters(call),
        "responses": responses,
    });
    if let Some(body) = body(call) {
        operation["requestBody"] = body;
    }
    operation
}

fn parameters(call: &Call) -> Vec<Value> {
    let named = call.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let text = json!({ "type": "string", "minLength": 1 });
    let mut parameters: Vec<_> = named
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": text }))
        .collect();
    match call.kind {
        Kind::Look(query) => parameters.extend(query.iter().map(|name| {
            let states: Vec<_> = MessageState::ALL.iter().map(|state| state.name()).collect();
            let default = MessageState::Dead.name();
            let schema = json!({ "type": "string", "enum": states, "default": default });
            json!({ "name": name, "in": "query", "required": false, "schema": schema })
        })),
        Kind::Put(query) => parameters.extend(query.iter().map(|(name, meaning)| {
            let schema = json!({ "type": "string", "minLength": 1 });
            json!({ "name": name, "in": "query", "required": false, "schema": schema,
                "description": meaning })
        })),
        Kind::Act | Kind::Ask(_) | Kind::Remove => {}
        Kind::Once(_) => parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": true,
            "description": "A text of the caller's making, another one for each thing to be done. \
                The same key with the same body gives the same answer again.",
            "schema": { "type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_CHARS },
        })),
    }
    parameters
}

fn body(call: &Call) -> Option<Value> {
    match call.kind {
        Kind::Look(_) | Kind::Remove => return None,
        Kind::Put(_) => {
            let content = json!({ "application/samlmetadata+xml": {} });
            return Some(json!({ "required": true, "content": content }));
        }
        Kind::Act | Kind::Ask(_) | Kind::Once(_) => {}
    }
    let fields = call.fields();
    let mut properties = Map::new();
    for field in fields {
        properties.insert(field.name.to_owned(), schema(field));
    }
    let required: Vec<_> = fields.iter().filter(|field| field.required).map(|f| f.name).collect();
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let content = json!({ "application/json": { "schema": schema } });
    Some(json!({ "required": !required.is_empty(), "content": content }))
}

/// What stands in a field.
fn schema(field: &Asked) -> Value {
    let (expected, most) = (field.expected, field.most);
    let text = json!({ "type": "string", "maxLength": most });
    let kind = |name: &str| if field.required { json!(name) } else { json!([name, "null"]) };
    match field.shape {
        Shape::Text => {
            json!({ "type": kind("string"), "maxLength": most, "description": expected })
        }
        Shape::Attributes => json!({
            "type": kind("object"),
            "description": expected,
            "maxProperties": limits::GIVEN_ATTRIBUTES,
            "additionalProperties": { "anyOf": [
                text,
                { "type": "array", "items": text, "maxItems": limits::GIVEN_VALUES },
            ] },
        }),
    }
}

/// By status, every code with its meaning.
fn refusals(codes: &[Code]) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in codes {
        let entry = code.entry();
        let line = format!("- {code}: {}", entry.meaning);
        by_status.entry(entry.status).or_default().push(line);
    }
    let problem = |description: String| {
        let schema = schemas::reference("Problem");
        let content = json!({ "application/problem+json": { "schema": schema } });
        json!({ "description": description, "content": content })
    };
    let mut refusals: Map<_, _> = by_status
        .into_iter()
        .map(|(status, lines)| (status.to_string(), problem(lines.join("\n"))))
        .collect();
    refusals.insert("default".to_owned(), problem("Any other refusal.".to_owned()));
    refusals
}

fn webhook(kind: &str) -> Value {
    let header = |name: &str, description: &str| {
        let schema = json!({ "type": "string" });
        json!({ "name": name, "in": "header", "required": true, "description": description,
            "schema": schema })
    };
    json!({
        "operationId": kind,
        "summary": format!("The message {kind}."),
        "security": [],
        "parameters": [
            header("webhook-id", "The id of the message, the same for every attempt."),
            header("webhook-timestamp", "The seconds since 1970 at this attempt."),
            header("webhook-signature", "One or two of `v1,` and the base64 of HMAC-SHA256 over \
                id, `.`, timestamp, `.` and body, with a space between."),
        ],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": schemas::reference("Event") } },
        },
        "responses": {
            "2XX": { "description": "The message was taken." },
            "default": { "description": "It was not, and will be sent again." },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::api::calls;

    /// Every `$ref` in it.
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_call_is_an_operation_with_its_names_and_its_refusals() {
        let calls = calls();
        let document = document(&calls);
        for call in &calls {
            let operation = &document["paths"][call.path][call.method().to_lowercase()];
            assert_eq!(operation["operationId"], call.name.key(), "{}", call.path);
            for name in ["tenant", "id"].iter().filter(|n| call.path.contains(&format!("{{{n}}}")))
            {
                let parameters = operation["parameters"].as_array().unwrap();
                assert!(parameters.iter().any(|p| p["name"] == *name), "{}", call.path);
            }
            for code in call.refusals() {
                let status = code.entry().status.to_string();
                let told = operation["responses"][&status]["description"].as_str().unwrap();
                assert!(told.contains(&code.to_string()), "{} {code}", call.path);
            }
        }
    }

    #[test]
    fn what_a_body_asks_for_is_what_its_reader_asks_for() {
        let document = document(&calls());
        let ticket = &document["paths"]["/api/v1/{tenant}/tickets"]["post"]["requestBody"];
        let schema = &ticket["content"]["application/json"]["schema"];
        assert_eq!(schema["required"], json!(["user_id"]));
        assert_eq!(schema["properties"]["user_id"]["maxLength"], 128);
        assert_eq!(schema["properties"]["service"]["maxLength"], 2048);
        assert_eq!(schema["properties"].as_object().unwrap().len(), 8);
    }

    #[test]
    fn every_reference_leads_to_a_schema_and_every_schema_is_referred_to() {
        let document = document(&calls());
        let mut found = Vec::new();
        references(&document, &mut found);
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for reference in &found {
            let name = reference.strip_prefix("#/components/schemas/").unwrap();
            assert!(schemas.contains_key(name), "{reference}");
        }
        for name in schemas.keys() {
            assert!(
                found.iter().any(|reference| reference.ends_with(&format!("/{name}"))),
                "{name}"
            );
        }
    }

    #[test]
    fn the_router_takes_the_api_from_the_table_and_nothing_besides() {
        let router = include_str!("../mod.rs");
        let named: Vec<_> = router.match_indices("\"/api/").map(|(at, _)| &router[at..]).collect();
        let known = ["\"/api/v1\"", "\"/api/v1/openapi.json\""];
        assert_eq!(named.len(), known.len());
        assert!(named.iter().all(|text| known.iter().any(|path| text.starts_with(path))));
    }
}
