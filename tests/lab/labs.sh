# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Sourced by boot, enter and off: where labs lie, and what is known of one.
#
# $LAB_DIR/NAME/kind    overlay or ext4; without it the directory is not a lab, and left alone
#               pid     of systemd-nspawn, which holds the mount namespace with the lab's root
#               init    of the lab's PID 1
#               root    the mount point: seen in that namespace only, so that no other lab copies it
#               console what systemd printed
if [ -z "${LAB_DIR-}" ]; then
        LAB_DIR=/tmp/sysswitch-lab
        # the upper directory of an overlay cannot lie on an overlay (a container's /tmp)
        [ "$(stat -fc %T /tmp)" != overlayfs ] || LAB_DIR=/dev/shm/sysswitch-lab
fi
self=${0##*/}

die() {
        echo "$self: $1" >&2
        exit "${2:-1}"
}

# A zombie counts as gone: a PID 1 that is not systemd may reap late.
alive() {
        local stat
        [ -n "${1-}" ] && read -r stat 2> /dev/null < "/proc/$1/stat" && [[ ${stat##*) } != [ZX]* ]]
}

lab_named() {
        [[ $1 =~ ^[a-z][a-z0-9-]{0,40}$ ]] || die "$1: not a lab's name (a-z, 0-9, -)" 2
        name=$1 dir=$LAB_DIR/$1
        root=$dir/root
        kind='' pid='' init=''
        [ ! -e "$dir/kind" ] || read -r kind < "$dir/kind"
        [ ! -e "$dir/pid" ] || read -r pid < "$dir/pid"
        [ ! -e "$dir/init" ] || read -r init < "$dir/init"
}

# The cgroup hierarchies that take a lab. (cpuset v1 is left out: an empty cpuset takes no process.)
cgroup_trees() {
        local tree cg=/sys/fs/cgroup
        if [ "$(stat -fc %T "$cg")" = cgroup2fs ]; then
                echo "$cg"
                return
        fi
        for tree in "$cg"/*; do
                [ -L "$tree" ] || [ "${tree##*/}" = cpuset ] || ! mountpoint -q "$tree" ||
                        echo "$tree"
        done
}
