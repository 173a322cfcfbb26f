"""The socket on which one host at a time talks to this session.

Lines of JSON both ways. A new connection takes over from the one before. Nothing here is needed
for a run to go on: events are on disk, the host reads them there and is only poked.

1. A poke tells the newest state (run, bytes, ended), so one that could not be sent is replaced by the next.
2. No send waits: a host that does not read slows no program.
3. `current` is set when an order is taken and cleared when its last event is on disk, both under
   the lock that greets a new host: what a greeting says of the current run is never behind.
4. One worker at a time listens there: a second one, which a host that was killed had asked for, ends itself.
5. What an earlier connection still had in flight when a new one came is not obeyed.
"""
import fcntl
import json
import os
import socket
import threading

from . import standard

LINE_BYTES = 8 * 1024 * 1024


class Link:
    def __init__(self, path, hello, on_command):
        self._hello = hello
        self._on_command = on_command
        self._lock = threading.RLock()
        self.current = None
        self._connection = None
        self._outbox = b""
        self._state = None
        self._lock_file = _only_worker(path)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        mask = os.umask(0o177)
        try:
            self._server.bind(path)
        finally:
            os.umask(mask)
        self._server.listen(8)

    def serve(self):
        threading.Thread(target=self._accept, daemon=True).start()

    def poke(self, run, size, ended, beside):
        with self._lock:
            if ended:
                self.current = None
            self._state = {"event": "spooled", "run": run, "bytes": size, "ended": ended, "beside": beside}
            self._push()

    def answer(self, message):
        """Sends a message that must not be replaced by a newer one."""
        with self._lock:
            self._outbox += self._line(message)
            self._push()

    def refuse(self, run, message):
        with self._lock:
            self.current = None
            self.answer({"event": "refused", "run": run, "message": message})

    def pending(self):
        return bool(self._outbox) or self._state is not None

    def retry(self):
        if self.pending():
            with self._lock:
                self._push()

    def drop(self):
        """In a forked child: the sockets belong to the parent alone."""
        self._server.close()
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _push(self):
        connection = self._connection
        if connection is None:
            self._outbox, self._state = b"", None
            return
        if not self._outbox and self._state is not None:
            self._outbox, self._state = self._line(self._state), None
        try:
            while self._outbox:
                sent = connection.send(self._outbox, socket.MSG_DONTWAIT)
                self._outbox = self._outbox[sent:]
                if not self._outbox and self._state is not None:
                    self._outbox, self._state = self._line(self._state), None
        except BlockingIOError:
            pass
        except OSError:
            self._connection = None

    @staticmethod
    def _line(message):
        return json.dumps(message).encode() + b"\n"

    def _accept(self):
        while True:
            try:
                connection = standard.accept(self._server)
            except OSError:
                return
            with self._lock:
                before, self._connection = self._connection, connection
                self._outbox, self._state = self._line(self._hello()), None
                self._push()
            if before is not None:
                try:
                    before.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection):
        waiting = b""
        while True:
            try:
                data = connection.recv(65536)
            except OSError:
                data = b""
            if not data or len(waiting) > LINE_BYTES:
                break
            waiting += data
            lines = waiting.split(b"\n")
            waiting = lines.pop()
            for line in lines:
                with self._lock:
                    if self._connection is not connection:
                        break
                    self._on_command(json.loads(line))
        with self._lock:
            if self._connection is connection:
                self._connection = None
        connection.close()


def _only_worker(path):
    """A lock that this process has until it ends; a forked child has none of it. Raises when another worker has it."""
    lock = os.open(path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise RuntimeError("another worker of this session is there already")
    return lock
