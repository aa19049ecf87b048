#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sources in git: REV:PATH, read from the objects, and what is told where that cannot be.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

R=(--root="$work/image")
mkdir -p image/etc conf/hosts/edge/etc/tool.d conf/hosts/edge/units
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
g() {
        git -C conf -c safe.directory='*' "$@"
}

# commit SUBJECT: all that is there; its id
commit() {
        g add -A
        g commit -q -m "$1"
        g rev-parse HEAD
}

g init -q -b main .
put conf/hosts/edge/etc/motd "one"
put conf/hosts/edge/etc/tool.d/run '#!/bin/sh'
chmod 700 conf/hosts/edge/etc/tool.d/run
ln -s motd conf/hosts/edge/etc/issue
put conf/hosts/edge/units/web.service '[Service]
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target'
put conf/hosts/edge/README 'left out'
put conf/hosts/edge/etc/.gitignore 'kept: it is below the top'
first=$(commit "edge: first")
g tag -a -m 'a tag' v1

# What is in the work tree does not matter, nor the umask of the clone.
put conf/hosts/edge/etc/motd "not committed"
chmod 600 conf/hosts/edge/etc/tool.d/run
runs 0 -C conf "${R[@]}" switch HEAD:hosts/edge
has "Generation 1 of system is active"
equal "$(cat image/etc/motd)" one
equal "$(stat -c %a image/etc/tool.d/run)" 755
equal "$(readlink image/etc/issue)" motd
[ -L image/etc/systemd/system/multi-user.target.wants/web.service ] || fail "no enablement"
[ ! -e image/etc/README ] || fail "README"
[ -e image/etc/.gitignore ] || fail "no .gitignore"
runs 0 "${R[@]}" show --json
equal "$(json 'j["commit"]')" "$first"
equal "$(json 'j["subject"]')" "edge: first"
equal "$(json 'j["author"]')" "A <a@example.org>"
equal "$(json 'j["dirty"]')" False
runs 0 "${R[@]}" show
has "edge: first"
runs 0 "${R[@]}" generations
has "${first:0:10} $work/conf//HEAD:hosts/edge"

# It is remembered with its repository, and HEAD is looked up anew.
put conf/hosts/edge/etc/motd "two"
second=$(commit "edge: second")
runs 0 -C / "${R[@]}" switch
has "Generation 2"
equal "$(cat image/etc/motd)" two
runs 0 "${R[@]}" status --json
equal "$(json 'j["source"]')" "$work/conf//HEAD:hosts/edge"

# The same tree of another commit is no other generation; status tells of that commit.
g commit -q --allow-empty -m "edge: same tree"
same=$(g rev-parse HEAD)
runs 0 -C / "${R[@]}" switch
has "Nothing to do"
runs 0 "${R[@]}" status
has "HEAD:hosts/edge ${same:0:10}"
runs 0 "${R[@]}" status --json
equal "$(json 'j["generation"]["commit"], j["generation"]["subject"]')" "('$same', None)"
g reset -q --hard "$second"
runs 0 -C / "${R[@]}" switch
runs 0 "${R[@]}" status --json
equal "$(json 'j["generation"]["commit"], j["generation"]["subject"]')" "('$second', 'edge: second')"

# All names of one tree.
for reference in "$second:hosts/edge" "HEAD:hosts//edge/" "main:hosts/edge" "@:hosts/edge" "HEAD^{/second}:hosts/edge" \
        "HEAD:./hosts/edge" "$(g rev-parse HEAD:hosts):edge" "$work/conf//main:hosts/edge"; do
        runs 0 -C conf "${R[@]}" switch "$reference"
        has "Nothing to do"
done
runs 0 -C conf/hosts/edge "${R[@]}" switch HEAD:./
has "Nothing to do"
runs 0 -C conf/hosts/edge/etc "${R[@]}" switch HEAD:..
has "Nothing to do"
runs 0 -C conf "${R[@]}" switch hosts/edge # the directory has the same
has "Nothing to do"
runs 0 -C conf diff v1:hosts/edge main:hosts/edge
has "-one"
has "+two"
git clone -q --bare conf bare.git
runs 0 -C bare.git "${R[@]}" switch "v1:hosts/edge"
has "Generation 3"
runs 0 -C bare.git "${R[@]}" switch "$work/bare.git//HEAD:hosts/edge"
has "Generation 4"
git -C conf worktree add -q "$work/tree" v1
runs 0 -C tree "${R[@]}" switch HEAD:hosts/edge
has "Generation 5"

