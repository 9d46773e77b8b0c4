# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: image_store_table
short_description: Show image stores as a table (internal)
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - This plugin is internal. It can change in any release. Use the playbook C(zstack.cloud.list_image_stores) instead.
  - Calls P(zstack.cloud.zstack_image_store#lookup). It returns an error instead of failing, because Ansible would add
    several sentences before the message.
options:
  _terms:
    description: The terms of P(zstack.cloud.zstack_image_store#lookup). Its options are options of this plugin.
    type: list
    elements: str
seealso:
  - plugin: zstack.cloud.zstack_image_store
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show the table
  ansible.builtin.debug:
    msg: "{{ lookup('zstack.cloud.image_store_table', host='zstack.example.com', session_uuid=session).lines }}"
"""

RETURN = r"""
_raw:
  description: A list with one dictionary.
  type: list
  elements: dict
  contains:
    error:
      description: Why the image stores could not be listed, V(null) if they were.
      type: str
    stores:
      description: The image stores, as P(zstack.cloud.zstack_image_store#lookup) returns them.
      type: list
      elements: dict
    lines:
      description: The lines of the table.
      type: list
      elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ..module_utils._redaction import one_line
from ..plugin_utils._words import Words, aligned

_HEADINGS = ("NAME", "ROLE", "URL", "STATUS", "FREE")
_NO_STORE = "No image store has a tag for backups. List all image stores with -e list_image_stores_purpose=any."


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        lookup = lookup_loader.get("zstack.cloud.zstack_image_store", loader=self._loader, templar=self._templar)
        try:
            stores = lookup.run(terms, variables=variables, **kwargs)
        except AnsibleError as exc:
            return [{"error": one_line(exc.message), "stores": [], "lines": []}]
        return [{"error": None, "stores": stores, "lines": table(stores)}]


def table(stores: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of a table of image stores, and a command that sets their URLs."""
    urls = [store["url"] for store in stores if store["url"]]
    command = [f"export ZSTACK_STORAGE_URL='{' '.join(urls)}'"] if urls else []
    return [*aligned([_HEADINGS, *map(_row, stores)], "  "), *command] if stores else [_NO_STORE]


def _row(store: Mapping[str, Any]) -> tuple[str, ...]:
    words = Words("en")
    free, total = (words.size(store[key]) for key in ("available_capacity", "total_capacity"))
    status = [store["status"], store["state"] if store["state"] != "Enabled" else None]
    texts = (store["name"], store["backup_role"], store["url"], ", ".join(filter(None, status)), f"{free} of {total}")
    return tuple(words.clean(text or "-") for text in texts)
