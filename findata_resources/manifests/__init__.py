"""Manifests of folders that many people have: recorded files whose names and columns are everywhere the same."""
