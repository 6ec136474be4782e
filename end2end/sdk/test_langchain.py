"""LangChain, unchanged, against a real model."""

import math

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings


def chat(base_url: str, api_key: str, model: str, **more) -> ChatOpenAI:
    return ChatOpenAI(base_url=base_url, api_key=api_key, model=model, max_retries=0, **more)


def test_an_answer_and_a_stream(base_url: str, api_key: str, model: str):
    llm = chat(base_url, api_key, model, max_tokens=12)
    messages = [SystemMessage("Be brief."), HumanMessage("Say hello.")]
    answer = llm.invoke(messages)
    assert answer.content
    assert answer.usage_metadata["output_tokens"] > 0
    pieces = [chunk.content for chunk in llm.stream(messages)]
    assert len([piece for piece in pieces if piece]) > 1


def test_the_newer_form(base_url: str, api_key: str, model: str):
    llm = chat(base_url, api_key, model, max_tokens=12, use_responses_api=True)
    assert llm.invoke("Say hello.").text


def test_embeddings(base_url: str, api_key: str, model: str, token_table: None):
    # By itself it sends the numbers of tokens.
    embeddings = OpenAIEmbeddings(base_url=base_url, api_key=api_key, model=model)
    vectors = embeddings.embed_documents(["a cat", "a dog"])
    assert len(vectors) == 2 and len(vectors[0]) == len(vectors[1]) > 0
    texts = OpenAIEmbeddings(
        base_url=base_url, api_key=api_key, model=model, check_embedding_ctx_length=False
    )
    # It normalises what it sent as tokens, so only the directions are the same.
    for one, other in zip(vectors, texts.embed_documents(["a cat", "a dog"]), strict=True):
        assert cosine(one, other) == pytest.approx(1, abs=1e-3)


def cosine(one: list[float], other: list[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))
