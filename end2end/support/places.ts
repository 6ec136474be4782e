// Agents' own hosts, one label below the main one.

import type { Page } from "@playwright/test";

import { SESSION_COOKIE } from "./auth.ts";
import { BASE_URL } from "./environment.ts";
import { NAVIGATION, ask, type Reply } from "./http.ts";

/** The origin of an agent's own host. */
export function placeOf(slug: string): string {
  const { protocol, host } = new URL(BASE_URL);
  return `${protocol}//${slug}.${host}`;
}

/** The value of the session's cookie that this browser has of `origin`. */
export async function sessionAt(page: Page, origin: string): Promise<string> {
  const cookies = await page.context().cookies(origin);
  const { hostname } = new URL(origin);
  const found = cookies.find(({ name, domain }) => name === SESSION_COOKIE && domain === hostname);
  if (!found) throw new Error(`this browser has no session at ${origin}`);
  return found.value;
}

/** An answer's events: 401 to nobody, 404 to anybody, since there is no such answer. */
const EVENTS = "/api/generations/019a0000-0000-7000-8000-000000000001/events";

/** Whether a session's cookie makes its bearer somebody at `origin`. */
export async function isSomebody(origin: string, session: string): Promise<boolean> {
  const { status } = await ask(origin, EVENTS, { session });
  if (status !== 401 && status !== 404) throw new Error(`${status} at ${origin}`);
  return status === 404;
}

/** A browser on its way into an agent's host. */
export interface OnTheWay {
  /** The cookie of the agent's host that the code belongs to. */
  cookie: string;
  /** The address at the agent's host that is good once, without the origin. */
  path: string;
}

/** Goes the way to an agent's host up to the last step: there is a code, not used yet. */
export async function setOut(slug: string, session: string): Promise<OnTheWay> {
  const first = await ask(placeOf(slug), "/", { headers: NAVIGATION });
  const cookie = first.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
  const open = new URL(first.headers.location ?? "");
  const second = await ask(open.origin, open.pathname + open.search, { session, headers: NAVIGATION });
  const last = new URL(second.headers.location ?? "");
  return { cookie, path: last.pathname + last.search };
}

/** Takes the last step; `cookie` may be another browser's, `slug` another agent's. */
export async function arrive(slug: string, { cookie, path }: OnTheWay): Promise<Reply> {
  return ask(placeOf(slug), path, { headers: { ...NAVIGATION, cookie } });
}

/** Whether an answer lets a browser in. */
export function letsIn({ headers }: Reply): boolean {
  return (headers["set-cookie"] ?? []).some((line) => new RegExp(`^${SESSION_COOKIE}=[^;]`).test(line));
}
