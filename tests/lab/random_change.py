# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random changes of a random host. Each function makes one, or returns None where it does not fit. host.touched is the
unit whose text it changed, where it is just one."""
import random_host as hosts
from random_host import Unit, kind

CREDENTIAL = "p/cred"  # without it its units fail
DROPIN_NAMES = ["10-one.conf", "20-two.conf", "notes.txt"]


def any_unit(host, kinds=None):
    names = [n for n in host.units if kinds is None or kind(n) in kinds]
    host.touched = host.rng.choice(names) if names else None
    return host.touched


def any_key(host, table, section):
    key, values = host.rng.choice(table[section] if isinstance(table, dict) else table)
    return key, host.rng.choice(values)


def change_key(host, table, section, unit):
    """Sets the key, changes it or takes it away."""
    key, value = any_key(host, table, section)
    old = unit.get(section, key)
    if old is not None and host.rng.random() < 0.4 and key not in ("What", "Options", "OnCalendar"):
        value = None
    unit.set(section, key, value)


def comment(host):
    where = host.rng.choice([host.units, host.units, host.dropins])
    if not where:
        return None
    name = host.rng.choice(sorted(where))
    where[name].noise = host.noise()
    host.touched = name.split(".d/")[0]
    return "comment"


def live_key(host):
    name = any_unit(host)
    if name is None:
        return None
    section = host.rng.choice([s for s in ("Unit", kind(name)) if s in hosts.LIVE_KEYS] or ["Unit"])
    change_key(host, hosts.LIVE_KEYS, section, host.units[name])
    return "live key"


def reload_command(host):
    name = any_unit(host, ["Service"])
    if name is None or name in hosts.ONESHOTS:
        return None
    host.units[name].set("Service", "ExecReload", host.rng.choice(["/bin/true", "/bin/true two", "/bin/false", None]))
    return "live key"


def restart_setting(host):
    """Restart= with a delay that never ends during a test: a unit that fails waits for its auto-restart."""
    unit = host.units.get(hosts.RETRIED)
    if unit is None:
        return None
    unit.set("Service", "RestartSec", "9d")
    unit.set("Service", "Restart", host.rng.choice(["on-failure", "always", "no"]))
    host.touched = hosts.RETRIED
    return "live key"


def restart_key(host):
    name = any_unit(host, list(hosts.RESTART_KEYS))
    if name is None:
        return None
    change_key(host, hosts.RESTART_KEYS, kind(name), host.units[name])
    return "restart key"


def command(host):
    name = any_unit(host, ["Service"])
    if name is None:
        return None
    host.set_command(name)
    return "command"


def failing(host):
    """Toggles: the service's program ends with an error."""
    name = host.touched = host.rng.choice(hosts.FRAIL)
    if name not in host.units:
        return None
    unit = host.units[name]
    if unit.get("Service", "ExecStart") != "/bin/false":
        if name == hosts.TRIGGERED and unit.get("Service", "RemainAfterExit"):
            return None  # whether its path unit gets it up decides whether a start that follows does anything
        unit.set("Service", "ExecStart", "/bin/false")
    else:
        host.set_command(name)
    return "failing"


def stop_key(host):
    name = any_unit(host, ["Service"])
    if name is None:
        return None
    unit = host.units[name]
    if host.rng.random() < 0.2 and name not in hosts.ONESHOTS:
        unit.set("Service", "Type", host.rng.choice(["simple", "exec", "notify"]))
        if unit.get("Service", "ExecStart") != "/bin/false":
            host.set_command(name)
    elif host.rng.random() < 0.1:
        if name != hosts.TRIGGERED or unit.get("Service", "ExecStart") != "/bin/false":  # see failing()
            unit.set("Service", "RemainAfterExit", host.rng.choice(["yes", None]))
    else:
        change_key(host, hosts.STOP_KEYS, "Service", unit)
    return "stop key"


def flag(host):
    name = any_unit(host)
    if name is None:
        return None
    unit = host.units[name]
    table = hosts.FLAGS if host.rng.random() < 0.8 else hosts.REFUSALS
    section = host.rng.choice(["Unit", "Service"]) if kind(name) == "Service" and table is hosts.FLAGS else "Unit"
    change_key(host, table, section, unit)
    if kind(name) == "Service" and host.rng.random() < 0.7:  # a flag tells only where something changes
        host.set_command(name)
        return "flag and command"
    return "flag"


def dropin(host):
    """A drop-in of one of the levels comes, changes or goes."""
    rng = host.rng
    if host.dropins and rng.random() < 0.3:
        path = rng.choice(sorted(host.dropins))
        del host.dropins[path]
        return "drop-in"
    levels = list(host.units) * 2 + hosts.INSTANCES + ["d-web.service", "d-mail.service", "d-log.service",
                                                       "d-i@one.service", "d-i@.service"]
    levels += ["p-ab-.service", "p-ab-.service", "p-.service"] if rng.random() < 0.5 else []
    level = rng.choice(levels)
    name = rng.choice(DROPIN_NAMES)
    section = kind(level)
    unit = Unit(host.noise(), Unit=[], **{section: []})
    table = rng.choice([hosts.LIVE_KEYS, hosts.RESTART_KEYS])
    if section == "Service" and rng.random() < 0.2:
        unit.sections["Service"].append(any_key(host, hosts.STOP_KEYS, "Service"))
    elif section in table:
        unit.sections[section].append(any_key(host, table, section))
    else:
        unit.sections["Unit"].append(any_key(host, hosts.LIVE_KEYS, "Unit"))
    host.dropins[f"{level}.d/{name}"] = unit
    return "drop-in"


