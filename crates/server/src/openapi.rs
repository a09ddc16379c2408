//! [`openapi`]: the document that describes `/v1` and `/ledger`, made from the routes themselves.

use axum::Json;
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::routes;

/// The schema of a project's configuration, as `selfsame apply --schema` prints it.
const CONFIG_SCHEMA: &str = include_str!("../../../docs/reference/project.schema.json");

/// The one command that takes no idempotency key: its answer holds a secret that is kept nowhere.
const WITHOUT_KEY: &str = "issue_token";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Selfsame",
        description = "Promotes the selfsame bytes from build to production, and proves it. `/v2` is the OCI distribution protocol and is \
                       described by its own specification.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(api::Problem)),
    security(("bearer" = []), ("basic" = [])),
    tags(
        (name = "server", description = "The server, the caller, tokens and roles."),
        (name = "projects", description = "Projects: their configuration, evidence and releases."),
        (name = "stages", description = "What happens to a release in a stage."),
        (name = "retention", description = "What stays, what goes, and what comes back."),
        (name = "digests", description = "Digests wherever they are: holds and traces."),
        (name = "ledger", description = "The entries, what follows from them, and the published files."),
    )
)]
pub(crate) struct Frame;

/// The document that describes `/v1` and `/ledger` (OpenAPI 3.1): each route with its types, and once what is so of all of them.
pub fn openapi() -> Value {
    let mut document = serde_json::to_value(routes::documented().into_openapi()).expect("the document is JSON");
    document["components"]["schemas"]["ProjectConfig"] = config_schema();
    for (name, part) in shared() {
        document["components"][name] = part;
    }
    let paths = document["paths"].as_object_mut().map(std::mem::take).unwrap_or_default();
    document["paths"] = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), finished(item))).collect();
    document
}

/// Serve this document.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi", tag = "server", security(()),
    responses((status = 200, description = "This document.", body = Object)),
)]
pub async fn show() -> Json<Value> {
    Json(openapi())
}

/// What operations share: headers, parameters, the form of every problem, and how to say who asks.
fn shared() -> [(&'static str, Value); 4] {
    let size = json!({"type": "integer", "format": "int64", "minimum": 0});
    [
        (
            "headers",
            json!({"LedgerSize": {
                "description": "How many ledger entries the answer takes into account.", "required": true, "schema": size,
            }}),
        ),
        (
            "parameters",
            json!({
                "IdempotencyKey": {
                    "name": "Idempotency-Key", "in": "header", "schema": {"type": "string"},
                    "description": "Makes asking twice safe: the same key, party and command are answered with the same entry.",
                },
                "WaitFor": {
                    "name": "Selfsame-Wait-For", "in": "header", "schema": size,
                    "description": "Answer once this many ledger entries are taken into account: the `as_of` of an earlier answer. A server \
                                    that does not get there within 10 s answers `not-yet` (503).",
                },
            }),
        ),
        (
            "responses",
            json!({"Problem": {
                "description": "Why it failed (RFC 9457): a refusal of the rules, a request that is not understood, or a breakage.",
                "headers": {"Selfsame-Ledger-Size": {"$ref": "#/components/headers/LedgerSize"}},
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }}),
        ),
        (
            "securitySchemes",
            json!({
                "bearer": {"type": "http", "scheme": "bearer", "description": "An access token."},
                "basic": {"type": "http", "scheme": "basic", "description": "Any user name, and an access token as the password."},
            }),
        ),
    ]
}

/// The operations of a path, with what is so of all of them.
fn finished(mut item: Value) -> Value {
    for (method, operation) in item.as_object_mut().into_iter().flatten() {
        let header = match method.as_str() {
            "get" => Some("WaitFor"),
            _ if operation["operationId"] == WITHOUT_KEY => None,
            _ => Some("IdempotencyKey"),
        };
        let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        parameters.extend(header.map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
        operation["parameters"] = parameters.into();
        for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
            response["headers"] = json!({"Selfsame-Ledger-Size": {"$ref": "#/components/headers/LedgerSize"}});
        }
        operation["responses"]["default"] = json!({"$ref": "#/components/responses/Problem"});
    }
    item
}

/// The file's schema for JSON: there, nothing is written as `{}`, where YAML also allows an empty value.
fn config_schema() -> Value {
    let mut schema: Value = serde_json::from_str(CONFIG_SCHEMA).expect("the schema of the project's file is JSON");
    for member in ["$schema", "title"] {
        schema.as_object_mut().and_then(|members| members.remove(member));
    }
    without_null(&mut schema);
    schema
}

fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("type") == Some(&json!(["object", "null"])) {
                members.insert("type".into(), "object".into());
            }
            members.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
