"""The way of every call: it is noted, answered through its faults, noted again, and sent."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence

from flask import Response, request

from app.sandbox.calling import Answer, Dropped, wire_text
from app.sandbox.calls import CallLog
from app.sandbox.serving import dripping, hang_up
from app.sandbox.switches import C, Switch, answered

Acting = Sequence[Switch[C]]


def logged(
    log: CallLog,
    shop_id: int | None,
    *,
    path: str,
    route: str,
    body: bytes,
    answer: Callable[[int], tuple[Answer | None, list[str]]],
) -> Answer | None:
    """Note the running request, let `answer` answer it by its id, and note the answer and the faults it names."""
    started = time.perf_counter()
    call_id = log.begin(
        shop_id,
        method=request.method,
        path=path,
        route=route,
        query=wire_text(request.args.to_dict()),
        body=body,
    )
    given, faults = answer(call_id)
    log.end(
        call_id,
        status=given.status if given else None,
        answer=given.body if given else b"",
        faults=faults,
        ms=(time.perf_counter() - started) * 1000,
    )
    return given


def through_faults(call: C, acting: Acting[C], onwards: Callable[[], Answer]) -> Answer | None:
    """The answer through all its faults, or None where the connection is to be closed."""
    try:
        return answered(call, acting, onwards)
    except Dropped:
        return None
    except Exception:
        # A mistake of ours is an answer and a line in the log as well: a rehearsal must not hang on it.
        sys.stderr.write(traceback.format_exc())
        return call.failure(500, "The sandbox made a mistake; its own log says which.")


def response_of(answer: Answer | None, headers: Mapping[str, str]) -> Response:
    """Send the answer with these headers besides; without one the caller's connection is closed."""
    if answer is None:
        hang_up(request.environ)
        return Response(status=503)
    body = dripping(request.environ, answer.body, answer.drip) if answer.drip else answer.body
    response = Response(body, answer.status, content_type=answer.content_type)
    response.content_length = len(answer.body)
    response.headers.update(answer.headers)
    response.headers.update(headers)
    return response
