"""Frames built from the standard's grammar, for all tests of HJ 212."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from sensors.hj212 import encode

MN = "TEST00000000000000000001"


def header(**changes: str) -> dict[str, str]:
    """A header of 2017 that asks for an answer; a key given as None is left out."""
    usual = {"QN": "20261101080000123", "ST": "39", "CN": "2011", "PW": "secret1", "MN": MN, "Flag": "5"}
    return {key: value for key, value in (usual | changes).items() if value is not None}


FACTORS = {
    "a34004": {"Rtd": "35.2", "Flag": "N"},
    "a34002": {"Rtd": "70", "Flag": "M"},
    "LA": {"Rtd": "58.1", "Flag": "N"},
}
CP = {"DataTime": "20261101080000"}


def dust(cp: Mapping[str, str] = CP, factors: Mapping[str, Mapping[str, str]] = FACTORS, **changes: str) -> bytes:
    """A frame of a dust monitor."""
    return encode.message(header(**changes), cp, factors)


def flagged(segment: str, **options: object) -> bytes:
    """A frame around any segment."""
    return encode.frame(segment.encode(), **options)  # type: ignore[arg-type]


codes = st.sampled_from(["a34001", "a34002", "a34004", "a01001", "a01006", "LA", "Leq", "w01018", "01", "S01", "PM25"])
names = st.sampled_from(["Rtd", "Avg", "Min", "Max", "Cou", "Flag", "ZsRtd", "SampleTime", "rtd", "Info", "cn", "Unit"])
values = st.text(
    st.characters(codec="utf-8", exclude_characters=";,&=\r\n\x00\ufeff", exclude_categories=["Cs"]), max_size=12
)
numbers = st.decimals(-1000, 2_000_000, places=3).map(str)
factor_maps = st.dictionaries(codes, st.dictionaries(names, numbers | values, min_size=1, max_size=5), max_size=6)
times = st.datetimes().map(lambda when: when.strftime("%Y%m%d%H%M%S").rjust(14, "0"))
headers = st.fixed_dictionaries(
    {
        "QN": times.map(lambda text: text + "123"),
        "ST": st.sampled_from(["22", "31", "39"]),
        "CN": st.sampled_from(["2011", "2051", "2061", "2031", "3020"]),
        "PW": st.text("0123456789ABC", max_size=8),
        "MN": st.text("0123456789ABCDEF_", min_size=1, max_size=24),
        "Flag": st.sampled_from(["0", "1", "4", "5", "8", "9"]),
    }
)
plain = st.fixed_dictionaries({"DataTime": times}, optional={"VaseNo": numbers, "PolId": codes})
messages = st.builds(encode.message, headers, plain, factor_maps)
