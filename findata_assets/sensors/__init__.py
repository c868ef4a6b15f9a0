"""Sensors: what makes runs of what is due, late, dropped or waiting. All stopped until somebody turns them on."""
