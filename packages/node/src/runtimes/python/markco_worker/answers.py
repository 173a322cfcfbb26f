"""Answers to questions about the session: completion, inspection, variables, whether code is complete, formatting.

They are given from a thread of their own, also while a cell runs, and never call what the user wrote except a
`__repr__`, a `__dir__`, a `__getattr__` or a property that the question itself names.

1. An answer is bounded: so many matches, children and characters, and says when there was more.
2. Positions come and go as UTF-16 units, as editors count them; Python counts code points.
"""
import builtins
import importlib.util
import inspect
import keyword
import os
import pkgutil
import re
import subprocess
import sys

from . import values

MATCHES_MAX = 500
DOC_CHARS = 20_000
SOURCE_CHARS = 100_000
FORMAT_S = 4.0
FORMATTERS = (("ruff", ("format", "--quiet", "-")), ("black", ("--quiet", "-")), ("yapf", ()))

CHAIN = re.compile(r"(?:[^\W\d]\w*)(?:\s*\.\s*[^\W\d]\w*|\[\s*(?:-?\d+|'[^'\n]*'|\"[^\"\n]*\")\s*\])*\Z")
STEP = re.compile(r"\.\s*([^\W\d]\w*)|\[\s*(-?\d+|'[^'\n]*'|\"[^\"\n]*\")\s*\]")
KEY = re.compile(r"(?P<base>[^\s()=,;:]+)\[(?P<quote>['\"])(?P<start>[^'\"\n]*)\Z")
IMPORT = re.compile(r"^\s*(?:import|from)\s+(?P<name>[\w.]*)\Z")
FROM = re.compile(r"^\s*from\s+(?P<module>[\w.]+)\s+import\s+(?:\(?\s*|.*,\s*)(?P<start>\w*)\Z")


class NoAnswer(Exception):
    """Why there is none, for people."""


