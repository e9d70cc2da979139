"""The built wheel is complete: notebooks and data travel in it, and the command runs anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

CHECKOUT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(
    not (CHECKOUT / "pyproject.toml").is_file(), reason="needs the checkout"
)

NOTEBOOK = """
import astrokit as ak
bundled = [name for name in ak.datasets.names() if ak.datasets.info(name).bundled]
files = [ak.datasets.fetch(name) for name in bundled]
assert all("site-packages" in str(file) for file in files)
ak.reproduce.record("one", measured=ak.Estimate(1.0, 0.1), published=1.0)
"""


def run(*words: str | Path, cwd: Path) -> str:
    """Run a command in a clean environment outside the checkout; return what it printed."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("ASTROKIT_", "PYTHONPATH"))}
    # The page templates of nbconvert stand beside the borrowed packages, not among them.
    keep["JUPYTER_PATH"] = str(Path(sys.prefix) / "share" / "jupyter")
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=keep | {"ASTROKIT_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    run(*build, CHECKOUT, cwd=folder)
    return next(folder.glob("astrokit-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A new environment with the wheel; the other packages are borrowed from the running one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    site = next((folder / "lib").glob("python*/site-packages"))
    # A path file is not searched for further path files, so that an editable astrokit of the
    # running environment stays out.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install")
    run(*pip, "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    return folder


def test_the_wheel_holds_notebooks_data_types_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {"astrokit/py.typed", "astrokit/_registry.csv", "astrokit/_data/bundled.csv"}
    expected |= {"astrokit/pages/page.css", "astrokit/pages/page.js"}
    for path in (CHECKOUT / "notebooks").glob("*.ipynb"):
        expected.add(f"astrokit/_notebooks/{path.name}")
    for path in (CHECKOUT / "data").iterdir():
        if path.is_file():
            expected.add(f"astrokit/_data/{path.name}")
    assert expected <= names
    strangers = {n for n in names if not n.startswith(("astrokit/", "astrokit-"))}
    assert not strangers
    assert not [n for n in names if "__pycache__" in n or n.endswith((".nbi", ".nbc"))]


def test_the_command_runs_outside_the_checkout(installed, tmp_path):
    command = installed / "bin" / "astrokit"
    listed = run(command, "reproduce", "--list", cwd=tmp_path)
    for path in (CHECKOUT / "notebooks").glob("*.ipynb"):
        assert path.stem in listed

    cells = [new_markdown_cell("# Tiny"), new_code_cell(NOTEBOOK)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "tiny.ipynb")
    out = run(command, "reproduce", "tiny.ipynb", cwd=tmp_path)
    assert "1 agree" in out
    assert (tmp_path / "astrokit-reproduction" / "index.html").is_file()

    where = run(
        installed / "bin" / "python",
        "-c",
        "import astrokit; print(astrokit.__file__)",
        cwd=tmp_path,
    )
    assert str(installed) in where
