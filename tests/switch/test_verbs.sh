#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every verb on a directory (--root=), as the user who runs the test: what it prints, its exit status, its JSON.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

mkdir -p image/etc image/usr/lib/systemd/system
put image/etc/motd "as found"
put src/profile.conf '[Profile]
Description=Edge router

[File]
Path=key
Mode=0600
Secret=yes'
put src/etc/motd "version 1"
put src/etc/key "hunter1"
put src/units/web.service '[Service]
ExecStart=/bin/true

[Install]
WantedBy=multi-user.target'

R=(--root=image)

# an image that has no etc yet
mkdir bare
runs 0 --root=bare status
runs 0 --root=bare switch --dry-run src
has "A /etc/motd"
runs 1 --root=bare diff --exit-code src
refuses 1 "none" --root=bare switch none
[ ! -e bare/etc ] || fail "etc was made for nothing"
runs 0 --root=bare switch src
equal "$(< bare/etc/motd)" "version 1"
equal "$(stat -c %a bare/etc)" 755
runs 0 --root=bare rollback 0
equal "$(find bare/etc)" bare/etc
rm -r bare

# with no host at hand what runs at boot is on, for what comes as for what goes
mkdir -p boot/none boot/some/etc/sysctl.d
put boot/some/etc/sysctl.d/x.conf "kernel.panic = 1"
for way in "none some" "some none"; do
        runs 0 -C boot diff --json "./${way% *}" "./${way#* }"
        equal "$(json '[(a["verb"], a["unit"]) for a in j["actions"]]')" "[('restart', 'systemd-sysctl.service')]"
done

# nothing was switched yet
runs 0 "${R[@]}" generations
has "the host as found"
runs 0 "${R[@]}" log
equal "$out" ""
runs 0 "${R[@]}" status
has "generation 0"
refuses 1 "Generation 0 is active" "${R[@]}" rollback
refuses 1 "no generation 3" "${R[@]}" show @3
refuses 1 "image/etc/sysswitch" "${R[@]}" switch

# dry run: the plan, and nothing else
runs 0 "${R[@]}" switch --dry-run src
has "Dry run of system: generation 0 → src (1)"
has "Files:  1 changed, 3 added"
has "  M /etc/motd"
has "Put away, to come back when no longer managed:"
equal "$(< image/etc/motd)" "as found"
[ ! -e image/var/lib/sysswitch/state.db ] || fail "a dry run writes"
dry=$out
runs 0 "${R[@]}" dry-activate src
equal "$out" "$dry"
runs 0 "${R[@]}" dry-activate --json src
equal "$(json 'j["files"]["displaced"]')" "['/etc/motd']"
equal "$(json 'j["from"]')" "{'profile': 'system', 'generation': 0}"
equal "$(json 'j["to"]')" "{'source': 'src'}"
runs 0 "${R[@]}" diff @active src
has "+version 1"
lacks "hunter1"

# the first switch
runs 0 "${R[@]}" switch src
has "Switching system: generation 0 → src (1)"
has "Generation 1 of system is active"
equal "$(< image/etc/motd)" "version 1"
equal "$(stat -c %a image/etc/key)" 600
runs 0 "${R[@]}" status
has "As declared."
runs 0 "${R[@]}" status --json
equal "$(json '(j["as_declared"], j["active"], j["generation"]["description"])')" "(True, 1, 'Edge router')"

# again: nothing to do; without a reference, the source last given, from wherever
runs 0 "${R[@]}" switch src
has "Nothing to do"
runs 0 --root="$work/image" -C / switch
has "Nothing to do"
runs 0 "${R[@]}" switch --json
equal "$(json '(j["result"]["nothing_to_do"], j["result"]["exit_status"])')" "(True, 0)"
# of these, the last is in the log; one that put a file back is no such
runs 0 "${R[@]}" log --json
equal "$(json '[(s["switch"], s["verb"]) for s in j["switches"]]')" "[(4, 'switch'), (1, 'switch')]"
rm image/etc/motd
for _ in 1 2 3; do runs 0 "${R[@]}" switch; done
runs 0 "${R[@]}" log --json
equal "$(json '[s["switch"] for s in j["switches"]]')" "[7, 5, 4, 1]"

