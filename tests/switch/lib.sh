# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For the tests that run the program on directories. A check that does not hold ends the test with what it saw.
set -eu -o pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin # the distribution's programs, not wrappers of somebody's home
export LC_ALL=C.UTF-8 TERM=xterm GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
unset SUDO_USER SUDO_UID NO_COLOR PAGER SYSSWITCH_PAGER LESS

program=$BUILD_DIR/switch/sysswitch
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
        printf 'FAILED at line %s: %s\n' "${BASH_LINENO[-2]}" "$1" >&2
        printf 'exit status %s\nstdout:\n%s\nstderr:\n%s\n' "${status-}" "${out-}" "${err-}" >&2
        exit 1
}

# run ARGUMENT...: the program; its ends are in $status, $out and $err.
run() {
        status=0
        "$program" "$@" > "$work/.out" 2> "$work/.err" < /dev/null || status=$?
        out=$(< "$work/.out") err=$(< "$work/.err")
        [[ $err != *Sanitizer* && $err != *"runtime error"* ]] || fail "sanitizer: $*"
        [[ " $* " != *" --json "* || -z $out ]] || check_json "$@"
}

# check_json ARGUMENT...: what the program printed for these is what the schema says of the verb.
check_json() {
        local errors
        errors=$(printf '%s' "$out" | "$SOURCE_DIR/tests/support/check_json.py" "$@") || fail "not of the schema: $errors"
}

# runs STATUS ARGUMENT...: and it must end so.
runs() {
        local wanted=$1
        shift
        run "$@"
        [ "$status" = "$wanted" ] || fail "exit status $status, not $wanted: sysswitch $*"
        [ "$wanted" != 0 ] || [ -z "$err" ] || fail "an error on success: sysswitch $*"
}

# refuses STATUS TEXT ARGUMENT...: ends so, with one line on standard error that has the text, and no other output.
refuses() {
        local wanted=$1 text=$2
        shift 2
        runs "$wanted" "$@"
        [ -z "$out" ] || fail "output of a refusal: sysswitch $*"
        [ "$(wc -l < "$work/.err")" = 1 ] || fail "not one line: sysswitch $*"
        [[ $err = "sysswitch: "*"$text"* ]] || fail "no '$text' in the error: sysswitch $*"
}

has() {
        [[ $out = *"$1"* ]] || fail "no '$1' in the output"
}

lacks() {
        [[ $out != *"$1"* ]] || fail "'$1' in the output"
}

equal() {
        [ "$1" = "$2" ] || fail "'$1' is not '$2'${3:+ ($3)}"
}

# json EXPRESSION: a Python expression of the last output, as j; prints its value.
json() {
        printf '%s' "$out" | python3 -c 'import json, sys; j = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" ||
                fail "no JSON, or no $1"
}

# put FILE TEXT
put() {
        mkdir -p "$(dirname "$1")"
        printf '%s\n' "$2" > "$1"
}
