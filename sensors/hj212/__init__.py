"""HJ 212: the protocol of dust monitors and stack analysers, editions 2005, 2017 and 2025 on one port."""
