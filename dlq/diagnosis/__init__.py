"""What goes wrong in training, in words: of a generator's game, and of a face swap."""

from dlq.diagnosis.games import Diagnosis as Diagnosis
from dlq.diagnosis.games import diagnose as diagnose
from dlq.diagnosis.games import watch_for_collapse as watch_for_collapse
from dlq.diagnosis.swaps import SwapDiagnosis as SwapDiagnosis
from dlq.diagnosis.swaps import diagnose_swaps as diagnose_swaps
from dlq.diagnosis.swaps import watch_swaps as watch_swaps
