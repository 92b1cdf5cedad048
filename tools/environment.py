"""Make the virtual environment that the Makefile works in, from nothing but a Python.

    python3 tools/environment.py FOLDER [EXTRA]

Uses the standard library only and runs on any Python 3. Without an NVIDIA GPU on Linux it takes the CPU build of torch
(200 MB instead of 3 GB) where the index of those builds answers, and says first how much is to be downloaded.
"""

from __future__ import print_function

import os
import platform
import shutil
import subprocess
import sys
import tempfile

TORCH = "torch==2.13.0"
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
GET_PIP = "https://bootstrap.pypa.io/get-pip.py"
OLDEST, NEWEST = (3, 10), (3, 13)
MEGABYTES = {"cpu torch": 190, "cuda torch": 2700, "packages": 110, "dev": 40, "bench": 450}


def say(text):
    print(text)
    sys.stdout.flush()


def version(python):
    """(3, 11) of an interpreter, or None where it does not start (pyenv's shims, for instance)."""
    try:
        out = subprocess.check_output([python, "-c", "import sys; print('%d %d' % sys.version_info[:2])"],
                                      stderr=subprocess.DEVNULL)
        return tuple(int(part) for part in out.split())
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def find_python():
    """This interpreter if it will do, else another one on the path."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in (12, 11, 13, 10):
        python = shutil.which("python3.%d" % minor)
        if python and version(python) == (3, minor):
            return python
    if sys.version_info[:2] > NEWEST:
        say("isofield is tested with Python 3.10 to 3.13; trying with %d.%d." % sys.version_info[:2])
        return sys.executable
    sys.exit("isofield needs Python 3.10 or newer, and %s is %d.%d: install one, or name it: make PYTHON=python3.12"
             % ((sys.executable,) + tuple(sys.version_info[:2])))


def make_folder(python, folder):
    """A virtual environment with pip in it."""
    if subprocess.call([python, "-m", "venv", folder], stdout=subprocess.DEVNULL) == 0:
        return
    # Debian and Ubuntu cut pip out of their Python: fetch it.
    say("This Python comes without pip: fetching it from %s." % GET_PIP)
    subprocess.check_call([python, "-m", "venv", "--clear", "--without-pip", folder])
    from urllib.request import urlopen  # here: only this path needs it
    try:
        source = urlopen(GET_PIP, timeout=30).read()
    except OSError as error:
        sys.exit("pip cannot be fetched (%s): install it with your system's packages (python3-venv on Debian and Ubuntu)"
                 " and call make again." % error)
    with tempfile.TemporaryDirectory() as place:
        script = os.path.join(place, "get-pip.py")
        with open(script, "wb") as file:
            file.write(source)
        subprocess.check_call([os.path.join(folder, "bin", "python"), script, "--quiet"])


def installed(python, package):
    """The version of a package in an environment, or None."""
    code = "from importlib.metadata import version; print(version(%r))" % package
    try:
        return subprocess.check_output([python, "-c", code], stderr=subprocess.DEVNULL).decode().strip()
    except subprocess.CalledProcessError:
        return None


def has_gpu():
    """True where NVIDIA's driver answers."""
    tool = shutil.which("nvidia-smi")
    return bool(tool) and subprocess.call([tool], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def install(python, extra):
    """torch in the build that fits the machine, then isofield (editable) with its dependencies as pinned."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-warn-script-location"]
    if not sys.stdout.isatty():
        pip.append("--quiet")
    packages = MEGABYTES["packages"] + MEGABYTES.get(extra, 0)
    found = installed(python, "torch")
    if found is None or found.split("+")[0] != TORCH.split("==")[1]:
        if platform.system() != "Linux" or has_gpu():
            size = MEGABYTES["cuda torch"] if platform.system() == "Linux" else MEGABYTES["cpu torch"]
            say("About %d MB come first: torch (%d MB) and the other packages (%d MB)." % (size + packages, size, packages))
        else:
            size = MEGABYTES["cpu torch"]
            say("About %d MB come first: the CPU build of torch (%d MB; no NVIDIA GPU here) and the other packages (%d MB)."
                % (size + packages, size, packages))
            # One try: where the index does not answer, nobody should wait for it.
            cpu = ["--no-deps", "--retries", "0", "--timeout", "20", "--index-url", CPU_BUILDS, TORCH]
            if subprocess.call(pip + cpu, stderr=subprocess.DEVNULL) != 0:
                say("The index of CPU builds (%s) does not answer or has none for this Python: taking torch from pip's own"
                    " index instead, up to %d MB." % (CPU_BUILDS, MEGABYTES["cuda torch"]))
    elif extra:
        say("About %d MB come first: the packages of the extra '%s'." % (MEGABYTES.get(extra, 0), extra))
    constraints = ["-c", os.path.join(root, "constraints.txt")]
    target = root + ("[%s]" % extra if extra else "")
    subprocess.check_call(pip + constraints + [TORCH, "-e", target])


def main():
    """Make or complete the environment in the folder that the command line names."""
    folder = sys.argv[1]
    extra = sys.argv[2] if len(sys.argv) > 2 else ""
    python = os.path.join(folder, "bin", "python")
    if version(python) is None:
        make_folder(find_python(), folder)
    try:
        install(python, extra)
    except subprocess.CalledProcessError as error:
        sys.exit("pip could not install what isofield needs (exit status %d): see above." % error.returncode)


if __name__ == "__main__":
    main()
