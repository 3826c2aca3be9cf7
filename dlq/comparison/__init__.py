"""Comparing models fairly: the same data and schedule, several seeds, one estimator for quantized and continuous latents."""

from dlq.comparison.compare import compare as compare
from dlq.comparison.result import Comparison as Comparison
from dlq.comparison.result import Selection as Selection
from dlq.comparison.result import by_loss as by_loss
from dlq.comparison.result import by_psnr as by_psnr
from dlq.comparison.result import by_udr as by_udr
from dlq.comparison.runs import Run as Run
from dlq.comparison.scores import compared_scores as compared_scores
