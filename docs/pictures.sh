#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Draws docs/plan-*.png anew: what diff makes of a change of examples/edge1, as a comment of a review and as a graph.
# Takes graphviz, cmark-gfm, chromium and pngquant. BUILD_DIR is build/dev unless set.
set -eu -o pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
program=${BUILD_DIR:-$top/build/dev}/switch/sysswitch
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r "$top/examples/edge1" "$work/main"
cp -r "$work/main" "$work/new"
sed -i 's/version 1/version 2/' "$work/new/etc/nginx/conf.d/edge.conf"
sed -i 's/02:30/04:15/' "$work/new/units/edge-report.timer"
sed -i 's/LimitNOFILE=.*/LimitNOFILE=4096/' "$work/new/units/ssh.service.d/edge.conf"
echo 'edge:another' > "$work/new/etc/nginx/edge.htpasswd"
printf 'net.core.somaxconn = 4096\n' >> "$work/new/etc/sysctl.d/60-edge.conf"

cd "$work"
"$program" diff --format=dot main new | dot -Tpng -Gdpi=80 -o graph.png
{
        echo '<meta charset="utf-8"><style>body { font: 15px sans-serif; margin: 16px; width: 860px }
                table { border-collapse: collapse } td, th { border: 1px solid #d0d7de; padding: 5px 12px; text-align: left }
                code, pre { background: #f2f4f6; border-radius: 5px; padding: 2px 5px } pre { padding: 10px }</style>'
        "$program" diff --format=markdown main new | cmark-gfm --unsafe -e table | sed '0,/<details>/s//<details open>/'
} > comment.html
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=920,700 --screenshot="$work/comment.png" \
        "file://$work/comment.html" > chromium.log 2>&1 || cat chromium.log >&2
for name in graph comment; do
        pngquant --force --output "$top/docs/plan-$name.png" 32 "$name.png"
done
