// Programs made for OpenAI's API, in JavaScript, unchanged, against a real model. Those in
// Python are in sdk/.

import { ChatOpenAI } from "@langchain/openai";
import { expect, test } from "@playwright/test";
import OpenAI from "openai";

import { API_KEY, BASE_URL, MODEL } from "../support/environment";

const baseURL = `${BASE_URL}/v1`;
const client = new OpenAI({ baseURL, apiKey: API_KEY, maxRetries: 0 });
const messages = [{ role: "user" as const, content: "Say hello." }];

test.describe("OpenAI's SDK", () => {
  test("gets a whole answer", async () => {
    const answer = await client.chat.completions.create({ model: MODEL, messages, max_tokens: 12 });
    expect(answer.choices[0]?.message.content).toBeTruthy();
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0);
  });

  test("gets a stream with its usage", async () => {
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages,
      max_tokens: 16,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let tokens = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      tokens = chunk.usage?.completion_tokens ?? tokens;
    }
    expect(text).not.toBe("");
    expect(tokens).toBeGreaterThan(0);
  });

  test("gets the events of the newer form", async () => {
    const stream = await client.responses.create({
      model: MODEL,
      input: "Say hello.",
      max_output_tokens: 12,
      stream: true,
    });
    let text = "";
    let whole = "";
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") text += event.delta;
      // A small model seldom comes to an end by itself within so few tokens.
      if (event.type === "response.completed" || event.type === "response.incomplete") {
        const [message] = event.response.output;
        const [part] = message?.type === "message" ? message.content : [];
        whole = part?.type === "output_text" ? part.text : "";
      }
    }
    expect(text).not.toBe("");
    expect(text).toBe(whole);
  });

  test("goes on from a kept response, reads it again and deletes it", async () => {
    const asked = { model: MODEL, max_output_tokens: 8 };
    const first = await client.responses.create({ ...asked, input: "My name is Ada." });
    const stream = await client.responses.create({
      ...asked,
      input: "What is my name?",
      previous_response_id: first.id,
      stream: true,
    });
    let second: OpenAI.Responses.Response | undefined;
    for await (const event of stream) {
      if (event.type === "response.completed" || event.type === "response.incomplete") second = event.response;
    }
    expect(second?.previous_response_id).toBe(first.id);
    const id = second?.id ?? "";
    const again = await client.responses.retrieve(id);
    expect(again.output).toEqual(second?.output);
    const asks = await client.responses.inputItems.list(id);
    expect(asks.data).toMatchObject([{ role: "user", content: [{ type: "input_text", text: "What is my name?" }] }]);
    await client.responses.delete(id);
    await expect(client.responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const gone = client.responses.create({ ...asked, input: "And now?", previous_response_id: id });
    await expect(gone).rejects.toMatchObject({ status: 400, code: "previous_response_not_found" });
  });

  test("makes embeddings", async () => {
    const made = await client.embeddings.create({ model: MODEL, input: ["a cat", "a dog"] });
    expect(made.data).toHaveLength(2);
    expect(made.data[0]?.embedding.length).toBeGreaterThan(0);
  });

  test("lists models and agents", async () => {
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toContain(MODEL);
    expect(ids).toContain("agent/companion");
  });

  test("names its calls", async () => {
    const { response, request_id } = await client.embeddings.create({ model: MODEL, input: "a cat" }).withResponse();
    expect(request_id).toBeTruthy();
    expect(request_id).toBe(response.headers.get("x-request-id"));
  });

  test("throws its own errors", async () => {
    const asked = client.chat.completions.create({ model: "no-such-model", messages });
    await expect(asked).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const stranger = new OpenAI({ baseURL, apiKey: "ola_wrong", maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });

  test("ends an answer by going away", async () => {
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: "user", content: "Write a very long story." }],
      max_tokens: 400,
      stream: true,
    });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) break; // Closes the connection.
    }
    // The model is free again at once: the next answer doesn't wait for the story.
    const answer = await client.chat.completions.create({ model: MODEL, messages, max_tokens: 4 });
    expect(answer.choices[0]?.message.content).toBeTruthy();
  });
});

test("LangChain gets an answer and a stream", async () => {
  const llm = new ChatOpenAI({ model: MODEL, apiKey: API_KEY, configuration: { baseURL }, maxTokens: 12, maxRetries: 0 });
  const answer = await llm.invoke("Say hello.");
  expect(answer.content).toBeTruthy();
  let pieces = 0;
  for await (const chunk of await llm.stream("Say hello.")) if (chunk.content) pieces += 1;
  expect(pieces).toBeGreaterThan(1);
});
