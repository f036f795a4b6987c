"""Alipay's open gateway (openapi, RSA2)."""
