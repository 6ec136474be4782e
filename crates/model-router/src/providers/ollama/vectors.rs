//! The JSON of Ollama's `/api/embed`, both ways (its `docs/api.md`, "Generate Embeddings").

use serde::{Deserialize, Serialize};

use super::wire::count;
use crate::{
    embed::{EmbedRequest, Vectors},
    error::ModelError,
    spec::ModelSpec,
};

/// The request for vectors, to an instance with a context of `context` tokens where that is
/// known. Text past the model's context is refused, not cut unseen.
pub(super) fn body(
    model: &ModelSpec,
    context: Option<u32>,
    request: &EmbedRequest,
) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        input: &'a [String],
        truncate: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        dimensions: Option<u32>,
        /// As with chats: another context would load the model anew.
        #[serde(skip_serializing_if = "Option::is_none")]
        options: Option<Options>,
    }
    #[derive(Serialize)]
    struct Options {
        num_ctx: u32,
    }
    serde_json::to_vec(&Body {
        model: &model.engine_name,
        input: &request.inputs,
        truncate: false,
        dimensions: request.dimensions,
        options: context.map(|num_ctx| Options { num_ctx }),
    })
}

/// Reads the answer to a request for `inputs` vectors.
pub(super) fn read(body: &[u8], inputs: usize) -> Result<Vectors, ModelError> {
    #[derive(Deserialize)]
    struct Answer {
        embeddings: Vec<Vec<f32>>,
        #[serde(default)]
        prompt_eval_count: i64,
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|_| ModelError::Malformed)?;
    let vectors = Vectors {
        vectors: answer.embeddings,
        prompt_tokens: count(answer.prompt_eval_count),
    };
    vectors
        .fit(inputs)
        .then_some(vectors)
        .ok_or(ModelError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked() {
        let request = EmbedRequest {
            inputs: vec!["a".to_owned()],
            dimensions: Some(64),
            ..EmbedRequest::default()
        };
        let body = |context| {
            let body = body(&ModelSpec::ollama("m", "m:1b", vec![]), context, &request);
            String::from_utf8(body.unwrap()).unwrap()
        };
        assert_eq!(
            body(None),
            r#"{"model":"m:1b","input":["a"],"truncate":false,"dimensions":64}"#
        );
        assert_eq!(
            body(Some(512)),
            r#"{"model":"m:1b","input":["a"],"truncate":false,"dimensions":64,"options":{"num_ctx":512}}"#
        );
    }

    #[test]
    fn vectors_are_as_many_as_the_texts_and_equally_long() {
        let read = |body: &str| super::read(body.as_bytes(), 2);
        let two = read(r#"{"embeddings":[[0.5,-1],[1e-3,2]],"prompt_eval_count":4}"#).unwrap();
        assert_eq!(two.vectors, [[0.5, -1.0], [0.001, 2.0]]);
        assert_eq!(two.prompt_tokens, 4);
        for wrong in [
            "{}",
            r#"{"embeddings":[[1]]}"#,
            r#"{"embeddings":[[1],[1,2]]}"#,
            r#"{"embeddings":[[1],[1e60]]}"#,
            r#"{"embeddings":[[1],["x"]]}"#,
        ] {
            assert_eq!(read(wrong), Err(ModelError::Malformed), "{wrong}");
        }
    }
}
