//! `/v1/embeddings`.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ApiError, tokens::text_of};

/// The most texts of one request, as the API has it.
const MOST_INPUTS: usize = 2048;

/// Asks for vectors of texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct EmbeddingsRequest {
    /// A model that makes embeddings.
    #[schema(example = "smollm2")]
    pub model: String,
    /// One text, or up to 2,048 of them; each may also come as the numbers of its tokens, as
    /// `cl100k_base` has them, and is read as the text that they stand for.
    pub input: Input,
    /// The length of the vectors, where a model can make several.
    pub dimensions: Option<u32>,
    /// How vectors are written; the Python SDK asks for `base64` by itself.
    #[serde(default)]
    pub encoding_format: EncodingFormat,
    /// Taken and passed over.
    pub user: Option<String>,
}

/// One text or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "a text, a list of texts, or token numbers in their place"
)]
pub enum Input {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
    /// One, in tokens.
    Tokens(Vec<u32>),
    /// Several, in tokens.
    ManyTokens(Vec<Vec<u32>>),
}

impl Input {
    /// As texts, in order.
    fn into_texts(self) -> Result<Vec<String>, ApiError> {
        let read = |(at, numbers): (usize, Vec<u32>)| {
            text_of(&numbers).map_err(|number| {
                let words = format!("{number} is the number of no token of cl100k_base.");
                ApiError::invalid(&format!("input[{at}]"), words)
            })
        };
        match self {
            Self::One(text) => Ok(vec![text]),
            Self::Many(texts) => Ok(texts),
            Self::Tokens(numbers) => Ok(vec![read((0, numbers))?]),
            Self::ManyTokens(all) => all.into_iter().enumerate().map(read).collect(),
        }
    }
}

/// How a vector is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EncodingFormat {
    /// Numbers.
    #[default]
    Float,
    /// The bytes of 32-bit floats, the least byte first, in base64.
    Base64,
}

impl EmbeddingsRequest {
    /// The texts, in order.
    ///
    /// # Errors
    /// For none, an empty one, more than the API allows, or a token that doesn't exist.
    pub fn texts(self) -> Result<Vec<String>, ApiError> {
        let texts = self.input.into_texts()?;
        if texts.is_empty() || texts.iter().any(String::is_empty) {
            return Err(ApiError::invalid(
                "input",
                "There must be a text, and none may be empty.",
            ));
        }
        if texts.len() > MOST_INPUTS {
            return Err(ApiError::invalid(
                "input",
                format!("At most {MOST_INPUTS} texts can be sent at once."),
            ));
        }
        Ok(texts)
    }
}

/// A vector, written as it was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Vector {
    /// Numbers.
    Floats(Vec<f32>),
    /// Bytes in base64.
    Base64(String),
}

impl Vector {
    /// Writes `vector` in `format`.
    pub fn new(vector: Vec<f32>, format: EncodingFormat) -> Self {
        match format {
            EncodingFormat::Float => Self::Floats(vector),
            EncodingFormat::Base64 => {
                let bytes: Vec<u8> = vector.iter().flat_map(|n| n.to_le_bytes()).collect();
                Self::Base64(BASE64_STANDARD.encode(bytes))
            }
        }
    }
}

/// The vector of one text.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Embedding {
    /// Always `embedding`.
    pub object: &'static str,
    /// Which text of the request, from 0.
    pub index: usize,
    /// The vector.
    pub embedding: Vector,
}

/// The vectors of a request's texts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EmbeddingList {
    /// Always `list`.
    pub object: &'static str,
    /// One for each text, in order.
    pub data: Vec<Embedding>,
    /// The model that made them.
    pub model: String,
    /// What it took.
    pub usage: EmbeddingUsage,
}

/// Tokens read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct EmbeddingUsage {
    /// Tokens of the texts.
    pub prompt_tokens: u32,
    /// The same.
    pub total_tokens: u32,
}

impl EmbeddingList {
    /// A response.
    pub fn new(
        model: String,
        vectors: Vec<Vec<f32>>,
        format: EncodingFormat,
        prompt_tokens: u32,
    ) -> Self {
        let embedding = |(index, vector)| Embedding {
            object: "embedding",
            index,
            embedding: Vector::new(vector, format),
        };
        Self {
            object: "list",
            data: vectors.into_iter().enumerate().map(embedding).collect(),
            model,
            usage: EmbeddingUsage {
                prompt_tokens,
                total_tokens: prompt_tokens,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_in_base64_are_little_endian() {
        let vector = Vector::new(vec![1.0, -2.5], EncodingFormat::Base64);
        assert_eq!(vector, Vector::Base64("AACAPwAAIMA=".to_owned()));
    }

    #[test]
    fn one_text_or_several_but_never_none() {
        let texts = |json: &str| {
            let body = format!(r#"{{"model":"m","input":{json}}}"#);
            crate::parse::<EmbeddingsRequest>(body.as_bytes()).and_then(EmbeddingsRequest::texts)
        };
        assert_eq!(texts(r#""a""#).unwrap(), ["a"]);
        assert_eq!(texts(r#"["a","b"]"#).unwrap(), ["a", "b"]);
        assert_eq!(texts("[15339,1917]").unwrap(), ["hello world"]);
        assert_eq!(texts("[[15339],[1917]]").unwrap(), ["hello", " world"]);
        for (bad, param) in [
            ("[]", "input"),
            (r#""""#, "input"),
            (r#"["a",""]"#, "input"),
            ("[[15339],[]]", "input"),
            ("[1,-2]", "input"),
            (r#"[1,"a"]"#, "input"),
            ("[[15339],[100256]]", "input[1]"),
            ("{}", "input"),
        ] {
            assert_eq!(
                texts(bad).unwrap_err().param.as_deref(),
                Some(param),
                "{bad}"
            );
        }
    }
}
