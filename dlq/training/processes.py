"""Jobs side by side in processes of their own: how a comparison uses two cores."""

import copy
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

import torch

PATIENCE = 1.0  # seconds between two looks at whether the parent is still there


def side_by_side(
    function: Callable[[Any], Any],
    jobs: Iterable[Any],
    *,
    workers: int = 2,
    done: Callable[[Any], None] = lambda result: None,
) -> list[Any]:
    """``[function(job) for job in jobs]``, in ``workers`` processes of one thread each where there is more than one.

    ``function`` must be importable (from dlq, or a file), and jobs and results must be picklable between these processes.
    ``done`` is called here with each result as it comes. An error or an interrupt leaves out the jobs not yet begun.
    """
    jobs = list(jobs)
    if workers < 2 or len(jobs) < 2:
        results = []
        for job in jobs:
            results.append(function(job))
            done(results[-1])
        return results
    with ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn"), _begin, (os.getpid(),)) as pool:
        places = {pool.submit(function, job): place for place, job in enumerate(jobs)}
        results = [None] * len(jobs)
        try:
            for future in as_completed([*places]):
                place = places.pop(future)
                results[place] = copy.deepcopy(future.result())  # tensors come as open files, one each; a copy is none
                done(results[place])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return results


def _begin(parent: int) -> None:
    """Prepares a worker: one thread, and an end of its own when the process that asked for it is gone."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PATIENCE)
    os._exit(1)  # nobody waits for the result, and a training may have minutes to go
