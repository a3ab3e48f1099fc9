"""How the documentation site is built; `make docs` builds it."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "site"))
os.environ.setdefault("MPLBACKEND", "Agg")

import outside  # noqa: E402
import reference  # noqa: E402

import memjax  # noqa: E402

project = "memjax"
author = "The memjax authors"
project_copyright = "The memjax authors"
release = version = memjax.__version__
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_nb", "sphinx_copybutton", "sphinx_gallery.gen_gallery", "links"]
root_doc = "index"
exclude_patterns = ["_build", "site", "gallery", "pictures/*.ipynb"]
html_theme = "furo"
html_title = f"memjax {release}"
html_static_path = ["static"]
html_css_files = ["memjax.css"]
html_show_sourcelink = False
nitpicky = True

# Names in single backticks are links; a name that leads nowhere stops the build.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
numpydoc_show_class_members = False

myst_heading_anchors = 4
suppress_warnings = ["config.cache"]
# The notebooks are executed and stored where they live, and the tests run them; the site shows what is stored.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "pictures",
    "backreferences_dir": "pictures/of",
    "doc_module": ("memjax",),
    "filename_pattern": r"\.py$",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "within_subsection_order": "FileNameSortKey",
    "min_reported_time": 3600,
    "show_signature": False,
    "write_computation_times": False,
    "abort_on_example_error": True,
}

# What other folders hold is copied or written into the source folder before Sphinx looks for pages.
reference.write(HERE / "reference")
outside.copy()
outside.forget_pictures()
