//! All instances in one table, as this server sees them.

use leptos::prelude::*;
use onelastai_model_router::{Health, InstanceState, ModelKind, ProviderKind};
use onelastai_models::{Known, Source};
use time::{Duration, OffsetDateTime, macros::format_description};

use crate::session::now;
use crate::ui::seconds;

/// One line.
pub(super) struct Line {
    model: String,
    name: String,
    /// What the database says about it, if that could be read.
    known: Option<Known>,
    instance: String,
    /// `None` where the model is switched off.
    state: Option<InstanceState>,
}

/// The lines of all models: those of the list, and what only the router knows.
pub(super) fn lines(known: &[Known], states: Vec<InstanceState>) -> Vec<Line> {
    let off = known.iter().filter(|known| !known.draft.enabled);
    let off = off.flat_map(|known| {
        known.draft.instances.iter().map(|instance| Line {
            model: known.draft.id.clone(),
            name: known.draft.display_name.clone(),
            known: Some(known.clone()),
            instance: shown(instance.url.as_str()),
            state: None,
        })
    });
    let on = states.into_iter().map(|state| Line {
        model: state.model_id.clone(),
        name: state.display_name.clone(),
        known: known
            .iter()
            .find(|it| it.draft.id == state.model_id)
            .cloned(),
        instance: shown(state.instance.as_str()),
        state: Some(state),
    });
    let mut lines: Vec<_> = on.chain(off).collect();
    lines.sort_by_key(|line| line.known.as_ref().map_or(0, |known| known.draft.position));
    lines
}

fn shown(address: &str) -> String {
    address.trim_end_matches('/').to_owned()
}

/// The numbers above the table.
pub(super) fn figures(lines: &[Line]) -> impl IntoView + use<> {
    let states = || lines.iter().filter_map(|line| line.state.as_ref());
    let well = states().filter(|it| is_well(it)).count();
    let busy: u32 = states().map(|it| it.in_flight).sum();
    let slots: u32 = states().map(|it| it.slots).sum();
    // A queue is a model's; each of its instances has it.
    let mut queues: Vec<_> = states().map(|it| (&it.model_id, it.queue_length)).collect();
    queues.dedup();
    let waiting: usize = queues.into_iter().map(|(_, length)| length).sum();
    view! {
        <dl class="figures">
            <div><dt>"Instances in service"</dt><dd data-live="">{format!("{well} of {}", states().count())}</dd></div>
            <div><dt>"Answers under way"</dt><dd data-live="">{format!("{busy} of {slots}")}</dd></div>
            <div><dt>"Requests that wait"</dt><dd data-live="">{waiting}</dd></div>
        </dl>
    }
}

