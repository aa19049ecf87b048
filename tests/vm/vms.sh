# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Sourced by base, boot, enter and off: where virtual machines lie, and what is known of one.
#
# $VM_DIR/base-*       what each machine begins with; made once. See `base`.
# $VM_DIR/NAME/disk.img  its disk, a copy of the base's; without it the directory is no machine, and left alone
#              base    the base that its kernel, initrd and key are of
#              pid     of qemu
#              port    of this machine's loopback, where its sshd is
#              up      there once it has come up
#              console what the kernel and systemd printed
#              esp.img, variables.fd  of one that boots by UEFI: its second disk, and what the firmware keeps
VM_DIR=${VM_DIR:-/var/tmp/sysswitch-vm}
OVMF=${OVMF:-/usr/share/OVMF} # the firmware's files
. "$(dirname "${BASH_SOURCE[0]}")/../lab/labs.sh" # die, alive

vm_named() {
        [[ $1 =~ ^[a-z][a-z0-9-]{0,40}$ ]] && [[ $1 != base-* ]] || die "$1: not a machine's name (a-z, 0-9, -)" 2
        name=$1 dir=$VM_DIR/$1
        pid='' port='' base=''
        [ ! -e "$dir/pid" ] || read -r pid < "$dir/pid"
        [ ! -e "$dir/port" ] || read -r port < "$dir/port"
        [ ! -e "$dir/base" ] || read -r base < "$dir/base"
}

# qemu CPU-seconds are dear: no machine is asked whether it has come up, it tells so.
UP='virtual machine is up'
