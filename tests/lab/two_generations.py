# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host with two sources, and all that can be seen of it: whatever interrupts a switch between them, the host is wholly
what one of the two makes of it. A source is written as path -> text, or as Link, or as None for an empty directory.

two_generations.py FUNCTION: what that function tells of the host that this runs on"""
import hashlib
import os
import re
import stat
import struct
import subprocess
import sys
import time

STUB = "/usr/local/bin/stub"
WANTED = "[Install]\nWantedBy=multi-user.target\n"
BEFORE = "/root/before"  # of the control: /etc as no profile has touched it
KERNEL = "6.1.0-two"  # the host has modules of it, and runs another one
KERNEL_OF_PROFILE = "[Kernel]\nRequire=\nExtraModules=kmods\nFirmware=blobs\n"
MODULES_OF_INITRD = "InitrdModules=own\nInitrdAvailableModules=same\n"  # of another file in each generation, of the same
INITRD = f"/boot/initrd.img-{KERNEL}"
MAKER = "/usr/local/bin/dracut"  # stands for the real one: an image is what it is told, and whose module it finds
MAKER_TEXT = f"""#!/bin/sh
cat /etc/dracut.conf.d/sysswitch.conf /lib/modules/{KERNEL}/updates/sysswitch/own.ko > "$3" 2> /dev/null
echo made >> "$3"
"""
SOURCES = {"old": "/root/old", "new": "/root/new", "none": "/root/none"}


class Here:
    """This host, as a lab is seen from outside. The programs are there already."""
    root = ""

    def install(self):
        pass

    def run(self, *argv, **options):
        return subprocess.run(argv, check=True, **options)


class Link(str):
    """The target of a symbolic link."""


def module(name, text):
    """A file that is a module of KERNEL to depmod and modinfo, if to no kernel."""
    info = f"name={name}\0description={text}\0vermagic={KERNEL} SMP mod_unload \0".encode()
    names = b"\0.modinfo\0.shstrtab\0"
    sections = [(0, 0, 0, 0), (1, 1, 64, len(info)), (10, 3, 64 + len(info), len(names))]  # name, type, offset, size
    header = b"\x7fELF\2\1\1" + struct.pack("<9xHHIQQQIHHHHHH", 1, 62, 1, 0, 0, 64 + len(info) + len(names), 0, 64, 0, 0, 64, 3, 2)
    return header + info + names + b"".join(struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, 0, 0, 1, 0)
                                            for name, kind, offset, size in sections)


def service(*lines, start=STUB, head=""):
    return "\n".join([*([head] if head else []), "[Service]", f"ExecStart={start}", *lines, "", WANTED])


def copies(path, loaded):
    """A service that has in /run what it has read of its file."""
    copy = f"/bin/cp {path} {loaded}"
    return service(f"ExecStartPre={copy}", f"ExecReload={copy}", head=f"[Unit]\nX-Reload-Triggers={path}")


def makes(path, made):
    return (f"[Unit]\nX-Restart-Triggers={path}\n[Service]\nType=oneshot\nRemainAfterExit=yes\n"
            f"ExecStart=/bin/cp {path} {made}\n{WANTED}")


COMMON = {
    "units/kept.service": service(),
    "units/reloads.service": copies("/etc/reloads.conf", "/run/reloads.loaded"),
    "units/makes.service": makes("/etc/makes.conf", "/run/makes.made"),
    "units/tick.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "etc/same.conf": "same\n",
    f"kmods/{KERNEL}/same.ko": module("same", "same"),
}
OLD = {
    **COMMON,
    "profile.conf": "[Units]\nEnable=d-leaves.service d-masked.service\n[File]\nPath=app\nMode=0750\n[File]\nPath=secret\nMode=0600\nOwner=12:34\n"
                    + KERNEL_OF_PROFILE,
    "units/changed.service": service("Environment=GENERATION=old"),
    "units/stopped.service": service("ExecStop=/bin/echo old"),
    "units/gone.service": service(),
    "units/dropped.service": service(),
    "units/dropped.service.d/old.conf": "[Service]\nEnvironment=GENERATION=old\n",
    "units/tick.timer": "[Timer]\nOnCalendar=2099-01-01\n[Install]\nWantedBy=timers.target\n",
    "units/listens.socket": "[Socket]\nListenStream=/run/listens.old\n[Install]\nWantedBy=sockets.target\n",
    "units/listens.service": f"[Service]\nExecStart={STUB}\n",
    "etc/reloads.conf": "old\n",
    "etc/makes.conf": "old\n",
    "etc/secret": "old\n",
    "etc/only-old/deep/file": "old\n",
    "etc/shape": "a file\n",
    "etc/link": Link("old"),
    "etc/app/file": "old\n",
    "etc/displaced-both": "old\n",
    "etc/displaced-old": "old\n",
    f"kmods/{KERNEL}/own.ko": module("own", "old"),
    f"kmods/{KERNEL}/only-old/gone.ko": module("gone", "old"),
    "blobs/chip.bin": "old\n",
}
NEW = {
    **COMMON,
    "profile.conf": ("[Units]\nEnable=d-comes.service\nDisable=d-disabled.service\nMask=d-masked.service\n[File]\nPath=app\nMode=0700\n"
                     "[File]\nPath=secret\nMode=0640\nOwner=0:12\n" + KERNEL_OF_PROFILE),
    "units/changed.service": service("Environment=GENERATION=new"),
    "units/stopped.service": service("ExecStop=/bin/echo new"),
    "units/came.service": service(),
    "units/dropped.service": service(),
    "units/dropped.service.d/new.conf": "[Service]\nEnvironment=GENERATION=new\n",
    "units/tick.timer": "[Timer]\nOnCalendar=2098-01-01\n[Install]\nWantedBy=timers.target\n",
    "units/listens.socket": "[Socket]\nListenStream=/run/listens.new\n[Install]\nWantedBy=sockets.target\n",
    "units/listens.service": f"[Service]\nExecStart={STUB}\n",
    "etc/reloads.conf": "new\n",
    "etc/makes.conf": "new\n",
    "etc/secret": "new\n",
    "etc/only-new/deep/file": "new\n",
    "etc/shape/is-a-directory": "now\n",
    "etc/link": Link("new"),
    "etc/app/file": "new\n",
    "etc/displaced-both": "new\n",
    "etc/displaced-new": "new\n",
    "etc/displaced-link": "new\n",
    f"kmods/{KERNEL}/own.ko": module("own", "new"),
    "blobs/chip.bin": "new\n",
    "blobs/only-new/chip.bin": "new\n",
}
# What runs inside the container of a host that has one; its files are as much as a fit has kinds of change for.
INSIDE_COMMON = {
    "containers/web.nspawn": "[Network]\nPrivate=yes\n",
    "containers/web/units/kept.service": service(start="/bin/sleep 1000000"),
    "containers/web/units/reloads.service": service("ExecReload=/bin/true", start="/bin/sleep 1000001",
                                                    head="[Unit]\nX-Reload-Triggers=/etc/reloads.conf"),
    "containers/web/etc/same.conf": "same\n",
}
INSIDE = {
    "old": {
        **INSIDE_COMMON,
        "containers/web/profile.conf": "[File]\nPath=secret\nMode=0600\nOwner=12:34\n",
        "containers/web/units/changed.service": service("Environment=GENERATION=old", start="/bin/sleep 1000002"),
        "containers/web/units/gone.service": service(start="/bin/sleep 1000003"),
        "containers/web/etc/reloads.conf": "old\n",
        "containers/web/etc/secret": "old\n",
        "containers/web/etc/only-old/deep/file": "old\n",
        "containers/web/etc/shape": "a file\n",
        "containers/web/etc/link": Link("old"),
        "containers/web/etc/nsswitch.conf": "passwd: files systemd\n# old\n",
    },
    "new": {
        **INSIDE_COMMON,
        "containers/web/profile.conf": "[File]\nPath=secret\nMode=0640\nOwner=0:12\n",
        "containers/web/units/changed.service": service("Environment=GENERATION=new", start="/bin/sleep 1000002"),
        "containers/web/units/came.service": service(start="/bin/sleep 1000004"),
        "containers/web/etc/reloads.conf": "new\n",
        "containers/web/etc/secret": "new\n",
        "containers/web/etc/only-new/deep/file": "new\n",
        "containers/web/etc/shape/is-a-directory": "now\n",
        "containers/web/etc/link": Link("new"),
    },
}
BUNDLE = "/var/lib/sysswitch/containers/web"
INSIDE_ROOT = "/var/lib/containers/web"
INSIDE_UNITS = ["kept.service", "reloads.service", "changed.service", "gone.service", "came.service", "multi-user.target"]
TARGETS = ["multi-user.target", "timers.target", "sockets.target"]
DISTRIBUTION = {name: service() for name in ("d-leaves.service", "d-comes.service", "d-disabled.service", "d-masked.service")}
LABS_OWN = ["/etc/hostname", "/etc/hosts", "/etc/machine-id", "/etc/.pwd.lock"]
# The administrator's: what the two sources are in the way of, and what they let go of.
PREPARE = r"""
systemctl -q daemon-reload
systemctl -q enable --now d-disabled.service
cd /etc
for file in displaced-both displaced-old displaced-new; do
        echo "mine: $file" > $file
        chmod 640 $file
        chown 12:34 $file
        touch -d @1000000000 $file
        setfattr -n user.note -v "$file" $file
