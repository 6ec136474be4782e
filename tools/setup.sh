#!/usr/bin/env bash
# Installs what is missing, each thing once per machine; quick when all is there.
#
#   setup.sh                   what ./dev up needs
#   setup.sh test              what ./dev test needs as well
#   setup.sh prerequisites | build | checks     parts of it
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

AGAIN="Please run it again: what is already done is kept."

# need COMMAND PACKAGE|-: from Debian where its version will do.
need() {
  command -v "$1" >/dev/null || { [ "$2" != - ] && debian "$2"; } || die "'$1' is missing: $3"
}

prerequisites() {
  need cargo - "install Rust with rustup" &&
    need node - "install Node.js 20 or newer" &&
    need npm - "install npm" &&
    need cc build-essential "install a C compiler" &&
    need make make "install GNU make" &&
    need curl curl "install curl" &&
    need pgrep procps "install procps" &&
    need python3 python3 "install Python 3" &&
    { python3 -c 'import pip' || debian python3-pip; } &&
    need mvn maven "install Maven" &&
    need java openjdk-17-jre-headless "install Java 17 or newer"
}

npm_packages() { # FOLDER
  cd "$ROOT/$1" || return
  [ ! node_modules/.package-lock.json -nt package-lock.json ] || return 0
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-fund --no-audit --ignore-scripts &&
    touch node_modules/.package-lock.json
}

built_once() { # TOOL MINUTES
  [ -x "$CACHE/cargo-tools/bin/$1" ] || echo "  ..  building $1 once, about $2 minutes"
  step "$1" "$AGAIN" "$ROOT/tools/cargo-tools.sh" "$1"
}
toolchain() { step "Rust for the server and the browser" "$AGAIN" "$ROOT/tools/toolchain.sh"; }
deny() { built_once cargo-deny 4; }
rust() {
  toolchain
  built_once wasm-bindgen 4
  built_once cargo-leptos 6
}
web() { step "npm packages of tools/web" "$AGAIN" npm_packages tools/web; }
test_rust() {
  built_once cargo-sqlx 3
  deny
}
# Other people's SDKs, in Python; where the list has changed, anew.
sdk_packages() {
  local venv="$CACHE/sdk" list="$ROOT/end2end/sdk/requirements.txt"
  ! cmp -s "$list" "$venv/requirements.txt" || return 0
  python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv || return
  rm -rf "$venv"
  python3 -m venv "$venv" &&
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$list" && cp "$list" "$venv/"
}
# Where one of them can not be had, the other may be there already.
browser() { (debian chromium-headless-shell) || debian chromium; }
test_web() {
  step "Python SDKs" "$AGAIN" sdk_packages
  step "npm packages of end2end" "$AGAIN" npm_packages end2end
  step "Chromium" "$AGAIN" browser
}
servers() { "$ROOT/tools/services.sh" install; }

first() { step "prerequisites" "Install what is named above and run this again." prerequisites; }
# lanes FUNCTION-LIST...: the lists side by side, the functions of one in turn.
lanes() {
  local lane pids=()
  for lane in "$@"; do
    (for task in $lane; do "$task"; done) &
    pids+=($!)
  done
  together "${pids[@]}"
}

case "${1:-}" in
  prerequisites) first ;;
  build) lanes rust web ;;
  checks) first; lanes "toolchain deny" ;;
  "") first; lanes rust web servers ;;
  test) first; lanes "rust test_rust" "web test_web" servers ;;
  *) die "usage: $0 [prerequisites|build|checks|test]" ;;
esac
