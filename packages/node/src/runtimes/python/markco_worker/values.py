"""Values as a person sees them in a list: a type, one line, a size, and what is inside, one level at a time.

Nothing here writes out a large value whole: a list of ten million is shown by its length and its first items.
"""
import reprlib
import types

VARIABLES_MAX = 1000
LINE_CHARS = 200
KEYS_MAX = 20
NAMES_MAX = 500
OURS = {"_", "__", "___"}  # the last results
PLAIN = (bool, int, float, complex, str, bytes, type(None))
SEQUENCES = (list, tuple)
SETS = (set, frozenset)
MISSING = object()

_short = reprlib.Repr()
_short.maxstring = _short.maxother = LINE_CHARS
_short.maxlong = 60
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxfrozenset = _short.maxdict = 10


def is_users(name, value):
    is_pythons = name.startswith("__") and name.endswith("__")
    return not is_pythons and name not in OURS and not isinstance(value, types.ModuleType)


def type_name(value):
    kind = type(value)
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else "%s.%s" % (module.split(".")[0], kind.__qualname__)


def one_line(value, chars=LINE_CHARS):
    try:
        text = _brief(value)
    except Exception as error:
        text = "<%s whose repr failed: %s>" % (type(value).__name__, type(error).__name__)
    text = " ".join(text[: 4 * chars].split())
    return text if len(text) <= chars else text[: chars - 1] + "…"


def _brief(value):
    if _is_table(value):
        return "%d rows × %d columns" % tuple(value.shape)
    if isinstance(value, (str, bytes)):
        return repr(value[: 2 * LINE_CHARS])
    if isinstance(value, (list, tuple, dict, set, frozenset)) or type(value).__module__ in ("builtins", "collections", "array"):
        return _short.repr(value)
    return repr(value)


def describe(name, value):
    found = {"name": str(name)[:1000], "type": type_name(value), "value": one_line(value), "expandable": expandable(value)}
    size = _size(value)
    if size is not None:
        found["size"] = size
    shape = _shape(value)
    if shape is not None:
        found["shape"] = shape
    if isinstance(getattr(type(value), "dtype", None), object) and shape is not None:
        dtype = _quiet(lambda: str(value.dtype))
        if dtype is not None:
            found["dtype"] = dtype[:200]
    length = _length(value)
    if length is not None:
        found["length"] = length
    keys = _keys(value)
    if keys is not None:
        found["keys"] = keys
    return found


def expandable(value):
    if isinstance(value, PLAIN) or isinstance(value, (type, types.ModuleType)) or callable(value):
        return False
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return len(value) > 0
    if _is_table(value):
        return True
    shape = _shape(value)
    if shape is not None:
        return len(shape) > 0 and shape[0] > 0
    return bool(_attributes(value))


def children(value, most):
    """Up to `most` parts as (descriptions, whether there are more)."""
    found = []
    for name, part in _parts(value):
        if len(found) >= most:
            return found, True
        found.append(describe(name, part))
    return found, False


def child(value, name):
    """The part that `children` calls by this name, or MISSING."""
    if isinstance(value, dict):
        if name in value:
            return value[name]
        return next((part for key, part in value.items() if key_name(key) == name), MISSING)
    if isinstance(value, SEQUENCES) or (_shape(value) is not None and not _is_table(value) and not hasattr(value, "index")):
        try:
            return value[int(name)]
        except (ValueError, IndexError, TypeError):
            return MISSING
    return next((part for key, part in _parts(value) if str(key) == name), MISSING)


def detail(name, value, most, chars):
    parts, more = children(value, most) if expandable(value) else ([], False)
    full = _quiet(lambda: repr(value) if not isinstance(value, (list, tuple, dict, set, frozenset, str, bytes)) else _written(value, chars))
    full = one_line(value) if full is None else full
    methods, attributes = [], []
    if not isinstance(value, PLAIN):
        for each in (_quiet(lambda: dir(value)) or [])[: 10 * NAMES_MAX]:
            if isinstance(each, str) and not each.startswith("_"):
                is_method = callable(getattr(type(value), each, None))
                (methods if is_method else attributes).append(each)
    return dict(
        describe(name, value),
        fullValue=full[:chars],
        children=parts,
        methods=methods[:NAMES_MAX],
        attributes=attributes[:NAMES_MAX],
        truncated=more or len(full) > chars,
    )


def key_name(key):
    return key if isinstance(key, str) else _short.repr(key)


def _written(value, chars):
    """At most a little more than `chars` of a value's repr, without making the rest."""
    if isinstance(value, (str, bytes)):
        return repr(value[: chars + 1])
    whole = reprlib.Repr()
    whole.maxstring = whole.maxother = chars
    whole.maxlevel = 20
    whole.maxlist = whole.maxtuple = whole.maxset = whole.maxfrozenset = whole.maxdict = chars // 3 + 1
    return whole.repr(value)


def _parts(value):
    if isinstance(value, dict):
        return ((key_name(key), part) for key, part in list(zip(value, value.values())) if True)
    if isinstance(value, SEQUENCES):
        return ((str(index), part) for index, part in enumerate(value))
    if isinstance(value, SETS):
        return ((str(index), part) for index, part in enumerate(value))
    if _is_table(value):
        return ((str(column), value[column]) for column in value.columns)
    shape = _shape(value)
    if shape is not None and hasattr(value, "items") and hasattr(value, "index"):
        return ((str(key), part) for key, part in value.items())
    if shape is not None:
        return ((str(index), value[index]) for index in range(shape[0]))
    return iter(_attributes(value).items())


def _attributes(value):
    found = dict(_quiet(lambda: vars(value)) or {})
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            part = _quiet(lambda: getattr(value, name))
            if part is not None:
                found.setdefault(name, part)
    return {name: part for name, part in found.items() if isinstance(name, str) and not name.startswith("__")}


def _is_table(value):
    shape = _shape(value)
    return shape is not None and len(shape) == 2 and hasattr(type(value), "columns")


def _shape(value):
    if isinstance(value, (type, types.ModuleType)) or not hasattr(type(value), "shape"):
        return None
    shape = _quiet(lambda: value.shape)
    if isinstance(shape, tuple) and all(isinstance(each, int) and each >= 0 for each in shape):
        return list(shape)
    return None


def _length(value):
    if isinstance(value, (str, bytes, bytearray, list, tuple, dict, set, frozenset, range)) or _shape(value):
        return _quiet(lambda: len(value))
    return None


def _keys(value):
    keys = value if isinstance(value, dict) else value.columns if _is_table(value) else None
    if keys is None:
        return None
    return [str(key_name(key))[:200] for key, _ in zip(list(keys)[:KEYS_MAX], range(KEYS_MAX))]


def _size(value):
    import sys

    count = _quiet(lambda: value.nbytes) if hasattr(type(value), "nbytes") else None
    if not isinstance(count, int):
        if not isinstance(value, (str, bytes, bytearray, list, tuple, dict, set, frozenset)):
            return None
        count = sys.getsizeof(value)
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            return ("%d %s" if unit == "B" else "%.1f %s") % (count, unit)
        count /= 1024
    return None


def _quiet(ask):
    try:
        return ask()
    except Exception:
        return None
