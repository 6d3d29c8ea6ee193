"""Every client's tools give the same effects; what watches the agents is out of their reach."""

from __future__ import annotations

import pytest

from sreconsole.policy.judge import Facts


class Disk:
    """A disk of named files for tests."""

    def __init__(self, files: dict[str, str], links: dict[str, str] | None = None) -> None:
        self.files, self.links = files, links or {}

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def real(self, path: str) -> str:
        return self.links.get(path, path)

    def project(self, cwd: str) -> str:
        return "/home/test/repo" if cwd.startswith("/home/test/repo") else ""

    def size(self, path: str) -> int:
        text = self.files.get(path)
        return -1 if text is None else text.count("\n") + 1


CI = ".github/workflows/ci.yml"


@pytest.mark.parametrize(
    ("name", "given", "tier"),
    [
        ("Edit", {"file_path": CI, "old_string": "a", "new_string": "b"}, 3),
        ("Write", {"file_path": "/home/test/repo/" + CI, "content": "x"}, 3),
        ("MultiEdit", {"file_path": CI, "edits": [{"old_string": "a", "new_string": "b"}]}, 3),
        ("replace", {"file_path": CI, "old_string": "a", "new_string": "b"}, 3),
        ("write_file", {"file_path": CI, "content": "x"}, 3),
        ("apply_patch", {"input": f"*** Begin Patch\n*** Update File: {CI}\n-a\n+b\n*** End Patch"}, 3),
        ("apply_patch", {"input": f"*** Begin Patch\n*** Delete File: {CI}\n*** End Patch"}, 3),
        ("apply_patch", {"input": "*** Begin Patch\n*** Add File: src/new.py\n+x\n*** End Patch"}, 2),
        ("apply_patch", {"input": f"--- a/{CI}\n+++ b/{CI}\n@@ -1 +1 @@\n-a\n+b\n"}, 3),
        ("NotebookEdit", {"notebook_path": "a.ipynb", "new_source": "x"}, 2),
        ("Edit", {"file_path": "src/a.py", "old_string": "x\n" * 300, "new_string": ""}, 3),
        ("Edit", {"file_path": "src/a.py", "old_string": "a", "new_string": "b"}, 2),
        ("Write", {"file_path": "/tmp/x", "content": "x"}, 2),
        ("Write", {"file_path": "~/.bashrc", "content": "x"}, 3),
        ("Write", {"file_path": "../../../etc/passwd", "content": "x"}, 4),
        ("Read", {"file_path": "src/a.py"}, 1),
        ("Read", {"file_path": ".env"}, 3),
        ("Read", {"file_path": ".env.example"}, 1),
        ("read_many_files", {"paths": ["a.py", ".env"]}, 3),
        ("Grep", {"pattern": "x", "path": "src"}, 1),
        ("Grep", {"pattern": "x", "path": ".env"}, 3),
        ("Glob", {"pattern": "**/*.py"}, 1),
        ("LS", {"path": "."}, 1),
        ("WebFetch", {"url": "https://docs.python.org/3/"}, 1),
        ("WebFetch", {"url": "https://unknown.example/"}, 2),
        ("WebSearch", {"query": "python"}, 2),
        ("Agent", {"prompt": "x", "subagent_type": "y"}, 2),
        ("Task", {"prompt": "x"}, 2),
        ("TodoWrite", {"todos": []}, 1),
        ("AskUserQuestion", {}, 1),
        ("ExitPlanMode", {"plan": "x"}, 1),
        ("shell", {"command": ["bash", "-lc", "rm -rf /"]}, 4),
        ("local_shell", {"command": ["rm", "-rf", "/"]}, 4),
        ("run_shell_command", {"command": "rm -rf /"}, 4),
        ("exec_command", {"cmd": "git status"}, 1),
        ("Bash", {}, 3),
        ("Edit", {}, 3),
        ("apply_patch", {"input": "nonsense"}, 3),
        ("NoSuchTool", {}, 3),
        ("mcp__github__list_issues", {}, 1),
        ("mcp__github__get_file_contents", {"path": "x"}, 1),
        ("mcp__github__merge_pull_request", {}, 3),
        ("mcp__github__delete_file", {}, 3),
        ("mcp__slack__post_message", {"text": "x"}, 3),
        ("mcp__stripe__create_refund", {}, 3),
        ("mcp__postgres__query", {"sql": "SELECT 1"}, 1),
        ("mcp__postgres__query", {"sql": "DROP TABLE users"}, 4),
        ("mcp__filesystem__write_file", {"path": CI, "content": "x"}, 3),
        ("mcp__filesystem__read_text_file", {"path": "/home/test/.ssh/id_rsa"}, 3),
        ("mcp__desktop__execute_command", {"command": "rm -rf /"}, 4),
        ("mcp__weird__frobnicate", {}, 3),
    ],
)
def test_tier_of_a_tool(name, given, tier, tool):
    assert tool(name, given).tier == tier