# What cannot be.
refuses 1 "HEAD: No such directory; of a revision in git write HEAD:PATH" -C conf lint HEAD
refuses 1 "HEAD: No such directory; of a revision in git write HEAD:PATH" -C conf "${R[@]}" diff HEAD
refuses 1 "1: No such directory; the generation is @1" "${R[@]}" show 1
refuses 1 "HEAD:hosts/none: No such directory in that revision" -C conf "${R[@]}" switch HEAD:hosts/none
refuses 1 "HEAD:hosts/edge/etc/motd: Not a directory in that revision" -C conf "${R[@]}" switch HEAD:hosts/edge/etc/motd
refuses 1 "no~1:hosts: No such revision: no~1" -C conf "${R[@]}" switch no~1:hosts
refuses 1 ":hosts: The index is no source" -C conf "${R[@]}" switch :hosts
refuses 1 "HEAD:../x: Leads out of the repository" -C conf "${R[@]}" switch HEAD:../x
refuses 1 "HEAD:./x: . is in no work tree" -C bare.git "${R[@]}" switch HEAD:./x
refuses 1 "There is no git repository at or above" -C / "${R[@]}" switch HEAD:hosts/edge
refuses 1 "//HEAD:hosts/edge: There is no git repository at or above /proc" "${R[@]}" switch /proc//HEAD:hosts/edge
put 'a:b/etc/motd' "a directory with a colon"
runs 0 "${R[@]}" diff --no-pager @active ./a:b
has "+a directory with a colon"

# An error in it has the reference's name and the line.
put conf/hosts/edge/profile.conf '[Profile]
Nonsense=1'
bad=$(commit "edge: bad")
refuses 1 "HEAD:hosts/edge/profile.conf:2: " -C conf "${R[@]}" switch HEAD:hosts/edge
rm conf/hosts/edge/profile.conf
g update-index --add --cacheinfo "160000,$first,hosts/edge/etc/sub"
g commit -q -m "edge: a submodule"
refuses 1 "HEAD:hosts/edge/etc/sub: is a submodule" -C conf "${R[@]}" switch HEAD:hosts/edge
g reset -q --hard "$second"

# A damaged object.
blob=$(g rev-parse HEAD:hosts/edge/etc/motd)
object=conf/.git/objects/${blob:0:2}/${blob:2}
cp -p "$object" saved
chmod u+w "$object"
printf 'damaged' > "$object"
refuses 1 "HEAD:hosts/edge/etc/motd: " -C conf "${R[@]}" switch HEAD:hosts/edge
has_fsck=${err/*git fsck*/yes}
equal "$has_fsck" yes
rm -f "$object"
refuses 1 "HEAD:hosts/edge/etc/motd: " -C conf "${R[@]}" switch HEAD:hosts/edge
cp -p saved "$object"

# libgit2 1.5 forgets to free what it matched the names of such settings with
echo 'leak:libpcre2' > suppressions
export LSAN_OPTIONS=suppressions=$work/suppressions:print_suppressions=0

# A clone that left contents out has nothing damaged; made whole as it is told, it can be read.
g config uploadpack.allowFilter true
git clone -q --no-checkout --filter=blob:none "file://$work/conf" partial
git -C partial config extensions.partialClone origin
refuses 1 "what a partial clone has not, git fetch --refetch --no-filter gets" -C partial "${R[@]}" switch main:hosts/edge
git -C partial fetch -q --refetch --no-filter
runs 0 -C partial lint main:hosts/edge

# What git sparse-checkout sets is no reason not to read objects; another format of them is.
git clone -q conf sparse
git -C sparse sparse-checkout set hosts
equal "$(git -C sparse config extensions.worktreeConfig)" true
runs 0 -C sparse lint HEAD:hosts/edge HEAD:./hosts/edge
git init -q --object-format=sha256 -b main other
put other/hosts/edge/etc/motd "of another format"
git -C other add -A
git -C other commit -q -m "first"
refuses 1 "HEAD:hosts/edge: libgit2 cannot read this repository: " -C other "${R[@]}" switch HEAD:hosts/edge

