#!/usr/bin/env bash
# ./dev down: stops what ./dev up started, and the servers that were up before it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

app_up() { pid_runs "$DEV_DIR/up.pid" up.sh; }
if app_up; then
  pid="$(cat "$DEV_DIR/up.pid")"
  kill -TERM "$pid"
  end_children "$pid" # or it would heed the signal only after its current step
  # It stops the app and its servers itself, and may take a while.
  for _ in $(seq 1 300); do app_up || break; sleep 0.1; done
fi
"$ROOT/tools/services.sh" stop
