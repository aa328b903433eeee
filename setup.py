"""Puts the manifests of the data sets, which lie beside the package, into the wheel; the rest: pyproject.toml."""

from pathlib import Path
from shutil import copytree

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithManifests(build_py):
    """Adds `data_manifests/` to the package, where `datasets.manifests` looks for it when there is no clone."""

    def run(self) -> None:
        """Build, then copy; an editable installation reads the clone's own."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "dlatrack" / "data_manifests"
            copytree("data_manifests", target, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithManifests})