# One that is larger than a source's file can be is not read first.
head -c $((65 * 1024 * 1024)) /dev/zero > conf/hosts/edge/etc/large
commit "edge: large" > commit.id
refuses 1 "HEAD:hosts/edge/etc/large: is larger than 64 MiB" -C conf "${R[@]}" switch HEAD:hosts/edge
g reset -q --hard "$second"

# Whoever may write the repository decides what HEAD is; a whole id is what it is.
chmod o+w conf/.git/refs/heads
refuses 1 "HEAD:hosts/edge: $work/conf/.git/refs/heads everybody may write it" -C conf "${R[@]}" switch HEAD:hosts/edge
runs 0 -C conf "${R[@]}" switch "$second:hosts/edge"
chmod o-w conf/.git/refs/heads
# each reference is a file, and a work tree has some of its own
g branch team/edge
for part in refs/heads/main refs/heads/team/edge refs/heads/team logs/HEAD worktrees/tree worktrees/tree/HEAD; do
        chmod o+w "conf/.git/$part"
        refuses 1 "conf/.git/$part everybody may write it" -C tree "${R[@]}" switch HEAD:hosts/edge
        refuses 1 "conf/.git/$part everybody may write it" -C tree diff --all='hosts/*' HEAD HEAD
        chmod o-w "conf/.git/$part"
done
if [ "$(id -u)" = 0 ]; then
        chown -R 65534 conf
        refuses 1 "belongs to another user than root and you" -C conf "${R[@]}" switch HEAD:hosts/edge
        runs 0 -C conf "${R[@]}" switch "$second:hosts/edge"
        SUDO_UID=65534 runs 0 -C conf "${R[@]}" switch HEAD:hosts/edge
fi
equal "${#bad}" 40

# What a reviewer is shown.
chown -R "$(id -u)" conf
put conf/hosts/edge/etc/motd "three"
put conf/hosts/edge/etc/other "new"
put conf/hosts/edge/units/web.service.d/10.conf '[Service]
Nice=1'
commit "edge: third" > commit.id
runs 0 -C conf diff --format=markdown main~1:hosts/edge main:hosts/edge
has "### main\\~1:hosts/edge → main:hosts/edge"
has "| restart | \`web.service\` | "
has "+three"
runs 0 -C conf diff --format=dot main~1:hosts/edge main:hosts/edge
has '->"web.service"'
runs 0 -C conf diff --stat main~1:hosts/edge main:hosts/edge
has " 3 files changed, "
runs 0 -C conf diff --name-only main~1:hosts/edge main:hosts/edge
equal "$out" "/etc/motd
/etc/other
/etc/systemd/system/web.service.d/10.conf"
runs 0 -C conf diff --name-only main~1:hosts/edge main:hosts/edge /etc/systemd/ '/etc/o*'
equal "$out" "/etc/other
/etc/systemd/system/web.service.d/10.conf"
runs 0 -C conf diff --format=json main~1:hosts/edge main:hosts/edge
runs 0 -C conf diff --json main~1:hosts/edge main:hosts/edge /etc/motd
equal "$(json '[file["path"] for kind in ("added", "changed", "removed") for file in j["files"][kind]]')" "['/etc/motd']"
refuses 1 "/etc/mtd: Neither side has such a file" -C conf diff main~1:hosts/edge main:hosts/edge /etc/motd /etc/mtd
refuses 2 "main:hosts/b: Two are compared; behind them there are paths" \
        -C conf diff main~1:hosts/edge main:hosts/edge main:hosts/b
refuses 2 "@3: Two are compared" -C conf diff main~1:hosts/edge main:hosts/edge @3
[ -e /run/systemd/private ] || refuses 1 "name both sides, as main:hosts/edge1" -C conf diff main:hosts/edge
refuses 2 "forms of text" -C conf diff --stat --json main~1:hosts/edge main:hosts/edge
refuses 2 "one of the two" -C conf diff --stat --name-only main~1:hosts/edge main:hosts/edge
refuses 2 "Not a format: html" -C conf diff --format=html main~1:hosts/edge main:hosts/edge
