"""Which faults are on in a shop, where, how often and how surely."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, TypeVar

from app.sandbox.calling import Answer, Call
from app.sandbox.faults import CALLING_OUT, Fault, Onwards, Params

C = TypeVar("C", bound=Call)


class BadSwitch(ValueError):
    """A fault cannot be switched on like this; the text says why."""


@dataclass(slots=True)
class Switch(Generic[C]):
    """A fault that is on. `skip` matching calls pass first, then it acts `times` times (None: until off)."""

    name: str
    fault: Fault[C]
    route: str
    times: int | None
    skip: int
    probability: float
    params: Params
    acted: int = 0
    # Seeded by the name, so that the same run meets the same luck.
    luck: Random = field(default_factory=Random)

    def claims(self, routes: Sequence[str]) -> bool:
        """Say whether the fault acts on a call of these routes, and count it; the caller holds the board's lock."""
        if (
            (self.route != "any" and self.route not in routes)
            or self.times == 0
            or (self.fault.route == CALLING_OUT) != (CALLING_OUT in routes)
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


class FaultBoard(Generic[C]):
    """The switches of one shop; kept in memory, so a restart brings a healthy channel back."""

    def __init__(self, faults: Mapping[str, Fault[C]], routes: Sequence[str]) -> None:
        self._turn = threading.Lock()
        self._faults, self.routes = faults, routes
        self._on: dict[str, Switch[C]] = {}

    def switch_on(self, name: str, settings: Mapping[str, Any]) -> Switch[C]:
        """Switch a fault on, replacing an earlier setting of it; raises BadSwitch."""
        switch = self._switch(name, settings)
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

    def acting(self, *routes: str) -> list[Switch[C]]:
        """The faults that act on a call of these routes, outermost first, each counted as having acted."""
        with self._turn:
            return [self._on[name] for name in self._faults if name in self._on and self._on[name].claims(routes)]

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
                for name, fault in self._faults.items()
            }

    def _switch(self, name: str, settings: Mapping[str, Any]) -> Switch[C]:
        if name not in self._faults:
            raise BadSwitch(f"There is no fault {name}; there are {', '.join(self._faults)}.")
        fault = self._faults[name]
        known = {"route", "times", "skip", "probability", *fault.params}
        if settings.keys() - known:
            raise BadSwitch(f"{name} takes {', '.join(sorted(known))}; not {', '.join(settings.keys() - known)}.")
        route = settings.get("route", fault.route)
        if route not in self.routes:
            raise BadSwitch(f"route is one of {', '.join(self.routes)}.")
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


def answered(call: C, switches: Sequence[Switch[C]], answer: Onwards) -> Answer:
    """Answer the call through the layers of its faults."""
    if not switches:
        return answer()
    outer, *inner = switches
    return outer.fault.act(call, lambda: answered(call, inner, answer), outer.params)


def _number(settings: Mapping[str, Any], key: str, default: float) -> float:
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise BadSwitch(f"{key} is a number that is not below 0.")
    return value