class Answers:
    def __init__(self, names):
        self._names = names
        self._modules = None

    def give(self, kind, question):
        """The answer as JSON values. Raises NoAnswer."""
        return getattr(self, "_" + kind)(**question)

    def _complete(self, code, cursor, **_):
        at = to_points(code, cursor)
        before = code[:at]
        line = before[before.rfind("\n") + 1 :]
        start, matches = self._matches(before, line)
        unique = list({match["label"]: match for match in matches}.values())
        return {
            "matches": unique[:MATCHES_MAX],
            "cursorStart": to_units(code, start),
            "cursorEnd": to_units(code, at),
            "source": "runtime",
        }

    def _matches(self, before, line):
        found = FROM.search(line)
        if found:
            return len(before) - len(found["start"]), self._from_module(found["module"], found["start"])
        found = IMPORT.search(line)
        if found:
            base, _, start = found["name"].rpartition(".")
            return len(before) - len(start), [match(name, "module") for name in self._module_names(base) if name.startswith(start)]
        found = KEY.search(line)
        if found:
            keys = self._keys(found["base"])
            return len(before) - len(found["start"]), [match(key, "field") for key in keys if key.startswith(found["start"])]
        word = re.search(r"\w*\Z", before).group()
        base = re.sub(r"\s*\.\s*\Z", "", before[: len(before) - len(word)])
        if base != before[: len(before) - len(word)]:
            chain = CHAIN.search(base)
            if chain is None:
                return len(before) - len(word), literal_members(base, word)
            value = self._value(chain.group())
            return len(before) - len(word), [] if value is MISSING else members(value, word)
        return len(before) - len(word), self._plain(before[: len(before) - len(word)], word)

    def _plain(self, before, word):
        matches = [match(name + "=", "field") for name in self._parameters(before) if name.startswith(word)]
        for name in sorted(list(self._names)):
            if name.startswith(word) and (word or not name.startswith("_")) and not name.startswith("__"):
                matches.append(match_value(name, self._names.get(name)))
        if word:
            for name in keyword.kwlist:
                if name.startswith(word):
                    matches.append(match(name, "keyword"))
            for name in dir(builtins):
                if name.startswith(word) and not name.startswith("_"):
                    matches.append(match_value(name, getattr(builtins, name)))
        return matches

    def _parameters(self, before):
        """Names of the parameters of the call that is open at the end of `before`."""
        callee = open_call(before)
        chain = CHAIN.search(callee) if callee else None
        value = self._value(chain.group()) if chain else MISSING
        if value is MISSING or not callable(value):
            return []
        try:
            parameters = inspect.signature(value).parameters.values()
        except (TypeError, ValueError):
            return []
        return [each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]

    def _keys(self, base):
        chain = CHAIN.search(base)
        value = self._value(chain.group()) if chain else MISSING
        if value is MISSING:
            return []
        try:
            keys = value.keys() if isinstance(value, dict) or hasattr(value, "columns") else ()
            return [key for key, _ in zip(keys, range(MATCHES_MAX)) if isinstance(key, str)]
        except Exception:
            return []

    def _module_names(self, base):
        if base:
            module = sys.modules.get(base)
            path = getattr(module, "__path__", None)
            if path is None:
                try:
                    spec = importlib.util.find_spec(base) if "." not in base else None
                    path = spec.submodule_search_locations if spec else None
                except (ImportError, ValueError):
                    path = None
            return sorted({each.name for each in pkgutil.iter_modules(path)}) if path else []
        if self._modules is None or len(sys.path) != self._modules[0]:
            names = {each.name for each in pkgutil.iter_modules()} | set(sys.builtin_module_names)
            self._modules = (len(sys.path), sorted(name for name in names if not name.startswith("_")))
        return self._modules[1]

    def _from_module(self, name, start):
        module = sys.modules.get(name)
        found = [match(each, "module") for each in self._module_names(name) if each.startswith(start)]
        return found + (members(module, start) if module is not None else [])

    def _value(self, chain):
        """What a chain of names, attributes and literal keys stands for, or MISSING. Calls nothing."""
        first = re.match(r"[^\W\d]\w*", chain)
        value = self._names.get(first.group(), getattr(builtins, first.group(), MISSING))
        for step in STEP.finditer(chain, first.end()):
            if value is MISSING:
                return MISSING
            try:
                if step[1] is not None:
                    value = getattr(value, step[1])
                elif isinstance(value, (dict, list, tuple, str)) or hasattr(value, "iloc"):
                    key = step[2]
                    value = value[int(key) if key.lstrip("-").isdigit() else key[1:-1]]
                else:
                    return MISSING
            except Exception:
                return MISSING
        return value

    def _subject(self, code, cursor):
        """The name at a position and what it stands for; the call around it when there is no name."""
        at = to_points(code, cursor)
        end = at + len(re.match(r"\w*", code[at:]).group())
        chain = CHAIN.search(code[:end])
        if chain is None:
            callee = open_call(code[:at])
            chain = CHAIN.search(callee) if callee else None
        if chain is None:
            return None, MISSING
        return re.sub(r"\s+", "", chain.group()), self._value(chain.group())

    def _hover(self, code, cursor, **_):
        name, value = self._subject(code, cursor)
        if value is MISSING:
            return {"found": False}
        answer = {"found": True, "name": name, "type": values.type_name(value), "value": values.one_line(value)}
        signature = signature_of(value)
        return dict(answer, signature=signature) if signature else answer

    def _inspect(self, code, cursor, detail=1, **_):
        name, value = self._subject(code, cursor)
        if value is MISSING:
            return {"found": False, "source": "runtime"}
        answer = {
            "found": True,
            "source": "runtime",
            "name": name,
            "kind": kind_of(value),
            "type": values.type_name(value),
            "signature": signature_of(value),
            "value": values.one_line(value),
        }
        if detail >= 1:
            answer["docstring"] = (inspect.getdoc(value) or "")[:DOC_CHARS] or None
            if values.expandable(value):
                answer["children"] = values.children(value, 20)[0]
        if detail >= 2:
            answer.update(source_of(value))
        return {key: found for key, found in answer.items() if found is not None}

    def _variables(self, filter=None, **_):
        wish = filter or {}
        pattern = wish.get("namePattern")
        try:
            wanted = re.compile(pattern) if pattern else None
        except re.error as error:
            raise NoAnswer("`namePattern` is no regular expression: %s." % error)
        found, count = [], 0
        for name, value in sorted(self._names.copy().items()):
            if not values.is_users(name, value):
                continue
            if wish.get("excludePrivate") and name.startswith("_"):
                continue
            if wanted is not None and not wanted.search(name):
                continue
            if wish.get("types") and values.type_name(value) not in wish["types"] and type(value).__name__ not in wish["types"]:
                continue
            count += 1
            if len(found) < values.VARIABLES_MAX:
                found.append(values.describe(name, value))
        return {"variables": found, "count": count, "truncated": count > len(found)}

    def _variable(self, name, path=(), maxChildren=100, maxValueLength=1000, **_):
        if name not in self._names:
            raise NoAnswer("There is no variable %s in this session." % name[:200])
        value = self._names[name]
        shown = name
        for part in path or ():
            value = values.child(value, part)
            if value is values.MISSING:
                raise NoAnswer("%s has no part %s (any more)." % (shown[:200], part[:200]))
            shown = part
        return values.detail(shown, value, maxChildren, maxValueLength)

    def _isComplete(self, code, **_):
        import ast
        import codeop

        compiler = codeop.CommandCompiler()
        compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        lines = code.split("\n")
        last = lines[-1]
        margin = last[: len(last) - len(last.lstrip())]
        try:
            complete = compiler(code, "<cell>", "exec") is not None
        except (SyntaxError, ValueError, OverflowError):
            return {"status": "invalid", "indent": ""}
        if complete and not (margin and last.strip()):
            return {"status": "complete", "indent": ""}
        return {"status": "incomplete", "indent": margin + ("    " if last.rstrip().endswith((":", "(", "[", "{")) else "")}

    def _format(self, code, **_):
        for name, arguments in FORMATTERS:
            beside = os.path.join(os.path.dirname(sys.executable), name)
            if os.access(beside, os.X_OK):
                command = [beside]
            elif importlib.util.find_spec(name) is not None:
                command = [sys.executable, "-m", name]
            else:
                continue
            try:
                done = subprocess.run(command + list(arguments), input=code.encode("utf-8"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=FORMAT_S)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise NoAnswer("%s could not format this: %s" % (name, error))
            if done.returncode != 0:
                raise NoAnswer("%s could not format this: %s" % (name, done.stderr.decode("utf-8", "replace").strip()[:2000]))
            formatted = done.stdout.decode("utf-8")
            if not code.endswith("\n"):
                formatted = formatted.rstrip("\n")
            return {"formatted": formatted, "changed": formatted != code}
        raise NoAnswer("No formatter is installed in this environment. To get one, run: %pip install ruff")


MISSING = values.MISSING


def match(label, kind):
    return {"label": label, "kind": kind}


def match_value(name, value):
    found = {"label": name, "kind": kind_of(value), "type": values.type_name(value)}
    if found["kind"] in ("variable", "constant"):
        found["valuePreview"] = values.one_line(value, 60)
    return found


def members(value, start):
    try:
        names = dir(value)
    except Exception:
        return []
    found = []
    for name in names:
        if isinstance(name, str) and name.startswith(start) and (start.startswith("_") or not name.startswith("_")):
            found.append(match(name, member_kind(value, name)))
    return found


def literal_members(base, start):
    """Of a string, list or dict that is written out: the type says it all."""
    kind = {"'": str, '"': str, "]": list, "}": dict}.get(base.rstrip()[-1:])
    return members(kind, start) if kind else []


def member_kind(value, name):
    try:
        found = inspect.getattr_static(value, name)
    except Exception:
        return "property"
    if isinstance(found, (property,)) or inspect.isdatadescriptor(found):
        return "property"
    if isinstance(found, (staticmethod, classmethod)) or inspect.isroutine(found):
        return "function" if inspect.ismodule(value) else "method"
    return {"variable": "field"}.get(kind_of(found), kind_of(found))


def kind_of(value):
    if inspect.ismodule(value):
        return "module"
    if inspect.isclass(value):
        return "class"
    if inspect.ismethod(value):
        return "method"
    if inspect.isroutine(value):
        return "function"
    return "variable"


def signature_of(value):
    if not callable(value):
        return None
    try:
        return str(inspect.signature(value))[:2000]
    except (TypeError, ValueError):
        return None


def source_of(value):
    try:
        target = inspect.unwrap(value) if callable(value) else value
        lines, line = inspect.getsourcelines(target)
        return {"sourceCode": "".join(lines)[:SOURCE_CHARS], "file": inspect.getsourcefile(target) or "", "line": max(line, 1)}
    except (TypeError, OSError, ValueError):
        return {}


def open_call(before):
    """What stands before the innermost parenthesis that is still open, or None. Looks at the last 4,000 characters."""
    depth = 0
    text = before[-4000:]
    for index in range(len(text) - 1, -1, -1):
        if text[index] in ")]}":
            depth += 1
        elif text[index] in "([{":
            if depth == 0:
                return text[:index] if text[index] == "(" else None
            depth -= 1
    return None


def to_points(text, units):
    if text.isascii():
        return min(units, len(text))
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "ignore"))


def to_units(text, points):
    if text.isascii():
        return points
    return len(text[:points].encode("utf-16-le", "surrogatepass")) // 2
