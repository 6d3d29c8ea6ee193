"""Package managers, builders and test runners: installs, builds, publishing, scripts read from the project's files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from . import edits
from .call import Call, Text
from .options import Options
from .shell import Word
from .wordlist import wordset

_PUBLISH = wordset(
    """
    publish unpublish deprecate owner dist-tag access yank push upload release promote token adduser login trust
    """
)
_INSTALL = wordset(
    """
    install i add ci update upgrade up outdated-fix get download sync lock restore dedupe rebuild link build-dep
    dist-upgrade full-upgrade reinstall require create-project tap fetch vendor bundle init create new use default
    add-repository addrepo refresh tidy vet env activate
    """
)
_REMOVE = wordset(
    """
    remove uninstall rm un purge autoremove erase prune unlink delete remove-repository untap cleanup clean
    autoclean
    """
)
_READ = wordset(
    """
    list ls show info search view outdated why audit help version config freeze check tree home bugs docs pack
    doctor ping whoami root bin prefix explain policy depends rdepends showsrc desc deps leaves inspect cache
    licenses verify metadata files query status debug locate-project about source dependencies graph explore fund
    completion stars history log contents
    """
)
_SCRIPTED = wordset(
    """
    run run-script test start stop restart t tst exec build dev lint serve preview watch typecheck format
    """
)
_RISKY_NAME = re.compile(
    r"(?i)(^|[-_:./])(deploy|publish|release|destroy|prod(uction)?|teardown|nuke|migrate:reset|db:reset|db:drop|"
    r"reset-db|drop-db|rollback|promote|ship|apply)($|[-_:./])"
)
_LOCAL_OF_RISKY = re.compile(
    r"(?i)(dry[-_]?run|check|test|local|dev|preview|plan|verify|lint|build|notes|validate|bundle)"
)


def _manager(call: Call) -> None:
    """npm, pip, cargo and their kind: one sub-command says what happens."""
    options = Options(
        call.args, wordset("C prefix w workspace registry index-url r requirement c filter F cwd"), clusters=False
    )
    words = list(options.rest)
    verb = str(words[0]) if words else ""
    if call.name == "mix" and verb.startswith(("ecto.", "phx.", "release")):
        _rake(call)
        return
    if (
        call.name in ("npm", "pnpm", "yarn", "bun")
        and verb in ("run", "run-script", "test", "t", "start", "stop", "build", "dev", "lint")
    ) or (
        call.name in ("yarn", "pnpm", "bun") and verb and verb not in _INSTALL | _REMOVE | _READ | _PUBLISH | _SCRIPTED
    ):
        _package_script(call, words)
        return
    if verb in ("config", "set", "cache") and len(words) > 1:
        _settings(call, words)
    elif verb in _PUBLISH:
        dry = options.has("dry-run", "n", "dry_run")
        if call.name in ("brew", "uv", "bundle") and verb not in ("publish",):
            call.emit("pkg.install", verb)
        elif verb in ("login", "adduser", "token", "owner", "access", "trust") and call.name not in ("docker",):
            read = (verb == "token" and words[1:2] == ["list"]) or (
                verb in ("owner", "access") and words[1:2] in (["ls"], ["list"])
            )
            call.emit("pkg.publish" if not read else "fs.read", f"{call.name} {verb}", words[0])
        else:
            call.emit("pkg.publish" if not dry else "proc.run", f"{call.name} {verb}", words[0], verb=verb)
    elif verb in _REMOVE:
        call.emit("pkg.remove", " ".join(words[:4]), words[0], traits={"system"} if call.name in _SYSTEM else set())
    elif verb in _READ or not verb:
        call.emit("fs.read", f"{call.name} {verb}".strip())
    elif verb in _INSTALL:
        call.emit("pkg.install", " ".join(words[1:5]) or "the project's packages", words[0])
    else:
        call.emit("proc.run", f"{call.name} {verb}")


def _settings(call: Call, words: list[Word]) -> None:
    verb = str(words[1]) if words[0] != "set" else "set"
    if verb in ("set", "delete", "edit", "rm"):
        key = str(words[2]) if len(words) > 2 else ""
        risky = re.search(
            r"(?i)registry|proxy|token|auth|script-shell|node-options|shell|git|cafile|strict-ssl|index-url|"
            r"trusted-host",
            " ".join(words[1:4]),
        )
        call.emit("exec.config" if risky else "fs.write", f"{call.name} config {key}", words[0])
    elif words[0] == "cache" and verb in ("clean", "purge", "rm", "remove", "clear", "prune"):
        call.emit("pkg.remove", "cache")
    else:
        call.emit("fs.read", f"{call.name} {words[0]}")


_SYSTEM = wordset(
    """
    apt apt-get aptitude dnf yum zypper pacman apk brew port snap flatpak pkg emerge xbps-install nix-env rpm dpkg
    """
)


def _package_script(call: Call, words: list[Word]) -> None:
    """`npm run NAME`: the script as package.json has it, else its name has to do."""
    verb = str(words[0])
    name = str(words[1]) if verb in ("run", "run-script") and len(words) > 1 else verb
    if verb in ("run", "run-script") and len(words) == 1:
        call.emit("fs.read", "scripts")
        return
    script = _script_of(call, name)
    call.emit("proc.run", f"{call.name} run {name}")
    if script is not None:
        from .effects import follow

        follow(call, [Text(script, f"{call.name} run {name}")])
    elif named_risk(name):
        call.emit("unknown.change", f"{call.name} run {name}", words[-1], verb=name)


def named_risk(name: str) -> bool:
    """Whether the name of a task says it reaches beyond this checkout."""
    return bool(_RISKY_NAME.search(name)) and not _LOCAL_OF_RISKY.search(name)


def _script_of(call: Call, name: str) -> str | None:
    if call.where.kind != "local":
        return None
    path = call.spot("package.json").path
    text = call.walk.state.written.get(path) or call.walk.place.remembered.get(path) or call.walk.place.files.read(path)
    if not text:
        return None
    try:
        scripts = json.loads(text).get("scripts", {})
        script = scripts.get(name)
    except (ValueError, AttributeError, RecursionError):
        return None
    return script if isinstance(script, str) else None


def _make(call: Call) -> None:
    """`make TARGET`: the recipe when the Makefile can be seen, else the target's name."""
    options = Options(call.args, wordset("f C j o W I file makefile directory"))
    if options.has("n", "just-print", "dry-run", "recon", "q", "v", "version", "p"):
        return
    targets = [w for w in options.rest if "=" not in w]
    call.emit("proc.run", f"make {' '.join(targets[:3])}".strip())
    directory = str(options.value("C", "directory") or ".")
    name = str(options.value("f", "file", "makefile") or "")
    text = None
    for candidate in [name] if name else ["Makefile", "makefile", "GNUmakefile"]:
        path = call.spot(f"{directory}/{candidate}").path
        found = (
            call.walk.state.written.get(path)
            or call.walk.place.remembered.get(path)
            or call.walk.place.files.read(path)
        )
        text = found or text
    if text is None or call.where.kind != "local":
        for target in targets:
            if named_risk(target):
                call.emit("unknown.change", f"make {target}", target, verb=str(target))
        return
    from .effects import follow

    for recipe in recipes(text, [str(t) for t in targets]):
        follow(call, [Text(recipe, f"make {' '.join(targets[:2])}".strip())])


