# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Code that the modules for listing database backups share: their options and their result."""

from __future__ import annotations

from typing import Any

from ansible_collections.zstack.cloud.plugins.module_utils._db_backups import argument_spec, check, gather
from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._modules import AnyModule
from ansible_collections.zstack.cloud.plugins.module_utils._options import yaml_type
from ansible_collections.zstack.cloud.plugins.module_utils._storage import URL_FORM

_URL, _ALIAS = "url", "backup_storage_url"


def module_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the modules."""
    return {_URL: {"type": "str", "required": True, "no_log": True, "aliases": [_ALIAS]}, **argument_spec()}


def list_backups(module: AnyModule) -> dict[str, Any]:
    """Return the result for the storage of the task."""
    # Use the original value, because AnsibleModule converts a list to a string.
    url = module.task_options.get(_ALIAS, module.task_options.get(_URL))
    if isinstance(url, (dict, list)):
        raise ZStackError(f"url must be a URL such as {URL_FORM}, got a {yaml_type(url)}")
    (result,) = gather(check(module.params, [url], [module.task_options]), module.warn)
    return result
