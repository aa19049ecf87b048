# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Sourced by a test in a virtual machine: tests/lab/lib.sh, where each lab is one. lab_start passes its options to boot here.
lab_tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$lab_tools/vms.sh"
LAB_DIR=$VM_DIR
. "$lab_tools/../lab/lib.sh"
lab_reason=$("$lab_tools/base" 2>&1) || { # made once, before all tests
        lab_status=$?
        echo "left out: ${lab_reason##*$'\n'}"
        trap - ERR EXIT
        exit $lab_status
}

lab_install() {
        local stage
        stage=$(mktemp -d)
        DESTDIR=$stage cmake --install "$BUILD_DIR" --prefix /usr > /dev/null
        put "$stage"/* /
        rm -rf "$stage"
        on systemctl daemon-reload
}

# put FILE-OR-DIRECTORY... PATH: copies into a directory of the machine, which is made.
put() {
        local file
        for file in "${@:1:$#-1}"; do
                tar -C "$(dirname "$file")" -c "$(basename "$file")" |
                        on sh -c 'mkdir -p "$1" && tar -C "$1" -x --no-same-owner --no-overwrite-dir' sh "${*: -1}"
        done
}

# lab_wait_off: until it has powered itself off. `lab_start` boots it again.
lab_wait_off() {
        local pid _
        read -r pid < "$VM_DIR/$LAB/pid"
        for _ in $(seq 6000); do
                alive "$pid" || return 0
                sleep 0.1
        done
        fail "it does not power off"
}