# a change
put src/etc/motd "version 2"
put src/etc/key "hunter2"
runs 1 "${R[@]}" diff --exit-code
has "-version 1"
has "+version 2"
has "Secret files a/etc/key and b/etc/key differ"
lacks hunter
runs 1 "${R[@]}" diff --exit-code -q
equal "$out" ""
runs 0 "${R[@]}" diff --json
equal "$(json 'j["files"]["changed"][0]')" "{'path': '/etc/key', 'old': None, 'new': None}"
runs 0 "${R[@]}" switch --json src
equal "$(json '(j["result"]["generation"], j["to"]["generation"], j["files"]["added"])')" "(2, 2, [])"
lacks hunter
runs 0 "${R[@]}" diff --exit-code @2 src
equal "$out" ""
runs 0 "${R[@]}" diff @1 @2
has "+version 2"
runs 2 "${R[@]}" diff --exit-code @1 @9

# what profile.conf says is part of a generation, though no file changes
put other/profile.conf "$(< src/profile.conf)
[Trigger]
Unit=web.service
Files=/etc/motd"
cp -r src/etc src/units other/
runs 1 "${R[@]}" diff --exit-code @2 other
has "+++ b/profile.conf"
has "+Files=/etc/motd"
runs 1 "${R[@]}" diff --exit-code other
runs 0 "${R[@]}" switch --dry-run other
has "No file changes and no unit acts."

# what is remembered
runs 0 "${R[@]}" generations
has "active, default"
has "Edge router"
equal "$(wc -l <<< "$out")" 4
runs 0 "${R[@]}" generations --json
equal "$(json '[g["generation"] for g in j["generations"]]')" "[1, 2]"
equal "$(json '(j["active"], j["generations"][0]["path"], j["generations"][0]["commit"])')" "(2, '$work/src', None)"
runs 0 "${R[@]}" log
equal "$(head -2 <<< "$out" | tail -1 | tr -s ' ' | cut -d ' ' -f 4-8)" "switch 1 → 2 done"
runs 0 "${R[@]}" log -n 1
equal "$(wc -l <<< "$out")" 2
runs 0 "${R[@]}" log --json
equal "$(json '[(s["from"], s["to"]) for s in j["switches"]][-1]')" "(0, 1)"
newest=$(json 'j["switches"][0]["switch"]')
runs 0 "${R[@]}" log "$newest"
has "Generation:  1 → 2"
runs 0 "${R[@]}" log --json "$newest"
out=$(json 'json.dumps(j["plan"])')
refuses 1 "no switch 999" "${R[@]}" log 999
refuses 2 "Not the number of a switch" "${R[@]}" log x
refuses 2 "-p: Not the number of a switch" "${R[@]}" log -- -p
refuses 2 "nginx: Not the number of a switch; of a unit write its whole name, as nginx.service" "${R[@]}" log nginx
refuses 2 "etc/motd: Write a path that begins with /, as /etc/motd" "${R[@]}" log etc/motd
refuses 1 "/etc/nope: Nothing is known of it" "${R[@]}" log /etc/nope
mkdir -p of_containers/etc
put with_one/containers/box.nspawn ''
put with_one/containers/box/etc/motd one
runs 0 --root=of_containers switch with_one
for path in containers/box/etc/motd containers/box; do
        runs 0 --root=of_containers log -p "$path"
        has "  A containers/box/etc/motd"
        has "+one"
