# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences of a verdict, from its reasons and values, in each language.

Each language has one table, with the same keys. A pair is for one and for several, selected by the value ``count``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Union
from unicodedata import category, east_asian_width

from ansible.module_utils.common.text.formatters import bytes_to_human

from ..module_utils._backups import FUTURE
from ..module_utils._redaction import one_line, shorten

Text = Union[str, tuple[str, str]]
GUIDE = "https://ansible-collections.github.io/zstack.cloud/docsite/guide_gate_says_no.html"
# The reasons that have no condition: what was found says it all.
_PLAIN = ("no_backup", "no_readable_time", "only_empty", "empty", "scan_failed", "store_unavailable", "no_result")
_UNITS = ((86400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))
_TEXT_LIMIT, _ERROR_LIMIT = 100, 1000

_TAKE_EN = (
    "Take a backup now: in the UI under Backup Management, or with the API CreateDatabaseBackup "
    "(POST /v1/database-backups)."
)
_TAKE_ZH = "请立即备份：在界面的灾备管理中操作，或调用 API CreateDatabaseBackup（POST /v1/database-backups）。"

_EN: Mapping[str, Text] = {
    "days": ("{} day", "{} days"),
    "hours": "{} h",
    "minutes": "{} min",
    "seconds": "{} s",
    "bytes": ("{} byte", "{} bytes"),
    "huge": "more than 1000 YB",
    "unknown": "unknown",
    "comma": ", ",
    "semicolon": "; ",
    "ready": "Ready for an upgrade: {share}.",
    "not_ready": "NOT ready for an upgrade: {share}.",
    "share.all": (
        "{passed} of {count} storage passed (required: all)",
        "{passed} of {count} storages passed (required: all)",
    ),
    "share.some": (
        "{passed} of {count} storage passed (required: at least {min_storages})",
        "{passed} of {count} storages passed (required: at least {min_storages})",
    ),
    "share.none": "no storage was checked",
    "storage": "storage {number}",
    "of_storage": "{name}: {sentence}",
    "required": "{found} (required: {wanted})",
    "old": "{age} old",
    "age_of_newest_unknown": "age unknown",
    "size_of_newest_unknown": "size unknown",
    "nameless": "a backup without a name",
    "not_required": "{found}, and none is required",
    "newest_restorable": "newest restorable backup: {backup}",
    "none_restorable": "no backup can be restored on this platform",
    "head": "{node}: {state}",
    "head.ready": "ready for an upgrade",
    "head.not_ready": "NOT ready for an upgrade",
    "head.running": ", running {version}",
    "head.checked": ", checked {time}",
    "failure": "{node}: {summary} {unmet}",
    "passed": "passed",
    "failed": "FAILED",
    "next_step": "Next: {step}",
    "read_on": "Read on: {guide}",
    "warning": "{node}: {sentence}. Enough other storages passed.",
    "table.head": ("{name}: {count} backup", "{name}: {count} backups"),
    "table.name": "NAME",
    "table.version": "VERSION",
    "table.size": "SIZE",
    "table.taken": "TAKEN AT",
    "table.age": "AGE",
    "table.restorable": "RESTORABLE",
    "table.zone": "Times are in {timezone}.",
    "in_the_future": "in the future",
    "yes": "yes",
    "no": "no",
    "wanted.min_count": ("at least {min_count} backup", "at least {min_count} backups"),
    "wanted.max_age": "at most {max_age} old",
    "wanted.restorable": "version {platform_version}",
    "wanted.restorable.unknown": "the running platform's version",
    "wanted.min_size": "at least {min_size}",
    "wanted.max_shrink": "at most {max_shrink} below the usual size",
    "wanted.scan": "a list of backups",
    "found.enough_backups": ("{count} backup", "{count} backups"),
    "found.too_few_backups": ("{count} backup", "{count} backups"),
    "found.no_backup": "no backup",
    "found.only_empty": "all backups are empty",
    "found.no_readable_time": "no backup with a readable time",
    "found.young_enough": "newest is {age} old",
    "found.too_old": "newest is {age} old",
    "found.in_the_future": "newest is {ahead} in the future",
    "found.age_unknown": "age unknown",
    "found.zone_unknown": "age unknown, because the server's time zone is unknown",
    "found.zone_differs": "age unknown, because timezone has another offset than the server reports",
    "found.version_matches": "newest has version {version}",
    "found.version_differs": "newest has version {version}",
    "found.no_version_matches": "newest has version {version}, and none of the {count} backups has the platform's",
    "found.version_unknown": "newest has an unknown version",
    "found.platform_version_unknown": "newest has version {version}, and the platform's is unknown",
    "found.versions_unknown": "newest has an unknown version, and the platform's is unknown",
    "found.large_enough": "newest is {size}",
    "found.too_small": "newest is {size}",
    "found.empty": "newest is empty (0 bytes)",
    "found.size_unknown": "size unknown",
    "found.usual_size": "newest is {size}, the usual is {usual}",
    "found.smaller": "newest is {size}, {shrink} below the usual {usual}",
    "found.shrunk": "newest is {size}, {shrink} below the usual {usual}",
    "found.only_backup": "no earlier backup to compare with",
    "found.usual_size_unknown": "usual size unknown",
    "found.list_incomplete": "usual size unknown, because the result does not contain all backups",
    "found.scan_failed": "could not be scanned: {error}",
    "found.store_unavailable": "could not be scanned, and the platform reports it as {state}: {error}",
    "found.no_result": "could not be scanned: the result contains no list of backups",
    "next.too_few_backups": "Check the schedule and the retention of the backup job, or take another backup now.",
    "next.no_backup": _TAKE_EN,
    "next.only_empty": "Check the free space on the management node and the storage, and take a new backup.",
    "next.no_readable_time": "Check the times on the storage with zstack.cloud.list_db_backups, and take a backup now.",
    "next.too_old": _TAKE_EN,
    "next.in_the_future": "Set timezone to the zone of the management node, and check the clocks.",
    "next.age_unknown": _TAKE_EN,
    "next.zone_unknown": "Set timezone to the zone of the management node, such as +08:00.",
    "next.zone_differs": "Remove timezone, or set it to the zone of the management node.",
    "next.version_differs": (
        "Take a new backup, because the platform only restores backups of its own version: in the UI under "
        "Backup Management, or with the API CreateDatabaseBackup. To restore this one, bring the "
        "platform to version {version}."
    ),
    "next.no_version_matches": (
        "On ZSphere, backups have the version of the product and getVersion reports that of the database schema, so "
        "compare them with ZSphere's mapping of the two, and set restorable to false. Elsewhere, take a new backup."
    ),
    "next.version_unknown": "Take a new backup, because the version of this one was not recorded.",
    "next.platform_version_unknown": "Find out why the management node does not answer getVersion.",
    "next.versions_unknown": "Find out why the management node does not answer getVersion, and take a new backup.",
    "next.too_small": (
        "Find out why it is so small before you rely on it: check the free space on the management node and the "
        "storage, and take a new backup."
    ),
    "next.empty": "Check the free space on the management node and the storage, and take a new backup.",
    "next.size_unknown": (
        "ZStack up to 3.1.3 reports no sizes: check the file on the storage, and set min_size and max_shrink to null."
    ),
    "next.shrunk": (
        "Find out why it shrank before you rely on it: a dump that was cut off is stored as complete. If the database "
        "really is smaller, raise max_shrink."
    ),
    "next.usual_size_unknown": "Check the earlier backups on the storage, or set max_shrink to null.",
    "next.list_incomplete": "Remove limit and max_age from the scan.",
    "next.scan_failed": (
        "Run zstack.cloud.list_image_stores. If it fails, check the management node. Otherwise, compare the URL of the "
        "storage with those that it lists, and check the storage itself."
    ),
    "next.store_unavailable": "Reconnect or enable the image store in the UI, and check the storage itself.",
    "next.no_result": "Pass the results of the lookup or the module.",
}

