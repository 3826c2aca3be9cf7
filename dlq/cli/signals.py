"""Ctrl-C and SIGTERM end a run alike: at the next step boundary while ``fit`` runs, never in the middle of a save."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[threading.Event]:
    """Makes the first SIGTERM do what Ctrl-C does just then; the event says that it came."""
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def on_terminate(number: int, frame: object) -> None:
        if came.is_set():
            return  # a scheduler and a shell may both pass it on
        came.set()
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):  # shells start background jobs with Ctrl-C ignored
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, None)

    before = signal.signal(signal.SIGTERM, on_terminate)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Lets what is inside end first; a signal that came meanwhile is delivered afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, frame: waiting.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        for number in waiting[:1]:  # type: ignore[assignment]
            signal.raise_signal(number)