def recipes(makefile: str, targets: list[str]) -> list[str]:
    """The recipe text of each target and of what it needs, by the simple rules of a Makefile; simple variables set."""
    values: dict[str, str] = {}
    rules: dict[str, tuple[list[str], list[str]]] = {}
    current: list[str] = []
    first = ""
    for line in makefile.split("\n")[:4000]:
        if line.startswith("\t") and current:
            for name in current:
                rules[name][1].append(line[1:])
            continue
        assignment = re.match(r"^\s*(?:export\s+)?([\w.-]+)\s*(?:[:?+]?:?=)\s*(.*)$", line)
        rule = re.match(r"^([^\s:#=][^:=#]*?)\s*::?(?!=)\s*([^#;=]*)(?:;(.*))?$", line)
        if assignment and not line.startswith("\t"):
            values[assignment.group(1)] = assignment.group(2)
            current = []
        elif rule:
            current = rule.group(1).split()
            for name in current:
                needs, steps = rules.setdefault(name, ([], []))
                needs += rule.group(2).split()
                if rule.group(3):
                    steps.append(rule.group(3))
                if not first and not name.startswith("."):
                    first = name
        elif line.strip() and not line.startswith((" ", "#")):
            current = []
    wanted, seen, out = list(targets) or [first], set[str](), []
    while wanted and len(seen) < 60:
        name = wanted.pop(0)
        if name in seen or name not in rules:
            continue
        seen.add(name)
        needs, steps = rules[name]
        wanted += needs
        if steps:
            out.append(_recipe(steps, values, name))
    return out


def _recipe(steps: list[str], values: dict[str, str], target: str) -> str:
    text = "\n".join(re.sub(r"^[@+-]+", "", step.strip()) for step in steps)
    for _ in range(4):
        text = re.sub(
            r"\$[({]([\w.-]+)[)}]",
            lambda m: values.get(m.group(1), "${" + m.group(1).replace("-", "_").replace(".", "_") + "}"),
            text,
        )
    return text.replace("$@", target).replace("$$", "$")


