"""Images: what members upload into a room, checked, cleaned and kept in a folder.

Off unless the setting IMAGES is true: then there are neither its calls nor what they need in memory.
"""

from flask import Flask

from party.config import Settings
from party.hooks import Feature, Images, Job
from party.images import folder, store


def init_app(app: Flask, settings: Settings) -> Feature:
    """Its calls, and what messages need of it. Files are swept in any case: it may have been on before."""
    if settings.IMAGES:
        from party.images import routes  # with Pillow, which takes a while and some memory

        app.register_blueprint(routes.blueprint)
    return Feature(
        name="images",
        children=("party_images",),
        jobs=(Job("image files swept", folder.DUE, folder.sweep),),
        images=Images(attach=store.attach, detach=store.detach),
    )
