"""OpenAI's own SDK, unchanged, against a real model."""

import json
import struct
import uuid

import httpx
import openai
import pytest
from openai import OpenAI

HELLO = [{"role": "user", "content": "Say hello."}]


def test_a_whole_answer(client: OpenAI, model: str):
    answer = client.chat.completions.create(model=model, messages=HELLO, max_tokens=12)
    assert answer.id.startswith("chatcmpl-")
    assert answer.model == model
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason in ("stop", "length")
    usage = answer.usage
    assert 0 < usage.completion_tokens <= 12 and usage.prompt_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_a_stream_is_the_same_answer_in_pieces(client: OpenAI, model: str):
    asked = dict(model=model, messages=HELLO, max_tokens=16, seed=7, temperature=0)
    whole = client.chat.completions.create(**asked).choices[0].message.content
    pieces, usage, reason = [], None, None
    for chunk in client.chat.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    ):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            pieces.append(choice.delta.content or "")
            reason = choice.finish_reason or reason
    assert "".join(pieces) == whole
    assert len(pieces) > 2
    assert reason in ("stop", "length")
    assert usage.completion_tokens > 0


def test_without_being_asked_a_stream_tells_no_usage(client: OpenAI, model: str):
    stream = client.chat.completions.create(model=model, messages=HELLO, max_tokens=4, stream=True)
    assert all(chunk.usage is None for chunk in stream)


def test_several_messages_and_a_stop(client: OpenAI, model: str):
    answer = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "system", "content": "You count."},
            {"role": "user", "content": [{"type": "text", "text": "Count from 1 to 9: 1, 2, 3,"}]},
        ],
        max_tokens=40,
        temperature=0,
        stop=["."],
    )
    assert "." not in (answer.choices[0].message.content or "")


def test_json_that_follows_a_schema(client: OpenAI, model: str):
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "Pick a colour, red or green. Answer in JSON."}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "pick", "schema": schema, "strict": True},
        },
        max_tokens=40,
        temperature=0,
    )
    assert json.loads(answer.choices[0].message.content)["colour"] in ("red", "green")


def test_models_and_agents(client: OpenAI, model: str):
    ids = [one.id for one in client.models.list()]
    assert model in ids
    assert "agent/companion" in ids
    assert client.models.retrieve(model).id == model
    assert client.models.retrieve("agent/companion").owned_by == "onelastai-agents"


def test_an_agent_answers(client: OpenAI):
    answer = client.chat.completions.create(model="agent/companion", messages=HELLO, max_tokens=8)
    assert answer.choices[0].message.content
    assert answer.onelastai["reason"]


def test_embeddings_in_both_forms(client: OpenAI, model: str):
    texts = ["a cat", "a dog"]
    # The SDK asks for base64 by itself and decodes it.
    decoded = client.embeddings.create(model=model, input=texts)
    floats = client.embeddings.create(model=model, input=texts, encoding_format="float")
    assert [one.index for one in decoded.data] == [0, 1]
    assert decoded.usage.prompt_tokens > 0
    for one, other in zip(decoded.data, floats.data, strict=True):
        as_f32 = struct.unpack(f"{len(other.embedding)}f", struct.pack(f"{len(other.embedding)}f", *other.embedding))
        assert one.embedding == pytest.approx(list(as_f32), abs=1e-5)


def test_responses_whole_and_in_events(client: OpenAI, model: str):
    whole = client.responses.create(
        model=model, instructions="Be brief.", input="Say hello.", max_output_tokens=16
    )
    assert whole.output_text
    assert whole.usage.output_tokens > 0
    events = list(
        client.responses.create(model=model, input="Say hello.", max_output_tokens=16, stream=True)
    )
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    # A small model seldom comes to an end by itself within so few tokens.
    assert events[-1].type in ("response.completed", "response.incomplete")
    assert "".join(deltas) == events[-1].response.output_text


