#!/usr/bin/env bash
# ./dev bench [PART...]: measures the release build on servers of its own and prints a
# table; a whole run also writes docs/BENCHMARKS.md.
#
#   server     memory at rest, time to start
#   visit      the first visit to the chat page: bytes and requests
#   composer   when the message box can be used, and when the island is awake
#   answer     what a streamed answer costs the browser and the server
export ONELASTAI_PROFILE=bench
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

BENCH="$ROOT/tools/bench"
OUT="$DEV_DIR/run"
MOCK="$CACHE/gwbench/release/mockllm"
cd "$ROOT"
for part in "$@"; do
  case "$part" in
    server | visit | composer | answer) ;;
    *) die "usage: ./dev bench [server|visit|composer|answer]..." ;;
  esac
done

mkdir -p "$PROFILE_DIR"
exec 8>"$PROFILE_DIR/bench.lock"
flock -n 8 || die "Another ./dev bench is running on this machine."
# Servers must not inherit the lock.
services() { "$ROOT/tools/services.sh" "$@" 8>&-; }

mine=()
finish() {
  local rc=$?
  trap '' INT TERM HUP
  end_children $$
  if [ ${#mine[@]} -gt 0 ]; then services stop "${mine[@]}" || true; fi
  exit "$rc"
}
trap finish EXIT

browser() {
  debian chromium
  cd end2end
  [ node_modules/.package-lock.json -nt package-lock.json ] ||
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-fund --no-audit --ignore-scripts
}
model_server() { CARGO_TARGET_DIR="$CACHE/gwbench" cargo build --release --locked --manifest-path "$BENCH/gwbench/Cargo.toml"; }
# A copy, so that a build in between does not change what is measured.
app() {
  "$ROOT/tools/build.sh" release
  rm -rf "$OUT"
  mkdir -p "$OUT"
  cp "$CARGO_TARGET_DIR/release/onelastai" "$CARGO_TARGET_DIR/release/hash.txt" "$OUT/"
  cp -r target/site "$OUT/site"
}
# Nothing in it but the sample data: no conversations, no sessions.
fresh_state() {
  local program="$OUT/onelastai"
  "$ROOT/tools/services/postgres.sh" psql -qc "DROP DATABASE IF EXISTS onelastai_bench WITH (FORCE)"
  if ours REDIS_URL; then redis-cli -u "$REDIS_URL" flushdb; fi
  export DATABASE_URL
  DATABASE_URL="$(database_url onelastai_bench)"
  "$program" db create
  "$program" db migrate
  "$program" db create-sample-data
}

"$ROOT/tools/setup.sh" prerequisites 8>&-
"$ROOT/tools/setup.sh" build 8>&-
step "browser" "See above." browser 8>&-
step "paced model server" "See above." model_server 8>&-
step "build (release)" "If a query changed, run: ./dev sqlx" app 8>&-
mapfile -t mine < <(services stopped | grep -vx ollama)
services start postgres redis keycloak
step "database" "See above." fresh_state 8>&-

# The paced server speaks Ollama's protocol and takes its place.
MOCK_ADDR="127.0.0.1:$OLLAMA_PORT" MOCK_ITL_MS=20 "$MOCK" >"$LOGS/bench-mock.log" 2>&1 </dev/null 8>&- &
export OLLAMA_URLS="http://127.0.0.1:$OLLAMA_PORT" OLLAMA_MODEL=mock
DATABASE_URL="$(database_url onelastai_bench)"
export DATABASE_URL LEPTOS_SITE_ROOT="$OUT/site" RUST_LOG=info
export BENCH_PROGRAM="$OUT/onelastai" BENCH_LOG="$LOGS/bench-app.log" BENCH_RESULTS="$OUT/results.json"
export BENCH_PAGE="$ROOT/docs/BENCHMARKS.md"
node "$BENCH/run.mjs" "$@" 8>&-
