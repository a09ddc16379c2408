//! The OpenAPI document is whole, and is the one that is published.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

/// Every operation: its path, its method and itself.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("a path") {
            operations.push((path.as_str(), method.as_str(), operation));
        }
    }
    operations
}

/// What every `$ref` in a value names.
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
fn the_published_document_is_that_of_the_routes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let made = format!("{:#}\n", server::openapi());
    if std::env::var_os("SELFSAME_WRITE_OPENAPI").is_some() {
        std::fs::write(&file, &made).expect("the document is written");
    }
    let published = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        published == made,
        "docs/reference/openapi.json is not what the routes say; \
         run: SELFSAME_WRITE_OPENAPI=1 cargo test -p selfsame-server openapi"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    let document = server::openapi();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "the types are shared: {}", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a place in the document itself");
        assert!(document.pointer(pointer).is_some(), "`{reference}` leads nowhere");
    }
}

#[test]
fn every_operation_says_what_it_is() {
    let document = server::openapi();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", document["openapi"]);
    let operations = operations(&document);
    assert!(operations.len() >= 33, "{} operations", operations.len());
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations {
        let at = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{at} has no id"));
        assert!(ids.insert(id), "{at}: another operation is called `{id}`");
        assert!(
            operation["summary"].as_str().is_some_and(|summary| (5..100).contains(&summary.len())),
            "{at} has no summary"
        );
        let is_open = operation["security"] == serde_json::json!([{}]);
        let open = ["/v1/health", "/v1/ready", "/v1/openapi.json", "/v1/receipts/key", "/ledger/key"];
        assert_eq!(is_open, open.contains(&path), "{at}: who may ask");
        assert!(is_open || operation.get("security").is_none(), "{at}: the document says once how to say who asks");
        parameters(&at, path, operation);
        answers(&at, operation);
    }
}

/// Each part of the path is explained, each parameter is, and commands take a key where reads can wait.
fn parameters(at: &str, path: &str, operation: &Value) {
    let mut references = BTreeSet::new();
    let mut in_path = BTreeSet::new();
    for parameter in operation["parameters"].as_array().expect("parameters") {
        if let Some(reference) = parameter["$ref"].as_str() {
            references.insert(reference.rsplit('/').next().unwrap_or_default());
            continue;
        }
        let name = parameter["name"].as_str().expect("a name");
        assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{at}: `{name}` is explained");
        if parameter["in"] == "path" {
            in_path.insert(name);
        }
    }
    let wanted: BTreeSet<&str> = path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    assert_eq!(in_path, wanted, "{at}: the parts of the path");
    let expected = match (at.starts_with("get "), at) {
        (true, _) => Some("WaitFor"),
        (false, "post /v1/tokens") => None,
        (false, _) => Some("IdempotencyKey"),
    };
    assert_eq!(references, expected.into_iter().collect(), "{at}: its headers");
}

/// Each answer says what it is and of which size, and what fails is a problem.
fn answers(at: &str, operation: &Value) {
    let answers = operation["responses"].as_object().expect("answers");
    assert_eq!(answers["default"]["$ref"], "#/components/responses/Problem", "{at}");
    assert!(answers.len() > 1, "{at} never succeeds");
    for (status, answer) in answers.iter().filter(|(status, _)| *status != "default") {
        assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{at}: {status} is explained");
        assert!(answer["headers"]["Selfsame-Ledger-Size"].is_object(), "{at}: {status} says as of when");
        assert!(answer["content"].as_object().is_some_and(|content| !content.is_empty()), "{at}: {status} has a type");
    }
}

#[test]
fn limits_are_those_of_the_server() {
    let document = server::openapi();
    let mut seen = 0;
    for (path, method, operation) in operations(&document) {
        for parameter in
            operation["parameters"].as_array().expect("parameters").iter().filter(|one| one["name"] == "limit")
        {
            let schema = &parameter["schema"];
            let default = if path == "/v1/state" { api::LIMIT_MAX } else { api::LIMIT_DEFAULT };
            assert_eq!(schema["default"], default, "{method} {path}");
            assert_eq!(schema["maximum"], api::LIMIT_MAX, "{method} {path}");
            seen += 1;
        }
    }
    assert!(seen >= 6, "lists have limits: {seen}");
}

#[test]
fn a_configuration_is_described_as_the_file_is() {
    let document = server::openapi();
    let schema = &document["components"]["schemas"]["ProjectConfig"];
    assert_eq!(schema["properties"]["stages"]["maxProperties"], domain::config::STAGES_MAX, "{schema}");
    for place in
        ["/components/schemas/ApplyRequest/properties/config", "/components/schemas/ProjectAnswer/properties/config"]
    {
        let config = document.pointer(place).expect("a member");
        assert_eq!(config["$ref"], "#/components/schemas/ProjectConfig", "{config}");
    }
}
