"""The draft of a `workbench.toml` and its locustfile, made of an OpenAPI document or of a recording of a browser."""
