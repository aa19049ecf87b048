# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual machines for tests in Python, as labs.py has labs. There is no way to their files but `run` and `put`."""
import os
import subprocess
import tempfile

import labs


class Machine(labs.Lab):
    tools = os.path.dirname(os.path.abspath(__file__))
    place = ("vms.sh", "VM_DIR")

    def is_up(self, pid):
        self.root = None

    def install(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run(["cmake", "--install", labs.BUILD_DIR, "--prefix", "/usr"], stdout=subprocess.DEVNULL, check=True,
                           env={**os.environ, "DESTDIR": directory})
            self.copy("/", directory, ".")
        self.put("/usr/local/bin", *(f"{labs.BUILD_DIR}/tests/lab/{name}" for name in ("watch", "stub")))

    def put(self, directory, *files):
        for file in files:
            self.copy(directory, os.path.dirname(file), os.path.basename(file))

    def copy(self, to, directory, name):
        with subprocess.Popen(["tar", "-C", directory, "-c", name], stdout=subprocess.PIPE) as archive:
            self.run("sh", "-c", 'mkdir -p "$1" && tar -C "$1" -x --no-same-owner --no-overwrite-dir', "sh", to,
                     stdin=archive.stdout)
