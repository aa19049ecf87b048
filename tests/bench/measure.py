#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""measure.py N [ROUNDS]: the bench itself, inside a lab. N units; the program changes ten of them, the floor ten more of
the same make that no profile manages, by turns: A to B, and back."""
import os
import statistics
import subprocess
import sys
import time

CHANGED = 10
SYSTEM = "/etc/systemd/system"
DAEMON = "[Unit]\nDescription={name} of the bench\nDocumentation=man:true(1)\nAfter=network.target\n{unit}\n" \
         "[Service]\nType={type}\nExecStart={command}\n{service}Restart=on-failure\nRestartSec=5s\n" \
         "Environment=VERSION={version}\n\n[Install]\nWantedBy=multi-user.target\n"


def unit_text(name, number, version, is_bystander):
    """A fifth is ready 200 ms after its start. Of those that nobody touches the others are oneshots that start nothing:
    they are active at once, and 4000 processes would take minutes to start and only fill the memory."""
    kind, command, service = "simple", f"/usr/local/bin/stub {name}", "ExecReload=/bin/true\n"
    if number % 5 == 0:
        kind, command = "notify", "/usr/local/bin/stub --ready=200"
    elif is_bystander:
        return f"[Unit]\nDescription={name} of the bench\nDocumentation=man:true(1)\nAfter=network.target\n\n" \
               f"[Service]\nType=oneshot\nExecStop=/bin/true {name}\nRemainAfterExit=yes\nEnvironment=VERSION=1\n" \
               "\n[Install]\nWantedBy=multi-user.target\n"
    trigger = "X-Reload-Triggers=/etc/bench.conf\n" if (name, number) == ("b", 1) else ""
    return DAEMON.format(name=name, unit=trigger, type=kind, command=command, service=service, version=version)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def names(prefix):
    return [f"{prefix}-{i:04}.service" for i in range(1, CHANGED + 1)]


def lay_out(n):
    """The sources /root/A, /root/B (ten units) and /root/C (A with another file), and the floor's files beside them."""
    for version in "ABC":
        for i in range(1, n - CHANGED + 1):
            change = version if i <= CHANGED and version == "B" else "A"
            text = unit_text(f"b-{i:04}" if i != 1 else "b", i, change, i > CHANGED)
            write(f"/root/{version}/units/b-{i:04}.service", text)
        write(f"/root/{version}/etc/bench.conf", "two\n" if version == "C" else "one\n")
        write(f"/root/floor/{version}/bench.conf", "two\n" if version == "C" else "one\n")
        for i, name in enumerate(names("f"), 1):
            write(f"/root/floor/{version}/{name}", unit_text(name, i, "B" if version == "B" else "A", False))


def start_all(n):
    """As after a boot. The first switch then finds everything as it shall be."""
    wants = SYSTEM + "/multi-user.target.wants"
    os.makedirs(wants, exist_ok=True)
    sources = [f"/root/A/units/b-{i:04}.service" for i in range(1, n - CHANGED + 1)]
    sources += [f"/root/floor/A/{name}" for name in names("f")]
    for source in sources:
        with open(source, encoding="utf-8") as file:
            write(f"{SYSTEM}/{os.path.basename(source)}", file.read())
        os.symlink(f"{SYSTEM}/{os.path.basename(source)}", f"{wants}/{os.path.basename(source)}")
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    subprocess.run(["systemctl", "start", "multi-user.target"], check=True)


def timed(argv, steps=""):
    """ms by the clock; of the program itself the processor's time too, which a busy machine does not lengthen as much."""
    with open("/run/bench-output", "w+", encoding="utf-8") as output, open("/run/bench-steps", "w+", encoding="utf-8") as given:
        given.write(steps)
        given.seek(0)
        begin = time.perf_counter()
        process = subprocess.Popen(argv, stdin=given, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        spent = 1000 * (time.perf_counter() - begin)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(argv)}: exit {process.returncode}\n{output.read()}")
    return spent, 1000 * (usage.ru_utime + usage.ru_stime)


def sysswitch(*argv):
    return timed(["sysswitch", *argv])


def floor(version, *options):
    steps = [f"write /root/floor/{version}/{name} {SYSTEM}/{name}" for name in names("f")]
    steps += ["daemon-reload"] + [f"restart {name}" for name in names("f")]
    return timed(["floor", *options], "\n".join(steps) + "\n")


