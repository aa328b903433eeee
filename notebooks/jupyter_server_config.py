# The server that `make lab` starts saves the project's notebooks without outputs: running them changes no file.
c = get_config()  # noqa: F821  (Jupyter provides it)
c.ServerApp.contents_manager_class = "dlatrack.notebooks.contents.CleanContentsManager"
# The file browser shows one file of each pair: the notebook.
c.ContentsManager.hide_globs.append("[0-9][0-9]_*.py")
