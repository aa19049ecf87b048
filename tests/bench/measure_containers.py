#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""measure_containers.py N [ROUNDS]: the bench itself, inside a lab. One container with six services is changed and restarted by
turns; then N with two. In each timed change the containers' first processes stay, and a connection into the first goes on.
The floor (floor.c) makes the same change of what no profile manages: a service on the host that has the unit of the container
reloaded; that has the container's systemd write the file by a service of its own, and act. A sync on either side."""
import os
import shutil
import socket
import subprocess
import sys
import time

from measure import Table, sysswitch, timed, write

PORT = 7000
ECHO = ("import socket\nserver = socket.create_server(('127.0.0.1', 7000))\nwhile True:\n    client = server.accept()[0]\n"
        "    for line in client.makefile('rb'):\n        client.sendall(line)\n")
# each of them holds an inotify instance, of which a machine has 128 unless told otherwise
QUIET = ("[Units]\nMask=dbus.service dbus.socket systemd-logind.service console-getty.service systemd-ask-password-console.path "
         "systemd-ask-password-wall.path\n")
FLOOR = "/srv/floor"  # which the container sees
# of what the host's /usr brings and a container has no use for; the lab has left it out as well
GENERATORS = "/etc/systemd/system-generators"
SERVICE = "[Service]\nType={type}\nNotifyAccess=all\nExecStart={command}\nExecReload=/bin/true\nEnvironment=VERSION={version}\n\n" \
          "[Install]\nWantedBy=multi-user.target\n"


def service(command, version="A", kind="notify"):
    """Of a kind that tells when it is ready, or not."""
    if kind == "notify":
        command = f"/bin/sh -c 'systemd-notify --ready; exec {command}'"
    return SERVICE.format(command=command, version=version, type=kind)


def lay_out(directory, names, version, n_services):
    """version: A; B has another unit inside, C another file that a unit is reloaded for, D another unit of Type=simple, whose
    start proves nothing: it is watched for 100 ms, which a restart of the container does not do."""
    for name in names:
        base = f"{directory}/{version}/containers/{name}"
        write(base + ".nspawn", f"[Files]\nBindReadOnly={FLOOR}\n" if name == "web" else "[Network]\nPrivate=yes\n")
        write(base + "/etc/site.conf", f"version = {'C' if version == 'C' else 'A'}\n")
        for i in range(n_services):
            change = version if (i, version) in ((0, "B"), (1, "D")) else "A"
            write(f"{base}/units/site-{i}.service", service(f"/bin/sleep {1000000 + i}", change, "simple" if i == 1 else "notify"))
        write(base + "/units/reads.service", "[Unit]\nX-Reload-Triggers=/etc/site.conf\n" + service("/bin/sleep 2000000"))
        os.makedirs(base + GENERATORS)
        for generator in os.listdir(GENERATORS):
            os.symlink("/dev/null", f"{base}{GENERATORS}/{generator}")
    if names[0] != "web":
        for name in names:
            write(f"{directory}/{version}/containers/{name}/profile.conf", QUIET)
    else:
        write(f"{directory}/{version}/containers/web/etc/echo.py", ECHO)
        write(f"{directory}/{version}/containers/web/units/echo.service",
              service("/usr/bin/python3 /etc/echo.py"))


INSIDE = "/root/floor-inside"
FLOOR_UNIT = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecReload=/usr/local/bin/floor --inside=web\n" \
             f"StandardInput=file:{INSIDE}\n"


def lay_out_floor():
    for version in "AB":
        write(f"{FLOOR}/{version}/floor.service", service("/bin/sleep 3000000", version))
        write(f"{FLOOR}/{version}/floor.conf", f"version = {version}\n")
    shutil.copy("/usr/local/bin/floor", FLOOR)
    write("/etc/systemd/system/floor-web.service", FLOOR_UNIT)
    write(INSIDE, "")
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    subprocess.run(["systemctl", "start", "floor-web.service"], check=True)