_ZH: Mapping[str, Text] = {
    "days": "{} 天",
    "hours": "{} 小时",
    "minutes": "{} 分钟",
    "seconds": "{} 秒",
    "bytes": "{} 字节",
    "huge": "超过 1000 YB",
    "unknown": "未知",
    "comma": "，",
    "semicolon": "；",
    "ready": "可以升级：{share}。",
    "not_ready": "暂不满足升级条件：{share}。",
    "share.all": "{count} 台备份服务器中 {passed} 台通过（要求全部通过）",
    "share.some": "{count} 台备份服务器中 {passed} 台通过（要求至少 {min_storages} 台）",
    "share.none": "没有检查任何备份服务器",
    "storage": "备份服务器 {number}",
    "of_storage": "{name}：{sentence}",
    "required": "{found}（要求：{wanted}）",
    "old": "距今 {age}",
    "age_of_newest_unknown": "备份时间未知",
    "size_of_newest_unknown": "大小未知",
    "nameless": "未命名的备份",
    "not_required": "{found}，且未要求必须有备份",
    "newest_restorable": "最新的可恢复备份：{backup}",
    "none_restorable": "没有可在当前云平台上恢复的备份",
    "head": "{node}：{state}",
    "head.ready": "可以升级",
    "head.not_ready": "暂不满足升级条件",
    "head.running": "，云平台版本 {version}",
    "head.checked": "，检查时间 {time}",
    "failure": "{node}：{summary}{unmet}",
    "passed": "通过",
    "failed": "未通过",
    "next_step": "处理办法：{step}",
    "read_on": "参阅：{guide}",
    "warning": "{node}：{sentence}。其余备份服务器已满足要求。",
    "table.head": "{name}：{count} 份备份",
    "table.name": "备份",
    "table.version": "版本",
    "table.size": "大小",
    "table.taken": "备份时间",
    "table.age": "距今",
    "table.restorable": "可恢复",
    "table.zone": "时间所在时区：{timezone}。",
    "in_the_future": "晚于当前时间",
    "yes": "是",
    "no": "否",
    "wanted.min_count": "至少 {min_count} 份",
    "wanted.max_age": "距今不超过 {max_age}",
    "wanted.restorable": "版本为 {platform_version}",
    "wanted.restorable.unknown": "与云平台当前版本一致",
    "wanted.min_size": "至少 {min_size}",
    "wanted.max_shrink": "最多比平时小 {max_shrink}",
    "wanted.scan": "备份列表",
    "found.enough_backups": "共 {count} 份备份",
    "found.too_few_backups": "仅有 {count} 份备份",
    "found.no_backup": "没有备份",
    "found.only_empty": "所有备份均为空",
    "found.no_readable_time": "没有时间可识别的备份",
    "found.young_enough": "最新备份距今 {age}",
    "found.too_old": "最新备份距今 {age}",
    "found.in_the_future": "最新备份比当前时间晚 {ahead}",
    "found.age_unknown": "备份时间未知",
    "found.zone_unknown": "无法判断备份距今多久：服务器时区未知",
    "found.zone_differs": "无法判断备份距今多久：timezone 与服务器报告的时区不一致",
    "found.version_matches": "最新备份的版本为 {version}",
    "found.version_differs": "最新备份的版本为 {version}",
    "found.no_version_matches": "最新备份的版本为 {version}，{count} 份备份中没有一份与云平台版本一致",
    "found.version_unknown": "最新备份的版本未知",
    "found.platform_version_unknown": "最新备份的版本为 {version}，云平台版本未知",
    "found.versions_unknown": "最新备份和云平台的版本均未知",
    "found.large_enough": "最新备份为 {size}",
    "found.too_small": "最新备份为 {size}",
    "found.empty": "最新备份为空（0 字节）",
    "found.size_unknown": "大小未知",
    "found.usual_size": "最新备份为 {size}，平时为 {usual}",
    "found.smaller": "最新备份为 {size}，比平时的 {usual} 小 {shrink}",
    "found.shrunk": "最新备份为 {size}，比平时的 {usual} 小 {shrink}",
    "found.only_backup": "没有更早的备份可供比较",
    "found.usual_size_unknown": "平时的大小未知",
    "found.list_incomplete": "结果不含全部备份，无法得知平时的大小",
    "found.scan_failed": "无法扫描：{error}",
    "found.store_unavailable": "无法扫描，云平台显示其状态为 {state}：{error}",
    "found.no_result": "无法扫描：结果中没有备份列表",
    "next.too_few_backups": "请检查备份任务的周期和保留策略，或立即再备份一次。",
    "next.no_backup": _TAKE_ZH,
    "next.only_empty": "请检查管理节点和备份服务器的剩余空间，并重新备份。",
    "next.no_readable_time": "请用 zstack.cloud.list_db_backups 查看备份时间，并立即备份。",
    "next.too_old": _TAKE_ZH,
    "next.in_the_future": "请将 timezone 设为管理节点的时区，并检查系统时钟。",
    "next.age_unknown": _TAKE_ZH,
    "next.zone_unknown": "请将 timezone 设为管理节点的时区，例如 +08:00。",
    "next.zone_differs": "请去掉 timezone，或将其设为管理节点的时区。",
    "next.version_differs": (
        "云平台只能恢复与自身版本一致的备份，请重新备份：在界面的灾备管理中操作，或调用 API "
        "CreateDatabaseBackup。如需恢复这份备份，请先将云平台切换到版本 {version}。"
    ),
    "next.no_version_matches": (
        "在 ZSphere 上，备份记录的是产品版本，而 getVersion 返回数据库版本：请按 ZSphere 的版本对应关系核对，并将 "
        "restorable 设为 false。其他平台请重新备份。"
    ),
    "next.version_unknown": "这份备份没有记录版本，请重新备份。",
    "next.platform_version_unknown": "请检查管理节点为何不响应 getVersion。",
    "next.versions_unknown": "请检查管理节点为何不响应 getVersion，并重新备份。",
    "next.too_small": "请先查明备份为何这么小：检查管理节点和备份服务器的剩余空间，并重新备份。",
    "next.empty": "请检查管理节点和备份服务器的剩余空间，并重新备份。",
    "next.size_unknown": "ZStack 3.1.3 及更早版本不报告大小：请查看备份文件，并将 min_size 和 max_shrink 设为 null。",
    "next.shrunk": "请先查明备份为何变小：中断的导出也会被当作完整备份保存。如果数据库确实变小了，请调大 max_shrink。",
    "next.usual_size_unknown": "请查看备份服务器上更早的备份，或将 max_shrink 设为 null。",
    "next.list_incomplete": "扫描时请不要使用 limit 和 max_age。",
    "next.scan_failed": (
        "请运行 zstack.cloud.list_image_stores：如果失败，请检查管理节点；如果成功，请核对备份服务器的 URL，"
        "并检查备份服务器。"
    ),
    "next.store_unavailable": "请在界面中重连或启用该镜像服务器，并检查备份服务器。",
    "next.no_result": "请传入 lookup 或模块返回的结果。",
}

