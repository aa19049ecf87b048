# SPDX-License-Identifier: LGPL-2.1-or-later
"""live.py OLD NEW SEED AT_MOST: in a lab that is switched to OLD, lets calls of a switch to NEW, and of one back, fail in
turn. After each, files and units are as after a switch that went well, or as without one."""

import os
import subprocess
import sys
import time

import points

OLD, NEW, SEED, AT_MOST = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
COUNTERS = "/run/fault-counters"
UNITS = ["gone.service", "changed.service", "stopfirst.service", "reloaded.service", "new.service", "kept.service"]
SHARE = {"bus": 5, "sqlite": 2, "write": 1, "sync": 1, "rename": 2, "make": 1, "alloc": 2}
TIME_SEC = 240  # less than what jobs are waited for: an end that is missed takes as long
failures = []


def run(arguments, point=None, counted=False):
    environment = dict(os.environ)
    if point or counted:
        points.new_counters(COUNTERS)
        environment.update(LD_PRELOAD=PRELOAD, FAULT_COUNTERS=COUNTERS, **(point.environment() if point else {}))
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    command = ["sysswitch", *arguments]
    try:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=TIME_SEC)
    except subprocess.TimeoutExpired:
        sys.exit(f"{' '.join(arguments)}, {point or 'without a fault'}: it does not end")


def files():
    seen = {}
    for directory, directories, names in os.walk("/etc"):
        for name in directories + names:
            path = os.path.join(directory, name)
            if path.startswith("/etc/.sysswitch"):
                continue
            status = os.lstat(path)
            if os.path.islink(path):
                what = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    what = file.read()
            else:
                what = ""
            seen[path] = (status.st_mode, status.st_uid, status.st_gid, what)
    return seen


def units():
    command = ["systemctl", "show", "--property=Id,ActiveState,NeedDaemonReload,UnitFileState,ExecStart", *UNITS]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    kept = subprocess.run(
        ["systemctl", "show", "--property=InvocationID", "kept.service"], capture_output=True, text=True, check=True
    )
    # of a process only what it runs, and not when
    return sorted(line.split(" ; start_time")[0] for line in shown if line), kept.stdout


def settle():
    """Until what a run that ended early has asked systemd for is done."""
    while subprocess.run(["systemctl", "list-jobs", "--no-legend"], capture_output=True, text=True, check=True).stdout:
        time.sleep(0.01)


def host():
    settle()
    return files(), units()


def differences(got, wanted):
    names = [name for name in got[0].keys() | wanted[0].keys() if got[0].get(name) != wanted[0].get(name)]
    lines = [line for line in got[1][0] + wanted[1][0] if (line in got[1][0]) != (line in wanted[1][0])]
    return ", ".join(sorted(names) + lines + ([] if got[1][1] == wanted[1][1] else ["kept.service was touched"]))


def check(what, result, before, after):
    status, error = result.returncode, result.stderr.strip()
    told = f"{what}: exit status {status}: {error[:600]}"
    if status not in (0, 1, 3, 4, 5) or "Sanitizer" in error or "runtime error" in error:
        failures.append(f"{told}: no clean end")
    if status in (1, 3, 5) and not error.startswith("sysswitch: "):
        failures.append(f"{told}: no error of ours")
    if status in (3, 4, 5):
        # what did not come back, or did not come, is told, owed, and set right by whoever is asked to
        recovered = run(["recover", "-q"])
        if recovered.returncode != 0:
            failures.append(f"{told}: recover: {recovered.stderr}")
    is_done = files() == after[0]
    if status in (0, 4) and not is_done:
        failures.append(f"{told}: it is not done: {differences(host(), after)}")
    if status in (1, 3) and is_done:
        failures.append(f"{told}: it is done")
    wanted = after if is_done else before
    got = host()
    if got != wanted:
        owed = run(["status"])
        if owed.returncode == 0 or (status == 0):
            failures.append(f"{told}: not as it should be, and status is fine: {differences(got, wanted)}")


def go_to(source, wanted, what):
    """Whatever is owed is done by now."""
    result = run(["switch", "--foreground", source])
    got = host()
    if result.returncode != 0 or got != wanted:
        failures.append(f"{what}: afterwards: {result.returncode} {result.stderr}: {differences(got, wanted)}")


def try_all(name, arguments, start, before, after, rng):
    go_to(start, before, name)
    counted = run(arguments, counted=True)
    if counted.returncode != 0 or host() != after:
        sys.exit(f"{name} without a fault: {counted.stdout}{counted.stderr}{differences(host(), after)}")
    reached = points.read_counters(COUNTERS)
    tried = []
    for kind, share in SHARE.items():
        chosen = points.choose(kind, reached[kind], AT_MOST * share, rng)
        tried.append(f"{kind} {len(chosen)} at {reached[kind]}")
        for point in chosen:
            go_to(start, before, f"before {name} {point}")
            check(f"{name} {point}", run(arguments, point), before, after)
    go_to(start, before, name)
    print(f"{name}: tried {', '.join(tried)} points reached", flush=True)


PROGRAM = subprocess.run(["which", "sysswitch"], capture_output=True, text=True, check=True).stdout.strip()
PRELOAD = points.preloads(PROGRAM, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fault.so"))
old = host()
switched = run(["switch", "--foreground", NEW])
new = host()
if switched.returncode != 0 or old == new:
    sys.exit(f"{switched.stdout}{switched.stderr}")
generator = points.random_of(SEED)
try_all("switch", ["switch", "--foreground", NEW], OLD, old, new, generator)
try_all("back", ["switch", "--foreground", OLD], NEW, new, old, generator)
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
