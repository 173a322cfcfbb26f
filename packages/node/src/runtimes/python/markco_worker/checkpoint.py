"""The values of a session in a file, and back: what its variables are, the functions and classes of its cells among them.

Values are written as one, so that two names for one thing stay that. What cannot be written (a generator, a lock, an open
connection) is named, with why, and everything else is written all the same. Code is that of one Python: a file of another
minor version is not read.
"""
import abc
import collections
import importlib
import json
import marshal
import os
import pickle
import sys
import types

BYTES_MAX = 256 * 1024 * 1024
NAMES_TOLD = 20
VERSION = "%d.%d" % sys.version_info[:2]
OURS = {"_", "__", "___"}
# Of these there is one of each, known by its name.
SENTINELS = ("MISSING", "_HAS_DEFAULT_FACTORY", "KW_ONLY", "_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR")
PLAIN_KINDS = (type, abc.ABCMeta)
OF_THE_CLASS = {"__dict__", "__weakref__", "__slots__", "__doc__", "__module__", "_abc_impl"}

_names = {}


class TooLarge(Exception):
    pass


class Sink:
    """Takes what is written, or only counts it."""

    def __init__(self, file=None):
        self._file = file
        self.size = 0

    def write(self, data):
        self.size += len(data)
        if self.size > BYTES_MAX:
            raise TooLarge("more than %d MB" % (BYTES_MAX // 1024 // 1024))
        return len(data) if self._file is None else self._file.write(data)


class Writer(pickle.Pickler):
    def __init__(self, sink):
        super().__init__(sink, protocol=4)

    def reducer_override(self, value):
        if isinstance(value, types.ModuleType):
            return importlib.import_module, (value.__name__,)
        if isinstance(value, types.FunctionType) and (value.__module__ == "__main__" or "<locals>" in value.__qualname__):
            return _function(value)
        if isinstance(value, type) and value.__module__ == "__main__":
            return _class(value)
        if isinstance(value, types.CellType):
            return make_cell, (), _of_cell(value), None, None, fill_cell
        if isinstance(value, property):
            return property, (value.fget, value.fset, value.fdel, value.__doc__)
        if isinstance(value, (staticmethod, classmethod)):
            return type(value), (value.__func__,)
        if isinstance(value, types.MappingProxyType):
            return make_proxy, (dict(value),)
        fields = sys.modules.get("dataclasses")
        for name in SENTINELS if fields is not None and type(value).__module__ == "dataclasses" else ():
            if value is getattr(fields, name, None):
                return getattr, (fields, name)
        return NotImplemented


def _function(value):
    state = {
        "__defaults__": value.__defaults__,
        "__kwdefaults__": value.__kwdefaults__,
        "__annotations__": value.__annotations__,
        "__qualname__": value.__qualname__,
        "__doc__": value.__doc__,
        "__dict__": value.__dict__,
    }
    # A wrapper says it is of the cell, and looks names up where it was written.
    home = value.__globals__.get("__name__")
    arguments = (marshal.dumps(value.__code__), value.__name__, value.__closure__, home)
    return make_function, arguments, state, None, None, fill


def _class(value):
    if value.__bases__ == (tuple,) and hasattr(value, "_field_defaults"):
        return make_tuple, (value.__name__, value._fields, list(value._field_defaults.values()))
    if type(value) not in PLAIN_KINDS:
        raise pickle.PicklingError("its class is made in a way of its own")
    slots = value.__dict__.get("__slots__")
    state = {
        name: part
        for name, part in value.__dict__.items()
        if name not in OF_THE_CLASS and not isinstance(part, (types.MemberDescriptorType, types.GetSetDescriptorType))
    }
    return make_class, (type(value), value.__name__, value.__bases__, slots, value.__doc__), state, None, None, fill


def _of_cell(cell):
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()  # Nothing is in it yet.


def make_function(code, name, closure, home):
    names = _names if home == "__main__" else importlib.import_module(home).__dict__
    return types.FunctionType(marshal.loads(code), names, name, None, closure)


def make_class(kind, name, bases, slots, doc):
    body = {"__module__": "__main__", "__doc__": doc}
    if slots is not None:
        body["__slots__"] = slots
    return types.new_class(name, bases, {"metaclass": kind}, lambda names: names.update(body))


def fill(made, state):
    for name, part in state.items():
        setattr(made, name, part)


def make_tuple(name, fields, defaults):
    return collections.namedtuple(name, fields, defaults=defaults, module="__main__")


def make_proxy(of):
    return types.MappingProxyType(of)


def make_cell():
    return types.CellType()


def fill_cell(cell, contents):
    for value in contents:
        cell.cell_contents = value


def save(names, path):
    """Writes what can be written; says which names that is, and why not of the others. Raises OSError."""
    wanted = {name: value for name, value in list(names.items()) if not name.startswith("__") and name not in OURS}
    lost = {}
    if _problem(wanted) is not None:
        for name, value in list(wanted.items()):
            problem = _problem(value)
            if problem is not None:
                del wanted[name]
                lost[name] = problem
    with open(path, "xb", opener=_private) as file:
        file.write(json.dumps({"python": VERSION, "lost": sorted(lost)}).encode() + b"\n")
        Writer(Sink(file)).dump(wanted)
        file.flush()
        os.fsync(file.fileno())
    told = ["%s (%s)" % (name, lost[name]) for name in sorted(lost)][:NAMES_TOLD]
    return {"kept": len(wanted), "lost": told, "lostCount": len(lost)}


def _private(path, flags):
    return os.open(path, flags, 0o600)


def _problem(value):
    try:
        Writer(Sink()).dump(value)
        return None
    except TooLarge as error:
        return str(error)
    except Exception:
        return "a %s cannot be kept" % type(value).__name__


def restore(names, path, source=None):
    """Puts the values back into `names`, which came from the device `source` or were asleep here.

    Answers a sentence for whoever runs the next cell, and why it failed, or None.
    """
    global _names
    with open(path, "rb") as file:
        about = json.loads(file.readline())
        if about["python"] != VERSION:
            return _failed("The values of this session are of Python %s and are not brought into %s." % (about["python"], VERSION))
        _names = names
        try:
            values = pickle.load(file)
        except Exception as error:
            return _failed("The values of this session could not be brought back: %s: %s" % (type(error).__name__, error))
    names.update(values)
    lost = about["lost"]
    told = "This session %s. Its values are %s (%s)." % (
        "was asleep" if source is None else "was moved here from %s" % source,
        "back" if source is None else "here",
        "1 name" if len(values) == 1 else "%d names" % len(values),
    )
    if not lost:
        return {"said": told, "problem": None}
    more = ", …" if len(lost) > NAMES_TOLD else ""
    return {"said": "%s Not kept: %s%s." % (told, ", ".join(lost[:NAMES_TOLD]), more), "problem": None}


def _failed(problem):
    return {"said": problem, "problem": problem}
