"""Interrupts that end a run between two steps: an interrupt inside an optimizer step can leave it half done."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def interrupt_at_step_boundary() -> Iterator[threading.Event]:
    """Yields an event that Ctrl-C or a notebook's stop button sets; the loop looks at it between steps.

    A second interrupt raises KeyboardInterrupt at once. Off the main thread there are no signals: only the event.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def on_interrupt(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