def _task(call: Call) -> None:
    """just, task, rake, gulp and the rest: a named task of the project."""
    names = [w for w in call.args if not w.startswith("-") and "=" not in w]
    if any(
        w in ("-l", "--list", "-n", "--dry-run", "--summary", "-T", "--tasks", "--show", "--version") for w in call.args
    ):
        return
    call.emit("proc.run", f"{call.name} {' '.join(names[:2])}".strip())
    for name in names:
        if named_risk(name):
            call.emit("unknown.change", f"{call.name} {name}", name, verb=str(name))


def _build(call: Call) -> None:
    words = [w for w in call.args if not w.startswith("-")]
    verbs = {str(w).rsplit(":", 1)[-1] for w in words}
    if verbs & {
        "publish",
        "deploy",
        "release",
        "release:perform",
        "publishToMavenCentral",
        "uploadArchives",
        "publishPlugins",
        "bintrayUpload",
        "hex.publish",
        "nuget push",
        "perform",
    }:
        call.emit("pkg.publish", f"{call.name} {' '.join(words[:2])}", words[0])
        return
    call.emit("proc.run", f"{call.name} {' '.join(words[:2])}".strip())


def _dotnet(call: Call) -> None:
    words = [str(w) for w in call.args if not w.startswith("-")]
    if (
        words[:2] == ["nuget", "push"]
        or words[:2] == ["nuget", "delete"]
        or (call.name == "nuget" and words[:1] in (["push"], ["delete"]))
    ):
        call.emit("pkg.publish", " ".join(words[:3]))
    elif words[:2] == ["ef", "database"]:
        call.emit("db.destroy" if "drop" in words else "db.migrate", " ".join(words[:3]), local=False)
    elif words[:1] == ["user-secrets"]:
        call.emit("secret.write" if "set" in words else "secret.read", "user-secrets", secret="command")
    else:
        call.emit(
            "pkg.install" if words[:1] in (["add"], ["restore"], ["tool"]) else "proc.run",
            f"dotnet {' '.join(words[:2])}",
        )


def _go(call: Call) -> None:
    words = [str(w) for w in call.args if not w.startswith("-")]
    if words[:1] in (["env"], ["version"], ["list"], ["doc"], ["help"], ["vet"], ["tool"]) and "-w" not in call.args:
        call.emit("fs.read", f"go {' '.join(words[:2])}")
    elif words[:1] in (["get"], ["install"], ["mod"], ["work"]):
        call.emit("pkg.install", " ".join(words[1:3]))
    else:
        call.emit("proc.run", f"go {' '.join(words[:2])}")


def _run(call: Call) -> None:
    if call.name == "celery" and any(w in ("purge", "amqp") or w.startswith("queue.purge") for w in call.args):
        call.emit("infra.destroy", "queued tasks", signals=("celery",))
        return
    if call.name in ("black", "ruff", "isort", "prettier", "eslint", "gofmt") and any(
        w in ("--check", "--diff", "-l", "--list-different") for w in call.args
    ):
        call.emit("fs.read", call.name)
        return
    call.emit("proc.run", f"{call.name} {' '.join(call.args[:2])}".strip())


def _twine(call: Call) -> None:
    upload = any(w in ("upload", "register", "publish", "push") for w in call.args)
    call.emit("pkg.publish" if upload else "fs.read", f"{call.name} {' '.join(call.args[:1])}")


def _pacman(call: Call) -> None:
    flags = "".join(w for w in call.args if w.startswith("-") and not w.startswith("--"))
    kind = "pkg.remove" if "R" in flags else "fs.read" if re.search(r"Q|Ss|Si|F", flags) else "pkg.install"
    call.emit(
        kind,
        " ".join(w for w in call.args if not w.startswith("-")) or "packages",
        traits={"system"} if kind == "pkg.remove" else set(),
    )


def _dpkg(call: Call) -> None:
    text = " ".join(call.args)
    if re.search(r"(^|\s)(-r|-P|--remove|--purge|-e|--erase)(\s|$)", text):
        call.emit("pkg.remove", text, traits={"system"})
    elif re.search(r"(^|\s)(-i|--install|-U|--upgrade|--configure|--unpack|--rebuilddb|--force)", text):
        call.emit("pkg.install", text)
    else:
        call.emit("fs.read", text)


def _expo(call: Call) -> None:
    words = [str(w) for w in call.args if not w.startswith("-")]
    if words[:1] in (["publish"], ["submit"], ["update"], ["release"], ["upload"]):
        call.emit("pkg.publish", f"{call.name} {' '.join(words[:2])}")
    else:
        call.emit("proc.run", f"{call.name} {' '.join(words[:2])}".strip())


def _rake(call: Call) -> None:
    from . import frameworks

    frameworks.framework(call)


