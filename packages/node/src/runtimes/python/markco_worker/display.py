"""Values as MIME bundles: what a cell shows, and `display()`.

1. An event stays under 1 MB: a representation that does not fit is left out, and its text says so.
"""
import base64
import json
import sys

from .spool import new_id

BUNDLE_BYTES = 900 * 1024
REPRESENTATIONS = (
    ("_repr_html_", "text/html"),
    ("_repr_markdown_", "text/markdown"),
    ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"),
    ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
)


def bundle_of(value):
    """All representations a value has, and their metadata."""
    data, metadata = {}, {}
    if not isinstance(value, type):
        _from_mimebundle(value, data, metadata)
        for method, mime in REPRESENTATIONS:
            if mime not in data:
                found = _call(value, method)
                if isinstance(found, tuple) and len(found) == 2:
                    found, metadata[mime] = found
                if found is not None:
                    data[mime] = found
    if "text/plain" not in data:
        data["text/plain"] = _repr(value)
    return _fit(data), metadata


def _from_mimebundle(value, data, metadata):
    found = _call(value, "_repr_mimebundle_", include=None, exclude=None)
    if isinstance(found, tuple) and len(found) == 2:
        found, extra = found
        metadata.update(extra or {})
    if isinstance(found, dict):
        data.update(found)


def _call(value, method, **arguments):
    try:
        function = getattr(value, method, None)
        return function(**arguments) if callable(function) else None
    except Exception:
        return None  # A representation that fails is one the value does not have.


def _repr(value):
    try:
        return repr(value)
    except Exception as error:
        return "<%s whose repr failed: %s>" % (type(value).__name__, type(error).__name__)


def _fit(data):
    fitting, left, dropped = {}, BUNDLE_BYTES, []
    for mime, value in sorted(data.items(), key=lambda item: item[0] != "text/plain"):
        if isinstance(value, (bytes, bytearray)):
            value = base64.b64encode(value).decode("ascii")
        elif not isinstance(value, str):
            try:
                value = json.loads(json.dumps(value, allow_nan=False, default=str))
            except (TypeError, ValueError, RecursionError):
                continue
        elif mime == "text/plain":
            value = _clip(value)
        size = len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
        if size <= left:
            left -= size
            fitting[mime] = value
        else:
            dropped.append("%s of %d KB" % (mime, size // 1024))
    if dropped:
        fitting["text/plain"] = (fitting.get("text/plain", "") + "\n[left out, too large to show: " + ", ".join(dropped) + "]").lstrip("\n")
    return fitting


def _clip(text):
    most = BUNDLE_BYTES // 8
    if len(text) <= most:
        return text
    return text[:most] + "… [%d more characters]" % (len(text) - most)


class Display:
    """What `display` returns: shows another value in the same place."""

    def __init__(self, emit, display_id):
        self._emit = emit
        self.display_id = display_id

    def display(self, value, raw=False):
        self._show(value, raw, False)

    def update(self, value, raw=False):
        self._show(value, raw, True)

    def _show(self, value, raw, update):
        data, metadata = (_fit(dict(value)), {}) if raw else bundle_of(value)
        metadata = dict(_fit(metadata), displayId=self.display_id, update=update)
        self._emit("display", {"data": data, "metadata": metadata})


def make_display(emit):
    def display(*values, display_id=None, raw=False):
        """Shows values under the cell. Returns a handle whose update() replaces the last one.

        With `raw`, values are what to show already: dictionaries of MIME type and content.
        """
        import time

        handle = Display(emit, str(display_id) if display_id else new_id(time.time_ns() // 1_000_000))
        for value in values:
            handle.display(value, raw)
        return handle

    return display


def show_figures(emit):
    """The figures a cell has left open, as images; they are closed then."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not hasattr(pyplot, "get_fignums"):
        return
    import io

    for number in pyplot.get_fignums():
        image = io.BytesIO()
        figure = pyplot.figure(number)
        figure.savefig(image, format="png", bbox_inches="tight")
        data = _fit({"image/png": image.getvalue(), "text/plain": repr(figure)})
        emit("display", {"data": data, "metadata": {}})
    pyplot.close("all")
