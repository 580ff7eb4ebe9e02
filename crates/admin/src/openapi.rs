//! The OpenAPI document of the service, made of the table of operations.
//!
//! Source: OpenAPI Specification 3.1.0.

use crate::documentation::{Documentation, Field, Form, Kind};
use crate::error::ErrorCode;
use crate::operations::{ROWS, Row, SCOPE};
use serde_json::{Map, Value, json};

/// Errors that every operation may answer with.
const OF_ALL: &[ErrorCode] = &[ErrorCode::Validation, ErrorCode::AccessDenied, ErrorCode::Internal];

/// The document, as `GET /tympan/openapi.json` gives it.
pub fn openapi(version: &str) -> Value {
    let mut paths = Map::new();
    for row in ROWS {
        let path = paths.entry(row.path).or_insert_with(|| json!({}));
        path[row.method.to_lowercase()] = operation(row);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "tympan",
            "version": version,
            "description": "tympan's own service: contacts and their sound, prompts, live events, streams and readers, backups, settings, access and the audit file. Requests are signed \
                            with Signature Version 4, service name tympan; the IAM action of an operation is tympan: and its \
                            operationId. Times are RFC 3339.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "description": "AWS Signature Version 4 in the header, or as a presigned query; service name tympan",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                },
            },
            "schemas": { "Error": error_schema() },
        },
        "security": [{ "sigv4": [] }],
    })
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "description": "the header x-amzn-ErrorType has the error's name",
        "properties": { "Message": { "type": "string" } },
        "required": ["Message"],
    })
}

fn operation(row: &Row) -> Value {
    let Documentation { summary, query, body, answer, errors } = &row.documentation;
    let labels = row.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let labels = labels.map(
        |label| json!({ "name": label, "in": "path", "required": true, "schema": { "type": "string" } }),
    );
    let query = query.iter().map(|field| {
        json!({ "name": field.name, "in": "query", "required": field.is_required, "schema": schema(field) })
    });
    let mut responses = Map::new();
    let (status, success) = match row.form {
        Form::Json => {
            let content = json!({ "application/json": { "schema": object(answer) } });
            ("200", json!({ "description": "done", "content": content }))
        }
        Form::Socket => {
            let description = "a WebSocket; the schema is that of a text frame";
            let content = json!({ "text frames": { "schema": object(answer) } });
            ("101", json!({ "description": description, "content": content }))
        }
        Form::Media(types) => ("200", json!({ "description": "done", "content": binary(types) })),
    };
    responses.insert(status.to_owned(), success);
    for code in OF_ALL.iter().chain(*errors) {
        let status = code.status().to_string();
        let names = match responses.get(&status).and_then(|known| known["description"].as_str()) {
            Some(known) => format!("{known}, {}", code.name()),
            None => code.name().to_owned(),
        };
        let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } });
        responses.insert(status, json!({ "description": names, "content": content }));
    }
    let mut operation = json!({
        "operationId": row.name,
        "summary": summary,
        "description": format!("IAM action: {SCOPE}:{}", row.name),
        "parameters": labels.chain(query).collect::<Vec<_>>(),
        "responses": responses,
    });
    if !body.is_empty() {
        operation["requestBody"] = json!({
            "required": body.iter().any(|field| field.is_required),
            "content": { "application/json": { "schema": object(body) } },
        });
    }
    if !row.takes.is_empty() {
        operation["requestBody"] = json!({ "required": true, "content": binary(row.takes) });
    }
    operation
}

/// A body of one of these types.
fn binary(types: &[&str]) -> Map<String, Value> {
    let schema = json!({ "schema": { "type": "string", "format": "binary" } });
    types.iter().map(|media| ((*media).to_owned(), schema.clone())).collect()
}

fn object(fields: &[Field]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), schema(field))).collect();
    let required: Vec<&str> =
        fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    let mut object = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn schema(field: &Field) -> Value {
    let mut schema = of_kind(field.kind);
    schema["description"] = json!(field.about);
    if field.is_nullable {
        schema["type"] = json!([schema["type"], "null"]);
    }
    schema
}

fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
        Kind::Integer => json!({ "type": "integer", "format": "int64" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::OneOf(values) => json!({ "type": "string", "enum": values }),
        Kind::Object(fields) => object(fields),
        Kind::Opaque => json!({ "type": "object" }),
        Kind::List(of) => json!({ "type": "array", "items": of_kind(*of) }),
    }
}
