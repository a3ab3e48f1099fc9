"""The compile cache: where it is kept, and that a compiled program lands there."""

import jax
import jax.numpy as jnp
import pytest

from memjax import jax_settings as cache

OPTIONS = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    from jax.experimental.compilation_cache import compilation_cache

    monkeypatch.delenv("MEMJAX_CACHE", raising=False)
    before = {name: getattr(jax.config, name) for name in OPTIONS}
    compilation_cache.reset_cache()
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def test_a_named_folder_comes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("MEMJAX_CACHE", str(tmp_path / "environment"))
    assert cache.enable_compile_cache(tmp_path / "named") == tmp_path / "named"
    assert not (tmp_path / "environment").exists()
    assert cache.enable_compile_cache() == tmp_path / "environment"
    assert (tmp_path / "environment").is_dir()


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", "XDG_CACHE_HOME", "memjax"),
        ("linux", "HOME", ".cache/memjax"),
        ("darwin", "HOME", "Library/Caches/memjax"),
        ("win32", "LOCALAPPDATA", "memjax"),
    ],
)
def test_without_either_it_is_the_users_cache_folder(tmp_path, monkeypatch, platform, variable, folder):
    monkeypatch.setattr(cache.sys, "platform", platform)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    assert cache.enable_compile_cache() == tmp_path / folder


def test_a_quick_compile_is_kept(tmp_path):
    cache.enable_compile_cache(tmp_path)
    jax.jit(lambda x: jnp.sin(x) * 3.14159)(jnp.ones(7)).block_until_ready()
    assert any(tmp_path.iterdir())
