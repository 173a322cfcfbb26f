"""Runs one cell in the namespace of the session."""
import ast
import builtins
import linecache
import os
import sys
import types

from .display import bundle_of, make_display, show_figures
from .ipython import install as install_in_ipython
from .shell import RUNNER, install_hint, run_line, to_python
from .shield import SHIELD

HERE = os.path.dirname(os.path.abspath(__file__))
WORKER = os.path.join(os.path.dirname(HERE), "worker.py")
AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
SOURCES_KEPT = 1000
TRACEBACK_CHARS = 200_000


class Cells:
    def __init__(self, emit):
        self.count = 0
        self._emit = emit
        self._loop = None
        self._sources = []
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main
        self.names = main.__dict__
        self.names["__builtins__"] = builtins
        builtins.display = make_display(emit)
        install_in_ipython(builtins.display)
        setattr(builtins, RUNNER, run_line)

    def reset(self):
        """Clears the names; the count goes on."""
        self.names.clear()
        self.names.update({"__name__": "__main__", "__builtins__": builtins})

    def run(self, code):
        """The last event of the run: ('result', bundle or None) or ('error', payload). Raises nothing."""
        self.count += 1
        try:
            try:
                SHIELD.hit = False
                SHIELD.interruptible = True
                data = self._evaluate(code)
                show_figures(self._emit)
            finally:
                SHIELD.interruptible = False
            return "result", data
        except SystemExit as error:
            if error.code in (None, 0):
                return "result", None
            return "error", describe(error)
        except BaseException as error:
            return "error", describe(error)
        finally:
            SHIELD.interruptible = False

    def _evaluate(self, code):
        name = "<cell %d>" % self.count
        self._remember(name, code)
        tree = _parse(code, name)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not code.rstrip().endswith(";"):
            last = ast.Expression(tree.body.pop().value)
        if tree.body:
            self._execute(compile(tree, name, "exec", AWAIT, True))
        if last is None:
            return None
        value = self._execute(compile(last, name, "eval", AWAIT, True))
        if value is None:
            return None
        names = self.names
        names["___"], names["__"], names["_"] = names.get("__"), names.get("_"), value
        return bundle_of(value)[0]

    def _execute(self, program):
        value = eval(program, self.names)
        if program.co_flags & 0x80:  # CO_COROUTINE: there is an await at the top
            return self._await(value)
        return value

    def _await(self, coroutine):
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        task = self._loop.create_task(coroutine)
        try:
            return self._loop.run_until_complete(task)
        except BaseException:
            if not task.done():
                task.cancel()
                try:
                    self._loop.run_until_complete(task)
                except BaseException:
                    pass  # It was cancelled; what stopped it is raised below.
            raise

    def _remember(self, name, code):
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        self._sources.append(name)
        if len(self._sources) > SOURCES_KEPT:
            linecache.cache.pop(self._sources.pop(0), None)


def _parse(code, name):
    try:
        return compile(code, name, "exec", ast.PyCF_ONLY_AST | AWAIT, True)
    except SyntaxError:
        python = to_python(code)
        if python is None:
            raise
        return compile(python, name, "exec", ast.PyCF_ONLY_AST | AWAIT, True)


def describe(error):
    """An error's payload, with the frames of this program left out of its traceback."""
    try:
        lines = _traceback(error)
    except BaseException:
        lines = ["%s (its traceback could not be written)" % type(error).__name__]
    try:
        message = str(error)
    except BaseException:
        message = "(its message could not be written)"
    hint = install_hint(error)
    if hint is not None:
        lines.append("To install it, run: " + hint)
    return {"type": type(error).__name__[:200], "message": message[:10_000], "traceback": lines}


def _traceback(error):
    import traceback

    told = traceback.TracebackException.from_exception(error)
    _without_us(told, set())
    text = "".join(told.format())
    if len(text) > TRACEBACK_CHARS:
        half = TRACEBACK_CHARS // 2
        text = text[:half] + "\n[… %d characters …]\n" % (len(text) - TRACEBACK_CHARS) + text[-half:]
    lines = text.rstrip("\n").split("\n")
    return lines if len(lines) <= 4000 else lines[:2000] + ["[… %d lines …]" % (len(lines) - 4000)] + lines[-2000:]


def _without_us(told, seen):
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    told.stack[:] = [frame for frame in told.stack if not frame.filename.startswith(HERE) and frame.filename != WORKER]
    _without_us(told.__cause__, seen)
    _without_us(told.__context__, seen)
    for inner in getattr(told, "exceptions", None) or ():
        _without_us(inner, seen)