def type_wide(host):
    path = "service.d/50-all.conf"
    if path in host.dropins:
        del host.dropins[path]
    else:
        key, value = any_key(host, hosts.RESTART_KEYS, "Service")
        if key == "Slice":
            return None  # systemd's own services would go with it
        host.dropins[path] = Unit(host.noise(), Service=[(key, value)])
    return "type-wide drop-in"


def protected(host):
    path = host.rng.choice(["systemd-logind.service.d/p.conf", "dbus.service.d/p.conf"])
    if path in host.dropins:
        del host.dropins[path]
    else:
        host.dropins[path] = Unit(host.noise(), Service=[("LimitNOFILE", host.rng.choice(["20000", "30000"]))])
    return "protected"


def trigger_file(host):
    rng = host.rng
    path = rng.choice(hosts.FILES)
    if path != CREDENTIAL and path in host.files and rng.random() < 0.2:
        del host.files[path]
    elif path != CREDENTIAL and rng.random() < 0.1:
        host.files[path] = ("link", f"/usr/share/none-{rng.randrange(3)}")
    else:
        host.files[path] = f"V={rng.randrange(1000)}\n"
    return "file"


def watched_file(host):
    host.files[hosts.WATCHED] = f"V={host.rng.randrange(1000)}\n"
    return "watched file"


def trigger_rule(host):
    rng = host.rng
    if host.triggers and rng.random() < 0.3:
        host.triggers.remove(rng.choice(host.triggers))
        return "trigger rule"
    units = [n for n in host.units if "@" not in n] + ["d-web.service", "d-mail.service"]
    files = rng.choice(["/etc/p/env-*", "/etc/p/**", "/etc/p/*", "/etc/p/conf.d/**", "/etc/p/trig-1 /etc/p/trig-2"])
    host.triggers.append((rng.choice(units), files, rng.choice(["restart", "reload", "reload"])))
    return "trigger rule"


def trigger_value(host):
    name = any_unit(host, ["Service", "Mount", "Timer", "Socket"])
    if name is None:
        return None
    key = host.rng.choice(["X-Restart-Triggers", "X-Reload-Triggers"])
    host.units[name].set("Unit", key, host.rng.choice(["one", "two", "one two", "/etc/p/trig-2", None]))
    return "trigger value"


def remove(host):
    name = any_unit(host)
    if name is None:
        return None
    del host.units[name]
    if host.rng.random() < 0.9:
        for other in [o for o, needed in hosts.NEEDS.items() if needed == name]:
            host.units.pop(other, None)
    if host.rng.random() < 0.8:
        for path in [p for p in host.dropins if p.startswith(name + ".d/")]:
            del host.dropins[path]
    if host.rng.random() < 0.8:
        for unit in host.units.values():
            for section, keys in unit.sections.items():
                unit.sections[section] = [(k, v) for k, v in keys if v != name]
    for names in host.rules.values():
        names.discard(name)
    host.links = {p: t for p, t in host.links.items() if not p.endswith("/" + name)}
    host.triggers = [t for t in host.triggers if t[0] != name]
    return "unit removed"


def add(host):
    missing = [n for n in hosts.ALL if n not in host.units]
    if not missing:
        return None
    host.add_unit(host.rng.choice(missing))
    return "unit added"


def install(host):
    """[Install] of an own unit comes or goes."""
    name = any_unit(host, ["Service", "Socket", "Timer", "Path", "Target", "Mount"])
    if name is None or name in hosts.BEHIND_SOCKETS or name.startswith("run-pm3"):
        return None
    unit = host.units[name]
    if unit.get("Install", "WantedBy"):
        unit.drop("Install", "WantedBy")
    else:
        key = host.rng.choice(["WantedBy"] * 5 + ["RequiredBy"])
        target = host.rng.choice(["multi-user.target", "multi-user.target", "p-x.target"])
        if name in hosts.UNTARGETED:
            target = "multi-user.target"
        if not name.endswith(".target"):
            unit.sections["Install"].append((key, target if "Service" == kind(name) else "multi-user.target"))
    return "enablement"


def rule(host):
    """Enable=, Disable=, Mask= of own units and of the distribution's."""
    rng = host.rng
    key = rng.choice(["Enable", "Enable", "Disable", "Mask"])
    names = [n for n in host.units if "@" not in n and kind(n) in ("Service", "Socket", "Timer")] + hosts.INSTANCES
    names += ["d-web.service", "d-mail.service", "d-log.service", "d-needs.service", "d-i@one.service",
              "d-i@two.service", "d-tidy.timer"] * 2
    name = rng.choice(names)
    is_set = name in host.rules[key]
    for others in host.rules.values():
        others.discard(name)
    if name in hosts.INSTANCES and hosts.TEMPLATES[0] not in host.units:
        return None
    if key == "Mask" and name in host.units:
        return None  # a unit that is masked has no file of its own there
    if not is_set:
        host.rules[key].add(name)
    return "enablement"


