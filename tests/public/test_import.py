"""`import memjax` loads what every sweep needs, and leaves the rest until it is called."""

import subprocess
import sys

# Each takes from a tenth of a second to more than a second; xarray itself imports pandas.
LATER = (
    "scipy.stats",
    "scipy.optimize",
    "scipy.special",
    "matplotlib",
    "sklearn",
    "hmmlearn",
    "zarr",
    "IPython",
    "dp_accounting",
)


def test_importing_memjax_loads_no_heavy_package_that_its_peers_do_not_load():
    code = f"""
import sys
import jax, flax, optax, xarray
before = set(sys.modules)
import memjax
print([name for name in {LATER} if name in sys.modules and name not in before])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
