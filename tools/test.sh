#!/usr/bin/env bash
# ./dev test [fmt|clippy|unit|e2e]...: all of them when none is named. Runs on the
# servers of the test profile, so it never touches what ./dev up runs.
export ONELASTAI_PROFILE=test
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$ROOT"
declare -A wanted=()
for part in "${@:-all}"; do
  case "$part" in
    all) wanted=([fmt]=1 [clippy]=1 [unit]=1 [e2e]=1) ;;
    fmt | clippy | unit | e2e) wanted[$part]=1 ;;
    *) die "usage: ./dev test [fmt|clippy|unit|e2e]..." ;;
  esac
done
# A person's machine shows the end of a failing log, CI all that matters.
if [ "${CI:-}" = true ]; then export STEP_TAIL=300; else export STEP_TAIL=60; fi

mkdir -p "$PROFILE_DIR"
exec 8>"$PROFILE_DIR/test.lock"
flock -n 8 || die "Another ./dev test is running on this machine."
# Servers must not inherit the lock.
services() { "$ROOT/tools/services.sh" "$@" 8>&-; }

mine=()
passed=0
failed=0
broken=()
finish() {
  local rc=$?
  trap '' INT TERM HUP
  end_children $$
  if [ ${#mine[@]} -gt 0 ]; then services stop "${mine[@]}" || true; fi
  exit "$rc"
}
trap finish EXIT

# check NAME HINT COMMAND...: a step whose failure is counted and lets the next run.
check() { step "$@" 8>&- || broken+=("$1"); }

# --- the parts -----------------------------------------------------------------

fmt() { check "cargo fmt --check" "Run: cargo fmt --all" cargo fmt --all --check; }

clippy() {
  check "clippy, server" "Mend what clippy names; for a changed query run: ./dev sqlx" \
    cargo clippy --locked --all-targets "${HOST_CRATES[@]}" -- -D warnings
  check "clippy, browser" "Mend what clippy names." \
    cargo clippy --locked -p onelastai-frontend --target wasm32-unknown-unknown -- -D warnings
  [ -f deny.toml ] || return 0
  check "cargo deny: bans, licenses, sources" "See deny.toml: each exception there has its reason." \
    cargo deny --locked check bans licenses sources
  if timeout 60 cargo deny fetch db >"$LOGS/cargo-deny-fetch.log" 2>&1 </dev/null; then
    check "cargo deny: advisories" "Update the crate, or note in deny.toml why it does not concern us." \
      cargo deny check advisories
  else
    echo "  --  cargo deny: advisories not checked, their database cannot be reached"
  fi
}

# Recompiles every crate with queries, so only when one of its inputs changed.
queries() {
  local stamp=target/.sqlx-checked
  if [ -f "$stamp" ] && [ -z "$(find crates app server migrations .sqlx Cargo.lock -newer "$stamp" -print -quit)" ]; then return; fi
  mkdir -p target
  SQLX_OFFLINE=false "$ROOT/tools/sqlx.sh" check && touch "$stamp"
}

# One line for each program of tests: its file, and the folder it runs in.
test_programs() {
  cargo test --locked --no-run --message-format=json-render-diagnostics "$@" | node -e '
    for (const line of require("fs").readFileSync(0, "utf8").split("\n")) {
      const built = line.startsWith("{") ? JSON.parse(line) : {};
      if (built.executable && built.profile.test)
        console.log(`${built.executable}\t${require("path").dirname(built.manifest_path)}`);
    }'
}
# run_tests FILE FOLDER: what it prints comes out in one piece; what failed is kept to be said last.
run_tests() {
  local out rc=0
  out="$(cd "$2" && CARGO_MANIFEST_DIR="$2" "$1" 2>&1)" || rc=$?
  flock "$LOGS" printf 'Running %s of %s\n%s\n\n' "${1##*/}" "$2" "$out"
  if [ "$rc" != 0 ]; then
    # A program that ended before its list of failures is told by its last lines.
    flock "$LOGS" printf 'Failed in %s (exit code %s):\n%s\n\n' "${1##*/}" "$rc" \
      "$(if grep -q '^failures:' <<<"$out"; then sed -n '/^failures:/,/^test result:/{/^test result:/!p}' <<<"$out"; else tail -n 40 <<<"$out"; fi)" >>"$FAILURES"
  fi
  return "$rc"
}
# The tests of markdown need a crate that turns on features of syn, and with that another build
# of nearly everything. Apart from it, tests and program share all that they are built on.
# Tests wait more than they work, so two programs of them run at a time.
cargo_tests() {
  local programs rc=0
  export FAILURES="$LOGS/cargo-test-failures.log"
  : >"$FAILURES"
  programs="$(test_programs -p onelastai-markdown && test_programs "${PROGRAM_CRATES[@]}")" || return
  export LOGS
  export -f run_tests
  xargs -P 2 -L 1 bash -c 'run_tests "$@"' run_tests <<<"$programs" || rc=1
  cat "$FAILURES"
  return "$rc"
}

unit() {
  local log="$LOGS/cargo-test.log"
  check "cargo test" "Run one alone: source tools/env.sh test; cargo test -p CRATE NAME" cargo_tests
  add "$(sed -n 's/^test result: .* \([0-9]*\) passed; .*/\1/p' "$log" | paste -sd+)" \
    "$(sed -n 's/^test result: .* \([0-9]*\) failed; .*/\1/p' "$log" | paste -sd+)"
}

add() { # PASSED FAILED, each a sum
  passed=$((passed + ${1:-0}))
  failed=$((failed + ${2:-0}))
}

# A database and a Redis database of its own, both empty, for the app and the browser tests.
fresh_state() {
  "$ROOT/tools/services/postgres.sh" psql -qc "DROP DATABASE IF EXISTS onelastai_e2e WITH (FORCE)" &&
    if ours REDIS_URL; then redis-cli -u "$redis" flushdb; fi &&
    "${app_env[@]}" "$program" db create &&
    "${app_env[@]}" "$program" db migrate &&
    "${app_env[@]}" "$program" db create-sample-data &&
    # A journey makes more agents and sends in an hour than a person of the free plan does.
    DATABASE_URL="$(database_url onelastai_e2e)" "$ROOT/tools/services/postgres.sh" psql -qc \
      "UPDATE tier_limits SET requests_per_minute = 600, tokens_per_minute = 6000000, requests_per_day = 10000,
         tokens_per_day = 100000000, max_agents = 200 WHERE tier = 'free'"
}
browser_tests() {
  cd end2end && PLAYWRIGHT_JSON_OUTPUT_NAME="$report" "${app_env[@]}" npx --no-install playwright test --reporter=list,json
}
# A key of demo, for the programs that speak OpenAI's words.
api_key() {
  "${app_env[@]}" "$program" keys create --user demo --name end2end --json |
    node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).key'
}
sdk_tests() {
  cd end2end/sdk && "${app_env[@]}" "$CACHE/sdk/bin/python" -m pytest -q -p no:cacheprovider
}
from_report() { node -p 'require(process.argv[1]).stats[process.argv[2]]' "$report" "$1"; }

e2e() {
  local program="$CARGO_TARGET_DIR/debug/onelastai" redis="$REDIS_URL" report="$ROOT/.dev/test/playwright.json"
  local app app_env
  if ours REDIS_URL; then redis="${REDIS_URL%/*}/1"; fi
  app_env=(env "DATABASE_URL=$(database_url onelastai_e2e)" "REDIS_URL=$redis")

  step "build" "If a query changed, run: ./dev sqlx" "$ROOT/tools/build.sh" debug 8>&- || { broken+=(build); return; }
  step "e2e: database" "See above." fresh_state 8>&- || { broken+=("e2e: database"); return; }
  "${app_env[@]}" "$program" serve >"$LOGS/e2e-app.log" 2>&1 </dev/null 8>&- &
  app=$!
  app_ready() { curl -fsS "$BASE_URL/health/ready" >/dev/null 2>&1; }
  if ! wait_up "$app" app_ready; then
    tail -n "$STEP_TAIL" "$LOGS/e2e-app.log" >&2
    broken+=("the app did not get ready")
    return
  fi
  E2E_API_KEY="$(api_key)" || broken+=("no API key could be made")
  app_env+=("E2E_API_KEY=$E2E_API_KEY")
  check "Python SDKs" "The app's log is .dev/log/e2e-app.log" sdk_tests
  local sdk_log="$LOGS/Python-SDKs.log"
  add "$(sed -n 's/.*[^0-9]\([0-9]*\) passed.*/\1/p; s/^\([0-9]*\) passed.*/\1/p' "$sdk_log" | tail -1)" \
    "$(sed -n 's/.*[^0-9]\([0-9]*\) failed.*/\1/p; s/^\([0-9]*\) failed.*/\1/p' "$sdk_log" | tail -1)"
  rm -f "$report"
  check "playwright" "Reports and traces are in end2end/, the app's log in .dev/log/e2e-app.log" browser_tests
  if [ -f "$report" ]; then
    add "$(from_report expected)" "$(from_report unexpected)"
    add "$(from_report flaky)"
  fi
  kill -TERM "$app" 2>/dev/null || true
  wait "$app" || true
}

# --- what they need, then one after the other --------------------------------------

servers_needed="${wanted[unit]:-}${wanted[e2e]:-}"
needs="checks"
if [ -n "$servers_needed" ]; then needs="test"; fi
"$ROOT/tools/setup.sh" "$needs" 8>&-
# shellcheck source=tools/env.sh
source "$ROOT/tools/env.sh" test
export SQLX_OFFLINE=true # queries are checked against .sqlx, and .sqlx by a check of its own
if [ -n "$servers_needed" ]; then
  mapfile -t mine < <(services stopped)
  services start &
  starting=$!
fi

if [ -n "${wanted[fmt]:-}" ]; then fmt; fi
if [ -n "${wanted[clippy]:-}" ]; then clippy; fi
if [ -n "$servers_needed" ]; then wait "$starting" || die "The tests need these servers."; fi
if [ -n "${wanted[unit]:-}" ]; then
  check "queries fit .sqlx and the migrations" "Run: ./dev sqlx, and commit .sqlx" queries
  unit
fi
if [ -n "${wanted[e2e]:-}" ]; then e2e; fi

if [ ${#mine[@]} -gt 0 ]; then
  services stop "${mine[@]}"
  mine=()
fi
echo
if [ ${#broken[@]} -gt 0 ]; then printf '  Not in order: %s\n' "$(printf '%s; ' "${broken[@]}")"; fi
if [ -n "$servers_needed" ]; then echo "$passed passed, $failed failed"; fi
[ ${#broken[@]} -eq 0 ]
