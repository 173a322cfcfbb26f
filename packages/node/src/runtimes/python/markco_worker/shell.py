"""Lines for the machine instead of Python: `!command`, `%pip install NAME`, `%cd FOLDER`.

They are known from notebooks elsewhere. A line is taken for one only in code that is no Python otherwise.

`%pip` installs into the environment of the session. Where the interpreter is the system's own, which must not be
changed, it makes the project's `.venv` first; what is in it can be imported at once, and the next session starts there.
"""
import os
import re
import shutil
import subprocess
import sys

LINE = re.compile(r"^(\s*)(?:!(?P<command>.+)|%(?P<name>pip|uv|cd|matplotlib)\b(?P<rest>.*))$")
# What a package is called when it is not called like its module.
PACKAGES = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
RUNNER = "_markco_line"


def to_python(code):
    """The code with such lines turned into calls, or None when it has none."""
    found = False
    lines = code.split("\n")
    for index, line in enumerate(lines):
        match = LINE.match(line)
        if match:
            found = True
            name, rest = ("!", match["command"]) if match["command"] is not None else (match["name"], match["rest"])
            lines[index] = "%s%s(%r, %r)" % (match[1], RUNNER, name, rest.strip())
    return "\n".join(lines) if found else None


def run_line(name, rest):
    if name == "!":
        _call(["/bin/sh", "-c", rest])
    elif name == "cd":
        os.chdir(os.path.expanduser(rest or "~"))
    elif name == "pip":
        _pip(rest.split())
    elif name == "uv":
        _call([_uv() or "uv"] + rest.split())
    # `%matplotlib`: figures are shown without being asked to.


def install_hint(error):
    """What installs the package whose absence this error is, or None."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    module = error.name.split(".")[0]
    if module in sys.stdlib_module_names if hasattr(sys, "stdlib_module_names") else False:
        return None
    return "%%pip install %s" % PACKAGES.get(module, module)


def _pip(arguments):
    environment = sys.prefix
    if arguments[:1] == ["install"] and sys.prefix == sys.base_prefix:
        environment = _own_environment()
    python = os.path.join(environment, "bin", "python") if environment != sys.prefix else sys.executable
    uv = _uv()
    if uv is not None:
        _call([uv, "pip"] + arguments[:1] + ["--python", python] + arguments[1:])
    else:
        _call([python, "-m", "pip"] + arguments + (["--disable-pip-version-check"] if arguments[:1] == ["install"] else []))
    import importlib

    importlib.invalidate_caches()


def _own_environment():
    """The project's `.venv`, made when it is missing; from now on this session imports from it too."""
    import site

    folder = os.path.abspath(".venv")
    if not os.path.exists(os.path.join(folder, "bin", "python")):
        print("Making the project's own environment in .venv…", flush=True)
        uv = _uv()
        if uv is not None:
            _call([uv, "venv", "--quiet", "--system-site-packages", "--python", sys.executable, folder])
        else:
            _call([sys.executable, "-m", "venv", "--system-site-packages", folder])
    version = "python%d.%d" % sys.version_info[:2]
    before = list(sys.path)
    site.addsitedir(os.path.join(folder, "lib", version, "site-packages"))
    added = [each for each in sys.path if each not in before]
    sys.path[:] = sys.path[:1] + added + [each for each in sys.path[1:] if each not in added]
    return folder


def _uv():
    return shutil.which("uv")


def _call(command):
    status = subprocess.call(command)
    if status != 0:
        raise CommandFailed(status if status > 0 else 128 - status)


class CommandFailed(Exception):
    def __init__(self, status):
        super().__init__("exit code %d" % status)
