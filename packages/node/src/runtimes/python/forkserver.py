"""A warm interpreter that forks the workers of new sessions: `forkserver.py`, standard library only.

Starting an interpreter costs tens of milliseconds, a fork two. Requests come as lines of JSON on standard input
(`{ref, folder, socket, limit, cwd, dataBytes, join}`), events go to standard output: `forked {ref, pid}` at once,
`ready {pid}` when the worker listens, `ended {pid, code, signal}` when it is gone. When standard input ends, so does
this program; its workers go on, each in a process session of its own.

1. It runs no code of a user and starts no thread: what is forked is always the same.
2. One line is one write, short enough to be atomic: workers write `ready` to the same pipe.
"""
import gc
import json
import os
import resource
import select
import signal
import sys
import traceback

sys.path[0] = os.path.dirname(os.path.abspath(__file__))
import worker  # noqa: E402

# What most cells need sooner or later; it is shared by all sessions.
import asyncio  # noqa: E402, F401
import inspect  # noqa: E402, F401
import subprocess  # noqa: E402, F401
import tempfile  # noqa: E402, F401
import markco_worker.answers  # noqa: E402, F401

LINE_BYTES = 64 * 1024


def say(message):
    os.write(1, json.dumps(message).encode() + b"\n")


def fork(request):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            become_worker(request)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    say({"event": "forked", "ref": request["ref"], "pid": pid})


def become_worker(request):
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.close(WAKE_READ)
    os.close(WAKE_WRITE)
    for group in request["join"]:
        join(group)
    log = os.open(os.path.join(request["folder"], "worker.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 2)
    os.close(log)
    os.chdir(request["cwd"])
    if request["dataBytes"] is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (request["dataBytes"], request["dataBytes"]))
    ready = os.dup(1)
    worker.start(request["folder"], request["socket"], request["limit"], ready)


def join(group):
    # Before there are threads: one thread that moves itself waits for nobody.
    try:
        file = os.open(group, os.O_WRONLY)
        os.write(file, b"0")
        os.close(file)
    except OSError:
        pass  # As when the host does it: a session with fewer limits is better than none.


def reap():
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        killed = os.WIFSIGNALED(status)
        name = signal.Signals(os.WTERMSIG(status)).name if killed else None
        say({"event": "ended", "pid": pid, "code": None if killed else os.WEXITSTATUS(status), "signal": name})


def main():
    waiting = b""
    while True:
        readable, _, _ = select.select([0, WAKE_READ], [], [])
        if WAKE_READ in readable:
            os.read(WAKE_READ, 4096)
            reap()
        if 0 not in readable:
            continue
        data = os.read(0, LINE_BYTES)
        waiting += data
        if not data or len(waiting) > LINE_BYTES:
            return
        lines = waiting.split(b"\n")
        waiting = lines.pop()
        for line in lines:
            fork(json.loads(line))


if __name__ == "__main__":
    WAKE_READ, WAKE_WRITE = os.pipe()
    os.set_blocking(WAKE_WRITE, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(WAKE_WRITE, warn_on_full_buffer=False)
    gc.collect()
    gc.freeze()
    try:
        main()
    except BrokenPipeError:
        pass
