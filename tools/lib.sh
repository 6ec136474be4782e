# shellcheck shell=bash
# Shared by the scripts: where things are, and how progress is told.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh" "${ONELASTAI_PROFILE:-dev}"
ROOT="$ONELASTAI_ROOT"
CACHE="$ONELASTAI_CACHE"
LOGS="$ROOT/.dev/log"
mkdir -p "$LOGS" "$CACHE"

# die WHAT-IS-MISSING: the one line a person needs, and out.
die() { printf '%s\n' "$*" >&2; exit 1; }

# ^C or a signal ends what this script started; a trap on EXIT may do more.
end_children() {
  local pid
  for pid in $(pgrep -P "$1"); do
    end_children "$pid"
    kill -TERM "$pid" 2>/dev/null || true
  done
}
trap 'trap "" INT TERM HUP; end_children $$; exit 130' INT TERM HUP

# step NAME HINT COMMAND...: run quietly, print one line with the seconds taken.
# On failure print the end of the log and HINT (what is missing, what to do).
step() {
  local name="$1" hint="$2" log rc=0 started=$SECONDS
  shift 2
  log="$LOGS/$(tr -cs 'A-Za-z0-9\n' - <<<"$name").log"
  ("$@") >"$log" 2>&1 </dev/null || rc=$?
  if [ "$rc" = 0 ]; then
    printf '  ok  %-44s %4d s\n' "$name" $((SECONDS - started))
    return
  fi
  {
    printf '  --  %s failed after %d s; the end of %s:\n' "$name" $((SECONDS - started)) "${log#"$ROOT"/}"
    tail -n "${STEP_TAIL:-25}" "$log" | sed 's/^/      /'
    printf '  --  %s\n' "$hint"
  } >&2
  return "$rc"
}

# together PID...: wait for all of them; fail if one failed.
together() {
  local pid rc=0
  for pid in "$@"; do wait "$pid" || rc=1; done
  return "$rc"
}

# debian PACKAGE...: install what is missing.
debian() {
  local missing=() p
  for p in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "Not a Debian machine: please install by hand what these packages hold: ${missing[*]}"
  [ "$(id -u)" = 0 ] || die "Please run as root: apt-get install ${missing[*]}"
  (
    flock 9
    export DEBIAN_FRONTEND=noninteractive
    # Only a new machine, or one with an old list, needs the list fetched.
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null 9>&- ||
      { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null 9>&-; }
  ) 9>"$CACHE/apt.lock"
}

# The crates that run on the server. Checked and tested by name: --workspace would
# turn on Leptos' ssr and hydrate together, which neither build ships.
PROGRAM_CRATES=(--features onelastai-app/ssr)
for _crate in types db usage identity access agents model-router openai gateway models chat app server; do
  PROGRAM_CRATES+=(-p "onelastai-$_crate")
done
HOST_CRATES=("${PROGRAM_CRATES[@]}" -p onelastai-markdown)

# database_url NAME: another database on the server of DATABASE_URL.
database_url() { sed -E "s|^(.*//[^/]*)(/[^?]*)?|\\1/$1|" <<<"$DATABASE_URL"; }

# pid_runs FILE WORD: is the process of this pid file alive, and the one we started?
pid_runs() { [ -f "$1" ] && tr '\0' ' ' 2>/dev/null <"/proc/$(cat "$1")/cmdline" | grep -qF -- "$2"; }

# wait_up PID READY: poll READY for up to four minutes while the process lives. By its
# number: until it has become the server, its command line is still that of this script.
wait_up() {
  local give_up=$((SECONDS + 240))
  until "$2"; do
    kill -0 "$1" 2>/dev/null && [ "$SECONDS" -lt "$give_up" ] || return 1
    sleep 0.2
  done
}

# stop_pid FILE ALIVE [SECONDS]: ask it to end, insist after ten seconds.
stop_pid() {
  local pid _
  if "$2"; then
    pid="$(cat "$1")"
    kill -TERM "$pid"
    for _ in $(seq 1 "${3:-10}0"); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
    if [ -d "/proc/$pid" ]; then
      pkill -KILL -P "$pid" || true
      kill -KILL "$pid"
    fi
  fi
  rm -f "$1"
}
