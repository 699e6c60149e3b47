"""Describes the machine and the software that figures were measured with."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def describe(packages: Iterable[str]) -> dict[str, Any]:
    """Return processor, cores, memory, kernel, Python, load at the start, and the packages' versions."""
    names = {name.replace("_", "-") for name in packages}
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load_at_start": os.getloadavg()[0],
        "packages": {name: found for name in sorted(names) if (found := _version(name))},
    }


def line(machine: dict[str, Any]) -> str:
    """Return the description as a line of text."""
    packages = ", ".join(f"{name} {found}" for name, found in machine["packages"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"{machine['python']}, load {machine['load_at_start']:.2f} at the start; {packages}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((entry.partition(": ")[2] for entry in lines if entry.startswith("model name")), platform.processor())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
