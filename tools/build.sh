#!/usr/bin/env bash
# The app: the program in $CARGO_TARGET_DIR/<mode>/onelastai, what browsers load in
# target/site. Skipped when nothing changed since the last build of this clone.
#
#   build.sh debug|release
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

MODE="$1"
cd "$ROOT"
STAMP=target/.built
program="$CARGO_TARGET_DIR/$MODE/onelastai"
# Another clone may have built into the same target folder in between.
state() { echo "$MODE ${RUSTUP_TOOLCHAIN:-} $(stat -c %y "$program" "$CARGO_TARGET_DIR/$MODE/hash.txt" 2>&1)"; }
changed() {
  find app frontend server crates style public migrations .sqlx Cargo.toml Cargo.lock tools/build.sh tools/web/package-lock.json \
    -newer "$STAMP" -print -quit 2>/dev/null
}

if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$(state)" ] && [ -z "$(changed)" ]; then exit 0; fi
mkdir -p target
rm -f "$STAMP"
touch "$STAMP.started"
options=()
if [ "$MODE" = release ]; then options+=(--release --precompress); fi
# Queries are checked against .sqlx, not against whatever database is at hand.
if [ -d .sqlx ]; then export SQLX_OFFLINE=true; fi
NO_COLOR=1 RUST_BACKTRACE=0 cargo leptos build "${options[@]}"
state >"$STAMP.started.state"
touch -r "$STAMP.started" "$STAMP.started.state"
mv "$STAMP.started.state" "$STAMP"
rm -f "$STAMP.started"
