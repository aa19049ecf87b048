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

mkdir -p hosts/edge1 image/etc
completes '' / switch dry-activate rehearse rollback test boot confirm recover container diff init lint generations show status states log export pin prune verify
completes s / switch show status states
completes diff --sta / --states= --stat
completes diff --format = m / markdown
completes diff --ex / --exit-code
completes generations --ex /
completes generations --j / --json
completes --no / --no-pager
completes switch ho / hosts
completes diff @a / @active
completes --root = ho / hosts
completes -C ho / hosts
completes -p '' /
completes container re / reboot remove
completes container list '' /
completes container --pu / --purge
completes pin @d / @default
completes switch --dry / --dry-run
completes switch --pl / --plan=
completes switch --che / --check
completes switch --on-failure = '' / keep rollback
completes switch --on-failure = r / rollback
for verb in rollback pin show switch export; do completes "$verb" @p / @previous; done
completes pin --rem / --remove
completes prune --k / --keep=
completes prune --keep = 3 /
completes export @p / @previous
completes export @previous ho / hosts
completes verify '' /
completes log '' /

# the numbers of generations, as the program lists them
put hosts/edge1/etc/motd hello
runs 0 --root=image switch hosts/edge1
put with-image "#!/bin/sh
exec '$program' --root=image \"\$@\""
chmod +x with-image
plain=$program program=$work/with-image
completes rollback @1 / @1
completes pin @0 / @0
completes show @1 / @1
program=$plain

# zsh, where there is one: the same function, with what its completion system gives it
command -v zsh > /dev/null || exit 0
cat > zsh-completes << 'ZSH'
compadd() {
        while [[ $1 != -- ]]; do shift; done
        shift
        local word
        for word in "$@"; do [[ $word != $PREFIX* ]] || print -r -- "$word"; done
}
_call_program() { shift; eval "$*"; }
_directories() { print -r -- "(directories)"; }
_files() { print -r -- "(files)"; }
compset() { PREFIX=${PREFIX#*=}; }
complete() { source "$completion"; }
completion=$1
shift
words=("$@") CURRENT=$# PREFIX=$words[-1]
complete
ZSH

# zsh_completes WORDS... / WANTED...
zsh_completes() {
        local typed=()
        while [ "$1" != / ]; do
                typed+=("$1")
                shift
        done
        shift
        out=$(zsh -f zsh-completes "$SOURCE_DIR/packaging/completion/_sysswitch" "$program" "${typed[@]}") || true
        equal "$(tr '\n' ' ' <<< "$out" | sed 's/ $//')" "$*" "zsh: ${typed[*]}"
}

zsh_completes s / switch show status states
zsh_completes diff --sta / --states= --stat
zsh_completes diff --format=m / markdown
zsh_completes diff --ex / --exit-code
zsh_completes generations --ex /
zsh_completes generations --j / --json
zsh_completes diff @a / @active '(directories)'
zsh_completes --root=ho / '(directories)'
zsh_completes -C ho / '(directories)'
zsh_completes diff --states=x / '(files)'
zsh_completes -p '' /
zsh_completes container re / reboot remove
zsh_completes pin @d / @default
zsh_completes switch --dry / --dry-run
zsh_completes switch --pl / --plan=
zsh_completes switch --on-failure=r / rollback
zsh_completes rollback @p / @previous
zsh_completes export @p / @previous
zsh_completes export @previous ho / '(directories)'
zsh_completes prune --keep=3 /
zsh_completes verify '' /
zsh_completes log '' /
