"""Puts the manifests of the data sets and the notebooks, which lie beside the package, into the wheel."""

from pathlib import Path
from shutil import copytree, ignore_patterns

from setuptools import setup
from setuptools.command.build_py import build_py

#: Folders of the clone, and what they are called in the package that has no clone beside it.
FOLDERS = {"data_manifests": "data_manifests", "notebooks": "notebook_files"}


class BuildWithFolders(build_py):
    """Adds the folders to the package, where `datasets.manifests` and `paths.notebooks_dir` look for them."""

    def run(self) -> None:
        """Build, then copy; an editable installation reads the clone's own."""
        super().run()
        if not self.editable_mode:
            for folder, name in FOLDERS.items():
                target = Path(self.build_lib) / "dlatrack" / name
                copytree(folder, target, dirs_exist_ok=True, ignore=ignore_patterns(".*", "__pycache__"))


setup(cmdclass={"build_py": BuildWithFolders})
