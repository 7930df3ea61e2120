"""The file in which a user declares an application, `workbench.toml`: what it is, what is put under which load."""
