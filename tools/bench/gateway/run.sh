# shellcheck shell=bash
# The part `gateway` of ./dev bench, for run.sh: it has the program, the servers and the
# paced model server running.

# The demo person's key; the program prints it once. Without one OneLastAI is left out.
# Every limit is checked, and none is reached.
api_key() {
  "$BENCH_PROGRAM" keys create --user demo --name bench --scope chat.write,models.read --json |
    node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).key' &&
    "$ROOT/tools/services/postgres.sh" psql -q \
      -c "UPDATE users SET subscription_tier = 'enterprise' WHERE username = 'demo'" \
      -c "UPDATE tier_limits SET requests_per_minute = 2000000000, tokens_per_minute = 2000000000,
            requests_per_day = 2000000000, tokens_per_day = 1000000000000 WHERE tier = 'enterprise'" >&2
}

# keys_database NAME: a copy of the database with 100,000 people and keys more.
keys_database() {
  local psql="$ROOT/tools/services/postgres.sh" name="$1"
  "$psql" psql -qc "DROP DATABASE IF EXISTS $name WITH (FORCE)"
  DATABASE_URL="$(database_url postgres)" "$psql" psql -qc "CREATE DATABASE $name TEMPLATE onelastai_bench"
  DATABASE_URL="$(database_url "$name")" "$psql" psql -q -f "$BENCH/gateway/keys.sql"
}

pid_of() { "$ROOT/tools/services/$1.sh" status | sed -n 's/^pid \([0-9]*\),.*/\1/p'; }

gateways() {
  local rival
  for rival in nginx litellm tensorzero vllm-router; do
    if [ -z "$only" ] || [[ ",$only," == *",$rival,"* ]]; then
      step "$rival" "It is left out." "$BENCH/gateway/install.sh" "$rival" 8>&- || true
    fi
  done
  # Both sides of each of 5,000 streams are files to a gateway.
  ulimit -n "$(ulimit -Hn | sed 's/unlimited/65536/')"
  BENCH_FILES="$(ulimit -n)"
  export BENCH_FILES BENCH_MODEL_ADDRESS="127.0.0.1:$OLLAMA_PORT" BENCH_GATEWAY_ADDRESS="127.0.0.1:$((${BIND_ADDRESS##*:} + 10))"
  export BENCH_LOADGEN="$CACHE/gwbench/release/loadgen" BENCH_RIVALS="$CACHE/rivals"
  export BENCH_WORK="$OUT/gateways" BENCH_LOGS="$LOGS" BENCH_RESULTS="$OUT/gateway.json"
  if $app; then
    BENCH_KEY="$(api_key 2>"$LOGS/bench-key.log")" || tail -n 3 "$LOGS/bench-key.log" >&2
    step "100,000 keys" "See above." keys_database onelastai_bench_keys 8>&-
    BENCH_DATABASE_KEYS="$(database_url onelastai_bench_keys)"
    if (DATABASE_URL="$server_url" && ours DATABASE_URL); then BENCH_POSTGRES_PID="$(pid_of postgres)"; fi
    if ours REDIS_URL; then BENCH_REDIS_PID="$(pid_of redis)"; fi
    export BENCH_KEY BENCH_DATABASE_KEYS BENCH_POSTGRES_PID BENCH_REDIS_PID
  fi
  PATH="$PATH:/usr/sbin" node "$BENCH/gateway/run.mjs" "${gateway_options[@]}" 8>&-
}