# The hints of failed calls, by their reasons. In English, the error itself has them.
_ZH_HINTS: Mapping[str, Text] = {
    f"hint.{reason}": text
    for reason, text in {
        "access_key": "请检查 access_key_id 和 access_key_secret。",
        "access_key_disabled": "请检查 access_key_id，并确认该 AccessKey 已启用。",
        "access_key_id": "请检查 access_key_id：按签发时的内容填写，不含冒号。",
        "access_key_secret": "请检查 access_key_secret。",
        "account": "请检查 account_name 和 account_password。",
        "blocked": "调用可能被代理或防火墙拦截：请在其中放行，或直接连接管理节点。",
        "cached": "请在代理上关闭对 API 的缓存，或直接连接管理节点。",
        "call": "请检查 host、port、use_ssl，以及代理（如有）。",
        "certificate_authority": "请将 ca_path 设为签发该证书的 CA 证书。",
        "certificate_expired": "请更新证书，或检查本机和服务器的时钟。",
        "certificate_invalid": "请重新签发证书：它不符合 RFC 5280，Python 3.13 及以上版本会拒绝。",
        "certificate_name": "请将 host 设为证书中的名称。",
        "connection": "请检查 host、port 和 use_ssl。",
        "date_format": "代理修改了 Date 头：请直接连接管理节点。",
        "host": "请检查 host。",
        "https_port": "该端口使用 HTTPS：请检查 port，或将 use_ssl 设为 true。",
        "initial_password": "请先登录一次 ZStack 界面，并修改初始密码。",
        "network_login": "网络要求登录：请在本机打开任意网页并登录。",
        "no_access_keys": "此 ZStack 版本不支持 AccessKey：请使用会话或账户。",
        "no_action": "此 ZStack 版本不支持该调用。",
        "no_api": "此 ZStack 版本不支持该调用。也请检查 host、port 和 context_path。",
        "no_authorization_header": "代理去掉了 Authorization 头：请直接连接管理节点。",
        "no_connection": "请检查 host、port 和防火墙。",
        "no_date_header": "代理去掉了 Date 头：请直接连接管理节点。",
        "no_server": "响应来自代理：请检查其后的管理节点是否在运行。",
        "no_sha_1": "请使用会话或账户，或在加密策略中允许 SHA-1。",
        "node_busy": "管理节点处理超时：请在其空闲时重试。",
        "node_error": "管理节点发生内部错误：请查看其日志。",
        "node_log": "请查看管理节点的日志。",
        "node_starting": "管理节点正在启动：请几分钟后重试。",
        "node_state": "请用 zstack-ctl status 检查管理节点的状态。",
        "not_http": "该端口由其他服务占用：请检查 host 和 port。",
        "not_zstack": "这不像是管理节点的响应：请检查 host、port、use_ssl 和 context_path。",
        "permission": "请使用具有此权限的账户，例如 admin。",
        "proxy": "请检查环境变量 HTTP_PROXY、HTTPS_PROXY 和 NO_PROXY。",
        "proxy_credentials": "请在 HTTP_PROXY 或 HTTPS_PROXY 中加上代理的用户名和密码，或将 host 加入 NO_PROXY。",
        "proxy_login": "代理要求认证：请直接连接管理节点。",
        "proxy_timeout": "响应来自代理，因为管理节点处理过久：请调大代理的超时时间。",
        "query_permission": "请使用有权查看镜像服务器的账户，例如 admin。",
        "rate_limit": "请一分钟后重试，并减少并发调用。",
        "refused": "请检查 host 和 port，并确认管理节点正在运行。",
        "registry_port": "请检查 registry_port。",
        "repeated_parameter": "请检查是否有代理重复了参数。",
        "session_ended": "会话在任务执行期间结束：请重新执行。",
        "session_expired": "请重新登录以获取新的 session_uuid，或改用 account_name 和 account_password。",
        "session_limit": "请注销该账户未使用的会话、等待其过期，或使用 AccessKey。",
        "storage_firewall": "请检查 url 中的主机和 SSH 端口，以及防火墙。请在管理节点上尝试 ssh。",
        "storage_login": "请检查备份服务器的用户名和密码。请在管理节点上尝试 ssh。",
        "storage_missing": "请确认 url 指向已有的备份服务器。",
        "storage_name": "请检查 url 中的主机：管理节点无法解析其名称。请在管理节点上尝试 ssh。",
        "storage_network": "请检查 url 中的主机，以及管理节点与备份服务器之间的网络。请在管理节点上尝试 ssh。",
        "storage_options": "请检查 url、registry_port 和标签。",
        "storage_parts": "请检查 url 中的用户名、密码和主机。请在管理节点上尝试 ssh。",
        "storage_port": "请检查 url 中的主机和 SSH 端口，以及 registry_port。请在管理节点上尝试 ssh。",
        "storage_ssh": "请在管理节点上尝试 ssh。",
        "storage_url": "请检查 url 和 registry_port。",
        "time_skewed": "请将 timezone 设为管理节点的时区，并检查两端的时钟。",
        "timeout": "请调大 timeout，或检查服务器为何缓慢。",
        "tls": "请确认 port 是支持 TLS 1.2 或更高版本的 HTTPS 端口。没有 HTTPS 的端口需要 use_ssl: false。",
        "two_factor": "该账户启用了双因子认证：请使用 AccessKey。",
    }.items()
}

