#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is kept and what goes: prune, pin, verify and export on a directory (--root=); and a database that is damaged, or of
# a newer version, is told of, whatever the verb.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

R=(--root=image)
state=image/var/lib/sysswitch
mkdir -p image/etc image/usr/lib/systemd/system
put image/etc/motd "as found"
put image/usr/lib/systemd/system/late.service '[Install]
WantedBy=multi-user.target
Alias=later.service'
put image/usr/lib/systemd/system/timer.timer '[Install]
WantedBy=timers.target'
put image/usr/lib/systemd/system/debug.service '[Service]
ExecStart=/bin/true'
put src/profile.conf '[Profile]
Description=All of it
[Units]
Enable=late.service
Disable=timer.timer
Mask=debug.service
[File]
Path=key
Mode=0600
Secret=yes
[File]
Path=tool
Owner=:4
[Trigger]
Unit=web.service
Files=/etc/motd'
put src/etc/key "hunter1"
put src/etc/tool '#!/bin/sh'
put src/hooks/10-hook '#!/bin/sh'
chmod +x src/etc/tool src/hooks/10-hook
mkdir -p src/etc/empty/deeper src/units/web.service.d
ln -s ../motd src/etc/empty/link
put src/units/web.service.d/10.conf '[Service]
Nice=1'
put src/units/web.service '[Service]
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
Alias=www.service'
ln -s web.service src/units/mine.service

# make N: generation N, of the source with N in it
make() {
        put src/etc/motd "version $1"
        put "src/etc/only-$1" "only in $1"
        rm -f "src/etc/only-$(($1 - 1))"
        runs 0 "${R[@]}" switch src
        has "Generation $1 of system is active"
}

numbers() {
        runs 0 "${R[@]}" generations --json
        json '" ".join(str(g["generation"]) for g in j["generations"])'
}

query() {
        python3 -c 'import sqlite3, sys
print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())' "$state/state.db" "$1"
}

# nothing there yet
runs 0 "${R[@]}" prune --keep=1
has "Nothing to prune"
refuses 1 "Nothing was switched here yet" "${R[@]}" pin @active
runs 0 "${R[@]}" verify
[ ! -e "$state/state.db" ] || fail "prune or verify writes a database"

for i in 1 2 3 4 5 6; do
        make "$i"
done
runs 0 "${R[@]}" verify
has "Database:  whole: 6 generations"
has "Files:     as generation 6 has them."

# what goes: not what is pinned, not what is active
refuses 2 "Which generations" "${R[@]}" prune
refuses 2 "Not a number of generations" "${R[@]}" prune --keep=0
for age in long 1 3m 3M '1d 2' '2w 1M' 1.5 0d infinity; do
        refuses 2 "Not a time span with its unit: $age (30d, 2w, 6month)" "${R[@]}" prune --older-than="$age"
done
runs 0 "${R[@]}" prune --older-than='6month 2w 30d 1min' --dry-run
refuses 2 "Which generation" "${R[@]}" pin
refuses 2 "Not a generation" "${R[@]}" pin src
refuses 1 "no generation 9" "${R[@]}" pin @9
refuses 1 "Generation 0" "${R[@]}" pin @0
runs 0 "${R[@]}" pin @2
has "Generation 2 of system is pinned."
runs 0 "${R[@]}" pin @2
has "as before"
runs 0 "${R[@]}" generations
[[ $out =~ 2\ .*pinned ]] || fail "no pin in the list"
before=$(sha256sum "$state"/state.db*)
runs 0 "${R[@]}" prune --keep=3 --dry-run
has "Would prune generations 1, 3 of system."
has "Kept: 2, pinned"
equal "$(sha256sum "$state"/state.db*)" "$before" "a dry run writes"
runs 0 "${R[@]}" prune --keep=3 --older-than=1h
has "Nothing to prune"
runs 0 "${R[@]}" prune --keep=3 --json
equal "$(json '(j["pruned"], j["kept"], j["dry_run"])')" \
        "([1, 3], [{'generation': 2, 'because': 'pinned'}], False)"
equal "$(json 'j["contents"] >= 4')" True
equal "$(numbers)" "2 4 5 6"
refuses 1 "Generation 3 of profile system was pruned" "${R[@]}" show @3
refuses 1 "Generation 3 of profile system was pruned" "${R[@]}" rollback 3
refuses 1 "Generation 1 of profile system was pruned" "${R[@]}" export @1 out
runs 0 "${R[@]}" show @2:etc/motd
equal "$out" "version 2"
runs 0 "${R[@]}" diff @2 @4
has "-version 2"
has "+version 4"
runs 0 "${R[@]}" log
has "(1) → 2"
has "2 → (3)"
has "4 → 5"
runs 0 "${R[@]}" verify

