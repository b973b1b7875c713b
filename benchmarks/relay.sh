#!/usr/bin/env bash
# A complete relay on loopback for whoever measures it from outside: a consumer with a SOCKS5 port and a provider that may reach loopback, as two
# processes of the published CLI. Stays in the foreground until it is told to end, and then ends both.
#
#   dotnet publish samples/Node -c Release -r linux-x64 --artifacts-path artifacts/aot -o artifacts/overlay \
#     -p:PublishAot=true -p:RestoreLockedMode=false -p:NuGetLockFilePath=obj/aot.lock.json
#   benchmarks/relay.sh [SOCKS-PORT [TARGET-PORT...]]        (1080; 18080)
#   curl --proxy socks5h://127.0.0.1:1080 http://127.0.0.1:18080/big -o /dev/null
#
# OVERLAY is the program to run; by default the published one.
set -euo pipefail
overlay=${OVERLAY:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/artifacts/overlay/overlay}
socks=${1:-1080}
shift || true
targets=("${@:-18080}")
if [ ! -x "$overlay" ]; then
  echo "There is no program at $overlay: publish it first, see the head of this script." >&2
  exit 1
fi

data=$(mktemp -d)
provider="" consumer=""
finish() {
  trap - EXIT INT TERM
  for pid in $consumer $provider; do kill -INT "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$data"
}
trap finish EXIT
trap 'exit 130' INT TERM

ports=()
for port in "${targets[@]}"; do ports+=(--allow-port "$port"); done
# Job control gives each its own process group and leaves interrupts on; without it a shell's background processes ignore them.
set -m
"$overlay" consent give --i-have-read-it 1 --data "$data/provider" --allow-private-targets "${ports[@]}" >/dev/null
"$overlay" run --json --data "$data/provider" --listen /ip4/127.0.0.1/tcp/0 --share --allow-private-targets "${ports[@]}" >"$data/provider.out" &
provider=$!
address=""
for _ in $(seq 100); do
  address=$(sed -n 's/.*"addresses":\["\([^"]*\)".*/\1/p' "$data/provider.out" | head -n 1)
  [ -z "$address" ] || break
  kill -0 "$provider" || exit 1
  sleep 0.1
done
[ -n "$address" ] || { echo "The provider does not say where it listens." >&2; exit 1; }
"$overlay" run --json --data "$data/consumer" --provider "$address" --socks "127.0.0.1:$socks" >/dev/null &
consumer=$!
echo "provider $provider at $address, consumer $consumer at 127.0.0.1:$socks" >&2
wait -n "$provider" "$consumer"
