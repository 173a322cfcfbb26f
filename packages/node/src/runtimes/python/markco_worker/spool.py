"""A run's spool: its events on disk, before anybody is told of them.

One JSON object a line, complete as readers get it, each appended by one write.

1. Only one process writes a spool at a time, and it was made by the process that runs the code:
   a run that was delivered twice finds the file there and is refused.
2. `seq` is the number of the line, from 0, without gaps.
3. A line is on disk whole or not at all: what a full disk cut off is taken back and tried again
   until there is space. The program waits meanwhile; nothing it printed is dropped.
4. A forked child writes nothing here, whatever it was in the middle of.
"""
import errno
import json
import os
import time

from . import standard

TEXT_CHARS = 65536  # at most 256 KB as UTF-8
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)

_quote = json.encoder.encode_basestring


def new_id(milliseconds):
    """A UUIDv7 (RFC 9562 §5.7)."""
    number = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | (7 << 76)
    number = number & ~(3 << 62) | (2 << 62)
    text = "%032x" % number
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Spool:
    def __init__(self, path, run, on_trouble):
        self.run = run
        self.size = 0
        self._seq = 0
        self._synced = 0
        self._on_trouble = on_trouble
        self._pid = os.getpid()
        self.make_room = lambda: None
        self._fd = standard.above(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    def text(self, kind, text):
        """Appends an event of stdout or stderr; at most TEXT_CHARS characters."""
        return self._append(kind, '{"text":' + _quote(text) + "}")

    def event(self, kind, payload):
        return self._append(kind, json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False))

    def sync(self):
        """Brings what is written to the disk itself."""
        size = self.size
        if size > self._synced:
            getattr(os, "fdatasync", os.fsync)(self._fd)
            self._synced = size

    def close(self):
        os.close(self._fd)

    def _append(self, kind, payload):
        if os.getpid() != self._pid:
            return 0
        now = time.time_ns() // 1_000_000
        line = '{"id":"%s","runId":"%s","seq":%d,"createdAt":"%s.%03dZ","type":"%s","payload":%s}\n' % (
            new_id(now),
            self.run,
            self._seq,
            time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 1000)),
            now % 1000,
            kind,
            payload,
        )
        data = line.encode("utf-8", "replace")
        while not self._write(data):
            self.make_room()
            time.sleep(0.1)
        self._seq += 1
        self.size += len(data)
        return len(data)

    def _write(self, data):
        try:
            if os.write(self._fd, data) == len(data):
                return True
            problem = "the disk is full"
        except OSError as error:
            if error.errno not in FULL_DISK:
                raise
            problem = error.strerror
        os.ftruncate(self._fd, self.size)
        self._on_trouble(problem)
        return False
