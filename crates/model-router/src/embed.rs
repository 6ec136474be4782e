//! Texts as vectors: what is asked and what comes back.

use crate::{answer::Chosen, chat::Policy};

/// Texts to turn into vectors.
#[derive(Clone, Debug, Default)]
pub struct EmbedRequest {
    /// The model's identifier: vectors of different models can't be compared, so no other one
    /// ever answers in its place.
    pub model: String,
    /// The texts.
    pub inputs: Vec<String>,
    /// How long the vectors are to be, where the model can choose.
    pub dimensions: Option<u32>,
    /// What this request may use.
    pub policy: Policy,
}

/// Texts as vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// One for each text, in the same order, all equally long.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens read.
    pub prompt_tokens: u32,
    /// Which model and instance answered.
    pub chosen: Chosen,
}

/// What a provider gives for an [`EmbedRequest`].
#[derive(Debug, PartialEq)]
pub(crate) struct Vectors {
    pub(crate) vectors: Vec<Vec<f32>>,
    pub(crate) prompt_tokens: u32,
}

impl Vectors {
    /// Whether there is one vector for each of `inputs` texts, all equally long and of numbers.
    pub(crate) fn fit(&self, inputs: usize) -> bool {
        let length = self.vectors.first().map_or(0, Vec::len);
        self.vectors.len() == inputs
            && self.vectors.iter().all(|vector| {
                vector.len() == length && vector.iter().all(|number| number.is_finite())
            })
    }
}
