//! Servers that break in every way known, one test each. The process lives through all.

use std::time::Duration;

use futures::StreamExt;
use onelastai_model_router::{ChatMessage, ModelError, ModelRouter, Role};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout},
};
use url::Url;

use crate::{
    LONG, SHORT, answer, ask, config,
    fake::{DONE, Fake, Reply, say},
    model, question, rest, router,
};

/// A router whose deadlines for pieces pass soon.
fn impatient(url: &Url) -> ModelRouter {
    let mut config = config(vec![model("m", &[url])]);
    config.first_token_timeout = SHORT;
    config.idle_timeout = SHORT;
    ModelRouter::new(config).unwrap()
}

/// The error in place of an answer from a server with this reply.
async fn refusal(reply: fn() -> Reply) -> ModelError {
    let fake = Fake::always(reply).await;
    ask(&router(&[&fake.url])).await.unwrap_err()
}

#[tokio::test]
async fn nobody_there() {
    let url = Fake::nobody().await;
    let error = ask(&router(&[&url])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("m could not be reached at {url}")
    );
    assert!(matches!(error, ModelError::Unreachable { .. }));
}

#[tokio::test]
async fn the_model_is_not_installed() {
    let error =
        refusal(|| Reply::plain(404, "", r#"{"error":"model 'engine-model:1b' not found"}"#)).await;
    assert_eq!(
        error,
        ModelError::ModelMissing {
            model: "m".to_owned()
        }
    );
}

#[tokio::test]
async fn another_404_is_a_wrong_server_not_a_missing_model() {
    let error = refusal(|| Reply::plain(404, "", "<h1>404 page not found</h1>")).await;
    assert_eq!(
        error,
        ModelError::Refused {
            status: 404,
            message: "it gave no reason".to_owned()
        }
    );
}

#[tokio::test]
async fn a_server_error_in_its_own_words_made_flat() {
    let error =
        refusal(|| Reply::plain(500, "", r#"{"error":"llama runner\r\nhas terminated"}"#)).await;
    let message = "llama runner  has terminated".to_owned();
    assert_eq!(
        error,
        ModelError::Refused {
            status: 500,
            message
        }
    );
}

#[tokio::test]
async fn too_many_requests_says_when_to_come_back() {
    let error = refusal(|| Reply::plain(429, "retry-after: 7\r\n", "{}")).await;
    assert_eq!(
        error,
        ModelError::RateLimited {
            retry_after: Some(Duration::from_secs(7))
        }
    );
    let error = refusal(|| Reply::plain(429, "retry-after: soon\r\n", "{}")).await;
    assert_eq!(error, ModelError::RateLimited { retry_after: None });
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Fake::always(|| Reply::answer(&["Hi"])).await;
    let target = other.url.clone();
    let fake =
        Fake::start(move |_, _| Reply::plain(307, &format!("location: {target}api/chat\r\n"), ""))
            .await;
    let error = ask(&router(&[&fake.url])).await.unwrap_err();
    assert!(matches!(error, ModelError::Refused { status: 307, .. }));
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_refusal_without_end_is_not_read_to_its_end() {
    let fake = Fake::always(|| {
        Reply::stream(vec!["x".repeat(64 << 10); 64])
            .status(500)
            .hang()
    })
    .await;
    let error = ask(&router(&[&fake.url])).await.unwrap_err();
    assert!(
        matches!(error, ModelError::Refused { status: 500, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_error_as_the_first_line_of_200() {
    let error = refusal(|| Reply::stream(["{\"error\":\"no memory\"}\n", DONE]).end()).await;
    assert_eq!(error, ModelError::ModelReported("no memory".to_owned()));
    assert_eq!(error.to_string(), "the model reported an error: no memory");
}

#[tokio::test]
async fn an_error_inside_the_stream_is_never_a_success() {
    let fake =
        Fake::always(|| Reply::stream([say("Hi").as_str(), "{\"error\":\"x\"}\n", DONE]).end())
            .await;
    assert_eq!(
        answer(&router(&[&fake.url])).await,
        ["Hi", "model_reported"]
    );
}

#[tokio::test]
async fn an_end_without_done() {
    let fake = Fake::always(|| Reply::stream([say("Hi")]).end()).await;
    assert_eq!(answer(&router(&[&fake.url])).await, ["Hi", "interrupted"]);
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_a_line() {
    let fake = Fake::always(|| Reply::stream([&say("Hi"), &say("cut")[..30]]).cut()).await;
    assert_eq!(answer(&router(&[&fake.url])).await, ["Hi", "interrupted"]);
}

#[tokio::test]
async fn a_connection_closed_before_the_response() {
    assert_eq!(refusal(Reply::nothing).await, ModelError::Interrupted);
}

#[tokio::test]
async fn a_malformed_line() {
    let fake =
        Fake::always(|| Reply::stream([say("Hi").as_str(), "{\"message\":oops}\n", DONE]).hang())
            .await;
    assert_eq!(answer(&router(&[&fake.url])).await, ["Hi", "malformed"]);
    fake.was_left().await;
}

#[tokio::test]
async fn a_page_in_place_of_an_answer() {
    assert_eq!(
        refusal(|| Reply::plain(200, "", "<html>\n<h1>Welcome</h1>")).await,
        ModelError::Malformed
    );
}

#[tokio::test]
async fn a_line_without_end() {
    let fake = Fake::always(|| Reply::stream(vec!["x".repeat(64 << 10); 64]).hang()).await;
    let error = ask(&router(&[&fake.url])).await.unwrap_err();
    assert_eq!(error, ModelError::Malformed);
}

#[tokio::test]
async fn silence_in_place_of_a_response() {
    let fake = Fake::always(Reply::silence).await;
    let error = ask(&impatient(&fake.url)).await.unwrap_err();
    assert_eq!(error, ModelError::FirstTokenTimeout);
    fake.was_left().await;
}

#[tokio::test]
async fn silence_after_the_headers_and_lines_that_say_nothing() {
    let fake =
        Fake::always(|| Reply::stream(["\n", "{\"status\":\"loading\"}\n", &say("")]).hang()).await;
    let error = ask(&impatient(&fake.url)).await.unwrap_err();
    assert_eq!(error, ModelError::FirstTokenTimeout);
    fake.was_left().await;
}

#[tokio::test]
async fn a_model_that_is_loaded_first_has_more_time_and_one_in_memory_has_not() {
    let fake = Fake::always(|| Reply::answer(&["Hi"]).after(SHORT * 2)).await;
    let mut config = config(vec![model("m", &[&fake.url])]);
    config.first_token_timeout = SHORT;
    config.load_timeout = LONG;
    let router = ModelRouter::new(config).unwrap();
    assert_eq!(answer(&router).await, ["Hi", "done"]);
    // It has just answered, so there is nothing to load any more.
    assert_eq!(answer(&router).await, ["no answer: first_token_timeout"]);
    let state = &router.snapshot()[0];
    assert_eq!(
        state.first_token_ms, None,
        "the load is no measure of its speed"
    );
}

#[tokio::test]
async fn a_busy_server_says_so_with_503_too() {
    let busy = ModelError::RateLimited {
        retry_after: Some(Duration::from_secs(7)),
    };
    assert_eq!(
        refusal(|| Reply::plain(503, "retry-after: 7\r\n", "")).await,
        busy
    );
    let full = || Reply::plain(503, "", r#"{"error":"server busy, please try again."}"#);
    let busy = ModelError::RateLimited { retry_after: None };
    assert_eq!(refusal(full).await, busy);
}

#[tokio::test]
async fn silence_in_the_middle() {
    let fake = Fake::always(|| Reply::stream([&say("Hi"), "{\"message\""]).hang()).await;
    assert_eq!(answer(&impatient(&fake.url)).await, ["Hi", "idle_timeout"]);
    fake.was_left().await;
}

#[tokio::test]
async fn a_slow_reader_is_not_a_silent_model() {
    let fake = Fake::always(|| Reply::answer(&["Hi", " there"])).await;
    let mut stream = ask(&impatient(&fake.url)).await.unwrap();
    assert!(stream.next().await.is_some());
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(rest(&mut stream).await, [" there", "done"]);
}

#[tokio::test]
async fn a_conversation_too_large_is_not_sent() {
    let fake = Fake::always(|| Reply::answer(&["Hi"])).await;
    let mut request = question(&[]);
    request
        .messages
        .push(ChatMessage::new(Role::User, "x".repeat(33 << 20)));
    let error = router(&[&fake.url]).chat(request).await.unwrap_err();
    assert_eq!(error, ModelError::RequestTooLarge);
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn a_conversation_past_the_context_is_refused_and_not_cut() {
    let too_long = || {
        let words = "{\"error\":\"the input length exceeds the context length\"}";
        Reply::plain(400, "content-type: application/json\r\n", words)
    };
    let fake = Fake::always(too_long).await;
    let mut spec = model("m", &[&fake.url, &fake.url.join("two").unwrap()]);
    spec.context_length = 8192;
    spec.instances[0].context = Some(2048);
    spec.instances[1].context = Some(4096);
    let router = ModelRouter::new(config(vec![spec])).unwrap();
    assert_eq!(router.models()[0].context_length, 2048);
    let error = ask(&router).await.unwrap_err();
    assert_eq!(error, ModelError::RequestTooLarge);
    // It is the request's fault: nobody else is asked, and the instance is as well as before.
    let [asked] = &fake.requests()[..] else {
        panic!("one request")
    };
    assert!(asked.body.contains("\"truncate\":false"), "{}", asked.body);
    assert!(asked.body.contains("\"num_ctx\":2048"), "{}", asked.body);
    assert_eq!(router.snapshot()[0].failures, 0);
}

#[tokio::test]
async fn connecting_has_its_own_deadline() {
    // Nobody accepts, and what waits to be accepted has no more room: no answer to a connect.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(connected) = timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(connected.unwrap());
        assert!(waiting.len() < 20, "the queue is never full");
    }

    let mut config = config(vec![model(
        "m",
        &[&format!("http://{address}").parse().unwrap()],
    )]);
    config.connect_timeout = SHORT;
    let asked = Instant::now();
    let error = ask(&ModelRouter::new(config).unwrap()).await.unwrap_err();
    assert!(matches!(error, ModelError::Unreachable { .. }), "{error:?}");
    assert!(asked.elapsed() < LONG / 2);
}
