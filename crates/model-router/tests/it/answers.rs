//! Answers that go well: what is sent, what arrives, and what becomes of the connection.

use futures::StreamExt;
use onelastai_model_router::{
    ChatEvent, Effort, FinishReason, ModelError, Parameters, Tool, ToolChoice,
};

use crate::{
    answer, ask,
    fake::{DONE, Fake, Reply, say},
    question, rest, router,
};

#[tokio::test]
async fn an_answer_arrives_piece_by_piece_and_ends_with_its_counts() {
    let fake = Fake::always(|| Reply::answer(&["Hi", " there"])).await;
    let mut stream = ask(&router(&[&fake.url])).await.unwrap();
    assert_eq!(stream.chosen.model_id, "m");
    assert_eq!(stream.chosen.engine_model.as_str(), "engine-model:1b");
    assert_eq!(stream.chosen.instance, fake.url);
    assert_eq!(stream.chosen.reason, "m is the first choice");

    let text = |text: &str| Some(Ok(ChatEvent::Text(text.to_owned())));
    assert_eq!(stream.next().await, text("Hi"));
    assert_eq!(stream.next().await, text(" there"));
    let Some(Ok(ChatEvent::Done(usage))) = stream.next().await else {
        panic!("not done")
    };
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (3, 2));
    assert_eq!(
        (usage.load_ms, usage.prompt_eval_ms, usage.eval_ms),
        (1, 0, 5)
    );
    assert_eq!(usage.finish_reason, FinishReason::Stop);
    assert_eq!(stream.next().await, None);
    assert_eq!(stream.next().await, None, "and it stays over");
}

#[tokio::test]
async fn what_is_asked_reaches_the_engine() {
    let fake = Fake::always(|| Reply::answer(&["Hi"])).await;
    let mut request = question(&["m"]);
    request.parameters = Parameters {
        temperature: Some(0.0),
        max_tokens: Some(5),
        ..Parameters::default()
    };
    drop(router(&[&fake.url]).chat(request).await.unwrap());
    let [request] = &fake.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.line, "POST /api/chat");
    assert!(request.head.contains("content-type: application/json"));
    assert_eq!(
        request.body,
        r#"{"model":"engine-model:1b","messages":[{"role":"user","content":"Say hi."}],"stream":true,"truncate":false,"shift":false,"options":{"temperature":0.0,"num_predict":5}}"#
    );
}

#[tokio::test]
async fn a_path_before_the_api_and_a_password_are_used_and_the_password_is_shown_nowhere() {
    let fake = Fake::start(|number, _| match number {
        0 => Reply::answer(&["Hi"]),
        _ => Reply::plain(500, "", "{\"error\":\"broken\"}"),
    })
    .await;
    let mut url = fake.url.join("gpu/one").unwrap();
    url.set_username("canary").unwrap();
    url.set_password(Some("canary")).unwrap();
    let router = router(&[&url]);
    let stream = ask(&router).await.unwrap();
    let error = ask(&router).await.unwrap_err();
    let health = router.health().await;

    let [chat, ..] = &fake.requests()[..] else {
        panic!("a request")
    };
    assert_eq!(chat.line, "POST /gpu/one/api/chat");
    assert!(chat.head.contains("authorization: basic "), "{}", chat.head);
    let shown = format!(
        "{stream:?} {:?} {error} {error:?} {health:?} {router:?}",
        stream.chosen
    );
    assert!(!shown.contains("canary"), "{shown}");

    url.set_port(Fake::nobody().await.port()).unwrap();
    let error = ask(&crate::router(&[&url])).await.unwrap_err();
    assert!(
        matches!(error, ModelError::Unreachable { .. }) && !format!("{error:?}").contains("canary")
    );
}

#[tokio::test]
async fn thinking_is_apart_from_text() {
    let fake = Fake::always(|| {
        let thought =
            "{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"Hm\"}}\n";
        Reply::stream([thought, &say("Hi"), DONE]).end()
    })
    .await;
    assert_eq!(answer(&router(&[&fake.url])).await, ["(Hm)", "Hi", "done"]);
}

#[tokio::test]
async fn lines_are_put_together_however_they_were_cut() {
    let fake =
        Fake::always(|| Reply::stream(format!("{}{DONE}", say("Hé")).as_bytes().chunks(3)).end())
            .await;
    assert_eq!(answer(&router(&[&fake.url])).await, ["Hé", "done"]);
}

#[tokio::test]
async fn the_connection_is_used_again() {
    let fake = Fake::always(|| Reply::answer(&["Hi"])).await;
    let router = router(&[&fake.url]);
    for _ in 0..3 {
        assert_eq!(answer(&router).await, ["Hi", "done"]);
    }
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn a_server_that_never_ends_its_response_does_not_hold_up_the_end() {
    let fake = Fake::always(|| Reply::stream([say("Hi").as_str(), DONE]).hang()).await;
    let mut stream = ask(&router(&[&fake.url])).await.unwrap();
    assert_eq!(rest(&mut stream).await, ["Hi", "done"]);
    fake.was_left().await;
}

#[tokio::test]
async fn dropping_the_answer_closes_the_connection() {
    let fake = Fake::always(|| Reply::stream([say("Hi")]).hang()).await;
    let mut stream = ask(&router(&[&fake.url])).await.unwrap();
    assert!(stream.next().await.is_some());
    drop(stream);
    fake.was_left().await;
}

#[tokio::test]
async fn giving_up_before_the_first_piece_closes_the_connection() {
    let fake = Fake::always(Reply::silence).await;
    let router = router(&[&fake.url]);
    let asking = tokio::spawn(async move { ask(&router).await });
    while fake.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    asking.abort();
    fake.was_left().await;
}

#[tokio::test]
async fn a_tool_that_must_be_called_is_and_a_model_that_does_not_think_answers() {
    let fake = Fake::start(|_, request| {
        if request.body.contains("\"think\"") {
            let words = "{\"error\":\"\\\"m\\\" does not support thinking\"}";
            return Reply::plain(400, "content-type: application/json\r\n", words);
        }
        Reply::answer(&["{\\\"city\\\":", "\\\"Oslo\\\"}"])
    })
    .await;
    let mut request = question(&["m"]);
    request.effort = Some(Effort::High);
    request.tool_choice = ToolChoice::Required;
    request.tools = vec![Tool {
        name: "weather".to_owned(),
        description: None,
        parameters: None,
        strict: None,
    }];
    let mut stream = router(&[&fake.url]).chat(request).await.unwrap();
    assert_eq!(
        rest(&mut stream).await,
        ["weather({\"city\":)", "(\"Oslo\"})", "done"]
    );
    let asked: Vec<_> = fake.requests().into_iter().map(|it| it.body).collect();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].contains("\"think\":\"high\""), "{}", asked[0]);
    assert!(asked[1].contains("\"format\":{"), "{}", asked[1]);
    assert!(!asked[1].contains("\"tools\""), "{}", asked[1]);
}
