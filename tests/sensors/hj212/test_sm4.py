"""SM4 of HJ 212-2025: the cipher is GB/T 32907's, keys come as secrets, a wrong key is noticed."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.hj212 import sm4

KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")


def test_the_example_of_the_standard():
    """GB/T 32907-2016, Annex A.1."""
    assert sm4.encrypt(KEY, KEY) == b"681EDF34D206965E86B3E94F536E4246"


@given(st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=100).map(lambda text: f"DataTime={text}"))
def test_what_was_encrypted_is_read_back(text):
    area = sm4.cipher_bytes(sm4.encrypt(KEY, text.encode()))
    assert area is not None
    assert sm4.decrypt(KEY, area) == text.encode()
    assert sm4.cipher_bytes(b64encode(area)) == area


def test_another_key_reads_nothing():
    area = sm4.cipher_bytes(sm4.encrypt(KEY, b"DataTime=20261101080000;a34004-Rtd=35"))
    assert area is not None
    assert sm4.decrypt(b"\x01" * 16, area) is None


def test_a_plain_data_area_is_not_taken_for_cipher_text():
    for area in (b"", b"DataTime=20261101080000", b"DataTime=20261101080000;LA-Rtd=1", b"QnRtn=1"):
        assert sm4.cipher_bytes(area) is None


@pytest.mark.parametrize("secret", ["0123456789abcdeffedcba9876543210", "sixteen letters!", " sixteen letters!\n"])
def test_keys_as_secrets_are_written(secret):
    assert len(sm4.key_of(secret)) == 16


@pytest.mark.parametrize("secret", ["", "short", "x" * 32])
def test_other_keys_are_refused_without_printing_them(secret):
    with pytest.raises(ValueError, match="16 bytes") as caught:
        sm4.key_of(secret)
    assert not secret or secret not in str(caught.value)