/// The table; `manages` adds what can be done.
pub(super) fn table(lines: &[Line], manages: bool) -> AnyView {
    if lines.is_empty() {
        let text = "There is no model yet. Add the first one: an address and a name is enough.";
        return view! { <p class="nothing">{text}</p> }.into_any();
    }
    let rows = lines.iter().map(|line| row(line, manages)).collect_view();
    let actions = manages.then(|| view! { <th scope="col" role="columnheader">"What to do"</th> });
    let heads = [
        ("Instance", ""),
        ("State", ""),
        ("Under way", "number"),
        ("Waiting", "number"),
        ("First token", "number"),
        ("Latency", "number"),
        ("Version", ""),
        ("Last error", ""),
    ]
    .map(|(text, class)| view! { <th scope="col" role="columnheader" class=class>{text}</th> })
    .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Models">
            <table class="table models" role="table">
                <thead role="rowgroup"><tr role="row">{heads}{actions}</tr></thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(line: &Line, manages: bool) -> impl IntoView + use<> {
    let name = line.name.clone();
    let title = if manages && line.known.is_some() {
        view! { <a href=format!("/admin/models/{}", line.model)>{name}</a> }.into_any()
    } else {
        name.into_any()
    };
    let state = line.state.as_ref();
    let check = state.and_then(|it| it.last_check.as_ref());
    let number = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    let cells = [
        (
            "Under way",
            number(state.map(|it| format!("{} / {}", it.in_flight, it.slots))),
        ),
        (
            "Waiting",
            number(state.map(|it| it.queue_length.to_string())),
        ),
        (
            "First token",
            number(state.and_then(|it| it.first_token_ms).map(took)),
        ),
        (
            "Latency",
            number(
                check
                    .and_then(|it| it.latency_ms)
                    .map(|ms| format!("{ms} ms")),
            ),
        ),
    ]
    .map(|(label, text)| {
        view! { <td role="cell" class="number" data-label=label data-live="">{text}</td> }
    })
    .collect_view();
    let version = number(check.and_then(|it| it.version.clone()));
    let code = state.and_then(|it| it.last_error);
    let words = check.and_then(|it| it.error.clone());
    let error = match (code, &words) {
        (Some(code), _) => code.replace('_', " "),
        (None, Some(_)) => String::new(),
        (None, None) => "–".to_owned(),
    };
    let actions = manages.then(|| {
        view! {
            <td role="cell" data-label="What to do" data-live="">
                {state.map(|state| buttons(line, state))}
            </td>
        }
    });
    view! {
        <tr role="row">
            <th scope="row" role="rowheader">
                {title}
                <small>{line.instance.clone()}</small>
                <small>{line.known.as_ref().map(about)}</small>
            </th>
            <td role="cell" data-label="State" data-live="">{words_of(state)}</td>
            {cells}
            <td role="cell" data-label="Version" data-live="">{version}</td>
            <td role="cell" data-label="Last error" data-live="">
                {error}
                {words.map(|words| view! { <small>{words}</small> })}
            </td>
            {actions}
        </tr>
    }
}

/// What it is, in a few words.
fn about(known: &Known) -> String {
    let draft = &known.draft;
    let engine = match draft.provider {
        ProviderKind::Ollama => "Ollama",
        ProviderKind::OpenAi => "OpenAI protocol",
    };
    let mut words = vec![draft.engine_name.as_str(), engine];
    if draft.kind == ModelKind::Cloud {
        words.push("cloud");
    }
    match known.source {
        Source::Settings => {}
        Source::Changed => words.push("changed here"),
        Source::Added => words.push("added here"),
    }
    words.join(" · ")
}

fn is_well(state: &InstanceState) -> bool {
    let looks = state.last_check.as_ref();
    let looks = looks.is_none_or(|check| check.reachable && check.model_present);
    state.health == Health::Well && !state.draining && looks
}

/// The state in words, with what is in memory.
fn words_of(state: Option<&InstanceState>) -> AnyView {
    let Some(state) = state else {
        return view! { <span class="tag">"switched off"</span> }.into_any();
    };
    let check = state.last_check.as_ref();
    let (words, class) = if state.draining {
        ("draining".to_owned(), "tag")
    } else if state.health == Health::Probing {
        ("being tried".to_owned(), "tag")
    } else if check.is_some_and(|it| !it.reachable) {
        ("unreachable".to_owned(), "tag tag-bad")
    } else if check.is_some_and(|it| !it.model_present) {
        ("no model there".to_owned(), "tag tag-bad")
    } else if state.health == Health::Ejected {
        (ejected(state), "tag tag-bad")
    } else if check.is_none() {
        ("not looked at yet".to_owned(), "tag")
    } else {
        ("well".to_owned(), "tag tag-good")
    };
    let memory = check.filter(|it| it.reachable && it.model_present);
    let memory = memory.map(|it| {
        if it.loaded {
            "in memory"
        } else {
            "not in memory"
        }
    });
    view! {
        <span class=class>{words}</span>
        {memory.map(|memory| view! { <small>{memory}</small> })}
    }
    .into_any()
}

fn ejected(state: &InstanceState) -> String {
    let until = state.ejected_for_ms.and_then(|ms| until(now(), ms));
    until.map_or_else(
        || "ejected".to_owned(),
        |until| format!("ejected until {until}"),
    )
}

fn until(now: OffsetDateTime, milliseconds: u64) -> Option<String> {
    let wait = Duration::milliseconds(i64::try_from(milliseconds).ok()?);
    let at = now.checked_add(wait)?;
    at.format(format_description!("[hour]:[minute]:[second]"))
        .ok()
}

fn took(milliseconds: u64) -> String {
    seconds(i32::try_from(milliseconds).unwrap_or(i32::MAX))
}

fn buttons(line: &Line, state: &InstanceState) -> impl IntoView + use<> {
    let whom = format!("{} at {}", line.name, line.instance);
    let (name, word) = if state.draining {
        ("undrain", "Take back in")
    } else {
        ("drain", "Drain")
    };
    view! {
        <form class="desk-actions" method="post" action="/admin/models">
            <input type="hidden" name="model" value=line.model.clone()/>
            <input type="hidden" name="instance" value=line.instance.clone()/>
            <button class="button button-quiet" name="do" value="test" aria-label=format!("Test {whom}")>
                "Test"
            </button>
            <button class="button button-quiet" name="do" value=name aria-label=format!("{word} {whom}")>
                {word}
            </button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_ejection_ends_at_a_time_of_the_reader() {
        let now = datetime!(2026-11-27 23:59:50 +1);
        assert_eq!(until(now, 15_000).as_deref(), Some("00:00:05"));
        assert_eq!(until(now, u64::MAX), None);
    }
}
