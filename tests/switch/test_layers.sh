#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Layers: what hosts of one repository share, in a directory and in git.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

R=(--root="$work/image")
mkdir -p image/etc conf
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
commit() {
        git -C conf add -A
        git -C conf commit -q -m "$1"
}

git init -q -b main conf
put conf/roles/common/etc/motd "common"
put conf/roles/common/etc/common "common"
put conf/roles/common/etc/tool/one "1"
put conf/roles/common/profile.conf '[Units]
Enable=gone.service
Mask=apt-daily.timer
[Trigger]
Unit=web.service
Files=/etc/common'
put conf/roles/web/profile.conf '[Profile]
Base=../common'
put conf/roles/web/etc/common "web"
put conf/roles/web/units/web.service '[Service]
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target'
put conf/roles/db/profile.conf '[Profile]
Description=db
Base=../common'
mkdir -p conf/roles/db/etc
ln -s motd conf/roles/db/etc/tool
put conf/hosts/a/profile.conf '[Profile]
Description=host a
Base=../../roles/web ../../roles/db
[Units]
Disable=gone.service'
put conf/hosts/a/etc/motd "host a"
commit "all"

# Each layer once, after its own ones; the nearer and the later path counts; both ways of reading are one.
run -C conf "${R[@]}" show --origin --json HEAD:hosts/a
equal "$(json '{e["path"]: e["layer"] for e in j["entries"] if not e["implied"]}')" \
        "{'/etc/common': '../../roles/web', '/etc/motd': None, '/etc/systemd/system/apt-daily.timer': '../../roles/common', '/etc/systemd/system/multi-user.target.wants/web.service': '../../roles/web', '/etc/systemd/system/web.service': '../../roles/web', '/etc/tool': '../../roles/db', 'profile.conf': None}"
run -C conf "${R[@]}" show HEAD:hosts/a:etc/common
equal "$out" web
run -C conf "${R[@]}" show ./hosts/a:/etc/tool
equal "$out" motd
run -C conf "${R[@]}" switch HEAD:hosts/a
equal "$status" 0
[[ $err = *"HEAD:hosts/a/profile.conf:5: Disable=gone.service"* ]] || fail "no line of the host's own file"
[[ $err = *"HEAD:roles/common/profile.conf:3: Mask=apt-daily.timer"* ]] || fail "no line of the layer"
run -C conf "${R[@]}" switch hosts/a
has "Nothing to do"
run "${R[@]}" show --json
equal "$(json 'j["description"]')" "host a"
equal "$(json 'j["dirty"]')" False
runs 0 "${R[@]}" show --origin
has "../../roles/web     file"

# A change in a role is one of each host that has it, with the file and line of the role.
put conf/roles/common/etc/common "not seen: web has it"
put conf/roles/web/etc/common "web, again"
runs 0 -C conf diff HEAD:hosts/a hosts/a
has "restart  web.service ← /etc/common changed ← [Trigger] ../../roles/common/profile.conf:4"
has "+web, again"
lacks "not seen"
run -C conf "${R[@]}" switch hosts/a
run "${R[@]}" show --json
equal "$(json 'j["dirty"]')" True "a layer that is not committed"
commit "web: again"

# A path that moves to another layer as it is: the next generation knows.
mv conf/roles/web/etc/common conf/hosts/a/etc/common
run -C conf "${R[@]}" switch hosts/a
has "Nothing to do"
put conf/hosts/a/etc/motd "moved"
run -C conf "${R[@]}" switch hosts/a
runs 0 "${R[@]}" show --json
equal "$(json '[e["layer"] for e in j["entries"] if e["path"] == "/etc/common"]')" "[None]"
runs 0 "${R[@]}" show --json @1
equal "$(json '[e["layer"] for e in j["entries"] if e["path"] == "/etc/common"]')" "['../../roles/web']"

# What was exported needs no layers.
run "${R[@]}" export @active "$work/exported"
equal "$status" 0
run "${R[@]}" diff --exit-code @active "$work/exported"
equal "$status" 0
run "${R[@]}" switch "$work/exported"
has "Nothing to do"
commit "moved"

