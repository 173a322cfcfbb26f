"""Questions to whoever watches the run: `input`, `getpass` and `sys.stdin`.

What was answered becomes an event unless it was a password: that is kept nowhere.
"""
import getpass
import io
import queue


class Questions:
    def __init__(self, emit):
        self._emit = emit
        self._answers = queue.SimpleQueue()
        self.waiting_run = None
        self.run = None

    def leave(self):
        """In a forked child: nobody answers there."""
        self.run = None

    def answer(self, run, text):
        """From the link's thread: whether the run was waiting for it."""
        if run is None or run != self.waiting_run:
            return False
        self.waiting_run = None
        self._answers.put(text)
        return True

    def ask(self, prompt, password):
        if self.run is None:
            raise EOFError("nobody can be asked: no cell is running")
        while not self._answers.empty():
            self._answers.get()
        # Before anybody is told: who hears of it may answer while this thread has not come back.
        self.waiting_run = self.run
        try:
            self._emit("stdin-request", {"prompt": str(prompt)[:10000], "password": password})
            text = self._answers.get()
        finally:
            self.waiting_run = None
        self._emit("stdin-response", {} if password else {"text": text[:100000]})
        return text

    def install(self, builtins):
        builtins.input = lambda prompt="": self.ask(prompt, False)
        getpass.getpass = lambda prompt="Password: ", stream=None: self.ask(prompt, True)


class Stdin(io.TextIOBase):
    """What `sys.stdin` is: every line is asked for."""

    encoding = "utf-8"

    def __init__(self, questions):
        self._questions = questions

    def readable(self):
        return True

    def readline(self, size=-1):
        line = self._questions.ask("", False) + "\n"
        return line if size is None or size < 0 else line[:size]

    def read(self, size=-1):
        return self.readline(size)

    def isatty(self):
        return False

    def fileno(self):
        return 0

    def close(self):
        """Stays open: `exit()` closes it, the session goes on."""
