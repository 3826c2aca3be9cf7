"""Swapped faces: scored against the exact swaps, walked through, told apart from real ones, saved with a visible tag."""

from dlq.swaps.detector import Detector as Detector
from dlq.swaps.detector import detect_swaps as detect_swaps
from dlq.swaps.evaluate import evaluate_swaps as evaluate_swaps
from dlq.swaps.pairs import Pairs as Pairs
from dlq.swaps.pairs import pairs_of as pairs_of
from dlq.swaps.pairs import swapped as swapped
from dlq.swaps.real_judge import RealJudge as RealJudge
from dlq.swaps.real_judge import real_judge_is_installed as real_judge_is_installed
from dlq.swaps.result import SwapScores as SwapScores
from dlq.swaps.saving import save_swap as save_swap
from dlq.swaps.saving import tagged as tagged
from dlq.swaps.walks import Walk as Walk
from dlq.swaps.walks import walk as walk
