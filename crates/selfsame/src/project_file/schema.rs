//! The JSON Schema of the project's file, made from its [`Shape`], so that editors complete and check what people write.

use serde_json::{Map, Value as Json, json};

use super::shape::{FILE, Field, Shape};

/// The schema (JSON Schema, draft 2020-12).
pub fn schema() -> Json {
    let mut schema = of(&FILE);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "A project of Selfsame: selfsame.yaml".into();
    schema
}

fn of(shape: &Shape) -> Json {
    match shape {
        Shape::Text(shape) => json!({"type": "string", "pattern": shape.pattern}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::Number(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
        Shape::List(item, max) => with_max(json!({"type": "array", "items": of(item)}), "maxItems", *max),
        Shape::Names { key, value, max } => {
            let names =
                json!({"type": "object", "propertyNames": {"pattern": key.pattern}, "additionalProperties": of(value)});
            with_max(names, "maxProperties", *max)
        }
        Shape::Fields(shape) => fields(shape.fields),
        Shape::One { of: kinds, .. } => {
            let properties: Map<_, _> = kinds.iter().map(|field| (field.name.to_owned(), described(field))).collect();
            json!({"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1, "maxProperties": 1})
        }
        Shape::Forms { text, list, map } => json!({"anyOf": [of(text), of(list), of(map)]}),
    }
}

fn fields(fields: &[Field]) -> Json {
    let properties: Map<_, _> = fields.iter().map(|field| (field.name.to_owned(), described(field))).collect();
    let required: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if required.is_empty() {
        schema["type"] = json!(["object", "null"]);
    } else {
        schema["required"] = json!(required);
    }
    schema
}

fn described(field: &Field) -> Json {
    let mut schema = of(field.shape);
    schema["description"] = field.about.into();
    schema
}

fn with_max(mut schema: Json, keyword: &str, max: Option<usize>) -> Json {
    if let Some(max) = max {
        schema[keyword] = max.into();
    }
    schema
}
