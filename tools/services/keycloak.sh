#!/usr/bin/env bash
# Keycloak from Maven Central with the realm of config/keycloak/ and the demo
# people. Prebuilt once for all profiles; each profile has a home of its own that
# keeps its data, so people who registered are still there after a restart.
#
#   keycloak.sh install | start | stop | status | reset
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

VERSION=26.7.4
DIST="$CACHE/keycloak/keycloak-$VERSION"
HOME_DIR="$PROFILE_DIR/keycloak"
PIDFILE="$PROFILE_DIR/keycloak.pid"
LOG="$PROFILE_DIR/keycloak.log"
HEALTH="http://127.0.0.1:$KEYCLOAK_MANAGEMENT_PORT/health/ready"

# The newest Java starts it fastest.
newest_java() {
  local java
  for java in ${JAVA_HOME:+"$JAVA_HOME"} $(printf '%s\n' /usr/lib/jvm/*-2[1-9]-* /usr/lib/jvm/*-17-* | sort -t- -k2 -rV); do
    [ -x "$java/bin/java" ] && { echo "$java"; return; }
  done
}
JAVA_HOME="$(newest_java)"
if [ -n "$JAVA_HOME" ]; then export JAVA_HOME; else unset JAVA_HOME; fi
# All of JAVA_OPTS: kc.sh's own default asks for G1, which excludes the serial collector.
export JAVA_OPTS="-Xms64m -Xmx400m -XX:MaxMetaspaceSize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError -Dfile.encoding=UTF-8"
# From Java 19 on the classes of the first run are kept for the next ones, which then
# have a quarter less to do; for tests the one long stop would not pay.
keep_classes() {
  if [ "$ONELASTAI_PROFILE" != test ] &&
    [ "$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "${JAVA_HOME:-}/release" 2>/dev/null || echo 0)" -ge 19 ]; then
    JAVA_OPTS+=" -XX:+AutoCreateSharedArchive -XX:SharedArchiveFile=$HOME_DIR/classes.jsa"
  fi
}

running() { pid_runs "$PIDFILE" "$HOME_DIR/"; }
ready() { curl -fsS "$HEALTH" 2>/dev/null | grep -q '"UP"'; }

cmd_install() {
  if [ ! -x "$DIST/bin/kc.sh" ]; then
    local tmp
    mkdir -p "$CACHE/keycloak"
    tmp="$(mktemp -d "$CACHE/keycloak/.tmp.XXXXXX")"
    mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -Dmdep.useBaseVersion=true \
      -Dartifact="org.keycloak:keycloak-quarkus-dist:$VERSION:tar.gz" -DoutputDirectory="$tmp"
    tar -xzf "$tmp/keycloak-quarkus-dist-$VERSION.tar.gz" -C "$tmp" --no-same-owner
    rm -rf "$DIST"
    mv "$tmp/keycloak-$VERSION" "$DIST"
    rm -rf "$tmp"
  fi
  [ -f "$DIST/.built" ] || {
    "$DIST/bin/kc.sh" build --db=dev-file --health-enabled=true
    touch "$DIST/.built"
  }
}

# kc.sh takes its own folder for its home: a copy of it beside links to the rest.
make_home() {
  local name
  mkdir -p "$HOME_DIR/bin" "$HOME_DIR/data/import"
  cp "$DIST/bin/kc.sh" "$HOME_DIR/bin/kc.sh"
  for name in lib conf providers themes version.txt; do ln -sfn "$DIST/$name" "$HOME_DIR/$name"; done
}

# A realm is imported once. When the realm file, a secret or the version changed
# since (or another clone has other secrets), the data is made anew.
prepare_import() {
  local fingerprint
  fingerprint="$({ echo "$VERSION $BASE_URL"; cat "$HOME_DIR/data/import/onelastai-realm.json" "$DEV_DIR/secrets.env"; } | sha256sum)"
  if [ "$(cat "$HOME_DIR/fingerprint" 2>/dev/null)" != "$fingerprint" ]; then
    cmd_stop
    rm -rf "$HOME_DIR/data/h2"
    echo "$fingerprint" >"$HOME_DIR/fingerprint"
  fi
  # Tests start from the same people each time.
  if [ "$ONELASTAI_PROFILE" = test ] && ! running; then rm -rf "$HOME_DIR/data/h2"; fi
}

cmd_start() {
  cmd_install
  make_home
  python3 "$ROOT/tools/services/keycloak-import.py" "$ROOT/config/keycloak/realm-export.json" \
    "$ROOT/config/keycloak/demo-users.json" "$DEV_DIR/accounts.json" "$HOME_DIR/data/import/onelastai-realm.json"
  [ "$ONELASTAI_PROFILE" != dev ] || ln -sfn dev/accounts.json "$ROOT/.dev/accounts.json"
  prepare_import
  running && return
  (
    # shellcheck source=/dev/null
    . "$DEV_DIR/secrets.env"
    export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD="$ADMIN_PASSWORD"
    export ONELASTAI_WEB_URL="$BASE_URL" ONELASTAI_WEB_CLIENT_SECRET="$WEB_CLIENT_SECRET"
    export ONELASTAI_BACKEND_CLIENT_SECRET="$BACKEND_CLIENT_SECRET"
    keep_classes
    setsid nohup "$HOME_DIR/bin/kc.sh" start --optimized --import-realm --cache=local --log-level=INFO,io.smallrye.health:ERROR \
      --http-enabled=true \
      --http-host=127.0.0.1 --http-port="$KEYCLOAK_PORT" --http-management-port="$KEYCLOAK_MANAGEMENT_PORT" \
      --hostname="http://localhost:$KEYCLOAK_PORT" >"$LOG" 2>&1 </dev/null &
    echo $! >"$PIDFILE"
  )
  wait_up "$(cat "$PIDFILE")" ready || { tail -30 "$LOG" >&2; cmd_stop; return 1; }
}

cmd_stop() { stop_pid "$PIDFILE" running 60; } # kc.sh passes the signal on to its JVM
cmd_status() { running && echo "pid $(cat "$PIDFILE"), port $KEYCLOAK_PORT"; }
cmd_reset() { cmd_stop; rm -rf "$HOME_DIR"; }

case "${1:-}" in
  install | start | stop | status | reset) "cmd_$1" ;;
  *) die "usage: $0 install|start|stop|status|reset" ;;
esac
