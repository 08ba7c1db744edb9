"""The contracts about who may import whom name every room, so that a new one cannot slip past them."""

from __future__ import annotations

import tomllib

from app.embedded.folder import PROJECT


def test_the_sandbox_is_kept_from_every_room() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = [contract for contract in contracts if contract.get("source_modules") == ["app.sandbox"]]
    rooms = {
        f"app.{path.stem}"
        for path in (PROJECT / "app").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert set(contract["forbidden_modules"]) == rooms - {"app.sandbox", "app.__init__"}
