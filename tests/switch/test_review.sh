#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A change is judged before it is made: lint tells all faults at once, diff --all which hosts are touched, and the examples run.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
commit() {
        git -C conf add -A
        git -C conf commit -q --no-verify -m "$1"
}

git init -q -b main conf
put conf/roles/common/etc/motd "common"
put conf/roles/web/profile.conf '[Profile]
Base=../common'
put conf/roles/web/etc/web.conf "one"
put conf/roles/web/units/web.service '[Service]
ExecStart=/bin/web /etc/web.conf
[Install]
WantedBy=multi-user.target'
for host in a b; do put conf/hosts/$host/profile.conf '[Profile]
Base=../../roles/web'; done
put conf/hosts/c/profile.conf '[Profile]
Base=../../roles/common'
put conf/hosts/d/etc/motd "d has its own"
put conf/hosts/d/profile.conf '[Profile]
Base=../../roles/common'
commit "first"

# Nothing is wrong with any, in a directory or in git.
runs 0 -C conf lint hosts/a hosts/b hosts/c HEAD:hosts/d
equal "$out" ""
runs 0 lint "$SOURCE_DIR/examples/edge1"

# All that is wrong, at once, each with its own file and line, once though two hosts have it.
put conf/roles/web/profile.conf '[Profile]
Base=../common
Base=../none
Nonsense=1
[Trigger]
Unit=web
Files=/var/x
[Units]
Enable=x.service
Disable=x.service
[Nonsense]
Key=value'
put conf/roles/web/units/web.service 'before
[Service]
nothing
ExecStart=/bin/web'
put conf/hosts/a/ect/motd "misspelt"
put conf/hosts/a/units/no-type "x"
put conf/hosts/a/hooks/10-hook "not executable"
put conf/hosts/a/units/y.service '[Service]
X-SwitchMethod=nonsense'
mkfifo conf/hosts/b/pipe
runs 1 -C conf lint hosts/a hosts/b
sort <<< "$out" | cut -d' ' -f1 > faults
equal "$(< faults)" "hosts/a/ect:
hosts/a/hooks/10-hook:
hosts/a/units/no-type:
hosts/a/units/y.service:2:
hosts/b/pipe:
roles/web/profile.conf:10:
roles/web/profile.conf:11:
roles/web/profile.conf:3:
roles/web/profile.conf:4:
roles/web/profile.conf:6:
roles/web/profile.conf:7:
roles/web/units/web.service:1:
roles/web/units/web.service:3:"
runs 1 -C conf lint --json hosts/a
equal "$(json '[(f["file"], f["line"]) for f in j["faults"] if "web.service" in f["file"]]')" \
        "[('roles/web/units/web.service', 1), ('roles/web/units/web.service', 3)]"
rm conf/hosts/b/pipe
commit "faulty"
runs 1 -C conf lint HEAD:hosts/a
has "HEAD:roles/web/profile.conf:4: Unknown key Nonsense="
has "HEAD:hosts/a/units/y.service:2: X-SwitchMethod=nonsense"
equal "$(wc -l <<< "$out")" 12
runs 1 -C conf lint -q HEAD:hosts/a
equal "$out" ""
refuses 1 "hosts/none: No such directory" -C conf lint hosts/none
refuses 2 "Which sources?" lint
refuses 2 "name a source" lint @1
git -C conf reset -q --hard HEAD~1
git -C conf clean -qfd

# The hook looks at what is staged, not at what lies there.
export PATH=$BUILD_DIR/switch:$PATH
mkdir -p conf/.git/hooks
ln -s "$SOURCE_DIR/examples/review/pre-commit" conf/.git/hooks/pre-commit
put conf/hosts/c/profile.conf '[Profile]
Nonsense=1'
git -C conf add -A
if git -C conf commit -q -m "refused" > refused 2>&1; then fail "the hook let it through"; fi
grep -q '^hosts/c/profile.conf:2: Unknown key Nonsense=' refused || fail "$(< refused)"
git -C conf checkout -q HEAD -- hosts/c
put conf/hosts/c/etc/not-staged "x"
put conf/hosts/c/profile.conf '[Profile]
Base=../../roles/common
Nonsense=1'
put conf/roles/web/etc/web.conf "two"
git -C conf add roles
git -C conf commit -q -m "second"
git -C conf checkout -q -- hosts
git -C conf clean -qfd

# A change in a role: the hosts that have it, one line each, then the details.
runs 0 -C conf diff --no-pager --all='hosts/*' HEAD~1 HEAD
equal "$(head -n 3 <<< "$out")" "hosts/a  changed  1 file  restart web.service
hosts/b  changed  1 file  restart web.service
2 of 4 hosts are touched."
has "+two"
runs 1 -C conf diff --exit-code -q --all='hosts/*' HEAD~1 HEAD
runs 0 -C conf diff --exit-code --all='hosts/[cd]' HEAD~1 HEAD
equal "$out" "0 of 2 hosts are touched."
runs 0 -C conf diff --name-only --all='hosts/*' HEAD~1 HEAD
has "hosts/a
/etc/web.conf"
runs 0 -C conf diff --json --all 'hosts/*' HEAD~1 HEAD
equal "$(json '[(h["host"], h["change"], len(h["plan"]["actions"])) for h in j["hosts"]], j["n_hosts"]')" \
        "([('hosts/a', 'changed', 1), ('hosts/b', 'changed', 1)], 4)"