# What contradicts another layer is replaced, what contradicts itself is refused; so is a bad line, where it is.
put conf/roles/db/profile.conf '[Profile]
Base=../common
[Units]
Enable=x.service
Disable=x.service'
refuses 1 "roles/db/profile.conf:5: Disable=x.service, but line 4 has Enable=x.service" -C conf "${R[@]}" switch hosts/a
put conf/roles/db/profile.conf '[Profile]
Base=../common
[Trigger]
Unit=x.service'
refuses 1 "roles/db/profile.conf:3: [Trigger] without Files=" -C conf "${R[@]}" switch hosts/a
commit "bad"
refuses 1 "HEAD:roles/db/profile.conf:3: [Trigger] without Files=" -C conf "${R[@]}" switch HEAD:hosts/a
put conf/roles/db/units/bad.service 'nonsense'
printf '[Profile]\nBase=../common\n' > conf/roles/db/profile.conf
refuses 1 "roles/db/units/bad.service:1: " -C conf "${R[@]}" switch hosts/a
refuses 1 "$work/conf/roles/db/units/bad.service:1: " "${R[@]}" switch "$work/conf/hosts/a"
rm conf/roles/db/units/bad.service

# What no layer can be, in both ways of reading.
# bad TEXT BASE
bad() {
        printf '[Profile]\nBase=../common\nBase=%s\n' "$2" > conf/roles/db/profile.conf
        refuses 1 "roles/db/profile.conf:3: Base=$2: $1" -C conf "${R[@]}" switch hosts/a
        commit "base $2"
        refuses 1 "HEAD:roles/db/profile.conf:3: Base=$2: $1" -C conf "${R[@]}" switch HEAD:hosts/a
}
bad "No such directory" ../none
bad "Not a directory" ../common/etc/motd
bad "Leads out of the repository" ../../../outside
bad "Leads back to where it is named from" ../web/../../hosts/a
bad "Leads back to where it is named from" .
ln -s common conf/roles/linked
printf '[Profile]\nBase=../common\nBase=../linked\n' > conf/roles/db/profile.conf
refuses 1 "roles/db/profile.conf:3: Base=../linked: Leads through a link" -C conf "${R[@]}" switch hosts/a
commit "a link"
refuses 1 "HEAD:roles/db/profile.conf:3: Base=../linked: Not a directory" -C conf "${R[@]}" switch HEAD:hosts/a
printf '[Profile]\nBase=/etc\n' > conf/roles/db/profile.conf
refuses 1 "roles/db/profile.conf:2: Base=/etc is absolute" -C conf "${R[@]}" switch hosts/a
printf '[Profile]\nBase=../common\n' > conf/roles/db/profile.conf
chmod o+w conf/roles/common/etc/motd
refuses 1 "roles/common/etc/motd: everybody may write it" -C conf "${R[@]}" switch hosts/a
chmod o-w conf/roles/common/etc/motd

# The source itself may be named by a link: its layers are where it is.
ln -s conf/hosts/a alias
run "${R[@]}" switch ./alias
equal "$status" 0

