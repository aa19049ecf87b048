#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each verb prints JSON of docs/plan.schema.json, or says that it prints none; each document of the schema is looked at, here or
# in a lab.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

parts=" " verbs=" "
# prints STATUS PART ARGUMENT...: this part of the schema ("plan": all of it), with its version; the verb comes first.
prints() {
        local wanted=$1 part=$2
        shift 2
        runs "$wanted" "$@" --json "${R[@]}"
        [ -n "$out" ] || fail "no JSON: $*"
        printf '%s' "$out" | "$SOURCE_DIR/tests/support/check_json.py" --part "${part#plan}" > "$work/.errors" ||
                fail "not $part: $(< "$work/.errors")"
        equal "$(json 'j["schema"]')" 1
        parts+="$part " verbs+="$1 "
}

R=(--root=image)
mkdir -p image/etc image/usr/lib/systemd/system
put image/etc/motd "as found"
put src/profile.conf '[File]
Path=key
Mode=0600
Secret=yes'
put src/etc/motd "one"
put src/etc/key "hunter1"
put src/units/web.service '[Service]
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target'
git -c init.defaultBranch=main init -q .
git config user.name a && git config user.email a@example.org
mkdir -p hosts && cp -r src hosts/a && git add hosts && git commit -q -m one
echo two > hosts/a/etc/motd && git commit -q -a -m two

prints 0 plan dry-activate src
prints 0 plan switch src
prints 0 plan boot src
put src/etc/motd "two"
prints 0 plan diff src
prints 0 plan test src
prints 0 plan rollback
prints 0 generations generations
put image/etc/motd "by hand"
prints 1 status status
prints 1 verify verify
runs 0 "${R[@]}" switch --force src
prints 0 show_saved show --saved
prints 0 show show
prints 0 show show hosts/a
prints 0 log log
prints 0 log_one log 1
prints 0 history log /etc/motd
prints 0 history log -p
prints 0 export export @1 copy
prints 0 prune prune --keep=1
prints 0 prune prune --keep=1 --dry-run
prints 0 diff_all diff --all='hosts/*' HEAD~1 HEAD
printf 'Nonsense\n' >> src/profile.conf
prints 1 lint lint src

# What cannot print any says so.
for line in "confirm" "recover" "pin @active" "show @active:etc/motd" "show saved:1"; do
        # shellcheck disable=SC2086 # words
        refuses 2 "JSON" "${R[@]}" $line --json
        verbs+="${line%% *} "
done
for line in "reboot web" "activate web" "shell --json web" "log web" "remove web"; do
        # shellcheck disable=SC2086
        refuses 2 "prints no JSON" container $line --json
done
out=$("$program" --help)
# Of a host that runs: lab.init, lab.rehearse and lab.secret, lab.elsewhere, lab.container_verb, lab.saved_plan.
verbs+="init rehearse states container " parts+="states container_list saved_plan init "
for verb in $(sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<< "$out"); do
        [[ $verbs = *" $verb "* ]] || fail "$verb is not looked at"
done
for part in $("$SOURCE_DIR/tests/support/check_json.py" --documents); do
        [[ $parts = *" $part "* ]] || fail "$part of the schema is not looked at"
done