runs 0 -C conf diff --all='hosts/*' --format=markdown HEAD~1 HEAD
has "- hosts/a  changed  1 file  restart web.service"
has "### hosts/b"
equal "$out" "$(cd conf && "$SOURCE_DIR/examples/review/comment" HEAD~1 HEAD | sed 1d)"
mkdir conf/states
echo '{"web.service": {"ActiveState": "inactive", "SubState": "dead"}}' > conf/states/a.json
(cd conf && "$SOURCE_DIR/examples/review/comment" HEAD~1 HEAD) > comment.out
out=$(< comment.out)
has "- hosts/a  changed  1 file"
[[ $out != *"hosts/a "*restart*"hosts/b "* ]] || fail "the states of a host are not asked: $out" # it is off there
has "- hosts/b  changed  1 file  restart web.service  (no states of it)"
runs 0 -C conf diff --json --states=states --all 'hosts/*' HEAD~1 HEAD
equal "$(json '[(h["states"], len(h["plan"]["actions"])) for h in j["hosts"]]')" "[(True, 0), (False, 1)]"
refuses 2 "--states=states/a.json is one host's: with --all give a directory" \
        -C conf diff --states=states/a.json --all 'hosts/*' HEAD~1 HEAD
refuses 2 "--states=states: a.json would be of hosts/a and of other/a; compare these by two calls" \
        -C conf diff --states=states --all '*/a' "$(git -C conf rev-parse HEAD~1^{tree})" \
        "$(git -C conf rev-parse HEAD:hosts/a | xargs printf '040000 tree %s\ta\n' | git -C conf mktree |
                xargs printf '040000 tree %s\thosts\n040000 tree %s\tother\n' "$(git -C conf rev-parse HEAD:hosts)" | git -C conf mktree)"
refuses 1 "none: No such file or directory" -C conf diff --states=none --all 'hosts/*' HEAD~1 HEAD
refuses 1 "states: Is a directory" -C conf diff --states=states HEAD~1:hosts/a HEAD:hosts/a
echo nonsense > conf/states/b.json
run -C conf diff --states=states --all 'hosts/*' HEAD~1 HEAD
equal "$status" 1
has "hosts/b  cannot be compared: states/b.json:1: No JSON"
has "hosts/a  changed"
rm -r conf/states

# A comment has room for so much.
for n in 1 2 3; do
        mkdir -p "conf/hosts/many$n/etc"
        seq -f "line %g of a long file" 1500 > "conf/hosts/many$n/etc/long"
done
commit "long"
runs 0 -C conf diff --all='hosts/*' --format=markdown HEAD~1 HEAD
has "There is no room for the details of 2 hosts."
has "3 of 7 hosts are touched."
[ "${#out}" -lt 60000 ] || fail "too long: ${#out}"
git -C conf reset -q --hard HEAD~1

# What one layer hides touches nobody, in a layer of a layer too; a host comes, a host goes.
put conf/roles/common/etc/motd "common, again"
git -C conf rm -q -r hosts/b
put conf/hosts/new/etc/x "x"
commit "third"
runs 0 -C conf diff --no-pager --all='hosts/*' HEAD~1 HEAD
equal "$(head -n 5 <<< "$out")" "hosts/a  changed  1 file
hosts/b  removed  5 files  stop web.service
hosts/c  changed  1 file
hosts/new  added  1 file
4 of 5 hosts are touched."
runs 0 -C conf diff --no-pager --all='hosts/*' HEAD~1 HEAD /etc/x
has "1 of 5 hosts is touched."
runs 0 -C conf diff --no-pager --all='hosts/*' HEAD~1 HEAD /etc/web.conf # hosts/a alone has it, and b had
has "hosts/b  removed"
refuses 1 "/etc/mtd: Neither side has such a file" -C conf diff --all='hosts/*' HEAD~1 HEAD /etc/motd /etc/mtd
runs 0 -C conf diff --no-pager --all='hosts/*' HEAD HEAD /etc/motd
equal "$out" "0 of 4 hosts are touched."
refuses 1 "/etc/mtd: Neither side has such a file" -C conf diff --all='hosts/*' HEAD HEAD /etc/mtd