def test_responses_are_kept_and_gone_on_from(client: OpenAI, model: str):
    asked = dict(model=model, max_output_tokens=8)
    first = client.responses.create(**asked, input="My name is Ada.", instructions="Be brief.")
    second = client.responses.create(**asked, input="What is my name?", previous_response_id=first.id)
    assert second.store and second.previous_response_id == first.id
    again = client.responses.retrieve(second.id)
    assert again.output_text == second.output_text
    assert again.usage == second.usage
    items = list(client.responses.input_items.list(second.id, order="asc", limit=1))
    assert [item.content[0].text for item in items] == ["What is my name?"]
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    for gone in (first.id, second.id, "resp_0"):
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(**asked, input="And now?", previous_response_id=gone)
        assert refused.value.code == "previous_response_not_found"
        assert refused.value.param == "previous_response_id"
    unkept = client.responses.create(**asked, input="Say hello.", store=False)
    assert unkept.store is False
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(unkept.id)


def test_errors_are_the_sdks_own(client: OpenAI, base_url: str, model: str):
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="no-such-model", messages=HELLO)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model=model, messages=HELLO, temperature=9)
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as image:
        picture = {"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": [picture]}])
    assert "image_url" in image.value.param
    with pytest.raises(openai.AuthenticationError):
        OpenAI(base_url=base_url, api_key="ola_wrong", max_retries=0).models.list()
    with pytest.raises(openai.BadRequestError) as steered:
        client.chat.completions.create(
            model=model, messages=HELLO, extra_body={"api_base": "http://evil.example"}
        )
    assert steered.value.param == "api_base"


def test_the_same_key_is_answered_once(client: OpenAI, base_url: str, api_key: str, model: str):
    body = {"model": model, "messages": HELLO, "max_tokens": 6}
    headers = {"Authorization": f"Bearer {api_key}", "Idempotency-Key": str(uuid.uuid4())}
    url = f"{base_url}/chat/completions"
    first = httpx.post(url, json=body, headers=headers, timeout=60)
    again = httpx.post(url, json=body, headers=headers, timeout=60)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = httpx.post(url, json={**body, "max_tokens": 7}, headers=headers, timeout=60)
    assert other.status_code == 422
    assert other.json()["error"]["code"] == "idempotency_key_reused"


def test_responses_say_what_is_left_and_what_they_are(client: OpenAI, model: str):
    raw = client.embeddings.with_raw_response.create(model=model, input="a cat")
    assert raw.request_id
    assert raw.parse()._request_id == raw.request_id
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="no-such-model", messages=HELLO)
    assert missing.value.request_id


def test_embeddings_of_token_numbers(client: OpenAI, model: str):
    texts = client.embeddings.create(model=model, input=["hello world"])
    numbers = client.embeddings.create(model=model, input=[[15339, 1917]])
    assert numbers.usage.prompt_tokens == texts.usage.prompt_tokens
    assert numbers.data[0].embedding == pytest.approx(texts.data[0].embedding, abs=1e-4)


def test_conversations_are_those_of_the_web_chat(base_url: str, api_key: str):
    http = httpx.Client(
        base_url=base_url, headers={"Authorization": f"Bearer {api_key}"}, timeout=120
    )
    begun = http.post("/conversations", json={"agent": "companion", "content": "Say hello."})
    assert begun.status_code == 201, begun.text
    conversation = begun.json()
    assert [one["role"] for one in conversation["messages"]] == ["user", "assistant"]
    assert conversation["messages"][1]["status"] == "complete"
    address = f"/conversations/{conversation['id']}"
    with http.stream("POST", f"{address}/messages", json={"content": "And goodbye.", "stream": True}) as stream:
        events = [json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:")]
    assert events[0]["type"] == "started" and events[-1]["type"] == "end"
    said = "".join(one["text"] for one in events if one["type"] == "text")
    assert http.get(address).json()["messages"][3]["content"] == said
    assert http.patch(address, json={"title": "Hello"}).json()["title"] == "Hello"
    page = http.get("/conversations", params={"limit": 1}).json()
    assert page["data"][0]["id"] == conversation["id"]
    assert http.delete(address).json()["deleted"] is True
    assert http.get(address).status_code == 404
