"""Make the virtual environment that the Makefile works in, from nothing but a Python.

    python3 tools/environment.py FOLDER [EXTRA]

Uses the standard library only and runs on any Python from 3.6. Without an NVIDIA GPU on Linux it takes the CPU build of
torch (200 MB instead of 3 GB) where the index of those builds answers, and says first how much is to be downloaded.
"""

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
MEGABYTES = {"cpu torch": 190, "cuda torch": 2700, "packages": 110, "dev": 200, "docs": 30, "bench": 450}


def say(text):
    print(text)
    sys.stdout.flush()


def version(python):
    """(3, 11) of an interpreter, or None where it does not start (pyenv's shims, for instance)."""
    try:
        command = [python, "-c", "import sys; print(*sys.version_info[:2])"]
        return tuple(int(part) for part in subprocess.check_output(command, stderr=subprocess.DEVNULL).split())
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def find_python():
    """This interpreter if it will do, else another one on the path."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in (12, 11, 13, 10):
        python = shutil.which(f"python3.{minor}")
        if python and version(python) == (3, minor):
            return python
    if sys.version_info[:2] > NEWEST:
        say(f"isofield is tested with Python 3.10 to 3.13; trying with {platform.python_version()}.")
        return sys.executable
    sys.exit(
        f"isofield needs Python 3.10 or newer, and {sys.executable} is {platform.python_version()}: "
        "install one, or name it: make PYTHON=python3.12"
    )


def make_folder(python, folder):
    """A virtual environment with pip in it."""
    if subprocess.call([python, "-m", "venv", folder], stdout=subprocess.DEVNULL) == 0:
        return
    # Debian and Ubuntu cut pip out of their Python: fetch it.
    say(f"This Python comes without pip: fetching it from {GET_PIP}.")
    subprocess.check_call([python, "-m", "venv", "--clear", "--without-pip", folder])
    from urllib.request import urlopen  # here: only this path needs it

    try:
        source = urlopen(GET_PIP, timeout=30).read()
    except OSError as error:
        sys.exit(
            f"pip cannot be fetched ({error}): install it with your system's packages (python3-venv on Debian and "
            "Ubuntu) and call make again."
        )
    with tempfile.TemporaryDirectory() as place:
        script = os.path.join(place, "get-pip.py")
        with open(script, "wb") as file:
            file.write(source)
        subprocess.check_call([os.path.join(folder, "bin", "python"), script, "--quiet"])


def installed(python, package):
    """The version of a package in an environment, or None."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    try:
        return subprocess.check_output([python, "-c", code], stderr=subprocess.DEVNULL).decode().strip()
    except subprocess.CalledProcessError:
        return None


def has_gpu():
    """True where NVIDIA's driver answers."""
    tool = shutil.which("nvidia-smi")
    return bool(tool) and subprocess.call([tool], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def has_cpu_build(python, index):
    """Whether the index of CPU builds answers, with the torch that is wanted; one short try, nobody should wait."""
    ask = [python, "-m", "pip", "index", "versions", "torch", "--retries", "0", "--timeout", "10", *index]
    try:
        answer = subprocess.check_output(ask, stderr=subprocess.DEVNULL, timeout=60).decode()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    return TORCH.split("==")[1] in answer


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
            say(f"About {size + packages} MB come first: torch ({size} MB) and the other packages ({packages} MB).")
        else:
            size = MEGABYTES["cpu torch"]
            say(
                f"About {size + packages} MB come first: the CPU build of torch ({size} MB; no NVIDIA GPU here) and "
                f"the other packages ({packages} MB)."
            )
            cpu = ["--index-url", CPU_BUILDS]
            if has_cpu_build(python, cpu):
                subprocess.check_call([*pip, "--no-deps", *cpu, TORCH])
            else:
                say(
                    f"The index of CPU builds ({CPU_BUILDS}) does not answer or has none for this Python: taking torch "
                    f"from pip's own index instead, up to {MEGABYTES['cuda torch']} MB."
                )
    elif extra:
        say(f"About {MEGABYTES.get(extra, 0)} MB come first: the packages of the extra '{extra}'.")
    constraints = ["-c", os.path.join(root, "constraints.txt")]
    target = f"{root}[{extra}]" if extra else root
    subprocess.check_call([*pip, *constraints, TORCH, "-e", target])


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
        sys.exit(f"pip could not install what isofield needs (exit status {error.returncode}): see above.")


if __name__ == "__main__":
    main()
