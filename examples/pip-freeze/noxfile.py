from nox_buildkit import register

register()