done
ln -s /nowhere displaced-link
mkdir -m 711 app
echo "mine too" > app/beside
touch -d @1000000000 app/beside
"""
# What is read of each unit. Environment and ExecStart are the definition that systemd has; a process tells that it runs.
PROPERTIES = ["Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "FragmentPath", "DropInPaths", "NeedDaemonReload",
              "Environment", "ExecStart", "ExecStop", "Listen", "TimersCalendar", "Wants", "MainPID", "Job"]
VOLATILE = re.compile(  # units of the lab and of the tests themselves
    r"sysswitch-(switch|recover)\.service|session-.*|user-.*|user@.*|run-.*|init\.scope|enter\.scope|.*\.slice|.*\.device|"
    r"systemd-tmpfiles-clean\..*|systemd-random-seed.*|systemd-update-utmp.*|-\.mount|.*\.mount")
UNITS = sorted({os.path.basename(path) for source in (OLD, NEW) for path in source if re.fullmatch(r"units/[^/]+", path)}
               | set(DISTRIBUTION))


def write_source(directory, source):
    for path, text in source.items():
        path = f"{directory}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(text, Link):
            os.symlink(text, path)
        else:
            with open(path, "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())


def make_lib_writable(root):
    """/lib is a directory of the host's own, where it leads to what cannot be written."""
    if os.access(root + "/lib/", os.W_OK):
        return
    os.mkdir(root + "/lib.own")
    for name in set(os.listdir(root + "/usr/lib")) - {"modules", "firmware"}:
        os.symlink("../usr/lib/" + name, f"{root}/lib.own/{name}")
    os.unlink(root + "/lib")
    os.rename(root + "/lib.own", root + "/lib")


