#!/usr/bin/env bash
# Query data of the compile-time checked SQL in .sqlx, from a scratch database
# that gets every migration, so that whatever a person tried in theirs is no matter.
#
#   sqlx.sh prepare    write .sqlx
#   sqlx.sh check      fail where .sqlx does not fit the code and the migrations
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$ROOT"
scratch=onelastai_sqlx_$$
psql() { "$ROOT/tools/services/postgres.sh" psql -q "$@"; }
finish() { psql -c "DROP DATABASE IF EXISTS $scratch WITH (FORCE)"; }
trap finish EXIT

psql -c "CREATE DATABASE $scratch"
url="$(database_url "$scratch")"
cargo sqlx migrate run --database-url "$url"
check=()
case "${1:-}" in
  prepare) ;;
  check) check=(--check) ;;
  *) die "usage: $0 prepare|check" ;;
esac
cargo sqlx prepare "${check[@]}" --workspace --database-url "$url" -- --all-targets "${HOST_CRATES[@]}"
