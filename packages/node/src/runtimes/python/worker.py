"""The interpreter of a session: `worker.py FOLDER SOCKET LIMIT_BYTES`, Python 3.8 or newer, standard library only.

It is nobody's child that matters: it lives in its own process session and goes on when the host is
gone. Commands come as lines of JSON over the socket (`link.py`), events go to the run's spool on
disk (`spool.py`), the host reads them there.

1. A run starts at most once: its spool must not exist yet.
2. A run ends with one `result` or `error` event, synced to disk before the host is told.
3. A session whose folder is gone ends itself.
"""
import faulthandler
import json
import os
import queue
import signal
import sys
import threading
import time

sys.path[0] = os.path.dirname(os.path.abspath(__file__))
from markco_worker import checkpoint  # noqa: E402
from markco_worker.asking import Asking  # noqa: E402
from markco_worker.cell import Cells, describe  # noqa: E402
from markco_worker.link import Link  # noqa: E402
from markco_worker.output import TICK_S, Output, Stream  # noqa: E402
from markco_worker.shield import SHIELD  # noqa: E402
from markco_worker.spool import Spool  # noqa: E402
from markco_worker.stdin import Questions, Stdin  # noqa: E402

IDLE_CHECK_S = 5
# How long the host's own signal may take.
INTERRUPT_S = 0.1
# How far the host's word may be behind its signal on a busy machine.
TOLD_WHY_S = 1
STARTS_PROCESS = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.forkpty")


