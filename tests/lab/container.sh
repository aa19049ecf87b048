# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Sourced by a lab test after scenario.sh: a host that can have containers, and what is seen of one.

# containers_start [overlay]: boots the lab, where a root can have id-mapped mounts; on an overlay it cannot.
containers_start() {
        if [ "${1-}" = overlay ]; then scenario_start; else scenario_start --ext4 2G; fi
        # by themselves with the first container
        on systemctl start systemd-machined.service machine.slice
}

# within NAME CMD...: runs it inside; its exit status is passed on.
within() {
        on systemd-run -q -M "$1" --wait --pipe --collect "${@:2}"
}

# contains NAME CMD...: the same where nothing inside needs to answer. It is a process of the host, with the host's limits.
contains() {
        on nsenter -t "$(leader "$1")" -a -r -w "${@:2}"
}

# leader NAME: the number of the container's PID 1, as the host has it.
leader() {
        on machinectl show "$1" -p Leader --value
}

# born NAME: when the container's PID 1 was started: the same number is the same boot.
born() {
        on sh -c "cut -d' ' -f 22 /proc/$(leader "$1")/stat"
}

# inner NAME UNIT PROPERTY
inner() {
        on systemctl -M "$1" show --property="$3" --value "$2"
}

# has_setuid NAME: do programs of /usr with a setuid bit have what it gives? The loader tells: then it passes over such a
# library without a word.
has_setuid() {
        local said
        said=$(within "$1" setpriv --reuid=1 --regid=1 --clear-groups env LD_PRELOAD=/none.so su --version 2>&1)
        [[ $said != *"cannot be preloaded"* ]]
}
