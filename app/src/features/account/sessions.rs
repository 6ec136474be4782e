//! A table of sessions, of oneself or (for whoever may) of somebody else.

use leptos::prelude::*;
use onelastai_identity::SignedInAt;

use crate::session::local;
use crate::ui::Moment;

/// Where somebody is signed in; `end` makes the button of a line.
pub fn table(sessions: &[SignedInAt], end: impl Fn(&SignedInAt) -> AnyView) -> AnyView {
    if sessions.is_empty() {
        return view! { <p class="nothing">"Signed in nowhere."</p> }.into_any();
    }
    let rows = sessions
        .iter()
        .map(|it| {
            let address = it
                .address
                .map_or_else(|| "unknown".to_owned(), |it| it.to_string());
            let tag = match (it.current, it.same_browser) {
                (true, _) => Some("this one"),
                (false, true) => Some("this browser"),
                (false, false) => None,
            };
            view! {
                <tr>
                    <td>
                        {it.device.clone()}" "
                        {tag.map(|text| view! { <span class="tag tag-good">{text}</span> })}
                        <small>{it.host.clone()}</small>
                    </td>
                    <td>{address}</td>
                    <td class="time"><Moment at=local(it.created_at)/></td>
                    <td class="time"><Moment at=local(it.last_seen_at)/></td>
                    <td>{end(it)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Device and place"</th>
                        <th scope="col">"Address"</th>
                        <th scope="col">"Since"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col"><span class="sr-only">"End"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