# a rollback passes over what is gone; what was displaced comes back in the end
runs 0 "${R[@]}" rollback
runs 0 "${R[@]}" rollback
runs 0 "${R[@]}" rollback
has "generation 4 → 2"
equal "$(< image/etc/motd)" "version 2"

# the newest may go too: then the one that is the newest now is what the next is compared with; no number comes twice
sleep_until_older() { # generations are dated in microseconds
        while [ "$(date +%s%N)" -le "$(($(query 'SELECT max(created_usec) FROM generations') * 1000 + 1000000))" ]; do :; done
}
sleep_until_older
runs 0 "${R[@]}" prune --older-than=1ms
has "Pruned generations 4 to 6 of system"
has "Kept: 2, active"
equal "$(numbers)" 2
runs 0 "${R[@]}" verify
make 7
runs 0 "${R[@]}" show @7
lacks only-6
runs 0 "${R[@]}" verify
runs 0 "${R[@]}" rollback 0
equal "$(< image/etc/motd)" "as found"
runs 0 "${R[@]}" rollback 7
runs 0 "${R[@]}" pin --remove @2
runs 0 "${R[@]}" prune --keep=1
equal "$(numbers)" 7
equal "$(query 'SELECT count(*) FROM contents WHERE id NOT IN (SELECT content FROM entries WHERE content NOT NULL UNION
        SELECT content FROM displaced WHERE content NOT NULL)')" 0
runs 0 "${R[@]}" verify

# export: a switch to it plans nothing, and what it renders to is the same
refuses 2 "Which generation, and where to" "${R[@]}" export @7
refuses 2 "Not a generation" "${R[@]}" export src out
refuses 1 "Generation 0" "${R[@]}" export @0 out
refuses 1 "none/out: No such file or directory" "${R[@]}" export @7 none/out
runs 0 "${R[@]}" export @7 out
has "Generation 7 of system is in out."
[ ! -e out.tmp ] || fail "out.tmp is left"
equal "$(stat -c %a out/etc/key out/etc/tool out/etc/motd out/hooks/10-hook out | xargs)" "600 755 644 755 755"
cmp src/profile.conf out/profile.conf
equal "$(readlink out/etc/empty/link)" ../motd
equal "$(readlink out/units/mine.service)" web.service
[ -d out/etc/empty/deeper ] || fail "no empty directory"
[ ! -e out/units/multi-user.target.wants ] || fail "links that [Install] makes are written out"
diff -r src out
runs 0 "${R[@]}" diff --exit-code @7 out
runs 0 "${R[@]}" switch --dry-run out
has "Nothing to do"
cp -r out before
refuses 1 "out: is there already" "${R[@]}" export @7 out
diff -r before out
[ ! -e out.tmp ] || fail "out.tmp is left of a refusal"
mkdir out2 out3.tmp
runs 0 "${R[@]}" export @active out2/
diff -r out out2
refuses 1 "out3.tmp: is there" "${R[@]}" export @7 out3

# the distribution moved on: what does not follow any more is written as a link, what would follow now is told
put image/usr/lib/systemd/system/late.service '[Unit]
Description=Not to be enabled any more'
runs 0 "${R[@]}" export @7 moved
equal "$(readlink moved/units/multi-user.target.wants/late.service)" /usr/lib/systemd/system/late.service
runs 0 "${R[@]}" diff --exit-code @7 moved
put image/usr/lib/systemd/system/late.service '[Install]
WantedBy=multi-user.target graphical.target
Alias=later.service'
run "${R[@]}" export @7 more
equal "$status" 4
[[ $err = *"not the same: /etc/systemd/system/graphical.target.wants"* ]] || fail "not told: $err"
diff -r out more
put image/usr/lib/systemd/system/late.service '[Install]
WantedBy=multi-user.target
Alias=later.service'

# verify: drift is 1, as with status
put image/etc/motd "by hand"
rm image/etc/tool
runs 1 "${R[@]}" verify
has "/etc/motd was edited by hand"
has "/etc/tool is missing"
runs 1 "${R[@]}" verify --json
equal "$(json '([f["path"] for f in j["files"]], j["problems"], j["open"])')" "(['/etc/motd', '/etc/tool'], [], False)"
runs 1 "${R[@]}" status

