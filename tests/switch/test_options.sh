#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line: help, usage errors, and what happens when nobody takes the output.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

verbs=(switch dry-activate rehearse rollback test boot confirm recover container diff init lint generations show status states log export pin prune verify)

runs 0 --help
equal "$(sed -nE '/^Verbs:/,/^$/s/^  ([a-z-]+) .*/\1/p' <<< "$out" | tr '\n' ' ')" "${verbs[*]} "
for verb in "${verbs[@]}"; do
        runs 0 "$verb" --help
        has "sysswitch $verb [OPTION...]"
        runs 0 -h "$verb"
        [[ $(< "$SOURCE_DIR/docs/sysswitch.8") = *"$verb"* || $verb = dry-activate ]] || fail "$verb is not in the manual"
done
# a line of text that begins with a dot is taken for a request, and is gone
equal "$(grep -nE '^\.[^A-Za-z\\]' "$SOURCE_DIR/docs/sysswitch.8" || true)" ""
# every option that a help names is in the manual, and the other way round
for verb in "${verbs[@]}"; do
        runs 0 "$verb" --help
        printf '%s\n' "$out"
done | grep -oE -- '--[a-z-]+' | sort -u > helped
grep -v '^\.\\"' "$SOURCE_DIR/docs/sysswitch.8" | sed -n '/^.SH OPTIONS/,/^.SH EXIT/s/\\-/-/gp' |
        grep -E '^\.B' | grep -oE -- '--[a-z-]+' | sort -u > documented
grep -q -- --force helped && equal "$(diff helped documented)" ""

runs 0 --version
[[ $out =~ ^sysswitch\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "version"

refuses 2 "No verb"
refuses 2 "did you mean switch?" swich
refuses 2 "did you mean generations?" generation
refuses 2 "Unknown verb: frobnicate (see" frobnicate
refuses 2 "Unknown verb: " ""
refuses 2 "Unknown option: --nope" switch --nope
refuses 2 "Unknown option: -x" switch -x
refuses 2 "generations takes no option --force" generations --force
refuses 2 "log takes no option --dry-run" log --dry-run
refuses 2 "Too many arguments: sysswitch show" show a b
refuses 2 "Too many arguments: sysswitch generations" generations 1
refuses 2 "Not a time span: 5x" switch --timeout=5x
refuses 2 "Not a time span: 0" switch --timeout=0
refuses 2 "Not a time span" switch --timeout=99999999999999999999
refuses 2 "Not a time span" switch --timeout=9999999999999h
refuses 2 "--timeout needs a value" switch --timeout
refuses 2 "--timeout= needs a value" switch --timeout=
refuses 2 "--json takes no value" --json=1 diff
refuses 2 "Not a number of entries: 0" log -n 0
refuses 2 "Not a number of entries: -1" log -n -1
refuses 2 "-p needs a value" -p
refuses 2 "Not the name of a profile: a@b" -p a@b generations
# -p behind log is that of git; a log that is no verb makes nothing of it
refuses 2 "Not the name of a profile: a@b" generations log -p a@b
refuses 2 "Cannot go to $work/none" -C "$work/none" diff
refuses 2 "Cannot go to $work/none: No such file or directory" diff --exit-code -C "$work/none"
# what a verb would pass over is refused, by its name
refuses 2 "boot takes no option --confirm" boot --confirm=60s
refuses 2 "boot takes no option --on-failure" boot --on-failure=rollback

# what is not known without a working directory is told as that
mkdir gone
(
        cd gone && rmdir ../gone
        refuses 1 ".: The working directory is gone" --root=. status
        for reference in . hosts/edge1 ../hosts; do
                refuses 1 "$reference: The working directory is gone" --root="$work" switch --dry-run "$reference"
        done
        runs 0 --root="$work" status
)

# a full disk is told; whoever closed the output wanted none
status=0
"$program" --help > /dev/full 2> .err || status=$?
equal "$status" 1
equal "$(< .err)" "sysswitch: Cannot write to standard output: No space left on device"
"$program" --help 2> .err | true || true
equal "$(< .err)" ""
put hosts/long/etc/long "$(seq 10000)"
status=0
"$program" --root="$work" --no-pager diff hosts/long > /dev/full 2> .err || status=$?
equal "$status" 1
[[ $(< .err) = "sysswitch: Not all of it could be written"* ]] || fail "$(< .err)"

# no output at all is an error only where there was something to say
status=0
"$program" --help >&- 2> .err || status=$?
equal "$status" 1
