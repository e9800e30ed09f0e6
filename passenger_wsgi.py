"""The file name that hosting panels look for. Importing by name keeps `app` from being loaded twice."""

from app import application

__all__ = ["application"]