def floor(version, is_unit):
    """Of a unit inside, or of a file that one is reloaded for."""
    name, target, steps = "floor.conf", "/etc", "reload floor.service\n"
    if is_unit:
        name, target, steps = "floor.service", "/etc/systemd/system", "daemon-reload\nrestart floor.service\n"
    write(INSIDE, f"run {FLOOR}/floor --put {FLOOR}/{version}/{name} {target}/{name}\n" + steps)
    return timed(["floor", "--detached"], f"write {FLOOR}/{version}/{name} /var/lib/{name}\nreload floor-web.service\n")


def births(names):
    """When each first process was started."""
    leaders = subprocess.run(["machinectl", "show", *names, "-p", "Leader", "--value"], check=True, capture_output=True,
                             text=True).stdout.split()
    starts = []
    for leader in leaders:
        with open(f"/proc/{leader}/stat", encoding="utf-8") as file:
            starts.append((leader, file.read().rsplit(")", 1)[1].split()[19]))
    return starts


class Connection:
    """A line goes to the container and comes back."""

    def __init__(self):
        for _ in range(200):
            try:
                self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=10)
                break
            except ConnectionRefusedError:
                time.sleep(0.05)

    def check(self, word):
        self.socket.sendall(word.encode() + b"\n")
        answer = self.socket.recv(100)
        if answer != word.encode() + b"\n":
            sys.exit(f"the connection gave {answer}, not {word}")


def in_place(names, source, connection=None):
    before = births(names)
    spent = sysswitch("switch", "--no-check", source)
    if births(names) != before:
        sys.exit(f"{source}: a container was restarted")
    if connection:
        connection.check(source)
    return spent


def restart(names):
    before = births(names)
    spent = timed(["systemctl", "restart", *(f"container-{name}.service" for name in names)])
    if set(births(names)) & set(before):
        sys.exit("a container was not restarted")
    return spent


def one(table, rounds):
    """From A to each other and back; both ways count."""
    changes = {"B": "a unit inside", "D": "the same, Type=simple", "C": "a file behind a trigger"}
    for _ in range(rounds):
        connection = Connection()
        for version, name in changes.items():
            table.add_run(name, in_place(["web"], "/root/one/" + version, connection))
            table.add_run(name, in_place(["web"], "/root/one/A", connection))
        for version in "BA":
            table.add_run("floor of a unit", floor(version, True))
            table.add_run("floor of a file", floor(version, False))
        table.add_run("restart", restart(["web"]))


def many(table, names, rounds):
    for i in range(rounds):
        table.add_run("a unit inside, each", in_place(names, "/root/many/" + "BA"[i % 2]))
        table.add_run("restart, each", restart(names))


def main():
    n = int(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 6
    names = [f"c{i:02}" for i in range(1, n + 1)]
    for version in "ABCD":
        lay_out("/root/one", ["web"], version, 4)
        lay_out("/root/many", names, version, 2)
    os.makedirs("/root/none")
    table = Table()
    lay_out_floor()
    sysswitch("switch", "--no-check", "/root/one/A")
    floor("A", True)
    one(table, rounds)
    print(f"one container with six services; {rounds} rounds, ms\n  {'':26} {'median':>9} {'min':>9} - {'max':>8} {'cpu':>7}")
    table.row("a unit inside", "restart", 0.3)
    table.row("floor of a unit", "restart")
    table.row("the same, Type=simple", "restart")
    table.row("a file behind a trigger", "restart", 0.1)
    table.row("floor of a file", "restart")
    table.row("restart")
    sysswitch("switch", "--no-check", "/root/none")
    sysswitch("switch", "--no-check", "/root/many/A")
    many(table, names, rounds)
    print(f"{n} containers side by side")
    table.row("a unit inside, each", "restart, each", 0.4)
    table.row("restart, each")


if __name__ == "__main__":
    main()
