"""A look at training while it runs: curves, pace, what a snapshot of the model decodes, and a Stop button.

Stop. A cell that trains keeps the kernel's main thread busy, so what a button sends would wait until the cell is over.
JupyterLab from 4.4 and Notebook from 7.4, with ipykernel 7, send widgets' messages to a thread of their own (a
"subshell"), and Stop sets ``model.training_state.stop`` there: ``fit`` ends after the step it is in. Where messages do
wait, as with ipykernel 6, the view says after three seconds to press the notebook's own interrupt button, which ends
``fit`` alike. A ``fit`` on a background thread hears Stop either way. Serving the kernel's queue from within the loop is
no way out: how to do so is private to ipykernel, and changed with versions 6 and 7.
"""

import collections
import threading
import time
import weakref
from collections.abc import Iterable
from typing import Any

import anywidget
import numpy as np
import traitlets

from dlq import export
from dlq.widgets import drawing, page, words
from dlq.widgets import progress as pr
from dlq.widgets.filmstrip import Filmstrip

SHARE, OFTEN = 0.04, 0.25  # of training time that looking on may take; seconds between two looks at the curves


class _Run:
    """One run of ``fit`` as the view follows it; the model is not kept alive."""

    def __init__(self, model: Any, number: int, now: float):
        self.model, self.number, self.start = weakref.ref(model), number, now
        self.state = getattr(model, "training_state", None)
        self.history: Any = None
        self.budget = pr.Budget(SHARE, now)
        self.marks: collections.deque[tuple[float, int]] = collections.deque()
        self.due = {"curves": now, "pictures": now}
        self.cost = {"curves": 0.0, "pictures": 0.0}
        self.blind = False  # after pictures failed once

    def mark(self, now: float, history: Any) -> None:
        self.history = history
        self.marks.append((now, int(history.steps[-1])))
        while len(self.marks) > 2 and now - self.marks[0][0] > pr.RECENT:
            self.marks.popleft()