def makes_initrds(root):
    """Not where there is a real maker, as in a virtual machine: it would make that of a kernel that is none."""
    return not os.path.exists(root + "/usr/sbin/mkinitramfs")


def prepare_initrd(lab):
    write_source(lab.root, {MAKER[1:]: MAKER_TEXT, f"boot/vmlinuz-{KERNEL}": "a kernel\n"})
    os.chmod(lab.root + MAKER, 0o755)
    lab.run(MAKER, "--quiet", "--force", INITRD, KERNEL)


def source_of(name, source, inside, has_initrd):
    source = {**source, **(inside or {}).get(name, {})}
    if inside:
        source = {path: text for path, text in source.items() if not path.startswith(("kmods/", "blobs/"))}
        source["profile.conf"] = source["profile.conf"].replace(KERNEL_OF_PROFILE, "")
    elif has_initrd and name != "none":
        source["profile.conf"] += MODULES_OF_INITRD
    return source


def prepare_kernel(lab):
    tree = f"/lib/modules/{KERNEL}"
    make_lib_writable(lab.root)
    write_source(lab.root + tree, {"modules.order": "kernel/own.ko\n", "modules.builtin": "", "modules.builtin.modinfo": "",
                                   "kernel/own.ko": module("own", "the kernel's")})
    write_source(lab.root + "/lib/firmware", {"chip.bin": "the distribution's\n"})
    lab.run("depmod", KERNEL)


