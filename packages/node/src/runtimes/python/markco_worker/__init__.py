"""The parts of the interpreter of a session. `worker.py` beside this folder puts them together."""