def link(host):
    """A wants link, a link to another unit, a mask, in units/ itself."""
    rng = host.rng
    if host.links and rng.random() < 0.4:
        del host.links[rng.choice(sorted(host.links))]
        return "link"
    name = any_unit(host, ["Service", "Timer"])
    if name is None or "@" in name:
        return None
    path, target = rng.choice([(f"multi-user.target.wants/{name}", f"../{name}"), (f"p-x.target.requires/{name}", f"../{name}"),
                               ("p-alias.service", name), ("d-plain.service", "/dev/null")])
    if path == "p-alias.service" and kind(name) != "Service":
        return None
    host.links[path] = target
    return "link"


def dependency(host):
    if host.rng.random() < 0.5:
        return host.add_dependency()
    name = any_unit(host, ["Service"])
    keys = [k for k, _ in host.units[name].sections["Unit"] if k in hosts.DEPENDENCIES + ["RequiresMountsFor"]] if name else []
    if not keys:
        return None
    host.units[name].drop("Unit", host.rng.choice(keys))
    return "dependency"


def conflict(host):
    if not set(hosts.RIVALS) <= set(host.units):
        return None
    unit = host.units[hosts.RIVALS[1]]
    unit.set("Unit", "Conflicts", None if unit.get("Unit", "Conflicts") else hosts.RIVALS[0])
    return "dependency"


def listen(host):
    name = any_unit(host, ["Socket"])
    if name is None:
        return None
    host.units[name].set("Socket", "ListenStream", f"/run/{name}.{host.rng.randrange(9)}")
    return "socket address"


def timer(host):
    name = any_unit(host, ["Timer"])
    if name is None:
        return None
    unit = host.units[name]
    for key in ("OnCalendar", "OnBootSec"):
        unit.drop("Timer", key)
    unit.sections["Timer"].append(host.rng.choice([("OnCalendar", "2099-03-03"), ("OnBootSec", "99d"),
                                                   ("OnCalendar", "2020-02-02")]))
    return "timer"


def reconfiguration(host):
    name = any_unit(host, ["Target"])
    if name is None:
        return None
    unit = host.units[name]
    unit.set("Unit", "X-StopOnReconfiguration", None if unit.get("Unit", "X-StopOnReconfiguration") else "yes")
    return "flag"


def fstab(host):
    rng = host.rng
    if host.fstab and rng.random() < 0.3:
        host.fstab.pop()
    elif host.fstab and rng.random() < 0.5:
        line = host.fstab[-1]
        host.fstab[-1] = line[:3] + (rng.choice(["size=1m", "size=2m", "size=1m,noauto"]),)
    elif len(host.fstab) < 2:
        host.fstab.append(("tmpfs", f"/run/pf{len(host.fstab)}", "tmpfs", "size=1m"))
    return "fstab"


def reader(host):
    rng = host.rng
    path, content = rng.choice([
        ("sysctl.d/p.conf", f"net.ipv4.ip_forward={rng.randrange(2)}\n# {rng.randrange(99)}\n"),
        ("sysctl.d/p.conf", f"net.ipv4.ip_forward={rng.randrange(2)}\n# {rng.randrange(99)}\n"),
        ("tmpfiles.d/p.conf", f"f /run/p-tmp 0644 root root - {rng.randrange(99)}\n"),
        ("dbus-1/system.d/p.conf", f"<busconfig><!-- {rng.randrange(99)} --></busconfig>\n"),
        ("systemd/journald.conf.d/p.conf", f"[Journal]\nRateLimitBurst={rng.randrange(9999, 99999)}\n"),
        ("systemd/system.conf.d/p.conf", f"[Manager]\nDefaultTimeoutStopSec={rng.randrange(80, 99)}s\n"),
    ])
    if path in host.files and rng.random() < 0.2:
        del host.files[path]
    else:
        host.files[path] = content
    return "reader"


CHANGES = [(comment, 9), (live_key, 6), (reload_command, 2), (restart_setting, 1), (restart_key, 8), (command, 4), (failing, 2),
           (stop_key, 4), (flag, 14), (dropin, 6), (type_wide, 0.4), (protected, 1), (trigger_file, 12), (watched_file, 4),
           (trigger_rule, 3), (trigger_value, 4), (remove, 4), (add, 6), (install, 3), (rule, 4), (link, 2), (dependency, 3),
           (conflict, 0.5), (listen, 2), (timer, 1.5), (reconfiguration, 0.7), (fstab, 1), (reader, 2)]


def mutate(host):
    """One change; its word, and the unit whose text changed."""
    functions, weights = zip(*CHANGES)
    while True:
        host.touched = None
        word = host.rng.choices(functions, weights)[0](host)
        if word:
            return word, host.touched
