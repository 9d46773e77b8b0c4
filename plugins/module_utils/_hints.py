# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Hints about failed calls, by error code, text, HTTP status and authentication method.

Hints that only apply to one call are defined with that call.
"""

from __future__ import annotations

from collections.abc import Mapping

# By error code (src: conf/errorCodes), and by authentication method if the hints differ.
CODE_HINTS: Mapping[str, str | Mapping[str, str]] = {
    "ID.1001": {
        "session": "Log in again for a new session_uuid, or set account_name and account_password instead.",
        "account": "The session ended during the task: run it again.",
        "access_key": "Check access_key_id and access_key_secret.",
    },
    "ID.1002": "Use an account that has this permission, such as admin.",
    "ID.1005": "Log in to the ZStack UI once, and change the initial password there.",
    "ID.1006": "Log out unused sessions of this account, wait until they expire, or use an AccessKey.",
    "ID.2000": "This account requires two-factor authentication: use an AccessKey.",
    "ID.2001": "This account requires two-factor authentication: use an AccessKey.",
    "SYS.1000": "Check the log of the management node.",
    "SYS.1001": "The management node timed out: run the task again when it is less busy.",
    "SYS.1010": "The management node is starting: run the task again in a few minutes.",
    "SYS.1012": "Check the state of the management node with zstack-ctl status.",
}

# By part of a plain-text response (src: RestServer.java).
TEXT_HINTS: Mapping[str, str] = {
    "missing header 'Authorization'": (
        "A proxy removed the Authorization header: connect to the management node directly."
    ),
    "Authorization type must be": "This ZStack release does not support AccessKeys: use a session or an account.",
    "the body doesn't contain action mapping": "This ZStack release does not support the call.",
    "no api mapping": "This ZStack release does not support the call. Also check host, port and context_path.",
    "'Date' must be in": "A proxy removed the Date header: connect to the management node directly.",
    "'Date' format error": "A proxy changed the Date header: connect to the management node directly.",
    "accessKey format is": "Check access_key_id: use it as issued, without a colon.",
    "requestTimeTooSkewed": "Set timezone to the zone of the management node, and check both clocks.",
    "does not existed or disabled": "Check access_key_id, and that the AccessKey is enabled.",
    "wrong accessKey signature": "Check access_key_secret.",
    "only one value is allowed": "Check for a proxy that repeats parameters.",
    "For input string": "Check registry_port.",
}

NOT_ZSTACK = "This does not look like a response from a management node: check host, port, use_ssl and context_path."
STATUS_HINTS: Mapping[int, str] = {
    404: NOT_ZSTACK,
    405: NOT_ZSTACK,
    500: "The management node hit an internal error: check its log.",
    502: "A proxy answered: check that the management node behind it is running.",
    504: "A proxy answered because the management node took too long: increase the proxy's timeout.",
}


def hint_for(code: str | None, text: str, status: int, auth_method: str) -> str | None:
    """Return the hint for an error code, or for a plain-text response."""
    hint = CODE_HINTS.get(code or "")
    if isinstance(hint, Mapping):
        return hint.get(auth_method)
    if hint or code:
        return hint
    words = next((hint for words, hint in TEXT_HINTS.items() if words in text), None)
    if words or status in STATUS_HINTS:
        return words or STATUS_HINTS[status]
    return STATUS_HINTS[500] if status > 500 else NOT_ZSTACK
