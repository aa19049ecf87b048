# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Sourced by a lab test after lib.sh: a host with the program, a source, and what a switch to it did.
src=/root/source

# Boots the lab and installs the program and the tests' own ones.
scenario_start() {
        lab_start "$@"
        lab_install
        put "$BUILD_DIR"/tests/lab/{stub,watch} /usr/local/bin
        put "$lab_tools/watching.py" /root
        mkdir -p "$lab_root$src"
}

# have PATH [MODE]: standard input into a file of the source.
have() {
        mkdir -p "$(dirname "$lab_root$src/$1")"
        cat > "$lab_root$src/$1"
        chmod "${2:-644}" "$lab_root$src/$1"
}

# service NAME [LINE...]: a unit of the source whose process runs until it is stopped.
service() {
        local name=$1
        shift
        { echo "[Service]" && echo "ExecStart=/usr/local/bin/stub" && printf '%s\n' "$@"; } | have "units/$name"
}

# wanted NAME [LINE...]: the same, on from the first switch on.
wanted() {
        service "$@" "[Install]" "WantedBy=multi-user.target"
}

lose() {
        rm -r "${@/#/$lab_root$src/}"
}

# does STATUS DEEDS COMMAND...: runs it in the lab; it ends with STATUS, and systemd did just DEEDS meanwhile: "restart
# a.service, stop b.service", in any order. What it printed is in $out.
does() {
        local status=$1 want
        want=$(tr ',' '\n' <<< "$2" | sed 's/^ *//; /^$/d' | sort)
        shift 2
        expect_exit "$status" on python3 /root/watching.py /run/deeds "$@"
        equal "$(sort "$lab_root/run/deeds")" "$want" "what systemd did"
}

# switch STATUS DEEDS [OPTION...]
switch() {
        does "$1" "$2" sysswitch --no-pager switch "${@:3}" $src
}
