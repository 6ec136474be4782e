//! The JSON of `embeddings`, both ways.

use serde::{Deserialize, Serialize};

use super::{chunk::Usage, wire::count};
use crate::{
    embed::{EmbedRequest, Vectors},
    error::ModelError,
    spec::ModelSpec,
};

/// The request for vectors.
pub(super) fn body(model: &ModelSpec, request: &EmbedRequest) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        input: &'a [String],
        encoding_format: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        dimensions: Option<u32>,
    }
    serde_json::to_vec(&Body {
        model: &model.engine_name,
        input: &request.inputs,
        encoding_format: "float",
        dimensions: request.dimensions,
    })
}

/// Reads the answer to a request for `inputs` vectors.
pub(super) fn read(body: &[u8], inputs: usize) -> Result<Vectors, ModelError> {
    #[derive(Deserialize)]
    struct Answer {
        data: Vec<Item>,
        #[serde(default)]
        usage: Option<Usage>,
    }
    #[derive(Deserialize)]
    struct Item {
        index: usize,
        embedding: Vec<f32>,
    }
    let mut answer: Answer = serde_json::from_slice(body).map_err(|_| ModelError::Malformed)?;
    answer.data.sort_by_key(|item| item.index);
    let in_order = answer
        .data
        .iter()
        .enumerate()
        .all(|(at, item)| item.index == at);
    let vectors = Vectors {
        vectors: answer.data.into_iter().map(|item| item.embedding).collect(),
        prompt_tokens: answer.usage.map_or(0, |usage| count(usage.prompt_tokens)),
    };
    (in_order && vectors.fit(inputs))
        .then_some(vectors)
        .ok_or(ModelError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_in_any_order() {
        let read = |body: &str| super::read(body.as_bytes(), 2);
        let body = r#"{"object":"list","data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":4}}"#;
        let two = read(body).unwrap();
        assert_eq!(
            (two.vectors, two.prompt_tokens),
            (vec![vec![0.5], vec![2.0]], 4)
        );
        for wrong in [
            "{}",
            r#"{"data":[{"index":0,"embedding":[1]}]}"#,
            r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#,
            r#"{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}"#,
        ] {
            assert_eq!(read(wrong), Err(ModelError::Malformed), "{wrong}");
        }
    }
}
