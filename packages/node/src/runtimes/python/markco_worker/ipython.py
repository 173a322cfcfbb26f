"""`from IPython.display import display` shows under the cell as our own `display` does, where IPython is installed.

IPython's functions look for its own shell and print when there is none. They are replaced as their module is loaded;
the classes (HTML, Image, Markdown…) are its own.
"""
import importlib.abc
import importlib.machinery
import sys

MODULE = "IPython.core.display_functions"
CLEAR = "\x1b[H\x1b[2J\x1b[3J"


class Finder(importlib.abc.MetaPathFinder):
    def __init__(self, display):
        self._display = display

    def find_spec(self, name, path, target=None):
        if name != MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            self._replace(module)

        spec.loader.exec_module = exec_module
        return spec

    def _replace(self, module):
        show = self._display

        def display(*values, display_id=None, raw=False, **_):
            handle = show(*values, display_id=None if display_id is True else display_id, raw=raw)
            return handle if display_id else None

        def update_display(value, *, display_id, raw=False, **_):
            show(display_id=display_id).update(value, raw)

        def clear_output(wait=False):
            sys.stdout.write(CLEAR)

        module.display, module.update_display, module.clear_output = display, update_display, clear_output


def install(display):
    sys.meta_path.insert(0, Finder(display))
