// What no model of our size writes on demand, and what rarely goes wrong, is put in the
// database.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const PSQL = fileURLToPath(new URL("../../tools/services/postgres.sh", import.meta.url));

/** What an answer becomes. */
export interface Rewritten {
  text: string;
  status: "complete" | "failed";
  /** The stable name of what went wrong. */
  error?: string;
}

function psql(input: string, values: Record<string, string> = {}): string {
  const variables = Object.entries(values).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
  return execFileSync(PSQL, ["psql", "-qtA", ...variables], { input, encoding: "utf8" }).trim();
}

/** Gives somebody as many conversations, "Chat 1" the newest, which nobody has time to hold. */
export function addConversations(username: string, count: number): void {
  psql(
    `
      INSERT INTO conversations (id, user_id, agent_id, title, last_message_at)
      SELECT gen_random_uuid(), u.id, a.id, 'Chat ' || n, now() - n * interval '1 hour'
      FROM users u, agents a, generate_series(1, :count) n
      WHERE u.username = :'username' AND a.slug = 'companion';`,
    { username, count: String(count) },
  );
}

/** What time it is, by the clock that notes when answers end. */
export function databaseTime(): string {
  return psql("SELECT clock_timestamp();");
}

/** How many seconds after `time` the server had ended an answer and began to save its end. */
export function endedAfter(generation: string, time: string): number {
  const query = "SELECT extract(epoch FROM finished_at - :'time'::timestamptz) FROM generations WHERE id = :'generation';";
  return Number(psql(query, { generation, time }));
}

/** Makes an answer that has ended another one. `elementId` is its element's (`m-…`). */
export function rewriteAnswer(elementId: string, { text, status, error = "" }: Rewritten): void {
  psql(
    `
      UPDATE messages SET content = :'text', status = :'status' WHERE id = :'id';
      UPDATE generations SET status = :'status', error_code = nullif(:'error', '')
      WHERE message_id = :'id';`,
    { id: elementId.replace(/^m-/, ""), text, status, error },
  );
}
