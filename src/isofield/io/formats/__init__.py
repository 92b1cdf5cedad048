"""Readers of file formats: bytes to `Raw`, or a `Damage` that says what is wrong with them."""
