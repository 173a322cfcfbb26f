"""The thread that answers questions, one after another, so that a slow answer holds up neither a cell nor its input.

The host bounds how many wait (32). An answer over the limit of a line is refused in words.
"""
import json
import queue
import threading
import time

from .answers import Answers, NoAnswer

ANSWER_BYTES = 1024 * 1024


class Asking:
    def __init__(self, link, names, on_reset):
        self._link = link
        self._on_reset = on_reset
        self._answers = Answers(names)
        self._waiting = queue.SimpleQueue()
        self._thread = None

    def ask(self, command):
        if command["kind"] == "reset":
            self._on_reset(command["ref"])
            return
        self._waiting.put(command)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()

    def tell(self, ref, answer):
        self._say({"event": "told", "ref": ref, "answer": answer})

    def refuse(self, ref, problem):
        self._say({"event": "told", "ref": ref, "problem": problem})

    def _serve(self):
        while True:
            command = self._waiting.get()
            try:
                answer = self._answers.give(command["kind"], command["question"])
                if len(json.dumps(answer)) > ANSWER_BYTES:
                    raise NoAnswer("The answer is too large to show.")
                self.tell(command["ref"], answer)
            except NoAnswer as error:
                self.refuse(command["ref"], str(error)[:10_000])
            except BaseException as error:
                self.refuse(command["ref"], "This could not be answered: %s: %s" % (type(error).__name__, str(error)[:1000]))

    def _say(self, message):
        self._link.answer(message)
        while self._link.pending():
            time.sleep(0.002)
            self._link.retry()
