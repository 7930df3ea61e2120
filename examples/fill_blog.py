"""Fills the blog's database with its first twenty posts, after `--anew` into empty tables."""

import sys

from flask_blog import engine, metadata, posts
from sqlalchemy import insert

if "--anew" in sys.argv:
    metadata.drop_all(engine)
metadata.create_all(engine)
with engine.begin() as connection:
    connection.execute(insert(posts), [{"title": f"Post {n}", "body": "A body"} for n in range(1, 21)])
