// Texts that tests put where a person or a model would.

/** Everything that an answer can have, some of it wider than a phone. */
export const RICH_ANSWER = `## Reversing words

A sentence is split at its spaces, turned round and joined again; see
[the standard library](https://doc.rust-lang.org/std/primitive.str.html) and \`split_whitespace\`.

\`\`\`rust
/// Reverses the words of a sentence, not their letters; runs of white space become one space.
fn reverse(sentence: &str) -> String {
    let words: Vec<&str> = sentence.split_whitespace().rev().collect(); // 3 words, or 300
    words.join(" ")
}
\`\`\`

| Way | Time | Memory | What is to be said for it, at some length |
|:----|-----:|:------:|-------------------------------------------|
| \`rev\` | 1.2 µs | O(n) | *short* and clear, and nothing can be forgotten |
| by hand | 0.9 µs | O(1) | **fast**, but who wants to read it a year from now |

1. Split it.
   - At every space.
   - ~~At every comma.~~
2. Turn it round.

- [x] tested
- [ ] measured

> Premature optimisation is the root of all evil.

The length stays $n = \\sum_{i=1}^{k} w_i + (k - 1)$, and

$$
\\frac{1}{n} \\sum_{i=1}^{n} x_i
$$

---

AVeryLongWordWithoutAnyPlaceToBreakItWhichModelsWriteMoreOftenThanOneWouldThinkAndWhichMustNotWidenThePage
`;

/** An agent with something in every field, some of it wider than a phone. */
export const EXHIBIT = {
  name: "An agent whose name goes on, and on, until the very last of its eighty letters..",
  description: "AVeryLongWordWithoutAnyPlaceToBreakItWhichPeopleWriteMoreOftenThanOneWouldThink, and then some",
  system_prompt: `Say little.\n${"x".repeat(200)}`,
  starters: "What is this?\nWhat is that?",
  visibility: "public",
};

/** An agent whose answers are long, and as long as the next. */
export const ESSAYIST = {
  name: "Essayist",
  system_prompt: "You write essays.",
  temperature: "0",
  max_tokens: "400",
  visibility: "public",
};

/** What somebody types, renames a chat to, or makes a model say, to run a script in a page. */
export const HOSTILE = [
  `<script>window.__pwned=1;alert(1)</script>`,
  `</textarea><script>window.__pwned=1</script>`,
  `"><img src=x onerror="window.__pwned=1;alert(1)">`,
  `<svg/onload=window.__pwned=1>`,
  `<svg><animate onbegin=window.__pwned=1 attributeName=x dur=1s>`,
  `<iframe srcdoc="<script>parent.__pwned=1</script>"></iframe>`,
  `<details open ontoggle=window.__pwned=1>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=window.__pwned=1>`,
  `<a href="javascript:window.__pwned=1">a</a>`,
  `<form action="javascript:window.__pwned=1"><button>b</button></form>`,
  `<style>@import '//evil.example/x.css';</style>`,
  `<base href="//evil.example/">`,
  `' onmouseover='window.__pwned=1`,
  `{{constructor.constructor('window.__pwned=1')()}}`,
  `</title></head><body onload=window.__pwned=1>`,
  `</title><meta http-equiv=refresh content="0;url=https://evil.example/">`,
] as const;

/** The same in Markdown, for answers. */
export const HOSTILE_MARKDOWN = [
  `[a link](javascript:window.__pwned=1)`,
  `[a link](<java\tscript:window.__pwned=1>)`,
  `[a link](data:text/html,<script>window.__pwned=1</script>)`,
  `![a picture](x"onerror="window.__pwned=1)`,
  `<javascript:window.__pwned=1>`,
  `[a link](https://example.com "\\" onmouseover=window.__pwned=1 x=\\"")`,
  "```\"><img/src=x/onerror=window.__pwned=1>\n</code></pre><img src=x onerror=window.__pwned=1>\n```",
  `$$\\href{javascript:window.__pwned=1}{x}\\text{<img src=x onerror=window.__pwned=1>}$$`,
  `| <img src=x onerror=window.__pwned=1> | b |\n|---|---|\n| <svg onload=window.__pwned=1> | d |`,
] as const;