def _compiler(call: Call) -> None:
    options = Options(call.args, wordset("o I L D include"), clusters=False)
    output = options.value("o")
    if output:
        edits.write(call, output)
    call.emit("proc.run", f"{call.name}")


TABLE: dict[str, Callable[[Call], None]] = {
    **dict.fromkeys(
        wordset(
            """
            npm pnpm yarn bun pip pip3 pipx uv poetry pipenv pdm conda mamba micromamba cargo gem bundle bundler
            composer mix hex cpan cpanm luarocks brew apt apt-get aptitude dnf yum zypper apk snap flatpak port pkg
            emerge nix-env cabal stack opam pub swift pod carthage vcpkg conan helmfile-deps rustup nvm fnm volta
            pyenv rbenv asdf mise sdk tfenv rye hatch flit lerna nx turbo rush deno bower corepack apt-mark
            softwareupdate mas apt-cache apt-file apt-key add-apt-repository npm-check-updates ncu jsr rebar3 elm
            spago nimble dub shards quarto tlmgr winget choco scoop pixi code-extension
            """
        ),
        _manager,
    ),
    "make": _make,
    "gmake": _make,
    "ninja": _run,
    **dict.fromkeys(
        wordset(
            """
            just task gulp grunt invoke inv doit nox tox tilt earthly dagger bazel bazelisk buck buck2 pants please
            lake mage mask
            """
        ),
        _task,
    ),
    **dict.fromkeys(wordset("mvn mvnw gradle gradlew sbt lein ant ./gradlew"), _build),
    **dict.fromkeys(wordset("dotnet nuget msbuild"), _dotnet),
    "go": _go,
    **dict.fromkeys(
        wordset(
            """
            twine flit-publish cargo-release semantic-release release-it np changeset goreleaser cargo-publish
            """
        ),
        _twine,
    ),
    "pacman": _pacman,
    "yay": _pacman,
    "dpkg": _dpkg,
    "rpm": _dpkg,
    **dict.fromkeys(wordset("expo eas fastlane vsce ovsx chrome-webstore-upload gh-pages surge"), _expo),
    **dict.fromkeys(
        wordset(
            """
            rails rake artisan django-admin alembic flask prisma knex sequelize typeorm drizzle-kit flyway liquibase
            goose dbmate sqlx diesel migrate atlas ecto phinx
            """
        ),
        _rake,
    ),
    **dict.fromkeys(
        wordset(
            """
            gcc g++ cc c++ clang clang++ rustc tsc javac ld as ar ranlib nasm zig ghc ocamlopt kotlinc scalac solc
            """
        ),
        _compiler,
    ),
    **dict.fromkeys(
        wordset(
            """
            pytest py.test jest vitest mocha ava karma cypress playwright nosetests unittest phpunit rspec minitest
            cucumber behave ctest gtest black ruff isort flake8 pylint mypy pyright pyre autopep8 yapf bandit
            pre-commit eslint prettier biome oxlint stylelint tslint standard rubocop golangci-lint gofmt goimports
            staticcheck clippy rustfmt cmake meson configure autoreconf automake autoconf webpack vite rollup
            esbuild parcel next nuxt astro gatsby remix svelte-kit ng vue storybook tsup swc babel postcss
            tailwindcss sass lessc uvicorn gunicorn hypercorn celery daphne waitress-serve puma unicorn rackup
            nodemon ts-node-dev pm2-dev concurrently jupyter ipython streamlit gradio mkdocs sphinx-build jekyll
            hugo docusaurus typedoc doxygen coverage nyc c8 codecov locust k6 ab wrk hey siege protoc buf swag
            openapi-generator graphql-codegen shellcheck hadolint yamllint ansible-lint tflint tfsec checkov
            actionlint markdownlint cspell typos vale semgrep trivy grype syft snyk osv-scanner ffmpeg convert
            magick imagemagick pandoc latexmk pdflatex xelatex dot plantuml mmdc inkscape gs qpdf sqlfluff
            detect-secrets gitlint commitlint husky lint-staged cargo-nextest cargo-watch wasm-pack trunk air reflex
            watchman entr tsc-watch depcheck knip madge attw publint size-limit python-build cookiecutter copier
            yeoman yo degit create-react-app create-next-app create-vite xcodebuild xcrun simctl instruments
            swiftlint swiftformat adb emulator flutter dart react-native gradle-profiler ktlint detekt phpstan psalm
            php-cs-fixer pint credo dialyzer stack-test hyperfine time-cmd valgrind strace-lite perf-lite bats
            shunit2 shfmt direnv-check npm-run-all run-p run-s wait-on tsd claude codex gemini aider opencode
            cursor-agent goose-agent llm ollama code cursor subl open xdg-open pbcopy pbpaste xclip xsel wl-copy
            """
        ),
        _run,
    ),
}