done
refuses 1 "containers/box/etc/mo: Nothing is known of it" --root=of_containers log containers/box/etc/mo
refuses 1 "nope.service: Nothing is known of it" "${R[@]}" log nope.service
runs 0 "${R[@]}" log --json nope.service
equal "$(json 'j["switches"]')" "[]"
runs 0 "${R[@]}" log /etc/motd
has "/etc/motd"
runs 0 "${R[@]}" show
has "Generation 2 of system, active, default"
has "/etc/key (secret)"
has "0600"
has "/etc/systemd/system/multi-user.target.wants/web.service → "
runs 0 "${R[@]}" show --json @1
equal "$(json '[(e["mode"], e["digest"]) for e in j["entries"] if e["path"] == "/etc/key"]')" "[('0600', None)]"
runs 0 "${R[@]}" show @1:etc/motd
equal "$out" "version 1"
runs 0 "${R[@]}" show @previous:/etc/motd
equal "$out" "version 1"
runs 0 "${R[@]}" show @1:profile.conf
equal "$out" "$(< src/profile.conf)"
refuses 1 "Is a secret" "${R[@]}" show @1:etc/key
refuses 1 "No such file" "${R[@]}" show @1:etc/none
refuses 2 "Not a path of a generation" "${R[@]}" show @1:motd
refuses 2 "did you mean etc/systemd/system/web.service?" "${R[@]}" show @1:units/web.service
refuses 2 "did you mean etc/systemd/system/web.service?" show ./src:units/web.service
mkdir -p boxed/containers/web/etc
touch boxed/containers/web.nspawn
echo inside > boxed/containers/web/etc/note
runs 0 "${R[@]}" show ./boxed:containers/web/etc/note
equal "$out" "inside"
runs 0 "${R[@]}" show src
has "Source $work/src"

# drift, and edits that are in the way
rm image/etc/systemd/system/web.service
put image/etc/motd "by hand"
runs 1 "${R[@]}" status
has "/etc/motd was edited by hand"
has "/etc/systemd/system/web.service is missing"
runs 1 "${R[@]}" status --json
equal "$(json '(j["edited"], j["missing"], j["as_declared"])')" \
        "(['/etc/motd'], ['/etc/systemd/system/web.service'], False)"
put src/etc/motd "version 3"
runs 1 "${R[@]}" switch --dry-run src
has "/etc/motd was edited by hand"
[[ $err = "sysswitch: The switch would be refused: /etc/motd was edited by hand: take "* ]] || fail "dry run of a conflict"
runs 1 "${R[@]}" switch --dry-run --json src
equal "$(json '[(p["kind"], p["subject"]) for p in j["preflight"]]')" "[('edited', '/etc/motd')]"
runs 1 "${R[@]}" switch src
[[ $err = *"/etc/motd"*"edited by hand"* ]] || fail "conflict"
equal "$(< image/etc/motd)" "by hand"
runs 0 "${R[@]}" switch --force src
has "Edited by hand, saved and replaced:"
equal "$(< image/etc/motd)" "version 3"
runs 0 "${R[@]}" show --saved
has "/etc/motd"
runs 0 "${R[@]}" show --saved --json
equal "$(json '[(f["path"], f["mode"]) for f in j["saved"]]')" "[('/etc/motd', '0644')]"
saved=$(json 'j["saved"][0]["saved"]')
runs 0 "${R[@]}" show "saved:$saved"
equal "$out" "by hand"
refuses 1 "no saved file 999" "${R[@]}" show saved:999
refuses 2 "Not the number" "${R[@]}" show saved:x
refuses 2 "takes no argument" "${R[@]}" show --saved x
runs 0 "${R[@]}" status
has "As declared."

# back, and back to what was found
runs 0 "${R[@]}" rollback --dry-run
has "Dry run of system: generation 3 → 2"
runs 0 "${R[@]}" rollback
has "Switching system: generation 3 → 2"
equal "$(< image/etc/motd)" "version 2"
put image/etc/motd "by hand again"
runs 0 "${R[@]}" rollback @1
equal "$(< image/etc/motd)" "version 1"
runs 0 "${R[@]}" show --saved
equal "$(grep -c /etc/motd <<< "$out")" 2
runs 0 "${R[@]}" rollback 0
equal "$(< image/etc/motd)" "as found"
[ ! -e image/etc/key ] || fail "the key is still there"
refuses 2 "Not the number of a generation" "${R[@]}" rollback x
refuses 1 "no generation 9" "${R[@]}" rollback 9
runs 0 "${R[@]}" switch src
has "generation 0 → src (4)"

# an equal tree under a later number: a rollback goes to the earlier one, and on from there
put src/etc/motd "version 4"
runs 0 "${R[@]}" switch src
runs 0 "${R[@]}" rollback
put other/etc/motd "version 4"
cp src/profile.conf other/profile.conf
put other/etc/key "$(< src/etc/key)"
runs 0 "${R[@]}" switch other
has "generation 4 → other (6)"
runs 0 "${R[@]}" rollback
has "Nothing to do: generation 5 of system is active"
runs 0 "${R[@]}" rollback
has "Switching system: generation 5 → 4"
refuses 1 "of another profile" "${R[@]}" switch web@0
refuses 1 "of another profile" "${R[@]}" switch --dry-run web@0
equal "$(< image/etc/motd)" "version 3"

