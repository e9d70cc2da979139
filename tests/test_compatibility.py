"""Sdist and wheel install and run with the oldest allowed and with the newest dependencies.

Heavy, since it makes two environments: run by ``make compatibility``. What is quick runs always.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(
    not (CHECKOUT / "pyproject.toml").is_file(), reason="needs the checkout"
)
heavy = pytest.mark.skipif(
    not os.environ.get("ASTROKIT_COMPATIBILITY"), reason="heavy: make compatibility"
)
# Parts of the suite that touch every dependency; the doctests of the README are run as well.
CHOSEN = (
    "README.md",
    "docs/quickstart.md",
    "docs/backend.md",
    "docs/comets.md",
    "docs/complexity.md",
    "tests/test_boundary.py",
    "tests/test_estimate.py",
    "tests/test_parallel.py",
    "tests/test_shapes.py",
    "tests/inference/test_posterior.py",
    "tests/inference/test_parameters.py",
    "tests/lightcurve/test_roundtrip.py",
    "tests/spectra/test_models.py",
    "tests/bursts/test_samples.py",
)


def dependencies() -> list[str]:
    """Return the requirements of a plain installation."""
    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    return list(tomllib.loads(text)["project"]["dependencies"])


def lowest(requirements: list[str]) -> list[str]:
    """Return each requirement at the lowest version that it allows."""
    pinned = []
    for requirement in requirements:
        found = re.fullmatch(r"([\w.-]+)>=([\d.]+)", requirement)
        assert found, f"{requirement}: a lower bound alone is expected"
        pinned.append(f"{found[1]}=={found[2]}")
    return pinned


def run(*words: str | Path, cwd: Path, **more: str) -> str:
    """Run a command without what the outer environment says; return what it printed."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("ASTROKIT_", "PYTHON"))}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=keep | {"ASTROKIT_OFFLINE": "1"} | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Return a folder with the sdist, and the wheel that was made from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(
        sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, CHECKOUT, cwd=folder
    )  # first the sdist, then the wheel out of it
    return folder


def test_every_dependency_has_a_lower_bound():
    names = [re.split(r"[><=]", r)[0] for r in dependencies()]
    assert len(set(names)) == len(names) == len(lowest(dependencies()))


def test_the_documentation_names_the_oldest_versions():
    text = (CHECKOUT / "docs" / "installation.md").read_text(encoding="utf-8")
    for pinned in lowest(dependencies()):
        name, version = pinned.split("==")
        assert re.search(rf"\b{re.escape(name)} (\| )?{re.escape(version)}", text), pinned


def test_the_sdist_is_complete_and_makes_the_same_wheel(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("pyproject.toml", "CITATION.cff", "LICENSE", "paper/paper.md", "docs/index.md",
                 "tests/contract.py", "benchmarks/rows.py", "notebooks/README.md"):  # fmt: skip
        assert name in inside, name
    generated = [n for n in inside if "__pycache__" in n or n.startswith(("build/", ".venv"))]
    assert not generated
    wheel = zipfile.ZipFile(next(built.glob("*.whl")))
    packaged = {n for n in wheel.namelist() if n.startswith("astrokit/")}
    modules = {str(p.relative_to(CHECKOUT)) for p in (CHECKOUT / "astrokit").rglob("*.py")}
    assert modules <= packaged
    assert all(f"astrokit/_notebooks/{p.name}" in packaged
               for p in (CHECKOUT / "notebooks").glob("*.ipynb"))  # fmt: skip
    metadata = next(n for n in wheel.namelist() if n.endswith("METADATA"))
    assert "License-Expression: BSD-3-Clause" in wheel.read(metadata).decode() or (
        "BSD License" in wheel.read(metadata).decode()
    )


@heavy
@pytest.mark.slow
@pytest.mark.parametrize("which", ["oldest", "newest"])
def test_installed_from_nothing_it_runs(built, tmp_path, which):
    """A new environment from the package index, outside the checkout, without its modules."""
    venv.create(tmp_path / "env", with_pip=True, symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    wheel = next(built.glob("*.whl"))
    bounds = lowest(dependencies()) if which == "oldest" else []
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, wheel, *bounds, "pytest>=8.3.2", "hypothesis>=6.110", "pandas>=2.2.2", cwd=tmp_path)
    run(python, "-m", "pip", "check", cwd=tmp_path)

    command = tmp_path / "env" / "bin" / "astrokit"
    assert "astrokit" in run(command, "info", cwd=tmp_path)
    assert "agree" in run(command, "reproduce", "01", "--fast", cwd=tmp_path)

    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    source = next((tmp_path / "source").iterdir())
    (source / "astrokit").rename(source / "not_this_one")  # the installed package is tested
    # Newer packages below the oldest ones deprecate what those still call.
    quiet = ("-W", "ignore::DeprecationWarning", "-W", "ignore::PendingDeprecationWarning")
    said = run(
        python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *quiet, "-m", "not slow", *CHOSEN,
        cwd=source, MPLBACKEND="agg",
    )  # fmt: skip
    assert " passed" in said
    where = run(python, "-c", "import astrokit; print(astrokit.__file__)", cwd=source)
    assert str(tmp_path / "env") in where
