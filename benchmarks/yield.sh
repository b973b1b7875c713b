#!/usr/bin/env bash
# What an owner loses to strangers on a narrow line, as ratios: two network namespaces with a cable between them that carries RATE each way, the
# provider and its owner at one end, everybody else at the other. A consumer pulls through the provider all it can, so that every byte of it crosses
# the line twice; meanwhile the owner downloads, uploads, and opens small connections. Needs root, ip, tc with tbf, nginx and curl.
#
#   dotnet build samples/Node -c Release
#   benchmarks/yield.sh [ROUNDS [RATE [MIB [overlay run's options...]]]]         (5; 20mbit; 16 MiB for each of the owner's transfers)
#
# OVERLAY is the program to run; by default the one of the Release build. 'overlay limits set' options for the provider stand in LIMITS (LIMITS="--no-yield" for
# what it would be like without).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
overlay=${OVERLAY:-$root/samples/Node/bin/Release/net10.0/overlay}
rounds=${1:-5} rate=${2:-20mbit} mib=${3:-16}
shift $(($# < 3 ? $# : 3))
out=yield$$o home=yield$$h
data=$(mktemp -d)
chmod 755 "$data"
pids=()
finish() {
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  ip netns delete "$out" 2>/dev/null || true
  ip netns delete "$home" 2>/dev/null || true
  rm -rf "$data"
}
trap finish EXIT
trap 'exit 130' INT TERM

ip netns add "$out"
ip netns add "$home"
ip link add lan0 netns "$out" type veth peer name lan0 netns "$home"
for end in "$out 10.77.0.1" "$home 10.77.0.2"; do
  read -r ns address <<<"$end"
  ip -n "$ns" addr add "$address/24" dev lan0
  ip -n "$ns" link set lan0 up
  ip -n "$ns" link set lo up
  ip -n "$ns" route add default dev lan0
  # A queue of 50 ms, as a modest router has.
  tc -n "$ns" qdisc add dev lan0 root tbf rate "$rate" burst 16kb latency 50ms
done

web() { # NAMESPACE ADDRESS
  local folder=$data/web-$2
  mkdir -p "$folder/www"
  head -c "${mib}M" /dev/zero >"$folder/www/transfer"
  truncate -s 64G "$folder/www/endless"
  echo small >"$folder/www/small"
  cat >"$folder/nginx.conf" <<CONF
daemon off; master_process off; pid $folder/nginx.pid;
events { worker_connections 256; }
http { access_log off; sendfile on; default_type application/octet-stream;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi; uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  server { listen $2:8080; root $folder/www; } }
CONF
  ip netns exec "$1" nginx -p "$folder" -c "$folder/nginx.conf" -e stderr &
  pids+=($!)
}
web "$out" 10.77.0.1
web "$home" 10.77.0.2

wait_for() { # FILE PATTERN
  for _ in $(seq 300); do
    grep -q "$2" "$1" 2>/dev/null && return
    sleep 0.1
  done
  echo "nothing like $2 in $1" >&2
  exit 1
}
"$overlay" consent give --i-have-read-it 1 --data "$data/provider" --allow-private-targets --allow-port 8080 >/dev/null
if [ -n "${LIMITS:-}" ]; then "$overlay" limits set --data "$data/provider" $LIMITS >/dev/null; fi
set -m
ip netns exec "$home" "$overlay" run --json --no-mdns --data "$data/provider" --listen /ip4/10.77.0.2/tcp/4001 --share --allow-private-targets --allow-port 8080 "$@" >"$data/provider.out" &
pids+=($!)
wait_for "$data/provider.out" '"ready"'
address=$(sed -n 's/.*"addresses":\["\([^"]*\)".*/\1/p' "$data/provider.out" | head -n 1)
ip netns exec "$out" "$overlay" run --json --no-mdns --data "$data/consumer" --provider "$address" --socks 127.0.0.1:1080 >"$data/consumer.out" &
pids+=($!)
wait_for "$data/consumer.out" '"ready"'

fetch() { # NAMESPACE ADDRESS: bytes a second
  ip netns exec "$1" curl -s --noproxy '*' -o /dev/null -w '%{speed_download}' "http://$2:8080/transfer"
}
latency() { # median milliseconds from the first packet to a small answer, of 40, ten a second
  for _ in $(seq 40); do
    ip netns exec "$home" curl -s --noproxy '*' -o /dev/null -w '%{time_starttransfer}\n' http://10.77.0.1:8080/small
    sleep 0.1
  done | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] * 1000, v[int(NR * 0.95)] * 1000 }'
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
pulling=""
pull() {
  ip netns exec "$out" curl -s --noproxy '' -o /dev/null --proxy socks5h://127.0.0.1:1080 http://10.77.0.1:8080/endless &
  pulling=$!
  sleep 8
}
rest() {
  kill "$pulling" 2>/dev/null || true
  wait "$pulling" 2>/dev/null || true
  sleep 1
}
crossed() { ip netns exec "$home" cat /sys/class/net/lan0/statistics/tx_bytes; }

echo "round  download  upload  latency-ms  with-a-consumer: its-rate  download  upload  latency-ms"
for round in $(seq "$rounds"); do
  down=$(fetch "$home" 10.77.0.1) up=$(fetch "$out" 10.77.0.2)
  read -r lat lat95 <<<"$(latency)"
  pull
  a=$(crossed); sleep 4; b=$(crossed)
  served=$(((b - a) / 4))
  read -r latw latw95 <<<"$(latency)"
  downw=$(fetch "$home" 10.77.0.1)
  sleep 14
  upw=$(fetch "$out" 10.77.0.2)
  rest
  echo "$round  $down  $up  $lat ($lat95)  $served  $downw  $upw  $latw ($latw95)"
  echo "$down $downw" >>"$data/down"
  echo "$up $upw" >>"$data/up"
  echo "$lat $latw" >>"$data/lat"
done
echo "owner's download with a consumer, of that without: $(awk '{ print $2 / $1 }' "$data/down" | median)"
echo "owner's upload with a consumer, of that without:   $(awk '{ print $2 / $1 }' "$data/up" | median)"
echo "added to the owner's small answers, ms:            $(awk '{ print $2 - $1 }' "$data/lat" | median)"
