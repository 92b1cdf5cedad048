"""The readers of file formats: bytes to `Raw`, or `Damage` that says what is wrong with them."""
