"""Signals that wait while something must stay whole.

Python runs signal handlers in the main thread, between any two bytecodes: a KeyboardInterrupt
could arrive after an event was written and before it was counted. What must not be torn runs
inside `with SHIELD`; a signal that comes meanwhile takes effect when the last shield is left.

1. SIGINT raises KeyboardInterrupt in the user's code only; while none runs it does nothing. `hit` says
   whether one has come since the code of this run began.
2. SIGTERM ends the process, after what was printed is in the spool.
"""
import os
import signal
import threading


class Shield:
    def __init__(self):
        self.interruptible = False
        self.hit = False
        self.last_words = lambda: None
        self._depth = 0
        self._pending = 0
        self._main = threading.main_thread().ident

    def arm(self):
        """Takes the signals back: code of an earlier run may have replaced the handlers."""
        signal.signal(signal.SIGINT, self._on_interrupt)
        signal.signal(signal.SIGTERM, self._on_terminate)

    def __enter__(self):
        if threading.get_ident() == self._main:
            self._depth += 1

    def __exit__(self, *_):
        if threading.get_ident() != self._main:
            return
        self._depth -= 1
        if self._depth == 0 and self._pending:
            number, self._pending = self._pending, 0
            if number == signal.SIGTERM:
                self._terminate()
            elif self.interruptible:
                raise KeyboardInterrupt

    def _on_interrupt(self, _number, _frame):
        if not self.interruptible:
            return
        self.hit = True
        if self._depth:
            self._pending = self._pending or signal.SIGINT
            return
        raise KeyboardInterrupt

    def _on_terminate(self, _number, _frame):
        if self._depth:
            self._pending = signal.SIGTERM
            return
        self._terminate()

    def _terminate(self):
        self.interruptible = False
        try:
            self.last_words()
        finally:
            os._exit(143)


SHIELD = Shield()
