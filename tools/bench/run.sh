#!/usr/bin/env bash
# ./dev bench [PART...]: measures the release build on servers of its own and prints a
# table; a whole run also writes docs/BENCHMARKS.md.
#
#   server     memory at rest, time to start
#   visit      the first visit to the chat page: bytes and requests
#   entrance   the way to an agent's own host
#   composer   when the message box can be used, and when the island is awake
#   answer     what a streamed answer costs the browser and the server
#   gateway    the API beside nginx, LiteLLM, TensorZero and vllm-router; only when named,
#              because it installs them. --quick: one round; --only NAME,...: some of them
export ONELASTAI_PROFILE=bench
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

BENCH="$ROOT/tools/bench"
OUT="$DEV_DIR/run"
MOCK="$CACHE/gwbench/release/mockllm"
cd "$ROOT"
parts=() gateway=false gateway_options=() only=
while [ $# -gt 0 ]; do
  case "$1" in
    server | visit | entrance | composer | answer) parts+=("$1") ;;
    gateway) gateway=true ;;
    --quick) gateway_options+=(--quick) ;;
    --only) only="${2:?--only NAME,...}" && gateway_options+=(--only "$only") && shift ;;
    *) die "usage: ./dev bench [server|visit|entrance|composer|answer|gateway [--quick] [--only NAME,...]]..." ;;
  esac
  shift
done
# Pages are measured when nothing is named, or one of their parts.
pages=true app=true
if $gateway && [ ${#parts[@]} = 0 ]; then pages=false; fi
if ! $pages && [ -n "$only" ] && [[ "$only" != *onelastai* ]]; then app=false; fi

mkdir -p "$PROFILE_DIR" "$OUT"
exec 8>"$PROFILE_DIR/bench.lock"
flock -n 8 || die "Another ./dev bench is running on this machine."
# Later it names a database of the bench, and the server would be taken for the person's own.
server_url="$DATABASE_URL"
# Servers must not inherit the lock.
services() { DATABASE_URL="$server_url" "$ROOT/tools/services.sh" "$@" 8>&-; }

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
program() {
  if ! $pages; then
    # No browser looks at it: the program alone.
    SQLX_OFFLINE=true cargo build --release --locked -p onelastai-server --features onelastai-app/ssr
    rm -rf "$OUT"
    mkdir -p "$OUT"
    cp "$CARGO_TARGET_DIR/release/onelastai" "$OUT/"
    # It doesn't start without a site: empty files will do.
    mkdir -p "$OUT/site/pkg"
    printf 'js: none\nwasm: none\ncss: none\n' >"$OUT/hash.txt"
    touch "$OUT"/site/pkg/onelastai.none.{js,wasm,css}
    return
  fi
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
if $pages; then step "browser" "See above." browser 8>&-; fi
step "paced model server" "See above." model_server 8>&-
if $app; then
  "$ROOT/tools/setup.sh" build 8>&-
  step "build (release)" "If a query changed, run: ./dev sqlx" program 8>&-
  mapfile -t mine < <(services stopped | grep -vx ollama)
  services start postgres redis keycloak
  step "database" "See above." fresh_state 8>&-
fi

# The paced server speaks Ollama's protocol and takes its place.
MOCK_ADDR="127.0.0.1:$OLLAMA_PORT" MOCK_ITL_MS=20 "$MOCK" >"$LOGS/bench-mock.log" 2>&1 </dev/null 8>&- &
export BENCH_MOCK_PID=$!
export OLLAMA_URLS="http://127.0.0.1:$OLLAMA_PORT" OLLAMA_MODEL=mock
DATABASE_URL="$(database_url onelastai_bench)"
export DATABASE_URL SITE_ROOT="$OUT/site" RUST_LOG=info
export BENCH_PROGRAM="$OUT/onelastai" BENCH_LOG="$LOGS/bench-app.log"
export BENCH_PAGE="$ROOT/docs/BENCHMARKS.md"
if $pages; then BENCH_RESULTS="$OUT/results.json" node "$BENCH/run.mjs" "${parts[@]}" 8>&-; fi
if $gateway; then
  # shellcheck source=tools/bench/gateway/run.sh
  source "$BENCH/gateway/run.sh"
  gateways
fi
