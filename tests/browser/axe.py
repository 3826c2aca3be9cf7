"""Accessibility as axe-core judges it: its serious and critical findings, one line each."""

from axe_playwright_python.base import AXE_SCRIPT


def serious(page_or_frame):
    """What axe-core holds against a page or a frame, as (rule, element, why); empty where nothing is serious."""
    page_or_frame.evaluate(AXE_SCRIPT)
    found = page_or_frame.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    return [
        (violation["id"], " ".join(map(str, node["target"])), node["failureSummary"])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
