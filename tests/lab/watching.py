#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""watching.py FILE COMMAND...: runs it in a lab, and writes to FILE what systemd did meanwhile, sorted: `verb unit`, and
the job's result if it is not `done`. For Python: Watch. (watch.c says what is seen, and how.)"""
import json
import os
import subprocess
import sys
import time

# The switch itself; and what is a unit only because PID 1 sees the mount that it makes for a service while that runs.
OTHERS = ("sysswitch-", "run-credentials-")


class Watch:
    def __init__(self):
        self.process = subprocess.Popen(["watch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("watch ended")
        return answer

    def begin(self):
        self.say("begin")

    def end(self):
        """{"daemon_reloads": N, "units": {name: {"before", "after", "deeds": [[verb, result]], "alone_down", …}}}"""
        seen = json.loads(self.say("end"))
        del seen["units"][""]
        seen["units"] = {name: unit for name, unit in seen["units"].items() if not name.startswith(OTHERS)}
        return seen


def settle(held=()):
    """Waits until no job is queued (but those of the held units), none of our programs is still about to begin or to
    end at once, and no unit is on its way down."""
    for _ in range(2000):
        jobs = subprocess.run(["systemctl", "list-jobs", "--no-legend", "--plain"], capture_output=True, text=True).stdout
        names = {line.split()[1] for line in jobs.splitlines() if len(line.split()) > 2}
        if not names - set(held) and not in_passing():
            moving = subprocess.run(["systemctl", "list-units", "--no-legend", "--plain", "--state=deactivating,reloading"],
                                    capture_output=True, text=True).stdout
            if not moving.strip() and mounts() == mount_units():
                return
        time.sleep(0.005)
    states = subprocess.run(["systemctl", "list-units", "--all", "--no-legend", "--plain", "p-*", "d-*"], capture_output=True,
                            text=True).stdout
    raise RuntimeError(f"the lab does not settle:\n{jobs}{states}")


def mounts():
    """The names of the units of what is mounted now, of our own."""
    with open("/proc/mounts", encoding="utf-8") as file:
        found = [line.split()[1:3] for line in file]
    return {where[1:].replace("/", "-") + ".mount" for where, kind in found if where.startswith("/run/p") and kind != "autofs"}


def mount_units():
    """Of those that PID 1 knows: when mounts come and go quickly, it looks again a second later only."""
    listed = subprocess.run(["systemctl", "list-units", "--no-legend", "--plain", "--state=active", "run-p*.mount"],
                            capture_output=True, text=True).stdout
    return {line.split()[0] for line in listed.splitlines()}


def in_passing():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                comm = file.read().strip()
        except OSError:
            continue
        if comm in ("true", "false") or comm.startswith("("):
            if comm != "(sd-pam)":
                return True
    return False


def main():
    watch = Watch()
    settle()
    watch.begin()
    done = subprocess.run(sys.argv[2:])
    settle()
    deeds = [f"{verb} {unit}" + (f" {result}" if result != "done" else "")
             for unit, what in watch.end()["units"].items() for verb, result in what["deeds"]]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in sorted(deeds)))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
