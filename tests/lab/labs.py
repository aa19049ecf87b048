# SPDX-License-Identifier: LGPL-2.1-or-later
"""Labs for tests in Python: `with Lab("name") as lab: lab.run("systemctl", ...)`. What lib.sh is for shell."""
import os
import shutil
import subprocess
import sys

TOOLS = os.path.dirname(os.path.abspath(__file__))
SOURCE_DIR = os.environ.get("SOURCE_DIR") or os.path.dirname(os.path.dirname(TOOLS))
BUILD_DIR = os.environ.get("BUILD_DIR") or os.path.join(SOURCE_DIR, "build", "dev")


def require(tools=TOOLS):
    """Ends the program with 77 and the reason where no lab can be booted."""
    check = subprocess.run([tools + "/boot", "--check"], capture_output=True, text=True)
    if check.returncode:
        print("left out:", check.stderr.strip() or check.stdout.strip())
        sys.exit(77)


class Lab:
    """A booted lab; removed at the end of the with block, and when this process dies."""
    tools = TOOLS  # where boot, enter and off are
    place = ("labs.sh", "LAB_DIR")  # the file there that says where they lie

    def __init__(self, name, *options):
        self.name = f"{name}-{os.getpid()}"
        self.prefix = "/usr/local" if "--ext4" in options else "/usr"  # where one can write
        # this process may be killed: then somebody else must clean up
        self.guard = subprocess.Popen(
            ["bash", "-c", 'tail --pid="$1" -f /dev/null; exec "$2" "$3"', "lab-guard", str(os.getpid()),
             self.tools + "/off", self.name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        boot = subprocess.run([self.tools + "/boot", self.name, *options], stdout=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL, check=True)
        self.is_up(boot.stdout.strip())
        self.directory = subprocess.run(["bash", "-c", '. "$1/$2" && echo "${!3}/$4"', "labs", self.tools, *self.place, self.name],
                                        check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.guard.pid, 15)
        self.guard.wait()
        subprocess.run([self.tools + "/off", self.name], check=True)

    def is_up(self, pid):
        """boot has printed that."""
        self.root = f"/proc/{pid}/root"

    def install(self):
        """The program, and the tests' own ones."""
        subprocess.run(["cmake", "--install", BUILD_DIR, "--prefix", self.prefix], stdout=subprocess.DEVNULL, check=True,
                       env={**os.environ, "DESTDIR": self.root})
        self.put("/usr/local/bin", *(f"{BUILD_DIR}/tests/lab/{name}" for name in ("watch", "stub")))

    def put(self, directory, *files):
        os.makedirs(self.root + directory, exist_ok=True)
        for file in files:
            shutil.copy(file, self.root + directory)

    def command(self, *argv):
        return [self.tools + "/enter", self.name, *argv]

    def run(self, *argv, **options):
        return subprocess.run(self.command(*argv), check=True, **options)
