"""Rules of conduct: who commits, who reads the clock, the environment, the network, and who imports what."""

from __future__ import annotations

import ast

from tests.architecture.source import PRODUCT, Source, dotted, found, functions, sources

TRANSACTIONS = "domain/kernel/uow.py"
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.datetime.now", "date.today", "datetime.today", "time.time"}
READS_THE_CLOCK = {
    "domain/kernel/clock.py": "the clock itself",
    "integrations/identity/signing.py": "dates the first key of a new key file, before there is a clock to hand on",
    "integrations/vision/pictures.py": "compares a left-over file's age with the file system's own times",
}
READS_THE_ENVIRONMENT = {
    "integrations/settings.py": "reads it, once",
    "integrations/surroundings.py": "hands the paths of libraries to processes that read files of strangers",
    "integrations/vision/worker.py": "sets OpenCV's limit before importing it",
}
# Third-party packages and the only folders that may import them.
HOMES = {
    "arq": ("workers/",),
    "strawberry": ("api/",),
    "graphql": ("api/",),
    "starlette": ("api/", "integrations/settings.py", "integrations/payments/", "cli/bench/"),
    "uvicorn": ("api/", "integrations/payments/sandbox/", "cli/bench/"),
    "cv2": ("integrations/vision/", "cli/simulate/"),
    "gmqtt": ("integrations/devices/mqtt/", "cli/"),
    "amqtt": ("integrations/devices/mqtt/",),
    "redis": ("integrations/", "workers/wake.py", "cli/"),
    "httpx": ("integrations/", "cli/"),
    "jwt": ("integrations/identity/",),
    "cryptography": ("integrations/identity/", "integrations/payments/", "domain/identity/authenticators/rules.py"),
    "prometheus_client": ("api/", "integrations/", "workers/"),
    "typer": ("cli/",),
    "rich": ("cli/",),
}


def imported(source: Source) -> dict[str, int]:
    """Top-level packages a file imports, anywhere in it, and where."""
    names: dict[str, int] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0]: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names[node.module.partition(".")[0]] = node.lineno
    return names


def test_packages_are_imported_where_they_belong() -> None:
    strays = [
        f"{source.name}:{line} {package}"
        for source in sources(*PRODUCT)
        for package, line in imported(source).items()
        if package in HOMES and not source.name.startswith(HOMES[package])
    ]
    assert strays == []


def test_the_product_does_not_import_its_tests() -> None:
    assert [source.name for source in sources(*PRODUCT) if "tests" in imported(source)] == []


def test_only_the_unit_of_work_begins_and_ends_transactions() -> None:
    def ends(node: ast.AST) -> bool:
        called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        return called in ("commit", "rollback", "begin", "begin_nested") or (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in ("BEGIN", "COMMIT")
        )

    outside = {TRANSACTIONS: "opens, commits and rolls back", "migrations/run.py": "migrates in one transaction"}
    assert found(("api", "domain", "integrations", "workers", "migrations"), ends, but=outside) == []


def test_services_get_a_unit_of_work_and_open_none() -> None:
    def opens(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and dotted(node.func).endswith(("unit_of_work", "AsyncSession"))

    assert found(("domain",), opens, but={TRANSACTIONS: "is where both are made"}) == []
    for source in sources("domain"):
        if source.name.endswith("/service.py"):
            for function in functions(source):
                assert not {a.arg for a in function.args.args} & {"engine", "database"}, source.at(function)


def test_nothing_but_the_clock_reads_the_time() -> None:
    def reads(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and dotted(node.func) in CLOCKS

    assert found(("api", "domain", "integrations", "workers"), reads, but=READS_THE_CLOCK) == []


def test_only_settings_and_the_command_line_read_the_environment() -> None:
    def reads(node: ast.AST) -> bool:
        return dotted(node) in ("os.environ", "os.getenv", "os.putenv")

    assert found(("api", "domain", "integrations", "workers", "migrations"), reads, but=READS_THE_ENVIRONMENT) == []


def test_no_request_is_handled_through_a_global() -> None:
    assert found(PRODUCT, lambda node: isinstance(node, ast.Global)) == []
