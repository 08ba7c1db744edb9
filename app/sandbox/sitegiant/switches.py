"""Which faults are on in a shop, where, how often and how surely."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from app.sandbox.sitegiant.calling import Answer, Call
from app.sandbox.sitegiant.faults import FAULTS, Fault, Onwards, Params

CALLING_OUT = "webhook"
"""The one route on which the sandbox calls; its faults act there alone, and no other does."""
ROUTES = ("any", "list", "detail", "write", "channels", "items", "webhooks", CALLING_OUT)


class BadSwitch(ValueError):
    """A fault cannot be switched on like this; the text says why."""


@dataclass(slots=True)
class Switch:
    """A fault that is on. `skip` matching calls pass first, then it acts `times` times (None: until off)."""

    name: str
    fault: Fault
    route: str
    times: int | None
    skip: int
    probability: float
    params: Params
    acted: int = 0
    # Seeded by the name, so that the same run meets the same luck.
    luck: Random = field(default_factory=Random)

    def claims(self, route: str) -> bool:
        """Say whether the fault acts on this call, and count it; the caller holds the board's lock."""
        if (
            self.route not in ("any", route)
            or self.times == 0
            or (self.fault.route == CALLING_OUT) != (route == CALLING_OUT)
        ):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.luck.random() >= self.probability:
            return False
        if self.times is not None:
            self.times -= 1
        self.acted += 1
        return True

    def as_json(self) -> dict[str, Any]:
        """The switch as the control API shows it; `times` and `skip` count down."""
        return {
            "route": self.route,
            "times": self.times,
            "skip": self.skip,
            "probability": self.probability,
            "params": dict(self.params),
            "acted": self.acted,
        }


class FaultBoard:
    """The switches of one shop; kept in memory, so a restart brings a healthy channel back."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._on: dict[str, Switch] = {}

    def switch_on(self, name: str, settings: Mapping[str, Any]) -> Switch:
        """Switch a fault on, replacing an earlier setting of it; raises BadSwitch."""
        switch = _switch(name, settings)
        with self._turn:
            self._on[name] = switch
        return switch

    def switch_off(self, name: str | None = None) -> None:
        """Switch one fault off, or all of them."""
        with self._turn:
            if name is None:
                self._on.clear()
            else:
                self._on.pop(name, None)

    def acting(self, route: str) -> list[Switch]:
        """The faults that act on a call of this route, outermost first, each counted as having acted."""
        with self._turn:
            return [self._on[name] for name in FAULTS if name in self._on and self._on[name].claims(route)]

    def as_json(self) -> dict[str, Any]:
        """Every fault there is, with how it is switched on, if it is."""
        with self._turn:
            return {
                name: {
                    "description": fault.description,
                    "default_route": fault.route,
                    "default_params": dict(fault.params),
                    "on": self._on[name].as_json() if name in self._on else None,
                }
                for name, fault in FAULTS.items()
            }


def answered(call: Call, switches: list[Switch], answer: Onwards) -> Answer:
    """Answer the call through the layers of its faults."""
    if not switches:
        return answer()
    outer, *inner = switches
    return outer.fault.act(call, lambda: answered(call, inner, answer), outer.params)


def _switch(name: str, settings: Mapping[str, Any]) -> Switch:
    if name not in FAULTS:
        raise BadSwitch(f"There is no fault {name}; there are {', '.join(FAULTS)}.")
    fault = FAULTS[name]
    known = {"route", "times", "skip", "probability", *fault.params}
    if settings.keys() - known:
        raise BadSwitch(f"{name} takes {', '.join(sorted(known))}; not {', '.join(settings.keys() - known)}.")
    route = settings.get("route", fault.route)
    if route not in ROUTES:
        raise BadSwitch(f"route is one of {', '.join(ROUTES)}.")
    if (fault.route == CALLING_OUT) != (route == CALLING_OUT):
        raise BadSwitch(f"{name} acts on the route {fault.route}.")
    times = settings.get("times")
    probability = _number(settings, "probability", 1)
    if probability > 1:
        raise BadSwitch("probability is a number from 0 to 1.")
    return Switch(
        name=name,
        fault=fault,
        route=route,
        times=None if times is None else int(_number(settings, "times", 0)),
        skip=int(_number(settings, "skip", 0)),
        probability=probability,
        params={key: _number(settings, key, default) for key, default in fault.params.items()},
        luck=Random(name),  # noqa: S311  # repeatable on purpose
    )


def _number(settings: Mapping[str, Any], key: str, default: float) -> float:
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise BadSwitch(f"{key} is a number that is not below 0.")
    return value
