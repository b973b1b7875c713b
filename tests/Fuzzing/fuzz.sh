#!/usr/bin/env bash
# Fuzzes the parsers. See docs/fuzzing.md.
#
#   tests/Fuzzing/fuzz.sh [--afl] [--executions N | --seconds N] [--seed N] [--jobs N] [--minimize] [TARGET...]
#
# Without targets: all of them. --executions (1000000) or --seconds is for each target. One process guided by coverage does the work; with --afl
# AFL++ does, for --seconds (60). Prints one row for each target: executions, seconds, accepted, edges, inputs, findings, allocation, slowest.
# What was found is left below artifacts/fuzzing-output; --minimize makes the repository's corpora of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_TieredCompilation=1
# The identity file's target writes one for each input.
if [ -d /dev/shm ] && [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
program=artifacts/fuzzing output=artifacts/fuzzing-output
afl="" amount=(--executions 1000000) seconds=60 seed=1 jobs=1 minimize="" targets=()

while [ $# -gt 0 ]; do
  case $1 in
    --afl) afl=1 ;;
    --executions) amount=(--executions "$2"); shift ;;
    --seconds) amount=(--seconds "$2"); seconds=$2; shift ;;
    --seed) seed=$2; shift ;;
    --jobs) jobs=$2; shift ;;
    --minimize) minimize=1 ;;
    -*) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done

need() {
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    apt-get install -q -y --no-install-recommends "$2" >&2 && return
  fi
  echo "Missing: $1. Install it (Debian: apt-get install $2) and start again." >&2
  exit 2
}

need dotnet dotnet-sdk-10.0
if [ -n "$afl" ]; then need afl-fuzz afl++; fi

# The assemblies under test are rewritten so that they count what they reach; only the copies in this folder are.
rm -rf "$program"
dotnet publish tests/Fuzzing -c Release -o "$program" --nologo -v quiet
dotnet tool restore >/dev/null
for assembly in Overlay Overlay.Transport Overlay.Proofs; do dotnet tool run sharpfuzz "$program/$assembly.dll"; done

if [ ${#targets[@]} -eq 0 ]; then mapfile -t targets < <(dotnet "$program/Overlay.Fuzzing.dll" list); fi
mkdir -p "$output"

in_process() {
  dotnet "$program/Overlay.Fuzzing.dll" "$1" "${amount[@]}" --seed "$seed" --output "$output/$1"
}

# AFL++ asks for settings of the whole machine that make it faster; without them it is slower and finds the same.
under_afl() {
  local target=$1 folder="$output/$1-afl"
  rm -rf "$folder"
  AFL_SKIP_BIN_CHECK=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 AFL_FORKSRV_INIT_TMOUT=60000 \
    afl-fuzz -i "tests/Fuzzing/corpus/$target" -o "$folder" -m none -t 5000 -V "$seconds" -s "$seed" -- \
    dotnet "$program/Overlay.Fuzzing.dll" afl "$target" >"$output/$target-afl.log" 2>&1 || { tail -5 "$output/$target-afl.log"; return 1; }
  awk -F ' *: *' -v target="$target" '
    { value[$1] = $2 }
    END {
      printf "| %s | %d | %d | %d paths | %s | %d crashes | %d hangs |\n", target, value["execs_done"], value["run_time"], value["corpus_count"],
        value["bitmap_cvg"], value["saved_crashes"], value["saved_hangs"]
      exit value["saved_crashes"] + value["saved_hangs"] > 0
    }' "$folder/default/fuzzer_stats"
}

one() { if [ -n "$afl" ]; then under_afl "$1"; else in_process "$1"; fi; }

failed=0 running=0
for target in "${targets[@]}"; do
  one "$target" &
  running=$((running + 1))
  if [ "$running" -ge "$jobs" ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
done
while [ "$running" -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done

if [ -n "$minimize" ]; then
  for target in "${targets[@]}"; do
    dotnet "$program/Overlay.Fuzzing.dll" minimize "$target" "$output/$target" "$output/$target-afl/default/queue"
  done
fi
exit "$failed"