TABLES: Mapping[str, Mapping[str, Text]] = {"en": _EN, "zh": {**_ZH, **_ZH_HINTS}}


class Words:
    """Make the texts in one language. ``more`` are further tables by language, such as the labels of a page."""

    def __init__(self, language: str, more: Mapping[str, Mapping[str, Text]] | None = None) -> None:
        self._table = {**TABLES[language], **(more or {}).get(language, {})}

    def text(self, key: str, *args: Any, **values: Any) -> str:
        """Return the text for a key with its values, which are numbers or texts that are safe to show."""
        text = self._table[key]
        if isinstance(text, tuple):
            text = text[(args[0] if args else values["count"]) != 1]
        return text.format(*args, **values)

    def age(self, seconds: int, units: int = 2) -> str:
        """Return an age in its largest units. Ages of less than two days are in hours."""
        parts = []
        for size, unit in _UNITS:
            if size == 86400 and seconds < 2 * size:
                continue
            count, seconds = divmod(seconds, size)
            if count:
                parts.append(self.text(unit, count))
        return " ".join(parts[:units]) or self.text("seconds", 0)

    def size(self, size: int | None) -> str:
        if size is None:
            return self.text("unknown")
        if abs(size) < 1024:
            return self.text("bytes", size)
        return str(bytes_to_human(size)) if size < 1000 * 2**80 else self.text("huge")

    def percent(self, share: float) -> str:
        return f"{str(float(share)).removesuffix('.0')}%"

    def clean(self, value: Any, limit: int = _TEXT_LIMIT) -> str:
        """Return a text of a server on one line, shortened."""
        return shorten(one_line(str(value)), limit)

    def describe(self, verdict: Mapping[str, Any]) -> dict[str, Any]:
        """Return a verdict with its sentences. Those that it has already are replaced."""
        storages = [self._storage(storage, number) for number, storage in enumerate(verdict["storages"], 1)]
        share = self.share(verdict)
        unmet = [
            self.text("of_storage", name=storage["name"], sentence=sentence)
            for storage in storages
            for sentence in storage["unmet"]
        ]
        values = verdict["values"]
        if not verdict["passed"] and (values["min_storages"] is not None or not storages):
            unmet.append(share)
        summary = self.text("ready" if verdict["passed"] else "not_ready", share=share)
        return {**verdict, "summary": summary, "unmet": unmet, "storages": storages}

    def share(self, verdict: Mapping[str, Any]) -> str:
        """Return how many storages passed."""
        values = verdict["values"]
        key = "none" if not values["count"] else "all" if values["min_storages"] is None else "some"
        return self.text(f"share.{key}", **values)

    def _storage(self, storage: Mapping[str, Any], number: int) -> dict[str, Any]:
        checks = [{**check, **self._check(check)} for check in storage["checks"]]
        unmet = self._unmet(checks)
        return {
            **storage,
            "name": storage["name"] or self.text("storage", number=number),
            "checks": checks,
            "unmet": unmet,
            "next_steps": _unique(check["next_step"] for check in checks if check["next_step"]),
            "summary": self.text("semicolon").join(unmet) or self._newest(storage),
        }

    def _check(self, check: Mapping[str, Any]) -> dict[str, str | None]:
        """Return the texts of a condition. Unequal numbers and texts never read as equal."""
        name, reason = check["name"], check["reason"]
        values = self._shown(check["values"])
        if not check["passed"]:
            for one, other, exact in (
                ("age", "max_age", lambda age: self.age(age, len(_UNITS))),
                ("size", "min_size", lambda size: self.text("bytes", size)),
                ("version", "platform_version", lambda version: shorten(json.dumps(version), _TEXT_LIMIT)),
            ):
                if one in values and values[one] == values.get(other):
                    values.update({key: exact(check["values"][key]) for key in (one, other)})
        wanted = f"wanted.{name}"
        if name == "restorable" and not check["values"].get("platform_version"):
            wanted += ".unknown"
        counted = {**values, "count": check["values"].get(name, 0)} if name == "min_count" else values
        next_step = None if check["passed"] else self._next_step(reason, check["values"], values)
        found = self.text(f"found.{reason}", **values)
        return {"wanted": self.text(wanted, **counted), "found": found, "next_step": next_step}

    def _shown(self, values: Mapping[str, Any]) -> dict[str, Any]:
        formats = self._formats
        return {key: value if value is None else formats.get(key, self.clean)(value) for key, value in values.items()}

    @property
    def _formats(self) -> Mapping[str, Callable[[Any], Any]]:
        return {
            **dict.fromkeys(("age", "max_age", "ahead"), self.age),
            **dict.fromkeys(("size", "min_size", "usual"), self.size),
            **dict.fromkeys(("shrink", "max_shrink"), self.percent),
            **dict.fromkeys(("count", "min_count"), int),
            "error": lambda text: self.clean(text, _ERROR_LIMIT),
            "hint": lambda text: self.clean(text, _ERROR_LIMIT),
        }

    def _next_step(self, reason: str, values: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
        """Return what to do. The hint of a failed call is in English, and translated by its reason."""
        translated = self._table.get(f"hint.{values.get('hint_reason')}")
        if translated or not values.get("hint"):
            return str(translated or self.text(f"next.{reason}", **shown))
        return str(shown["hint"])

    def _unmet(self, checks: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the conditions that are not met. Several conditions can have the same reason."""
        wanted: dict[str, list[str]] = {}
        for check in checks:
            if not check["passed"]:
                conditions = wanted.setdefault(check["found"], [])
                conditions += [] if check["reason"] in _PLAIN else [check["wanted"]]
        return [
            self.text("required", found=found, wanted=self.text("comma").join(conditions)) if conditions else found
            for found, conditions in wanted.items()
        ]

    def _newest(self, storage: Mapping[str, Any]) -> str:
        latest, values = storage["latest"], storage["values"]
        if latest:
            return self.backup(latest, values["knows_zone"])
        found = self.text("found.no_readable_time" if values["total"] else "found.no_backup")
        return self.text("not_required", found=found)

    def backup(self, backup: Mapping[str, Any], knows_zone: bool = True) -> str:
        """Return a backup's name, age and size."""
        age, size, name = backup.get("age_seconds"), backup.get("size"), self.clean(backup.get("name") or "")
        is_known = age is not None and age >= -FUTURE and knows_zone
        old = self.text("old", age=self.age(max(age or 0, 0))) if is_known else self.text("age_of_newest_unknown")
        known = self.text("size_of_newest_unknown") if size is None else self.size(size)
        return self.text("comma").join([name or self.text("nameless"), old, known])

    def restorable(self, storage: Mapping[str, Any]) -> str | None:
        """Return the newest backup that can be restored, if it is not the newest of all, or that there is none."""
        latest, restorable = storage["latest"], storage["newest_restorable"]
        if not latest or latest.get("restorable") is not False:
            return None
        if not restorable:
            return self.text("none_restorable")
        return self.text("newest_restorable", backup=self.backup(restorable, storage["values"]["knows_zone"]))

    def report(self, verdict: Mapping[str, Any]) -> list[str]:
        """Return the lines about a verdict that has its sentences."""
        time = verdict["checked_at"] or ""
        head = self.text(
            "head",
            node=self._node(verdict),
            state=self.text("head.ready" if verdict["passed"] else "head.not_ready"),
        )
        if verdict["platform_version"]:
            head += self.text("head.running", version=self.clean(verdict["platform_version"]))
        if time:
            head += self.text("head.checked", time=f"{time[:10]} {time[11:16]} {time[19:]}")
        rows = []
        for storage in verdict["storages"]:
            sentences = [*(storage["unmet"] or [storage["summary"]]), *filter(None, [self.restorable(storage)])]
            state = self.text("passed" if storage["passed"] else "failed")
            rows += [
                (storage["name"] if first else "", state if first else "", sentence)
                for first, sentence in zip([True] + [False] * len(sentences), sentences)
            ]
        lines = [head, *(f"  {row}" for row in aligned(rows, "  "))]
        if len(verdict["storages"]) > 1:
            lines.append(f"  {self.share(verdict)}")
        steps = _unique(step for storage in verdict["storages"] for step in storage["next_steps"])
        lines += [self.text("next_step", step=step) for step in steps]
        return [*lines, self.text("read_on", guide=GUIDE)] if steps else lines

    def failure(self, verdict: Mapping[str, Any]) -> str:
        """Return one line about a verdict that did not pass."""
        return self.text(
            "failure",
            node=self._node(verdict),
            summary=verdict["summary"],
            unmet=self.text("semicolon").join(verdict["unmet"]),
        )

    def _node(self, verdict: Mapping[str, Any]) -> str:
        platform = verdict["platform"]
        return self.clean(platform["address"] or platform["host"] or self.text("unknown"))

    def warnings(self, verdict: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with single storages although enough others passed."""
        unmet = verdict["unmet"] if verdict["passed"] else []
        return [self.text("warning", node=self._node(verdict), sentence=sentence.rstrip(".")) for sentence in unmet]

    def table(self, result: Mapping[str, Any], storage: Mapping[str, Any]) -> list[str]:
        """Return the lines of a table of the backups in a result, under the storage's name in the verdict."""
        if storage["checks"][:1] and storage["checks"][0]["name"] == "scan":
            return [self.text("of_storage", name=storage["name"], sentence=storage["checks"][0]["found"])]
        rows = [tuple(self.text(f"table.{key}") for key in ("name", "version", "size", "taken", "age", "restorable"))]
        rows += [self._row(backup, storage["values"]["knows_zone"]) for backup in result["backups"]]
        head = self.text("table.head", name=storage["name"], count=result["total"])
        if len(rows) == 1:
            return [head]
        zone = self.text("table.zone", timezone=self.clean(result.get("timezone") or self.text("unknown")))
        return [head, *aligned(rows, "  ", right=(2, 4)), zone]

    def _row(self, backup: Mapping[str, Any], knows_zone: bool) -> tuple[str, ...]:
        age, taken = backup.get("age_seconds"), backup.get("created_at")
        if age is None:
            old = "-"
        elif not knows_zone:
            old = self.text("unknown")
        else:
            old = self.text("in_the_future") if age < -FUTURE else self.age(max(age, 0), 1)
        return (
            self.clean(backup.get("name") or "-"),
            self.clean(backup.get("version") or "-"),
            "-" if backup.get("size") is None else self.size(backup["size"]),
            self.clean(taken)[:16].replace("T", " ") if taken else "-",
            old,
            self.text({"True": "yes", "False": "no"}.get(str(backup.get("restorable")), "unknown")),
        )


def aligned(rows: Sequence[Sequence[str]], gap: str, right: Sequence[int] = ()) -> list[str]:
    """Return rows of texts as lines with columns."""
    widths = [max(map(width, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        cells = []
        for number, text in enumerate(row):
            padding = " " * (widths[number] - width(text))
            cells.append(padding + text if number in right else text + padding)
        lines.append(gap.join(cells).rstrip())
    return lines


def width(text: str) -> int:
    """Return the number of columns of a text in a terminal."""
    return sum(
        0 if category(each) in ("Mn", "Me", "Cf") else 1 + (east_asian_width(each) in ("W", "F")) for each in text
    )


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
