#!/usr/bin/env bash
# The servers of a profile ($ONELASTAI_PROFILE, default dev), all at once.
#
#   services.sh install | start | stop [NAME...]
#   services.sh status       one line each
#   services.sh stopped      the names of those that don't run
#
# A server whose address you have set yourself is left alone.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ALL=(postgres redis keycloak ollama)
declare -A ADDRESS=([postgres]=DATABASE_URL [redis]=REDIS_URL [keycloak]=KEYCLOAK_URL [ollama]=OLLAMA_URLS)
declare -A PORT=([postgres]=$PG_PORT [redis]=$REDIS_PORT [keycloak]=$KEYCLOAK_PORT [ollama]=$OLLAMA_PORT)

one() { "$ROOT/tools/services/$1.sh" "$2"; }

start_one() {
  if ! one "$1" status >/dev/null && (exec 3<>"/dev/tcp/127.0.0.1/${PORT[$1]}") 2>/dev/null; then
    die "Port ${PORT[$1]} is taken by another program: stop it, or set ${ADDRESS[$1]} to a server of yours."
  fi
  one "$1" start
}

each() { # COMMAND LABEL NAME...
  local command="$1" label="$2" name pids=()
  shift 2
  for name in "$@"; do
    ours "${ADDRESS[$name]}" || continue
    if [ "$command" = stop_one ] && ! one "$name" status >/dev/null; then continue; fi
    if [ "$name" = ollama ] && ! compgen -G "$CACHE/ollama/*/bin/ollama" >/dev/null; then
      echo "  ..  building ollama once, about 5 minutes"
    fi
    step "$label$name" "Try again with: ./dev services start; or set ${ADDRESS[$name]} to a server of yours." \
      "$command" "$name" &
    pids+=($!)
  done
  together "${pids[@]}"
}
install_one() { one "$1" install; }
stop_one() { one "$1" stop; }

if ! ours KEYCLOAK_URL && ours KEYCLOAK_CLIENT_SECRET; then
  die "KEYCLOAK_URL is yours, so set KEYCLOAK_CLIENT_SECRET too (client $KEYCLOAK_CLIENT_ID, realm $KEYCLOAK_REALM)."
fi
command="${1:-}"
shift || true
names=("$@")
[ $# -gt 0 ] || names=("${ALL[@]}")
case "$command" in
  install) each install_one "install " "${names[@]}" ;;
  start) each start_one "$ONELASTAI_PROFILE: start " "${names[@]}" ;;
  stop) each stop_one "$ONELASTAI_PROFILE: stop " "${names[@]}" ;;
  status)
    for name in "${ALL[@]}"; do
      if ! ours "${ADDRESS[$name]}"; then state="yours: ${ADDRESS[$name]}"; else state="$(one "$name" status || echo stopped)"; fi
      printf '  %-10s %s\n' "$name" "$state"
    done
    ;;
  stopped)
    for name in "${ALL[@]}"; do
      ! ours "${ADDRESS[$name]}" || one "$name" status >/dev/null || echo "$name"
    done
    ;;
  *) die "usage: $0 install|start|stop|status|stopped [NAME...]" ;;
esac
