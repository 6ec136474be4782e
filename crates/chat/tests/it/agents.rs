//! Which version of an agent answers, and who may have it answer.

use onelastai_agents::{AgentDraft, AgentService, Editor, Viewer, Visibility};
use onelastai_chat::{Caller, ChatError, ChatService, Send, Sent};
use onelastai_db::PgPool;

use crate::{
    fixture::{log, message, person, read_all, replica, router, settings},
    model::{End, Model},
};

/// Somebody of the group who makes agents.
fn maker(who: &Caller) -> Editor {
    Editor {
        viewer: Viewer {
            groups: vec!["/research".to_owned()],
            manages: true,
            ..Viewer::person(who.user)
        },
        name: who.name.clone(),
        origin: who.origin.clone(),
    }
}

fn draft() -> AgentDraft {
    AgentDraft {
        name: "Guide".to_owned(),
        slug: "guide".to_owned(),
        visibility: Visibility::Group,
        group: Some("/research".to_owned()),
        ..AgentDraft::default()
    }
}

/// Sends and waits for the whole answer.
async fn answered(chat: &ChatService, who: &Caller, send: &Send) -> Result<Sent, ChatError> {
    let sent = chat.send(who, send).await?;
    read_all(&*log(chat, who, sent.generation).await).await;
    Ok(sent)
}

fn to_guide(conversation: Option<onelastai_types::ConversationId>) -> Send {
    Send {
        agent: Some("guide".to_owned()),
        ..message(conversation, "Hello?")
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_answer_knows_the_version_it_is_from(pool: PgPool) {
    let model = Model::start(1, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let ada = person(&pool, "ada").await;
    let agents = AgentService::new(pool.clone());
    let id = agents.create(&maker(&ada), draft()).await.unwrap();
    let first = answered(&chat, &ada, &to_guide(None)).await.unwrap();
    let changed = AgentDraft {
        name: "Better guide".to_owned(),
        ..draft()
    };
    agents
        .update(&maker(&ada), id, 1, changed, None)
        .await
        .unwrap();
    answered(&chat, &ada, &to_guide(Some(first.conversation)))
        .await
        .unwrap();

    let open = chat
        .conversation(ada.user, first.conversation)
        .await
        .unwrap();
    let versions: Vec<_> = open
        .messages
        .iter()
        .map(|message| {
            message
                .answer
                .as_ref()
                .and_then(|answer| answer.agent_version)
        })
        .collect();
    assert_eq!(versions, [None, Some(1), None, Some(2)]);
    let answer = chat.answer(ada.user, first.generation).await.unwrap();
    assert_eq!(answer.answer.unwrap().agent_version, Some(1));

    // One from before there were versions.
    sqlx::query("UPDATE generations SET agent_id = NULL, agent_version = NULL")
        .execute(&pool)
        .await
        .unwrap();
    let answer = chat.answer(ada.user, first.generation).await.unwrap();
    assert_eq!(answer.answer.unwrap().agent_version, None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_may_not_use_an_agent_any_more_only_reads(pool: PgPool) {
    let model = Model::start(1, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let ada = person(&pool, "ada").await;
    let mut eve = person(&pool, "eve").await;
    let agents = AgentService::new(pool.clone());
    let id = agents.create(&maker(&ada), draft()).await.unwrap();

    let refused = chat.send(&eve, &to_guide(None)).await;
    assert!(
        matches!(refused, Err(ChatError::NoSuchAgent)),
        "{refused:?}"
    );
    eve.groups = vec!["/research".to_owned()];
    let sent = answered(&chat, &eve, &to_guide(None)).await.unwrap();
    let more = to_guide(Some(sent.conversation));

    // An archived one goes on, a deleted one doesn't.
    agents.archive(&maker(&ada), id).await.unwrap();
    let refused = chat.send(&eve, &to_guide(None)).await;
    assert!(
        matches!(refused, Err(ChatError::NoSuchAgent)),
        "{refused:?}"
    );
    answered(&chat, &eve, &more).await.unwrap();
    agents.delete(&maker(&ada), id).await.unwrap();
    let more = to_guide(Some(sent.conversation));
    let refused = chat.send(&eve, &more).await;
    assert!(
        matches!(refused, Err(ChatError::NoSuchAgent)),
        "{refused:?}"
    );
    agents.restore(&maker(&ada), id).await.unwrap();
    answered(&chat, &eve, &more).await.unwrap();

    eve.groups.clear();
    let refused = chat.send(&eve, &to_guide(Some(sent.conversation))).await;
    assert!(
        matches!(refused, Err(ChatError::NoSuchAgent)),
        "{refused:?}"
    );
    let open = chat
        .conversation(eve.user, sent.conversation)
        .await
        .unwrap();
    assert_eq!(open.messages.len(), 6);
}