# damage, each on a copy
runs 0 "${R[@]}" switch --force src
cp -r "$state" good
cp -a image/etc good-etc
[ ! -s good/state.db-wal ] || python3 -c 'import sqlite3
sqlite3.connect("good/state.db").execute("PRAGMA wal_checkpoint(TRUNCATE)")'

# damaged TEXT PYTHON-STATEMENT: f is the file, db a connection, size its size; every verb says so, in one line
damaged() {
        rm -rf "$state" image/etc && cp -r good "$state" && cp -a good-etc image/etc
        rm -f "$state"/state.db-*
        python3 -c 'import os, sqlite3, sys
path = sys.argv[1]
size = os.path.getsize(path)
f = open(path, "r+b", buffering=0)
db = sqlite3.connect(path)
exec(sys.argv[2])
db.commit()' "$state/state.db" "$2"
        local verb sum verbs=("status" "switch --dry-run src" "prune --keep=1" "export @7 never")
        [ -n "${3-}" ] || verbs+=("show @7" "generations" "log" "switch src" "rollback 0" "pin @7" "diff")
        sum=$(sha256sum < "$state/state.db")
        for verb in "${verbs[@]}"; do
                # shellcheck disable=SC2086 # words
                run "${R[@]}" $verb
                if [ "$status" = 0 ] && [ -n "${3-}" ]; then continue; fi # what does not touch it may work
                [ "$status" = 1 ] || fail "exit status of $verb: $2"
                [ -z "$out" ] || [ -n "${3-}" ] || fail "output of $verb: $2" # else a switch got as far as its plan
                equal "$(wc -l <<< "$err")" 1 "$verb"
                [[ $err = *"state.db: "*"$1"* ]] || fail "$verb: $2"
        done
        run "${R[@]}" verify
        [ "$status" = 2 ] || fail "exit status of verify: $2"
        [[ $out$err = *"state.db"*"damaged"* || $out$err = *"$1"* ]] || fail "verify"
        [ -n "${3-}" ] || equal "$(sha256sum < "$state/state.db")" "$sum" "the damaged file was written to"
        [ ! -e never ] || rm -r never
}
damaged "is damaged" 'f.truncate(size // 2)'
damaged "is damaged" 'f.write(b"garbage" * 20)'
damaged "newer sysswitch" 'db.execute("PRAGMA user_version = 99")'
damaged "is not a database of sysswitch" 'db.execute("PRAGMA application_id = 7")'
damaged "is not a database of sysswitch" 'db.execute("PRAGMA user_version = 0")'
damaged "no such table" 'db.executescript("DROP TABLE switch_actions; DROP TABLE displaced; DROP TABLE debt; DROP TABLE stat_cache; PRAGMA foreign_keys = OFF; DROP TABLE generations; DROP TABLE entries; DROP TABLE switches")'
for page in 2 4 6 8; do
        damaged "is damaged" "f.seek(16384 * $page); f.write(b'x' * 16384)" partly
done

# what only verify sees
# sees TEXT SQL
sees() {
        rm -rf "$state" && cp -r good "$state"
        python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA ignore_check_constraints = ON")
db.executescript(sys.argv[2])' "$state/state.db" "$2"
        runs 2 "${R[@]}" verify
        has "$1"
        has "not compared with a damaged database"
        runs 2 "${R[@]}" verify --json
        equal "$(json 'len(j["problems"]) > 0')" True
}
sees "is not what was stored" "UPDATE contents SET data = zeroblob(length(data)) WHERE id = (SELECT max(id) FROM contents)"
# whoever comes upon it is told where to look, and no digest: it may be a secret's
sees "the content of motd is not what was stored" "UPDATE contents SET data = zeroblob(length(data))
        WHERE id = (SELECT content FROM entries WHERE path = 'motd' AND last >= 7)"
refuses 1 "is damaged (a content is not what was stored; sysswitch verify names it): " "${R[@]}" export @7 never
sees "refers to a row of contents that is not there" "DELETE FROM contents WHERE id = (SELECT max(id) FROM contents)"
sees "none of these is there" "UPDATE entries SET last = 5, first = 4 WHERE path = 'motd'"
sees "has two versions in generation" "INSERT INTO entries (profile, last, root, path, first, attributes)
        SELECT profile, 7, root, path, 7, 12288 FROM entries WHERE path = 'motd'"
sees "ends with generation 7, and is in the newest" "UPDATE entries SET last = 7 WHERE path = 'motd'"
sees "generation 7 is active, and is not there" "DELETE FROM generations"
sees "above 6, the highest number given" "UPDATE profiles SET newest = 6"
sees "motd is no entry" "UPDATE entries SET attributes = 70000 WHERE path = 'motd'"
