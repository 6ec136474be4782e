#!/usr/bin/env bash
# Cargo tools of fixed versions, built once and cached for every clone.
#
#   cargo-tools.sh NAME...     wasm-bindgen | cargo-leptos | cargo-sqlx | cargo-deny
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

TOOLS="$CACHE/cargo-tools"

# build CRATE VERSION BINARY CARGO-INSTALL-ARGS...
build() {
  local crate="$1" version="$2" bin="$3" home target
  shift 3
  home="$TOOLS/$crate-$version"
  if [ ! -x "$home/bin/$bin" ]; then
    # A target folder of its own: an interrupted build goes on where it was.
    target="$TOOLS/build/$crate-$version"
    CARGO_TARGET_DIR="$target" CARGO_PROFILE_DEV_DEBUG=0 \
      cargo install "$crate" --version "=$version" --root "$home" "$@"
    rm -rf "$target"
  fi
  mkdir -p "$TOOLS/bin"
  ln -sfn "$home/bin/$bin" "$TOOLS/bin/$bin"
}

for tool in "$@"; do
  case "$tool" in
    # Must be the very version of the wasm-bindgen crate. Optimised: it chews
    # through every browser build.
    wasm-bindgen)
      build wasm-bindgen-cli "$(sed -n 's/^wasm-bindgen = "=\(.*\)"$/\1/p' "$ROOT/Cargo.toml")" wasm-bindgen ;;
    # Not optimised: it only starts others, and building it fully takes half an hour.
    cargo-leptos)
      build cargo-leptos 0.3.11 cargo-leptos --debug --locked --no-default-features --features no_downloads ;;
    cargo-sqlx)
      build sqlx-cli 0.9.0 cargo-sqlx --debug --locked --no-default-features --features postgres,rustls ;;
    cargo-deny)
      build cargo-deny 0.20.2 cargo-deny --debug --locked ;;
    *) die "cargo-tools.sh: unknown tool '$tool'" ;;
  esac
done
