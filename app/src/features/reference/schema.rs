//! Types and their fields, as tables and links.

use leptos::prelude::*;
use serde_json::Value;

const REFERENCE: &str = "#/components/schemas/";

/// The name of the schema that `schema` points to.
fn pointed(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix(REFERENCE)
}

/// A type in words, with links to the schemas in it.
pub(super) fn kind(schema: &Value) -> AnyView {
    if let Some(name) = pointed(schema) {
        let href = format!("#schema-{name}");
        return view! { <a class="link" href=href>{name.to_owned()}</a> }.into_any();
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(options) = schema[choice].as_array() {
            let options: Vec<_> = options.iter().filter(|it| it["type"] != "null").collect();
            let words = options.iter().enumerate().map(|(index, option)| {
                let or = (index > 0).then_some(" or ");
                view! { {or}{kind(option)} }
            });
            return words.collect_view().into_any();
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().map(Value::to_string).collect();
        return values.join(", ").into_any();
    }
    let named = |name: &str| match name {
        "array" => view! { "list of " {kind(&schema["items"])} }.into_any(),
        name => name.to_owned().into_any(),
    };
    match &schema["type"] {
        Value::String(name) => named(name),
        // A type, or null.
        Value::Array(names) => {
            let name = names
                .iter()
                .filter_map(Value::as_str)
                .find(|it| *it != "null");
            named(name.unwrap_or("null"))
        }
        _ => "any JSON".into_any(),
    }
}

/// The fields of an object, or the forms that something can have.
pub(super) fn fields(schema: &Value, schemas: &Value, caption: &str) -> AnyView {
    if let Some(name) = pointed(schema) {
        return fields(&schemas[name], schemas, caption);
    }
    let Some(properties) = schema["properties"].as_object() else {
        return view! { <p class="reference-kind"><code>{kind(schema)}</code></p> }.into_any();
    };
    let required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|names| names.iter().any(|it| it == name))
    };
    let rows: Vec<_> = properties
        .iter()
        .map(|(name, field)| {
            let words = field["description"].as_str().unwrap_or_default();
            row(name, kind(field), required(name), words)
        })
        .collect();
    table(caption, rows)
}

/// One line of a table of fields.
pub(super) fn row(name: &str, kind: AnyView, required: bool, words: &str) -> AnyView {
    view! {
        <tr>
            <th scope="row">
                <code>{name.to_owned()}</code>
                {required.then(|| view! { <small>"required"</small> })}
            </th>
            <td><code>{kind}</code></td>
            <td>{words.to_owned()}</td>
        </tr>
    }
    .into_any()
}

/// A table of fields.
pub(super) fn table(caption: &str, rows: Vec<AnyView>) -> AnyView {
    view! {
        <div class="table-scroll" tabindex="0" role="group" aria-label=caption.to_owned()>
            <table class="table">
                <caption>{caption.to_owned()}</caption>
                <thead>
                    <tr><th scope="col">"Name"</th><th scope="col">"Type"</th><th scope="col">"What it is"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
