"""Thin bridges to other frameworks, each behind an extra of its own."""
