"""Programs in the docs are the ones that are built."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_five_minutes_are_the_examples() -> None:
    text = (ROOT / "docs/cpp-in-five-minutes.md").read_text(encoding="utf-8")
    shown = re.findall(r"```cpp\n(.*?)```", text, re.DOTALL)
    files = sorted((ROOT / "examples/five_minutes").glob("*.cpp"))
    assert sorted(shown) == sorted(f.read_text(encoding="utf-8") for f in files)


def test_the_proxy_in_its_page_is_the_example() -> None:
    text = (ROOT / "docs/proxy.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```cpp\n(.*?)```", text, re.DOTALL)
    assert shown == (ROOT / "examples/proxy.cpp").read_text(encoding="utf-8")


def test_the_samplers_in_their_page_are_the_examples() -> None:
    text = (ROOT / "docs/host.md").read_text(encoding="utf-8")
    for language, example in (("cpp", "sampler.cpp"), ("python", "python_sampler.py")):
        (shown,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
        assert shown == (ROOT / "examples" / example).read_text(encoding="utf-8")
