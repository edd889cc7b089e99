"""Ordinary computers, as far as one can play others: checkouts, variables, a proxy, no network, a wrong clock."""

import contextlib
import os
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.paths import ROOT

UNWRITABLE_HOME = "/proc" if Path("/proc").is_dir() else os.devnull
"""A home folder that nobody can write to, not even root."""

PUBLIC = ("org", "io", "com")
"""The top-level domains of what a first run downloads from. NO_PROXY takes a domain with all below it."""

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static time_t shift(void) { const char *text = getenv("CLOCK_SHIFT_S"); return text ? atol(text) : 0; }
int clock_gettime(clockid_t clock, struct timespec *value) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, value);
    if (clock == CLOCK_REALTIME) value->tv_sec += shift();
    return result;
}
time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *to, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    to->tv_sec = now.tv_sec; to->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""
"""A library that moves the clock of the programs that load it (LD_PRELOAD) by CLOCK_SHIFT_S seconds."""

_WITHOUT_NETWORK = """\
import fcntl, os, pathlib, socket, struct, sys
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING
pathlib.Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
os.execvp(sys.argv[1], sys.argv[1:])
"""


def checkout(to: Path, *options: str) -> Path:
    """Clone the repository, and bring the clone up to the files as they are here, committed or not.

    Args:
        to: The new folder.
        options: Of ``git clone``, such as ``-c core.autocrlf=true``. With any, the files are as git checks them out.
    """
    cloned = git("clone", "--quiet", "--no-hardlinks", *options, str(ROOT), str(to))
    if cloned.returncode != 0:
        pytest.skip(f"this is not a git checkout: {cloned.stderr.strip()}")
    if not options:
        copy_files(to)
    return to


def copy_files(to: Path, below: str = ".") -> None:
    """Copy the files of the repository below a folder as they are here, committed or not, into a checkout."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", below).stdout
    for name in listed.rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def run(
    command: Sequence[str | Path], cwd: Path, *, umask: int = -1, timeout_s: float = 300, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as a person does in a shell of this computer, with some settings changed."""
    caller = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(("HARNESS_", "NO_PROXY"))
    }
    return subprocess.run(
        command,
        cwd=cwd,
        env={**caller, **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        umask=umask,
        timeout=timeout_s,
    )


def noxw(folder: Path, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    return run(["./noxw", *arguments], folder, **settings)


def other_file_system(beside: Path) -> Path | None:
    """A folder for temporary files on another file system; None if there is none."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and memory.stat().st_dev != beside.stat().st_dev else None


def registry_hosts() -> str:
    """The names for NO_PROXY: public domains, and the registries that this computer is set to instead."""
    settings = (value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "HARNESS_TERRAFORM")))
    hosts = (urlsplit(word).hostname for value in settings for word in value.split() if "://" in word)
    return ",".join([*PUBLIC, *filter(None, hosts)])


def offline(command: Sequence[str]) -> list[str]:
    """A command without any network but IPv4's loopback. The test is skipped where that needs more rights."""
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this computer does not let us create a network namespace (unshare --net)")
    return [*unshare, "python3", "-c", _WITHOUT_NETWORK, *command]


def clock_library(folder: Path) -> str:
    """Build the library of `CLOCK`; the test is skipped without a compiler."""
    compiler = shutil.which("cc")
    if not compiler or not Path("/proc").is_dir():
        pytest.skip("moving the clock needs a C compiler and Linux's LD_PRELOAD")
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(CLOCK, encoding="ascii")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return str(library)


class _Rejecting(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        request = self.rfile.readline().decode("latin-1").strip()
        assert isinstance(self.server, RejectingProxy)
        self.server.requests.append(request)
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


class RejectingProxy(socketserver.ThreadingTCPServer):
    """A proxy that answers every request with 407, as a company's does without a password."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Rejecting)
        self.requests: list[str] = []

    @property
    def settings(self) -> dict[str, str]:
        """The variables that send programs to it."""
        url = f"http://127.0.0.1:{self.server_address[1]}"
        return dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"), url)


@contextlib.contextmanager
def rejecting_proxy() -> Iterator[RejectingProxy]:
    with RejectingProxy() as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()
