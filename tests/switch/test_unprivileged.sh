#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# All verbs on a directory (--root=) as a user without rights: what needs root is left alone, the rest is the same.
set -eu -o pipefail
[ "$(id -u)" = 0 ] || exec "$SOURCE_DIR/tests/switch/test_verbs.sh"

# to where that user can read it
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy"/{build/switch,source/docs,source/tests/switch,source/tests/support}
cp "$BUILD_DIR/switch/sysswitch" "$copy/build/switch/"
cp "$SOURCE_DIR/docs/plan.schema.json" "$copy/source/docs/"
cp "$SOURCE_DIR"/tests/switch/{lib,test_verbs}.sh "$copy/source/tests/switch/"
cp "$SOURCE_DIR"/tests/support/check_{json,schema}.py "$copy/source/tests/support/"
chmod -R a+rX "$copy"
BUILD_DIR=$copy/build SOURCE_DIR=$copy/source HOME=/ TMPDIR=/tmp \
        setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$copy/source/tests/switch/test_verbs.sh"
