#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# module.sh FILE NAME VERSION [WORD]: makes a file that is a module of that kernel to depmod and modinfo, if to no kernel.
set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/module.c" << SOURCE
#define INFO __attribute__((section(".modinfo"), used))
static const char info[] INFO = "license=GPL\0" "description=${4-first}\0" "name=$2\0" "vermagic=$3 SMP mod_unload ";
SOURCE
${CC:-cc} -c -o "$work/module.o" "$work/module.c"
mkdir -p "$(dirname "$1")"
cp "$work/module.o" "$1"