def downtimes(prefix):
    """ms that each changed unit was not active in its last restart: of the daemons, of those that take 200 ms."""
    out = subprocess.run(["systemctl", "show", "-p", "ActiveExitTimestampMonotonic", "-p", "ActiveEnterTimestampMonotonic",
                          "--value", *names(prefix)], check=True, capture_output=True, text=True).stdout.split()
    stamps = [sorted((int(out[i]), int(out[i + 1]))) for i in range(0, len(out), 2)]
    gaps = [(up - down) / 1000 for down, up in stamps]
    return ([g for i, g in enumerate(gaps, 1) if i % 5], [g for i, g in enumerate(gaps, 1) if i % 5 == 0])


def restart_each():
    for name in names("f"):
        subprocess.run(["systemctl", "restart", name], check=True)


class Table:
    def __init__(self):
        self.samples = {}

    def add(self, name, *values):
        self.samples.setdefault(name, []).extend(values)

    def add_run(self, name, spent):
        self.add(name, spent[0])
        self.add(name + " (processor)", spent[1])

    def median(self, name):
        return statistics.median(self.samples[name])

    def row(self, name, against=None, aim_ratio=None, aim_ms=None):
        value, line = self.median(name), ""
        if against:
            line = f"{value / self.median(against):5.2f} x {against}"
        if aim_ratio:
            line += f" (aim {aim_ratio}: {'met' if value <= aim_ratio * self.median(against) else 'missed'})"
        if aim_ms:
            line += f"aim {aim_ms} ms: {'met' if value <= aim_ms else 'missed'}"
        low, high = min(self.samples[name]), max(self.samples[name])
        processor = f"{self.median(name + ' (processor)'):7.1f}" if name + " (processor)" in self.samples else " " * 7
        print(f"  {name:26} {value:9.1f} {low:9.1f} - {high:8.1f} {processor}   {line}")


def measure(table, rounds):
    for i in range(rounds):
        version = "BA"[i % 2]
        table.add_run("dry run", sysswitch("switch", "--dry-run", "/root/" + version))
        table.add_run("switch", sysswitch("switch", "--no-check", "/root/" + version))
        for name, values in zip(("downtime", "downtime, 200 ms to start"), downtimes("b")):
            table.add(name, *values)
        table.add_run("nothing changed", sysswitch("switch", "/root/" + version))
        table.add_run("floor", floor(version))
        table.add_run("floor, serial", floor("AB"[i % 2], "--serial"))
        floor(version, "--serial")
        restart_each()
        for name, values in zip(("restart", "restart, 200 ms to start"), downtimes("f")):
            table.add(name, *values)
    if rounds % 2:
        sysswitch("switch", "/root/A")
    for i in range(rounds):
        version = "CA"[i % 2]
        table.add_run("file behind a trigger", sysswitch("switch", "/root/" + version))
        table.add_run("floor of that", timed(["floor"], f"write /root/floor/{version}/bench.conf /etc/bench.floor\n"
                                                    "reload f-0001.service\n"))


def main():
    n = int(sys.argv[1])
    # a reload of 5000 units takes systemd half a minute, and a round has four
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7 if n < 5000 else 3
    lay_out(n)
    start_all(n)
    first = sysswitch("switch", "/root/A")
    table = Table()
    sysswitch("switch", "/root/B")
    sysswitch("switch", "/root/A")
    floor("A")
    measure(table, rounds)
    print(f"N={n}, {CHANGED} change; medians of {rounds}, ms; first switch {first[0]:.0f} ms\n"
          f"  {'':26} {'median':>9} {'min':>9} - {'max':>8} {'cpu':>7}")
    table.row("dry run", aim_ms=30 if n >= 5000 else None)
    table.row("switch", "floor", 1.15)
    table.row("floor")
    table.row("floor, serial", "floor")
    table.row("nothing changed", aim_ms=30 if n >= 5000 else None)
    table.row("file behind a trigger", "floor of that", aim_ms=None)
    table.row("floor of that")
    table.row("downtime", "restart", 1.1)
    table.row("restart")
    table.row("downtime, 200 ms to start", "restart, 200 ms to start", 1.1)
    table.row("restart, 200 ms to start")


if __name__ == "__main__":
    main()
