#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Lint goes on after a fault: whatever is missing, empty or wrong in profile.conf, it is told and nothing else happens.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

mkdir -p root/etc
put src/etc/motd hello
put src/containers/web.nspawn '[Exec]'

declare -A keys=(
        [Profile]='Description Base'
        [Units]='Enable Disable Mask'
        [File]='Path Mode Owner Secret'
        [Trigger]='Unit Files Action'
        [Check]='Files Command Timeout'
        [Container]='Name Root Profile OnChange AutoStart'
        [Layer]='Name'
        [Kernel]='Version Modules Parameters ConsoleLogLevel Vesa Require RequireMissing InitrdModules'
        [Unknown]='Key'
)
values=('' ' ' / .. ../x /etc/motd /etc//x motd '**' '"' '""' '[' web web.service no -1 99999999999999999999 '%i' $'\xff')
for n in "${!values[@]}"; do
        for form in once again; do cp -r src "$form$n"; done
done
for section in "${!keys[@]}"; do
        for key in ${keys[$section]}; do
                for n in "${!values[@]}"; do
                        line="$key=${values[n]}"
                        printf '[%s]\n%s\n' "$section" "$line" > "once$n/profile.conf"
                        printf '[%s]\n%s\n[%s]\n%s\n[%s]\n%s=\n' "$section" "$line" "$section" "$line" "$section" "$key" > "again$n/profile.conf"
                done
                run lint --root=root once* again*
                [ "$status" -le 1 ] || fail "exit status $status: $key= of [$section]"
                [[ $out$err != *"(null)"* ]] || fail "a name that is not there: $key= of [$section]"
        done
done

# of each, what the section needs is missing, and the rest of the file is still looked at
tells() {
        local text=$1 wanted
        shift
        printf '%b' "$text" > src/profile.conf
        runs 1 lint --root=root src
        for wanted in "$@"; do has "$wanted"; done
        equal "$(wc -l <<< "$out")" $# "$text"
}

tells '[File]\nMode=0644\n[Units]\nEnable=x\n' 'profile.conf:1: [File] without Path=' 'profile.conf:4: '
tells '[File]\nPath=/etc/motd\n' "profile.conf:2: Path=/etc/motd begins with '/'"
tells '[File]\nPath=\n' 'profile.conf:2: Path= is empty'
tells '[File]\nPath=../x\n' 'profile.conf:2: Path=../x '
tells '[Container]\nRoot=/x\n' 'profile.conf:1: [Container] without Name='
tells '[Container]\nOnChange=x\n[Container]\nName=\n' 'profile.conf:2: OnChange=x' 'profile.conf:4: Name= '
tells '[Container]\nRoot=/x\n[Container]\nName=web\n[Container]\nName=web\n' 'profile.conf:1: ' 'profile.conf:6: Container web'
tells '[Check]\nCommand=x/y\n[Check]\nTimeout=1\n' 'profile.conf:2: ' 'profile.conf:3: [Check] without Command='

# What is hardly meant is told on standard error, and is no fault; so in a plan, of the side that is new.
mkdir -p root/etc nothing
put named/profile.conf '[Trigger]
Unit=nginx.service
Files=/etc/ngnix/**'
put named/units/a.service '[Service]
ExecStart=/bin/true'
warning="named/profile.conf:3: Files=/etc/ngnix/**: nothing in this source is of that name, so it triggers nothing"
for verb in "lint named" "diff ./nothing ./named" "switch --dry-run --root=root named"; do
        # shellcheck disable=SC2086 # words
        run $verb
        equal "$status" 0
        [[ $err = *"Warning: "*"$warning" ]] || fail "no warning: $verb"
done
runs 0 diff ./named ./nothing

# A flag that is none is refused wherever it stands: in a drop-in, and in a container that nothing runs of yet.
put named/units/a.service '[Service]
ExecStart=/bin/true
X-SwitchMethod=bad'
for verb in "diff ./nothing ./named" "switch --dry-run --root=root named"; do
        # shellcheck disable=SC2086
        run $verb
        equal "$status" 1
        [[ $err = *"named/units/a.service:3: X-SwitchMethod=bad is none"* ]] || fail "no source: $verb"
done
rm -r named
put named/containers/web.nspawn ''
put named/containers/web/units/a.service.d/10.conf '[Service]
X-SwitchMethod=bad'
refuses 1 "named/containers/web/units/a.service.d/10.conf:2: X-SwitchMethod=bad is none" switch --dry-run --root=root named

# Of what one part has wrong all is told, once, and what the other parts have.
put named/containers/web.nspawn 'before
[Exec]
Boot=no
PivotRoot=x
behind'
put named/containers/none/etc/deep/file x
put named/units/b.service "[Service]
X-SwitchMethod=worse
[Install]
WantedBy=one
Alias=b.socket
Also=two"
put named/units/long.service "[Service]
ExecStart=/bin/$(head -c 70000 /dev/zero | tr '\0' x)"
printf '[Service]\n\0' > named/units/nul.service
put named/etc/modules-load.d/sysswitch.conf "taken"
put named/etc/sysctl.d/90-sysswitch.conf "taken"
put named/profile.conf '[Kernel]
Modules=loop
ConsoleLogLevel=3'
runs 1 lint named
equal "$(cut -d' ' -f1 <<< "$out" | sort)" "named/containers/none:
named/containers/web.nspawn:1:
named/containers/web.nspawn:3:
named/containers/web.nspawn:4:
named/containers/web.nspawn:5:
named/containers/web/units/a.service.d/10.conf:2:
named/profile.conf:2:
named/profile.conf:3:
named/units/b.service:2:
named/units/b.service:4:
named/units/b.service:5:
named/units/b.service:6:
named/units/long.service:2:
named/units/nul.service:2:"
rm named/profile.conf
mkdir named/profile.conf
runs 1 lint named
has "named/profile.conf: Must be a file"
has "named/units/b.service:2: "