def prepare(lab, inside=None):
    """Before any profile is on the host; what /etc is then. A container has the host's /usr, and /lib by a link to it: such a
    host's /lib stays as it is."""
    lab.install()
    if not inside:
        prepare_kernel(lab)
    has_initrd = not inside and makes_initrds(lab.root)
    if has_initrd:
        prepare_initrd(lab)
    for name, source in (("old", OLD), ("new", NEW), ("none", {"profile.conf": ""})):
        write_source(lab.root + SOURCES[name], source_of(name, source, inside, has_initrd))
    write_source(lab.root + "/usr/local/lib/systemd/system", DISTRIBUTION)
    lab.run("sh", "-euc", PREPARE)
    return read_files(lab)


def prepare_with_container(lab):
    return prepare(lab, INSIDE)


def read_file(path):
    """All that a file is, as a value."""
    status = os.lstat(path)
    what = [stat.filemode(status.st_mode), status.st_uid, status.st_gid,
            *((name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(os.listxattr(path, follow_symlinks=False)))]
    if stat.S_ISLNK(status.st_mode):
        what.append(os.readlink(path))
    elif stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            content = file.read()
        what.append(hashlib.sha256(content).hexdigest())
        if content.startswith(b"mine"):
            what.append(status.st_mtime_ns)
    return tuple(what)


def read_lib(root):
    """Modules and firmware likewise, and the index of modules."""
    files = {}
    if not os.path.isdir(f"{root}/lib/modules/{KERNEL}"):
        return files  # a host with a container
    for top in (f"/lib/modules/{KERNEL}", "/lib/firmware/updates"):
        for directory, directories, names in os.walk(root + top):
            for name in directories + names:
                path = os.path.join(directory, name)
                if not name.startswith("modules."):
                    files[path[len(root):]] = read_file(path)
    with open(f"{root}/lib/modules/{KERNEL}/modules.dep", encoding="utf-8") as index:
        files["the index of modules"] = sorted(index)
    for name in os.listdir(root + "/boot"):
        if name.startswith(f"initrd.img-{KERNEL}"):
            files["/boot/" + name] = read_file(f"{root}/boot/{name}")
    if os.path.lexists(root + "/var/lib/sysswitch/initrds"):
        files["/var/lib/sysswitch/initrds"] = "is there"
    if os.path.lexists(root + "/lib/.sysswitch") and os.listdir(root + "/lib/.sysswitch"):
        files["/lib/.sysswitch"] = "not empty"
    return files


def read_files(lab, below=""):
    """/etc byte for byte, and modules and firmware: path -> what it is. below: the root that it is of."""
    root, files = lab.root + below, {}
    for directory, directories, names in os.walk(root + "/etc"):
        for name in directories + names:
            path = os.path.join(directory, name)
            files[path[len(root):]] = read_file(path)
    for name in LABS_OWN:
        files.pop(name, None)
    if not os.path.lexists(root + "/etc/.sysswitch/manifest") and "/etc/.sysswitch" in files:
        if not os.listdir(root + "/etc/.sysswitch"):
            files.pop("/etc/.sysswitch")  # empty it does no harm
    if not below:
        files.update(read_lib(root))
    return files


def clean(name, value):
    """Without what is another at each run: process ids and times."""
    if name in ("ExecStart", "ExecStop"):
        return re.sub(r" ; ignore_errors=[^}]*", " ", value)
    if name == "TimersCalendar":
        return re.sub(r" ; next_elapse=[^}]*", " ", value)
    return value


def comm_of(root, pid):
    with open(f"{root}/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read()


def process_of(root, pid):
    """What a service's process was started as. Until it executes its program it is still its manager's, with its name in
    parentheses."""
    while comm_of(root, pid).startswith("("):
        time.sleep(0.005)
    with open(f"{root}/proc/{pid}/cmdline", "rb") as file:
        command = file.read()
    with open(f"{root}/proc/{pid}/environ", "rb") as file:
        return command, [word for word in file.read().split(b"\0") if word.startswith(b"GENERATION=")]


def read_unit(root, block):
    """root: None where a process is not to be looked at."""
    unit = dict(line.split("=", 1) for line in block.splitlines())
    unit = {name: clean(name, value) for name, value in unit.items()}
    if root and unit.get("MainPID", "0") != "0":
        unit["process"] = process_of(root, unit["MainPID"])
    unit.pop("MainPID", None)
    for name in ("DropInPaths", "Wants", "Environment"):
        unit[name] = sorted(unit.get(name, "").split())
    return unit


def read_units(lab):
    """unit -> property -> value, for each unit of the sources and what wants them; and the states of each other one that is
    loaded and not just off."""
    shown = lab.run("sh", "-euc", 'systemctl show --all "$@"; echo; echo; systemctl list-units --all --plain --no-legend', "sh",
                    f"--property={','.join(PROPERTIES)}", *UNITS, *TARGETS, stdout=subprocess.PIPE, text=True).stdout
    details, listed = shown.split("\n\n\n")
    units = {}
    for line in listed.splitlines():
        name, load, active, sub = line.split()[:4]
        if active != "inactive" and not VOLATILE.fullmatch(name):
            units[name] = {"LoadState": load, "ActiveState": active, "SubState": sub}
    for block in details.strip().split("\n\n"):
        unit = read_unit(lab.root, block)
        units[unit["Id"]] = unit
    return units


def read_made(root):
    """What the services made of the configuration that they run with."""
    made = {}
    for name in ("reloads.loaded", "makes.made", "listens.old", "listens.new"):
        path = f"{root}/run/{name}"
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                made[name] = file.read()
        elif os.path.lexists(path) and name != "listens.old" and name != "listens.new":
            made[name] = "no file"
    return made


def read_host(lab):
    return {"files": read_files(lab), "units": read_units(lab), "made": read_made(lab.root)}


def read_inside(lab):
    """The container: its /etc byte for byte, what its systemd runs, and what the host holds ready for it."""
    shown = lab.run("sh", "-euc", 'leader=$(machinectl show web -p Leader --value); exec nsenter -t "$leader" -a -r -w systemctl '
                    'show --all "$@"', "sh", f"--property={','.join(PROPERTIES)}", *INSIDE_UNITS, stdout=subprocess.PIPE,
                    text=True).stdout
    units = {}
    for block in shown.strip().split("\n\n"):
        unit = read_unit(None, block)
        units["web: " + unit["Id"]] = unit
    bundle = lab.root + BUNDLE
    # a commit that was cut off leaves it to the next switch to rename the one to the other
    wanted = "next" if os.path.lexists(bundle + "/next") else "default"
    return {"units inside": units,
            "files inside": {"web: " + path: what for path, what in read_files(lab, INSIDE_ROOT).items()},
            "bundle": {"active": os.readlink(bundle + "/active"), "wanted": os.readlink(f"{bundle}/{wanted}")}}


def read_host_and_container(lab):
    return {**read_host(lab), **read_inside(lab)}


def differences(got, want):
    """Lines: what is not as it should be."""
    lines = []
    for part in want:
        for name in sorted(got[part].keys() | want[part].keys()):
            is_now, should_be = got[part].get(name), want[part].get(name)
            if is_now == should_be:
                continue
            if isinstance(is_now, dict) and isinstance(should_be, dict):
                lines += [f"{name}: {key} is {is_now.get(key)!r}, not {should_be.get(key)!r}"
                          for key in sorted(is_now.keys() | should_be.keys()) if is_now.get(key) != should_be.get(key)]
            else:
                lines.append(f"{name}: is {is_now!r}, not {should_be!r}")
    return lines


if __name__ == "__main__":
    print(repr(globals()[sys.argv[1]](Here())))
