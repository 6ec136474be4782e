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

/** Makes an answer that has ended another one. `elementId` is its element's (`m-…`). */
export function rewriteAnswer(elementId: string, { text, status, error = "" }: Rewritten): void {
  const values = { id: elementId.replace(/^m-/, ""), text, status, error };
  const variables = Object.entries(values).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
  execFileSync(PSQL, ["psql", "-q", ...variables], {
    input: `
      UPDATE messages SET content = :'text', status = :'status' WHERE id = :'id';
      UPDATE generations SET status = :'status', error_code = nullif(:'error', '')
      WHERE message_id = :'id';`,
    encoding: "utf8",
  });
}
