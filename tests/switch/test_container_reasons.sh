#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each setting of a container's .nspawn file takes a reboot, and is the reason; of its unit, what is fixed at a start does, and
# limits and what a daemon-reload takes over do not.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

put states.json '{"container-web.service": {"ActiveState": "active", "SubState": "running"}}'
put old/containers/web.nspawn ''
put old/containers/web/etc/motd one
cp -r old new

# acts WANT [WHAT]: that is planned for the container of new, for a reason that has that setting in it ("reboot Slice").
acts() {
        local planned
        run diff --states=states.json old new
        planned=$(sed -nE 's/^  (\w+) +web ← ([^←]*).*/\1 \2/p' <<< "$out")
        [[ ${planned%% *} = "${1%% *}" && $planned = *"${1#* }"* ]] || fail "${2-}: '$planned', not '$1'"
}

declare -A keys=(
        [Exec]='AmbientCapability CPUAffinity Capability DropCapability Environment Ephemeral Hostname KillSignal LimitAS
                LimitCORE LimitCPU LimitDATA LimitFSIZE LimitLOCKS LimitMEMLOCK LimitMSGQUEUE LimitNICE LimitNOFILE LimitNPROC
                LimitRSS LimitRTPRIO LimitRTTIME LimitSIGPENDING LimitSTACK LinkJournal MachineID NoNewPrivileges NotifyReady
                OOMScoreAdjust Parameters Personality PrivateUsers ResolvConf RestrictAddressFamilies SuppressSync
                SystemCallFilter Timezone WorkingDirectory'
        [Files]='Bind BindReadOnly BindUser BindUserShell Inaccessible Overlay OverlayReadOnly PrivateUsersChown
                PrivateUsersOwnership ReadOnly TemporaryFileSystem Volatile'
        [Network]='Bridge IPVLAN Interface MACVLAN Port Private VirtualEthernet VirtualEthernetExtra Zone'
)
for section in "${!keys[@]}"; do
        for key in ${keys[$section]}; do
                put new/containers/web.nspawn "[$section]
$key=2"
                acts "reboot $key= changed" "$key="
                [[ $err != *"no setting"* ]] || fail "$key= is taken for none: $err"
        done
done
put new/containers/web.nspawn '[Exec]
PivotRoot=/sub'
acts "reboot PivotRoot= changed"
put new/containers/web.nspawn '# nothing that counts
[X-Mine]
Any=2'
acts ""

# In its unit: "LINE|WHAT IS PLANNED".
while IFS='|' read -r line want; do
        put new/units/container-web.service.d/x.conf "[Service]
$line"
        acts "$want" "$line"
done << 'LINES'
MemoryMax=1G|set MemoryMax
CPUWeight=10|set CPUWeight
DeviceAllow=/dev/fuse rw|set DeviceAllow
TimeoutStopSec=5s|
RestartSec=5s|
Slice=other.slice|reboot Slice
Delegate=cpu|reboot Delegate
LimitNOFILE=9000|reboot LimitNOFILE
OOMScoreAdjust=5|reboot OOMScoreAdjust
KillMode=process|reboot KillMode
ExecStartPost=/bin/true|reboot ExecStartPost
LINES
