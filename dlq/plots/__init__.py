"""Plotly figures, one function a picture; they read on light and dark pages and on a phone."""

from dlq.plots.charts import nmi_heatmap as nmi_heatmap
from dlq.plots.charts import training_curves as training_curves
from dlq.plots.codes import code_table as code_table
from dlq.plots.pictures import factor_grid as factor_grid
from dlq.plots.pictures import images as images
from dlq.plots.pictures import reconstructions as reconstructions
from dlq.plots.pictures import traversal_grid as traversal_grid
from dlq.plots.relevance import prior_trace as prior_trace
from dlq.plots.relevance import relevance_bars as relevance_bars
from dlq.plots.relevance import relevant_counts as relevant_counts
from dlq.plots.seeds import seed_panels as seed_panels
from dlq.plots.swaps import identity_slopes as identity_slopes
