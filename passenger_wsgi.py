"""The file name that hosting panels look for. Importing by name keeps `app` from being loaded twice."""

import launcher

launcher.use_current_release()

from app import application  # noqa: E402 # from the release that was just chosen

__all__ = ["application"]