refuses 1 "nothing/*: No directory of these revisions matches" -C conf diff --all='nothing/*' HEAD~1 HEAD
refuses 1 "no~1: No such revision" -C conf diff --all='hosts/*' no~1 HEAD
refuses 2 "--all=hosts/* has one revision" -C conf diff --all='hosts/*' HEAD
refuses 2 "--all=hosts/* has no revision" -C conf diff --all='hosts/*'
refuses 2 "--all=HEAD~1 has one revision: write the pattern" -C conf diff --all HEAD~1 HEAD
refuses 2 "HEAD~1:hosts is no revision" -C conf diff --all='hosts/*' HEAD~1:hosts HEAD
refuses 2 "HEAD:hosts is no revision" -C conf diff --all='hosts/*' HEAD~1 HEAD:hosts
runs 0 -C conf diff --no-pager --all='hosts/*' HEAD~1 @
refuses 2 "--format=dot is one graph" -C conf diff --all='hosts/*' --format=dot HEAD~1 HEAD
refuses 1 "There is no git repository" -C / diff --all='hosts/*' HEAD~1 HEAD

# What only profile.conf says is no file of a host, and yet what a review is about: here, that it takes a reboot.
put conf/hosts/d/profile.conf '[Profile]
Base=../../roles/common
[Kernel]
Parameters=quiet'
commit "of d alone"
for reference in "--all=hosts/* HEAD~1 HEAD" "HEAD~1:hosts/d HEAD:hosts/d"; do
        # shellcheck disable=SC2086 # words
        runs 0 -C conf diff --format=markdown $reference
        has "**1 file changes; units: none acts; a reboot is needed.**"
        has "- quiet comes to the kernel's command line"
        has "<code>profile.conf</code>"
        has "+Parameters=quiet"
        # shellcheck disable=SC2086
        runs 0 -C conf diff --no-pager --stat $reference
        has " profile.conf |     2 ++"
        # shellcheck disable=SC2086
        runs 0 -C conf diff --no-pager --name-only $reference profile.conf
        has "profile.conf"
        # shellcheck disable=SC2086
        runs 0 -C conf diff --no-pager $reference profile.conf
        has "  M profile.conf"
        has "+Parameters=quiet"
done
git -C conf reset -q --hard HEAD~1

# One host that cannot be compared hides no other.
put conf/hosts/a/profile.conf '[Profile]
Base=../../roles/none'
git -C conf add -A
git -C conf commit -q --no-verify -m "bad base"
put conf/hosts/c/etc/x "changed"
git -C conf add -A
git -C conf commit -q --no-verify -m "beside it"
run -C conf diff --no-pager --all='hosts/*' HEAD~1 HEAD
equal "$status" 1
equal "$(head -n 3 <<< "$out" | sed 's/compared: .*/compared/')" "hosts/a  cannot be compared
hosts/c  changed  1 file
1 of 4 hosts is touched."
[[ $err = *"hosts/a/profile.conf:2: Base=../../roles/none: "* ]] || fail "not told"
run -C conf diff --json --all='hosts/*' HEAD~1 HEAD
equal "$status $(json '[h["host"] for h in j["hosts"]], [f["host"] for f in j["faults"]]')" "1 (['hosts/c'], ['hosts/a'])"
# The comment is there all the same; it fails for what is faulty now, not for what was.
comment() {
        status=0
        (cd conf && "$SOURCE_DIR/examples/review/comment" "$@") > comment.out 2> comment.err || status=$?
        out=$(< comment.out)
}
comment HEAD~1 HEAD
equal "$status" 123
has "- hosts/a  cannot be compared: HEAD~1:hosts/a/profile.conf:2: "
has "- hosts/c  changed"
grep -q '^HEAD:hosts/a/profile.conf:2: ' comment.err || fail "$(< comment.err)"
put conf/hosts/a/profile.conf '[Profile]
Base=../../roles/web'
commit "mended"
comment HEAD~1 HEAD
equal "$status" 0
has "- hosts/a  cannot be compared: HEAD~1:hosts/a/profile.conf:2: "
mkdir conf/states
echo nonsense > conf/states/b.json
put conf/hosts/b/etc/y "y"
commit "with states that are none"
comment HEAD~2 HEAD
equal "$status" 1
has "- hosts/b  cannot be compared: states/b.json:1: "
comment none HEAD
equal "$status $out" "1 "
git -C conf reset -q --hard HEAD~4

# A container's layer counts as well, and what is damaged is told.
put conf/hosts/c/containers/box/profile.conf '[Profile]
Base=../../../../roles/web'
put conf/hosts/c/containers/box.nspawn ""
commit "fourth"
put conf/roles/web/etc/web.conf "three"
commit "fifth"
runs 0 -C conf diff --no-pager --all='hosts/*' HEAD~1 HEAD
has "hosts/c  changed"
put conf/roles/web/profile.conf 'nonsense'
commit "sixth"
run -C conf diff --all='hosts/*' HEAD~1 HEAD
equal "$status" 1
has "0 of 4 hosts are touched."
[[ $err = "sysswitch: 2 of 4 hosts cannot be compared: HEAD:roles/web/profile.conf:1: "* ]] || fail "not told"

"$SOURCE_DIR/tests/bench/fleet" --program "$program" --runs 1 --check > fleet || fail "$(< fleet)"
