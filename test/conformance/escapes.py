"""What code in a container tries, to get out of it or at others: one function each, run as a cell.

Each returns how it was stopped, as a word of the system, or raises OSError; `through` is what nothing stopped. `KNOWN` is
set before: what an attacker might have guessed of the machine and of the other tenant.
"""
import ctypes
import json
import os
import socket
import stat

libc = ctypes.CDLL(None, use_errno=True)
TRIES = []


def tries(what):
    def add(work):
        TRIES.append((what, work))
        return work

    return add


def call(result):
    """Of a call of C: what stopped it."""
    if result != -1:
        return "through"
    return os.strerror(ctypes.get_errno())


def write(path, text="x"):
    with open(path, "a") as file:
        file.write(text)
    return "through"


def connect(host, port):
    with socket.create_connection((host, port), timeout=1):
        return "through"


def absent(paths):
    found = [path for path in paths if os.path.exists(path)]
    return "through: " + ", ".join(found) if found else "not there"


@tries("a service on the loopback of the machine")
def _():
    return connect("127.0.0.1", KNOWN["port"])


@tries("a service on an address of the machine")
def _():
    return connect(KNOWN["host"], KNOWN["port"])


@tries("the metadata of a cloud machine")
def _():
    return connect("169.254.169.254", 80)


@tries("a private address")
def _():
    return connect("10.0.0.1", 22)


@tries("a socket of Docker")
def _():
    return absent(["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", KNOWN["docker"]])


@tries("the files of another tenant")
def _():
    return absent(KNOWN["files"])


@tries("the processes of another tenant and of the machine")
def _():
    seen = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid) as file:
                seen.append(file.read())
        except OSError:
            pass
    strange = [line for line in seen if "98765" in line or "dockerd" in line or "vitest" in line]
    return "through: %r" % strange if strange else "not there"


@tries("a signal to a process of another tenant")
def _():
    os.kill(KNOWN["pid"], 0)
    return "through"


@tries("tracing a process of another tenant")
def _():
    return call(libc.ptrace(16, KNOWN["pid"], 0, 0))


@tries("shared memory of another tenant")
def _():
    return absent(["/dev/shm/of-the-other"])


@tries("mounting a file system")
def _():
    return call(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))


@tries("making the root writable")
def _():
    return call(libc.mount(None, b"/", None, 0x20 | 0x1000, None))


@tries("writing a program of the system")
def _():
    return write("/usr/bin/python3")


@tries("writing the program of the device")
def _():
    return write(KNOWN["program"])


@tries("becoming root")
def _():
    os.setuid(0)
    return "through"


@tries("a program that runs as root")
def _():
    for folder in ("/usr/bin", "/usr/sbin", "/usr/lib"):
        for name in os.listdir(folder):
            mode = os.stat(os.path.join(folder, name), follow_symlinks=False).st_mode
            if stat.S_ISREG(mode) and mode & 0o6000:
                return "through: " + name
    return "not there"


@tries("a raw socket")
def _():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
    return "through"


@tries("a packet socket")
def _():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)
    return "through"


@tries("a device node of the disk")
def _():
    os.mknod("/tmp/disk", stat.S_IFBLK | 0o600, os.makedev(254, 0))
    return "through"


@tries("the memory of the machine")
def _():
    with open("/proc/kcore", "rb") as file:
        return "through" if file.read(1) else "empty"


@tries("restarting the machine by sysrq")
def _():
    return write("/proc/sysrq-trigger", "b")


@tries("having the machine run a program at a crash")
def _():
    return write("/proc/sys/kernel/core_pattern", "|/tmp/x")


@tries("leaving the control group")
def _():
    for folder, _, files in os.walk("/sys/fs/cgroup"):
        for name in ("release_agent", "cgroup.procs", "memory.max", "memory.limit_in_bytes"):
            if name not in files:
                continue
            try:
                return write(os.path.join(folder, name), "1")
            except OSError:
                pass
    return "refused"


@tries("a user namespace of one's own")
def _():
    return call(libc.unshare(0x10000000))


@tries("the namespace of the machine")
def _():
    return call(libc.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0))


@tries("keys of the kernel")
def _():
    return call(libc.syscall(248, b"user", b"name", b"x", 1, -3))


@tries("a module of the kernel")
def _():
    return call(libc.syscall(175, b"x", 1, b""))


@tries("a program in the kernel")
def _():
    return call(libc.syscall(321, 0, b"\0" * 72, 72))


@tries("a file by its handle")
def _():
    return call(libc.syscall(304, -100, b"\0" * 16, 0))


@tries("the clock of the machine")
def _():
    return call(libc.clock_settime(0, b"\0" * 16))


@tries("the log of the kernel")
def _():
    said = ctypes.create_string_buffer(4096)
    how = call(libc.klogctl(3, said, 4096))
    return "that of gVisor" if b"gVisor" in said.value else how


@tries("the token of the device, and what it was started with")
def _():
    leaked = [name for name in os.environ if name.startswith("MARKCO") or "TOKEN" in name or "SECRET" in name]
    return "through: %r" % leaked if leaked else absent(KNOWN["secrets"])


results = {}
for what, work in TRIES:
    try:
        results[what] = work()
    except OSError as error:
        results[what] = error.strerror or type(error).__name__
print(json.dumps(results))
