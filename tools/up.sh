#!/usr/bin/env bash
# ./dev up: servers, tools, build, database, app; in the foreground until ^C.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

MODE=debug
case "${1:-}" in
  "") ;;
  --release) MODE=release ;;
  *) die "usage: ./dev up [--release]" ;;
esac
PIDFILE="$DEV_DIR/up.pid"
PROGRAM="$CARGO_TARGET_DIR/$MODE/onelastai"
APP_LOG="$LOGS/app.log"
cd "$ROOT"

if pid_runs "$PIDFILE" up.sh; then die "Already up: $BASE_URL (stop it with ./dev down)"; fi
echo $$ >"$PIDFILE"
# Only what was not running before is stopped at the end.
mapfile -t mine < <("$ROOT/tools/services.sh" stopped)

finish() {
  local rc=$?
  trap '' INT TERM HUP
  echo
  end_children $$
  if [ -n "${app:-}" ]; then wait "$app" 2>/dev/null || true; fi
  if [ ${#mine[@]} -gt 0 ]; then "$ROOT/tools/services.sh" stop "${mine[@]}" || true; fi
  rm -f "$PIDFILE"
  exit "$rc"
}
trap finish EXIT

"$ROOT/tools/setup.sh" prerequisites
"$ROOT/tools/setup.sh" build &
pids=($!)
"$ROOT/tools/services.sh" start &
pids+=($!)
together "${pids[@]}"
# The tool chain may have been settled only now.
# shellcheck source=tools/env.sh
source "$ROOT/tools/env.sh" "$ONELASTAI_PROFILE"
export RUST_LOG="${RUST_LOG:-info}"

step "build ($MODE)" "If a query changed, run: ./dev sqlx" "$ROOT/tools/build.sh" "$MODE"
step "database: create" "Is PostgreSQL reachable at DATABASE_URL?" "$PROGRAM" db create
step "database: migrate" "The migration above does not fit this database." "$PROGRAM" db migrate
step "database: sample data" "See the message above." "$PROGRAM" db create-sample-data

ready() { curl -fsS "http://$BIND_ADDRESS/health/ready" >/dev/null 2>&1; }
serve() {
  "$PROGRAM" serve >"$APP_LOG" 2>&1 </dev/null &
  app=$!
  wait_up "$app" ready
}
started=$SECONDS
serve || { tail -n 25 "$APP_LOG" >&2; die "The app did not get ready; the end of its log is above (${APP_LOG#"$ROOT"/})."; }
printf '  ok  %-44s %4d s\n' "app" $((SECONDS - started))

printf '\n  %s is up after %d s\n\n' "$BASE_URL" "$SECONDS"
if ours KEYCLOAK_URL; then
  python3 -c 'import json, sys
for a in json.load(open(sys.argv[1])): print("    {username:<10} {password:<22} {role}".format(**a))' "$E2E_ACCOUNTS"
  printf "\n  Keycloak's own console: %s/admin, admin, %s\n" "$KEYCLOAK_URL" "$KEYCLOAK_ADMIN_PASSWORD"
fi
printf '\n  The log is in %s. Stop with ^C or ./dev down.\n' "${APP_LOG#"$ROOT"/}"

rc=0
wait "$app" || rc=$?
tail -n 25 "$APP_LOG" >&2
die "The app ended by itself (exit code $rc); the end of its log is above."
