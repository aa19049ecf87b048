# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random configurations of a host, and random changes from one to the next.

A Host is a source as values. mutate() makes one change to it, and says which, in a word that the histogram counts.
Everything is drawn from one random.Random: the same seed gives the same sources. What is left out on purpose is only
what time decides: services that end at random moments, timers that elapse during a switch.
"""
import copy
import os

STUB = "/usr/local/bin/stub"
RETRIED = "p-ab-1.service"  # may wait for its auto-restart: nothing else may need it, a start would wait along
FRAIL = ["p-f.service", "p-one-1.service", "p-timed.service", "p-watch.service"]  # may fail: no plan can know
UPHELD = "p-upheld.service"  # never fails and needs nobody: how often Upholds= tries again is a matter of time
DAEMONS = [f"p-{c}.service" for c in "abcdefgh"] + ["p-ab-1.service", "p-ab-2.service", UPHELD]
RIVALS = ["p-rival-1.service", "p-rival-2.service"]  # Conflicts=, and nothing else, or no transaction could hold
DAEMONS += RIVALS
UNTARGETED = [*RIVALS, RETRIED]  # what starts a target must neither start both nor wait for ever
ONESHOTS = ["p-one-1.service", "p-one-2.service", "p-timed.service", "p-watch.service", "p-work.service"]
WORK, HELD = "p-work.service", "/run/p-held"  # at work for as long as that file is there
SOCKETS = ["p-sock.socket", "p-other.socket", "p-each.socket"]
BEHIND_SOCKETS = ["p-sock.service", "p-each@.service"]
TIMERS = ["p-timed.timer", "p-nightly.timer"]
PATHS, TRIGGERED = ["p-watch.path"], "p-watch.service"
TARGETS = ["p-x.target", "p-y.target"]
TEMPLATES = ["p-i@.service"]
INSTANCES = ["p-i@1.service", "p-i@2.service"]
MOUNTS = ["run-pm1.mount", "run-pm2.mount"]
AUTOMOUNTS = ["run-pm3.mount", "run-pm3.automount"]
SLICES = ["p.slice", "p-q.slice"]
ALL = (DAEMONS + ONESHOTS + SOCKETS + BEHIND_SOCKETS + TIMERS + PATHS + TARGETS + TEMPLATES + MOUNTS + AUTOMOUNTS +
       SLICES)

# What cannot start without the other
NEEDS = {"p-sock.socket": "p-sock.service", "p-each.socket": "p-each@.service", "p-other.socket": "p-b.service",
         "p-timed.timer": "p-timed.service", "p-nightly.timer": "p-one-1.service", "p-watch.path": "p-watch.service",
         "run-pm3.automount": "run-pm3.mount"}

# What the distribution brings: below /usr/lib/systemd/system.
DISTRIBUTION = {
    "d-web.service": f"[Unit]\nDescription=Web\n[Service]\nExecStart={STUB} web\nExecReload=/bin/true\n"
                     "[Install]\nWantedBy=multi-user.target\n",
    "d-mail.service": f"[Unit]\nDescription=Mail\n[Service]\nExecStart={STUB} mail\nExecStop=/bin/true\n"
                      "[Install]\nWantedBy=multi-user.target\nAlias=d-mta.service\n",
    "d-log.service": f"[Unit]\nDescription=Log\nRequires=d-log.socket\n[Service]\nExecStart={STUB} log\n"
                     "[Install]\nAlso=d-log.socket\n",
    "d-log.socket": "[Socket]\nListenStream=/run/d-log\n[Install]\nWantedBy=sockets.target\n",
    "d-plain.service": f"[Service]\nExecStart={STUB} plain\n",
    "d-needs.service": f"[Unit]\nRequires=d-web.service\nAfter=d-web.service\n[Service]\nExecStart={STUB} needs\n"
                       "[Install]\nWantedBy=multi-user.target\n",
    "d-i@.service": f"[Service]\nExecStart={STUB} %i\n[Install]\nWantedBy=multi-user.target\nDefaultInstance=one\n",
    "d-tidy.timer": "[Timer]\nOnCalendar=2099-01-01\n[Install]\nWantedBy=timers.target\n",
    "d-tidy.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
}
FILES = ["p/env-1", "p/env-2", "p/cred", "p/conf-1", "p/conf-2", "p/conf.d/one", "p/conf.d/two", "p/trig-1",
         "p/trig-2", "p/deep/er/three"]
FOUND = FILES[:4]  # the administrator may have had them
WATCHED = "p/watched"

LIVE_KEYS = {  # rule 6: a daemon-reload takes them over
    "Unit": [("Description", ["One", "Two", "Three"]), ("Documentation", ["man:one(1)", "man:two(1)"]),
             ("StartLimitBurst", ["40", "50"]), ("ConditionPathExists", ["/etc/passwd", "/etc/group"])],
    "Service": [("SuccessExitStatus", ["3", "4"]), ("TimeoutStopSec", ["20s", "30s"]), ("TimeoutStartSec", ["25s", "35s"]),
                ("MemoryMax", ["600M", "700M"]), ("TasksMax", ["100", "200"]), ("CPUWeight", ["50", "60"]),
                ("OOMPolicy", ["stop", "continue"])],
    "Socket": [("MaxConnections", ["20", "30"]), ("TriggerLimitBurst", ["100", "90"])],
    "Timer": [("OnCalendar", ["2098-01-01", "2099-02-02"]), ("RandomizedDelaySec", ["1s", "2s"])],
    "Mount": [("TimeoutSec", ["20s", "30s"]), ("LazyUnmount", ["no"])],
    "Slice": [("MemoryMax", ["4G", "5G"]), ("TasksMax", ["1000", "2000"])],
}
RESTART_KEYS = {  # rule 8, or 7 by type
    "Service": [("Environment", ["A=1", "A=2", "B=3"]), ("Nice", ["1", "2"]), ("LimitNOFILE", ["1000", "2000"]),
                ("UMask", ["0027", "0077"]), ("OOMScoreAdjust", ["10", "20"]), ("LogLevelMax", ["info", "debug"]),
                ("WorkingDirectory", ["/", "/usr"]), ("RuntimeMaxSec", ["1d", "2d"]), ("Slice", SLICES)],
    "Socket": [("Backlog", ["10", "20"]), ("SocketMode", ["0600", "0660"]), ("RemoveOnStop", ["yes", "no"])],
    "Path": [("MakeDirectory", ["yes"]), ("DirectoryMode", ["0700", "0750"])],
    "Mount": [("Options", ["nosuid", "nodev", "nosuid,nodev"]), ("What", ["tmpfs", "p-tmpfs"]),
              ("DirectoryMode", ["0700", "0750"])],
    "Automount": [("TimeoutIdleSec", ["1d", "2d"])],
}
STOP_KEYS = [("ExecStop", ["/bin/true", "/bin/true two"]), ("ExecStopPost", ["/bin/true", "/bin/true two"]),
             ("KillMode", ["mixed", "process"]), ("KillSignal", ["SIGINT", "SIGQUIT"]), ("SendSIGHUP", ["yes"]),
             ("SendSIGKILL", ["no"]), ("RuntimeDirectory", ["p-one", "p-two"]), ("PIDFile", ["/run/p-pid"]),
             ("FinalKillSignal", ["SIGABRT"]), ("RestartKillSignal", ["SIGINT"])]
FLAGS = [("X-RestartIfChanged", ["no"]), ("X-ReloadIfChanged", ["yes"]), ("X-StopIfChanged", ["yes", "no"]),
         ("X-StopOnRemoval", ["no"]), ("X-OnlyManualStart", ["yes"]), ("X-NotSocketActivated", ["yes"]),
         ("X-SwitchMethod", ["keep-old", "restart", "reload", "stop-start"])]
REFUSALS = [("RefuseManualStop", ["yes"]), ("RefuseManualStart", ["yes"])]
DEPENDENCIES = ["Requires", "Wants", "BindsTo", "PartOf", "Requisite", "Upholds", "StopPropagatedFrom"]


class Unit:
    """A unit file or drop-in: section -> list of (key, value); noise draws how it is written."""

    def __init__(self, noise, **sections):
        self.sections = {name: list(keys) for name, keys in sections.items()}
        self.noise = noise

    def get(self, section, key):
        return next((v for k, v in self.sections.get(section, []) if k == key), None)

    def drop(self, section, key):
        self.sections[section] = [(k, v) for k, v in self.sections.get(section, []) if k != key]

    def set(self, section, key, value):
        self.drop(section, key)
        if value is not None:
            self.sections[section].append((key, value))

    def text(self):
        """The same meaning for every noise: rule R1."""
        import random
        rng = random.Random(self.noise)
        names = [n for n in self.sections if self.sections[n]]
        rng.shuffle(names)
        out = []
        for name in names:
            keys = self.sections[name]
            if name != "Socket":  # the Listen*= keys are one list
                order = list(dict.fromkeys(k for k, _ in keys))
                rng.shuffle(order)
                keys = [(k, v) for o in order for k, v in keys if k == o]
            out += rng.choice([[], [""], ["# " + rng.choice("abc")]]) + [f"[{name}]"]
            for key, value in keys:
                out += rng.choice([[], [], [""], ["; " + rng.choice("abc")], ["X-Note=" + rng.choice("abc")]])
                if " " in value and rng.random() < 0.2:
                    value = value.replace(" ", " \\\n  ", 1)
                out.append(key + rng.choice(["=", "=", " = "]) + value)
        return "\n".join(out) + "\n"


def kind(name):
    """p-a.service -> Service"""
    return name.rsplit(".", 1)[1].capitalize()


class Host:
    def __init__(self, rng):
        self.rng = rng
        self.units = {}
        self.dropins = {}  # "p-a.service.d/10-x.conf" -> Unit
        self.links = {}  # path below units/ -> target
        self.files = {}  # path below etc/ -> content, or ("link", target)
        self.rules = {"Enable": set(), "Disable": set(), "Mask": set()}
        self.triggers = []  # (unit, files, action)
        self.fstab = []
        for path in FILES + [WATCHED]:
            if rng.random() < 0.8 or path == "p/cred":
                self.files[path] = "V=1\n"
        for name in ALL:
            if rng.random() < 0.7:
                self.add_unit(name)
        for _ in range(6):
            self.add_dependency()

    def copy(self):
        other = copy.copy(self)
        for name in ("units", "dropins", "links", "files", "rules", "triggers", "fstab"):
            setattr(other, name, copy.deepcopy(getattr(self, name)))
        return other

    def noise(self):
        return self.rng.getrandbits(32)

    # -- units

    def add_unit(self, name):
        unit = Unit(self.noise(), Unit=[("Description", "One")], **{kind(name): []}, Install=[])
        getattr(self, "fill_" + kind(name).lower())(name, unit)
        self.units[name] = unit
        if NEEDS.get(name, name) not in self.units:
            self.add_unit(NEEDS[name])

    def command(self, ready=False):
        rng = self.rng
        words = [STUB] + (["--ready"] if ready else []) + [f"w{rng.randrange(9)}"]
        if rng.random() < 0.4:
            words.append(rng.choice(["", "--config="]) + "/etc/" + rng.choice(["p/conf-1", "p/conf-2", "p/conf.d"]))
        return " ".join(words)

    def oneshot_command(self, name):
        return f"{STUB} --while={HELD if name == WORK else '/none'} {self.rng.randrange(99)}"

    def set_command(self, name):
        """Another ExecStart= that fits the unit."""
        unit, is_notify = self.units[name], self.units[name].get("Service", "Type") == "notify"
        unit.set("Service", "ExecStart", self.oneshot_command(name) if name in ONESHOTS else self.command(is_notify))

    def fill_service(self, name, unit):
        rng = self.rng
        keys = unit.sections["Service"]
        if name in ONESHOTS:
            keys += [("Type", "oneshot"), ("ExecStart", self.oneshot_command(name))]
            if rng.random() < 0.3:
                keys.append(("RemainAfterExit", "yes"))
        else:
            kind_of = rng.choice(["simple", "simple", "exec", "notify"])
            keys += [("Type", kind_of), ("ExecStart", self.command(kind_of == "notify"))]
            if rng.random() < 0.6:
                keys.append(("ExecReload", rng.choice(["/bin/true"] * 9 + ["/bin/false"])))
            if rng.random() < 0.25:
                keys.append(("ExecStop", "/bin/true"))
        if rng.random() < 0.15:
            keys.append(("EnvironmentFile", "-/etc/" + rng.choice(FILES[:2])))
        if rng.random() < 0.1 and name not in ONESHOTS + [UPHELD]:
            keys.append(("LoadCredential", "cred:/etc/p/cred"))
        if rng.random() < 0.2:
            keys.append((rng.choice(["X-Restart-Triggers", "X-Reload-Triggers"]),
                         rng.choice(["/etc/p/trig-1", "/etc/p/trig-*", "value-1", "/etc/p/deep"])))
        if name not in BEHIND_SOCKETS and rng.random() < 0.6:
            targets = TARGETS[:1] if name not in UNTARGETED else []
            unit.sections["Install"].append(("WantedBy", rng.choice(["multi-user.target"] * 3 + targets)))
        if "@" in name and rng.random() < 0.5:
            unit.sections["Install"].append(("DefaultInstance", "1"))

    def fill_socket(self, name, unit):
        keys = unit.sections["Socket"]
        keys.append(("ListenStream", f"/run/{name}.{self.rng.randrange(3)}"))
        if name == "p-each.socket":
            keys.append(("Accept", "yes"))
        if name == "p-other.socket":
            keys.append(("Service", "p-b.service"))
        if self.rng.random() < 0.7:
            unit.sections["Install"].append(("WantedBy", "sockets.target"))

    def fill_timer(self, name, unit):
        keys = unit.sections["Timer"]
        keys.append(self.rng.choice([("OnCalendar", "2099-01-01"), ("OnBootSec", "100d"), ("OnCalendar", "2020-01-01")]))
        if name == "p-nightly.timer":
            keys.append(("Unit", "p-one-1.service"))
        if self.rng.random() < 0.7:
            unit.sections["Install"].append(("WantedBy", "timers.target"))

    def fill_path(self, name, unit):
        unit.sections["Path"].append((self.rng.choice(["PathChanged", "PathModified"]), "/etc/" + WATCHED))
        if self.rng.random() < 0.6:
            unit.sections["Install"].append(("WantedBy", "paths.target"))

    def fill_target(self, name, unit):
        if self.rng.random() < 0.7:
            unit.sections["Install"].append(("WantedBy", "multi-user.target"))
        if self.rng.random() < 0.3:
            unit.sections["Unit"].append(("X-StopOnReconfiguration", "yes"))

    def fill_mount(self, name, unit):
        unit.sections["Mount"] += [("What", "tmpfs"), ("Where", "/run/" + name[4:-6]), ("Type", "tmpfs")]
        if name != "run-pm3.mount" and self.rng.random() < 0.7:
            unit.sections["Install"].append(("WantedBy", "local-fs.target"))

    def fill_automount(self, name, unit):
        unit.sections["Automount"].append(("Where", "/run/pm3"))
        unit.sections["Install"].append(("WantedBy", "local-fs.target"))

    def fill_slice(self, name, unit):
        unit.sections["Slice"].append(("MemoryMax", "3G"))

    def add_dependency(self):
        """Edges go from later to earlier units only, and those of other kinds than services to services: no cycles."""
        rng = self.rng
        users = [u for u in DAEMONS + ONESHOTS[:2] + ["p-sock.service"] if u in self.units and u not in [UPHELD, *RIVALS]]
        if len(users) < 2:
            return None
        first, second = sorted(rng.sample(range(len(users)), 2))
        key, other = rng.choice(DEPENDENCIES), users[first]
        if other == RETRIED or (other in FRAIL and key not in ("Wants", "Requires")):
            return None  # when it fails, they stop as soon as they are told
        if key == "Upholds":
            other, second = UPHELD, rng.randrange(len(users))
            if UPHELD not in self.units:
                return None
        elif rng.random() < 0.2:
            other = rng.choice([u for u in self.units if kind(u) in ("Target", "Mount")] or [other])
        elif rng.random() < 0.1:
            other = rng.choice(["d-web.service", "d-plain.service"])
        unit = self.units[users[second]]
        if kind(other) == "Mount" and rng.random() < 0.5:
            unit.set("Unit", "RequiresMountsFor", "/run/" + other[4:-6])
            return "dependency"
        unit.sections["Unit"].append((key, other))
        if kind(other) == "Service" and other != UPHELD and rng.random() < 0.6:
            unit.sections["Unit"].append(("After", other))
        return "dependency"

    # -- writing it out

    def profile_conf(self):
        out = ["[Profile]", "Description=Random", "[Units]"]
        out += [f"{key}={' '.join(sorted(names))}" for key, names in self.rules.items() if names]
        for unit, files, action in self.triggers:
            out += ["[Trigger]", f"Unit={unit}", f"Files={files}", f"Action={action}"]
        return "\n".join(out) + "\n"

    def entries(self):
        """path -> content, or ("link", target)"""
        out = {"profile.conf": self.profile_conf()}
        out.update({f"units/{name}": unit.text() for name, unit in self.units.items()})
        out.update({f"units/{path}": unit.text() for path, unit in self.dropins.items()})
        out.update({f"units/{path}": ("link", target) for path, target in self.links.items()})
        out.update({f"etc/{path}": content for path, content in self.files.items()})
        if self.fstab:
            out["etc/fstab"] = "".join(" ".join(line) + " 0 0\n" for line in self.fstab)
        return out

    def write(self, directory):
        for path, content in self.entries().items():
            path = os.path.join(directory, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if isinstance(content, tuple):
                os.symlink(content[1], path)
            else:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(content)
