//! `/v1/responses/{id}`: answers that were kept, and what was asked for them.

use axum::{Json, extract::State};
use futures::{FutureExt, future::BoxFuture};
use onelastai_access::{ApiCaller, Scope};
use onelastai_app::state::AppState;
use onelastai_gateway::{GatewayService, KeptResponse, require};
use onelastai_openai::{
    ErrorBody,
    responses::{
        DeletedResponse, Input, InputItem, ItemList, ItemPage, KeptItem, KeptOutput, Response,
    },
};
use onelastai_types::{AgentId, UserId};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    caller::Caller,
    error::Failure,
    extract::{Id, Params},
    reply::Reply,
};

/// Read a response again
///
/// As it was answered. Responses are kept for 30 days, unless they were asked for with
/// `store: false`.
#[utoipa::path(
    get, path = "/v1/responses/{id}", tag = "Chat", operation_id = "retrieveResponse",
    params(("id" = String, Path, description = "The response, `resp_…`")),
    responses(
        (status = 200, description = "The response", body = Response),
        (status = 404, description = "There is none, it wasn't kept, or it is somebody else's", body = ErrorBody),
    ),
)]
pub(super) async fn read(
    State(state): State<AppState>,
    Caller(caller, _): Caller,
    Id(id): Id,
) -> Result<Reply, Failure> {
    require(&caller, Scope::ConversationsRead)?;
    let kept = state.gateway.response(&caller, named(&id)?).await?;
    Ok(Reply::kept(200, "application/json", kept.response.into()))
}

/// Delete a response
///
/// At once and for good. Nothing can go on from it any more, nor from those that went on from it.
#[utoipa::path(
    delete, path = "/v1/responses/{id}", tag = "Chat", operation_id = "deleteResponse",
    params(("id" = String, Path, description = "The response, `resp_…`")),
    responses(
        (status = 200, description = "It is gone", body = DeletedResponse),
        (status = 404, description = "There is none, it wasn't kept, or it is somebody else's", body = ErrorBody),
    ),
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Caller(caller, person): Caller,
    Id(id): Id,
) -> Result<Json<DeletedResponse>, Failure> {
    require(&caller, Scope::ConversationsWrite)?;
    let call = named(&id)?;
    state
        .gateway
        .delete_response(&caller, &person.origin, call)
        .await?;
    Ok(Json(DeletedResponse::of(id)))
}

/// List what a response answers
///
/// The items of its own request; what it went on from are those of its `previous_response_id`.
#[utoipa::path(
    get, path = "/v1/responses/{id}/input_items", tag = "Chat", operation_id = "listInputItems",
    params(("id" = String, Path, description = "The response, `resp_…`"), ItemPage),
    responses(
        (status = 200, description = "A page of them", body = ItemList),
        (status = 404, description = "There is none, it wasn't kept, or it is somebody else's", body = ErrorBody),
    ),
)]
pub(super) async fn input_items(
    State(state): State<AppState>,
    Caller(caller, _): Caller,
    Id(id): Id,
    Params(page): Params<ItemPage>,
) -> Result<Json<ItemList>, Failure> {
    require(&caller, Scope::ConversationsRead)?;
    let kept = state.gateway.response(&caller, named(&id)?).await?;
    let items: Vec<KeptItem> = parsed(&kept.input)?;
    Ok(Json(ItemList::page(items, &page)?))
}

/// All that was said before an answer that goes on from `previous`, oldest first.
///
/// # Errors
/// Where that isn't there for this caller, or is too much.
pub(super) async fn before(
    gateway: &GatewayService,
    caller: &ApiCaller,
    previous: Uuid,
) -> Result<Vec<InputItem>, Failure> {
    let mut items = Vec::new();
    for link in gateway.before(caller, previous).await? {
        items.extend(parsed::<Vec<InputItem>>(&link.input)?);
        items.extend(parsed::<KeptOutput>(&link.response)?.output);
    }
    Ok(items)
}

/// The call that the response of this name answers; `None` where it is no such name.
pub(super) fn call(name: &str) -> Option<Uuid> {
    Uuid::try_parse(name.strip_prefix("resp_")?).ok()
}

/// What is needed to keep an answer once it is whole.
pub(super) struct Keeping {
    pub(super) gateway: GatewayService,
    pub(super) user: UserId,
    /// The call whose answer it went on from.
    pub(super) previous: Option<Uuid>,
    pub(super) input: Input,
}

impl Keeping {
    /// Keeps `response`, which answers this call; whether that went well. One that can't be kept
    /// is answered all the same, and says that it isn't kept: it is paid for.
    pub(super) fn keep(
        self,
        call: Uuid,
        agent: Option<AgentId>,
        response: &Response,
    ) -> BoxFuture<'static, bool> {
        let kept = KeptResponse {
            id: call,
            user: self.user,
            previous: self.previous,
            agent,
            input: written(&self.input.kept(&call.simple().to_string())),
            response: written(response),
        };
        let gateway = self.gateway;
        async move {
            let keeping = gateway.keep_response(&kept).await;
            if let Err(error) = &keeping {
                tracing::warn!(%error, "can't keep an answer");
            }
            keeping.is_ok()
        }
        .boxed()
    }
}

fn named(id: &str) -> Result<Uuid, Failure> {
    call(id).ok_or_else(|| Failure::not_found("response"))
}

fn written<T: Serialize>(value: &T) -> String {
    // As in a reply, nothing of this can fail to be written. Nothing at all would not be kept.
    serde_json::to_string(value).unwrap_or_default()
}

fn parsed<T: DeserializeOwned>(kept: &str) -> Result<T, Failure> {
    serde_json::from_str(kept).map_err(|error| {
        tracing::error!(%error, "an answer was kept that can't be read");
        Failure::internal()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_a_call() {
        let id = Uuid::from_u128(7);
        assert_eq!(call(&format!("resp_{}", id.simple())), Some(id));
        for wrong in [
            "",
            "resp_",
            "resp_7",
            "msg_00000000000000000000000000000007",
            "resp_'; --",
        ] {
            assert_eq!(call(wrong), None, "{wrong}");
        }
    }
}
