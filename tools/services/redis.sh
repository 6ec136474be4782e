#!/usr/bin/env bash
# Redis from Debian. Nothing is saved: what it holds may be lost.
#
#   redis.sh install | start | stop | status
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

PIDFILE="$PROFILE_DIR/redis.pid"
LOG="$PROFILE_DIR/redis.log"

running() { pid_runs "$PIDFILE" redis-server; }

cmd_install() { command -v redis-server >/dev/null || debian redis-server; }

cmd_start() {
  cmd_install
  running && return
  mkdir -p "$PROFILE_DIR"
  setsid nohup redis-server --bind 127.0.0.1 --port "$REDIS_PORT" --dir "$PROFILE_DIR" --save "" --appendonly no \
    --daemonize no >"$LOG" 2>&1 </dev/null &
  echo $! >"$PIDFILE"
  wait_up "$(cat "$PIDFILE")" test_ping || { tail -20 "$LOG" >&2; cmd_stop; return 1; }
}
test_ping() { [ "$(redis-cli -h 127.0.0.1 -p "$REDIS_PORT" ping 2>/dev/null)" = PONG ]; }

cmd_stop() { stop_pid "$PIDFILE" running; }
cmd_status() { running && echo "pid $(cat "$PIDFILE"), port $REDIS_PORT"; }

case "${1:-}" in
  install | start | stop | status) "cmd_$1" ;;
  *) die "usage: $0 install|start|stop|status" ;;
esac
