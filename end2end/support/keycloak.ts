// Keycloak's own administration, for people who come and go during a test.

import { randomUUID } from "node:crypto";

import { BASE_URL, KEYCLOAK_URL, keycloakAdminPassword, keycloakRealm } from "./environment.ts";

/** Somebody who can sign in and whom no other test knows. */
export interface Newcomer {
  /** Keycloak's. */
  id: string;
  username: string;
  password: string;
  name: string;
}

/** A token is good for a minute, so each call gets its own. */
async function token(): Promise<string> {
  const answer = await fetch(`${KEYCLOAK_URL}/realms/master/protocol/openid-connect/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "password",
      client_id: "admin-cli",
      username: "admin",
      password: keycloakAdminPassword(),
    }),
  });
  if (!answer.ok) throw new Error(`Keycloak gives no token: ${answer.status}`);
  return ((await answer.json()) as { access_token: string }).access_token;
}

async function call(method: string, path: string, body?: object): Promise<Response> {
  const answer = await fetch(`${KEYCLOAK_URL}/admin/realms/${keycloakRealm()}${path}`, {
    method,
    headers: { authorization: `Bearer ${await token()}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

export async function addNewcomer(): Promise<Newcomer> {
  const username = `newcomer-${randomUUID()}`;
  const password = `${username} of ${new URL(BASE_URL).host}, Nr. 1`;
  const [firstName, lastName] = ["Nora", username];
  const made = await call("POST", "/users", {
    username,
    email: `${username}@onelastai.localhost`,
    emailVerified: true,
    firstName,
    lastName,
    enabled: true,
    credentials: [{ type: "password", value: password, temporary: false }],
  });
  const id = made.headers.get("location")?.split("/").at(-1) ?? "";
  return { id, username, password, name: `${firstName} ${lastName}` };
}

/** Signs somebody out everywhere, as Keycloak's own pages do. */
export async function signOutByKeycloak({ id }: Newcomer): Promise<void> {
  await call("POST", `/users/${id}/logout`);
}

export async function disableInKeycloak({ id }: Newcomer): Promise<void> {
  await call("PUT", `/users/${id}`, { enabled: false });
}

/** Takes every role from somebody, also what all new people get. */
export async function takeRoles({ id }: Newcomer): Promise<void> {
  const path = `/users/${id}/role-mappings/realm`;
  await call("DELETE", path, await (await call("GET", path)).json());
}

export async function removeNewcomer({ id }: Newcomer): Promise<void> {
  await call("DELETE", `/users/${id}`);
}