class Worker:
    def __init__(self, folder, socket_path, limit_bytes):
        self._folder = folder
        self._pid = os.getpid()
        self._commands = queue.SimpleQueue()
        self._running = False
        self._greeting = None
        self._interrupt = None
        self._why = (None, None)
        self._told_why = threading.Event()
        self._active = threading.Event()
        self._rest = threading.Lock()
        self._output = Output(folder, limit_bytes, self._spooled)
        self._questions = Questions(self._output.event)
        self._cells = Cells(self._output.event)
        faulthandler.enable(2, all_threads=False)
        SHIELD.last_words = self._output.flush
        SHIELD.arm()
        self._take_over_streams()
        self._link = Link(socket_path, self._hello, self._on_command)
        self._asking = Asking(self._link, self._cells.names, self._on_reset)
        self._link.serve()
        threading.Thread(target=self._tick, daemon=True).start()

    def serve(self):
        while True:
            command = self._commands.get()
            if command["op"] == "reset":
                self._cells.reset()
                self._asking.tell(command["ref"], {})
            elif command["op"] == "save" or command["op"] == "restore":
                self._keep(command)
            else:
                self._execute(command["run"], command["code"], command["spool"])

    def _keep(self, command):
        try:
            if command["op"] == "save":
                self._asking.tell(command["ref"], checkpoint.save(self._cells.names, command["path"]))
            else:
                restored = checkpoint.restore(self._cells.names, command["path"], command.get("source"))
                self._greeting = restored["said"]
                self._asking.tell(command["ref"], restored)
        except BaseException as error:
            self._asking.refuse(command["ref"], "%s: %s" % (type(error).__name__, error))

    def _execute(self, run, code, path):
        try:
            spool = Spool(path, run, lambda problem: self._link.answer({"event": "trouble", "run": run, "message": problem}))
        except OSError as error:
            self._link.refuse(run, "%s: %s" % (path, error.strerror))
            return
        SHIELD.arm()
        sys.stdout, sys.stderr, sys.stdin = self._streams
        self._output.begin(spool)
        if self._greeting is not None:
            self._output.notice(run, self._greeting)
            self._greeting = None
        self._questions.run = run
        with self._rest:
            self._running = True
            self._active.set()
        started = time.monotonic()
        kind, payload = self._cells.run(code)
        if os.getpid() != self._pid:
            self._leave_fork(kind, payload)
        duration = round((time.monotonic() - started) * 1000, 3)
        if kind == "result":
            payload = {"data": payload, "executionCount": self._cells.count, "durationMs": duration}
        elif payload["type"] == "KeyboardInterrupt":
            payload = self._why_interrupted(run, payload)
        self._questions.run = None
        self._running = False
        try:
            self._output.end(kind, payload)
        except (TypeError, ValueError, RecursionError) as error:
            self._output.end("error", describe(error))

    def _why_interrupted(self, run, payload):
        # The host's word may be behind its signal.
        self._told_why.clear()
        if self._why[0] != run:
            self._told_why.wait(TOLD_WHY_S)
        of, why = self._why
        return dict(payload, type="TimeLimit", message=why) if of == run and why else payload

    def _spooled(self, run, size, ended):
        self._link.poke(run, size, ended, self._output.beside())

    def _hello(self):
        return {"event": "hello", "version": 1, "pid": self._pid, "run": self._link.current, "python": "%d.%d.%d" % sys.version_info[:3]}

    def _on_command(self, command):
        if command["op"] == "execute":
            self._link.current = command["run"]
            SHIELD.hit = False  # That of the run before says nothing of this one.
            self._commands.put(command)
        elif command["op"] == "interrupt":
            self._why = (command["run"], command.get("why"))
            self._told_why.set()
            self._interrupt = (command["run"], time.monotonic() + INTERRUPT_S)
        elif command["op"] == "input":
            accepted = self._questions.answer(command["run"], command["text"])
            self._link.answer({"event": "answered", "ref": command["ref"], "accepted": accepted})
        elif command["op"] in ("save", "restore"):
            self._commands.put(command)
        elif command["op"] == "notice":
            self._output.notice(command["run"], command["text"])
        elif command["op"] == "ask":
            self._asking.ask(command)

    def _on_reset(self, ref):
        if self._link.current is None:
            self._commands.put({"op": "reset", "ref": ref})
        else:
            self._asking.refuse(ref, "A cell is running. Its names cannot be cleared until it has ended.")

    def _tick(self):
        while True:
            if not self._active.wait(IDLE_CHECK_S):
                if not os.path.isdir(self._folder):
                    os._exit(0)
                continue
            time.sleep(TICK_S)
            self._interrupt_again()
            try:
                self._output.tick()
            except OSError as error:
                self._link.answer({"event": "trouble", "run": self._link.current, "message": str(error)})
            self._link.retry()
            with self._rest:
                # Not before the host has been told of the end.
                if not self._running and self._link.current is None and not self._link.pending():
                    self._active.clear()

    def _interrupt_again(self):
        """A signal that came before the code did was passed over; the run is interrupted once it is there."""
        if self._interrupt is None:
            return
        run, due = self._interrupt
        if run != self._link.current or SHIELD.hit:
            self._interrupt = None
        elif SHIELD.interruptible and time.monotonic() > due:
            self._interrupt = None
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def _take_over_streams(self):
        self._streams = (Stream(self._output, 1, "stdout"), Stream(self._output, 2, "stderr"), Stdin(self._questions))
        sys.stdout, sys.stderr, sys.stdin = self._streams
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        import builtins

        self._questions.install(builtins)
        sys.addaudithook(self._on_audit)
        os.register_at_fork(after_in_child=self._on_forked)

    def _on_audit(self, event, _arguments):
        if event in STARTS_PROCESS and threading.current_thread() is threading.main_thread() and not self._output.forked:
            self._output.flush()
            self._output.children = True

    def _on_forked(self):
        # A forked child has none of our threads: it prints like any subprocess, and lets go of the sockets.
        self._output.forked = True
        SHIELD.last_words = lambda: None
        self._questions.leave()
        self._link.drop()

    def _leave_fork(self, kind, payload):
        # Code that forked and did not leave must not come back here as a second interpreter.
        if kind == "error":
            os.write(2, ("\n".join(payload["traceback"]) + "\n").encode("utf-8", "replace"))
        os._exit(1 if kind == "error" else 0)


def start(folder, socket_path, limit_bytes, ready):
    """Becomes the worker of a session; says so on the descriptor `ready`, which is closed then. Does not return."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.set_inheritable(ready, False)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    worker = Worker(folder, socket_path, int(limit_bytes))
    sys.path[0] = ""
    sys.argv = [""]
    try:
        os.write(ready, json.dumps({"event": "ready", "pid": os.getpid()}).encode() + b"\n")
    except OSError:
        pass  # Whoever asked is gone; the session is found again by its folder.
    os.close(ready)
    worker.serve()


if __name__ == "__main__":
    start(*sys.argv[1:4], os.dup(1))