# What a nearer layer takes away is as if no base had it: files, a directory, units by either name, attributes of it too.
# without STATUS TEXT WITHOUT: of hosts/n, in both ways of reading.
without() {
        printf '[Profile]\nBase=../../roles/much\nWithout=%s\n' "$3" > conf/hosts/n/profile.conf
        commit "without $3"
        for reference in hosts/n HEAD:hosts/n; do
                if [ "$1" = 0 ]; then
                        run -C conf "${R[@]}" show --origin --json "$reference"
                        equal "$status" 0
                        equal "$(json '" ".join(e["path"] for e in j["entries"] if not e["path"].endswith(".wants"))')" "$2"
                else
                        refuses "$1" "hosts/n/profile.conf:3: $2" -C conf "${R[@]}" show "$reference"
                fi
        done
}
put conf/roles/much/etc/keep "keep"
put conf/roles/much/etc/key "key"
put conf/roles/much/etc/dir/only "only"
put conf/roles/much/units/much.service '[Service]
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target'
put conf/roles/much/units/much.service.d/a.conf '[Service]
Nice=5'
put conf/roles/much/hooks/10-hook '#!/bin/sh'
chmod +x conf/roles/much/hooks/10-hook
put conf/roles/much/profile.conf '[File]
Path=key
Mode=0600
Secret=yes'
mkdir -p conf/hosts/n/etc
units="/etc/systemd /etc/systemd/system /etc/systemd/system/much.service /etc/systemd/system/much.service.d"
units+=" /etc/systemd/system/much.service.d/a.conf"
links="/etc/systemd/system/multi-user.target.wants/much.service"
without 0 "/etc/keep hooks/10-hook profile.conf" "etc/key etc/dir/only units/much.service units/much.service.d"
without 0 "/etc/keep hooks/10-hook profile.conf" 'etc/key etc/d* etc/systemd/system/much.service*'
without 0 "/etc/dir /etc/dir/only /etc/keep /etc/key $units $links profile.conf" hooks
without 0 "/etc/dir /etc/dir/only /etc/keep hooks/10-hook profile.conf" 'units/ ./etc//key'
without 0 "/etc/dir /etc/dir/only /etc/keep /etc/key $units $links hooks/10-hook profile.conf" 'etc/nothing*'
without 1 "Without=etc/kee: No layer under this one has it" "etc/keep etc/kee"
without 1 "Without=/etc/keep is no path in a source" /etc/keep
without 1 "Without=../etc is no path in a source" ../etc
without 1 "Without=profile.conf: What it says is changed key by key" profile.conf
printf '[Profile]\nWithout=etc/keep\n' > conf/hosts/n/profile.conf
refuses 1 "hosts/n/profile.conf:2: Without=etc/keep: There is no Base=" -C conf "${R[@]}" show hosts/n
printf '[Profile]\nBase=../../roles/much\nWithout=etc/kee\nWithout=etc/dir/on\n' > conf/hosts/n/profile.conf
run -C conf lint hosts/n
equal "$(grep -c 'No layer under this one has it' <<< "$out")" 2
# of a generation as well, and of one that was written out again; what was there before comes back
put image/etc/key "as found"
printf '[Profile]\nBase=../../roles/much\n' > conf/hosts/n/profile.conf
run -C conf "${R[@]}" switch --force hosts/n
equal "$(< image/etc/key)" key
printf 'Without=etc/key\n' >> conf/hosts/n/profile.conf
run -C conf "${R[@]}" switch hosts/n
equal "$status $(< image/etc/key)" "0 as found"
run -C conf "${R[@]}" export @active "$work/copied"
equal "$status" 0
run "${R[@]}" switch --dry-run copied
has "Nothing to do"
# a layer in between, and one that is laid later has it again
printf '[Profile]\nBase=../../roles/less\n' > conf/hosts/n/profile.conf
put conf/roles/less/profile.conf '[Profile]
Base=../much
Without=etc/keep etc/dir units hooks'
put conf/hosts/n/etc/keep "mine"
run -C conf "${R[@]}" show --json --origin hosts/n
equal "$(json '[(e["path"], e["layer"]) for e in j["entries"]]')" \
        "[('/etc/keep', None), ('/etc/key', '../../roles/much'), ('profile.conf', None)]"

# Of a container.
put conf/roles/inner/etc/inner "inner"
put conf/roles/inner/profile.conf '[File]
Path=inner
Mode=0600'
put conf/hosts/b/containers/box/profile.conf '[Profile]
Base=../../../../roles/inner'
: > conf/hosts/b/containers/box.nspawn
put conf/hosts/b/containers/box/etc/own "own"
commit "a container"
run -C conf "${R[@]}" show --json HEAD:hosts/b
equal "$(json '[(e["path"], e["mode"], e["layer"]) for e in j["entries"] if e["path"].endswith(("inner", "own"))]')" \
        "[('containers/box/etc/inner', '0600', '../../roles/inner'), ('containers/box/etc/own', '0644', None)]"
put conf/roles/inner/profile.conf '[File]
Path=missing'
refuses 1 "roles/inner/profile.conf:2: Path=missing" -C conf "${R[@]}" switch hosts/b
