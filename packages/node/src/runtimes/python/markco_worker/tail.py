"""What C code and subprocesses write to file descriptor 1 or 2.

The descriptor is a file of the session, which is read as it grows: a pipe would block C code that
writes while it holds the interpreter's lock, and would lose what is in it when the reader dies.
Bytes that are in the spool are taken out of the file again, so that it stays small.
"""
import codecs
import os

from . import standard

CHUNK_BYTES = 65536
RECLAIM_BYTES = 16 * 1024 * 1024


class Tail:
    def __init__(self, path, descriptor, name):
        self.name = name
        self.offset = 0
        self._reclaimed = 0
        self._descriptor = descriptor
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.attach()

    def attach(self):
        """Points the descriptor at the file: code of an earlier run may have closed it."""
        standard.point(self._descriptor, self._file)

    def waiting(self):
        return os.fstat(self._file).st_size > self.offset

    def read(self):
        """The next text, or None when there is none now."""
        data = os.pread(self._file, CHUNK_BYTES, self.offset)
        if not data:
            return None
        self.offset += len(data)
        if self.offset - self._reclaimed > RECLAIM_BYTES:
            self.reclaim()
        return self._decoder.decode(data)

    def rest(self):
        """What is left of a character that was never finished."""
        text = self._decoder.decode(b"", True)
        self._decoder.reset()
        return text

    def drop(self):
        """Forgets everything that waits: the run's output is over its limit."""
        os.ftruncate(self._file, 0)
        self.offset = self._reclaimed = 0
        self._decoder.reset()

    def reclaim(self):
        """Gives the disk back what is in the spool already."""
        if self.offset == self._reclaimed:
            return
        # A hole, not a truncation: a truncation would lose what is written at the same moment.
        try:
            import ctypes

            libc = ctypes.CDLL(None, use_errno=True)
            keep_size, punch_hole = 1, 2
            libc.fallocate(self._file, keep_size | punch_hole, ctypes.c_long(0), ctypes.c_long(self.offset))
        except (ImportError, OSError, AttributeError):
            pass  # Without holes the file keeps its bytes until the session ends.
        self._reclaimed = self.offset
