//! What the page needs of an OpenAPI description
//! (<https://spec.openapis.org/oas/v3.1.0.html>).

use serde_json::Value;

/// One address and what can be done there.
pub(super) struct Operation<'a> {
    /// Names it within the page.
    pub id: &'a str,
    /// `GET`, `POST`, …
    pub method: String,
    /// The address, `{id}` standing for what differs.
    pub path: &'a str,
    /// What it does, in a line.
    pub summary: &'a str,
    /// What else there is to say.
    pub description: &'a str,
    /// What goes into the address or a header.
    pub parameters: Vec<Parameter<'a>>,
    /// The schema of the body.
    pub body: Option<&'a Value>,
    /// Status, words, schema.
    pub responses: Vec<(&'a str, &'a str, Option<&'a Value>)>,
}

/// What goes into the address or a header.
pub(super) struct Parameter<'a> {
    pub name: &'a str,
    /// `path`, `query` or `header`.
    pub place: &'a str,
    pub required: bool,
    pub description: &'a str,
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn content(value: &Value) -> Option<&Value> {
    value["content"].as_object()?.values().next()?.get("schema")
}

/// The groups of operations, in their order: name, words, operations.
pub(super) fn groups(document: &Value) -> Vec<(&str, &str, Vec<Operation<'_>>)> {
    let tags = document["tags"].as_array().map_or(&[][..], Vec::as_slice);
    tags.iter()
        .map(|tag| {
            let name = text(tag, "name");
            (name, text(tag, "description"), operations(document, name))
        })
        .collect()
}

fn operations<'a>(document: &'a Value, tag: &str) -> Vec<Operation<'a>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| (path.as_str(), method, operation))
        })
        .filter(|(_, _, operation)| operation["tags"][0] == tag)
        .map(|(path, method, operation)| Operation {
            id: text(operation, "operationId"),
            method: method.to_uppercase(),
            path,
            summary: text(operation, "summary"),
            description: text(operation, "description"),
            parameters: parameters(operation),
            body: content(&operation["requestBody"]),
            responses: responses(operation),
        })
        .collect()
}

fn parameters(operation: &Value) -> Vec<Parameter<'_>> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .map(|parameter| Parameter {
            name: text(parameter, "name"),
            place: text(parameter, "in"),
            required: parameter["required"] == true,
            description: text(parameter, "description"),
        })
        .collect()
}

fn responses(operation: &Value) -> Vec<(&str, &str, Option<&Value>)> {
    let responses = operation["responses"].as_object().into_iter().flatten();
    responses
        .map(|(status, response)| {
            (
                status.as_str(),
                text(response, "description"),
                content(response),
            )
        })
        .collect()
}
