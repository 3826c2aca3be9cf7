"""Metrics: pure functions of two arrays, ``metric(factors, latents, ...)``; numpy and scikit-learn, never torch."""

from dlq.metrics.active import iqr_above as iqr_above
from dlq.metrics.active import range_above as range_above
from dlq.metrics.active import range_positive as range_positive
from dlq.metrics.binning import binned as binned
from dlq.metrics.binning import equal_width_edges as equal_width_edges
from dlq.metrics.binning import quantile_edges as quantile_edges
from dlq.metrics.explicitness import one_hot as one_hot
from dlq.metrics.explicitness import standardised as standardised
from dlq.metrics.infomec import InfoMEC as InfoMEC
from dlq.metrics.infomec import infomec as infomec
from dlq.metrics.information import mutual_information as mutual_information
from dlq.metrics.information import nmi as nmi
