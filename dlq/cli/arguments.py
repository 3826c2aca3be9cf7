"""How options look in the help of commands: what can be left out shows a plain name and no "default: None"."""

from pathlib import Path
from typing import Annotated

import tyro

Run = Annotated[str, tyro.conf.arg(metavar="RUN")]
Model = Annotated[str, tyro.conf.arg(metavar="MODEL")]
Data = Annotated[str, tyro.conf.arg(metavar="DATA")]
Name = Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")]
File = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
Count = Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")]
Counts = Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="N N ...", help_behavior_hint="")]
Numbers = Annotated[tuple[float, ...] | None, tyro.conf.arg(metavar="X X ...", help_behavior_hint="")]
Number = Annotated[float | None, tyro.conf.arg(metavar="X", help_behavior_hint="")]
Flag = Annotated[bool, tyro.conf.arg(help_behavior_hint="")]
