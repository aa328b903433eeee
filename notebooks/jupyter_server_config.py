# The server that `make lab` starts saves the project's notebooks without outputs: running them changes no file.
c = get_config()  # noqa: F821  (Jupyter provides it)
c.ServerApp.contents_manager_class = "dlatrack.notebooks.contents.CleanContentsManager"