@pytest.mark.parametrize(
    "command",
    [
        f"sed -i s/a/b/ {CI}",
        f"echo x > {CI}",
        f"tee {CI} < x",
        f"cp x {CI}",
        f"mv x {CI}",
        f"python3 -c \"open('{CI}','w').write('x')\"",
        f"node -e \"fs.writeFileSync('{CI}', 'x')\"",
        f"rm {CI}",
        f"dd of={CI}",
    ],
)
def test_one_rule_covers_every_way_to_write_a_file(command, shell):
    assert shell(command).rule == "edit.critical"


TAMPER_FILES = [
    "~/.claude/settings.json", ".claude/settings.json", ".claude/settings.local.json", "~/.claude/hooks/x.sh", "/etc/claude-code/managed-settings.json", "~/.codex/config.toml",
    "~/.codex/hooks.json", "~/.gemini/settings.json", "~/.config/sreconsole/policy.yaml", "/etc/sreconsole/policy.d/10.yaml", "~/.local/state/sreconsole/fleet.db",
    "/run/user/1000/sreconsole/hook.sock", "/var/lib/sreconsole/fleet.db", "~/.claude.json",
]  # fmt: skip


@pytest.mark.parametrize("path", TAMPER_FILES)
def test_what_watches_the_agents_is_locked_for_every_tool(path, shell, tool):
    for verdict in (
        tool("Write", {"file_path": path, "content": "{}"}),
        tool("Edit", {"file_path": path, "old_string": "a", "new_string": "b"}),
        shell(f"echo x > {path}"),
        shell(f"rm -f {path}"),
        shell(f"sed -i s/a/b/ {path}"),
    ):
        assert (verdict.tier, verdict.rule) == (4, "base.gate.tamper"), path


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf ~/.claude", "rm -rf ~/.config/sreconsole", "pkill -f 'sreconsole serve'", "killall sreconsole", "systemctl --user stop sreconsole.service",
        "sreconsole escalations approve esc-1 --reason ok", "sreconsole policy except add", "sreconsole hooks uninstall claude-code", "sreconsole quarantine release q-1",
        "python3 -m sreconsole hooks uninstall codex", "sudo sreconsole grants revoke g", "claude --bare -p x", "claude --safe-mode", "claude --setting-sources project -p x",
        "claude --dangerously-skip-permissions", "codex --yolo", "claude --permission-mode bypassPermissions", "claude --settings '{\"disableAllHooks\": true}'",
        "CLAUDE_CONFIG_DIR=/tmp/x claude -p y", "SRECONSOLE_HOME=/tmp/x sreconsole serve", "sqlite3 ~/.local/state/sreconsole/fleet.db 'delete from events'",
        "socat - UNIX:/run/user/1000/sreconsole/operator.sock", "bash -c 'sreconsole escalations approve esc-1 --reason ok'", "cp /tmp/x ~/.claude/settings.json",
    ],
)  # fmt: skip
def test_tampering_by_command_is_refused(command, shell):
    verdict = shell(command)
    assert (verdict.tier, verdict.rule) == (4, "base.gate.tamper"), command


@pytest.mark.parametrize(
    "command",
    [
        "sreconsole ask 'Which?' --choice a",
        "sreconsole escalations list",
        "cat ~/.claude/settings.json",
        "sed -i s/a/b/ sreconsole/policy/judge.py",
        "touch sreconsole/gate/x.py",
        "claude --version",
        "systemctl status sreconsole",
        "cat sreconsole/policy/starter.yaml",
    ],
)
def test_looking_is_no_tampering(command, shell):
    assert shell(command).rule != "base.gate.tamper"


def test_the_gates_own_directories_are_guarded_wherever_they_are(shell, tool):
    facts = Facts(guarded=("/srv/fleet/console",))
    for command in (
        "echo x > /srv/fleet/console/policy.yaml",
        "rm -rf /srv/fleet/console",
        "rm -rf /srv/fleet",
        "mv x /srv/fleet/console/a",
    ):
        assert shell(command, facts).rule == "base.gate.tamper", command
    assert tool("Write", {"file_path": "/srv/fleet/console/x", "content": ""}, facts).rule == "base.gate.tamper"


def test_the_source_tree_of_the_console_is_a_project_like_any(shell):
    for command in ("touch Makefile", "touch sreconsole/policy/new", "rm docs/x.md", "echo x > policy.yaml"):
        assert shell(command, cwd="/home/test/sreconsole").tier == 2, command


def test_settings_written_through_a_link_are_found(tool, shell):
    disk = Disk({}, {"/home/test/repo/notes.json": "/home/test/.claude/settings.json"})
    assert tool("Write", {"file_path": "notes.json", "content": "{}"}, Facts(disk)).rule == "base.gate.tamper"
    assert shell("echo x > notes.json", Facts(disk)).rule == "base.gate.tamper"


