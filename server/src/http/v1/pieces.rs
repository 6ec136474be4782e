//! What a streamed answer is made of.

use bytes::Bytes;
use futures::Stream;
use onelastai_openai::ApiError;

/// Server-sent events that go out together. Which of them is the last one tells an answer that
/// came to its end from one that broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// More follows, or an error was told.
    More(Bytes),
    /// The answer is whole.
    Last(Bytes),
}

/// A comment: clients pass over it, and proxies see that the connection lives.
const WAITING: &[u8] = b": waiting\n\n";

impl Piece {
    /// Says that the answer is still waited for.
    pub(super) fn waiting() -> Self {
        Self::More(Bytes::from_static(WAITING))
    }

    /// Whether it says nothing of the answer.
    pub(super) fn is_waiting(&self) -> bool {
        *self.bytes() == WAITING
    }

    pub(super) fn bytes(&self) -> &Bytes {
        match self {
            Self::More(bytes) | Self::Last(bytes) => bytes,
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::More(bytes) | Self::Last(bytes) => bytes,
        }
    }
}

/// An answer in pieces that can be ended before its time.
pub(super) trait Pieces: Stream<Item = Piece> + Send + Unpin + 'static {
    /// Ends it, and writes why as its clients expect it; nothing follows.
    fn fail(&mut self, error: ApiError) -> Bytes;
}
