#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What bash completes, asked of the completion function as bash asks it.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1
. "$SOURCE_DIR/packaging/completion/sysswitch"

compopt() { # is only possible within a completion
        :
}

# completes WORDS... -- WANTED...: the last word of the line, to these
completes() {
        COMP_WORDS=("$program") COMP_CWORD=0
        while [ "$1" != / ]; do
                COMP_WORDS+=("$1")
                COMP_CWORD=$((COMP_CWORD + 1))
                shift
        done
        shift
        COMPREPLY=()
        set +e # as it is where people type
        _sysswitch
        set -e
        equal "${COMPREPLY[*]}" "$*" "${COMP_WORDS[*]}"
}

mkdir -p hosts/edge1
completes '' / switch dry-activate rollback test boot recover diff generations show status log export pin prune verify
completes s / switch show status
completes diff --s / --states=
completes diff --ex / --exit-code
completes generations --ex /
completes generations --j / --json
completes --no / --no-pager
completes switch ho / hosts
completes diff @a / @active
completes --root = ho / hosts
completes -C ho / hosts
completes -p '' /
completes pin @d / @default
completes pin --rem / --remove
completes prune --k / --keep=
completes prune --keep = 3 /
completes export @p / @previous
completes export @previous ho / hosts
completes verify '' /
completes log '' /
