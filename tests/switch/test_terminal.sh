#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is different on a terminal: colours, the pager, and neither of them where it is not wanted.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

put old/etc/motd "one"
put new/etc/motd "two"
escape=$'\033'

# on_terminal COMMAND: in a pseudo-terminal of 24 lines; what it writes is in $out, with \n for \r\n
on_terminal() {
        status=0 err=
        out=$(script -qec "stty rows 24 cols 80; $1" /dev/null < /dev/null) || status=$?
        out=${out//$'\r'/}
        equal "$status" 0
}

runs 0 diff old new
lacks "$escape"
plain=$out
export PAGER=
on_terminal "$program diff old new"
has "${escape}[32m+two${escape}[m"
has "${escape}[1mdiff --git a/etc/motd b/etc/motd${escape}[m"
# shellcheck disable=SC2001
equal "$(sed "s/$escape\[[0-9;]*m//g" <<< "$out")" "$plain"
on_terminal "NO_COLOR=1 $program diff old new"
equal "$out" "$plain"
on_terminal "TERM=dumb $program diff old new"
equal "$out" "$plain"

# the pager: ours, else everybody's; not without a terminal, not with --no-pager, not through a pipe
export PAGER='sed s/^/paged:/'
on_terminal "$program diff old new"
has "paged:"
on_terminal "SYSSWITCH_PAGER='sed s/^/ours:/' $program diff old new"
has "ours:"
on_terminal "$program --no-pager diff old new"
lacks "paged:"
on_terminal "SYSSWITCH_PAGER=cat $program diff old new"
lacks "paged:"
runs 0 diff old new
equal "$out" "$plain"
on_terminal "PAGER=no-such-pager $program diff old new"
has "no-such-pager"
has "+two"
on_terminal "PAGER=false $program diff old new"
on_terminal "PAGER='head -n 1' $program diff old new"
equal "$(wc -l <<< "$out")" 1
on_terminal "SUDO_UID=0 LESS=FX $program diff old new"
lacks "paged:"
has "+two"

# a locale without UTF-8 gets ASCII
put image/etc/motd "zero"
LC_ALL=C runs 0 --root=image switch --dry-run new
has "generation 0 -> new (1)"
LC_ALL=C.UTF-8 runs 0 --root=image switch --dry-run new
has "generation 0 → new (1)"

# a switch never pages, and its lines are the same without a terminal
on_terminal "$program --root=image switch new"
lacks "paged:"
has "is active"
equal "$(< image/etc/motd)" "two"

# whoever reads the output goes away: a switch goes on all the same
put new/etc/motd "three"
mkfifo gone
exec 3<> gone
exec 4> gone
exec 3>&- # now 4 is a pipe without a reader
"$program" --root=image switch new >&4 2> .err || fail "$(< .err)"
equal "$(< image/etc/motd)" "three"
status=0
"$program" --root=image show >&4 2> .err || status=$?
equal "$status" 141 # the signal's, as other programs that only show
