"""One-liners of node, ruby, perl, php, awk and others: tables of the calls that delete, run, write, read or connect."""

from __future__ import annotations

import re
from itertools import islice

from . import edits
from .call import Call, Text
from .shell import Word

# Calls of other languages. The first group is a deletion, the second hands text to a shell, the third opens the net.
_MOST = 16_384


_STRING = r"""\(?\s{0,4}(?:["'`]([^"'`]{0,400})["'`]|(?:%[wq]?)?[\[({]\s{0,4}["']?([^"'\])},]{0,400}))"""


_DELETES: dict[str, str] = {
    "node": r"\b(?:rmSync|rm|rmdirSync|rmdir|unlinkSync|unlink|removeSync|remove|emptyDirSync|rimraf(?:\.sync)?|"
    r"Deno\.remove(?:Sync)?|truncateSync)\s{0,4}" + _STRING,
    "ruby": r"(?:FileUtils\.(?:rm_rf|rm_r|rm_f|rm|rmtree|remove_dir|remove_entry(?:_secure)?|remove)|File\.(?:delete|"
    r"unlink)|Dir\.(?:rmdir|delete|unlink)|Pathname\.new)\s{0,4}" + _STRING,
    "perl": r"\b(?:unlink|rmtree|remove_tree|rmdir)\s{0,4}" + _STRING,
    "php": r"\b(?:unlink|rmdir)\s{0,4}" + _STRING,
    "lua": r"os\.remove\s{0,4}" + _STRING,
    "r": r"\b(?:unlink|file\.remove)\s{0,4}" + _STRING,
    "julia": r"\brm\s{0,4}" + _STRING,
    "elixir": r"File\.(?:rm_rf!?|rm!?)\s{0,4}" + _STRING,
    "powershell": r"(?i)\b(?:Remove-Item|rd|ri|del|rm|Clear-Content|Clear-Disk|"
    r"Format-Volume)\b(?:\s{1,4}-\w+)*\s{1,4}[\"']?([^\"'\s;|]+)()",
    "groovy": r"\bnew File\s{0,4}" + _STRING + r"\)?\.(?:delete|deleteDir)",
}


# A deletion whose path is no literal.
_VAGUE = {
    "node": r"\b(?:rmSync|rmdirSync|rimraf)\s{0,4}\(\s{0,4}[A-Za-z_$]",
    "ruby": r"\bFileUtils\.rm\w*\s{0,4}\(?\s{0,4}[A-Za-z_$]",
    "perl": r"\b(?:unlink|rmtree|remove_tree)\s{0,4}\(?\s{0,4}(?:[$@<]|glob|map|grep)",
    "php": r"\b(?:unlink|rmdir)\s{0,4}\(\s{0,4}\$|array_map\(\s{0,4}['\"]unlink",
}


_RUNS: dict[str, str] = {
    "node": r"\b(?:execSync|exec|spawnSync|spawn|execFileSync|execFile|fork|"
    r"\$)\s{0,4}\(?\s{0,4}[\"'`]([^\"'`]{0,400})[\"'`](?:\s{0,4},\s{0,4}\[([^\]]{0,400})\])?",
    "ruby": r"(?:\b(?:system|exec|spawn|IO\.popen|Open3\.\w+|"
    r"Kernel\.system)\s{0,4}\(?\s{0,4}[\"']([^\"']{0,400})[\"']((?:\s{0,4},\s{0,4}[\"'][^\"']{0,400}[\"'])*)|"
    r"`([^`]{0,400})`|%x[({\[]([^)}\]]{0,400})[)}\]])",
    "perl": r"(?:\b(?:system|exec)\s{0,4}\(?\s{0,4}(?:qw?q?[({\[/])?[\"']?([^\"')}\]]{0,400})[\"']?((?:\s{0,4},\s{0,"
    r"4}[\"'][^\"']{0,400}[\"'])*)|`([^`]{0,400})`|qx[({\[/]([^)}\]/]{0,400})[)}\]/]|"
    r"open\s{0,4}\(?[^,]*,\s{0,4}[\"']\|?-?\|?\s{0,4}([^\"']{0,400})\|?[\"'])",
    "php": r"(?:\b(?:system|exec|shell_exec|passthru|popen|proc_open|"
    r"pcntl_exec)\s{0,4}\(\s{0,4}[\"']([^\"']{0,400})[\"']|`([^`]{0,400})`)",
    "lua": r"(?:os\.execute|io\.popen)\s{0,4}\(?\s{0,4}[\"']([^\"']{0,400})[\"']",
    "r": r"\b(?:system2?|shell)\s{0,4}\(\s{0,4}[\"']([^\"']{0,400})[\"']",
    "julia": r"(?:run|read)\s{0,4}\(\s{0,4}`([^`]{0,400})`",
    "awk": r"(?:system\s{0,4}\(\s{0,"
    r"4}\"((?:[^\"\\]|\\.){0,400})\"|\"((?:[^\"\\]|\\.){0,400})\"\s{0,4}\|(?:&)?\s{0,4}getline|\|(?:&)?\s{0,4}\"((?:[^\"\\]|\\.){0,400})\")",
    "applescript": r"do shell script\s{1,4}\"((?:[^\"\\]|\\.){0,400})\"",
    "elixir": r"System\.(?:cmd|shell)\s{0,4}\(\s{0,4}[\"']([^\"']{0,400})[\"'](?:\s{0,4},\s{0,4}\[([^\]]{0,400})\])?",
    "powershell": r"(?i)\b(?:Invoke-Expression|iex|Start-Process|cmd\s{1,4}/c|bash -c)\s{1,4}[\"']?([^\"'|;]+)",
    "groovy": r"[\"']([^\"']{0,400})[\"']\.execute",
    "tcl": r"\bexec\s{1,4}([^\n;\]]{0,400})",
    "scala": r"[\"']([^\"']{0,400})[\"']\.(?:!!?)",
}


