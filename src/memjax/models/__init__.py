"""Models: pure functions from parameters and inputs to outputs."""

from memjax.models.adapt import NNX, FunctionPair, as_model
from memjax.models.autoencoder import Autoencoder
from memjax.models.embedding_mlp import EmbeddingMLP
from memjax.models.layers import dense
from memjax.models.linen import Linen
from memjax.models.mlp import MLP
from memjax.models.noisy_inputs import Augmented, InputNoise
from memjax.models.quadratic_mlp import QuadraticMLP, gromov_weights
from memjax.models.transformer import Transformer

__all__ = [
    "MLP",
    "NNX",
    "Augmented",
    "Autoencoder",
    "EmbeddingMLP",
    "FunctionPair",
    "InputNoise",
    "Linen",
    "QuadraticMLP",
    "Transformer",
    "as_model",
    "dense",
    "gromov_weights",
]
