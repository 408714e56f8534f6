"""How the site is built: `nox -s docs`."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

import generate  # found beside this file

from gong_tasks_async import __version__

project = "gong_tasks_async"
author = "the authors of gong_tasks_async"
release = version = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_llms_txt",
]
exclude_patterns = ["_build", "README.md"]
html_theme = "furo"
html_show_copyright = False
html_title = "gong_tasks_async"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
copybutton_prompt_text = "$ "
llms_txt_summary = (
    "Asyncio client for Gong Engage tasks, within a company-wide quota of 3 calls a second and 10,000 a day."
)
nitpicky = False  # signatures name private types of dependencies that publish no inventory here


def setup(app: Sphinx) -> None:
    """Write the pages that are made from the code before the sources are read."""
    app.connect("builder-inited", lambda _: generate.write_pages(Path(__file__).parent))
