# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Sourced by a lab test: a lab of its own, and assertions. README.md says how to write one.
set -euE -o pipefail
lab_tools=${lab_tools:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)} # where boot, enter and off are
SOURCE_DIR=${SOURCE_DIR:-$(cd "$lab_tools/../.." && pwd)}
BUILD_DIR=${BUILD_DIR:-$SOURCE_DIR/build/dev}
LAB='' lab_root='' lab_guard='' out=''
at_end='' # what a test does at its end, before its lab goes; it does not change how it ended
. "$(dirname "${BASH_SOURCE[0]}")/labs.sh"
export LAB_DIR

lab_reason=$("$lab_tools/boot" --check 2>&1) || {
        echo "left out: $lab_reason"
        exit 77
}

# Prints FILE:LINE of the test's own line, whatever helper it called.
lab_where() {
        local i
        for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
                [[ ${BASH_SOURCE[i]} = */lib.sh ]] || break
        done
        echo "${BASH_SOURCE[i]:-$0}:${BASH_LINENO[i - 1]}"
}

# fail MESSAGE: ends the test, from a $(...) too.
fail() {
        trap - ERR
        echo "$(lab_where): $1" >&2
        [ "$BASHPID" = $$ ] || kill -USR1 $$
        exit 1
}
trap 'exit 1' USR1
trap 'fail "exit status $?: $BASH_COMMAND"' ERR

lab_end() {
        local status=$?
        trap - ERR EXIT
        set +e
        [ -z "$lab_guard" ] || kill -- "-$lab_guard"
        eval "$at_end"
        [ -n "$LAB" ] && [ -d "$LAB_DIR/$LAB" ] || exit "$status"
        # of a switch that is a service nobody else sees these
        if "$lab_tools/enter" "$LAB" journalctl -u 'sysswitch-*' -o cat --no-pager 2> /dev/null |
                grep -E 'Sanitizer:|runtime error:|Assertion .* failed' >&2; then
                status=1
        fi
        if [ "$status" != 0 ]; then
                echo "--- the lab's last lines:" >&2
                "$lab_tools/enter" "$LAB" journalctl -n 30 --no-pager -o short-monotonic >&2
        fi
        if [ -n "${LAB_KEEP-}" ]; then
                echo "the lab is kept: tests/lab/enter $LAB bash; tests/lab/off $LAB" >&2
        else
                "$lab_tools/off" "$LAB" || status=1
        fi
        exit "$status"
}
trap lab_end EXIT
trap 'exit 130' INT TERM HUP

# lab_start [BOOT-OPTION...]: boots this test's lab, or boots it again after `lab_cut`. It is removed when the
# test ends, however it ends. LAB is its name, lab_root its root as seen from here (links in it lead out of it).
lab_start() {
        if [ -z "$LAB" ]; then
                LAB=$(basename "$0" | tr -c 'a-z0-9\n' '-')
                LAB=${LAB:0:30}-$$
                if [ -z "${LAB_KEEP-}" ]; then # a test that is killed cannot clean up
                        setsid bash -c 'tail --pid="$1" -f /dev/null; [ ! -d "$2" ] || exec "$3" "$4"' \
                                lab-guard $$ "$LAB_DIR/$LAB" "$lab_tools/off" "$LAB" \
                                > /dev/null 2>&1 < /dev/null &
                        lab_guard=$!
                fi
        fi
        local pid1
        pid1=$("$lab_tools/boot" "$LAB" "$@")
        lab_root=/proc/$pid1/root
}

# lab_cut [--lose]: SIGKILL to the whole lab; lab_start boots it again.
lab_cut() {
        "$lab_tools/off" "$LAB" --cut "$@"
}

# Installs the built program into the lab: below /usr, or /usr/local where that is all one can write.
lab_install() {
        local prefix=/usr
        [ "$(cat "$LAB_DIR/$LAB/kind")" = overlay ] || prefix=/usr/local
        DESTDIR=$lab_root cmake --install "$BUILD_DIR" --prefix "$prefix" > /dev/null
        on systemctl daemon-reload
}

# on CMD...: runs it in the lab.
on() {
        "$lab_tools/enter" "$LAB" "$@"
}

# write PATH [MODE]: standard input into a file of the lab.
write() {
        on sh -c 'mkdir -p "$(dirname "$1")" && cat > "$1" && chmod "$2" "$1"' sh "$1" "${2:-644}"
}

# put FILE-OR-DIRECTORY... PATH: copies into a directory of the lab, which is made.
put() {
        mkdir -p "$lab_root${*: -1}"
        cp -a "${@:1:$#-1}" "$lab_root${*: -1}/"
}

# expect_exit STATUS CMD...: what it prints, both streams, is in $out afterwards.
expect_exit() {
        local want=$1 status=0
        shift
        out=$("$@" 2>&1) || status=$?
        [ "$status" = "$want" ] || fail "exit status $status, not $want: $*${out:+$'\n'$out}"
        [[ "$1 ${2-}" != "on sysswitch" || $out != "{"* ]] || check_json "${@:3}"
}

# check_json ARGUMENT...: what sysswitch printed for these is of the schema.
check_json() {
        local errors
        errors=$(printf '%s' "$out" | "$SOURCE_DIR/tests/support/check_json.py" "$@") || fail "not of the schema: $errors"
}

expect_ok() {
        expect_exit 0 "$@"
}

# await CONDITION [WORD...]: until a shell of the lab finds it true; the words are its $1, $2, ... The limit is for what never
# comes: how long a loaded machine may take is nobody's guess.
await() {
        on timeout 300 sh -c 'condition=$1; shift; until eval "$condition"; do sleep 0.05; done' sh "$@"
}

# journal [OPTION...]: what journalctl tells, with all that was written before.
journal() {
        on sh -c 'journalctl --sync; exec journalctl --no-pager "$@"' sh "$@"
}

# equal GOT WANT [WHAT]
equal() {
        [ "$1" = "$2" ] || fail "${3:+$3: }got '$1', want '$2'"
}

# has TEXT PART: the part occurs in the text.
has() {
        [[ $1 = *"$2"* ]] || fail "no '$2' in: $1"
}

# unit_is NAME STATE: as `systemctl is-active` says it (active, inactive, failed ...).
unit_is() {
        equal "$(on systemctl is-active "$1" || true)" "$2" "$1"
}

# invocation UNIT: prints the id of its present run; the same id means that nothing touched it.
invocation() {
        on systemctl show --property=InvocationID --value "$1"
}
