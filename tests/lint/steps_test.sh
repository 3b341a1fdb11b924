#!/bin/bash
# What ./test counts: tests/steps.sh with a project of its own whose build breaks, whose tests fail once or always, and
# what goes on at the side.
set -u
source=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit
mkdir tests && cp "$source/tests/steps.sh" tests/
printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(tried NONE)' 'enable_testing()' \
    'add_test(NAME good COMMAND true)' 'add_test(NAME bad COMMAND false)' \
    "add_test(NAME once COMMAND sh -c \"test -e $folder/tried || { : >$folder/tried && false; }\")" \
    'add_test(NAME left COMMAND sh -c "exit 77")' 'set_tests_properties(left PROPERTIES SKIP_RETURN_CODE 77)' >CMakeLists.txt
cmake -S . -B built -G Ninja >/dev/null || exit

failures_here=0
# expect WHAT TEXT LINE...: runs LINEs in a shell that has sourced steps.sh; what it says must hold TEXT.
expect() {
    local what=$1 text=$2 said
    shift 2
    said=$(bash -c "set -u; . tests/steps.sh; $(printf '%s; ' "$@") finish" 2>&1)
    case $said in
    *"$text"*) ;;
    *) printf 'FAILED: %s: expected\n%s\ngot\n%s\n' "$what" "$text" "$said" && failures_here=$((failures_here + 1)) ;;
    esac
}

run="suite compile,other built -R 'good|left'"
expect 'a good build' '2 passed, 0 failed, 1 skipped' 'step compile true' "$run"
expect 'a broken build' 'failed: compile
failed: tests in built (-R good|left): not run, because "compile" failed
0 passed, 2 failed, 0 skipped' 'step compile false' "$run"
[ -f built/report.xml ] || { echo 'FAILED: the first run left no report, so nothing was tried' && exit 1; }
expect 'what stands on something else' '2 passed, 1 failed, 1 skipped' 'step other_one false' 'step compile true' "$run"
expect 'a build that broke at the side' 'not run, because "compile" failed' 'broken_build() { step page true; step compile false; }' \
    'aside_steps builds broken_build' 'collect_steps builds' "$run"
expect 'steps at the side count' '2 passed, 1 failed, 0 skipped' 'three() { step a true; step b false; step c true; }' \
    'aside_steps three three' 'wait_aside' 'collect_steps three'
expect 'what is measured at the side' 'measured: ten of ten' 'tells() { echo "# measured: ten of ten"; }' 'aside one tells' 'collect one'
expect 'what is at the side has its status' 'status 3' 'ends() { echo said; return 3; }' 'aside one ends' 'collect one; echo status $?'
# Who is waited for gives way no more, so it has to have said so before.
expect 'and gives way' 'nice 19' 'weak() { cut -d" " -f19 /proc/self/stat >weak.new && mv weak.new weak; }' 'aside one weak' \
    'until [ -s weak ]; do sleep 0.1; done' 'echo "nice $(cat weak)"' 'collect one'

expect 'who ends takes along what it began' '0 failed' 'lasts() { echo $$ >lasts; exec sleep 600; }' 'aside one lasts' \
    'until [ -s lasts ]; do sleep 0.1; done' 'pass'
waited=0
while grep -qs '^State:.[^Z]' "/proc/$(cat lasts)/status"; do # a zombie has ended
    [ $((waited += 1)) -lt 100 ] || { echo 'FAILED: what was at the side goes on' && failures_here=$((failures_here + 1)) && break; }
    sleep 0.1
done

expect 'a suite runs once' 'failed: once (built)' 'suite compile built -R "good|once"'
rm -f tried
expect 'a browser may need a second run' 'measured: second run needed by once
2 passed, 0 failed, 0 skipped' 'suite_of_browsers compile built -R "good|once"'
expect 'and fails where that fails too' 'failed: bad (built)
1 passed, 1 failed, 1 skipped' 'suite_of_browsers compile built -R "good|bad|left"'
expect 'but not without its build' 'because "compile" failed
0 passed, 2 failed, 0 skipped' 'step compile false' 'suite_of_browsers compile built -R good'
expect 'no test at all is none that passed' '0 passed, 1 failed' 'suite compile built -R nothing'

[ $failures_here = 0 ] && echo "all as expected"
exit $failures_here
