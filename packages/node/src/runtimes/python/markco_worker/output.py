"""Everything a run prints, in order, on its way to the spool.

`print` puts its text into one queue for both streams, so their order is kept. The queue goes to
the spool at once after a silence, then every 20 ms or 64 K characters, before any other event,
and when the run ends.

1. A text is in the queue or in the spool, never in neither.
2. Nothing follows a run's last event. What a thread prints after its run has ended is the
   beginning of the next run of the session; of more than 1 M characters the oldest go.
3. Over the limit of a run one event says so; the program goes on, what it prints is dropped.
"""
import collections
import io
import os
import threading
import time

from .shield import SHIELD
from .spool import TEXT_CHARS
from .tail import Tail

TICK_S = 0.02
SYNC_S = 0.1
BETWEEN_RUNS_CHARS = 1024 * 1024


class Output:
    def __init__(self, folder, limit_bytes, on_spooled):
        self.queue = collections.deque()
        self.waiting_chars = 0
        self.prompt = True  # whether the next line goes out at once
        self.children = False  # whether a subprocess may be writing beside us
        self.forked = False
        self._spool = None
        self._kept_bytes = 0
        self._full = False
        self._draining = False
        self._limit_bytes = limit_bytes
        self._on_spooled = on_spooled
        self._lock = threading.RLock()
        self._synced_at = 0.0
        self._tails = [Tail(os.path.join(folder, "fd1"), 1, "stdout"), Tail(os.path.join(folder, "fd2"), 2, "stderr")]

    def beside(self):
        """How much of each descriptor's file is in the spool: a host that buries us finds the rest there."""
        return [tail.offset for tail in self._tails]

    def begin(self, spool):
        with SHIELD, self._lock:
            for tail in self._tails:
                tail.attach()
            self._spool, self._kept_bytes, self._full = spool, 0, False
            spool.make_room = self._reclaim
            self.prompt, self.children = True, False

    def _reclaim(self):
        for tail in self._tails:
            tail.reclaim()

    def event(self, kind, payload):
        """Appends an event of another kind after everything printed so far. A forked child has none."""
        if self.forked:
            return
        with SHIELD, self._lock:
            self._drain()
            if self._spool is None:
                return  # A thread that outlived its run: there is nowhere to show it.
            if kind == "display":
                if self._over(0):
                    return
                self._kept_bytes += self._spool.event(kind, payload)
            else:
                self._spool.event(kind, payload)
            self._announce(False)

    def notice(self, run, text):
        """A line of the host's own, if that run is still on."""
        if self._spool is not None and self._spool.run == run:
            self.queue.append(("stderr", text + "\n"))

    def end(self, kind, payload):
        """Appends the last event, once everything before it is there. It is shown at once, and final once it is synced."""
        with SHIELD, self._lock:
            self._drain()
            for tail in self._tails:
                self._text(tail.name, tail.rest())
            spool = self._spool
            spool.event(kind, payload)
            self._announce(False)
            self._spool = None
            spool.sync()
            self._on_spooled(spool.run, spool.size, True)
            spool.close()

    def flush(self):
        with SHIELD, self._lock:
            self._drain()

    def tick(self):
        """Every 20 ms of a run, from a thread of its own."""
        with self._lock:
            if self._spool is None:
                return
            quiet = not self.queue
            self._drain()
            self.prompt = quiet
            if time.monotonic() - self._synced_at >= SYNC_S:
                self._synced_at = time.monotonic()
                self._spool.sync()

    def wrote_beside(self):
        """A subprocess may have written: its text goes before what is printed next."""
        if any(tail.waiting() for tail in self._tails):
            self.flush()

    def _drain(self):
        if self._draining:
            return  # A destructor printed while we were at it; the loop below takes it.
        if self._spool is None:
            while self.waiting_chars > BETWEEN_RUNS_CHARS and self.queue:
                self.waiting_chars -= len(self.queue.popleft()[1])
            return
        self._draining = True
        try:
            self.waiting_chars = 0
            self.prompt = False
            before = self._spool.size
            self._drain_queue()
            self._drain_tails()
            if self._spool.size > before:
                self._announce(False)
        finally:
            self._draining = False

    def _drain_queue(self):
        queue, name, parts, chars = self.queue, "", [], 0
        while True:
            try:
                kind, text = queue.popleft()
            except IndexError:
                break
            if parts and (kind != name or chars >= TEXT_CHARS):
                self._text(name, "".join(parts))
                parts, chars = [], 0
            name = kind
            parts.append(text)
            chars += len(text)
        if parts:
            self._text(name, "".join(parts))

    def _drain_tails(self):
        for tail in self._tails:
            if self._full:
                tail.drop()
                continue
            while not self._full:
                text = tail.read()
                if text is None:
                    break
                self._text(tail.name, text)

    def _text(self, name, text):
        for start in range(0, len(text), TEXT_CHARS):
            piece = text[start : start + TEXT_CHARS]
            if self._over(len(piece)):
                return
            self._kept_bytes += self._spool.text(name, piece)

    def _over(self, more):
        if not self._full and self._kept_bytes + more > self._limit_bytes:
            self._full = True
            limit = self._limit_bytes // (1024 * 1024)
            self._spool.text("stderr", "\nThis run has printed %d MB, the most that is kept. It goes on; what it prints from here on is dropped.\n" % limit)
        return self._full

    def _announce(self, ended):
        self._on_spooled(self._spool.run, self._spool.size, ended)


class Stream(io.TextIOBase):
    """What `sys.stdout` and `sys.stderr` are."""

    encoding = "utf-8"
    errors = "replace"
    newlines = None

    def __init__(self, output, descriptor, name):
        self._output = output
        self._queue = output.queue.append
        self._descriptor = descriptor
        self._kind = name
        self.name = "<%s>" % name
        self.buffer = Bytes(self)

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        output = self._output
        if output.forked:
            os.write(self._descriptor, text.encode("utf-8", "replace"))
            return len(text)
        if output.children:
            output.wrote_beside()
        self._queue((self._kind, text))
        output.waiting_chars += len(text)
        if output.waiting_chars > TEXT_CHARS or (output.prompt and text[-1:] == "\n"):
            output.flush()
        return len(text)

    def flush(self):
        if self._output.prompt and self._output.queue and not self._output.forked:
            self._output.flush()

    def writable(self):
        return True

    def isatty(self):
        return False

    def fileno(self):
        return self._descriptor

    def close(self):
        """Stays open: the next run prints here too."""

    def reconfigure(self, **_):
        """Always UTF-8, always in time."""


class Bytes(io.RawIOBase):
    """What `sys.stdout.buffer` is: bytes taken for UTF-8, a character may come in two writes."""

    def __init__(self, stream):
        import codecs

        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data):
        data = bytes(data)
        self._stream.write(self._decoder.decode(data))
        return len(data)

    def flush(self):
        self._stream.flush()

    def writable(self):
        return True

    def fileno(self):
        return self._stream.fileno()

    def close(self):
        """Stays open, as its stream does."""