_NET = re.compile(
    r"(?:\b(?:fetch|axios(?:\.(?:post|put|delete|patch))?|got|request|https?\.request|Net::HTTP(?:\.\w+)?|"
    r"LWP::UserAgent|HTTP::Tiny|curl_exec|"
    r"file_get_contents|Invoke-WebRequest|Invoke-RestMethod|TCPSocket|net\.connect|HTTParty\.\w+|Faraday\.\w+)\b)"
)


_MUTATES = re.compile(
    r"(?i)method\W{1,6}[\"'](POST|PUT|DELETE|PATCH)|\.(post|put|delete|patch)\s{0,4}\(|-Method\s{1,4}(POST|PUT|"
    r"DELETE|PATCH)|Net::HTTP::(Post|Delete|Put|Patch)"
)


_URL = re.compile(r"https?://[^\s\"'`)<>]+")


_WRITES: dict[str, str] = {
    "node": r"\b(?:writeFileSync|writeFile|appendFileSync|appendFile|createWriteStream|copyFileSync|renameSync|"
    r"outputFileSync|Bun\.write)\s{0,4}" + _STRING,
    "ruby": r"\bFile\.(?:write|binwrite)\s{0,4}" + _STRING,
    "php": r"\bfile_put_contents\s{0,4}" + _STRING,
    "perl": r"\bopen\s{0,4}\(?[^,]*,\s{0,4}[\"']>>?[\"']\s{0,4},\s{0,4}" + _STRING,
}


_READS: dict[str, str] = {
    "node": r"\b(?:readFileSync|readFile|createReadStream)\s{0,4}" + _STRING,
    "ruby": r"\b(?:File\.(?:read|open|readlines)|IO\.read)\s{0,4}" + _STRING,
    "php": r"\b(?:file_get_contents|readfile|fopen|file)\s{0,4}" + _STRING,
    "perl": r"\bopen\s{0,4}\(?[^,]*,\s{0,4}[\"']<[\"']\s{0,4},\s{0,4}" + _STRING,
}


_HIDDEN = re.compile(r"(?i)\b(?:atob|Buffer\.from|base64_decode|decode64|unpack|String\.fromCharCode|str_rot13|pack)\b")


_EVALS = re.compile(r"\b(?:eval|assert|Function|instance_eval|vm\.runIn\w+|create_function|load(?:string)?)\s{0,4}[( ]")


def read_table(call: Call, language: str, text: str) -> None:
    """Effects of code in a language, by the calls its tables name."""
    from .effects import follow

    # Runs of blanks and long texts cost backtracking; what such code means does not depend on them.
    text = re.sub(r"\s{3,}", "\n ", text[:_MOST])
    for match in _scan(_DELETES, language, text):
        path = next((g for g in match.groups() if g), "") or "${code}"
        recursive = bool(
            re.search(
                r"rm_?r|rmtree|recursive|rimraf|remove_?(tree|dir|entry|sync)|emptyDir|Remove-Item|deleteDir|\brm\b",
                match.group(0) + text[match.end() : match.end() + 60],
            )
        )
        edits.delete(call, call.argv[0].like(path.strip("\"' ")), recursive=recursive)
    vague = _VAGUE.get(language)
    if vague and re.search(vague, text) and not any(e.kind == "fs.delete" for e in call.walk.effects):
        edits.delete(call, call.argv[0].like("${code}"), recursive=True)
    for match in _scan(_RUNS, language, text):
        groups = [g for g in match.groups() if g]
        if groups:
            command = (
                groups[0] + " " + " ".join(re.findall(r"[\"']([^\"']*)[\"']", " ".join(groups[1:])))
                if len(groups) > 1
                else groups[0]
            )
            command = re.sub(r'\\(["\\])', r"\1", command)
            follow(call, [Text(command, f"{language} system", Word(command, *call.span))])
    for match in _scan(_WRITES, language, text):
        path = next((g for g in match.groups() if g), "")
        if path:
            edits.write(call, path)
    for match in _scan(_READS, language, text):
        path = next((g for g in match.groups() if g), "")
        if path and not path.startswith("http"):
            edits.read(call, path)
    _network(call, text)
    if _HIDDEN.search(text) and _EVALS.search(text):
        call.emit("exec.unknown", f"{language} code that hides what it runs", origin="decoded")


def _scan(table: dict[str, str], language: str, text: str) -> list[re.Match[str]]:
    pattern = table.get(language)
    return list(islice(re.finditer(pattern, text), 40)) if pattern else []


def _network(call: Call, text: str) -> None:
    if not _NET.search(text):
        return
    from . import network

    url = _URL.search(text)
    found = _MUTATES.search(text)
    method = next((g for g in found.groups() if g), "GET").upper() if found else "GET"
    network.request(call, url.group(0) if url else "", method, text if found else "")
