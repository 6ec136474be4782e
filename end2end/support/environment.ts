// What the tests are told about the app that they try.

import { readFileSync } from "node:fs";

function need(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set. Run ./dev test e2e, or: source tools/env.sh test`);
  }
  return value;
}

/** As browsers see the app, without a slash at the end. */
export const BASE_URL = new URL(need("BASE_URL")).origin;

/** The addresses of Keycloak's pages begin with this. */
export const KEYCLOAK_URL = new URL(need("KEYCLOAK_URL")).origin;

export const keycloakRealm = () => need("KEYCLOAK_REALM");

/** Of the `admin` of Keycloak itself, not of the app. */
export const keycloakAdminPassword = () => need("KEYCLOAK_ADMIN_PASSWORD");

/** Somebody who can sign in. */
export interface Account {
  username: string;
  password: string;
  role: string;
}

/** What somebody types to sign in. */
export type Credentials = Pick<Account, "username" | "password">;

/** Who the tests act as. */
export const PEOPLE = ["demo", "maker", "auditor", "admin"] as const;
export type Person = (typeof PEOPLE)[number];

/** The account of a person; E2E_ACCOUNTS is the file that has them all. */
export function account(person: Person): Account {
  const accounts = JSON.parse(readFileSync(need("E2E_ACCOUNTS"), "utf8")) as Account[];
  const found = accounts.find((one) => one.username === person);
  if (!found) throw new Error(`there is no account '${person}' in E2E_ACCOUNTS`);
  return found;
}

/** A key of `demo` for the API, with every scope that person can give. */
export const API_KEY = need("E2E_API_KEY");

/** Our name of the model that the tests' Ollama has. */
export const MODEL = need("OLLAMA_MODEL").split(":")[0] ?? "";