# a switch that was interrupted (no end was written): nothing is foretold, and the next one sees to it
python3 - << 'PYTHON'
import sqlite3
database = sqlite3.connect("image/var/lib/sysswitch/state.db")
database.execute("INSERT INTO switches (profile, state, verb, from_number, to_number, is_dirty, started_usec, n_actions,"
                 " n_failed) SELECT id, 'intent', 'switch', 4, 5, 0, 1, 0, 0 FROM profiles WHERE name = 'system'")
database.commit()
PYTHON
runs 3 "${R[@]}" status
refuses 1 "was interrupted" "${R[@]}" switch --dry-run src
run "${R[@]}" diff src
[[ $status = 0 && $err = "sysswitch: Warning: A switch is under way, or was interrupted: "* ]] || fail "diff of an open switch"
runs 0 "${R[@]}" switch src
has "setting that right first"
has "generation 4 → src (7)"

# bad sources: one line, and nothing changed
put src/units/bad.service 'garbage'
refuses 1 "src/units/bad.service:1" "${R[@]}" switch src
refuses 1 "none" "${R[@]}" switch none
refuses 1 "An empty name" "${R[@]}" switch ""
refuses 1 "web is no profile of containers" "${R[@]}" -p web switch src
refuses 1 "web is no profile of containers" "${R[@]}" -p web dry-activate src
refuses 1 "containers/-x is no machine's name" "${R[@]}" -p containers/-x switch src
for verb in status generations log show diff states verify 'lint src' 'export @active x' 'pin @active' 'prune --keep=1' rollback; do
        # shellcheck disable=SC2086 # a verb and its arguments
        refuses 1 "web is no profile of containers" "${R[@]}" -p web $verb
        # shellcheck disable=SC2086
        refuses 1 "../x is no profile of containers" "${R[@]}" -p ../x $verb
        [[ $verb = @(diff|states|lint*) ]] && continue # which is what one looks at before the first switch
        status=1
        if [ "$verb" = verify ]; then status=2; fi # with which it tells that it could not
        # shellcheck disable=SC2086
        refuses "$status" "containers/wbe: Nothing was ever switched in this profile" "${R[@]}" -p containers/wbe $verb
done
[ ! -e x ] || fail "exported from nothing"
refuses 2 "Containers run on a host, not in --root=" "${R[@]}" -p containers/web switch src
refuses 1 "./@x" "${R[@]}" switch @x
rm src/units/bad.service

# the contents of a secret are nowhere but in the file and the database
grep -rl hunter . | grep -v -e '^./src/' -e '^./other/' -e '^./image/etc/key$' -e '^./image/var/lib/sysswitch/' > leaks || true
equal "$(< leaks)" ""

# what was edited is a secret when the file becomes one
runs 0 "${R[@]}" switch src
put image/etc/motd "token"
put src/etc/motd "version 4"
printf '[File]\nPath=motd\nSecret=yes\n' >> src/profile.conf
runs 0 "${R[@]}" switch --force src
runs 0 "${R[@]}" show --saved --json
equal "$(json '[f["secret"] for f in j["saved"] if f["path"] == "/etc/motd"][-1]')" "True"

# a unit that is damaged in the database does not become a file
put src/units/web.service "$(cat src/units/web.service; echo "# other")"
runs 0 "${R[@]}" switch src
before=$(< image/etc/systemd/system/web.service)
python3 - image/var/lib/sysswitch/state.db << 'PYTHON'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
for number, data in database.execute("SELECT id, data FROM contents").fetchall():
    if b"[Service]" in data and b"# other" not in data:
        database.execute("UPDATE contents SET data = ? WHERE id = ?", (data.replace(b"[Service]", b"[Servixe]"), number))
database.commit()
PYTHON
refuses 1 "damaged in the database" "${R[@]}" -q rollback
equal "$(< image/etc/systemd/system/web.service)" "$before"
[ ! -e image/etc/.sysswitch ] || fail "something is left of it"
