# What ./test counts and how it runs things: steps, suites of CTest, and what goes on at the side. Sourced by ./test, with
# `set -u`, in the source's top folder. tests/lint/steps_test.sh tries it.

passed=0 failed=0 skipped=0
failures=() skips=()
measured=()
start=$SECONDS

headline() { printf '\n== %s (%d s)\n' "$1" $((SECONDS - start)); }
pass() { passed=$((passed + 1)); }
fail() {
  failed=$((failed + 1))
  failures+=("$1")
  echo "FAILED: $1"
}
skip() {
  skipped=$((skipped + 1))
  skips+=("$1")
  echo "SKIPPED: $1"
}
declare -A broken # what failed, and so does what stands on it
# step NAME COMMAND...: counts as one test.
step() {
  local name=$1
  shift
  if "$@"; then
    pass
  else
    fail "$name"
    broken[$name]=yes
  fi
}

# ---- at the side

# Tests that mostly wait leave the processors idle. `aside NAME COMMAND...` begins something there; `collect NAME` waits
# for its end, tells what it said, counts lines `# measured: ...` of it, and has its status. It has the lowest priority, and a session of its own, because
# Linux weighs priorities within a session, and sessions by a number of their own (man 7 sched, autogroup). COMMAND may
# be a function.
declare -A aside_pids aside_codes
aside_folder=$(mktemp -d)
aside() {
  local name=$1
  shift
  { declare -f && declare -p start; } >"$aside_folder/$name.functions"
  # shellcheck disable=SC2016 # it is the other shell that expands
  setsid bash -c 'set -u
    renice -n 19 -p $$ >/dev/null
    { echo 19 >/proc/self/autogroup; } 2>/dev/null
    . "$1"
    shift
    "$@"' aside "$aside_folder/$name.functions" "$@" >"$aside_folder/$name" 2>&1 </dev/null &
  aside_pids[$name]=$!
}
wait_for_aside() {
  local pid=${aside_pids[$1]}
  # What is waited for gives way to nobody any more, where that may be said.
  { echo 0 >"/proc/$pid/autogroup" && renice -n 0 -g "$pid"; } >/dev/null 2>&1
  wait "$pid"
  aside_codes[$1]=$?
  unset "aside_pids[$1]"
}
wait_aside() { # until nothing is at the side
  local name
  for name in "${!aside_pids[@]}"; do wait_for_aside "$name"; done
}
collect() {
  local line
  [ -z "${aside_pids[$1]:-}" ] || wait_for_aside "$1"
  cat "$aside_folder/$1"
  while read -r line; do measured+=("$line"); done < <(grep -aoP '^# measured: \K.*' "$aside_folder/$1")
  return "${aside_codes[$1]}"
}
end_aside() {
  local pid
  for pid in ${aside_pids[@]+"${aside_pids[@]}"}; do
    kill -KILL -- "-$pid" 2>/dev/null # what hardly gets a processor hardly hears of anything else
  done
  rm -rf "$aside_folder"
}
trap end_aside EXIT
trap 'exit 130' INT TERM

# aside_steps NAME FUNCTION: a function that makes steps; collect_steps NAME counts them.
aside_steps() { aside "$1" count_into "$aside_folder/$1.steps" "$2"; }
count_into() {
  passed=0 failed=0 failures=()
  declare -A broken
  "$2"
  printf '%s\n' "$passed" ${failures[@]+"${failures[@]}"} >"$1"
}
collect_steps() {
  local lines name
  collect "$1"
  mapfile -t lines <"$aside_folder/$1.steps"
  passed=$((passed + lines[0]))
  for name in "${lines[@]:1}"; do # it has been said already
    failed=$((failed + 1))
    failures+=("$name")
    broken[$name]=yes
  done
}

# ---- the end

finish() {
  headline summary
  local line
  for line in ${measured[@]+"${measured[@]}"}; do echo "measured: $line"; done
  for line in ${skips[@]+"${skips[@]}"}; do echo "skipped: $line"; done
  for line in ${failures[@]+"${failures[@]}"}; do echo "failed: $line"; done
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ] && exit 0
  exit 1
}

# ---- suites of CTest

# counted REPORT WHERE [TEST...]: counts each test of a report of CTest but these.
counted() {
  local counts state name
  counts=$(python3 - "$1" "${@:3}" <<'PY'
import sys, xml.etree.ElementTree as tree
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    state, name = case.get("status"), case.get("name")
    state = {"run": "passed", "notrun": "skipped", "disabled": "skipped"}.get(state, "failed")
    print("elsewhere" if name in sys.argv[2:] else state, name)
PY
  )
  while read -r state name; do
    case $state in
    passed) pass ;;
    skipped) skip "$name ($2)" ;;
    failed) fail "$name ($2)" ;;
    esac
  done <<<"$counts"
  [ -n "$counts" ] || fail "no test in $2"
}

# grounded GROUND FOLDER CTEST_FLAGS...: GROUND are the steps that a suite stands on, separated by commas: if one failed,
# the tests are not run against what an earlier build left, and count as a failure.
grounded() {
  local ground=$1 folder=$2 name
  shift 2
  while read -r -d , name; do
    [ -z "${broken[$name]:-}" ] || { fail "tests in $folder ($*): not run, because \"$name\" failed" && return 1; }
  done <<<"$ground,"
}

# run_tests FOLDER CTEST_FLAGS...: leaves FOLDER/report.xml.
run_tests() {
  local folder=$1
  shift
  rm -f "$folder/report.xml"
  UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1 TSAN_OPTIONS=halt_on_error=1 \
    ctest --test-dir "$folder" --output-on-failure --output-junit "$PWD/$folder/report.xml" "$@"
}

# count_tests FOLDER [TEST...]: what run_tests left, but these. Names what a test skipped inside.
count_tests() {
  local folder=$1 log=$1/Testing/Temporary/LastTest.log name
  if [ ! -f "$folder/report.xml" ]; then
    fail "ctest in $folder"
    return
  fi
  counted "$folder/report.xml" "$folder" "${@:2}"
  while read -r name; do skip "$name"; done < <(grep -aoP '^\s*ok \d+ - \K.*# SKIP.*' "$log")
  while read -r name; do measured+=("$name"); done < <(grep -aoP '^\s*# measured: \K.*' "$log")
}

# suite GROUND FOLDER CTEST_FLAGS...
suite() {
  grounded "$@" || return
  shift
  run_tests "$@"
  count_tests "$1"
}

# The names of the tests that failed, of a report of CTest.
failed_in() {
  python3 - "$1" <<'PY'
import sys, xml.etree.ElementTree as tree
print(*(case.get("name") for case in tree.parse(sys.argv[1]).getroot().iter("testcase") if case.get("status") == "fail"))
PY
}

# suite_of_browsers GROUND FOLDER CTEST_FLAGS...: browsers lose calls of their own on a machine that is busy. Which test
# failed runs once more, alone; it has passed if it does so then, and the summary says that it needed that.
suite_of_browsers() {
  local folder=$2 name names=()
  grounded "$@" || return
  shift
  run_tests "$@"
  [ ! -f "$folder/report.xml" ] || read -ra names < <(failed_in "$folder/report.xml")
  count_tests "$folder" ${names[@]+"${names[@]}"}
  [ ${#names[@]} != 0 ] || return
  headline "a second run, alone: ${names[*]}"
  wait_aside
  for name in "${names[@]}"; do
    run_tests "$folder" -R "^$name\$" && measured+=("second run needed by $name")
    count_tests "$folder"
  done
}
