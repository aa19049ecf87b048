# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which of the plan's rules (docs/plan.md) a step of the property test has shown: by the reasons in the plan, and, where
the rule is that nothing happens, by what was changed in a unit that then was not touched."""
import collections
import re

# name, verb, what stands in the unit's name, its reasons
PLANNED = [
    ("1 gone", "stop", "", r"^/etc/systemd/system/\S+ removed$|^/etc/fstab:\d+ removed$"),
    ("2 unwanted", "stop", "", r"^no longer wanted|^Disable=|^masked"),
    ("3 wanted", "start", "", r"^newly wanted"),
    ("4 oneshot ended", "start", "", r"it ran and ended$"),
    ("5 had failed", "start", "", r"it had failed$"),
    ("5 owed", "start|restart|reload", "", r"^owed: "),
    ("7 socket restarts", "restart", r"\.socket$", r"^Socket\."),
    ("7 makes way", "stop", "", r"^makes way for|its socket starts it again$"),
    ("7 timer, path", "restart", r"\.(timer|path)$", r"^(Timer|Path)\."),
    ("7 mount options", "reload", r"\.mount$", r"^Mount\."),
    ("7 mount", "restart", r"\.mount$", r"^Mount\."),
    ("7 at work", "skip", "", r"^a oneshot at work"),
    ("7 connection", "skip", "", r"^it is a connection"),
    ("7 protected", "skip", "", r"^never restarted under"),
    ("7 reconfiguration", "stop", r"\.target$", r"^X-StopOnReconfiguration=yes"),
    ("8 restart", "restart", r"\.service$", r"^Service\.\S+ "),
    ("8 stop and start", "stop", r"\.service$", r"stopped as its old text has it$"),
    ("9 reload", "reload", r"\.service$", r"^/etc/|^X-Reload-Triggers"),
    ("along", "stop", "", r"^stops with "),
    ("flag: keep-old", "skip", "", r"^X-SwitchMethod=keep-old"),
    ("flag: restart", "restart", "", r"X-SwitchMethod=restart$"),
    ("flag: stop-start", "stop", "", r"X-SwitchMethod=stop-start$"),
    ("flag: reload", "reload", "", r"X-(SwitchMethod=reload|ReloadIfChanged=yes)$"),
    ("flag: no restart", "skip", "", r"^(X-RestartIfChanged=no|X-OnlyManualStart=yes|RefuseManual\S+=yes)"),
    ("flag: stop if changed", "stop", "", r"X-StopIfChanged=yes$"),
    ("T1 X-Triggers", "restart|reload|start", "", r"\| X-(Restart|Reload)-Triggers=|^X-(Restart|Reload)-Triggers= "),
    ("T2 [Trigger]", "restart|reload|start", "", r"\| \[Trigger\]"),
    ("T3 implied", "restart|start|stop", "", r"\| (ExecStart|EnvironmentFile|LoadCredential)="),
    ("T4 readers", "restart|reload|start", "", r"a file that it is known to read"),
    ("T6 fstab", "start|stop|restart|reload", r"^run-pf", ""),
]
# name, the word of the change, and whether the unit was on
NOTHING = [
    ("R1 comments", "comment", True),
    ("6 live", "live key", True),
    ("flag added", "flag", True),
    ("4 off stays off", "restart key|command|stop key", False),
]
DROPIN = ("R2 drop-in", r"/systemd/system/\S+\.d/\S+\.conf")
ALL = [name for name, *_ in PLANNED] + [name for name, *_ in NOTHING] + [DROPIN[0], "dragged", "triggered"]


def of_plan(units, found):
    for verb in ("stop", "start", "restart", "reload", "skip"):
        for entry in units[verb]:
            reasons = " | ".join(entry["reason"])
            for name, verbs, unit, pattern in PLANNED:
                if verb in verbs.split("|") and re.search(unit, entry["unit"]) and re.search(pattern, reasons):
                    found[name] += 1
            if re.search(DROPIN[1], reasons):
                found[DROPIN[0]] += 1


def of_nothing(result, units, found):
    acted = {entry["unit"] for entries in units.values() for entry in entries}
    for word, unit in result["words"]:
        if unit is None or unit in acted:
            continue
        state = result["seen"].get(unit, {"before": "", "deeds": []})
        for name, words, is_on in NOTHING:
            was_on = state["before"].split("/")[0] in ("active", "activating", "reloading")
            if word in words.split("|") and was_on == is_on and not state["deeds"]:
                found[name] += 1


def of(result):
    """rule -> how often it decided."""
    found, units = collections.Counter(), result["dry"][1]["units"]
    of_plan(units, found)
    of_nothing(result, units, found)
    found["dragged"] += len(units["dragged"])
    found["triggered"] += len(units["triggered"])
    return found
