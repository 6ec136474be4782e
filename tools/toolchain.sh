#!/usr/bin/env bash
# Rust with clippy, rustfmt and a standard library for the browser (wasm32), of
# the version that Cargo.toml asks for. From rustup where it can download;
# otherwise Debian's rustc-web, which lacks only that library: it is built once.
# What was settled on is written down for env.sh.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

TARGET=wasm32-unknown-unknown
CHOICE="$CACHE/toolchain-$ONELASTAI_RUST.env"
DEBIAN_LIB="/usr/lib/rustlib/$TARGET/lib"

complete() { # TOOLCHAIN
  RUSTUP_TOOLCHAIN="$1" cargo clippy --version && RUSTUP_TOOLCHAIN="$1" cargo fmt --version &&
    ls "$(RUSTUP_TOOLCHAIN="$1" rustc --print sysroot)/lib/rustlib/$TARGET/lib/"libstd-*.rlib
} >/dev/null 2>&1

from_rustup() { # TOOLCHAIN
  complete "$1" || {
    rustup toolchain install "$1" --no-self-update --profile minimal -c clippy -c rustfmt -t "$TARGET" && complete "$1"
  } || return 1
  echo "export RUSTUP_TOOLCHAIN=$1" >"$CHOICE"
}

from_debian() {
  debian rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web lld-19
  if ! compgen -G "$DEBIAN_LIB/libstd-*.rlib" >/dev/null; then
    local build="$CACHE/wasm-std"
    mkdir -p "$build/src"
    printf '[package]\nname = "wasm-std"\nversion = "0.0.0"\nedition = "2024"\n[lib]\n[workspace]\n' >"$build/Cargo.toml"
    : >"$build/src/lib.rs"
    # Bitcode, or the release build's link-time optimisation finds nothing to work on.
    (cd "$build" && RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes CARGO_TARGET_DIR="$build/target" \
      /usr/bin/cargo build --release --target "$TARGET" -Zbuild-std=std,panic_abort)
    mkdir -p "$DEBIAN_LIB"
    install -m 644 "$build/target/$TARGET"/release/deps/*.rlib "$DEBIAN_LIB/"
    rm -f "$DEBIAN_LIB"/libwasm_std-*.rlib
    rm -rf "$build"
  fi
  if command -v rustup >/dev/null; then rustup toolchain link web /usr; fi
  complete web
  printf 'export RUSTUP_TOOLCHAIN=web CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19\n' >"$CHOICE"
}

if [ -f "$CHOICE" ] && complete "${RUSTUP_TOOLCHAIN:-}"; then exit 0; fi
if ! command -v rustup >/dev/null && complete ""; then
  : >"$CHOICE" # the machine's own will do
  exit 0
fi
if [ "${1:-}" != debian ] && command -v rustup >/dev/null && from_rustup "${ONELASTAI_RUST%.0}.0"; then exit 0; fi
from_debian
