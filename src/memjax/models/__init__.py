"""Models: pure functions from parameters and inputs to outputs."""

from memjax.models.adapt import NNX, FunctionPair, as_model
from memjax.models.autoencoder import Autoencoder
from memjax.models.layers import dense
from memjax.models.mlp import MLP

__all__ = ["MLP", "NNX", "Autoencoder", "FunctionPair", "as_model", "dense"]
