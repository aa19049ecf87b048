#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The jobs of examples/review, as their files have them: the steps are taken out and run, with programs in place of those that
# reach the network.
. "$SOURCE_DIR/tests/switch/lib.sh" || exit 1

export PATH=$BUILD_DIR/switch:$work/bin:$PATH
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
export GIT_CONFIG_GLOBAL=$work/gitconfig
commit() {
        git -C origin add -A
        git -C origin commit -q --no-verify -m "$1"
}

# What is posted, by either, is kept.
put bin/apt-get '#!/bin/sh'
put bin/curl '#!/bin/sh
case $* in
*"PRIVATE-TOKEN: secret"*"body@plan.md"*"https://api/projects/1/merge_requests/2/notes"*) cp plan.md '"$work"'/posted ;;
*) exit 1 ;;
esac'
put bin/gh '#!/bin/sh
[ "$1 $2 $3 $4 $5" = "pr comment 2 --body-file plan.md" ] || exit 1
[ "${6-}" != --edit-last ] || [ -e '"$work"'/posted ] || exit 1 # there is none yet
cp plan.md '"$work"'/posted'
chmod +x bin/*

# gitlab: the script of the job, as a runner has it; in a clone that was made with umask 0.
gitlab() {
        python3 - > script << 'EOF'
import os, yaml
job = yaml.safe_load(open(os.environ["SOURCE_DIR"] + "/examples/review/gitlab-ci.yml"))["plan"]
print("\n".join(["set -eo pipefail"] + job["before_script"] + job["script"]))
EOF
        (umask 0 && git clone -q --branch feature "file://$work/origin" clone)
        env -C clone CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main PLAN_TOKEN=secret CI_API_V4_URL=https://api CI_PROJECT_ID=1 \
                CI_MERGE_REQUEST_IID=2 bash "$work/script"
}

# github: the steps of the job, one after the other; in a clone of the merge, of the depth that is asked for.
github() {
        git clone -q "file://$work/origin" merge
        git -C merge merge -q --no-ff -m merged origin/feature
        cat > steps << 'EOF'
import os, subprocess, sys, yaml
job = yaml.safe_load(open(os.environ["SOURCE_DIR"] + "/examples/review/github-workflow.yml"))["jobs"]["plan"]
values = {"${{ github.token }}": "token", "${{ github.event.number }}": "2"}
failed = False
for step in job["steps"]:
    if "uses" in step:
        depth = str(step["with"]["fetch-depth"])
        subprocess.run(["git", "clone", "-q", "--depth", depth, f"file://{os.getcwd()}/merge", "clone"], check=True)
    elif not failed or step.get("if") == "${{ !cancelled() }}":
        where = "clone" if os.path.exists("clone") else "."
        environment = {key: values[value] for key, value in step.get("env", {}).items()}
        failed |= subprocess.run(["sh", "-e", "-c", step["run"]], cwd=where, env=os.environ | environment).returncode != 0
sys.exit(failed)
EOF
        python3 steps
}

# job STATUS NAME: it ends so; what it posted is in $out.
job() {
        local wanted=$1
        rm -rf clone merge posted
        status=0
        "$2" > job.log 2>&1 || status=$?
        out=$(cat posted) err=$(< job.log)
        [ $((status != 0)) = "$wanted" ] || fail "exit status $status of $2"
}

git init -q -b main origin
mkdir -p origin/examples
cp -R "$SOURCE_DIR/examples/review" origin/examples/review
for host in a b 'é x'; do put "origin/hosts/$host/etc/motd" one; done
commit "first"
git -C origin checkout -q -b feature
put origin/hosts/a/etc/motd two
put 'origin/hosts/é x/etc/motd' two
commit "a feature"

# The target went on: the note says what the merge does, and not that it takes back what others did.
git -C origin checkout -q main
put origin/hosts/b/etc/motd two
commit "somebody else's"
for which in gitlab github; do
        job 0 "$which"
        equal "$(head -n 5 posted)" "<!-- sysswitch -->
- hosts/a  changed  1 file
- hosts/é x  changed  1 file

2 of 3 hosts are touched."
done

# A fault is told in the note, too, and fails the job.
git -C origin checkout -q feature
put 'origin/hosts/é x/profile.conf' 'nonsense'
commit "a fault"
git -C origin checkout -q main
for which in gitlab github; do
        job 1 "$which"
        has "- hosts/a  changed  1 file"
        has "- hosts/é x  cannot be compared: "
        [[ $err = *":hosts/é x/profile.conf:1: "* ]] || fail "lint of $which does not tell"
done

# The hook takes a name as it is, too.
git -C origin checkout -q feature
mkdir -p origin/.git/hooks
ln -s ../../examples/review/pre-commit origin/.git/hooks/pre-commit
git -C origin commit -q --allow-empty -m refused > refused 2>&1 && fail "the hook let it through"
equal "$(< refused)" "hosts/é x/profile.conf:1: Neither a section, an assignment nor a comment; write Key=value, or '#' before it"
git -C origin rm -q 'hosts/é x/profile.conf'
git -C origin commit -q -m "mended"
