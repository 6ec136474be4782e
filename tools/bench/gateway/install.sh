#!/usr/bin/env bash
# The gateways to compare with: nginx from Debian, the others from PyPI, each version in
# a Python environment of its own. Installed once per machine.
#
#   install.sh nginx | litellm | tensorzero | vllm-router
source "$(dirname "${BASH_SOURCE[0]}")/../../lib.sh"

# python_package NAME VERSION REQUIREMENT
python_package() {
  local home="$CACHE/rivals/$1-$2"
  [ ! -f "$home/.ready" ] || return 0
  python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/python" -m pip install -q --disable-pip-version-check --only-binary :all: "$3"
  touch "$home/.ready"
}

# The versions are named once more in gateways.mjs.
case "${1:-}" in
  nginx) PATH="$PATH:/usr/sbin" command -v nginx >/dev/null || debian nginx-light ;;
  # Not a later one: a release after it is listed as compromised.
  litellm) python_package litellm 1.106.2 'litellm[proxy]==1.106.2' ;;
  # The last one: TensorZero is no longer developed.
  tensorzero) python_package tensorzero 2026.6.0 tensorzero==2026.6.0 ;;
  vllm-router) python_package vllm-router 0.1.17 vllm-router==0.1.17 ;;
  *) die "usage: $0 nginx|litellm|tensorzero|vllm-router" ;;
esac
