# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes that aim at a rule which chance alone would seldom show: each makes its change and returns what an administrator
does before it, or None where it does not fit. What else happens in the step stays random, and may spoil the aim."""
import random_change
import random_host as hosts
from random_host import kind

FLAGS = ["X-SwitchMethod", "X-RestartIfChanged", "X-ReloadIfChanged", "X-StopIfChanged", "X-OnlyManualStart",
         "X-NotSocketActivated", "RefuseManualStop", "RefuseManualStart"]
PER_STEP = 4


def present(host, active, names):
    """One of the names that the source has and that runs now."""
    names = [n for n in names if n in host.units and n in active]
    return host.rng.choice(names) if names else None


def plain(host, name):
    """Without flags: an earlier row would decide."""
    unit = host.units[name]
    for section in unit.sections:
        for key in FLAGS:
            unit.drop(section, key)
    return unit


def daemon(host, active):
    return present(host, active, [n for n in hosts.DAEMONS if n not in (hosts.RETRIED, *hosts.FRAIL)])


def other_value(host, unit, section, key, values):
    unit.set(section, key, host.rng.choice([v for v in values if v != unit.get(section, key)]))


def flagged(key, value):
    def aim(host, active):
        name = daemon(host, active)
        if name is None:
            return None
        unit = plain(host, name)
        unit.set("Service", "ExecReload", "/bin/true")
        unit.set(host.rng.choice(["Unit", "Service"]), key, value)
        host.set_command(name)
        return []
    return aim


def had_failed(host, active):
    names = [n for n in hosts.DAEMONS if n not in (hosts.RETRIED, hosts.UPHELD, *hosts.RIVALS) and n in host.units]
    name = present(host, active, [n for n in names if host.units[n].get("Install", "WantedBy") == "multi-user.target"])
    if name is None:
        return None
    plain(host, name)
    host.set_command(name)
    return [["kill", "-s", "KILL", name]]


def oneshot_ended(host, active):
    names = [n for n in ("p-one-1.service", "p-one-2.service", hosts.WORK) if n in host.units]
    names = [n for n in names if host.units[n].get("Install", "WantedBy") == "multi-user.target" and
             not host.units[n].get("Service", "RemainAfterExit")]
    if not names:
        return None
    name = host.rng.choice(names)
    plain(host, name)
    host.set_command(name)
    return []


def makes_way(host, active):
    socket, service = host.rng.choice([("p-sock.socket", "p-sock.service"), ("p-other.socket", "p-b.service")])
    if socket not in host.units or service not in host.units:
        return None
    plain(host, service)
    other_value(host, plain(host, socket), "Socket", "Backlog", ["10", "20", "30"])
    return [["stop", service], ["start", socket], ["start", service]]


def path_text(host, active):
    name = hosts.PATHS[0]
    if name not in host.units:
        return None
    other_value(host, plain(host, name), "Path", "DirectoryMode", ["0700", "0750", "0755"])
    return [["start", name]]


def mount_key(key, values):
    def aim(host, active):
        names = [n for n in hosts.MOUNTS if n in host.units]
        if not names:
            return None
        name = host.rng.choice(names)
        other_value(host, plain(host, name), "Mount", key, values)
        return [["start", name]]
    return aim


def at_work(host, active):
    if hosts.WORK not in host.units:
        host.add_unit(hosts.WORK)
    plain(host, hosts.WORK)
    host.set_command(hosts.WORK)
    return ["hold"]


def connection(host, active):
    for name in ("p-each@.service", "p-each.socket"):
        if name not in host.units:
            host.add_unit(name)
    plain(host, "p-each.socket")
    host.set_command("p-each@.service")
    return [["start", "p-each.socket"], "connect"]


def along(host, active):
    """What others hang on goes."""
    pairs = [(name, value) for name in host.units for key, value in host.units[name].sections["Unit"]
             if key in ("Requires", "BindsTo", "PartOf", "StopPropagatedFrom") and value in host.units and
             kind(value) == "Service" and name in active and value in active]
    if not pairs:
        host.add_dependency()
        return None
    _, needed = host.rng.choice(pairs)
    plain(host, needed)
    for names in host.rules.values():
        names.discard(needed)
    host.rules["Disable"].add(needed)
    return []


def triggered(host, active):
    if hosts.PATHS[0] not in host.units:
        return None
    random_change.watched_file(host)
    return [["start", hosts.PATHS[0]], ["stop", "p-watch.service"]]


def reloaded(host, active):
    name = daemon(host, active)
    if name is None:
        return None
    unit = plain(host, name)
    unit.set("Service", "ExecReload", "/bin/true")
    unit.set("Unit", "X-Reload-Triggers", "/etc/p/trig-1")
    host.files["p/trig-1"] = f"V={host.rng.randrange(1000)}\n"
    return []


def trigger_rule(host, active):
    name = daemon(host, active)
    if name is None:
        return None
    plain(host, name)
    host.triggers = [t for t in host.triggers if t[0] != name] + [(name, "/etc/p/trig-2", "restart")]
    host.files["p/trig-2"] = f"V={host.rng.randrange(1000)}\n"
    return []


def stopping(host, active):
    name = daemon(host, active)
    if name is None:
        return None
    other_value(host, plain(host, name), "Service", "KillSignal", ["SIGINT", "SIGQUIT", "SIGTERM"])
    return []


def chance(change):
    def aim(host, active):
        change(host)
        return []
    return aim


AIMS = [flagged("X-SwitchMethod", "keep-old"), flagged("X-SwitchMethod", "restart"), flagged("X-SwitchMethod", "stop-start"),
        flagged("X-SwitchMethod", "reload"), flagged("X-StopIfChanged", "yes"), flagged("X-RestartIfChanged", "no"), had_failed,
        oneshot_ended, makes_way, path_text, mount_key("Options", ["nosuid", "nodev", "nosuid,nodev"]), at_work, connection,
        mount_key("DirectoryMode", ["0700", "0750", "0755"]), along, triggered, reloaded, trigger_rule, stopping, had_failed,
        at_work, flagged("X-SwitchMethod", "keep-old"), along, makes_way, path_text, flagged("X-StopIfChanged", "yes"),
        flagged("X-SwitchMethod", "restart"), flagged("X-SwitchMethod", "stop-start"), chance(random_change.protected),
        chance(random_change.fstab), chance(random_change.reader)]


def take(host, active, step):
    """The aims of this step, in turn; what is to be done by hand."""
    hands = []
    for i in range(PER_STEP):
        hands += AIMS[(step * PER_STEP + i) % len(AIMS)](host, active) or []
    return hands