def test_a_credential_read_through_a_link_is_found(shell):
    disk = Disk({}, {"/home/test/repo/notes.txt": "/home/test/.aws/credentials"})
    assert shell("cat notes.txt", Facts(disk)).rule == "secret.read"


def test_a_script_of_this_session_is_judged_by_its_content(shell):
    facts = Facts(remembered={"/tmp/x.sh": "rm -rf /", "/home/test/repo/y.py": "import shutil\nshutil.rmtree('/')"})
    for command in (
        "sh /tmp/x.sh",
        "bash -x /tmp/x.sh",
        "/tmp/x.sh",
        "source /tmp/x.sh",
        "sudo /tmp/x.sh",
        "python3 y.py",
        "cat /tmp/x.sh | sh",
    ):
        assert shell(command, facts).tier == 4, command
    assert shell("python3 z.py", facts).tier == 2


def test_scripts_are_read_from_the_projects_files(shell):
    disk = Disk(
        {
            "/home/test/repo/package.json": '{"scripts": {"wipe": "rm -rf ~", "test": "jest"}}',
            "/home/test/repo/Makefile": "DIR = /\nall: build\nbuild:\n\tcc a.c\nclean:\n\trm -rf build\nnuke: clean\n\trm -rf $(DIR)\n",
            "/home/test/repo/run.sh": "#!/bin/sh\nterraform destroy -auto-approve\n",
        }
    )
    facts = Facts(disk)
    assert shell("npm run wipe", facts).tier == 4
    assert shell("npm test", facts).tier == 2
    assert shell("make nuke", facts).tier == 4
    assert shell("make", facts).tier == 2
    assert shell("make clean", facts).tier == 2
    assert shell("./run.sh", facts).tier == 4


def test_an_edit_that_leaves_little_of_a_known_file_is_a_delete(tool, shell):
    disk = Disk({"/home/test/repo/src/a.py": "x = 1\n" * 400})
    assert tool("Write", {"file_path": "src/a.py", "content": "x"}, Facts(disk)).rule == "edit.empties-file"
    assert shell("echo x > src/a.py", Facts(disk)).rule == "edit.empties-file"
    assert tool("Write", {"file_path": "src/a.py", "content": "x = 2\n" * 400}, Facts(disk)).tier == 2


def test_a_push_goes_by_the_branch_that_is_checked_out(shell):
    assert shell("git push", Facts(branch="main")).tier == 3
    assert shell("git push", Facts(branch="feat/x")).tier == 2
    assert shell("git push").tier == 3
    assert shell("git push -u origin HEAD", Facts(branch="feat/x")).tier == 2
    assert shell("git checkout -b fix/y && git push -u origin HEAD").tier == 2
    assert shell("git push", Facts(branch="main", ahead=3)).does == "pushes 3 commits to main"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("git push origin main", "pushes to main"),
        ("git push --force origin main", "force-pushes main"),
        ("git push origin --delete feat/x", "deletes remote branch feat/x"),
        ("rm -rf ../other", "deletes everything under ~/other"),
        ("rm -rf /", "deletes the whole file system"),
        ("rm -rf *", "deletes the whole project"),
        (
            'curl -X POST https://backboard.railway.app/graphql/v2 -d \'{"query":"mutation { volumeDelete(volumeId: \\"3d2c42fb\\") }"}\'',
            "deletes volume 3d2c42fb at backboard.railway.app (infra_api)",
        ),
        ("psql -h prod-eu -c 'DROP INDEX foo'", "drops index foo on prod-eu"),
        ("cat ~/.aws/credentials", "shows the agent a credential: ~/.aws/credentials"),
        ("npm publish", "publishes the package (npm publish)"),
        ("docker push acme/api:1", "publishes image acme/api:1"),
        ("go mod tidy", "installs packages (go mod tidy)"),
        ("npm i lodash", "installs lodash"),
        ("npm ls", "only reads (npm ls)"),
        ("head -n 5 src/lib.rs", "reads src/lib.rs"),
        ("git push --tags", "pushes all tags"),
        ("git stash drop", "throws away stashed work (git stash drop)"),
        ("rg --pre 'sh -c x' TODO src", "makes another program execute or redirect by rg --pre"),
    ],
)
def test_what_it_does_in_plain_words(command, words, shell):
    assert shell(command).does == words


@pytest.mark.parametrize(
    ("command", "target"),
    [
        ("git push origin main", "main"),
        ("kubectl delete namespace prod", "prod"),
        ("rm -rf /srv/data", "data"),
        ("rm -rf /", "/"),
        ("curl -X DELETE https://api.render.com/v1/x", "api.render.com"),
    ],
)
def test_the_word_to_type(command, target, shell):
    assert shell(command).target == target
