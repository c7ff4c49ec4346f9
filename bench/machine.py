"""The machine of a run: its description, the page cache, processes."""

import fcntl
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

DROP_CACHES = Path("/proc/sys/vm/drop_caches")


class BenchError(Exception):
    """The run cannot continue; the message says why."""


def output(*command, cwd=None):
    """What a command prints, or "unknown" where it is missing or fails."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def cores():
    """How many cores there are to use."""
    return len(os.sched_getaffinity(0))


def memory():
    """Bytes of memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def describe(root, work):
    """Pairs of name and value for the head of the results."""
    commit = output("git", "rev-parse", "--short", "HEAD", cwd=root)
    if output("git", "status", "--porcelain", "--untracked-files=no", cwd=root):
        commit += " with changes"
    return [
        ("date", time.strftime("%Y-%m-%d %H:%M %Z")),
        ("commit", commit),
        ("cores", f"{cores()} × {processor()}"),
        ("memory", f"{memory() / 2**30:.0f} GiB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("disk", disk(work)),
        ("rustc", output("rustc", "--version", cwd=root)),
    ]


def processor():
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def disk(folder):
    """File system and kind of the disk that a folder is on."""
    system = output("stat", "--file-system", "--format=%T", str(folder))
    device = os.stat(folder).st_dev
    queue = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/queue")
    if not queue.exists():
        # A partition; its disk has the queue.
        queue = queue.parent.resolve().parent / "queue"
    try:
        rotational = (queue / "rotational").read_text().strip()
        return f"{system}, {'rotating' if rotational == '1' else 'not rotating'}"
    except OSError:
        return system


def load():
    """The load averages as text."""
    return " ".join(f"{average:.2f}" for average in os.getloadavg())


def require_alone(folder):
    """Fails where another run works in a folder: they would delete each other's files. Held until
    the program ends.
    """
    try:
        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BenchError(f"another run works in {folder}; --work names another folder") from None


def require_free(folder, wanted):
    """Fails where a folder's disk has fewer free bytes than wanted."""
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise BenchError(
            f"{folder} has {free / 1e9:.1f} GB free, and this run takes up to {wanted / 1e9:.1f} GB"
        )


def evict(*files):
    """Asks the system to evict files from the page cache."""
    for file in files:
        if file.exists():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def forget():
    """Drops the page cache if permitted, and returns whether it was."""
    os.sync()
    try:
        DROP_CACHES.write_text("3")
    except OSError:
        return False
    return True


def run(command):
    """Runs a command: its seconds, and its peak memory in bytes."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        process.wait()
        raise
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))} failed:\n{errors.decode()}")
    return seconds, usage.ru_maxrss * 1024
