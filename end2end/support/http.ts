// Requests as no browser sends them: any host, any cookie, and no redirect is followed.

import { request, type IncomingHttpHeaders } from "node:http";

import { SESSION_COOKIE } from "./auth.ts";
import { BASE_URL } from "./environment.ts";

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}
export interface Ask {
  /** The value of a session's cookie, whichever host it is of. */
  session?: string;
  headers?: Record<string, string>;
  /** Makes it a POST. */
  form?: Record<string, string>;
}

/** What a browser says of itself that goes to a page. */
export const NAVIGATION = { accept: "text/html", "sec-fetch-mode": "navigate" };

/**
 * Asks the app for `path` under the name in `origin`. Names below localhost are known to
 * browsers only, so the connection goes to the main host whatever the name.
 */
export function ask(origin: string, path: string, { session, headers = {}, form }: Ask = {}): Promise<Reply> {
  const { hostname, port } = new URL(BASE_URL);
  const body = form && new URLSearchParams(form).toString();
  const cookies = [headers["cookie"], session && `${SESSION_COOKIE}=${session}`].filter(Boolean);
  const sent = {
    ...headers,
    host: origin.replace(/^\w+:\/\//, ""),
    ...(cookies.length > 0 && { cookie: cookies.join("; ") }),
    ...(body !== undefined && { "content-type": "application/x-www-form-urlencoded" }),
  };
  const method = body === undefined ? "GET" : "POST";
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, method, headers: sent }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts).toString(),
        }),
      );
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