class TrainingView(page.Portable, anywidget.AnyWidget):
    """Shows a run of ``dlq.fit(model, data, watch=view.watch)`` in a cell that was run before.

    Looking on takes at most about 4 % of the time: less often where it is slow. Everything is drawn from a snapshot, so
    neither weights nor mode nor random streams of the model in training are touched. ``latent`` is the one shown moving.
    """

    _esm = page.module("charts", "training_view")
    _css = page.style("training_view")
    _title = "Training"
    record: traitlets.Dict = traitlets.Dict().tag(sync=True)  # progress and curves, replaced together
    strip: traitlets.Dict = traitlets.Dict().tag(sync=True)  # pictures and the codebook's use, replaced together
    latent = traitlets.Int().tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    words: traitlets.Dict = traitlets.Dict(words.TRAINING).tag(sync=True)

    def __init__(self, data: Any = None, *, names: Iterable | None = None, every: float | int = 2.0):
        """Prepares a view of models trained on ``data``, a dataset or an array of images; without it, of curves only.

        ``names`` has one name a latent; ``every`` is the least time between two looks at the model, in seconds.
        """
        self._lock = threading.RLock()
        self.errors: list[Exception] = []
        self._film = None if data is None else Filmstrip(data, names)
        self._every = float(every)
        self._run: _Run | None = None
        self._number = 0
        super().__init__(record={"progress": {"run": 0, "phase": "waiting", "step": 0, "total": 0}, "charts": []})
        self.observe(self._on_latent, "latent")
        self.on_msg(self._on_message)

    def watch(self, model: Any, history: Any) -> None:
        """Takes a look at a run: ``fit(..., watch=view.watch)`` calls it about 400 times, and most looks cost nothing."""
        now = time.perf_counter()
        run = self._run
        if run is None or run.model() is not model:
            run = self._begin(model, now)
        run.mark(now, history)
        self._attempt(run, "curves", OFTEN, lambda: self._show_curves(run))
        if self._film is not None and not run.blind:
            self._attempt(run, "pictures", self._every, lambda: self._show_undisturbing(model))
        run.budget.spent += time.perf_counter() - now

    def stop(self) -> None:
        """Ends the run after the step it is in, as the Stop button does; ``fit`` goes on when it is called again."""
        self._end(self._number)

    def open(self) -> None:
        """Opens the connection to the front end, as any widget does, and leaves its messages to any thread."""
        super().open()
        self._leave_to_any_thread()

    def _send(self, msg, buffers=None):
        super()._send(msg, buffers)
        self._leave_to_any_thread()

    def _leave_to_any_thread(self):
        # ipykernel 7.4 gives a widget's messages to the thread that it last sent from: here the one that trains.
        getattr(self.comm, "__dict__", {}).pop("_reply_subshell_id", None)

    def image(self) -> np.ndarray:
        """A still picture of the curves, uint8 (3, H, W)."""
        return np.asarray(self._drawn().convert("RGB")).transpose(2, 0, 1).copy()

    def _page(self, title: str | None) -> export.Page:
        """Holds the run as it stands now, and the moves of every latent."""
        self._now()
        with self._lock:
            film = self._film if self.strip else None
            strip, facts = ({}, {}) if film is None else (film.strip(None), {"model": film.digest()})
            state = {"live": False, "problem": "", "strip": strip}
            return export.page_of(self, title=title or self._title, state=state, facts=facts)

    def _begin(self, model, now):
        self._number += 1
        self._run = run = _Run(model, self._number, now)
        threading.Thread(target=self._follow, args=(run,), daemon=True).start()
        return run

    def _attempt(self, run, kind, interval, look):
        """Looks where the last look is long enough ago and the time is allowed; a failed one never ends training."""
        start = time.perf_counter()
        if start < run.due[kind] or not run.budget.allows(start, run.cost[kind]):
            return
        try:
            look()
        except Exception as error:
            self._failed(error)
            run.blind = run.blind or kind == "pictures"
        end = time.perf_counter()
        run.due[kind], run.cost[kind] = end + interval, end - start

    def _failed(self, error):
        self.errors.append(error)
        self.problem = f"The view could not be drawn, training goes on: {error}"

    def _show_curves(self, run, phase=None):
        step, total = run.marks[-1][1], int(getattr(run.state, "total", 0))
        phase = phase or ("stopping" if getattr(run.state, "stop", False) else "training")
        rate, left = pr.pace(list(run.marks), total)
        progress = {"run": run.number, "phase": phase, "step": step, "total": total, "rate": rate, "left": left}
        progress |= {"seconds": time.perf_counter() - run.start, "stoppable": run.state is not None}
        self.record = {"progress": progress, **pr.charts(run.history.steps, run.history.terms)}

    def _show_undisturbing(self, model):
        import torch

        with torch.random.fork_rng(devices=[]):  # should a model draw where it encodes
            self._show_pictures(model)

    def _show_pictures(self, model=None):
        """Draws from a new snapshot of the model, or from the last one."""
        with self._lock:
            film = self._film
            if film is None or (model is None and not self.strip):
                return
            if model is not None:
                film.take(model)
            self.strip = film.strip(min(self.latent, len(film.names) - 1))

    def _follow(self, run: _Run) -> None:
        """Waits for the end of the run, however it comes: ``fit`` leaves the model in evaluation mode."""
        while _trains(run):
            time.sleep(0.2)
        self._finish(run)

    def _finish(self, run: _Run) -> None:
        """Shows how a run ended; the first to notice does it."""
        with self._lock:
            model = run.model()
            if run is not self._run:
                return
            self._run = None
            done = run.marks[-1][1] >= getattr(run.state, "total", 0)
            try:
                if run.history is not None:
                    self._show_curves(run, "finished" if done else "interrupted")
                if model is not None and not run.blind:
                    self._show_pictures(model)
            except Exception as error:  # on a thread of its own it would reach no cell
                self._failed(error)

    def _now(self):
        """The view as a reader should see it, should the run have just ended."""
        run = self._run
        if run is not None and not _trains(run):
            self._finish(run)

    def _drawn(self):
        self._now()
        return drawing.line_charts(self.record.get("steps", []), self.record["charts"])

    def _repr_mimebundle_(self, **kwargs):
        return page.with_picture(super()._repr_mimebundle_(**kwargs), drawing.png(self._drawn()))

    @traitlets.validate("latent")
    def _validate_latent(self, proposal):
        count = len(self._film.names) if self._film is not None and self._film.names else proposal["value"] + 1
        return page.check_index(proposal["value"], count, "latent")

    def _on_latent(self, change):
        # Comes on any thread, during a step too: only the kept copy of the model is asked.
        try:
            self._show_pictures()
        except Exception as error:
            self._failed(error)

    def _on_message(self, widget, content, buffers):
        if isinstance(content, dict) and isinstance(content.get("stop"), int):
            self._end(content["stop"])

    def _end(self, number):
        run = self._run
        if run is None or run.state is None or number != run.number:
            return  # a message that comes late must not end a later run
        run.state.stop = True
        self.record = {**self.record, "progress": {**self.record["progress"], "phase": "stopping"}}


def _trains(run: _Run) -> bool:
    model = run.model()
    return model is not None and model.training
