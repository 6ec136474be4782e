"""Make the realm file that a development Keycloak imports.

The project's realm plus the demo people, whose generated passwords are kept in
the accounts file so that they survive a new import.

    keycloak-import.py REALM DEMO_USERS ACCOUNTS OUTPUT
"""

import json
import os
import secrets
import sys
from pathlib import Path

# No letters or digits that read alike: people type these.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_password() -> str:
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


def write_private(path: Path, value: object) -> None:
    part = path.with_name(path.name + ".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file, indent=2, sort_keys=True)
        file.write("\n")
    part.replace(path)


def main(realm_file: Path, users_file: Path, accounts_file: Path, output: Path) -> None:
    realm = json.loads(realm_file.read_text())
    users = json.loads(users_file.read_text())
    known = {}
    if accounts_file.exists():
        known = {a["username"]: a["password"] for a in json.loads(accounts_file.read_text())}

    accounts = []
    for user in users:
        password = known.get(user["username"]) or new_password()
        user["credentials"] = [{"type": "password", "value": password, "temporary": False}]
        special = [role for role in user["realmRoles"] if not role.startswith("default-roles-")]
        accounts.append(
            {"username": user["username"], "password": password, "role": special[0] if special else "user"}
        )
    realm["users"] += users
    write_private(accounts_file, accounts)
    write_private(output, realm)


if __name__ == "__main__":
    main(*(Path(arg) for arg in sys.argv[1:5]))
