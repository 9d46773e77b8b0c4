# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Sphinx configuration for ``make docs``."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

project = title = html_title = html_short_title = "zstack.cloud"
copyright = "the zstack.cloud contributors"  # noqa: A001 (the name is Sphinx's)

extensions = ["sphinx_antsibull_ext", "sphinx_copybutton"]
copybutton_exclude = ".linenos, .gp, .go"  # Do not copy prompts and output
html_theme = "sphinx_ansible_theme"
html_copy_source = False
html_show_sphinx = False
html_use_index = False
pygments_style = "ansible"
highlight_language = "yaml+jinja"

# Every reference must resolve. References to Ansible's documentation are listed here instead of using intersphinx, so
# that the build needs no network.
nitpicky = True
nitpick_ignore_regex = [("envvar", "(?!ZSTACK_).*")]  # Only the variables of this collection have an entry
ANSIBLE_DOCS = "https://docs.ansible.com/projects/ansible/latest/"
ANSIBLE_LABELS = {
    "ansible_collections.ansible.builtin.gather_facts_module": "collections/ansible/builtin/gather_facts_module.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
    "module_defaults": "playbook_guide/playbooks_module_defaults.html",
    "playbooks_lookups": "playbook_guide/playbooks_lookups.html",
    "playbooks_vault": "vault_guide/index.html",
}


def find_in_ansible_docs(
    _app: Sphinx, _environment: object, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a reference to Ansible's documentation."""
    if page := ANSIBLE_LABELS.get(node["reftarget"]):
        return nodes.reference("", "", content, internal=False, refuri=ANSIBLE_DOCS + page)
    return None


# On a phone, tables of the theme are wider than the screen. Show their cells below each other, as in the option tables.
# Let code scroll instead of wrapping it, and break long plugin names.
PHONE_STYLE = """
<style>
.toctree-wrapper > .caption { display: none }  /* It repeats the heading above it. */
@media (max-width: 767px) {
  h1 { overflow-wrap: anywhere }
  div[class^=highlight-] pre { white-space: pre !important; overflow-x: auto }
  table.docutils:not(.ansible-option-table) { display: block }
  table.docutils:not(.ansible-option-table) :is(colgroup, thead) { display: none }
  table.docutils:not(.ansible-option-table) :is(tbody, tr, td) { display: block }
  table.docutils:not(.ansible-option-table) td { white-space: normal !important; border-width: 0 !important }
  table.docutils:not(.ansible-option-table) td:first-child { font-weight: bold }
  table.docutils:not(.ansible-option-table) td code { white-space: normal; overflow-wrap: anywhere }
}
</style>
"""


def add_style(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _document: nodes.document | None
) -> None:
    """Add the style to the head of each page."""
    context["metatags"] = context.get("metatags", "") + PHONE_STYLE


def set_language(
    _app: Sphinx, page: str, _template: str, context: dict[str, Any], _document: nodes.document | None
) -> None:
    """Mark the Chinese pages as such, for browsers, screen readers and search engines."""
    if page.startswith("docsite/zh/"):
        context["language"] = "zh-CN"


# antsibull-docs does not support custom text on the index page of the collection. This is the part of the first guide
# between two comments.
QUICK_START = """
.. include:: docsite/guide_getting_started.rst
   :start-after: .. steps begins
   :end-before: .. steps ends

"""


# It does not link to the index of environment variables either.
REFERENCE = """
Reference
---------

.. toctree::
   :caption: Reference
   :maxdepth: 1

   environment_variables
"""


def complete_pages(_app: Sphinx, document: str, source: list[str]) -> None:
    """Add the first steps to the index page of the collection, and captions of its sections to the sidebar."""
    text = source[0]
    if document == "index":
        top, contents, rest = text.partition("\n.. contents::")
        section = r"^(.+)(\n-{3,}\n\n\.\. toctree::\n)(?=    :maxdepth: 1\n\n    \w)"
        rest = re.sub(section, r"\1\2    :caption: \1\n", rest, flags=re.MULTILINE)
        for plugins in ("Modules", "Filter Plugins", "Lookup Plugins", "Role Index"):
            before, heading, after = rest.partition(f"\n{plugins}\n")
            rest = before + heading + after.replace(".. toctree::\n", f".. toctree::\n    :caption: {plugins}\n", 1)
        source[0] = top + QUICK_START + contents + rest + REFERENCE
    if document == "environment_variables":
        source[0] = text.replace(":orphan:\n", "", 1)


def setup(app: Sphinx) -> None:
    app.connect("source-read", complete_pages)
    app.connect("missing-reference", find_in_ansible_docs)
    app.connect("html-page-context", add_style)
    app.connect("html-page-context", set_language)
