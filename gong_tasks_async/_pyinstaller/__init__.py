"""Hooks by which PyInstaller finds what the command imports by name and the scripts it reads.

PyInstaller asks the entry point `pyinstaller40` of every installed package:
https://pyinstaller.org/en/stable/hooks.html#providing-pyinstaller-hooks-with-your-package
"""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """The folder of our hooks."""
    return [str(Path(__file__).parent)]
