//! The page.

use leptos::prelude::*;
use serde_json::Value;

use super::{
    description::{Operation, groups},
    schema::{fields, kind, row, table},
};
use crate::{
    error::AppError,
    layout::{error_page::error_view, title::PageTitle},
    place::Place,
    state::AppState,
    ui::Logo,
};

/// The page, for everybody: it says nothing of anybody.
#[component]
pub fn ReferenceRoute() -> impl IntoView {
    let Some(state) = use_context::<AppState>() else {
        return error_view(AppError::Internal);
    };
    let document = (state.reference)();
    let origin = state.places.origin(&Place::Main);
    let groups = groups(document);
    let contents = groups
        .iter()
        .map(|(name, _, operations)| {
            let links = operations
                .iter()
                .map(|it| {
                    let href = format!("#{}", it.id);
                    view! { <li><a href=href>{it.summary.to_owned()}</a></li> }
                })
                .collect_view();
            view! { <li>{(*name).to_owned()}<ul>{links}</ul></li> }
        })
        .collect_view();
    let schemas = &document["components"]["schemas"];
    let chapters = groups
        .iter()
        .map(|(name, words, operations)| {
            let operations = operations
                .iter()
                .map(|it| operation(it, schemas))
                .collect_view();
            view! {
                <section>
                    <h2>{(*name).to_owned()}</h2>
                    <p class="lead">{(*words).to_owned()}</p>
                    {operations}
                </section>
            }
        })
        .collect_view();
    view! {
        <PageTitle text="API · OneLastAI"/>
        <a class="skip" href="#page">"Go to the page"</a>
        <div class="desk reference">
            <header class="desk-head">
                <a class="home-link" href="/" aria-label="OneLastAI, home"><Logo/></a>
                <nav aria-label="Main"><ul>
                    <li><a href="/account/keys">"API keys"</a></li>
                    <li><a href="/openapi.json">"OpenAPI 3.1"</a></li>
                </ul></nav>
            </header>
            <div class="reference-columns">
                <nav class="reference-contents" aria-label="On this page">
                    <ul>
                        <li><a href="#begin">"Begin"</a></li>
                        {contents}
                        <li><a href="#schemas">"Types"</a></li>
                    </ul>
                </nav>
                <main id="page" tabindex="-1">
                    <div class="desk-title"><h1>"API"</h1></div>
                    {begin(&origin)}
                    {chapters}
                    {types(schemas)}
                </main>
            </div>
        </div>
    }
    .into_any()
}

fn begin(origin: &str) -> AnyView {
    let curl = format!(
        "curl {origin}/v1/chat/completions \\\n  -H \"Authorization: Bearer $ONELASTAI_API_KEY\" \\\n  \
         -H \"Content-Type: application/json\" \\\n  \
         -d '{{\"model\": \"agent/companion\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'"
    );
    let python = format!(
        "from openai import OpenAI\n\nclient = OpenAI(base_url=\"{origin}/v1\", api_key=\"ola_…\")\n\
         answer = client.chat.completions.create(\n    model=\"agent/companion\",\n    \
         messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n)\n\
         print(answer.choices[0].message.content)"
    );
    let javascript = format!(
        "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{origin}/v1\", apiKey: \"ola_…\" }});\n\
         const stream = await client.chat.completions.create({{\n  model: \"agent/companion\",\n  stream: true,\n  \
         messages: [{{ role: \"user\", content: \"Hello\" }}],\n}});\n\
         for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? \"\");"
    );
    view! {
        <section id="begin">
            <h2>"Begin"</h2>
            <p class="lead">
                "The API speaks OpenAI's words: its SDKs, and everything made for them, work with this
                server's address and a key from "<a class="link" href="/account/keys">"your account"</a>
                ". Name a model, or "<code>"agent/"</code>" and an agent's short name to talk to it with its
                instructions."
            </p>
            {sample("With curl", &curl)}
            {sample("In Python", &python)}
            {sample("In JavaScript", &javascript)}
            <h3>"Limits and errors"</h3>
            <p class="lead">
                "Every answer says what is left of the tightest limit in "<code>"RateLimit-Limit"</code>", "
                <code>"RateLimit-Remaining"</code>" and "<code>"RateLimit-Reset"</code>
                ". Past it the status is 429 and "<code>"Retry-After"</code>
                " says when to come back. Errors have OpenAI's form: "<code>"error.message"</code>" says what
                to do, "<code>"error.code"</code>" is stable, "<code>"error.param"</code>" names the field.
                Quote "<code>"X-Request-Id"</code>" when you ask about a request."
            </p>
        </section>
    }
    .into_any()
}

fn sample(title: &str, code: &str) -> AnyView {
    view! {
        <h3>{title.to_owned()}</h3>
        <pre class="reference-sample" tabindex="0"><code>{code.to_owned()}</code></pre>
    }
    .into_any()
}

fn operation(operation: &Operation<'_>, schemas: &Value) -> AnyView {
    let parameters = (!operation.parameters.is_empty()).then(|| {
        let rows = operation.parameters.iter();
        let rows = rows
            .map(|it| {
                row(
                    it.name,
                    it.place.to_owned().into_any(),
                    it.required,
                    it.description,
                )
            })
            .collect();
        table("In the address and the head", rows)
    });
    let body = operation.body.map(|schema| fields(schema, schemas, "Body"));
    let responses = operation
        .responses
        .iter()
        .map(|(status, words, schema)| {
            view! {
                <li>
                    <code>{(*status).to_owned()}</code>" "{(*words).to_owned()}
                    {schema.map(|schema| view! { ": "<code>{kind(schema)}</code> })}
                </li>
            }
        })
        .collect_view();
    view! {
        <article id=operation.id.to_owned() class="reference-operation">
            <h3>{operation.summary.to_owned()}</h3>
            <p class="reference-address">
                <span class="tag">{operation.method.clone()}</span>" "<code>{operation.path.to_owned()}</code>
            </p>
            <p>{operation.description.to_owned()}</p>
            {parameters}
            {body}
            <h4>"Answers"</h4>
            <ul class="reference-answers">{responses}</ul>
        </article>
    }
    .into_any()
}

fn types(schemas: &Value) -> AnyView {
    let all = schemas.as_object().into_iter().flatten();
    let all = all
        .map(|(name, schema)| {
            view! {
                <article id=format!("schema-{name}")>
                    <h3>{name.clone()}</h3>
                    <p>{schema["description"].as_str().unwrap_or_default().to_owned()}</p>
                    {fields(schema, schemas, name)}
                </article>
            }
        })
        .collect_view();
    view! { <section id="schemas"><h2>"Types"</h2>{all}</section> }.into_any()
}
