#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One episode of the property test, inside a lab: property_steps.py SEED EPISODE STEPS. Prints one JSON line a step.

A step is: a new source out of the one before, the state of some units turned by hand, the dry run, and the switch under
the eyes of the watcher. What is compared is in judge().
"""
import collections
import glob
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import random_aim
import random_change
import random_host
from watching import Watch, settle

SOURCE = "/root/source"
BEFORE = "/run/before"
STATES = "/run/states.json"
SAVED = "/run/plan.json"
# With what is held at work: the switch, or what it started, may well wait for that. At least, and how many dry runs.
PATIENCE_SECONDS, PATIENCE_RUNS = 3, 20
IN_VAIN = (["start", "dependency"], ["start", "failed"])


def active_units():
    listed = subprocess.run(["systemctl", "list-units", "--no-legend", "--plain", "--state=active"], capture_output=True,
                            text=True).stdout
    return {line.split()[0] for line in listed.splitlines()}


def is_retried():
    """A unit waits for its auto-restart, which does not come during a test."""
    shown = subprocess.run(["systemctl", "show", "--property=SubState", random_host.RETRIED], capture_output=True, text=True)
    return shown.stdout == "SubState=auto-restart\n"


def main_pid(unit):
    """"0": none."""
    shown = subprocess.run(["systemctl", "show", "--value", "--property=MainPID", unit], capture_output=True, text=True).stdout
    return shown.strip() or "0"


def journal(begin):
    """What systemd said since then."""
    return subprocess.run(["journalctl", "-q", "-o", "short-precise", "--no-hostname", f"--since=@{begin:.6f}", "_PID=1"],
                          capture_output=True, text=True).stdout.splitlines()


def release():
    """Lets what is held at work end."""
    try:
        os.unlink(random_host.HELD)
    except FileNotFoundError:
        pass


class Episode:
    def __init__(self, seed, number, n_steps):
        self.rng = random.Random(f"{seed}/{number}")
        self.number, self.n_steps = number, n_steps
        self.watch = Watch()
        self.host = random_host.Host(self.rng)
        self.held = []
        self.connections = []
        self.history = []
        self.before_the_first_switch()

    def before_the_first_switch(self):
        """What the administrator had: some units of the distribution on, some files in the way."""
        rng = self.rng
        for name in ("d-web.service", "d-mail.service", "d-needs.service", "d-tidy.timer", "d-i@one.service", "d-log.socket"):
            if rng.random() < 0.4:
                subprocess.run(["systemctl", "-q", "enable", *(["--now"] if rng.random() < 0.7 else []), name],
                               check=True)
        for path in random_host.FOUND:
            if rng.random() < 0.4:
                os.makedirs("/etc/p", exist_ok=True)
                with open("/etc/" + path, "w", encoding="utf-8") as file:
                    file.write("found\n")

    def next_source(self, step):
        """Turns self.host into the next version; what was changed, (word, unit), and what is to be done by hand."""
        rng = self.rng
        if step == 0:
            return [("first", None)], []
        draw = rng.random()
        if draw < 0.05:
            return [("same", None)], []
        if draw < 0.12 and len(self.history) > 1:
            self.host = rng.choice(self.history[:-1]).copy()
            return [("back", None)], []
        self.host = self.host.copy()
        words = [random_change.mutate(self.host) for _ in range(rng.choice([1, 2, 4, 8, 12, 16]))]
        if draw < 0.25:
            return words, []
        return words, random_aim.take(self.host, active_units(), self.number * self.n_steps + step)

    def turn_states(self, aimed):
        """An administrator's hands. What systemd refuses is all right: it is drawn all the same."""
        rng, done = self.rng, []
        hands = [argv for argv in aimed if isinstance(argv, list)]
        names = [n for n in self.host.units if "@" not in n] + random_host.INSTANCES + ["d-web.service", "d-mail.service",
                                                                                      "d-log.socket", "d-log.service"]
        for _ in range(rng.choice([0, 0, 1, 1, 2, 4])):
            name = rng.choice(names)
            argv = rng.choice([["stop", name], ["start", name], ["start", name], ["kill", "-s", "KILL", name]])
            if rng.random() < 0.07:
                argv = ["isolate", "multi-user.target"]
            hands.insert(0, argv)
        for argv in hands:
            if argv[0] in ("start", "isolate") and is_retried():
                continue  # it might wait for that
            done.append(" ".join(argv))
            before = main_pid(argv[-1])
            subprocess.run(["systemctl", "--quiet", *argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while argv[0] == "kill" and before != "0" and main_pid(argv[-1]) == before:
                time.sleep(0.005)  # systemd hears of it later
        if "hold" in aimed or random_host.WORK in self.host.units and rng.random() < 0.2:
            done.append(self.hold_at_work())
        if "connect" in aimed:
            done.append(self.connect())
        if rng.random() < 0.1:
            done.append(self.use_automount())
        settle(self.held)
        return done

    def hold_at_work(self):
        """A oneshot that is at work during the switch."""
        open(random_host.HELD, "w", encoding="utf-8").close()
        self.held = [random_host.WORK]
        subprocess.run(["systemctl", "--quiet", "start", "--no-block", *self.held], stderr=subprocess.DEVNULL)
        settle(self.held)
        state = subprocess.run(["systemctl", "is-active", *self.held], capture_output=True, text=True).stdout
        if state != "activating\n":  # not there, failed, masked: the switch may start it
            self.let_go()
        return "start, and hold at work, " + random_host.WORK

    def use_automount(self):
        subprocess.run(["ls", "/run/pm3"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return "ls /run/pm3"

    def connect(self):
        """To a socket of one service each, and stays."""
        for path in glob.glob("/run/p-each.socket.*"):
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(path)
                self.connections.append(connection)
            except OSError:  # an address that nobody listens to any more
                pass
        return "connect to p-each.socket"

    def let_go(self):
        if self.held:
            release()
            self.held = []
            settle()

    def run(self, *options):
        done = subprocess.run(["sysswitch", "switch", "--json", "--no-check", *options, SOURCE], capture_output=True, text=True)
        try:
            plan = json.loads(done.stdout) if done.stdout.strip() else None
        except ValueError:
            plan = None
        return done.returncode, plan, done.stdout + done.stderr if plan is None else done.stderr

    def elsewhere(self):
        """The plan of diff, by what the host wrote of itself: nothing else is asked of it."""
        if not self.history:
            return None
        with open(STATES, "w", encoding="utf-8") as file:
            subprocess.run(["sysswitch", "states"], stdout=file, check=True)
        done = subprocess.run(["sysswitch", "diff", "--json", "--states=" + STATES, BEFORE, SOURCE], capture_output=True,
                              text=True)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def step(self, number):
        words, aimed = self.next_source(number)
        shutil.rmtree(SOURCE, ignore_errors=True)
        self.host.write(SOURCE)
        clock = [time.perf_counter()]
        hands = self.turn_states(aimed)
        clock.append(time.perf_counter())
        dry = self.run("--dry-run", "--plan=" + SAVED)
        clock.append(time.perf_counter())
        elsewhere = self.elsewhere()
        begin = time.time()
        self.watch.begin()
        patience = threading.Timer(max(PATIENCE_SECONDS, PATIENCE_RUNS * (clock[2] - clock[1])), release)
        if self.held:
            patience.start()
        wet = self.run(*(["--plan=" + SAVED] if dry[0] == 0 else []))
        clock.append(time.perf_counter())
        seen = self.watch.end()
        clock.append(time.perf_counter())
        patience.cancel()
        self.let_go()
        result = {"step": number, "words": words, "hands": hands, "dry": dry, "wet": wet, "elsewhere": elsewhere, "seen": seen["units"],
                  "msec": [round(1000 * (b - a)) for a, b in zip(clock, clock[1:])],
                  "daemon_reloads": seen["daemon_reloads"]}
        result["verified"], result["excused"] = self.verified(), []
        result["errors"] = judge(result)
        result["journal"] = journal(begin) if result["errors"] else []
        result["changes"] = self.changes(result)
        result["source"] = self.host.entries() if result["errors"] else {}
        if dry[0] == 0:
            self.history.append(self.host)
            shutil.rmtree(BEFORE, ignore_errors=True)
            shutil.copytree(SOURCE, BEFORE, symlinks=True)
        else:  # a source that is refused: on from the one before
            self.host = self.history[-1] if self.history else random_host.Host(self.rng)
        return result

    def verified(self):
        """Units that others check to be up: a job that changes nothing, and may end ill."""
        units = [unit for host in (self.host, *self.history[-1:]) for unit in host.units.values()]
        return sorted({value for unit in units for key, value in unit.sections["Unit"] if key == "Requisite"})

    def changes(self, result):
        """For people: path -> [old, new]."""
        old = self.history[-1].entries() if self.history else {}
        new = self.host.entries()
        return {path: [old.get(path), new.get(path)] for path in sorted(old.keys() | new.keys())
                if old.get(path) != new.get(path)} if result["errors"] else {}


def planned(plan):
    """unit -> the verbs that the plan says will be seen."""
    verbs = collections.defaultdict(list)
    for action in plan["actions"]:
        if "user" not in action:
            verbs[action["unit"]].append(action["verb"])
    for group in ("dragged", "triggered"):
        for entry in plan["units"][group]:
            verbs[entry["unit"]].append(entry["verb"])
    return {unit: sorted(listed) for unit, listed in verbs.items()}


def is_on(state):
    return state.split("/")[0] in ("active", "activating", "reloading")


def without_surplus(deeds, n_starts):
    """Without those starts in vain, one after the other, that are more than n_starts: each start pulls in what basic.target
    wants, and so tries once more what failed before."""
    kept, surplus = [], sum(verb == "start" for verb, _ in deeds) - n_starts
    for deed in deeds:
        if surplus > 0 and deed in IN_VAIN and kept[-1:] == [deed]:
            surplus -= 1
        else:
            kept.append(deed)
    return kept


def observed(seen, wanted):
    """unit -> the verbs that were seen. A start that was refused at once left no trace but its job: "try". What a
    daemon-reload itself ends leaves none at all. Mounts do not end by themselves: one that does so went with its automount."""
    verbs = {}
    for unit, what in seen.items():
        deeds = without_surplus(what["deeds"], wanted.get(unit, []).count("start"))
        listed = [("reload" if is_on(what["before"]) else "start") if verb == "try" else verb for verb, _ in deeds]
        if unit.endswith(".mount") and what["alone_down"] and "stop" not in listed:
            listed.append("stop")
        if not listed and is_on(what["before"]) and not is_on(what["after"]) and not what["alone_down"]:
            listed = ["stop"]
        if listed:
            verbs[unit] = sorted(listed)
    return verbs


def refused_by_systemd(wet):
    """(unit, verb) of jobs that systemd did not take: what the unit requires is masked or absent, or it refuses hands.
    The switch says so, and a hand must fare no better."""
    jobs = [(action["unit"], action["verb"]) for action in wet["result"]["actions"] if action["outcome"] == "refused"]
    return [(unit, verb) for unit, verb in jobs
            if subprocess.run(["systemctl", verb, unit], stderr=subprocess.DEVNULL).returncode]


def failures(plan, seen, verbs):
    """Units that the switch acted on and that are no good now, and those whose last job did not end well."""
    names = set()
    own = {action["unit"] for action in plan["actions"] if action["verb"] != "stop"}
    for unit in planned(plan):
        what = seen.get(unit, {"after": "", "deeds": []})
        last, result = what["deeds"][-1] if what["deeds"] else ("".join(verbs.get(unit, [])), "done")
        if last == "stop":
            continue  # how it ended is nothing that the switch is to be blamed for
        if what["after"].startswith("failed/") or what["after"] == "activating/auto-restart":
            names.add(unit)
        # a start that was at work, and is stopped, is canceled; of what is only dragged along its state tells
        if unit in own and result not in ("done", "skipped", "canceled"):
            names.add(unit)
    return names


def as_elsewhere(part):
    """Which files stood in the way on the host, and so are not new, is known nowhere else."""
    return re.sub("(/etc/(?:%s)) (?:added|changed)" % "|".join(random_host.FOUND), r"\1", json.dumps(part))


def drop(verbs, unit, verb):
    """One verb of what is wanted of the unit, if it is there."""
    if verb in verbs.get(unit, []):
        verbs[unit].remove(verb)
        if not verbs[unit]:
            del verbs[unit]


def drop_refused(plan, unit, verb, wanted, seen):
    """With what the job would have dragged along; unless another one did the same to them. One that only wants the unit
    may have tried that in vain. The units that are then not compared."""
    dragged, excused = {unit: verb}, []
    for entry in plan["units"]["dragged"] if verb != "stop" else []:
        if entry["by"] in dragged:
            dragged[entry["unit"]] = entry["verb"]
    for name, what in dragged.items():
        if name in wanted and wanted[name] == seen.get(name):
            continue
        excused.append(name)
        drop(wanted, name, what)
        if verb == "stop":
            drop(wanted, name, "start")  # it finds it up
        else:
            drop(seen, name, "start")
    return excused


def judge(result):
    (dry_status, dry, dry_text), (wet_status, wet, wet_text) = result["dry"], result["wet"]
    errors, wanted = [], planned(dry) if dry else {}
    seen = observed(result["seen"], wanted)
    if dry_status != 0 or dry is None:
        if (dry_status, wet_status) != (1, 1):
            errors.append(f"dry run: exit {dry_status}, switch: exit {wet_status}\n{dry_text}\n{wet_text}")
        errors += [f"refused, but {unit}: {verbs}" for unit, verbs in seen.items()]
        return errors
    if wet is None:
        return [f"the dry run has a plan, the switch: exit {wet_status}: {wet_text}"]
    for key in sorted(dry.keys() | wet.keys()):
        if key not in ("preflight", "result", "to") and dry.get(key) != wet.get(key):
            errors.append(f"{key}: the dry run says {json.dumps(dry.get(key))},\n    the switch {json.dumps(wet.get(key))}")
    elsewhere = result["elsewhere"]
    for key in ("units", "daemon", "actions") if elsewhere else ():
        if not isinstance(elsewhere, dict) or as_elsewhere(elsewhere[key]) != as_elsewhere(dry[key]):
            errors.append(f"{key}: the dry run says {json.dumps(dry[key])},\n    diff elsewhere "
                          f"{json.dumps(elsewhere[key] if isinstance(elsewhere, dict) else elsewhere)}")
    for unit in result["verified"]:
        if unit not in wanted and result["seen"].get(unit, {}).get("deeds") == [["start", "dependency"]]:
            drop(seen, unit, "start")
            result["excused"].append(unit)
    refused = refused_by_systemd(wet)
    for unit, verb in refused:
        result["excused"] += drop_refused(dry, unit, verb, wanted, seen)
    for unit in sorted(wanted.keys() | seen.keys()):
        if wanted.get(unit) != seen.get(unit):
            errors.append(f"{unit}: planned {wanted.get(unit, [])}, seen {seen.get(unit, [])} {result['seen'].get(unit)}")
    if result["daemon_reloads"] != (dry["daemon"] == "reload"):
        errors.append(f"daemon: {dry['daemon']}, reloads seen: {result['daemon_reloads']}")
    bad = failures(dry, result["seen"], seen) | {unit for unit, _ in refused}
    if wet_status != (4 if bad else 0):
        errors.append(f"exit {wet_status}, failed units: {sorted(bad)}\n{wet_text}")
    return errors


def main():
    seed, number, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    episode = Episode(seed, number, steps)
    for step in range(steps):
        result = episode.step(step)
        print(json.dumps(result), flush=True)
        if result["errors"]:
            break


if __name__ == "__main__":
    main()
